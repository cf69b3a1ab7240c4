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
 * Entry i is an extent in a leaf; elsewhere it is child[i], its lowest start and its largest span.
 * Entries beyond count start at the top and have no span, so that searches need not stop at count.
 */
struct iova_tree_node {
	unsigned int count;
	uint64_t start[NODE_MAX];
	uint64_t span[NODE_MAX];
	struct iova_tree_node *child[NODE_MAX];
};

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

static inline uint64_t node_span(const struct iova_tree_node *n)
{
	uint64_t max = 0;
	unsigned int i;

	for (i = 0; i < NODE_MAX; i++)
		max = n->span[i] > max ? n->span[i] : max;
	return max;
}

/* The first entry that is large enough, or count. */
static inline unsigned int node_large(const struct iova_tree_node *n, uint64_t span)
{
	unsigned int at = NODE_MAX, i;

	for (i = NODE_MAX; i-- > 0; )
		at = n->span[i] >= span ? i : at;
	return at < n->count ? at : n->count;
}

/* The first entry at or after @at that is large enough, or count. */
static inline unsigned int node_large_from(const struct iova_tree_node *n, unsigned int at,
					   uint64_t span)
{
	while (at < n->count && n->span[at] < span)
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
				 struct iova_tree_node *child)
{
	parent->start[at] = child->start[0];
	parent->span[at] = node_span(child);
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
