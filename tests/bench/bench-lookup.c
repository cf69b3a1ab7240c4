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

#include "bench-lookup.h"

#define ROUNDS 9
#define SAMPLE_NS 1000000u

/* ---- the loops ---- */

enum how { LATENCY_RANDOM, LATENCY_SEQUENTIAL, THROUGHPUT_RANDOM, THROUGHPUT_SEQUENTIAL, HOWS };

static const char *const how_name[HOWS] = {
	"latency, random", "latency, sequential", "throughput, random", "throughput, sequential",
};

/*
 * One sample: ns per lookup.  Counts are powers of two.  The address is hidden so that the array
 * has to work out its index, too.
 */
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
			sum = ask_##name(t, bench_hide(t->base + (state >> 33 & mask) * t->stride)); \
		} \
	else if (how == LATENCY_SEQUENTIAL) \
		for (i = 0; i < n; i++) \
			sum = ask_##name(t, bench_hide(t->base + ((i + (sum >> 63)) & mask) * t->stride)); \
	else if (how == THROUGHPUT_RANDOM) \
		for (i = 0; i < n; i++) { \
			state = state * 6364136223846793005ull + 1442695040888963407ull; \
			sum += ask_##name(t, bench_hide(t->base + (state >> 33 & mask) * t->stride)); \
		} \
	else \
		for (i = 0; i < n; i++) \
			sum += ask_##name(t, bench_hide(t->base + (i & mask) * t->stride)); \
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

	printf("\nVA to IOVA; 4 KiB, adjacent; latency, random; a processor each\n");
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

/* ---- changes ---- */

/* ns to map and unmap one range, again and again. */
static double again(struct iova_map *m, uint64_t va, uint64_t length, unsigned int n)
{
	struct map_entry e = { .iova = 1ull << 44, .length = length, .va = va,
			       .kind = MAP_KIND_VA };
	uint64_t start = bench_cpu();
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (iova_map_insert(m, &e) || !iova_map_pop(m, e.iova, e.iova + length - 1, NULL))
			exit(1);
	}
	return (double)(bench_cpu() - start) / n;
}

/* ns to unmap and map one of the resident pages. */
static double any(const struct tables *t, unsigned int n)
{
	uint64_t state = 88172645463325252ull, start = bench_cpu(), iova;
	struct map_entry e;
	unsigned int i;

	for (i = 0; i < n; i++) {
		iova = IOVA_BASE + (bench_random(&state) >> 20 & (t->count - 1)) * PAGE;
		if (!iova_map_pop(t->map, iova, iova + PAGE - 1, &e) || iova_map_insert(t->map, &e))
			exit(1);
	}
	return (double)(bench_cpu() - start) / n;
}

static void changes(void)
{
	static const uint64_t counts[] = { 1, 64, 4096, 262144 };
	double alone[ROUNDS], beside_others[ROUNDS], random[ROUNDS], gib[ROUNDS], tib[ROUNDS];
	unsigned int i, round;
	struct tables t;

	printf("\nMap and unmap once, both tables; ns\n%10s%12s%12s%12s%12s%12s\n", "resident",
	       "4 KiB", "in a leaf", "random one", "1 GiB", "1 TiB");
	for (i = 0; i < 4; i++) {
		build(&t, &dense_4k, counts[i]);
		for (round = 0; round < ROUNDS; round++) {
			alone[round] = again(t.map, VA_BASE - 64 * MIB, PAGE, 10000);
			beside_others[round] = again(t.map, VA_BASE + (t.count + 3) * PAGE, PAGE,
						     10000);
			random[round] = any(&t, 10000);
			gib[round] = again(t.map, VA_BASE - 4096 * MIB - PAGE, 1024 * MIB, 100);
			tib[round] = again(t.map, VA_BASE - (2ull << 40) - PAGE, 1ull << 40, 3);
		}
		printf("%10llu%12.1f%12.1f%12.1f%12.0f%12.0f\n", (unsigned long long)counts[i],
		       bench_median(alone, ROUNDS), bench_median(beside_others, ROUNDS),
		       bench_median(random, ROUNDS), bench_median(gib, ROUNDS),
		       bench_median(tib, ROUNDS));
		drop(&t);
	}
}

/* ---- memory ---- */

static void memory(const struct layout *l, uint64_t mappings)
{
	struct tables t;
	uint64_t leaves, slots;

	build(&t, l, mappings);
	leaves = lookup_footprint(((struct iova_map_tables *)t.map)->va_to_iova);
	/* A page of slot words serves 1 GiB. */
	slots = ((mappings * l->stride + (1ull << 30) - 1) >> 30) * PAGE;
	printf("%-24s%12llu%10.1f%10.1f\n", l->name, (unsigned long long)mappings,
	       (double)leaves / (double)mappings, (double)slots / (double)mappings);
	drop(&t);
}

static void memories(void)
{
	printf("\nVA to IOVA; bytes per mapping\n%-24s%12s%10s%10s\n", "", "mappings", "leaves",
	       "slots");
	memory(&dense_4k, 4096);
	memory(&dense_4k, 262144);
	memory(&dense_2m, 4096);
	memory(&sparse_64k, 4096);
	memory(&sparse_64k, 262144);
	memory(&sparse_2m, 262144);
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
	changes();
	memories();
	return 0;
}
