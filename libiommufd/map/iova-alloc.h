/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef MAP_IOVA_ALLOC_H
#define MAP_IOVA_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map/range.h"

/*
 * Hands out IOVA ranges.  Only free space has a record; a range in use is simply not there.
 * The caller serialises all calls on one allocator.
 */
struct iova_alloc;

/* A new allocator allows the whole 64-bit space.  Returns 0 or -ENOMEM. */
int iova_alloc_new(struct iova_alloc **out);
void iova_alloc_free(struct iova_alloc *a);

/*
 * Replace the allowed ranges by @ranges (any order, may touch or overlap; @n may be 0).
 *
 * What is in use stays in use: @used is called with increasing @from and reports the lowest range
 * in use whose last byte is >= @from, or returns false; NULL means that nothing is in use.  It
 * must report everything that was got or taken and not yet put.
 *
 * Returns 0; -EINVAL when a range has start > last; -ENOMEM.  On failure nothing has changed.
 */
int iova_alloc_set_ranges(struct iova_alloc *a, const struct map_range *ranges, size_t n,
			  bool (*used)(const void *data, uint64_t from, struct map_range *out),
			  const void *data);

/*
 * Get @length bytes at a multiple of @align (a power of two) within @min..@last, preferring
 * what was put lately, then low places.  Address 0 is never handed out.
 *
 * Returns 0; -EINVAL (zero length, bad alignment, empty window); -ENOSPC when no free place in the
 * window suits; -ENOMEM.
 */
int iova_alloc_get(struct iova_alloc *a, uint64_t length, uint64_t align, uint64_t min,
		   uint64_t last, uint64_t *iova);

/*
 * Take the given range (address 0 is as good as any).
 *
 * Returns 0; -EINVAL (zero length or beyond 64 bits); -EEXIST when a byte of it is in use or not
 * allowed (ask iova_alloc_allowed() to tell the two apart); -ENOMEM.
 */
int iova_alloc_take(struct iova_alloc *a, uint64_t iova, uint64_t length);

/*
 * Return exactly one range that was got or taken.  Cannot fail.  The parts of it that have ceased
 * to be allowed meanwhile do not become free.
 */
void iova_alloc_put(struct iova_alloc *a, uint64_t iova, uint64_t length);

/*
 * Is the range inside one allowed range?  @nearest (may be NULL) is set to the allowed range that
 * holds @iova or is nearest to it; start > last means that nothing is allowed at all.
 */
bool iova_alloc_allowed(const struct iova_alloc *a, uint64_t iova, uint64_t length,
			struct map_range *nearest);

#endif
