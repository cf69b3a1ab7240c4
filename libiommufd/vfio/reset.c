/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include <errno.h>

#include <libiommufd/reset.h>

#include "vfio/service.h"

IOMMUFD_EXPORT int iommufd_device_reset(struct iommufd_device *dev)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_RESET, NULL);
	if (r >= 0)
		return 0;
	/* EINVAL is how the kernel says that there is no method; PCI's ENOTTY, that it failed. */
	r = err_kernel(r == -EINVAL ? -EOPNOTSUPP : r,
		       KNOWN(-EOPNOTSUPP, -EAGAIN, -ENODEV), "VFIO_DEVICE_RESET", d->object,
		       r == -EAGAIN ? "try again" : "close the device and open it again",
		       "the device was not reset");
	return err_log(&d->core->log, r);
}
