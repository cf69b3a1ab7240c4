/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "map/pasid-table.h"

#include <errno.h>
#include <stdlib.h>

/* All zero, and never written: what is added is added to a leaf of the table's own. */
static const struct pasid_leaf empty;

static struct pasid_leaf *no_leaf(void)
{
	return (struct pasid_leaf *)(uintptr_t)&empty;
}

static struct pasid_leaf *leaf_of(const struct pasid_side *side, uint32_t number)
{
	return atomic_load_explicit(&side->root[number >> PASID_LEAF_SHIFT], memory_order_relaxed);
}

static void side_init(struct pasid_side *side, unsigned int width)
{
	for (unsigned int i = 0; i < PASID_ROOT_WORDS; i++)
		atomic_init(&side->root[i], no_leaf());
	side->limit = 1u << width;
	side->leaves = 0;
}

static void side_exit(struct pasid_side *side)
{
	for (uint32_t i = 0; i < PASID_ROOT_WORDS; i++)
		if (leaf_of(side, i << PASID_LEAF_SHIFT) != no_leaf())
			free(leaf_of(side, i << PASID_LEAF_SHIFT));
}

void pasid_table_init(struct pasid_table *t, unsigned int virtual_width,
		      unsigned int physical_width)
{
	side_init(&t->to_physical, virtual_width);
	side_init(&t->to_virtual, physical_width);
	t->pairs = 0;
}

void pasid_table_exit(struct pasid_table *t)
{
	side_exit(&t->to_physical);
	side_exit(&t->to_virtual);
}

/* Leaves for all numbers from @first on. Those that were made before memory ran out stay. */
static int make_leaves(struct pasid_side *side, uint32_t first, uint32_t count)
{
	uint32_t last = (first + count - 1) >> PASID_LEAF_SHIFT;
	struct pasid_leaf *leaf;

	for (uint32_t i = first >> PASID_LEAF_SHIFT; i <= last; i++) {
		if (leaf_of(side, i << PASID_LEAF_SHIFT) != no_leaf())
			continue;
		leaf = calloc(1, sizeof(*leaf));
		if (!leaf)
			return -ENOMEM;
		atomic_store_explicit(&side->root[i], leaf, memory_order_release);
		side->leaves++;
	}
	return 0;
}

static void write_word(struct pasid_side *side, uint32_t number, uint32_t word)
{
	atomic_store_explicit(&leaf_of(side, number)->words[number & (PASID_LEAF_WORDS - 1)], word,
			      memory_order_release);
}

/* Is one of the two numbers in a pair? */
static bool pair_of(const struct pasid_table *t, uint32_t vpasid, uint32_t pasid,
		    struct pasid_run *there)
{
	uint32_t word = pasid_side_read(&t->to_physical, vpasid);

	there->count = 1;
	there->vpasid = vpasid;
	there->pasid = word - 1;
	if (word)
		return true;
	word = pasid_side_read(&t->to_virtual, pasid);
	there->vpasid = word - 1;
	there->pasid = pasid;
	return word;
}

int pasid_table_add(struct pasid_table *t, const struct pasid_run *run, struct pasid_run *there)
{
	uint32_t i;
	int r;

	for (i = 0; i < run->count; i++)
		if (pair_of(t, run->vpasid + i, run->pasid + i, there))
			return -EEXIST;
	r = make_leaves(&t->to_physical, run->vpasid, run->count);
	if (!r)
		r = make_leaves(&t->to_virtual, run->pasid, run->count);
	if (r)
		return r;
	/* Who reads the virtual side first must not miss the pair on the other. */
	for (i = 0; i < run->count; i++) {
		write_word(&t->to_virtual, run->pasid + i, run->vpasid + i + 1);
		write_word(&t->to_physical, run->vpasid + i, run->pasid + i + 1);
	}
	t->pairs += run->count;
	return 0;
}

/* The first number in a pair of from..end-1, or @end. Leaves that were never made are skipped. */
static uint32_t next_pair(const struct pasid_side *side, uint32_t from, uint32_t end)
{
	while (from < end) {
		if (leaf_of(side, from) == no_leaf())
			from = (from | (PASID_LEAF_WORDS - 1)) + 1;
		else if (pasid_side_read(side, from))
			return from;
		else
			from++;
	}
	return end;
}

uint32_t pasid_table_remove(struct pasid_table *t, uint32_t first, uint32_t count)
{
	uint32_t end = first + count, removed = 0, word;

	while ((first = next_pair(&t->to_physical, first, end)) < end) {
		word = pasid_side_read(&t->to_physical, first);
		write_word(&t->to_physical, first, 0);
		write_word(&t->to_virtual, word - 1, 0);
		removed++;
		first++;
	}
	t->pairs -= removed;
	return removed;
}

bool pasid_table_next(const struct pasid_table *t, uint32_t from, struct pasid_run *run)
{
	const struct pasid_side *side = &t->to_physical;
	uint32_t first = next_pair(side, from, side->limit), word;

	if (first >= side->limit)
		return false;
	word = pasid_side_read(side, first);
	run->vpasid = first;
	run->pasid = word - 1;
	run->count = 1;
	while (first + run->count < side->limit &&
	       pasid_side_read(side, first + run->count) == word + run->count)
		run->count++;
	return true;
}
