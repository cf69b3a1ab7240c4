/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the tests of the interval map share. */
#ifndef TEST_MAP_IOVA_H
#define TEST_MAP_IOVA_H

#include "test-map.h"

#include "test-map-fail.h"

#include "map/iova-map.h"

static inline int setup(void **state)
{
	struct iova_map *m;
	int rc = iova_map_new(&m);

	*state = m;
	return rc;
}

/* Without address space for the flat arrays. */
static inline int setup_radix(void **state)
{
	int rc;

	fail_large = true;
	rc = setup(state);
	fail_large = false;
	return rc;
}

static inline int teardown(void **state)
{
	iova_map_free(*state);
	return 0;
}

static inline struct map_entry of_va(uint64_t iova, uint64_t length, uint64_t va)
{
	struct map_entry e = { .iova = iova, .length = length, .va = va, .prot = 3,
			       .kind = MAP_KIND_VA };

	return e;
}

static inline void expect_iova(const struct iova_map *m, uint64_t va, uint64_t wanted, uint64_t iova,
			uint64_t run)
{
	uint64_t got = 0, got_run = 0;

	assert_int_equal(iova_map_to_iova(m, va, wanted, &got, &got_run), run ? 0 : -ENOENT);
	assert_int_equal(got_run, run);
	if (run)
		assert_int_equal(got, iova);
}

static inline void expect_va(const struct iova_map *m, uint64_t iova, uint64_t wanted, uint64_t va,
		      uint64_t run)
{
	uint64_t got = 0, got_run = 0;

	assert_int_equal(iova_map_to_va(m, iova, wanted, &got, &got_run), run ? 0 : -ENOENT);
	assert_int_equal(got_run, run);
	if (run)
		assert_int_equal(got, va);
}

#endif
