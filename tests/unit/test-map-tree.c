/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The range tree, against a sorted array, with its structure checked along the way. */
#include "test-map.h"

#include <errno.h>

#include "base/macro.h"
#include "map/range-tree.h"

enum { MODEL_MAX = 6000 };

struct model {
	struct map_range r[MODEL_MAX];
	uint32_t value[MODEL_MAX];
	unsigned int count;
};

static unsigned int model_find(const struct model *m, uint64_t from)
{
	unsigned int low = 0, high = m->count;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (m->r[middle].last < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void model_insert(struct model *m, unsigned int i, uint64_t start, uint64_t last,
			 uint32_t value)
{
	assert_true(m->count < MODEL_MAX);
	memmove(&m->r[i + 1], &m->r[i], (m->count - i) * sizeof(m->r[0]));
	memmove(&m->value[i + 1], &m->value[i], (m->count - i) * sizeof(m->value[0]));
	m->r[i] = (struct map_range){ start, last };
	m->value[i] = value;
	m->count++;
}

static void model_erase(struct model *m, unsigned int i)
{
	m->count--;
	memmove(&m->r[i], &m->r[i + 1], (m->count - i) * sizeof(m->r[0]));
	memmove(&m->value[i], &m->value[i + 1], (m->count - i) * sizeof(m->value[0]));
}

/* Walks one subtree; returns its nodes and checks what holds for each. */
static size_t check_node(const struct range_tree *t, struct range_node *node, unsigned int level,
			 uint64_t low, uint64_t high)
{
	size_t nodes = 1;
	unsigned int i;

	if (!level) {
		struct range_leaf *leaf = container_of(node, struct range_leaf, node);

		assert_true(node->count >= (node->parent ? RANGE_LEAF_MIN : 1));
		for (i = 0; i < node->count; i++) {
			assert_true(leaf->last[i] <= high);
			assert_true(leaf->last[i] > low || (leaf->last[i] == 0 && low == 0));
		}
		return nodes;
	}
	assert_true(node->count >= (node->parent ? RANGE_INNER_MIN : 2));
	for (i = 0; i < node->count; i++) {
		struct range_inner *inner = container_of(node, struct range_inner, node);

		assert_ptr_equal(inner->child[i]->parent, inner);
		assert_int_equal(inner->child[i]->slot, i);
		nodes += check_node(t, inner->child[i], level - 1, i ? inner->bound[i - 1] : low,
				    i + 1 < node->count ? inner->bound[i] : high);
	}
	return nodes;
}

static void check(const struct range_tree *t, const struct model *m)
{
	struct range_pos pos;
	unsigned int i;
	bool more;

	for (i = 0, more = range_tree_find(t, 0, &pos); more; more = range_tree_next(&pos), i++) {
		assert_true(i < m->count);
		assert_int_equal(range_start(pos), m->r[i].start);
		assert_int_equal(range_last(pos), m->r[i].last);
		assert_int_equal(range_value(pos), m->value[i]);
	}
	assert_int_equal(i, m->count);
	if (t->root) {
		size_t nodes = check_node(t, t->root, t->height, 0, UINT64_MAX);

		assert_int_equal(nodes + t->free_nodes, t->nodes);
	} else {
		assert_int_equal(t->free_nodes, t->nodes);
	}
}

static void random_changes(void **state)
{
	static struct model m;
	uint64_t rng = test_seed(__func__);
	unsigned int rounds = test_rounds(200000), round, i;
	struct range_tree t;
	struct range_pos pos;

	(void)state;
	m.count = 0;
	range_tree_init(&t);
	for (round = 0; round < rounds; round++) {
		/* Tides, so that the tree grows and shrinks. */
		bool rising = round / (rounds / 6 + 1) % 2 == 0;
		uint64_t start = test_random(&rng) << 11 >> test_below(&rng, 24);
		uint64_t last = start + (test_random(&rng) >> (10 + test_below(&rng, 40)));

		if (last < start)
			last = UINT64_MAX;
		if (test_below(&rng, 10) < (rising ? 7 : 2) && m.count < MODEL_MAX) {
			bool overlap;
			int rc;

			i = model_find(&m, start);
			overlap = i < m.count && m.r[i].start <= last;
			rc = range_tree_insert(&t, start, last, round);
			assert_int_equal(rc, overlap ? -EEXIST : 0);
			if (!overlap)
				model_insert(&m, i, start, last, round);
		} else if (m.count) {
			i = test_below(&rng, m.count);
			assert_true(range_tree_find(&t, m.r[i].start, &pos));
			assert_int_equal(range_value(pos), m.value[i]);
			range_tree_erase(&t, pos);
			model_erase(&m, i);
		}
		i = model_find(&m, start);
		assert_int_equal(range_tree_find(&t, start, &pos), i < m.count);
		if (i < m.count)
			assert_int_equal(range_value(pos), m.value[i]);
		if (round % 1024 == 0)
			check(&t, &m);
	}
	check(&t, &m);
	while (m.count) {
		i = test_below(&rng, m.count);
		assert_true(range_tree_find(&t, m.r[i].last, &pos));
		range_tree_erase(&t, pos);
		model_erase(&m, i);
	}
	check(&t, &m);
	range_tree_destroy(&t);
}

static void ends_of_the_space(void **state)
{
	struct range_tree t;
	struct range_pos pos;

	(void)state;
	range_tree_init(&t);
	assert_false(range_tree_find(&t, 0, &pos));
	assert_int_equal(range_tree_insert(&t, 0, 0, 1), 0);
	assert_int_equal(range_tree_insert(&t, UINT64_MAX, UINT64_MAX, 2), 0);
	assert_int_equal(range_tree_insert(&t, 0, UINT64_MAX, 3), -EEXIST);
	assert_int_equal(range_tree_insert(&t, 1, UINT64_MAX - 1, 3), 0);
	assert_true(range_tree_find(&t, 77, &pos) && range_value(pos) == 3);
	assert_true(range_tree_prev(&pos) && range_value(pos) == 1);
	assert_false(range_tree_prev(&pos));
	range_tree_destroy(&t);

	range_tree_init(&t);
	assert_int_equal(range_tree_insert(&t, 0, UINT64_MAX, 0), 0);
	assert_int_equal(range_tree_insert(&t, 5, 5, 0), -EEXIST);
	assert_true(range_tree_find(&t, 77, &pos) && range_last(pos) == UINT64_MAX);
	range_tree_destroy(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_of_the_space),
		cmocka_unit_test(random_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
