/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Attaching devices to address spaces. The kernel knows one verb that attaches
 * or replaces as it finds things; here they are two, and the kernel is asked
 * only for the one that was meant.
 */
#include "object/attach.h"

#include <errno.h>

#include "object/group.h"

static const char *name_of(const struct iommufd_device *dev)
{
	return dev->hwpt ? dev->hwpt->object : dev->ioas->object;
}

static int check_attach(struct iommufd_device *dev, const char *function,
			const struct attachment *to)
{
	if (dev->ioas)
		return err(-EBUSY, function, dev->fd.object,
			   "detach it first, or use iommufd_device_replace()",
			   "the device is attached to %s", name_of(dev));
	return attachment_check_siblings(dev, function, to);
}

static int attach(struct iommufd_device *dev, const char *function, struct attachment *to)
{
	int r = check_attach(dev, function, to);

	if (r)
		return r;
	pthread_mutex_lock(&to->ioas->lock);
	r = attachment_go(dev, function, to);
	if (!r || (r == -EUCLEAN && attachment_is_at(dev, to)))
		attachment_enter(dev, to);
	pthread_mutex_unlock(&to->ioas->lock);
	return r;
}

int attachment_make(struct iommufd_device *dev, const char *function, struct attachment to)
{
	const struct log *log = &dev->ctx->core.log;
	int r;

	pthread_mutex_lock(&dev->ctx->lock);
	r = attach(dev, function, &to);
	pthread_mutex_unlock(&dev->ctx->lock);
	if (!r)
		log_debug(log, "%s: %s to %s%s%s", function, dev->fd.object, to.ioas->object,
			  to.hwpt ? " by " : "", to.hwpt ? to.hwpt->object : "");
	return err_log(log, r);
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

	return r ? r : attachment_make(dev, __func__,
				       (struct attachment){ .ioas = ioas, .any = true });
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

static int detach(struct iommufd_device *dev, const char *function, struct attachment *left)
{
	struct iommufd_ioas *ioas = dev->ioas;
	int r = check_movable(dev, function);

	if (r)
		return r;
	pthread_mutex_lock(&ioas->lock);
	r = dev->fd.transport->detach(&dev->fd);
	if (r == -EUCLEAN)
		r = err(r, transport_call_name(&dev->fd, dev->fd.refused), dev->fd.object,
			"detach it again, or close it",
			"the device stays attached to %s, of which some is not mapped for it any more",
			ioas->object);
	else if (r)
		r = err_kernel(r, KNOWN(0), transport_call_name(&dev->fd, dev->fd.refused),
			       dev->fd.object, "close the device",
			       "the device stays attached to %s", name_of(dev));
	else
		*left = attachment_leave(dev);
	pthread_mutex_unlock(&ioas->lock);
	return r;
}

IOMMUFD_EXPORT int iommufd_device_detach(struct iommufd_device *dev)
{
	struct attachment left = { 0 };
	int r = device_check(dev, __func__);

	if (r)
		return r;
	pthread_mutex_lock(&dev->ctx->lock);
	r = detach(dev, __func__, &left);
	pthread_mutex_unlock(&dev->ctx->lock);
	r = err_log(&dev->ctx->core.log, r);
	attachment_put(&left);
	return r;
}

/* Any table of its IOAS will do, but a nested one has a guest's table before it. */
static bool is_there(const struct iommufd_device *dev, const struct attachment *to)
{
	if (dev->ioas != to->ioas)
		return false;
	return to->any ? !dev->hwpt || !dev->hwpt->parent : dev->hwpt == to->hwpt;
}

static int replace(struct iommufd_device *dev, const char *function, struct attachment *to,
		   struct attachment *left, unsigned int *moved)
{
	struct iommufd_ioas *old = dev->ioas;
	int r = check_movable(dev, function);

	if (r)
		return r;
	if (is_there(dev, to))
		return 0;
	r = group_policy_replace(dev, function);
	if (r)
		return r;
	*left = (struct attachment){ .ioas = old, .hwpt = dev->hwpt };
	ioas_lock_both(old, to->ioas);
	r = attachment_go(dev, function, to);
	if (!r || (r == -EUCLEAN && attachment_is_at(dev, to)))
		*moved = attachment_move_group(dev, to);
	ioas_unlock_both(old, to->ioas);
	return r;
}

int attachment_replace(struct iommufd_device *dev, const char *function, struct attachment to)
{
	const struct log *log = &dev->ctx->core.log;
	struct attachment left = { 0 };
	unsigned int moved = 0;
	int r;

	pthread_mutex_lock(&dev->ctx->lock);
	r = replace(dev, function, &to, &left, &moved);
	pthread_mutex_unlock(&dev->ctx->lock);
	r = err_log(log, r);
	if (moved > 1)
		log_info(log, "%s: %u devices of group %d moved with %s to %s", function, moved,
			 dev->group, dev->fd.object, to.hwpt ? to.hwpt->object : to.ioas->object);
	while (moved--) /* what each device that left had held */
		attachment_put(&left);
	return r;
}

IOMMUFD_EXPORT int iommufd_device_replace(struct iommufd_device *dev, struct iommufd_ioas *ioas)
{
	int r = check_pair(dev, __func__, ioas);

	return r ? r : attachment_replace(dev, __func__,
					  (struct attachment){ .ioas = ioas, .any = true });
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
