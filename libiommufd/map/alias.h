/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef MAP_ALIAS_H
#define MAP_ALIAS_H

#include <stdbool.h>
#include <stdint.h>

#include "map/range.h"

/*
 * VA ranges that overlap others, each with a number and an age: which is the newest at an address?
 * A treap by start address that knows the farthest end and the newest age below each node.
 *
 * The nodes are an array of the caller's, indexed by the ranges' numbers.
 */
struct alias {
	uint64_t start, last;
	uint64_t delta;
	uint64_t age;		/* higher is newer */
	uint64_t below_last;	/* the highest of this node and those below it */
	uint64_t below_age;
	uint32_t left, right;
};

#define ALIAS_NONE UINT32_MAX

struct alias_set {
	struct alias *nodes;
	uint32_t root;
	uint64_t age;		/* of the newest so far */
};

void alias_init(struct alias_set *set);

/* The range becomes the newest.  Its number is not in the set. */
void alias_add(struct alias_set *set, uint32_t id, uint64_t start, uint64_t last, uint64_t delta);
void alias_remove(struct alias_set *set, uint32_t id);

/*
 * Who is the newest at @at, up to where?  *end is lowered to the end of the piece in which the
 * answer holds.  Returns ALIAS_NONE where there is no range.
 */
uint32_t alias_newest(const struct alias_set *set, uint64_t at, uint64_t *end);

#endif
