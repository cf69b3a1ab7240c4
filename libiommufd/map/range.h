/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef MAP_RANGE_H
#define MAP_RANGE_H

#include <stdint.h>

/* The granule of this layer.  Larger system or IOMMU pages are multiples of it. */
#define MAP_PAGE_SHIFT	12
#define MAP_PAGE_SIZE	(1ull << MAP_PAGE_SHIFT)
#define MAP_PAGE_MASK	(MAP_PAGE_SIZE - 1)

/* An address range; @last is inclusive so that the top of the 64-bit space can be named. */
struct map_range {
	uint64_t start;
	uint64_t last;
};

#endif
