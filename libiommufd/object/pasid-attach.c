/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Attaching PASIDs. As for devices, the kernel's one verb is two here. It wants tables made
 * for PASIDs on both sides, and gives such to nobody by itself: so the device is moved to one
 * before its first PASID is attached.
 */
#include "object/pasid.h"

#include <errno.h>

static const char *name_of(const struct iommufd_hwpt *hwpt)
{
	return hwpt->automatic ? hwpt->ioas->object : hwpt->object;
}

/* -- where it is, in our records; the IOAS's lock is held, unless this is a forked child */

static void enter(struct iommufd_pasid *p, struct attachment *at, struct ioas_windows *windows)
{
	p->ioas = iommufd_ioas_ref(at->ioas);
	p->hwpt = attachment_take_hwpt(at);
	p->windows = windows;
}

static struct attachment leave(struct iommufd_pasid *p)
{
	struct attachment left = { .ioas = p->ioas, .hwpt = p->hwpt };

	if (p->ioas)
		ioas_windows_release(p->ioas, p->windows);
	p->ioas = NULL;
	p->hwpt = NULL;
	p->windows = NULL;
	return left;
}

struct attachment pasid_leave(struct iommufd_pasid *p, bool lock)
{
	struct iommufd_ioas *ioas = lock ? p->ioas : NULL;
	struct attachment left;

	if (ioas)
		pthread_mutex_lock(&ioas->lock);
	left = leave(p);
	if (ioas)
		pthread_mutex_unlock(&ioas->lock);
	return left;
}

int pasid_adopt(struct iommufd_pasid *p, const char *function, struct attachment *at)
{
	struct ioas_windows *windows;
	int r;

	pthread_mutex_lock(&p->dev->ctx->lock);
	pthread_mutex_lock(&at->ioas->lock);
	r = ioas_windows_reserve(at->ioas, p->dev, function, &windows);
	if (!r)
		enter(p, at, windows);
	pthread_mutex_unlock(&at->ioas->lock);
	pthread_mutex_unlock(&p->dev->ctx->lock);
	return r;
}

/* -- what keeps it from going */

/* In a group a number leads to one table. */
static int check_siblings(struct iommufd_pasid *p, const char *function,
			  const struct attachment *to)
{
	for (struct iommufd_device *d = p->dev->ctx->devices; d; d = d->next) {
		if (d == p->dev || !same_group(d, p->dev))
			continue;
		for (struct iommufd_pasid *q = d->pasids; q; q = q->next)
			if (q->number == p->number && q->ioas && q->hwpt != to->hwpt)
				return err(-EBUSY, function, p->object,
					   "use another number, or attach both to one table",
					   "%s, of the same IOMMU group (%d), is attached to %s",
					   q->object, d->group, name_of(q->hwpt));
	}
	return 0;
}

static int check(struct iommufd_pasid *p, const char *function, const struct attachment *to)
{
	const struct iommufd_device *dev = attached_in_group(p->dev);
	const struct iommufd_hwpt *own = dev ? dev->hwpt : NULL;

	if (to->hwpt && !hwpt_takes_pasids(to->hwpt))
		return err(-EINVAL, function, p->object, "make the table with IOMMUFD_HWPT_PASID",
			   "%s was made without IOMMUFD_HWPT_PASID", to->hwpt->object);
	if (!own || hwpt_takes_pasids(own))
		return check_siblings(p, function, to);
	if (!own->automatic)
		return err(-EINVAL, function, p->object,
			   "make that with IOMMUFD_HWPT_PASID, or attach by iommufd_device_attach()",
			   "its %s is attached to %s, which was made without IOMMUFD_HWPT_PASID",
			   dev == p->dev ? "device" : "device's group", own->object);
	if (own->table.tracked)
		return err(-EBUSY, function, p->object,
			   "attach a PASID before iommufd_ioas_set_dirty_tracking(), or end that",
			   "what %s wrote to %s is being tracked, and would be forgotten if it moved to a table that takes PASIDs",
			   dev->fd.object, own->ioas->object);
	return check_siblings(p, function, to);
}

/* -- going; the locks of all IOASes concerned are held */

/* The device's group to a table that takes PASIDs, and then the PASID; or both stay. */
static int go_both(struct iommufd_pasid *p, struct iommufd_device *dev, const char *function,
		   struct attachment *to)
{
	struct attachment from = { .ioas = dev->ioas, .hwpt = iommufd_hwpt_ref(dev->hwpt) };
	struct attachment other = { .ioas = dev->ioas, .any = true, .pasids = true };
	int r = attachment_go(dev, function, &other);

	if (!r) {
		attachment_shift_group(dev, &other);
		r = attachment_go_pasid(p->dev, p->number, function, to);
		/* If it cannot go back it stays: what it has now serves as well. */
		if (r && !attachment_go_back(dev, &from))
			attachment_shift_group(dev, &from);
	}
	if (from.hwpt)
		hwpt_put_locked(from.hwpt);
	return r;
}

static int go(struct iommufd_pasid *p, const char *function, struct attachment *to,
	      struct ioas_windows **windows)
{
	struct iommufd_device *dev = attached_in_group(p->dev);
	int r = ioas_windows_reserve(to->ioas, p->dev, function, windows);

	if (r)
		return r;
	if (dev && !hwpt_takes_pasids(dev->hwpt))
		r = go_both(p, dev, function, to);
	else
		r = attachment_go_pasid(p->dev, p->number, function, to);
	if (r)
		ioas_windows_release(to->ioas, *windows);
	return r;
}

static int attach(struct iommufd_pasid *p, const char *function, struct attachment *to,
		  struct attachment *left)
{
	const struct iommufd_device *dev = attached_in_group(p->dev);
	struct iommufd_ioas *other = dev ? dev->ioas : to->ioas;
	struct ioas_windows *windows;
	int r;

	(void)left;
	if (p->ioas)
		return err(-EBUSY, function, p->object,
			   "detach it first, or use iommufd_pasid_replace()",
			   "the PASID is attached to %s", name_of(p->hwpt));
	r = check(p, function, to);
	if (r)
		return r;
	ioas_lock_both(other, to->ioas);
	r = go(p, function, to, &windows);
	if (!r)
		enter(p, to, windows);
	ioas_unlock_both(other, to->ioas);
	return r;
}

static int not_attached(const struct iommufd_pasid *p, const char *function)
{
	return err(-EINVAL, function, p->object, "attach it first with iommufd_pasid_attach()",
		   "the PASID is not attached");
}

/* Any table of its IOAS will do, but a nested one has a guest's table before it. */
static bool is_there(const struct iommufd_pasid *p, const struct attachment *to)
{
	return p->ioas == to->ioas && (to->any ? !p->hwpt->parent : p->hwpt == to->hwpt);
}

static int replace(struct iommufd_pasid *p, const char *function, struct attachment *to,
		   struct attachment *left)
{
	struct iommufd_ioas *old = p->ioas;
	struct ioas_windows *windows;
	int r;

	if (!old)
		return not_attached(p, function);
	if (is_there(p, to))
		return 0;
	r = check(p, function, to);
	if (r)
		return r;
	ioas_lock_both(old, to->ioas);
	r = go(p, function, to, &windows);
	if (!r) {
		*left = leave(p);
		enter(p, to, windows);
	}
	ioas_unlock_both(old, to->ioas);
	return r;
}

static int change(struct iommufd_pasid *p, const char *function, struct attachment to,
		  int (*how)(struct iommufd_pasid *p, const char *function,
			     struct attachment *to, struct attachment *left))
{
	struct iommufd_ctx *ctx = p->dev->ctx;
	struct attachment left = { 0 };
	int r;

	if (to.ioas->ctx != ctx) {
		r = err(-EINVAL, function, p->object,
			"use what was made in the context that the device was opened in",
			"%s belongs to another context",
			to.hwpt ? to.hwpt->object : to.ioas->object);
		return err_log(&ctx->core.log, r);
	}
	pthread_mutex_lock(&ctx->lock);
	r = how(p, function, &to, &left);
	pthread_mutex_unlock(&ctx->lock);
	if (!r)
		log_debug(&ctx->core.log, "%s: %s to %s", function, p->object, to.ioas->object);
	r = err_log(&ctx->core.log, r);
	attachment_put(&left);
	return r;
}

IOMMUFD_EXPORT int iommufd_pasid_attach(struct iommufd_pasid *pasid, struct iommufd_ioas *ioas)
{
	int r = pasid_check(pasid, __func__);

	if (!r)
		r = ioas_check(ioas, __func__);
	return r ? r : change(pasid, __func__, (struct attachment){ .ioas = ioas, .any = true },
			      attach);
}

IOMMUFD_EXPORT int iommufd_pasid_replace(struct iommufd_pasid *pasid, struct iommufd_ioas *ioas)
{
	int r = pasid_check(pasid, __func__);

	if (!r)
		r = ioas_check(ioas, __func__);
	return r ? r : change(pasid, __func__, (struct attachment){ .ioas = ioas, .any = true },
			      replace);
}

IOMMUFD_EXPORT int iommufd_pasid_attach_hwpt(struct iommufd_pasid *pasid,
					     struct iommufd_hwpt *hwpt)
{
	int r = pasid_check(pasid, __func__);

	if (!r)
		r = hwpt_check(hwpt, __func__);
	return r ? r : change(pasid, __func__,
			      (struct attachment){ .ioas = hwpt->ioas, .hwpt = hwpt }, attach);
}

IOMMUFD_EXPORT int iommufd_pasid_replace_hwpt(struct iommufd_pasid *pasid,
					      struct iommufd_hwpt *hwpt)
{
	int r = pasid_check(pasid, __func__);

	if (!r)
		r = hwpt_check(hwpt, __func__);
	return r ? r : change(pasid, __func__,
			      (struct attachment){ .ioas = hwpt->ioas, .hwpt = hwpt }, replace);
}

static int detach(struct iommufd_pasid *p, const char *function, struct attachment *left)
{
	struct devfd *d = &p->dev->fd;
	int r;

	if (!p->ioas) /* the kernel would say yes */
		return not_attached(p, function);
	r = d->transport->detach_pasid(d, p->number);
	if (r)
		return err_kernel(r, KNOWN(0), transport_call_name(d, d->refused), p->object,
				  "close the device", "the PASID stays attached to %s",
				  name_of(p->hwpt));
	*left = pasid_leave(p, true);
	return 0;
}

IOMMUFD_EXPORT int iommufd_pasid_detach(struct iommufd_pasid *pasid)
{
	struct attachment left = { 0 };
	struct iommufd_ctx *ctx;
	int r = pasid_check(pasid, __func__);

	if (r)
		return r;
	ctx = pasid->dev->ctx;
	pthread_mutex_lock(&ctx->lock);
	r = detach(pasid, __func__, &left);
	pthread_mutex_unlock(&ctx->lock);
	r = err_log(&ctx->core.log, r);
	attachment_put(&left);
	return r;
}

IOMMUFD_EXPORT int iommufd_pasid_get_ioas(struct iommufd_pasid *pasid, struct iommufd_ioas **out)
{
	struct iommufd_ctx *ctx;
	int r = pasid_check(pasid, __func__);

	if (out)
		*out = NULL;
	if (r)
		return r;
	ctx = pasid->dev->ctx;
	if (!out)
		return err_log(&ctx->core.log, err_null(__func__, "out"));
	pthread_mutex_lock(&ctx->lock);
	*out = iommufd_ioas_ref(pasid->ioas);
	pthread_mutex_unlock(&ctx->lock);
	return 0;
}

IOMMUFD_EXPORT int iommufd_pasid_get_hwpt(struct iommufd_pasid *pasid, struct iommufd_hwpt **out)
{
	struct iommufd_ctx *ctx;
	int r = pasid_check(pasid, __func__);

	if (out)
		*out = NULL;
	if (r)
		return r;
	ctx = pasid->dev->ctx;
	if (!out)
		return err_log(&ctx->core.log, err_null(__func__, "out"));
	pthread_mutex_lock(&ctx->lock);
	if (pasid->hwpt && !pasid->hwpt->automatic)
		*out = iommufd_hwpt_ref(pasid->hwpt);
	pthread_mutex_unlock(&ctx->lock);
	return 0;
}
