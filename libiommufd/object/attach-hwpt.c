/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Attaching devices to page tables that the program names. */
#include <errno.h>

#include "object/attach.h"

static int check_pair(struct iommufd_device *dev, const char *function, struct iommufd_hwpt *hwpt)
{
	int r = device_check(dev, function);

	if (!r)
		r = hwpt_check(hwpt, function);
	if (r)
		return r;
	if (dev->ctx != hwpt->ctx)
		r = err(-EINVAL, function, dev->fd.object,
			"use a table made in the context that the device was opened in",
			"%s belongs to another context", hwpt->object);
	else if (!device_has_tables(dev))
		r = err(-EOPNOTSUPP, function, dev->fd.object,
			"attach it to the IOAS: iommufd_device_attach()",
			"the device, had by %s%s, can be attached to address spaces only",
			dev->fd.transport->name, dev->mediated ? " and mediated" : "");
	return err_log(&dev->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_device_attach_hwpt(struct iommufd_device *dev,
					      struct iommufd_hwpt *hwpt)
{
	int r = check_pair(dev, __func__, hwpt);

	return r ? r : attachment_make(dev, __func__,
				       (struct attachment){ .ioas = hwpt->ioas, .hwpt = hwpt });
}

IOMMUFD_EXPORT int iommufd_device_replace_hwpt(struct iommufd_device *dev,
					       struct iommufd_hwpt *hwpt)
{
	int r = check_pair(dev, __func__, hwpt);

	return r ? r : attachment_replace(dev, __func__,
					  (struct attachment){ .ioas = hwpt->ioas, .hwpt = hwpt });
}

IOMMUFD_EXPORT int iommufd_device_get_hwpt(struct iommufd_device *dev, struct iommufd_hwpt **out)
{
	int r = device_check(dev, __func__);

	if (out)
		*out = NULL;
	if (r)
		return r;
	if (!out)
		return err_log(&dev->ctx->core.log, err_null(__func__, "out"));
	pthread_mutex_lock(&dev->ctx->lock);
	if (dev->hwpt && !dev->hwpt->automatic)
		*out = iommufd_hwpt_ref(dev->hwpt);
	pthread_mutex_unlock(&dev->ctx->lock);
	return 0;
}
