/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef VFIO_REGION_H
#define VFIO_REGION_H

#include <libiommufd/region.h>

#include "backend/devfd.h"

/* A region as the kernel described it once; it does not change while the device is open. */
struct region {
	struct iommufd_region_info info;
	struct iommufd_region_area *areas; /* info.num_areas of them */
};

/*
 * The description of a region, read from the kernel the first time; it lives as
 * long as the device. Writes the error record.
 */
int region_get(struct devfd *d, const char *function, uint32_t index, const struct region **out);

/* Bounds, alignment to @length if @whole, access right. Writes the record. */
int region_check(struct devfd *d, const char *function, const struct region *region, uint32_t index,
		 uint64_t offset, size_t length, bool write, bool whole);
/* Checked access. */
int region_access(struct devfd *d, const char *function, uint32_t index, uint64_t offset,
		  void *buf, size_t length, bool write, bool whole);

/* Remove all mappings and descriptions, at close. */
void region_exit(struct devfd *d);
void region_unmap_all(struct devfd *d);

#endif
