/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef MAP_RANGE_TREE_H
#define MAP_RANGE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map/range.h"

/* An ordered set of ranges that do not overlap, each with a number: a B+ tree by last address. */
enum {
	RANGE_LEAF_MAX = 24,
	RANGE_LEAF_MIN = 6,
	RANGE_INNER_MAX = 30,
	RANGE_INNER_MIN = 7,
};

struct range_inner;

struct range_node {
	struct range_inner *parent;
	uint16_t slot;			/* place in the parent */
	uint16_t count;
};

struct range_leaf {
	struct range_node node;
	struct range_leaf *prev;
	struct range_leaf *next;
	uint64_t start[RANGE_LEAF_MAX];
	uint64_t last[RANGE_LEAF_MAX];
	uint32_t value[RANGE_LEAF_MAX];
};

struct range_inner {
	struct range_node node;
	/* Ranges below child i end at or below bound[i], those of child i + 1 above it. */
	uint64_t bound[RANGE_INNER_MAX];	/* of all but the last child */
	struct range_node *child[RANGE_INNER_MAX];
};

struct range_chunk;

struct range_tree {
	struct range_node *root;	/* NULL when empty */
	unsigned int height;		/* 0: the root is a leaf */
	/* Where the last change was, which is as a rule where the next one is. */
	struct range_leaf *recent;	/* holds what ends in recent_low + 1 .. recent_high */
	uint64_t recent_low, recent_high;
	/* Nodes; they go back to the system with the tree. */
	struct range_chunk *chunks;
	struct range_node *free;
	size_t nodes, free_nodes;
};

/* A range in the tree.  Any change of the tree makes it void. */
struct range_pos {
	struct range_leaf *leaf;
	unsigned int index;
};

void range_tree_init(struct range_tree *t);
void range_tree_destroy(struct range_tree *t);

/* The first range whose last address is >= @from. */
bool range_tree_find(const struct range_tree *t, uint64_t from, struct range_pos *pos);
bool range_tree_next(struct range_pos *pos);
bool range_tree_prev(struct range_pos *pos);

/* Returns 0; -EEXIST when the range overlaps one in the tree; -ENOMEM. */
int range_tree_insert(struct range_tree *t, uint64_t start, uint64_t last, uint32_t value);
void range_tree_erase(struct range_tree *t, struct range_pos pos);

static inline uint64_t range_start(struct range_pos pos)
{
	return pos.leaf->start[pos.index];
}

static inline uint64_t range_last(struct range_pos pos)
{
	return pos.leaf->last[pos.index];
}

static inline uint32_t range_value(struct range_pos pos)
{
	return pos.leaf->value[pos.index];
}

/* range-tree-node.c, for range-tree.c alone */
int range_nodes_reserve(struct range_tree *t, size_t count);
struct range_leaf *range_leaf_take(struct range_tree *t);
void range_node_give(struct range_tree *t, struct range_node *node);
void range_split_leaf(struct range_tree *t, struct range_leaf *leaf);
void range_rebalance(struct range_tree *t, struct range_node *node);

#endif
