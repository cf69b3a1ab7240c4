/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* VFIO's requests to attach and detach, which make one of attaching and replacing. */
#include "emu/attach.h"

#include <errno.h>

#include "os/uapi.h"

static emu_connect_fn *how(const struct emu_device *dev, int pasid)
{
	bool again;

	if (pasid > EMU_PASID_ZERO)
		return emu_pasid_find(dev->group, dev, pasid) ? emu_replace_pasid
							      : emu_attach_pasid;
	again = dev->attached && dev->attached_as_pasid == (pasid == EMU_PASID_ZERO);
	return again ? emu_replace : emu_attach;
}

int emu_device_attach(struct emu_device *dev, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_device_attach_iommufd_pt, pt_id);
	struct k_vfio_device_attach_iommufd_pt in = { 0 };
	int pasid = EMU_NO_PASID;
	int r = emu_user_read(&in, arg, min);

	if (r)
		return r;
	if (in.argsz < min || (in.flags & ~(uint32_t)K_VFIO_DEVICE_ATTACH_PASID))
		return -EINVAL;
	if (in.flags & K_VFIO_DEVICE_ATTACH_PASID) {
		if (in.argsz < sizeof(in))
			return -EINVAL;
		r = emu_user_read(&in.pasid, arg + min, sizeof(in.pasid));
		if (r)
			return r;
		if (in.pasid > INT32_MAX)
			return -ENOSPC;
		pasid = (int)in.pasid;
	}
	r = emu_connect(dev, pasid, how(dev, pasid), &in.pt_id);
	if (r)
		return r;
	r = emu_user_write(arg + offsetof(struct k_vfio_device_attach_iommufd_pt, pt_id), &in.pt_id,
			   sizeof(in.pt_id));
	if (r && dev->attached && !dev->attached_as_pasid)
		emu_detach(dev); /* as the kernel does, whichever attachment it was */
	return r;
}

int emu_device_detach(struct emu_device *dev, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_device_detach_iommufd_pt, flags);
	struct k_vfio_device_detach_iommufd_pt in = { 0 };
	int r = emu_user_read(&in, arg, min);

	if (r)
		return r;
	if (in.argsz < min || (in.flags & ~(uint32_t)K_VFIO_DEVICE_DETACH_PASID))
		return -EINVAL;
	if (in.flags & K_VFIO_DEVICE_DETACH_PASID) {
		if (in.argsz < sizeof(in))
			return -EINVAL;
		r = emu_user_read(&in.pasid, arg + min, sizeof(in.pasid));
		if (r)
			return r;
		emu_detach_pasid(dev, (int)in.pasid);
	} else if (dev->attached && !dev->attached_as_pasid) {
		emu_detach(dev);
	}
	return 0;
}
