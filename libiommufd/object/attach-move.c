/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Where devices are: in the kernel, which attaches groups, and in our records,
 * which follow it.
 */
#include "object/attach.h"

#include <errno.h>

#include "backend/group.h"
#include "object/diagnose.h"
#include "object/vdevice.h"

bool same_group(const struct iommufd_device *a, const struct iommufd_device *b)
{
	return a == b || (a->group >= 0 && a->group == b->group);
}

/* An attached one, or NULL. */
static struct iommufd_device *attached_sibling(struct iommufd_device *dev)
{
	struct iommufd_device *d;

	for (d = dev->ctx->devices; d; d = d->next)
		if (d != dev && same_group(d, dev) && d->ioas)
			break;
	return d;
}

int attachment_check_siblings(struct iommufd_device *dev, const char *function,
			      const struct attachment *to)
{
	struct iommufd_device *sibling = attached_sibling(dev);

	if (!sibling || (sibling->ioas == to->ioas && (to->any || sibling->hwpt == to->hwpt)))
		return 0;
	if (to->any)
		return err(-EBUSY, function, dev->fd.object,
			   "attach all devices of a group to one IOAS, or detach the other first",
			   "%s of the same IOMMU group (%d) is attached to %s", sibling->fd.object,
			   dev->group, sibling->ioas->object);
	return err(-EBUSY, function, dev->fd.object,
		   "attach all devices of a group to one table, or detach the other first",
		   "%s of the same IOMMU group (%d) is attached to %s%s, not to %s",
		   sibling->fd.object, dev->group,
		   sibling->hwpt ? "" : "the kernel's own table of ",
		   sibling->hwpt ? sibling->hwpt->object : sibling->ioas->object,
		   to->hwpt->object);
}

static int go(struct iommufd_device *dev, const struct attachment *to)
{
	const struct transport_ops *ops = dev->fd.transport;

	return to->hwpt ? ops->attach_table(&dev->fd, to->hwpt->id) :
			  ops->attach(&dev->fd, &to->ioas->as);
}

/*
 * The group's table; the parent of the nested one that it leaves; one of the
 * program's that will do; the kernel's own: whose search never finds the program's.
 */
static int go_to_any(struct iommufd_device *dev, struct attachment *to)
{
	const struct iommufd_device *sibling = dev->ioas ? NULL : attached_sibling(dev);

	to->hwpt = sibling ? sibling->hwpt :
		   dev->hwpt && dev->ioas == to->ioas ? dev->hwpt->parent : NULL;
	if (sibling || to->hwpt)
		return go(dev, to);
	for (struct iommufd_hwpt *h = to->ioas->hwpts; h && device_has_tables(dev); h = h->next) {
		int r;

		if (h->faults) /* who reads it expects no other devices */
			continue;
		to->hwpt = h;
		r = go(dev, to);
		if (r != -EINVAL && r != -EOPNOTSUPP)
			return r;
	}
	to->hwpt = NULL;
	return go(dev, to);
}

static int refused(struct iommufd_device *dev, const struct attachment *to, int code)
{
	return to->hwpt ? diagnose_attach_hwpt(dev, to->hwpt, code) :
			  diagnose_attach(dev, to->ioas, code);
}

/*
 * The new IOAS's ranges are read; if that fails, the device goes back. If it
 * cannot, it stays, and who needs the ranges next is told.
 */
int attachment_go(struct iommufd_device *dev, const char *function, struct attachment *to)
{
	const struct attachment old = { .ioas = dev->ioas, .hwpt = dev->hwpt };
	int r = to->any ? go_to_any(dev, to) : go(dev, to), back;

	if (r)
		return refused(dev, to, r);
	r = ioas_refresh_ranges(to->ioas, function);
	if (!r)
		return 0;
	to->ioas->stale = true;
	back = old.ioas ? go(dev, &old) : dev->fd.transport->detach(&dev->fd);
	if (!back)
		return r;
	return dev->fd.group && back == -EUCLEAN ? refused(dev, to, back) : 0;
}

bool attachment_is_at(const struct iommufd_device *dev, const struct attachment *to)
{
	return dev->fd.group && dev->fd.attached && dev->fd.group->container->as == &to->ioas->as;
}

void attachment_enter(struct iommufd_device *dev, const struct attachment *at)
{
	dev->ioas = iommufd_ioas_ref(at->ioas);
	dev->hwpt = iommufd_hwpt_ref(at->hwpt);
	at->ioas->attached++;
}

struct attachment attachment_leave(struct iommufd_device *dev)
{
	struct attachment left = { .ioas = dev->ioas, .hwpt = dev->hwpt };

	if (!left.ioas)
		return left;
	left.ioas->attached--;
	left.ioas->stale = true; /* the ranges are wider now, read when next needed */
	dev->ioas = NULL;
	dev->hwpt = NULL;
	return left;
}

unsigned int attachment_move_group(struct iommufd_device *dev, const struct attachment *to)
{
	const struct iommufd_ioas *from = dev->ioas;
	unsigned int moved = 0;

	for (struct iommufd_device *d = dev->ctx->devices; d; d = d->next) {
		if (!same_group(d, dev) || d->ioas != from)
			continue;
		attachment_leave(d);
		attachment_enter(d, to);
		moved++;
	}
	return moved;
}

void attachment_put(const struct attachment *left)
{
	iommufd_hwpt_unref(left->hwpt);
	iommufd_ioas_unref(left->ioas);
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

/* What can have tables is attached in a second step, to the right one. IOAS lock held. */
static int bind_to(struct iommufd_device *dev, const char *function, struct bind_request *q,
		   struct attachment *to)
{
	bool at_once = !device_has_tables(dev);
	int r;

	q->as = at_once ? &to->ioas->as : NULL;
	r = dev->fd.transport->bind(&dev->fd, &dev->ctx->backend.engine, q);
	if (r)
		return diagnose_bind(dev, to->ioas, r, q->token != NULL);
	r = at_once ? ioas_refresh_ranges(to->ioas, function) : attachment_go(dev, function, to);
	if (!r || at_once)
		attachment_enter(dev, to);
	return r;
}

int device_bind(struct iommufd_device *dev, const char *function, const struct bind_request *given,
		struct iommufd_ioas *ioas)
{
	struct bind_request q = *given;
	struct attachment to = { .ioas = ioas, .any = true }, left;
	int r = ioas ? attachment_check_siblings(dev, function, &to) :
		       check_joined_siblings(dev, function);

	if (r)
		return r;
	if (!ioas) {
		r = dev->fd.transport->bind(&dev->fd, &dev->ctx->backend.engine, &q);
		return r ? diagnose_bind(dev, NULL, r, q.token != NULL) : 0;
	}
	pthread_mutex_lock(&ioas->lock);
	r = bind_to(dev, function, &q, &to);
	pthread_mutex_unlock(&ioas->lock);
	if (r && dev->ioas) {
		left = device_release(dev);
		iommufd_ioas_unref(left.ioas);
	}
	return r;
}

struct attachment device_release(struct iommufd_device *dev)
{
	const struct transport_ops *ops = dev->fd.transport;
	struct iommufd_ioas *ioas = dev->ioas;
	bool owner = core_is_owner(&dev->ctx->core);
	struct attachment left;

	if (ioas && owner)
		pthread_mutex_lock(&ioas->lock);
	/* If this fails, the close that follows detaches. */
	if (ioas && owner && !dev->fd.joined)
		ops->detach(&dev->fd);
	vdevice_leave(dev);
	ops->release(&dev->fd);
	left = attachment_leave(dev);
	if (ioas && owner)
		pthread_mutex_unlock(&ioas->lock);
	return left;
}
