/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices that someone else opened, and may have bound. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/opts.h"
#include "discover/place.h"
#include "object/device.h"
#include "object/diagnose.h"

int device_take_fd(struct iommufd_device *dev, const char *function, int fd, struct place *place)
{
	const struct core *core = dev->fd.core;
	int r = fd < 0 ? -EBADF : sys_dup(core->sys, fd);

	dev->fd.transport = &transport_cdev;
	if (r < 0)
		return err_kernel(r, KNOWN(-EBADF, -EMFILE, -ENOMEM), "fcntl", "fd",
				  "pass an open descriptor of /dev/vfio/devices/vfioN",
				  "descriptor %d cannot be duplicated", fd);
	dev->fd.fd = r;
	r = place_of_fd(core, dev->fd.fd, place);
	if (r)
		return r;
	device_tell(dev, "adopted descriptor %d: ok", fd);
	if (dev->ctx->backend.transports[0] == &transport_cdev)
		return 0; /* if it is no device after all, the kernel will say so */
	if (!place->sysfs[0])
		return err(-ENOTTY, function, place->name,
			   "pass an open descriptor of /dev/vfio/devices/vfioN",
			   "descriptor %d is not of a VFIO device that sysfs knows", fd);
	return err(-EOPNOTSUPP, function, place->name,
		   "hand over its group and use iommufd_group_from_fd()",
		   "backend %s has devices by group only", dev->ctx->backend.name);
}

static int no_character_devices(struct iommufd_device *dev, const char *function)
{
	return err(-EOPNOTSUPP, function, "bound",
		   "hand over the group and use iommufd_group_from_fd()",
		   "backend %s has devices by group only", dev->ctx->backend.name);
}

/* Nothing but its number tells that it is a device of this context: so ask. */
static int check_id(struct iommufd_device *dev, const char *function, uint32_t id)
{
	struct k_iommu_hw_info arg = { .size = sizeof(arg), .dev_id = id };
	struct engine *e = &dev->ctx->backend.engine;
	int r = e->ops->command(e, K_IOMMU_GET_HW_INFO, &arg);

	if (r == -ENOENT)
		return err(-ENOENT, function, "bound.id",
			   "pass the number that the device got when it was bound in this iommufd",
			   "this context has no device %u", id);
	return 0; /* whatever else it does not tell, the device is there */
}

static int take_mock(struct iommufd_device *dev, const char *function,
		     const struct iommufd_device_bound *bound, struct place *place)
{
	if (!bound->mock_id || !bound->mock_pt)
		return err(-EINVAL, function, "bound",
			   "pass a descriptor, or the numbers of a mock device and of the page table it is on",
			   "there is neither a descriptor nor a mock device");
	if (dev->ctx->backend.noiommu)
		return diagnose_isolation(function, "mock device", false);
	dev->fd.transport = &transport_mock;
	dev->fd.mock = bound->mock_id;
	dev->fd.mock_home = bound->mock_pt;
	*place = (struct place){ .group = -1, .no_cdev = -ENOENT };
	snprintf(place->name, sizeof(place->name), "mock%u", bound->mock_id);
	device_tell(dev, "adopted mock device %u: ok", bound->mock_id);
	return 0;
}

int device_take_bound(struct iommufd_device *dev, const char *function,
		      const struct iommufd_device_bound *bound, struct place *place)
{
	int r;

	if (!engine_has(&dev->ctx->backend.engine, IOMMUFD_CAP_DEVICE_FD))
		return no_character_devices(dev, function);
	r = bound->fd < 0 ? take_mock(dev, function, bound, place) :
			    device_take_fd(dev, function, bound->fd, place);
	if (!r && !place->mediated)
		r = check_id(dev, function, bound->id);
	dev->fd.id = bound->id;
	return r;
}

/* Made of a number, where sysfs tells none. */
static bool is_makeshift(const char *name)
{
	return !strncmp(name, "cdev ", 5);
}

int device_check_name(struct iommufd_device *dev, const char *function, const char *name)
{
	struct devfd *d = &dev->fd;

	if (!is_makeshift(d->name) && !is_makeshift(name) && strcmp(d->name, name))
		return err(-EPROTO, function, d->object,
			   "have the other process send its devices anew",
			   "the descriptor was handed over as that of %.63s", name);
	if (is_makeshift(d->name)) { /* nobody has seen the device yet */
		snprintf(d->name, sizeof(d->name), "%s", name);
		snprintf(d->object, sizeof(d->object), "device %s", d->name);
	}
	return 0;
}

IOMMUFD_EXPORT int iommufd_device_from_fd(struct iommufd_ctx *ctx, int fd,
					  const struct iommufd_device_opts *opts,
					  struct iommufd_device **out)
{
	const struct device_source from = { .fd = fd };
	int r;

	if (out)
		*out = NULL;
	r = ctx_check(ctx, __func__);
	if (r)
		return r;
	r = out ? device_open(ctx, __func__, &from, opts, out) : err_null(__func__, "out");
	return err_log(&ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_device_adopt(struct iommufd_ctx *ctx,
					const struct iommufd_device_bound *bound,
					const struct iommufd_device_opts *opts,
					struct iommufd_device **out)
{
	struct iommufd_device_bound known;
	const struct device_source from = { .bound = &known };
	int r;

	if (out)
		*out = NULL;
	r = ctx_check(ctx, __func__);
	if (r)
		return r;
	if (!out || !bound)
		r = err_null(__func__, out ? "bound" : "out");
	if (!r)
		r = opts_get(__func__, &known, sizeof(known), bound);
	if (!r)
		r = device_open(ctx, __func__, &from, opts, out);
	return err_log(&ctx->core.log, r);
}
