/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A lookup table for each test, in both of its forms. */
#ifndef TEST_MAP_LOOKUP_H
#define TEST_MAP_LOOKUP_H

#include "test-map.h"

#include "map/lookup.h"

static inline struct lookup *table(void **state)
{
	return *state;
}

static inline int setup_flat(void **state)
{
	struct lookup *l;
	int rc = lookup_new(&l);

	*state = l;
	return rc;
}

static inline int setup_radix(void **state)
{
	struct lookup *l;
	int rc = lookup_new_radix(&l);

	*state = l;
	return rc;
}

static inline int teardown(void **state)
{
	lookup_free(*state);
	return 0;
}

static inline void set(struct lookup *l, uint64_t start, uint64_t length, uint64_t target)
{
	assert_int_equal(lookup_set(l, start, length, target - start), 0);
}

#endif
