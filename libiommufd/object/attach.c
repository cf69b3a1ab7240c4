/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Attaching devices to address spaces. The kernel knows one verb that attaches
 * or replaces as it finds things; here they are two, and the kernel is asked
 * only for the one that was meant.
 */
#include <errno.h>

#include "backend/group.h"
#include "object/device.h"
#include "object/diagnose.h"
#include "object/group.h"

static bool same_group(const struct iommufd_device *a, const struct iommufd_device *b)
{
	return a == b || (a->group >= 0 && a->group == b->group);
}

/* An attached sibling that uses another IOAS, or NULL. */
static struct iommufd_device *sibling_elsewhere(struct iommufd_device *dev,
						const struct iommufd_ioas *ioas)
{
	struct iommufd_device *d;

	for (d = dev->ctx->devices; d; d = d->next)
		if (d != dev && same_group(d, dev) && d->ioas && d->ioas != ioas)
			break;
	return d;
}

int device_check_siblings(struct iommufd_device *dev, const char *function,
			  const struct iommufd_ioas *ioas)
{
	struct iommufd_device *sibling = sibling_elsewhere(dev, ioas);

	if (!sibling)
		return 0;
	return err(-EBUSY, function, dev->fd.object,
		   "attach all devices of a group to one IOAS, or detach the other first",
		   "%s of the same IOMMU group (%d) is attached to %s", sibling->fd.object,
		   dev->group, sibling->ioas->object);
}

static int check_attach(struct iommufd_device *dev, const char *function, struct iommufd_ioas *ioas)
{
	if (dev->ioas)
		return err(-EBUSY, function, dev->fd.object,
			   "detach it first, or use iommufd_device_replace()",
			   "the device is attached to %s", dev->ioas->object);
	return device_check_siblings(dev, function, ioas);
}

/* Its DMA would go where a sibling's container leads. */
static int check_joined_siblings(struct iommufd_device *dev, const char *function)
{
	for (struct iommufd_device *d = dev->ctx->devices; d; d = d->next)
		if (d->fd.joined && same_group(d, dev))
			return err(-EBUSY, function, dev->fd.object,
				   "open it with the same opts.ioas, or the other without",
				   "%s of the same IOMMU group (%d) was opened with %s, for good",
				   d->fd.object, dev->group, d->ioas->object);
	return 0;
}

/*
 * The new IOAS's ranges are read; if that fails, the device goes back. If it
 * cannot, it stays, and who needs the ranges next is told. IOAS locks held.
 */
static int attach_locked(struct iommufd_device *dev, const char *function,
			 struct iommufd_ioas *ioas)
{
	struct iommufd_ioas *old = dev->ioas;
	const struct transport_ops *ops = dev->fd.transport;
	int r = ops->attach(&dev->fd, &ioas->as), back;

	if (r)
		return diagnose_attach(dev, ioas, r);
	r = ioas_refresh_ranges(ioas, function);
	if (!r)
		return 0;
	ioas->stale = true;
	back = old ? ops->attach(&dev->fd, &old->as) : ops->detach(&dev->fd);
	if (!back)
		return r;
	return dev->fd.group && back == -EUCLEAN ? diagnose_attach(dev, ioas, back) : 0;
}

/* After -EUCLEAN: where is the device now? */
static bool is_at(const struct iommufd_device *dev, const struct iommufd_ioas *ioas)
{
	return dev->fd.group && dev->fd.attached && dev->fd.group->container->as == &ioas->as;
}

static int attach(struct iommufd_device *dev, const char *function, struct iommufd_ioas *ioas)
{
	int r = check_attach(dev, function, ioas);

	if (r)
		return r;
	pthread_mutex_lock(&ioas->lock);
	r = attach_locked(dev, function, ioas);
	if (!r || (r == -EUCLEAN && is_at(dev, ioas))) {
		dev->ioas = iommufd_ioas_ref(ioas);
		ioas->attached++;
	}
	pthread_mutex_unlock(&ioas->lock);
	return r;
}

static int check_pair(struct iommufd_device *dev, const char *function, struct iommufd_ioas *ioas)
{
	int r = device_check(dev, function);

	if (!r)
		r = ioas_check(ioas, function);
	if (!r && dev->ctx != ioas->ctx) {
		r = err(-EINVAL, function, dev->fd.object,
			"use an IOAS made in the context that the device was opened in",
			"%s belongs to another context", ioas->object);
		err_log(&dev->ctx->core.log, r);
	}
	return r;
}

IOMMUFD_EXPORT int iommufd_device_attach(struct iommufd_device *dev, struct iommufd_ioas *ioas)
{
	int r = check_pair(dev, __func__, ioas);

	if (r)
		return r;
	pthread_mutex_lock(&dev->ctx->lock);
	r = attach(dev, __func__, ioas);
	pthread_mutex_unlock(&dev->ctx->lock);
	if (!r)
		log_debug(&dev->ctx->core.log, "%s: %s to %s", __func__, dev->fd.object,
			  ioas->object);
	return err_log(&dev->ctx->core.log, r);
}

static int not_attached(struct iommufd_device *dev, const char *function)
{
	return err(-EINVAL, function, dev->fd.object, "attach it first with iommufd_device_attach()",
		   "the device is not attached");
}

static int check_movable(struct iommufd_device *dev, const char *function)
{
	if (!dev->ioas)
		return not_attached(dev, function);
	if (dev->fd.joined)
		return err(-EOPNOTSUPP, function, dev->fd.object,
			   "open the device without opts.ioas to move it later, or close it",
			   "the device was opened with %s and its group shares that container for good",
			   dev->ioas->object);
	return 0;
}

static int detach(struct iommufd_device *dev, const char *function, struct iommufd_ioas **left)
{
	struct iommufd_ioas *ioas = dev->ioas;
	int r = check_movable(dev, function);

	if (r)
		return r;
	pthread_mutex_lock(&ioas->lock);
	r = dev->fd.transport->detach(&dev->fd);
	if (r == -EUCLEAN) {
		r = err(r, transport_call_name(&dev->fd, dev->fd.refused), dev->fd.object,
			"detach it again, or close it",
			"the device stays attached to %s, of which some is not mapped for it any more",
			ioas->object);
	} else if (r) {
		r = err_kernel(r, KNOWN(0), transport_call_name(&dev->fd, dev->fd.refused),
			       dev->fd.object, "close the device",
			       "the device stays attached to %s", ioas->object);
	} else {
		ioas->attached--;
		dev->ioas = NULL;
		*left = ioas;
		ioas->stale = true; /* the ranges are wider now, read when next needed */
	}
	pthread_mutex_unlock(&ioas->lock);
	return r;
}

IOMMUFD_EXPORT int iommufd_device_detach(struct iommufd_device *dev)
{
	struct iommufd_ioas *left = NULL;
	int r = device_check(dev, __func__);

	if (r)
		return r;
	pthread_mutex_lock(&dev->ctx->lock);
	r = detach(dev, __func__, &left);
	pthread_mutex_unlock(&dev->ctx->lock);
	r = err_log(&dev->ctx->core.log, r);
	iommufd_ioas_unref(left);
	return r;
}

int device_bind(struct iommufd_device *dev, const char *function, const struct bind_request *given,
		struct iommufd_ioas *ioas)
{
	struct bind_request q = *given;
	int r = ioas ? device_check_siblings(dev, function, ioas) :
		       check_joined_siblings(dev, function);

	if (r)
		return r;
	if (ioas) {
		pthread_mutex_lock(&ioas->lock);
		q.as = &ioas->as;
	}
	r = dev->fd.transport->bind(&dev->fd, &dev->ctx->backend.engine, &q);
	if (r) {
		r = diagnose_bind(dev, ioas, r, q.token != NULL);
	} else if (ioas) {
		r = ioas_refresh_ranges(ioas, function);
		dev->ioas = iommufd_ioas_ref(ioas);
		ioas->attached++;
	}
	if (ioas)
		pthread_mutex_unlock(&ioas->lock);
	if (r && dev->ioas) {
		device_release(dev);
		iommufd_ioas_unref(ioas);
	}
	return r;
}

void device_release(struct iommufd_device *dev)
{
	const struct transport_ops *ops = dev->fd.transport;
	struct iommufd_ioas *ioas = dev->ioas;
	bool owner = core_is_owner(&dev->ctx->core);

	if (ioas && owner)
		pthread_mutex_lock(&ioas->lock);
	/* If this fails, the close that follows detaches. */
	if (ioas && owner && !dev->fd.joined)
		ops->detach(&dev->fd);
	ops->release(&dev->fd);
	if (ioas) {
		ioas->attached--;
		ioas->stale = true;
	}
	dev->ioas = NULL;
	if (ioas && owner)
		pthread_mutex_unlock(&ioas->lock);
}

/* The kernel moved the whole group: so do our records. IOAS locks held. */
static unsigned int move_group(struct iommufd_device *dev, struct iommufd_ioas *from,
			       struct iommufd_ioas *to)
{
	unsigned int moved = 0;

	for (struct iommufd_device *d = dev->ctx->devices; d; d = d->next) {
		if (!same_group(d, dev) || d->ioas != from)
			continue;
		d->ioas = iommufd_ioas_ref(to);
		from->attached--;
		to->attached++;
		moved++;
	}
	return moved;
}

static int replace(struct iommufd_device *dev, const char *function, struct iommufd_ioas *ioas,
		   struct iommufd_ioas **left, unsigned int *moved)
{
	struct iommufd_ioas *old = dev->ioas;
	int r = check_movable(dev, function);

	if (r)
		return r;
	if (old == ioas)
		return 0;
	r = group_policy_replace(dev, function);
	if (r)
		return r;
	ioas_lock_both(old, ioas);
	r = attach_locked(dev, function, ioas);
	if (!r || (r == -EUCLEAN && is_at(dev, ioas))) {
		*moved = move_group(dev, old, ioas);
		*left = old;
		old->stale = true;
	}
	ioas_unlock_both(old, ioas);
	return r;
}

IOMMUFD_EXPORT int iommufd_device_replace(struct iommufd_device *dev, struct iommufd_ioas *ioas)
{
	struct iommufd_ioas *left = NULL;
	unsigned int moved = 0;
	int r = check_pair(dev, __func__, ioas);

	if (r)
		return r;
	pthread_mutex_lock(&dev->ctx->lock);
	r = replace(dev, __func__, ioas, &left, &moved);
	pthread_mutex_unlock(&dev->ctx->lock);
	r = err_log(&dev->ctx->core.log, r);
	if (moved > 1)
		log_info(&dev->ctx->core.log, "%s: %u devices of group %d moved with %s to %s",
			 __func__, moved, dev->group, dev->fd.object, ioas->object);
	while (moved--) /* one reference for each device that left */
		iommufd_ioas_unref(left);
	return r;
}

IOMMUFD_EXPORT int iommufd_device_get_ioas(struct iommufd_device *dev, struct iommufd_ioas **out)
{
	int r = device_check(dev, __func__);

	if (out)
		*out = NULL;
	if (r)
		return r;
	if (!out)
		return err_log(&dev->ctx->core.log, err_null(__func__, "out"));
	pthread_mutex_lock(&dev->ctx->lock);
	*out = iommufd_ioas_ref(dev->ioas);
	pthread_mutex_unlock(&dev->ctx->lock);
	return 0;
}
