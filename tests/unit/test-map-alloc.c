/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* map/iova-alloc: against a model that knows of every unit whether it is allowed and in use. */
#include <errno.h>

#include "test-map.h"

#include "test-map-fail.h"

#include "map/iova-alloc.h"

/* The n-th allocation from now on may fail; 0 ends that. */
static bool failing;

static void fail_from(unsigned int n)
{
	fail_countdown = n;
	failing = n;
}

/* The model. */

enum { UNITS = 4096 };

struct live {
	unsigned int first, count;
};

struct model {
	struct iova_alloc *a;
	uint64_t base, unit, random;
	bool allowed[UNITS], used[UNITS];
	struct live live[UNITS];
	unsigned int live_count;
};

static uint64_t address(const struct model *m, unsigned int unit)
{
	return m->base + unit * m->unit;
}

static bool is_free(const struct model *m, unsigned int first, unsigned int count)
{
	while (count && m->allowed[first] && !m->used[first]) {
		first++;
		count--;
	}
	return !count;
}

static void mark(struct model *m, unsigned int first, unsigned int count, bool used)
{
	memset(&m->used[first], used, count * sizeof(m->used[0]));
}

static void live_add(struct model *m, unsigned int first, unsigned int count)
{
	mark(m, first, count, true);
	m->live[m->live_count++] = (struct live){ first, count };
}

static unsigned int random_count(struct model *m)
{
	return 1 + test_below(&m->random, 1ull << test_below(&m->random, 8));
}

static bool place_suits(const struct model *m, unsigned int first, unsigned int count,
			uint64_t align, uint64_t min, uint64_t last)
{
	uint64_t start = address(m, first);

	return start && !(start & (align - 1)) && start >= min && start <= last &&
	       last - start >= count * m->unit - 1 && is_free(m, first, count);
}

static void model_get(struct model *m)
{
	unsigned int count = random_count(m), i;
	uint64_t align = m->unit << test_below(&m->random, 10), min = 0, last = UINT64_MAX, iova;
	int ret;

	if (!test_below(&m->random, 3)) {
		min = address(m, test_below(&m->random, UNITS));
		last = address(m, test_below(&m->random, UNITS)) + m->unit - 1;
		if (min > last) {
			ret = iova_alloc_get(m->a, m->unit, 1, min, last, &iova);
			assert_int_equal(ret, -EINVAL);
			return;
		}
	}
	ret = iova_alloc_get(m->a, count * m->unit, align, min, last, &iova);
	if (ret == -ENOSPC) {
		for (i = 0; i + count <= UNITS; i++)
			assert_false(place_suits(m, i, count, align, min, last));
		return;
	}
	if (ret == -ENOMEM && failing)
		return;
	assert_int_equal(ret, 0);
	assert_int_equal((iova - m->base) % m->unit, 0);
	i = (iova - m->base) / m->unit;
	assert_true(i + count <= UNITS);
	assert_true(place_suits(m, i, count, align, min, last));
	live_add(m, i, count);
}

static void model_take(struct model *m)
{
	unsigned int count = random_count(m), first = test_below(&m->random, UNITS), i;
	uint64_t start = address(m, first);
	struct map_range nearest;
	bool allowed = true;
	int ret;

	if (first + count > UNITS)
		count = UNITS - first;
	for (i = first; i < first + count; i++)
		allowed = allowed && m->allowed[i];
	assert_int_equal(iova_alloc_allowed(m->a, address(m, first), count * m->unit, &nearest),
			 allowed);
	if (m->allowed[first])
		assert_true(nearest.start <= start && nearest.last >= start);
	ret = iova_alloc_take(m->a, address(m, first), count * m->unit);
	if (ret == -ENOMEM && failing)
		return;
	assert_int_equal(ret, is_free(m, first, count) ? 0 : -EEXIST);
	if (!ret)
		live_add(m, first, count);
}

static void model_put(struct model *m, unsigned int i)
{
	struct live l = m->live[i];
	unsigned int before = allocations;

	m->live[i] = m->live[--m->live_count];
	mark(m, l.first, l.count, false);
	iova_alloc_put(m->a, address(m, l.first), l.count * m->unit);
	assert_int_equal(allocations, before);
}

/* The way of a mapping: find room, give it back, take what is needed of it. */
static void model_get_and_shift(struct model *m)
{
	unsigned int count, shift, before = m->live_count;
	struct live l;

	model_get(m);
	if (m->live_count == before)
		return;
	l = m->live[before];
	model_put(m, before);
	shift = test_below(&m->random, l.count);
	count = 1 + test_below(&m->random, l.count - shift);
	if (iova_alloc_take(m->a, address(m, l.first + shift), count * m->unit) == 0)
		live_add(m, l.first + shift, count);
	else
		assert_true(failing);
}

static bool model_used(const void *data, uint64_t from, struct map_range *out)
{
	const struct model *m = data;
	unsigned int i, best = UNITS;

	for (i = 0; i < m->live_count; i++) {
		const struct live *l = &m->live[i];

		if (address(m, l->first) + (l->count * m->unit - 1) >= from &&
		    (best == UNITS || l->first < m->live[best].first))
			best = i;
	}
	if (best == UNITS)
		return false;
	out->start = address(m, m->live[best].first);
	out->last = out->start + (m->live[best].count * m->unit - 1);
	return true;
}

static void model_set_ranges(struct model *m)
{
	struct map_range ranges[8];
	bool allowed[UNITS] = { false };
	unsigned int n = test_below(&m->random, 9), i, first, last;
	int ret;

	for (i = 0; i < n; i++) {
		first = test_below(&m->random, UNITS);
		last = first + test_below(&m->random, UNITS - first);
		ranges[i].start = address(m, first);
		ranges[i].last = address(m, last) + m->unit - 1;
		memset(&allowed[first], true, last - first + 1);
	}
	ret = iova_alloc_set_ranges(m->a, ranges, n, model_used, m);
	if (ret == -ENOMEM && failing)
		return;
	assert_int_equal(ret, 0);
	memcpy(m->allowed, allowed, sizeof(allowed));
}

/* Every unit is free exactly when the model says so. */
static void model_check(struct model *m)
{
	unsigned int i;

	for (i = 0; i < UNITS; i++) {
		int ret = iova_alloc_take(m->a, address(m, i), m->unit);

		assert_int_equal(ret, is_free(m, i, 1) ? 0 : -EEXIST);
		if (!ret)
			iova_alloc_put(m->a, address(m, i), m->unit);
	}
}

static void model_run(uint64_t base, uint64_t unit, bool fail)
{
	static struct model m;
	struct map_range all = { base, base + (UNITS * unit - 1) };
	unsigned int round, rounds = test_rounds(60000), fill = 50;

	memset(&m, 0, sizeof(m));
	m.base = base;
	m.unit = unit;
	m.random = test_seed("model");
	memset(m.allowed, true, sizeof(m.allowed));
	assert_int_equal(iova_alloc_new(&m.a), 0);
	assert_int_equal(iova_alloc_set_ranges(m.a, &all, 1, NULL, NULL), 0);
	for (round = 0; round < rounds; round++) {
		unsigned int dice = test_below(&m.random, 100);

		if (fail)
			fail_from(test_below(&m.random, 3));
		if (round % 1000 == 0)
			fill = 20 + test_below(&m.random, 60);
		if (test_below(&m.random, 500) == 0)
			model_set_ranges(&m);
		else if (dice >= fill && m.live_count)
			model_put(&m, test_below(&m.random, m.live_count));
		else if (dice % 3 == 0)
			model_take(&m);
		else if (dice % 3 == 1)
			model_get(&m);
		else
			model_get_and_shift(&m);
		fail_from(0);
		if (round % 3000 == 0)
			model_check(&m);
	}
	while (m.live_count)
		model_put(&m, m.live_count - 1);
	model_check(&m);
	iova_alloc_free(m.a);
}

static void model_of_pages(void **state)
{
	(void)state;
	model_run(0, PAGE, false);
}

static void model_of_bytes_at_the_top(void **state)
{
	(void)state;
	model_run(-(uint64_t)UNITS, 1, false);
}

static void model_of_large_units(void **state)
{
	(void)state;
	model_run(0, UINT64_MAX / UNITS + 1, false);
}

static void model_with_failures(void **state)
{
	(void)state;
	model_run(UINT64_MAX - UNITS * PAGE + 1, PAGE, true);
}

static struct iova_alloc *alloc_of(uint64_t start, uint64_t last)
{
	struct map_range r = { start, last };
	struct iova_alloc *a;

	assert_int_equal(iova_alloc_new(&a), 0);
	assert_int_equal(iova_alloc_set_ranges(a, &r, 1, NULL, NULL), 0);
	return a;
}

static void many_extents_come_and_go(void **state)
{
	unsigned int n = test_rounds(200000), i, j, t;
	uint64_t random = test_seed("many"), iova;
	unsigned int *order = __real_malloc(n * sizeof(*order));
	struct iova_alloc *a = alloc_of(0, 2 * n * PAGE - 1);
	(void)state;

	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n - 1; i; i--) {
		j = test_below(&random, i + 1);
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	for (i = 0; i < n; i++)
		assert_int_equal(iova_alloc_take(a, 2 * order[i] * PAGE, PAGE), 0);
	assert_int_equal(iova_alloc_get(a, 2 * PAGE, 1, 0, UINT64_MAX, &iova), -ENOSPC);
	assert_int_equal(iova_alloc_get(a, PAGE, 2 * PAGE, 0, UINT64_MAX, &iova), -ENOSPC);
	for (i = 0; i < n; i++)
		assert_int_equal(iova_alloc_take(a, (2 * i + 1) * PAGE, PAGE), 0);
	assert_int_equal(iova_alloc_get(a, 1, 1, 0, UINT64_MAX, &iova), -ENOSPC);
	for (i = 0; i < n; i++)
		iova_alloc_put(a, (2 * order[i] + 1) * PAGE, PAGE);
	for (i = n; i-- > 0; )
		iova_alloc_put(a, 2 * order[i] * PAGE, PAGE);
	assert_int_equal(iova_alloc_take(a, 0, 2 * n * PAGE), 0);
	iova_alloc_free(a);
	free(order);
}

static void arguments_are_checked(void **state)
{
	struct map_range bad[] = { { 0, 100 }, { 7, 6 } };
	struct iova_alloc *a;
	uint64_t iova;
	(void)state;

	assert_int_equal(iova_alloc_new(&a), 0);
	assert_int_equal(iova_alloc_get(a, 0, PAGE, 0, UINT64_MAX, &iova), -EINVAL);
	assert_int_equal(iova_alloc_get(a, PAGE, 0, 0, UINT64_MAX, &iova), -EINVAL);
	assert_int_equal(iova_alloc_get(a, PAGE, 3 * PAGE, 0, UINT64_MAX, &iova), -EINVAL);
	assert_int_equal(iova_alloc_get(a, PAGE, PAGE, 2, 1, &iova), -EINVAL);
	assert_int_equal(iova_alloc_take(a, PAGE, 0), -EINVAL);
	assert_int_equal(iova_alloc_take(a, -PAGE, PAGE + 1), -EINVAL);
	assert_int_equal(iova_alloc_take(a, 2, UINT64_MAX), -EINVAL);
	assert_int_equal(iova_alloc_set_ranges(a, bad, 2, NULL, NULL), -EINVAL);
	assert_true(iova_alloc_allowed(a, 200, PAGE, NULL));
	assert_false(iova_alloc_allowed(a, 200, 0, NULL));
	assert_false(iova_alloc_allowed(a, 200, UINT64_MAX, NULL));
	iova_alloc_free(a);
	iova_alloc_free(NULL);
}

static void address_0_is_taken_but_never_got(void **state)
{
	struct iova_alloc *a = alloc_of(0, 2 * PAGE - 1);
	uint64_t iova;
	(void)state;

	assert_int_equal(iova_alloc_get(a, 2 * PAGE, PAGE, 0, UINT64_MAX, &iova), -ENOSPC);
	assert_int_equal(iova_alloc_get(a, 1, 1, 0, 0, &iova), -ENOSPC);
	assert_int_equal(iova_alloc_take(a, 0, PAGE), 0);
	iova_alloc_put(a, 0, PAGE);
	assert_int_equal(iova_alloc_get(a, PAGE, PAGE, 0, UINT64_MAX, &iova), 0);
	assert_int_equal(iova, PAGE);
	assert_int_equal(iova_alloc_get(a, PAGE, PAGE, 0, UINT64_MAX, &iova), -ENOSPC);
	assert_int_equal(iova_alloc_take(a, 0, PAGE), 0);
	iova_alloc_free(a);
}

static void whole_space_can_be_used(void **state)
{
	struct iova_alloc *a;
	uint64_t iova;
	(void)state;

	assert_int_equal(iova_alloc_new(&a), 0);
	assert_int_equal(iova_alloc_get(a, UINT64_MAX, 1, 0, UINT64_MAX, &iova), 0);
	assert_int_equal(iova, 1);
	assert_int_equal(iova_alloc_get(a, 1, 1, 0, UINT64_MAX, &iova), -ENOSPC);
	iova_alloc_put(a, 1, UINT64_MAX);
	assert_int_equal(iova_alloc_take(a, 0, UINT64_MAX), 0);
	assert_int_equal(iova_alloc_take(a, 0, 1), -EEXIST);
	assert_int_equal(iova_alloc_get(a, 1, 1, 0, UINT64_MAX, &iova), 0);
	assert_true(iova == UINT64_MAX);
	iova_alloc_put(a, UINT64_MAX, 1);
	iova_alloc_put(a, 0, UINT64_MAX);
	assert_int_equal(iova_alloc_get(a, 1ull << 63, 1ull << 63, 0, UINT64_MAX, &iova), 0);
	assert_true(iova == 1ull << 63);
	assert_int_equal(iova_alloc_get(a, 1ull << 63, 1ull << 63, 0, UINT64_MAX, &iova), -ENOSPC);
	assert_int_equal(iova_alloc_get(a, GIB, GIB, 3, 3 * GIB, &iova), 0);
	assert_true(iova == GIB);
	iova_alloc_free(a);
}

/* What was put lately is not handed out where it does not fit the window. */
static void window_holds_for_what_was_put_before(void **state)
{
	struct iova_alloc *a = alloc_of(GIB, 2 * GIB - 1);
	uint64_t iova;
	(void)state;

	assert_int_equal(iova_alloc_take(a, GIB + 8 * PAGE, 4 * PAGE), 0);
	iova_alloc_put(a, GIB + 8 * PAGE, 4 * PAGE);
	assert_int_equal(iova_alloc_get(a, 4 * PAGE, PAGE, 0, GIB + 11 * PAGE - 1, &iova), 0);
	assert_true(iova <= GIB + 7 * PAGE);
	iova_alloc_put(a, iova, 4 * PAGE);
	assert_int_equal(iova_alloc_get(a, 4 * PAGE, PAGE, GIB + 9 * PAGE, 2 * GIB, &iova), 0);
	assert_true(iova >= GIB + 9 * PAGE);
	assert_int_equal(iova_alloc_get(a, 4 * PAGE, PAGE, 2 * GIB, 3 * GIB, &iova), -ENOSPC);
	iova_alloc_free(a);
}

enum { MANY = 3000 };

static bool pages_used(const void *data, uint64_t from, struct map_range *out)
{
	uint64_t page = from / PAGE;

	(void)data;
	out->start = page * PAGE;
	out->last = out->start + PAGE - 1;
	return page < MANY;
}

/* Putting needs no memory, whatever was reported in use and however it is spread. */
static void all_of_what_is_in_use_can_be_put(void **state)
{
	struct map_range r[] = { { 0, MANY * PAGE - 1 } };
	struct iova_alloc *a;
	unsigned int i;
	(void)state;

	assert_int_equal(iova_alloc_new(&a), 0);
	assert_int_equal(iova_alloc_set_ranges(a, r, 1, pages_used, NULL), 0);
	for (i = 0; i < MANY; i += 2)
		iova_alloc_put(a, i * PAGE, PAGE);
	for (i = 0; i < MANY; i++)
		assert_int_equal(iova_alloc_take(a, i * PAGE, PAGE), i % 2 ? -EEXIST : 0);
	for (i = 0; i < MANY; i++)
		iova_alloc_put(a, i * PAGE, PAGE);
	assert_int_equal(iova_alloc_take(a, 0, MANY * PAGE), 0);
	iova_alloc_free(a);
}

static void nearest_range_is_told(void **state)
{
	struct map_range ranges[] = { { 0x5000, 0x5fff }, { 0x1000, 0x1fff }, { 0x6000, 0x6fff } };
	struct map_range r;
	struct iova_alloc *a;
	(void)state;

	assert_int_equal(iova_alloc_new(&a), 0);
	assert_int_equal(iova_alloc_set_ranges(a, ranges, 3, NULL, NULL), 0);
	assert_true(iova_alloc_allowed(a, 0x5000, 0x2000, &r));
	assert_true(r.start == 0x5000 && r.last == 0x6fff);
	assert_false(iova_alloc_allowed(a, 0, 0x1000, &r));
	assert_true(r.start == 0x1000 && r.last == 0x1fff);
	assert_false(iova_alloc_allowed(a, 0x2000, 0x1000, &r));
	assert_true(r.start == 0x1000);
	assert_false(iova_alloc_allowed(a, 0x4fff, 0x1000, &r));
	assert_true(r.start == 0x5000);
	assert_false(iova_alloc_allowed(a, UINT64_MAX, 1, &r));
	assert_true(r.start == 0x5000);
	assert_int_equal(iova_alloc_set_ranges(a, NULL, 0, NULL, NULL), 0);
	assert_false(iova_alloc_allowed(a, 0x5000, 1, &r));
	assert_true(r.start > r.last);
	iova_alloc_free(a);
}

static void new_without_memory(void **state)
{
	struct iova_alloc *a;
	unsigned int n;
	int ret;
	(void)state;

	for (n = 1;; n++) {
		a = (void *)&n;
		fail_from(n);
		ret = iova_alloc_new(&a);
		fail_from(0);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_null(a);
	}
	assert_true(n > 1);
	iova_alloc_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_checked),
		cmocka_unit_test(address_0_is_taken_but_never_got),
		cmocka_unit_test(whole_space_can_be_used),
		cmocka_unit_test(window_holds_for_what_was_put_before),
		cmocka_unit_test(all_of_what_is_in_use_can_be_put),
		cmocka_unit_test(nearest_range_is_told),
		cmocka_unit_test(new_without_memory),
		cmocka_unit_test(model_of_pages),
		cmocka_unit_test(model_of_bytes_at_the_top),
		cmocka_unit_test(model_of_large_units),
		cmocka_unit_test(model_with_failures),
		cmocka_unit_test(many_extents_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
