/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Hashed leaves of the lookup table, for slots with few pages. */
#include <errno.h>
#include <stdlib.h>

#include "map/lookup-priv.h"

/*
 * The slot word of a hashed leaf is the address of its first line and, in bits 3..5, its class.
 *
 * Entries do not move while the leaf is attached: a page is put where there is room, replaced in
 * place, and removed by zeroing its word.  A leaf without room is rewritten into a larger one.
 *
 * A line changes hands only through the free lists.  The sequence in its head tells a reader who
 * was overtaken: it is odd from the moment the leaf is given back until it is filled and about to
 * be attached again.  A reader who finds an even sequence, then the page's word, then its slot
 * unchanged and the same sequence has looked at the leaf of its slot throughout.
 */
enum {
	CHUNK_LINES = 1024,
	HEAD_OVERFLOWED = 1,
	HEAD_PAGE = 2,		/* one page in the count */
	HEAD_PAGES_MASK = 0x7fff,
	HEAD_SEQUENCE_SHIFT = 16,
};

#define HEAD_SEQUENCE_ONE (1ull << HEAD_SEQUENCE_SHIFT)
#define ENTRY_PAGE_MASK 0x3ffull	/* page << 1 | 1 */

static const uint8_t class_lines[HASH_CLASSES] = { 1, 2, 3, 4, 6, 8, 12, 16 };

struct hash_chunk {
	struct hash_chunk *next;
};

static struct hash_line *hash_lines(uint64_t leaf)
{
	return (struct hash_line *)(uintptr_t)(leaf & ~63ull);
}

static unsigned int hash_class(uint64_t leaf)
{
	return leaf >> 3 & 7;
}

static unsigned int hash_home(unsigned int page, unsigned int lines)
{
	return (page * 0x9e37u & 0xffff) * lines >> 16;
}

static uint64_t hash_entry(unsigned int page, uint64_t delta)
{
	return delta | (uint64_t)page << 1 | 1;
}

static bool entry_is(uint64_t entry, unsigned int page)
{
	return (entry & ENTRY_PAGE_MASK) == hash_entry(page, 0);
}

static int chunk_new(struct hash_pool *pool)
{
	struct hash_chunk *chunk = calloc(CHUNK_LINES + 2, sizeof(struct hash_line));

	if (!chunk)
		return -ENOMEM;
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	pool->fresh = (struct hash_line *)(((uintptr_t)(chunk + 1) + 63) & ~(uintptr_t)63);
	pool->fresh_lines = CHUNK_LINES;
	return 0;
}

/* A new chunk is opened when the old one's rest is too short; the rest serves smaller classes. */
static struct hash_line *fresh_lines(struct hash_pool *pool, unsigned int lines)
{
	struct hash_line *line;
	unsigned int i;

	if (pool->fresh_lines < lines) {
		struct hash_line *rest = pool->fresh;
		unsigned int count = pool->fresh_lines;

		if (chunk_new(pool))
			return NULL;
		for (; count; count--, rest++) {
			word_write(&rest->words[0], (uintptr_t)pool->free[0]);
			pool->free[0] = rest;
		}
	}
	line = pool->fresh;
	pool->fresh += lines;
	pool->fresh_lines -= lines;
	for (i = 0; i < lines; i++)
		word_write(&line[i].head, HEAD_SEQUENCE_ONE);
	return line;
}

static uint64_t take_class(struct hash_pool *pool, unsigned int class)
{
	struct hash_line *line = pool->free[class];
	unsigned int lines = class_lines[class], i, k;

	if (line)
		pool->free[class] = (struct hash_line *)(uintptr_t)word_peek(&line->words[0]);
	else
		line = fresh_lines(pool, lines);
	if (!line)
		return 0;

	for (i = 0; i < lines; i++) {
		uint64_t sequence = word_peek(&line[i].head) & ~(HEAD_SEQUENCE_ONE - 1);

		word_write(&line[i].head, sequence | HEAD_SEQUENCE_ONE);
		for (k = 0; k < HASH_LINE_WORDS; k++)
			word_write(&line[i].words[k], 0);
	}
	pool->lines_in_use += lines;
	return (uintptr_t)line | (uint64_t)class << 3;
}

/* Returns an empty, unattached leaf that probably has room for @pages, or 0. */
static uint64_t hash_take(struct hash_pool *pool, unsigned int pages)
{
	unsigned int class = 0;

	while (class < HASH_CLASSES - 1 &&
	       class_lines[class] * HASH_LINE_WORDS < pages + pages / 2)
		class++;
	return take_class(pool, class);
}

/* The entry's place, or NULL.  *room is a free place for it, or NULL. */
static lookup_word *hash_locate(uint64_t leaf, unsigned int page, lookup_word **room,
				bool *overflow)
{
	struct hash_line *lines = hash_lines(leaf);
	unsigned int count = class_lines[hash_class(leaf)];
	unsigned int home = hash_home(page, count), i, k;
	struct hash_line *line = &lines[home];

	*room = NULL;
	*overflow = false;
	for (i = 0; i < 2; i++) {
		for (k = 0; k < HASH_LINE_WORDS; k++) {
			uint64_t entry = word_peek(&line->words[k]);

			if (entry_is(entry, page))
				return &line->words[k];
			if (!entry && !*room) {
				*room = &line->words[k];
				*overflow = i;
			}
		}
		line = &lines[home + 1 == count ? 0 : home + 1];
		if (count == 1)
			break;
	}
	return NULL;
}

/* Returns false when the leaf has no room for the page. */
bool hash_put(uint64_t leaf, unsigned int page, uint64_t delta)
{
	struct hash_line *lines = hash_lines(leaf);
	lookup_word *room, *place, *head;
	bool overflow;

	place = hash_locate(leaf, page, &room, &overflow);
	if (place) {
		word_write(place, hash_entry(page, delta));
		return true;
	}
	if (!room)
		return false;
	word_write(room, hash_entry(page, delta));
	if (overflow) {
		head = &lines[hash_home(page, class_lines[hash_class(leaf)])].head;
		word_write(head, word_peek(head) | HEAD_OVERFLOWED);
	}
	head = &lines->head;
	word_write(head, word_peek(head) + HEAD_PAGE);
	return true;
}

void hash_remove(uint64_t leaf, unsigned int page)
{
	lookup_word *head = &hash_lines(leaf)->head;
	lookup_word *room, *place;
	bool overflow;

	place = hash_locate(leaf, page, &room, &overflow);
	if (!place)
		return;
	word_write(place, 0);
	word_write(head, word_peek(head) - HEAD_PAGE);
}

unsigned int hash_pages(uint64_t leaf)
{
	return (word_peek(&hash_lines(leaf)->head) & HEAD_PAGES_MASK) / HEAD_PAGE;
}

/* No slot holds the leaf any more; readers who still look at it must find out. */
void hash_give(struct hash_pool *pool, uint64_t leaf)
{
	struct hash_line *line = hash_lines(leaf);
	unsigned int lines = class_lines[hash_class(leaf)], i;

	for (i = 0; i < lines; i++)
		word_write(&line[i].head, word_peek(&line[i].head) + HEAD_SEQUENCE_ONE);
	word_write(&line->words[0], (uintptr_t)pool->free[hash_class(leaf)]);
	pool->free[hash_class(leaf)] = line;
	pool->lines_in_use -= lines;
}

/* The leaf is filled; its slot word may be published next. */
static void hash_attach(uint64_t leaf)
{
	struct hash_line *lines = hash_lines(leaf);
	unsigned int i;

	for (i = 0; i < class_lines[hash_class(leaf)]; i++)
		word_write(&lines[i].head, word_peek(&lines[i].head) + HEAD_SEQUENCE_ONE);
}

static bool copy_entries(uint64_t from, uint64_t to)
{
	struct hash_line *lines = hash_lines(from);
	unsigned int i, k;

	for (i = 0; i < class_lines[hash_class(from)]; i++) {
		for (k = 0; k < HASH_LINE_WORDS; k++) {
			uint64_t entry = word_peek(&lines[i].words[k]);

			if (entry && !hash_put(to, entry >> 1 & (LOOKUP_SLOT_PAGES - 1),
					       entry & ~MAP_PAGE_MASK))
				return false;
		}
	}
	return true;
}

static bool put_extent(uint64_t leaf, const struct extent *e)
{
	unsigned int i;

	for (i = 0; i < e->count; i++)
		if (!hash_put(leaf, e->first + i, e->delta))
			return false;
	return true;
}

/*
 * Returns a new leaf with the entries of leaf @from (0: none) and the added extents, ready to be
 * published; 0 when they are too many or there is no memory.
 */
uint64_t hash_build(struct hash_pool *pool, uint64_t from, const struct extent *add,
		    unsigned int extents)
{
	unsigned int pages = from ? hash_pages(from) : 0, i;

	for (i = 0; i < extents; i++)
		pages += add[i].count;
	while (pages <= HASH_MAX_PAGES) {
		uint64_t leaf = hash_take(pool, pages);
		bool done = leaf && (!from || copy_entries(from, leaf));

		if (!leaf)
			return 0;
		for (i = 0; done && i < extents; i++)
			done = put_extent(leaf, &add[i]);
		hash_attach(leaf);
		if (done)
			return leaf;
		/* Unlucky hashing: try the next class. */
		pages = class_lines[hash_class(leaf)] * HASH_LINE_WORDS;
		hash_give(pool, leaf);
	}
	return 0;
}

void hash_copy(uint64_t leaf, lookup_word *flat)
{
	struct hash_line *lines = hash_lines(leaf);
	unsigned int i, k;

	for (i = 0; i < class_lines[hash_class(leaf)]; i++) {
		for (k = 0; k < HASH_LINE_WORDS; k++) {
			uint64_t entry = word_peek(&lines[i].words[k]);

			if (entry)
				flat_fill(flat, entry >> 1 & (LOOKUP_SLOT_PAGES - 1), 1,
					  WORD_OF(entry & ~MAP_PAGE_MASK));
		}
	}
}

/* No early exit: what the processor need not predict, it does for several lookups at once. */
static uint64_t line_find(const struct hash_line *line, unsigned int page)
{
	uint64_t key = hash_entry(page, 0), found = 0, entry;
	unsigned int k;

#pragma GCC unroll 7
	for (k = 0; k < HASH_LINE_WORDS; k++) {
		entry = word_read(&line->words[k]);
		found = (entry ^ key) & ENTRY_PAGE_MASK ? found : entry;
	}
	return found;
}

static bool line_changed(const struct hash_line *line, uint64_t head)
{
	return head & HEAD_SEQUENCE_ONE || (word_read(&line->head) ^ head) >> HEAD_SEQUENCE_SHIFT;
}

/* The page is not in its home line, which has overflowed. */
static __attribute__((noinline)) bool read_next(const lookup_word *slot, uint64_t leaf,
						unsigned int page, uint64_t head, uint64_t *entry)
{
	unsigned int count = class_lines[hash_class(leaf)], home = hash_home(page, count);
	const struct hash_line *line = &hash_lines(leaf)[home];
	const struct hash_line *next = &hash_lines(leaf)[home + 1 == count ? 0 : home + 1];
	uint64_t next_head = word_read(&next->head);

	*entry = line_find(next, page);
	return word_read(slot) == leaf && !line_changed(line, head) &&
		!line_changed(next, next_head);
}

/*
 * A reader's look at a page in the leaf that @slot was seen to hold.  Returns false when the slot
 * has changed meanwhile.
 */
static inline bool leaf_read(const lookup_word *slot, uint64_t leaf, unsigned int page,
			     uint64_t *value)
{
	unsigned int home = hash_home(page, class_lines[hash_class(leaf)]);
	const struct hash_line *line = &hash_lines(leaf)[home];
	uint64_t head = word_read(&line->head), entry = line_find(line, page), other;

	if (unlikely(!entry && head & HEAD_OVERFLOWED)) {
		if (!read_next(slot, leaf, page, head, &other))
			return false;
		entry = other;
	} else if (unlikely(word_read(slot) != leaf || line_changed(line, head))) {
		return false;
	}
	*value = entry ? WORD_OF(entry & ~MAP_PAGE_MASK) : 0;
	return true;
}

bool hash_read(const lookup_word *slot, uint64_t leaf, unsigned int page, uint64_t *value)
{
	return leaf_read(slot, leaf, page, value);
}

/* The part of lookup_get() for a slot that has been seen to hold a hashed leaf. */
struct lookup_hit lookup_get_hashed(const struct lookup *l, uint64_t addr, uint64_t wanted,
				    const lookup_word *slot, uint64_t leaf)
{
	unsigned int page = addr >> MAP_PAGE_SHIFT & (LOOKUP_SLOT_PAGES - 1);
	uint64_t value, target, run = MAP_PAGE_SIZE - (addr & MAP_PAGE_MASK);

	if (unlikely(!leaf_read(slot, leaf, page, &value)))
		return lookup_get_slow(l, addr, wanted);
	if (unlikely(!value))
		return (struct lookup_hit){ 0, 0 };
	target = addr + value - 1;
	run = unlikely(run < wanted) ? lookup_run_on(l, addr, wanted, target, run) : wanted;
	return (struct lookup_hit){ target, run };
}

void hash_pool_free(struct hash_pool *pool)
{
	struct hash_chunk *chunk = pool->chunks, *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
}
