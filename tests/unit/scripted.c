/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "scripted.h"

#include <stdio.h>
#include <sys/mman.h>

#include "os/mock.h"

static void none(void *data)
{
	(void)data;
}

static int scripted_open(void *data, const char *path, int flags)
{
	struct scripted *s = data;

	(void)flags;
	if (strcmp(path, "/dev/iommu"))
		return -ENOENT;
	s->open++;
	return FIRST_FD;
}

static void went(struct scripted *s, uint32_t what)
{
	if (s->nr_gone < ARRAY_SIZE(s->gone))
		s->gone[s->nr_gone++] = what;
}

static int scripted_close(void *data, int fd)
{
	struct scripted *s = data;

	s->open--;
	went(s, (uint32_t)fd);
	return 0;
}

static uint32_t make(struct scripted *s)
{
	s->alive++;
	return ++s->last_id;
}

static uint32_t make_fd(struct scripted *s)
{
	s->open++;
	return FIRST_FD + s->last_id;
}

static int destroy(struct scripted *s, uint32_t id)
{
	s->alive--;
	went(s, id);
	return 0;
}

/* Every IOVA may be used. */
static int ranges(struct k_iommu_ioas_iova_ranges *arg)
{
	struct k_iommu_iova_range *range = (void *)(uintptr_t)arg->allowed_iovas;

	arg->out_iova_alignment = PAGE;
	if (!arg->num_iovas) {
		arg->num_iovas = 1;
		return -EMSGSIZE;
	}
	range->start = 0;
	range->last = UINT64_MAX;
	arg->num_iovas = 1;
	return 0;
}

static int make_object(struct scripted *s, unsigned long request, void *arg)
{
	switch (request) {
	case K_IOMMU_IOAS_ALLOC:
		((struct k_iommu_ioas_alloc *)arg)->out_ioas_id = make(s);
		return 0;
	case K_IOMMU_HWPT_ALLOC:
		((struct k_iommu_hwpt_alloc *)arg)->out_hwpt_id = make(s);
		return 0;
	case K_IOMMU_FAULT_QUEUE_ALLOC:
		((struct k_iommu_fault_alloc *)arg)->out_fault_id = make(s);
		((struct k_iommu_fault_alloc *)arg)->out_fault_fd = make_fd(s);
		return 0;
	case K_IOMMU_VIOMMU_ALLOC:
		((struct k_iommu_viommu_alloc *)arg)->out_viommu_id = make(s);
		return 0;
	case K_IOMMU_VDEVICE_ALLOC:
		((struct k_iommu_vdevice_alloc *)arg)->out_vdevice_id = make(s);
		return 0;
	case K_IOMMU_VEVENTQ_ALLOC:
		((struct k_iommu_veventq_alloc *)arg)->out_veventq_id = make(s);
		((struct k_iommu_veventq_alloc *)arg)->out_veventq_fd = make_fd(s);
		return 0;
	case K_IOMMU_HW_QUEUE_ALLOC:
		((struct k_iommu_hw_queue_alloc *)arg)->out_hw_queue_id = make(s);
		return 0;
	}
	return 1;
}

static int scripted_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	struct scripted *s = data;
	int r;

	(void)fd;
	if (request == _IO(K_IOMMUFD_TYPE, 0xff))
		return -ENOTTY;
	if (*(uint32_t *)arg == sizeof(uint32_t)) /* only asked whether it is there */
		return -EINVAL;
	if (request == s->refused)
		return s->code;
	if (request == K_IOMMU_DESTROY)
		return destroy(s, ((struct k_iommu_destroy *)arg)->id);
	if (request == K_IOMMU_IOAS_IOVA_RANGES)
		return ranges(arg);
	if (request == K_IOMMU_GET_HW_INFO) {
		((struct k_iommu_hw_info *)arg)->out_data_type = s->iommu_type;
		return 0;
	}
	r = make_object(s, request, arg);
	return r == 1 ? 0 : r;
}

static ssize_t scripted_read(void *data, int fd, void *buf, size_t n)
{
	struct scripted *s = data;
	const struct reading *r = s->readings + s->next_reading;

	(void)fd;
	s->asked = n;
	if (s->next_reading == s->nr_readings)
		return 0;
	if (r->n > 0 && (size_t)r->n > n && r->bytes)
		return -EINVAL; /* as the kernel: what comes next does not fit */
	s->next_reading++;
	if (r->n > 0 && r->bytes)
		memcpy(buf, r->bytes, (size_t)r->n);
	return r->n;
}

void will_read(struct scripted *s, const void *bytes, ssize_t n)
{
	assert_true(s->nr_readings < ARRAY_SIZE(s->readings));
	s->readings[s->nr_readings++] = (struct reading){ bytes, n };
}

static ssize_t scripted_write(void *data, int fd, const void *buf, size_t n)
{
	struct scripted *s = data;
	ssize_t r = s->write_result ? s->write_result : (ssize_t)n;

	(void)fd;
	s->write_result = 0;
	s->writes++;
	assert_int_equal(n, sizeof(s->written));
	memcpy(&s->written, buf, n);
	return r;
}

static int scripted_mmap(void *data, size_t n, int prot, int fd, uint64_t offset, void **out)
{
	struct scripted *s = data;

	(void)fd;
	(void)offset;
	*out = mmap(NULL, n, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s->open++;
	return *out == MAP_FAILED ? -ENOMEM : 0;
}

static int scripted_munmap(void *data, void *addr, size_t n)
{
	struct scripted *s = data;

	s->open--;
	went(s, 0);
	return munmap(addr, n) ? -errno : 0;
}

static int nothing_there(void *data, const char *path)
{
	(void)data;
	(void)path;
	return -ENOENT;
}

static ssize_t nothing_to_list(void *data, const char *path, char *buf, size_t n)
{
	(void)data;
	(void)path;
	(void)buf;
	(void)n;
	return -ENOENT;
}

int scripted_setup(void **state)
{
	static struct scripted s;
	struct iommufd_ctx_opts opts = {
		.size = sizeof(opts), .sys = &s.sys, .backend = "cdev+iommufd",
	};

	s = (struct scripted){ .iommu_type = K_IOMMU_HW_INFO_TYPE_ARM_SMMUV3, .sys = {
		.abi = SYS_ABI, .size = sizeof(s.sys), .data = &s, .ref = none, .unref = none,
		.open = scripted_open, .close = scripted_close, .ioctl = scripted_ioctl,
		.read = scripted_read, .write = scripted_write, .mmap = scripted_mmap,
		.munmap = scripted_munmap, .exists = nothing_there, .list_dir = nothing_to_list,
		.read_file = nothing_to_list, .read_link = nothing_to_list,
	} };
	*state = &s;
	return iommufd_ctx_new(&opts, &s.ctx);
}

int scripted_teardown(void **state)
{
	struct scripted *s = *state;

	iommufd_ctx_unref(s->ctx);
	if (s->open || s->alive)
		print_error("left: %zu descriptors or mappings, %zu objects\n", s->open, s->alive);
	return s->open || s->alive ? -1 : 0;
}

struct iommufd_device *scripted_device(struct scripted *s, uint32_t id, uint64_t cookie)
{
	struct iommufd_device_bound bound = {
		.size = sizeof(bound), .id = id, .fd = -1, .mock_id = id, .mock_pt = 1,
	};
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = cookie };
	struct iommufd_device *dev;

	assert_int_equal(iommufd_device_adopt(s->ctx, &bound, &opts, &dev), 0);
	return dev;
}
