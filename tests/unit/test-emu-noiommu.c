/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Machines without an IOMMU: cdevs, address spaces that only count, physical addresses. */
#include "test-emu-edu.h"

#define HOME1 "/sys/bus/pci/devices/0000:00:03.0"
#define PRESENT (UINT64_C(1) << 63)

static int setup_noiommu(void **state)
{
	struct iommufd_emu_opts opts = { .size = sizeof(opts), .flags = IOMMUFD_EMU_NOIOMMU };

	return start(state, &opts);
}

static int setup_limited(void **state)
{
	struct iommufd_emu_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_EMU_NOIOMMU, .memlock_pages = 4,
	};

	return start(state, &opts);
}

static int setup_unprivileged(void **state)
{
	struct iommufd_emu_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_EMU_NOIOMMU | IOMMUFD_EMU_UNPRIVILEGED,
	};

	return start(state, &opts);
}

static int setup_6_6(void **state)
{
	struct iommufd_emu_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_EMU_NOIOMMU, .kernel = "6.6",
	};

	return start(state, &opts);
}

static int setup_no_cdev(void **state)
{
	struct iommufd_emu_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_EMU_NOIOMMU | IOMMUFD_EMU_NO_CDEV,
	};

	return start(state, &opts);
}

static int exists(struct machine *m, const char *path)
{
	return m->sys->exists(m->sys->data, path);
}

static const char *text_of(struct machine *m, const char *path)
{
	static char text[256];
	ssize_t n = m->sys->read_file(m->sys->data, path, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

/* The number of the group that a device is in, or -1. */
static int group_of(struct machine *m, const char *bdf)
{
	char path[128], text[128];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	n = m->sys->read_link(m->sys->data, path, text, sizeof(text) - 1);
	if (n < 0)
		return -1;
	text[n] = '\0';
	return atoi(strrchr(text, '/') + 1);
}

static int open_noiommu(struct machine *m, int n)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/devices/noiommu-vfio%d", n);
	return open_path(m, path);
}

static int get_noiommu(struct machine *m, int n)
{
	int dev = open_noiommu(m, n);

	assert_true(dev >= 0);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), 0);
	set_command(m, dev, command(m, dev) | 0x4);
	return dev;
}

static int get_pa(struct machine *m, uint64_t iova, uint64_t *length, uint64_t *phys)
{
	struct k_iommu_ioas_noiommu_get_pa arg = {
		.size = sizeof(arg), .ioas_id = m->ioas, .iova = iova, .length = *length,
	};
	int r = request(m, m->iommu, K_IOMMU_IOAS_NOIOMMU_GET_PA, &arg);

	*length = arg.length;
	*phys = arg.out_phys;
	return r;
}

static void groups_come_with_a_vfio_driver(void **state)
{
	struct machine *m = *state;

	assert_string_equal(text_of(m, HOME1 "/iommu_group/name"), "vfio-noiommu\n");
	assert_string_equal(text_of(m, HOME1 "/iommu_group/type"), "unknown\n");
	assert_string_equal(text_of(m, HOME1 "/iommu_group/reserved_regions"), "");
	assert_string_equal(text_of(m, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"),
			    "Y\n");
	assert_int_equal(group_of(m, "0000:00:03.0"), 0);
	assert_int_equal(group_of(m, "0000:01:01.0"), 2);
	assert_int_equal(group_of(m, "0000:01:02.0"), 3); /* none is shared */
	assert_int_equal(group_of(m, "0000:00:1e.0"), -1);
	assert_int_equal(iommufd_emu_set_driver(m->emu, "0000:00:03.0", "edu"), 0);
	assert_int_equal(group_of(m, "0000:00:03.0"), -1);
	assert_int_equal(exists(m, "/sys/kernel/iommu_groups/0"), -ENOENT);
	assert_int_equal(iommufd_emu_set_driver(m->emu, "0000:00:04.0", ""), 0);
	assert_int_equal(iommufd_emu_set_driver(m->emu, "0000:00:04.0", "vfio-pci"), 0);
	assert_int_equal(group_of(m, "0000:00:04.0"), 0); /* the lowest that is free */
	assert_int_equal(iommufd_emu_set_driver(m->emu, "0000:00:03.0", "vfio-pci"), 0);
	assert_int_equal(group_of(m, "0000:00:03.0"), 1);
}

static void cdevs_are_named_for_it(void **state)
{
	struct machine *m = *state;
	int dev;

	assert_int_equal(exists(m, HOME1 "/vfio-dev/noiommu-vfio0/dev"), 0);
	assert_int_equal(exists(m, "/sys/class/vfio-dev/noiommu-vfio0"), 0);
	assert_int_equal(exists(m, HOME1 "/vfio-dev/vfio0"), -ENOENT);
	assert_int_equal(open_cdev(m, 0), -ENOENT);
	dev = get_noiommu(m, ALONE1);
	shut(m, dev);
}

/* No group is owned: each device may go to another iommufd. */
static void devices_are_bound_one_by_one(void **state)
{
	struct machine *m = *state;
	int other = open_path(m, "/dev/iommu"), a = open_noiommu(m, SIBLING1);
	int b = open_noiommu(m, SIBLING2);
	uint32_t id = 0;

	assert_int_equal(bind_device(m, a, m->iommu, &id), 0);
	assert_int_equal(bind_device(m, b, other, NULL), 0);
	assert_int_equal(iommufd_emu_set_driver(m->emu, "0000:00:1e.0", "shpchp"), 0);

	struct k_iommu_hw_info info = { .size = sizeof(info), .dev_id = id };

	assert_int_equal(request(m, m->iommu, K_IOMMU_GET_HW_INFO, &info), -EOPNOTSUPP);

	struct k_iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc), .dev_id = id, .pt_id = m->ioas,
		.flags = K_IOMMU_HWPT_ALLOC_PASID,
	};

	assert_int_equal(request(m, m->iommu, K_IOMMU_HWPT_ALLOC, &alloc), -EOPNOTSUPP);
	alloc.flags = 0;
	assert_int_equal(request(m, m->iommu, K_IOMMU_HWPT_ALLOC, &alloc), 0);
	assert_int_equal(destroy(m, alloc.out_hwpt_id), 0);
	shut(m, a);
	shut(m, b);
	shut(m, other);
}

static void nothing_is_reserved(void **state)
{
	struct machine *m = *state;
	int dev = get_noiommu(m, ALONE1);
	uint32_t first = 0, second = 0;
	struct ranges r;
	int other;

	assert_int_equal(map(m, m->mem, PAGE, 0xfee00000), 0);
	assert_int_equal(map(m, m->mem, PAGE, UINT64_C(1) << 60), 0);
	assert_int_equal(attach(m, dev, m->ioas, &first), 0);
	r = get_ranges(m);
	assert_int_equal(r.nr, 1);
	assert_true(r.range[0].start == 0 && r.range[0].last == UINT64_MAX);
	assert_int_equal(r.alignment, PAGE);
	assert_int_equal(counts(m).pinned_pages, 2);
	other = get_noiommu(m, ALONE2);
	assert_int_equal(attach(m, other, m->ioas, &second), 0);
	assert_int_equal(first, second);
	shut(m, other);
	shut(m, dev);
}

static void physical_addresses_are_told(void **state)
{
	struct machine *m = *state;
	uint64_t length = UINT64_MAX, phys = 0, va = (uintptr_t)m->mem;
	int dev = get_noiommu(m, ALONE1);

	assert_int_equal(map(m, m->mem, 4 * PAGE, 0x10000), 0);
	assert_int_equal(get_pa(m, 0x10000, &length, &phys), -EOPNOTSUPP); /* not pinned yet */
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(get_pa(m, 0x10000, &length, &phys), 0);
	assert_int_equal(phys, va);
	assert_int_equal(length, 4 * PAGE);
	length = 100;
	assert_int_equal(get_pa(m, 0x12345, &length, &phys), 0);
	assert_int_equal(phys, va + 0x2345);
	assert_int_equal(length, 100);
	length = UINT64_MAX;
	assert_int_equal(get_pa(m, 0x13fff, &length, &phys), 0);
	assert_int_equal(length, 1);
	assert_int_equal(get_pa(m, 0x14000, &length, &phys), -ENOENT);
	assert_int_equal(get_pa(m, UINT64_MAX, &length, &phys), -EOVERFLOW);
	length = 0;
	assert_int_equal(get_pa(m, 0x10000, &length, &phys), -EINVAL);
	shut(m, dev);
	length = 1;
	assert_int_equal(get_pa(m, 0x10000, &length, &phys), -EOPNOTSUPP);
}

static void devices_use_addresses_as_they_are(void **state)
{
	struct machine *m = *state;
	int dev = get_noiommu(m, ALONE1);
	uint64_t va = (uintptr_t)m->mem;

	memset(m->mem, 0x5a, 64);
	assert_int_equal(map(m, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	fetch(m, dev, va, 64); /* no mapping is asked for */
	store(m, dev, va + 8 * PAGE, 64);
	assert_true(is_all(m->mem + 8 * PAGE, 64, 0x5a));
	assert_int_equal(counts(m).dma_faults, 0);
	fetch(m, dev, 0x10000, 64); /* an IOVA is no address */
	assert_int_equal(counts(m).dma_faults, 1);
	shut(m, dev);
}

static void a_file_has_an_address_while_it_is_pinned(void **state)
{
	struct machine *m = *state;
	int dev = get_noiommu(m, ALONE1), fd = memfd_create("test", MFD_CLOEXEC);
	struct k_iommu_ioas_map_file arg = {
		.size = sizeof(arg), .flags = FIXED | RW, .ioas_id = m->ioas, .fd = fd,
		.start = PAGE, .length = 2 * PAGE, .iova = 0x10000,
	};
	uint64_t length = UINT64_MAX, phys = 0;
	char bytes[64];

	assert_int_equal(ftruncate(fd, 4 * (off_t)PAGE), 0);
	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_MAP_FILE, &arg), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(get_pa(m, 0x10800, &length, &phys), 0);
	assert_int_equal(length, 2 * PAGE - 0x800);
	memset(m->mem, 0x33, 64);
	fetch(m, dev, (uintptr_t)m->mem, 64);
	store(m, dev, phys, 64);
	assert_int_equal(pread(fd, bytes, 64, (off_t)PAGE + 0x800), 64);
	assert_true(is_all((uint8_t *)bytes, 64, 0x33));
	shut(m, dev);
	close(fd);
}

static uint64_t entry_of(struct machine *m, int pagemap, const void *va)
{
	uint64_t entry = 0;

	assert_int_equal(m->sys->pread(m->sys->data, pagemap, &entry, 8,
				       (uintptr_t)va / PAGE * 8), 8);
	return entry;
}

static void pagemap_tells_the_same(void **state)
{
	struct machine *m = *state;
	int pagemap = m->sys->open(m->sys->data, "/proc/self/pagemap", O_RDONLY);
	uint64_t entries[100];

	assert_true(pagemap >= 0);
	assert_int_equal(entry_of(m, pagemap, m->mem + 3 * PAGE), 0);
	m->mem[3 * PAGE] = 1;
	assert_true(entry_of(m, pagemap, m->mem + 3 * PAGE) ==
		    (PRESENT | (uintptr_t)(m->mem + 3 * PAGE) / PAGE));
	assert_int_equal(m->sys->pread(m->sys->data, pagemap, entries, sizeof(entries),
				       (uintptr_t)m->mem / PAGE * 8), sizeof(entries));
	assert_int_equal(entries[2], 0);
	assert_true(entries[3] & PRESENT);
	assert_int_equal(m->sys->pread(m->sys->data, pagemap, entries, 8, 4), -EINVAL);
	assert_int_equal(m->sys->pread(m->sys->data, pagemap, entries, 7, 0), -EINVAL);
	shut(m, pagemap);
}

static void locked_pages_are_counted(void **state)
{
	struct machine *m = *state;
	const struct iommufd_sys *sys = m->sys;
	int pagemap = sys->open(sys->data, "/proc/self/pagemap", O_RDONLY);

	assert_int_equal(sys->lock_memory(sys->data, m->mem + 1, PAGE, 1), 0);
	assert_int_equal(counts(m).pinned_pages, 2);
	assert_true(entry_of(m, pagemap, m->mem + PAGE) & PRESENT);
	assert_int_equal(sys->lock_memory(sys->data, m->mem, 4 * PAGE, 1), 0); /* not twice */
	assert_int_equal(counts(m).pinned_pages, 4);
	assert_int_equal(sys->lock_memory(sys->data, m->mem + 4 * PAGE, 1, 1), -ENOMEM);
	assert_int_equal(sys->lock_memory(sys->data, m->mem + PAGE, PAGE, 0), 0);
	assert_int_equal(counts(m).pinned_pages, 3);
	assert_int_equal(sys->lock_memory(sys->data, (void *)PAGE, 1, 1), -ENOMEM);
	assert_int_equal(sys->lock_memory(sys->data, (void *)-PAGE, 2 * PAGE, 1), -EINVAL);
	assert_int_equal(sys->lock_memory(sys->data, m->mem, 16 * PAGE, 0), 0);
	assert_int_equal(counts(m).pinned_pages, 0);
	inject(m, IOMMUFD_EMU_CALL_POPULATE, EAGAIN, 1);
	assert_int_equal(sys->lock_memory(sys->data, m->mem, PAGE, 1), -EAGAIN);
	shut(m, pagemap);
}

static void privilege_is_needed(void **state)
{
	struct machine *m = *state;
	int pagemap = m->sys->open(m->sys->data, "/proc/self/pagemap", O_RDONLY);
	uint64_t length = 1, phys = 0;

	assert_int_equal(open_noiommu(m, ALONE1), -EPERM);
	assert_int_equal(get_pa(m, 0, &length, &phys), -EPERM);
	m->mem[0] = 1;
	assert_true(entry_of(m, pagemap, m->mem) == PRESENT); /* there, and not where */
	shut(m, pagemap);
}

static void older_kernels_know_only_groups(void **state)
{
	struct machine *m = *state;
	uint64_t length = 1, phys = 0;

	assert_int_equal(exists(m, HOME1 "/vfio-dev/vfio0"), 0);
	assert_int_equal(exists(m, HOME1 "/vfio-dev/vfio0/dev"), -ENOENT);
	assert_int_equal(open_noiommu(m, 0), -ENOENT);
	assert_int_equal(get_pa(m, 0, &length, &phys), -ENOTTY);
}

static void without_cdevs_there_are_no_such_address_spaces(void **state)
{
	struct machine *m = *state;
	uint64_t length = 1, phys = 0;

	assert_int_equal(exists(m, HOME1 "/vfio-dev/vfio0"), 0);
	assert_int_equal(open_noiommu(m, 0), -ENOENT);
	assert_int_equal(get_pa(m, 0, &length, &phys), -EOPNOTSUPP);
}

static void machines_with_an_iommu_have_none_of_it(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1);
	uint64_t length = 1, phys = 0;

	assert_string_equal(text_of(m, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"),
			    "N\n");
	assert_int_equal(exists(m, HOME1 "/iommu_group/name"), -ENOENT);
	assert_int_equal(map(m, m->mem, PAGE, 0x10000), 0);
	assert_int_equal(attach(m, dev, m->ioas, NULL), 0);
	assert_int_equal(get_pa(m, 0x10000, &length, &phys), -EOPNOTSUPP);
	shut(m, dev);
}

#define TEST_ON(f, machine) cmocka_unit_test_setup_teardown(f, setup_##machine, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_ON(groups_come_with_a_vfio_driver, noiommu),
		TEST_ON(cdevs_are_named_for_it, noiommu),
		TEST_ON(devices_are_bound_one_by_one, noiommu),
		TEST_ON(nothing_is_reserved, noiommu),
		TEST_ON(physical_addresses_are_told, noiommu),
		TEST_ON(devices_use_addresses_as_they_are, noiommu),
		TEST_ON(a_file_has_an_address_while_it_is_pinned, noiommu),
		TEST_ON(pagemap_tells_the_same, noiommu),
		TEST_ON(locked_pages_are_counted, limited),
		TEST_ON(privilege_is_needed, unprivileged),
		TEST_ON(older_kernels_know_only_groups, 6_6),
		TEST_ON(without_cdevs_there_are_no_such_address_spaces, no_cdev),
		TEST(machines_with_an_iommu_have_none_of_it),
	};

	return cmocka_run_group_tests_name("emu-noiommu", tests, NULL, NULL);
}
