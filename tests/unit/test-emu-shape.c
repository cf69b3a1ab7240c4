/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Kernels that a machine can be, and how LIBIOMMUFD_EMU names them. */
#include "test-emu.h"

#include "os/mock.h"

static int start_kernel(void **state, const char *kernel)
{
	struct iommufd_emu_opts opts = { .size = sizeof(opts), .kernel = kernel };

	return start(state, &opts);
}

static int setup_6_6(void **state)
{
	return start_kernel(state, "6.6");
}

static int setup_6_1(void **state)
{
	return start_kernel(state, "6.1");
}

static int setup_5_10(void **state)
{
	return start_kernel(state, "5.10");
}

static int exists(struct machine *m, const char *path)
{
	return m->sys->exists(m->sys->data, path);
}

static int populate(struct machine *m)
{
	return m->sys->populate(m->sys->data, m->mem, PAGE, 1);
}

#define VFIO_DEV "/sys/bus/pci/devices/0000:00:03.0/vfio-dev"

static void linux_6_6_has_iommufd_without_cdevs(void **state)
{
	struct machine *m = *state;
	struct k_iommu_ioas_map_file file = {
		.size = sizeof(file), .flags = RW, .ioas_id = m->ioas, .length = PAGE,
	};
	static const uint32_t missing[] = {
		K_IOMMU_HWPT_SET_DIRTY_TRACKING, K_IOMMU_HWPT_GET_DIRTY_BITMAP,
		K_IOMMU_HWPT_INVALIDATE, K_IOMMU_FAULT_QUEUE_ALLOC, K_IOMMU_IOAS_MAP_FILE,
		K_IOMMU_VIOMMU_ALLOC, K_IOMMU_VDEVICE_ALLOC, K_IOMMU_IOAS_CHANGE_PROCESS,
		K_IOMMU_VEVENTQ_ALLOC, K_IOMMU_HW_QUEUE_ALLOC, K_IOMMU_IOAS_NOIOMMU_GET_PA,
		K_IOMMU_TEST_CMD,
	};

	for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++)
		assert_int_equal(request(m, m->iommu, missing[i], &file), -ENOTTY);
	assert_int_equal(map(m, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(unmap_all(m), PAGE);
	assert_int_equal(exists(m, VFIO_DEV "/vfio0"), 0);
	assert_int_equal(exists(m, VFIO_DEV "/vfio0/dev"), -ENOENT);
	assert_int_equal(open_cdev(m, ALONE1), -ENOENT);
	assert_int_equal(populate(m), 0);
}

/* What an ioctl's structure got later is, to the first kernel, not zero or not there. */
static void linux_6_6_knows_the_first_structures(void **state)
{
	struct machine *m = *state;
	struct k_iommu_hwpt_alloc alloc = { .size = sizeof(alloc), .dev_id = 99, .pt_id = m->ioas };
	struct k_iommu_hw_info info = { .size = sizeof(info), .dev_id = 99 };

	assert_int_equal(request(m, m->iommu, K_IOMMU_HWPT_ALLOC, &alloc), -ENOENT);
	alloc.flags = K_IOMMU_HWPT_ALLOC_NEST_PARENT;
	assert_int_equal(request(m, m->iommu, K_IOMMU_HWPT_ALLOC, &alloc), -EOPNOTSUPP);
	alloc.flags = 0;
	alloc.data_len = 8;
	assert_int_equal(request(m, m->iommu, K_IOMMU_HWPT_ALLOC, &alloc), -E2BIG);
	assert_int_equal(request(m, m->iommu, K_IOMMU_GET_HW_INFO, &info), -ENOENT);
	info.out_capabilities = 1;
	assert_int_equal(request(m, m->iommu, K_IOMMU_GET_HW_INFO, &info), -E2BIG);
	info.out_capabilities = 0;
	info.flags = K_IOMMU_HW_INFO_FLAG_INPUT_TYPE;
	assert_int_equal(request(m, m->iommu, K_IOMMU_GET_HW_INFO, &info), -EOPNOTSUPP);
}

static void the_newest_knows_all_of_it(void **state)
{
	struct machine *m = *state;
	struct k_iommu_ioas_change_process arg = { .size = sizeof(arg) };
	struct k_iommu_hw_info info = {
		.size = sizeof(info), .dev_id = 99, .flags = K_IOMMU_HW_INFO_FLAG_INPUT_TYPE,
		.out_capabilities = 1,
	};

	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_CHANGE_PROCESS, &arg), 0);
	assert_int_equal(request(m, m->iommu, K_IOMMU_GET_HW_INFO, &info), -ENOENT);
	assert_int_equal(exists(m, VFIO_DEV "/vfio0/dev"), 0);
}

static void linux_6_1_has_no_iommufd(void **state)
{
	struct machine *m = *state;

	assert_int_equal(m->iommu, -ENOENT);
	assert_int_equal(exists(m, "/dev/iommu"), -ENOENT);
	assert_int_equal(exists(m, VFIO_DEV "/vfio0"), 0);
	assert_int_equal(exists(m, VFIO_DEV "/vfio0/dev"), -ENOENT);
	assert_int_equal(populate(m), 0);
}

static void linux_5_10_is_older_still(void **state)
{
	struct machine *m = *state;

	assert_int_equal(m->iommu, -ENOENT);
	assert_int_equal(exists(m, VFIO_DEV), -ENOENT);
	assert_int_equal(exists(m, "/sys/class/vfio-dev"), -ENOENT);
	assert_int_equal(exists(m, "/sys/bus/pci/devices/0000:00:03.0/iommu_group"), 0);
	assert_int_equal(populate(m), -EINVAL); /* an advice of Linux 5.14 */
	assert_int_equal(m->sys->touch(m->sys->data, m->mem, PAGE, 1), 0);
}

static void there_is_no_other_kernel(void **state)
{
	static const char *const names[] = { "", "5.9", "6.60", "6", "Newest", "newest,no-cdev" };
	struct iommufd_emu_opts opts = { .size = sizeof(opts) };
	struct iommufd_emu *emu = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		opts.kernel = names[i];
		assert_int_equal(iommufd_emu_new(&opts, &emu), -EINVAL);
		assert_null(emu);
	}
	opts.kernel = "newest";
	assert_int_equal(iommufd_emu_new(&opts, &emu), 0);
	iommufd_emu_unref(emu);
}

/* What opening each file answers on the machine that LIBIOMMUFD_EMU=@value is. */
static void check_default(const char *value, int iommu, int cdev)
{
	struct machine m = { 0 };
	int fd;

	if (value)
		assert_int_equal(setenv("LIBIOMMUFD_EMU", value, 1), 0);
	else
		assert_int_equal(unsetenv("LIBIOMMUFD_EMU"), 0);
	assert_int_equal(iommufd_emu_get_default(&m.emu), 0);
	m.sys = iommufd_emu_get_sys(m.emu);
	fd = open_path(&m, "/dev/iommu");
	assert_int_equal(fd < 0 ? fd : 0, iommu);
	if (fd >= 0)
		shut(&m, fd);
	fd = open_cdev(&m, ALONE1);
	assert_int_equal(fd < 0 ? fd : 0, cdev);
	if (fd >= 0)
		shut(&m, fd);
	iommufd_emu_unref(m.emu);
}

static void the_environment_names_kernels_and_flags(void **state)
{
	struct iommufd_emu *emu = NULL;

	(void)state;
	check_default(NULL, 0, 0);
	check_default("", 0, 0);
	check_default("0", 0, 0);
	check_default("1", 0, 0);
	check_default("newest", 0, 0);
	check_default("newest,no-cdev", 0, -ENOENT);
	check_default("1,no-permission", -EACCES, 0);
	check_default("newest,no-iommufd,no-cdev", -ENOENT, -ENOENT);
	check_default("newest,unprivileged", 0, 0);
	check_default("6.6,compat", 0, -ENOENT);
	check_default("newest,noiommu,unprivileged", 0, -ENOENT);
	check_default("6.6", 0, -ENOENT);
	check_default("6.6,no-iommufd", -ENOENT, -ENOENT);
	check_default("6.1", -ENOENT, -ENOENT);
	check_default("5.10", -ENOENT, -ENOENT);
	setenv("LIBIOMMUFD_EMU", "5.11", 1);
	assert_int_equal(iommufd_emu_get_default(&emu), -EINVAL);
	assert_null(emu);
	setenv("LIBIOMMUFD_EMU", "newest,cdev", 1);
	assert_int_equal(iommufd_emu_get_default(&emu), -EINVAL);
	unsetenv("LIBIOMMUFD_EMU");
}

#define TEST_ON(f, kernel) cmocka_unit_test_setup_teardown(f, setup_##kernel, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_ON(linux_6_6_has_iommufd_without_cdevs, 6_6),
		TEST_ON(linux_6_6_knows_the_first_structures, 6_6),
		TEST(the_newest_knows_all_of_it),
		TEST_ON(linux_6_1_has_no_iommufd, 6_1),
		TEST_ON(linux_5_10_is_older_still, 5_10),
		cmocka_unit_test(there_is_no_other_kernel),
		cmocka_unit_test(the_environment_names_kernels_and_flags),
	};

	return cmocka_run_group_tests_name("emu-shape", tests, NULL, NULL);
}
