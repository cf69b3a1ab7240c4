/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mapping many pieces at once: all or none, one by one or coalesced. */
#include "contract.h"

#include <sys/mman.h>

struct future_opts {
	struct iommufd_map_opts known;
	uint64_t unknown;
};

/* @count pieces of one page each out of @data, @stride bytes apart, with IOVAs that stay 1. */
static void pieces(struct iommufd_map_vec *vec, size_t count, uint8_t *data, size_t stride)
{
	for (size_t i = 0; i < count; i++)
		vec[i] = (struct iommufd_map_vec){ data + i * stride, PAGE, 1 };
}

static int mapv(struct iommufd_ioas *ioas, struct iommufd_map_vec *vec, size_t count,
		uint32_t flags, size_t *failed)
{
	return iommufd_ioas_mapv(ioas, vec, count, flags, NULL, failed);
}

static void ioas_mapv_maps_each_piece(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 8 * PAGE);
	struct iommufd_map_vec vec[4];

	pieces(vec, 4, data, 2 * PAGE);
	vec[3].length = 2 * PAGE;
	assert_ok(mapv(ioas, vec, 4, MAP_RW, NULL));
	assert_int_equal(count_mappings(ioas), 4);
	for (size_t i = 0; i < 4; i++) {
		struct iommufd_mapping m = { .size = sizeof(m) };

		assert_true(vec[i].iova != 0 && vec[i].iova % PAGE == 0);
		assert_ok(iommufd_ioas_next_mapping(ioas, vec[i].iova, &m));
		assert_int_equal(m.iova, vec[i].iova);
		assert_int_equal(m.length, vec[i].length);
		assert_int_equal(m.va, (uintptr_t)vec[i].va);
	}
}

static void ioas_mapv_fixed_is_where_it_was_asked(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_map_vec vec[2];
	uint64_t unmapped;

	pieces(vec, 2, data, PAGE);
	vec[0].iova = 0x40000;
	vec[1].iova = 0x10000;
	assert_ok(mapv(ioas, vec, 2, FIXED_RW, NULL));
	assert_int_equal(vec[0].iova, 0x40000);
	assert_int_equal(vec[1].iova, 0x10000);
	assert_ok(iommufd_ioas_unmap(ioas, 0x10000, PAGE, &unmapped));
	assert_int_equal(unmapped, PAGE);
}

static void ioas_mapv_coalesce_makes_neighbours_one(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 8 * PAGE);
	struct iommufd_map_vec vec[4];
	struct iommufd_mapping m = { .size = sizeof(m) };

	pieces(vec, 4, data, PAGE);
	vec[3].va = data + 6 * PAGE;
	assert_ok(mapv(ioas, vec, 4, MAP_RW | IOMMUFD_MAP_COALESCE, NULL));
	assert_int_equal(count_mappings(ioas), 2);
	assert_int_equal(vec[1].iova, vec[0].iova + PAGE);
	assert_int_equal(vec[2].iova, vec[0].iova + 2 * PAGE);
	assert_ok(iommufd_ioas_next_mapping(ioas, vec[0].iova, &m));
	assert_int_equal(m.length, 3 * PAGE);
	assert_int_equal(m.va, (uintptr_t)data);
	assert_error(iommufd_ioas_unmap(ioas, vec[1].iova, PAGE, NULL), -EINVAL);
	assert_ok(iommufd_ioas_unmap(ioas, vec[0].iova, 3 * PAGE, NULL));
}

static void ioas_mapv_coalesce_fixed_needs_neighbours_in_iova_too(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_map_vec vec[3];

	pieces(vec, 3, data, PAGE);
	vec[0].iova = 0x10000;
	vec[1].iova = 0x11000;
	vec[2].iova = 0x20000;
	assert_ok(mapv(ioas, vec, 3, FIXED_RW | IOMMUFD_MAP_COALESCE, NULL));
	assert_int_equal(count_mappings(ioas), 2);
	assert_int_equal(vec[2].iova, 0x20000);
}

static void ioas_mapv_without_coalesce_neighbours_stay_apart(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_map_vec vec[3];

	pieces(vec, 3, get_buffer(f, 4 * PAGE), PAGE);
	assert_ok(mapv(ioas, vec, 3, MAP_RW, NULL));
	assert_int_equal(count_mappings(ioas), 3);
	assert_ok(iommufd_ioas_unmap(ioas, vec[1].iova, PAGE, NULL));
}

static void ioas_mapv_inside_the_window(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct future_opts opts = {
		.known = { .size = sizeof(opts), .min = 0x100000, .last = 0x1fffff },
	};
	struct iommufd_map_vec vec[3];
	size_t failed = 99;

	pieces(vec, 3, get_buffer(f, 4 * PAGE), PAGE);
	assert_ok(iommufd_ioas_mapv(ioas, vec, 3, MAP_RW, &opts.known, NULL));
	for (size_t i = 0; i < 3; i++)
		assert_true(vec[i].iova >= 0x100000 && vec[i].iova < 0x200000);
	opts.known.last = 0x103fff;
	pieces(vec, 3, vec[0].va, PAGE);
	assert_ok(iommufd_ioas_unmap_all(ioas, NULL));
	map_at(ioas, vec[0].va, 2 * PAGE, 0x100000);
	assert_error(iommufd_ioas_mapv(ioas, vec, 3, MAP_RW, &opts.known, &failed), -ENOSPC);
	assert_int_equal(failed, 2);
	opts.unknown = 1;
	assert_error(iommufd_ioas_mapv(ioas, vec, 3, MAP_RW, &opts.known, NULL), -E2BIG);
	opts.unknown = 0;
	assert_error(iommufd_ioas_mapv(ioas, vec, 3, FIXED_RW, &opts.known, NULL), -EINVAL);
	opts.known.min = 0x200000;
	assert_error(iommufd_ioas_mapv(ioas, vec, 3, MAP_RW, &opts.known, NULL), -EINVAL);
}

/* -- all or none */

static void ioas_mapv_bad_piece_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 8 * PAGE);
	struct iommufd_map_vec vec[4];
	size_t failed = 99;

	pieces(vec, 4, data, PAGE);
	vec[2].length = 100;
	assert_error(mapv(ioas, vec, 4, MAP_RW, &failed), -EINVAL);
	assert_int_equal(failed, 2);
	pieces(vec, 4, data, PAGE);
	vec[3].va = NULL;
	assert_error(mapv(ioas, vec, 4, MAP_RW, &failed), -EINVAL);
	assert_int_equal(failed, 3);
	pieces(vec, 4, data, PAGE);
	vec[1].length = 0;
	assert_error(mapv(ioas, vec, 4, MAP_RW | IOMMUFD_MAP_COALESCE, &failed), -EINVAL);
	assert_int_equal(failed, 1);
	pieces(vec, 4, data, PAGE);
	vec[1].va = (void *)(UINTPTR_MAX - PAGE + 1);
	vec[1].length = 2 * PAGE;
	assert_error(mapv(ioas, vec, 4, MAP_RW, &failed), -EOVERFLOW);
	assert_int_equal(failed, 1);
	assert_int_equal(vec[0].iova, 1);
	assert_int_equal(vec[2].iova, 1);
}

static void ioas_mapv_overlap_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 8 * PAGE);
	struct iommufd_map_vec vec[3];
	size_t failed = 99;

	map_at(ioas, data, PAGE, 0x30000);
	pieces(vec, 3, data, PAGE);
	vec[0].iova = 0x10000;
	vec[1].iova = 0x20000;
	vec[2].iova = 0x30000;
	assert_error(mapv(ioas, vec, 3, FIXED_RW, &failed), -EEXIST);
	assert_int_equal(failed, 2);
	vec[2].iova = 0x10000; /* with a piece of the same call */
	assert_error(mapv(ioas, vec, 3, FIXED_RW, &failed), -EEXIST);
	assert_int_equal(failed, 2);
	vec[2].iova = UINT64_MAX - PAGE + 1;
	vec[2].length = 2 * PAGE;
	assert_error(mapv(ioas, vec, 3, FIXED_RW, &failed), -EOVERFLOW);
	assert_int_equal(failed, 2);
}

static void ioas_mapv_absent_memory_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 8 * PAGE);
	struct iommufd_map_vec vec[4];
	size_t failed = 99;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_int_equal(munmap(data + 4 * PAGE, PAGE), 0);
	pieces(vec, 4, data, 2 * PAGE);
	assert_error(mapv(ioas, vec, 4, MAP_RW, &failed), -EFAULT);
	assert_int_equal(failed, 2);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(vec[i].iova, 1);
	vec[2].va = data;
	assert_ok(mapv(ioas, vec, 4, MAP_RW, &failed));
}

static void ioas_mapv_reserved_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_map_vec vec[2];
	size_t failed = 99;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	pieces(vec, 2, get_buffer(f, 4 * PAGE), PAGE);
	vec[0].iova = 0x10000;
	vec[1].iova = reserved_iova(ioas);
	assert_error(mapv(ioas, vec, 2, FIXED_RW, &failed), -EADDRNOTAVAIL);
	assert_int_equal(failed, 1);
}

static void ioas_mapv_after_detach_knows_wider_ranges(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_map_vec vec[1];

	pieces(vec, 1, get_buffer(f, PAGE), PAGE);
	assert_ok(iommufd_device_attach(dev, ioas));
	vec[0].iova = reserved_iova(ioas);
	assert_ok(iommufd_device_detach(dev));
	assert_ok(mapv(ioas, vec, 1, FIXED_RW, NULL));
}

static void ioas_mapv_read_only_memory_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	struct iommufd_map_vec vec[3];
	size_t failed = 99;

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_int_equal(mprotect(data + PAGE, PAGE, PROT_READ), 0);
	pieces(vec, 3, data, PAGE);
	assert_error(mapv(ioas, vec, 3, MAP_RW, &failed), -EFAULT);
	assert_int_equal(failed, 1);
}

static void ioas_mapv_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_map_vec vec[1];

	pieces(vec, 1, get_buffer(f, PAGE), PAGE);
	assert_error(mapv(ioas, NULL, 1, MAP_RW, NULL), -EINVAL);
	assert_error(mapv(ioas, vec, 0, MAP_RW, NULL), -EINVAL);
	assert_error(mapv(ioas, vec, 1, 0, NULL), -EINVAL);
	assert_error(mapv(ioas, vec, 1, IOMMUFD_MAP_COALESCE, NULL), -EINVAL);
	assert_error(mapv(ioas, vec, 1, MAP_RW | 1u << 30, NULL), -EOPNOTSUPP);
	assert_error(mapv(ioas, vec, 1, FIXED_RW, NULL), -EINVAL);
}

static const struct CMUnitTest cases[] = {
	CASE(ioas_mapv_maps_each_piece),
	CASE(ioas_mapv_fixed_is_where_it_was_asked),
	CASE(ioas_mapv_coalesce_makes_neighbours_one),
	CASE(ioas_mapv_coalesce_fixed_needs_neighbours_in_iova_too),
	CASE(ioas_mapv_without_coalesce_neighbours_stay_apart),
	CASE(ioas_mapv_inside_the_window),
	CASE(ioas_mapv_bad_piece_leaves_nothing),
	CASE(ioas_mapv_overlap_leaves_nothing),
	CASE(ioas_mapv_absent_memory_leaves_nothing),
	CASE(ioas_mapv_reserved_leaves_nothing),
	CASE(ioas_mapv_after_detach_knows_wider_ranges),
	CASE(ioas_mapv_read_only_memory_leaves_nothing),
	CASE(ioas_mapv_bad_argument),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ioas-mapv", cases, NULL, NULL);
}
