/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Migration: a device's states, and the bytes that it is made of. */
#include <libiommufd/migration.h>

#include <errno.h>

#include "base/opts.h"
#include "vfio/feature.h"

static int missing(struct devfd *d)
{
	return feature_missing(d, "migration",
			       "unplug it before the machine moves, and plug another in");
}

static int failed(struct devfd *d, int r, const char *what)
{
	if (r == -EOPNOTSUPP)
		return missing(d);
	return err_kernel(r, KNOWN(0), "VFIO_DEVICE_FEATURE", d->object,
			  "reset the device with iommufd_device_reset()", "%s", what);
}

/* Features that are read and can fail for no reason of the caller's. */
static int get(struct iommufd_device *dev, const char *function, uint32_t feature, void *data,
	       size_t length, const void *out, const char *argument, const char *what)
{
	struct devfd *d;
	int r = service_find(dev, function, &d);

	if (r)
		return r;
	if (!out)
		return err_log(&d->core->log, err_null(function, argument));
	r = feature_call(d, K_VFIO_DEVICE_FEATURE_GET | feature, data, length);
	return r >= 0 ? 0 : err_log(&d->core->log, failed(d, r, what));
}

IOMMUFD_EXPORT int iommufd_migration_get_flags(struct iommufd_device *dev, uint64_t *flags)
{
	struct k_vfio_device_feature_migration arg = { 0 };
	int r = get(dev, __func__, K_VFIO_DEVICE_FEATURE_MIGRATION, &arg, sizeof(arg), flags,
		    "flags", "the device does not tell how it can be migrated");

	if (!r)
		*flags = arg.flags;
	return r;
}

IOMMUFD_EXPORT int iommufd_migration_get_state(struct iommufd_device *dev, uint32_t *state)
{
	struct k_vfio_device_feature_mig_state arg = { 0 };
	int r = get(dev, __func__, K_VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, &arg, sizeof(arg),
		    state, "state", "the device does not tell its state");

	if (!r)
		*state = arg.device_state;
	return r;
}

IOMMUFD_EXPORT int iommufd_migration_get_data_size(struct iommufd_device *dev, uint64_t *bytes)
{
	struct k_vfio_device_feature_mig_data_size arg = { 0 };
	int r = get(dev, __func__, K_VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, &arg, sizeof(arg), bytes,
		    "bytes", "the device does not estimate its state");

	if (!r)
		*bytes = arg.stop_copy_length;
	return r;
}

static bool is_precopy(uint32_t state)
{
	return state == IOMMUFD_MIGRATION_STATE_PRE_COPY ||
	       state == IOMMUFD_MIGRATION_STATE_PRE_COPY_P2P;
}

static int set_state(struct devfd *d, const char *function, uint32_t state, int *fd)
{
	struct k_vfio_device_feature_mig_state arg = { .device_state = state, .data_fd = -1 };
	int r;

	if (state == IOMMUFD_MIGRATION_STATE_ERROR)
		return err(-EINVAL, function, "state", "choose another state",
			   "no device is brought into the state of an error");
	if (is_precopy(state)) /* the flags that the kernel may tell then are ours to take */
		feature_call(d, K_VFIO_DEVICE_FEATURE_SET |
				K_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, NULL, 0);
	r = feature_call(d, K_VFIO_DEVICE_FEATURE_SET | K_VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			 &arg, sizeof(arg));
	if (r >= 0) {
		*fd = arg.data_fd;
		return 0;
	}
	if (r == -EOPNOTSUPP)
		return missing(d);
	return err_kernel(r, KNOWN(-EINVAL, -EBUSY, -EMFILE, -ENFILE, -ENOMEM),
			  "VFIO_DEVICE_FEATURE", d->object,
			  r == -EINVAL ? "see what iommufd_migration_get_flags() and get_state() say, and write a state as a whole" :
			  r == -EMFILE || r == -ENFILE ? "close descriptors that are not needed" :
							 "ask for the state it is in, and try again or reset it",
			  "the device cannot be brought into state %u", state);
}

IOMMUFD_EXPORT int iommufd_migration_set_state(struct iommufd_device *dev, uint32_t state, int *fd)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (fd)
		*fd = -1;
	if (r)
		return r;
	r = fd ? set_state(d, __func__, state, fd) : err_null(__func__, "fd");
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_migration_get_precopy_info(struct iommufd_device *dev, int fd,
						      struct iommufd_precopy_info *info)
{
	struct k_vfio_precopy_info arg = { .argsz = sizeof(arg) };
	struct iommufd_precopy_info known = { 0 };
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	if (!info)
		return err_log(&d->core->log, err_null(__func__, "info"));
	r = sys_ioctl(d->core->sys, fd, K_VFIO_MIG_GET_PRECOPY_INFO, &arg);
	if (r < 0) {
		r = err_kernel(r == -ENOTTY ? -EOPNOTSUPP : r,
			       KNOWN(-EINVAL, -EOPNOTSUPP, -EBADF, -ENODEV),
			       "VFIO_MIG_GET_PRECOPY_INFO", d->object,
			       "ask the descriptor that came with state PRE_COPY, while the device is in it",
			       "descriptor %d does not tell how much there is", fd);
	} else {
		known.flags = arg.flags & K_VFIO_PRECOPY_INFO_REINIT ? IOMMUFD_PRECOPY_REINIT : 0;
		known.initial_bytes = arg.initial_bytes;
		known.dirty_bytes = arg.dirty_bytes;
		r = opts_put(__func__, info, &known, sizeof(known));
	}
	return err_log(&d->core->log, r);
}

static int read_all(struct devfd *d, int fd, char *buf, size_t length, size_t *got)
{
	ssize_t r = 0;

	for (*got = 0; *got < length; *got += (size_t)r) {
		r = sys_read(d->core->sys, fd, buf + *got, length - *got);
		if (!r || r == -ENOMSG) /* nothing for now is said in either way */
			return 0;
		if (r < 0)
			break;
	}
	if (r >= 0 || *got)
		return 0;
	return err_kernel((int)r, KNOWN(-EINVAL, -EBADF, -EFAULT, -ENODEV, -ENOMEM), "read",
			  d->object,
			  "read the descriptor that came with state PRE_COPY or STOP_COPY, while the device is in it",
			  "the state of the device cannot be read from descriptor %d", fd);
}

IOMMUFD_EXPORT int iommufd_migration_read(struct iommufd_device *dev, int fd, void *buf,
					  size_t length, size_t *got)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = buf && got ? read_all(d, fd, buf, length, got) : err_null(__func__, buf ? "got" : "buf");
	return err_log(&d->core->log, r);
}

static int write_all(struct devfd *d, int fd, const char *buf, size_t length)
{
	while (length) {
		ssize_t r = sys_write(d->core->sys, fd, buf, length);

		if (r <= 0)
			return err_kernel(r ? (int)r : -EIO,
					  KNOWN(-EINVAL, -EBADF, -EFAULT, -ENODEV, -ENOMEM), "write",
					  d->object,
					  "write what was read of a device of this kind, to the descriptor that came with state RESUMING",
					  "the device does not take %zu bytes from descriptor %d",
					  length, fd);
		buf += r;
		length -= (size_t)r;
	}
	return 0;
}

IOMMUFD_EXPORT int iommufd_migration_write(struct iommufd_device *dev, int fd, const void *buf,
					   size_t length)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = buf ? write_all(d, fd, buf, length) : err_null(__func__, "buf");
	return err_log(&d->core->log, r);
}
