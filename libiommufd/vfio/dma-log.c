/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The log that a device keeps of the pages it writes. */
#include <libiommufd/feature.h>
#include <libiommufd/ioas.h>

#include <errno.h>
#include <stdlib.h>

#include "vfio/feature.h"

/* The least that the kernel tells apart. */
#define PAGE_MIN 4096u

typedef unsigned long long ull; /* for printf */

static int missing(struct devfd *d)
{
	return feature_missing(d, "log of its DMA, or none of this kind",
			       "track what devices write in the IOAS, or copy all memory");
}

static int failed(struct devfd *d, int r, const char *remedy, const char *what)
{
	return err_kernel(r, KNOWN(-EINVAL, -E2BIG, -EOVERFLOW, -EOPNOTSUPP, -EFAULT, -ENOMEM),
			  "VFIO_DEVICE_FEATURE", d->object, remedy, "%s", what);
}

static int check_page_size(const char *function, uint64_t page_size)
{
	if (page_size >= PAGE_MIN && !(page_size & (page_size - 1)))
		return 0;
	return err(-EINVAL, function, "page_size", "use a power of two from 4096 on",
		   "a bit cannot stand for %#llx bytes", (ull)page_size);
}

/* In the kernel's words; @last may be anything. */
static int state_range(struct devfd *d, const char *function, const struct iommufd_range *range,
		       uint64_t page_size, struct k_vfio_device_feature_dma_logging_range *out)
{
	if (range->last < range->start ||
	    (range->start | (range->last + 1)) & (page_size - 1))
		return err(-EINVAL, function, d->object, "name whole pages",
			   "iova %#llx..%#llx is not made of pages of %#llx bytes",
			   (ull)range->start, (ull)range->last, (ull)page_size);
	if (range->last == UINT64_MAX)
		return err(-EOVERFLOW, function, d->object, "end a page earlier",
			   "iova %#llx..%#llx reaches the end of the address space",
			   (ull)range->start, (ull)range->last);
	out->iova = range->start;
	out->length = range->last - range->start + 1;
	return 0;
}

static int start(struct devfd *d, const char *function, const struct iommufd_range *ranges,
		 size_t count, uint64_t *page_size)
{
	struct k_vfio_device_feature_dma_logging_control arg = {
		.page_size = *page_size, .num_ranges = (uint32_t)count,
	};
	struct k_vfio_device_feature_dma_logging_range *list;
	int r = check_page_size(function, *page_size);

	if (!r && !count)
		r = err(-EINVAL, function, "count", "name at least one range",
			"there is no range to watch");
	if (!r && count > UINT16_MAX)
		r = err(-E2BIG, function, "count", "name fewer and larger ranges",
			"%zu ranges are more than any kernel takes", count);
	if (r)
		return r;
	list = calloc(count, sizeof(*list));
	if (!list)
		return err_nomem(function, d->object);
	for (size_t i = 0; i < count && !r; i++)
		r = state_range(d, function, &ranges[i], *page_size, &list[i]);
	if (!r) {
		arg.ranges = (uintptr_t)list;
		r = feature_call(d, K_VFIO_DEVICE_FEATURE_SET |
				    K_VFIO_DEVICE_FEATURE_DMA_LOGGING_START, &arg, sizeof(arg));
		if (r == -EOPNOTSUPP)
			r = missing(d);
		else if (r < 0)
			r = failed(d, r, r == -EINVAL ? "keep ranges apart, and stop a log that has begun" :
					 r == -E2BIG ? "name fewer and larger ranges" :
						       "watch less, or in larger pages",
				   "the device does not log this");
		else
			*page_size = arg.page_size;
	}
	free(list);
	return r < 0 ? r : 0;
}

IOMMUFD_EXPORT int iommufd_device_start_dma_log(struct iommufd_device *dev,
						const struct iommufd_range *ranges, size_t count,
						uint64_t *page_size)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = ranges && page_size ? start(d, __func__, ranges, count, page_size) :
		err_null(__func__, ranges ? "page_size" : "ranges");
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_device_stop_dma_log(struct iommufd_device *dev)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = feature_call(d, K_VFIO_DEVICE_FEATURE_SET | K_VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
			 NULL, 0);
	if (r == -EOPNOTSUPP)
		r = missing(d);
	else if (r < 0)
		r = err_kernel(r, KNOWN(-ENOMEM), "VFIO_DEVICE_FEATURE", d->object,
			       "close the device", "the log cannot be ended");
	return err_log(&d->core->log, r < 0 ? r : 0);
}

static int read_log(struct devfd *d, const char *function, uint64_t iova, uint64_t length,
		    uint64_t page_size, uint64_t *bitmap)
{
	struct k_vfio_device_feature_dma_logging_report arg = {
		.iova = iova, .length = length, .page_size = page_size,
		.bitmap = (uintptr_t)bitmap,
	};
	int r = check_page_size(function, page_size);

	if (r)
		return r;
	if (!length || (iova | length) & (page_size - 1))
		return err(-EINVAL, function, d->object, "name whole pages",
			   "iova %#llx, length %#llx is not made of pages of %#llx bytes",
			   (ull)iova, (ull)length, (ull)page_size);
	if (iova + length < iova)
		return err(-EOVERFLOW, function, d->object, "keep iova + length within 64 bits",
			   "iova %#llx with length %#llx wraps around", (ull)iova, (ull)length);
	r = feature_call(d, K_VFIO_DEVICE_FEATURE_GET | K_VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
			 &arg, sizeof(arg));
	if (r == -EOPNOTSUPP)
		return missing(d);
	return r >= 0 ? 0 : failed(d, r, r == -EINVAL ? "begin with iommufd_device_start_dma_log()" :
						       "treat all pages as written",
				   "what the device wrote cannot be read");
}

IOMMUFD_EXPORT int iommufd_device_read_dma_log(struct iommufd_device *dev, uint64_t iova,
					       uint64_t length, uint64_t page_size,
					       uint64_t *bitmap)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = bitmap ? read_log(d, __func__, iova, length, page_size, bitmap) :
		     err_null(__func__, "bitmap");
	return err_log(&d->core->log, r);
}
