/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* An IOAS as such: life, IOVA ranges and their protection, alignment, huge pages. */
#include "contract.h"

struct future_opts {
	struct iommufd_ioas_opts known;
	uint64_t unknown;
};

#define refuse_new(ctx, opts, code) do { \
	struct iommufd_ioas *none_ = (void *)1; \
	assert_error(iommufd_ioas_new((ctx), (opts), &none_), code); \
	assert_null(none_); \
} while (0)

static int allow(struct iommufd_ioas *ioas, uint64_t start, uint64_t last)
{
	struct iommufd_range range = { start, last };

	return iommufd_ioas_allow(ioas, &range, 1);
}

/* -- life */

static void ioas_new_is_empty(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *first = get_ioas(f), *second = get_ioas(f);
	uint32_t a, b;

	assert_int_equal(count_mappings(first), 0);
	assert_ok(iommufd_ioas_get_id(first, &a));
	assert_ok(iommufd_ioas_get_id(second, &b));
	assert_true(a && b && a != b);
	assert_error(iommufd_ioas_get_id(first, NULL), -EINVAL);
}

static void ioas_new_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct future_opts opts = { .known.size = sizeof(opts), .unknown = 1 };
	struct iommufd_ioas *ioas;

	assert_error(iommufd_ioas_new(f->ctx, NULL, NULL), -EINVAL);
	refuse_new(f->ctx, &opts.known, -E2BIG);
	opts.unknown = 0;
	assert_ok(iommufd_ioas_new(f->ctx, &opts.known, &ioas));
	hold_ioas(f, ioas);
	opts.known.flags = 1u << 9;
	refuse_new(f->ctx, &opts.known, -EOPNOTSUPP);
}

static void ioas_ref_keeps_it(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);

	assert_ptr_equal(iommufd_ioas_ref(ioas), ioas);
	assert_null(iommufd_ioas_unref(ioas));
	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_null(iommufd_ioas_ref(NULL));
	assert_null(iommufd_ioas_unref(NULL));
}

/* -- ranges */

static void ioas_ranges_are_wide_without_device(void **state)
{
	struct iommufd_range range[4];

	assert_int_equal(get_ranges(get_ioas(*state), range, 4), 1);
	assert_int_equal(range[0].start, 0);
	assert_int_equal(range[0].last, LAST_IOVA);
}

static void ioas_ranges_narrow_by_attach_and_widen_by_detach(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_range range[32];
	size_t count;

	assert_ok(iommufd_device_attach(dev, ioas));
	count = get_ranges(ioas, range, ARRAY_SIZE(range));
	assert_true(count >= 1);
	assert_int_equal(count > 1 || range[0].last != LAST_IOVA, contract_is_isolated());
	for (size_t i = 0; i < count; i++) {
		assert_true(range[i].start <= range[i].last);
		assert_true(i == 0 || range[i].start > range[i - 1].last + 1);
		assert_int_equal(range[i].start % PAGE, 0);
		assert_int_equal((range[i].last + 1) % PAGE, 0);
	}
	assert_ok(iommufd_device_detach(dev));
	assert_int_equal(get_ranges(ioas, range, ARRAY_SIZE(range)), 1);
	assert_int_equal(range[0].last, LAST_IOVA);
}

static void ioas_ranges_include_what_is_mapped(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_range range[4];

	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_int_equal(get_ranges(ioas, range, 4), 1);
}

static void ioas_ranges_too_little_room_enobufs(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_range all[32], one = { 77, 77 };
	size_t exist, count = 0;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	exist = get_ranges(ioas, all, ARRAY_SIZE(all));
	assert_error(iommufd_ioas_get_ranges(ioas, NULL, &count), -ENOBUFS);
	assert_int_equal(count, exist);
	if (exist < 2)
		skip_case(f, "the IOMMU allows a single range");
	count = 1;
	assert_error(iommufd_ioas_get_ranges(ioas, &one, &count), -ENOBUFS);
	assert_int_equal(count, exist);
	assert_int_equal(one.start, all[0].start);
	assert_int_equal(one.last, all[0].last);
}

static void ioas_ranges_bad_argument_einval(void **state)
{
	struct iommufd_ioas *ioas = get_ioas(*state);
	struct iommufd_range range;
	size_t count = 1;

	assert_error(iommufd_ioas_get_ranges(ioas, &range, NULL), -EINVAL);
	assert_error(iommufd_ioas_get_ranges(ioas, NULL, &count), -EINVAL);
}

static void ioas_alignment_is_a_page_at_least(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint64_t align = 0;

	assert_ok(iommufd_ioas_get_alignment(ioas, &align));
	assert_int_equal(align, (uint64_t)sysconf(_SC_PAGESIZE));
	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_ok(iommufd_ioas_get_alignment(ioas, &align));
	assert_true(align >= (uint64_t)sysconf(_SC_PAGESIZE) && !(align & (align - 1)));
	assert_error(iommufd_ioas_get_alignment(ioas, NULL), -EINVAL);
}

/* -- protection */

static void ioas_allow_directs_what_is_chosen(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_range two[] = { { 0x400000, 0x400fff }, { 0x800000, 0x8fffff } };
	uint8_t *data = get_buffer(f, 2 * PAGE);
	uint64_t iova = 0;

	assert_ok(iommufd_ioas_allow(ioas, two, 2));
	assert_ok(iommufd_ioas_map(ioas, data, 2 * PAGE, MAP_RW, &iova, NULL));
	assert_true(iova >= 0x800000 && iova + 2 * PAGE - 1 <= 0x8fffff);
	assert_ok(allow(ioas, 0x100000, 0x100fff));
	assert_ok(iommufd_ioas_map(ioas, data, PAGE, MAP_RW, &iova, NULL));
	assert_int_equal(iova, 0x100000);
	assert_error(iommufd_ioas_map(ioas, data, PAGE, MAP_RW, &iova, NULL), -ENOSPC);
	assert_ok(iommufd_ioas_allow(ioas, NULL, 0));
	assert_ok(iommufd_ioas_map(ioas, data, PAGE, MAP_RW, &iova, NULL));
}

static void ioas_allow_keeps_devices_out_that_would_narrow(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f), *probe = get_ioas(f);
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint64_t hole;

	assert_ok(iommufd_device_attach(dev, probe));
	hole = reserved_iova(probe);
	assert_ok(iommufd_device_detach(dev));
	assert_ok(allow(ioas, hole - 16 * PAGE, hole + PAGE - 1));
	assert_error(iommufd_device_attach(dev, ioas), -EADDRINUSE);
	assert_ok(allow(ioas, hole - 16 * PAGE, hole - 1));
	assert_ok(iommufd_device_attach(dev, ioas));
}

static void ioas_allow_outside_what_devices_allow_eaddrnotavail(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint64_t hole;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	hole = reserved_iova(ioas);
	assert_error(allow(ioas, hole, hole + PAGE - 1), -EADDRNOTAVAIL);
	assert_error(allow(ioas, hole - PAGE, hole + PAGE - 1), -EADDRNOTAVAIL);
	assert_ok(allow(ioas, hole - PAGE, hole - 1));
}

static void ioas_allow_failed_keeps_the_list_before(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint64_t iova = 0;

	assert_ok(allow(ioas, 0x700000, 0x70ffff));
	assert_error(allow(ioas, 0x20000, 0x10000), -EINVAL);
	assert_ok(iommufd_ioas_map(ioas, get_buffer(f, PAGE), PAGE, MAP_RW, &iova, NULL));
	assert_true(iova >= 0x700000 && iova <= 0x70f000);
}

static void ioas_allow_bad_list_einval(void **state)
{
	struct iommufd_ioas *ioas = get_ioas(*state);
	struct iommufd_range overlap[] = { { 0x10000, 0x1ffff }, { 0x1f000, 0x2ffff } };
	struct iommufd_range twice[] = { { 0x10000, 0x1ffff }, { 0x10000, 0x1ffff } };

	assert_error(allow(ioas, 0x20000, 0x10fff), -EINVAL);
	assert_error(allow(ioas, 0x10001, 0x1ffff), -EINVAL);
	assert_error(allow(ioas, 0x10000, 0x1fffe), -EINVAL);
	assert_error(allow(ioas, 0x10000, 0x10000), -EINVAL);
	assert_error(iommufd_ioas_allow(ioas, overlap, 2), -EINVAL);
	assert_error(iommufd_ioas_allow(ioas, twice, 2), -EINVAL);
	assert_error(iommufd_ioas_allow(ioas, NULL, 1), -EINVAL);
}

/* -- huge pages */

static bool can_be_switched(struct fixture *f)
{
	return iommufd_ctx_has(f->ctx, IOMMUFD_CAP_HUGE_PAGE_OPTION);
}

static void ioas_huge_pages_are_on_until_switched_off(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int enabled = 77;

	if (!can_be_switched(f)) {
		assert_error(iommufd_ioas_get_huge_pages(ioas, &enabled), -EOPNOTSUPP);
		assert_error(iommufd_ioas_set_huge_pages(ioas, 0), -EOPNOTSUPP);
		return;
	}
	assert_ok(iommufd_ioas_get_huge_pages(ioas, &enabled));
	assert_int_equal(enabled, 1);
	assert_ok(iommufd_ioas_set_huge_pages(ioas, 0));
	assert_ok(iommufd_ioas_get_huge_pages(ioas, &enabled));
	assert_int_equal(enabled, 0);
	assert_ok(iommufd_ioas_set_huge_pages(ioas, 1));
	assert_ok(iommufd_ioas_get_huge_pages(ioas, &enabled));
	assert_int_equal(enabled, 1);
}

static void ioas_huge_pages_off_by_option(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_IOAS_NO_HUGE_PAGES,
	};
	struct iommufd_ioas *ioas;
	int enabled = 77;

	if (!can_be_switched(f)) {
		assert_error(iommufd_ioas_new(f->ctx, &opts, &ioas), -EOPNOTSUPP);
		return;
	}
	assert_ok(iommufd_ioas_new(f->ctx, &opts, &ioas));
	hold_ioas(f, ioas);
	assert_ok(iommufd_ioas_get_huge_pages(ioas, &enabled));
	assert_int_equal(enabled, 0);
}

static void ioas_huge_pages_after_mapping_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int enabled = 77;

	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	if (!can_be_switched(f)) {
		assert_error(iommufd_ioas_set_huge_pages(ioas, 0), -EOPNOTSUPP);
		return;
	}
	assert_error(iommufd_ioas_set_huge_pages(ioas, 0), -EINVAL);
	assert_ok(iommufd_ioas_get_huge_pages(ioas, &enabled));
	assert_int_equal(enabled, 1);
	assert_ok(iommufd_ioas_unmap_all(ioas, NULL));
	assert_ok(iommufd_ioas_set_huge_pages(ioas, 0));
}

static void ioas_huge_pages_bad_argument_einval(void **state)
{
	struct iommufd_ioas *ioas = get_ioas(*state);

	assert_error(iommufd_ioas_set_huge_pages(ioas, 2), -EINVAL);
	assert_error(iommufd_ioas_set_huge_pages(ioas, -1), -EINVAL);
	assert_error(iommufd_ioas_get_huge_pages(ioas, NULL), -EINVAL);
}

static const struct CMUnitTest cases[] = {
	CASE(ioas_new_is_empty),
	CASE(ioas_new_bad_argument),
	CASE(ioas_ref_keeps_it),
	CASE(ioas_ranges_are_wide_without_device),
	CASE(ioas_ranges_narrow_by_attach_and_widen_by_detach),
	CASE(ioas_ranges_include_what_is_mapped),
	CASE(ioas_ranges_too_little_room_enobufs),
	CASE(ioas_ranges_bad_argument_einval),
	CASE(ioas_alignment_is_a_page_at_least),
	CASE(ioas_allow_directs_what_is_chosen),
	CASE(ioas_allow_keeps_devices_out_that_would_narrow),
	CASE(ioas_allow_outside_what_devices_allow_eaddrnotavail),
	CASE(ioas_allow_failed_keeps_the_list_before),
	CASE(ioas_allow_bad_list_einval),
	CASE(ioas_huge_pages_are_on_until_switched_off),
	CASE(ioas_huge_pages_off_by_option),
	CASE(ioas_huge_pages_after_mapping_einval),
	CASE(ioas_huge_pages_bad_argument_einval),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ioas-ranges", cases, NULL, NULL);
}
