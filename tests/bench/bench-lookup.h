/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What bench-lookup looks up, and in what: the library's tables, an array, a radix table. */
#ifndef BENCH_LOOKUP_H
#define BENCH_LOOKUP_H

#include <stdbool.h>

#include "bench.h"
#include "map/iova-map.h"

#define PAGE 4096ull
#define MIB (1ull << 20)
#define VA_BASE 0x7f0000000000ull
#define IOVA_BASE 0x4000000000ull

/* ---- the contenders ---- */

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

#endif
