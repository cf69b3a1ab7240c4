/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Page tables that tell what devices write: which devices get them, and what they tell. */
#include "tables.h"

#include "os/uapi.h"

#define IOVA MOCK_FIRST

/* What the kernel itself tells of a range, clearing it. */
static uint64_t raw_dirty(struct fixture *f, uint32_t table, uint64_t iova, uint64_t pages)
{
	uint64_t bits = 0;
	struct k_iommu_hwpt_get_dirty_bitmap arg = {
		.size = sizeof(arg), .hwpt_id = table, .iova = iova, .length = pages * PAGE,
		.page_size = PAGE, .data = (uintptr_t)&bits,
	};

	assert_int_equal(raw_ioctl(iommufd_ctx_get_fd(f->ctx), K_IOMMU_HWPT_GET_DIRTY_BITMAP, &arg),
			 0);
	return bits;
}

/* An IOAS with one I/O page for each page. */
static struct iommufd_ioas *get_small(struct fixture *f, uint64_t flags)
{
	struct iommufd_ioas_opts opts = { .size = sizeof(opts),
					  .flags = flags | IOMMUFD_IOAS_NO_HUGE_PAGES };
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_ioas_new(f->ctx, &opts, &ioas));
	return hold_ioas(f, ioas);
}

struct setting {
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;
	uint32_t table;
};

/* A mock device on a tracked IOAS with four pages, a hole of four, and four pages. */
static bool get_setting(struct fixture *f, struct setting *s)
{
	uint8_t *data = get_buffer(f, 8 * PAGE);

	s->dev = get_mock(f, 0);
	if (!s->dev)
		return false;
	s->ioas = get_small(f, 0);
	map_at(s->ioas, data, 4 * PAGE, IOVA);
	map_at(s->ioas, data + 4 * PAGE, 4 * PAGE, IOVA + 8 * PAGE);
	assert_ok(iommufd_device_attach(s->dev, s->ioas));
	s->table = next_id(f);
	assert_ok(iommufd_ioas_set_dirty_tracking(s->ioas, 1));
	return true;
}

static void the_kernel_stops_at_a_hole_and_we_do_not(void **state)
{
	struct fixture *f = *state;
	struct setting s;
	uint64_t bits = 0;

	if (!get_setting(f, &s))
		return;
	mock_write(f, s.table, IOVA, 0x905);
	assert_int_equal(raw_dirty(f, s.table, IOVA, 12), 0x005); /* and says that this is all */
	assert_int_equal(raw_dirty(f, s.table, IOVA + 8 * PAGE, 4), 0x9);
	mock_write(f, s.table, IOVA, 0x905);
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA, 12 * PAGE, 0, 0, &bits));
	assert_int_equal(bits, 0x905);
	bits = 0;
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA, 12 * PAGE, 0, 0, &bits));
	assert_int_equal(bits, 0);
}

static void the_kernel_unmaps_one_of_two_and_fails_and_we_do_not(void **state)
{
	struct fixture *f = *state;
	struct k_iommu_ioas_unmap arg = { .size = sizeof(arg), .iova = IOVA,
					  .length = 10 * PAGE };
	uint8_t *data = get_buffer(f, 8 * PAGE);
	struct setting s;
	uint64_t bits = 0;
	int atomic = 7;

	if (!get_setting(f, &s))
		return;
	mock_write(f, s.table, IOVA, 0x905);
	assert_error(iommufd_ioas_unmap_dirty(s.ioas, IOVA, 10 * PAGE, 0, &bits, NULL, NULL),
		     -EINVAL);
	assert_int_equal(bits, 0);
	assert_int_equal(raw_dirty(f, s.table, IOVA, 4), 0x5);
	assert_ok(iommufd_ioas_get_id(s.ioas, &arg.ioas_id));
	assert_int_equal(raw_ioctl(iommufd_ctx_get_fd(f->ctx), K_IOMMU_IOAS_UNMAP, &arg), -ENOENT);
	assert_false(mock_maps(f, s.table, IOVA, data, PAGE)); /* what was written there is lost */
	assert_ok(iommufd_ioas_unmap_dirty(s.ioas, IOVA + 8 * PAGE, 4 * PAGE, 0, &bits, NULL,
					   &atomic));
	assert_int_equal(bits, 0x9);
	assert_int_equal(atomic, 0);
}

static void bits_go_to_their_places_however_the_range_begins(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = get_buffer(f, 256 * PAGE);
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_ioas *ioas;
	uint32_t table;

	if (!dev)
		return;
	ioas = get_small(f, 0);
	map_at(ioas, data, PAGE, IOVA + 3 * PAGE);
	map_at(ioas, data + PAGE, 70 * PAGE, IOVA + 4 * PAGE);
	map_at(ioas, data + 71 * PAGE, 128 * PAGE, IOVA + 128 * PAGE);
	assert_ok(iommufd_device_attach(dev, ioas));
	table = next_id(f);
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	for (uint64_t before = 0; before <= 65; before += 13) {
		uint64_t bits[6] = { 0 }, first = 0, count, want[] = { 3, 5, 73, 128, 255 };

		for (size_t i = 0; i < ARRAY_SIZE(want); i++)
			mock_write(f, table, IOVA + want[i] * PAGE, 1);
		assert_ok(iommufd_ioas_read_dirty(ioas, IOVA - before * PAGE,
						  (256 + before) * PAGE, 0, 0, bits));
		for (size_t i = 0; i < ARRAY_SIZE(want); i++, first += count) {
			assert_int_equal(iommufd_dirty_next(bits, 384, &first, &count), 0);
			assert_int_equal(first, want[i] + before);
			assert_int_equal(count, 1);
		}
		assert_int_equal(iommufd_dirty_next(bits, 384, &first, &count), -ENOENT);
	}
}

static void a_bit_can_stand_for_more_than_mappings_have(void **state)
{
	struct fixture *f = *state;
	struct setting s;
	uint64_t bits = 0;

	if (!get_setting(f, &s))
		return;
	mock_write(f, s.table, IOVA, 0x800);
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA - 16 * PAGE, 48 * PAGE, 16 * PAGE,
					  IOMMUFD_DIRTY_KEEP, &bits));
	assert_int_equal(bits, 0x2);
	bits = 0;
	assert_ok(iommufd_ioas_read_dirty(s.ioas, IOVA, 16 * PAGE, 2 * PAGE, 0, &bits));
	assert_int_equal(bits, 0x20);
}

static void a_device_that_cannot_be_tracked_is_named_and_nothing_changes(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_NO_DIRTY), *can;
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_ioas *ioas, *other;
	uint64_t bits = 0;

	if (!dev)
		return;
	can = get_mock(f, 0);
	ioas = get_ioas(f);
	other = get_ioas(f);
	assert_ok(iommufd_device_attach(can, ioas));
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_error(iommufd_ioas_set_dirty_tracking(ioas, 1), -EOPNOTSUPP);
	assert_ok(iommufd_device_get_info(dev, &info));
	assert_non_null(strstr(expected_record()->object, info.name));
	assert_error(iommufd_ioas_read_dirty(ioas, IOVA, PAGE, 0, 0, &bits), -EINVAL);
	assert_ok(iommufd_device_replace(dev, other));
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	assert_error(iommufd_device_replace(dev, ioas), -EOPNOTSUPP);
	assert_ptr_equal(ioas_of(dev), other);
	assert_ok(iommufd_device_detach(dev));
	assert_error(iommufd_device_attach(dev, ioas), -EOPNOTSUPP);
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 0));
	assert_ok(iommufd_device_attach(dev, ioas));
}

static void a_device_on_a_table_without_tracking_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_hwpt *plain, *tracked;
	struct iommufd_ioas *ioas;

	if (!dev)
		return;
	ioas = get_ioas(f);
	plain = get_hwpt(f, dev, ioas, 0);
	tracked = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_DIRTY_TRACKING);
	assert_ok(iommufd_device_attach_hwpt(dev, plain));
	assert_error(iommufd_ioas_set_dirty_tracking(ioas, 1), -EOPNOTSUPP);
	assert_ptr_equal(hwpt_of(dev), plain);
	assert_ok(iommufd_device_replace_hwpt(dev, tracked));
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	assert_ptr_equal(hwpt_of(dev), tracked);
	assert_error(iommufd_device_replace_hwpt(dev, plain), -EINVAL);
	assert_ptr_equal(hwpt_of(dev), tracked);
}

static void devices_share_one_table_of_the_librarys(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_mock(f, 0), *two;
	struct iommufd_ioas *ioas, *first;
	uint32_t second;

	if (!one)
		return;
	two = get_mock(f, 0);
	ioas = get_ioas(f);
	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_device_attach(two, ioas));
	first = get_ioas(f);
	second = next_id(f);
	put_ioas(f, first);
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	assert_null(hwpt_of(one));
	assert_null(hwpt_of(two));
	assert_int_equal(next_id(f), second); /* one number was needed */
	assert_ok(iommufd_device_detach(one));
	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 0));
	assert_ok(iommufd_device_detach(one));
	assert_ok(iommufd_device_detach(two));
}

static void an_ioas_that_expects_it_has_the_table_from_the_start(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0), *cannot;
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_ioas *ioas;
	uint64_t bits = 0;
	uint32_t table;

	if (!dev) {
		struct iommufd_ioas_opts opts = { .size = sizeof(opts),
						  .flags = IOMMUFD_IOAS_DIRTY_TRACKING };

		assert_ok(iommufd_ioas_new(f->ctx, &opts, &ioas)); /* no more than a wish */
		hold_ioas(f, ioas);
		return;
	}
	ioas = get_small(f, IOMMUFD_IOAS_DIRTY_TRACKING);
	map_at(ioas, data, PAGE, IOVA);
	table = next_id(f);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_null(hwpt_of(dev));
	assert_error(iommufd_ioas_read_dirty(ioas, IOVA, PAGE, 0, 0, &bits), -EINVAL);
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	mock_write(f, table, IOVA, 1);
	assert_ok(iommufd_ioas_read_dirty(ioas, IOVA, PAGE, 0, 0, &bits));
	assert_int_equal(bits, 1);
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 0));
	cannot = get_mock(f, MOCK_NO_DIRTY);
	assert_ok(iommufd_device_attach(cannot, ioas));
}

static void tables_of_the_programs_are_added_up_and_read_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_mock(f, 0), *two;
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_hwpt *first, *second;
	struct iommufd_ioas *ioas;
	uint64_t bits = 0;

	if (!one)
		return;
	two = get_mock(f, 0);
	ioas = get_small(f, 0);
	map_at(ioas, data, 4 * PAGE, IOVA);
	first = get_hwpt(f, one, ioas, IOMMUFD_HWPT_DIRTY_TRACKING);
	assert_ok(iommufd_device_attach_hwpt(one, first));
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	second = get_hwpt(f, two, ioas, IOMMUFD_HWPT_DIRTY_TRACKING);
	assert_ok(iommufd_device_attach_hwpt(two, second));
	mock_write(f, hwpt_id(first), IOVA, 1);
	mock_write(f, hwpt_id(second), IOVA, 2);
	assert_ok(iommufd_hwpt_read_dirty(first, IOVA, 4 * PAGE, 0, IOMMUFD_DIRTY_KEEP, &bits));
	assert_int_equal(bits, 1);
	assert_ok(iommufd_ioas_read_dirty(ioas, IOVA, 4 * PAGE, 0, 0, &bits));
	assert_int_equal(bits, 3);
	bits = 0;
	assert_ok(iommufd_hwpt_read_dirty(second, IOVA, 4 * PAGE, 0, 0, &bits));
	assert_int_equal(bits, 0);
}

static void one_table_can_be_tracked_alone(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0);
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_hwpt *hwpt;
	struct iommufd_ioas *ioas;
	uint64_t bits = 0;

	if (!dev)
		return;
	ioas = get_small(f, 0);
	map_at(ioas, data, PAGE, IOVA);
	hwpt = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_DIRTY_TRACKING);
	assert_error(iommufd_hwpt_read_dirty(hwpt, IOVA, PAGE, 0, 0, &bits), -EINVAL);
	assert_ok(iommufd_hwpt_set_dirty_tracking(hwpt, 0));
	assert_ok(iommufd_hwpt_set_dirty_tracking(hwpt, 1));
	mock_write(f, hwpt_id(hwpt), IOVA, 1);
	assert_ok(iommufd_hwpt_set_dirty_tracking(hwpt, 1)); /* begins anew */
	assert_ok(iommufd_hwpt_read_dirty(hwpt, IOVA, PAGE, 0, 0, &bits));
	assert_int_equal(bits, 0);
	mock_write(f, hwpt_id(hwpt), IOVA, 1);
	assert_ok(iommufd_hwpt_read_dirty(hwpt, IOVA, PAGE, 0, 0, &bits));
	assert_int_equal(bits, 1);
	assert_error(iommufd_ioas_read_dirty(ioas, IOVA, PAGE, 0, 0, &bits), -EINVAL);
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	assert_error(iommufd_hwpt_set_dirty_tracking(hwpt, 0), -EBUSY);
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 0));
	assert_error(iommufd_hwpt_read_dirty(hwpt, IOVA, PAGE, 0, 0, &bits), -EINVAL);
}

static void table_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_hwpt *hwpt, *parent, *nested;
	struct iommufd_ioas *ioas;
	uint64_t bits = 0;

	assert_error(iommufd_hwpt_set_dirty_tracking(NULL, 1), -EINVAL);
	assert_error(iommufd_hwpt_read_dirty(NULL, IOVA, PAGE, 0, 0, &bits), -EINVAL);
	if (!dev)
		return;
	ioas = get_ioas(f);
	hwpt = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_DIRTY_TRACKING);
	parent = get_hwpt(f, dev, ioas, IOMMUFD_HWPT_NEST_PARENT);
	nested = get_nested(f, dev, parent, 7);
	assert_error(iommufd_hwpt_set_dirty_tracking(hwpt, 2), -EINVAL);
	assert_error(iommufd_hwpt_set_dirty_tracking(nested, 1), -EINVAL);
	assert_error(iommufd_hwpt_set_dirty_tracking(parent, 1), -EOPNOTSUPP);
	assert_ok(iommufd_hwpt_set_dirty_tracking(hwpt, 1));
	assert_error(iommufd_hwpt_read_dirty(hwpt, IOVA, PAGE, 0, 2, &bits), -EOPNOTSUPP);
	assert_error(iommufd_hwpt_read_dirty(hwpt, IOVA, PAGE, 0, 0, NULL), -EINVAL);
	assert_error(iommufd_hwpt_read_dirty(hwpt, IOVA, 0, 0, 0, &bits), -EINVAL);
	assert_error(iommufd_hwpt_read_dirty(hwpt, IOVA, PAGE, 3 * PAGE, 0, &bits), -EINVAL);
	assert_error(iommufd_hwpt_read_dirty(hwpt, -PAGE, 2 * PAGE, 0, 0, &bits), -EOVERFLOW);
}

static const struct CMUnitTest cases[] = {
	CASE(the_kernel_stops_at_a_hole_and_we_do_not),
	CASE(the_kernel_unmaps_one_of_two_and_fails_and_we_do_not),
	CASE(bits_go_to_their_places_however_the_range_begins),
	CASE(a_bit_can_stand_for_more_than_mappings_have),
	CASE(a_device_that_cannot_be_tracked_is_named_and_nothing_changes),
	CASE(a_device_on_a_table_without_tracking_eopnotsupp),
	CASE(devices_share_one_table_of_the_librarys),
	CASE(an_ioas_that_expects_it_has_the_table_from_the_start),
	CASE(tables_of_the_programs_are_added_up_and_read_one_by_one),
	CASE(one_table_can_be_tracked_alone),
	CASE(table_bad_argument),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("dirty-table", cases, NULL, NULL);
}
