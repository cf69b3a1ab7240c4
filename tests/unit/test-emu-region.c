/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The emulated VFIO devices: regions, configuration space, mapped BARs. */
#include "test-emu-edu.h"

static struct k_vfio_region_info region(struct machine *m, int dev, uint32_t index)
{
	struct k_vfio_region_info info = { .argsz = sizeof(info), .index = index };

	assert_int_equal(request(m, dev, K_VFIO_DEVICE_GET_REGION_INFO, &info), 0);
	assert_int_equal(info.offset, (uint64_t)index << 40);
	return info;
}

static void regions_are_described(void **state)
{
	struct machine *m = *state;
	struct {
		struct k_vfio_region_info info;
		struct k_vfio_info_cap_header cap;
	} bar2 = { .info.argsz = sizeof(bar2), .info.index = 2 };
	struct k_vfio_region_info bad = { .argsz = sizeof(bad), .index = 8 };
	struct k_vfio_device_info info = { .argsz = sizeof(info) };
	int dev = get_device(m, ALONE1), msix = get_device(m, MSIX);

	assert_int_equal(request(m, dev, K_VFIO_DEVICE_GET_INFO, &info), 0);
	assert_int_equal(info.flags, K_VFIO_DEVICE_FLAGS_PCI);
	assert_int_equal(info.num_regions, 9);
	assert_int_equal(info.num_irqs, 5);
	assert_int_equal(region(m, dev, 0).size, 1 << 20);
	assert_int_equal(region(m, dev, 0).flags, 7);
	assert_int_equal(region(m, dev, 1).size, 0);
	assert_int_equal(region(m, dev, 1).flags, 0);
	assert_int_equal(region(m, dev, K_VFIO_PCI_ROM_REGION_INDEX).size, 0);
	assert_int_equal(region(m, dev, K_VFIO_PCI_CONFIG_REGION_INDEX).size, 256);
	assert_int_equal(region(m, dev, K_VFIO_PCI_CONFIG_REGION_INDEX).flags, 3);
	assert_int_equal(region(m, msix, K_VFIO_PCI_CONFIG_REGION_INDEX).size, 4096);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_GET_REGION_INFO, &bad), -EINVAL);
	/* a capability that there is no room for is announced with its size */
	assert_int_equal(region(m, msix, 2).argsz, sizeof(bar2));
	assert_int_equal(region(m, msix, 2).flags, 15);
	assert_int_equal(region(m, msix, 2).cap_offset, 0);
	assert_int_equal(request(m, msix, K_VFIO_DEVICE_GET_REGION_INFO, &bar2), 0);
	assert_int_equal(bar2.info.cap_offset, sizeof(bar2.info));
	assert_int_equal(bar2.cap.id, K_VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
	assert_int_equal(bar2.cap.next, 0);
	shut(m, dev);
	shut(m, msix);
}

static void configuration_space_reads_as_the_device(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1), msix = get_device(m, MSIX);
	uint8_t all[256], id[] = { 5, 0x11, 0x10 };
	size_t n = 0;

	assert_int_equal(get32(m, dev, CONFIG), 0x11e81234);
	assert_int_equal(command(m, dev), 0x103);
	assert_int_equal(get32(m, dev, CONFIG + 8), 0x00ff0010);
	assert_int_equal(get32(m, dev, CONFIG + 0x2c), 0x11001af4);
	assert_int_equal(get32(m, dev, CONFIG + 0x34), 0x40);
	assert_int_equal(get32(m, dev, CONFIG + 0x40), 0x00800005);
	assert_int_equal(get(m, msix, CONFIG, all, sizeof(all)), sizeof(all));
	for (uint8_t at = all[0x34]; at; at = all[at + 1])
		assert_int_equal(all[at], id[n++]);
	assert_int_equal(n, 3);
	assert_int_equal(get(m, dev, CONFIG + 255, all, 2), -EFAULT);
	assert_int_equal(get(m, dev, CONFIG + 256, all, 1), -EFAULT);
	assert_int_equal(get(m, dev, CONFIG, all, 0), 0);
	assert_int_equal(get(m, dev, (uint64_t)6 << 40, all, 4), -EINVAL);
	assert_int_equal(get(m, dev, (uint64_t)8 << 40, all, 4), -EINVAL);
	assert_int_equal(get(m, dev, (uint64_t)9 << 40, all, 4), -EINVAL);
	assert_int_equal(get(m, dev, CONFIG, NULL, 4), -EFAULT);
	shut(m, dev);
	shut(m, msix);
}

static void configuration_space_takes_what_it_should(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1);
	uint32_t bar = get32(m, dev, CONFIG + 0x10);

	put32(m, dev, CONFIG, 0);
	assert_int_equal(get32(m, dev, CONFIG), 0x11e81234);
	put32(m, dev, CONFIG + 0x10, 0xffffffff);
	assert_int_equal(get32(m, dev, CONFIG + 0x10), 0xfff00000); /* sizing */
	put32(m, dev, CONFIG + 0x10, bar);
	assert_int_equal(get32(m, dev, CONFIG + 0x10), bar);
	put32(m, dev, CONFIG + 0x14, 0xffffffff);
	assert_int_equal(get32(m, dev, CONFIG + 0x14), 0);
	put32(m, dev, CONFIG + 0x30, 0xffffffff);
	assert_int_equal(get32(m, dev, CONFIG + 0x30), 0);
	put32(m, dev, CONFIG + 0x40, 0x00f10005);
	assert_int_equal(get32(m, dev, CONFIG + 0x40),
			 0x00800005); /* MSI is SET_IRQS's to enable */
	put32(m, dev, CONFIG + 0x44, 0xfee01000);
	assert_int_equal(get32(m, dev, CONFIG + 0x44), 0xfee01000);
	put32(m, dev, CONFIG + 0x80, 0x12345678); /* between capabilities */
	assert_int_equal(get32(m, dev, CONFIG + 0x80), 0x12345678);
	set_command(m, dev, 0xffff);
	assert_int_equal(command(m, dev), 0x507);
	set_command(m, dev, 0);
	assert_int_equal(command(m, dev), 0);
	shut(m, dev);
}

static void registers_by_read_and_write(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1);
	uint64_t wide = 0;
	uint16_t half = 1;

	assert_int_equal(get32(m, dev, 0), 0x010000ed);
	put32(m, dev, EDU_LIVENESS, 0x12345678);
	assert_int_equal(get32(m, dev, EDU_LIVENESS), ~0x12345678u);
	put32(m, dev, EDU_FACTORIAL, 10);
	for (int i = 0; get32(m, dev, EDU_STATUS) & 1; i++)
		assert_true(i < 1000000);
	assert_int_equal(get32(m, dev, EDU_FACTORIAL), 3628800);
	assert_int_equal(get32(m, dev, 0x50), 0xffffffff);
	assert_int_equal(get(m, dev, 0, &wide, 8), 8);
	assert_true(wide == UINT64_MAX); /* 4 bytes only, down there */
	assert_int_equal(get(m, dev, 0, &half, 2), 2);
	assert_int_equal(half, 0);
	put64(m, dev, EDU_SOURCE, 0x123456789a);
	assert_int_equal(get(m, dev, EDU_SOURCE, &wide, 8), 8);
	assert_true(wide == 0x123456789a);
	assert_int_equal(get(m, dev, (1 << 20) - 4, &wide, 8), 4); /* up to the end */
	assert_int_equal(get(m, dev, 1 << 20, &wide, 4), -EINVAL);
	assert_int_equal(get(m, dev, (uint64_t)1 << 40, &wide, 4), -EINVAL);
	set_command(m, dev, 0);
	assert_int_equal(get(m, dev, 0, &wide, 4), -EIO); /* no memory decoding */
	shut(m, dev);
}

static void the_msix_table_is_the_kernels(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, MSIX);

	put32(m, dev, (uint64_t)2 << 40, 5);
	assert_int_equal(get32(m, dev, (uint64_t)2 << 40), 0xffffffff);
	assert_int_equal(get32(m, dev, ((uint64_t)2 << 40) + 0x800), 0);
	unmap_bar(m, map_bar(m, dev, 2, PAGE), PAGE);
	shut(m, dev);
}

static uint32_t wait_for(const volatile uint32_t *at, uint32_t value)
{
	for (int i = 0; *at != value && i < 2000; i++)
		usleep(1000);
	return *at;
}

static void registers_by_memory(void **state)
{
	struct machine *m = *state;
	int dev = get_edu(m, ALONE1), event = new_event();
	char *bar = map_bar(m, dev, 0, 1 << 20);
	volatile uint32_t *r32 = (void *)bar;
	volatile uint64_t *r64 = (void *)bar;

	assert_int_equal(counts(m).bar_maps, 1);
	assert_int_equal(r32[0], 0x010000ed);
	r32[EDU_LIVENESS / 4] = 0x0f0f0f0f;
	assert_int_equal(wait_for(&r32[EDU_LIVENESS / 4], 0xf0f0f0f0), 0xf0f0f0f0);
	put32(m, dev, EDU_LIVENESS, 1);
	assert_int_equal(r32[EDU_LIVENESS / 4], ~1u); /* what write did shows at once */
	r32[EDU_LIVENESS / 4] = 2;
	assert_int_equal(get32(m, dev, EDU_LIVENESS), ~2u); /* and read sees memory */

	assert_int_equal(set_event(m, dev, K_VFIO_PCI_MSI_IRQ_INDEX, 0, event), 0);
	for (int i = 0; i < 3; i++) { /* the same command again and again */
		r32[EDU_RAISE / 4] = 1;
		assert_int_equal(wait_event(event, 2000), 1);
		assert_int_equal(wait_for(&r32[EDU_RAISE / 4], 0xffffffff), 0xffffffff);
	}
	fill(m->mem, PAGE, 8);
	assert_int_equal(map(m, m->mem, 2 * PAGE, 0x10000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	for (uint32_t out = 0; out < 2; out++) {
		r64[EDU_SOURCE / 8] = out ? EDU_BUFFER : 0x10000;
		r64[EDU_TARGET / 8] = out ? 0x11000 : EDU_BUFFER;
		r64[EDU_COUNT / 8] = PAGE;
		r64[EDU_COMMAND / 8] = EDU_RUN | (out ? EDU_TO_MEMORY : 0);
		for (int i = 0; r64[EDU_COMMAND / 8] & EDU_RUN; i++) {
			assert_true(i < 2000);
			usleep(1000);
		}
	}
	assert_memory_equal(m->mem, m->mem + PAGE, PAGE);
	unmap_bar(m, bar, 1 << 20);
	close(event);
	shut(m, dev);
}

static void a_mapped_bar_keeps_the_device(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1), second;
	char *bar = map_bar(m, dev, 0, 2 * PAGE);

	shut(m, dev);
	assert_int_equal(counts(m).bound, 1);
	second = open_cdev(m, ALONE1);
	assert_int_equal(bind_device(m, second, m->iommu, NULL), -EINVAL);
	unmap_bar(m, bar + PAGE, PAGE);
	assert_int_equal(counts(m).bound, 1);
	unmap_bar(m, bar, PAGE);
	assert_int_equal(counts(m).bound, 0);
	assert_int_equal(bind_device(m, second, m->iommu, NULL), 0);
	shut(m, second);
}

static void bars_map_within_their_size_and_not_for_dma(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1);
	void *bar = NULL;

	assert_int_equal(m->sys->mmap(m->sys->data, (1 << 20) + 1, PROT_READ, dev, 0, &bar),
			 -EINVAL);
	assert_int_equal(m->sys->mmap(m->sys->data, PAGE, PROT_READ, dev, 1 << 20, &bar), -EINVAL);
	assert_int_equal(m->sys->mmap(m->sys->data, PAGE, PROT_READ, dev, CONFIG, &bar), -EINVAL);
	assert_int_equal(m->sys->mmap(m->sys->data, PAGE, PROT_READ, dev, 1ull << 40, &bar),
			 -EINVAL);
	assert_int_equal(m->sys->mmap(m->sys->data, PAGE, PROT_READ, dev, 5, &bar), -EINVAL);
	assert_int_equal(m->sys->mmap(m->sys->data, PAGE, PROT_READ, m->iommu, 0, &bar), -ENXIO);
	bar = map_bar(m, dev, 0, PAGE);
	assert_int_equal(map(m, bar, PAGE, 0x10000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), -EFAULT);
	unmap_bar(m, bar, PAGE);
	assert_int_equal(counts(m).bar_maps, 0);
	shut(m, dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(regions_are_described),
		TEST(configuration_space_reads_as_the_device),
		TEST(configuration_space_takes_what_it_should),
		TEST(registers_by_read_and_write),
		TEST(the_msix_table_is_the_kernels),
		TEST(registers_by_memory),
		TEST(a_mapped_bar_keeps_the_device),
		TEST(bars_map_within_their_size_and_not_for_dma),
	};

	return cmocka_run_group_tests_name("emu-region", tests, NULL, NULL);
}
