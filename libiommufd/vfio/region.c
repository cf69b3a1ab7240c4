/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Reading and writing regions through the kernel. */
#include "vfio/region.h"
#include "vfio/service.h"

#include <endian.h>
#include <errno.h>

int region_check(struct devfd *d, const char *function, const struct region *region, uint32_t index,
		 uint64_t offset, size_t length, bool write, bool whole)
{
	unsigned long long at = offset;

	if (!length)
		return err(-EINVAL, function, d->object, "access at least one byte",
			   "the length is 0");
	if (whole && offset % length)
		return err(-EINVAL, function, d->object, "align the offset to the width",
			   "offset %#llx of region %u is not a multiple of %zu", at, index, length);
	if (offset >= region->info.length || length > region->info.length - offset)
		return err(-EINVAL, function, d->object, "stay inside the region",
			   "offset %#llx, length %#zx is outside region %u of %#llx bytes", at,
			   length, index, (unsigned long long)region->info.length);
	if (!(region->info.flags & (write ? IOMMUFD_REGION_WRITE : IOMMUFD_REGION_READ)))
		return err(-EACCES, function, d->object, "look at the flags of the region first",
			   "region %u cannot be %s", index, write ? "written" : "read");
	return 0;
}

int region_access(struct devfd *d, const char *function, uint32_t index, uint64_t offset,
		  void *buf, size_t length, bool write, bool whole)
{
	const struct region *region;
	int r = region_get(d, function, index, &region);

	if (!r)
		r = region_check(d, function, region, index, offset, length, write, whole);
	if (r)
		return r;
	r = write ? sys_pwrite(d->core->sys, d->fd, buf, length, region->info.offset + offset) :
		    sys_pread(d->core->sys, d->fd, buf, length, region->info.offset + offset);
	if (!r)
		return 0;
	return err_kernel(r, KNOWN(-EINVAL, -EFAULT, -ENODEV, -ENOMEM), write ? "pwrite" : "pread",
			  d->object,
			  index == IOMMUFD_REGION_CONFIG ?
				  "check that the device is still there and awake" :
				  "switch on memory decoding with iommufd_pci_set_memory() and check that the device is awake",
			  "offset %#llx, length %#zx of region %u cannot be %s",
			  (unsigned long long)offset, length, index, write ? "written" : "read");
}

static int access_handle(struct iommufd_device *dev, const char *function, uint32_t index,
			 uint64_t offset, void *buf, size_t length, bool write, bool whole)
{
	struct devfd *d;
	int r = service_find(dev, function, &d);

	if (r)
		return r;
	r = buf ? region_access(d, function, index, offset, buf, length, write, whole) :
		  err_null(function, whole ? "value" : "buf");
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_region_read(struct iommufd_device *dev, uint32_t index, uint64_t offset,
				       void *buf, size_t length)
{
	return access_handle(dev, __func__, index, offset, buf, length, false, false);
}

IOMMUFD_EXPORT int iommufd_region_write(struct iommufd_device *dev, uint32_t index, uint64_t offset,
					const void *buf, size_t length)
{
	return access_handle(dev, __func__, index, offset, (void *)buf, length, true, false);
}

IOMMUFD_EXPORT int iommufd_region_read8(struct iommufd_device *dev, uint32_t index, uint64_t offset,
					uint8_t *value)
{
	return access_handle(dev, __func__, index, offset, value, sizeof(*value), false, true);
}

IOMMUFD_EXPORT int iommufd_region_write8(struct iommufd_device *dev, uint32_t index,
					 uint64_t offset, uint8_t value)
{
	return access_handle(dev, __func__, index, offset, &value, sizeof(value), true, true);
}

/* The wider ones convert from and to the little-endian order of PCI. */
#define REGION_WIDTH(bits)                                                                      \
	IOMMUFD_EXPORT int iommufd_region_read##bits(struct iommufd_device *dev, uint32_t index, \
						     uint64_t offset, uint##bits##_t *value)     \
	{                                                                                       \
		uint##bits##_t raw;                                                             \
		int r = access_handle(dev, __func__, index, offset, value ? &raw : NULL,        \
				      sizeof(raw), false, true);                                \
                                                                                                \
		if (!r)                                                                         \
			*value = le##bits##toh(raw);                                            \
		return r;                                                                       \
	}                                                                                       \
                                                                                                \
	IOMMUFD_EXPORT int iommufd_region_write##bits(struct iommufd_device *dev,               \
						      uint32_t index, uint64_t offset,          \
						      uint##bits##_t value)                     \
	{                                                                                       \
		uint##bits##_t raw = htole##bits(value);                                        \
                                                                                                \
		return access_handle(dev, __func__, index, offset, &raw, sizeof(raw), true,     \
				     true);                                                     \
	}

REGION_WIDTH(16)
REGION_WIDTH(32)
REGION_WIDTH(64)
