/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What getting, taking and putting IOVA ranges costs, beside a plain first-fit list where that is
 * bearable, and beside an allocator that does nothing (what is left is this program).  All run in
 * turns in one process; the figures are medians.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "map/iova-alloc.h"

#define PAGE 4096ull
#define LOWEST 0x10000ull
#define HIGHEST ((1ull << 47) - 1)
#define ROUNDS 41
#define OPERATIONS 4000
#define CROWD_GETS 60000
#define MAX_LIVE 100000u

struct kind {
	const char *name;
	unsigned int max_live;
	void *(*new)(void);
	void (*free)(void *a);
	int (*get)(void *a, uint64_t length, uint64_t align, uint64_t *iova);
	int (*take)(void *a, uint64_t iova, uint64_t length);
	void (*put)(void *a, uint64_t iova, uint64_t length);
};

/* The library. */

static void *tree_new(void)
{
	struct map_range r = { LOWEST, HIGHEST };
	struct iova_alloc *a;

	if (iova_alloc_new(&a) || iova_alloc_set_ranges(a, &r, 1, NULL, NULL))
		exit(1);
	return a;
}

static void tree_free(void *a)
{
	iova_alloc_free(a);
}

static int tree_get(void *a, uint64_t length, uint64_t align, uint64_t *iova)
{
	return iova_alloc_get(a, length, align, LOWEST, HIGHEST, iova);
}

static int tree_take(void *a, uint64_t iova, uint64_t length)
{
	return iova_alloc_take(a, iova, length);
}

static void tree_put(void *a, uint64_t iova, uint64_t length)
{
	iova_alloc_put(a, iova, length);
}

/* A list of free extents by address: the first that fits. */

struct hole {
	struct hole *next;
	uint64_t start, last;
};

static struct hole *hole_new(struct hole *next, uint64_t start, uint64_t last)
{
	struct hole *h = malloc(sizeof(*h));

	if (!h)
		exit(1);
	*h = (struct hole){ next, start, last };
	return h;
}

static void *list_new(void)
{
	return hole_new(hole_new(NULL, LOWEST, HIGHEST), 0, 0);
}

static void list_free(void *a)
{
	struct hole *h, *next;

	for (h = a; h; h = next) {
		next = h->next;
		free(h);
	}
}

static void list_cut(struct hole *before, uint64_t start, uint64_t last)
{
	struct hole *h = before->next;

	if (last < h->last)
		h->next = hole_new(h->next, last + 1, h->last);
	if (start > h->start) {
		h->last = start - 1;
	} else {
		before->next = h->next;
		free(h);
	}
}

static int list_get(void *a, uint64_t length, uint64_t align, uint64_t *iova)
{
	struct hole *before, *h;

	for (before = a; (h = before->next); before = h) {
		uint64_t start = (h->start + align - 1) & -align;

		if (start <= h->last && h->last - start >= length - 1) {
			list_cut(before, start, start + length - 1);
			*iova = start;
			return 0;
		}
	}
	return -ENOSPC;
}

static int list_take(void *a, uint64_t iova, uint64_t length)
{
	struct hole *before = a;

	while (before->next && before->next->last < iova)
		before = before->next;
	if (!before->next || before->next->start > iova ||
	    before->next->last < iova + length - 1)
		return -EEXIST;
	list_cut(before, iova, iova + length - 1);
	return 0;
}

static void list_put(void *a, uint64_t iova, uint64_t length)
{
	struct hole *before = a, *h;
	uint64_t last = iova + length - 1;

	while (before->next && before->next->last < iova)
		before = before->next;
	h = before->next;
	if (h && h->start == last + 1)
		h->start = iova;
	else
		h = before->next = hole_new(h, iova, last);
	if (before != a && before->last + 1 == iova) {
		before->last = h->last;
		before->next = h->next;
		free(h);
	}
}

/* Nothing. */

static void *none_new(void)
{
	return calloc(1, sizeof(uint64_t));
}

static int none_get(void *a, uint64_t length, uint64_t align, uint64_t *iova)
{
	(void)align;
	*iova = *(uint64_t *)a;
	*(uint64_t *)a += length;
	return 0;
}

static int none_take(void *a, uint64_t iova, uint64_t length)
{
	*(uint64_t *)a = iova + length;
	return 0;
}

static void none_put(void *a, uint64_t iova, uint64_t length)
{
	*(uint64_t *)a ^= iova + length;
}

static const struct kind kinds[] = {
	{ "nothing", MAX_LIVE, none_new, free, none_get, none_take, none_put },
	{ "list", 1000, list_new, list_free, list_get, list_take, list_put },
	{ "library", MAX_LIVE, tree_new, tree_free, tree_get, tree_take, tree_put },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What is measured. */

enum sizes { SIZES_PAGE, SIZES_MIXED, SIZES_WIDE };

struct subject {
	const struct kind *kind;
	void *a;
	uint64_t random;
	unsigned int live;
	enum sizes sizes;
	uint64_t *iova, *length;
};

static uint64_t random_number(struct subject *s)
{
	uint64_t x = s->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	s->random = x;
	return x;
}

static uint64_t random_length(struct subject *s)
{
	static const uint64_t mixed[] = { 1, 1, 1, 1, 4, 4, 16, 512 };
	uint64_t x = random_number(s) >> 20;

	if (s->sizes == SIZES_PAGE)
		return PAGE;
	if (s->sizes == SIZES_MIXED)
		return PAGE * mixed[x % 8];
	return PAGE * ((1 + (x >> 8) % 1024) << (x % 9));
}

static void must(int ret)
{
	if (ret) {
		fprintf(stderr, "bench-alloc: %d\n", ret);
		exit(1);
	}
}

static void get_one(struct subject *s, unsigned int i)
{
	s->length[i] = random_length(s);
	must(s->kind->get(s->a, s->length[i], s->length[i] >= 512 * PAGE ? 512 * PAGE : PAGE,
			  &s->iova[i]));
}

static void put_one(struct subject *s, unsigned int i)
{
	s->kind->put(s->a, s->iova[i], s->length[i]);
}

static void churn(struct subject *s, unsigned int n)
{
	while (n--) {
		unsigned int i = (random_number(s) >> 20) % s->live;

		put_one(s, i);
		get_one(s, i);
	}
}

static void get_put(struct subject *s, unsigned int n)
{
	uint64_t iova;

	while (n--) {
		must(s->kind->get(s->a, PAGE, PAGE, &iova));
		s->kind->put(s->a, iova, PAGE);
	}
}

/* Two pages at a time, so that no range is wanted right after it was put. */
static void get_put_twice(struct subject *s, unsigned int n)
{
	uint64_t iova[2];

	for (n /= 2; n; n--) {
		must(s->kind->get(s->a, PAGE, PAGE, &iova[0]));
		must(s->kind->get(s->a, PAGE, PAGE, &iova[1]));
		s->kind->put(s->a, iova[0], PAGE);
		s->kind->put(s->a, iova[1], PAGE);
	}
}

static void get_shift_put(struct subject *s, unsigned int n)
{
	uint64_t iova;

	while (n--) {
		must(s->kind->get(s->a, 17 * PAGE, 16 * PAGE, &iova));
		s->kind->put(s->a, iova, 17 * PAGE);
		must(s->kind->take(s->a, iova + PAGE, 16 * PAGE));
		s->kind->put(s->a, iova + PAGE, 16 * PAGE);
	}
}

static void take_put(struct subject *s, unsigned int n)
{
	while (n--) {
		must(s->kind->take(s->a, 1ull << 46, PAGE));
		s->kind->put(s->a, 1ull << 46, PAGE);
	}
}

static void take_put_anywhere(struct subject *s, unsigned int n)
{
	while (n--) {
		uint64_t iova = (1ull << 46) + (random_number(s) >> 30 << 12);

		must(s->kind->take(s->a, iova, PAGE));
		s->kind->put(s->a, iova, PAGE);
	}
}

/* Give up a range and take it back, one after the other in no order. */
static void retake(struct subject *s, unsigned int n)
{
	unsigned int i, last = 0;

	put_one(s, 0);
	while (n--) {
		i = (random_number(s) >> 20) % s->live;
		if (i == last)
			continue;
		put_one(s, i);
		must(s->kind->take(s->a, s->iova[last], s->length[last]));
		last = i;
	}
	must(s->kind->take(s->a, s->iova[last], s->length[last]));
}

static void fresh(struct subject *s, unsigned int n)
{
	void *a = s->kind->new();
	uint64_t iova;

	while (n--)
		must(s->kind->get(a, random_length(s), PAGE, &iova));
	s->kind->free(a);
}

static const struct scenario {
	const char *name;
	void (*run)(struct subject *s, unsigned int n);
	enum sizes sizes;
	unsigned int live;
} scenarios[] = {
	{ "get + put, 4K", get_put, SIZES_MIXED, 0 },
	{ "get + put, 4K", get_put, SIZES_MIXED, 1000 },
	{ "get + put, 4K", get_put, SIZES_MIXED, 100000 },
	{ "get + put, 4K, two at a time", get_put_twice, SIZES_MIXED, 1000 },
	{ "get + put, 4K, two at a time", get_put_twice, SIZES_MIXED, 100000 },
	{ "get, put, take a part, put", get_shift_put, SIZES_MIXED, 1000 },
	{ "get, put, take a part, put", get_shift_put, SIZES_MIXED, 100000 },
	{ "take + put, one address", take_put, SIZES_MIXED, 1000 },
	{ "take + put, one address", take_put, SIZES_MIXED, 100000 },
	{ "take + put, any address", take_put_anywhere, SIZES_MIXED, 1000 },
	{ "take + put, any address", take_put_anywhere, SIZES_MIXED, 100000 },
	{ "put + take of live ranges", retake, SIZES_MIXED, 1000 },
	{ "put + take of live ranges", retake, SIZES_MIXED, 100000 },
	{ "get only, 4K", fresh, SIZES_PAGE, 1 },
	{ "put + get, 4K", churn, SIZES_PAGE, 1000 },
	{ "put + get, 4K", churn, SIZES_PAGE, 100000 },
	{ "put + get, 4K..2M mixed", churn, SIZES_MIXED, 1000 },
	{ "put + get, 4K..2M mixed", churn, SIZES_MIXED, 100000 },
	{ "put + get, 4K..1G wide", churn, SIZES_WIDE, 1000 },
	{ "put + get, 4K..1G wide", churn, SIZES_WIDE, 100000 },
};

/* Of this thread: others on the machine matter less. */
static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct subject subject_new(const struct kind *kind)
{
	struct subject s = { .kind = kind, .a = kind->new(), .random = 0x9e3779b97f4a7c15ull };

	s.iova = malloc(MAX_LIVE * sizeof(*s.iova));
	s.length = malloc(MAX_LIVE * sizeof(*s.length));
	if (!s.a || !s.iova || !s.length)
		exit(1);
	return s;
}

static void subject_free(struct subject *s)
{
	s->kind->free(s->a);
	free(s->iova);
	free(s->length);
}

/* Make the live ranges, and age them until the holes are as they will be. */
static struct subject prepare(const struct kind *kind, const struct scenario *c)
{
	struct subject s = subject_new(kind);
	unsigned int i;

	s.live = c->live;
	s.sizes = c->sizes;
	for (i = 0; i < s.live; i++)
		get_one(&s, i);
	if (s.live > 1)
		churn(&s, 5 * s.live);
	return s;
}

static void measure(const struct scenario *c)
{
	double ns[KINDS][ROUNDS];
	struct subject s[KINDS];
	unsigned int k, round;

	for (k = 0; k < KINDS; k++)
		if (c->live <= kinds[k].max_live)
			s[k] = prepare(&kinds[k], c);
	for (round = 0; round < ROUNDS; round++) {
		for (k = 0; k < KINDS; k++) {
			uint64_t start;

			if (c->live > kinds[k].max_live)
				continue;
			start = now();
			c->run(&s[k], OPERATIONS);
			ns[k][round] = (double)(now() - start) / OPERATIONS;
		}
	}
	printf("%-30s %6u", c->name, c->live);
	for (k = 0; k < KINDS; k++) {
		if (c->live > kinds[k].max_live) {
			printf(" %9s", "-");
			continue;
		}
		qsort(ns[k], ROUNDS, sizeof(double), compare);
		printf(" %9.1f", ns[k][ROUNDS / 2]);
		subject_free(&s[k]);
	}
	printf("\n");
}

/* A window that is nearly full: ranges are put and got at random, and some may be refused. */
static void crowd(const struct kind *kind, uint64_t align)
{
	struct subject s = subject_new(kind);
	const uint64_t room = 1ull << 32, limit = room / 10 * 9;
	uint64_t used = 0, length;
	unsigned int i, refused = 0, n;

	must(kind->take(s.a, LOWEST + room, HIGHEST + 1 - LOWEST - room));
	for (n = 0; n < CROWD_GETS; n++) {
		length = PAGE << random_number(&s) % 8;
		length += (random_number(&s) >> 20) % length & -PAGE;
		while (s.live && used + length > limit) {
			i = (random_number(&s) >> 20) % s.live--;
			put_one(&s, i);
			used -= s.length[i];
			s.iova[i] = s.iova[s.live];
			s.length[i] = s.length[s.live];
		}
		s.length[s.live] = length;
		if (kind->get(s.a, length, length >= align ? align : PAGE, &s.iova[s.live])) {
			refused++;
		} else {
			s.live++;
			used += length;
		}
	}
	printf(" %8.3f%%", 100.0 * refused / CROWD_GETS);
	subject_free(&s);
}

int main(void)
{
	size_t i;

	printf("ns per pair, or per get\n%-30s %6s", "", "live");
	for (i = 0; i < KINDS; i++)
		printf(" %9s", kinds[i].name);
	printf("\n");
	for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		measure(&scenarios[i]);

	printf("\nrefused at 90 %% of 4 GiB in use, 4K..1M\n");
	for (i = 0; i < 2; i++) {
		printf("%-37s %9s", i ? "from 64K on at multiples of 64K" : "at any page", "");
		crowd(&kinds[1], i ? 16 * PAGE : PAGE);
		crowd(&kinds[2], i ? 16 * PAGE : PAGE);
		printf("\n");
	}
	return 0;
}
