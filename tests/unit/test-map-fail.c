/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Each allocation of the interval map and of the lookup table fails once: nothing may change. */
#include "test-map.h"

#include "test-map-fail.h"

#include "map/iova-map.h"

static struct map_entry of_va(uint64_t iova, uint64_t length, uint64_t va)
{
	struct map_entry e = { .iova = iova, .length = length, .va = va, .kind = MAP_KIND_VA };

	return e;
}

/* Everything that can be seen of a map, in one number. */
static uint64_t digest(const struct iova_map *m)
{
	uint64_t sum = iova_map_count(m) * 31 + iova_map_bytes(m), from = 0, k;
	struct map_entry e;

	while (iova_map_next(m, from, &e)) {
		sum = sum * 1000003 + e.iova + e.length * 7 + e.va * 13;
		for (k = 0; k < 8; k++) {
			struct lookup_hit hit;

			hit = iova_map_va_to_iova(m, e.va + e.length / 8 * k, 4 * MIB);
			sum = sum * 1000003 + hit.target + hit.run;
			hit = iova_map_va_to_iova(m, e.va + e.length + k * PAGE, PAGE);
			sum = sum * 1000003 + hit.target + hit.run;
			hit = iova_map_iova_to_va(m, e.iova + e.length / 8 * k, 4 * MIB);
			sum = sum * 1000003 + hit.target + hit.run;
		}
		from = e.iova + e.length;
		if (!from)
			break;
	}
	return sum;
}

static unsigned int added, stop_at = UINT32_MAX;
static void compare_with_fresh(const struct iova_map *m);

/* Add a mapping.  If an allocation fails, nothing has changed, and the next time it works. */
static void add(struct iova_map *m, uint64_t iova, uint64_t length, uint64_t va)
{
	struct map_entry e = of_va(iova, length, va);
	bool pending = fail_countdown;
	int rc;

	if (added == stop_at)
		return;
	rc = iova_map_insert(m, &e);
	if (rc) {
		assert_int_equal(rc, -ENOMEM);
		assert_true(pending && !fail_countdown);
		compare_with_fresh(m);
		assert_int_equal(iova_map_insert(m, &e), 0);
	}
	added++;
}

static void add_many(struct iova_map *m)
{
	unsigned int i, k;

	added = 0;
	/* One in a slot; large ones, which cover others in part; addresses above 48 bits. */
	add(m, 0x10000, PAGE, 0x7f0000000000);
	add(m, GIB, 3 * GIB, 0x7f0040000000);
	add(m, 5 * GIB, 3 * GIB + PAGE, 0x7f0040000000 + GIB + PAGE);
	add(m, 1ull << 60, 5 * MIB, 0x7f0040000000 + MIB);
	add(m, 9 * GIB, 2 * PAGE, (1ull << 56) - PAGE);
	add(m, -8 * MIB, 8 * MIB, -8 * MIB);
	add(m, 10 * GIB, 3 * PAGE, (1ull << 56) - 2 * PAGE);
	/* More slots than get flat leaves at once; then hashed ones, which grow. */
	for (i = 0; i < 270; i++)
		for (k = 0; k < (i < 260 ? 2 : 60); k++)
			add(m, (1ull << 44) + (i * 100 + k) * 2 * PAGE, PAGE,
			    0x1000000000 + i * 2 * MIB + k * 7 * PAGE);
	/* Lay one over many of them. */
	add(m, 1ull << 46, 400 * MIB, 0x1000000000 + 139 * MIB);
}

/* With one to which only what has been added so far was added. */
static void compare_with_fresh(const struct iova_map *m)
{
	struct iova_map *fresh;

	stop_at = added;
	assert_int_equal(iova_map_new(&fresh), 0);
	add_many(fresh);
	assert_int_equal(digest(m), digest(fresh));
	iova_map_free(fresh);
	stop_at = UINT32_MAX;
}

static void remove_all(struct iova_map *m)
{
	struct map_entry e;

	fail_all = true;
	allocations = 0;
	while (iova_map_pop(m, 0, UINT64_MAX, &e))
		;
	fail_all = false;
	assert_int_equal(allocations, 0);
	assert_int_equal(iova_map_va_to_iova(m, 0x1000000000 + 4 * MIB, 1).run, 0);
	assert_int_equal(iova_map_va_to_iova(m, 0x7f0040000000 + 2 * GIB, 1).run, 0);
}

static void each_allocation_of_a_map(void **state)
{
	struct iova_map *m;
	unsigned int n, failed = 0;
	uint64_t whole = 0;
	bool done = false;

	(void)state;
	for (n = 0; !done; n++) {
		fail_countdown = n;
		if (iova_map_new(&m)) {
			assert_null(m);
			assert_int_equal(fail_countdown, 0);
			assert_int_equal(iova_map_new(&m), 0);
		}
		add_many(m);
		done = n && fail_countdown;
		failed += n && !fail_countdown;
		fail_countdown = 0;
		if (!n)
			whole = digest(m);
		assert_int_equal(digest(m), whole);
		remove_all(m);
		iova_map_free(m);
	}
	/* Maps, lookups, leaves, cells, tree nodes, the list: it did fail somewhere. */
	assert_true(failed > 10);
}

/* With all memory gone, what was there stays as it is and can be removed. */
static void no_memory_at_all(void **state)
{
	struct map_entry e = of_va(1ull << 47, 3 * MIB, 0x1000000000 + MIB);
	static uint32_t tickets[10000];
	unsigned int prepared;
	struct iova_map *m;
	uint64_t before;
	int rc = 0;

	(void)state;
	fail_all = true;
	assert_int_equal(iova_map_new(&m), -ENOMEM);
	assert_null(m);
	fail_all = false;
	assert_int_equal(iova_map_new(&m), 0);
	add_many(m);
	before = digest(m);

	/* Take what is there in reserve, until there is no more. */
	fail_all = true;
	for (prepared = 0; !rc && prepared < 10000; prepared += !rc) {
		rc = iova_map_prepare(m, &e, &tickets[prepared]);
		e.iova += 4 * MIB;
	}
	assert_int_equal(rc, -ENOMEM);
	while (prepared--)
		iova_map_abandon(m, tickets[prepared]);
	fail_all = false;
	assert_int_equal(digest(m), before);
	remove_all(m);
	iova_map_free(m);
}

/* What others did between prepare and commit can ask for more than was reserved. */
static void commit_after_others(void **state)
{
	struct map_entry e = of_va(1ull << 46, 400 * MIB, 0x1000000000);
	struct iova_map *m;
	uint32_t ticket;
	uint64_t before;
	unsigned int i;

	(void)state;
	assert_int_equal(iova_map_new(&m), 0);
	assert_int_equal(iova_map_prepare(m, &e, &ticket), 0);
	for (i = 0; i < 200; i++) {
		struct map_entry page = of_va(i * 2 * PAGE, PAGE, e.va + i * 2 * MIB + i * PAGE);

		assert_int_equal(iova_map_insert(m, &page), 0);
	}
	before = digest(m);
	fail_all = true;
	assert_int_equal(iova_map_commit(m, ticket), -ENOMEM);
	fail_all = false;
	assert_int_equal(digest(m), before);
	assert_int_equal(iova_map_commit(m, ticket), 0);
	assert_int_equal(iova_map_va_to_iova(m, e.va, GIB).run, e.length);
	remove_all(m);
	iova_map_free(m);
}

/* Against the rules a piece is cut out of the middle: then more is forgotten, but nothing stays. */
static void clear_forgets_rather_than_keeps(void **state)
{
	struct lookup *l;

	(void)state;
	assert_int_equal(lookup_new(&l), 0);
	assert_int_equal(lookup_set(l, 0, 6 * MIB, PAGE), 0);
	fail_all = true;
	lookup_clear(l, 2 * MIB + 8 * PAGE, PAGE);
	fail_all = false;
	assert_int_equal(lookup_get(l, 2 * MIB + 8 * PAGE, 1).run, 0);
	assert_int_equal(lookup_get(l, 2 * MIB, 1).run, 0);
	assert_int_equal(lookup_get(l, 0, GIB).run, 2 * MIB);
	assert_int_equal(lookup_get(l, 4 * MIB, GIB).run, 2 * MIB);
	lookup_free(l);
}

static void each_allocation_of_a_lookup(void **state)
{
	unsigned int n;
	bool done = false;

	(void)state;
	for (n = 1; !done; n++) {
		struct lookup *l;
		unsigned int i;

		fail_countdown = n;
		if (lookup_new(&l)) {
			assert_null(l);
			assert_int_equal(lookup_new(&l), 0);
		}
		for (i = 0; i < 100; i++) {
			uint64_t start = i * 17 * MIB + (i % 3 ? 0 : 1ull << 57);
			bool pending = fail_countdown;
			int rc = lookup_set(l, start, 3 * MIB, 0x1000);

			if (rc) {
				assert_true(rc == -ENOMEM && pending);
				assert_int_equal(lookup_get(l, start, 1).run, 0);
				assert_int_equal(lookup_get(l, start + 2 * MIB, 1).run, 0);
				rc = lookup_set(l, start, 3 * MIB, 0x1000);
			}
			assert_int_equal(rc, 0);
			pending = fail_countdown;
			rc = lookup_set(l, start + MIB, 9 * PAGE, 0x5000);
			if (rc) {
				assert_true(rc == -ENOMEM && pending);
				assert_int_equal(lookup_get(l, start, 4 * MIB).run, 3 * MIB);
				rc = lookup_set(l, start + MIB, 9 * PAGE, 0x5000);
			}
			assert_int_equal(rc, 0);
			assert_int_equal(lookup_get(l, start, 4 * MIB).run, MIB);
			assert_int_equal(lookup_get(l, start + MIB, 4 * MIB).run, 9 * PAGE);
		}
		done = fail_countdown;
		fail_countdown = 0;
		lookup_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_of_a_map),
		cmocka_unit_test(no_memory_at_all),
		cmocka_unit_test(commit_after_others),
		cmocka_unit_test(clear_forgets_rather_than_keeps),
		cmocka_unit_test(each_allocation_of_a_lookup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
