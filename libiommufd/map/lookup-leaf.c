/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Flat leaves of the lookup table: one word for each page of a slot. */
#include <assert.h>
#include <errno.h>

#include "map/lookup-priv.h"
#include "os/mem.h"

enum {
	CHUNK_SIZE = 256 << 10,
	LEAF_SIZE = LOOKUP_SLOT_PAGES * sizeof(uint64_t),
	CHUNK_LEAVES = CHUNK_SIZE / LEAF_SIZE - 1,
};

/*
 * A reader may still be looking into a leaf that was emptied and given to another slot.  It then
 * finds its slot's word changed.  So that the word differs even when the leaf has come back to the
 * same slot, each use has its own number in the spare bits of the word.  A leaf whose numbers are
 * used up is not used again.
 */
#define USE_LOW_BITS	9	/* bits 3..11 of the word */
#define USE_HIGH_SHIFT	48
#define USE_LIMIT	(1u << (USE_LOW_BITS + 64 - USE_HIGH_SHIFT))

struct flat_info {
	lookup_word *next;	/* while free */
	uint32_t uses;
	uint32_t mapped;	/* words that are not 0 */
};

struct flat_chunk {
	struct flat_chunk *next;
	void *area;
	uint32_t handed_out;	/* leaves that have been in use at all */
	struct flat_info info[CHUNK_LEAVES];
};

static_assert(sizeof(struct flat_chunk) <= LEAF_SIZE, "the chunk's head fits in its first page");

static struct flat_info *flat_info(const lookup_word *leaf)
{
	uintptr_t inside = (uintptr_t)leaf & (CHUNK_SIZE - 1);
	struct flat_chunk *chunk = (struct flat_chunk *)((uintptr_t)leaf - inside);

	return &chunk->info[inside / LEAF_SIZE - 1];
}

static int chunk_new(struct flat_pool *pool)
{
	struct flat_chunk *chunk;
	char *area = os_reserve(2 * CHUNK_SIZE);
	uintptr_t start;

	if (!area)
		return -ENOMEM;
	start = ((uintptr_t)area + CHUNK_SIZE - 1) & ~(uintptr_t)(CHUNK_SIZE - 1);
	if ((start + CHUNK_SIZE - 1) & ~(uintptr_t)(LOOKUP_FLAT_POINTER | (LEAF_SIZE - 1))) {
		os_release(area, 2 * CHUNK_SIZE);
		return -ENOMEM;
	}
	chunk = (struct flat_chunk *)start;
	chunk->area = area;
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	pool->available += CHUNK_LEAVES;
	return 0;
}

/* Promise @leaves more.  The promise is redeemed, or given up, by lowering pool->reserved. */
int flat_reserve(struct flat_pool *pool, uint32_t leaves)
{
	while (pool->available - pool->reserved < leaves) {
		int rc = chunk_new(pool);

		if (rc)
			return rc;
	}
	pool->reserved += leaves;
	return 0;
}

/* The newest chunks are first, and as a rule the first has leaves that were never handed out. */
static lookup_word *fresh_leaf(struct flat_pool *pool)
{
	struct flat_chunk *chunk;

	for (chunk = pool->chunks; chunk; chunk = chunk->next)
		if (chunk->handed_out < CHUNK_LEAVES)
			return (lookup_word *)((char *)chunk + ++chunk->handed_out * LEAF_SIZE);
	return NULL;
}

/* Returns an all-zero leaf and the slot word that will attach it, or NULL when memory is short. */
lookup_word *flat_take(struct flat_pool *pool, uint64_t *word)
{
	struct flat_info *info;
	lookup_word *leaf;

	if (pool->available == pool->reserved && chunk_new(pool))
		return NULL;
	leaf = pool->free;
	if (leaf)
		pool->free = flat_info(leaf)->next;
	else
		leaf = fresh_leaf(pool);
	pool->available--;
	pool->in_use++;

	info = flat_info(leaf);
	*word = (uintptr_t)leaf | LOOKUP_FLAT |
		(info->uses & ((1u << USE_LOW_BITS) - 1)) << 3 |
		(uint64_t)(info->uses >> USE_LOW_BITS) << USE_HIGH_SHIFT;
	info->uses++;
	return leaf;
}

void flat_fill(lookup_word *leaf, unsigned int first, unsigned int count, uint64_t value)
{
	struct flat_info *info = flat_info(leaf);
	unsigned int i;

	for (i = first; i < first + count; i++) {
		info->mapped += !!value;
		info->mapped -= !!word_peek(&leaf[i]);
		word_write(&leaf[i], value);
	}
}

bool flat_empty(const lookup_word *leaf)
{
	return !flat_info(leaf)->mapped;
}

/* The leaf is empty and no slot holds it any more. */
void flat_give(struct flat_pool *pool, lookup_word *leaf)
{
	struct flat_info *info = flat_info(leaf);

	pool->in_use--;
	if (info->uses == USE_LIMIT)
		return;
	info->next = pool->free;
	pool->free = leaf;
	pool->available++;
}

void flat_pool_free(struct flat_pool *pool)
{
	struct flat_chunk *chunk = pool->chunks, *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		os_release(chunk->area, 2 * CHUNK_SIZE);
	}
}
