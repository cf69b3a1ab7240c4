/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Readers beside a writer: what stays mapped is always found, what changes is found as it was or
 * as it becomes, and an answer never belongs to another address.
 */
#include "test-map.h"

#include <pthread.h>
#include <stdatomic.h>

#include "map/iova-map.h"

enum { READERS = 2, RUN_MS = 400, TRIES = 64 };

/*
 * An IOVA names the VA page that it was made for, so that an answer can be checked by itself:
 * the number of the page, shifted out of the way, and one of a few variants.
 */
#define VA_BASE 0x7f0000000000ull

static uint64_t iova_of(uint64_t page, unsigned int variant)
{
	return page << 16 | variant << MAP_PAGE_SHIFT;
}

static bool iova_is_of(uint64_t iova, uint64_t page)
{
	return iova >> 16 == page && !(iova & MAP_PAGE_MASK);
}

struct test {
	struct iova_map *map;
	atomic_bool stop;
	atomic_uint bad;	/* answers that were wrong */
	atomic_uint looks;
	void (*read)(struct test *t, uint64_t *rng);
	void (*write)(struct test *t, uint64_t *rng);
};

struct reader {
	pthread_t thread;
	struct test *test;
	uint64_t rng;
};

static void *reader_main(void *data)
{
	struct reader *r = data;
	unsigned int i;

	while (!atomic_load_explicit(&r->test->stop, memory_order_relaxed)) {
		for (i = 0; i < TRIES; i++)
			r->test->read(r->test, &r->rng);
		atomic_fetch_add_explicit(&r->test->looks, TRIES, memory_order_relaxed);
	}
	return NULL;
}

static void run(struct test *t, const char *name)
{
	struct reader readers[READERS];
	uint64_t rng = test_seed(name);
	struct timespec now, begin;
	unsigned int i;

	for (i = 0; i < READERS; i++) {
		readers[i].test = t;
		readers[i].rng = rng + i + 1;
		assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]),
				 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		for (i = 0; i < TRIES; i++)
			t->write(t, &rng);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 <
		 RUN_MS);
	atomic_store(&t->stop, true);
	for (i = 0; i < READERS; i++)
		pthread_join(readers[i].thread, NULL);
	assert_int_equal(t->bad, 0);
	assert_true(t->looks > 0);
}

static void add(struct test *t, uint64_t va, uint64_t length, uint64_t iova)
{
	struct map_entry e = { .iova = iova, .length = length, .va = va, .kind = MAP_KIND_VA };

	assert_int_equal(iova_map_insert(t->map, &e), 0);
}

static void bad(struct test *t)
{
	atomic_fetch_add_explicit(&t->bad, 1, memory_order_relaxed);
}

/* ---- pages come and go in a few slots: leaves are emptied and go from slot to slot ---- */

enum { HOT_SLOTS = 6, HOT_PAGES = 3, FILL_SLOTS = 300 };

static uint64_t hot_page(uint64_t *rng)
{
	uint64_t slot = test_below(rng, HOT_SLOTS);

	return slot * LOOKUP_SLOT_PAGES + test_below(rng, HOT_PAGES) * 5;
}

static void read_pages(struct test *t, uint64_t *rng)
{
	uint64_t page = hot_page(rng), inside = test_below(rng, MAP_PAGE_SIZE);
	struct lookup_hit hit, back;

	hit = iova_map_va_to_iova(t->map, VA_BASE + page * MAP_PAGE_SIZE + inside, 1);
	if (!hit.run)
		return;
	if (!iova_is_of(hit.target - inside, page))
		bad(t);
	/* Its mapping may be gone by now; if not, the way back leads here. */
	back = iova_map_iova_to_va(t->map, hit.target, 1);
	if (back.run && back.target != VA_BASE + page * MAP_PAGE_SIZE + inside)
		bad(t);
}

static void write_pages(struct test *t, uint64_t *rng)
{
	uint64_t page = hot_page(rng);

	if (!iova_map_pop(t->map, iova_of(page, 0), iova_of(page, 0) + MAP_PAGE_MASK, NULL))
		add(t, VA_BASE + page * MAP_PAGE_SIZE, MAP_PAGE_SIZE, iova_of(page, 0));
}

static void flat_leaves_are_reused(void **state)
{
	struct test t = { .read = read_pages, .write = write_pages };

	(void)state;
	assert_int_equal(iova_map_new(&t.map), 0);
	run(&t, __func__);
	iova_map_free(t.map);
}

static void hashed_leaves_are_reused(void **state)
{
	struct test t = { .read = read_pages, .write = write_pages };
	uint64_t page, i;

	(void)state;
	assert_int_equal(iova_map_new(&t.map), 0);
	/* Use up the flat leaves. */
	for (i = 0; i < FILL_SLOTS; i++) {
		page = (1000 + i) * LOOKUP_SLOT_PAGES;
		add(&t, VA_BASE + page * MAP_PAGE_SIZE, MAP_PAGE_SIZE, iova_of(page, 0));
		add(&t, VA_BASE + (page + 2) * MAP_PAGE_SIZE, MAP_PAGE_SIZE, iova_of(page + 2, 0));
	}
	run(&t, __func__);
	iova_map_free(t.map);
}

/* ---- pages come and go beside others that stay, in leaves that grow ---- */

enum { GROW_SLOTS = 300, GROW_PAGES = 60 };

static void read_growing(struct test *t, uint64_t *rng)
{
	uint64_t page = test_below(rng, GROW_SLOTS) * LOOKUP_SLOT_PAGES +
		test_below(rng, GROW_PAGES) * 7;
	struct lookup_hit hit;

	hit = iova_map_va_to_iova(t->map, VA_BASE + page * MAP_PAGE_SIZE, 1);
	if (hit.run ? !iova_is_of(hit.target, page) : page % 4 == 0)
		bad(t);
}

static void write_growing(struct test *t, uint64_t *rng)
{
	/* One slot after the other gets full and empty again, but for what stays. */
	static uint64_t step;
	uint64_t slot = step / (2 * GROW_PAGES) % GROW_SLOTS, i = step % GROW_PAGES;
	uint64_t page = slot * LOOKUP_SLOT_PAGES + i * 7;

	(void)rng;
	step++;
	if (page % 4 &&
	    !iova_map_pop(t->map, iova_of(page, 0), iova_of(page, 0) + MAP_PAGE_MASK, NULL))
		add(t, VA_BASE + page * MAP_PAGE_SIZE, MAP_PAGE_SIZE, iova_of(page, 0));
}

static void residents_stay_in_growing_leaves(void **state)
{
	struct test t = { .read = read_growing, .write = write_growing };
	uint64_t slot, i;

	(void)state;
	assert_int_equal(iova_map_new(&t.map), 0);
	for (slot = 0; slot < GROW_SLOTS; slot++)
		for (i = 0; i < GROW_PAGES; i++) {
			uint64_t page = slot * LOOKUP_SLOT_PAGES + i * 7;

			if (page % 4 == 0)
				add(&t, VA_BASE + page * MAP_PAGE_SIZE, MAP_PAGE_SIZE,
				    iova_of(page, 0));
		}
	run(&t, __func__);
	iova_map_free(t.map);
}

/* ---- a large mapping stays, others are laid over parts of it and taken off again ---- */

#define LARGE_VA (VA_BASE + 0x40000000ull)
#define LARGE_LENGTH (3 * GIB)
#define LARGE_IOVA (1ull << 45)
#define OVER_IOVA (1ull << 46)

static void read_large(struct test *t, uint64_t *rng)
{
	uint64_t at = test_below(rng, 4) ? test_below(rng, LARGE_LENGTH) :
					   GIB + test_below(rng, 5 * MIB);
	uint64_t wanted = 1 + test_below(rng, LARGE_LENGTH - at);
	struct lookup_hit hit;

	hit = iova_map_va_to_iova(t->map, LARGE_VA + at, wanted);
	if (hit.target != LARGE_IOVA + at && hit.target != OVER_IOVA + at)
		bad(t);
	if (!hit.run || hit.run > wanted)
		bad(t);
	/* On the IOVA side nothing ever lies over it. */
	hit = iova_map_iova_to_va(t->map, LARGE_IOVA + at, wanted);
	if (hit.target != LARGE_VA + at || hit.run != wanted)
		bad(t);
}

static void write_large(struct test *t, uint64_t *rng)
{
	static const uint64_t lengths[] = { PAGE, 3 * PAGE, 2 * MIB, 5 * MIB, GIB };
	uint64_t length = lengths[test_below(rng, 5)];
	uint64_t at = test_below(rng, 3) * GIB;

	if (length < GIB)
		at += test_below(rng, 512) * PAGE + test_below(rng, 3) * 2 * MIB;
	if (iova_map_pop(t->map, OVER_IOVA, OVER_IOVA + LARGE_LENGTH, NULL) && test_below(rng, 2))
		return;
	add(t, LARGE_VA + at, length, OVER_IOVA + at);
}

static void large_mapping_stays(void **state)
{
	struct test t = { .read = read_large, .write = write_large };

	(void)state;
	assert_int_equal(iova_map_new(&t.map), 0);
	add(&t, LARGE_VA, LARGE_LENGTH, LARGE_IOVA);
	run(&t, __func__);
	iova_map_free(t.map);
}

/* ---- a page is cut out of one large cell after the other; the rest of the cell stays ---- */

enum { CELLS = 2000 };

static struct lookup *cells;
static atomic_uint current_cell;

static void read_cell(struct test *t, uint64_t *rng)
{
	uint64_t at = atomic_load_explicit(&current_cell, memory_order_relaxed) * GIB + PAGE;

	at += test_below(rng, GIB - PAGE);
	if (lookup_get(cells, at, 1).target != at + PAGE)
		bad(t);
}

static void write_cell(struct test *t, uint64_t *rng)
{
	unsigned int cell = atomic_load_explicit(&current_cell, memory_order_relaxed);

	(void)t;
	(void)rng;
	lookup_clear(cells, cell * GIB, PAGE);
	if (cell + 1 < CELLS)
		atomic_store_explicit(&current_cell, cell + 1, memory_order_relaxed);
}

static void rest_of_a_cell_stays(void **state)
{
	struct test t = { .read = read_cell, .write = write_cell };

	(void)state;
	assert_int_equal(lookup_new(&cells), 0);
	assert_int_equal(lookup_set(cells, 0, CELLS * GIB, PAGE), 0);
	run(&t, __func__);
	lookup_free(cells);
}

/* ---- an old mapping is taken away under a newer one, and made again over it ---- */

static void read_swap(struct test *t, uint64_t *rng)
{
	uint64_t at = test_below(rng, 6 * MIB);
	struct lookup_hit hit = iova_map_va_to_iova(t->map, LARGE_VA + at, 1);

	if (!hit.run || (hit.target & ~(64 * MIB)) != at)
		bad(t);
}

static void write_swap(struct test *t, uint64_t *rng)
{
	static unsigned int turn;

	(void)rng;
	/* Two identities differ by 64 MiB; at any time one of them is there. */
	add(t, LARGE_VA, 6 * MIB, turn * 64 * MIB);
	turn = !turn;
	iova_map_pop(t->map, turn * 64 * MIB, turn * 64 * MIB + 6 * MIB - 1, NULL);
}

static void one_of_two_is_always_there(void **state)
{
	struct test t = { .read = read_swap, .write = write_swap };

	(void)state;
	assert_int_equal(iova_map_new(&t.map), 0);
	add(&t, LARGE_VA, 6 * MIB, 64 * MIB);
	run(&t, __func__);
	iova_map_free(t.map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flat_leaves_are_reused),
		cmocka_unit_test(hashed_leaves_are_reused),
		cmocka_unit_test(residents_stay_in_growing_leaves),
		cmocka_unit_test(large_mapping_stays),
		cmocka_unit_test(rest_of_a_cell_stays),
		cmocka_unit_test(one_of_two_is_always_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
