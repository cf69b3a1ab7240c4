/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What finding a physical PASID costs, beside a plain array indexed by virtual PASID, which is
 * the limit.  All run in turns in one process; figures are medians in ns, loop included, and
 * medians of the ratios in each round.
 *
 *   latency     each number depends on the answer before
 *   throughput  the numbers are known in advance
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <libiommufd/pasid_table.h>

#include "bench.h"
#include "map/pasid-table.h"

#define ROUNDS 9
#define SAMPLE_NS 1000000u

/* ---- the contenders ---- */

struct tables {
	struct iommufd_pasid_table *table;
	struct pasid_table *pairs;
	uint32_t *array;
	uint32_t count; /* numbers asked for, 0 and up; a power of 2 */
};

static inline uint32_t ask_floor(const struct tables *t, uint32_t vpasid)
{
	(void)t;
	return vpasid;
}

static inline uint32_t ask_array(const struct tables *t, uint32_t vpasid)
{
	return t->array[vpasid];
}

/* As inside the library, range checked. */
static inline uint32_t ask_inline(const struct tables *t, uint32_t vpasid)
{
	return vpasid < t->pairs->to_physical.limit ?
		       pasid_side_read(&t->pairs->to_physical, vpasid) : 0;
}

static inline uint32_t ask_call(const struct tables *t, uint32_t vpasid)
{
	uint32_t pasid = 0;

	iommufd_pasid_table_to_physical(t->table, vpasid, &pasid);
	return pasid;
}

/* ---- the loops ---- */

/*
 * One sample: ns per lookup.  The number is hidden so that nothing is worked out beforehand.
 */
#define LOOP(name) \
static double loop_##name(const struct tables *t, bool latency, unsigned int n) \
{ \
	uint64_t state = 88172645463325252ull, sum = 0, start = bench_cpu(); \
	uint32_t mask = t->count - 1; \
	unsigned int i; \
\
	if (latency) \
		for (i = 0; i < n; i++) { \
			state = state * 6364136223846793005ull + 1442695040888963407ull; \
			state += sum >> 31; \
			sum = ask_##name(t, (uint32_t)bench_hide(state >> 33 & mask)); \
		} \
	else \
		for (i = 0; i < n; i++) { \
			state = state * 6364136223846793005ull + 1442695040888963407ull; \
			sum += ask_##name(t, (uint32_t)bench_hide(state >> 33 & mask)); \
		} \
	bench_use(sum); \
	return (double)(bench_cpu() - start) / n; \
}

LOOP(floor)
LOOP(array)
LOOP(inline)
LOOP(call)

enum { FLOOR, ARRAY, INLINE, CALL, CONTENDERS };

static double (*const loops[CONTENDERS])(const struct tables *, bool, unsigned int) = {
	loop_floor, loop_array, loop_inline, loop_call,
};

static void build(struct tables *t, uint32_t count)
{
	t->count = count;
	t->pairs = malloc(sizeof(*t->pairs));
	t->array = calloc(count, sizeof(*t->array));
	if (!t->pairs || !t->array || iommufd_pasid_table_new(20, 20, &t->table))
		exit(1);
	pasid_table_init(t->pairs, 20, 20);
	for (uint32_t i = 0; i < count; i++) {
		/* Neighbours are no neighbours on the other side. */
		struct pasid_run run = { i, (i * 0x9e3779b1u & (count - 1)) + 1, 1 }, there;

		if (run.pasid > 0xfffff)
			continue;
		t->array[i] = run.pasid;
		if (pasid_table_add(t->pairs, &run, &there) ||
		    iommufd_pasid_table_set(t->table, i, run.pasid))
			exit(1);
	}
}

static void drop(struct tables *t)
{
	iommufd_pasid_table_unref(t->table);
	pasid_table_exit(t->pairs);
	free(t->pairs);
	free(t->array);
}

static void measure(const struct tables *t, bool latency)
{
	double ns[CONTENDERS][ROUNDS], ratio[CONTENDERS][ROUNDS];
	unsigned int n, c, round;

	for (round = 0; round < ROUNDS; round++) {
		for (c = 0; c < CONTENDERS; c++) {
			loops[c](t, latency, 2000);
			n = SAMPLE_NS / (unsigned int)(1 + loops[c](t, latency, 4000));
			ns[c][round] = loops[c](t, latency, n);
		}
		for (c = 0; c < CONTENDERS; c++)
			ratio[c][round] = ns[c][round] / ns[ARRAY][round];
	}
	printf("%10u", t->count);
	for (c = 0; c < CONTENDERS; c++)
		printf("%9.2f", bench_median(ns[c], ROUNDS));
	printf("%10.2f%10.2f\n", bench_median(ratio[INLINE], ROUNDS),
	       bench_median(ratio[CALL], ROUNDS));
}

/* ---- threads ---- */

struct other {
	pthread_t thread;
	struct tables *t;
	atomic_bool stop;
};

static void *reading(void *data)
{
	struct other *o = data;

	bench_pin(1);
	while (!atomic_load(&o->stop))
		loop_call(o->t, true, 10000);
	return NULL;
}

/* Clears and sets a pair at full speed: nearby, but none that is read. */
static void *writing(void *data)
{
	struct other *o = data;
	uint32_t vpasid = o->t->count + 3;

	bench_pin(1);
	while (!atomic_load(&o->stop))
		if (iommufd_pasid_table_set(o->t->table, vpasid, vpasid + 1) ||
		    iommufd_pasid_table_clear(o->t->table, vpasid))
			exit(1);
	return NULL;
}

static double beside(struct tables *t, void *(*what)(void *))
{
	struct other o = { .t = t };
	double ns;

	if (what && pthread_create(&o.thread, NULL, what, &o))
		exit(1);
	loop_call(t, true, 20000);
	ns = loop_call(t, true, 200000);
	atomic_store(&o.stop, true);
	if (what)
		pthread_join(o.thread, NULL);
	return ns;
}

static void threads(struct tables *t)
{
	double alone[ROUNDS], reader[ROUNDS], writer[ROUNDS];

	for (unsigned int round = 0; round < ROUNDS; round++) {
		alone[round] = beside(t, NULL);
		reader[round] = beside(t, reading) / alone[round];
		writer[round] = beside(t, writing) / alone[round];
	}
	printf("%10u%9.2f%15.2fx%15.2fx\n", t->count, bench_median(alone, ROUNDS),
	       bench_median(reader, ROUNDS), bench_median(writer, ROUNDS));
}

/* ns to set and to clear one pair. */
static void changes(const struct tables *t)
{
	double ns[ROUNDS];

	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t start = bench_cpu();

		for (uint32_t i = 0; i < 100000; i++)
			if (iommufd_pasid_table_set(t->table, t->count + 3, t->count + 4) ||
			    iommufd_pasid_table_clear(t->table, t->count + 3))
				exit(1);
		ns[round] = (double)(bench_cpu() - start) / 100000;
	}
	printf("%10u%9.1f\n", t->count, bench_median(ns, ROUNDS));
}

int main(void)
{
	static const uint32_t counts[] = { 1, 64, 1024, 32768, 524288 };
	enum { COUNTS = sizeof(counts) / sizeof(*counts) };
	struct tables t[COUNTS];
	unsigned int i, latency;

	bench_pin(0);
	for (i = 0; i < COUNTS; i++)
		build(&t[i], counts[i]);
	for (latency = 2; latency--;) {
		printf("Virtual to physical PASID; random; %s\n%10s%9s%9s%9s%9s",
		       latency ? "latency" : "throughput", "pairs", "loop", "array", "inline",
		       "library");
		printf("   inline/  library/\n");
		printf("%46s      array     array\n", "");
		for (i = 0; i < COUNTS; i++)
			measure(&t[i], latency);
		printf("\n");
	}
	printf("Latency; a processor each\n%10s%9s%16s%16s\n", "pairs", "alone", "second reader",
	       "beside writer");
	for (i = 0; i < COUNTS; i++)
		threads(&t[i]);
	printf("\nSet and clear a pair; ns\n%10s%9s\n", "pairs", "both");
	for (i = 0; i < COUNTS; i++)
		changes(&t[i]);
	for (i = 0; i < COUNTS; i++)
		drop(&t[i]);
	return 0;
}
