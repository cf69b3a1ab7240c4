/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The lookup table: edges of its structure, and random changes against a plain model. */
#include "test-map.h"

#include <errno.h>

#include "map/lookup-priv.h"

static struct lookup *table(void **state)
{
	return *state;
}

static int setup_flat(void **state)
{
	struct lookup *l;
	int rc = lookup_new(&l);

	*state = l;
	return rc;
}

static int setup_radix(void **state)
{
	struct lookup *l;
	int rc = lookup_new_radix(&l);

	*state = l;
	return rc;
}

static int teardown(void **state)
{
	lookup_free(*state);
	return 0;
}

static void set(struct lookup *l, uint64_t start, uint64_t length, uint64_t target)
{
	assert_int_equal(lookup_set(l, start, length, target - start), 0);
}

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
				uint64_t start = bases[b] + offsets[i], last = start + lengths[k] - 1;

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

/* ---- against a model: a sorted array of segments ---- */

struct segment {
	uint64_t start, last, delta;
};

struct model {
	struct segment s[4096];
	unsigned int count;
};

static void model_set(struct model *m, uint64_t start, uint64_t last, const uint64_t *delta)
{
	struct segment out[4096];
	unsigned int i, n = 0;

	for (i = 0; i < m->count; i++) {
		struct segment s = m->s[i];

		if (s.start < start) {
			out[n] = s;
			if (s.last >= start)
				out[n].last = start - 1;
			n++;
		}
	}
	if (delta)
		out[n++] = (struct segment){ start, last, *delta };
	for (i = 0; i < m->count; i++) {
		struct segment s = m->s[i];

		if (s.last > last) {
			out[n] = s;
			if (s.start <= last)
				out[n].start = last + 1;
			n++;
		}
	}
	assert_true(n < 4096);
	memcpy(m->s, out, n * sizeof(out[0]));
	m->count = n;
}

static void model_check(const struct model *m, const struct lookup *l, uint64_t addr,
			uint64_t wanted)
{
	struct lookup_hit hit = lookup_get(l, addr, wanted);
	uint64_t run = 0, target = 0;
	unsigned int i;

	for (i = 0; i < m->count && m->s[i].last < addr; i++)
		;
	if (i < m->count && m->s[i].start <= addr) {
		target = addr + m->s[i].delta;
		run = m->s[i].last - addr + 1;
		while (run < wanted && i + 1 < m->count && m->s[i].last != UINT64_MAX &&
		       m->s[i + 1].start == m->s[i].last + 1 &&
		       m->s[i + 1].delta == m->s[i].delta) {
			i++;
			run += m->s[i].last - m->s[i].start + 1;
		}
		if (run > wanted)
			run = wanted;
	}
	assert_int_equal(hit.run, run);
	if (run)
		assert_int_equal(hit.target, target);
}

/* Everything that is there, in order, and nothing else. */
static void model_walk(const struct model *m, const struct lookup *l)
{
	uint64_t from = 0;
	struct lookup_run run;
	unsigned int i = 0;

	for (;;) {
		bool found = lookup_next(l, from, UINT64_MAX, &run);

		assert_int_equal(found, i < m->count);
		if (!found)
			return;
		assert_int_equal(run.start, m->s[i].start);
		assert_int_equal(run.delta, m->s[i].delta);
		while (i < m->count && m->s[i].start <= run.last) {
			assert_int_equal(m->s[i].delta, run.delta);
			assert_true(m->s[i].last <= run.last);
			i++;
		}
		assert_int_equal(m->s[i - 1].last, run.last);
		if (run.last == UINT64_MAX) {
			assert_int_equal(i, m->count);
			return;
		}
		from = run.last + 1;
	}
}

static void random_range(uint64_t *rng, uint64_t *start, uint64_t *last)
{
	static const uint64_t bases[] = {
		0, GIB - 4 * MIB, 0x7f0000000000, (1ull << 48) - 4 * MIB, (1ull << 52) - 4 * MIB,
		(1ull << 41) - 4 * MIB, -8 * MIB,
	};
	uint64_t base = bases[test_below(rng, 7)], pages;

	switch (test_below(rng, 16)) {
	case 0:		/* huge, aligned or nearly */
		*start = (base & ~(GIB - 1)) + test_below(rng, 2) * PAGE;
		pages = (GIB / PAGE) * (1 + test_below(rng, 300)) - test_below(rng, 2);
		break;
	case 1:
	case 2:		/* whole slots */
		*start = base + test_below(rng, 4) * 2 * MIB;
		pages = 512 * (1 + test_below(rng, 3));
		break;
	case 3:
	case 4:
	case 5:
		*start = base + test_below(rng, 2048) * PAGE;
		pages = 1 + test_below(rng, 700);
		break;
	default:
		*start = base + test_below(rng, 2048) * PAGE;
		pages = 1 + test_below(rng, 6);
		break;
	}
	*last = *start + pages * PAGE - 1;
	if (*last < *start)
		*last = UINT64_MAX;
}

static void random_changes(void **state)
{
	static struct model m;
	struct lookup *l = table(state);
	uint64_t rng = test_seed(__func__), start, last, delta;
	unsigned int round, i, rounds = test_rounds(20000);

	m.count = 0;
	for (round = 0; round < rounds; round++) {
		random_range(&rng, &start, &last);
		delta = (test_random(&rng) << 11 >> test_below(&rng, 40)) & ~(PAGE - 1);
		if (test_below(&rng, 4) == 0)
			delta = 0;
		if (test_below(&rng, 2000) == 0) {
			start = 0;
			last = UINT64_MAX;
		}
		/* lookup_set() takes a length, and the whole space has none. */
		if (test_below(&rng, 5) < 3 && !(start == 0 && last == UINT64_MAX)) {
			assert_int_equal(lookup_set(l, start, last - start + 1, delta), 0);
			model_set(&m, start, last, &delta);
		} else {
			lookup_clear(l, start, last - start + 1);
			model_set(&m, start, last, NULL);
		}
		for (i = 0; i < 4; i++) {
			model_check(&m, l, start + test_below(&rng, last - start) , 1 + test_below(&rng, PAGE));
			model_check(&m, l, start - 1 - test_below(&rng, MIB), 1 + test_below(&rng, 2 * MIB));
			model_check(&m, l, last + test_below(&rng, MIB), test_random(&rng) + 1);
		}
		model_check(&m, l, start, UINT64_MAX);
		if (round % 1024 == 0)
			model_walk(&m, l);
	}
	model_walk(&m, l);
	lookup_clear(l, 0, 0);
	m.count = 0;
	model_walk(&m, l);
}

/* Enough leaves that small ones take over from flat ones, in random order. */
static void random_sparse(void **state)
{
	enum { PAGES = 400 * 512 };
	struct lookup *l = table(state);
	uint32_t *model = calloc(PAGES, sizeof(*model));
	uint64_t rng = test_seed(__func__), base = (1ull << 48) - 100 * 2 * MIB;
	unsigned int round, rounds = test_rounds(400000), i, k;

	assert_non_null(model);
	for (i = 0; i < 400; i++) {
		set(l, base + i * 2 * MIB, PAGE, base);
		set(l, base + i * 2 * MIB + 2 * PAGE, PAGE, base);
		model[i * 512] = model[i * 512 + 2] = 1;
	}
	for (round = 0; round < rounds; round++) {
		unsigned int slot = test_below(&rng, 400), page = test_below(&rng, 512);
		unsigned int count = test_below(&rng, 30) ? 1 + test_below(&rng, 3) : 200;
		uint64_t start;

		if (page + count > 512)
			count = 512 - page;
		page += slot * 512;
		start = base + page * PAGE;
		/* Slots differ in how full they get. */
		if (test_below(&rng, 400) > slot) {
			uint32_t mark = 1 + test_below(&rng, 1u << 30);

			assert_int_equal(lookup_set(l, start, count * PAGE, mark * PAGE), 0);
			for (k = 0; k < count; k++)
				model[page + k] = mark + 1;
		} else {
			lookup_clear(l, start, count * PAGE);
			for (k = 0; k < count; k++)
				model[page + k] = 0;
		}
		for (k = 0; k < 4; k++) {
			unsigned int at = page + test_below(&rng, count + 4);
			struct lookup_hit hit;

			if (at >= PAGES)
				continue;
			hit = lookup_get(l, base + at * PAGE, 8);
			assert_int_equal(hit.run, model[at] ? 8 : 0);
			if (model[at] > 1)
				assert_int_equal(hit.target, base + at * PAGE +
						 (model[at] - 1) * PAGE);
		}
	}
	free(model);
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
		both(random_changes),
		both(random_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
