/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Is the lab itself sound? By character device and /dev/iommu every edu device
 * copies a page by DMA through its IOMMU, and reaches nothing once it is
 * unmapped; the last two share a group, the MSI-X device has its vectors.
 * Without an IOMMU the kernel says where in memory an IOVA lies.
 */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* The path of a function's character device, noiommu-vfioN where it is not isolated. */
static int find_cdev(const char *bdf, int isolated, char path[PATH_MAX])
{
	char pattern[PATH_MAX];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/vfio-dev/%svfio*", bdf,
		 isolated ? "" : "noiommu-");
	if (glob(pattern, 0, NULL, &found))
		return 0;
	snprintf(path, PATH_MAX, "/dev/vfio/devices/%s", basename(found.gl_pathv[0]));
	globfree(&found);
	return 1;
}

static int open_cdev(const char *bdf, int isolated)
{
	char path[PATH_MAX];

	errno = ENOENT;
	return find_cdev(bdf, isolated, path) ? open(path, O_RDWR | O_CLOEXEC) : -1;
}

static int bind_device(int iommufd, int fd)
{
	struct k_vfio_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };

	return ioctl(fd, K_VFIO_DEVICE_BIND_IOMMUFD, &bind);
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

static int map(int iommufd, uint32_t ioas, const struct buffer *b)
{
	struct k_iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = K_IOMMU_IOAS_MAP_FIXED_IOVA | K_IOMMU_IOAS_MAP_READABLE |
			 K_IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)b->data,
		.length = b->length,
		.iova = IOVA,
	};

	return ioctl(iommufd, K_IOMMU_IOAS_MAP, &map);
}

static int unmap(int iommufd, uint32_t ioas, const struct buffer *b)
{
	struct k_iommu_ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = ioas, .iova = IOVA, .length = b->length,
	};

	return ioctl(iommufd, K_IOMMU_IOAS_UNMAP, &unmap);
}

/* Where the IOVA lies in memory, for a device that nothing translates for. */
static int translate(int iommufd, uint32_t ioas, struct buffer *b)
{
	struct k_iommu_ioas_noiommu_get_pa get = {
		.size = sizeof(get), .ioas_id = ioas, .iova = IOVA, .length = b->length,
	};

	if (ioctl(iommufd, K_IOMMU_IOAS_NOIOMMU_GET_PA, &get))
		return -1;
	b->dma = get.out_phys;
	errno = 0;
	return get.length == b->length ? 0 : -1;
}

static void copy_by_dma(const char *bdf, int isolated, int iommufd, uint32_t ioas,
			volatile uint8_t *bar)
{
	struct buffer b = new_buffer(bdf, !isolated);

	if (!b.data)
		return;
	if (check(map(iommufd, ioas, &b) == 0, bdf, "IOMMU_IOAS_MAP") &&
	    (isolated || check(translate(iommufd, ioas, &b) == 0, bdf, "NOIOMMU_GET_PA"))) {
		check_copy(bdf, bar, &b);
		if (check(unmap(iommufd, ioas, &b) == 0, bdf, "IOMMU_IOAS_UNMAP") && isolated)
			check_out_of_reach(bdf, bar, &b);
	}
	free_buffer(&b);
}

static void test_edu(const char *bdf, int isolated)
{
	int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC), fd = -1;
	volatile uint8_t *bar;
	uint32_t ioas;
	size_t size;

	if (!check(iommufd >= 0, bdf, "open /dev/iommu"))
		return;
	fd = open_cdev(bdf, isolated);
	if (!check(fd >= 0, bdf, "open its character device") ||
	    !check(bind_device(iommufd, fd) == 0, bdf, "BIND_IOMMUFD"))
		goto out;
	ioas = attach_new(iommufd, fd);
	if (!check(ioas != 0, bdf, "attach"))
		goto out;
	bar = start_edu(bdf, fd, &size);
	if (!bar)
		goto out;
	copy_by_dma(bdf, isolated, iommufd, ioas, bar);
	munmap((void *)bar, size);
out:
	if (fd >= 0)
		close(fd);
	close(iommufd);
}

static void test_msix(const char *bdf, int isolated)
{
	struct k_vfio_irq_info info = {
		.argsz = sizeof(info), .index = K_VFIO_PCI_MSIX_IRQ_INDEX,
	};
	int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC), fd = open_cdev(bdf, isolated);

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

int main(void)
{
	struct machine m;
	char path[PATH_MAX];

	read_machine(&m);
	if (m.stock || (!m.isolated && !find_cdev(m.edu[0], 0, path))) {
		printf("SKIP smoke: this kernel has such devices only by group\n");
		return 77;
	}
	for (int i = 0; i < 4; i++)
		test_edu(m.edu[i], m.isolated);
	test_msix(m.msix, m.isolated);
	if (m.isolated)
		check_groups(&m);
	return verdict("smoke");
}
