/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The lookup table: the edges of its structure. */
#include "test-map-lookup.h"

#include <errno.h>

#include "map/lookup-priv.h"

static void expect(const struct lookup *l, uint64_t addr, uint64_t wanted, uint64_t target,
		   uint64_t run)
{
	struct lookup_hit hit = lookup_get(l, addr, wanted);

	assert_int_equal(hit.run, run);
	if (run)
		assert_int_equal(hit.target, target);
}

static void expect_none(const struct lookup *l, uint64_t addr)
{
	expect(l, addr, 1, 0, 0);
}

static void empty_table_answers_nothing(void **state)
{
	struct lookup_run run;

	expect_none(table(state), 0);
	expect_none(table(state), 0x7fffffffe000);
	expect_none(table(state), 1ull << 48);
	expect_none(table(state), UINT64_MAX);
	assert_false(lookup_next(table(state), 0, UINT64_MAX, &run));
}

static void one_page(void **state)
{
	struct lookup *l = table(state);

	set(l, 0x7f0000003000, PAGE, 0x10000);
	expect(l, 0x7f0000003000, 1, 0x10000, 1);
	expect(l, 0x7f0000003abc, 16, 0x10abc, 16);
	expect(l, 0x7f0000003ff0, 64, 0x10ff0, 16);
	expect(l, 0x7f0000003fff, UINT64_MAX, 0x10fff, 1);
	expect_none(l, 0x7f0000002fff);
	expect_none(l, 0x7f0000004000);
	lookup_clear(l, 0x7f0000003000, PAGE);
	expect_none(l, 0x7f0000003000);
}

static void delta_zero(void **state)
{
	struct lookup *l = table(state);

	set(l, 0, PAGE, 0);
	set(l, 5 * PAGE, PAGE, 5 * PAGE);
	set(l, 2 * MIB, 2 * MIB, 2 * MIB);
	set(l, GIB, GIB, GIB);
	set(l, 1ull << 60, GIB, 1ull << 60);
	expect(l, 0, 8, 0, 8);
	expect(l, 5 * PAGE + 1, 8, 5 * PAGE + 1, 8);
	expect(l, 3 * MIB, 2 * MIB, 3 * MIB, MIB);
	expect(l, GIB, 2 * GIB, GIB, GIB);
	expect(l, (1ull << 60) + 7, 8, (1ull << 60) + 7, 8);
	expect_none(l, PAGE);
}

static void run_crosses_slots_and_levels(void **state)
{
	struct lookup *l = table(state);
	uint64_t start = 3 * GIB - 3 * MIB - PAGE, length = 2 * GIB + 7 * MIB + 2 * PAGE;

	set(l, start, length, 0x40000000000);
	expect(l, start, UINT64_MAX, 0x40000000000, length);
	expect(l, start + 5 * MIB + 1, UINT64_MAX, 0x40000000000 + 5 * MIB + 1,
	       length - 5 * MIB - 1);
	expect(l, start + GIB, GIB, 0x40000000000 + GIB, GIB);
	/* Made in two steps with one delta, it is one run; with another, it ends there. */
	set(l, start + length, PAGE, 0x40000000000 + length);
	set(l, start + length + PAGE, PAGE, 0);
	expect(l, start, UINT64_MAX, 0x40000000000, length + PAGE);
	lookup_clear(l, start, length + 2 * PAGE);
	expect_none(l, start);
	expect_none(l, start + GIB);
	expect_none(l, start + length);
}

static void top_of_the_space(void **state)
{
	struct lookup *l = table(state);

	set(l, -3 * PAGE, 3 * PAGE, 0x1000);
	expect(l, -3 * PAGE, UINT64_MAX, 0x1000, 3 * PAGE);
	expect(l, UINT64_MAX, UINT64_MAX, 0x3fff, 1);
	lookup_clear(l, -3 * PAGE, 3 * PAGE);
	expect_none(l, UINT64_MAX);

	set(l, -(4 * TIB), 4 * TIB, 1ull << 50);
	expect(l, -(3 * TIB) - 5, UINT64_MAX, (1ull << 50) + TIB - 5, 3 * TIB + 5);
	lookup_clear(l, -(4 * TIB), 4 * TIB);
	expect_none(l, -PAGE);
}

static void five_level_addresses(void **state)
{
	struct lookup *l = table(state);
	uint64_t va = (1ull << 56) - 8 * MIB - PAGE;

	set(l, va, 8 * MIB, 0);
	set(l, va + 8 * MIB, PAGE, 1ull << 40);
	expect(l, va, UINT64_MAX, 0, 8 * MIB);
	expect(l, va + 8 * MIB + 9, 9, (1ull << 40) + 9, 9);
	expect_none(l, va - 1);
	expect_none(l, va + 8 * MIB + PAGE);
	lookup_clear(l, va, 8 * MIB);
	expect(l, va + 8 * MIB, PAGE, 1ull << 40, PAGE);
	expect_none(l, va + 4 * MIB);
}

static void flat_array_ends_at_48_bits(void **state)
{
	struct lookup *l = table(state);
	uint64_t border = 1ull << 48;

	set(l, border - 2 * GIB, 4 * GIB, 0x1000);
	expect(l, border - 2 * GIB, UINT64_MAX, 0x1000, 4 * GIB);
	expect(l, border - 1, 2, 0x1000 + 2 * GIB - 1, 2);
	set(l, border - PAGE, 2 * PAGE, 0);
	expect(l, border - PAGE, UINT64_MAX, 0, 2 * PAGE);
	expect(l, border + PAGE, PAGE, 0x1000 + 2 * GIB + PAGE, PAGE);
	lookup_clear(l, border - 2 * GIB, 4 * GIB);
	expect_none(l, border - 1);
	expect_none(l, border);
	expect_none(l, border + GIB);
}

static void whole_space_but_a_page(void **state)
{
	struct lookup *l = table(state);
	struct lookup_run run;

	set(l, 0, -PAGE, PAGE);
	expect(l, 0, UINT64_MAX, PAGE, -PAGE);
	set(l, -PAGE, PAGE, 0);
	expect(l, 0, UINT64_MAX, PAGE, UINT64_MAX);
	assert_true(lookup_next(l, 0, UINT64_MAX, &run));
	assert_int_equal(run.start, 0);
	assert_int_equal(run.last, UINT64_MAX);
	lookup_clear(l, 0, -PAGE);
	expect(l, -PAGE, PAGE, 0, PAGE);
	expect_none(l, 1ull << 63);
	expect_none(l, GIB);
}

/* A small range on top of a large one, which shows again in place when the small one goes. */
static void restoring_takes_no_memory(void **state)
{
	static const uint64_t offsets[] = { 0, 5 * PAGE, 2 * MIB, 2 * MIB + 7 * PAGE, GIB - PAGE };
	static const uint64_t lengths[] = { PAGE, 9 * PAGE, 2 * MIB, 2 * MIB + PAGE, 3 * MIB };
	static const uint64_t bases[] = { 6 * GIB, (1ull << 52) - GIB };
	struct lookup *l = table(state);
	unsigned int b, i, k;

	for (b = 0; b < 2; b++) {
		set(l, bases[b], 3 * GIB, 0x1000);
		for (i = 0; i < 5; i++) {
			for (k = 0; k < 5; k++) {
				uint64_t start = bases[b] + offsets[i];
				uint64_t last = start + lengths[k] - 1;

				set(l, start, lengths[k], 1ull << 45);
				expect(l, start, UINT64_MAX, 1ull << 45, lengths[k]);
				expect(l, last + 1, PAGE, 0x1000 + (last + 1 - bases[b]), PAGE);
				lookup_restore(l, start, last, 0x1000 - bases[b]);
				expect(l, bases[b], UINT64_MAX, 0x1000, 3 * GIB);
			}
		}
		lookup_clear(l, bases[b], 3 * GIB);
		expect_none(l, bases[b]);
		expect_none(l, bases[b] + GIB);
	}
}

/* A reader who was held up must not take a leaf that was reused for the one it saw. */
static void no_leaf_comes_back_the_same(void **state)
{
	struct lookup *l = table(state);
	struct lookup_table *t = container_of(l, struct lookup_table, reader);
	unsigned int hashed, round, i;
	uint64_t word, stamp, seen[64];

	for (hashed = 0; hashed < 2; hashed++) {
		for (round = 0; round < 64; round++) {
			set(l, GIB, PAGE, 0);
			set(l, GIB + PAGE, PAGE, 0);
			word = l->slots[GIB / (2 * MIB)];
			assert_int_equal(word & 7, hashed ? 0 : LOOKUP_FLAT);
			stamp = word;
			if (hashed)
				stamp = ((struct hash_line *)(word & ~63ull))->head >> 16;
			for (i = 0; i < round; i++)
				assert_int_not_equal(stamp, seen[i]);
			seen[round] = stamp;
			lookup_clear(l, GIB, 2 * PAGE);
		}
		/* Now without flat leaves. */
		for (i = 0; t->flats.in_use < FLAT_BUDGET; i++) {
			set(l, 2 * GIB + i * 2 * MIB, PAGE, 0);
			set(l, 2 * GIB + i * 2 * MIB + PAGE, PAGE, 0);
		}
	}
}

/* Many sparse slots: beyond the first, leaves shrink to what is in them, and go when empty. */
static void sparse_slots_are_small(void **state)
{
	struct lookup *l = table(state);
	uint64_t before = lookup_footprint(l), full;
	const unsigned int slots = 4096, each = 32;
	unsigned int i, k;

	for (i = 0; i < slots; i++)
		for (k = 0; k < each; k++)
			set(l, i * 2 * MIB + k * 16 * PAGE, PAGE, (uint64_t)k << 36);
	for (i = 0; i < slots; i++)
		for (k = 0; k < each; k++) {
			expect(l, i * 2 * MIB + k * 16 * PAGE, PAGE, (uint64_t)k << 36, PAGE);
			expect_none(l, i * 2 * MIB + k * 16 * PAGE + PAGE);
		}
	full = lookup_footprint(l) - before;
	assert_true(full <= slots * each * 24);
	for (i = 0; i < slots; i++)
		lookup_clear(l, i * 2 * MIB, 2 * MIB);
	for (i = 0; i < slots; i++)
		expect_none(l, i * 2 * MIB);
	/* Cells of the radix stay; no leaf does. */
	assert_true(lookup_footprint(l) - before < 2 * MIB);
}

#define both(test) \
	{ #test " (flat)", test, setup_flat, teardown, NULL }, \
	{ #test " (radix)", test, setup_radix, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		both(empty_table_answers_nothing),
		both(one_page),
		both(delta_zero),
		both(run_crosses_slots_and_levels),
		both(top_of_the_space),
		both(five_level_addresses),
		both(flat_array_ends_at_48_bits),
		both(whole_space_but_a_page),
		both(restoring_takes_no_memory),
		cmocka_unit_test_setup_teardown(no_leaf_comes_back_the_same, setup_flat, teardown),
		both(sparse_slots_are_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
