/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Devices that are attached when the tracking of what they write begins: each
 * moves to a table that was made for that, without a gap in its DMA.
 */
#include <errno.h>

#include "object/pasid.h"

static bool is_trackable(const struct iommufd_device *dev)
{
	return dev->hwpt && hwpt_paging(dev->hwpt)->table.can_track;
}

static int no_pasids_tracked(const struct iommufd_device *dev, const char *function)
{
	return err(-EOPNOTSUPP, function, dev->fd.object, "detach its PASIDs",
		   "the IOMMU of the device does not track what it writes through tables that take PASIDs");
}

/* Their tables can from the start, where the IOMMU has such. */
static int check_pasids(const struct iommufd_ioas *ioas, struct iommufd_device *dev,
			const char *function)
{
	for (struct iommufd_pasid *p = dev->pasids; p; p = p->next) {
		if (p->ioas != ioas || hwpt_paging(p->hwpt)->table.can_track)
			continue;
		if (p->hwpt->automatic)
			return no_pasids_tracked(dev, function);
		return err(-EOPNOTSUPP, function, p->object,
			   "move it to a table with IOMMUFD_HWPT_DIRTY_TRACKING: iommufd_pasid_replace_hwpt()",
			   "the PASID is on %s, which the program made without dirty tracking",
			   p->hwpt->object);
	}
	return 0;
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
	if (dev->hwpt->automatic)
		return no_pasids_tracked(dev, function);
	return err(-EOPNOTSUPP, function, dev->fd.object,
		   "move it to a table with IOMMUFD_HWPT_DIRTY_TRACKING: iommufd_device_replace_hwpt()",
		   "the device is on %s, which the program made without dirty tracking",
		   dev->hwpt->object);
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
	attachment_shift_group(dev, &to);
	r = move_and_begin(dev->next, function, ioas);
	if (r && !attachment_go_back(dev, &from)) /* else it stays, and is none the worse */
		attachment_shift_group(dev, &from);
	return r;
}

int attachment_begin_tracking(struct iommufd_ioas *ioas, const char *function)
{
	struct iommufd_device *d;
	int r = 0;

	for (d = ioas->ctx->devices; d && !r; d = d->next) {
		r = check_pasids(ioas, d, function);
		if (!r && d->ioas == ioas)
			r = check(d, function);
	}
	return r ? r : move_and_begin(ioas->ctx->devices, function, ioas);
}
