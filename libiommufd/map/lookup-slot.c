/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * One slot of the lookup table, as the writer changes it.
 *
 * Each change of a page is one store of one word, so a reader sees it done or not done.  Once a
 * slot has a leaf it keeps it until the last page goes.  So whatever a set laid over other pages
 * can be taken off again, and the pages under it put back, in place.
 */
#include "map/lookup-priv.h"

/* 43 bits of pages, signed. */
static bool one_fits(uint64_t delta)
{
	return (int64_t)(delta << 9) >> 9 == (int64_t)delta;
}

static uint64_t one_word(const struct extent *e)
{
	return e->delta << 9 | (uint64_t)(e->count - 1) << 12 | e->first << 3 | LOOKUP_ONE;
}

/* Can the extent, alone in its slot, be written in the slot word? */
static bool extent_fits(const struct extent *e)
{
	return !e->count || e->count == LOOKUP_SLOT_PAGES || one_fits(e->delta);
}

static uint64_t extent_word(const struct extent *e)
{
	if (!e->count)
		return 0;
	return e->count == LOOKUP_SLOT_PAGES ? WORD_OF(e->delta) : one_word(e);
}

/* What a slot without a leaf holds. */
static struct extent word_extent(uint64_t word)
{
	struct extent e = { 0, 0, 0 };

	if (word & LOOKUP_FULL) {
		e.count = LOOKUP_SLOT_PAGES;
		e.delta = word - 1;
	} else if (word & LOOKUP_ONE) {
		e.first = word >> 3 & 511;
		e.count = (word >> 12 & 511) + 1;
		e.delta = (uint64_t)((int64_t)word >> 9) & ~MAP_PAGE_MASK;
	}
	return e;
}

static bool word_has_leaf(uint64_t word)
{
	return word_is_flat(word) || word_is_hash(word);
}

/* Can the new extent simply replace the word?  Yes if no other pages are there. */
static bool extent_replaces(uint64_t word, const struct extent *new, uint64_t under)
{
	struct extent old = word_extent(word ? word : under);

	if (word_has_leaf(word) || !extent_fits(new))
		return false;
	return !old.count || (old.first == new->first && old.count == new->count);
}

/* Would setting these pages take a leaf from the pool? */
bool slot_needs_leaf(uint64_t word, const struct extent *new, uint64_t under)
{
	return !word_is_flat(word) && !extent_replaces(word, new, under);
}

static bool prefer_hash(const struct lookup_table *t, const struct extent *e)
{
	return t->flats.in_use >= FLAT_BUDGET && e[0].count + e[1].count <= HASH_MAX_PAGES;
}

/* Give the slot a leaf with what its leaf, if any, holds now, and two extents. */
static bool slot_spread(struct lookup_table *t, struct cell *cell, lookup_word *slot,
			const struct extent *e)
{
	uint64_t old = word_peek(slot), word = 0;
	lookup_word *leaf;

	if (prefer_hash(t, e))
		word = hash_build(&t->hashes, word_is_hash(old) ? old : 0, e, 2);
	if (!word) {
		leaf = flat_take(&t->flats, &word);
		if (!leaf)
			return false;
		if (word_is_hash(old))
			hash_copy(old, leaf);
		flat_fill(leaf, e[0].first, e[0].count, WORD_OF(e[0].delta));
		flat_fill(leaf, e[1].first, e[1].count, WORD_OF(e[1].delta));
	}
	slot_write(cell, slot, old, word);
	if (word_is_hash(old))
		hash_give(&t->hashes, old);
	return true;
}

/* Set the pages in place, if the leaf has room. */
static bool hash_set(uint64_t leaf, const struct extent *new)
{
	unsigned int i;

	if (new->count > HASH_MAX_PAGES)
		return false;
	for (i = 0; i < new->count; i++)
		if (!hash_put(leaf, new->first + i, new->delta))
			return false;
	return true;
}

void slot_set(struct lookup_table *t, struct cell *cell, lookup_word *slot,
	      const struct extent *new, uint64_t under)
{
	uint64_t word = word_peek(slot);

	if (word_is_flat(word)) {
		flat_fill(flat_leaf(word), new->first, new->count, WORD_OF(new->delta));
	} else if (extent_replaces(word, new, under)) {
		slot_write(cell, slot, word, extent_word(new));
	} else if (!word_is_hash(word) || !hash_set(word, new)) {
		struct extent both[2] = { word_extent(word ? word : under), *new };

		/* The reservation sees to it that this succeeds. */
		if (!slot_spread(t, cell, slot, both))
			slot_write(cell, slot, word, 0);
	}
}

static void extent_clear(struct lookup_table *t, struct cell *cell, lookup_word *slot,
			 const struct extent *gone)
{
	uint64_t word = word_peek(slot);
	struct extent old = word_extent(word), rest[2] = { old, old };
	unsigned int end = old.first + old.count, gone_end = gone->first + gone->count;

	if (gone->first >= end || gone_end <= old.first)
		return;
	rest[0].count = gone->first > old.first ? gone->first - old.first : 0;
	rest[1].first = gone_end;
	rest[1].count = end > gone_end ? end - gone_end : 0;

	if (!rest[1].count && extent_fits(&rest[0]))
		slot_write(cell, slot, word, extent_word(&rest[0]));
	else if (!rest[0].count && extent_fits(&rest[1]))
		slot_write(cell, slot, word, extent_word(&rest[1]));
	else if (!slot_spread(t, cell, slot, rest))
		slot_write(cell, slot, word, 0);
}

void slot_clear(struct lookup_table *t, struct cell *cell, lookup_word *slot,
		const struct extent *pages)
{
	uint64_t word = word_peek(slot);
	unsigned int i;

	if (word_is_flat(word)) {
		flat_fill(flat_leaf(word), pages->first, pages->count, 0);
		if (flat_empty(flat_leaf(word))) {
			slot_write(cell, slot, word, 0);
			flat_give(&t->flats, flat_leaf(word));
		}
	} else if (word_is_hash(word)) {
		for (i = 0; pages->count < LOOKUP_SLOT_PAGES && i < pages->count; i++)
			hash_remove(word, pages->first + i);
		if (pages->count == LOOKUP_SLOT_PAGES || !hash_pages(word)) {
			slot_write(cell, slot, word, 0);
			hash_give(&t->hashes, word);
		}
	} else if (word) {
		extent_clear(t, cell, slot, pages);
	}
}
