/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The life of a machine, and the public functions that shape and inspect it. */
#include "emu/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "emu/device.h"
#include "emu/engine.h"
#include "emu/iommu.h"

#define MACHINE_FLAGS \
	(IOMMUFD_EMU_EMPTY | IOMMUFD_EMU_NO_IOMMU_NODE | IOMMUFD_EMU_NO_PERMISSION | \
	 IOMMUFD_EMU_NO_CDEV | IOMMUFD_EMU_UNPRIVILEGED | IOMMUFD_EMU_NO_MSI_ISOLATION)

static void machine_free(struct iommufd_emu *emu)
{
	emu_lock(emu);
	emu_bar_free_all(emu);
	emu_file_free_all(emu);
	emu_unlock(emu);
	while (emu->devices) {
		struct emu_device *dev = emu->devices;

		emu->devices = dev->next;
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

static int add_default_devices(struct iommufd_emu *emu)
{
	static const struct iommufd_emu_device_opts devices[] = {
		{ .size = sizeof(*devices), .bdf = "0000:00:03.0", .group = 3 },
		{ .size = sizeof(*devices), .bdf = "0000:00:04.0", .group = 4 },
		{ .size = sizeof(*devices), .bdf = "0000:01:01.0", .group = 8 },
		{ .size = sizeof(*devices), .bdf = "0000:01:02.0", .group = 8 },
		{ .size = sizeof(*devices), .bdf = "0000:00:06.0", .group = 6,
		  .flags = IOMMUFD_EMU_DEVICE_MSIX },
	};
	int r = emu_sysfs_add_bridge(emu, "0000:00:1e.0", 8);

	for (size_t i = 0; !r && i < sizeof(devices) / sizeof(*devices); i++)
		r = iommufd_emu_add_device(emu, &devices[i]);
	return r;
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
	if (!kernel || (copy.address_bits && (copy.address_bits < 32 || copy.address_bits > 64)))
		return -EINVAL;
	emu = calloc(1, sizeof(*emu));
	if (!emu)
		return -ENOMEM;
	atomic_init(&emu->refs, 1);
	pthread_mutex_init(&emu->lock, NULL);
	emu->kernel = kernel;
	emu->flags = copy.flags;
	emu->address_bits = copy.address_bits ? copy.address_bits : 39;
	emu->memlock_pages = copy.memlock_pages;
	emu_table_init(emu);
	r = emu_sysfs_init(emu);
	if (!r && !(copy.flags & IOMMUFD_EMU_EMPTY))
		r = add_default_devices(emu);
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

static bool drop(struct iommufd_emu *emu)
{
	return atomic_fetch_sub_explicit(&emu->refs, 1, memory_order_acq_rel) == 1;
}

IOMMUFD_EXPORT struct iommufd_emu *iommufd_emu_unref(struct iommufd_emu *emu)
{
	bool last;

	if (!emu)
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

static struct emu_group *get_group(struct iommufd_emu *emu, uint32_t id)
{
	struct emu_group *group;

	for (group = emu->groups; group; group = group->next)
		if (group->id == id)
			return group;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->id = id;
	group->next = emu->groups;
	emu->groups = group;
	return group;
}

static int init_device(struct emu_device *dev, const struct iommufd_emu_device_opts *opts)
{
	const char *driver = opts->driver ? opts->driver : "vfio-pci";

	if (!opts->bdf || !emu_bdf_parse(opts->bdf, &dev->domain, &dev->bus, &dev->devfn) ||
	    strlen(driver) >= sizeof(dev->driver) || strchr(driver, '/'))
		return -EINVAL;
	strcpy(dev->bdf, opts->bdf);
	strcpy(dev->driver, driver);
	dev->vfio = strstr(driver, "vfio");
	dev->msix = opts->flags & IOMMUFD_EMU_DEVICE_MSIX;
	dev->has_token = opts->vf_token;
	if (opts->vf_token)
		memcpy(dev->token, opts->vf_token, sizeof(dev->token));
	dev->bars[0].size = 1 << 20;
	dev->bars[2].size = dev->msix ? EMU_PAGE : 0;
	dev->wakeup = -1;
	return 0;
}

static int link_device(struct iommufd_emu *emu, struct emu_device *dev, uint32_t group)
{
	struct emu_device **end = &emu->devices;
	int r;

	for (; *end; end = &(*end)->next)
		if (!strcmp((*end)->bdf, dev->bdf))
			return -EEXIST;
	dev->emu = emu;
	dev->group = get_group(emu, group);
	if (!dev->group)
		return -ENOMEM;
	dev->cdev = emu->nr_cdevs;
	r = emu_sysfs_add_device(emu, dev);
	if (r)
		return r;
	emu->nr_cdevs += dev->vfio;
	*end = dev;
	return 0;
}

IOMMUFD_EXPORT int iommufd_emu_add_device(struct iommufd_emu *emu,
					  const struct iommufd_emu_device_opts *opts)
{
	struct iommufd_emu_device_opts copy;
	struct emu_device *dev;
	int r;

	if (!emu || !opts)
		return -EINVAL;
	r = emu_opts_get(&copy, sizeof(copy), opts);
	if (r)
		return r;
	if (copy.flags & ~(uint64_t)IOMMUFD_EMU_DEVICE_MSIX)
		return -EOPNOTSUPP;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	r = init_device(dev, &copy);
	if (!r) {
		emu_lock(emu);
		r = link_device(emu, dev, copy.group);
		emu_unlock(emu);
	}
	if (r)
		free(dev);
	return r;
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
