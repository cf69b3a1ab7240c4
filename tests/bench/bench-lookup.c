/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What translating an address costs, both ways, beside two yardsticks: a plain array indexed by
 * page, which is the limit, and a minimal radix table of three levels.  All run in turns in one
 * process; figures are medians in ns, loop included, and medians of the ratios in each round.
 *
 *   latency     each address depends on the answer before
 *   throughput  the addresses are known in advance
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bench.h"
#include "map/iova-map.h"

#define PAGE 4096ull
#define MIB (1ull << 20)
#define VA_BASE 0x7f0000000000ull
#define IOVA_BASE 0x4000000000ull
#define ROUNDS 9
#define SAMPLE_NS 1000000u

/* ---- the contenders ---- */

enum { RADIX_BITS = 9 };

struct tables {
	struct iova_map *map;
	uint64_t base, stride, count;	/* addresses asked for: base + k * stride */
	bool reverse;
	uint64_t *array;		/* delta by k */
	uint64_t **root;		/* radix: by bits 30..47, 21..29, 12..20 */
};

static uint64_t radix_get(const struct tables *t, uint64_t addr)
{
	uint64_t **middle = (uint64_t **)t->root[addr >> 30 & 0x3ffff];
	uint64_t *leaf = middle ? middle[addr >> 21 & 511] : NULL;
	uint64_t word = leaf ? leaf[addr >> 12 & 511] : 0;

	return word ? addr + word - 1 : 0;
}

static void radix_set(struct tables *t, uint64_t addr, uint64_t delta)
{
	uint64_t **middle = (uint64_t **)t->root[addr >> 30 & 0x3ffff], *leaf;

	if (!middle) {
		middle = calloc(512, sizeof(*middle));
		t->root[addr >> 30 & 0x3ffff] = (uint64_t *)middle;
	}
	leaf = middle[addr >> 21 & 511];
	if (!leaf) {
		leaf = calloc(512, sizeof(*leaf));
		middle[addr >> 21 & 511] = leaf;
	}
	leaf[addr >> 12 & 511] = delta | 1;
}

/* As the public functions do: a call, and the answer through pointers. */
static __attribute__((noinline)) int call_to_iova(const struct iova_map *m, uint64_t va,
						  uint64_t *iova, uint64_t *run)
{
	return iova_map_to_iova(m, va, 64, iova, run);
}

static __attribute__((noinline)) int call_to_va(const struct iova_map *m, uint64_t iova,
						uint64_t *va, uint64_t *run)
{
	return iova_map_to_va(m, iova, 64, va, run);
}

static inline uint64_t ask_floor(const struct tables *t, uint64_t addr)
{
	return addr - t->base;
}

static inline uint64_t ask_array(const struct tables *t, uint64_t addr)
{
	return addr + t->array[(addr - t->base) / PAGE];
}

static inline uint64_t ask_radix(const struct tables *t, uint64_t addr)
{
	return radix_get(t, addr);
}

static inline uint64_t ask_inline(const struct tables *t, uint64_t addr)
{
	return t->reverse ? iova_map_iova_to_va(t->map, addr, 64).target :
			    iova_map_va_to_iova(t->map, addr, 64).target;
}

static inline uint64_t ask_call(const struct tables *t, uint64_t addr)
{
	uint64_t target = 0, run = 0;

	if (t->reverse)
		call_to_va(t->map, addr, &target, &run);
	else
		call_to_iova(t->map, addr, &target, &run);
	return target;
}

/* ---- the loops ---- */

enum how { LATENCY_RANDOM, LATENCY_SEQUENTIAL, THROUGHPUT_RANDOM, THROUGHPUT_SEQUENTIAL, HOWS };

static const char *const how_name[HOWS] = {
	"latency, random", "latency, sequential", "throughput, random", "throughput, sequential",
};

/* One sample: ns per lookup.  Counts are powers of two. */
#define LOOP(name) \
static double loop_##name(const struct tables *t, enum how how, unsigned int n) \
{ \
	uint64_t state = 88172645463325252ull, sum = 0, mask = t->count - 1, start = bench_cpu(); \
	unsigned int i; \
\
	if (how == LATENCY_RANDOM) \
		for (i = 0; i < n; i++) { \
			state = state * 6364136223846793005ull + 1442695040888963407ull; \
			state += sum >> 63; \
			sum = ask_##name(t, t->base + (state >> 33 & mask) * t->stride); \
		} \
	else if (how == LATENCY_SEQUENTIAL) \
		for (i = 0; i < n; i++) \
			sum = ask_##name(t, t->base + ((i + (sum >> 63)) & mask) * t->stride); \
	else if (how == THROUGHPUT_RANDOM) \
		for (i = 0; i < n; i++) { \
			state = state * 6364136223846793005ull + 1442695040888963407ull; \
			sum += ask_##name(t, t->base + (state >> 33 & mask) * t->stride); \
		} \
	else \
		for (i = 0; i < n; i++) \
			sum += ask_##name(t, t->base + (i & mask) * t->stride); \
	bench_use(sum); \
	return (double)(bench_cpu() - start) / n; \
}

LOOP(floor)
LOOP(array)
LOOP(radix)
LOOP(inline)
LOOP(call)

enum { FLOOR, ARRAY, RADIX, INLINE, CALL, CONTENDERS };

static double (*const loops[CONTENDERS])(const struct tables *, enum how, unsigned int) = {
	loop_floor, loop_array, loop_radix, loop_inline, loop_call,
};

static const char *const contender_name[CONTENDERS] = {
	"loop", "array", "radix", "inline", "library",
};

struct result {
	double ns[CONTENDERS], ratio[CONTENDERS];	/* ratio: to the array */
};

static struct result measure(const struct tables *t, enum how how)
{
	double ns[CONTENDERS][ROUNDS], ratio[CONTENDERS][ROUNDS];
	struct result r;
	unsigned int n, c, round;

	memset(&r, 0, sizeof(r));
	for (round = 0; round < ROUNDS; round++) {
		for (c = 0; c < CONTENDERS; c++) {
			if (c == ARRAY && !t->array)
				continue;
			loops[c](t, how, 2000);
			n = SAMPLE_NS / (unsigned int)(1 + loops[c](t, how, 4000));
			ns[c][round] = loops[c](t, how, n);
		}
		for (c = 0; c < CONTENDERS; c++)
			ratio[c][round] = ns[c][round] / ns[t->array ? ARRAY : RADIX][round];
	}
	for (c = 0; c < CONTENDERS; c++) {
		if (c == ARRAY && !t->array)
			continue;
		r.ns[c] = bench_median(ns[c], ROUNDS);
		r.ratio[c] = bench_median(ratio[c], ROUNDS);
	}
	return r;
}

/* ---- what is looked up ---- */

struct layout {
	const char *name;
	uint64_t length, stride;	/* of the mappings, in VA; dense in IOVA */
	uint64_t per_mapping;		/* addresses asked for in each */
};

static const struct layout dense_4k = { "4 KiB, adjacent", PAGE, PAGE, 1 };
static const struct layout dense_2m = { "2 MiB, adjacent", 2 * MIB, 2 * MIB, 512 };
static const struct layout sparse_64k = { "4 KiB, one in 64 KiB", PAGE, 16 * PAGE, 1 };
static const struct layout sparse_2m = { "4 KiB, one in 2 MiB", PAGE, 2 * MIB, 1 };

/* The IOVA of mapping k: neighbours in VA are not neighbours in IOVA. */
static uint64_t scattered(uint64_t k, uint64_t count)
{
	return (k * 0x9e3779b1u + count / 3) & (count - 1);
}

static void build(struct tables *t, const struct layout *l, uint64_t mappings)
{
	struct map_entry e = { .length = l->length, .kind = MAP_KIND_VA };
	uint64_t k, page;

	memset(t, 0, sizeof(*t));
	if (iova_map_new(&t->map))
		exit(1);
	t->root = calloc(1 << 18, sizeof(*t->root));
	t->base = VA_BASE;
	t->stride = l->per_mapping > 1 ? PAGE : l->stride;
	t->count = mappings * l->per_mapping;
	if (t->stride == PAGE)
		t->array = calloc(t->count, sizeof(*t->array));
	for (k = 0; k < mappings; k++) {
		e.va = VA_BASE + k * l->stride;
		e.iova = IOVA_BASE + scattered(k, mappings) * l->length;
		if (iova_map_insert(t->map, &e))
			exit(1);
		for (page = 0; page < l->length / PAGE; page++) {
			radix_set(t, e.va + page * PAGE, e.iova - e.va);
			if (t->array)
				t->array[k * (l->length / PAGE) + page] = e.iova - e.va;
		}
	}
}

static void radix_clear(struct tables *t)
{
	unsigned int i, k;

	for (i = 0; i < 1 << 18; i++) {
		uint64_t **middle = (uint64_t **)t->root[i];

		for (k = 0; middle && k < 512; k++)
			free(middle[k]);
		free(middle);
		t->root[i] = NULL;
	}
}

/* The other way round: ask for IOVAs. */
static void turn(struct tables *t)
{
	uint64_t k, iova;
	struct lookup_hit hit;

	radix_clear(t);
	t->reverse = true;
	t->base = IOVA_BASE;
	t->stride = PAGE;
	free(t->array);
	t->array = calloc(t->count, sizeof(*t->array));
	for (k = 0; k < t->count; k++) {
		iova = IOVA_BASE + k * PAGE;
		hit = iova_map_iova_to_va(t->map, iova, 1);
		t->array[k] = hit.target - iova;
		radix_set(t, iova, hit.target - iova);
	}
}

static void drop(struct tables *t)
{
	radix_clear(t);
	free(t->root);
	free(t->array);
	iova_map_free(t->map);
}

/* ---- the tables ---- */

static void print_head(const char *title, const char *first)
{
	unsigned int c;

	printf("\n%s\n%10s", title, first);
	for (c = 0; c < CONTENDERS; c++)
		printf("%9s", contender_name[c]);
	printf("   inline/  library/  library/\n%10s%45s      array     array     radix\n", "", "");
}

static void print_row(uint64_t mappings, const struct result *r)
{
	double radix = r->ratio[RADIX];
	unsigned int c;

	printf("%10llu", (unsigned long long)mappings);
	for (c = 0; c < CONTENDERS; c++)
		if (r->ns[c])
			printf("%9.2f", r->ns[c]);
		else
			printf("%9s", "-");
	if (r->ns[ARRAY])
		printf("%10.2f%10.2f", r->ratio[INLINE], r->ratio[CALL]);
	else
		printf("%10s%10s", "-", "-");
	printf("%10.2f\n", r->ratio[CALL] / radix);
}

static void compare(const struct layout *l, const uint64_t *counts, unsigned int n, bool reverse,
		    unsigned int hows)
{
	struct result r[HOWS][8];
	struct tables t;
	char title[100];
	unsigned int i, how;

	for (i = 0; i < n; i++) {
		build(&t, l, counts[i]);
		if (reverse)
			turn(&t);
		for (how = 0; how < HOWS; how++)
			if (hows & 1u << how)
				r[how][i] = measure(&t, how);
		drop(&t);
	}
	for (how = 0; how < HOWS; how++) {
		if (!(hows & 1u << how))
			continue;
		snprintf(title, sizeof(title), "%s; %s; %s", reverse ? "IOVA to VA" : "VA to IOVA",
			 l->name, how_name[how]);
		print_head(title, "mappings");
		for (i = 0; i < n; i++)
			print_row(counts[i], &r[how][i]);
	}
}

/* ---- threads ---- */

struct other {
	pthread_t thread;
	struct tables *t;
	atomic_bool stop;
	unsigned int cpu;
	uint64_t changes;
};

static void *reading(void *data)
{
	struct other *o = data;

	bench_pin(o->cpu);
	while (!atomic_load(&o->stop))
		loop_call(o->t, LATENCY_RANDOM, 10000);
	return NULL;
}

/* Maps and unmaps a page at full speed: nearby, but not one that is read. */
static void *writing(void *data)
{
	struct other *o = data;
	struct map_entry e = { .length = PAGE, .kind = MAP_KIND_VA, .iova = 1ull << 44 };
	unsigned int i;

	bench_pin(o->cpu);
	e.va = VA_BASE + o->t->count * PAGE + 3 * PAGE;
	while (!atomic_load(&o->stop)) {
		for (i = 0; i < 1000; i++) {
			if (iova_map_insert(o->t->map, &e))
				exit(1);
			iova_map_pop(o->t->map, e.iova, e.iova + e.length - 1, NULL);
		}
		o->changes += 2 * i;
	}
	return NULL;
}

static double beside(struct tables *t, void *(*what)(void *))
{
	struct other o = { .t = t, .cpu = 1 };
	double ns;

	if (what && pthread_create(&o.thread, NULL, what, &o))
		exit(1);
	loop_call(t, LATENCY_RANDOM, 20000);
	ns = loop_call(t, LATENCY_RANDOM, 200000);
	atomic_store(&o.stop, true);
	if (what)
		pthread_join(o.thread, NULL);
	return ns;
}

static void threads(void)
{
	static const uint64_t counts[] = { 64, 4096, 262144 };
	double alone[ROUNDS], reader[ROUNDS], writer[ROUNDS];
	unsigned int i, round;
	struct tables t;

	printf("\nVA to IOVA; 4 KiB, adjacent; latency, random; one thread on a processor of its own\n");
	printf("%10s%9s%16s%16s\n", "mappings", "alone", "second reader", "beside writer");
	for (i = 0; i < 3; i++) {
		build(&t, &dense_4k, counts[i]);
		for (round = 0; round < ROUNDS; round++) {
			alone[round] = beside(&t, NULL);
			reader[round] = beside(&t, reading) / alone[round];
			writer[round] = beside(&t, writing) / alone[round];
		}
		printf("%10llu%9.2f%15.2fx%15.2fx\n", (unsigned long long)counts[i],
		       bench_median(alone, ROUNDS), bench_median(reader, ROUNDS),
		       bench_median(writer, ROUNDS));
		drop(&t);
	}
}

int main(void)
{
	static const uint64_t counts[] = { 1, 64, 4096, 262144, 1048576 };
	static const uint64_t large[] = { 1, 64, 4096 };
	static const uint64_t many[] = { 4096, 262144 };

	bench_pin(0);
	compare(&dense_4k, counts, 5, false, 0xf);
	compare(&dense_4k, counts, 5, true, 0x5);
	compare(&dense_2m, large, 3, false, 0x5);
	compare(&sparse_64k, many, 2, false, 0x5);
	compare(&sparse_2m, many, 2, false, 0x1);
	threads();
	return 0;
}
