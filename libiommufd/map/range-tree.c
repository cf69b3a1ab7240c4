/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Ranges in a tree: finding and changing them.  The nodes' upkeep is in range-tree-node.c. */
#include "map/range-tree.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"

static struct range_leaf *as_leaf(struct range_node *node)
{
	return container_of(node, struct range_leaf, node);
}

static struct range_inner *as_inner(struct range_node *node)
{
	return container_of(node, struct range_inner, node);
}

/* How many of the sorted keys are below @x? */
static unsigned int keys_below(const uint64_t *keys, unsigned int count, uint64_t x)
{
	const uint64_t *at = keys;

	if (!count)
		return 0;
	while (count > 1) {
		unsigned int half = count / 2;

		at += at[half - 1] < x ? half : 0;
		count -= half;
	}
	return at - keys + (*at < x);
}

struct route {
	struct range_leaf *leaf;
	uint64_t low, high;	/* ranges that end in low + 1 .. high belong here */
};

static struct route descend(const struct range_tree *t, uint64_t last)
{
	struct route r = { NULL, 0, UINT64_MAX };
	struct range_node *node = t->root;
	unsigned int level, i;

	for (level = t->height; level; level--) {
		struct range_inner *inner = as_inner(node);

		i = keys_below(inner->bound, node->count - 1, last);
		if (i)
			r.low = inner->bound[i - 1];
		if (i < node->count - 1u)
			r.high = inner->bound[i];
		node = inner->child[i];
	}
	r.leaf = as_leaf(node);
	return r;
}

static inline bool is_recent(const struct range_tree *t, uint64_t last)
{
	return t->recent && last > t->recent_low && last <= t->recent_high;
}

/* The leaf where a range that ends at @last belongs. */
static inline struct range_leaf *leaf_for(const struct range_tree *t, uint64_t last)
{
	return is_recent(t, last) ? t->recent : descend(t, last).leaf;
}

/* The same for a change, which makes the leaf the recent one. */
static inline struct range_leaf *leaf_to_change(struct range_tree *t, uint64_t last)
{
	struct route r;

	if (is_recent(t, last))
		return t->recent;
	r = descend(t, last);
	t->recent = r.leaf;
	t->recent_low = r.low;
	t->recent_high = r.high;
	return r.leaf;
}

static void forget_recent(struct range_tree *t)
{
	t->recent = NULL;
}

void range_tree_init(struct range_tree *t)
{
	memset(t, 0, sizeof(*t));
}

/* A position past the leaf's end is the beginning of the next leaf. */
static bool pos_settle(struct range_pos *pos)
{
	if (pos->index < pos->leaf->node.count)
		return true;
	pos->leaf = pos->leaf->next;
	pos->index = 0;
	return pos->leaf;
}

bool range_tree_next(struct range_pos *pos)
{
	pos->index++;
	return pos_settle(pos);
}

bool range_tree_prev(struct range_pos *pos)
{
	if (!pos->index) {
		if (!pos->leaf->prev)
			return false;
		pos->leaf = pos->leaf->prev;
		pos->index = pos->leaf->node.count;
	}
	pos->index--;
	return true;
}

bool range_tree_find(const struct range_tree *t, uint64_t from, struct range_pos *pos)
{
	if (!t->root)
		return false;
	pos->leaf = leaf_for(t, from);
	pos->index = keys_below(pos->leaf->last, pos->leaf->node.count, from);
	return pos_settle(pos);
}

static bool overlaps(struct range_leaf *leaf, unsigned int index, uint64_t start, uint64_t last)
{
	struct range_pos before = { leaf, index }, after = before;

	if (pos_settle(&after) && range_start(after) <= last)
		return true;
	return range_tree_prev(&before) && range_last(before) >= start;
}

static void leaf_insert(struct range_leaf *leaf, unsigned int i, uint64_t start, uint64_t last,
			uint32_t value)
{
	size_t behind = leaf->node.count - i;

	if (behind) {
		memmove(&leaf->start[i + 1], &leaf->start[i], behind * sizeof(leaf->start[0]));
		memmove(&leaf->last[i + 1], &leaf->last[i], behind * sizeof(leaf->last[0]));
		memmove(&leaf->value[i + 1], &leaf->value[i], behind * sizeof(leaf->value[0]));
	}
	leaf->start[i] = start;
	leaf->last[i] = last;
	leaf->value[i] = value;
	leaf->node.count++;
}

int range_tree_insert(struct range_tree *t, uint64_t start, uint64_t last, uint32_t value)
{
	struct range_leaf *leaf;
	unsigned int i;
	int rc;

	if (!t->root) {
		rc = range_nodes_reserve(t, 1);
		if (rc)
			return rc;
		t->root = &range_leaf_take(t)->node;
		t->height = 0;
	}
	leaf = leaf_to_change(t, last);
	i = keys_below(leaf->last, leaf->node.count, last);
	if (overlaps(leaf, i, start, last))
		return -EEXIST;

	if (leaf->node.count == RANGE_LEAF_MAX) {
		/* A split can go all the way up and add a root. */
		rc = range_nodes_reserve(t, t->height + 2);
		if (rc)
			return rc;
		range_split_leaf(t, leaf);
		forget_recent(t);
		leaf = leaf_to_change(t, last);
		i = keys_below(leaf->last, leaf->node.count, last);
	}
	leaf_insert(leaf, i, start, last, value);
	return 0;
}

void range_tree_erase(struct range_tree *t, struct range_pos pos)
{
	struct range_leaf *leaf = pos.leaf;
	unsigned int i = pos.index;
	size_t behind = --leaf->node.count - i;

	if (behind) {
		memmove(&leaf->start[i], &leaf->start[i + 1], behind * sizeof(leaf->start[0]));
		memmove(&leaf->last[i], &leaf->last[i + 1], behind * sizeof(leaf->last[0]));
		memmove(&leaf->value[i], &leaf->value[i + 1], behind * sizeof(leaf->value[0]));
	}

	if (leaf->node.parent) {
		if (leaf->node.count < RANGE_LEAF_MIN) {
			range_rebalance(t, &leaf->node);
			forget_recent(t);
		}
	} else if (!leaf->node.count) {
		range_node_give(t, t->root);
		t->root = NULL;
		forget_recent(t);
	}
}
