/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Dirty tracking of mock devices, with the traps that the real kernel sets. */
#include "test-emu-mock.h"

enum { TRACK = K_IOMMU_HWPT_ALLOC_DIRTY_TRACKING, KEEP = K_IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR };

static int track(struct mocks *m, uint32_t hwpt, uint32_t flags)
{
	struct k_iommu_hwpt_set_dirty_tracking arg = { .size = sizeof(arg), .flags = flags,
						       .hwpt_id = hwpt };

	return request(m, K_IOMMU_HWPT_SET_DIRTY_TRACKING, &arg);
}

static int get_bits(struct mocks *m, uint32_t hwpt, uint32_t flags, uint64_t iova, uint64_t length,
	       uint64_t page, uint64_t *bits)
{
	struct k_iommu_hwpt_get_dirty_bitmap arg = {
		.size = sizeof(arg), .hwpt_id = hwpt, .flags = flags, .iova = iova,
		.length = length, .page_size = page, .data = (uintptr_t)bits,
	};

	return request(m, K_IOMMU_HWPT_GET_DIRTY_BITMAP, &arg);
}

/* The bits of up to 64 pages of 4 KiB. */
static uint64_t read_bits(struct mocks *m, uint32_t hwpt, uint32_t flags, uint64_t iova, uint64_t n)
{
	uint64_t bits = 0;

	assert_int_equal(get_bits(m, hwpt, flags, iova, n * PAGE, PAGE, &bits), 0);
	return bits;
}

static int dirty(struct mocks *m, uint32_t hwpt, uint64_t iova, uint64_t n, uint64_t page,
		 uint64_t bits)
{
	struct k_iommu_test_cmd cmd = {
		.op = K_IOMMU_TEST_OP_DIRTY, .id = hwpt,
		.dirty = { .iova = iova, .length = n * page, .page_size = page,
			   .uptr = (uintptr_t)&bits },
	};
	int r = op(m, &cmd);

	return r ? r : (int)cmd.dirty.out_nr_dirty;
}

/* A device on a table that is tracked, with 16 pages mapped. */
static uint32_t tracked(struct mocks *m, struct mock *mock)
{
	uint32_t hwpt;

	forbid_huge_pages(m);
	*mock = new_mock(m, 0);
	assert_int_equal(map(m, m->mem, PAGES * PAGE, APERTURE), 0);
	hwpt = new_hwpt(m, mock, TRACK);
	assert_int_equal(replace(m, mock, hwpt), 0);
	assert_int_equal(track(m, hwpt, 1), 0);
	return hwpt;
}

static void bits_stay_until_they_are_cleared(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock);

	assert_int_equal(dirty(m, hwpt, APERTURE, PAGES, PAGE, 5), 2);
	assert_int_equal(read_bits(m, hwpt, KEEP, APERTURE, PAGES), 5);
	assert_int_equal(read_bits(m, hwpt, 0, APERTURE, 2), 1);
	assert_int_equal(read_bits(m, hwpt, 0, APERTURE, PAGES), 4);
	assert_int_equal(read_bits(m, hwpt, 0, APERTURE, PAGES), 0);
}

static void bits_of_the_caller_are_kept(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock);
	uint64_t bits = 0x8002;

	assert_int_equal(dirty(m, hwpt, APERTURE, PAGES, PAGE, 0x100), 1);
	assert_int_equal(get_bits(m, hwpt, 0, APERTURE, PAGES * PAGE, PAGE, &bits), 0);
	assert_int_equal(bits, 0x8102);
}

static void a_hole_ends_the_walk_and_that_is_a_success(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock);
	uint64_t second = APERTURE + 32 * PAGE;

	assert_int_equal(map(m, m->mem, PAGES * PAGE, second), 0);
	assert_int_equal(dirty(m, hwpt, APERTURE, 48, PAGE, UINT64_C(0xffff0000ffff)), 32);
	assert_int_equal(read_bits(m, hwpt, 0, APERTURE, 48), 0xffff);
	assert_int_equal(read_bits(m, hwpt, 0, APERTURE + PAGES * PAGE, 32), 0); /* from a hole on */
	assert_int_equal(read_bits(m, hwpt, 0, second, PAGES), 0xffff);
}

static void neighbours_are_read_together(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock);

	assert_int_equal(map(m, m->mem, PAGES * PAGE, APERTURE + PAGES * PAGE), 0);
	assert_int_equal(dirty(m, hwpt, APERTURE, 32, PAGE, 0x18001), 3);
	assert_int_equal(read_bits(m, hwpt, 0, APERTURE, 32), 0x18001);
}

static void a_page_is_dirty_as_a_whole(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock);
	uint64_t bits = 0;

	assert_int_equal(dirty(m, hwpt, APERTURE, 16, 2048, 2), 1);
	assert_int_equal(get_bits(m, hwpt, KEEP, APERTURE, 2 * PAGE, 2048, &bits), 0);
	assert_int_equal(bits, 3);
	bits = 0;
	assert_int_equal(get_bits(m, hwpt, KEEP, APERTURE, 4 * PAGE, 2 * PAGE, &bits), 0);
	assert_int_equal(bits, 1);
}

static void odd_page_sizes_are_taken_for_smaller_ones(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock);
	uint64_t bits = 0;

	assert_int_equal(dirty(m, hwpt, APERTURE, PAGES, PAGE, 2), 1);
	assert_int_equal(get_bits(m, hwpt, 0, APERTURE, 4 * PAGE, 6144, &bits), 0);
	assert_int_equal(bits, 0xc); /* in pages of 2048 */
}

static void bad_requests_for_bits(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock);
	uint64_t bits = 0;

	assert_int_equal(get_bits(m, hwpt, 2, APERTURE, PAGE, PAGE, &bits), -EOPNOTSUPP);
	assert_int_equal(get_bits(m, mock.dev, 0, APERTURE, PAGE, PAGE, &bits), -ENOENT);
	assert_int_equal(get_bits(m, hwpt, 0, APERTURE, 0, PAGE, &bits), -EINVAL);
	assert_int_equal(get_bits(m, hwpt, 0, APERTURE, PAGE, 0, &bits), -EINVAL);
	assert_int_equal(get_bits(m, hwpt, 0, APERTURE + 2048, PAGE, PAGE, &bits), -EINVAL);
	assert_int_equal(get_bits(m, hwpt, 0, APERTURE, 3 * PAGE, 2 * PAGE, &bits), -EINVAL);
	assert_int_equal(get_bits(m, hwpt, 0, UINT64_MAX - PAGE + 1, 2 * PAGE, PAGE, &bits), -EOVERFLOW);
	assert_int_equal(track(m, hwpt, 2), -EOPNOTSUPP);
	assert_int_equal(track(m, mock.dev, 1), -ENOENT);
	assert_int_equal(get_bits(m, hwpt, 0, APERTURE, PAGE, PAGE, NULL), 0);
}

static void switching_on_begins_anew_and_off_keeps_what_is_there(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock);

	assert_int_equal(dirty(m, hwpt, APERTURE, PAGES, PAGE, 1), 1);
	assert_int_equal(track(m, hwpt, 0), 0);
	assert_int_equal(dirty(m, hwpt, APERTURE, PAGES, PAGE, 2), -EINVAL);
	assert_int_equal(read_bits(m, hwpt, KEEP, APERTURE, PAGES), 1);
	assert_int_equal(track(m, hwpt, 1), 0);
	assert_int_equal(read_bits(m, hwpt, 0, APERTURE, PAGES), 0);
}

static void what_is_unmapped_is_forgotten(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock);

	assert_int_equal(dirty(m, hwpt, APERTURE, PAGES, PAGE, 0xff), 8);
	assert_int_equal(unmap(m, APERTURE, PAGES * PAGE), 0);
	assert_int_equal(map(m, m->mem, PAGES * PAGE, APERTURE), 0);
	assert_int_equal(read_bits(m, hwpt, 0, APERTURE, PAGES), 0);
}

static void each_table_has_bits_of_its_own(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock), other = new_hwpt(m, &mock, TRACK);

	assert_int_equal(track(m, other, 1), 0);
	assert_int_equal(dirty(m, hwpt, APERTURE, PAGES, PAGE, 1), 1);
	assert_int_equal(read_bits(m, other, 0, APERTURE, PAGES), 0);
	assert_int_equal(read_bits(m, hwpt, 0, APERTURE, PAGES), 1);
}

static void who_cannot_track_is_kept_out(void **state)
{
	struct mocks *m = *state;
	struct mock mock, other = new_mock(m, K_MOCK_FLAGS_DEVICE_NO_DIRTY);
	uint32_t hwpt, id;
	uint64_t bits = 0;

	mock = new_mock(m, 0);
	hwpt = new_hwpt(m, &mock, TRACK);
	assert_int_equal(try_hwpt(m, other.dev, m->ioas, TRACK, &id), -EOPNOTSUPP);
	assert_int_equal(replace(m, &other, hwpt), -EINVAL);
	assert_int_equal(track(m, mock.hwpt, 1), -EOPNOTSUPP);
	assert_int_equal(get_bits(m, mock.hwpt, 0, APERTURE, PAGE, PAGE, &bits), -EOPNOTSUPP);
	assert_int_equal(dirty(m, mock.hwpt, APERTURE, 1, PAGE, 1), -EINVAL);
}

static void bad_requests_to_write(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = tracked(m, &mock);

	assert_int_equal(dirty(m, hwpt, APERTURE, 0, PAGE, 1), -EINVAL);
	assert_int_equal(dirty(m, hwpt, APERTURE + 1, 1, PAGE, 1), -EINVAL);
	assert_int_equal(dirty(m, 99, APERTURE, 1, PAGE, 1), -ENOENT);
	assert_int_equal(dirty(m, hwpt, APERTURE + 32 * PAGE, 1, PAGE, 1), 1); /* nothing there */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bits_stay_until_they_are_cleared),
		TEST(bits_of_the_caller_are_kept),
		TEST(a_hole_ends_the_walk_and_that_is_a_success),
		TEST(neighbours_are_read_together),
		TEST(a_page_is_dirty_as_a_whole),
		TEST(odd_page_sizes_are_taken_for_smaller_ones),
		TEST(bad_requests_for_bits),
		TEST(switching_on_begins_anew_and_off_keeps_what_is_there),
		TEST(what_is_unmapped_is_forgotten),
		TEST(each_table_has_bits_of_its_own),
		TEST(who_cannot_track_is_kept_out),
		TEST(bad_requests_to_write),
	};

	return RUN(tests);
}
