/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* PASIDs of a device: which numbers are given, and their life. */
#include "object/pasid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/opts.h"
#include "object/hwinfo.h"

#define MAX_WIDTH 20u /* of PCI; more is not to be believed */

static int no_pasids(const struct iommufd_device *dev, const char *function)
{
	return err(-EOPNOTSUPP, function, dev->fd.object,
		   "ask iommufd_device_has() for IOMMUFD_CAP_PASID before, and do without",
		   "the device has no PASIDs, or its IOMMU or the kernel does not use them");
}

/* The device's numbers, from the first need on. Context lock held. */
static int need_numbers(struct iommufd_device *dev, const char *function)
{
	struct iommufd_hw_info info = { 0 };
	int r;

	if (dev->numbers.used)
		return 0;
	r = device_check_tables(dev, function);
	if (!r && engine_has(dev->fd.engine, IOMMUFD_CAP_PASID))
		r = device_hw_info(dev, IOMMUFD_HW_INFO_NONE, &info);
	if (r)
		return r;
	if (!info.pasid_width)
		return no_pasids(dev, function);
	r = pasid_alloc_init(&dev->numbers,
			     info.pasid_width < MAX_WIDTH ? info.pasid_width : MAX_WIDTH);
	return r ? err_nomem(function, dev->fd.object) : 0;
}

static int too_large(const struct iommufd_device *dev, const char *function, uint32_t number)
{
	return err(-ERANGE, function, dev->fd.object,
		   "stay below: iommufd_device_get_hw_info() tells the width",
		   "there is no PASID %u: the hardware has those up to %u", number,
		   dev->numbers.limit - 1);
}

static int choose(struct iommufd_device *dev, const char *function,
		  const struct iommufd_pasid_opts *opts, uint32_t *number)
{
	uint32_t min = opts->min ? opts->min : 1, max = opts->max ? opts->max : UINT32_MAX;

	if (min >= dev->numbers.limit)
		return too_large(dev, function, min);
	if (!pasid_alloc_find(&dev->numbers, min, max, number))
		return 0;
	if (max >= dev->numbers.limit)
		max = dev->numbers.limit - 1;
	return err(-ENOSPC, function, dev->fd.object, "give PASIDs back, or widen the range",
		   "no PASID from %u to %u is free", min, max);
}

static int take(struct iommufd_device *dev, const char *function,
		const struct iommufd_pasid_opts *opts, uint32_t *number)
{
	*number = opts->number;
	if (!opts->number)
		return choose(dev, function, opts, number);
	switch (pasid_alloc_take(&dev->numbers, opts->number)) {
	case 0:
		return 0;
	case -ERANGE:
		return too_large(dev, function, opts->number);
	}
	return err(-EEXIST, function, dev->fd.object, "let the library choose: number 0",
		   "PASID %u of the device is in use or reserved", opts->number);
}

static int check_opts(const char *function, const struct iommufd_pasid_opts *opts)
{
	int r = opts_flags(function, opts->flags, 0);

	if (r)
		return r;
	if (opts->number && (opts->min || opts->max))
		return err(-EINVAL, function, "opts", "give one of them",
			   "there is number %u and range %u to %u", opts->number, opts->min,
			   opts->max);
	if (opts->max && opts->min > opts->max)
		return err(-EINVAL, function, "opts", "exchange them",
			   "min %u is above max %u", opts->min, opts->max);
	return 0;
}

static int make(struct iommufd_device *dev, const char *function,
		const struct iommufd_pasid_opts *opts, struct iommufd_pasid **out)
{
	struct iommufd_pasid *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_nomem(function, "pasid");
	pthread_mutex_lock(&dev->ctx->lock);
	r = need_numbers(dev, function);
	if (!r)
		r = take(dev, function, opts, &p->number);
	if (!r) {
		object_init(&p->obj, OBJECT_PASID);
		snprintf(p->object, sizeof(p->object), "pasid %u of %s", p->number, dev->fd.name);
		p->dev = iommufd_device_ref(dev);
		p->next = dev->pasids;
		dev->pasids = p;
		ctx_enter(dev->ctx, &p->member, &p->obj);
	}
	pthread_mutex_unlock(&dev->ctx->lock);
	if (r)
		free(p);
	else
		*out = p;
	return r;
}

IOMMUFD_EXPORT int iommufd_pasid_new(struct iommufd_device *dev,
				     const struct iommufd_pasid_opts *given,
				     struct iommufd_pasid **out)
{
	struct iommufd_pasid_opts opts;
	int r;

	if (out)
		*out = NULL;
	r = device_check(dev, __func__);
	if (r)
		return r;
	r = out ? opts_get(__func__, &opts, sizeof(opts), given) : err_null(__func__, "out");
	if (!r)
		r = check_opts(__func__, &opts);
	if (!r)
		r = make(dev, __func__, &opts, out);
	return err_log(&dev->ctx->core.log, r);
}

static int reserve(struct iommufd_device *dev, const char *function, uint32_t first, uint32_t last)
{
	int r = need_numbers(dev, function);

	if (r)
		return r;
	switch (pasid_alloc_reserve(&dev->numbers, first, last)) {
	case 0:
		return 0;
	case -ERANGE:
		return too_large(dev, function, last);
	}
	return err(-EEXIST, function, dev->fd.object,
		   "reserve before PASIDs are given, and each range once",
		   "a PASID from %u to %u of the device is in use or reserved", first, last);
}

IOMMUFD_EXPORT int iommufd_device_reserve_pasids(struct iommufd_device *dev, uint32_t first,
						 uint32_t last)
{
	int r = device_check(dev, __func__);

	if (r)
		return r;
	if (!first || first > last) {
		r = err(-EINVAL, __func__, dev->fd.object, "begin with 1 or more, and end there or above",
			"there is no range of PASIDs from %u to %u", first, last);
		return err_log(&dev->ctx->core.log, r);
	}
	pthread_mutex_lock(&dev->ctx->lock);
	r = reserve(dev, __func__, first, last);
	pthread_mutex_unlock(&dev->ctx->lock);
	return err_log(&dev->ctx->core.log, r);
}

IOMMUFD_EXPORT struct iommufd_pasid *iommufd_pasid_ref(struct iommufd_pasid *pasid)
{
	if (pasid && object_was(&pasid->obj, OBJECT_PASID))
		object_ref(&pasid->obj);
	return pasid;
}

/* Context lock held, unless this is a forked child. Returns what the kernel says. */
static int forget(struct iommufd_pasid *p, bool lock, struct attachment *left)
{
	struct iommufd_device *dev = p->dev;
	struct iommufd_pasid **at;
	int r = p->ioas && core_is_owner(&dev->ctx->core) ? dev->fd.transport->detach_pasid(&dev->fd, p->number) : 0;

	for (at = &dev->pasids; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	ctx_leave(dev->ctx, &p->member);
	*left = pasid_leave(p, lock);
	if (!r)
		pasid_alloc_give(&dev->numbers, p->number);
	return r;
}

IOMMUFD_EXPORT struct iommufd_pasid *iommufd_pasid_unref(struct iommufd_pasid *pasid)
{
	struct attachment left;
	struct iommufd_ctx *ctx;
	bool lock;
	int stays;

	if (!pasid || !object_was(&pasid->obj, OBJECT_PASID) || !object_unref(&pasid->obj))
		return NULL;
	ctx = pasid->dev->ctx;
	lock = !core_is_forked(&ctx->core);
	if (lock)
		pthread_mutex_lock(&ctx->lock);
	stays = forget(pasid, lock, &left);
	if (lock)
		pthread_mutex_unlock(&ctx->lock);
	if (stays)
		log_warning(&ctx->core.log, "%s stays attached until its device closes (errno %d)",
			    pasid->object, -stays);
	attachment_put(&left);
	iommufd_device_unref(pasid->dev);
	pasid->obj.kind = OBJECT_FREED;
	free(pasid);
	return NULL;
}

IOMMUFD_EXPORT int iommufd_pasid_get_info(struct iommufd_pasid *pasid,
					  struct iommufd_pasid_info *info)
{
	struct iommufd_pasid_info known = { 0 };
	struct iommufd_ctx *ctx;
	int r = pasid_check(pasid, __func__);

	if (r)
		return r;
	ctx = pasid->dev->ctx;
	known.cookie = pasid->dev->cookie;
	known.number = pasid->number;
	known.device = pasid->dev->fd.id;
	pthread_mutex_lock(&ctx->lock);
	known.ioas = pasid->ioas ? pasid->ioas->as.id : 0;
	known.hwpt = pasid->hwpt ? pasid->hwpt->id : 0;
	pthread_mutex_unlock(&ctx->lock);
	return err_log(&ctx->core.log, opts_put(__func__, info, &known, sizeof(known)));
}
