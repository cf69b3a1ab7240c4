/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/dirty-bits.h"

/* Two words, wherever they begin: what every processor of ours has a register for. */
typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));

#define BLOCK 16u

/* The first word from @word on that is not @same, or @words. */
static uint64_t skip(const uint64_t *bits, uint64_t word, uint64_t words, uint64_t same)
{
	const pair all = { same, same };

	for (; words - word >= BLOCK; word += BLOCK) {
		const pair *p = (const pair *)(bits + word);
		pair other = ((p[0] ^ all) | (p[1] ^ all)) | ((p[2] ^ all) | (p[3] ^ all)) |
			     ((p[4] ^ all) | (p[5] ^ all)) | ((p[6] ^ all) | (p[7] ^ all));

		if (other[0] | other[1])
			break;
	}
	while (word < words && bits[word] == same)
		word++;
	return word;
}

uint64_t dirty_bits_find(const uint64_t *bits, uint64_t from, uint64_t count, bool value)
{
	uint64_t same = value ? 0 : UINT64_MAX, word = from / 64, words = (count + 63) / 64, found;

	if (from >= count)
		return count;
	found = (bits[word] ^ same) >> from % 64;
	if (!found) {
		word = skip(bits, word + 1, words, same);
		if (word == words)
			return count;
		from = word * 64;
		found = bits[word] ^ same;
	}
	from += (uint64_t)__builtin_ctzll(found);
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
