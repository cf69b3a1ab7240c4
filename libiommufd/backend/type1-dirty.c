/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A container tells a bit for each of its smallest pages, and tells only of
 * whole mappings. Unless a driver says what its device writes, every page that
 * is pinned counts as written, each time.
 */
#include "backend/type1-dirty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/container-merge.h"
#include "backend/container-type1.h"
#include "backend/dirty-bits.h"

/* Bytes of bitmap to ask for at once, if a mapping does not need more. */
#define BITMAP_GOOD (UINT64_C(1) << 22)

struct get_bitmap {
	uint32_t argsz;
	uint32_t flags;
	struct k_vfio_iommu_type1_dirty_bitmap_get get;
};

struct unmap_bitmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova;
	uint64_t size;
	struct k_vfio_bitmap bitmap;
};

_Static_assert(offsetof(struct get_bitmap, get) ==
		       sizeof(struct k_vfio_iommu_type1_dirty_bitmap) &&
	       offsetof(struct unmap_bitmap, bitmap) ==
		       sizeof(struct k_vfio_iommu_type1_dma_unmap),
	       "what follows the head of a request");

/* A container, while it is asked. */
struct reader {
	struct container *c;
	uint64_t page;  /* bytes */
	uint64_t most;  /* bytes of bitmap that the kernel takes */
	bool forgets;   /* reading clears the kernel's record */
	uint64_t *bits;
	uint64_t room;  /* bytes */
};

static int begin(struct reader *at, struct container *c)
{
	struct type1_info info;
	int r = type1_info_of(c, &info);

	if (r)
		return r;
	*at = (struct reader){
		.c = c,
		.page = type1_info_page(&info),
		.most = info.dirty_bitmap_max,
		/* Behind an IOMMU all that is pinned counts as written again. */
		.forgets = !info.ranges,
	};
	type1_info_free(&info);
	return at->most ? 0 : -EOPNOTSUPP;
}

static uint64_t bitmap_size(const struct reader *at, uint64_t iova, uint64_t last)
{
	return ((last - iova) / at->page / 64 + 1) * sizeof(uint64_t);
}

/* Whole entries of the kernel from the one at @from on, as many as one request should have. */
static bool next_part(const struct reader *at, uint64_t from, uint64_t last, uint64_t *start,
		      uint64_t *end)
{
	uint64_t good = at->most < BITMAP_GOOD ? at->most : BITMAP_GOOD;
	const struct iova_map *mappings = at->c->as->map;
	struct map_entry m;

	if (!iova_map_next(mappings, from, &m) || m.iova > last)
		return false;
	*start = m.iova;
	*end = m.iova + (m.length - 1);
	merge_widen(at->c, start, end);
	while (*end < last && iova_map_find(mappings, *end + 1, &m)) {
		uint64_t next = m.iova, next_end = m.iova + (m.length - 1);

		merge_widen(at->c, &next, &next_end);
		if (bitmap_size(at, *start, next_end) > good)
			break;
		*end = next_end;
	}
	return true;
}

static int ask(struct reader *at, uint64_t iova, uint64_t last, bool remove)
{
	struct k_vfio_bitmap bitmap = { .pgsize = at->page,
					.size = bitmap_size(at, iova, last) };
	struct get_bitmap get = {
		.argsz = sizeof(get),
		.flags = K_VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		.get = { .iova = iova, .size = last - iova + 1 },
	};
	struct unmap_bitmap unmap = {
		.argsz = sizeof(unmap),
		.flags = K_VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.iova = iova,
		.size = last - iova + 1,
	};
	int r;

	if (bitmap.size > at->room) {
		void *larger = realloc(at->bits, bitmap.size);

		if (!larger)
			return -ENOMEM;
		at->bits = larger;
		at->room = bitmap.size;
	}
	memset(at->bits, 0, bitmap.size);
	bitmap.data = at->bits;
	get.get.bitmap = bitmap;
	unmap.bitmap = bitmap;
	if (!remove)
		r = type1_call(at->c, K_VFIO_IOMMU_DIRTY_PAGES, &get);
	else
		r = type1_call(at->c, K_VFIO_IOMMU_UNMAP_DMA, &unmap);
	if (r >= 0 && remove) {
		merge_remove(at->c, iova, last);
		if (unmap.size != last - iova + 1)
			r = -EIO;
	}
	return r < 0 ? r : 0;
}

static int read_all(struct reader *at, const struct dirty_request *q, bool remove)
{
	uint64_t from = q->iova, last = q->iova + (q->length - 1), start, end;

	while (next_part(at, from, last, &start, &end)) {
		int r = ask(at, start, end, remove);

		if (r)
			return r;
		dirty_bits_add(q, start, at->page, at->bits, (end - start) / at->page + 1);
		if (end >= last)
			break;
		from = end + 1;
	}
	return 0;
}

int type1_dirty_set(struct engine_ioas *as, struct engine_table *none, bool on)
{
	struct container *c, *undo;
	int r = 0;

	(void)none;
	for (c = as->containers; c && !r; c = r ? c : c->next)
		r = container_type1.track(c, on);
	for (undo = as->containers; r && undo != c; undo = undo->next)
		container_type1.track(undo, !on);
	if (!r)
		as->dirty = on;
	return r;
}

int type1_dirty_read(struct engine_ioas *as, const struct dirty_request *q)
{
	struct reader at;
	int r = 0;

	for (struct container *c = as->containers; c && !r; c = c->next) {
		r = begin(&at, c);
		if (r)
			break;
		r = q->keep && at.forgets ? -EOPNOTSUPP : read_all(&at, q, false);
		free(at.bits);
	}
	return r;
}

/* Neighbours that share an entry would go too, and a bitmap may be too large for one request. */
static int can_unmap(struct reader *at, const struct dirty_request *q)
{
	uint64_t start = q->iova, end = q->iova + (q->length - 1), from = start, last = end;

	merge_widen(at->c, &start, &end);
	if (start != from || end != last)
		return -EOPNOTSUPP;
	while (next_part(at, from, last, &start, &end)) {
		if (bitmap_size(at, start, end) > at->most)
			return -EOPNOTSUPP;
		if (end >= last)
			break;
		from = end + 1;
	}
	return 0;
}

/* A write that comes between two requests is in the second one's bitmap. */
int type1_dirty_unmap(struct engine_ioas *as, const struct dirty_request *q)
{
	struct reader at;
	struct container *c;
	int r = 0;

	for (c = as->containers; c && !r; c = c->next) {
		r = begin(&at, c);
		if (!r)
			r = can_unmap(&at, q);
	}
	for (c = as->containers; c && !r; c = c->next) {
		r = begin(&at, c);
		if (r)
			break;
		r = read_all(&at, q, true);
		free(at.bits);
	}
	return r;
}
