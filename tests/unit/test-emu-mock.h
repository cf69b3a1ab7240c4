/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the tests of mock devices share: raw requests that are made of the emulated
 * kernel, or, in the lab, of the real one, from which they have to get the same
 * answers.
 */
#ifndef TEST_EMU_MOCK_H
#define TEST_EMU_MOCK_H

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
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libiommufd/emu.h>

#include "os/mock.h"
#include "os/sys.h"

#define PAGE ((uint64_t)4096)
#define PAGES 16
#define APERTURE K_MOCK_APERTURE_START

struct mocks {
	struct iommufd_emu *emu;	/* NULL: the running kernel */
	const struct iommufd_sys *sys;
	int fds_before;
	int iommu;
	uint32_t ioas;
	uint8_t *mem;			/* PAGES of it */
};

struct mock {
	uint32_t stdev;
	uint32_t hwpt;
	uint32_t dev;
};

static inline int count_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static inline bool in_lab(void)
{
	return getenv("LIBIOMMUFD_TEST_DEVICES") && !getenv("LIBIOMMUFD_EMU");
}

static inline int request(struct mocks *m, unsigned long nr, void *arg)
{
	if (m->emu)
		return m->sys->ioctl(m->sys->data, m->iommu, nr, arg);
	return ioctl(m->iommu, nr, arg) < 0 ? -errno : 0;
}

static inline int op(struct mocks *m, struct k_iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	return request(m, K_IOMMU_TEST_CMD, cmd);
}

static inline void shut(struct mocks *m, int fd)
{
	assert_int_equal(m->emu ? m->sys->close(m->sys->data, fd) : close(fd), 0);
}

static inline ssize_t get(struct mocks *m, int fd, void *buf, size_t n)
{
	ssize_t r = m->emu ? m->sys->read(m->sys->data, fd, buf, n) : read(fd, buf, n);

	return m->emu || r >= 0 ? r : -errno;
}

static inline ssize_t put(struct mocks *m, int fd, const void *buf, size_t n)
{
	ssize_t r = m->emu ? m->sys->write(m->sys->data, fd, buf, n) : write(fd, buf, n);

	return m->emu || r >= 0 ? r : -errno;
}

/* What poll() says of it at once. */
static inline int ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	assert_true(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static inline int destroy(struct mocks *m, uint32_t id)
{
	struct k_iommu_destroy arg = { .size = sizeof(arg), .id = id };

	return request(m, K_IOMMU_DESTROY, &arg);
}

static inline uint32_t new_ioas(struct mocks *m)
{
	struct k_iommu_ioas_alloc arg = { .size = sizeof(arg) };

	assert_int_equal(request(m, K_IOMMU_IOAS_ALLOC, &arg), 0);
	return arg.out_ioas_id;
}

static inline int map_in(struct mocks *m, uint32_t ioas, const void *va, uint64_t length,
			 uint64_t iova)
{
	struct k_iommu_ioas_map arg = {
		.size = sizeof(arg), .ioas_id = ioas, .user_va = (uintptr_t)va,
		.flags = K_IOMMU_IOAS_MAP_FIXED_IOVA | K_IOMMU_IOAS_MAP_READABLE |
			 K_IOMMU_IOAS_MAP_WRITEABLE,
		.length = length, .iova = iova,
	};

	return request(m, K_IOMMU_IOAS_MAP, &arg);
}

static inline int map(struct mocks *m, const void *va, uint64_t length, uint64_t iova)
{
	return map_in(m, m->ioas, va, length, iova);
}

static inline int unmap(struct mocks *m, uint64_t iova, uint64_t length)
{
	struct k_iommu_ioas_unmap arg = {
		.size = sizeof(arg), .ioas_id = m->ioas, .iova = iova, .length = length,
	};

	return request(m, K_IOMMU_IOAS_UNMAP, &arg);
}

/* Dirty bits are of table entries, and what those span is the kernel's choice, but for this. */
static inline void forbid_huge_pages(struct mocks *m)
{
	struct k_iommu_option arg = {
		.size = sizeof(arg), .option_id = K_IOMMU_OPTION_HUGE_PAGES,
		.op = K_IOMMU_OPTION_OP_SET, .object_id = m->ioas,
	};

	assert_int_equal(request(m, K_IOMMU_OPTION, &arg), 0);
}

static inline int add_mock(struct mocks *m, uint32_t ioas, uint32_t flags, struct mock *out)
{
	struct k_iommu_test_cmd cmd = {
		.op = K_IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS, .id = ioas,
		.mock_domain_flags.dev_flags = flags,
	};
	int r = op(m, &cmd);

	*out = (struct mock){ cmd.mock_domain_flags.out_stdev_id,
			      cmd.mock_domain_flags.out_hwpt_id,
			      cmd.mock_domain_flags.out_idev_id };
	return r;
}

static inline struct mock new_mock(struct mocks *m, uint32_t flags)
{
	struct mock out;

	assert_int_equal(add_mock(m, m->ioas, flags, &out), 0);
	return out;
}

static inline int replace(struct mocks *m, const struct mock *mock, uint32_t pt)
{
	struct k_iommu_test_cmd cmd = {
		.op = K_IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE, .id = mock->stdev,
		.mock_domain_replace.pt_id = pt,
	};

	return op(m, &cmd);
}

static inline int alloc_hwpt(struct mocks *m, struct k_iommu_hwpt_alloc arg, uint32_t *id)
{
	int r;

	arg.size = sizeof(arg);
	r = request(m, K_IOMMU_HWPT_ALLOC, &arg);
	*id = arg.out_hwpt_id;
	return r;
}

static inline int try_hwpt(struct mocks *m, uint32_t dev, uint32_t pt, uint32_t flags, uint32_t *id)
{
	return alloc_hwpt(m, (struct k_iommu_hwpt_alloc){ .dev_id = dev, .pt_id = pt,
							  .flags = flags }, id);
}

static inline uint32_t new_hwpt(struct mocks *m, const struct mock *mock, uint32_t flags)
{
	uint32_t id;

	assert_int_equal(try_hwpt(m, mock->dev, m->ioas, flags, &id), 0);
	return id;
}

static inline int try_nested(struct mocks *m, uint32_t dev, uint32_t parent, uint32_t flags,
			     uint32_t fault, uint32_t *id)
{
	const struct k_iommu_hwpt_selftest data = { .iotlb = K_IOMMU_TEST_IOTLB_DEFAULT };

	return alloc_hwpt(m, (struct k_iommu_hwpt_alloc){
		.flags = flags, .dev_id = dev, .pt_id = parent, .fault_id = fault,
		.data_type = K_IOMMU_HWPT_DATA_SELFTEST, .data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data }, id);
}

static inline uint32_t new_nested(struct mocks *m, const struct mock *mock, uint32_t parent)
{
	uint32_t id;

	assert_int_equal(try_nested(m, mock->dev, parent, 0, 0, &id), 0);
	return id;
}

static inline int try_viommu(struct mocks *m, struct k_iommu_viommu_alloc arg, uint32_t *id)
{
	int r;

	arg.size = sizeof(arg);
	r = request(m, K_IOMMU_VIOMMU_ALLOC, &arg);
	*id = arg.out_viommu_id;
	return r;
}

static inline uint32_t new_viommu(struct mocks *m, const struct mock *mock, uint32_t parent)
{
	const struct k_iommu_viommu_alloc arg = { .type = K_IOMMU_VIOMMU_TYPE_SELFTEST,
						  .dev_id = mock->dev, .hwpt_id = parent };
	uint32_t id;

	assert_int_equal(try_viommu(m, arg, &id), 0);
	return id;
}

static inline int try_vdevice(struct mocks *m, uint32_t viommu, uint32_t dev, uint64_t virt_id,
			      uint32_t *id)
{
	struct k_iommu_vdevice_alloc arg = { .size = sizeof(arg), .viommu_id = viommu,
					     .dev_id = dev, .virt_id = virt_id };
	int r = request(m, K_IOMMU_VDEVICE_ALLOC, &arg);

	*id = arg.out_vdevice_id;
	return r;
}

static inline uint32_t new_vdevice(struct mocks *m, uint32_t viommu, const struct mock *mock,
				   uint64_t virt_id)
{
	uint32_t id;

	assert_int_equal(try_vdevice(m, viommu, mock->dev, virt_id, &id), 0);
	return id;
}

static inline int setup(void **state)
{
	struct mocks *m = calloc(1, sizeof(*m));

	if (!m)
		return -1;
	*state = m;
	m->fds_before = count_open();
	if (!in_lab()) {
		if (iommufd_emu_new(NULL, &m->emu))
			return -1;
		m->sys = iommufd_emu_get_sys(m->emu);
	}
	m->iommu = m->emu ? m->sys->open(m->sys->data, "/dev/iommu", O_RDWR)
			  : open("/dev/iommu", O_RDWR | O_CLOEXEC);
	m->mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (m->iommu < 0 || m->mem == MAP_FAILED)
		return -1;
	memset(m->mem, 1, PAGES * PAGE);
	m->ioas = new_ioas(m);
	return 0;
}

/* Closing the iommufd is enough: what a test made may be left to that. */
static inline int teardown(void **state)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };
	struct mocks *m = *state;

	shut(m, m->iommu);
	if (m->emu) {
		assert_int_equal(iommufd_emu_get_counts(m->emu, &c), 0);
		assert_int_equal(c.fds, 0);
		assert_int_equal(c.ioas, 0);
		assert_int_equal(c.bound, 0);
		assert_int_equal(c.attached, 0);
		assert_int_equal(c.mappings, 0);
		assert_int_equal(c.pinned_pages, 0);
		assert_int_equal(c.bar_maps, 0);
		assert_int_equal(c.objects, 0);
		assert_null(iommufd_emu_unref(m->emu));
	}
	munmap(m->mem, PAGES * PAGE);
	assert_int_equal(count_open(), m->fds_before);
	free(m);
	return 0;
}

/* 77 where the kernel has no mock devices: the program is skipped. */
static inline int run_mock_tests(const struct CMUnitTest *tests, size_t n)
{
	struct k_iommu_test_cmd cmd = { .size = sizeof(cmd) };
	int fd = in_lab() ? open("/dev/iommu", O_RDWR | O_CLOEXEC) : -1;
	bool lacking = in_lab() && (fd < 0 || (ioctl(fd, K_IOMMU_TEST_CMD, &cmd) < 0 &&
					       errno == ENOTTY));

	if (fd >= 0)
		close(fd);
	if (lacking) {
		printf("the kernel has no mock devices\n");
		return 77;
	}
	return _cmocka_run_group_tests("mock", tests, n, NULL, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define RUN(tests) run_mock_tests(tests, sizeof(tests) / sizeof(*(tests)))

#endif
