/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "map/iova-alloc-cache.h"

#include <string.h>

/* Neighbouring pages go to different slots. */
static unsigned int hash(uint64_t value, unsigned int buckets)
{
	return (value >> MAP_PAGE_SHIFT) * 0x9e3779b97f4a7c15ull >> 32 & (buckets - 1);
}

static unsigned int slot_of(uint64_t start)
{
	return hash(start, IOVA_CACHE_SLOTS);
}

static unsigned int chain_of(uint64_t span)
{
	return hash(span, IOVA_CACHE_CHAINS);
}

static bool slot_used(const struct iova_cache *c, unsigned int i)
{
	return c->in_use[i / 64] >> i % 64 & 1;
}

static void slot_fill(struct iova_cache *c, unsigned int i, uint64_t start, uint64_t span)
{
	unsigned int chain = chain_of(span);
	int head = c->chains[chain];

	c->slots[i] = (struct iova_cache_slot){
		.start = start,
		.span = span,
		.next = head,
		.before = -1 - (int)chain,
	};
	if (head >= 0)
		c->slots[head].before = i;
	c->chains[chain] = i;
	c->in_use[i / 64] |= 1ull << i % 64;
}

static void slot_clear(struct iova_cache *c, unsigned int i)
{
	struct iova_cache_slot *s = &c->slots[i];

	if (s->before >= 0)
		c->slots[s->before].next = s->next;
	else
		c->chains[-1 - s->before] = s->next;
	if (s->next >= 0)
		c->slots[s->next].before = s->before;
	c->in_use[i / 64] &= ~(1ull << i % 64);
}

static struct map_range slot_pop(struct iova_cache *c, unsigned int i)
{
	slot_clear(c, i);
	return (struct map_range){
		.start = c->slots[i].start,
		.last = c->slots[i].start + c->slots[i].span,
	};
}

void iova_cache_init(struct iova_cache *c)
{
	unsigned int i;

	memset(c->in_use, 0, sizeof(c->in_use));
	for (i = 0; i < IOVA_CACHE_CHAINS; i++)
		c->chains[i] = -1;
	c->recent = 0;
}

bool iova_cache_get(struct iova_cache *c, uint64_t span, uint64_t align, uint64_t min,
		    uint64_t last, uint64_t *start)
{
	int i = c->chains[chain_of(span)];
	unsigned int tries;

	for (tries = 0; i >= 0 && tries < IOVA_CACHE_TRIES; tries++) {
		const struct iova_cache_slot *s = &c->slots[i];

		if (s->span == span && !(s->start & (align - 1)) && s->start >= min &&
		    s->start + span <= last) {
			*start = s->start;
			slot_clear(c, i);
			return true;
		}
		i = s->next;
	}
	return false;
}

bool iova_cache_take(struct iova_cache *c, uint64_t start, uint64_t span)
{
	unsigned int i = slot_of(start);

	if (!slot_used(c, i) || c->slots[i].start != start || c->slots[i].span != span)
		return false;
	slot_clear(c, i);
	return true;
}

bool iova_cache_put(struct iova_cache *c, uint64_t start, uint64_t span, struct map_range *out)
{
	unsigned int i = slot_of(start);
	bool full = slot_used(c, i);

	if (full)
		*out = slot_pop(c, i);
	slot_fill(c, i, start, span);
	c->recent = i;
	return full;
}

bool iova_cache_pop_recent(struct iova_cache *c, uint64_t start, uint64_t last,
			   struct map_range *out)
{
	const struct iova_cache_slot *s = &c->slots[c->recent];

	if (!slot_used(c, c->recent) || s->start > last || s->start + s->span < start)
		return false;
	*out = slot_pop(c, c->recent);
	return true;
}

bool iova_cache_pop(struct iova_cache *c, struct map_range *out)
{
	unsigned int i;

	for (i = 0; i < IOVA_CACHE_SLOTS / 64; i++) {
		if (c->in_use[i]) {
			*out = slot_pop(c, i * 64 + __builtin_ctzll(c->in_use[i]));
			return true;
		}
	}
	return false;
}
