/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The levels above the slots, as the writer changes them.
 *
 * A range is taken apart from the top: a cell that is covered whole and has nothing below it gets
 * the delta in its word; otherwise the work goes on in its child, down to the slots.
 */
#include <errno.h>
#include <stdlib.h>

#include "map/lookup-priv.h"

static uint64_t cell_mask(unsigned int level)
{
	return (1ull << cell_shift(level)) - 1;
}

static bool cell_whole(unsigned int level, uint64_t start, uint64_t last)
{
	return !(start & cell_mask(level)) && (last & cell_mask(level)) == cell_mask(level);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The entry at @at of an array of cells, and the end of the part of at..last that lies in it. */
static struct cell *cell_at(struct cell *cells, uint64_t count, unsigned int level, uint64_t at,
			    uint64_t last, uint64_t *end)
{
	*end = min_u64(last, at | cell_mask(level));
	return &cells[at >> cell_shift(level) & (count - 1)];
}

static inline lookup_word *slot_at(lookup_word *slots, uint64_t at, uint64_t last, uint64_t *end,
			    struct extent *pages)
{
	*end = min_u64(last, at | LOOKUP_SLOT_MASK);
	pages->first = at >> MAP_PAGE_SHIFT & (LOOKUP_SLOT_PAGES - 1);
	pages->count = (*end >> MAP_PAGE_SHIFT) - (at >> MAP_PAGE_SHIFT) + 1;
	return &slots[at >> LOOKUP_SLOT_SHIFT & (CELL_SLOTS - 1)];
}

/* Is a whole slot to be changed that has no leaf and no pages of its own? */
static inline bool is_whole(uint64_t word, const struct extent *pages)
{
	return pages->count == LOOKUP_SLOT_PAGES && (!word || word & LOOKUP_FULL);
}

static bool cell_empty(const struct cell *cell)
{
	return !word_peek(&cell->word) && !cell_used(cell);
}

static void cell_count(struct cell *cell, int change)
{
	atomic_store_explicit(&cell->used, cell_used(cell) + change, memory_order_release);
}

/* ---- getting the memory ---- */

/* The slots or cells below @cell, which covers @addr.  NULL when there is no memory for them. */
static void *cell_child(struct lookup_table *t, struct cell *cell, unsigned int level,
			uint64_t addr)
{
	size_t size = level == 1 ? CELL_SLOTS * sizeof(lookup_word) :
				   CELL_CELLS * sizeof(struct cell);
	void *child = level == 1 ? (void *)cell_slots(t, cell, addr) : cell_cells(cell);

	if (child)
		return child;
	child = calloc(1, size);
	if (child) {
		atomic_store_explicit(&cell->child, child, memory_order_release);
		t->cell_bytes += size;
	}
	return child;
}

static void slots_prepare(lookup_word *slots, uint64_t start, uint64_t last, uint64_t delta,
			  uint64_t under, uint32_t *leaves)
{
	struct extent pages = { 0, 0, delta };
	lookup_word *slot;
	uint64_t at, end;

	for (at = start; ; at = end + 1) {
		slot = slot_at(slots, at, last, &end, &pages);
		if (!is_whole(word_peek(slot), &pages))
			*leaves += slot_needs_leaf(word_peek(slot), &pages, under);
		if (end == last)
			return;
	}
}

static int range_prepare(struct lookup_table *t, struct cell *cells, uint64_t count,
			 unsigned int level, uint64_t start, uint64_t last, uint64_t delta,
			 uint64_t above, uint32_t *leaves)
{
	uint64_t at, end, word;
	struct cell *cell;
	int rc = 0;

	for (at = start; !rc; at = end + 1) {
		cell = cell_at(cells, count, level, at, last, &end);
		word = word_peek(&cell->word);
		if (cell_whole(level, at, end) && !cell_used(cell))
			;
		else if (!cell_child(t, cell, level, at))
			rc = -ENOMEM;
		else if (level == 1)
			slots_prepare(cell_slots(t, cell, at), at, end, delta, word ? word : above,
				      leaves);
		else
			rc = range_prepare(t, cell_cells(cell), CELL_CELLS, level - 1, at, end,
					   delta, word ? word : above, leaves);
		if (end == last)
			break;
	}
	return rc;
}

static int top_make(struct lookup_table *t)
{
	struct cell *top;

	if (atomic_load_explicit(&t->top, memory_order_relaxed))
		return 0;
	top = calloc(TOP_CELLS, sizeof(*top));
	if (!top)
		return -ENOMEM;
	atomic_store_explicit(&t->top, top, memory_order_release);
	t->cell_bytes += TOP_CELLS * sizeof(*top);
	return 0;
}

/* Make the cells that setting the range needs, and count the leaves that it may take. */
int cells_prepare(struct lookup_table *t, uint64_t start, uint64_t last, uint64_t delta,
		  uint32_t *leaves)
{
	uint64_t limit = t->reader.limit;
	int rc = 0;

	*leaves = 0;
	if (start < limit)
		rc = range_prepare(t, t->cells, limit >> cell_shift(1), 1, start,
				   min_u64(last, limit - 1), delta, 0, leaves);
	if (rc || last < limit)
		return rc;
	rc = top_make(t);
	if (rc)
		return rc;
	return range_prepare(t, t->top, TOP_CELLS, CELL_LEVELS, start < limit ? limit : start, last,
			     delta, 0, leaves);
}

/* ---- setting ---- */

static void slots_set(struct lookup_table *t, struct cell *cell, lookup_word *slots, uint64_t start,
		      uint64_t last, uint64_t delta, uint64_t under)
{
	struct extent pages = { 0, 0, delta };
	lookup_word *slot;
	uint64_t at, end;

	for (at = start; ; at = end + 1) {
		slot = slot_at(slots, at, last, &end, &pages);
		if (is_whole(word_peek(slot), &pages))
			slot_write(cell, slot, word_peek(slot), WORD_OF(delta));
		else
			slot_set(t, cell, slot, &pages, under);
		if (end == last)
			return;
	}
}

static void range_set(struct lookup_table *t, struct cell *parent, struct cell *cells,
		      uint64_t count, unsigned int level, uint64_t start, uint64_t last,
		      uint64_t delta, uint64_t above)
{
	uint64_t at, end, word;
	struct cell *cell;

	for (at = start; ; at = end + 1) {
		cell = cell_at(cells, count, level, at, last, &end);
		word = word_peek(&cell->word);
		if (parent && cell_empty(cell))
			cell_count(parent, 1);
		if (cell_whole(level, at, end) && !cell_used(cell))
			word_write(&cell->word, WORD_OF(delta));
		else if (level == 1)
			slots_set(t, cell, cell_slots(t, cell, at), at, end, delta,
				  word ? word : above);
		else
			range_set(t, cell, cell_cells(cell), CELL_CELLS, level - 1, at, end, delta,
				  word ? word : above);
		if (end == last)
			return;
	}
}

/* The cells have been prepared. */
void cells_set(struct lookup_table *t, uint64_t start, uint64_t last, uint64_t delta)
{
	uint64_t limit = t->reader.limit;

	if (start < limit)
		range_set(t, NULL, t->cells, limit >> cell_shift(1), 1, start,
			  min_u64(last, limit - 1), delta, 0);
	if (last >= limit)
		range_set(t, NULL, t->top, TOP_CELLS, CELL_LEVELS, start < limit ? limit : start,
			  last, delta, 0);
}

/* ---- clearing ---- */

/* Hand the cell's word down to the empty entries of its child. */
static void cell_push(struct lookup_table *t, struct cell *cell, unsigned int level, void *child)
{
	uint64_t word = word_peek(&cell->word);
	lookup_word *slots = child;
	struct cell *cells = child;
	unsigned int count = level == 1 ? CELL_SLOTS : CELL_CELLS, i;

	atomic_store_explicit(&cell->used, count, memory_order_release);
	for (i = 0; i < count; i++) {
		lookup_word *entry = level == 1 ? &slots[i] : &cells[i].word;

		if (!word_peek(entry))
			word_write(entry, word);
	}
	/* Whoever finds the cell's word gone and the entry not yet there must look again. */
	atomic_fetch_add_explicit(&t->pushes, 1, memory_order_release);
	word_write(&cell->word, 0);
}

static void slots_clear(struct lookup_table *t, struct cell *cell, lookup_word *slots,
			uint64_t start, uint64_t last)
{
	struct extent pages = { 0, 0, 0 };
	lookup_word *slot;
	uint64_t at, end;

	for (at = start; ; at = end + 1) {
		slot = slot_at(slots, at, last, &end, &pages);
		if (is_whole(word_peek(slot), &pages))
			slot_write(cell, slot, word_peek(slot), 0);
		else
			slot_clear(t, cell, slot, &pages);
		if (end == last)
			return;
	}
}

static void range_clear(struct lookup_table *t, struct cell *parent, struct cell *cells,
			uint64_t count, unsigned int level, uint64_t start, uint64_t last)
{
	uint64_t at, end, word;
	struct cell *cell;
	void *child;

	for (at = start; ; at = end + 1) {
		cell = cell_at(cells, count, level, at, last, &end);
		word = word_peek(&cell->word);
		child = NULL;
		if (cell_used(cell) || (word && !cell_whole(level, at, end)))
			child = cell_child(t, cell, level, at);
		if (word && child && !cell_whole(level, at, end))
			cell_push(t, cell, level, child);
		else if (word)
			word_write(&cell->word, 0);
		if (!child)
			;
		else if (level == 1)
			slots_clear(t, cell, child, at, end);
		else
			range_clear(t, cell, child, CELL_CELLS, level - 1, at, end);
		if (parent && (word || child) && cell_empty(cell))
			cell_count(parent, -1);
		if (end == last)
			return;
	}
}

void cells_clear(struct lookup_table *t, uint64_t start, uint64_t last)
{
	uint64_t limit = t->reader.limit;

	if (start < limit)
		range_clear(t, NULL, t->cells, limit >> cell_shift(1), 1, start,
			    min_u64(last, limit - 1));
	if (last >= limit && t->top)
		range_clear(t, NULL, t->top, TOP_CELLS, CELL_LEVELS,
			    start < limit ? limit : start, last);
}

static void level_free(struct cell *cells, unsigned int count, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		void *child = cell_cells(&cells[i]);

		if (child && level > 1)
			level_free(child, CELL_CELLS, level - 1);
		free(child);
	}
}

void cells_free(struct lookup_table *t)
{
	if (t->top)
		level_free(t->top, TOP_CELLS, CELL_LEVELS);
	free(t->top);
}
