/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The interval map: rules of overlap, tickets, removal, and several mappings of one VA. */
#include "test-map-iova.h"

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

static void moved_together(void **state)
{
	struct iova_map_move move;
	uint64_t va = 0x7f0000000000, iova = 0x100000;

	for (unsigned int i = 0; i < 4; i++)
		add(*state, iova + i * PAGE, PAGE, va + 2 * i * PAGE);
	/* Over the memory of two of them, and of one that stays. */
	add(*state, 0x200000, PAGE, va + 3 * PAGE);
	assert_int_equal(iova_map_move_prepare(*state, iova, iova + 4 * PAGE - 1, va + 2 * PAGE,
					       &move), 0);
	expect_iova(*state, va, PAGE, iova, PAGE);
	iova_map_move_commit(*state, &move);
	expect_iova(*state, va, PAGE, 0, 0);
	expect_iova(*state, va + 2 * PAGE, UINT64_MAX, iova, 4 * PAGE);
	expect_va(*state, iova, UINT64_MAX, va + 2 * PAGE, 4 * PAGE);
	expect_iova(*state, va + 6 * PAGE, PAGE, 0, 0);
	assert_true(iova_map_pop(*state, iova, iova + 4 * PAGE - 1, NULL));
	assert_true(iova_map_pop(*state, iova, iova + 4 * PAGE - 1, NULL));
	expect_iova(*state, va + 3 * PAGE, PAGE, 0x200000, PAGE);
}

/* Alone each needs no leaf of the lookup, together they do: it must be there beforehand. */
static void moved_to_share_slots(void **state)
{
	enum { COUNT = 400 };
	uint64_t va = 0x7f0000000000, iova = 1ull << 40;
	struct iova_map_move move;
	uint64_t i;

	for (i = 0; i < COUNT; i++)
		add(*state, iova + i * MIB, PAGE, va + i * 4 * MIB);
	va += 16 * GIB;
	assert_int_equal(iova_map_move_prepare(*state, iova, iova + COUNT * MIB, va, &move), 0);
	fail_all = true;
	iova_map_move_commit(*state, &move);
	fail_all = false;
	for (i = 0; i < COUNT; i++) {
		expect_iova(*state, va + i * MIB, UINT64_MAX, iova + i * MIB, PAGE);
		expect_va(*state, iova + i * MIB, UINT64_MAX, va + i * MIB, PAGE);
	}
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
		with(moved_together),
		with(moved_to_share_slots),
		with(many_aliases_of_one_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
