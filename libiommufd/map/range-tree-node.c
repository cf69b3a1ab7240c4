/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The nodes of a range tree: where they come from, splitting, merging. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "map/range-tree.h"

enum {
	NODE_SIZE = 512,
	CHUNK_NODES_MIN = 7,
	CHUNK_NODES_MAX = 255,
	/* Siblings with no more than this together become one, and keep room to grow. */
	LEAF_MERGE = RANGE_LEAF_MAX * 3 / 4,
	INNER_MERGE = RANGE_INNER_MAX * 3 / 4,
};

_Static_assert(sizeof(struct range_leaf) <= NODE_SIZE, "a leaf fits in a node");
_Static_assert(sizeof(struct range_inner) <= NODE_SIZE, "an inner node fits in a node");

struct range_chunk {
	struct range_chunk *next;
	char *nodes;
	size_t count, used;		/* the nodes behind @used have never been touched */
};

static struct range_leaf *as_leaf(struct range_node *node)
{
	return container_of(node, struct range_leaf, node);
}

static struct range_inner *as_inner(struct range_node *node)
{
	return container_of(node, struct range_inner, node);
}

/* ---- where nodes come from ---- */

static int chunk_new(struct range_tree *t, size_t want)
{
	struct range_chunk *chunk;

	/* Grow by as much as there is, so that few chunks do. */
	if (want < t->nodes)
		want = t->nodes;
	if (want > CHUNK_NODES_MAX)
		want = CHUNK_NODES_MAX;
	if (want < CHUNK_NODES_MIN)
		want = CHUNK_NODES_MIN;
	chunk = malloc(want * NODE_SIZE + sizeof(*chunk) + 63);
	if (!chunk)
		return -ENOMEM;
	chunk->nodes = (char *)(((uintptr_t)(chunk + 1) + 63) & ~(uintptr_t)63);
	chunk->count = want;
	chunk->used = 0;
	chunk->next = t->chunks;
	t->chunks = chunk;
	t->nodes += want;
	t->free_nodes += want;
	return 0;
}

/* Have at least @count unused nodes.  Returns 0 or -ENOMEM. */
int range_nodes_reserve(struct range_tree *t, size_t count)
{
	while (t->free_nodes < count) {
		int rc = chunk_new(t, count - t->free_nodes);

		if (rc)
			return rc;
	}
	return 0;
}

/* There is one: the caller has reserved it. */
static struct range_node *node_take(struct range_tree *t)
{
	struct range_node *node = t->free;
	struct range_chunk *chunk;

	if (node) {
		t->free = (struct range_node *)node->parent;
	} else {
		for (chunk = t->chunks; chunk->used == chunk->count; chunk = chunk->next)
			;
		node = (struct range_node *)(chunk->nodes + chunk->used++ * NODE_SIZE);
	}
	t->free_nodes--;
	node->parent = NULL;
	node->slot = 0;
	node->count = 0;
	return node;
}

struct range_leaf *range_leaf_take(struct range_tree *t)
{
	struct range_leaf *leaf = as_leaf(node_take(t));

	leaf->prev = NULL;
	leaf->next = NULL;
	return leaf;
}

/* A free node has the next one for parent. */
void range_node_give(struct range_tree *t, struct range_node *node)
{
	node->parent = (struct range_inner *)t->free;
	t->free = node;
	t->free_nodes++;
}

void range_tree_destroy(struct range_tree *t)
{
	struct range_chunk *chunk = t->chunks, *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	memset(t, 0, sizeof(*t));
}

/* ---- children of inner nodes ---- */

static void child_put(struct range_inner *inner, unsigned int i, uint64_t bound,
		      struct range_node *child)
{
	inner->bound[i] = bound;
	inner->child[i] = child;
	child->parent = inner;
	child->slot = i;
}

/* Copy @count children, whichever way the two places overlap. */
static void children_move(struct range_inner *to, unsigned int at, const struct range_inner *from,
			  unsigned int i, unsigned int count)
{
	unsigned int k;

	memmove(&to->bound[at], &from->bound[i], count * sizeof(to->bound[0]));
	memmove(&to->child[at], &from->child[i], count * sizeof(to->child[0]));
	for (k = at; k < at + count; k++) {
		to->child[k]->parent = to;
		to->child[k]->slot = k;
	}
}

static void ranges_move(struct range_leaf *to, unsigned int at, const struct range_leaf *from,
			unsigned int i, unsigned int count)
{
	memmove(&to->start[at], &from->start[i], count * sizeof(to->start[0]));
	memmove(&to->last[at], &from->last[i], count * sizeof(to->last[0]));
	memmove(&to->value[at], &from->value[i], count * sizeof(to->value[0]));
}

/* ---- splitting ---- */

static void child_insert(struct range_tree *t, struct range_node *left, uint64_t bound,
			 struct range_node *right);

static void split_inner(struct range_tree *t, struct range_inner *left)
{
	struct range_inner *right = as_inner(node_take(t));
	unsigned int keep = left->node.count / 2;

	right->node.count = left->node.count - keep;
	children_move(right, 0, left, keep, right->node.count);
	left->node.count = keep;
	child_insert(t, &left->node, left->bound[keep - 1], &right->node);
}

/* Put @right into the parent after @left, which it was split from. */
static void child_insert(struct range_tree *t, struct range_node *left, uint64_t bound,
			 struct range_node *right)
{
	struct range_inner *parent = left->parent;
	unsigned int i;

	if (!parent) {
		parent = as_inner(node_take(t));
		child_put(parent, 0, 0, left);
		parent->node.count = 1;
		t->root = &parent->node;
		t->height++;
	} else if (parent->node.count == RANGE_INNER_MAX) {
		split_inner(t, parent);
		parent = left->parent;
	}
	i = left->slot + 1;
	children_move(parent, i + 1, parent, i, parent->node.count - i);
	child_put(parent, i, parent->bound[i - 1], right);
	parent->bound[i - 1] = bound;
	parent->node.count++;
}

void range_split_leaf(struct range_tree *t, struct range_leaf *left)
{
	struct range_leaf *right = range_leaf_take(t);
	unsigned int keep = left->node.count / 2;

	right->node.count = left->node.count - keep;
	ranges_move(right, 0, left, keep, right->node.count);
	left->node.count = keep;
	right->prev = left;
	right->next = left->next;
	if (right->next)
		right->next->prev = right;
	left->next = right;
	child_insert(t, &left->node, left->last[keep - 1], &right->node);
}

/* ---- merging ---- */

/* Move ranges over the border of two neighbours so that the left one has @keep. */
static uint64_t leaves_shift(struct range_leaf *left, struct range_leaf *right, unsigned int keep)
{
	unsigned int l = left->node.count, r = right->node.count;

	if (keep < l) {
		ranges_move(right, l - keep, right, 0, r);
		ranges_move(right, 0, left, keep, l - keep);
	} else {
		ranges_move(left, l, right, 0, keep - l);
		ranges_move(right, 0, right, keep - l, r - (keep - l));
	}
	left->node.count = keep;
	right->node.count = l + r - keep;
	return left->last[keep - 1];
}

/* The same with children; @bound is what now divides the two. */
static uint64_t inners_shift(struct range_inner *left, struct range_inner *right,
			     unsigned int keep, uint64_t bound)
{
	unsigned int l = left->node.count, r = right->node.count;

	left->bound[l - 1] = bound;
	if (keep < l) {
		children_move(right, l - keep, right, 0, r);
		children_move(right, 0, left, keep, l - keep);
	} else {
		children_move(left, l, right, 0, keep - l);
		children_move(right, 0, right, keep - l, r - (keep - l));
	}
	left->node.count = keep;
	right->node.count = l + r - keep;
	return left->bound[keep - 1];
}

static void leaf_unlink(struct range_leaf *leaf)
{
	leaf->prev->next = leaf->next;
	if (leaf->next)
		leaf->next->prev = leaf->prev;
}

/* Even out children i and i + 1 of @parent, or make them one. */
static void pair_rebalance(struct range_tree *t, struct range_inner *parent, unsigned int i,
			   bool leaves)
{
	struct range_node *left = parent->child[i], *right = parent->child[i + 1];
	unsigned int both = left->count + right->count;
	bool merge = both <= (leaves ? LEAF_MERGE : INNER_MERGE);
	unsigned int keep = merge ? both : both / 2;
	uint64_t bound;

	if (leaves)
		bound = leaves_shift(as_leaf(left), as_leaf(right), keep);
	else
		bound = inners_shift(as_inner(left), as_inner(right), keep, parent->bound[i]);

	if (!merge) {
		parent->bound[i] = bound;
		return;
	}
	parent->bound[i] = parent->bound[i + 1];
	if (leaves)
		leaf_unlink(as_leaf(right));
	range_node_give(t, right);
	parent->node.count--;
	children_move(parent, i + 1, parent, i + 2, parent->node.count - (i + 1));
}

/* The leaf @node has become too empty. */
void range_rebalance(struct range_tree *t, struct range_node *node)
{
	struct range_inner *parent = node->parent;
	bool leaves = true;

	while (parent && node->count < (leaves ? RANGE_LEAF_MIN : RANGE_INNER_MIN)) {
		pair_rebalance(t, parent, node->slot ? node->slot - 1u : 0, leaves);
		leaves = false;
		node = &parent->node;
		parent = node->parent;
	}
	if (!parent && node->count == 1 && t->height) {
		t->root = as_inner(node)->child[0];
		t->root->parent = NULL;
		t->height--;
		range_node_give(t, node);
	}
}
