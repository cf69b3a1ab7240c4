/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The devices that a machine has, and their groups. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "emu/port.h"
#include "emu/uevent.h"
#include "os/uapi.h"

/* Without an IOMMU nothing puts devices in one group. */
static struct emu_group *get_group(struct iommufd_emu *emu, uint32_t id)
{
	struct emu_group *group;

	for (group = emu->groups; group && !emu_is_noiommu(emu); group = group->next)
		if (group->id == id)
			return group;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->emu = emu;
	group->id = id;
	group->next = emu->groups;
	emu->groups = group;
	return group;
}

static int init_device(struct emu_device *dev, const struct iommufd_emu_device_opts *opts)
{
	const char *driver = opts->driver ? opts->driver : "vfio-pci";

	if (opts->reserved_last < opts->reserved_start || opts->reserved_start % EMU_PAGE ||
	    (opts->reserved_last && (opts->reserved_last + 1) % EMU_PAGE))
		return -EINVAL;
	if (!opts->bdf || !emu_bdf_parse(opts->bdf, &dev->domain, &dev->bus, &dev->devfn) ||
	    !emu_driver_name_ok(driver))
		return -EINVAL;
	strcpy(dev->bdf, opts->bdf);
	strcpy(dev->driver, driver);
	dev->msix = opts->flags & IOMMUFD_EMU_DEVICE_MSIX;
	dev->has_token = opts->vf_token;
	if (opts->vf_token)
		memcpy(dev->token, opts->vf_token, sizeof(dev->token));
	dev->reserved = (struct emu_range){ opts->reserved_start, opts->reserved_last };
	dev->bars[0].size = 1 << 20;
	dev->bars[2].size = dev->msix ? EMU_PAGE : 0;
	dev->wakeup = -1;
	return 0;
}

#define UUID_LENGTH 36

static int init_port(struct emu_device *dev, const struct iommufd_emu_device_opts *opts)
{
	if (emu_is_noiommu(dev->emu) || !emu_has(dev->emu, EMU_FEATURE_PORTS))
		return -EOPNOTSUPP;
	if (!opts->bdf || strlen(opts->bdf) != UUID_LENGTH || strchr(opts->bdf, '/') ||
	    opts->driver || opts->vf_token || opts->reserved_last)
		return -EINVAL;
	dev->port = calloc(1, sizeof(*dev->port));
	if (!dev->port)
		return -ENOMEM;
	dev->port->state = K_VFIO_DEVICE_STATE_RUNNING;
	strcpy(dev->bdf, opts->bdf);
	strcpy(dev->driver, "mtty");
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
	emu_driver_prepare(dev);
	r = emu_sysfs_add_device(emu, dev);
	if (r) {
		emu_group_remove(dev);
		return r;
	}
	*end = dev;
	emu_uevent_device(dev, "add");
	emu_driver_bound(dev);
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
	if (copy.flags & ~(uint64_t)(IOMMUFD_EMU_DEVICE_MSIX | IOMMUFD_EMU_DEVICE_MEDIATED))
		return -EOPNOTSUPP;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->emu = emu;
	r = copy.flags & IOMMUFD_EMU_DEVICE_MEDIATED ? init_port(dev, &copy) :
						       init_device(dev, &copy);
	if (!r) {
		emu_lock(emu);
		r = link_device(emu, dev, copy.group);
		emu_unlock(emu);
	}
	if (r) {
		free(dev->port);
		free(dev);
	}
	return r;
}

/* It has no driver, and nothing but a place in a group. */
static int add_bridge(struct iommufd_emu *emu, const char *bdf, uint32_t group)
{
	struct emu_device *dev = calloc(1, sizeof(*dev));
	int r;

	if (!dev)
		return -ENOMEM;
	strcpy(dev->bdf, bdf);
	dev->bridge = true;
	emu_bdf_parse(bdf, &dev->domain, &dev->bus, &dev->devfn);
	dev->wakeup = -1;
	r = link_device(emu, dev, group);
	if (r)
		free(dev);
	return r;
}

int emu_add_default_devices(struct iommufd_emu *emu)
{
	static const struct iommufd_emu_device_opts devices[] = {
		{ .size = sizeof(*devices), .bdf = "0000:00:03.0", .group = 3 },
		{ .size = sizeof(*devices), .bdf = "0000:00:04.0", .group = 4 },
		{ .size = sizeof(*devices), .bdf = "0000:01:01.0", .group = 8 },
		{ .size = sizeof(*devices), .bdf = "0000:01:02.0", .group = 8 },
		{ .size = sizeof(*devices), .bdf = "0000:00:06.0", .group = 6,
		  .flags = IOMMUFD_EMU_DEVICE_MSIX },
	};
	static const struct iommufd_emu_device_opts ports[] = {
		{ .size = sizeof(*ports), .bdf = "6d747479-0000-4000-8000-000000000001",
		  .group = 1001, .flags = IOMMUFD_EMU_DEVICE_MEDIATED },
		{ .size = sizeof(*ports), .bdf = "6d747479-0000-4000-8000-000000000002",
		  .group = 1002, .flags = IOMMUFD_EMU_DEVICE_MEDIATED },
	};
	bool has_ports = !emu_is_noiommu(emu) && emu_has(emu, EMU_FEATURE_PORTS);
	int r = add_bridge(emu, "0000:00:1e.0", 8);

	for (size_t i = 0; !r && i < sizeof(devices) / sizeof(*devices); i++)
		r = iommufd_emu_add_device(emu, &devices[i]);
	for (size_t i = 0; !r && has_ports && i < sizeof(ports) / sizeof(*ports); i++)
		r = iommufd_emu_add_device(emu, &ports[i]);
	return r;
}
