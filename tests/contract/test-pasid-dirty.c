/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What is written with a PASID, and tracked. */
#include "tables.h"

#define IOVA MOCK_FIRST

/* Each page has a bit of its own. */
static struct iommufd_ioas *get_exact_ioas(struct fixture *f)
{
	struct iommufd_ioas_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_IOAS_NO_HUGE_PAGES,
	};
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_ioas_new(f->ctx, &opts, &ioas));
	return hold_ioas(f, ioas);
}

static uint64_t dirty_in(struct iommufd_ioas *ioas)
{
	uint64_t bitmap = 0;

	assert_ok(iommufd_ioas_read_dirty(ioas, IOVA, 4 * PAGE, 0, 0, &bitmap));
	return bitmap;
}

static void what_a_pasid_writes_can_be_tracked(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_pasid *one, *two;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_exact_ioas(f);
	map_at(ioas, data, 4 * PAGE, IOVA);
	one = get_pasid(f, dev, 0);
	two = get_pasid(f, dev, 0);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_pasid_attach(one, ioas));
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	mock_write(f, pasid_info(one).hwpt, IOVA, 2);
	assert_int_equal(dirty_in(ioas), 2);
	assert_ok(iommufd_pasid_attach(two, ioas));
	mock_write(f, pasid_info(two).hwpt, IOVA, 8);
	assert_int_equal(dirty_in(ioas), 8);
}

static void a_pasid_attached_to_a_tracked_ioas_is_tracked(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID), *untracked;
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_pasid *pasid, *refused;
	struct iommufd_ioas *ioas;
	struct iommufd_hwpt *plain;

	if (!dev)
		return;
	untracked = get_mock(f, MOCK_PASID | MOCK_NO_DIRTY);
	ioas = get_exact_ioas(f);
	map_at(ioas, data, 4 * PAGE, IOVA);
	plain = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_PASID);
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	pasid = get_pasid(f, dev, 0);
	refused = get_pasid(f, untracked, 0);
	assert_error(iommufd_pasid_attach_hwpt(pasid, plain), -EINVAL);
	assert_error(iommufd_pasid_attach(refused, ioas), -EOPNOTSUPP);
	assert_ok(iommufd_pasid_attach(pasid, ioas));
	mock_write(f, pasid_info(pasid).hwpt, IOVA, 1);
	assert_int_equal(dirty_in(ioas), 1);
}

static void tracking_does_not_begin_where_a_pasid_cannot_be_tracked(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID), *untracked;
	struct iommufd_pasid *pasid, *own;
	struct iommufd_hwpt *plain;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	untracked = get_mock(f, MOCK_PASID | MOCK_NO_DIRTY);
	ioas = get_ioas(f);
	plain = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_PASID);
	pasid = get_pasid(f, dev, 0);
	assert_ok(iommufd_pasid_attach_hwpt(pasid, plain));
	assert_error(iommufd_ioas_set_dirty_tracking(ioas, 1), -EOPNOTSUPP);
	assert_ok(iommufd_pasid_detach(pasid));
	put_object(f, plain);
	own = get_pasid(f, untracked, 0);
	assert_ok(iommufd_pasid_attach(own, ioas));
	assert_error(iommufd_ioas_set_dirty_tracking(ioas, 1), -EOPNOTSUPP);
	assert_ok(iommufd_pasid_detach(own));
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
}

static void a_device_that_is_tracked_does_not_move_for_a_pasid(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_ioas *ioas, *other;
	struct iommufd_pasid *pasid;

	if (!dev)
		return;
	ioas = get_ioas(f);
	other = get_ioas(f);
	pasid = get_pasid(f, dev, 0);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	assert_error(iommufd_pasid_attach(pasid, other), -EBUSY);
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 0));
	assert_ok(iommufd_pasid_attach(pasid, other));
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
}

static const struct CMUnitTest cases[] = {
	CASE(what_a_pasid_writes_can_be_tracked),
	CASE(a_pasid_attached_to_a_tracked_ioas_is_tracked),
	CASE(tracking_does_not_begin_where_a_pasid_cannot_be_tracked),
	CASE(a_device_that_is_tracked_does_not_move_for_a_pasid),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("pasid-dirty", cases, NULL, NULL);
}
