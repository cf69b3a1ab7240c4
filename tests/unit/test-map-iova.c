/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The interval map: rules of overlap, tickets, removal, and several mappings of one VA. */
#include "test-map.h"

#include "test-map-fail.h"

#include "map/iova-map.h"

static int setup(void **state)
{
	struct iova_map *m;
	int rc = iova_map_new(&m);

	*state = m;
	return rc;
}

/* Without address space for the flat arrays. */
static int setup_radix(void **state)
{
	int rc;

	fail_large = true;
	rc = setup(state);
	fail_large = false;
	return rc;
}

static int teardown(void **state)
{
	iova_map_free(*state);
	return 0;
}

static struct map_entry of_va(uint64_t iova, uint64_t length, uint64_t va)
{
	struct map_entry e = { .iova = iova, .length = length, .va = va, .prot = 3,
			       .kind = MAP_KIND_VA };

	return e;
}

static void add(struct iova_map *m, uint64_t iova, uint64_t length, uint64_t va)
{
	struct map_entry e = of_va(iova, length, va);

	assert_int_equal(iova_map_insert(m, &e), 0);
}

static void add_fails(struct iova_map *m, uint64_t iova, uint64_t length, uint64_t va, int error)
{
	struct map_entry e = of_va(iova, length, va);

	assert_int_equal(iova_map_insert(m, &e), -error);
}

static void expect_iova(const struct iova_map *m, uint64_t va, uint64_t wanted, uint64_t iova,
			uint64_t run)
{
	uint64_t got = 0, got_run = 0;

	assert_int_equal(iova_map_to_iova(m, va, wanted, &got, &got_run), run ? 0 : -ENOENT);
	assert_int_equal(got_run, run);
	if (run)
		assert_int_equal(got, iova);
}

static void expect_va(const struct iova_map *m, uint64_t iova, uint64_t wanted, uint64_t va,
		      uint64_t run)
{
	uint64_t got = 0, got_run = 0;

	assert_int_equal(iova_map_to_va(m, iova, wanted, &got, &got_run), run ? 0 : -ENOENT);
	assert_int_equal(got_run, run);
	if (run)
		assert_int_equal(got, va);
}

static void invalid_einval(void **state)
{
	struct map_entry e = of_va(0x1000, 0, 0x1000);
	uint64_t x;

	add_fails(*state, 0x1000, 0, 0x1000, EINVAL);
	add_fails(*state, 0x1001, PAGE, 0x1000, EINVAL);
	add_fails(*state, 0x1000, PAGE + 1, 0x1000, EINVAL);
	add_fails(*state, 0x1000, PAGE, 0x1001, EINVAL);
	add_fails(*state, -PAGE, 2 * PAGE, 0x1000, EINVAL);
	add_fails(*state, 0x1000, 2 * PAGE, -PAGE, EINVAL);
	e.kind = MAP_KIND_FILE;
	e.va = 7;
	assert_int_equal(iova_map_insert(*state, &e), -EINVAL);
	assert_int_equal(iova_map_to_iova(*state, 0, 0, &x, &x), -EINVAL);
	assert_int_equal(iova_map_to_va(*state, 0, 0, &x, &x), -EINVAL);
	assert_int_equal(iova_map_count(*state), 0);
}

static void overlap_eexist(void **state)
{
	struct map_entry out;

	add(*state, 0x10000, 4 * PAGE, 0x7f0000000000);
	add_fails(*state, 0x10000, 4 * PAGE, 0x7f0000000000, EEXIST);
	add_fails(*state, 0xf000, 2 * PAGE, 0, EEXIST);
	add_fails(*state, 0x13000, PAGE, 0, EEXIST);
	add_fails(*state, 0x0, 1ull << 40, 0, EEXIST);
	add_fails(*state, 0x11000, PAGE, 0, EEXIST);
	add(*state, 0x14000, PAGE, 0x7f0000004000);
	add(*state, 0xf000, PAGE, 0x100000);
	assert_int_equal(iova_map_count(*state), 3);
	assert_int_equal(iova_map_bytes(*state), 6 * PAGE);
	assert_true(iova_map_first_overlap(*state, 0, UINT64_MAX, &out));
	assert_int_equal(out.iova, 0xf000);
	assert_true(iova_map_first_overlap(*state, 0x13fff, 2, &out));
	assert_int_equal(out.iova, 0x10000);
	assert_false(iova_map_first_overlap(*state, 0x15000, PAGE, &out));
	assert_false(iova_map_first_overlap(*state, 0xe000, PAGE, &out));
	assert_false(iova_map_first_overlap(*state, 0xf000, 0, &out));
	/* Neighbours with one delta read as one. */
	expect_iova(*state, 0x7f0000000000, UINT64_MAX, 0x10000, 5 * PAGE);
}

static void everything_comes_back(void **state)
{
	struct map_entry e = { .iova = 0x5000, .length = 3 * PAGE, .offset = 77, .file = &e,
			       .prot = 5, .kind = MAP_KIND_DMABUF, .owned_iova = 1 }, out;

	assert_int_equal(iova_map_insert(*state, &e), 0);
	assert_true(iova_map_find(*state, 0x7fff, &out));
	assert_memory_equal(&e, &out, sizeof(e));
	expect_va(*state, 0x5000, 1, 0, 0);
	expect_iova(*state, 0, 1, 0, 0);
	memset(&out, 0, sizeof(out));
	assert_true(iova_map_pop(*state, 0, UINT64_MAX, &out));
	assert_memory_equal(&e, &out, sizeof(e));
	assert_false(iova_map_find(*state, 0x5000, NULL));
}

static void top_of_the_space(void **state)
{
	uint64_t bytes, count;

	add(*state, -2 * PAGE, 2 * PAGE, 0x1000);
	add(*state, 0, PAGE, (1ull << 57) - PAGE);
	add(*state, 1ull << 60, PAGE, -PAGE);
	expect_va(*state, UINT64_MAX, UINT64_MAX, 0x2fff, 1);
	expect_va(*state, -2 * PAGE, UINT64_MAX, 0x1000, 2 * PAGE);
	expect_iova(*state, 0x1000, UINT64_MAX, -2 * PAGE, 2 * PAGE);
	expect_iova(*state, (1ull << 57) - PAGE, UINT64_MAX, 0, PAGE);
	expect_iova(*state, UINT64_MAX, 1, (1ull << 60) + PAGE - 1, 1);
	assert_int_equal(iova_map_check_whole(*state, 0, UINT64_MAX, &bytes, &count, NULL), 0);
	assert_int_equal(bytes, 4 * PAGE);
	assert_int_equal(count, 3);
	assert_true(iova_map_pop(*state, -2 * PAGE, UINT64_MAX, NULL));
	expect_va(*state, UINT64_MAX, 1, 0, 0);
}

static void identity_is_a_mapping(void **state)
{
	add(*state, 0, 4 * GIB, 0);
	expect_iova(*state, 0, UINT64_MAX, 0, 4 * GIB);
	expect_va(*state, 4 * GIB - 1, 5, 4 * GIB - 1, 1);
}

static void check_whole_names_the_cut(void **state)
{
	struct map_entry cut;
	uint64_t bytes = 1, count = 1;
	uint32_t ticket;
	struct map_entry e = of_va(0x40000, PAGE, 0);

	assert_int_equal(iova_map_check_whole(*state, 0, UINT64_MAX, &bytes, &count, &cut), 0);
	assert_true(bytes == 0 && count == 0);
	add(*state, 0x10000, 4 * PAGE, 0);
	add(*state, 0x20000, 4 * PAGE, 0);
	assert_int_equal(iova_map_check_whole(*state, 0x11000, 0x30000, NULL, NULL, &cut), -EINVAL);
	assert_int_equal(cut.iova, 0x10000);
	assert_int_equal(iova_map_check_whole(*state, 0, 0x23ffe, NULL, NULL, &cut), -EINVAL);
	assert_int_equal(cut.iova, 0x20000);
	assert_int_equal(iova_map_check_whole(*state, 0x10000, 0x23fff, &bytes, &count, &cut), 0);
	assert_true(bytes == 8 * PAGE && count == 2);
	assert_int_equal(iova_map_check_whole(*state, 2, 1, NULL, NULL, &cut), -EINVAL);
	assert_int_equal(cut.length, 0);
	assert_int_equal(iova_map_prepare(*state, &e, &ticket), 0);
	assert_int_equal(iova_map_check_whole(*state, 0, UINT64_MAX, NULL, NULL, &cut), -EBUSY);
	assert_int_equal(cut.iova, 0x40000);
	iova_map_abandon(*state, ticket);
}

static void pop_takes_whole_mappings_in_order(void **state)
{
	struct map_entry out;
	unsigned int i;

	for (i = 0; i < 8; i++)
		add(*state, (7 - i) * 0x10000, 2 * PAGE, i * PAGE);
	for (i = 2; i < 5; i++) {
		assert_true(iova_map_pop(*state, 0x11000, 0x50fff, &out));
		assert_int_equal(out.iova, i * 0x10000);
	}
	assert_false(iova_map_pop(*state, 0x11000, 0x50fff, &out));
	assert_int_equal(iova_map_count(*state), 5);
}

static void tickets(void **state)
{
	struct map_entry a = of_va(0x10000, 2 * PAGE, 0x100000);
	struct map_entry b = of_va(0x20000, 2 * PAGE, 0x101000);
	uint32_t ta, tb;

	assert_int_equal(iova_map_prepare(*state, &a, &ta), 0);
	assert_int_equal(iova_map_prepare(*state, &b, &tb), 0);
	add_fails(*state, 0x11000, PAGE, 0, EEXIST);
	expect_iova(*state, 0x100000, 1, 0, 0);
	assert_int_equal(iova_map_count(*state), 0);
	assert_false(iova_map_pop(*state, 0, UINT64_MAX, NULL));
	assert_true(iova_map_find(*state, 0x10000, NULL));

	/* What is finished last is the newest. */
	assert_int_equal(iova_map_commit(*state, tb), 0);
	assert_int_equal(iova_map_commit(*state, ta), 0);
	expect_iova(*state, 0x101000, PAGE, 0x11000, PAGE);
	expect_iova(*state, 0x102000, PAGE, 0x21000, PAGE);
	assert_int_equal(iova_map_prepare(*state, &(struct map_entry){ .iova = 0, .length = PAGE,
					  .kind = MAP_KIND_FILE }, &ta), 0);
	iova_map_abandon(*state, ta);
	assert_false(iova_map_find(*state, 0, NULL));
	assert_int_equal(iova_map_count(*state), 2);
}

static void newest_alias_is_seen(void **state)
{
	uint64_t va = 0x7f0000000000;

	add(*state, 0x100000, 16 * PAGE, va);
	add(*state, 0x200000, 4 * PAGE, va + 2 * PAGE);
	add(*state, 0x300000, 16 * PAGE, va + 4 * PAGE);
	expect_iova(*state, va, UINT64_MAX, 0x100000, 2 * PAGE);
	expect_iova(*state, va + 2 * PAGE, UINT64_MAX, 0x200000, 2 * PAGE);
	expect_iova(*state, va + 4 * PAGE, UINT64_MAX, 0x300000, 16 * PAGE);
	/* Each IOVA has its own VA all the time. */
	expect_va(*state, 0x202000, PAGE, va + 4 * PAGE, PAGE);

	assert_true(iova_map_pop(*state, 0x300000, UINT64_MAX, NULL));
	expect_iova(*state, va + 2 * PAGE, UINT64_MAX, 0x200000, 4 * PAGE);
	expect_iova(*state, va + 6 * PAGE, UINT64_MAX, 0x106000, 10 * PAGE);
	expect_iova(*state, va + 16 * PAGE, UINT64_MAX, 0, 0);
	assert_true(iova_map_pop(*state, 0, 0x1fffff, NULL));
	expect_iova(*state, va + PAGE, UINT64_MAX, 0, 0);
	expect_iova(*state, va + 2 * PAGE, UINT64_MAX, 0x200000, 4 * PAGE);
	assert_true(iova_map_pop(*state, 0, UINT64_MAX, NULL));
	expect_iova(*state, va + 2 * PAGE, 1, 0, 0);
}

/* One page behind very many IOVAs, as a dummy page is. */
static void many_aliases_of_one_page(void **state)
{
	const unsigned int n = test_rounds(50000);
	uint64_t va = 0x7f0000123000;
	unsigned int i;

	for (i = 0; i < n; i++)
		add(*state, i * 2 * PAGE, PAGE, va);
	expect_iova(*state, va, PAGE, (n - 1) * 2 * PAGE, PAGE);
	for (i = 0; i < n; i += 2)
		assert_true(iova_map_pop(*state, i * 2 * PAGE, i * 2 * PAGE + PAGE - 1, NULL));
	for (i = n - 1 - n % 2; i > 1; i -= 2) {
		expect_iova(*state, va, PAGE, i * 2 * PAGE, PAGE);
		assert_true(iova_map_pop(*state, i * 2 * PAGE, UINT64_MAX, NULL));
	}
	assert_true(iova_map_pop(*state, 0, UINT64_MAX, NULL));
	expect_iova(*state, va, PAGE, 0, 0);
}

/* ---- against a list of mappings ---- */

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

#define with(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with(invalid_einval),
		with(overlap_eexist),
		with(everything_comes_back),
		with(top_of_the_space),
		with(identity_is_a_mapping),
		with(check_whole_names_the_cut),
		with(pop_takes_whole_mappings_in_order),
		with(tickets),
		with(newest_alias_is_seen),
		with(many_aliases_of_one_page),
		with(random_mappings),
		{ "random_mappings (radix)", random_mappings, setup_radix, teardown, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
