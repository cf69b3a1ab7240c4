/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The kernel reads a page table from mapping to mapping, stops at the first hole
 * and says that all went well: what is behind it is neither read nor cleared. So
 * it is asked for what has no holes only, and never for more than that.
 */
#include "backend/iommufd-dirty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/dirty-bits.h"
#include "os/uapi.h"

static int call(const struct engine_ioas *as, unsigned long request, void *arg)
{
	int r = sys_ioctl(as->engine->core->sys, as->engine->fd, request, arg);

	return r < 0 ? r : 0;
}

static int set_one(struct engine_ioas *as, struct engine_table *table, bool on)
{
	struct k_iommu_hwpt_set_dirty_tracking arg = {
		.size = sizeof(arg),
		.hwpt_id = table->id,
		.flags = on ? (uint32_t)K_IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
	};
	int r = call(as, K_IOMMU_HWPT_SET_DIRTY_TRACKING, &arg);

	if (!r)
		table->tracked = on;
	return r;
}

int iommufd_dirty_set(struct engine_ioas *as, struct engine_table *table, bool on)
{
	int r = 0;

	if (table)
		return set_one(as, table, on);
	for (table = as->tables; table && !r; table = table->next)
		if (table->can_track)
			r = set_one(as, table, on);
	if (!r)
		as->dirty = on;
	for (table = as->tables; r && on && table; table = table->next)
		if (table->tracked)
			set_one(as, table, false);
	return r;
}

/* One page table, while it is read. */
struct reader {
	struct engine_ioas *as;
	const struct dirty_request *q;
	uint32_t id;
	uint64_t *bits; /* for what cannot go straight into the caller's */
	uint64_t room;  /* words */
};

static int ask(const struct reader *at, uint64_t start, uint64_t end, uint64_t page_size,
	       uint64_t *bits)
{
	struct k_iommu_hwpt_get_dirty_bitmap arg = {
		.size = sizeof(arg),
		.hwpt_id = at->id,
		.flags = at->q->keep ? (uint32_t)K_IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR : 0,
		.iova = start,
		.length = end - start + 1,
		.page_size = page_size,
		.data = (uintptr_t)bits,
	};

	return call(at->as, K_IOMMU_HWPT_GET_DIRTY_BITMAP, &arg);
}

/* Its first page begins a word of the caller's bitmap. */
static bool begins_word(const struct reader *at, uint64_t iova)
{
	return !((iova - at->q->iova) % (64 * at->q->page_size));
}

/*
 * From the first mapping that touches @from on, some without a hole between them;
 * never a part of one, of which an entry of the table may hold all: read in
 * pieces, it would be dirty in the first and clean in the others. If they
 * begin a word of the caller's bitmap they end with a page of his, where they can.
 */
static bool next_part(const struct reader *at, uint64_t from, uint64_t last, uint64_t *start,
		      uint64_t *end)
{
	uint64_t whole = 0;
	struct map_entry m;
	bool direct;

	if (!iova_map_next(at->as->map, from, &m) || m.iova > last)
		return false;
	*start = m.iova;
	direct = begins_word(at, m.iova);
	do {
		*end = m.iova + (m.length - 1);
		if (!((*end + 1) % at->q->page_size))
			whole = *end;
	} while (*end < last && iova_map_next(at->as->map, *end + 1, &m) && m.iova == *end + 1 &&
		 (direct || !begins_word(at, m.iova)));
	if (direct && whole)
		*end = whole;
	return true;
}

static int ask_aside(struct reader *at, uint64_t start, uint64_t end)
{
	uint64_t page = at->as->engine->core->page_size, count = (end - start) / page + 1;
	uint64_t words = (count + 63) / 64;
	int r;

	if (words > at->room) {
		void *larger = realloc(at->bits, words * sizeof(*at->bits));

		if (!larger)
			return -ENOMEM;
		at->bits = larger;
		at->room = words;
	}
	memset(at->bits, 0, words * sizeof(*at->bits));
	r = ask(at, start, end, page, at->bits);
	if (!r)
		dirty_bits_add(at->q, start, page, at->bits, count);
	return r;
}

static int read_table(struct reader *at)
{
	const struct dirty_request *q = at->q;
	uint64_t from = q->iova, last = from + (q->length - 1), start, end;
	int r = 0;

	while (!r && next_part(at, from, last, &start, &end)) {
		if (begins_word(at, start) && !((end + 1) % q->page_size))
			r = ask(at, start, end, q->page_size,
				q->bitmap + (start - q->iova) / q->page_size / 64);
		else
			r = ask_aside(at, start, end);
		if (end >= last)
			break;
		from = end + 1;
	}
	return r;
}

int iommufd_dirty_read(struct engine_ioas *as, const struct dirty_request *q)
{
	struct reader at = { .as = as, .q = q };
	const struct engine_table *t;
	int r = 0;

	for (t = q->table ? q->table : as->tables; t && !r; t = q->table ? NULL : t->next) {
		at.id = t->id;
		if (t->tracked)
			r = read_table(&at);
	}
	free(at.bits);
	return r;
}
