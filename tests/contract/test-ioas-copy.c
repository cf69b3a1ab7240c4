/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copying mappings from one IOAS to another. */
#include "contract.h"

struct future_opts {
	struct iommufd_map_opts known;
	uint64_t unknown;
};

struct pair {
	struct iommufd_ioas *src, *dst;
	uint8_t *data;
};

/* Source: 0x10000-0x13fff, 0x14000-0x14fff next to it, read-only 0x20000-0x20fff apart. */
static struct pair get_pair(struct fixture *f)
{
	struct pair p = { get_ioas(f), get_ioas(f), get_buffer(f, 8 * PAGE) };
	uint64_t iova = 0x20000;

	map_at(p.src, p.data, 4 * PAGE, 0x10000);
	map_at(p.src, p.data + 5 * PAGE, PAGE, 0x14000);
	assert_ok(iommufd_ioas_map(p.src, p.data + 6 * PAGE, PAGE,
				   IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED, &iova, NULL));
	return p;
}

static int copy_to(struct pair *p, uint64_t from, uint64_t length, uint64_t to)
{
	return iommufd_ioas_copy(p->dst, p->src, from, length, FIXED_RW, &to, NULL);
}

static void assert_mapping(struct iommufd_ioas *ioas, uint64_t iova, uint64_t length,
			   const uint8_t *va, uint32_t flags)
{
	struct iommufd_mapping m = { .size = sizeof(m) };

	assert_ok(iommufd_ioas_next_mapping(ioas, iova, &m));
	assert_int_equal(m.iova, iova);
	assert_int_equal(m.length, length);
	assert_int_equal(m.va, (uintptr_t)va);
	assert_int_equal(m.flags, flags);
	assert_int_equal(m.memory, IOMMUFD_MEMORY_VA);
}

static void ioas_copy_of_a_whole_mapping(void **state)
{
	struct pair p = get_pair(*state);

	assert_ok(copy_to(&p, 0x10000, 4 * PAGE, 0x90000));
	assert_int_equal(count_mappings(p.dst), 1);
	assert_mapping(p.dst, 0x90000, 4 * PAGE, p.data, MAP_RW);
	assert_int_equal(count_mappings(p.src), 3);
}

static void ioas_copy_of_a_part(void **state)
{
	struct pair p = get_pair(*state);

	assert_ok(copy_to(&p, 0x11000, 2 * PAGE, 0x90000));
	assert_mapping(p.dst, 0x90000, 2 * PAGE, p.data + PAGE, MAP_RW);
}

static void ioas_copy_across_mappings_keeps_them_apart(void **state)
{
	struct pair p = get_pair(*state);

	assert_ok(copy_to(&p, 0x12000, 3 * PAGE, 0x90000));
	assert_int_equal(count_mappings(p.dst), 2);
	assert_mapping(p.dst, 0x90000, 2 * PAGE, p.data + 2 * PAGE, MAP_RW);
	assert_mapping(p.dst, 0x92000, PAGE, p.data + 5 * PAGE, MAP_RW);
}

static void ioas_copy_chooses_an_iova(void **state)
{
	struct pair p = get_pair(*state);
	struct future_opts opts = {
		.known = { .size = sizeof(opts), .min = 0x700000, .last = 0x7fffff },
	};
	uint64_t iova = 0;

	assert_ok(iommufd_ioas_copy(p.dst, p.src, 0x10000, 5 * PAGE, MAP_RW, &iova, NULL));
	assert_true(iova != 0 && iova % PAGE == 0);
	assert_mapping(p.dst, iova, 4 * PAGE, p.data, MAP_RW);
	assert_mapping(p.dst, iova + 4 * PAGE, PAGE, p.data + 5 * PAGE, MAP_RW);
	assert_ok(iommufd_ioas_copy(p.dst, p.src, 0x10000, PAGE, MAP_RW, &iova, &opts.known));
	assert_true(iova >= 0x700000 && iova <= 0x7ff000);
	opts.unknown = 1;
	assert_error(iommufd_ioas_copy(p.dst, p.src, 0x10000, PAGE, MAP_RW, &iova, &opts.known),
		     -E2BIG);
}

static void ioas_copy_within_one_ioas(void **state)
{
	struct pair p = get_pair(*state);

	p.dst = p.src;
	assert_ok(copy_to(&p, 0x10000, 4 * PAGE, 0x90000));
	assert_mapping(p.src, 0x90000, 4 * PAGE, p.data, MAP_RW);
	assert_error(copy_to(&p, 0x10000, 4 * PAGE, 0x12000), -EEXIST);
}

static void ioas_copy_survives_its_source(void **state)
{
	struct fixture *f = *state;
	struct pair p = get_pair(f);

	assert_ok(copy_to(&p, 0x10000, 4 * PAGE, 0x90000));
	assert_ok(iommufd_ioas_unmap_all(p.src, NULL));
	put_ioas(f, p.src);
	assert_mapping(p.dst, 0x90000, 4 * PAGE, p.data, MAP_RW);
	assert_ok(iommufd_device_attach(get_device(f, ALONE1), p.dst));
	assert_ok(iommufd_ioas_unmap(p.dst, 0x90000, 4 * PAGE, NULL));
}

/* Elsewhere the memory is pinned, and charged, once more. */
static void ioas_copy_shares_pins_where_it_can(void **state)
{
	struct fixture *f = *state;
	struct pair p = get_pair(f);
	struct iommufd_device *one = get_device(f, ALONE1), *two = get_device(f, ALONE2);
	uint64_t extra = iommufd_ctx_has(f->ctx, IOMMUFD_CAP_COPY) ? 0 : 4, before;

	assert_ok(iommufd_device_attach(one, p.src));
	assert_ok(iommufd_device_attach(two, p.dst));
	before = pinned_pages();
	assert_ok(copy_to(&p, 0x10000, 4 * PAGE, 0x90000));
	assert_int_equal(pinned_pages(), before + extra);
	assert_ok(iommufd_ioas_unmap_all(p.dst, NULL));
	assert_int_equal(pinned_pages(), before);
}

static void ioas_copy_may_take_permissions_away(void **state)
{
	struct pair p = get_pair(*state);
	uint64_t iova = 0x90000;

	assert_ok(iommufd_ioas_copy(p.dst, p.src, 0x10000, PAGE,
				    IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED, &iova, NULL));
	assert_mapping(p.dst, 0x90000, PAGE, p.data, IOMMUFD_MAP_READ);
	iova = 0xa0000;
	assert_ok(iommufd_ioas_copy(p.dst, p.src, 0x20000, PAGE,
				    IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED, &iova, NULL));
}

static void ioas_copy_for_writing_of_read_only_eperm(void **state)
{
	struct pair p = get_pair(*state);

	assert_error(copy_to(&p, 0x20000, PAGE, 0x90000), -EPERM);
}

static void ioas_copy_with_a_hole_enoent(void **state)
{
	struct pair p = get_pair(*state);

	assert_error(copy_to(&p, 0x15000, PAGE, 0x90000), -ENOENT);
	assert_error(copy_to(&p, 0x14000, 2 * PAGE, 0x90000), -ENOENT);
	assert_error(copy_to(&p, 0xf000, 2 * PAGE, 0x90000), -ENOENT);
	assert_error(copy_to(&p, 0x10000, 0x11000, 0x90000), -ENOENT);
}

static void ioas_copy_overlap_eexist(void **state)
{
	struct fixture *f = *state;
	struct pair p = get_pair(f);

	map_at(p.dst, p.data, PAGE, 0x94000);
	assert_error(copy_to(&p, 0x10000, 5 * PAGE, 0x90000), -EEXIST);
	assert_ok(copy_to(&p, 0x10000, 4 * PAGE, 0x90000));
	assert_error(copy_to(&p, 0x10000, 4 * PAGE, 0x90000), -EEXIST);
}

static void ioas_copy_to_reserved_eaddrnotavail(void **state)
{
	struct fixture *f = *state;
	struct pair p = get_pair(f);
	uint64_t hole;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), p.dst));
	hole = reserved_iova(p.dst);
	assert_error(copy_to(&p, 0x10000, PAGE, hole), -EADDRNOTAVAIL);
	/* the first of the two mappings would fit */
	assert_error(copy_to(&p, 0x10000, 5 * PAGE, hole - 4 * PAGE), -EADDRNOTAVAIL);
}

static void ioas_copy_no_room_enospc(void **state)
{
	struct pair p = get_pair(*state);
	struct iommufd_map_opts opts = { .size = sizeof(opts), .min = 0x700000, .last = 0x703fff };
	uint64_t iova = 0;

	assert_error(iommufd_ioas_copy(p.dst, p.src, 0x10000, 5 * PAGE, MAP_RW, &iova, &opts),
		     -ENOSPC);
}

static void ioas_copy_absent_memory_efault(void **state)
{
	struct fixture *f = *state;
	struct pair p = get_pair(f);

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), p.dst));
	put_buffer(f, p.data);
	assert_error(copy_to(&p, 0x10000, 4 * PAGE, 0x90000), -EFAULT);
}

static void ioas_copy_between_contexts_einval(void **state)
{
	struct fixture *f = *state;
	struct pair p = get_pair(f);
	struct iommufd_ioas *foreign;
	uint64_t iova = 0x90000;

	assert_ok(iommufd_ioas_new(get_ctx(f, NULL), NULL, &foreign));
	hold_ioas(f, foreign);
	assert_error(iommufd_ioas_copy(foreign, p.src, 0x10000, PAGE, FIXED_RW, &iova, NULL),
		     -EINVAL);
}

static void ioas_copy_bad_argument(void **state)
{
	struct pair p = get_pair(*state);
	struct iommufd_map_opts opts = { .size = sizeof(opts) };
	uint64_t iova = 0x90000;

	assert_error(iommufd_ioas_copy(p.dst, p.src, 0x10000, PAGE, MAP_RW, NULL, NULL), -EINVAL);
	assert_error(copy_to(&p, 0x10000, 0, 0x90000), -EINVAL);
	assert_error(copy_to(&p, 0x10001, PAGE, 0x90000), -EINVAL);
	assert_error(copy_to(&p, 0x10000, PAGE + 1, 0x90000), -EINVAL);
	assert_error(copy_to(&p, 0x10000, PAGE, 0x90001), -EINVAL);
	assert_error(iommufd_ioas_copy(p.dst, p.src, 0x10000, PAGE, IOMMUFD_MAP_FIXED, &iova, NULL),
		     -EINVAL);
	assert_error(iommufd_ioas_copy(p.dst, p.src, 0x10000, PAGE, FIXED_RW, &iova, &opts),
		     -EINVAL);
	opts.min = 0x20000;
	opts.last = 0x10000;
	assert_error(iommufd_ioas_copy(p.dst, p.src, 0x10000, PAGE, MAP_RW, &iova, &opts), -EINVAL);
	assert_error(iommufd_ioas_copy(p.dst, p.src, 0x10000, PAGE, FIXED_RW | 1u << 20, &iova,
				       NULL), -EOPNOTSUPP);
	assert_error(copy_to(&p, 0x10000, UINT64_MAX - PAGE + 1, 0x90000), -EOVERFLOW);
	assert_error(copy_to(&p, 0x10000, 4 * PAGE, UINT64_MAX - PAGE + 1), -EOVERFLOW);
}

static const struct CMUnitTest cases[] = {
	CASE(ioas_copy_of_a_whole_mapping),
	CASE(ioas_copy_of_a_part),
	CASE(ioas_copy_across_mappings_keeps_them_apart),
	CASE(ioas_copy_chooses_an_iova),
	CASE(ioas_copy_within_one_ioas),
	CASE(ioas_copy_survives_its_source),
	CASE(ioas_copy_shares_pins_where_it_can),
	CASE(ioas_copy_may_take_permissions_away),
	CASE(ioas_copy_for_writing_of_read_only_eperm),
	CASE(ioas_copy_with_a_hole_enoent),
	CASE(ioas_copy_overlap_eexist),
	CASE(ioas_copy_to_reserved_eaddrnotavail),
	CASE(ioas_copy_no_room_enospc),
	CASE(ioas_copy_absent_memory_efault),
	CASE(ioas_copy_between_contexts_einval),
	CASE(ioas_copy_bad_argument),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ioas-copy", cases, NULL, NULL);
}
