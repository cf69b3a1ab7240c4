/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Where devices are: in the kernel, which attaches groups, and in our records,
 * which follow it.
 */
#include "object/attach.h"

#include <errno.h>

#include "backend/group.h"
#include "object/diagnose.h"
#include "object/pasid.h"
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

struct iommufd_device *attached_in_group(struct iommufd_device *dev)
{
	return dev->ioas ? dev : attached_sibling(dev);
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

/* PASIDs of the device's group are attached: its own table must take PASIDs too. */
static bool needs_pasids(const struct iommufd_device *dev)
{
	for (struct iommufd_device *d = dev->ctx->devices; d; d = d->next)
		for (struct iommufd_pasid *p = same_group(d, dev) ? d->pasids : NULL; p; p = p->next)
			if (p->ioas)
				return true;
	return false;
}

/* PASID 0 is the device itself. */
static int go(struct iommufd_device *dev, uint32_t pasid, const struct attachment *to)
{
	const struct transport_ops *ops = dev->fd.transport;

	if (pasid)
		return ops->attach_pasid(&dev->fd, pasid, to->hwpt->id);
	return to->hwpt ? ops->attach_table(&dev->fd, to->hwpt->id) :
			  ops->attach(&dev->fd, &to->ioas->as);
}

static int refused(struct iommufd_device *dev, uint32_t pasid, const struct attachment *to,
		   int code)
{
	if (!code)
		return 0;
	if (pasid)
		return diagnose_attach_pasid(dev, pasid, to->hwpt, code);
	return to->hwpt ? diagnose_attach_hwpt(dev, to->hwpt, code) :
			  diagnose_attach(dev, to->ioas, code);
}

static bool will_do(const struct attachment *to, const struct iommufd_hwpt *hwpt)
{
	return (!to->tracked || hwpt->table.can_track) && (!to->pasids || hwpt_takes_pasids(hwpt));
}

/*
 * May be tried. Not one whose queue someone reads who expects no other devices. Nor,
 * within one IOAS, one that may be refused: the kernel then forgets what the
 * hardware reserves there for the group, which stays.
 */
static bool may_try(struct iommufd_device *dev, uint32_t pasid, const struct attachment *to,
		    const struct iommufd_hwpt *hwpt)
{
	struct iommu_facts facts;

	if (hwpt->faults || !will_do(to, hwpt))
		return false;
	if (pasid || dev->ioas != to->ioas)
		return true;
	device_facts(dev, &facts);
	return hwpt->automatic && facts_equal(&facts, &hwpt->facts);
}

/* Made for the device: to be tracked now or later, if it only can be. */
static int go_to_new(struct iommufd_device *dev, uint32_t pasid, const char *function,
		     struct attachment *to)
{
	uint64_t pasids = to->pasids ? IOMMUFD_HWPT_PASID : 0;
	bool can = to->tracked || device_is_tracked(dev);
	int r = -EOPNOTSUPP;

	if (can)
		r = hwpt_make_automatic(dev, function, to->ioas,
					pasids | IOMMUFD_HWPT_DIRTY_TRACKING, &to->hwpt);
	if (r == -EOPNOTSUPP && pasids && !to->tracked)
		r = hwpt_make_automatic(dev, function, to->ioas, pasids, &to->hwpt);
	if (r)
		return r;
	to->fresh = true;
	return refused(dev, pasid, to, go(dev, pasid, to));
}

/*
 * The group's table; the parent of the nested one that it leaves; one of the
 * program's or the library's that will do; a new one, where what devices write is
 * to be tracked, or with PASIDs; the kernel's own: whose search never finds the others.
 */
static int go_to_any(struct iommufd_device *dev, uint32_t pasid, const char *function,
		     struct attachment *to)
{
	const struct iommufd_device *sibling = pasid || dev->ioas ? NULL : attached_sibling(dev);
	bool wished = to->tracked || to->ioas->flags & IOMMUFD_IOAS_DIRTY_TRACKING;
	struct iommufd_hwpt *h = !pasid && dev->hwpt && dev->ioas == to->ioas ?
					 dev->hwpt->parent : NULL;
	int r;

	to->hwpt = sibling ? sibling->hwpt : h && will_do(to, h) ? h : NULL;
	if (sibling || to->hwpt)
		return refused(dev, pasid, to, go(dev, pasid, to));
	for_each_hwpt(h, to->ioas) {
		if (!device_has_tables(dev) || !may_try(dev, pasid, to, h))
			continue;
		to->hwpt = h;
		r = go(dev, pasid, to);
		if (r != -EINVAL && r != -EOPNOTSUPP)
			return refused(dev, pasid, to, r);
	}
	to->hwpt = NULL;
	if (to->pasids || (wished && device_has_tables(dev) && device_is_tracked(dev)))
		return go_to_new(dev, pasid, function, to);
	return refused(dev, pasid, to, go(dev, pasid, to));
}

/* In an IOAS whose tracking has begun no device may write unseen. */
static int check_tracked(struct iommufd_device *dev, const char *function, struct attachment *to)
{
	to->tracked |= to->ioas->as.dirty && to->ioas->as.engine->ops->command;
	if (!to->tracked)
		return 0;
	if (!device_has_tables(dev) || !device_is_tracked(dev))
		return err(-EOPNOTSUPP, function, dev->fd.object,
			   "end it by iommufd_ioas_set_dirty_tracking(), or use another IOAS",
			   "what devices write to %s is to be tracked, and the IOMMU of the device%s cannot",
			   to->ioas->object, dev->mediated ? ", which is mediated," : "");
	if (to->hwpt && !hwpt_paging(to->hwpt)->table.can_track)
		return err(-EINVAL, function, dev->fd.object,
			   "make the table, or its parent, with IOMMUFD_HWPT_DIRTY_TRACKING",
			   "what devices write to %s is to be tracked, and on %s it cannot be",
			   to->ioas->object, to->hwpt->object);
	return 0;
}

/* Beside PASIDs a device's table must take them. */
static int check_pasids(struct iommufd_device *dev, const char *function, struct attachment *to)
{
	to->pasids |= needs_pasids(dev);
	if (!to->pasids || !to->hwpt || hwpt_takes_pasids(to->hwpt))
		return 0;
	return err(-EINVAL, function, dev->fd.object,
		   "make the table with IOMMUFD_HWPT_PASID, or detach the PASIDs first",
		   "PASIDs of the device are attached, and %s was made without IOMMUFD_HWPT_PASID",
		   to->hwpt->object);
}

/*
 * The new IOAS's ranges are read; if that fails, the device goes back. If it
 * cannot, it stays, and who needs the ranges next is told.
 */
static int go_and_look(struct iommufd_device *dev, const char *function, struct attachment *to)
{
	const struct attachment old = { .ioas = dev->ioas, .hwpt = dev->hwpt };
	int r = check_tracked(dev, function, to), back;

	if (!r)
		r = check_pasids(dev, function, to);
	if (!r)
		r = to->any ? go_to_any(dev, 0, function, to) : refused(dev, 0, to, go(dev, 0, to));
	if (r)
		return r;
	r = ioas_refresh_ranges(to->ioas, function);
	if (!r)
		return 0;
	to->ioas->stale = true;
	back = old.ioas ? go(dev, 0, &old) : dev->fd.transport->detach(&dev->fd);
	if (!back)
		return r;
	return dev->fd.group && back == -EUCLEAN ? refused(dev, 0, to, back) : 0;
}

static int settle(struct attachment *to, int r)
{
	if (r && to->fresh)
		hwpt_put_locked(to->hwpt);
	to->fresh &= !r;
	return r;
}

int attachment_go(struct iommufd_device *dev, const char *function, struct attachment *to)
{
	return settle(to, go_and_look(dev, function, to));
}

int attachment_go_pasid(struct iommufd_device *dev, uint32_t pasid, const char *function,
			struct attachment *to)
{
	int r = check_tracked(dev, function, to);

	to->pasids = true;
	if (!r)
		r = to->any ? go_to_any(dev, pasid, function, to) :
			      refused(dev, pasid, to, go(dev, pasid, to));
	return settle(to, r);
}

bool attachment_is_at(const struct iommufd_device *dev, const struct attachment *to)
{
	return dev->fd.group && dev->fd.attached && dev->fd.group->container->as == &to->ioas->as;
}

int attachment_go_back(struct iommufd_device *dev, const struct attachment *to)
{
	to->ioas->stale = true;
	return go(dev, 0, to);
}

struct iommufd_hwpt *attachment_take_hwpt(struct attachment *at)
{
	struct iommufd_hwpt *hwpt = at->fresh ? at->hwpt : iommufd_hwpt_ref(at->hwpt);

	at->fresh = false;
	return hwpt;
}

void attachment_enter(struct iommufd_device *dev, struct attachment *at)
{
	dev->ioas = iommufd_ioas_ref(at->ioas);
	dev->hwpt = attachment_take_hwpt(at);
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

unsigned int attachment_move_group(struct iommufd_device *dev, struct attachment *to)
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

void attachment_shift_group(struct iommufd_device *dev, struct attachment *to)
{
	struct iommufd_hwpt *left = dev->hwpt;
	unsigned int moved = attachment_move_group(dev, to);

	while (moved--) {
		if (left)
			hwpt_put_locked(left);
		iommufd_ioas_unref(to->ioas); /* not the last one: the device has another */
	}
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
	bool lock = ioas && !core_is_forked(&dev->ctx->core);
	struct attachment left;

	if (lock)
		pthread_mutex_lock(&ioas->lock);
	/* If this fails, the close that follows detaches. */
	if (ioas && core_is_owner(&dev->ctx->core) && !dev->fd.joined)
		ops->detach(&dev->fd);
	vdevice_leave(dev);
	ops->release(&dev->fd);
	left = attachment_leave(dev);
	if (lock)
		pthread_mutex_unlock(&ioas->lock);
	return left;
}
