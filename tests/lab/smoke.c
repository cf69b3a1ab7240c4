/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Is the lab itself sound? Raw ioctls only, so that a failure here is the
 * machine's and not the library's: every edu device named by the environment
 * copies a page by DMA through its IOMMU, and reaches nothing once it is
 * unmapped; the last two share a group, the MSI-X device has its vectors.
 */
#include "os/uapi.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
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
#define IOVA 0x4000000000u	/* beyond 32 bits, within VT-d's 39 */

static int failures;

static int check(int good, const char *bdf, const char *what)
{
	if (good)
		return 1;
	printf("FAIL %s: %s: %s\n", bdf, what, strerror(errno));
	failures++;
	return 0;
}

static int open_cdev(const char *bdf)
{
	char pattern[PATH_MAX], path[PATH_MAX];
	glob_t found;
	int fd = -1;

	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/vfio-dev/vfio*", bdf);
	errno = ENOENT;
	if (glob(pattern, 0, NULL, &found) == 0) {
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s", basename(found.gl_pathv[0]));
		fd = open(path, O_RDWR | O_CLOEXEC);
		globfree(&found);
	}
	return fd;
}

static int bind_device(int iommufd, int fd)
{
	struct k_vfio_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };

	return ioctl(fd, K_VFIO_DEVICE_BIND_IOMMUFD, &bind);
}

static int region(int fd, uint32_t index, struct k_vfio_region_info *info)
{
	*info = (struct k_vfio_region_info){ .argsz = sizeof(*info), .index = index };
	return ioctl(fd, K_VFIO_DEVICE_GET_REGION_INFO, info);
}

/* An I/O address space for the device; returns its id or 0. */
static uint32_t attach_new(int iommufd, int fd)
{
	struct k_iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct k_vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };

	if (ioctl(iommufd, K_IOMMU_IOAS_ALLOC, &ioas))
		return 0;
	attach.pt_id = ioas.out_ioas_id;
	if (ioctl(fd, K_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		return 0;
	return ioas.out_ioas_id;
}

static int map(int iommufd, uint32_t ioas, void *memory, size_t length)
{
	struct k_iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = K_IOMMU_IOAS_MAP_FIXED_IOVA | K_IOMMU_IOAS_MAP_READABLE |
			 K_IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = length,
		.iova = IOVA,
	};

	return ioctl(iommufd, K_IOMMU_IOAS_MAP, &map);
}

static int unmap(int iommufd, uint32_t ioas, size_t length)
{
	struct k_iommu_ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = ioas, .iova = IOVA, .length = length,
	};

	return ioctl(iommufd, K_IOMMU_IOAS_UNMAP, &unmap);
}

/* Memory space and bus mastering on. */
static int enable(int fd)
{
	struct k_vfio_region_info config;
	uint16_t command = 0x6;

	if (region(fd, K_VFIO_PCI_CONFIG_REGION_INDEX, &config))
		return -1;
	return pwrite(fd, &command, sizeof(command), (off_t)config.offset + 4) == 2 ? 0 : -1;
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

static void copy_by_dma(const char *bdf, int iommufd, uint32_t ioas, volatile uint8_t *bar)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *memory = mmap(NULL, page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (!check(memory != MAP_FAILED, bdf, "memory"))
		return;
	for (size_t i = 0; i < LENGTH; i++)
		memory[i] = (uint8_t)(i * 7 + 1);
	if (!check(map(iommufd, ioas, memory, page) == 0, bdf, "IOMMU_IOAS_MAP"))
		goto out;

	transfer(bar, IOVA, EDU_BUFFER, 0);
	transfer(bar, EDU_BUFFER, IOVA + LENGTH, EDU_TO_MEMORY);
	errno = 0;
	check(memcmp(memory, memory + LENGTH, LENGTH) == 0, bdf, "data after DMA there and back");

	memset(memory, 0x5a, page);
	if (!check(unmap(iommufd, ioas, page) == 0, bdf, "IOMMU_IOAS_UNMAP"))
		goto out;
	transfer(bar, EDU_BUFFER, IOVA, EDU_TO_MEMORY);
	errno = 0;
	check(memory[0] == 0x5a && memcmp(memory, memory + 1, page - 1) == 0, bdf,
	      "memory is out of reach when unmapped");
out:
	munmap(memory, page);
}

static void test_edu(const char *bdf)
{
	struct k_vfio_region_info bar0;
	int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC), fd = -1;
	volatile uint8_t *bar;
	uint32_t ioas;

	if (!check(iommufd >= 0, bdf, "open /dev/iommu"))
		return;
	fd = open_cdev(bdf);
	if (!check(fd >= 0, bdf, "open its character device") ||
	    !check(bind_device(iommufd, fd) == 0, bdf, "BIND_IOMMUFD"))
		goto out;
	ioas = attach_new(iommufd, fd);
	if (!check(ioas != 0, bdf, "attach") || !check(enable(fd) == 0, bdf, "bus mastering") ||
	    !check(region(fd, K_VFIO_PCI_BAR0_REGION_INDEX, &bar0) == 0, bdf, "BAR 0"))
		goto out;
	bar = mmap(NULL, bar0.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)bar0.offset);
	if (!check(bar != MAP_FAILED, bdf, "map BAR 0"))
		goto out;
	copy_by_dma(bdf, iommufd, ioas, bar);
	munmap((void *)bar, bar0.size);
out:
	if (fd >= 0)
		close(fd);
	close(iommufd);
}

static void test_msix(const char *bdf)
{
	struct k_vfio_irq_info info = {
		.argsz = sizeof(info), .index = K_VFIO_PCI_MSIX_IRQ_INDEX,
	};
	int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC), fd = open_cdev(bdf);

	if (check(fd >= 0, bdf, "open its character device") &&
	    check(bind_device(iommufd, fd) == 0, bdf, "BIND_IOMMUFD") &&
	    check(ioctl(fd, K_VFIO_DEVICE_GET_IRQ_INFO, &info) == 0, bdf, "GET_IRQ_INFO")) {
		errno = 0;
		check(info.count > 1, bdf, "more than one MSI-X vector");
	}
	if (fd >= 0)
		close(fd);
	if (iommufd >= 0)
		close(iommufd);
}

static void group_of(const char *bdf, char group[PATH_MAX])
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	if (!realpath(path, group))
		snprintf(group, PATH_MAX, "no group of %s", bdf);
}

int main(void)
{
	const char *names = getenv("LIBIOMMUFD_TEST_DEVICES");
	const char *msix = getenv("LIBIOMMUFD_TEST_MSIX_DEVICE");
	const char *iommu = getenv("LIBIOMMUFD_TEST_IOMMU");
	char list[4][16], group[4][PATH_MAX];

	if (iommu && strcmp(iommu, "none") == 0)
		return 77;
	if (!names || sscanf(names, "%15s %15s %15s %15s", list[0], list[1], list[2], list[3]) != 4 ||
	    !msix) {
		fprintf(stderr, "smoke: not in the lab: no devices named in the environment\n");
		return 1;
	}
	for (int i = 0; i < 4; i++) {
		test_edu(list[i]);
		group_of(list[i], group[i]);
	}
	test_msix(msix);
	errno = 0;
	check(strcmp(group[2], group[3]) == 0, list[3], "shares its sibling's group");
	check(strcmp(group[0], group[1]) != 0, list[1], "has a group of its own");
	check(strcmp(group[0], group[2]) != 0, list[2], "is in another group");
	printf("smoke: %s\n", failures ? "FAILED" : "the lab is sound");
	return failures ? 1 : 0;
}
