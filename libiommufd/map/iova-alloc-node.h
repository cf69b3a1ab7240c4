/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* One node of the tree of free extents. */
#ifndef MAP_IOVA_ALLOC_NODE_H
#define MAP_IOVA_ALLOC_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "map/range.h"

enum {
	NODE_MAX = 16,
	NODE_MIN = NODE_MAX / 2,
	/* Seeking takes two short steps: which group, and where in it. */
	NODE_GROUP = NODE_MAX / 4,
};

/*
 * An entry starts at start[i].  In a leaf it is an extent, elsewhere child[i], with the set of size
 * classes below it.  Entries beyond count start at the top and have no span and no class, so that
 * searches need not stop at count.
 */
struct iova_tree_node {
	unsigned int count;
	uint64_t start[NODE_MAX];
	union {
		uint64_t span[NODE_MAX];
		uint64_t classes[NODE_MAX];
	};
	struct iova_tree_node *child[NODE_MAX];
};

/*
 * Size classes, in bytes: two for each power of 2 from 4 KiB (and below), four from 64 KiB, one
 * each from 512 MiB, 2 GiB, 16 GiB and 1 TiB.
 */
enum { SIZE_CLASSES = 64 };

static inline unsigned int size_class(uint64_t span)
{
	uint64_t length = span == UINT64_MAX ? span : span + 1;
	unsigned int order;

	if (length < 4096)
		return 0;
	order = 63 - __builtin_clzll(length);
	if (order < 16)
		return (order - 12) * 2 + (length >> (order - 1) & 1);
	if (order < 29)
		return 8 + (order - 16) * 4 + (length >> (order - 2) & 3);
	return 60 + (order >= 31) + (order >= 34) + (order >= 40);
}

static inline uint64_t class_bit(uint64_t span)
{
	return 1ull << size_class(span);
}

/* The smallest and the largest span of a class. */
static inline uint64_t class_low(unsigned int class)
{
	static const unsigned char large[] = { 29, 31, 34, 40 };

	if (!class)
		return 0;
	if (class < 8)
		return ((2 + class % 2ull) << (11 + class / 2)) - 1;
	if (class < 60)
		return ((4 + class % 4ull) << (12 + class / 4)) - 1;
	return (1ull << large[class - 60]) - 1;
}

static inline uint64_t class_high(unsigned int class)
{
	return class + 1 < SIZE_CLASSES ? class_low(class + 1) - 1 : UINT64_MAX;
}

static inline void node_resize(struct iova_tree_node *n, unsigned int count)
{
	unsigned int i;

	for (i = count; i < n->count; i++) {
		n->start[i] = UINT64_MAX;
		n->span[i] = 0;
	}
	n->count = count;
}

/* Move @count entries from @from on to another place, in the same node or another. */
static inline void node_move(struct iova_tree_node *to, unsigned int to_at,
			     const struct iova_tree_node *from, unsigned int from_at,
			     unsigned int count, bool leaf)
{
	memmove(&to->start[to_at], &from->start[from_at], count * sizeof(to->start[0]));
	memmove(&to->span[to_at], &from->span[from_at], count * sizeof(to->span[0]));
	if (!leaf)
		memmove(&to->child[to_at], &from->child[from_at], count * sizeof(to->child[0]));
}

static inline uint64_t node_classes(const struct iova_tree_node *n, bool leaf)
{
	uint64_t classes = 0;
	unsigned int i;

	for (i = 0; i < n->count; i++)
		classes |= leaf ? class_bit(n->span[i]) : n->classes[i];
	return classes;
}

/* The first extent at or after @at in a leaf that has between @low and @high bytes, or count. */
static inline unsigned int leaf_find(const struct iova_tree_node *n, unsigned int at, uint64_t low,
				     uint64_t high)
{
	while (at < n->count && n->span[at] - low > high - low)
		at++;
	return at;
}

/* A leaf had these classes; which are left when extents of some of them have gone? */
static inline uint64_t leaf_lose(const struct iova_tree_node *n, uint64_t classes, uint64_t gone)
{
	for (; gone; gone &= gone - 1) {
		unsigned int class = __builtin_ctzll(gone);

		if (leaf_find(n, 0, class_low(class), class_high(class)) == n->count)
			classes &= ~(1ull << class);
	}
	return classes;
}

/* The first entry at or after @at elsewhere that has one of the classes, or count. */
static inline unsigned int node_find(const struct iova_tree_node *n, unsigned int at,
				     uint64_t classes)
{
	while (at < n->count && !(n->classes[at] & classes))
		at++;
	return at;
}

/* The last entry that starts at or below @addr, or the first. */
static inline unsigned int node_seek(const struct iova_tree_node *n, uint64_t addr)
{
	unsigned int group, at, i;

	group = (n->start[NODE_GROUP] <= addr) + (n->start[2 * NODE_GROUP] <= addr) +
		(n->start[3 * NODE_GROUP] <= addr);
	at = group *= NODE_GROUP;
	for (i = 1; i < NODE_GROUP; i++)
		at += n->start[group + i] <= addr;
	return at < n->count ? at : n->count - !!n->count;
}

static inline void node_describe(struct iova_tree_node *parent, unsigned int at,
				 struct iova_tree_node *child, bool leaf)
{
	parent->start[at] = child->start[0];
	parent->classes[at] = node_classes(child, leaf);
	parent->child[at] = child;
}

static inline struct map_range node_extent(const struct iova_tree_node *leaf, unsigned int at)
{
	return (struct map_range){
		.start = leaf->start[at],
		.last = leaf->start[at] + leaf->span[at],
	};
}

#endif
