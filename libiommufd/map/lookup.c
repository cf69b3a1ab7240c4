/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The lookup table as a whole, for its writer. */
#include "map/lookup.h"

#include <errno.h>
#include <stdlib.h>

#include "map/lookup-priv.h"
#include "os/mem.h"

#define FLAT_LIMIT	(1ull << 48)
#define FLAT_SLOTS	(FLAT_LIMIT >> LOOKUP_SLOT_SHIFT)
#define FLAT_CELLS	(FLAT_LIMIT >> 30)
#define FLAT_SIZE	(FLAT_SLOTS * sizeof(lookup_word) + FLAT_CELLS * sizeof(struct cell))

int lookup_new_radix(struct lookup **out)
{
	struct lookup_table *t = calloc(1, sizeof(*t));

	*out = t ? &t->reader : NULL;
	return t ? 0 : -ENOMEM;
}

int lookup_new(struct lookup **out)
{
	int rc = lookup_new_radix(out);
	struct lookup_table *t;

	if (rc)
		return rc;
	t = table_of(*out);
	t->reader.slots = os_reserve(FLAT_SIZE);
	if (t->reader.slots) {
		t->cells = (struct cell *)(t->reader.slots + FLAT_SLOTS);
		t->reader.limit = FLAT_LIMIT;
	}
	return 0;
}

void lookup_free(struct lookup *l)
{
	struct lookup_table *t;

	if (!l)
		return;
	t = table_of(l);
	cells_free(t);
	hash_pool_free(&t->hashes);
	flat_pool_free(&t->flats);
	os_release(t->reader.slots, FLAT_SIZE);
	free(t);
}

/*
 * The most frequent changes, in few instructions: a run of pages in a slot that is otherwise empty.
 * The word that describes it, or 0 when it is not that simple.
 */
static inline uint64_t lone_word(uint64_t start, uint64_t last, uint64_t delta)
{
	uint64_t bytes = last - start;

	if ((start ^ last) >> LOOKUP_SLOT_SHIFT || bytes == LOOKUP_SLOT_MASK ||
	    (int64_t)(delta << 9) >> 9 != (int64_t)delta)
		return 0;
	return delta << 9 | (bytes & ~MAP_PAGE_MASK) | (start >> 9 & 0xff8) | LOOKUP_ONE;
}

#define LONE_PAGES ((1ull << 21) - 1)	/* all of the word but the delta */

int lookup_reserve(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta,
		   uint32_t *leaves)
{
	struct lookup_table *t = table_of(l);
	struct spot spot;
	uint32_t need;
	int rc;

	if (spot_find(t, start, last, &spot)) {
		struct extent pages = spot_pages(start, last, delta);

		if (!word_peek(spot.slot) && lone_word(start, last, delta))
			return 0;
		need = slot_needs_leaf(word_peek(spot.slot), &pages, 0);
	} else {
		rc = cells_prepare(t, start, last, delta, &need);
		if (rc)
			return rc;
	}
	if (need <= *leaves)
		return 0;
	rc = flat_reserve(&t->flats, need - *leaves);
	if (!rc)
		*leaves = need;
	return rc;
}

int lookup_reserve_leaves(struct lookup *l, uint32_t leaves)
{
	return flat_reserve(&table_of(l)->flats, leaves);
}

void lookup_unreserve(struct lookup *l, uint32_t leaves)
{
	table_of(l)->flats.reserved -= leaves;
}

void lookup_publish(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta,
		    uint32_t leaves)
{
	lookup_unreserve(l, leaves);
	lookup_restore(l, start, last, delta);
}

bool lookup_publish_alone(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta,
			  uint32_t leaves)
{
	struct lookup_table *t = table_of(l);
	uint64_t word = lone_word(start, last, delta);
	struct spot spot;

	if (!word || !spot_find(t, start, last, &spot) || word_peek(spot.slot))
		return false;
	lookup_unreserve(l, leaves);
	slot_write(spot.cell, spot.slot, 0, word);
	return true;
}

int lookup_set(struct lookup *l, uint64_t start, uint64_t length, uint64_t delta)
{
	uint64_t last = start + length - 1;
	uint32_t leaves = 0;
	int rc;

	rc = lookup_reserve(l, start, last, delta, &leaves);
	if (!rc)
		lookup_publish(l, start, last, delta, leaves);
	return rc;
}

void lookup_clear(struct lookup *l, uint64_t start, uint64_t length)
{
	struct lookup_table *t = table_of(l);
	uint64_t last = start + length - 1, word;
	struct extent pages;
	struct spot spot;

	if (!spot_find(t, start, last, &spot)) {
		cells_clear(t, start, last);
		return;
	}
	word = word_peek(spot.slot);
	if (word && !((word ^ lone_word(start, last, 0)) & LONE_PAGES)) {
		slot_write(spot.cell, spot.slot, word, 0);
	} else {
		pages = spot_pages(start, last, 0);
		slot_clear(t, spot.cell, spot.slot, &pages);
	}
}

void lookup_restore(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta)
{
	struct lookup_table *t = table_of(l);
	struct extent pages;
	struct spot spot;
	uint64_t word;

	if (!spot_find(t, start, last, &spot)) {
		cells_set(t, start, last, delta);
		return;
	}
	word = lone_word(start, last, delta);
	if (word && !word_peek(spot.slot)) {
		slot_write(spot.cell, spot.slot, 0, word);
	} else {
		pages = spot_pages(start, last, delta);
		slot_set(t, spot.cell, spot.slot, &pages, 0);
	}
}

uint64_t lookup_footprint(const struct lookup *l)
{
	const struct lookup_table *t = table_of_const(l);

	return t->cell_bytes + t->flats.in_use * LOOKUP_SLOT_PAGES * sizeof(lookup_word) +
		t->hashes.lines_in_use * sizeof(struct hash_line);
}
