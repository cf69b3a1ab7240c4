/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices as guests know them. */
#include "object/vdevice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "object/command.h"
#include "object/device.h"

static int taken(struct iommufd_viommu *viommu, struct iommufd_device *dev, uint64_t virtual_id)
{
	if (dev->vdevice)
		return err(-EEXIST, "IOMMU_VDEVICE_ALLOC", dev->fd.object,
			   "give that back first: a device is a virtual one once",
			   "the device is %s, number %#llx of %s", dev->vdevice->object,
			   (unsigned long long)dev->vdevice->virtual_id,
			   dev->vdevice->viommu->object);
	return err(-EEXIST, "IOMMU_VDEVICE_ALLOC", dev->fd.object, "choose another number",
		   "%s has a device of number %#llx already", viommu->object,
		   (unsigned long long)virtual_id);
}

void vdevice_enter(struct iommufd_vdevice *vdevice, struct iommufd_device *dev)
{
	object_init(&vdevice->obj, OBJECT_VDEVICE);
	snprintf(vdevice->object, sizeof(vdevice->object), "vDEVICE %u", vdevice->id);
	vdevice->dev = dev;
	dev->vdevice = vdevice;
	iommufd_viommu_ref(vdevice->viommu);
	ctx_enter(dev->ctx, &vdevice->member, &vdevice->obj);
}

/* Context lock held. */
static int alloc(struct iommufd_vdevice *vdevice, struct iommufd_device *dev)
{
	struct iommufd_viommu *viommu = vdevice->viommu;
	struct k_iommu_vdevice_alloc arg = {
		.size = sizeof(arg), .viommu_id = viommu->id, .dev_id = dev->fd.id,
		.virt_id = vdevice->virtual_id,
	};
	int r = command(viommu->ctx, K_IOMMU_VDEVICE_ALLOC, &arg);

	if (r == -EEXIST)
		return taken(viommu, dev, vdevice->virtual_id);
	if (r == -ENOENT) /* it is on its way out */
		r = -ENODEV;
	if (r)
		return err_kernel(r, KNOWN(-EINVAL, -ENODEV, -ENOMEM), "IOMMU_VDEVICE_ALLOC",
				  dev->fd.object,
				  "use a vIOMMU of the IOMMU that the device is behind, and a number that this has",
				  "the device cannot be number %#llx of %s",
				  (unsigned long long)vdevice->virtual_id, viommu->object);
	vdevice->id = arg.out_vdevice_id;
	vdevice_enter(vdevice, dev);
	return 0;
}

static int check(struct iommufd_viommu *viommu, const char *function, struct iommufd_device *dev)
{
	if (viommu->ctx != dev->ctx)
		return err(-EINVAL, function, dev->fd.object,
			   "use what was made in the context that the device was opened in",
			   "%s belongs to another context", viommu->object);
	return device_check_tables(dev, function);
}

static int vdevice_new(struct iommufd_viommu *viommu, const char *function,
		       struct iommufd_device *dev, uint64_t virtual_id,
		       struct iommufd_vdevice **out)
{
	struct iommufd_vdevice *vdevice;
	int r = check(viommu, function, dev);

	if (r)
		return r;
	vdevice = calloc(1, sizeof(*vdevice));
	if (!vdevice)
		return err_nomem(function, "vDEVICE");
	vdevice->viommu = viommu;
	vdevice->virtual_id = virtual_id;
	pthread_mutex_lock(&viommu->ctx->lock);
	r = alloc(vdevice, dev);
	pthread_mutex_unlock(&viommu->ctx->lock);
	if (r) {
		free(vdevice);
		return r;
	}
	*out = vdevice;
	return 0;
}

IOMMUFD_EXPORT int iommufd_vdevice_new(struct iommufd_viommu *viommu, struct iommufd_device *dev,
				       uint64_t virtual_id, struct iommufd_vdevice **out)
{
	int r;

	if (out)
		*out = NULL;
	r = viommu_check(viommu, __func__);
	if (!r)
		r = device_check(dev, __func__);
	if (r)
		return r;
	r = out ? vdevice_new(viommu, __func__, dev, virtual_id, out) : err_null(__func__, "out");
	return err_log(&viommu->ctx->core.log, r);
}

void vdevice_leave(struct iommufd_device *dev)
{
	struct iommufd_vdevice *vdevice = dev->vdevice;

	if (!vdevice)
		return;
	vdevice->stays = command_destroy(vdevice->viommu->ctx, vdevice->id);
	vdevice->dev = NULL;
	dev->vdevice = NULL;
}

static void destroy(struct iommufd_vdevice *vdevice)
{
	struct iommufd_ctx *ctx = vdevice->viommu->ctx;
	bool lock = !core_is_forked(&ctx->core);

	if (lock)
		pthread_mutex_lock(&ctx->lock);
	if (vdevice->dev)
		vdevice_leave(vdevice->dev);
	if (lock)
		pthread_mutex_unlock(&ctx->lock);
	command_destroyed(ctx, vdevice->object, vdevice->stays);
	ctx_leave(ctx, &vdevice->member);
	vdevice->obj.kind = OBJECT_FREED;
	iommufd_viommu_unref(vdevice->viommu);
	free(vdevice);
}

IOMMUFD_EXPORT struct iommufd_vdevice *iommufd_vdevice_ref(struct iommufd_vdevice *vdevice)
{
	if (vdevice && object_was(&vdevice->obj, OBJECT_VDEVICE))
		object_ref(&vdevice->obj);
	return vdevice;
}

IOMMUFD_EXPORT struct iommufd_vdevice *iommufd_vdevice_unref(struct iommufd_vdevice *vdevice)
{
	if (vdevice && object_was(&vdevice->obj, OBJECT_VDEVICE) && object_unref(&vdevice->obj))
		destroy(vdevice);
	return NULL;
}

struct iommufd_device *vdevice_find(struct iommufd_viommu *viommu, uint64_t virtual_id)
{
	struct iommufd_device *d;

	pthread_mutex_lock(&viommu->ctx->lock);
	for (d = viommu->ctx->devices; d; d = d->next)
		if (d->vdevice && d->vdevice->viommu == viommu &&
		    d->vdevice->virtual_id == virtual_id && object_ref_unless_zero(&d->fd.obj))
			break;
	pthread_mutex_unlock(&viommu->ctx->lock);
	return d;
}

IOMMUFD_EXPORT int iommufd_vdevice_get_device(struct iommufd_vdevice *vdevice,
					      struct iommufd_device **out)
{
	int r = vdevice && object_is(&vdevice->obj, OBJECT_VDEVICE) ?
			0 : err_handle(__func__, "vDEVICE");
	struct iommufd_ctx *ctx;

	if (out)
		*out = NULL;
	if (r)
		return r;
	ctx = vdevice->viommu->ctx;
	if (!out)
		return err_log(&ctx->core.log, err_null(__func__, "out"));
	pthread_mutex_lock(&ctx->lock);
	if (vdevice->dev && object_ref_unless_zero(&vdevice->dev->fd.obj))
		*out = vdevice->dev;
	pthread_mutex_unlock(&ctx->lock);
	if (!*out)
		r = err(-ENODEV, __func__, vdevice->object, "give it back",
			"its device was closed, and it went with that");
	return err_log(&ctx->core.log, r);
}
