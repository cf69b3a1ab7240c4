/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The system-call table of a machine. Each call is counted, may be made to
 * fail, and goes to the machine if the path or descriptor is one of its own;
 * all others go to the running kernel.
 */
#include "emu/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "emu/container.h"
#include "emu/device.h"
#include "emu/engine.h"
#include "emu/iommu.h"
#include "emu/mapping.h"
#include "emu/pagemap.h"
#include "emu/port.h"
#include "emu/proc.h"
#include "emu/queue.h"
#include "emu/uevent.h"
#include "emu/viommu.h"

void emu_lock(struct iommufd_emu *emu)
{
	pthread_mutex_lock(&emu->lock);
}

void emu_unlock(struct iommufd_emu *emu)
{
	struct emu_engine *done = emu->stopping;

	emu->stopping = NULL;
	pthread_mutex_unlock(&emu->lock);
	emu_engine_join(done);
}

static void table_ref(void *data)
{
	iommufd_emu_ref(data);
}

static void table_unref(void *data)
{
	iommufd_emu_unref(data);
}

/* Locks, and finds the machine's file behind @fd; NULL with the lock dropped if there is none. */
static struct emu_file *enter(struct iommufd_emu *emu, int fd, uint32_t call, unsigned long request,
			      int *error)
{
	struct emu_file *file = NULL;

	emu_lock(emu);
	*error = emu_inject_check(emu, call, request);
	if (!*error)
		file = emu_file_find(emu, fd);
	if (!file)
		emu_unlock(emu);
	return file;
}

static int table_open(void *data, const char *path, int flags)
{
	struct iommufd_emu *emu = data;
	bool owned = emu_sysfs_owns(path) || emu_pagemap_is(path);
	int r;

	emu_lock(emu);
	r = emu_inject_check(emu, IOMMUFD_EMU_CALL_OPEN, 0);
	if (!r && owned)
		r = emu_file_open(emu, path);
	emu_unlock(emu);
	return r || owned ? r : sys_kernel()->open(NULL, path, flags);
}

static int table_close(void *data, int fd)
{
	struct iommufd_emu *emu = data;
	struct emu_file *file;
	int r;

	if (emu_is_forked(emu))
		return close(fd) ? -errno : 0;
	emu_lock(emu);
	file = emu_file_find(emu, fd);
	if (file)
		emu_file_drop_fd(emu, file, fd);
	r = close(fd) ? -errno : 0;
	emu_unlock(emu);
	return r;
}

static int table_dup(void *data, int fd)
{
	struct iommufd_emu *emu = data;
	int error, copy;
	struct emu_file *file = enter(emu, fd, IOMMUFD_EMU_CALL_DUP, 0, &error);

	if (!file)
		return error ? error : sys_kernel()->dup(NULL, fd);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0) {
		copy = -errno;
	} else if (emu_file_add_fd(emu, file, copy)) {
		close(copy);
		copy = -ENOMEM;
	}
	emu_unlock(emu);
	return copy;
}

int emu_file_ioctl(struct emu_file *file, uint32_t request, uint64_t arg)
{
	switch (file->kind) {
	case EMU_FILE_IOMMU:
		return emu_iommu_ioctl(file->iommu, request, arg);
	case EMU_FILE_CONTAINER:
		return emu_container_ioctl(file->container, request, arg);
	case EMU_FILE_GROUP:
		return emu_group_ioctl(file, request, arg);
	case EMU_FILE_CDEV:
	case EMU_FILE_DEVICE:
		return emu_device_ioctl(file, request, arg);
	case EMU_FILE_MIGRATION:
		return emu_transfer_ioctl(file, request, arg);
	case EMU_FILE_UEVENTS:
	case EMU_FILE_PAGEMAP:
	case EMU_FILE_FAULTS:
	case EMU_FILE_EVENTS:
	case EMU_FILE_DMA_BUF:
		break;
	}
	return -ENOTTY;
}

static int table_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	struct iommufd_emu *emu = data;
	int error, r;
	struct emu_file *file = enter(emu, fd, IOMMUFD_EMU_CALL_IOCTL, request, &error);

	if (!file)
		return error ? error : sys_kernel()->ioctl(NULL, fd, request, arg);
	r = emu_file_ioctl(file, (uint32_t)request, (uintptr_t)arg);
	emu_unlock(emu);
	return r;
}

static ssize_t table_pread(void *data, int fd, void *buf, size_t n, uint64_t offset)
{
	struct iommufd_emu *emu = data;
	int error;
	ssize_t r;
	struct emu_file *file = enter(emu, fd, IOMMUFD_EMU_CALL_READ, 0, &error);

	if (!file)
		return error ? error : sys_kernel()->pread(NULL, fd, buf, n, offset);
	if (file->kind == EMU_FILE_PAGEMAP)
		r = emu_pagemap_read(emu, file, (uintptr_t)buf, n, offset);
	else
		r = file->device ? emu_region_rw(file, (uintptr_t)buf, n, offset, false) : -EINVAL;
	emu_unlock(emu);
	return r;
}

static ssize_t table_pwrite(void *data, int fd, const void *buf, size_t n, uint64_t offset)
{
	struct iommufd_emu *emu = data;
	int error;
	ssize_t r;
	struct emu_file *file = enter(emu, fd, IOMMUFD_EMU_CALL_WRITE, 0, &error);

	if (!file)
		return error ? error : sys_kernel()->pwrite(NULL, fd, buf, n, offset);
	r = file->device ? emu_region_rw(file, (uintptr_t)buf, n, offset, true) : -EINVAL;
	emu_unlock(emu);
	return r;
}

static int table_mmap(void *data, size_t n, int prot, int fd, uint64_t offset, void **out)
{
	struct iommufd_emu *emu = data;
	int error, r;
	struct emu_file *file = enter(emu, fd, IOMMUFD_EMU_CALL_MMAP, 0, &error);

	if (!file)
		return error ? error : sys_kernel()->mmap(NULL, n, prot, fd, offset, out);
	if (file->device)
		r = emu_bar_mmap(file, n, prot, offset, out);
	else if (file->kind == EMU_FILE_IOMMU)
		r = emu_viommu_mmap(file, n, prot, offset, out);
	else
		r = -ENODEV;
	emu_unlock(emu);
	return r;
}

static int table_munmap(void *data, void *addr, size_t n)
{
	struct iommufd_emu *emu = data;
	int r;

	if (emu_is_forked(emu))
		return sys_kernel()->munmap(NULL, addr, n);
	emu_lock(emu);
	r = sys_kernel()->munmap(NULL, addr, n);
	if (!r)
		emu_mapping_unmapped(emu, (uintptr_t)addr, n);
	emu_unlock(emu);
	return r;
}

/* What is there is the running kernel's to say, but for registers. */
static int check_memory(struct iommufd_emu *emu, void *addr, size_t n, int of_registers)
{
	int r;

	emu_lock(emu);
	r = emu_inject_check(emu, IOMMUFD_EMU_CALL_POPULATE, 0);
	if (!r && emu_mapping_overlaps(emu, (uintptr_t)addr, n))
		r = of_registers;
	emu_unlock(emu);
	return r;
}

static int table_populate(void *data, void *addr, size_t n, int writable)
{
	int r = check_memory(data, addr, n, -EINVAL);

	if (!r && !emu_has(data, EMU_FEATURE_POPULATE))
		return -EINVAL;
	return r ? r : sys_kernel()->populate(NULL, addr, n, writable);
}

static int table_touch(void *data, void *addr, size_t n, int writable)
{
	int r = check_memory(data, addr, n, -EFAULT);

	return r ? r : sys_kernel()->touch(NULL, addr, n, writable);
}

static int table_lock_memory(void *data, void *addr, size_t n, int on)
{
	struct iommufd_emu *emu = data;
	int r;

	emu_lock(emu);
	r = emu_inject_check(emu, IOMMUFD_EMU_CALL_POPULATE, 0);
	if (!r)
		r = emu_lock_memory(emu, (uintptr_t)addr, n, on);
	emu_unlock(emu);
	return r;
}

static ssize_t table_read(void *data, int fd, void *buf, size_t n)
{
	struct iommufd_emu *emu = data;
	int error;
	ssize_t r;
	struct emu_file *file = enter(emu, fd, IOMMUFD_EMU_CALL_READ, 0, &error);

	if (!file)
		return error ? error : sys_kernel()->read(NULL, fd, buf, n);
	if (file->kind == EMU_FILE_UEVENTS)
		r = emu_uevents_read(file, buf, n);
	else if (file->kind == EMU_FILE_MIGRATION)
		r = emu_transfer_read(file, (uintptr_t)buf, n);
	else
		r = file->queue ? emu_queue_read(file, (uintptr_t)buf, n) : -EINVAL;
	emu_unlock(emu);
	return r;
}

static ssize_t table_write(void *data, int fd, const void *buf, size_t n)
{
	struct iommufd_emu *emu = data;
	int error;
	ssize_t r;
	struct emu_file *file = enter(emu, fd, IOMMUFD_EMU_CALL_WRITE, 0, &error);

	if (!file)
		return error ? error : sys_kernel()->write(NULL, fd, buf, n);
	if (file->kind == EMU_FILE_MIGRATION)
		r = emu_transfer_write(file, (uintptr_t)buf, n);
	else
		r = file->queue ? emu_queue_write(file, (uintptr_t)buf, n) : -EINVAL;
	emu_unlock(emu);
	return r;
}

static int table_uevents(void *data)
{
	struct iommufd_emu *emu = data;
	int r;

	emu_lock(emu);
	r = emu_inject_check(emu, IOMMUFD_EMU_CALL_OPEN, 0);
	if (!r)
		r = emu_uevents_open(emu);
	emu_unlock(emu);
	return r;
}

static ssize_t table_read_file(void *data, const char *path, char *buf, size_t n)
{
	struct iommufd_emu *emu = data;
	bool owned = emu_sysfs_owns(path);
	ssize_t r;

	emu_lock(emu);
	r = emu_inject_check(emu, IOMMUFD_EMU_CALL_SYSFS, 0);
	if (!r && owned)
		r = emu_sysfs_read_file(emu, path, buf, n);
	emu_unlock(emu);
	return r || owned ? r : sys_kernel()->read_file(NULL, path, buf, n);
}

static ssize_t table_read_link(void *data, const char *path, char *buf, size_t n)
{
	struct iommufd_emu *emu = data;
	bool owned = emu_sysfs_owns(path);
	ssize_t r;

	emu_lock(emu);
	r = emu_inject_check(emu, IOMMUFD_EMU_CALL_SYSFS, 0);
	if (!r && owned)
		r = emu_sysfs_read_link(emu, path, buf, n);
	else if (!r)
		r = emu_proc_read_link(emu, path, buf, n);
	emu_unlock(emu);
	return r || owned ? r : sys_kernel()->read_link(NULL, path, buf, n);
}

static ssize_t table_list_dir(void *data, const char *path, char *buf, size_t n)
{
	struct iommufd_emu *emu = data;
	bool owned = emu_sysfs_owns(path);
	ssize_t r;

	emu_lock(emu);
	r = emu_inject_check(emu, IOMMUFD_EMU_CALL_SYSFS, 0);
	if (!r && owned)
		r = emu_sysfs_list_dir(emu, path, buf, n);
	emu_unlock(emu);
	return r || owned ? r : sys_kernel()->list_dir(NULL, path, buf, n);
}

static int table_exists(void *data, const char *path)
{
	struct iommufd_emu *emu = data;
	bool owned = emu_sysfs_owns(path);
	int r;

	emu_lock(emu);
	r = emu_inject_check(emu, IOMMUFD_EMU_CALL_SYSFS, 0);
	if (!r && owned)
		r = emu_sysfs_exists(emu, path);
	emu_unlock(emu);
	return r || owned ? r : sys_kernel()->exists(NULL, path);
}

/* None of the machine's own files can be mapped by file. */
static int table_file_facts(void *data, int fd, struct sys_file *out)
{
	int error;
	struct emu_file *file = enter(data, fd, IOMMUFD_EMU_CALL_SYSFS, 0, &error);

	if (!file)
		return error ? error : sys_kernel()->file_facts(NULL, fd, out);
	*out = (struct sys_file){ .readable = true, .writable = true };
	emu_unlock(data);
	return 0;
}

static int file_numbers(const struct emu_file *file, unsigned int *major, unsigned int *minor)
{
	*major = EMU_MISC_MAJOR;
	switch (file->kind) {
	case EMU_FILE_IOMMU:
		*minor = file->by_container ? EMU_CONTAINER_MINOR : EMU_IOMMU_MINOR;
		return 0;
	case EMU_FILE_CONTAINER:
		*minor = EMU_CONTAINER_MINOR;
		return 0;
	case EMU_FILE_GROUP:
		*major = EMU_GROUP_MAJOR;
		*minor = file->group->minor;
		return 0;
	case EMU_FILE_CDEV:
		*major = EMU_CDEV_MAJOR;
		*minor = file->device->cdev;
		return 0;
	case EMU_FILE_DEVICE:
	case EMU_FILE_UEVENTS:
	case EMU_FILE_PAGEMAP:
	case EMU_FILE_FAULTS:
	case EMU_FILE_EVENTS:
	case EMU_FILE_MIGRATION:
	case EMU_FILE_DMA_BUF:
		break;
	}
	return -ENOTTY; /* they come without a node */
}

static int table_char_device(void *data, int fd, unsigned int *major, unsigned int *minor)
{
	struct iommufd_emu *emu = data;
	int error;
	struct emu_file *file = enter(emu, fd, IOMMUFD_EMU_CALL_SYSFS, 0, &error);

	if (!file)
		return error ? error : sys_kernel()->char_device(NULL, fd, major, minor);
	error = file_numbers(file, major, minor);
	emu_unlock(emu);
	return error;
}

void emu_table_init(struct iommufd_emu *emu)
{
	emu->sys = (struct iommufd_sys){
		.abi = SYS_ABI,
		.size = sizeof(emu->sys),
		.data = emu,
		.ref = table_ref,
		.unref = table_unref,
		.open = table_open,
		.close = table_close,
		.dup = table_dup,
		.ioctl = table_ioctl,
		.pread = table_pread,
		.pwrite = table_pwrite,
		.mmap = table_mmap,
		.munmap = table_munmap,
		.populate = table_populate,
		.touch = table_touch,
		.lock_memory = table_lock_memory,
		.read = table_read,
		.write = table_write,
		.uevents = table_uevents,
		.read_file = table_read_file,
		.read_link = table_read_link,
		.list_dir = table_list_dir,
		.exists = table_exists,
		.file_facts = table_file_facts,
		.char_device = table_char_device,
	};
}
