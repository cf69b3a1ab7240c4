/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mapping memory of the process: what is legal, where it lands, what is refused. */
#include "contract.h"

#include <sys/mman.h>

struct future_opts {
	struct iommufd_map_opts known;
	uint64_t unknown;
};

/* Like iommufd_ioas_map() at a fixed IOVA. */
static int map_fixed(struct iommufd_ioas *ioas, void *va, size_t length, uint64_t iova)
{
	return iommufd_ioas_map(ioas, va, length, FIXED_RW, &iova, NULL);
}

static int map_within(struct iommufd_ioas *ioas, void *va, size_t length, uint64_t min,
		      uint64_t last, uint64_t align, uint64_t *iova)
{
	struct iommufd_map_opts opts = {
		.size = sizeof(opts), .min = min, .last = last, .align = align,
	};

	return iommufd_ioas_map(ioas, va, length, MAP_RW, iova, &opts);
}

static struct iommufd_mapping mapping_at(struct iommufd_ioas *ioas, uint64_t iova)
{
	struct iommufd_mapping m = { .size = sizeof(m) };

	assert_ok(iommufd_ioas_next_mapping(ioas, iova, &m));
	return m;
}

/* -- where it was asked for */

static void ioas_map_fixed_is_where_it_was_asked(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	uint64_t iova = 0x123456000;
	struct iommufd_mapping m;

	assert_ok(iommufd_ioas_map(ioas, data, 4 * PAGE, FIXED_RW, &iova, NULL));
	assert_int_equal(iova, 0x123456000);
	m = mapping_at(ioas, 0);
	assert_int_equal(m.iova, 0x123456000);
	assert_int_equal(m.length, 4 * PAGE);
	assert_int_equal(m.va, (uintptr_t)data);
	assert_int_equal(m.flags, MAP_RW);
	assert_int_equal(m.memory, IOMMUFD_MEMORY_VA);
	assert_int_equal(count_mappings(ioas), 1);
}

static void ioas_map_at_both_ends_of_the_address_space(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova;

	map_at(ioas, data, PAGE, 0);
	map_at(ioas, data, PAGE, LAST_IOVA - PAGE + 1);
	assert_int_equal(count_mappings(ioas), 2);
	assert_int_equal(mapping_at(ioas, LAST_IOVA).length, PAGE);
	/* The last page of all is never mapped. */
	assert_error(map_fixed(ioas, data, PAGE, LAST_IOVA + 1), -EADDRNOTAVAIL);
	assert_error(map_within(ioas, data, PAGE, LAST_IOVA + 1, 0, 0, &iova), -ENOSPC);
}

static void ioas_map_keeps_the_permissions(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova = 0x10000;

	assert_ok(iommufd_ioas_map(ioas, data, PAGE, IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED, &iova,
				   NULL));
	iova = 0x20000;
	assert_ok(iommufd_ioas_map(ioas, data, PAGE, IOMMUFD_MAP_WRITE | IOMMUFD_MAP_FIXED, &iova,
				   NULL));
	assert_int_equal(mapping_at(ioas, 0x10000).flags, IOMMUFD_MAP_READ);
	assert_int_equal(mapping_at(ioas, 0x20000).flags, IOMMUFD_MAP_WRITE);
}

static void ioas_map_neighbours_do_not_overlap(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);

	map_at(ioas, data, PAGE, 0x11000);
	map_at(ioas, data, PAGE, 0x10000);
	map_at(ioas, data, PAGE, 0x12000);
	assert_int_equal(count_mappings(ioas), 3);
}

static void ioas_map_overlap_eexist(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 8 * PAGE);

	map_at(ioas, data, 4 * PAGE, 0x10000);
	assert_error(map_fixed(ioas, data, 4 * PAGE, 0x10000), -EEXIST);
	assert_error(map_fixed(ioas, data, PAGE, 0x11000), -EEXIST);
	assert_error(map_fixed(ioas, data, 2 * PAGE, 0xf000), -EEXIST);
	assert_error(map_fixed(ioas, data, 2 * PAGE, 0x13000), -EEXIST);
	assert_error(map_fixed(ioas, data, 8 * PAGE, 0xe000), -EEXIST);
}

/* -- where the library chooses */

static void ioas_map_chooses_an_iova(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 16 * PAGE);
	uint64_t seen[16];

	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		seen[i] = 0;
		assert_ok(iommufd_ioas_map(ioas, data, (i % 4 + 1) * PAGE, MAP_RW, &seen[i], NULL));
		assert_true(seen[i] != 0 && seen[i] % PAGE == 0);
	}
	assert_int_equal(count_mappings(ioas), ARRAY_SIZE(seen));
}

static void ioas_map_chooses_inside_the_ranges(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_range range[32];
	size_t count, in = 0;
	uint64_t iova = 0;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	reserved_iova(ioas); /* there is more than one, or a top */
	count = get_ranges(ioas, range, ARRAY_SIZE(range));
	assert_ok(map_within(ioas, data, PAGE, range[0].last - PAGE + 1, 0, 0, &iova));
	assert_ok(map_within(ioas, data, PAGE, range[0].last - PAGE + 1, 0, 0, &iova));
	for (size_t i = 0; i < count; i++)
		in += iova >= range[i].start && iova + PAGE - 1 <= range[i].last;
	assert_int_equal(in, 1);
	assert_true(iova > range[0].last);
}

static void ioas_map_chooses_for_huge_pages(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 2 * HUGE_PAGE);
	uint64_t iova = 0;

	map_at(ioas, data, PAGE, HUGE_PAGE);
	assert_ok(iommufd_ioas_map(ioas, data, 2 * HUGE_PAGE, MAP_RW, &iova, NULL));
	assert_int_equal(iova % HUGE_PAGE, 0);
	/* memory that begins inside a huge page needs an IOVA that does so too */
	assert_ok(iommufd_ioas_map(ioas, data + PAGE, 2 * HUGE_PAGE - PAGE, MAP_RW, &iova, NULL));
	assert_int_equal(iova % HUGE_PAGE, PAGE);
}

static void ioas_map_chooses_inside_the_window(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	uint64_t iova = 0;

	assert_ok(map_within(ioas, data, PAGE, 0x8000000000, 0, 0, &iova));
	assert_true(iova >= 0x8000000000);
	assert_ok(map_within(ioas, data, PAGE, 0, UINT32_MAX, 0, &iova));
	assert_true(iova + PAGE - 1 <= UINT32_MAX);
	assert_ok(map_within(ioas, data, 4 * PAGE, 0x50000, 0x53fff, 0, &iova));
	assert_int_equal(iova, 0x50000);
	assert_ok(map_within(ioas, data, PAGE, 0x60001, 0x62fff, 0, &iova));
	assert_true(iova == 0x61000 || iova == 0x62000);
}

static void ioas_map_chooses_the_alignment_asked_for(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova;

	for (uint64_t align = 1; align <= 1ull << 40; align <<= 8) {
		iova = 0;
		assert_ok(map_within(ioas, data, PAGE, 0, 0, align, &iova));
		assert_int_equal(iova % align, 0);
		assert_int_equal(iova % PAGE, 0);
		assert_true(iova != 0);
	}
}

static void ioas_map_reuses_what_was_freed(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova = 0;

	for (int i = 0; i < 64; i++) {
		assert_ok(map_within(ioas, data, PAGE, 0x10000, 0x10fff, 0, &iova));
		assert_int_equal(iova, 0x10000);
		assert_ok(iommufd_ioas_unmap(ioas, iova, PAGE, NULL));
	}
}

static void ioas_map_window_full_enospc(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	uint64_t iova = 77;

	map_at(ioas, data, PAGE, 0x11000);
	assert_error(map_within(ioas, data, 2 * PAGE, 0x10000, 0x12fff, 0, &iova), -ENOSPC);
	assert_error(map_within(ioas, data, PAGE, 0x11000, 0x11fff, 0, &iova), -ENOSPC);
	assert_error(map_within(ioas, data, 4 * PAGE, 0x20000, 0x22fff, 0, &iova), -ENOSPC);
	assert_error(map_within(ioas, data, PAGE, 0x21000, 0x2ffff, 0x10000, &iova), -ENOSPC);
	assert_error(map_within(ioas, data, PAGE, 0x20001, 0x21ffe, 0, &iova), -ENOSPC);
	assert_int_equal(iova, 77);
	assert_ok(map_within(ioas, data, PAGE, 0x10000, 0x12fff, 0, &iova));
}

static void ioas_map_window_unreachable_enospc(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t hole, iova = 0;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	hole = reserved_iova(ioas);
	assert_error(map_within(ioas, data, PAGE, hole, hole + PAGE - 1, 0, &iova), -ENOSPC);
}

static void ioas_map_senseless_window_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	struct iommufd_map_opts opts = { .size = sizeof(opts) };
	uint64_t iova = 0;

	assert_error(map_within(ioas, data, PAGE, 0x20000, 0x10000, 0, &iova), -EINVAL);
	assert_error(map_within(ioas, data, PAGE, 0, 0, 3, &iova), -EINVAL);
	assert_error(map_within(ioas, data, PAGE, 0, 0, PAGE + 1, &iova), -EINVAL);
	assert_error(map_within(ioas, data, PAGE, 0, 0, UINT64_MAX, &iova), -EINVAL);
	iova = 0x10000;
	assert_error(iommufd_ioas_map(ioas, data, PAGE, FIXED_RW, &iova, &opts), -EINVAL);
}

static void ioas_map_opts_from_the_future(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	struct future_opts opts = { .known.size = sizeof(opts), .known.align = HUGE_PAGE };
	uint64_t iova = 0;

	assert_ok(iommufd_ioas_map(ioas, data, PAGE, MAP_RW, &iova, &opts.known));
	assert_int_equal(iova % HUGE_PAGE, 0);
	opts.unknown = 1;
	assert_error(iommufd_ioas_map(ioas, data, PAGE, MAP_RW, &iova, &opts.known), -E2BIG);
}

/* -- refusals */

static void ioas_map_misaligned_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 2 * PAGE);
	uint64_t iova = 0;

	assert_error(map_fixed(ioas, data, PAGE, 0x10001), -EINVAL);
	assert_error(map_fixed(ioas, data, PAGE, 0x10800), -EINVAL);
	assert_error(map_fixed(ioas, data + 1, PAGE, 0x10000), -EINVAL);
	assert_error(map_fixed(ioas, data + 2048, PAGE, 0x10000), -EINVAL);
	assert_error(map_fixed(ioas, data, PAGE + 1, 0x10000), -EINVAL);
	assert_error(map_fixed(ioas, data, 1, 0x10000), -EINVAL);
	assert_error(iommufd_ioas_map(ioas, data, 100, MAP_RW, &iova, NULL), -EINVAL);
}

static void ioas_map_nothing_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova = 0x10000;

	assert_error(map_fixed(ioas, data, 0, 0x10000), -EINVAL);
	assert_error(map_fixed(ioas, NULL, PAGE, 0x10000), -EINVAL);
	assert_error(iommufd_ioas_map(ioas, data, PAGE, MAP_RW, NULL, NULL), -EINVAL);
	assert_error(iommufd_ioas_map(ioas, data, PAGE, 0, &iova, NULL), -EINVAL);
	assert_error(iommufd_ioas_map(ioas, data, PAGE, IOMMUFD_MAP_FIXED, &iova, NULL), -EINVAL);
}

static void ioas_map_unknown_flag_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova = 0;

	assert_error(iommufd_ioas_map(ioas, data, PAGE, MAP_RW | 1u << 31, &iova, NULL),
		     -EOPNOTSUPP);
	assert_error(iommufd_ioas_map(ioas, data, PAGE, MAP_RW | 1u << 4, &iova, NULL),
		     -EOPNOTSUPP);
	assert_error(iommufd_ioas_map(ioas, data, PAGE, MAP_RW | IOMMUFD_MAP_COALESCE, &iova, NULL),
		     -EOPNOTSUPP);
}

static void ioas_map_wrapping_eoverflow(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 2 * PAGE);
	uint64_t iova = 0;

	assert_error(map_fixed(ioas, data, 2 * PAGE, UINT64_MAX - PAGE + 1), -EOVERFLOW);
	assert_error(map_fixed(ioas, data, SIZE_MAX - PAGE + 1, 0x10000), -EOVERFLOW);
	assert_error(iommufd_ioas_map(ioas, (void *)(UINTPTR_MAX - PAGE + 1), 2 * PAGE, MAP_RW,
				      &iova, NULL), -EOVERFLOW);
	assert_error(iommufd_ioas_map(ioas, data, SIZE_MAX - PAGE + 1, MAP_RW, &iova, NULL),
		     -EOVERFLOW);
}

static void ioas_map_reserved_eaddrnotavail(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_range range[32];
	uint64_t hole;
	size_t count;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	hole = reserved_iova(ioas);
	count = get_ranges(ioas, range, ARRAY_SIZE(range));
	assert_error(map_fixed(ioas, data, PAGE, hole), -EADDRNOTAVAIL);
	assert_error(map_fixed(ioas, data, 2 * PAGE, hole - PAGE), -EADDRNOTAVAIL);
	assert_ok(map_fixed(ioas, data, PAGE, hole - PAGE));
	if (range[count - 1].last != LAST_IOVA)
		assert_error(map_fixed(ioas, data, PAGE, range[count - 1].last + 1),
			     -EADDRNOTAVAIL);
}

/* -- memory that is not as it should be */

static void ioas_map_absent_memory_before_attach_is_recorded(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 2 * PAGE);

	assert_int_equal(munmap(data + PAGE, PAGE), 0);
	map_at(ioas, data, 2 * PAGE, 0x10000);
	assert_int_equal(count_mappings(ioas), 1);
}

static void ioas_map_absent_memory_efault(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 2 * PAGE);
	uint64_t iova = 0;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_int_equal(munmap(data + PAGE, PAGE), 0);
	assert_error(map_fixed(ioas, data, 2 * PAGE, 0x10000), -EFAULT);
	assert_error(iommufd_ioas_map(ioas, data, 2 * PAGE, MAP_RW, &iova, NULL), -EFAULT);
	assert_ok(map_fixed(ioas, data, PAGE, 0x10000));
}

static void ioas_map_protected_memory_efault(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_int_equal(mprotect(data, PAGE, PROT_NONE), 0);
	assert_error(map_fixed(ioas, data, PAGE, 0x10000), -EFAULT);
}

static void ioas_map_read_only_memory_for_writing_efault(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova = 0x10000;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_int_equal(mprotect(data, PAGE, PROT_READ), 0);
	assert_error(map_fixed(ioas, data, PAGE, 0x10000), -EFAULT);
	assert_ok(iommufd_ioas_map(ioas, data, PAGE, IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED, &iova,
				   NULL));
}

static const struct CMUnitTest cases[] = {
	CASE(ioas_map_fixed_is_where_it_was_asked),
	CASE(ioas_map_at_both_ends_of_the_address_space),
	CASE(ioas_map_keeps_the_permissions),
	CASE(ioas_map_neighbours_do_not_overlap),
	CASE(ioas_map_overlap_eexist),
	CASE(ioas_map_chooses_an_iova),
	CASE(ioas_map_chooses_inside_the_ranges),
	CASE(ioas_map_chooses_for_huge_pages),
	CASE(ioas_map_chooses_inside_the_window),
	CASE(ioas_map_chooses_the_alignment_asked_for),
	CASE(ioas_map_reuses_what_was_freed),
	CASE(ioas_map_window_full_enospc),
	CASE(ioas_map_window_unreachable_enospc),
	CASE(ioas_map_senseless_window_einval),
	CASE(ioas_map_opts_from_the_future),
	CASE(ioas_map_misaligned_einval),
	CASE(ioas_map_nothing_einval),
	CASE(ioas_map_unknown_flag_eopnotsupp),
	CASE(ioas_map_wrapping_eoverflow),
	CASE(ioas_map_reserved_eaddrnotavail),
	CASE(ioas_map_absent_memory_before_attach_is_recorded),
	CASE(ioas_map_absent_memory_efault),
	CASE(ioas_map_protected_memory_efault),
	CASE(ioas_map_read_only_memory_for_writing_efault),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ioas-map", cases, NULL, NULL);
}
