/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "map/pasid-alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum { BITS = 64 };

static bool is_set(const uint64_t *bits, uint32_t i)
{
	return bits[i / BITS] >> i % BITS & 1;
}

/* The first clear bit in from..end-1, or @end. */
static uint32_t first_clear(const uint64_t *bits, uint32_t from, uint32_t end)
{
	while (from < end) {
		uint64_t clear = ~bits[from / BITS] >> from % BITS;

		if (clear) {
			from += (uint32_t)__builtin_ctzll(clear);
			return from < end ? from : end;
		}
		from = (from / BITS + 1) * BITS;
	}
	return end;
}

static void use(struct pasid_alloc *a, uint32_t number)
{
	uint64_t *word = &a->used[number / BITS];

	*word |= UINT64_C(1) << number % BITS;
	if (!~*word)
		a->full[number / BITS / BITS] |= UINT64_C(1) << number / BITS % BITS;
	a->free--;
}

int pasid_alloc_init(struct pasid_alloc *a, unsigned int width)
{
	uint32_t limit = 1u << width, words = (limit + BITS - 1) / BITS;

	a->used = calloc(words, sizeof(*a->used));
	a->full = calloc((words + BITS - 1) / BITS, sizeof(*a->full));
	a->limit = limit;
	a->free = limit;
	if (!a->used || !a->full) {
		pasid_alloc_exit(a);
		return -ENOMEM;
	}
	use(a, 0);
	return 0;
}

void pasid_alloc_exit(struct pasid_alloc *a)
{
	free(a->used);
	free(a->full);
	a->used = NULL;
	a->full = NULL;
}

int pasid_alloc_reserve(struct pasid_alloc *a, uint32_t first, uint32_t last)
{
	uint32_t i;

	if (first > last || last >= a->limit)
		return -ERANGE;
	for (i = first; i <= last; i++)
		if (is_set(a->used, i))
			return -EEXIST;
	for (i = first; i <= last; i++)
		use(a, i);
	return 0;
}

int pasid_alloc_take(struct pasid_alloc *a, uint32_t number)
{
	return pasid_alloc_reserve(a, number, number);
}

int pasid_alloc_find(struct pasid_alloc *a, uint32_t min, uint32_t max, uint32_t *number)
{
	uint32_t end = max < a->limit ? max + 1 : a->limit;
	uint32_t edge = min / BITS * BITS + BITS; /* of the word that @min is in */
	uint32_t at, word;

	if (min >= end)
		return -ENOSPC;
	at = first_clear(a->used, min, edge < end ? edge : end);
	if (at == edge && at < end) {
		word = first_clear(a->full, edge / BITS, (end + BITS - 1) / BITS);
		at = first_clear(a->used, word * BITS, end);
	}
	if (at >= end)
		return -ENOSPC;
	use(a, at);
	*number = at;
	return 0;
}

void pasid_alloc_give(struct pasid_alloc *a, uint32_t number)
{
	a->used[number / BITS] &= ~(UINT64_C(1) << number % BITS);
	a->full[number / BITS / BITS] &= ~(UINT64_C(1) << number / BITS % BITS);
	a->free++;
}
