/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* From a device's name to an open device of a context. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/group.h"
#include "base/opts.h"
#include "discover/place.h"
#include "object/attach.h"
#include "object/device.h"
#include "object/diagnose.h"
#include "object/group.h"
#include "vfio/irq-state.h"

void device_tell(struct iommufd_device *dev, const char *fmt, ...)
{
	size_t used = strlen(dev->report), size = sizeof(dev->report);
	va_list args;

	if (used && used < size - 1)
		dev->report[used++] = '\n';
	va_start(args, fmt);
	vsnprintf(dev->report + used, size - used, fmt, args);
	va_end(args);
}

void device_free(struct iommufd_device *dev)
{
	sys_close(dev->fd.core->sys, &dev->fd.fd);
	pasid_alloc_exit(&dev->numbers);
	pthread_mutex_destroy(&dev->fd.lock);
	dev->fd.obj.kind = OBJECT_FREED;
	free(dev);
}

static struct iommufd_device *alloc_device(struct iommufd_ctx *ctx)
{
	struct iommufd_device *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return NULL;
	object_init(&dev->fd.obj, OBJECT_DEVICE);
	dev->fd.core = &ctx->core;
	dev->fd.engine = &ctx->backend.engine;
	dev->fd.fd = -1;
	dev->ctx = ctx;
	pthread_mutex_init(&dev->fd.lock, NULL);
	return dev;
}

/* Context lock held. Of a number that was told nothing but this shows that it is another's. */
static int check_unique(struct iommufd_ctx *ctx, const char *function, const struct place *place,
			const struct iommufd_device_bound *bound, uint64_t cookie)
{
	struct iommufd_device *d = bound ? device_of_id(ctx, bound->id) : NULL;

	if (d && strcmp(d->fd.name, place->name))
		return err(-EINVAL, function, place->name,
			   "pass the number that the device got when it was bound",
			   "number %u is that of %s", bound->id, d->fd.object);
	for (d = ctx->devices; d; d = d->next) {
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

	if (d->fd < 0) /* a mock device: nothing but its DMA */
		return 0;
	d->info = (struct k_vfio_device_info){ .argsz = sizeof(d->info) };
	r = sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_GET_INFO, &d->info);
	if (r < 0)
		return err_kernel(r, KNOWN(-ENODEV, -ENOMEM, -EINVAL, -ENOTTY),
				  "VFIO_DEVICE_GET_INFO", d->object, r == -EINVAL ?
				  "bind it, or use iommufd_device_from_fd(), which does" :
				  "check that the device is still there",
				  "the device does not tell what it is");
	if (d->info.num_regions > INDICES_MAX || d->info.num_irqs > INDICES_MAX)
		return err(-EIO, "VFIO_DEVICE_GET_INFO", d->object,
			   "report this to the driver's maintainers",
			   "%u regions and %u interrupt indices make no sense",
			   d->info.num_regions, d->info.num_irqs);
	return 0;
}

/* Takes the device, whose node is open if it is had by that, into the list. */
static int bind_device(struct iommufd_device *dev, const char *function, const struct place *place,
		       const struct iommufd_device_bound *bound,
		       const struct iommufd_device_opts *opts)
{
	struct bind_request q = {
		.group = place->group, .noiommu = place->noiommu,
		.unsure = !place->sysfs[0], .token = opts->vf_token, .bound = bound != NULL,
	};
	struct iommufd_ctx *ctx = dev->ctx;
	struct attachment left = { 0 };
	struct devfd *d = &dev->fd;
	int r;

	memcpy(d->name, place->name, sizeof(d->name));
	snprintf(d->object, sizeof(d->object), "device %s", d->name);
	dev->cookie = opts->cookie;
	dev->group = place->group;
	dev->mediated = place->mediated;
	pthread_mutex_lock(&ctx->lock);
	r = check_unique(ctx, function, place, bound, opts->cookie);
	if (!r)
		r = device_bind(dev, function, &q, opts->ioas);
	if (r)
		goto unlock;
	r = get_info(dev);
	if (!r && irq_init(d))
		r = err_nomem(function, d->object);
	if (!r) {
		iommufd_ctx_ref(ctx);
		dev->next = ctx->devices;
		ctx->devices = dev;
		ctx_enter(ctx, &dev->member, &dev->fd.obj);
		events_watch_device(dev);
	} else {
		left = device_release(dev);
	}
unlock:
	pthread_mutex_unlock(&ctx->lock);
	attachment_put(&left);
	return r;
}

static int node_refused(struct iommufd_device *dev, const char *name, const char *node, int r)
{
	device_tell(dev, "opened %s: %s", node, strerror(-r));
	return err_kernel(r, KNOWN(-EACCES, -EPERM, -ENOENT, -ENODEV, -ENXIO, -EMFILE, -ENFILE,
				   -ENOMEM, -EBUSY),
			  "open", node,
			  r == -EACCES ? "give this user access to the node (udev rule or group), or have a privileged process hand over its descriptor" :
			  r == -EPERM ? "allow the node in the device cgroup of this container" :
					"check that the device is bound to a VFIO driver",
			  "the character device of %s cannot be opened", name);
}

/* Open the node that @place names, and complete @place by what is behind it. */
static int open_node(struct iommufd_device *dev, const char *function, const char *name,
		     struct place *place)
{
	const struct core *core = dev->fd.core;
	struct place by_fd;
	int r = sys_open(core->sys, place->node, O_RDWR);

	if (r < 0)
		return node_refused(dev, name, place->node, r);
	dev->fd.fd = r;
	r = place_of_fd(core, dev->fd.fd, &by_fd);
	if (r)
		return r;
	/* Its name may have been given to another device since we looked. */
	if (place->name[0] && (by_fd.number.major != place->number.major ||
			       by_fd.number.minor != place->number.minor))
		return err(-ENODEV, function, name, "try again",
			   "%s is not the device any more, or not in this file system", place->node);
	device_tell(dev, "opened %s: ok", place->node);
	if (by_fd.sysfs[0] || !place->name[0])
		*place = by_fd;
	return 0;
}

static int by_cdev(struct iommufd_device *dev, const char *function, const char *name,
		   struct place *place)
{
	if (place->no_cdev) {
		device_tell(dev, "looked for a character device of its own: %s",
		     place->no_cdev == -ENOENT ? "none" : strerror(-place->no_cdev));
		return place_no_cdev(function, name, place);
	}
	return open_node(dev, function, name, place);
}

/* Only its node leads from a character device to the group. */
static int by_group(struct iommufd_device *dev, const char *function, const char *name,
		    struct place *place)
{
	int r = place->name[0] ? 0 : open_node(dev, function, name, place);

	sys_close(dev->fd.core->sys, &dev->fd.fd);
	if (!r && place->group < 0)
		r = err(-ENOENT, function, name, "check that /sys is mounted",
			"the device has no IOMMU group that sysfs knows");
	return r;
}

/* What makes another transport worth a try: the node is not for us. */
static bool try_next(int r)
{
	return r == -ENOENT || r == -EACCES || r == -EPERM || r == -ENODEV || r == -ENXIO;
}

static int check_isolation(struct iommufd_device *dev, const char *function,
			   const struct place *place)
{
	/* Where sysfs is hidden the kernel is asked, once the device is bound. */
	if (place->noiommu == dev->ctx->backend.noiommu || !place->sysfs[0])
		return 0;
	return diagnose_isolation(function, place->name, place->noiommu);
}

/* A group that is open here keeps its members' own nodes from being bound. */
static bool group_is_open(const struct iommufd_device *dev, const struct place *place)
{
	struct iommufd_ctx *ctx = dev->ctx;
	bool open;

	pthread_mutex_lock(&ctx->lock);
	open = place->group >= 0 && vfio_group_find(&ctx->backend.engine, place->group);
	pthread_mutex_unlock(&ctx->lock);
	return open;
}

/* The transports in order, until one has the device's node open or needs none. *passed was refused. */
static int choose_transport(struct iommufd_device *dev, const char *function, const char *name,
			    struct place *place, int *passed)
{
	const struct transport_ops *const *transports = dev->ctx->backend.transports;
	int r = 0;

	for (unsigned int i = 0; i < TRANSPORTS_MAX && transports[i]; i++) {
		dev->fd.transport = transports[i];
		if (!i && transports[0] == &transport_cdev && transports[1] == &transport_group &&
		    group_is_open(dev, place)) {
			device_tell(dev, "group %d is open in this context", place->group);
			continue;
		}
		r = transports[i] == &transport_cdev ? by_cdev(dev, function, name, place) :
						       by_group(dev, function, name, place);
		if (!r || dev->fd.fd >= 0 || !try_next(r))
			break;
		*passed = r;
	}
	return r;
}

static int check_opts(struct iommufd_ctx *ctx, const char *function,
		      const struct iommufd_device_opts *given, struct iommufd_device_opts *opts)
{
	int r = opts_get(function, opts, sizeof(*opts), given);

	if (!r)
		r = opts_flags(function, opts->flags, 0);
	if (!r && opts->ioas)
		r = ioas_check(opts->ioas, function);
	if (!r && opts->ioas && opts->ioas->ctx != ctx)
		r = err(-EINVAL, function, opts->ioas->object,
			"use an IOAS made in the context that the device is opened in",
			"the IOAS belongs to another context");
	return r;
}

int device_open(struct iommufd_ctx *ctx, const char *function, const struct device_source *from,
		const struct iommufd_device_opts *given, struct iommufd_device **out)
{
	const char *name = from->name;
	struct iommufd_device_opts opts;
	struct iommufd_device *dev;
	struct place place;
	int passed = 0, r = check_opts(ctx, function, given, &opts);

	if (!r && name)
		r = place_find(&ctx->core, function, name, &place);
	if (r)
		return r;
	dev = alloc_device(ctx);
	if (!dev)
		return err_nomem(function, "device");
	r = name ? choose_transport(dev, function, name, &place, &passed) :
	    from->bound ? device_take_bound(dev, function, from->bound, &place) :
			  device_take_fd(dev, function, from->fd, &place);
	if (!r)
		r = check_isolation(dev, function, &place);
	if (!r)
		r = group_policy_open(ctx, function, &place);
	if (!r)
		r = bind_device(dev, function, &place, from->bound, &opts);
	/* That there is no group either tells less than why its own node was refused. */
	if (r == -ENOENT && passed && passed != -ENOENT)
		r = node_refused(dev, place.name, place.node, passed);
	if (r) {
		device_free(dev);
		return r;
	}
	device_tell(dev, "using %s%s", dev->fd.transport->name,
	     !dev->fd.group ? "" : dev->fd.joined ? ", its group shares the IOAS's container" :
						    ", its group has a container of its own");
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
		r = device_open(ctx, __func__, &(struct device_source){ .name = name }, opts, out);
	return err_log(&ctx->core.log, r);
}
