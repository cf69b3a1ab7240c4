/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Type1 containers: what they tell, the windows of their groups, dirty pages. */
#include "test-emu-group.h"

#define V2 K_VFIO_TYPE1v2_IOMMU
#define START K_VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP K_VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET K_VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

struct info {
	struct k_vfio_iommu_type1_info head;
	unsigned char caps[512];
};

static const void *capability(const struct info *info, uint16_t id)
{
	const unsigned char *base = (const void *)info;
	const struct k_vfio_info_cap_header *header;

	for (uint32_t at = info->head.cap_offset; at; at = header->next) {
		header = (const void *)(base + at);
		assert_int_equal(header->version, 1);
		assert_int_equal(at % 8, 0);
		if (header->id == id)
			return header;
	}
	return NULL;
}

static struct info get_info(struct machine *m, int container)
{
	struct info info = { .head.argsz = sizeof(info) };

	assert_int_equal(request(m, container, K_VFIO_IOMMU_GET_INFO, &info), 0);
	assert_int_equal(info.head.argsz, sizeof(info));
	return info;
}

struct windows {
	uint32_t nr;
	struct k_vfio_iova_range at[8];
};

static struct windows get_windows(struct machine *m, int container)
{
	struct info info = get_info(m, container);
	const struct k_vfio_iommu_type1_info_cap_iova_range *cap =
		capability(&info, K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	struct windows out = { .nr = cap->nr_iovas };

	assert_true(out.nr <= 8);
	memcpy(out.at, cap->iova_ranges, out.nr * sizeof(*out.at));
	return out;
}

static uint32_t entries_left(struct machine *m, int container)
{
	struct info info = get_info(m, container);
	const struct k_vfio_iommu_type1_info_dma_avail *cap =
		capability(&info, K_VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);

	return cap->avail;
}

static void info_tells_sizes_and_capabilities(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	const uint32_t need = sizeof(struct k_vfio_iommu_type1_info) + 32 + 16 + 16 + 2 * 16;
	const struct k_vfio_iommu_type1_info_cap_migration *migration;
	struct info info = { .head.argsz = 15 };

	assert_int_equal(request(m, s.container, K_VFIO_IOMMU_GET_INFO, NULL), -EFAULT);
	assert_int_equal(request(m, s.container, K_VFIO_IOMMU_GET_INFO, &info), -EINVAL);
	/* as much as there is room for, and what it would take */
	info.head = (struct k_vfio_iommu_type1_info){ .argsz = 16, .cap_offset = 77 };
	assert_int_equal(request(m, s.container, K_VFIO_IOMMU_GET_INFO, &info), 0);
	assert_int_equal(info.head.flags, K_VFIO_IOMMU_INFO_PGSIZES | K_VFIO_IOMMU_INFO_CAPS);
	assert_int_equal(info.head.iova_pgsizes, 0x40201000);
	assert_int_equal(info.head.argsz, need);
	assert_int_equal(info.head.cap_offset, 77);
	info.head.argsz = need - 1;
	assert_int_equal(request(m, s.container, K_VFIO_IOMMU_GET_INFO, &info), 0);
	assert_int_equal(info.head.argsz, need);
	assert_int_equal(info.head.cap_offset, 0);
	assert_int_equal(request(m, s.container, K_VFIO_IOMMU_GET_INFO, &info), 0);
	assert_int_equal(info.head.argsz, need);
	assert_int_equal(info.head.cap_offset, sizeof(info.head));
	migration = capability(&info, K_VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);
	assert_int_equal(migration->flags, 0);
	assert_int_equal(migration->pgsize_bitmap, PAGE);
	assert_int_equal(migration->max_dirty_bitmap_size, 256 << 20);
	assert_non_null(capability(&info, K_VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL));
	assert_non_null(capability(&info, K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE));
	leave(m, &s);
}

static void entries_are_counted_down(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);

	assert_int_equal(entries_left(m, s.container), 65535);
	assert_int_equal(dma_map(m, s.container, m->mem, 2 * PAGE, 0, DMA_RW), 0);
	assert_int_equal(dma_map(m, s.container, m->mem, 2 * PAGE, 2 * PAGE, DMA_RW), 0);
	assert_int_equal(entries_left(m, s.container), 65533);
	assert_int_equal(dma_unmap(m, s.container, 0, 4 * PAGE, 0), 4 * PAGE);
	assert_int_equal(entries_left(m, s.container), 65535);
	leave(m, &s);
}

static void add_reserved(struct machine *m, const char *bdf, uint32_t group, uint64_t first,
			 uint64_t last)
{
	const struct iommufd_emu_device_opts opts = {
		.size = sizeof(opts), .bdf = bdf, .group = group, .reserved_start = first,
		.reserved_last = last,
	};

	assert_int_equal(iommufd_emu_add_device(m->emu, &opts), 0);
}

static void windows_are_what_all_groups_leave(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	struct windows w = get_windows(m, s.container);
	char text[256] = "";
	int group;

	assert_int_equal(w.nr, 2);
	assert_int_equal(w.at[0].start, 0);
	assert_int_equal(w.at[0].end, 0xfedfffff);
	assert_int_equal(w.at[1].start, 0xfef00000);
	assert_int_equal(w.at[1].end, 0x7fffffffff);

	add_reserved(m, "0000:07:00.0", 70, 0x100000, 0x1fffff);
	add_reserved(m, "0000:07:00.1", 70, 0, 0xfff);
	assert_true(m->sys->read_file(m->sys->data, "/sys/kernel/iommu_groups/70/reserved_regions",
				      text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "0x0000000000000000 0x0000000000000fff reserved\n"
				  "0x0000000000100000 0x00000000001fffff reserved\n"
				  "0x00000000fee00000 0x00000000feefffff msi\n");
	group = open_group(m, 70);
	assert_int_equal(set_container(m, group, s.container), 0);
	w = get_windows(m, s.container);
	assert_int_equal(w.nr, 3);
	assert_int_equal(w.at[0].end, 0xfffff);
	assert_int_equal(w.at[1].start, 0x200000);
	assert_int_equal(dma_map(m, s.container, m->mem, PAGE, 0x100000, DMA_RW), -EINVAL);
	assert_int_equal(dma_map(m, s.container, m->mem, 2 * PAGE, 0xff000, DMA_RW), -EINVAL);
	assert_int_equal(dma_map(m, s.container, m->mem, PAGE, 0xff000, DMA_RW), 0);
	assert_int_equal(unset_container(m, group), 0);
	assert_int_equal(get_windows(m, s.container).nr, 2);
	assert_int_equal(dma_map(m, s.container, m->mem, PAGE, 0x100000, DMA_RW), 0);
	/* the group cannot come back now, and everything stays as it is */
	assert_int_equal(set_container(m, group, s.container), -EINVAL);
	assert_int_equal(get_windows(m, s.container).nr, 2);
	assert_int_equal(group_status(m, group), K_VFIO_GROUP_FLAGS_VIABLE);
	assert_int_equal(dma_unmap(m, s.container, 0x100000, PAGE, 0), PAGE);
	assert_int_equal(set_container(m, group, s.container), 0);
	shut(m, group);
	leave(m, &s);
}

/* The kernel remembers only from where to where the windows went. */
static void a_window_lost_at_an_end_stays_lost(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	int group;

	add_reserved(m, "0000:07:00.0", 70, 0, 0xffff);
	/* in the way of a window's start and end, and of a whole one */
	add_reserved(m, "0000:07:00.1", 70, 0xfed00000, 0xfeffffff);
	group = open_group(m, 70);
	assert_int_equal(set_container(m, group, s.container), 0);
	assert_int_equal(get_windows(m, s.container).at[0].start, 0x10000);
	assert_int_equal(get_windows(m, s.container).at[0].end, 0xfecfffff);
	assert_int_equal(get_windows(m, s.container).at[1].start, 0xff000000);
	shut(m, group);
	assert_int_equal(get_windows(m, s.container).at[0].start, 0x10000);
	assert_int_equal(get_windows(m, s.container).at[0].end, 0xfedfffff);
	leave(m, &s);

	add_reserved(m, "0000:07:00.2", 71, 0, 0x7fffffffff);
	s.container = open_container(m);
	group = open_group(m, 71);
	assert_int_equal(set_container(m, group, s.container), 0);
	assert_int_equal(set_iommu(m, s.container, V2), -EINVAL);
	shut(m, group);
	shut(m, s.container);
}

/* The same windows hold for an iommufd. */
static void reserved_iovas_bind_an_iommufd_too(void **state)
{
	struct machine *m = *state;
	struct ranges r;
	int dev;

	add_reserved(m, "0000:07:00.0", 70, 0x100000, 0x1fffff);
	dev = open_cdev(m, 7);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), 0);
	assert_int_equal(map(m, m->mem, PAGE, 0x180000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), -EADDRINUSE);
	unmap_all(m);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	r = get_ranges(m);
	assert_int_equal(r.nr, 3);
	assert_int_equal(r.range[1].start, 0x200000);
	assert_int_equal(map(m, m->mem, PAGE, 0x180000), -EINVAL);
	assert_int_equal(detach(m, dev), 0);
	assert_int_equal(get_ranges(m).nr, 1);
	shut(m, dev);
}

static int no_isolation(void **state)
{
	const struct iommufd_emu_opts opts = { .size = sizeof(opts),
					       .flags = IOMMUFD_EMU_NO_MSI_ISOLATION };

	return start(state, &opts);
}

static void unsafe_interrupts_are_refused(void **state)
{
	struct machine *m = *state;
	int container = open_container(m), group = open_group(m, GROUP1);

	assert_int_equal(set_container(m, group, container), 0);
	assert_int_equal(group_status(m, group), 3);
	assert_int_equal(set_iommu(m, container, V2), -EPERM);
	assert_int_equal(get_named(m, group, NAME1), -EINVAL);
	assert_int_equal(unset_container(m, group), 0);
	assert_int_equal(set_container(m, group, m->iommu), 0);
	assert_int_equal(get_named(m, group, NAME1), -EPERM);
	shut(m, group);
	shut(m, container);
}

static int dirty(struct machine *m, int container, uint32_t flags)
{
	struct k_vfio_iommu_type1_dirty_bitmap arg = { .argsz = sizeof(arg), .flags = flags };

	return request(m, container, K_VFIO_IOMMU_DIRTY_PAGES, &arg);
}

/* Requests with what follows their heads. */
struct bitmap_request {
	uint32_t argsz;
	uint32_t flags;
	struct k_vfio_iommu_type1_dirty_bitmap_get get;
};

static int get_bitmap(struct machine *m, int container, uint64_t iova, uint64_t size,
		      uint64_t page, uint64_t *bits, size_t n)
{
	struct bitmap_request arg = {
		sizeof(arg), GET,
		{ iova, size, { .pgsize = page, .size = n, .data = bits } },
	};

	return request(m, container, K_VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static void dirty_requests_are_checked(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	struct bitmap_request arg = { .argsz = sizeof(arg) - 1, .flags = GET };
	uint64_t bits[2] = { 0 };
	int c = s.container;

	assert_int_equal(request(m, c, K_VFIO_IOMMU_DIRTY_PAGES, NULL), -EFAULT);
	assert_int_equal(dirty(m, c, 0), -EINVAL);
	assert_int_equal(dirty(m, c, START | STOP), -EINVAL);
	assert_int_equal(dirty(m, c, 8), -EINVAL);
	assert_int_equal(dirty(m, c, GET), -EINVAL);
	assert_int_equal(request(m, c, K_VFIO_IOMMU_DIRTY_PAGES, &arg), -EINVAL);
	assert_int_equal(dirty(m, c, STOP), 0);
	assert_int_equal(get_bitmap(m, c, 0, PAGE, PAGE, bits, 8), -EINVAL); /* not started */
	assert_int_equal(dirty(m, c, START), 0);
	assert_int_equal(dirty(m, c, START), 0);
	assert_int_equal(get_bitmap(m, c, 0, PAGE, PAGE, bits, 8), 0);
	assert_int_equal(get_bitmap(m, c, 0, 0, PAGE, bits, 8), -EINVAL);
	assert_int_equal(get_bitmap(m, c, PAGE, UINT64_MAX, PAGE, bits, 8), -EOVERFLOW);
	assert_int_equal(get_bitmap(m, c, 0, PAGE, 2 * PAGE, bits, 8), -EINVAL);
	assert_int_equal(get_bitmap(m, c, 0, PAGE, 512, bits, 8), -EINVAL);
	assert_int_equal(get_bitmap(m, c, 0, PAGE, 0, bits, 8), -EINVAL);
	assert_int_equal(get_bitmap(m, c, 0, PAGE, PAGE, bits, 7), -EINVAL);
	assert_int_equal(get_bitmap(m, c, 0, 65 * PAGE, PAGE, bits, 8), -EINVAL);
	assert_int_equal(get_bitmap(m, c, 0, 65 * PAGE, PAGE, bits, 16), 0);
	assert_int_equal(get_bitmap(m, c, 512, PAGE, PAGE, bits, 8), -EINVAL);
	assert_int_equal(get_bitmap(m, c, 0, PAGE + 512, PAGE, bits, 8), -EINVAL);
	assert_int_equal(get_bitmap(m, c, 0, PAGE, PAGE, bits, (256 << 20) + 8), -EINVAL);
	leave(m, &s);
}

static void all_that_is_mapped_is_dirty(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	uint64_t bits[3] = { 0 };
	int c = s.container;

	assert_int_equal(dma_map(m, c, m->mem, PAGE, 0, DMA_RW), 0);
	assert_int_equal(dirty(m, c, START), 0);
	assert_int_equal(dma_map(m, c, m->mem, 4 * PAGE, 2 * PAGE, DMA_RW), 0);
	assert_int_equal(dma_map(m, c, m->mem, 8 * PAGE, 60 * PAGE, DMA_RW), 0);
	assert_int_equal(get_bitmap(m, c, 0, 128 * PAGE, PAGE, bits, 16), 0);
	assert_int_equal(bits[0], 0xf00000000000003d);
	assert_int_equal(bits[1], 0xf);
	/* and stays so; but around it bits come up that mean nothing */
	memset(bits, 0, sizeof(bits));
	assert_int_equal(get_bitmap(m, c, 0, 128 * PAGE, PAGE, bits, 16), 0);
	assert_int_equal(bits[0], 0xf0000000000000fd);
	assert_int_equal(bits[1], 0xff0000000000000f);
	assert_int_equal(dirty(m, c, STOP), 0);
	assert_int_equal(dirty(m, c, START), 0);
	/* bits count from the request's start; the words that are touched are written whole */
	bits[0] = 0x3f;
	bits[1] = bits[2] = UINT64_MAX;
	assert_int_equal(get_bitmap(m, c, 58 * PAGE, 64 * PAGE, PAGE, bits, 8), 0);
	assert_int_equal(bits[0], 0x3ff);
	assert_int_equal(bits[1], UINT64_MAX);
	assert_int_equal(dirty(m, c, STOP), 0);
	assert_int_equal(dirty(m, c, START), 0);
	bits[0] = UINT64_MAX;
	assert_int_equal(get_bitmap(m, c, 60 * PAGE, 8 * PAGE, PAGE, bits, 8), 0);
	assert_int_equal(bits[0], 0xff);
	assert_int_equal(get_bitmap(m, c, 3 * PAGE, 8 * PAGE, PAGE, bits, 8), -EINVAL);
	assert_int_equal(get_bitmap(m, c, 0, 4 * PAGE, PAGE, bits, 8), -EINVAL);
	assert_int_equal(get_bitmap(m, c, 0, PAGE, PAGE, NULL, 8), -EFAULT);
	assert_int_equal(dirty(m, c, STOP), 0);
	assert_int_equal(get_bitmap(m, c, 0, PAGE, PAGE, bits, 8), -EINVAL);
	leave(m, &s);
}

struct unmap_request {
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova;
	uint64_t size;
	struct k_vfio_bitmap bitmap;
};

static int unmap_dirty(struct machine *m, int container, uint64_t iova, uint64_t size,
		       uint32_t more, uint64_t *bits)
{
	struct unmap_request arg = {
		sizeof(arg), more | K_VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, iova, size,
		{ .pgsize = PAGE, .size = 8, .data = bits },
	};
	int r = request(m, container, K_VFIO_IOMMU_UNMAP_DMA, &arg);

	return r ? r : (int)(arg.size / PAGE);
}

static void unmapping_may_tell_what_was_dirty(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	uint64_t bits = 0;
	int c = s.container;

	assert_int_equal(dma_map(m, c, m->mem, 2 * PAGE, PAGE, DMA_RW), 0);
	assert_int_equal(dma_map(m, c, m->mem, 2 * PAGE, 4 * PAGE, DMA_RW), 0);
	assert_int_equal(unmap_dirty(m, c, 0, 8 * PAGE, 0, &bits), -EINVAL);
	assert_int_equal(dirty(m, c, START), 0);
	assert_int_equal(unmap_dirty(m, c, 0, 0, K_VFIO_DMA_UNMAP_FLAG_ALL, &bits), -EINVAL);
	assert_int_equal(unmap_dirty(m, c, 0, 8 * PAGE, K_VFIO_DMA_UNMAP_FLAG_VADDR, &bits),
			 -EINVAL);
	assert_int_equal(dma_unmap(m, c, 0, 8 * PAGE, K_VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP),
			 -EINVAL);
	assert_int_equal(unmap_dirty(m, c, 0, 65 * PAGE, 0, &bits), -EINVAL);
	assert_int_equal(unmap_dirty(m, c, 0, 5 * PAGE, 0, &bits), -EINVAL);
	assert_int_equal(counts(m).mappings, 2);
	assert_int_equal(unmap_dirty(m, c, 0, 8 * PAGE, 0, &bits), 4);
	assert_int_equal(bits, 0x36);
	assert_int_equal(dma_map(m, c, m->mem, 2 * PAGE, PAGE, DMA_RW), 0);
	assert_int_equal(unmap_dirty(m, c, 0, 8 * PAGE, 0, NULL), -EFAULT);
	assert_int_equal(dma_unmap(m, c, 0, 8 * PAGE, 0), 2 * PAGE);
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(unmap_dirty(m, c, 0, 8 * PAGE, 0, &bits), 0);
	leave(m, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(info_tells_sizes_and_capabilities),
		TEST(entries_are_counted_down),
		TEST(windows_are_what_all_groups_leave),
		TEST(a_window_lost_at_an_end_stays_lost),
		TEST(reserved_iovas_bind_an_iommufd_too),
		cmocka_unit_test_setup_teardown(unsafe_interrupts_are_refused, no_isolation,
						teardown),
		TEST(dirty_requests_are_checked),
		TEST(all_that_is_mapped_is_dirty),
		TEST(unmapping_may_tell_what_was_dirty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
