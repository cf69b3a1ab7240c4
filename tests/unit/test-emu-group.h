/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Groups and containers through the system-call table. */
#ifndef TEST_EMU_GROUP_H
#define TEST_EMU_GROUP_H

#include "test-emu-edu.h"

#define NAME1 "0000:00:03.0"
#define NAME2 "0000:00:04.0"
#define TWIN1 "0000:01:01.0"
#define TWIN2 "0000:01:02.0"

enum { GROUP1 = 3, GROUP2 = 4, TWINS = 8 };

static inline int open_group(struct machine *m, int n)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%d", n);
	return open_path(m, path);
}

static inline int open_container(struct machine *m)
{
	int fd = open_path(m, "/dev/vfio/vfio");

	assert_true(fd >= 0);
	return fd;
}

static inline int set_container(struct machine *m, int group, int fd)
{
	int32_t arg = fd;

	return request(m, group, K_VFIO_GROUP_SET_CONTAINER, &arg);
}

static inline int unset_container(struct machine *m, int group)
{
	return request(m, group, K_VFIO_GROUP_UNSET_CONTAINER, NULL);
}

/* Requests whose argument is a number. */
static inline int number(struct machine *m, int fd, unsigned long nr, uintptr_t arg)
{
	return request(m, fd, nr, (void *)arg);
}

static inline int set_iommu(struct machine *m, int container, unsigned int type)
{
	return number(m, container, K_VFIO_SET_IOMMU, type);
}

static inline int get_named(struct machine *m, int group, const char *name)
{
	char copy[128];

	strcpy(copy, name);
	return request(m, group, K_VFIO_GROUP_GET_DEVICE_FD, copy);
}

static inline uint32_t group_status(struct machine *m, int group)
{
	struct k_vfio_group_status arg = { .argsz = sizeof(arg), .flags = UINT32_MAX };

	assert_int_equal(request(m, group, K_VFIO_GROUP_GET_STATUS, &arg), 0);
	return arg.flags;
}

/* A container with one group in it. */
struct setup {
	int container;
	int group;
};

static inline struct setup enter(struct machine *m, int n, unsigned int type)
{
	struct setup s = { open_container(m), open_group(m, n) };

	assert_true(s.group >= 0);
	assert_int_equal(set_container(m, s.group, s.container), 0);
	assert_int_equal(set_iommu(m, s.container, type), 0);
	return s;
}

static inline void leave(struct machine *m, const struct setup *s)
{
	shut(m, s->group);
	shut(m, s->container);
}

/* Free to master the bus. */
static inline int get_master(struct machine *m, int group, const char *name)
{
	int dev = get_named(m, group, name);

	assert_true(dev >= 0);
	set_command(m, dev, command(m, dev) | 0x4);
	return dev;
}

static inline int dma_map(struct machine *m, int container, const void *va, uint64_t size,
			  uint64_t iova, uint32_t flags)
{
	struct k_vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg), .flags = flags, .vaddr = (uintptr_t)va, .iova = iova,
		.size = size,
	};

	return request(m, container, K_VFIO_IOMMU_MAP_DMA, &arg);
}

#define DMA_RW (K_VFIO_DMA_MAP_FLAG_READ | K_VFIO_DMA_MAP_FLAG_WRITE)

/* What was unmapped, or -errno; on failure the size is left alone. */
static inline int64_t dma_unmap(struct machine *m, int container, uint64_t iova, uint64_t size,
				uint32_t flags)
{
	struct k_vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg), .flags = flags, .iova = iova, .size = size,
	};
	int r = request(m, container, K_VFIO_IOMMU_UNMAP_DMA, &arg);

	if (r)
		assert_int_equal(arg.size, size);
	return r ? r : (int64_t)arg.size;
}

static inline void add_device(struct machine *m, const char *bdf, const char *driver,
			      uint32_t group)
{
	const struct iommufd_emu_device_opts opts = {
		.size = sizeof(opts), .bdf = bdf, .driver = driver, .group = group,
	};

	assert_int_equal(iommufd_emu_add_device(m->emu, &opts), 0);
}

#endif
