/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* map/iova-alloc-tree: the shape of the tree, on which its promise of memory rests. */
#include "test-map.h"

#include "map/iova-alloc-node.h"
#include "map/iova-alloc-tree.h"

struct sums {
	size_t extents;
	uint64_t bytes;
	uint64_t last;	/* of the extent before */
};

/* Order, fill and what inner nodes say of their children. */
static void check_node(const struct iova_tree *t, const struct iova_tree_node *n,
		       unsigned int level, struct sums *sums)
{
	unsigned int i;

	assert_true(n == t->root || n->count >= NODE_MIN);
	assert_true(n->count <= NODE_MAX);
	for (i = 0; i < n->count; i++) {
		if (level) {
			const struct iova_tree_node *child = n->child[i];

			assert_true(n->start[i] == child->start[0]);
			assert_true(n->classes[i] == node_classes(child, level == 1));
			check_node(t, child, level - 1, sums);
			continue;
		}
		assert_true(!sums->extents || n->start[i] > sums->last + 1);
		sums->extents++;
		sums->bytes += n->span[i] + 1;
		sums->last = n->start[i] + n->span[i];
	}
	for (; i < NODE_MAX; i++)
		assert_true(n->start[i] == UINT64_MAX && !n->span[i]);
}

static void check_tree(const struct iova_tree *t)
{
	struct sums sums = { 0 };

	check_node(t, t->root, t->levels - 1, &sums);
	assert_int_equal(sums.extents, t->extents);
	assert_int_equal(sums.bytes, t->free);
}

/* Mostly small ones, and now and then one that is larger than all around it. */
static uint64_t random_span(uint64_t *random)
{
	return PAGE * (1 + test_below(random, 1ull << test_below(random, 10))) - 1;
}

static void tree_stays_in_shape(void **state)
{
	unsigned int extents = test_rounds(10000), round, added = 0, cut = 0;
	uint64_t random = test_seed("tree"), at, last;
	struct iova_tree_place p;
	struct iova_tree t;
	(void)state;

	assert_int_equal(iova_tree_init(&t), 0);
	assert_int_equal(iova_tree_reserve(&t, extents), 0);
	for (round = 0; round < 40 * extents; round++) {
		at = PAGE * test_below(&random, extents * 40ull);
		last = at + random_span(&random);

		/* Now mostly add, now mostly remove. */
		if (test_below(&random, 8) < (round / extents / 4 % 2 ? 1 : 7)) {
			added += iova_tree_add(&t, at, last);
		} else if (iova_tree_seek(&t, at, &p)) {
			struct map_range r = iova_tree_extent(&p);

			if (r.last < at || test_below(&random, 2))
				at = r.start;
			if (r.last < last || test_below(&random, 2))
				last = r.last;
			if (t.extents == t.reserved && at != r.start)
				continue;
			iova_tree_cut(&t, &p, at, last);
			cut++;
		}
		if (round % extents == 0 || round % 997 == 0)
			check_tree(&t);
	}
	assert_true(added > extents && cut > extents);

	while (t.extents) {
		iova_tree_seek(&t, PAGE * test_below(&random, extents * 40ull), &p);
		iova_tree_cut(&t, &p, iova_tree_extent(&p).start, iova_tree_extent(&p).last);
		if (t.extents % 97 == 0)
			check_tree(&t);
	}
	check_tree(&t);
	iova_tree_free(&t);
}

/* Each span is in its class, and classes follow each other without gaps. */
static void size_classes_cover_all_spans(void **state)
{
	unsigned int class;
	(void)state;

	assert_true(class_low(0) == 0 && class_high(SIZE_CLASSES - 1) == UINT64_MAX);
	for (class = 0; class < SIZE_CLASSES; class++) {
		assert_int_equal(size_class(class_low(class)), class);
		assert_int_equal(size_class(class_high(class)), class);
		assert_true(class_low(class) <= class_high(class));
		assert_true(!class || class_low(class) == class_high(class - 1) + 1);
	}
	/* A page, and other common sizes, begin a class: all in it are large enough. */
	assert_true(size_class(PAGE - 2) == 0 && class_low(1) > PAGE - 1);
	assert_true(class_low(size_class(2 * MIB - 1)) == 2 * MIB - 1);
	assert_true(class_low(size_class(2 * GIB - 1)) == 2 * GIB - 1);
}

static void tree_refuses_what_it_has_and_what_is_not_reserved(void **state)
{
	uint64_t at = 10;
	struct iova_tree t;
	(void)state;

	assert_int_equal(iova_tree_init(&t), 0);
	assert_true(iova_tree_add(&t, 4, 5));
	assert_false(iova_tree_add(&t, 5, 6));
	assert_false(iova_tree_add(&t, 3, 4));
	assert_false(iova_tree_add(&t, 0, UINT64_MAX));
	assert_true(iova_tree_add(&t, 6, 6));
	while (iova_tree_add(&t, at, at))
		at += 2;
	assert_int_equal(t.extents, t.reserved);
	assert_true(iova_tree_add(&t, at - 1, at - 1));
	iova_tree_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_classes_cover_all_spans),
		cmocka_unit_test(tree_stays_in_shape),
		cmocka_unit_test(tree_refuses_what_it_has_and_what_is_not_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
