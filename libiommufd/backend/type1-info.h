/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What a type1 container tells of itself. */
#ifndef BACKEND_TYPE1_INFO_H
#define BACKEND_TYPE1_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libiommufd/ioas.h>

#include "os/sys.h"

struct type1_info {
	uint64_t page_sizes;          /* a bit for each size, in bytes; one at least */
	uint64_t entries_left;        /* mappings that may still be made; UINT64_MAX: no limit */
	uint64_t dirty_bitmap_max;    /* bytes that one dirty bitmap may have; 0: no dirty tracking */
	struct iommufd_range *ranges; /* allowed, ascending; NULL: no device is behind an IOMMU */
	size_t range_count;
};

/* Ask container @fd. -EINVAL: no SET_IOMMU was done; -EIO: a broken answer. */
int type1_info_read(const struct iommufd_sys *sys, int fd, struct type1_info *out);
void type1_info_free(struct type1_info *info);

/* What the kernel wrote into @size bytes at @answer. -EIO, -ENOMEM */
int type1_info_parse(const void *answer, size_t size, struct type1_info *out);

/* Bytes of the smallest page. */
static inline uint64_t type1_info_page(const struct type1_info *info)
{
	return info->page_sizes & -info->page_sizes;
}

#endif
