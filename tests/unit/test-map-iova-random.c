/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The interval map against a list of mappings, in random order. */
#include "test-map-iova.h"

enum { MODEL_MAX = 200 };

struct model {
	struct map_entry e[MODEL_MAX];		/* oldest first */
	unsigned int count;
};

static const uint64_t va_bases[] = { 0x7f0000000000, (1ull << 48) - GIB, (1ull << 56) + GIB,
				     -4 * GIB };
static const uint64_t iova_bases[] = { 0, 1ull << 40, (1ull << 48) - 8 * GIB, 1ull << 58,
				       -64 * GIB };

static bool covers(const struct map_entry *e, uint64_t start, uint64_t addr)
{
	return addr >= start && addr - start < e->length;
}

static void check_va(const struct model *m, const struct iova_map *map, uint64_t va)
{
	unsigned int i = m->count;
	uint64_t iova, run;

	while (i && !(m->e[i - 1].kind == MAP_KIND_VA && covers(&m->e[i - 1], m->e[i - 1].va, va)))
		i--;
	if (i)
		expect_iova(map, va, 1, m->e[i - 1].iova + (va - m->e[i - 1].va), 1);
	else
		expect_iova(map, va, 1, 0, 0);

	/* Both tables agree over the whole run. */
	if (i && !iova_map_to_iova(map, va, 8 * MIB, &iova, &run)) {
		uint64_t back, back_run;

		assert_int_equal(iova_map_to_va(map, iova + run - 1, 1, &back, &back_run), 0);
		assert_int_equal(back, va + run - 1);
	}
}

static void check_iova(const struct model *m, const struct iova_map *map, uint64_t iova)
{
	unsigned int i = 0;
	struct map_entry e;

	while (i < m->count && !covers(&m->e[i], m->e[i].iova, iova))
		i++;
	assert_int_equal(iova_map_find(map, iova, &e), i < m->count);
	if (i < m->count)
		assert_memory_equal(&e, &m->e[i], sizeof(e));
	if (i < m->count && e.kind == MAP_KIND_VA)
		expect_va(map, iova, 1, e.va + (iova - e.iova), 1);
	else
		expect_va(map, iova, 1, 0, 0);
}

static struct map_entry random_entry(uint64_t *rng, unsigned int number)
{
	static const uint64_t units[] = { PAGE, PAGE, PAGE, PAGE, 2 * MIB, GIB };
	unsigned int unit = test_below(rng, 6);
	uint64_t length, va, iova;
	struct map_entry e;

	length = units[unit] * (1 + test_below(rng, unit < 4 ? 40 : 3));
	va = va_bases[test_below(rng, 4)] + test_below(rng, unit < 4 ? 1024 : 4) * units[unit];
	/* Large ones now and then a little off. */
	if (unit >= 4 && !test_below(rng, 3)) {
		va += PAGE * test_below(rng, 3);
		length -= PAGE * test_below(rng, 3);
	}
	if (length - 1 > UINT64_MAX - va)
		length = -va;
	iova = iova_bases[test_below(rng, 5)] +
		(unit < 4 ? test_below(rng, 4096) * PAGE : test_below(rng, 28) * 2 * GIB);
	e = of_va(iova, length, va);
	e.offset = number;
	if (!test_below(rng, 8)) {
		e.kind = MAP_KIND_FILE;
		e.va = 0;
	}
	return e;
}

/* The moved are the newest now. */
static void move_in_model(struct model *m, const struct iova_map_move *move)
{
	struct model moved = { .count = 0 };
	unsigned int kept = 0, i;

	for (i = 0; i < m->count; i++) {
		struct map_entry e = m->e[i];

		if (e.kind == MAP_KIND_VA && e.iova >= move->iova && e.iova <= move->last) {
			e.va = move->va + (e.iova - move->iova);
			moved.e[moved.count++] = e;
		} else {
			m->e[kept++] = e;
		}
	}
	memcpy(&m->e[kept], moved.e, moved.count * sizeof(*moved.e));
}

/* Moves one mapping or several; now and then there is no memory for it the first time. */
static void random_move(struct model *m, struct iova_map *map, uint64_t *rng)
{
	const struct map_entry *e = &m->e[test_below(rng, m->count)];
	uint64_t last = e->iova + (e->length - 1), wide = last + test_below(rng, 8192) * PAGE;
	uint64_t va = va_bases[test_below(rng, 4)] + test_below(rng, 2048) * PAGE;
	struct iova_map_move move;
	int rc;

	if (wide > last && !iova_map_check_whole(map, e->iova, wide, NULL, NULL, NULL))
		last = wide;
	if (va + (last - e->iova) < va)
		va = va_bases[0];
	fail_countdown = test_below(rng, 4) ? 0 : 1 + test_below(rng, 3);
	rc = iova_map_move_prepare(map, e->iova, last, va, &move);
	assert_true(!rc || (rc == -ENOMEM && !fail_countdown));
	fail_countdown = 0;
	if (rc)
		return;
	if (!test_below(rng, 8)) {
		iova_map_move_abandon(map, &move);
		return;
	}
	fail_all = true;
	iova_map_move_commit(map, &move);
	fail_all = false;
	move_in_model(m, &move);
}

static void random_mappings(void **state)
{
	static struct model m;
	struct iova_map *map = *state;
	uint64_t rng = test_seed(__func__), bytes = 0;
	unsigned int round, rounds = test_rounds(60000), i, k;
	struct map_entry e = of_va(0, PAGE, PAGE), out;

	m.count = 0;
	for (round = 0; round < rounds; round++) {
		if (m.count < MODEL_MAX && test_below(&rng, 100) < (round / 300 % 2 ? 40 : 60)) {
			bool overlap = false;
			uint32_t ticket;
			int rc;

			e = random_entry(&rng, round);
			for (i = 0; i < m.count; i++)
				overlap |= covers(&e, e.iova, m.e[i].iova) ||
					covers(&m.e[i], m.e[i].iova, e.iova);
			rc = iova_map_prepare(map, &e, &ticket);
			assert_int_equal(rc, overlap ? -EEXIST : 0);
			if (!rc && !test_below(&rng, 10)) {
				iova_map_abandon(map, ticket);
			} else if (!rc) {
				/* Under one lock, publishing does not depend on memory. */
				fail_all = true;
				rc = iova_map_commit(map, ticket);
				fail_all = false;
				assert_int_equal(rc, 0);
				m.e[m.count++] = e;
				bytes += e.length;
			}
		} else if (m.count && !test_below(&rng, 3)) {
			random_move(&m, map, &rng);
			e = m.e[m.count - 1];
		} else if (m.count) {
			i = test_below(&rng, m.count);
			e = m.e[i];
			allocations = 0;
			fail_all = true;
			assert_true(iova_map_pop(map, e.iova, e.iova + e.length - 1, &out));
			fail_all = false;
			assert_int_equal(allocations, 0);
			assert_memory_equal(&e, &out, sizeof(e));
			memmove(&m.e[i], &m.e[i + 1], (--m.count - i) * sizeof(e));
			bytes -= e.length;
		}
		for (k = 0; k < 6; k++) {
			check_va(&m, map, e.va + test_random(&rng) % e.length);
			check_iova(&m, map, e.iova + test_random(&rng) % e.length);
			check_va(&m, map, va_bases[k % 4] + test_below(&rng, 1100) * PAGE);
		}
		check_va(&m, map, e.va - 1);
		check_va(&m, map, e.va + e.length);
		check_iova(&m, map, e.iova - 1);
		check_iova(&m, map, e.iova + e.length);
		assert_int_equal(iova_map_count(map), m.count);
		assert_int_equal(iova_map_bytes(map), bytes);
	}
	while (iova_map_pop(map, 0, UINT64_MAX, &out))
		m.count--;
	assert_int_equal(m.count, 0);
	for (k = 0; k < 4; k++)
		for (i = 0; i < 3 * GIB / PAGE; i += 997)
			expect_iova(map, va_bases[k] + i * PAGE, 1, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_mappings, setup, teardown),
		{ "random_mappings (radix)", random_mappings, setup_radix, teardown, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
