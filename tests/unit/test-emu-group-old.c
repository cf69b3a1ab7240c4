/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Groups and containers of older kernels. */
#include "test-emu-group.h"

#define V2 K_VFIO_TYPE1v2_IOMMU

static int start_kernel(void **state, const char *kernel)
{
	const struct iommufd_emu_opts opts = { .size = sizeof(opts), .kernel = kernel };

	return start(state, &opts);
}

static int kernel_6_6(void **state)
{
	return start_kernel(state, "6.6");
}

static int kernel_6_1(void **state)
{
	return start_kernel(state, "6.1");
}

static int kernel_5_10(void **state)
{
	return start_kernel(state, "5.10");
}

static void a_device_cannot_be_bound(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	struct k_vfio_device_bind_iommufd arg = { .argsz = sizeof(arg), .iommufd = 0 };
	int dev = get_named(m, s.group, NAME1);

	assert_true(dev >= 0);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), -ENOTTY);
	shut(m, dev);
	leave(m, &s);
}

static void an_iommufd_can_stand_for_a_container(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1), dev;

	assert_int_equal(set_container(m, group, STDOUT_FILENO), -EBADFD);
	assert_int_equal(set_container(m, group, m->iommu), 0);
	dev = get_named(m, group, NAME1);
	assert_true(dev >= 0);
	shut(m, dev);
	shut(m, group);
}

static void wrong_descriptors_are_plainly_refused(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1);

	assert_int_equal(set_container(m, group, 1000), -EBADF);
	assert_int_equal(set_container(m, group, group), -EINVAL);
	assert_int_equal(set_container(m, group, STDOUT_FILENO), -EINVAL);
	shut(m, group);
}

static void ranges_that_wrap_are_invalid(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	const uint64_t last_page = UINT64_MAX - (PAGE - 1);

	assert_int_equal(dma_map(m, s.container, m->mem, 2 * PAGE, last_page, DMA_RW), -EINVAL);
	assert_int_equal(dma_unmap(m, s.container, 2 * PAGE, last_page, 0), -EINVAL);
	assert_int_equal(dma_map(m, s.container, m->mem, PAGE, 0, DMA_RW), 0);
	assert_int_equal(dma_unmap(m, s.container, 0, PAGE, 0), PAGE);
	leave(m, &s);
}

/* A capability may begin anywhere. */
static void capabilities_are_packed(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);
	struct {
		struct k_vfio_iommu_type1_info head;
		unsigned char caps[32 + 12 + 16 + 2 * 16];
	} info = { .head.argsz = sizeof(info.head) + sizeof(info.caps) };
	struct k_vfio_info_cap_header header;
	uint32_t at;

	assert_int_equal(request(m, s.container, K_VFIO_IOMMU_GET_INFO, &info), 0);
	assert_int_equal(info.head.cap_offset, 24);
	for (at = 24; at; at = header.next) {
		memcpy(&header, (unsigned char *)&info + at, sizeof(header));
		if (header.id == K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			break;
	}
	assert_int_equal(at, 24 + 32 + 12);
	leave(m, &s);
}

static void what_came_with_5_12_is_unknown(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, V2);

	assert_int_equal(number(m, s.container, K_VFIO_CHECK_EXTENSION, K_VFIO_UNMAP_ALL), 0);
	assert_int_equal(number(m, s.container, K_VFIO_CHECK_EXTENSION, K_VFIO_UPDATE_VADDR), 0);
	assert_int_equal(dma_map(m, s.container, m->mem, PAGE, 0, DMA_RW), 0);
	assert_int_equal(dma_unmap(m, s.container, 0, 0, K_VFIO_DMA_UNMAP_FLAG_ALL), -EINVAL);
	assert_int_equal(dma_unmap(m, s.container, 0, PAGE, K_VFIO_DMA_UNMAP_FLAG_VADDR), -EINVAL);
	assert_int_equal(dma_map(m, s.container, m->mem, PAGE, 0, K_VFIO_DMA_MAP_FLAG_VADDR),
			 -EINVAL);
	leave(m, &s);
}

/* Groups were not claimed as a whole: only opening a device looked at the neighbours. */
static void viability_is_looked_at_late(void **state)
{
	struct machine *m = *state;
	int container = open_container(m), group = open_group(m, TWINS), dev;

	assert_int_equal(get_named(m, group, "nonsense"), -EINVAL);
	assert_int_equal(iommufd_emu_set_driver(m->emu, TWIN2, "e1000e"), 0);
	assert_int_equal(group_status(m, group), 0);
	assert_int_equal(set_container(m, group, container), 0);
	assert_int_equal(group_status(m, group), K_VFIO_GROUP_FLAGS_CONTAINER_SET);
	assert_int_equal(set_iommu(m, container, V2), 0);
	assert_int_equal(get_named(m, group, TWIN1), -EINVAL);
	assert_int_equal(iommufd_emu_set_driver(m->emu, TWIN2, ""), 0);
	assert_int_equal(group_status(m, group), 3);
	assert_int_equal(get_named(m, group, "nonsense"), -ENODEV);
	dev = get_named(m, group, TWIN1);
	assert_true(dev >= 0);
	shut(m, dev);
	shut(m, group);
	shut(m, container);
}

#define ON(kernel, f) cmocka_unit_test_setup_teardown(f, kernel, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON(kernel_6_6, a_device_cannot_be_bound),
		ON(kernel_6_6, an_iommufd_can_stand_for_a_container),
		ON(kernel_6_6, ranges_that_wrap_are_invalid),
		ON(kernel_6_1, a_device_cannot_be_bound),
		ON(kernel_6_1, wrong_descriptors_are_plainly_refused),
		ON(kernel_6_1, ranges_that_wrap_are_invalid),
		ON(kernel_6_1, capabilities_are_packed),
		ON(kernel_5_10, wrong_descriptors_are_plainly_refused),
		ON(kernel_5_10, capabilities_are_packed),
		ON(kernel_5_10, what_came_with_5_12_is_unknown),
		ON(kernel_5_10, viability_is_looked_at_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
