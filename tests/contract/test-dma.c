/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What a device reaches by DMA, and what it does not. */
#include "edu.h"

#include <sys/mman.h>

#define SEED 0x31
#define LENGTH 1024u

/* An edu attached to an IOAS, its buffer filled with the pattern of SEED. */
struct setting {
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;
	uint8_t *data; /* two pages of 0xaa */
};

static struct setting get_setting(struct fixture *f)
{
	struct setting s = { get_edu(f, ALONE1), get_ioas(f), get_buffer(f, 2 * PAGE) };

	assert_ok(iommufd_device_attach(s.dev, s.ioas));
	edu_fill(f, s.dev, s.ioas, SEED);
	memset(s.data, 0xaa, 2 * PAGE);
	return s;
}

/* The device writes its pattern to @iova: does it land at @at, and nowhere else in the buffer? */
static void assert_lands(struct setting *s, uint64_t iova, uint8_t *at)
{
	size_t before = (size_t)(at - s->data);

	edu_store(s->dev, iova, LENGTH);
	assert_true(is_pattern(at, LENGTH, SEED));
	assert_true(is_all(s->data, before, 0xaa));
	assert_true(is_all(at + LENGTH, 2 * PAGE - before - LENGTH, 0xaa));
}

/* Without an IOMMU the device is not told an address, and would reach any. */
static void assert_lands_nowhere(struct setting *s, uint64_t iova)
{
	uint64_t address;

	if (!contract_is_isolated())
		assert_true(iommufd_ioas_get_dma_address(s->ioas, iova, &address, NULL) < 0);
	edu_store(s->dev, iova, LENGTH);
	assert_true(is_all(s->data, 2 * PAGE, 0xaa));
}

static void dma_reads_and_writes_what_is_mapped(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);
	uint8_t *source = get_buffer(f, PAGE);
	uint64_t iova = 0;

	fill_pattern(source, PAGE, 7);
	map_at(s.ioas, source, PAGE, 0x80000000);
	assert_ok(iommufd_ioas_map(s.ioas, s.data, 2 * PAGE, MAP_RW, &iova, NULL));
	edu_fetch(s.dev, 0x80000000, EDU_MOST);
	edu_store(s.dev, iova, EDU_MOST);
	assert_true(is_pattern(s.data, EDU_MOST, 7));
	assert_true(is_all(s.data + EDU_MOST, 2 * PAGE - EDU_MOST, 0xaa));
}

static void dma_writes_at_the_byte_addressed(void **state)
{
	struct setting s = get_setting(*state);

	map_at(s.ioas, s.data, 2 * PAGE, 0x10000);
	assert_lands(&s, 0x10000 + PAGE - 512, s.data + PAGE - 512);
}

static void dma_through_mappings_made_before_attach(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);

	assert_ok(iommufd_device_detach(s.dev));
	map_at(s.ioas, s.data, 2 * PAGE, 0x10000);
	assert_ok(iommufd_device_attach(s.dev, s.ioas));
	assert_lands(&s, 0x10000, s.data);
}

static void dma_does_not_write_read_only_mappings(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);
	uint8_t *target = get_buffer(f, PAGE);
	uint64_t iova = 0x10000;

	assert_ok(iommufd_ioas_map(s.ioas, s.data, 2 * PAGE, IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED,
				   &iova, NULL));
	if (!contract_is_isolated()) { /* nobody is there to refuse */
		assert_lands(&s, 0x10000, s.data);
		return;
	}
	assert_lands_nowhere(&s, 0x10000);
	map_at(s.ioas, target, PAGE, 0x20000);
	edu_fetch(s.dev, 0x10000, LENGTH);
	edu_store(s.dev, 0x20000, LENGTH);
	assert_true(is_all(target, LENGTH, 0xaa));
}

static void dma_reads_nothing_where_nothing_is_mapped(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);

	map_at(s.ioas, s.data, 2 * PAGE, 0x10000);
	assert_ok(iommufd_ioas_unmap(s.ioas, 0x10000, 2 * PAGE, NULL));
	if (!contract_is_isolated()) {
		assert_lands_nowhere(&s, 0x10000);
		return;
	}
	edu_fetch(s.dev, 0x10000, LENGTH);
	memset(s.data, 0xcc, 2 * PAGE);
	map_at(s.ioas, s.data, 2 * PAGE, 0x20000);
	edu_store(s.dev, 0x20000, LENGTH);
	assert_true(is_all(s.data, LENGTH, 0));
}

static void dma_does_not_reach_what_was_unmapped(void **state)
{
	struct setting s = get_setting(*state);

	map_at(s.ioas, s.data, 2 * PAGE, 0x10000);
	assert_lands(&s, 0x10000, s.data);
	memset(s.data, 0xaa, 2 * PAGE);
	assert_ok(iommufd_ioas_unmap(s.ioas, 0x10000, 2 * PAGE, NULL));
	assert_lands_nowhere(&s, 0x10000);
	map_at(s.ioas, s.data, 2 * PAGE, 0x10000);
	assert_lands(&s, 0x10000, s.data);
}

static void dma_is_blocked_until_attach_and_after_detach(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);

	map_at(s.ioas, s.data, 2 * PAGE, 0x10000);
	assert_ok(iommufd_device_detach(s.dev));
	assert_lands_nowhere(&s, 0x10000);
	assert_ok(iommufd_device_attach(s.dev, s.ioas));
	assert_lands(&s, 0x10000, s.data);
}

static void dma_goes_where_replace_moved_it(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);
	struct iommufd_ioas *next = get_ioas(f);
	uint8_t *elsewhere = get_buffer(f, PAGE);

	map_at(s.ioas, s.data, 2 * PAGE, 0x10000);
	map_at(next, elsewhere, PAGE, 0x10000);
	assert_ok(iommufd_device_replace(s.dev, next));
	edu_store(s.dev, 0x10000, LENGTH);
	assert_true(is_all(s.data, 2 * PAGE, 0xaa));
	assert_true(is_pattern(elsewhere, LENGTH, SEED));
}

static void dma_goes_on_in_an_ioas_that_only_the_device_holds(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);

	map_at(s.ioas, s.data, 2 * PAGE, 0x10000);
	put_ioas(f, s.ioas);
	assert_lands(&s, 0x10000, s.data);
}

static void dma_of_two_devices_in_two_spaces_is_apart(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);
	struct iommufd_device *other = get_edu(f, ALONE2);
	struct iommufd_ioas *space = get_ioas(f);
	uint8_t *elsewhere = get_buffer(f, PAGE);

	assert_ok(iommufd_device_attach(other, space));
	edu_fill(f, other, space, 99);
	map_at(s.ioas, s.data, 2 * PAGE, 0x10000);
	map_at(space, elsewhere, PAGE, 0x10000);
	edu_begin_store(other, 0x10000, LENGTH);
	assert_lands(&s, 0x10000, s.data);
	edu_end(other);
	assert_true(is_pattern(elsewhere, LENGTH, 99));
}

static void dma_of_siblings_reaches_the_shared_space(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_edu(f, SIBLING1), *two = get_edu(f, SIBLING2);
	struct iommufd_ioas *ioas = get_ioas(f);
	uint8_t *data = get_buffer(f, 2 * PAGE);

	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_device_attach(two, ioas));
	edu_fill(f, one, ioas, 1);
	edu_fill(f, two, ioas, 2);
	map_at(ioas, data, 2 * PAGE, 0x10000);
	edu_begin_store(one, 0x10000, LENGTH);
	edu_store(two, 0x11000, LENGTH);
	edu_end(one);
	assert_true(is_pattern(data, LENGTH, 1));
	assert_true(is_pattern(data + PAGE, LENGTH, 2));
}

static void dma_through_a_copied_mapping(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);
	struct iommufd_ioas *source = get_ioas(f);
	uint64_t iova = 0x30000;

	map_at(source, s.data, 2 * PAGE, 0x10000);
	assert_ok(iommufd_ioas_copy(s.ioas, source, 0x11000, PAGE, FIXED_RW, &iova, NULL));
	assert_ok(iommufd_ioas_unmap_all(source, NULL));
	put_ioas(f, source);
	assert_lands(&s, 0x30000, s.data + PAGE);
}

static void dma_into_a_file(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);
	uint64_t iova = 0x10000;
	uint8_t *shared;
	int fd = hold_fd(f, memfd_create("dma", MFD_CLOEXEC));

	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	assert_ok(iommufd_ioas_map_file(s.ioas, fd, PAGE, 2 * PAGE, FIXED_RW, &iova, NULL));
	edu_store(s.dev, 0x11000, LENGTH);
	shared = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(shared != MAP_FAILED);
	assert_true(is_pattern(shared + 2 * PAGE, LENGTH, SEED));
	assert_true(is_all(shared, 2 * PAGE, 0));
	munmap(shared, 4 * PAGE);
}

/* The copy keeps what it needs of the file; the mapping it was made of, and its IOAS, go. */
static void dma_into_a_copied_file(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);
	struct iommufd_ioas *source = get_ioas(f);
	uint64_t iova = 0x10000;
	uint8_t *shared;
	int fd = hold_fd(f, memfd_create("dma", MFD_CLOEXEC));

	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	assert_ok(iommufd_ioas_map_file(source, fd, 0, 4 * PAGE, FIXED_RW, &iova, NULL));
	iova = 0x30000;
	assert_ok(iommufd_ioas_copy(s.ioas, source, 0x12000, PAGE, FIXED_RW, &iova, NULL));
	assert_ok(iommufd_ioas_unmap_all(source, NULL));
	put_ioas(f, source);
	edu_store(s.dev, 0x30000, LENGTH);
	shared = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(shared != MAP_FAILED);
	assert_true(is_pattern(shared + 2 * PAGE, LENGTH, SEED));
	assert_true(is_all(shared, 2 * PAGE, 0));
	munmap(shared, 4 * PAGE);
}

static void dma_into_huge_pages_at_a_high_iova(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);
	uint8_t *data = get_buffer(f, 2 * HUGE_PAGE);
	uint64_t iova = 1ull << 38;

	madvise(data, 2 * HUGE_PAGE, MADV_HUGEPAGE);
	map_at(s.ioas, data, 2 * HUGE_PAGE, iova);
	edu_store(s.dev, iova, LENGTH);
	edu_store(s.dev, iova + 2 * HUGE_PAGE - LENGTH, LENGTH);
	assert_true(is_pattern(data, LENGTH, SEED));
	assert_true(is_pattern(data + 2 * HUGE_PAGE - LENGTH, LENGTH, SEED));
	assert_true(is_all(data + LENGTH, 2 * HUGE_PAGE - 2 * LENGTH, 0));
}

/* Device to device: where the kernel maps such memory by its address. */
static void dma_to_the_registers_of_another_device(void **state)
{
	struct fixture *f = *state;
	struct setting s = get_setting(f);
	struct iommufd_device *other = get_edu(f, ALONE2);
	uint64_t iova = 0x20000;
	uint32_t id;
	void *bar;

	assert_ok(iommufd_region_map(other, IOMMUFD_REGION_BAR0, 0, PAGE,
				     IOMMUFD_REGION_READ | IOMMUFD_REGION_WRITE, &bar));
	if (!iommufd_ctx_has(f->ctx, IOMMUFD_CAP_MAP_DEVICE)) {
		assert_error(iommufd_ioas_map(s.ioas, bar, PAGE, FIXED_RW, &iova, NULL), -EFAULT);
		assert_non_null(strstr(expected_record()->remedy, "IOMMUFD_CAP_MAP_DEVICE"));
		return;
	}
	assert_ok(iommufd_ioas_map(s.ioas, bar, PAGE, FIXED_RW, &iova, NULL));
	map_at(s.ioas, s.data, PAGE, 0x10000);
	edu_fetch(s.dev, iova + EDU_ID, sizeof(id));
	edu_store(s.dev, 0x10000, sizeof(id));
	memcpy(&id, s.data, sizeof(id));
	assert_int_equal(id, edu_read(other, EDU_ID));
	assert_ok(iommufd_ioas_unmap(s.ioas, iova, PAGE, NULL));
	assert_ok(iommufd_region_unmap(other, bar));
}

static void dma_through_coalesced_pieces(void **state)
{
	struct setting s = get_setting(*state);
	struct iommufd_map_vec vec[2] = { { s.data, PAGE, 0 }, { s.data + PAGE, PAGE, 0 } };

	assert_ok(iommufd_ioas_mapv(s.ioas, vec, 2, MAP_RW | IOMMUFD_MAP_COALESCE, NULL, NULL));
	assert_lands(&s, vec[1].iova, s.data + PAGE);
}

static void dma_needs_bus_mastering(void **state)
{
	struct setting s = get_setting(*state);

	map_at(s.ioas, s.data, 2 * PAGE, 0x10000);
	assert_ok(iommufd_pci_set_bus_master(s.dev, 0));
	edu_store(s.dev, 0x10000, LENGTH);
	assert_true(is_all(s.data, 2 * PAGE, 0xaa));
	assert_ok(iommufd_pci_set_bus_master(s.dev, 1));
	assert_lands(&s, 0x10000, s.data);
}

static const struct CMUnitTest cases[] = {
	CASE(dma_reads_and_writes_what_is_mapped),
	CASE(dma_writes_at_the_byte_addressed),
	CASE(dma_through_mappings_made_before_attach),
	CASE(dma_does_not_write_read_only_mappings),
	CASE(dma_reads_nothing_where_nothing_is_mapped),
	CASE(dma_does_not_reach_what_was_unmapped),
	CASE(dma_is_blocked_until_attach_and_after_detach),
	CASE(dma_goes_where_replace_moved_it),
	CASE(dma_goes_on_in_an_ioas_that_only_the_device_holds),
	CASE(dma_of_two_devices_in_two_spaces_is_apart),
	CASE(dma_of_siblings_reaches_the_shared_space),
	CASE(dma_through_a_copied_mapping),
	CASE(dma_into_a_file),
	CASE(dma_into_a_copied_file),
	CASE(dma_into_huge_pages_at_a_high_iova),
	CASE(dma_to_the_registers_of_another_device),
	CASE(dma_through_coalesced_pieces),
	CASE(dma_needs_bus_mastering),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("dma", cases, NULL, NULL);
}
