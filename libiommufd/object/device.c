/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* An open device: held, found, asked, closed. */
#include "object/attach.h"

#include <errno.h>
#include <string.h>

#include "base/opts.h"
#include "vfio/irq-state.h"
#include "vfio/region.h"

IOMMUFD_EXPORT struct iommufd_device *iommufd_device_ref(struct iommufd_device *dev)
{
	if (devfd_was_of(dev))
		object_ref(&dev->fd.obj);
	return dev;
}

IOMMUFD_EXPORT struct iommufd_device *iommufd_device_unref(struct iommufd_device *dev)
{
	struct iommufd_device **at;
	struct attachment left;
	struct iommufd_ctx *ctx;
	bool lock;

	if (!devfd_was_of(dev) || !object_unref(&dev->fd.obj))
		return NULL;
	ctx = dev->ctx;
	lock = !core_is_forked(&ctx->core);
	if (lock)
		pthread_mutex_lock(&ctx->lock);
	for (at = &ctx->devices; *at != dev; at = &(*at)->next)
		;
	*at = dev->next;
	ctx_leave(ctx, &dev->member);
	region_exit(&dev->fd);
	irq_exit(&dev->fd);
	left = device_release(dev);
	device_free(dev);
	if (lock)
		pthread_mutex_unlock(&ctx->lock);
	attachment_put(&left);
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

/* By group the number is the library's own, and may be another device's too. */
struct iommufd_device *device_of_id(const struct iommufd_ctx *ctx, uint32_t id)
{
	struct iommufd_device *d;

	for (d = ctx->devices; d; d = d->next)
		if (d->fd.id == id && d->fd.transport->attach_table)
			break;
	return d;
}

uint64_t device_cookie_of(struct iommufd_ctx *ctx, uint32_t id)
{
	struct iommufd_device *d;
	uint64_t cookie;

	pthread_mutex_lock(&ctx->lock);
	d = device_of_id(ctx, id);
	cookie = d ? d->cookie : 0;
	pthread_mutex_unlock(&ctx->lock);
	return cookie;
}

IOMMUFD_EXPORT int iommufd_device_find_id(struct iommufd_ctx *ctx, uint32_t id,
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
	pthread_mutex_lock(&ctx->lock);
	d = device_of_id(ctx, id);
	if (d && !object_ref_unless_zero(&d->fd.obj))
		d = NULL;
	pthread_mutex_unlock(&ctx->lock);
	*out = d;
	if (!d)
		r = err(-ENOENT, __func__, "ctx", "open the device by its character device first",
			"no open device has number %u in the kernel", id);
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

IOMMUFD_EXPORT const char *iommufd_device_get_transport(struct iommufd_device *dev)
{
	return device_check(dev, __func__) ? NULL : dev->fd.transport->name;
}

IOMMUFD_EXPORT const char *iommufd_device_get_report(struct iommufd_device *dev)
{
	return device_check(dev, __func__) ? NULL : dev->report;
}

IOMMUFD_EXPORT int iommufd_device_get_fd(struct iommufd_device *dev)
{
	int r = device_check(dev, __func__);

	if (r || dev->fd.fd >= 0)
		return r ? r : dev->fd.fd;
	r = err(-EOPNOTSUPP, __func__, dev->fd.object, "name it by its numbers",
		"a mock device has no descriptor");
	return err_log(&dev->ctx->core.log, r);
}
