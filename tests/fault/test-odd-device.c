/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A device that says of itself what cannot be: counts too large, lists that loop. */
#include "odd.h"

#include <time.h>

static int huge_counts(int fd, unsigned long request, void *arg, int rc)
{
	struct k_vfio_device_info *info = arg;

	(void)fd;
	if (request == K_VFIO_DEVICE_GET_INFO && !rc)
		info->num_regions = info->num_irqs = UINT32_MAX;
	return rc;
}

static void device_with_huge_counts_costs_little(void **state)
{
	struct iommufd_region_info info = { .size = sizeof(info) };
	struct setting *s = *state;
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	bend = huge_counts;
	if (!iommufd_device_open(s->ctx, "0000:00:06.0", NULL, &s->dev))
		iommufd_region_get_info(s->dev, 0, &info);
	s->dev = iommufd_device_unref(s->dev);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 2);
}

/* BAR 0's answer gets capabilities of our making, if there is room. */
struct answer {
	struct k_vfio_region_info info;
	struct {
		struct k_vfio_info_cap_header header;
		uint32_t nr_areas;
		uint32_t reserved;
		struct k_vfio_region_sparse_mmap_area areas[3];
	} sparse;
};

static uint32_t cap_next, cap_offset, cap_areas;

static int add_sparse(int fd, unsigned long request, void *arg, int rc)
{
	struct answer *answer = arg;
	uint32_t room;

	(void)fd;
	if (request != K_VFIO_DEVICE_GET_REGION_INFO || rc || answer->info.index != 0)
		return rc;
	room = answer->info.argsz;
	answer->info.flags |= K_VFIO_REGION_INFO_FLAG_CAPS;
	answer->info.cap_offset = 0;
	answer->info.argsz = sizeof(*answer);
	if (room < sizeof(*answer))
		return 0;
	answer->info.cap_offset = cap_offset;
	answer->sparse.header.id = K_VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	answer->sparse.header.next = cap_next;
	answer->sparse.nr_areas = cap_areas;
	answer->sparse.areas[0].offset = 8 * PAGE;
	answer->sparse.areas[0].size = 2 * PAGE;
	answer->sparse.areas[1].offset = 0;
	answer->sparse.areas[1].size = PAGE;
	answer->sparse.areas[2].offset = UINT64_MAX - PAGE + 1; /* outside */
	answer->sparse.areas[2].size = PAGE;
	return 0;
}

static void sparse_region_is_mapped_in_its_areas(void **state)
{
	const uint32_t access = IOMMUFD_REGION_READ;
	struct iommufd_region_area area[4];
	struct setting *s = *state;
	size_t count = 4;
	void *mapped;

	open_device(s);
	cap_offset = offsetof(struct answer, sparse);
	cap_next = 0;
	cap_areas = 3;
	bend = add_sparse;
	assert_int_equal(iommufd_region_get_areas(s->dev, 0, area, &count), 0);
	assert_int_equal(count, 2);
	assert_true(area[0].offset == 0 && area[0].length == PAGE);
	assert_true(area[1].offset == 8 * PAGE && area[1].length == 2 * PAGE);
	assert_int_equal(iommufd_region_map(s->dev, 0, 9 * PAGE, PAGE, access, &mapped), 0);
	assert_error(iommufd_region_map(s->dev, 0, PAGE, PAGE, access, &mapped), -EINVAL);
	assert_error(iommufd_region_map(s->dev, 0, 0, 2 * PAGE, access, &mapped), -EINVAL);
	assert_error(iommufd_region_map(s->dev, 0, 9 * PAGE, 2 * PAGE, access, &mapped), -EINVAL);
}

static void region_capabilities_without_sense_are_survived(void **state)
{
	static const uint32_t odd[][3] = { /* where, next, areas */
		{ offsetof(struct answer, sparse), offsetof(struct answer, sparse), 2 },
		{ offsetof(struct answer, sparse), 8, 2 },
		{ offsetof(struct answer, sparse), UINT32_MAX, 2 },
		{ offsetof(struct answer, sparse), 0, UINT32_MAX },
		{ sizeof(struct answer), 0, 1 },
		{ sizeof(struct answer) - 4, 0, 1 },
		{ offsetof(struct answer, sparse) + 1, 0, 1 },
		{ UINT32_MAX, 0, 1 },
		{ 4, 4, 1 },
	};
	struct setting *s = *state;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct iommufd_region_info info = { .size = sizeof(info) };
		struct iommufd_region_area area[8];
		size_t count = 8;
		int rc;

		bend = NULL;
		open_device(s);
		cap_offset = odd[i][0];
		cap_next = odd[i][1];
		cap_areas = odd[i][2];
		bend = add_sparse;
		rc = iommufd_region_get_info(s->dev, 0, &info);
		assert_true(rc == 0 || rc == -EIO);
		if (!rc)
			assert_int_equal(iommufd_region_get_areas(s->dev, 0, area, &count), 0);
		s->dev = iommufd_device_unref(s->dev);
	}
}

/* -- configuration space */

static uint8_t config[4096];

static ssize_t odd_config(void *buf, size_t n, uint64_t at, ssize_t rc)
{
	uint64_t offset = at & 0xffff;

	if (rc > 0 && offset + n <= sizeof(config) && n <= 4)
		memcpy(buf, config + offset, n);
	return rc;
}

static void capability_list_that_loops_eio(void **state)
{
	struct setting *s = *state;
	uint32_t at = 0;

	open_device(s);
	memset(config, 0, sizeof(config));
	config[0x06] = 0x10;
	config[0x34] = 0x40;
	config[0x40] = 1;
	config[0x41] = 0x50;
	config[0x50] = 2;
	config[0x51] = 0x40;
	config[0x100] = 1;
	config[0x103] = 0x10; /* the next is at 0x100 again */
	bend_read = odd_config;
	assert_error(iommufd_pci_find_capability(s->dev, 5, &at), -EIO);
	assert_error(iommufd_pci_find_extended_capability(s->dev, 5, &at), -EIO);
	config[0x34] = 0x10; /* inside the header */
	assert_error(iommufd_pci_find_capability(s->dev, 5, &at), -EIO);
	assert_int_equal(at, 0);
}

static void capability_list_of_a_device_that_is_gone(void **state)
{
	struct setting *s = *state;
	uint32_t at = 0;
	int rc;

	open_device(s);
	memset(config, 0xff, sizeof(config));
	bend_read = odd_config;
	rc = iommufd_pci_find_capability(s->dev, 5, &at);
	assert_true(rc == -EIO || rc == -ENOENT);
	rc = iommufd_pci_find_extended_capability(s->dev, 5, &at);
	assert_true(rc == -EIO || rc == -ENOENT);
}

static ssize_t read_nothing(void *buf, size_t n, uint64_t at, ssize_t rc)
{
	(void)buf;
	(void)n;
	(void)at;
	return rc > 0 ? 0 : rc;
}

static void read_that_returns_nothing_eio(void **state)
{
	struct setting *s = *state;
	uint32_t value;
	uint8_t block[16];

	open_device(s);
	bend_read = read_nothing;
	assert_error(iommufd_pci_config_read(s->dev, 0, 4, &value), -EIO);
	assert_error(iommufd_region_read32(s->dev, 0, 0, &value), -EIO);
	assert_error(iommufd_region_read(s->dev, 0, 0, block, sizeof(block)), -EIO);
}

/* -- interrupts */

static int too_few_vectors(int fd, unsigned long request, void *arg, int rc)
{
	const struct k_vfio_irq_set *set = arg;

	(void)fd;
	return request == K_VFIO_DEVICE_SET_IRQS && set->count > 1 && !rc ? 1 : rc;
}

static void vectors_that_the_platform_has_not_enospc(void **state)
{
	struct setting *s = *state;
	int fds[2] = { -1, -1 };

	open_device(s);
	bend = too_few_vectors;
	assert_error(iommufd_irq_enable(s->dev, IOMMUFD_IRQ_MSIX, 0, 2, fds), -ENOSPC);
}

/* -- hot resets: others are busy, and counts that make no sense */

static int busy_for;
static uint32_t told;

static int busy(int fd, unsigned long request, void *arg, int rc)
{
	(void)fd, (void)arg;
	return request == K_VFIO_DEVICE_PCI_HOT_RESET && busy_for && busy_for-- ? -EBUSY : rc;
}

static int tell_count(int fd, unsigned long request, void *arg, int rc)
{
	(void)fd;
	if (request != K_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO)
		return rc;
	((struct k_vfio_pci_hot_reset_info *)arg)->count = told;
	return busy_for ? -ENOSPC : rc;
}

static void hot_reset_is_tried_again_while_busy(void **state)
{
	struct setting *s = *state;

	assert_int_equal(iommufd_device_open(s->ctx, "0000:01:01.0", NULL, &s->dev), 0);
	bend = busy;
	busy_for = 5;
	assert_int_equal(iommufd_device_hot_reset(s->dev), 0);
	assert_int_equal(busy_for, 0);
	busy_for = -1;
	assert_error(iommufd_device_hot_reset(s->dev), -EBUSY);
	busy_for = 0;
}

static void hot_reset_of_senseless_counts_eio(void **state)
{
	struct iommufd_reset_info info = { .size = sizeof(info) };
	struct setting *s = *state;

	assert_int_equal(iommufd_device_open(s->ctx, "0000:01:01.0", NULL, &s->dev), 0);
	bend = tell_count;
	for (busy_for = 0; busy_for < 2; busy_for++) {
		told = UINT32_MAX;
		assert_error(iommufd_device_get_reset_info(s->dev, 0, &info), -EIO);
		assert_error(iommufd_device_hot_reset(s->dev), -EIO);
	}
	told = 0; /* no room would ever do */
	assert_error(iommufd_device_get_reset_info(s->dev, 0, &info), -EIO);
	busy_for = 0;
	assert_error(iommufd_device_get_reset_info(s->dev, 0, &info), -ENOENT);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		CASE(device_with_huge_counts_costs_little),
		CASE(sparse_region_is_mapped_in_its_areas),
		CASE(region_capabilities_without_sense_are_survived),
		CASE(capability_list_that_loops_eio),
		CASE(capability_list_of_a_device_that_is_gone),
		CASE(read_that_returns_nothing_eio),
		CASE(hot_reset_is_tried_again_while_busy),
		CASE(hot_reset_of_senseless_counts_eio),
		CASE(vectors_that_the_platform_has_not_enospc),
	};
	int failed = 0;

	while (next_pair())
		failed += cmocka_run_group_tests_name(pair->name, cases, NULL, NULL);
	return failed;
}
