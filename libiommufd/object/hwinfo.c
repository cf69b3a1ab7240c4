/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the kernel tells of the IOMMU in front of a device. */
#include "object/hwinfo.h"

#include <errno.h>
#include <string.h>

#include "base/opts.h"
#include "object/device.h"

static const char call_name[] = "IOMMU_GET_HW_INFO";

static int refused(const struct iommufd_device *dev, const char *remedy, const char *why)
{
	return err(-EOPNOTSUPP, call_name, dev->fd.object, remedy, "%s", why);
}

static int check(const struct iommufd_device *dev)
{
	const struct engine *e = dev->fd.engine;

	if (e->noiommu)
		return refused(dev, "do without: addresses are physical ones",
			       "no IOMMU stands behind the device");
	if (!e->ops->command)
		return refused(dev, "use a backend with /dev/iommu, as cdev+iommufd",
			       "the IOMMU can be asked for through /dev/iommu only");
	if (!dev->fd.transport->attach_table)
		return refused(dev, "give the user access to the device's own node in /dev/vfio/devices",
			       "the device is had by its group, and the kernel tells of devices that have their own node");
	if (dev->mediated)
		return refused(dev, "ask for the device that it is a part of",
			       "a mediated device has no IOMMU of its own");
	if (!engine_has(e, IOMMUFD_CAP_HW_INFO))
		return refused(dev, "use Linux 6.6 or newer", "the kernel does not tell");
	return 0;
}

static int kernel_failed(const struct iommufd_device *dev, int r, uint32_t type)
{
	if (r == -ENOENT) /* where sysfs is hidden nothing else shows it */
		return refused(dev, "ask for the device that it is a part of",
			       "the kernel knows no IOMMU of the device: it must be a mediated one");
	return err_kernel(r, KNOWN(-ENOMEM, -EOPNOTSUPP), call_name, dev->fd.object,
			  type ? "ask for IOMMUFD_HW_INFO_NONE, which is whatever there is" :
				 "do without on this kernel",
			  "the IOMMU cannot be asked for type %u", type);
}

/* The engine's number of the device stays while it is open: no lock is needed. */
int device_hw_info(struct iommufd_device *dev, uint32_t type, struct iommufd_hw_info *info)
{
	struct k_iommu_hw_info arg = {
		.size = sizeof(arg), .dev_id = dev->fd.id, .data_len = sizeof(info->data),
		.flags = type ? K_IOMMU_HW_INFO_FLAG_INPUT_TYPE : 0u, .in_data_type = type,
		.data_uptr = (uintptr_t)info->data,
	};
	int r = check(dev);

	if (r)
		return r;
	memset(info, 0, sizeof(*info));
	r = dev->fd.engine->ops->command(dev->fd.engine, K_IOMMU_GET_HW_INFO, &arg);
	if (r)
		return kernel_failed(dev, r, type);
	if (type && arg.out_data_type != type) /* who knows no types at all ignores the request */
		return kernel_failed(dev, -EOPNOTSUPP, type);
	info->type = arg.out_data_type;
	info->data_length = arg.data_len;
	info->capabilities = arg.out_capabilities;
	info->pasid_width = arg.out_max_pasid_log2;
	return 0;
}

static int get_hw_info(struct iommufd_device *dev, const char *function, uint32_t type,
		       struct iommufd_hw_info *info)
{
	struct iommufd_hw_info known;
	int r = device_check(dev, function);

	if (r)
		return r;
	r = info ? device_hw_info(dev, type, &known) : err_null(function, "info");
	if (!r)
		r = opts_put(function, info, &known, sizeof(known));
	return err_log(&dev->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_device_get_hw_info(struct iommufd_device *dev,
					      struct iommufd_hw_info *info)
{
	return get_hw_info(dev, __func__, IOMMUFD_HW_INFO_NONE, info);
}

IOMMUFD_EXPORT int iommufd_device_get_hw_info_of(struct iommufd_device *dev, uint32_t type,
						 struct iommufd_hw_info *info)
{
	return get_hw_info(dev, __func__, type, info);
}
