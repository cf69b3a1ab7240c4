/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Readers of the lookup table, beyond the fast path. */
#include "map/lookup-priv.h"

/* What is known at one address. */
struct found {
	uint64_t value;		/* delta | 1, or 0 */
	uint64_t run;		/* bytes from the address on with this value, at least; if mapped */
};

enum {
	CHANGED,	/* the slot was changed while it was read */
	EMPTY,		/* the levels above decide */
	KNOWN,
};

/* From the finest level to the coarsest. */
struct path {
	const lookup_word *slot;	/* NULL: no such level here */
	const struct cell *cells[CELL_LEVELS];
};

static inline void path_to(const struct lookup_table *t, uint64_t addr, struct path *path)
{
	const struct cell *cells;
	unsigned int level;

	*path = (struct path){ 0 };
	if (addr < t->reader.limit) {
		path->cells[0] = &t->cells[addr >> cell_shift(1)];
		path->slot = &t->reader.slots[addr >> LOOKUP_SLOT_SHIFT];
		return;
	}
	cells = atomic_load_explicit(&t->top, memory_order_acquire);
	for (level = CELL_LEVELS; level && cells; level--) {
		uint64_t count = level == CELL_LEVELS ? TOP_CELLS : CELL_CELLS;
		const struct cell *cell = &cells[addr >> cell_shift(level) & (count - 1)];

		path->cells[level - 1] = cell;
		if (level == 1)
			path->slot = cell_slots(t, cell, addr);
		else
			cells = cell_cells(cell);
	}
	if (path->slot)
		path->slot += addr >> LOOKUP_SLOT_SHIFT & (CELL_SLOTS - 1);
}

/* Bytes from @addr to the end of the aligned block of 1 << @shift bytes around it. */
static uint64_t to_end(uint64_t addr, unsigned int shift)
{
	return (1ull << shift) - (addr & ((1ull << shift) - 1));
}

/* How many slots in a row, from a full one on, hold the same word? */
static uint64_t full_run(const lookup_word *slot, uint64_t word, uint64_t addr, uint64_t wanted)
{
	uint64_t run = to_end(addr, LOOKUP_SLOT_SHIFT);
	uint64_t end = to_end(addr, cell_shift(1));

	while (run < wanted && run < end && word_read(++slot) == word)
		run += LOOKUP_SLOT_MASK + 1;
	return run;
}

static int slot_read(const lookup_word *slot, uint64_t addr, uint64_t wanted, struct found *found)
{
	unsigned int page = addr >> MAP_PAGE_SHIFT & (LOOKUP_SLOT_PAGES - 1);
	uint64_t word = word_read(slot), first, end;
	const lookup_word *leaf;

	found->value = 0;
	found->run = to_end(addr, MAP_PAGE_SHIFT);
	if (!word)
		return EMPTY;
	if (word & LOOKUP_FULL) {
		found->value = word;
		found->run = full_run(slot, word, addr, wanted);
	} else if (word & LOOKUP_ONE) {
		first = word >> 3 & 511;
		end = first + (word >> 12 & 511) + 1;
		if (page < first || page >= end)
			return KNOWN;
		found->value = WORD_OF((uint64_t)((int64_t)word >> 9) & ~MAP_PAGE_MASK);
		found->run += (end - page - 1) << MAP_PAGE_SHIFT;
	} else if (word & LOOKUP_FLAT) {
		leaf = flat_leaf(word);
		found->value = word_read(&leaf[page]);
		while (found->run < wanted && ++page < LOOKUP_SLOT_PAGES &&
		       word_read(&leaf[page]) == found->value)
			found->run += MAP_PAGE_SIZE;
		if (word_read(slot) != word)
			return CHANGED;
	} else if (!hash_read(slot, word, page, &found->value)) {
		return CHANGED;
	}
	return KNOWN;
}

/* The coarse levels; each word holds for what is empty below it. */
static bool cells_read(const struct path *path, uint64_t addr, struct found *found)
{
	unsigned int empty = LOOKUP_SLOT_SHIFT, level;
	const struct cell *cell;

	for (level = 1; level <= CELL_LEVELS; level++) {
		cell = path->cells[level - 1];
		if (!cell)
			continue;
		found->value = word_read(&cell->word);
		/* With nothing below it the word holds to the cell's end, if it still does. */
		if (!cell_used(cell) && word_read(&cell->word) == found->value)
			empty = cell_shift(level);
		if (found->value) {
			found->run = to_end(addr, empty);
			return true;
		}
	}
	return false;
}

static struct found find(const struct lookup_table *t, uint64_t addr, uint64_t wanted)
{
	struct found found = { 0, 0 };
	uint64_t pushes;
	struct path path;
	int state;

	for (;;) {
		pushes = atomic_load_explicit(&t->pushes, memory_order_acquire);
		path_to(t, addr, &path);
		state = path.slot ? slot_read(path.slot, addr, wanted, &found) : EMPTY;
		if (state == CHANGED)
			continue;
		if (state == KNOWN || cells_read(&path, addr, &found))
			return found;
		if (atomic_load_explicit(&t->pushes, memory_order_relaxed) == pushes) {
			found.value = 0;
			return found;
		}
	}
}

struct lookup_hit lookup_get_slow(const struct lookup *l, uint64_t addr, uint64_t wanted)
{
	struct found found = find(table_of_const(l), addr, wanted);
	struct lookup_hit hit = { 0, 0 };

	if (found.value) {
		hit.target = addr + found.value - 1;
		hit.run = lookup_run_on(l, addr, wanted, hit.target, found.run);
	}
	return hit;
}

/* @room bytes lie at @target; of @wanted, how many do? */
uint64_t lookup_run_on(const struct lookup *l, uint64_t addr, uint64_t wanted, uint64_t target,
		       uint64_t room)
{
	while (room < wanted && addr + room) {
		struct found next = find(table_of_const(l), addr + room, wanted - room);

		if (!next.value || addr + next.value - 1 != target)
			break;
		if (__builtin_add_overflow(room, next.run, &room))
			room = UINT64_MAX;
	}
	return room < wanted ? room : wanted;
}

/* The writer's walk: bytes from @addr on that are surely not mapped; 0 when one has to look. */
static uint64_t empty_run(const struct lookup_table *t, uint64_t addr)
{
	unsigned int levels = addr < t->reader.limit ? 1 : CELL_LEVELS;
	unsigned int shift = 0, level;
	struct path path;

	path_to(t, addr, &path);
	if (path.slot && !word_peek(path.slot))
		shift = LOOKUP_SLOT_SHIFT;
	for (level = 1; level <= levels; level++) {
		const struct cell *cell = path.cells[level - 1];

		if (cell && word_peek(&cell->word))
			return 0;
		if (!cell || !cell_used(cell))
			shift = cell_shift(level);
	}
	return shift ? to_end(addr, shift) : 0;
}

bool lookup_next(const struct lookup *l, uint64_t start, uint64_t last, struct lookup_run *run)
{
	const struct lookup_table *t = table_of_const(l);
	uint64_t at, skip, wanted;

	for (at = start; ; at += skip) {
		skip = empty_run(t, at);
		if (!skip) {
			/* Runs come in pages: where 2^64 cannot be said, a byte less does. */
			wanted = last - at == UINT64_MAX ? UINT64_MAX : last - at + 1;
			run->start = at;
			run->delta = lookup_translate(l, at, wanted, &skip) - at;
			run->last = skip < wanted ? at + skip - 1 : last;
			if (skip)
				return true;
			skip = to_end(at, MAP_PAGE_SHIFT);
		}
		if (skip > last - at)
			return false;
	}
}
