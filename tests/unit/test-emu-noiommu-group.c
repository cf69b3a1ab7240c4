/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Machines without an IOMMU: groups, and the container that translates nothing. */
#include "test-emu-group.h"

static int start_flags(void **state, const char *kernel, uint64_t flags)
{
	struct iommufd_emu_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_EMU_NOIOMMU | flags, .kernel = kernel,
	};

	return start(state, &opts);
}

static int setup_noiommu(void **state)
{
	return start_flags(state, NULL, 0);
}

static int setup_5_10(void **state)
{
	return start_flags(state, "5.10", 0);
}

static int setup_unprivileged(void **state)
{
	return start_flags(state, NULL, IOMMUFD_EMU_UNPRIVILEGED);
}

static int open_noiommu(struct machine *m, int n)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/noiommu-%d", n);
	return open_path(m, path);
}

static int extension(struct machine *m, int container, unsigned int which)
{
	return number(m, container, K_VFIO_CHECK_EXTENSION, which);
}

static void copies_without_translation(struct machine *m, int dev)
{
	uint64_t va = (uintptr_t)m->mem;

	set_command(m, dev, command(m, dev) | 0x4);
	memset(m->mem, 0x77, 64);
	fetch(m, dev, va, 64);
	store(m, dev, va + 2 * PAGE, 64);
	assert_true(is_all(m->mem + 2 * PAGE, 64, 0x77));
	assert_int_equal(counts(m).dma_faults, 0);
}

static void a_container_takes_such_groups(void **state)
{
	struct machine *m = *state;
	int container = open_container(m), group = open_noiommu(m, 0), second, dev;

	assert_int_equal(extension(m, container, K_VFIO_NOIOMMU_IOMMU), 1);
	assert_int_equal(extension(m, container, K_VFIO_TYPE1v2_IOMMU), 1);
	assert_int_equal(group_status(m, group), K_VFIO_GROUP_FLAGS_VIABLE);
	assert_int_equal(get_named(m, group, NAME1), -EINVAL);
	assert_int_equal(set_iommu(m, container, K_VFIO_NOIOMMU_IOMMU), -EINVAL);
	assert_int_equal(set_container(m, group, container), 0);
	assert_int_equal(group_status(m, group),
			 K_VFIO_GROUP_FLAGS_VIABLE | K_VFIO_GROUP_FLAGS_CONTAINER_SET);
	assert_int_equal(extension(m, container, K_VFIO_NOIOMMU_IOMMU), 1);
	assert_int_equal(extension(m, container, K_VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(get_named(m, group, NAME1), -EINVAL); /* no driver yet */
	assert_int_equal(set_iommu(m, container, K_VFIO_TYPE1v2_IOMMU), -ENODEV);
	assert_int_equal(dma_map(m, container, m->mem, PAGE, 0, DMA_RW), -EINVAL);
	assert_int_equal(set_iommu(m, container, K_VFIO_NOIOMMU_IOMMU), 0);
	assert_int_equal(set_iommu(m, container, K_VFIO_NOIOMMU_IOMMU), -EINVAL);
	assert_int_equal(dma_map(m, container, m->mem, PAGE, 0, DMA_RW), -ENOTTY);
	assert_int_equal(get_named(m, group, NAME2), -ENODEV); /* another group's */
	dev = get_named(m, group, NAME1);
	assert_true(dev >= 0);
	copies_without_translation(m, dev);
	second = open_noiommu(m, 1);
	assert_int_equal(set_container(m, second, container), 0);
	assert_int_equal(unset_container(m, group), -EBUSY);
	shut(m, dev);
	assert_int_equal(unset_container(m, group), 0);
	assert_int_equal(unset_container(m, second), 0);
	assert_int_equal(dma_map(m, container, m->mem, PAGE, 0, DMA_RW), -EINVAL);
	shut(m, second);
	shut(m, group);
	shut(m, container);
}

static void an_iommufd_can_be_the_container(void **state)
{
	struct machine *m = *state;
	struct k_iommu_vfio_ioas arg = { .size = sizeof(arg), .op = K_IOMMU_VFIO_IOAS_SET };
	int group = open_noiommu(m, 0), dev;

	assert_int_equal(set_container(m, group, m->iommu), 0);
	dev = get_named(m, group, NAME1);
	assert_true(dev >= 0);
	assert_int_equal(counts(m).bound, 0); /* there is nothing to bind */
	copies_without_translation(m, dev);
	shut(m, dev);
	arg.ioas_id = m->ioas;
	assert_int_equal(request(m, m->iommu, K_IOMMU_VFIO_IOAS, &arg), 0);
	assert_int_equal(get_named(m, group, NAME1), -EPERM); /* translation seems expected */
	assert_int_equal(unset_container(m, group), 0);
	assert_int_equal(set_container(m, group, m->iommu), -EINVAL);
	shut(m, group);
}

static void a_group_and_its_cdev_exclude_each_other(void **state)
{
	struct machine *m = *state;
	int group = open_noiommu(m, 0), dev = open_path(m, "/dev/vfio/devices/noiommu-vfio0");

	assert_int_equal(bind_device(m, dev, m->iommu, NULL), -EBUSY);
	shut(m, group);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), 0);
	assert_int_equal(open_noiommu(m, 0), -EBUSY);
	shut(m, dev);
}

static void old_kernels_have_them_too(void **state)
{
	struct machine *m = *state;
	int container = open_container(m), group = open_noiommu(m, 0), dev;

	assert_int_equal(set_container(m, group, container), 0);
	assert_int_equal(get_named(m, group, NAME1), -EINVAL);
	assert_int_equal(set_iommu(m, container, K_VFIO_NOIOMMU_IOMMU), 0);
	dev = get_named(m, group, NAME1);
	assert_true(dev >= 0);
	copies_without_translation(m, dev);
	shut(m, dev);
	shut(m, group);
	shut(m, container);
}

static void privilege_is_needed(void **state)
{
	struct machine *m = *state;

	assert_int_equal(open_noiommu(m, 0), -EPERM);
	assert_int_equal(open_noiommu(m, 9), -ENOENT);
}

static void uevents_tell_of_groups(void **state)
{
	struct machine *m = *state;
	int fd = m->sys->uevents(m->sys->data);
	static const char *const heads[] = {
		"remove@/devices/pci0000:00/" NAME1 "/vfio-dev/noiommu-vfio0",
		"remove@/devices/virtual/vfio/noiommu-0",
		"unbind@/devices/pci0000:00/" NAME1,
		"add@/devices/virtual/vfio/noiommu-0",
		"add@/devices/pci0000:00/" NAME1 "/vfio-dev/noiommu-vfio0",
		"bind@/devices/pci0000:00/" NAME1,
	};

	assert_int_equal(iommufd_emu_set_driver(m->emu, NAME1, ""), 0);
	assert_int_equal(iommufd_emu_set_driver(m->emu, NAME1, "vfio-pci"), 0);
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		char text[1024];

		assert_true(m->sys->read(m->sys->data, fd, text, sizeof(text)) > 0);
		assert_string_equal(text, heads[i]);
	}
	shut(m, fd);
}

#define TEST_ON(f, machine) cmocka_unit_test_setup_teardown(f, setup_##machine, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_ON(a_container_takes_such_groups, noiommu),
		TEST_ON(an_iommufd_can_be_the_container, noiommu),
		TEST_ON(a_group_and_its_cdev_exclude_each_other, noiommu),
		TEST_ON(old_kernels_have_them_too, 5_10),
		TEST_ON(privilege_is_needed, unprivileged),
		TEST_ON(uevents_tell_of_groups, noiommu),
	};

	return cmocka_run_group_tests_name("emu-noiommu-group", tests, NULL, NULL);
}
