/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What a region is: the kernel's answer and its chain of capabilities. */
#include "vfio/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/opts.h"
#include "vfio/service.h"

/* More than any kernel sends; bounds what a broken answer can make us allocate. */
#define ANSWER_MAX (UINT32_C(1) << 20)

/* The kernel says how long its answer is when there is too little room for it. */
static int ask(struct devfd *d, uint32_t index, struct k_vfio_region_info **out)
{
	uint32_t size = sizeof(struct k_vfio_region_info);
	struct k_vfio_region_info *answer;
	int r;

	for (;;) {
		answer = calloc(1, size);
		if (!answer)
			return -ENOMEM;
		answer->argsz = size;
		answer->index = index;
		r = sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_GET_REGION_INFO, answer);
		if (r >= 0 && answer->argsz > size && answer->argsz <= ANSWER_MAX) {
			size = answer->argsz;
			free(answer);
			continue;
		}
		if (r >= 0) {
			/* Offsets in the answer are checked against what was really read. */
			answer->argsz = size;
			*out = answer;
			return 0;
		}
		free(answer);
		return r;
	}
}

static const struct k_vfio_info_cap_header *next_capability(const struct k_vfio_region_info *answer,
							     uint32_t *at, size_t least)
{
	const struct k_vfio_info_cap_header *cap;
	uint32_t here = *at;

	if (!here || here % sizeof(uint32_t) || here > answer->argsz ||
	    answer->argsz - here < sizeof(*cap))
		return NULL;
	cap = (const void *)((const char *)answer + here);
	/* A chain that does not go forward would never end. */
	*at = cap->next > here ? cap->next : 0;
	return answer->argsz - here >= least ? cap : NULL;
}

static int add_area(struct region *region, uint64_t offset, uint64_t length)
{
	struct iommufd_region_area *areas;

	if (!length || offset >= region->info.length || length > region->info.length - offset)
		return 0;
	areas = realloc(region->areas, (region->info.num_areas + 1) * sizeof(*areas));
	if (!areas)
		return -ENOMEM;
	region->areas = areas;
	areas[region->info.num_areas++] = (struct iommufd_region_area){ offset, length };
	return 0;
}

static int read_sparse(const struct k_vfio_region_info *answer,
		       const struct k_vfio_info_cap_header *header, struct region *region)
{
	const struct k_vfio_region_info_cap_sparse_mmap *cap = (const void *)header;
	size_t room = answer->argsz - (size_t)((const char *)cap - (const char *)answer);
	size_t fit = room < sizeof(*cap) ? 0 : (room - sizeof(*cap)) / sizeof(cap->areas[0]);
	int r = 0;

	for (uint32_t i = 0; i < cap->nr_areas && i < fit && !r; i++)
		r = add_area(region, cap->areas[i].offset, cap->areas[i].size);
	return r;
}

static int read_capabilities(const struct k_vfio_region_info *answer, struct region *region)
{
	const struct k_vfio_info_cap_header *cap;
	bool sparse = false;
	uint32_t at = answer->flags & K_VFIO_REGION_INFO_FLAG_CAPS ? answer->cap_offset : 0;
	int r = 0;

	while (at && !r) {
		uint32_t here = at;

		cap = next_capability(answer, &at, sizeof(*cap));
		if (!cap)
			break;
		if (cap->id == K_VFIO_REGION_INFO_CAP_SPARSE_MMAP &&
		    next_capability(answer, &here,
				    sizeof(struct k_vfio_region_info_cap_sparse_mmap))) {
			sparse = true;
			r = read_sparse(answer, cap, region);
		} else if (cap->id == K_VFIO_REGION_INFO_CAP_TYPE &&
			   next_capability(answer, &here,
					   sizeof(struct k_vfio_region_info_cap_type))) {
			const struct k_vfio_region_info_cap_type *type = (const void *)cap;

			region->info.type = type->type;
			region->info.subtype = type->subtype;
		} else if (cap->id == K_VFIO_REGION_INFO_CAP_MSIX_MAPPABLE)
			region->info.flags |= IOMMUFD_REGION_MSIX_MAP;
	}
	if (!r && !sparse && region->info.flags & IOMMUFD_REGION_MAP)
		r = add_area(region, 0, region->info.length);
	return r;
}

static int by_offset(const void *a, const void *b)
{
	const struct iommufd_region_area *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int read_region(struct devfd *d, uint32_t index, struct region **out)
{
	struct k_vfio_region_info *answer;
	struct region *region;
	int r = ask(d, index, &answer);

	if (r)
		return r;
	region = calloc(1, sizeof(*region));
	if (!region) {
		free(answer);
		return -ENOMEM;
	}
	region->info.length = answer->size;
	region->info.offset = answer->offset;
	region->info.flags = (answer->flags & K_VFIO_REGION_INFO_FLAG_READ ? IOMMUFD_REGION_READ : 0u) |
			     (answer->flags & K_VFIO_REGION_INFO_FLAG_WRITE ? IOMMUFD_REGION_WRITE : 0u) |
			     (answer->flags & K_VFIO_REGION_INFO_FLAG_MMAP ? IOMMUFD_REGION_MAP : 0u);
	r = read_capabilities(answer, region);
	free(answer);
	if (r) {
		free(region->areas);
		free(region);
		return r;
	}
	if (region->info.num_areas)
		qsort(region->areas, region->info.num_areas, sizeof(*region->areas), by_offset);
	*out = region;
	return 0;
}

int region_get(struct devfd *d, const char *function, uint32_t index, const struct region **out)
{
	uint32_t count = d->info.num_regions;
	int r = 0;

	if (index >= count)
		return err(-EINVAL, function, d->object, "use a region number below num_regions",
			   "there is no region %u; the device has %u", index, count);
	pthread_mutex_lock(&d->lock);
	if (!d->regions)
		d->regions = calloc(count, sizeof(*d->regions));
	if (!d->regions)
		r = -ENOMEM;
	else if (!d->regions[index])
		r = read_region(d, index, &d->regions[index]);
	if (!r)
		*out = d->regions[index];
	pthread_mutex_unlock(&d->lock);
	if (!r)
		return 0;
	if (r == -ENOMEM)
		return err_nomem(function, d->object);
	return err_kernel(r, KNOWN(-EINVAL, -ENODEV), "VFIO_DEVICE_GET_REGION_INFO", d->object,
			  "use a region that the device has",
			  "the kernel does not tell what region %u is", index);
}

void region_exit(struct devfd *d)
{
	region_unmap_all(d);
	for (uint32_t i = 0; d->regions && i < d->info.num_regions; i++) {
		if (d->regions[i])
			free(d->regions[i]->areas);
		free(d->regions[i]);
	}
	free(d->regions);
	d->regions = NULL;
}

IOMMUFD_EXPORT int iommufd_region_get_info(struct iommufd_device *dev, uint32_t index,
					   struct iommufd_region_info *info)
{
	struct devfd *d;
	const struct region *region;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	r = region_get(d, __func__, index, &region);
	if (!r)
		r = opts_put(__func__, info, &region->info, sizeof(region->info));
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_region_get_areas(struct iommufd_device *dev, uint32_t index,
					    struct iommufd_region_area *areas, size_t *count)
{
	struct devfd *d;
	const struct region *region;
	size_t room;
	int r = service_find(dev, __func__, &d);

	if (r)
		return r;
	if (!count || (*count && !areas))
		return err_log(&d->core->log, err_null(__func__, count ? "areas" : "count"));
	r = region_get(d, __func__, index, &region);
	if (r)
		return err_log(&d->core->log, r);
	room = *count;
	*count = region->info.num_areas;
	if (*count < room)
		room = *count;
	if (room)
		memcpy(areas, region->areas, room * sizeof(*areas));
	if (*count > room)
		r = err(-ENOBUFS, __func__, d->object, "call again with room for all",
			"there are %zu areas and room for %zu", *count, room);
	return err_log(&d->core->log, r);
}
