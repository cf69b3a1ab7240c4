/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/dirty-bits.h"

uint64_t dirty_bits_find(const uint64_t *bits, uint64_t from, uint64_t count, bool value)
{
	while (from < count) {
		uint64_t word = (value ? bits[from / 64] : ~bits[from / 64]) >> from % 64;

		if (word) {
			from += (uint64_t)__builtin_ctzll(word);
			break;
		}
		from = (from | 63) + 1;
	}
	return from < count ? from : count;
}

static void set(uint64_t *bits, uint64_t first, uint64_t last)
{
	uint64_t head = UINT64_MAX << first % 64, tail = UINT64_MAX >> (63 - last % 64);
	uint64_t from = first / 64, to = last / 64;

	if (from == to) {
		bits[from] |= head & tail;
		return;
	}
	bits[from] |= head;
	for (uint64_t i = from + 1; i < to; i++)
		bits[i] = UINT64_MAX;
	bits[to] |= tail;
}

void dirty_bits_add(const struct dirty_request *q, uint64_t iova, uint64_t page_size,
		    const uint64_t *bits, uint64_t count)
{
	uint64_t last = q->iova + (q->length - 1), from, to;

	for (from = dirty_bits_find(bits, 0, count, true); from < count; from = dirty_bits_find(bits, to, count, true)) {
		uint64_t start = iova + from * page_size, end;

		to = dirty_bits_find(bits, from, count, false);
		end = iova + (to * page_size - 1);
		if (start < q->iova)
			start = q->iova;
		if (end > last)
			end = last;
		if (start <= end)
			set(q->bitmap, (start - q->iova) / q->page_size,
			    (end - q->iova) / q->page_size);
	}
}
