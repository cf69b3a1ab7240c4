/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The memory of a BAR as a file that other devices can be given. */
#include <errno.h>
#include <stdlib.h>

#include "vfio/feature.h"
#include "vfio/region.h"

#define AREAS_MAX 1024

typedef unsigned long long ull; /* for printf */

static int check_area(struct devfd *d, const char *function, const struct region *region,
		      uint32_t index, const struct iommufd_region_area *area)
{
	if (!area->length || (area->offset | area->length) & (d->core->page_size - 1))
		return err(-EINVAL, function, d->object, "name whole pages",
			   "offset %#llx, length %#llx of region %u is not made of pages",
			   (ull)area->offset, (ull)area->length, index);
	if (area->offset >= region->info.length ||
	    area->length > region->info.length - area->offset)
		return err(-EINVAL, function, d->object, "stay inside the region",
			   "offset %#llx, length %#llx is outside region %u of %#llx bytes",
			   (ull)area->offset, (ull)area->length, index,
			   (ull)region->info.length);
	return 0;
}

static int export_areas(struct devfd *d, uint32_t index, const struct iommufd_region_area *areas,
			size_t count)
{
	const size_t size = sizeof(struct k_vfio_device_feature_dma_buf) +
			    count * sizeof(struct k_vfio_region_dma_range);
	struct k_vfio_device_feature_dma_buf *arg = calloc(1, size);
	int r;

	if (!arg)
		return -ENOMEM;
	arg->region_index = index;
	arg->open_flags = O_CLOEXEC | O_RDWR;
	arg->nr_ranges = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		arg->dma_ranges[i] = (struct k_vfio_region_dma_range){ areas[i].offset,
								       areas[i].length };
	r = feature_call(d, K_VFIO_DEVICE_FEATURE_GET | K_VFIO_DEVICE_FEATURE_DMA_BUF, arg, size);
	free(arg);
	return r;
}

static int get_dma_buf(struct devfd *d, const char *function, uint32_t index,
		       const struct iommufd_region_area *areas, size_t count)
{
	const struct region *region;
	struct iommufd_region_area whole;
	int r = region_get(d, function, index, &region);

	if (!r && (!areas != !count || count > AREAS_MAX))
		r = err(-EINVAL, function, "count", "pass areas and how many, at most 1024, or neither",
			"%zu areas are named at %p", count, (const void *)areas);
	if (!r && d->info.flags & K_VFIO_DEVICE_FLAGS_PCI && index > IOMMUFD_REGION_BAR5)
		r = err(-EOPNOTSUPP, function, d->object, "name a BAR",
			"region %u is no BAR", index);
	if (r)
		return r;
	if (!areas) {
		whole = (struct iommufd_region_area){ 0, region->info.length };
		areas = &whole;
		count = 1;
	}
	for (size_t i = 0; i < count && !r; i++)
		r = check_area(d, function, region, index, &areas[i]);
	if (r)
		return r;
	r = export_areas(d, index, areas, count);
	if (r >= 0)
		return r;
	if (r == -EOPNOTSUPP)
		return feature_missing(d, "dma-buf of its registers",
				       "use Linux 6.19 with CONFIG_VFIO_PCI_DMABUF, or map the BAR by address on type1");
	return err_kernel(r, KNOWN(-EINVAL, -ENODEV, -EMFILE, -ENFILE, -ENOMEM),
			  "VFIO_DEVICE_FEATURE", d->object,
			  r == -EMFILE || r == -ENFILE ? "close descriptors that are not needed" :
							 "name a BAR of memory that the device has",
			  "region %u cannot be had as a dma-buf", index);
}

IOMMUFD_EXPORT int iommufd_region_get_dma_buf(struct iommufd_device *dev, uint32_t index,
					      const struct iommufd_region_area *areas,
					      size_t count)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	return r ? r : err_log(&d->core->log, get_dma_buf(d, __func__, index, areas, count));
}
