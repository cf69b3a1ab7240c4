/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The lookup table: random changes, against plain models. */
#include "test-map-lookup.h"

#include <errno.h>

#include "map/lookup.h"

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
			model_check(&m, l, start + test_below(&rng, last - start),
				    1 + test_below(&rng, PAGE));
			model_check(&m, l, start - 1 - test_below(&rng, MIB),
				    1 + test_below(&rng, 2 * MIB));
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
		both(random_changes),
		both(random_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
