/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* An iommufd as a VFIO container, where it differs from type1 and where not. */
#include "test-emu-group.h"

static int setup_compat(void **state)
{
	struct iommufd_emu_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_EMU_COMPAT_CONTAINER,
	};

	return start(state, &opts);
}

static int compat_ioas(struct machine *m, uint16_t op, uint32_t id)
{
	struct k_iommu_vfio_ioas arg = { .size = sizeof(arg), .op = op, .ioas_id = id };
	int r = request(m, m->iommu, K_IOMMU_VFIO_IOAS, &arg);

	return r ? r : (int)arg.ioas_id;
}

static int extension(struct machine *m, unsigned int which)
{
	return number(m, m->iommu, K_VFIO_CHECK_EXTENSION, which);
}

static void use_ioas(struct machine *m)
{
	assert_true(compat_ioas(m, K_IOMMU_VFIO_IOAS_SET, m->ioas) >= 0);
}

/* Its size is told even when it fails, unlike type1's. */
static int unmap_size(struct machine *m, uint64_t iova, uint64_t *size, uint32_t flags)
{
	struct k_vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg), .flags = flags, .iova = iova, .size = *size,
	};
	int r = request(m, m->iommu, K_VFIO_IOMMU_UNMAP_DMA, &arg);

	*size = arg.size;
	return r;
}

struct info {
	struct k_vfio_iommu_type1_info info;
	unsigned char caps[512];
};

static int get_info(struct machine *m, struct info *info, uint32_t room)
{
	memset(info, 0, sizeof(*info));
	info->info.argsz = room;
	return request(m, m->iommu, K_VFIO_IOMMU_GET_INFO, info);
}

/* NULL if it is not there. */
static const void *look_for_cap(const struct info *info, uint16_t id)
{
	const struct k_vfio_info_cap_header *cap;

	for (uint32_t at = info->info.cap_offset; at; at = cap->next) {
		cap = (const void *)((const char *)info + at);
		if (cap->id == id)
			return cap;
	}
	return NULL;
}

static const void *find_cap(const struct info *info, uint16_t id)
{
	const void *cap = look_for_cap(info, id);

	assert_non_null(cap);
	if (!cap)
		abort();
	return cap;
}

static void nothing_works_before_there_is_an_ioas(void **state)
{
	struct machine *m = *state;
	struct info info;
	uint64_t size = PAGE;

	assert_int_equal(number(m, m->iommu, K_VFIO_GET_API_VERSION, 0), K_VFIO_API_VERSION);
	assert_int_equal(extension(m, K_VFIO_TYPE1_IOMMU), 1);
	assert_int_equal(extension(m, K_VFIO_TYPE1v2_IOMMU), 1);
	assert_int_equal(extension(m, K_VFIO_UNMAP_ALL), 1);
	assert_int_equal(extension(m, K_VFIO_NOIOMMU_IOMMU), 1);
	assert_int_equal(extension(m, K_VFIO_UPDATE_VADDR), 0);
	assert_int_equal(extension(m, K_VFIO_DMA_CC_IOMMU), -ENODEV);
	assert_int_equal(set_iommu(m, m->iommu, K_VFIO_TYPE1v2_IOMMU), -ENODEV);
	assert_int_equal(set_iommu(m, m->iommu, K_VFIO_NOIOMMU_IOMMU), -EINVAL);
	assert_int_equal(dma_map(m, m->iommu, m->mem, PAGE, 0, DMA_RW), -ENODEV);
	assert_int_equal(dma_map(m, m->iommu, m->mem, PAGE, 0, 8), -EINVAL);
	assert_int_equal(unmap_size(m, 0, &size, 0), -ENODEV);
	assert_int_equal(get_info(m, &info, sizeof(info)), -ENODEV);
	assert_int_equal(get_info(m, &info, 8), -EINVAL);
	assert_int_equal(request(m, m->iommu, K_VFIO_IOMMU_DIRTY_PAGES, &info), -ENOTTY);
	assert_int_equal(request(m, m->iommu, K_VFIO_GROUP_GET_STATUS, &info), -ENOTTY);
}

static void a_native_ioas_can_be_the_one(void **state)
{
	struct machine *m = *state;
	uint64_t length = PAGE;

	assert_int_equal(compat_ioas(m, K_IOMMU_VFIO_IOAS_GET, 0), -ENODEV);
	use_ioas(m);
	assert_int_equal(compat_ioas(m, K_IOMMU_VFIO_IOAS_GET, 0), (int)m->ioas);
	assert_int_equal(set_iommu(m, m->iommu, K_VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(dma_map(m, m->iommu, m->mem, PAGE, 0x10000, DMA_RW), 0);
	assert_int_equal(dma_map(m, m->iommu, m->mem, PAGE, 0x10000, DMA_RW), -EEXIST);
	assert_int_equal(dma_map(m, m->iommu, m->mem, 0, 0x20000, DMA_RW), -EINVAL);
	assert_int_equal(dma_map(m, m->iommu, (void *)-PAGE, 2 * PAGE, 0x20000, DMA_RW),
			 -EOVERFLOW);
	assert_int_equal(unmap(m, 0x10000, &length), 0); /* natively */
	assert_int_equal(extension(m, K_VFIO_DMA_CC_IOMMU), 1);
}

static void a_group_makes_one(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1), dev;

	assert_int_equal(set_container(m, group, m->iommu), 0);
	assert_true(compat_ioas(m, K_IOMMU_VFIO_IOAS_GET, 0) != (int)m->ioas);
	assert_int_equal(set_iommu(m, m->iommu, K_VFIO_TYPE1v2_IOMMU), 0);
	dev = get_master(m, group, NAME1);
	assert_int_equal(extension(m, K_VFIO_DMA_CC_IOMMU), 0);
	assert_int_equal(dma_map(m, m->iommu, m->mem, 4 * PAGE, 0x10000, DMA_RW), 0);
	assert_int_equal(dma_map(m, m->iommu, m->mem, PAGE, 0xfee00000, DMA_RW), -EINVAL);
	memset(m->mem, 0x42, 64);
	fetch(m, dev, 0x10000, 64);
	store(m, dev, 0x12000, 64);
	assert_true(is_all(m->mem + 2 * PAGE, 64, 0x42));
	shut(m, dev);
	shut(m, group);
}

static void unmapping_differs_from_type1(void **state)
{
	struct machine *m = *state;
	uint64_t size = 2 * PAGE;

	use_ioas(m);
	assert_int_equal(unmap_size(m, 0x10000, &size, 0), 0); /* nothing there */
	assert_int_equal(size, 0);
	assert_int_equal(dma_map(m, m->iommu, m->mem, PAGE, 0x10000, DMA_RW), 0);
	assert_int_equal(dma_map(m, m->iommu, m->mem, 4 * PAGE, 0x11000, DMA_RW), 0);
	size = 3 * PAGE;
	assert_int_equal(unmap_size(m, 0x10000, &size, 0), -ENOENT);
	assert_int_equal(size, PAGE); /* which went */
	assert_int_equal(counts(m).mappings, 1);
	size = 0;
	assert_int_equal(unmap_size(m, 0x11000, &size, 0), -EINVAL);
	size = PAGE;
	assert_int_equal(unmap_size(m, 0, &size, K_VFIO_DMA_UNMAP_FLAG_ALL), -EINVAL);
	assert_int_equal(unmap_size(m, 0x11000, &size, K_VFIO_DMA_UNMAP_FLAG_VADDR), -EINVAL);
	assert_int_equal(unmap_size(m, 0x11000, &size,
				    K_VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP), -EINVAL);
	size = UINT64_MAX;
	assert_int_equal(unmap_size(m, 0x11000, &size, 0), -EOVERFLOW);
	size = 0;
	assert_int_equal(unmap_size(m, 0, &size, K_VFIO_DMA_UNMAP_FLAG_ALL), 0);
	assert_int_equal(size, 4 * PAGE);
	assert_int_equal(counts(m).mappings, 0);
}

static void version_1_cuts(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1), dev;
	uint64_t size = PAGE;

	assert_int_equal(set_container(m, group, m->iommu), 0);
	assert_int_equal(set_iommu(m, m->iommu, K_VFIO_TYPE1_IOMMU), 0);
	dev = get_master(m, group, NAME1);
	assert_int_equal(dma_map(m, m->iommu, m->mem, 8 * PAGE, 0x10000, DMA_RW), 0);
	assert_int_equal(counts(m).pinned_pages, 8);
	assert_int_equal(unmap_size(m, 0x12000, &size, 0), 0);
	assert_int_equal(size, PAGE);
	assert_int_equal(counts(m).mappings, 2);
	assert_int_equal(counts(m).pinned_pages, 7);
	memset(m->mem, 0x11, 16 * PAGE);
	fetch(m, dev, 0x13000, 64);
	assert_int_equal(counts(m).dma_faults, 0);
	fetch(m, dev, 0x12000, 64);
	assert_int_equal(counts(m).dma_faults, 1);
	store(m, dev, 0x17000, 64); /* zeros, which is what a fault reads */
	assert_true(is_all(m->mem + 7 * PAGE, 64, 0));
	size = 2 * PAGE;
	assert_int_equal(unmap_size(m, 0xf000, &size, 0), 0); /* out of the first part */
	assert_int_equal(size, PAGE);
	size = PAGE / 2;
	assert_int_equal(unmap_size(m, 0x13000, &size, 0), -EINVAL);
	size = 16 * PAGE;
	assert_int_equal(unmap_size(m, 0x10000, &size, 0), 0);
	assert_int_equal(size, 6 * PAGE);
	assert_int_equal(counts(m).pinned_pages, 0);
	shut(m, dev);
	shut(m, group);
}

static void version_1_comes_too_late_for_mappings(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1);

	use_ioas(m);
	assert_int_equal(map(m, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(set_iommu(m, m->iommu, K_VFIO_TYPE1_IOMMU), -EINVAL);
	assert_int_equal(set_iommu(m, m->iommu, K_VFIO_TYPE1v2_IOMMU), 0);
	shut(m, dev);
}

static void info_has_its_own_capabilities(void **state)
{
	struct machine *m = *state;
	const struct k_vfio_iommu_type1_info_cap_iova_range *iova;
	const struct k_vfio_iommu_type1_info_dma_avail *avail;
	int dev = get_device(m, ALONE1);
	struct info info;

	use_ioas(m);
	assert_int_equal(get_info(m, &info, sizeof(info)), 0);
	assert_int_equal(info.info.flags, K_VFIO_IOMMU_INFO_PGSIZES | K_VFIO_IOMMU_INFO_CAPS);
	assert_true(info.info.iova_pgsizes == ~(PAGE - 1)); /* nobody has a say yet */
	iova = find_cap(&info, K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	assert_int_equal(iova->nr_iovas, 1);
	assert_true(iova->iova_ranges[0].end == UINT64_MAX);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(get_info(m, &info, sizeof(info)), 0);
	assert_int_equal(info.info.argsz, 88); /* not what was given */
	assert_true(info.info.iova_pgsizes == 0x40201000);
	iova = find_cap(&info, K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	assert_int_equal(iova->nr_iovas, 2);
	assert_true(iova->iova_ranges[0].end == 0xfedfffff);
	assert_true(iova->iova_ranges[1].start == 0xfef00000);
	assert_true(iova->iova_ranges[1].end == 0x7fffffffff);
	avail = find_cap(&info, K_VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	assert_int_equal(avail->avail, UINT32_MAX);
	assert_null(look_for_cap(&info, K_VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION));
	assert_int_equal(get_info(m, &info, 16), 0);
	assert_int_equal(info.info.argsz, 88);
	assert_int_equal(info.info.cap_offset, 0);
	assert_int_equal(get_info(m, &info, 87), 0);
	assert_int_equal(info.info.argsz, 88);
	assert_int_equal(info.info.cap_offset, 0);
	shut(m, dev);
}

static void the_container_file_is_an_iommufd(void **state)
{
	struct machine *m = *state;
	struct k_iommu_option mode = { .size = sizeof(mode), .op = K_IOMMU_OPTION_OP_GET };
	int container = open_container(m), group = open_group(m, GROUP1);
	unsigned int major = 0, minor = 0;
	uint32_t id;

	assert_int_equal(m->sys->char_device(m->sys->data, container, &major, &minor), 0);
	assert_int_equal(minor, 196);
	assert_int_equal(request(m, container, K_IOMMU_OPTION, &mode), 0);
	assert_int_equal(mode.val64, 1); /* charged as type1 charges */
	assert_int_equal(set_iommu(m, container, K_VFIO_TYPE1v2_IOMMU), -ENODEV);
	assert_int_equal(set_container(m, group, container), 0);
	assert_int_equal(set_iommu(m, container, K_VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(dma_map(m, container, m->mem, PAGE, 0x10000, DMA_RW), 0);
	assert_int_equal(new_ioas(m, container, &id), 0);
	shut(m, group);
	shut(m, container);
}

static void only_kernels_with_iommufd_can(void **state)
{
	struct iommufd_emu_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_EMU_COMPAT_CONTAINER, .kernel = "6.1",
	};
	struct iommufd_emu *emu = NULL;

	(void)state;
	assert_int_equal(iommufd_emu_new(&opts, &emu), -EINVAL);
	opts.kernel = "6.6";
	assert_int_equal(iommufd_emu_new(&opts, &emu), 0);
	iommufd_emu_unref(emu);
}

#define TEST_ON(f, machine) cmocka_unit_test_setup_teardown(f, setup_##machine, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_works_before_there_is_an_ioas),
		TEST(a_native_ioas_can_be_the_one),
		TEST(a_group_makes_one),
		TEST(unmapping_differs_from_type1),
		TEST(version_1_cuts),
		TEST(version_1_comes_too_late_for_mappings),
		TEST(info_has_its_own_capabilities),
		TEST_ON(the_container_file_is_an_iommufd, compat),
		cmocka_unit_test(only_kernels_with_iommufd_can),
	};

	return cmocka_run_group_tests_name("emu-vfio-compat", tests, NULL, NULL);
}
