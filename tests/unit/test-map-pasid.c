/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Pairs of PASIDs beside a plain array, under failing allocations, and beside a writer. */
#include "test-map.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "map/pasid-table.h"
#include "test-map-fail.h"

enum { WIDTH = 13, NUMBERS = 1 << WIDTH, PHYSICAL_WIDTH = 12, PHYSICAL = 1 << PHYSICAL_WIDTH };

static struct pasid_table table;
static uint32_t model[NUMBERS]; /* pasid + 1, or 0 */

static int setup(void **state)
{
	(void)state;
	pasid_table_init(&table, WIDTH, PHYSICAL_WIDTH);
	memset(model, 0, sizeof(model));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fail_all = false;
	fail_countdown = 0;
	pasid_table_exit(&table);
	return 0;
}

static int add(uint32_t vpasid, uint32_t pasid, uint32_t count)
{
	struct pasid_run run = { vpasid, pasid, count }, there = { 0 };
	int r = pasid_table_add(&table, &run, &there);

	if (r == -EEXIST) {
		assert_int_equal(there.count, 1);
		assert_int_equal(model[there.vpasid], there.pasid + 1);
		assert_true((there.vpasid >= vpasid && there.vpasid - vpasid < count) ||
			    (there.pasid >= pasid && there.pasid - pasid < count));
	}
	return r;
}

/* What the model says of adding; the model has it afterwards. */
static int model_add(uint32_t vpasid, uint32_t pasid, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < NUMBERS; i++)
		if (model[i] && ((i >= vpasid && i - vpasid < count) ||
				 (model[i] - 1 >= pasid && model[i] - 1 - pasid < count)))
			return -EEXIST;
	for (i = 0; i < count; i++)
		model[vpasid + i] = pasid + i + 1;
	return 0;
}

static void check_all(void)
{
	static uint32_t back[PHYSICAL];
	struct pasid_run run;
	uint32_t i, pairs = 0, from = 0, seen = 0;

	memset(back, 0, sizeof(back));
	for (i = 0; i < NUMBERS; i++) {
		assert_int_equal(pasid_side_read(&table.to_physical, i), model[i]);
		if (model[i]) {
			back[model[i] - 1] = i + 1;
			pairs++;
		}
	}
	for (i = 0; i < PHYSICAL; i++)
		assert_int_equal(pasid_side_read(&table.to_virtual, i), back[i]);
	assert_int_equal(table.pairs, pairs);
	while (pasid_table_next(&table, from, &run)) {
		for (i = from; i < run.vpasid; i++)
			assert_int_equal(model[i], 0);
		for (i = 0; i < run.count; i++)
			assert_int_equal(model[run.vpasid + i], run.pasid + i + 1);
		from = run.vpasid + run.count;
		seen += run.count;
		if (from < NUMBERS)
			assert_int_not_equal(model[from], run.pasid + run.count + 1);
	}
	assert_int_equal(seen, pairs);
}

static void random_pairs_are_those_of_an_array(void **state)
{
	uint64_t rng = test_seed(__func__);
	unsigned int rounds = test_rounds(4000), i;

	(void)state;
	for (i = 0; i < rounds; i++) {
		uint32_t count = test_below(&rng, 4) ? 1 + (uint32_t)test_below(&rng, 4) :
						       1 + (uint32_t)test_below(&rng, 1500);
		uint32_t vpasid = (uint32_t)test_below(&rng, NUMBERS - count + 1);
		uint32_t pasid = (uint32_t)test_below(&rng, PHYSICAL - count + 1), j, gone = 0;

		if (test_below(&rng, 2)) {
			assert_int_equal(add(vpasid, pasid, count),
					 model_add(vpasid, pasid, count));
		} else {
			for (j = 0; j < count; j++) {
				gone += model[vpasid + j] != 0;
				model[vpasid + j] = 0;
			}
			assert_int_equal(pasid_table_remove(&table, vpasid, count), gone);
		}
		if (i % 64 == 0)
			check_all();
	}
	check_all();
}

static void ends_of_the_space_belong_to_it(void **state)
{
	const struct pasid_side *side = &table.to_physical;

	(void)state;
	assert_true(pasid_side_has(side, 0, NUMBERS));
	assert_true(pasid_side_has(side, NUMBERS - 1, 1));
	assert_false(pasid_side_has(side, 0, NUMBERS + 1));
	assert_false(pasid_side_has(side, NUMBERS, 1));
	assert_false(pasid_side_has(side, 1, NUMBERS));
	assert_false(pasid_side_has(side, 5, 0));
	assert_false(pasid_side_has(side, UINT32_MAX, 1));
	assert_false(pasid_side_has(side, 1, UINT32_MAX));
	assert_int_equal(add(NUMBERS - 1, PHYSICAL - 1, 1), 0);
	assert_int_equal(pasid_side_read(side, NUMBERS - 1), PHYSICAL);
	assert_int_equal(pasid_table_remove(&table, 0, NUMBERS), 1);
}

/* Walking and removing pass over leaves that were never made, and over no number more. */
static void pairs_beyond_missing_leaves_are_found(void **state)
{
	static const uint32_t at[] = { 2 * PASID_LEAF_WORDS, 5 * PASID_LEAF_WORDS - 1,
				       7 * PASID_LEAF_WORDS };
	struct pasid_run run;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(add(at[i], 10 + i, 1), 0);
	for (i = 0; i < 3; i++) {
		assert_true(pasid_table_next(&table, i ? at[i - 1] + 1 : 0, &run));
		assert_int_equal(run.vpasid, at[i]);
		assert_int_equal(run.pasid, 10 + i);
		assert_int_equal(run.count, 1);
	}
	assert_false(pasid_table_next(&table, at[2] + 1, &run));
	assert_int_equal(pasid_table_remove(&table, 1, at[2] - 1), 2);
	assert_int_equal(pasid_table_remove(&table, 1, at[2]), 1);
}

static void memory_follows_what_is_in_it(void **state)
{
	(void)state;
	assert_int_equal(table.to_physical.leaves + table.to_virtual.leaves, 0);
	assert_int_equal(add(5, 7, 1), 0);
	assert_int_equal(add(6, 9, 1), 0);
	assert_int_equal(table.to_physical.leaves, 1);
	assert_int_equal(table.to_virtual.leaves, 1);
	assert_int_equal(add(1020, 100, 8), 0); /* over an edge of one side */
	assert_int_equal(table.to_physical.leaves, 2);
	assert_int_equal(table.to_virtual.leaves, 1);
	assert_int_equal(pasid_table_remove(&table, 0, NUMBERS), 10);
	assert_int_equal(table.to_physical.leaves, 2); /* readers may be in them */
}

static void nothing_changes_without_memory(void **state)
{
	unsigned int n;

	(void)state;
	assert_int_equal(add(1, 1, 1), 0);
	model[1] = 2;
	fail_all = true;
	assert_int_equal(add(2, 2000, 1), -ENOMEM);
	assert_int_equal(add(2000, 2, 1), -ENOMEM);
	assert_int_equal(add(2, 2, 1), 0); /* there are leaves for these */
	model[2] = 3;
	fail_all = false;
	check_all();
	for (n = 1; n < 16; n++) {
		fail_countdown = n;
		if (!add(1024, 1024, 3000))
			break;
		fail_countdown = 0;
		check_all();
	}
	fail_countdown = 0;
	assert_int_equal(n, 4); /* of six leaves; what was made before a failure stays */
}

static void tables_have_the_full_width(void **state)
{
	struct pasid_run run = { 0, 1, (1u << PASID_WIDTH_MAX) - 1 }, there;

	(void)state;
	pasid_table_exit(&table);
	pasid_table_init(&table, PASID_WIDTH_MAX, PASID_WIDTH_MAX);
	assert_int_equal(pasid_table_add(&table, &run, &there), 0);
	assert_true(pasid_table_next(&table, 0, &run));
	assert_int_equal(run.count, (1u << PASID_WIDTH_MAX) - 1);
	assert_int_equal(pasid_side_read(&table.to_physical, 0xffffe), 0x100000);
	assert_int_equal(pasid_side_read(&table.to_physical, 0xfffff), 0);
	assert_int_equal(pasid_table_remove(&table, 0, 1u << PASID_WIDTH_MAX), run.count);
	assert_false(pasid_table_next(&table, 0, &run));
}

/* ---- beside a writer ---- */

enum { READERS = 2, CHANGES = 200000 };

static atomic_bool stop;
static atomic_uint bad;

/* Odd numbers stay. Even ones come and go, always to the same number. */
static uint32_t pasid_of(uint32_t vpasid)
{
	return PHYSICAL - 1 - vpasid;
}

static void *reader(void *data)
{
	uint64_t rng = (uintptr_t)data;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		uint32_t vpasid = (uint32_t)test_below(&rng, PHYSICAL - 1);
		uint32_t word = pasid_side_read(&table.to_physical, vpasid);
		uint32_t back = word ? pasid_side_read(&table.to_virtual, word - 1) : 0;

		if (word ? word != pasid_of(vpasid) + 1 : vpasid % 2)
			atomic_fetch_add(&bad, 1);
		if (back ? back != vpasid + 1 : word && vpasid % 2)
			atomic_fetch_add(&bad, 1);
	}
	return NULL;
}

static void readers_see_each_pair_as_it_is(void **state)
{
	uint64_t rng = test_seed(__func__);
	pthread_t threads[READERS];
	unsigned int i, changes = test_rounds(CHANGES);

	(void)state;
	for (i = 1; i < PHYSICAL - 1; i += 2) {
		struct pasid_run run = { i, pasid_of(i), 1 }, there;

		assert_int_equal(pasid_table_add(&table, &run, &there), 0);
	}
	for (i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader,
						(void *)(uintptr_t)(i + 1)), 0);
	for (i = 0; i < changes; i++) {
		uint32_t vpasid = (uint32_t)test_below(&rng, PHYSICAL / 2 - 1) * 2;
		struct pasid_run run = { vpasid, pasid_of(vpasid), 1 }, there;

		if (!pasid_table_remove(&table, vpasid, 1))
			pasid_table_add(&table, &run, &there);
	}
	atomic_store(&stop, true);
	for (i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(bad, 0);
}

#define WITH_TABLE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TABLE(random_pairs_are_those_of_an_array),
		WITH_TABLE(ends_of_the_space_belong_to_it),
		WITH_TABLE(pairs_beyond_missing_leaves_are_found),
		WITH_TABLE(memory_follows_what_is_in_it),
		WITH_TABLE(nothing_changes_without_memory),
		WITH_TABLE(tables_have_the_full_width),
		WITH_TABLE(readers_see_each_pair_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
