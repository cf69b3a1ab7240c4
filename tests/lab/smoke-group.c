/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Is the lab sound for those who have only groups? By the group's node and a
 * type1 container every edu device copies a page by DMA through its IOMMU, and
 * reaches nothing once it is unmapped. Without an IOMMU it copies within a huge
 * page whose physical address it is told.
 */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct session {
	int container, group, device;
};

static int open_group(const char *bdf, int isolated)
{
	char group[PATH_MAX], path[PATH_MAX];

	group_of(bdf, group);
	snprintf(path, sizeof(path), "/dev/vfio/%s%s", isolated ? "" : "noiommu-",
		 strrchr(group, '/') ? strrchr(group, '/') + 1 : "none");
	return open(path, O_RDWR | O_CLOEXEC);
}

static int is_viable(int group)
{
	struct k_vfio_group_status status = { .argsz = sizeof(status) };

	if (ioctl(group, K_VFIO_GROUP_GET_STATUS, &status))
		return 0;
	errno = 0;
	return status.flags & K_VFIO_GROUP_FLAGS_VIABLE;
}

static int open_session(const char *bdf, int isolated, struct session *s)
{
	unsigned long type = isolated ? K_VFIO_TYPE1v2_IOMMU : K_VFIO_NOIOMMU_IOMMU;

	*s = (struct session){ -1, -1, -1 };
	s->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (!check(s->container >= 0, bdf, "open /dev/vfio/vfio") ||
	    !check(ioctl(s->container, K_VFIO_GET_API_VERSION) == K_VFIO_API_VERSION, bdf,
		   "GET_API_VERSION"))
		return 0;
	s->group = open_group(bdf, isolated);
	if (!check(s->group >= 0, bdf, "open its group") ||
	    !check(is_viable(s->group), bdf, "the group is viable") ||
	    !check(ioctl(s->group, K_VFIO_GROUP_SET_CONTAINER, &s->container) == 0, bdf,
		   "SET_CONTAINER") ||
	    !check(ioctl(s->container, K_VFIO_CHECK_EXTENSION, type) > 0, bdf,
		   "CHECK_EXTENSION") ||
	    !check(ioctl(s->container, K_VFIO_SET_IOMMU, type) == 0, bdf, "SET_IOMMU"))
		return 0;
	s->device = ioctl(s->group, K_VFIO_GROUP_GET_DEVICE_FD, bdf);
	return check(s->device >= 0, bdf, "GET_DEVICE_FD");
}

static void close_session(const struct session *s)
{
	if (s->device >= 0)
		close(s->device);
	if (s->group >= 0)
		close(s->group);
	if (s->container >= 0)
		close(s->container);
}

static int map(int container, const struct buffer *b)
{
	struct k_vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = K_VFIO_DMA_MAP_FLAG_READ | K_VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)b->data,
		.iova = IOVA,
		.size = b->length,
	};

	return ioctl(container, K_VFIO_IOMMU_MAP_DMA, &map);
}

static int unmap(int container, const struct buffer *b)
{
	struct k_vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = IOVA, .size = b->length,
	};

	if (ioctl(container, K_VFIO_IOMMU_UNMAP_DMA, &unmap))
		return -1;
	errno = 0;
	return unmap.size == b->length ? 0 : -1;
}

/* Where the memory lies; 0 if this process may not know. */
static uint64_t physical(const void *data)
{
	const uint64_t present = 1ull << 63, frame = (1ull << 55) - 1;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)data / page * sizeof(entry))) !=
	    (ssize_t)sizeof(entry))
		entry = 0;
	close(fd);
	return entry & present ? (entry & frame) * page : 0;
}

static void copy_isolated(const char *bdf, int container, volatile uint8_t *bar)
{
	struct buffer b = new_buffer(bdf, 0);

	if (!b.data)
		return;
	if (check(map(container, &b) == 0, bdf, "MAP_DMA")) {
		check_copy(bdf, bar, &b);
		if (check(unmap(container, &b) == 0, bdf, "UNMAP_DMA"))
			check_out_of_reach(bdf, bar, &b);
	}
	free_buffer(&b);
}

static void copy_physical(const char *bdf, volatile uint8_t *bar)
{
	struct buffer b = new_buffer(bdf, 1);

	if (!b.data)
		return;
	b.dma = physical(b.data);
	if (check(b.dma != 0, bdf, "the physical address of a huge page"))
		check_copy(bdf, bar, &b);
	free_buffer(&b);
}

static void test_edu(const char *bdf, int isolated)
{
	struct session s;

	if (open_session(bdf, isolated, &s)) {
		size_t size;
		volatile uint8_t *bar = start_edu(bdf, s.device, &size);

		if (bar && isolated)
			copy_isolated(bdf, s.container, bar);
		else if (bar)
			copy_physical(bdf, bar);
		if (bar)
			munmap((void *)bar, size);
	}
	close_session(&s);
}

int main(void)
{
	struct machine m;

	read_machine(&m);
	for (int i = 0; i < 4; i++)
		test_edu(m.edu[i], m.isolated);
	if (m.isolated)
		check_groups(&m);
	return verdict("smoke-group");
}
