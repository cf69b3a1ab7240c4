/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Dirty tracking of a type1 container. The kernel cannot know what devices
 * behind an IOMMU wrote, so all that is mapped is dirty, every time.
 */
#include "emu/type1.h"

#include <errno.h>
#include <stdlib.h>

#define BITS 64
#define USER_END (UINT64_C(1) << 47)

static int check_place(const struct k_vfio_bitmap *bitmap)
{
	uint64_t at = (uintptr_t)bitmap->data;

	return at > USER_END || bitmap->size > USER_END - at ? -EINVAL : 0;
}

int emu_type1_check_bitmap(const struct k_vfio_bitmap *bitmap, uint64_t size)
{
	uint64_t pages;

	if (check_place(bitmap) || !bitmap->pgsize)
		return -EINVAL;
	pages = size >> __builtin_ctzll(bitmap->pgsize);
	if (!pages || !bitmap->size || bitmap->size > EMU_TYPE1_MAX_BITMAP ||
	    bitmap->size < (pages + BITS - 1) / BITS * sizeof(uint64_t))
		return -EINVAL;
	return 0;
}

static uint64_t page_count(const struct emu_dma *dma)
{
	return (dma->last - dma->start) / EMU_PAGE + 1;
}

int emu_type1_track(struct emu_dma *dma)
{
	/* one word more, to shift into */
	dma->dirty = calloc(page_count(dma) / BITS + 2, sizeof(*dma->dirty));
	return dma->dirty ? 0 : -ENOMEM;
}

void emu_type1_untrack(struct emu_dma *dma)
{
	free(dma->dirty);
	dma->dirty = NULL;
}

static void assign_bits(uint64_t *words, uint64_t n, bool on)
{
	for (; n >= BITS; n -= BITS)
		*words++ = on ? UINT64_MAX : 0;
	if (n && on)
		*words |= (UINT64_C(1) << n) - 1;
	else if (n)
		*words &= ~((UINT64_C(1) << n) - 1);
}

/*
 * The kernel shifts its own bitmap to where the mapping begins in the user's,
 * ORs the user's first word into it and copies whole words out. What this leaves
 * beyond the mapping's last bit comes out again, farther up, with the next
 * request; so bits of what is not mapped mean nothing.
 */
int emu_type1_report(struct emu_dma *dma, uint64_t base, uint64_t bitmap)
{
	const uint64_t at = (dma->start - base) / EMU_PAGE, shift = at % BITS;
	const uint64_t pages = page_count(dma), words = (pages + shift + BITS - 1) / BITS;
	uint64_t first;
	int r;

	bitmap += at / BITS * sizeof(first);
	assign_bits(dma->dirty, pages, true);
	if (shift) {
		for (uint64_t i = words; i--;)
			dma->dirty[i] = dma->dirty[i] << shift |
					(i ? dma->dirty[i - 1] >> (BITS - shift) : 0);
		r = emu_user_read(&first, bitmap, sizeof(first));
		if (r)
			return r;
		dma->dirty[0] |= first;
	}
	return emu_user_write(bitmap, dma->dirty, words * sizeof(*dma->dirty));
}

static const struct emu_dma *holding(const struct emu_type1 *type1, uint64_t iova)
{
	size_t i = emu_type1_search(type1, iova);

	return i < type1->nr_dmas && type1->dmas[i]->start <= iova ? type1->dmas[i] : NULL;
}

static int report_range(const struct emu_type1 *type1, uint64_t start, uint64_t last,
			uint64_t bitmap)
{
	const struct emu_dma *dma = holding(type1, start);

	if (dma && dma->start != start)
		return -EINVAL;
	dma = holding(type1, last);
	if (dma && dma->last != last)
		return -EINVAL;
	for (size_t i = emu_type1_search(type1, start);
	     i < type1->nr_dmas && type1->dmas[i]->start <= last; i++) {
		struct emu_dma *m = type1->dmas[i];
		int r = emu_type1_report(m, start, bitmap);

		if (r)
			return r;
		assign_bits(m->dirty, page_count(m), false);
	}
	return 0;
}

static int get_bitmap(const struct emu_type1 *type1, uint64_t arg, uint32_t room)
{
	struct k_vfio_iommu_type1_dirty_bitmap_get in;
	uint64_t last;
	int r;

	if (room < sizeof(in))
		return -EINVAL;
	r = emu_user_read(&in, arg, sizeof(in));
	if (r)
		return r;
	if (!in.size)
		return -EINVAL;
	if (__builtin_add_overflow(in.iova, in.size - 1, &last))
		return emu_type1_overflow(type1->emu);
	r = emu_type1_check_bitmap(&in.bitmap, in.size);
	if (r)
		return r;
	if (in.bitmap.pgsize != EMU_PAGE || (in.iova | in.size) % EMU_PAGE ||
	    !type1->dirty_tracking)
		return -EINVAL;
	return report_range(type1, in.iova, last, (uintptr_t)in.bitmap.data);
}

static void stop_tracking(struct emu_type1 *type1)
{
	type1->dirty_tracking = false;
	for (size_t i = 0; i < type1->nr_dmas; i++)
		emu_type1_untrack(type1->dmas[i]);
}

static int start_tracking(struct emu_type1 *type1)
{
	if (type1->dirty_tracking)
		return 0;
	for (size_t i = 0; i < type1->nr_dmas; i++)
		if (emu_type1_track(type1->dmas[i])) {
			stop_tracking(type1);
			return -ENOMEM;
		}
	type1->dirty_tracking = true;
	return 0;
}

int emu_type1_dirty_pages(struct emu_type1 *type1, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_iommu_type1_dirty_bitmap, flags);
	struct k_vfio_iommu_type1_dirty_bitmap in;
	int r;

	if (!type1->v2)
		return -EACCES;
	r = emu_user_read(&in, arg, min);
	if (r)
		return r;
	if (in.argsz < min)
		return -EINVAL;
	switch (in.flags) {
	case K_VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		return start_tracking(type1);
	case K_VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		stop_tracking(type1);
		return 0;
	case K_VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return get_bitmap(type1, arg + min, (uint32_t)(in.argsz - min));
	default:
		return -EINVAL; /* one at a time */
	}
}
