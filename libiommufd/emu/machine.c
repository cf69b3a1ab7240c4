/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The life of a machine, and the public functions that shape and inspect it. */
#include "emu/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "emu/engine.h"
#include "emu/iommu.h"
#include "emu/mapping.h"
#include "emu/port.h"

#define MACHINE_FLAGS \
	(IOMMUFD_EMU_EMPTY | IOMMUFD_EMU_NO_IOMMU_NODE | IOMMUFD_EMU_NO_PERMISSION | \
	 IOMMUFD_EMU_NO_CDEV | IOMMUFD_EMU_UNPRIVILEGED | IOMMUFD_EMU_NO_MSI_ISOLATION | \
	 IOMMUFD_EMU_NOIOMMU | IOMMUFD_EMU_COMPAT_CONTAINER)

static void machine_free(struct iommufd_emu *emu)
{
	emu_lock(emu);
	emu_mapping_free_all(emu);
	emu_file_free_all(emu);
	emu_unlock_all(emu);
	emu_unlock(emu);
	while (emu->devices) {
		struct emu_device *dev = emu->devices;

		emu->devices = dev->next;
		free(dev->port);
		free(dev);
	}
	while (emu->groups) {
		struct emu_group *group = emu->groups;

		emu->groups = group->next;
		free(group);
	}
	emu_sysfs_free(emu);
	pthread_mutex_destroy(&emu->lock);
	free(emu);
}

IOMMUFD_EXPORT int iommufd_emu_new(const struct iommufd_emu_opts *opts, struct iommufd_emu **out)
{
	struct iommufd_emu_opts copy = { 0 };
	const struct emu_kernel *kernel;
	struct iommufd_emu *emu;
	int r;

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (opts) {
		r = emu_opts_get(&copy, sizeof(copy), opts);
		if (r)
			return r;
	}
	if (copy.flags & ~(uint64_t)MACHINE_FLAGS)
		return -EOPNOTSUPP;
	kernel = emu_kernel_find(copy.kernel);
	if (kernel && (copy.flags & IOMMUFD_EMU_COMPAT_CONTAINER) &&
	    kernel->release < EMU_IOMMUFD_RELEASE)
		return -EINVAL;
	if (!kernel || (copy.address_bits && (copy.address_bits < 32 || copy.address_bits > 64)))
		return -EINVAL;
	emu = calloc(1, sizeof(*emu));
	if (!emu)
		return -ENOMEM;
	atomic_init(&emu->refs, 1);
	pthread_mutex_init(&emu->lock, NULL);
	emu->process = getpid();
	emu->kernel = kernel;
	emu->flags = copy.flags;
	emu->address_bits = copy.address_bits ? copy.address_bits : 39;
	emu->memlock_pages = copy.memlock_pages;
	emu->dma_entries = copy.dma_entries ? copy.dma_entries : UINT16_MAX;
	emu_table_init(emu);
	r = emu_sysfs_init(emu);
	if (!r && !(copy.flags & IOMMUFD_EMU_EMPTY))
		r = emu_add_default_devices(emu);
	if (r) {
		machine_free(emu);
		return r;
	}
	*out = emu;
	return 0;
}

IOMMUFD_EXPORT struct iommufd_emu *iommufd_emu_ref(struct iommufd_emu *emu)
{
	if (emu)
		atomic_fetch_add_explicit(&emu->refs, 1, memory_order_relaxed);
	return emu;
}

/* The process's machine, if it exists: it may be found until its last reference is gone. */
static pthread_mutex_t default_lock = PTHREAD_MUTEX_INITIALIZER;
static struct iommufd_emu *default_emu;

bool emu_is_forked(const struct iommufd_emu *emu)
{
	return emu->process != getpid();
}

static bool drop(struct iommufd_emu *emu)
{
	return atomic_fetch_sub_explicit(&emu->refs, 1, memory_order_acq_rel) == 1;
}

IOMMUFD_EXPORT struct iommufd_emu *iommufd_emu_unref(struct iommufd_emu *emu)
{
	bool last;

	if (!emu || emu_is_forked(emu))
		return NULL;
	if (emu->is_default) {
		pthread_mutex_lock(&default_lock);
		last = drop(emu);
		if (last && default_emu == emu)
			default_emu = NULL;
		pthread_mutex_unlock(&default_lock);
	} else {
		last = drop(emu);
	}
	if (last)
		machine_free(emu);
	return NULL;
}

IOMMUFD_EXPORT int iommufd_emu_get_default(struct iommufd_emu **out)
{
	struct iommufd_emu_opts opts = { .size = sizeof(opts) };
	int r;

	if (!out)
		return -EINVAL;
	*out = NULL;
	r = emu_shape_parse(secure_getenv("LIBIOMMUFD_EMU"), &opts.kernel, &opts.flags);
	if (r)
		return r;
	pthread_mutex_lock(&default_lock);
	if (default_emu) {
		iommufd_emu_ref(default_emu);
	} else {
		r = iommufd_emu_new(&opts, &default_emu);
		if (!r)
			default_emu->is_default = true;
	}
	*out = default_emu;
	pthread_mutex_unlock(&default_lock);
	return r;
}

IOMMUFD_EXPORT const struct iommufd_sys *iommufd_emu_get_sys(struct iommufd_emu *emu)
{
	return emu ? &emu->sys : NULL;
}

IOMMUFD_EXPORT int iommufd_emu_get_counts(struct iommufd_emu *emu,
					  struct iommufd_emu_counts *counts)
{
	const size_t head = offsetof(struct iommufd_emu_counts, calls);
	size_t size;

	if (!emu || !counts)
		return -EINVAL;
	size = counts->size < sizeof(*counts) ? counts->size : sizeof(*counts);
	if (size < head + sizeof(counts->calls))
		return -EINVAL;
	emu_lock(emu);
	memcpy((char *)counts + head, (const char *)&emu->counts + head, size - head);
	emu_unlock(emu);
	return 0;
}

IOMMUFD_EXPORT int iommufd_emu_open(struct iommufd_emu *emu, const char *path)
{
	int r;

	if (!emu || !path)
		return -EINVAL;
	emu_lock(emu);
	r = emu_file_open(emu, path);
	emu_unlock(emu);
	return r;
}

IOMMUFD_EXPORT int iommufd_emu_close(struct iommufd_emu *emu, int fd)
{
	struct emu_file *file;

	if (!emu)
		return -EINVAL;
	emu_lock(emu);
	file = emu_file_find(emu, fd);
	emu_unlock(emu);
	return file ? emu->sys.close(emu, fd) : -EBADF;
}

IOMMUFD_EXPORT int iommufd_emu_ioctl(struct iommufd_emu *emu, int fd, uint64_t request, void *arg)
{
	struct emu_file *file;
	int r = -EBADF;

	if (!emu)
		return -EINVAL;
	emu_lock(emu);
	file = emu_file_find(emu, fd);
	if (file)
		r = emu_file_ioctl(file, (uint32_t)request, (uintptr_t)arg);
	emu_unlock(emu);
	return r;
}
