/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef MAP_LOOKUP_PRIV_H
#define MAP_LOOKUP_PRIV_H

#include <stddef.h>

#include "map/lookup.h"

/* How a page or a slot with this delta is written; 0 is "not mapped". */
#define WORD_OF(delta) ((delta) | 1)

/* A run of pages in one slot with one delta. */
struct extent {
	unsigned int first;
	unsigned int count;	/* 0: nothing */
	uint64_t delta;
};

/*
 * A cell is one entry of the levels above the slots.  Its word holds for every entry of its child
 * that is empty.  The child is made when it is first needed and stays.
 *
 *   level     1      2      3
 *   covers    1 GiB  2 TiB  4 PiB
 *   child     slots  cells  cells
 */
struct cell {
	lookup_word word;
	_Atomic(void *) child;
	_Atomic uint32_t used;	/* entries of the child that are not empty */
};

enum {
	CELL_LEVELS = 3,
	CELL_SLOTS = 512,	/* slot words under a cell of level 1 */
	CELL_CELLS = 2048,	/* cells under a cell of level 2 or 3 */
	TOP_CELLS = 4096,	/* cells of level 3 */
};

static inline unsigned int cell_shift(unsigned int level)
{
	return level == 1 ? 30 : level == 2 ? 41 : 52;
}

/*
 * Flat leaves come from aligned chunks whose first page describes the others.  A leaf is all zero
 * whenever it is not attached to a slot.
 */
struct flat_chunk;

struct flat_pool {
	struct flat_chunk *chunks;
	lookup_word *free;
	uint32_t available;	/* leaves that can be taken */
	uint32_t reserved;	/* of these, promised */
	uint32_t in_use;
};

enum {
	HASH_CLASSES = 8,
	HASH_LINE_WORDS = 7,
	/* A slot with more pages gets a flat leaf. */
	HASH_MAX_PAGES = 96,
	/* Hashed leaves save memory, flat ones time: below this many (1 MiB) all are flat. */
	FLAT_BUDGET = 256,
};

/*
 * A hashed leaf is a few cache lines.  A page is in its home line or, if that has overflowed, in
 * the one after it.  A word is the delta with the page's number in the low bits.  The head's
 * sequence is odd while the line is in nobody's leaf, and never repeats.
 */
struct hash_line {
	/* Sequence [63:16], pages in the leaf [15:1] (line 0 only), overflowed [0]. */
	lookup_word head;
	lookup_word words[HASH_LINE_WORDS];
};

struct hash_chunk;

struct hash_pool {
	struct hash_chunk *chunks;
	struct hash_line *fresh;
	uint32_t fresh_lines;
	struct hash_line *free[HASH_CLASSES];
	uint64_t lines_in_use;
};

struct lookup_table {
	struct lookup reader;
	struct cell *cells;		/* of level 1, for the flat array of slots; or NULL */
	_Atomic(struct cell *) top;	/* of level 3, for the rest; or NULL */
	_Atomic uint64_t pushes;	/* times a cell's word was handed down to its child */
	struct flat_pool flats;
	struct hash_pool hashes;
	uint64_t cell_bytes;
};

static inline struct lookup_table *table_of(struct lookup *l)
{
	return container_of(l, struct lookup_table, reader);
}

static inline const struct lookup_table *table_of_const(const struct lookup *l)
{
	return container_of(l, const struct lookup_table, reader);
}

/* What the single writer does to shared words. */
static inline uint64_t word_peek(const lookup_word *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static inline uint64_t word_read(const lookup_word *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static inline void word_write(lookup_word *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

/* lookup-leaf.c: flat leaves */
int flat_reserve(struct flat_pool *pool, uint32_t leaves);
lookup_word *flat_take(struct flat_pool *pool, uint64_t *word);
void flat_fill(lookup_word *leaf, unsigned int first, unsigned int count, uint64_t value);
bool flat_empty(const lookup_word *leaf);
void flat_give(struct flat_pool *pool, lookup_word *leaf);
void flat_pool_free(struct flat_pool *pool);

static inline bool word_is_flat(uint64_t word)
{
	return (word & 7) == LOOKUP_FLAT;
}

static inline lookup_word *flat_leaf(uint64_t word)
{
	return (lookup_word *)(uintptr_t)(word & LOOKUP_FLAT_POINTER);
}

/* lookup-hash.c: hashed leaves; a leaf is named by its slot word */
uint64_t hash_build(struct hash_pool *pool, uint64_t from, const struct extent *add,
		    unsigned int extents);
bool hash_put(uint64_t leaf, unsigned int page, uint64_t delta);
void hash_remove(uint64_t leaf, unsigned int page);
unsigned int hash_pages(uint64_t leaf);
void hash_copy(uint64_t leaf, lookup_word *flat);
void hash_give(struct hash_pool *pool, uint64_t leaf);
bool hash_read(const lookup_word *slot, uint64_t leaf, unsigned int page, uint64_t *value);
void hash_pool_free(struct hash_pool *pool);

static inline bool word_is_hash(uint64_t word)
{
	return word && !(word & 7);
}

/*
 * lookup-slot.c: one slot.  @under is what holds where the slot is empty; slot_clear() is only
 * called where that is nothing.
 */
static inline void slot_write(struct cell *cell, lookup_word *slot, uint64_t old, uint64_t word)
{
	uint32_t used = atomic_load_explicit(&cell->used, memory_order_relaxed);

	/* A reader who sees no entry used concludes that all are empty: count first. */
	if (!old && word)
		atomic_store_explicit(&cell->used, used + 1, memory_order_release);
	word_write(slot, word);
	if (old && !word)
		atomic_store_explicit(&cell->used, used - 1, memory_order_release);
}

bool slot_needs_leaf(uint64_t word, const struct extent *new, uint64_t under);
void slot_set(struct lookup_table *t, struct cell *cell, lookup_word *slot,
	      const struct extent *new, uint64_t under);
void slot_clear(struct lookup_table *t, struct cell *cell, lookup_word *slot,
		const struct extent *pages);

/* The one slot of a range, where no word of a cell is involved. */
struct spot {
	struct cell *cell;
	lookup_word *slot;
};

static inline bool spot_find(const struct lookup_table *t, uint64_t start, uint64_t last,
			     struct spot *s)
{
	if ((start ^ last) >> LOOKUP_SLOT_SHIFT || last >= t->reader.limit)
		return false;
	s->cell = &t->cells[start >> cell_shift(1)];
	s->slot = &t->reader.slots[start >> LOOKUP_SLOT_SHIFT];
	return !word_peek(&s->cell->word);
}

static inline struct extent spot_pages(uint64_t start, uint64_t last, uint64_t delta)
{
	struct extent pages = {
		.first = start >> MAP_PAGE_SHIFT & (LOOKUP_SLOT_PAGES - 1),
		.count = ((last - start) >> MAP_PAGE_SHIFT) + 1,
		.delta = delta,
	};

	return pages;
}

/* lookup-cell.c: ranges of cells */
int cells_prepare(struct lookup_table *t, uint64_t start, uint64_t last, uint64_t delta,
		  uint32_t *leaves);
void cells_set(struct lookup_table *t, uint64_t start, uint64_t last, uint64_t delta);
void cells_clear(struct lookup_table *t, uint64_t start, uint64_t last);
void cells_free(struct lookup_table *t);

static inline lookup_word *cell_slots(const struct lookup_table *t, const struct cell *cell,
				      uint64_t addr)
{
	if (addr < t->reader.limit)
		return &t->reader.slots[(addr >> cell_shift(1)) * CELL_SLOTS];
	return atomic_load_explicit(&cell->child, memory_order_acquire);
}

static inline struct cell *cell_cells(const struct cell *cell)
{
	return atomic_load_explicit(&cell->child, memory_order_acquire);
}

static inline uint32_t cell_used(const struct cell *cell)
{
	return atomic_load_explicit(&cell->used, memory_order_acquire);
}

#endif
