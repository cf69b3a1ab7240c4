/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef MAP_PASID_TABLE_H
#define MAP_PASID_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

/*
 * Pairs of a virtual and a physical PASID, found from either side. A side is a root of 1024
 * pointers to leaves of 1024 words; a word is the other side's number plus 1, or 0. A leaf that
 * was never needed is the one empty leaf of all tables, so that readers have nothing to test: two
 * loads, whatever there is. Leaves are made when they are first needed and stay.
 *
 * Readers take no lock and never wait; each pair is seen as it was before or after a change. Who
 * finds a pair from the virtual side finds it from the physical side too, unless it is being
 * cleared. Writers are serialised by the caller.
 */

enum {
	PASID_WIDTH_MAX = 20,
	PASID_LEAF_SHIFT = 10,
	PASID_LEAF_WORDS = 1 << PASID_LEAF_SHIFT,
	PASID_ROOT_WORDS = 1 << (PASID_WIDTH_MAX - PASID_LEAF_SHIFT),
};

struct pasid_leaf {
	_Atomic uint32_t words[PASID_LEAF_WORDS];
};

struct pasid_side {
	_Atomic(struct pasid_leaf *) root[PASID_ROOT_WORDS];
	uint32_t limit;  /* numbers are below; a power of 2 */
	uint32_t leaves; /* made */
};

struct pasid_table {
	struct pasid_side to_physical;
	struct pasid_side to_virtual;
	uint32_t pairs;
};

/* @count pairs: vpasid to pasid, vpasid + 1 to pasid + 1 and so on. */
struct pasid_run {
	uint32_t vpasid;
	uint32_t pasid;
	uint32_t count;
};

/* Widths in bits, 1 to PASID_WIDTH_MAX. */
void pasid_table_init(struct pasid_table *t, unsigned int virtual_width,
		      unsigned int physical_width);
void pasid_table_exit(struct pasid_table *t);

/* Are @count numbers from @first on, at least one, within a side? */
static inline bool pasid_side_has(const struct pasid_side *side, uint32_t first, uint32_t count)
{
	return count && first < side->limit && count <= side->limit - first;
}

/*
 * Add the pairs of a run, which is within both sides. -EEXIST: @there is the first pair that has
 * one of the numbers. -ENOMEM. Nothing has changed on failure.
 */
int pasid_table_add(struct pasid_table *t, const struct pasid_run *run, struct pasid_run *there);
/* Remove the pairs whose virtual number is among @count from @first on; returns how many. */
uint32_t pasid_table_remove(struct pasid_table *t, uint32_t first, uint32_t count);
/* The longest run that begins with the first pair at or after @from; for a writer. */
bool pasid_table_next(const struct pasid_table *t, uint32_t from, struct pasid_run *run);

/* The number on the other side plus 1, or 0. @number is below the limit. Any thread, any time. */
static inline __attribute__((always_inline)) uint32_t
pasid_side_read(const struct pasid_side *side, uint32_t number)
{
	const struct pasid_leaf *leaf =
		atomic_load_explicit(&side->root[number >> PASID_LEAF_SHIFT], memory_order_acquire);

	return atomic_load_explicit(&leaf->words[number & (PASID_LEAF_WORDS - 1)],
				    memory_order_acquire);
}

#endif
