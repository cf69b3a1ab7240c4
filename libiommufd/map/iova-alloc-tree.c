/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "map/iova-alloc-tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map/iova-alloc-node.h"

enum {
	CHUNK_MIN = 8,
	CHUNK_MAX = 512,
	/* Extents of one size class that are tried before the next. */
	TRIES_FAST = 2,
	TRIES_DENSE = 16,
};

struct iova_tree_chunk {
	struct iova_tree_chunk *next;
	size_t count;
	struct iova_tree_node nodes[];
};

/* Nodes. */

static struct iova_tree_node *node_new(struct iova_tree *t)
{
	struct iova_tree_node *n = t->unused;

	if (n) {
		t->unused = n->child[0];
	} else {
		if (t->fresh_used == t->fresh->count) {
			t->fresh = t->fresh->next;
			t->fresh_used = 0;
		}
		n = &t->fresh->nodes[t->fresh_used++];
	}
	n->count = NODE_MAX;
	node_resize(n, 0);
	return n;
}

static void node_drop(struct iova_tree *t, struct iova_tree_node *n)
{
	n->child[0] = t->unused;
	t->unused = n;
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
	size_t nodes;

	while (extents > t->reserved) {
		nodes = t->nodes / 4;
		nodes = nodes < CHUNK_MIN ? CHUNK_MIN : nodes > CHUNK_MAX ? CHUNK_MAX : nodes;
		chunk = malloc(sizeof(*chunk) + nodes * sizeof(chunk->nodes[0]));
		if (!chunk)
			return -ENOMEM;
		chunk->next = NULL;
		chunk->count = nodes;
		if (t->newest)
			t->newest->next = chunk;
		else
			t->chunks = t->fresh = chunk;
		t->newest = chunk;
		t->nodes += nodes;
		/* Of n extents come at most n/8 leaves, n/64 nodes above them, ... and the root. */
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
	return node_extent(p->step[0].node, p->step[0].at);
}

/* Which extents are looked for. */
struct likes {
	uint64_t classes;
	uint64_t low;	/* spans */
	uint64_t high;
	size_t tries;	/* extents that are tried, and leaves that have none after all */
};

/* The next extent that is liked, from entry @at of the node at @level on. */
static bool find(const struct iova_tree *t, struct iova_tree_place *p, unsigned int level,
		 unsigned int at, struct likes *likes)
{
	struct iova_tree_node *n = p->step[level].node;

	for (;;) {
		at = level ? node_find(n, at, likes->classes) :
			     leaf_find(n, at, likes->low, likes->high);
		if (at < n->count) {
			p->step[level].at = at;
			if (!level)
				return true;
			n = n->child[at];
			p->step[--level].node = n;
			at = 0;
		} else {
			if (!level && !--likes->tries)
				return false;
			if (++level == t->levels)
				return false;
			n = p->step[level].node;
			at = p->step[level].at + 1;
		}
	}
}

/* The first one that ends at or above @min, or the one before it. */
static bool find_first(const struct iova_tree *t, struct iova_tree_place *p, uint64_t min,
		       struct likes *likes)
{
	/* Mostly that is the first one of all. */
	p->step[t->levels - 1].node = t->root;
	if (!find(t, p, t->levels - 1, 0, likes))
		return false;
	if (iova_tree_extent(p).last >= min)
		return true;
	iova_tree_seek(t, min, p);
	return find(t, p, 0, p->step[0].at, likes);
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

/* The lowest of the extents that are liked and suit. */
static bool fit(const struct iova_tree *t, const struct iova_tree_want *want, struct likes likes,
		struct iova_tree_place *p, uint64_t *start)
{
	struct map_range extent;

	if (!find_first(t, p, want->min, &likes))
		return false;
	do {
		extent = iova_tree_extent(p);
		if (extent.start > want->last)
			return false;
		if (suits(&extent, want, start))
			return true;
	} while (--likes.tries && find(t, p, 0, p->step[0].at + 1, &likes));
	return false;
}

/* The smallest class whose extents all have at least this span, or SIZE_CLASSES. */
static unsigned int class_above(uint64_t span)
{
	unsigned int class = size_class(span);

	return class + (class_low(class) < span);
}

static uint64_t classes_from(unsigned int class)
{
	return class < SIZE_CLASSES ? -1ull << class : 0;
}

bool iova_tree_fit(const struct iova_tree *t, const struct iova_tree_want *want,
		   struct iova_tree_place *p, uint64_t *start)
{
	unsigned int class = size_class(want->span);
	uint64_t padded = want->span + (want->align - 1);
	unsigned int safe = padded < want->span ? SIZE_CLASSES : class_above(padded);
	struct likes likes = {
		1ull << class, want->span, class_high(class),
		want->dense ? TRIES_DENSE : TRIES_FAST,
	};
	uint64_t larger;

	/* One that is hardly larger than needed, */
	if (fit(t, want, likes, p, start))
		return true;
	/* or as small as possible, */
	larger = want->dense ? node_classes(t->root, t->levels == 1) & classes_from(class + 1) : 0;
	for (; larger; larger &= larger - 1) {
		class = __builtin_ctzll(larger);
		likes = (struct likes){
			1ull << class, class_low(class), class_high(class),
			class < safe ? TRIES_DENSE : SIZE_MAX,
		};
		if (fit(t, want, likes, p, start))
			return true;
	}
	/* or one that does in any case, or any one. */
	likes = (struct likes){ classes_from(safe), padded, UINT64_MAX, SIZE_MAX };
	if (safe < SIZE_CLASSES && fit(t, want, likes, p, start))
		return true;
	likes.classes = classes_from(size_class(want->span));
	likes.low = want->span;
	return fit(t, want, likes, p, start);
}

/* Changing. */

/*
 * The node at @level has changed: tell the nodes above it.  @gone is the class of an extent that is
 * no longer there, @come has the classes of those that are new.
 */
static void refresh(struct iova_tree *t, struct iova_tree_place *p, unsigned int level,
		    uint64_t gone, uint64_t come)
{
	for (; level + 1 < t->levels; level++) {
		struct iova_tree_node *child = p->step[level].node;
		struct iova_tree_node *n = p->step[level + 1].node;
		unsigned int at = p->step[level + 1].at;
		uint64_t start = child->start[0], classes = n->classes[at] | come;

		if (gone & ~come)
			classes = level ? node_classes(child, false) :
					  leaf_lose(child, classes, gone & ~come);
		if (n->start[at] == start && n->classes[at] == classes)
			return;
		n->start[at] = start;
		n->classes[at] = classes;
	}
}

/* @value is the span of an extent, or the classes below a child. */
static void entry_put(struct iova_tree_node *n, unsigned int at, uint64_t start, uint64_t value,
		      struct iova_tree_node *child)
{
	node_move(n, at + 1, n, at, n->count - at, !child);
	n->start[at] = start;
	n->span[at] = value;
	n->child[at] = child;
	n->count++;
}

/* Insert an extent before the entry @at of the leaf, which has just lost and got these classes. */
static void insert(struct iova_tree *t, struct iova_tree_place *p, unsigned int at, uint64_t start,
		   uint64_t span, uint64_t gone, uint64_t come)
{
	struct iova_tree_node *n, *right, *root, *parent, *child = NULL;
	uint64_t value = span;
	unsigned int level;

	come |= class_bit(span);

	for (level = 0;; level++) {
		n = p->step[level].node;
		if (n->count < NODE_MAX) {
			entry_put(n, at, start, value, child);
			refresh(t, p, level, gone, come);
			break;
		}

		right = node_new(t);
		node_move(right, 0, n, NODE_MIN, NODE_MAX - NODE_MIN, !level);
		right->count = NODE_MAX - NODE_MIN;
		node_resize(n, NODE_MIN);
		if (at <= NODE_MIN)
			entry_put(n, at, start, value, child);
		else
			entry_put(right, at - NODE_MIN, start, value, child);

		if (level + 1 == t->levels) {
			root = node_new(t);
			root->count = 1;
			p->step[t->levels].node = root;
			p->step[t->levels].at = 0;
			t->root = root;
			t->levels++;
		}
		parent = p->step[level + 1].node;
		at = p->step[level + 1].at;
		node_describe(parent, at++, n, !level);
		start = right->start[0];
		value = node_classes(right, !level);
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
		node_describe(parent, at, left, leaf);
		node_drop(t, right);
		return true;
	}
	if (left->count < half) {
		n = half - left->count;
		node_move(left, left->count, right, 0, n, leaf);
		node_move(right, 0, right, n, right->count - n, leaf);
		left->count = half;
		node_resize(right, total - half);
	} else {
		n = left->count - half;
		node_move(right, n, right, 0, right->count, leaf);
		node_move(right, 0, left, half, n, leaf);
		node_resize(left, half);
		right->count = total - half;
	}
	node_describe(parent, at, left, leaf);
	node_describe(parent, at + 1, right, leaf);
	return false;
}

/* Remove the extent at @p from its leaf, which has just lost and got these classes. */
static void delete(struct iova_tree *t, struct iova_tree_place *p, uint64_t gone, uint64_t come)
{
	unsigned int level, at = p->step[0].at;
	struct iova_tree_node *n, *parent;

	gone |= class_bit(p->step[0].node->span[at]);
	for (level = 0;; level++) {
		n = p->step[level].node;
		node_move(n, at, n, at + 1, n->count - at - 1, !level);
		node_resize(n, n->count - 1);
		if (level + 1 == t->levels) {
			if (level && n->count == 1) {
				t->root = n->child[0];
				t->levels--;
				node_drop(t, n);
			}
			break;
		}
		if (n->count >= NODE_MIN) {
			refresh(t, p, level, gone, come);
			break;
		}

		parent = p->step[level + 1].node;
		at = p->step[level + 1].at;
		at -= !!at;
		if (!balance(t, parent, at, !level)) {
			refresh(t, p, level + 1, gone, come);
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
	uint64_t gone = class_bit(leaf->span[at]);

	t->free -= last - start + 1;
	if (start == extent.start && last == extent.last) {
		delete(t, p, 0, 0);
		return;
	}
	if (start == extent.start) {
		leaf->start[at] = last + 1;
		leaf->span[at] = extent.last - (last + 1);
	} else {
		leaf->span[at] = start - 1 - extent.start;
		if (last != extent.last) {
			insert(t, p, at + 1, last + 1, extent.last - (last + 1), gone,
			       class_bit(leaf->span[at]));
			return;
		}
	}
	refresh(t, p, 0, gone, class_bit(leaf->span[at]));
}

/* Let the extent at @p be start..last. */
static void stretch(struct iova_tree *t, struct iova_tree_place *p, uint64_t start, uint64_t last)
{
	struct iova_tree_node *leaf = p->step[0].node;
	unsigned int at = p->step[0].at;
	uint64_t gone = class_bit(leaf->span[at]);

	leaf->start[at] = start;
	leaf->span[at] = last - start;
	refresh(t, p, 0, gone, class_bit(last - start));
}

bool iova_tree_add(struct iova_tree *t, uint64_t start, uint64_t last)
{
	struct likes all = { -1ull, 0, UINT64_MAX, SIZE_MAX };
	struct iova_tree_place low, high;
	struct map_range below = { 0 }, above = { 0 };
	struct iova_tree_node *leaf;
	bool has_below, has_above, same_leaf, join_below, join_above;
	unsigned int at;

	/* The neighbours: the upper one is mostly in the same leaf. */
	has_below = iova_tree_seek(t, start, &low);
	leaf = low.step[0].node;
	at = low.step[0].at + has_below;
	same_leaf = has_above = at < leaf->count;
	if (has_below)
		below = node_extent(leaf, at - 1);
	if (same_leaf) {
		above = node_extent(leaf, at);
	} else {
		high = low;
		high.step[0].at = at;
		has_above = find(t, &high, 0, at, &all);
		if (has_above)
			above = iova_tree_extent(&high);
	}
	if ((has_below && below.last >= start) || (has_above && above.start <= last))
		return false;

	join_below = has_below && below.last + 1 == start;
	join_above = has_above && above.start - 1 == last;
	if (!join_below && !join_above && t->extents == t->reserved)
		return false;

	t->free += last - start + 1;
	if (!join_below && !join_above) {
		insert(t, &low, at, start, last - start, 0, 0);
	} else if (!join_above) {
		stretch(t, &low, below.start, last);
	} else if (!same_leaf) {
		stretch(t, join_below ? &low : &high, join_below ? below.start : start, above.last);
		if (join_below)
			delete(t, &high, 0, 0);
	} else {
		low.step[0].at = at;
		if (join_below) {
			leaf->span[at - 1] = above.last - below.start;
			delete(t, &low, class_bit(below.last - below.start),
			       class_bit(above.last - below.start));
		} else {
			stretch(t, &low, start, above.last);
		}
	}
	return true;
}
