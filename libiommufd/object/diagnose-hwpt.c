/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Why the kernel refused a page table. */
#include <errno.h>

#include "object/diagnose.h"
#include "object/hwpt.h"

static const char alloc[] = "IOMMU_HWPT_ALLOC";

/* The first thing asked for that its IOMMU cannot, in words; NULL: none that is known of. */
static const char *inability(struct iommufd_device *dev, const struct hwpt_base *base,
			     const struct iommufd_hwpt_opts *opts)
{
	if (base->parent)
		return "nest tables, or not with data of this type";
	if (opts->flags & IOMMUFD_HWPT_DIRTY_TRACKING && !device_is_tracked(dev))
		return "track what devices write";
	if (opts->flags & IOMMUFD_HWPT_NEST_PARENT &&
	    iommufd_device_has(dev, IOMMUFD_CAP_NESTING) != 1)
		return "nest tables";
	if (opts->flags & IOMMUFD_HWPT_PASID)
		return "have PASIDs, or not together with the other flags";
	if (opts->fault_queue)
		return "take page faults, or not together with the other flags";
	return opts->data_type ? "use data of this type" : "make tables so";
}

int diagnose_new_hwpt(struct iommufd_device *dev, const struct hwpt_base *base,
		      const struct iommufd_hwpt_opts *opts, int code)
{
	int r = base->parent || (code == -EFAULT && opts->data) ?
			0 : diagnose_mappings(dev, base->ioas, alloc, code);

	if (r)
		return r;
	switch (code) {
	case -EOPNOTSUPP:
		return err(code, alloc, dev->fd.object,
			   "ask iommufd_device_has() before, and do without",
			   "the IOMMU of the device cannot %s: flags %#llx, data type %#x, on %s",
			   inability(dev, base, opts), (unsigned long long)opts->flags,
			   opts->data_type, base->object);
	case -EINVAL:
		if (!opts->data)
			break;
		return err(code, alloc, dev->fd.object,
			   "give what the IOMMU of this device takes: iommufd_device_has() and its hardware facts tell",
			   base->parent ?
			   "the IOMMU of the device does not take these %u bytes of data of type %#x, or is of another kind than that of %s" :
			   "the IOMMU of the device does not take these %u bytes of data of type %#x on %s",
			   opts->data_length, opts->data_type, base->object);
	case -EIO:
		return err(code, alloc, dev->fd.object, "leave out what a guest may not set",
			   "the IOMMU's driver refuses what is in the data of type %#x on %s",
			   opts->data_type, base->object);
	}
	return err_kernel(code, KNOWN(-EINVAL, -EFAULT, -ENODEV, -ENOMEM), alloc,
			  dev->fd.object,
			  code == -EFAULT ? "check where the data is, and what is mapped" :
					    "check that the device is still there",
			  "a table on %s cannot be made for the device", base->object);
}

/* -EINVAL has several causes; the first of those that can be seen. */
static int unfit(struct iommufd_device *dev, const struct iommufd_hwpt *hwpt, const char *call)
{
	if (hwpt->flags & IOMMUFD_HWPT_DIRTY_TRACKING && !device_is_tracked(dev))
		return err(-EINVAL, call, dev->fd.object,
			   "attach it to a table without IOMMUFD_HWPT_DIRTY_TRACKING",
			   "%s is dirty-tracked, and the IOMMU of the device cannot track what it writes",
			   hwpt->object);
	return err(-EINVAL, call, dev->fd.object,
		   hwpt->flags & IOMMUFD_HWPT_PASID ?
		   "make a table for this device with iommufd_hwpt_new()" :
		   "make a table for this device with iommufd_hwpt_new(), with IOMMUFD_HWPT_PASID if it has PASIDs attached",
		   "the IOMMU of the device cannot use %s, which leads to %s, or another user of group %d has a different table",
		   hwpt->object, hwpt->ioas->object, dev->group);
}

int diagnose_attach_hwpt(struct iommufd_device *dev, const struct iommufd_hwpt *hwpt, int code)
{
	const char *call = transport_call_name(&dev->fd, dev->fd.refused);
	int r = diagnose_mappings(dev, hwpt->ioas, call, code);

	if (r)
		return r;
	if (code == -EINVAL)
		return unfit(dev, hwpt, call);
	return err_kernel(code, KNOWN(-ENODEV, -EBUSY, -ENOENT, -EOPNOTSUPP), call, dev->fd.object,
			  code == -EBUSY ? "a device of the group is being reset: try again" :
			  code == -ENOENT ? "make it a device of the table's vIOMMU first: iommufd_vdevice_new()" :
			  code == -EOPNOTSUPP ? "make a table of another kind for this device" :
						"check that the device is still there, and reports page faults if the table takes them",
			  "the device cannot be attached to %s, which leads to %s", hwpt->object,
			  hwpt->ioas->object);
}

int diagnose_attach_pasid(struct iommufd_device *dev, uint32_t pasid,
			  const struct iommufd_hwpt *hwpt, int code)
{
	const char *call = transport_call_name(&dev->fd, dev->fd.refused);

	if (code == -EINVAL)
		return err(code, call, dev->fd.object,
			   "make a table for this device with iommufd_hwpt_new() and IOMMUFD_HWPT_PASID",
			   "the IOMMU of the device cannot use %s, which leads to %s, for PASID %u, or the table of the device itself takes no PASIDs",
			   hwpt->object, hwpt->ioas->object, pasid);
	return err_kernel(code, KNOWN(-ENODEV, -ENOMEM, -EOPNOTSUPP), call, dev->fd.object,
			  code == -EOPNOTSUPP ? "make a table of another kind for this device" :
			  code == -ENOMEM ? "free memory" :
					    "check that the device is still there, and reports page faults if the table takes them",
			  "PASID %u of the device cannot be attached to %s, which leads to %s", pasid,
			  hwpt->object, hwpt->ioas->object);
}
