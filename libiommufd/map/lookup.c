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

int lookup_reserve(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta,
		   uint32_t *leaves)
{
	struct lookup_table *t = table_of(l);
	uint32_t need;
	int rc;

	rc = cells_prepare(t, start, last, delta, &need);
	if (rc || need <= *leaves)
		return rc;
	rc = flat_reserve(&t->flats, need - *leaves);
	if (!rc)
		*leaves = need;
	return rc;
}

void lookup_unreserve(struct lookup *l, uint32_t leaves)
{
	table_of(l)->flats.reserved -= leaves;
}

void lookup_publish(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta,
		    uint32_t leaves)
{
	lookup_unreserve(l, leaves);
	cells_set(table_of(l), start, last, delta);
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
	cells_clear(table_of(l), start, start + length - 1);
}

void lookup_restore(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta)
{
	cells_set(table_of(l), start, last, delta);
}

uint64_t lookup_footprint(const struct lookup *l)
{
	const struct lookup_table *t = table_of_const(l);

	return t->cell_bytes + t->flats.in_use * LOOKUP_SLOT_PAGES * sizeof(lookup_word) +
		t->hashes.lines_in_use * sizeof(struct hash_line);
}
