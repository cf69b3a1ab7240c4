/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Hot resets: who is affected, whether this context owns them all, and doing it. */
#include <libiommufd/reset.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/group.h"
#include "base/opts.h"
#include "discover/group.h"
#include "object/device.h"
#include "os/sysfs.h"
#include "vfio/hot-reset.h"
#include "vfio/service.h"

/* What follows runs under the context's lock. */

static const struct iommufd_device *find_open(const struct iommufd_ctx *ctx,
					      const struct iommufd_reset_info *info)
{
	const struct iommufd_device *d = ctx->devices;

	if (info->id)
		return device_of_id(ctx, info->id);
	while (d && strcmp(d->fd.name, info->name))
		d = d->next;
	return d;
}

static int group_of(const struct iommufd_ctx *ctx, const char *name)
{
	char path[SYSFS_PATH_MAX];
	int group = sysfs_format(path, sizeof(path), "/sys/bus/pci/devices/%s", name);

	if (!group)
		group = sysfs_iommu_group(ctx->core.sys, path);
	return group < 0 ? -1 : group;
}

/* Where sysfs does not tell, the kernel will. */
static bool has_vfio_driver(const struct iommufd_ctx *ctx, int group, const char *name)
{
	struct group_facts facts;
	bool found = true;

	if (group_facts_read(&ctx->core, group, &facts))
		return true;
	for (size_t i = 0; i < facts.count; i++)
		if (!strcmp(facts.members[i].name, name))
			found = facts.members[i].vfio;
	group_facts_free(&facts);
	return found;
}

static void describe(const struct iommufd_ctx *ctx, const struct hot_reset *list, uint32_t index,
		     struct iommufd_reset_info *info)
{
	const struct k_vfio_pci_dependent_device *k = &list->devices[index];
	const struct iommufd_device *open;
	bool owned;

	*info = (struct iommufd_reset_info){ .count = list->count };
	snprintf(info->name, sizeof(info->name), "%04x:%02x:%02x.%x", k->segment, k->bus,
		 k->devfn >> 3, k->devfn & 7u);
	if (list->by_id) {
		owned = k->devid != (uint32_t)K_VFIO_PCI_DEVID_NOT_OWNED;
		info->id = owned && k->devid != K_VFIO_PCI_DEVID_OWNED ? k->devid : 0;
		info->group = group_of(ctx, info->name);
	} else {
		info->group = (int32_t)k->group_id;
		owned = vfio_group_find(&ctx->backend.engine, info->group) &&
			has_vfio_driver(ctx, info->group, info->name);
	}
	open = find_open(ctx, info);
	info->id = open ? open->fd.id : 0;
	info->cookie = open ? open->cookie : 0;
	info->flags = (owned ? IOMMUFD_RESET_OWNED : 0u) | (open ? IOMMUFD_RESET_OPEN : 0u);
}

static int not_owned(struct iommufd_device *dev, const char *names)
{
	return err(-EPERM, "VFIO_DEVICE_PCI_HOT_RESET", dev->fd.object,
		   "bind them to VFIO drivers and open them in this context",
		   "would reset %s too, and this context does not own that", names);
}

/* 0 if all are ours; else the record, with their names, and -EPERM. */
static int check_owned(struct iommufd_device *dev, const struct hot_reset *list)
{
	char names[160];
	size_t used = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		struct iommufd_reset_info info;

		describe(dev->ctx, list, i, &info);
		if (info.flags & IOMMUFD_RESET_OWNED)
			continue;
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", info.name);
	}
	return used ? not_owned(dev, names) : 0;
}

/* The descriptors of the groups that are affected, each once. */
static uint32_t list_groups(const struct iommufd_ctx *ctx, const struct hot_reset *list, int *fds)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < list->count && !list->by_id; i++) {
		uint32_t id = list->devices[i].group_id, before = 0;

		while (list->devices[before].group_id != id)
			before++;
		if (before == i)
			fds[count++] = vfio_group_find(&ctx->backend.engine, (int)id)->fd;
	}
	return count;
}

static int reset_owned(struct iommufd_device *dev, const struct hot_reset *list)
{
	int *fds = calloc(list->count ? list->count : 1, sizeof(*fds)), r;

	if (!fds)
		return err_nomem("VFIO_DEVICE_PCI_HOT_RESET", dev->fd.object);
	r = hot_reset_do(&dev->fd, fds, list_groups(dev->ctx, list, fds));
	free(fds);
	if (!r)
		return 0;
	if (r == -EINVAL) /* a driver or an owner came meanwhile */
		return not_owned(dev, "a device that has another owner by now");
	if (r == -ENODEV)
		return err(-EOPNOTSUPP, "VFIO_DEVICE_PCI_HOT_RESET", dev->fd.object,
			   "close the device and open it again",
			   "no bus or slot of its own can be reset any more");
	return err_kernel(r, KNOWN(-EBUSY, -EAGAIN, -ENOMEM), "VFIO_DEVICE_PCI_HOT_RESET",
			  dev->fd.object,
			  r == -EBUSY ? "stop touching registers of the affected devices, and try again" :
			  r == -EAGAIN ? "try again" : r == -ENOMEM ? "free memory and try again" :
							      "close the devices and open them again",
			  "the bus or slot was not reset");
}

IOMMUFD_EXPORT int iommufd_device_get_reset_info(struct iommufd_device *dev, uint32_t index,
						 struct iommufd_reset_info *info)
{
	struct iommufd_reset_info known;
	struct hot_reset *list;
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	pthread_mutex_lock(&dev->ctx->lock);
	r = hot_reset_read(d, &list);
	if (!r && index < list->count)
		describe(dev->ctx, list, index, &known);
	pthread_mutex_unlock(&dev->ctx->lock);
	if (!r) {
		r = index < list->count ? opts_put(__func__, info, &known, sizeof(known)) :
			err(-ENOENT, __func__, d->object, "stop where the count says",
			    "a hot reset resets %u devices", list->count);
		free(list);
	}
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_device_hot_reset(struct iommufd_device *dev)
{
	struct hot_reset *list;
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	pthread_mutex_lock(&dev->ctx->lock);
	r = hot_reset_read(d, &list);
	if (!r) {
		r = check_owned(dev, list);
		if (!r)
			r = reset_owned(dev, list);
		free(list);
	}
	pthread_mutex_unlock(&dev->ctx->lock);
	return err_log(&d->core->log, r);
}
