/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Which PASIDs are in use, beside a plain array. */
#include "test-map.h"

#include <errno.h>

#include "base/macro.h"
#include "map/pasid-alloc.h"
#include "test-map-fail.h"

static void number_0_is_never_free(void **state)
{
	struct pasid_alloc a;
	uint32_t number;

	(void)state;
	assert_int_equal(pasid_alloc_init(&a, 1), 0);
	assert_int_equal(a.free, 1);
	assert_int_equal(pasid_alloc_take(&a, 0), -EEXIST);
	assert_int_equal(pasid_alloc_find(&a, 0, 0, &number), -ENOSPC);
	assert_int_equal(pasid_alloc_find(&a, 0, UINT32_MAX, &number), 0);
	assert_int_equal(number, 1);
	assert_int_equal(pasid_alloc_find(&a, 0, UINT32_MAX, &number), -ENOSPC);
	assert_int_equal(a.free, 0);
	pasid_alloc_give(&a, 1);
	assert_int_equal(pasid_alloc_take(&a, 1), 0);
	pasid_alloc_exit(&a);
}

static void reserving_is_all_or_nothing(void **state)
{
	struct pasid_alloc a;
	uint32_t number;

	(void)state;
	assert_int_equal(pasid_alloc_init(&a, 10), 0);
	assert_int_equal(pasid_alloc_take(&a, 100), 0);
	assert_int_equal(pasid_alloc_reserve(&a, 90, 100), -EEXIST);
	assert_int_equal(pasid_alloc_reserve(&a, 90, 99), 0);
	assert_int_equal(pasid_alloc_reserve(&a, 1000, 1024), -ERANGE);
	assert_int_equal(pasid_alloc_reserve(&a, 8, 7), -ERANGE);
	assert_int_equal(pasid_alloc_take(&a, 1024), -ERANGE);
	assert_int_equal(pasid_alloc_take(&a, UINT32_MAX), -ERANGE);
	assert_int_equal(a.free, 1024 - 1 - 11);
	assert_int_equal(pasid_alloc_find(&a, 90, 110, &number), 0);
	assert_int_equal(number, 101);
	pasid_alloc_exit(&a);
}

static void lowest_free_number_is_found(void **state)
{
	uint64_t rng = test_seed(__func__);
	unsigned int rounds = test_rounds(100000), i;
	static bool used[1 << 14];
	struct pasid_alloc a;
	uint32_t count = 1, j;

	(void)state;
	assert_int_equal(pasid_alloc_init(&a, 14), 0);
	used[0] = true;
	/* Nearly full, so that whole words are, and words of words. */
	for (j = 1; j < ARRAY_SIZE(used); j++)
		if (test_below(&rng, 500)) {
			used[j] = true;
			count++;
			assert_int_equal(pasid_alloc_take(&a, j), 0);
		}
	for (i = 0; i < rounds; i++) {
		uint32_t min = (uint32_t)test_below(&rng, ARRAY_SIZE(used) + 100);
		uint32_t max = min + (uint32_t)test_below(&rng, test_below(&rng, 2) ? 200 : 20000);
		uint32_t number = 12345;

		for (j = min; j <= max && j < ARRAY_SIZE(used) && used[j]; j++)
			;
		if (j > max || j >= ARRAY_SIZE(used)) {
			assert_int_equal(pasid_alloc_find(&a, min, max, &number), -ENOSPC);
			assert_int_equal(number, 12345);
		} else {
			assert_int_equal(pasid_alloc_find(&a, min, max, &number), 0);
			assert_int_equal(number, j);
			used[j] = true;
			count++;
		}
		j = (uint32_t)test_below(&rng, ARRAY_SIZE(used));
		if (j && used[j] && !test_below(&rng, 3)) {
			pasid_alloc_give(&a, j);
			used[j] = false;
			count--;
		}
		assert_int_equal(a.free, ARRAY_SIZE(used) - count);
	}
	pasid_alloc_exit(&a);
}

static void full_width_is_used_up(void **state)
{
	struct pasid_alloc a;
	uint32_t number;

	(void)state;
	assert_int_equal(pasid_alloc_init(&a, 20), 0);
	assert_int_equal(pasid_alloc_reserve(&a, 1, 0xffffe), 0);
	assert_int_equal(pasid_alloc_find(&a, 0, UINT32_MAX, &number), 0);
	assert_int_equal(number, 0xfffff);
	assert_int_equal(pasid_alloc_find(&a, 0, UINT32_MAX, &number), -ENOSPC);
	pasid_alloc_exit(&a);
}

static void memory_may_be_short(void **state)
{
	struct pasid_alloc a;

	(void)state;
	for (unsigned int n = 1; n <= 2; n++) {
		fail_countdown = n;
		assert_int_equal(pasid_alloc_init(&a, 8), -ENOMEM);
		pasid_alloc_exit(&a);
	}
	fail_countdown = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_0_is_never_free),
		cmocka_unit_test(reserving_is_all_or_nothing),
		cmocka_unit_test(lowest_free_number_is_found),
		cmocka_unit_test(full_width_is_used_up),
		cmocka_unit_test(memory_may_be_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
