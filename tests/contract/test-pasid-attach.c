/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* PASIDs attached, moved and detached, and the tables that they and their device get. */
#include "tables.h"

#include "os/mock.h"

#define IOVA MOCK_FIRST

static struct iommufd_hwpt *pasid_hwpt(struct iommufd_pasid *pasid)
{
	struct iommufd_hwpt *hwpt;

	assert_ok(iommufd_pasid_get_hwpt(pasid, &hwpt));
	iommufd_hwpt_unref(hwpt);
	return hwpt;
}

static struct iommufd_ioas *pasid_ioas(struct iommufd_pasid *pasid)
{
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_pasid_get_ioas(pasid, &ioas));
	iommufd_ioas_unref(ioas);
	return ioas;
}

static void each_pasid_has_an_address_space_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	uint8_t *data = get_buffer(f, 3 * PAGE);
	struct iommufd_ioas *a, *b;
	struct iommufd_pasid *one, *two;

	if (!dev)
		return;
	a = get_ioas(f);
	b = get_ioas(f);
	one = get_pasid(f, dev, 0);
	two = get_pasid(f, dev, 0);
	map_at(a, data, PAGE, IOVA);
	assert_ok(iommufd_pasid_attach(one, a));
	assert_ok(iommufd_pasid_attach(two, b));
	map_at(b, data + PAGE, PAGE, IOVA);
	map_at(a, data + 2 * PAGE, PAGE, IOVA + PAGE);
	assert_ptr_equal(pasid_ioas(one), a);
	assert_ptr_equal(pasid_ioas(two), b);
	assert_true(mock_maps(f, pasid_info(one).hwpt, IOVA, data, PAGE));
	assert_true(mock_maps(f, pasid_info(one).hwpt, IOVA + PAGE, data + 2 * PAGE, PAGE));
	assert_true(mock_maps(f, pasid_info(two).hwpt, IOVA, data + PAGE, PAGE));
	assert_true(mock_pasid_is(f, dev, pasid_info(one).number, pasid_info(one).hwpt));
	assert_true(mock_pasid_is(f, dev, pasid_info(two).number, pasid_info(two).hwpt));
}

static void pasids_on_one_ioas_share_a_table_that_is_not_shown(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *one, *two;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	one = get_pasid(f, dev, 0);
	two = get_pasid(f, dev, 0);
	assert_ok(iommufd_pasid_attach(one, ioas));
	assert_ok(iommufd_pasid_attach(two, ioas));
	assert_int_equal(pasid_info(one).hwpt, pasid_info(two).hwpt);
	assert_null(pasid_hwpt(one));
	assert_error(iommufd_pasid_get_hwpt(one, NULL), -EINVAL);
	assert_error(iommufd_pasid_get_ioas(one, NULL), -EINVAL);
}

static void an_attached_pasid_ebusy(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *ioas, *other;
	struct iommufd_hwpt *hwpt;

	if (!dev)
		return;
	ioas = get_ioas(f);
	other = get_ioas(f);
	hwpt = get_hwpt(f, dev, other, IOMMUFD_HWPT_PASID);
	pasid = get_pasid(f, dev, 0);
	assert_ok(iommufd_pasid_attach(pasid, ioas));
	assert_error(iommufd_pasid_attach(pasid, ioas), -EBUSY);
	assert_error(iommufd_pasid_attach(pasid, other), -EBUSY);
	assert_error(iommufd_pasid_attach_hwpt(pasid, hwpt), -EBUSY);
	assert_ptr_equal(pasid_ioas(pasid), ioas);
}

static void a_pasid_that_is_not_attached_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *ioas;
	struct iommufd_hwpt *hwpt;

	if (!dev)
		return;
	ioas = get_ioas(f);
	hwpt = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_PASID);
	pasid = get_pasid(f, dev, 4);
	assert_int_equal(mock_attach_pasid(f, dev, 4, 0), 0); /* the kernel says yes */
	assert_error(iommufd_pasid_detach(pasid), -EINVAL);
	assert_error(iommufd_pasid_replace(pasid, ioas), -EINVAL);
	assert_error(iommufd_pasid_replace_hwpt(pasid, hwpt), -EINVAL);
	assert_ok(iommufd_pasid_attach(pasid, ioas));
	assert_ok(iommufd_pasid_detach(pasid));
	assert_true(mock_pasid_is(f, dev, 4, 0));
	assert_null(pasid_ioas(pasid));
	assert_int_equal(pasid_info(pasid).hwpt, 0);
	assert_error(iommufd_pasid_detach(pasid), -EINVAL);
	assert_ok(iommufd_pasid_attach(pasid, ioas));
}

static void replace_moves_a_pasid(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *a, *b;
	struct iommufd_hwpt *hwpt;
	uint32_t first;

	if (!dev)
		return;
	a = get_ioas(f);
	b = get_ioas(f);
	pasid = get_pasid(f, dev, 6);
	assert_ok(iommufd_pasid_attach(pasid, a));
	first = pasid_info(pasid).hwpt;
	assert_ok(iommufd_pasid_replace(pasid, a));
	assert_int_equal(pasid_info(pasid).hwpt, first);
	assert_ok(iommufd_pasid_replace(pasid, b));
	assert_ptr_equal(pasid_ioas(pasid), b);
	assert_true(mock_pasid_is(f, dev, 6, pasid_info(pasid).hwpt));
	hwpt = get_hwpt(f, dev, a, IOMMUFD_HWPT_PASID);
	assert_ok(iommufd_pasid_replace_hwpt(pasid, hwpt));
	assert_ok(iommufd_pasid_replace_hwpt(pasid, hwpt));
	assert_ptr_equal(pasid_hwpt(pasid), hwpt);
	assert_true(mock_pasid_is(f, dev, 6, hwpt_id(hwpt)));
	assert_ok(iommufd_pasid_replace(pasid, a));
	assert_ptr_equal(pasid_hwpt(pasid), hwpt);
}

/* The mock IOMMU refuses this one number at every second try. */
static void a_refused_move_leaves_the_pasid_where_it_was(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *a, *b;
	uint32_t hwpt;

	if (!dev)
		return;
	a = get_ioas(f);
	b = get_ioas(f);
	pasid = get_pasid(f, dev, K_IOMMU_TEST_PASID_RESERVED);
	assert_ok(iommufd_pasid_attach(pasid, a));
	hwpt = pasid_info(pasid).hwpt;
	assert_error(iommufd_pasid_replace(pasid, b), -ENOMEM);
	assert_ptr_equal(pasid_ioas(pasid), a);
	assert_int_equal(pasid_info(pasid).hwpt, hwpt);
	assert_true(mock_pasid_is(f, dev, K_IOMMU_TEST_PASID_RESERVED, hwpt));
}

static void the_device_moves_to_a_table_that_takes_pasids(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_pasid *one, *two;
	struct iommufd_ioas *a, *b;
	struct iommufd_hwpt *hwpt;

	if (!dev)
		return;
	a = get_ioas(f);
	b = get_ioas(f);
	map_at(a, data, PAGE, IOVA);
	hwpt = get_hwpt(f, dev, b, IOMMUFD_HWPT_PASID);
	assert_ok(iommufd_device_attach(dev, a));
	assert_int_equal(mock_attach_pasid(f, dev, 8, hwpt_id(hwpt)), -EINVAL);
	one = get_pasid(f, dev, 8);
	two = get_pasid(f, dev, 9);
	assert_ok(iommufd_pasid_attach(one, b));
	assert_ptr_equal(pasid_hwpt(one), hwpt);
	assert_null(hwpt_of(dev));
	assert_ptr_equal(ioas_of(dev), a);
	assert_ok(iommufd_pasid_attach(two, a));
	assert_true(mock_pasid_is(f, dev, 0, pasid_info(two).hwpt));
	assert_true(mock_maps(f, pasid_info(two).hwpt, IOVA, data, PAGE));
}

/* A table of another kind of IOMMU is refused when the device has moved already. */
static void the_device_moves_back_when_the_pasid_is_refused(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts), .flags = IOMMUFD_HWPT_PASID };
	struct iommufd_device *dev = get_mock(f, MOCK_PASID), *edu;
	struct iommufd_hwpt *alien, *good;
	struct iommufd_pasid *pasid;

	if (!dev)
		return;
	edu = get_device(f, ALONE1);
	if (iommufd_hwpt_new(edu, get_ioas(f), &opts, &alien) == -EOPNOTSUPP)
		return;
	hold_hwpt(f, alien);
	good = get_hwpt(f, dev, get_ioas(f), IOMMUFD_HWPT_PASID);
	pasid = get_pasid(f, dev, 8);
	assert_ok(iommufd_device_attach(dev, get_ioas(f)));
	assert_error(iommufd_pasid_attach_hwpt(pasid, alien), -EINVAL);
	assert_int_equal(mock_attach_pasid(f, dev, 8, hwpt_id(good)), -EINVAL);
	assert_null(pasid_ioas(pasid));
	assert_ok(iommufd_pasid_attach_hwpt(pasid, good));
	assert_error(iommufd_pasid_replace_hwpt(pasid, alien), -EINVAL);
	assert_true(mock_pasid_is(f, dev, 8, hwpt_id(good)));
}

static void a_device_attached_later_gets_a_table_that_takes_pasids(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_hwpt *plain, *good;
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	plain = get_hwpt(f, dev, ioas, 0);
	pasid = get_pasid(f, dev, 0);
	assert_ok(iommufd_pasid_attach(pasid, ioas));
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_null(hwpt_of(dev));
	assert_true(mock_pasid_is(f, dev, 0, pasid_info(pasid).hwpt));
	assert_ok(iommufd_device_replace(dev, get_ioas(f)));
	assert_error(iommufd_device_replace_hwpt(dev, plain), -EINVAL);
	assert_non_null(strstr(expected_record()->remedy, "IOMMUFD_HWPT_PASID"));
	assert_ok(iommufd_device_detach(dev));
	assert_error(iommufd_device_attach_hwpt(dev, plain), -EINVAL);
	good = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_PASID);
	assert_ok(iommufd_device_attach_hwpt(dev, good));
	assert_ptr_equal(hwpt_of(dev), good);
	assert_ok(iommufd_device_detach(dev));
	assert_ok(iommufd_pasid_detach(pasid));
	assert_ok(iommufd_device_attach_hwpt(dev, plain));
}

static void a_table_of_the_programs_must_have_been_made_for_pasids(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_hwpt *plain, *good;
	struct iommufd_ioas *ioas, *other;
	struct iommufd_pasid *pasid;

	if (!dev)
		return;
	ioas = get_ioas(f);
	plain = get_hwpt(f, dev, ioas, 0);
	good = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_PASID);
	pasid = get_pasid(f, dev, 0);
	assert_error(iommufd_pasid_attach_hwpt(pasid, plain), -EINVAL);
	assert_non_null(strstr(expected_record()->remedy, "IOMMUFD_HWPT_PASID"));
	assert_ok(iommufd_pasid_attach_hwpt(pasid, good));
	assert_ptr_equal(pasid_hwpt(pasid), good);
	assert_ptr_equal(pasid_ioas(pasid), ioas);
	assert_error(iommufd_pasid_replace_hwpt(pasid, plain), -EINVAL);
	assert_error(iommufd_pasid_replace_hwpt(pasid, NULL), -EINVAL);
	assert_error(iommufd_pasid_replace(pasid, NULL), -EINVAL);
	assert_ok(iommufd_pasid_detach(pasid));
	assert_ok(iommufd_device_attach_hwpt(dev, plain));
	other = get_ioas(f);
	assert_error(iommufd_pasid_attach(pasid, other), -EINVAL);
	assert_non_null(strstr(expected_record()->message, "its device"));
	assert_ok(iommufd_device_replace_hwpt(dev, good));
	assert_ok(iommufd_pasid_attach(pasid, other));
}

static void an_ioas_gives_a_pasid_the_first_table_of_the_programs_that_will_do(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *pasid;
	struct iommufd_hwpt *first;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	get_hwpt(f, dev, ioas, 0);
	first = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_PASID | IOMMUFD_HWPT_DIRTY_TRACKING);
	get_hwpt(f, dev, ioas, IOMMUFD_HWPT_PASID);
	pasid = get_pasid(f, dev, 0);
	assert_ok(iommufd_pasid_attach(pasid, ioas));
	assert_ptr_equal(pasid_hwpt(pasid), first);
}

static void a_pasid_goes_through_a_guests_table(void **state)
{
	struct fixture *f = *state;
	struct k_iommu_hwpt_selftest data = { .iotlb = 1 };
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_HWPT_PASID, .data = &data,
		.data_length = sizeof(data), .data_type = K_IOMMU_HWPT_DATA_SELFTEST,
	};
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_hwpt *parent, *nested;
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	parent = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_NEST_PARENT | IOMMUFD_HWPT_PASID);
	assert_ok(iommufd_hwpt_new_nested(dev, parent, &opts, &nested));
	hold_hwpt(f, nested);
	pasid = get_pasid(f, dev, 5);
	assert_ok(iommufd_pasid_attach_hwpt(pasid, nested));
	assert_ptr_equal(pasid_hwpt(pasid), nested);
	assert_ptr_equal(pasid_ioas(pasid), ioas);
	assert_true(mock_pasid_is(f, dev, 5, hwpt_id(nested)));
	assert_ok(iommufd_pasid_replace(pasid, ioas));
	assert_ptr_equal(pasid_hwpt(pasid), parent);
}

static void what_is_of_another_context_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	pasid = get_pasid(f, dev, 0);
	assert_ok(iommufd_ioas_new(get_ctx(f, NULL), NULL, &ioas));
	hold_ioas(f, ioas);
	assert_error(iommufd_pasid_attach(pasid, ioas), -EINVAL);
	assert_non_null(strstr(expected_record()->message, "context"));
	assert_ok(iommufd_pasid_attach(pasid, get_ioas(f)));
	assert_error(iommufd_pasid_replace(pasid, ioas), -EINVAL);
}

static void a_mapping_out_of_reach_eaddrinuse(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_range range[8];
	struct iommufd_pasid *pasid;
	struct iommufd_ioas *ioas;
	uint64_t iova = MOCK_LAST + 1;

	if (!dev)
		return;
	ioas = get_ioas(f);
	pasid = get_pasid(f, dev, 0);
	map_at(ioas, data, PAGE, iova);
	assert_error(iommufd_pasid_attach(pasid, ioas), -EADDRINUSE);
	assert_ok(iommufd_ioas_unmap(ioas, iova, PAGE, NULL));
	assert_ok(iommufd_pasid_attach(pasid, ioas));
	assert_error(iommufd_ioas_map(ioas, data, PAGE, FIXED_RW, &iova, NULL), -EADDRNOTAVAIL);
	assert_int_equal(get_ranges(ioas, range, 8), 1);
	assert_int_equal(range[0].start, MOCK_FIRST);
	assert_int_equal(range[0].last, MOCK_LAST);
	assert_ok(iommufd_pasid_detach(pasid));
	map_at(ioas, data, PAGE, iova);
}

static const struct CMUnitTest cases[] = {
	CASE(each_pasid_has_an_address_space_of_its_own),
	CASE(pasids_on_one_ioas_share_a_table_that_is_not_shown),
	CASE(an_attached_pasid_ebusy),
	CASE(a_pasid_that_is_not_attached_einval),
	CASE(replace_moves_a_pasid),
	CASE(a_refused_move_leaves_the_pasid_where_it_was),
	CASE(the_device_moves_to_a_table_that_takes_pasids),
	CASE(the_device_moves_back_when_the_pasid_is_refused),
	CASE(a_device_attached_later_gets_a_table_that_takes_pasids),
	CASE(a_table_of_the_programs_must_have_been_made_for_pasids),
	CASE(an_ioas_gives_a_pasid_the_first_table_of_the_programs_that_will_do),
	CASE(a_pasid_goes_through_a_guests_table),
	CASE(what_is_of_another_context_einval),
	CASE(a_mapping_out_of_reach_eaddrinuse),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("pasid-attach", cases, NULL, NULL);
}
