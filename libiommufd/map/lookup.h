/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef MAP_LOOKUP_H
#define MAP_LOOKUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"
#include "map/range.h"

/*
 * Address to address, in 4 KiB pages over the full 64-bit key space: what is stored for a page is
 * delta = target - address, so one value serves a whole mapping of any alignment.
 *
 * The space is cut into slots of 2 MiB, one word each.  A slot word is one of
 *
 *   xx1  FULL  the whole slot has one delta: word - 1
 *   x10  ONE   a single run of pages: first page [11:3], pages - 1 [20:12], delta in pages [63:21]
 *   100  FLAT  pointer to 512 page words, delta | 1 each; a use count in the spare bits
 *   000  HASH  pointer to a small hashed leaf; or 0
 *
 * Where the slot word is 0, the word of the enclosing cell (1 GiB, and larger above that) holds;
 * large mappings live there.  Slot words below 2^48 lie in one flat array of reserved address
 * space, so that a lookup costs one load, two with pages of different deltas in one slot.  The
 * others, and all of them when the reservation was refused, hang on a radix tree of cells.
 *
 * Readers take no lock and never wait: each page is seen as it was before or after a change, never
 * in between.  Writers are serialised by the caller.
 */

enum {
	LOOKUP_SLOT_SHIFT = 21,
	LOOKUP_SLOT_PAGES = 1 << (LOOKUP_SLOT_SHIFT - MAP_PAGE_SHIFT),
};

#define LOOKUP_SLOT_MASK ((1ull << LOOKUP_SLOT_SHIFT) - 1)

enum {
	LOOKUP_FULL = 1,
	LOOKUP_ONE = 2,
	LOOKUP_FLAT = 4,
};

#define LOOKUP_FLAT_POINTER 0x0000fffffffff000ull

typedef _Atomic uint64_t lookup_word;

struct lookup {
	/* What the fast path of readers touches; constant. */
	lookup_word *slots;	/* slot words below @limit, or NULL */
	uint64_t limit;
};

/* @run bytes from the address asked for lie at @target and after; 0 when it is not mapped. */
struct lookup_hit {
	uint64_t target;
	uint64_t run;
};

/* Returns 0 or -ENOMEM. */
int lookup_new(struct lookup **out);
/* The same without the flat array, as when its reservation is refused. */
int lookup_new_radix(struct lookup **out);
void lookup_free(struct lookup *l);

/*
 * Ranges of the writers are multiples of 4 KiB; start..last, @last inclusive.
 *
 * Setting replaces what was there.  lookup_reserve() gets the memory that setting the range would
 * need now and counts it in *leaves, which is 0 before the first call; calling it again makes up
 * for what has changed since.  Returns 0 or -ENOMEM, *leaves being as it was.  lookup_publish()
 * sets the range and uses the reservation up; lookup_unreserve() gives it up.
 */
int lookup_reserve(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta,
		   uint32_t *leaves);
void lookup_publish(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta,
		    uint32_t leaves);
void lookup_unreserve(struct lookup *l, uint32_t leaves);

/* Promise leaves beyond what a range needs now, for what is changed near it before it is set. */
int lookup_reserve_leaves(struct lookup *l, uint32_t leaves);

/* Publish, if that is simple because nothing near is mapped; else do nothing, return false. */
bool lookup_publish_alone(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta,
			  uint32_t leaves);

/* Reserve and publish at once.  Returns 0 or -ENOMEM; nothing has changed on failure. */
int lookup_set(struct lookup *l, uint64_t start, uint64_t length, uint64_t delta);

/*
 * Neither of these can fail, neither allocates, provided that each end of the range is an end of
 * a range that was set while a page beside it was mapped, or has nothing mapped on one side: a
 * piece must not be cut out of a range that was set in one go with nothing over it.  If that is
 * done all the same and memory is short, more of that range is forgotten, never less.
 */
void lookup_clear(struct lookup *l, uint64_t start, uint64_t length);
void lookup_restore(struct lookup *l, uint64_t start, uint64_t last, uint64_t delta);

/* The first run of mapped pages with one delta in start..last. */
struct lookup_run {
	uint64_t start;
	uint64_t last;
	uint64_t delta;
};
bool lookup_next(const struct lookup *l, uint64_t start, uint64_t last, struct lookup_run *run);

/* Bytes of leaves and cells in use, the flat array not counted. */
uint64_t lookup_footprint(const struct lookup *l);

/* Out of line: all cases; a hashed leaf; how far a run of @room bytes and more goes on. */
struct lookup_hit lookup_get_slow(const struct lookup *l, uint64_t addr, uint64_t wanted);
struct lookup_hit lookup_get_hashed(const struct lookup *l, uint64_t addr, uint64_t wanted,
				    const lookup_word *slot, uint64_t word);
uint64_t lookup_run_on(const struct lookup *l, uint64_t addr, uint64_t wanted, uint64_t target,
		       uint64_t room);

/*
 * The fast path.  It is inlined everywhere and gives its results as scalars: a struct would be put
 * together in memory, and reading it back costs more than the lookup.
 */
static inline __attribute__((always_inline)) uint64_t
lookup_translate(const struct lookup *l, uint64_t addr, uint64_t wanted, uint64_t *run)
{
	uint64_t page = addr >> MAP_PAGE_SHIFT & (LOOKUP_SLOT_PAGES - 1);
	uint64_t word, leaf, target, room;
	struct lookup_hit hit;
	lookup_word *slot;

	if (unlikely(addr >= l->limit))
		goto slow;
	slot = &l->slots[addr >> LOOKUP_SLOT_SHIFT];
	word = atomic_load_explicit(slot, memory_order_acquire);

	if (word & LOOKUP_FULL) {
		target = addr + word - 1;
		room = LOOKUP_SLOT_MASK + 1 - (addr & LOOKUP_SLOT_MASK);
	} else if (word & LOOKUP_FLAT) {
		leaf = atomic_load_explicit((lookup_word *)(word & LOOKUP_FLAT_POINTER) + page,
					    memory_order_acquire);
		/* The leaf may have been emptied and reused; the slot then no longer holds it. */
		if (unlikely(atomic_load_explicit(slot, memory_order_relaxed) != word))
			goto slow;
		if (unlikely(!leaf))
			goto none;
		target = addr + leaf - 1;
		room = MAP_PAGE_SIZE - (addr & MAP_PAGE_MASK);
	} else if (word & LOOKUP_ONE) {
		uint64_t first = word >> 3 & 511, rest = word >> 12 & 511;

		if (unlikely(page - first > rest))
			goto none;
		target = addr + ((uint64_t)((int64_t)word >> 9) & ~MAP_PAGE_MASK);
		room = ((first + rest + 1) << MAP_PAGE_SHIFT) - (addr & LOOKUP_SLOT_MASK);
	} else {
		if (unlikely(!word))
			goto slow;
		hit = lookup_get_hashed(l, addr, wanted, slot, word);
		*run = hit.run;
		return hit.target;
	}
	*run = wanted;
	if (unlikely(wanted > room))
		*run = lookup_run_on(l, addr, wanted, target, room);
	return target;

slow:
	hit = lookup_get_slow(l, addr, wanted);
	*run = hit.run;
	return hit.target;
none:
	*run = 0;
	return 0;
}

/* Translate @addr; at most @wanted bytes, which must not be 0.  Any thread, any time. */
static inline __attribute__((always_inline)) struct lookup_hit
lookup_get(const struct lookup *l, uint64_t addr, uint64_t wanted)
{
	struct lookup_hit hit;

	hit.target = lookup_translate(l, addr, wanted, &hit.run);
	return hit;
}

#endif
