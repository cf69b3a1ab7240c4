/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Features of devices: asked for, passed as they are, and the small ones by name. */
#include <libiommufd/feature.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/opts.h"
#include "vfio/feature.h"

/* More than any feature has; bounds what a caller can make us allocate. */
#define DATA_MAX 65536

int feature_call(struct devfd *d, uint32_t flags, void *data, size_t length)
{
	union {
		struct k_vfio_device_feature feature;
		uint64_t room[8]; /* enough for most */
	} small = { .room = { 0 } };
	const size_t size = sizeof(struct k_vfio_device_feature) + length;
	struct k_vfio_device_feature *arg = size <= sizeof(small) ? &small.feature :
								    calloc(1, size);
	int r;

	if (!arg)
		return -ENOMEM;
	arg->argsz = (uint32_t)size;
	arg->flags = flags;
	if (length)
		memcpy(arg->data, data, length);
	r = sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_FEATURE, arg);
	if (length)
		memcpy(data, arg->data, length);
	if (arg != &small.feature)
		free(arg);
	return r == -ENOTTY ? -EOPNOTSUPP : r;
}

int feature_missing(struct devfd *d, const char *what, const char *remedy)
{
	return err(-EOPNOTSUPP, "VFIO_DEVICE_FEATURE", d->object, remedy,
		   "the device, or its driver in this kernel, has no %s", what);
}

static int check_feature(const char *function, uint32_t feature)
{
	return feature <= K_VFIO_DEVICE_FEATURE_MASK ? 0 :
		err(-EINVAL, function, "feature", "use one of IOMMUFD_FEATURE_*",
		    "%u is not the number of a feature", feature);
}

IOMMUFD_EXPORT int iommufd_device_has_feature(struct iommufd_device *dev, uint32_t feature,
					      uint32_t access)
{
	uint32_t flags = (access & IOMMUFD_FEATURE_GET ? K_VFIO_DEVICE_FEATURE_GET : 0u) |
			 (access & IOMMUFD_FEATURE_SET ? K_VFIO_DEVICE_FEATURE_SET : 0u);
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = check_feature(__func__, feature);
	if (!r)
		r = opts_flags(__func__, access, IOMMUFD_FEATURE_GET | IOMMUFD_FEATURE_SET);
	if (!r) {
		r = feature_call(d, K_VFIO_DEVICE_FEATURE_PROBE | flags | feature, NULL, 0);
		/* EINVAL: not in this way, or not of this device. */
		if (r >= 0 || r == -EOPNOTSUPP || r == -EINVAL)
			return r >= 0;
		r = err_kernel(r, KNOWN(0), "VFIO_DEVICE_FEATURE", d->object,
			       "check that the device is still there",
			       "the kernel does not tell whether there is feature %u", feature);
	}
	return err_log(&d->core->log, r);
}

static int raw(struct iommufd_device *dev, const char *function, uint32_t way, uint32_t feature,
	       void *data, size_t length)
{
	struct devfd *d;
	int r = service_find(dev, function, &d);

	if (r)
		return r;
	r = check_feature(function, feature);
	if (!r && length && !data)
		r = err_null(function, "data");
	if (!r && length > DATA_MAX)
		r = err(-EINVAL, function, "length", "pass the structure of the feature",
			"no feature has %zu bytes", length);
	if (r)
		return err_log(&d->core->log, r);
	r = feature_call(d, way | feature, data, length);
	if (r >= 0)
		return r;
	r = err_kernel(r, KNOWN(-EINVAL, -EOPNOTSUPP, -ENOMEM, -EMFILE, -E2BIG, -EOVERFLOW,
				-EFAULT, -EBADF, -EBUSY, -ENODEV),
		       "VFIO_DEVICE_FEATURE", d->object,
		       r == -EOPNOTSUPP ? "ask iommufd_device_has_feature() first" :
					  "compare data and length with the kernel's header",
		       "feature %u with %zu bytes cannot be %s", feature, length,
		       way == K_VFIO_DEVICE_FEATURE_GET ? "read" : "written");
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_device_get_feature(struct iommufd_device *dev, uint32_t feature,
					      void *data, size_t length)
{
	return raw(dev, __func__, K_VFIO_DEVICE_FEATURE_GET, feature, data, length);
}

IOMMUFD_EXPORT int iommufd_device_set_feature(struct iommufd_device *dev, uint32_t feature,
					      void *data, size_t length)
{
	int r = raw(dev, __func__, K_VFIO_DEVICE_FEATURE_SET, feature, data, length);

	return r < 0 ? r : 0;
}

static int low_power(struct devfd *d, int wakeup_fd)
{
	struct k_vfio_device_low_power_entry_with_wakeup wakeup = { .wakeup_eventfd = wakeup_fd };
	int r;

	if (wakeup_fd < 0)
		r = feature_call(d, K_VFIO_DEVICE_FEATURE_SET |
				    K_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, NULL, 0);
	else
		r = feature_call(d, K_VFIO_DEVICE_FEATURE_SET |
				    K_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
				 &wakeup, sizeof(wakeup));
	if (r == -EOPNOTSUPP)
		return feature_missing(d, "state of low power", "leave it awake, or use Linux 6.1");
	return r >= 0 ? 0 : err_kernel(r, KNOWN(-EINVAL, -EBADF, -ENOMEM), "VFIO_DEVICE_FEATURE",
				       d->object,
				       r == -EINVAL && wakeup_fd >= 0 ? "pass an eventfd, and wake the device first if it sleeps" :
				       r == -EINVAL ? "wake it first with iommufd_device_leave_low_power()" :
				       r == -EBADF ? "pass an open eventfd" : "try again",
				       "the device cannot be let sleep");
}

IOMMUFD_EXPORT int iommufd_device_enter_low_power(struct iommufd_device *dev, int wakeup_fd)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = wakeup_fd >= -1 ? low_power(d, wakeup_fd) :
		err(-EBADF, __func__, "wakeup_fd", "pass an eventfd, or -1 for none",
		    "%d is no descriptor", wakeup_fd);
	return err_log(&d->core->log, r);
}

/* Features that are told something and can fail for no reason of the caller's. */
static int tell(struct devfd *d, uint32_t feature, void *data, size_t length, const char *what,
		const char *remedy)
{
	int r = feature_call(d, K_VFIO_DEVICE_FEATURE_SET | feature, data, length);

	if (r == -EOPNOTSUPP)
		r = feature_missing(d, what, remedy);
	else if (r < 0)
		r = err_kernel(r, KNOWN(-ENOMEM), "VFIO_DEVICE_FEATURE", d->object,
			       "check that the device is still there, and try again",
			       "the %s cannot be set", what);
	else
		r = 0;
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_device_leave_low_power(struct iommufd_device *dev)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	return r ? r : tell(d, K_VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL, 0, "state of low power",
			    "it is awake");
}

IOMMUFD_EXPORT int iommufd_device_set_bus_master(struct iommufd_device *dev, int enable)
{
	struct k_vfio_device_feature_bus_master arg = {
		.op = enable ? K_VFIO_DEVICE_FEATURE_SET_MASTER : K_VFIO_DEVICE_FEATURE_CLEAR_MASTER,
	};
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	if (enable != 0 && enable != 1) {
		r = err(-EINVAL, __func__, "enable", "use 0 or 1", "the value is %d", enable);
		return err_log(&d->core->log, r);
	}
	return tell(d, K_VFIO_DEVICE_FEATURE_BUS_MASTER, &arg, sizeof(arg),
		    "switch for bus mastering outside of its registers",
		    "use iommufd_pci_set_bus_master() for a PCI device");
}

IOMMUFD_EXPORT int iommufd_device_set_vf_token(struct iommufd_device *dev, const uint8_t *token)
{
	uint8_t copy[16];
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	if (!token)
		return err_log(&d->core->log, err_null(__func__, "token"));
	memcpy(copy, token, sizeof(copy));
	return tell(d, K_VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, copy, sizeof(copy),
		    "token for virtual functions",
		    "set it on the physical function, with SR-IOV enabled for vfio-pci");
}
