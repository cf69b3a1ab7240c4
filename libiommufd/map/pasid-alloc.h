/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Which PASIDs of a device are in use: a bit for each, and a bit for each word of these that is
 * full. PASID 0 stands for requests without one and is never free. Callers serialise.
 */
#ifndef MAP_PASID_ALLOC_H
#define MAP_PASID_ALLOC_H

#include <stdint.h>

struct pasid_alloc {
	uint64_t *used;
	uint64_t *full;
	uint32_t limit; /* numbers are below; a power of 2 */
	uint32_t free;  /* so many are */
};

/* @width in bits, 1 to 20. Returns 0 or -ENOMEM. */
int pasid_alloc_init(struct pasid_alloc *a, unsigned int width);
void pasid_alloc_exit(struct pasid_alloc *a);

/*
 * Use up first..last, or one number. -ERANGE: not all are below the limit, or @first is above
 * @last; -EEXIST: one is in use. Nothing has changed on failure.
 */
int pasid_alloc_reserve(struct pasid_alloc *a, uint32_t first, uint32_t last);
int pasid_alloc_take(struct pasid_alloc *a, uint32_t number);
/* Use up the lowest free number in min..max, which may go beyond the limit. -ENOSPC: none is. */
int pasid_alloc_find(struct pasid_alloc *a, uint32_t min, uint32_t max, uint32_t *number);
/* What pasid_alloc_take() or pasid_alloc_find() used up is free again. */
void pasid_alloc_give(struct pasid_alloc *a, uint32_t number);

#endif
