/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The emulated /dev/iommu: sharing memory, files, options. */
#include "test-emu.h"

static int copy_area(struct machine *m, uint32_t dst, uint32_t flags, uint64_t from,
		     uint64_t length, uint64_t to)
{
	struct k_iommu_ioas_copy arg = {
		.size = sizeof(arg), .flags = flags, .dst_ioas_id = dst, .src_ioas_id = m->ioas,
		.length = length, .dst_iova = to, .src_iova = from,
	};

	return request(m, m->iommu, K_IOMMU_IOAS_COPY, &arg);
}

static int map_file(struct machine *m, int fd, uint64_t start, uint64_t length, uint64_t iova)
{
	struct k_iommu_ioas_map_file arg = {
		.size = sizeof(arg), .flags = FIXED | RW, .ioas_id = m->ioas, .fd = fd,
		.start = start, .length = length, .iova = iova,
	};

	return request(m, m->iommu, K_IOMMU_IOAS_MAP_FILE, &arg);
}

static int option(struct machine *m, uint32_t id, uint16_t op, uint32_t object, uint64_t *value)
{
	struct k_iommu_option arg = {
		.size = sizeof(arg),
		.option_id = id,
		.op = op,
		.object_id = object,
		.val64 = *value,
	};
	int r = request(m, m->iommu, K_IOMMU_OPTION, &arg);

	*value = arg.val64;
	return r;
}

static int set_option(struct machine *m, uint32_t id, uint32_t object, uint64_t value)
{
	return option(m, id, K_IOMMU_OPTION_OP_SET, object, &value);
}

static int setup_memlock(void **state)
{
	const struct iommufd_emu_opts opts = { .size = sizeof(opts), .memlock_pages = 4 };

	return start(state, &opts);
}

static void pinning_stops_at_the_limit(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1);
	uint32_t second;

	assert_int_equal(map(m, m->mem, 5 * PAGE, 0x10000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), -ENOMEM);
	unmap_all(m);
	assert_int_equal(map(m, m->mem, 4 * PAGE, 0x10000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(map(m, m->mem + 8 * PAGE, PAGE, 0x20000), -ENOMEM);
	assert_int_equal(counts(m).mappings, 1);
	/* copies share the pages, so they are free */
	assert_int_equal(new_ioas(m, m->iommu, &second), 0);
	assert_int_equal(copy_area(m, m->ioas, FIXED | RW, 0x10000, 4 * PAGE, 0x80000), 0);
	assert_int_equal(copy_area(m, second, FIXED | RW, 0x11000, PAGE, 0x80000), 0);
	assert_int_equal(counts(m).pinned_pages, 4);
	assert_int_equal(unmap(m, 0x10000, &(uint64_t){ 4 * PAGE }), 0);
	assert_int_equal(counts(m).pinned_pages, 4); /* the copy holds them */
	shut(m, dev);
}

static void copy_takes_parts_and_runs_but_no_holes(void **state)
{
	struct machine *m = *state;
	uint32_t dst;

	assert_int_equal(new_ioas(m, m->iommu, &dst), 0);
	assert_int_equal(map(m, m->mem, 2 * PAGE, 0x10000), 0);
	assert_int_equal(map(m, m->mem + 4 * PAGE, 2 * PAGE, 0x12000), 0);
	assert_int_equal(map_in(m, m->ioas, m->mem, PAGE, FIXED | K_IOMMU_IOAS_MAP_READABLE,
				&(uint64_t){ 0x20000 }), 0);
	assert_int_equal(copy_area(m, dst, FIXED | RW, 0x11000, 2 * PAGE, 0x5000), 0);
	assert_int_equal(counts(m).mappings, 5);
	assert_int_equal(copy_area(m, dst, FIXED | RW, 0x11000, 2 * PAGE, 0x6000), -EEXIST);
	assert_int_equal(copy_area(m, dst, FIXED | RW, 0x12000, 4 * PAGE, 0x8000), -ENOENT);
	assert_int_equal(copy_area(m, dst, FIXED | RW, 0x9000, PAGE, 0x8000), -ENOENT);
	assert_int_equal(copy_area(m, dst, FIXED | RW, 0x20000, PAGE, 0x8000), -EPERM);
	assert_int_equal(copy_area(m, 99, FIXED | RW, 0x10000, PAGE, 0x8000), -ENOENT);
	assert_int_equal(copy_area(m, dst, FIXED, 0x10000, PAGE, 0x8000), -EINVAL);
	assert_int_equal(copy_area(m, dst, FIXED | RW, 0x10000, 0, 0x8000), -EINVAL);
	assert_int_equal(counts(m).mappings, 5);
}

static void files_are_judged_when_pinned(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1);
	int memory = memfd_create("test", MFD_CLOEXEC), regular = open("/proc/self/exe", O_RDONLY);

	assert_int_equal(ftruncate(memory, 3 * PAGE - 1), 0);
	assert_int_equal(map_file(m, 1000, 0, PAGE, 0x10000), -EBADF);
	assert_int_equal(map_file(m, memory, 0, 0, 0x10000), -EINVAL);
	assert_int_equal(map_file(m, memory, UINT64_MAX - 1, PAGE, 0x10000), -EOVERFLOW);
	assert_int_equal(map_file(m, regular, 0, PAGE, 0x10000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), -EINVAL);
	unmap_all(m);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(map_file(m, regular, 0, PAGE, 0x10000), -EINVAL);
	assert_int_equal(map_file(m, m->iommu, 0, PAGE, 0x10000), -EINVAL);
	assert_int_equal(map_file(m, memory, PAGE, 2 * PAGE, 0x10000), -EINVAL);
	assert_int_equal(map_file(m, memory, PAGE, PAGE, 0x10000), 0);
	assert_int_equal(counts(m).pinned_pages, 1);
	close(memory);
	close(regular);
	shut(m, dev);
}

static void change_process_wants_files(void **state)
{
	struct machine *m = *state;
	struct k_iommu_ioas_change_process arg = { .size = sizeof(arg) };
	int memory = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(ftruncate(memory, PAGE), 0);
	assert_int_equal(map_file(m, memory, 0, PAGE, 0x10000), 0);
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_CHANGE_PROCESS, &arg), 0);
	assert_int_equal(map(m, m->mem, PAGE, 0x20000), 0);
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_CHANGE_PROCESS, &arg), -EINVAL);
	arg.__reserved = 1;
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_CHANGE_PROCESS, &arg), -EOPNOTSUPP);
	close(memory);
}

static void options(void **state)
{
	struct machine *m = *state;
	const uint32_t mode = K_IOMMU_OPTION_RLIMIT_MODE, huge = K_IOMMU_OPTION_HUGE_PAGES;
	uint64_t value = 9;
	int dev;

	assert_int_equal(set_option(m, mode, 0, 1), -EBUSY);
	assert_int_equal(destroy(m, m->ioas), 0);
	assert_int_equal(set_option(m, mode, 0, 2), -EINVAL);
	assert_int_equal(set_option(m, mode, 1, 1), -EOPNOTSUPP);
	assert_int_equal(set_option(m, mode, 0, 1), 0);
	assert_int_equal(option(m, mode, K_IOMMU_OPTION_OP_GET, 0, &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(option(m, mode, 2, 0, &value), -EOPNOTSUPP);
	assert_int_equal(set_option(m, 2, 0, 1), -EOPNOTSUPP);

	assert_int_equal(new_ioas(m, m->iommu, &m->ioas), 0);
	assert_int_equal(set_option(m, huge, 99, 0), -ENOENT);
	assert_int_equal(set_option(m, huge, m->ioas, 2), -EINVAL);
	assert_int_equal(set_option(m, huge, m->ioas, 0), 0);
	assert_int_equal(option(m, huge, K_IOMMU_OPTION_OP_GET, m->ioas, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(get_ranges(m).alignment, PAGE);
	assert_int_equal(set_option(m, huge, m->ioas, 1), 0);
	assert_int_equal(get_ranges(m).alignment, 1);
	dev = get_device(m, ALONE1);
	assert_int_equal(map(m, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(set_option(m, huge, m->ioas, 0), -EINVAL);
	shut(m, dev);
}

static int setup_unprivileged(void **state)
{
	const struct iommufd_emu_opts opts = { .size = sizeof(opts),
					       .flags = IOMMUFD_EMU_UNPRIVILEGED };

	return start(state, &opts);
}

static void rlimit_mode_needs_privilege(void **state)
{
	assert_int_equal(set_option(*state, K_IOMMU_OPTION_RLIMIT_MODE, 0, 1), -EPERM);
}

static void the_vfio_ioas_is_remembered(void **state)
{
	struct machine *m = *state;
	struct k_iommu_vfio_ioas arg = { .size = sizeof(arg), .op = K_IOMMU_VFIO_IOAS_GET };

	assert_int_equal(request(m, m->iommu, K_IOMMU_VFIO_IOAS, &arg), -ENODEV);
	arg.op = K_IOMMU_VFIO_IOAS_SET;
	arg.ioas_id = 99;
	assert_int_equal(request(m, m->iommu, K_IOMMU_VFIO_IOAS, &arg), -ENOENT);
	arg.ioas_id = m->ioas;
	assert_int_equal(request(m, m->iommu, K_IOMMU_VFIO_IOAS, &arg), 0);
	arg.op = K_IOMMU_VFIO_IOAS_GET;
	arg.ioas_id = 0;
	assert_int_equal(request(m, m->iommu, K_IOMMU_VFIO_IOAS, &arg), 0);
	assert_int_equal(arg.ioas_id, m->ioas);
	assert_int_equal(destroy(m, m->ioas), 0);
	assert_int_equal(request(m, m->iommu, K_IOMMU_VFIO_IOAS, &arg), -ENODEV);
	arg.op = 3;
	assert_int_equal(request(m, m->iommu, K_IOMMU_VFIO_IOAS, &arg), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pinning_stops_at_the_limit, setup_memlock,
						teardown),
		TEST(copy_takes_parts_and_runs_but_no_holes),
		TEST(files_are_judged_when_pinned),
		TEST(change_process_wants_files),
		TEST(options),
		cmocka_unit_test_setup_teardown(rlimit_mode_needs_privilege, setup_unprivileged,
						teardown),
		TEST(the_vfio_ioas_is_remembered),
	};

	return cmocka_run_group_tests_name("emu-ioas", tests, NULL, NULL);
}
