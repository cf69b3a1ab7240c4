/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "map/iova-alloc-tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	NODE_MAX = 20,
	NODE_MIN = NODE_MAX / 2,
	CHUNK_MIN = 8,
	CHUNK_MAX = 512,
	/* Extents tried for their alignment before one is looked for that fits in any case. */
	FIT_TRIES = 8,
};

/* Entry i starts at start[i].  In a leaf it is an extent, else the largest span below child[i]. */
struct iova_tree_node {
	unsigned int count;
	uint64_t start[NODE_MAX];
	uint64_t span[NODE_MAX];
	struct iova_tree_node *child[NODE_MAX];
};

struct iova_tree_chunk {
	struct iova_tree_chunk *next;
	struct iova_tree_node nodes[];
};

/* Nodes. */

static struct iova_tree_node *node_new(struct iova_tree *t)
{
	struct iova_tree_node *n = t->unused;

	if (n) {
		t->unused = n->child[0];
	} else {
		n = t->fresh++;
		t->fresh_nodes--;
	}
	n->count = 0;
	return n;
}

static void node_drop(struct iova_tree *t, struct iova_tree_node *n)
{
	n->child[0] = t->unused;
	t->unused = n;
}

/* Move @count entries from @from on to another place, in the same node or another. */
static void node_move(struct iova_tree_node *to, unsigned int to_at,
		      const struct iova_tree_node *from, unsigned int from_at, unsigned int count,
		      bool leaf)
{
	memmove(&to->start[to_at], &from->start[from_at], count * sizeof(to->start[0]));
	memmove(&to->span[to_at], &from->span[from_at], count * sizeof(to->span[0]));
	if (!leaf)
		memmove(&to->child[to_at], &from->child[from_at], count * sizeof(to->child[0]));
}

static uint64_t node_span(const struct iova_tree_node *n)
{
	uint64_t max = 0;
	unsigned int i;

	for (i = 0; i < n->count; i++)
		max = n->span[i] > max ? n->span[i] : max;
	return max;
}

/* The first entry at or after @at that is large enough, or count. */
static unsigned int node_large(const struct iova_tree_node *n, unsigned int at, uint64_t span)
{
	while (at < n->count && n->span[at] < span)
		at++;
	return at;
}

static unsigned int node_seek(const struct iova_tree_node *n, uint64_t addr)
{
	unsigned int i, below = 0;

	for (i = 0; i < n->count; i++)
		below += n->start[i] <= addr;
	return below ? below - 1 : 0;
}

static void node_describe(struct iova_tree_node *parent, unsigned int at,
			  struct iova_tree_node *child)
{
	parent->start[at] = child->start[0];
	parent->span[at] = node_span(child);
	parent->child[at] = child;
}

/* Life. */

int iova_tree_init(struct iova_tree *t)
{
	memset(t, 0, sizeof(*t));
	if (iova_tree_reserve(t, 1))
		return -ENOMEM;
	t->root = node_new(t);
	t->levels = 1;
	return 0;
}

void iova_tree_free(struct iova_tree *t)
{
	struct iova_tree_chunk *chunk, *next;

	for (chunk = t->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	memset(t, 0, sizeof(*t));
}

int iova_tree_reserve(struct iova_tree *t, size_t extents)
{
	struct iova_tree_chunk *chunk;
	struct iova_tree_node *n;
	size_t nodes;

	while (extents > t->reserved) {
		nodes = t->nodes / 4;
		nodes = nodes < CHUNK_MIN ? CHUNK_MIN : nodes > CHUNK_MAX ? CHUNK_MAX : nodes;
		chunk = malloc(sizeof(*chunk) + nodes * sizeof(chunk->nodes[0]));
		if (!chunk)
			return -ENOMEM;
		chunk->next = t->chunks;
		t->chunks = chunk;
		while (t->fresh_nodes) {
			n = t->fresh++;
			t->fresh_nodes--;
			node_drop(t, n);
		}
		t->fresh = chunk->nodes;
		t->fresh_nodes = nodes;
		t->nodes += nodes;
		/* Of n extents come at most n/10 leaves, n/100 nodes above them, ... and the root. */
		t->reserved = (t->nodes - 1) * (NODE_MIN - 1);
	}
	return 0;
}

/* Searching. */

bool iova_tree_seek(const struct iova_tree *t, uint64_t addr, struct iova_tree_place *p)
{
	struct iova_tree_node *n = t->root;
	unsigned int level = t->levels;

	for (;;) {
		unsigned int at = node_seek(n, addr);

		level--;
		p->step[level].node = n;
		p->step[level].at = at;
		if (!level)
			return n->count && n->start[at] <= addr;
		n = n->child[at];
	}
}

struct map_range iova_tree_extent(const struct iova_tree_place *p)
{
	const struct iova_tree_node *leaf = p->step[0].node;
	unsigned int at = p->step[0].at;

	return (struct map_range){
		.start = leaf->start[at],
		.last = leaf->start[at] + leaf->span[at],
	};
}

/* From @p on, itself included, the first extent with at least this span. */
static bool next_large(const struct iova_tree *t, struct iova_tree_place *p, uint64_t span)
{
	unsigned int level = 0;

	for (;;) {
		struct iova_tree_node *n = p->step[level].node;
		unsigned int at = node_large(n, p->step[level].at, span);

		p->step[level].at = at;
		if (at == n->count) {
			if (++level == t->levels)
				return false;
			p->step[level].at++;
			continue;
		}
		if (!level)
			return true;
		level--;
		p->step[level].node = n->child[at];
		p->step[level].at = 0;
	}
}

static bool suits(const struct map_range *extent, const struct iova_tree_want *want,
		  uint64_t *start)
{
	uint64_t first = extent->start > want->min ? extent->start : want->min;
	uint64_t last = extent->last < want->last ? extent->last : want->last;
	uint64_t aligned = (first + want->align - 1) & -want->align;

	*start = aligned;
	return aligned >= first && aligned <= last && last - aligned >= want->span;
}

/* Among the extents with at least this span, the lowest one that suits. */
static bool fit_from(const struct iova_tree *t, const struct iova_tree_want *want, uint64_t span,
		     size_t tries, struct iova_tree_place *p, uint64_t *start)
{
	iova_tree_seek(t, want->min, p);
	while (tries-- && next_large(t, p, span)) {
		struct map_range extent = iova_tree_extent(p);

		if (extent.start > want->last)
			return false;
		if (suits(&extent, want, start))
			return true;
		p->step[0].at++;
	}
	return false;
}

bool iova_tree_fit(const struct iova_tree *t, const struct iova_tree_want *want,
		   struct iova_tree_place *p, uint64_t *start)
{
	uint64_t any = want->span + (want->align - 1);

	if (fit_from(t, want, want->span, FIT_TRIES, p, start))
		return true;
	if (any >= want->span && fit_from(t, want, any, SIZE_MAX, p, start))
		return true;
	return fit_from(t, want, want->span, SIZE_MAX, p, start);
}

/* Changing. */

/* Something in the node at @level has changed: tell the nodes above it. */
static void refresh(struct iova_tree *t, struct iova_tree_place *p, unsigned int level)
{
	for (; level + 1 < t->levels; level++) {
		struct iova_tree_node *child = p->step[level].node;
		struct iova_tree_node *n = p->step[level + 1].node;
		unsigned int at = p->step[level + 1].at;
		uint64_t start = child->start[0], span = node_span(child);

		if (n->start[at] == start && n->span[at] == span)
			return;
		n->start[at] = start;
		n->span[at] = span;
	}
}

static void entry_put(struct iova_tree_node *n, unsigned int at, uint64_t start, uint64_t span,
		      struct iova_tree_node *child)
{
	node_move(n, at + 1, n, at, n->count - at, !child);
	n->start[at] = start;
	n->span[at] = span;
	n->child[at] = child;
	n->count++;
}

/* Insert an extent before the entry @at of the leaf. */
static void insert(struct iova_tree *t, struct iova_tree_place *p, unsigned int at, uint64_t start,
		   uint64_t span)
{
	struct iova_tree_node *n, *right, *root, *child = NULL;
	unsigned int level;

	for (level = 0;; level++) {
		n = p->step[level].node;
		if (n->count < NODE_MAX) {
			entry_put(n, at, start, span, child);
			refresh(t, p, level);
			break;
		}

		right = node_new(t);
		right->count = NODE_MAX - NODE_MIN;
		n->count = NODE_MIN;
		node_move(right, 0, n, NODE_MIN, right->count, !level);
		if (at <= NODE_MIN)
			entry_put(n, at, start, span, child);
		else
			entry_put(right, at - NODE_MIN, start, span, child);

		if (level + 1 == t->levels) {
			root = node_new(t);
			root->count = 1;
			p->step[t->levels].node = root;
			p->step[t->levels].at = 0;
			t->root = root;
			t->levels++;
		}
		node_describe(p->step[level + 1].node, p->step[level + 1].at, n);
		at = p->step[level + 1].at + 1;
		start = right->start[0];
		span = node_span(right);
		child = right;
	}
	t->extents++;
}

/* Even out entries @at and @at + 1 of @parent; true when one node could take both. */
static bool balance(struct iova_tree *t, struct iova_tree_node *parent, unsigned int at, bool leaf)
{
	struct iova_tree_node *left = parent->child[at], *right = parent->child[at + 1];
	unsigned int total = left->count + right->count, half = total / 2, n;

	if (total <= NODE_MAX) {
		node_move(left, left->count, right, 0, right->count, leaf);
		left->count = total;
		node_describe(parent, at, left);
		node_drop(t, right);
		return true;
	}
	if (left->count < half) {
		n = half - left->count;
		node_move(left, left->count, right, 0, n, leaf);
		node_move(right, 0, right, n, right->count - n, leaf);
	} else {
		n = left->count - half;
		node_move(right, n, right, 0, right->count, leaf);
		node_move(right, 0, left, half, n, leaf);
	}
	left->count = half;
	right->count = total - half;
	node_describe(parent, at, left);
	node_describe(parent, at + 1, right);
	return false;
}

static void delete(struct iova_tree *t, struct iova_tree_place *p)
{
	unsigned int level, at = p->step[0].at;

	for (level = 0;; level++) {
		struct iova_tree_node *n = p->step[level].node, *parent;

		node_move(n, at, n, at + 1, n->count - at - 1, !level);
		n->count--;
		if (level + 1 == t->levels) {
			if (level && n->count == 1) {
				t->root = n->child[0];
				t->levels--;
				node_drop(t, n);
			}
			break;
		}
		if (n->count >= NODE_MIN) {
			refresh(t, p, level);
			break;
		}
		parent = p->step[level + 1].node;
		at = p->step[level + 1].at;
		if (at)
			at--;
		if (!balance(t, parent, at, !level)) {
			refresh(t, p, level + 1);
			break;
		}
		at++;
	}
	t->extents--;
}

void iova_tree_cut(struct iova_tree *t, struct iova_tree_place *p, uint64_t start, uint64_t last)
{
	struct map_range extent = iova_tree_extent(p);
	struct iova_tree_node *leaf = p->step[0].node;
	unsigned int at = p->step[0].at;

	if (start == extent.start && last == extent.last) {
		delete(t, p);
		return;
	}
	if (start == extent.start) {
		leaf->start[at] = last + 1;
		leaf->span[at] = extent.last - (last + 1);
	} else {
		leaf->span[at] = start - 1 - extent.start;
		if (last != extent.last) {
			insert(t, p, at + 1, last + 1, extent.last - (last + 1));
			return;
		}
	}
	refresh(t, p, 0);
}

/* The next extent, if there is one. */
static bool next(const struct iova_tree *t, struct iova_tree_place *p)
{
	p->step[0].at++;
	return next_large(t, p, 0);
}

bool iova_tree_add(struct iova_tree *t, uint64_t start, uint64_t last)
{
	struct iova_tree_place low, high;
	struct map_range below = { 0 }, above = { 0 };
	bool has_below, has_above, join_below, join_above;

	has_below = iova_tree_seek(t, start, &low);
	high = low;
	has_above = has_below ? next(t, &high) : t->extents;
	if (has_below)
		below = iova_tree_extent(&low);
	if (has_above)
		above = iova_tree_extent(&high);
	if ((has_below && below.last >= start) || (has_above && above.start <= last))
		return false;
	join_below = has_below && below.last + 1 == start;
	join_above = has_above && above.start - 1 == last;
	if (join_below) {
		low.step[0].node->span[low.step[0].at] = (join_above ? above.last : last) - below.start;
		refresh(t, &low, 0);
		if (join_above)
			delete(t, &high);
	} else if (join_above) {
		high.step[0].node->start[high.step[0].at] = start;
		high.step[0].node->span[high.step[0].at] = above.last - start;
		refresh(t, &high, 0);
	} else if (t->extents == t->reserved) {
		return false;
	} else {
		insert(t, &low, has_below ? low.step[0].at + 1 : 0, start, last - start);
	}
	return true;
}
