/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef MAP_IOVA_ALLOC_TREE_H
#define MAP_IOVA_ALLOC_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map/range.h"

/*
 * The free extents in a B+ tree by address.  Extents never touch: what is added merges with its
 * neighbours.  Each entry of an inner node knows which size classes there are below it, and that
 * leads the search for a place that fits.
 *
 * Memory is got by iova_tree_init() and iova_tree_reserve() only.
 */
enum {
	/* No node except the root has less than 8 entries: enough for 2^46 extents. */
	IOVA_TREE_LEVELS = 16,
};

struct iova_tree_node;
struct iova_tree_chunk;

struct iova_tree {
	struct iova_tree_node *root;
	unsigned int levels;
	size_t extents;
	uint64_t free;		/* bytes, modulo 2^64 */
	size_t reserved;	/* so many extents can be held */
	size_t nodes;
	struct iova_tree_chunk *chunks;
	struct iova_tree_chunk *newest;
	struct iova_tree_chunk *fresh;	/* has nodes that were never used */
	size_t fresh_used;
	struct iova_tree_node *unused;
};

/* One extent, as the way from the root to it; any change of the tree makes it stale. */
struct iova_tree_place {
	struct {
		struct iova_tree_node *node;
		unsigned int at;
	} step[IOVA_TREE_LEVELS];
};

/* Lengths are spans, last - start, so that the whole 64-bit space has one. */
struct iova_tree_want {
	uint64_t span;
	uint64_t align;
	uint64_t min;
	uint64_t last;
	bool dense;	/* take the time to keep large extents whole */
};

/* Returns 0 or -ENOMEM. */
int iova_tree_init(struct iova_tree *t);
void iova_tree_free(struct iova_tree *t);

/* Make sure that @extents extents can be held.  Places stay good.  Returns 0 or -ENOMEM. */
int iova_tree_reserve(struct iova_tree *t, size_t extents);

/* Find the extent with the highest start <= @addr. */
bool iova_tree_seek(const struct iova_tree *t, uint64_t addr, struct iova_tree_place *p);
struct map_range iova_tree_extent(const struct iova_tree_place *p);

/* Find an extent with a place that suits; false when there is none. */
bool iova_tree_fit(const struct iova_tree *t, const struct iova_tree_want *want,
		   struct iova_tree_place *p, uint64_t *start);

/* Remove @start..@last, which lies inside the extent at @p. */
void iova_tree_cut(struct iova_tree *t, struct iova_tree_place *p, uint64_t start, uint64_t last);

/*
 * Returns false, nothing having changed, when a part of the range is there already or when no more
 * extents are reserved: both are the caller's mistakes.
 */
bool iova_tree_add(struct iova_tree *t, uint64_t start, uint64_t last);

#endif
