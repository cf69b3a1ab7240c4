/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Type1 containers: choosing the driver, mapping and unmapping, DMA. */
#include "test-emu-group.h"

#define V1 K_VFIO_TYPE1_IOMMU
#define V2 K_VFIO_TYPE1v2_IOMMU
#define ALL K_VFIO_DMA_UNMAP_FLAG_ALL
#define VADDR K_VFIO_DMA_UNMAP_FLAG_VADDR

static int extension(struct machine *m, int container, unsigned int what)
{
	return number(m, container, K_VFIO_CHECK_EXTENSION, what);
}

static void the_driver_is_chosen_after_a_group(void **state)
{
	struct machine *m = *state;
	int container = open_container(m), group = open_group(m, GROUP1);

	assert_int_equal(number(m, container, K_VFIO_GET_API_VERSION, 0), 0);
	assert_int_equal(set_iommu(m, container, V2), -EINVAL);
	assert_int_equal(number(m, container, K_VFIO_IOMMU_MAP_DMA, 0), -EINVAL);
	assert_int_equal(number(m, container, _IO(';', 250), 0), -EINVAL);
	assert_int_equal(set_container(m, group, container), 0);
	assert_int_equal(number(m, container, K_VFIO_IOMMU_GET_INFO, 0), -EINVAL);
	assert_int_equal(set_iommu(m, container, K_VFIO_NOIOMMU_IOMMU), -ENODEV);
	assert_int_equal(set_iommu(m, container, 2), -ENODEV);
	assert_int_equal(set_iommu(m, container, K_VFIO_DMA_CC_IOMMU), -ENODEV);
	assert_int_equal(set_iommu(m, container, K_VFIO_UNMAP_ALL), -EINVAL);
	assert_int_equal(set_iommu(m, container, V2), 0);
	assert_int_equal(set_iommu(m, container, V2), -EINVAL);
	assert_int_equal(set_iommu(m, container, V1), -EINVAL);
	assert_int_equal(number(m, container, _IO(';', 250), 0), -ENOTTY);
	shut(m, group);
	shut(m, container);
}

static void extensions_depend_on_the_driver(void **state)
{
	struct machine *m = *state;
	int container = open_container(m), group = open_group(m, GROUP1);

	for (int set = 0; set < 2; set++) {
		assert_int_equal(extension(m, container, V1), 1);
		assert_int_equal(extension(m, container, V2), 1);
		assert_int_equal(extension(m, container, K_VFIO_UNMAP_ALL), 1);
		assert_int_equal(extension(m, container, K_VFIO_UPDATE_VADDR), set);
		assert_int_equal(extension(m, container, K_VFIO_DMA_CC_IOMMU), 0);
		assert_int_equal(extension(m, container, K_VFIO_NOIOMMU_IOMMU), 0);
		assert_int_equal(extension(m, container, 100), 0);
		if (!set) {
			assert_int_equal(set_container(m, group, container), 0);
			assert_int_equal(set_iommu(m, container, V2), 0);
		}
	}
	shut(m, group);
	shut(m, container);
}

static void mapping_refuses_in_the_kernels_order(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	struct k_vfio_iommu_type1_dma_map arg = { .argsz = sizeof(arg) - 1, .flags = DMA_RW,
						  .size = PAGE };
	const uint64_t last_page = UINT64_MAX - (PAGE - 1);
	int c = s.container;

	assert_int_equal(request(m, c, K_VFIO_IOMMU_MAP_DMA, NULL), -EFAULT);
	assert_int_equal(request(m, c, K_VFIO_IOMMU_MAP_DMA, &arg), -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 0, DMA_RW | 8), -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem, 0, 0, DMA_RW), -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem, 2 * PAGE, last_page, 0), -EOVERFLOW);
	assert_int_equal(dma_map(m, c, (void *)(uintptr_t)last_page, 2 * PAGE, 0, 0), -EOVERFLOW);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 0, 0), -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 0, DMA_RW | K_VFIO_DMA_MAP_FLAG_VADDR),
			 -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem, 512, 0, DMA_RW), -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 512, DMA_RW), -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem + 512, PAGE, 0, DMA_RW), -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 0xfee00000, DMA_RW), -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, UINT64_C(1) << 39, DMA_RW), -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem, 2 * PAGE, 0xfedff000, DMA_RW), -EINVAL);
	assert_int_equal(dma_map(m, c, NULL, PAGE, 0, DMA_RW), -EFAULT);
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(dma_map(m, c, m->mem, 4 * PAGE, 4 * PAGE, DMA_RW), 0);
	assert_int_equal(dma_map(m, c, m->mem, 4 * PAGE, PAGE, DMA_RW), -EEXIST);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 7 * PAGE, DMA_RW), -EEXIST);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 8 * PAGE, K_VFIO_DMA_MAP_FLAG_READ), 0);
	assert_int_equal(counts(m).mappings, 2);
	leave(m, &s);
}

static void memory_must_be_there_and_writable(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	uint8_t *ro = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_int_equal(dma_map(m, s.container, ro, PAGE, 0, DMA_RW), -EFAULT);
	assert_int_equal(dma_map(m, s.container, ro, PAGE, 0, K_VFIO_DMA_MAP_FLAG_READ), 0);
	munmap(ro + PAGE, PAGE);
	assert_int_equal(dma_map(m, s.container, ro, 2 * PAGE, PAGE, K_VFIO_DMA_MAP_FLAG_READ),
			 -EFAULT);
	assert_int_equal(counts(m).pinned_pages, 1);
	leave(m, &s);
	munmap(ro, PAGE);
}

/* Three mappings: one page, a hole, four pages, four pages. */
static void map_some(struct machine *m, int c)
{
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 0, DMA_RW), 0);
	assert_int_equal(dma_map(m, c, m->mem + PAGE, 4 * PAGE, 4 * PAGE, DMA_RW), 0);
	assert_int_equal(dma_map(m, c, m->mem + 5 * PAGE, 4 * PAGE, 8 * PAGE, DMA_RW), 0);
}

static void unmapping_is_all_or_nothing(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	struct k_vfio_iommu_type1_dma_unmap arg = { .argsz = 23, .size = PAGE };
	int c = s.container;

	map_some(m, c);
	assert_int_equal(request(m, c, K_VFIO_IOMMU_UNMAP_DMA, NULL), -EFAULT);
	assert_int_equal(request(m, c, K_VFIO_IOMMU_UNMAP_DMA, &arg), -EINVAL);
	assert_int_equal(dma_unmap(m, c, 0, PAGE, 8), -EINVAL);
	assert_int_equal(dma_unmap(m, c, 0, 0, 0), -EINVAL);
	assert_int_equal(dma_unmap(m, c, 512, PAGE, 0), -EINVAL);
	assert_int_equal(dma_unmap(m, c, 0, 512, 0), -EINVAL);
	assert_int_equal(dma_unmap(m, c, 2 * PAGE, UINT64_MAX - PAGE + 1, 0), -EOVERFLOW);
	/* a cut at either end, and in between nothing goes */
	assert_int_equal(dma_unmap(m, c, 5 * PAGE, 3 * PAGE, 0), -EINVAL);
	assert_int_equal(dma_unmap(m, c, 0, 6 * PAGE, 0), -EINVAL);
	assert_int_equal(dma_unmap(m, c, 5 * PAGE, PAGE, 0), -EINVAL);
	assert_int_equal(counts(m).mappings, 3);
	assert_int_equal(dma_unmap(m, c, PAGE, 3 * PAGE, 0), 0);
	assert_int_equal(dma_unmap(m, c, 64 * PAGE, PAGE, 0), 0);
	assert_int_equal(dma_unmap(m, c, 0, 8 * PAGE, 0), 5 * PAGE);
	assert_int_equal(counts(m).mappings, 1);
	assert_int_equal(counts(m).pinned_pages, 4);
	assert_int_equal(dma_unmap(m, c, 0, 0, ALL), 4 * PAGE);
	assert_int_equal(dma_unmap(m, c, 0, 0, ALL), 0);
	assert_int_equal(dma_unmap(m, c, 0, PAGE, ALL), -EINVAL);
	assert_int_equal(dma_unmap(m, c, PAGE, 0, ALL), -EINVAL);
	leave(m, &s);
}

/* Why version 1 is never chosen: success may mean nothing, or too much. */
static void version_1_unmaps_oddly(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V1);
	int c = s.container;

	map_some(m, c);
	assert_int_equal(dma_unmap(m, c, 5 * PAGE, 3 * PAGE, 0), 0);
	assert_int_equal(dma_unmap(m, c, 5 * PAGE, 7 * PAGE, 0), 0);
	assert_int_equal(counts(m).mappings, 3);
	assert_int_equal(dma_unmap(m, c, 4 * PAGE, 5 * PAGE, 0), 8 * PAGE);
	assert_int_equal(counts(m).mappings, 1);
	assert_int_equal(dma_unmap(m, c, 0, 0, ALL), PAGE);
	assert_int_equal(number(m, c, K_VFIO_IOMMU_DIRTY_PAGES, 0), -EACCES);
	leave(m, &s);
}

static void an_address_is_told_anew(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	int c = s.container, dev = get_master(m, s.group, NAME1), group = open_group(m, GROUP2);
	int memory = memfd_create("test", MFD_CLOEXEC);
	const uint64_t at = 8 * PAGE;
	uint8_t *old, *new;

	assert_int_equal(ftruncate(memory, 2 * PAGE), 0);
	old = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	new = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	fill(old, PAGE, 1);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 0, DMA_RW), 0);
	assert_int_equal(dma_map(m, c, old, 2 * PAGE, at, DMA_RW), 0);
	assert_int_equal(dma_map(m, c, new, 2 * PAGE, at, K_VFIO_DMA_MAP_FLAG_VADDR), -EINVAL);
	assert_int_equal(dma_map(m, c, new, PAGE, PAGE, K_VFIO_DMA_MAP_FLAG_VADDR), -ENOENT);
	assert_int_equal(dma_unmap(m, c, at, PAGE, VADDR), -EINVAL);
	assert_int_equal(dma_unmap(m, c, at, 4 * PAGE, VADDR), 2 * PAGE);
	assert_int_equal(dma_unmap(m, c, at, 2 * PAGE, VADDR), -EINVAL);
	/* what was made invalid on the way to a failure is valid again */
	assert_int_equal(dma_unmap(m, c, 0, 0, ALL | VADDR), -EINVAL);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 0, K_VFIO_DMA_MAP_FLAG_VADDR), -EINVAL);
	assert_int_equal(set_container(m, group, c), -EBUSY);
	fetch(m, dev, at, 64); /* devices go on */
	assert_int_equal(dma_map(m, c, new, PAGE, at, K_VFIO_DMA_MAP_FLAG_VADDR), -EINVAL);
	assert_int_equal(dma_map(m, c, new, 2 * PAGE, at, K_VFIO_DMA_MAP_FLAG_VADDR), 0);
	munmap(old, 2 * PAGE);
	store(m, dev, at + PAGE, 64);
	assert_memory_equal(new, new + PAGE, 64);
	assert_int_equal(counts(m).dma_faults, 0);
	assert_int_equal(counts(m).pinned_pages, 3);
	assert_int_equal(set_container(m, group, c), 0);
	/* what is invalid can be unmapped */
	assert_int_equal(dma_unmap(m, c, 0, 0, ALL | VADDR), 3 * PAGE);
	assert_int_equal(dma_unmap(m, c, 0, 0, ALL), 3 * PAGE);
	assert_int_equal(dma_map(m, c, new, 2 * PAGE, at, K_VFIO_DMA_MAP_FLAG_VADDR), -ENOENT);
	munmap(new, 2 * PAGE);
	close(memory);
	shut(m, dev);
	shut(m, group);
	leave(m, &s);
}

static void devices_reach_what_is_mapped(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, TWINS, V2);
	int a = get_master(m, s.group, TWIN1), b = get_master(m, s.group, TWIN2), c = s.container;

	assert_int_equal(dma_map(m, c, m->mem, 2 * PAGE, 0x10000, DMA_RW), 0);
	assert_int_equal(dma_map(m, c, m->mem + 2 * PAGE, PAGE, 0x12000, K_VFIO_DMA_MAP_FLAG_READ),
			 0);
	assert_int_equal(dma_map(m, c, m->mem + 3 * PAGE, PAGE, 0x13000, K_VFIO_DMA_MAP_FLAG_WRITE),
			 0);
	fill(m->mem, PAGE, 3);
	fetch(m, a, 0x10000, 4096);
	store(m, a, 0x11000, 4096);
	assert_memory_equal(m->mem, m->mem + PAGE, PAGE);
	fetch(m, b, 0x10800, 1024);
	store(m, b, 0x13000, 1024);
	assert_memory_equal(m->mem + 0x800, m->mem + 3 * PAGE, 1024);
	assert_int_equal(counts(m).dma_faults, 0);
	store(m, b, 0x12000, 64); /* read only */
	assert_true(is_all(m->mem + 2 * PAGE, PAGE, 0));
	fetch(m, b, 0x13000, 64); /* write only */
	fetch(m, b, 0x14000, 64); /* nothing */
	assert_int_equal(counts(m).dma_faults, 3);
	assert_int_equal(dma_unmap(m, c, 0x10000, 2 * PAGE, 0), 2 * PAGE);
	fetch(m, a, 0x10000, 64);
	assert_int_equal(counts(m).dma_faults, 4);
	shut(m, a);
	shut(m, b);
	leave(m, &s);
}

/* What iommufd refuses: one device writes to another's registers. */
static void device_memory_can_be_mapped(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, TWINS, V2);
	int a = get_master(m, s.group, TWIN1), b = get_master(m, s.group, TWIN2);
	uint32_t *bar = map_bar(m, b, 0, 4 * PAGE), value = 0x12345678;

	assert_int_equal(dma_map(m, s.container, bar, PAGE, 0, DMA_RW), 0);
	assert_int_equal(counts(m).pinned_pages, 0);
	assert_int_equal(dma_map(m, s.container, m->mem, PAGE, PAGE, DMA_RW), 0);
	memcpy(m->mem, &value, sizeof(value));
	fetch(m, a, PAGE, 4);
	store(m, a, EDU_LIVENESS, 4);
	assert_int_equal(get32(m, b, EDU_LIVENESS), ~value);
	assert_int_equal(counts(m).dma_faults, 0);
	unmap_bar(m, bar, 4 * PAGE);
	shut(m, a);
	shut(m, b);
	leave(m, &s);
}

static int tight(void **state)
{
	const struct iommufd_emu_opts opts = { .size = sizeof(opts), .memlock_pages = 8,
					       .dma_entries = 3 };

	return start(state, &opts);
}

static void pins_and_entries_run_out(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	int c = s.container;

	assert_int_equal(dma_map(m, c, m->mem, 9 * PAGE, 0, DMA_RW), -ENOMEM);
	assert_int_equal(dma_map(m, c, m->mem, 4 * PAGE, 0, DMA_RW), 0);
	/* the same memory again is counted again */
	assert_int_equal(dma_map(m, c, m->mem, 4 * PAGE, 8 * PAGE, DMA_RW), 0);
	assert_int_equal(counts(m).pinned_pages, 8);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 16 * PAGE, DMA_RW), -ENOMEM);
	assert_int_equal(dma_unmap(m, c, 0, 4 * PAGE, 0), 4 * PAGE);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 0, DMA_RW), 0);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, PAGE, DMA_RW), 0);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 0xfee00000, DMA_RW), -ENOSPC);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 2 * PAGE, DMA_RW), -ENOSPC);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, PAGE, DMA_RW), -EEXIST);
	assert_int_equal(dma_unmap(m, c, PAGE, PAGE, 0), PAGE);
	assert_int_equal(dma_map(m, c, m->mem, PAGE, 2 * PAGE, DMA_RW), 0);
	leave(m, &s);
}

static void mappings_go_with_the_last_group(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	int group = open_group(m, GROUP2);

	map_some(m, s.container);
	assert_int_equal(set_container(m, group, s.container), 0);
	assert_int_equal(unset_container(m, s.group), 0);
	assert_int_equal(counts(m).mappings, 3);
	shut(m, group);
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(counts(m).pinned_pages, 0);
	assert_int_equal(dma_unmap(m, s.container, 0, 0, ALL), -EINVAL);
	assert_int_equal(set_iommu(m, s.container, V2), -EINVAL);
	assert_int_equal(set_container(m, s.group, s.container), 0);
	assert_int_equal(dma_unmap(m, s.container, 0, 0, ALL), -EINVAL);
	assert_int_equal(set_iommu(m, s.container, V1), 0);
	assert_int_equal(dma_unmap(m, s.container, 0, 0, ALL), 0);
	leave(m, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_driver_is_chosen_after_a_group),
		TEST(extensions_depend_on_the_driver),
		TEST(mapping_refuses_in_the_kernels_order),
		TEST(memory_must_be_there_and_writable),
		TEST(unmapping_is_all_or_nothing),
		TEST(version_1_unmaps_oddly),
		TEST(an_address_is_told_anew),
		TEST(devices_reach_what_is_mapped),
		TEST(device_memory_can_be_mapped),
		cmocka_unit_test_setup_teardown(pins_and_entries_run_out, tight, teardown),
		TEST(mappings_go_with_the_last_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
