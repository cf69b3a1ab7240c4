/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Looking mappings up: address to IOVA, IOVA to address, and walking all. */
#include "contract.h"

#include <sys/mman.h>

static void assert_iova(struct iommufd_ioas *ioas, const uint8_t *va, size_t wanted,
			uint64_t iova, size_t length)
{
	uint64_t found = 0;
	size_t got = wanted;

	assert_int_equal(iommufd_ioas_va_to_iova(ioas, va, &found, &got), 0);
	assert_int_equal(found, iova);
	assert_int_equal(got, length);
	found = 0;
	assert_int_equal(iommufd_ioas_va_to_iova(ioas, va, &found, NULL), 0);
	assert_int_equal(found, iova);
}

static void assert_va(struct iommufd_ioas *ioas, uint64_t iova, size_t wanted,
		      const uint8_t *va, size_t length)
{
	void *found = NULL;
	size_t got = wanted;

	assert_int_equal(iommufd_ioas_iova_to_va(ioas, iova, &found, &got), 0);
	assert_ptr_equal(found, va);
	assert_int_equal(got, length);
	found = NULL;
	assert_int_equal(iommufd_ioas_iova_to_va(ioas, iova, &found, NULL), 0);
	assert_ptr_equal(found, va);
}

static bool has_iova(struct iommufd_ioas *ioas, const uint8_t *va)
{
	uint64_t iova;
	int rc = iommufd_ioas_va_to_iova(ioas, va, &iova, NULL);

	assert_true(rc == 0 || rc == -ENOENT);
	return rc == 0;
}

static bool has_va(struct iommufd_ioas *ioas, uint64_t iova)
{
	void *va;
	int rc = iommufd_ioas_iova_to_va(ioas, iova, &va, NULL);

	assert_true(rc == 0 || rc == -ENOENT);
	return rc == 0;
}

static void ioas_lookup_finds_every_byte(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);

	map_at(ioas, data, 4 * PAGE, 0x500000);
	assert_iova(ioas, data, 4 * PAGE, 0x500000, 4 * PAGE);
	assert_iova(ioas, data + 5, 16, 0x500005, 16);
	assert_iova(ioas, data + 2 * PAGE, PAGE, 0x502000, PAGE);
	assert_iova(ioas, data + 4 * PAGE - 1, 1, 0x503fff, 1);
	assert_va(ioas, 0x500000, 4 * PAGE, data, 4 * PAGE);
	assert_va(ioas, 0x500005, 16, data + 5, 16);
	assert_va(ioas, 0x503fff, 1, data + 4 * PAGE - 1, 1);
}

static void ioas_lookup_says_how_far_it_holds(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);

	map_at(ioas, data, 4 * PAGE, 0x500000);
	assert_iova(ioas, data + 100, 1 << 20, 0x500064, 4 * PAGE - 100);
	assert_iova(ioas, data + 4 * PAGE - 1, SIZE_MAX, 0x503fff, 1);
	assert_va(ioas, 0x500064, 1 << 20, data + 100, 4 * PAGE - 100);
	assert_va(ioas, 0x503fff, SIZE_MAX, data + 4 * PAGE - 1, 1);
}

static void ioas_lookup_stops_where_the_other_side_jumps(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);

	/* neighbours in memory, apart in IOVA; and the other way */
	map_at(ioas, data, PAGE, 0x500000);
	map_at(ioas, data + PAGE, PAGE, 0x600000);
	map_at(ioas, data + 3 * PAGE, PAGE, 0x501000);
	assert_iova(ioas, data, 2 * PAGE, 0x500000, PAGE);
	assert_iova(ioas, data + PAGE, 2 * PAGE, 0x600000, PAGE);
	assert_va(ioas, 0x500000, 2 * PAGE, data, PAGE);
	assert_va(ioas, 0x501000, 2 * PAGE, data + 3 * PAGE, PAGE);
}

static void ioas_lookup_of_neighbours_never_says_too_much(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	size_t length = 3 * PAGE;
	uint64_t iova;

	map_at(ioas, data, PAGE, 0x500000);
	map_at(ioas, data + PAGE, PAGE, 0x501000);
	assert_int_equal(iommufd_ioas_va_to_iova(ioas, data, &iova, &length), 0);
	assert_int_equal(iova, 0x500000);
	assert_true(length == PAGE || length == 2 * PAGE);
}

static void ioas_lookup_of_what_is_not_mapped_enoent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);

	assert_false(has_iova(ioas, data));
	assert_false(has_va(ioas, 0x500000));
	map_at(ioas, data + PAGE, 2 * PAGE, 0x500000);
	assert_false(has_iova(ioas, data));
	assert_false(has_iova(ioas, data + PAGE - 1));
	assert_true(has_iova(ioas, data + PAGE));
	assert_false(has_iova(ioas, data + 3 * PAGE));
	assert_false(has_iova(ioas, NULL));
	assert_false(has_va(ioas, 0));
	assert_false(has_va(ioas, 0x4fffff));
	assert_false(has_va(ioas, 0x502000));
	assert_false(has_va(ioas, UINT64_MAX));
	assert_ok(iommufd_ioas_unmap(ioas, 0x500000, 2 * PAGE, NULL));
	assert_false(has_iova(ioas, data + PAGE));
	assert_false(has_va(ioas, 0x500000));
}

static void ioas_lookup_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova;
	void *va;

	map_at(ioas, data, PAGE, 0x500000);
	assert_int_equal(iommufd_ioas_va_to_iova(ioas, data, NULL, NULL), -EINVAL);
	assert_int_equal(iommufd_ioas_va_to_iova(NULL, data, &iova, NULL), -EINVAL);
	assert_int_equal(iommufd_ioas_va_to_iova((void *)f->ctx, data, &iova, NULL), -EINVAL);
	assert_int_equal(iommufd_ioas_iova_to_va(ioas, 0x500000, NULL, NULL), -EINVAL);
	assert_int_equal(iommufd_ioas_iova_to_va(NULL, 0x500000, &va, NULL), -EINVAL);
	assert_int_equal(iommufd_ioas_iova_to_va((void *)f->ctx, 0x500000, &va, NULL), -EINVAL);
}

static void ioas_lookup_failure_leaves_no_record(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_error before;

	assert_int_equal(iommufd_ioas_get_id(ioas, NULL), -EINVAL);
	before = *iommufd_error_last();
	assert_false(has_iova(ioas, (const uint8_t *)&before));
	assert_false(has_va(ioas, 0x10000));
	assert_memory_equal(&before, iommufd_error_last(), sizeof(before));
}

static void ioas_lookup_at_the_top(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, PAGE);

	map_at(ioas, data, PAGE, LAST_IOVA - PAGE + 1);
	assert_iova(ioas, data + 1, PAGE, LAST_IOVA - PAGE + 2, PAGE - 1);
	assert_va(ioas, LAST_IOVA, PAGE, data + PAGE - 1, 1);
	assert_true(iommufd_ioas_iova_to_va(ioas, UINT64_MAX, (void *[]){ NULL }, NULL) < 0);
}

static void ioas_lookup_of_memory_mapped_twice(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 4 * PAGE);
	uint64_t iova = 0;

	map_at(ioas, data, 4 * PAGE, 0x500000);
	map_at(ioas, data + PAGE, 2 * PAGE, 0x900000);
	assert_int_equal(iommufd_ioas_va_to_iova(ioas, data + PAGE, &iova, NULL), 0);
	assert_true(iova == 0x501000 || iova == 0x900000);
	assert_va(ioas, 0x501000, 1, data + PAGE, 1);
	assert_va(ioas, 0x900000, 1, data + PAGE, 1);
	assert_ok(iommufd_ioas_unmap(ioas, 0x900000, 2 * PAGE, NULL));
	assert_iova(ioas, data + PAGE, 1, 0x501000, 1);
	map_at(ioas, data + PAGE, 2 * PAGE, 0x900000);
	assert_ok(iommufd_ioas_unmap(ioas, 0x500000, 4 * PAGE, NULL));
	assert_iova(ioas, data + PAGE, 1, 0x900000, 1);
	assert_false(has_iova(ioas, data));
}

static void ioas_lookup_of_many(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 512 * PAGE);

	for (uint64_t i = 0; i < 512; i += 2)
		map_at(ioas, data + i * PAGE, PAGE, 0x10000000 + (i * 37 % 1024) * 2 * PAGE);
	for (uint64_t i = 0; i < 512; i += 2) {
		uint64_t iova = 0x10000000 + (i * 37 % 1024) * 2 * PAGE;

		assert_iova(ioas, data + i * PAGE + 3, PAGE, iova + 3, PAGE - 3);
		assert_va(ioas, iova + 3, PAGE, data + i * PAGE + 3, PAGE - 3);
		assert_false(has_iova(ioas, data + (i + 1) * PAGE));
		assert_false(has_va(ioas, iova + PAGE));
	}
	assert_int_equal(count_mappings(ioas), 256);
	assert_ok(iommufd_ioas_unmap_all(ioas, NULL));
}

/* -- walking */

static void ioas_next_mapping_walks_in_order(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 2 * PAGE);
	struct iommufd_mapping m = { .size = sizeof(m) };

	map_at(ioas, data, PAGE, LAST_IOVA - PAGE + 1);
	map_at(ioas, data, 2 * PAGE, 0x20000);
	map_at(ioas, data, PAGE, 0x22000);
	assert_ok(iommufd_ioas_next_mapping(ioas, 0, &m));
	assert_int_equal(m.iova, 0x20000);
	assert_ok(iommufd_ioas_next_mapping(ioas, 0x21fff, &m)); /* from inside */
	assert_int_equal(m.iova, 0x20000);
	assert_ok(iommufd_ioas_next_mapping(ioas, 0x22000, &m));
	assert_int_equal(m.iova, 0x22000);
	assert_ok(iommufd_ioas_next_mapping(ioas, 0x23000, &m));
	assert_int_equal(m.iova, LAST_IOVA - PAGE + 1);
	assert_int_equal(m.iova + m.length, LAST_IOVA + 1);
	assert_ok(iommufd_ioas_next_mapping(ioas, LAST_IOVA, &m));
	assert_int_equal(m.iova, LAST_IOVA - PAGE + 1);
}

static void ioas_next_mapping_at_the_end_enoent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_mapping m = { .size = sizeof(m) };

	assert_error(iommufd_ioas_next_mapping(ioas, 0, &m), -ENOENT);
	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_error(iommufd_ioas_next_mapping(ioas, 0x11000, &m), -ENOENT);
}

static void ioas_next_mapping_of_an_older_caller(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_mapping m;

	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	memset(&m, 0xee, sizeof(m));
	m.size = offsetof(struct iommufd_mapping, va);
	assert_ok(iommufd_ioas_next_mapping(ioas, 0, &m));
	assert_int_equal(m.iova, 0x10000);
	assert_int_equal(m.length, PAGE);
	assert_int_equal(m.va, 0xeeeeeeeeeeeeeeee);
	m.size = 0;
	assert_error(iommufd_ioas_next_mapping(ioas, 0, &m), -EINVAL);
	assert_error(iommufd_ioas_next_mapping(ioas, 0, NULL), -EINVAL);
}

static void ioas_dma_address_is_the_iova_behind_an_iommu(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 8 * PAGE);
	size_t length = SIZE_MAX;
	uint64_t address = 0;

	map_at(ioas, data, 2 * PAGE, 0x500000);
	map_at(ioas, data + 4 * PAGE, 2 * PAGE, 0x502000);
	if (!iommufd_ctx_has(f->ctx, IOMMUFD_CAP_ISOLATION)) {
		/* Nothing holds the memory in place yet. */
		assert_error(iommufd_ioas_get_dma_address(ioas, 0x500000, &address, NULL), -ENODEV);
		return;
	}
	assert_ok(iommufd_ioas_get_dma_address(ioas, 0x500000, &address, NULL));
	assert_int_equal(address, 0x500000);
	assert_ok(iommufd_ioas_get_dma_address(ioas, 0x501234, &address, &length));
	assert_int_equal(address, 0x501234);
	assert_int_equal(length, 4 * PAGE - 0x1234); /* over both, though the memory is apart */
	length = 0x100;
	assert_ok(iommufd_ioas_get_dma_address(ioas, 0x503f80, &address, &length));
	assert_int_equal(length, 0x80);
	length = 0x10;
	assert_ok(iommufd_ioas_get_dma_address(ioas, 0x500000, &address, &length));
	assert_int_equal(length, 0x10);
}

static void ioas_dma_address_of_nothing_enoent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint64_t address = 99;
	size_t length = 7;

	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x500000);
	assert_error(iommufd_ioas_get_dma_address(ioas, 0x4fffff, &address, &length), -ENOENT);
	assert_error(iommufd_ioas_get_dma_address(ioas, 0x501000, &address, &length), -ENOENT);
	assert_error(iommufd_ioas_get_dma_address(ioas, UINT64_MAX, &address, NULL), -ENOENT);
	assert_true(address == 99 && length == 7);
}

static void ioas_dma_address_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint64_t address;

	assert_error(iommufd_ioas_get_dma_address(ioas, 0, NULL, NULL), -EINVAL);
	assert_error(iommufd_ioas_get_dma_address(NULL, 0, &address, NULL), -EINVAL);
	assert_error(iommufd_ioas_get_dma_address((void *)f->ctx, 0, &address, NULL), -EINVAL);
}

static const struct CMUnitTest cases[] = {
	CASE(ioas_lookup_finds_every_byte),
	CASE(ioas_lookup_says_how_far_it_holds),
	CASE(ioas_lookup_stops_where_the_other_side_jumps),
	CASE(ioas_lookup_of_neighbours_never_says_too_much),
	CASE(ioas_lookup_of_what_is_not_mapped_enoent),
	CASE(ioas_lookup_bad_argument_einval),
	CASE(ioas_lookup_failure_leaves_no_record),
	CASE(ioas_lookup_at_the_top),
	CASE(ioas_lookup_of_memory_mapped_twice),
	CASE(ioas_lookup_of_many),
	CASE(ioas_dma_address_is_the_iova_behind_an_iommu),
	CASE(ioas_dma_address_of_nothing_enoent),
	CASE(ioas_dma_address_bad_argument_einval),
	CASE(ioas_next_mapping_walks_in_order),
	CASE(ioas_next_mapping_at_the_end_enoent),
	CASE(ioas_next_mapping_of_an_older_caller),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ioas-lookup", cases, NULL, NULL);
}
