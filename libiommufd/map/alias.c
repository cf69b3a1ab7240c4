/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "map/alias.h"

#include <stddef.h>

void alias_init(struct alias_set *set)
{
	set->nodes = NULL;
	set->root = ALIAS_NONE;
	set->age = 0;
}

/* ---- the treap ---- */

/* A node's rank is as good as random: the tree is a heap by it, hence balanced. */
static uint32_t rank(uint32_t id)
{
	id = (id ^ id >> 16) * 0x7feb352du;
	id = (id ^ id >> 15) * 0x846ca68bu;
	return id ^ id >> 16;
}

static bool is_before(const struct alias_set *set, uint32_t a, uint32_t b)
{
	const struct alias *x = &set->nodes[a], *y = &set->nodes[b];

	return x->start != y->start ? x->start < y->start : a < b;
}

static void take_in(struct alias *node, const struct alias *below)
{
	if (below->below_last > node->below_last)
		node->below_last = below->below_last;
	if (below->below_age > node->below_age)
		node->below_age = below->below_age;
}

static void update(struct alias_set *set, uint32_t id)
{
	struct alias *node = &set->nodes[id];

	node->below_last = node->last;
	node->below_age = node->age;
	if (node->left != ALIAS_NONE)
		take_in(node, &set->nodes[node->left]);
	if (node->right != ALIAS_NONE)
		take_in(node, &set->nodes[node->right]);
}

/* Part the tree at @root into what is before @id and what is after it. */
static void split(struct alias_set *set, uint32_t root, uint32_t id, uint32_t *left,
		  uint32_t *right)
{
	if (root == ALIAS_NONE) {
		*left = *right = ALIAS_NONE;
		return;
	}
	if (is_before(set, root, id)) {
		*left = root;
		split(set, set->nodes[root].right, id, &set->nodes[root].right, right);
	} else {
		*right = root;
		split(set, set->nodes[root].left, id, left, &set->nodes[root].left);
	}
	update(set, root);
}

static uint32_t merge(struct alias_set *set, uint32_t left, uint32_t right)
{
	uint32_t root;

	if (left == ALIAS_NONE)
		return right;
	if (right == ALIAS_NONE)
		return left;
	if (rank(left) > rank(right)) {
		root = left;
		set->nodes[root].right = merge(set, set->nodes[root].right, right);
	} else {
		root = right;
		set->nodes[root].left = merge(set, left, set->nodes[root].left);
	}
	update(set, root);
	return root;
}

static uint32_t insert(struct alias_set *set, uint32_t root, uint32_t id)
{
	struct alias *node = &set->nodes[id];

	if (root == ALIAS_NONE || rank(id) > rank(root)) {
		split(set, root, id, &node->left, &node->right);
		update(set, id);
		return id;
	}
	if (is_before(set, id, root))
		set->nodes[root].left = insert(set, set->nodes[root].left, id);
	else
		set->nodes[root].right = insert(set, set->nodes[root].right, id);
	update(set, root);
	return root;
}

static uint32_t erase(struct alias_set *set, uint32_t root, uint32_t id)
{
	struct alias *node = &set->nodes[root];

	if (root == id)
		return merge(set, node->left, node->right);
	if (is_before(set, id, root))
		node->left = erase(set, node->left, id);
	else
		node->right = erase(set, node->right, id);
	update(set, root);
	return root;
}

void alias_add(struct alias_set *set, uint32_t id, uint64_t start, uint64_t last, uint64_t delta)
{
	struct alias *node = &set->nodes[id];

	node->start = start;
	node->last = last;
	node->delta = delta;
	node->age = ++set->age;
	set->root = insert(set, set->root, id);
}

void alias_remove(struct alias_set *set, uint32_t id)
{
	set->root = erase(set, set->root, id);
}

/* ---- asking ---- */

/* The newest range at @at, if it is newer than *age. */
static void newest_at(const struct alias_set *set, uint32_t id, uint64_t at, uint32_t *best,
		      uint64_t *age)
{
	const struct alias *node = &set->nodes[id];
	uint32_t first, second;

	if (id == ALIAS_NONE || node->below_last < at || node->below_age <= *age)
		return;
	first = node->left;
	if (node->start > at) {
		newest_at(set, first, at, best, age);
		return;
	}
	if (node->last >= at && node->age > *age) {
		*best = id;
		*age = node->age;
	}
	/* Where the newest one is first, the rest is soon seen to be older. */
	second = node->right;
	if (first == ALIAS_NONE || (second != ALIAS_NONE &&
				    set->nodes[second].below_age > set->nodes[first].below_age)) {
		first = node->right;
		second = node->left;
	}
	newest_at(set, first, at, best, age);
	newest_at(set, second, at, best, age);
}

/* Lower *start to the lowest start above @after of a range newer than @age. */
static bool next_newer(const struct alias_set *set, uint32_t id, uint64_t after, uint64_t age,
		       uint64_t *start)
{
	const struct alias *node = &set->nodes[id];

	if (id == ALIAS_NONE || node->below_age <= age)
		return false;
	if (node->start <= after)
		return next_newer(set, node->right, after, age, start);
	if (next_newer(set, node->left, after, age, start))
		return true;
	if (node->age <= age)
		return next_newer(set, node->right, after, age, start);
	*start = node->start;
	return true;
}

uint32_t alias_newest(const struct alias_set *set, uint64_t at, uint64_t *end)
{
	uint32_t id = ALIAS_NONE;
	uint64_t age = 0, start;

	newest_at(set, set->root, at, &id, &age);
	if (id != ALIAS_NONE && set->nodes[id].last < *end)
		*end = set->nodes[id].last;
	if (next_newer(set, set->root, at, age, &start) && start - 1 < *end)
		*end = start - 1;
	return id;
}
