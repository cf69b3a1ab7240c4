/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Register writes that the kernel makes when an eventfd is signalled. */
#include "vfio/region.h"

#include <errno.h>

#include "vfio/service.h"

typedef unsigned long long ull; /* for printf */

static int check_write(struct devfd *d, const char *function, const struct region *region,
		       uint32_t index, uint64_t offset, uint32_t width, uint64_t value, int fd)
{
	if (width != 1 && width != 2 && width != 4 && width != 8)
		return err(-EINVAL, function, "width", "use 1, 2, 4 or 8",
			   "no register is %u bytes wide", width);
	if (width < 8 && value >> (8 * width))
		return err(-EINVAL, function, "value", "pass a value that fits the width",
			   "%#llx does not fit %u bytes", (ull)value, width);
	if (fd < -1)
		return err(-EINVAL, function, "fd", "pass an eventfd, or -1 to take one away",
			   "%d is no descriptor", fd);
	if (d->info.flags & K_VFIO_DEVICE_FLAGS_PCI && index > IOMMUFD_REGION_BAR5)
		return err(-EOPNOTSUPP, function, d->object, "use a register of a BAR",
			   "region %u is no BAR, and the kernel writes to those only", index);
	return region_check(d, function, region, index, offset, width, true, true);
}

static int write_refused(struct devfd *d, int r, uint32_t index, uint64_t offset, uint32_t width,
			 int fd)
{
	if (r == -ENOTTY)
		r = -EOPNOTSUPP;
	if (r == -ENODEV && fd < 0)
		r = -ENOENT; /* how the kernel says that there is none */
	return err_kernel(r, KNOWN(-EINVAL, -EOPNOTSUPP, -EEXIST, -ENOENT, -ENOSPC, -EBADF, -EBUSY,
				   -ENODEV, -ENOMEM),
			  "VFIO_DEVICE_IOEVENTFD", d->object,
			  r == -EINVAL ? "pass an eventfd, and stay clear of the MSI-X table" :
			  r == -EOPNOTSUPP ? "wait for the eventfd and write the register yourself" :
			  r == -EEXIST ? "take the eventfd of this write away first, with -1" :
			  r == -ENOENT ? "name offset, width and value as when it was set" :
			  r == -ENOSPC ? "take others away first" :
			  r == -EBADF ? "pass an open eventfd" :
			  r == -ENOMEM ? "free memory and try again" :
					 "check that the device is there and nobody else has its BAR",
			  fd < 0 ? "no eventfd to take away from the write of %u bytes at offset %#llx of region %u" :
				   "the write of %u bytes at offset %#llx of region %u cannot be had by eventfd",
			  width, (ull)offset, index);
}

IOMMUFD_EXPORT int iommufd_region_set_ioeventfd(struct iommufd_device *dev, uint32_t index,
						uint64_t offset, uint32_t width, uint64_t value,
						int fd)
{
	const struct region *region;
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = region_get(d, __func__, index, &region);
	if (!r)
		r = check_write(d, __func__, region, index, offset, width, value, fd);
	if (!r) {
		struct k_vfio_device_ioeventfd arg = {
			.argsz = sizeof(arg), .flags = width, /* the flag of a width is the width */
			.offset = region->info.offset + offset, .data = value, .fd = fd,
		};

		r = sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_IOEVENTFD, &arg);
		r = r < 0 ? write_refused(d, r, index, offset, width, fd) : 0;
	}
	return err_log(&d->core->log, r);
}
