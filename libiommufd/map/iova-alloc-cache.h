/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef MAP_IOVA_ALLOC_CACHE_H
#define MAP_IOVA_ALLOC_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "map/range.h"

/*
 * Ranges that were put lately and are kept as they are: the next one wanted is often as large as
 * one of them, or at the same address.  Each address has one slot; the slots in use are also
 * chained by length.
 */
enum {
	IOVA_CACHE_SLOTS = 256,
	IOVA_CACHE_CHAINS = 64,
};

struct iova_cache {
	struct iova_cache_slot {
		uint64_t start;
		uint64_t span;
		int16_t next;	/* -1 at the end */
		int16_t before;	/* -1 - chain at the head of a chain */
	} slots[IOVA_CACHE_SLOTS];
	int16_t chains[IOVA_CACHE_CHAINS];
	uint64_t in_use[IOVA_CACHE_SLOTS / 64];
	unsigned int recent;	/* the slot that was filled last */
};

/* How far into a chain a range that suits is looked for. */
#define IOVA_CACHE_TRIES 4

void iova_cache_init(struct iova_cache *c);

/* Remove a range with exactly this span that is aligned and lies in the window. */
bool iova_cache_get(struct iova_cache *c, uint64_t span, uint64_t align, uint64_t min,
		    uint64_t last, uint64_t *start);

/* Remove exactly this range. */
bool iova_cache_take(struct iova_cache *c, uint64_t start, uint64_t span);

/* Returns true when *out had to make way. */
bool iova_cache_put(struct iova_cache *c, uint64_t start, uint64_t span, struct map_range *out);

/* Remove the range that was put last, if it is there and touches start..last. */
bool iova_cache_pop_recent(struct iova_cache *c, uint64_t start, uint64_t last,
			   struct map_range *out);

/* Remove any range. */
bool iova_cache_pop(struct iova_cache *c, struct map_range *out);

#endif
