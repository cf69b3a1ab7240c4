/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Virtual and physical PASIDs. No kernel is asked: the same on every backend. */
#include "contract.h"

#include <pthread.h>
#include <stdatomic.h>

/* The table of the case that runs; freed with it, however it ends. */
static struct iommufd_pasid_table *table;

static int setup(void **state)
{
	table = NULL;
	return fixture_setup(state);
}

static int teardown(void **state)
{
	table = iommufd_pasid_table_unref(table);
	return fixture_teardown(state);
}

static void new_table(uint32_t virtual_width, uint32_t physical_width)
{
	assert_ok(iommufd_pasid_table_new(virtual_width, physical_width, &table));
	assert_non_null(table);
}

static struct iommufd_pasid_table_info info_of(void)
{
	struct iommufd_pasid_table_info info = { .size = sizeof(info) };

	assert_ok(iommufd_pasid_table_get_info(table, &info));
	return info;
}

static uint32_t pairs(void)
{
	return info_of().pairs;
}

/* The table has this pair, from either side. */
static void assert_pair(uint32_t vpasid, uint32_t pasid)
{
	uint32_t number = ~pasid;

	assert_int_equal(iommufd_pasid_table_to_physical(table, vpasid, &number), 0);
	assert_int_equal(number, pasid);
	assert_int_equal(iommufd_pasid_table_to_virtual(table, pasid, &number), 0);
	assert_int_equal(number, vpasid);
}

static void assert_free(uint32_t vpasid, uint32_t pasid)
{
	uint32_t number = 12345;

	assert_int_equal(iommufd_pasid_table_to_physical(table, vpasid, &number), -ENOENT);
	assert_int_equal(iommufd_pasid_table_to_virtual(table, pasid, &number), -ENOENT);
	assert_int_equal(number, 12345);
}

static void table_new_is_empty(void **state)
{
	struct iommufd_pasid_table_info info;

	(void)state;
	new_table(7, 20);
	info = info_of();
	assert_int_equal(info.virtual_width, 7);
	assert_int_equal(info.physical_width, 20);
	assert_int_equal(info.pairs, 0);
	assert_true(info.bytes > 0);
	assert_free(0, 0);
	assert_free(127, 0xfffff);
}

static void table_new_bad_argument_einval(void **state)
{
	struct iommufd_pasid_table *out = (void *)state;

	assert_error(iommufd_pasid_table_new(8, 8, NULL), -EINVAL);
	assert_error(iommufd_pasid_table_new(0, 8, &out), -EINVAL);
	assert_null(out);
	out = (void *)state;
	assert_error(iommufd_pasid_table_new(8, 0, &out), -EINVAL);
	assert_null(out);
	assert_error(iommufd_pasid_table_new(21, 8, &out), -EINVAL);
	assert_error(iommufd_pasid_table_new(8, UINT32_MAX, &out), -EINVAL);
}

static void table_lives_until_the_last_reference(void **state)
{
	(void)state;
	new_table(4, 4);
	assert_ptr_equal(iommufd_pasid_table_ref(table), table);
	assert_null(iommufd_pasid_table_unref(table));
	assert_ok(iommufd_pasid_table_set(table, 1, 2));
	assert_pair(1, 2);
	assert_null(iommufd_pasid_table_ref(NULL));
	assert_null(iommufd_pasid_table_unref(NULL));
}

static void set_pair_is_found_from_both_sides(void **state)
{
	(void)state;
	new_table(20, 20);
	assert_ok(iommufd_pasid_table_set(table, 0, 1));
	assert_ok(iommufd_pasid_table_set(table, 5, 0xfffff));
	assert_ok(iommufd_pasid_table_set(table, 0xfffff, 5));
	assert_pair(0, 1);
	assert_pair(5, 0xfffff);
	assert_pair(0xfffff, 5);
	assert_free(1, 2);
	assert_int_equal(pairs(), 3);
}

static void set_number_in_use_eexist(void **state)
{
	(void)state;
	new_table(8, 8);
	assert_ok(iommufd_pasid_table_set(table, 3, 77));
	assert_error(iommufd_pasid_table_set(table, 3, 78), -EEXIST);
	assert_non_null(strstr(expected_record()->message, "3 is physical PASID 77"));
	assert_error(iommufd_pasid_table_set(table, 4, 77), -EEXIST);
	assert_non_null(strstr(expected_record()->message, "3 is physical PASID 77"));
	assert_error(iommufd_pasid_table_set(table, 3, 77), -EEXIST);
	assert_free(4, 78);
	assert_int_equal(pairs(), 1);
}

static void set_number_too_large_erange(void **state)
{
	uint32_t number;

	(void)state;
	new_table(4, 8);
	assert_error(iommufd_pasid_table_set(table, 16, 1), -ERANGE);
	assert_error(iommufd_pasid_table_set(table, 1, 256), -ERANGE);
	assert_error(iommufd_pasid_table_set(table, UINT32_MAX, 1), -ERANGE);
	assert_error(iommufd_pasid_table_set(table, 1, UINT32_MAX), -ERANGE);
	assert_error(iommufd_pasid_table_set_range(table, 14, 1, 3), -ERANGE);
	assert_error(iommufd_pasid_table_set_range(table, 1, 250, 7), -ERANGE);
	assert_error(iommufd_pasid_table_set_range(table, 1, 1, UINT32_MAX), -ERANGE);
	assert_ok(iommufd_pasid_table_set(table, 15, 255));
	assert_pair(15, 255);
	assert_int_equal(iommufd_pasid_table_to_physical(table, 16, &number), -ERANGE);
	assert_int_equal(iommufd_pasid_table_to_physical(table, UINT32_MAX, &number), -ERANGE);
	assert_int_equal(iommufd_pasid_table_to_virtual(table, 256, &number), -ERANGE);
	assert_error(iommufd_pasid_table_clear(table, 16), -ERANGE);
	assert_error(iommufd_pasid_table_clear_range(table, 8, 9, NULL), -ERANGE);
	assert_int_equal(pairs(), 1);
}

static void set_physical_0_erange(void **state)
{
	(void)state;
	new_table(8, 8);
	assert_error(iommufd_pasid_table_set(table, 1, 0), -ERANGE);
	assert_error(iommufd_pasid_table_set_range(table, 1, 0, 4), -ERANGE);
	assert_int_equal(pairs(), 0);
}

static void set_range_is_all_or_nothing(void **state)
{
	(void)state;
	new_table(12, 12);
	assert_ok(iommufd_pasid_table_set_range(table, 1000, 2000, 100));
	for (uint32_t i = 0; i < 100; i++)
		assert_pair(1000 + i, 2000 + i);
	assert_int_equal(pairs(), 100);
	assert_error(iommufd_pasid_table_set_range(table, 900, 3000, 101), -EEXIST);
	assert_non_null(strstr(expected_record()->message, "1000 is physical PASID 2000"));
	assert_error(iommufd_pasid_table_set_range(table, 2000, 1901, 100), -EEXIST);
	assert_free(900, 3000);
	assert_free(2000, 1901);
	assert_int_equal(pairs(), 100);
	assert_ok(iommufd_pasid_table_set_range(table, 900, 1900, 100));
	assert_pair(999, 1999);
}

static void clear_makes_numbers_free(void **state)
{
	(void)state;
	new_table(8, 8);
	assert_ok(iommufd_pasid_table_set(table, 10, 20));
	assert_ok(iommufd_pasid_table_clear(table, 10));
	assert_free(10, 20);
	assert_error(iommufd_pasid_table_clear(table, 10), -ENOENT);
	assert_ok(iommufd_pasid_table_set(table, 11, 20));
	assert_pair(11, 20);
}

static void clear_range_passes_over_holes(void **state)
{
	uint32_t cleared = 99;

	(void)state;
	new_table(20, 20);
	assert_ok(iommufd_pasid_table_set_range(table, 100, 1, 10));
	assert_ok(iommufd_pasid_table_set_range(table, 0x80000, 100, 10));
	assert_ok(iommufd_pasid_table_clear_range(table, 105, 0x80005 - 105, &cleared));
	assert_int_equal(cleared, 10);
	assert_pair(104, 5);
	assert_free(105, 6);
	assert_free(0x80004, 104);
	assert_pair(0x80005, 105);
	assert_ok(iommufd_pasid_table_clear_range(table, 0, 100, &cleared));
	assert_int_equal(cleared, 0);
	assert_ok(iommufd_pasid_table_clear_range(table, 0, 1 << 20, NULL));
	assert_int_equal(pairs(), 0);
}

static void next_walks_runs_in_order(void **state)
{
	struct iommufd_pasid_range range = { .size = sizeof(range) };

	(void)state;
	new_table(20, 20);
	assert_ok(iommufd_pasid_table_set_range(table, 0xffff0, 7, 16));
	assert_ok(iommufd_pasid_table_set_range(table, 3, 500, 4));
	assert_ok(iommufd_pasid_table_set(table, 7, 400)); /* beside, but not consecutive */
	assert_ok(iommufd_pasid_table_next(table, 0, &range));
	assert_true(range.vpasid == 3 && range.pasid == 500 && range.count == 4);
	assert_int_equal(range.reserved, 0);
	assert_ok(iommufd_pasid_table_next(table, 5, &range)); /* from within */
	assert_true(range.vpasid == 5 && range.pasid == 502 && range.count == 2);
	assert_ok(iommufd_pasid_table_next(table, 7, &range));
	assert_true(range.vpasid == 7 && range.pasid == 400 && range.count == 1);
	assert_ok(iommufd_pasid_table_next(table, 8, &range));
	assert_true(range.vpasid == 0xffff0 && range.pasid == 7 && range.count == 16);
	assert_int_equal(iommufd_pasid_table_next(table, 1 << 20, &range), -ENOENT);
	assert_int_equal(iommufd_pasid_table_next(table, UINT32_MAX, &range), -ENOENT);
	assert_int_equal(range.count, 16);
}

static void memory_follows_pairs(void **state)
{
	uint64_t before, after;

	(void)state;
	new_table(20, 20);
	before = info_of().bytes;
	assert_ok(iommufd_pasid_table_set_range(table, 0, 1, 1000));
	after = info_of().bytes;
	assert_true(after > before && after - before <= 1000 * 8 + 2 * 4096);
	assert_ok(iommufd_pasid_table_clear_range(table, 0, 1000, NULL));
	assert_int_equal(info_of().bytes, after);
}

static void table_bad_argument_einval(void **state)
{
	struct iommufd_pasid_table *wrong = (void *)get_ctx(*state, NULL);
	struct iommufd_pasid_range range = { .size = sizeof(range) }, unsized = { 0 };
	struct iommufd_pasid_table_info info = { .size = sizeof(info) }, short_info = { .size = 3 };
	uint32_t number = 0;

	new_table(8, 8);
	assert_ok(iommufd_pasid_table_set(table, 1, 1));
	assert_error(iommufd_pasid_table_set_range(table, 2, 2, 0), -EINVAL);
	assert_error(iommufd_pasid_table_clear_range(table, 1, 0, NULL), -EINVAL);
	assert_error(iommufd_pasid_table_next(table, 0, NULL), -EINVAL);
	assert_error(iommufd_pasid_table_next(table, 0, &unsized), -EINVAL);
	assert_error(iommufd_pasid_table_get_info(table, NULL), -EINVAL);
	assert_error(iommufd_pasid_table_get_info(table, &short_info), -EINVAL);
	assert_int_equal(iommufd_pasid_table_to_physical(table, 1, NULL), -EINVAL);
	assert_int_equal(iommufd_pasid_table_to_virtual(table, 1, NULL), -EINVAL);
	for (int i = 0; i < 2; i++, wrong = NULL) {
		assert_error(iommufd_pasid_table_set(wrong, 1, 1), -EINVAL);
		assert_error(iommufd_pasid_table_set_range(wrong, 1, 1, 1), -EINVAL);
		assert_error(iommufd_pasid_table_clear(wrong, 1), -EINVAL);
		assert_error(iommufd_pasid_table_clear_range(wrong, 1, 1, NULL), -EINVAL);
		assert_int_equal(iommufd_pasid_table_to_physical(wrong, 1, &number), -EINVAL);
		assert_int_equal(iommufd_pasid_table_to_virtual(wrong, 1, &number), -EINVAL);
		assert_error(iommufd_pasid_table_next(wrong, 0, &range), -EINVAL);
		assert_error(iommufd_pasid_table_get_info(wrong, &info), -EINVAL);
		assert_null(iommufd_pasid_table_unref(wrong));
	}
	assert_int_equal(pairs(), 1);
}

/* ---- threads ---- */

enum { NUMBERS = 2048, ROUNDS = 20000 };

struct other {
	pthread_t thread;
	atomic_bool *stop;
	uint32_t first; /* of a writer's own numbers */
	const char *wrong;
};

/* Asserting in a thread would jump into another; what is wrong is noted instead. */
#define CHECK(o, condition) do { \
	if (!(condition)) { \
		(o)->wrong = #condition; \
		return NULL; \
	} \
} while (0)

static void *reading(void *arg)
{
	struct other *o = arg;
	uint32_t i = 0, pasid, vpasid;

	do {
		int r = iommufd_pasid_table_to_physical(table, i % NUMBERS, &pasid);

		CHECK(o, !r || r == -ENOENT);
		CHECK(o, r || pasid == i % NUMBERS + 1);
		CHECK(o, !r || i % NUMBERS >= 2); /* these stay */
		r = iommufd_pasid_table_to_virtual(table, i % NUMBERS + 1, &vpasid);
		CHECK(o, r ? r == -ENOENT : vpasid == i % NUMBERS);
		i++;
	} while (!atomic_load(o->stop));
	return NULL;
}

static void *writing(void *arg)
{
	struct other *o = arg;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t vpasid = o->first + i % 500 * 2, pasid;

		CHECK(o, !iommufd_pasid_table_set(table, vpasid, vpasid + 1));
		CHECK(o, !iommufd_pasid_table_to_physical(table, vpasid, &pasid));
		CHECK(o, pasid == vpasid + 1);
		CHECK(o, !iommufd_pasid_table_clear(table, vpasid));
	}
	return NULL;
}

static void threads_use_one_table(void **state)
{
	atomic_bool stop = false;
	struct other o[4] = { 0 };

	(void)state;
	new_table(11, 12);
	assert_ok(iommufd_pasid_table_set_range(table, 0, 1, 2));
	for (int i = 0; i < 4; i++) {
		o[i].stop = &stop;
		o[i].first = 10 + (uint32_t)i;
		assert_false(pthread_create(&o[i].thread, NULL, i < 2 ? writing : reading, &o[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(o[i].thread, NULL);
		if (i == 1)
			atomic_store(&stop, true);
	}
	for (int i = 0; i < 4; i++)
		if (o[i].wrong)
			fail_msg("not so in thread %d: %s", i, o[i].wrong);
	assert_int_equal(pairs(), 2);
}

#define TABLE_CASE(f) { #f, f, setup, teardown, (void *)(uintptr_t)#f }

static const struct CMUnitTest cases[] = {
	TABLE_CASE(table_new_is_empty),
	TABLE_CASE(table_new_bad_argument_einval),
	TABLE_CASE(table_lives_until_the_last_reference),
	TABLE_CASE(set_pair_is_found_from_both_sides),
	TABLE_CASE(set_number_in_use_eexist),
	TABLE_CASE(set_number_too_large_erange),
	TABLE_CASE(set_physical_0_erange),
	TABLE_CASE(set_range_is_all_or_nothing),
	TABLE_CASE(clear_makes_numbers_free),
	TABLE_CASE(clear_range_passes_over_holes),
	TABLE_CASE(next_walks_runs_in_order),
	TABLE_CASE(memory_follows_pairs),
	TABLE_CASE(table_bad_argument_einval),
	TABLE_CASE(threads_use_one_table),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("pasid-table", cases, NULL, NULL);
}
