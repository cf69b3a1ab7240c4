/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the tests of the emulated kernel share. They speak to it as the library
 * does, in raw requests through the system-call table, and hold it to what the
 * real kernel does, traps included.
 */
#ifndef TEST_EMU_H
#define TEST_EMU_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libiommufd/emu.h>

#include "os/sys.h"
#include "os/uapi.h"

#define PAGE ((uint64_t)4096)
#define FIXED K_IOMMU_IOAS_MAP_FIXED_IOVA
#define RW (K_IOMMU_IOAS_MAP_READABLE | K_IOMMU_IOAS_MAP_WRITEABLE)
#define CONFIG ((uint64_t)K_VFIO_PCI_CONFIG_REGION_INDEX << 40)

/* cdev numbers of the default machine */
enum { ALONE1, ALONE2, SIBLING1, SIBLING2, MSIX };

struct machine {
	struct iommufd_emu *emu;
	const struct iommufd_sys *sys;
	int fds_before;
	int iommu;	/* an open /dev/iommu */
	uint32_t ioas;	/* and an address space in it */
	uint8_t *mem;	/* 16 pages */
};

static inline int count_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static inline int request(struct machine *m, int fd, unsigned long nr, void *arg)
{
	return m->sys->ioctl(m->sys->data, fd, nr, arg);
}

static inline int open_path(struct machine *m, const char *path)
{
	return m->sys->open(m->sys->data, path, O_RDWR);
}

static inline int open_cdev(struct machine *m, int n)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%d", n);
	return open_path(m, path);
}

static inline void shut(struct machine *m, int fd)
{
	assert_int_equal(m->sys->close(m->sys->data, fd), 0);
}

static inline int new_ioas(struct machine *m, int iommu, uint32_t *id)
{
	struct k_iommu_ioas_alloc arg = { .size = sizeof(arg) };
	int r = request(m, iommu, K_IOMMU_IOAS_ALLOC, &arg);

	*id = arg.out_ioas_id;
	return r;
}

static inline int destroy(struct machine *m, uint32_t id)
{
	struct k_iommu_destroy arg = { .size = sizeof(arg), .id = id };

	return request(m, m->iommu, K_IOMMU_DESTROY, &arg);
}

static inline int map_in(struct machine *m, uint32_t ioas, const void *va, uint64_t length,
			 uint32_t flags, uint64_t *iova)
{
	struct k_iommu_ioas_map arg = {
		.size = sizeof(arg), .flags = flags, .ioas_id = ioas,
		.user_va = (uintptr_t)va, .length = length, .iova = *iova,
	};
	int r = request(m, m->iommu, K_IOMMU_IOAS_MAP, &arg);

	*iova = arg.iova;
	return r;
}

static inline int map(struct machine *m, const void *va, uint64_t length, uint64_t iova)
{
	return map_in(m, m->ioas, va, length, FIXED | RW, &iova);
}

static inline int unmap(struct machine *m, uint64_t iova, uint64_t *length)
{
	struct k_iommu_ioas_unmap arg = {
		.size = sizeof(arg), .ioas_id = m->ioas, .iova = iova, .length = *length,
	};
	int r = request(m, m->iommu, K_IOMMU_IOAS_UNMAP, &arg);

	*length = arg.length;
	return r;
}

static inline uint64_t unmap_all(struct machine *m)
{
	uint64_t length = UINT64_MAX;

	assert_int_equal(unmap(m, 0, &length), 0);
	return length;
}

static inline int bind_device(struct machine *m, int dev, int iommu, uint32_t *id)
{
	struct k_vfio_device_bind_iommufd arg = { .argsz = sizeof(arg), .iommufd = iommu };
	int r = request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg);

	if (id)
		*id = arg.out_devid;
	return r;
}

static inline int attach(struct machine *m, int dev, uint32_t pt, uint32_t *hwpt)
{
	struct k_vfio_device_attach_iommufd_pt arg = { .argsz = sizeof(arg), .pt_id = pt };
	int r = request(m, dev, K_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg);

	if (hwpt)
		*hwpt = arg.pt_id;
	return r;
}

static inline int detach(struct machine *m, int dev)
{
	struct k_vfio_device_detach_iommufd_pt arg = { .argsz = sizeof(arg) };

	return request(m, dev, K_VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg);
}

/* Opened and bound to the machine's iommufd. */
static inline int get_device(struct machine *m, int n)
{
	int dev = open_cdev(m, n);

	assert_true(dev >= 0);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), 0);
	return dev;
}

struct ranges {
	struct k_iommu_iova_range range[8];
	uint32_t nr;
	uint64_t alignment;
};

static inline struct ranges get_ranges(struct machine *m)
{
	struct ranges out = { 0 };
	struct k_iommu_ioas_iova_ranges arg = {
		.size = sizeof(arg), .ioas_id = m->ioas, .num_iovas = 8,
		.allowed_iovas = (uintptr_t)out.range,
	};

	assert_int_equal(request(m, m->iommu, K_IOMMU_IOAS_IOVA_RANGES, &arg), 0);
	out.nr = arg.num_iovas;
	out.alignment = arg.out_iova_alignment;
	return out;
}

static inline struct iommufd_emu_counts counts(struct machine *m)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };

	assert_int_equal(iommufd_emu_get_counts(m->emu, &c), 0);
	return c;
}

static inline void inject(struct machine *m, uint32_t calls, int error, uint64_t nth)
{
	struct iommufd_emu_fault fault = {
		.size = sizeof(fault), .calls = calls, .error = error, .nth = nth,
	};

	assert_int_equal(iommufd_emu_inject(m->emu, &fault), 0);
}

static inline int start(void **state, const struct iommufd_emu_opts *opts)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (!m)
		return -1;
	m->fds_before = count_open();
	if (iommufd_emu_new(opts, &m->emu))
		return -1;
	m->sys = iommufd_emu_get_sys(m->emu);
	m->iommu = open_path(m, "/dev/iommu");
	m->mem = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*state = m;
	return m->mem == MAP_FAILED || (m->iommu >= 0 && new_ioas(m, m->iommu, &m->ioas));
}

static inline int setup(void **state)
{
	return start(state, NULL);
}

/* A test closes what it opened; nothing may be left in the machine or the process. */
static inline int teardown(void **state)
{
	struct machine *m = *state;
	struct iommufd_emu_counts c;

	if (m->iommu >= 0)
		shut(m, m->iommu);
	c = counts(m);
	assert_int_equal(c.fds, 0);
	assert_int_equal(c.ioas, 0);
	assert_int_equal(c.bound, 0);
	assert_int_equal(c.attached, 0);
	assert_int_equal(c.mappings, 0);
	assert_int_equal(c.pinned_pages, 0);
	assert_int_equal(c.bar_maps, 0);
	assert_int_equal(c.eventfds, 0);
	assert_int_equal(c.groups, 0);
	assert_int_equal(c.containers, 0);
	assert_int_equal(c.objects, 0);
	munmap(m->mem, 16 * PAGE);
	assert_null(iommufd_emu_unref(m->emu));
	assert_int_equal(count_open(), m->fds_before);
	free(m);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
