/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Life of a device: open or adopted, bound, found, closed. */
#include "object/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/opts.h"
#include "discover/place.h"
#include "object/diagnose.h"
#include "vfio/irq-state.h"
#include "vfio/region.h"

static void free_device(struct iommufd_device *dev)
{
	sys_close(dev->fd.core->sys, &dev->fd.fd);
	pthread_mutex_destroy(&dev->fd.lock);
	dev->fd.obj.kind = OBJECT_FREED;
	free(dev);
}

/* Context lock held. */
static int check_unique(struct iommufd_ctx *ctx, const char *function, const struct place *place,
			uint64_t cookie)
{
	for (struct iommufd_device *d = ctx->devices; d; d = d->next) {
		if (cookie && d->cookie == cookie)
			return err(-EEXIST, function, place->name, "choose another cookie",
				   "cookie %#llx belongs to %s", (unsigned long long)cookie,
				   d->fd.object);
		if (!strcmp(d->fd.name, place->name))
			return err(-EBUSY, function, d->fd.object,
				   "use the device that is open, or close it first",
				   "this context has the device open already");
	}
	return 0;
}

/* More than any device has; bounds what a broken answer can make us allocate. */
#define INDICES_MAX 4096

static int get_info(struct iommufd_device *dev)
{
	struct devfd *d = &dev->fd;
	int r;

	d->info = (struct k_vfio_device_info){ .argsz = sizeof(d->info) };
	r = sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_GET_INFO, &d->info);
	if (r < 0)
		return err_kernel(r, KNOWN(-ENODEV, -ENOMEM), "VFIO_DEVICE_GET_INFO", d->object,
				  "check that the device is still there",
				  "the device does not tell what it is");
	if (d->info.num_regions > INDICES_MAX || d->info.num_irqs > INDICES_MAX)
		return err(-EIO, "VFIO_DEVICE_GET_INFO", d->object,
			   "report this to the driver's maintainers",
			   "%u regions and %u interrupt indices make no sense",
			   d->info.num_regions, d->info.num_irqs);
	return 0;
}

/* Takes dev->fd.fd, which is open, to a bound device in the list. */
static int bind_device(struct iommufd_device *dev, const char *function, const struct place *place,
		       const struct iommufd_device_opts *opts)
{
	struct iommufd_ctx *ctx = dev->ctx;
	struct devfd *d = &dev->fd;
	int r;

	memcpy(d->name, place->name, sizeof(d->name));
	snprintf(d->object, sizeof(d->object), "device %s", d->name);
	dev->cookie = opts->cookie;
	dev->group = place->group;
	dev->mediated = place->mediated;
	pthread_mutex_lock(&ctx->lock);
	r = check_unique(ctx, function, place, opts->cookie);
	if (!r) {
		r = d->transport->bind(d, &ctx->backend.engine, opts->vf_token);
		if (r)
			r = diagnose_bind(dev, r, opts->vf_token != NULL);
	}
	if (!r)
		r = get_info(dev);
	if (!r && irq_init(d))
		r = err_nomem(function, d->object);
	if (!r) {
		iommufd_ctx_ref(ctx);
		dev->next = ctx->devices;
		ctx->devices = dev;
	}
	pthread_mutex_unlock(&ctx->lock);
	return r;
}

static struct iommufd_device *alloc_device(struct iommufd_ctx *ctx)
{
	struct iommufd_device *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return NULL;
	object_init(&dev->fd.obj, OBJECT_DEVICE);
	dev->fd.core = &ctx->core;
	dev->fd.transport = ctx->backend.transport;
	dev->fd.fd = -1;
	dev->ctx = ctx;
	pthread_mutex_init(&dev->fd.lock, NULL);
	return dev;
}

static int open_node(struct iommufd_device *dev, const char *function, const char *name,
		     struct place *place)
{
	const struct core *core = dev->fd.core;
	struct place by_fd;
	int r = sys_open(core->sys, place->node, O_RDWR);

	if (r < 0)
		return err_kernel(r, KNOWN(-EACCES, -EPERM, -ENOENT, -ENODEV, -ENXIO, -EMFILE,
					   -ENFILE, -ENOMEM, -EBUSY),
				  "open", place->node,
				  r == -EACCES ? "give this user access to the node (udev rule or group), or have a privileged process hand over its descriptor" :
				  r == -EPERM ? "allow the node in the device cgroup of this container" :
						"check that the device is bound to a VFIO driver",
				  "the character device of %s cannot be opened", name);
	dev->fd.fd = r;
	r = place_of_fd(core, function, dev->fd.fd, &by_fd);
	if (r)
		return r;
	/* Its name may have been given to another device since we looked. */
	if (place->name[0] && (by_fd.number.major != place->number.major ||
			       by_fd.number.minor != place->number.minor))
		return err(-ENODEV, function, name, "try again",
			   "%s is not the device any more, or not in this file system", place->node);
	if (by_fd.sysfs[0] || !place->name[0])
		*place = by_fd;
	return 0;
}

static int adopt(struct iommufd_device *dev, const char *function, int fd, struct place *place)
{
	const struct core *core = dev->fd.core;
	int r = fd < 0 ? -EBADF : sys_dup(core->sys, fd);

	if (r < 0)
		return err_kernel(r, KNOWN(-EBADF, -EMFILE, -ENOMEM), "fcntl", "fd",
				  "pass an open descriptor of /dev/vfio/devices/vfioN",
				  "descriptor %d cannot be duplicated", fd);
	dev->fd.fd = r;
	return place_of_fd(core, function, r, place);
}

/* By @name, or by @fd where that is NULL. */
static int device_open(struct iommufd_ctx *ctx, const char *function, const char *name, int fd,
		       const struct iommufd_device_opts *given, struct iommufd_device **out)
{
	struct iommufd_device_opts opts;
	struct iommufd_device *dev;
	struct place place;
	int r = opts_get(function, &opts, sizeof(opts), given);

	if (!r)
		r = opts_flags(function, opts.flags, 0);
	if (!r && name)
		r = place_find(&ctx->core, function, name, &place);
	if (r)
		return r;
	dev = alloc_device(ctx);
	if (!dev)
		return err_nomem(function, "device");
	r = name ? open_node(dev, function, name, &place) : adopt(dev, function, fd, &place);
	if (!r)
		r = bind_device(dev, function, &place, &opts);
	if (r) {
		free_device(dev);
		return r;
	}
	log_debug(&ctx->core.log, "%s: %s is open, number %u in the context", function,
		  dev->fd.object, dev->fd.id);
	*out = dev;
	return 0;
}

IOMMUFD_EXPORT int iommufd_device_open(struct iommufd_ctx *ctx, const char *name,
				       const struct iommufd_device_opts *opts,
				       struct iommufd_device **out)
{
	int r;

	if (out)
		*out = NULL;
	r = ctx_check(ctx, __func__);
	if (r)
		return r;
	if (!out || !name)
		r = err_null(__func__, out ? "name" : "out");
	else
		r = device_open(ctx, __func__, name, -1, opts, out);
	return err_log(&ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_device_from_fd(struct iommufd_ctx *ctx, int fd,
					  const struct iommufd_device_opts *opts,
					  struct iommufd_device **out)
{
	int r;

	if (out)
		*out = NULL;
	r = ctx_check(ctx, __func__);
	if (r)
		return r;
	r = out ? device_open(ctx, __func__, NULL, fd, opts, out) : err_null(__func__, "out");
	return err_log(&ctx->core.log, r);
}

IOMMUFD_EXPORT struct iommufd_device *iommufd_device_ref(struct iommufd_device *dev)
{
	if (devfd_of(dev))
		object_ref(&dev->fd.obj);
	return dev;
}

IOMMUFD_EXPORT struct iommufd_device *iommufd_device_unref(struct iommufd_device *dev)
{
	struct iommufd_device **at;
	struct iommufd_ioas *ioas;
	struct iommufd_ctx *ctx;
	bool owner;

	if (!devfd_of(dev) || !object_unref(&dev->fd.obj))
		return NULL;
	ctx = dev->ctx;
	/* A forked child is alone: nobody there will ever unlock what was locked. */
	owner = core_is_owner(&ctx->core);
	if (owner)
		pthread_mutex_lock(&ctx->lock);
	for (at = &ctx->devices; *at != dev; at = &(*at)->next)
		;
	*at = dev->next;
	region_exit(&dev->fd);
	irq_exit(&dev->fd);
	ioas = dev->ioas;
	if (ioas)
		device_detach_at_close(dev);
	free_device(dev);
	if (owner)
		pthread_mutex_unlock(&ctx->lock);
	iommufd_ioas_unref(ioas);
	iommufd_ctx_unref(ctx);
	return NULL;
}

IOMMUFD_EXPORT int iommufd_device_find(struct iommufd_ctx *ctx, uint64_t cookie,
				       struct iommufd_device **out)
{
	struct iommufd_device *d;
	int r;

	if (out)
		*out = NULL;
	r = ctx_check(ctx, __func__);
	if (r)
		return r;
	if (!out)
		return err_log(&ctx->core.log, err_null(__func__, "out"));
	if (!cookie) {
		r = err(-EINVAL, __func__, "cookie", "look for a cookie that was given to a device",
			"cookie 0 stands for none");
		return err_log(&ctx->core.log, r);
	}
	pthread_mutex_lock(&ctx->lock);
	for (d = ctx->devices; d; d = d->next)
		if (d->cookie == cookie && object_ref_unless_zero(&d->fd.obj))
			break;
	pthread_mutex_unlock(&ctx->lock);
	*out = d;
	if (!d)
		r = err(-ENOENT, __func__, "ctx", "open the device with this cookie first",
			"no open device has cookie %#llx", (unsigned long long)cookie);
	return err_log(&ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_device_get_info(struct iommufd_device *dev,
					   struct iommufd_device_info *info)
{
	struct iommufd_device_info known = { 0 };
	const struct k_vfio_device_info *k;
	int r = device_check(dev, __func__);

	if (r)
		return r;
	k = &dev->fd.info;
	known.flags = (k->flags & K_VFIO_DEVICE_FLAGS_PCI ? IOMMUFD_DEVICE_PCI : 0u) |
		      (k->flags & K_VFIO_DEVICE_FLAGS_RESET ? IOMMUFD_DEVICE_RESET : 0u) |
		      (k->flags & K_VFIO_DEVICE_FLAGS_PLATFORM ? IOMMUFD_DEVICE_PLATFORM : 0u) |
		      (dev->mediated ? IOMMUFD_DEVICE_MEDIATED : 0u);
	known.num_regions = k->num_regions;
	known.num_irqs = k->num_irqs;
	known.id = dev->fd.id;
	known.group = dev->group;
	known.cookie = dev->cookie;
	memcpy(known.name, dev->fd.name, sizeof(known.name));
	return err_log(&dev->ctx->core.log, opts_put(__func__, info, &known, sizeof(known)));
}

IOMMUFD_EXPORT int iommufd_device_get_fd(struct iommufd_device *dev)
{
	int r = device_check(dev, __func__);

	return r ? r : dev->fd.fd;
}
