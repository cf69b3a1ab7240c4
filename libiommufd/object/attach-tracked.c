/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Devices that are attached when the tracking of what they write begins: each
 * moves to a table that was made for that, without a gap in its DMA.
 */
#include <errno.h>

#include "object/attach.h"

static bool is_trackable(const struct iommufd_device *dev)
{
	return dev->hwpt && hwpt_paging(dev->hwpt)->table.can_track;
}

/* Before any moves: it would be in vain. */
static int check(struct iommufd_device *dev, const char *function)
{
	if (!device_has_tables(dev) || !device_is_tracked(dev))
		return err(-EOPNOTSUPP, function, dev->fd.object,
			   "detach it, or copy all memory that it can write",
			   "the IOMMU of the device%s cannot track what it writes to %s",
			   !device_has_tables(dev) ? ", had by group or mediated," : "",
			   dev->ioas->object);
	if (!dev->hwpt || is_trackable(dev))
		return 0;
	return err(-EOPNOTSUPP, function, dev->fd.object,
		   "move it to a table with IOMMUFD_HWPT_DIRTY_TRACKING: iommufd_device_replace_hwpt()",
		   "the device is on %s, which the program made without dirty tracking",
		   dev->hwpt->object);
}

static void move_records(struct iommufd_device *dev, struct attachment *to)
{
	struct iommufd_hwpt *left = dev->hwpt;
	unsigned int moved = attachment_move_group(dev, to);

	while (moved--) {
		if (left)
			hwpt_put_locked(left);
		iommufd_ioas_unref(to->ioas); /* not the last one: the caller has another */
	}
}

static int begin(struct iommufd_ioas *ioas)
{
	int r = ioas->as.engine->ops->dirty_set(&ioas->as, NULL, true);

	if (!r)
		return 0;
	return err_kernel(r, KNOWN(-ENOMEM), ioas_call(ioas, ENGINE_DIRTY), ioas->object,
			  "look into the kernel's log",
			  "the tracking of what devices write cannot begin");
}

/* Those from @dev on, a group at a time, and then begin; if that fails they go back, the last first. */
static int move_and_begin(struct iommufd_device *dev, const char *function,
			  struct iommufd_ioas *ioas)
{
	struct attachment to = { .ioas = ioas, .any = true, .tracked = true };
	struct attachment from = { .ioas = ioas };
	int r;

	while (dev && (dev->ioas != ioas || is_trackable(dev)))
		dev = dev->next;
	if (!dev)
		return begin(ioas);
	r = attachment_go(dev, function, &to);
	if (r)
		return r;
	move_records(dev, &to);
	r = move_and_begin(dev->next, function, ioas);
	if (r && !attachment_go_back(dev, &from)) /* else it stays, and is none the worse */
		move_records(dev, &from);
	return r;
}

int attachment_begin_tracking(struct iommufd_ioas *ioas, const char *function)
{
	struct iommufd_device *d;
	int r = 0;

	for (d = ioas->ctx->devices; d && !r; d = d->next)
		if (d->ioas == ioas)
			r = check(d, function);
	return r ? r : move_and_begin(ioas->ctx->devices, function, ioas);
}
