/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "vfio/service.h"

#include <errno.h>

static int check(struct devfd *d, const char *function)
{
	int r;

	if (!d)
		return err_handle(function, "device");
	if (d->fd >= 0)
		return 0;
	r = err(-EOPNOTSUPP, function, d->object,
		"ask this of devices that were opened, by their VFIO driver",
		"the device has no descriptor: registers, interrupts and resets are not to be had");
	return err_log(&d->core->log, r);
}

int service_find(struct iommufd_device *dev, const char *function, struct devfd **out)
{
	*out = devfd_of(dev);
	return check(*out, function);
}

int service_find_disowned(struct iommufd_device *dev, const char *function, struct devfd **out)
{
	*out = devfd_was_of(dev);
	return check(*out, function);
}
