/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EDU_SOURCE = 0x80, EDU_TARGET = 0x88, EDU_COUNT = 0x90, EDU_COMMAND = 0x98 };
enum { EDU_RUN = 1, EDU_TO_MEMORY = 2 };

#define EDU_BUFFER 0x40000u	/* the device's own memory, as its DMA engine names it */
#define LENGTH 2048u		/* a transfer to the end of its 4 KiB aborts QEMU 7.2 */
#define HUGE ((size_t)2 << 20)

static int failures;

int check(int good, const char *bdf, const char *what)
{
	if (good)
		return 1;
	printf("FAIL %s: %s: %s\n", bdf, what, strerror(errno));
	failures++;
	return 0;
}

int verdict(const char *name)
{
	printf("%s: %s\n", name, failures ? "FAILED" : "the lab is sound");
	return failures ? 1 : 0;
}

void read_machine(struct machine *m)
{
	const char *names = getenv("LIBIOMMUFD_TEST_DEVICES");
	const char *msix = getenv("LIBIOMMUFD_TEST_MSIX_DEVICE");
	const char *iommu = getenv("LIBIOMMUFD_TEST_IOMMU");
	const char *kernel = getenv("LIBIOMMUFD_TEST_KERNEL");

	if (!names || !msix || sscanf(msix, "%15s", m->msix) != 1 ||
	    sscanf(names, "%15s %15s %15s %15s", m->edu[0], m->edu[1], m->edu[2], m->edu[3]) != 4) {
		fprintf(stderr, "not in the lab: no devices named in the environment\n");
		exit(1);
	}
	m->isolated = !iommu || strcmp(iommu, "none");
	m->stock = kernel && !strcmp(kernel, "stock");
}

void group_of(const char *bdf, char group[PATH_MAX])
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	if (!realpath(path, group))
		snprintf(group, PATH_MAX, "no group of %s", bdf);
}

void check_groups(const struct machine *m)
{
	char group[4][PATH_MAX];

	for (int i = 0; i < 4; i++)
		group_of(m->edu[i], group[i]);
	errno = 0;
	check(strcmp(group[2], group[3]) == 0, m->edu[3], "shares its sibling's group");
	check(strcmp(group[0], group[1]) != 0, m->edu[1], "has a group of its own");
	check(strcmp(group[0], group[2]) != 0, m->edu[2], "is in another group");
}

static int region(int fd, uint32_t index, struct k_vfio_region_info *info)
{
	*info = (struct k_vfio_region_info){ .argsz = sizeof(*info), .index = index };
	return ioctl(fd, K_VFIO_DEVICE_GET_REGION_INFO, info);
}

static int enable(int fd)
{
	struct k_vfio_region_info config;
	uint16_t command = 0x6;

	if (region(fd, K_VFIO_PCI_CONFIG_REGION_INDEX, &config))
		return -1;
	return pwrite(fd, &command, sizeof(command), (off_t)config.offset + 4) == 2 ? 0 : -1;
}

volatile uint8_t *start_edu(const char *bdf, int fd, size_t *size)
{
	struct k_vfio_region_info bar0;
	void *bar;

	if (!check(enable(fd) == 0, bdf, "bus mastering") ||
	    !check(region(fd, K_VFIO_PCI_BAR0_REGION_INDEX, &bar0) == 0, bdf, "BAR 0"))
		return NULL;
	*size = bar0.size;
	bar = mmap(NULL, bar0.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)bar0.offset);
	return check(bar != MAP_FAILED, bdf, "map BAR 0") ? bar : NULL;
}

static void transfer(volatile uint8_t *bar, uint64_t from, uint64_t to, uint64_t command)
{
	*(volatile uint64_t *)(bar + EDU_SOURCE) = from;
	*(volatile uint64_t *)(bar + EDU_TARGET) = to;
	*(volatile uint64_t *)(bar + EDU_COUNT) = LENGTH;
	*(volatile uint64_t *)(bar + EDU_COMMAND) = command | EDU_RUN;
	while (*(volatile uint64_t *)(bar + EDU_COMMAND) & EDU_RUN)
		usleep(5000);
}

void check_copy(const char *bdf, volatile uint8_t *bar, const struct buffer *b)
{
	for (size_t i = 0; i < LENGTH; i++)
		b->data[i] = (uint8_t)(i * 7 + 1);
	memset(b->data + LENGTH, 0, LENGTH);
	transfer(bar, b->dma, EDU_BUFFER, 0);
	transfer(bar, EDU_BUFFER, b->dma + LENGTH, EDU_TO_MEMORY);
	errno = 0;
	check(memcmp(b->data, b->data + LENGTH, LENGTH) == 0, bdf, "data after DMA there and back");
}

void check_out_of_reach(const char *bdf, volatile uint8_t *bar, const struct buffer *b)
{
	memset(b->data, 0x5a, b->length);
	transfer(bar, EDU_BUFFER, b->dma, EDU_TO_MEMORY);
	errno = 0;
	check(b->data[0] == 0x5a && memcmp(b->data, b->data + 1, b->length - 1) == 0, bdf,
	      "memory is out of reach when unmapped");
}

struct buffer new_buffer(const char *bdf, int huge)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | (huge ? MAP_HUGETLB : 0);
	struct buffer b = { .length = huge ? HUGE : (size_t)sysconf(_SC_PAGESIZE), .dma = IOVA };
	void *data = mmap(NULL, b.length, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (check(data != MAP_FAILED, bdf, huge ? "a huge page" : "a page"))
		b.data = data;
	return b;
}

void free_buffer(struct buffer *b)
{
	munmap(b->data, b->length);
}
