/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mapping regions into the process. The device remembers each mapping and removes it at close. */
#include "vfio/region.h"

#include <errno.h>
#include <stdlib.h>

#include "base/opts.h"
#include "vfio/service.h"

struct region_map {
	struct region_map *next;
	void *addr;
	size_t length;
};

/* An area shorter than its last page is mapped with the whole page: the kernel keeps it free. */
static bool in_an_area(const struct region *region, uint64_t offset, uint64_t length,
		       uint64_t mask)
{
	for (uint32_t i = 0; i < region->info.num_areas; i++) {
		const struct iommufd_region_area *a = &region->areas[i];
		uint64_t whole = (a->length + mask) & ~mask;

		if (offset >= a->offset && offset - a->offset <= whole &&
		    length <= whole - (offset - a->offset))
			return true;
	}
	return false;
}

static int check_map(struct devfd *d, const char *function, const struct region *region,
		     uint32_t index, uint64_t offset, size_t length, uint32_t access)
{
	uint64_t mask = d->core->page_size - 1;
	int r = opts_flags(function, access, IOMMUFD_REGION_READ | IOMMUFD_REGION_WRITE);

	if (r)
		return r;
	if (!access)
		return err(-EINVAL, function, "access",
			   "set IOMMUFD_REGION_READ, IOMMUFD_REGION_WRITE or both",
			   "no access is asked for");
	if (!length || (offset | length) & mask)
		return err(-EINVAL, function, d->object, "map whole pages",
			   "offset %#llx or length %#zx of region %u is 0 or not a multiple of %#llx",
			   (unsigned long long)offset, length, index, (unsigned long long)mask + 1);
	if (!(region->info.flags & IOMMUFD_REGION_MAP))
		return err(-EOPNOTSUPP, function, d->object,
			   "read and write it with iommufd_region_read() and its kin",
			   "region %u cannot be mapped", index);
	if (access & ~region->info.flags)
		return err(-EACCES, function, d->object, "look at the flags of the region first",
			   "region %u cannot be %s", index,
			   access & ~region->info.flags & IOMMUFD_REGION_WRITE ? "written" : "read");
	if (!in_an_area(region, offset, length, mask))
		return err(-EINVAL, function, d->object,
			   "stay inside one area of iommufd_region_get_areas()",
			   "offset %#llx, length %#zx is not inside a mappable area of region %u",
			   (unsigned long long)offset, length, index);
	return 0;
}

static int map(struct devfd *d, const char *function, uint32_t index, uint64_t offset,
	       size_t length, uint32_t access, void **out)
{
	const struct region *region;
	struct region_map *m;
	int prot = (access & IOMMUFD_REGION_READ ? PROT_READ : 0) |
		   (access & IOMMUFD_REGION_WRITE ? PROT_WRITE : 0);
	int r = region_get(d, function, index, &region);

	if (!r)
		r = check_map(d, function, region, index, offset, length, access);
	if (r)
		return r;
	m = malloc(sizeof(*m));
	if (!m)
		return err_nomem(function, d->object);
	m->length = length;
	r = sys_mmap(d->core->sys, length, prot, d->fd, region->info.offset + offset, &m->addr);
	if (r) {
		free(m);
		return err_kernel(r, KNOWN(-ENODEV, -ENOMEM, -EINVAL), "mmap", d->object,
				  "check that the device is still there",
				  "offset %#llx, length %#zx of region %u cannot be mapped",
				  (unsigned long long)offset, length, index);
	}
	pthread_mutex_lock(&d->lock);
	m->next = d->region_maps;
	d->region_maps = m;
	pthread_mutex_unlock(&d->lock);
	*out = m->addr;
	return 0;
}

IOMMUFD_EXPORT int iommufd_region_map(struct iommufd_device *dev, uint32_t index, uint64_t offset,
				      size_t length, uint32_t access, void **out)
{
	struct devfd *d;
	int r = service_find(dev, __func__, &d);

	if (out)
		*out = NULL;
	if (r)
		return r;
	r = out ? map(d, __func__, index, offset, length, access, out) : err_null(__func__, "out");
	return err_log(&d->core->log, r);
}

IOMMUFD_EXPORT int iommufd_region_unmap(struct iommufd_device *dev, void *addr)
{
	struct devfd *d;
	struct region_map **at, *m;
	int r = service_find_disowned(dev, __func__, &d);

	if (r)
		return r;
	pthread_mutex_lock(&d->lock);
	for (at = &d->region_maps; (m = *at) && m->addr != addr; at = &m->next)
		;
	if (m)
		*at = m->next;
	pthread_mutex_unlock(&d->lock);
	if (m)
		sys_munmap(d->core->sys, m->addr, m->length);
	else
		r = err(-ENOENT, __func__, d->object, "pass what iommufd_region_map() returned",
			"no mapping of this device starts at %p", addr);
	free(m);
	return err_log(&d->core->log, r);
}

void region_unmap_all(struct devfd *d)
{
	struct region_map *m;

	while ((m = d->region_maps)) {
		d->region_maps = m->next;
		sys_munmap(d->core->sys, m->addr, m->length);
		free(m);
	}
}
