/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Dirty tracking of a type1 container. The kernel cannot know what devices
 * behind an IOMMU wrote, so all that is mapped is dirty, every time.
 */
#include "emu/type1.h"

#include <errno.h>

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

/*
 * In whole words, as the kernel does it: bits below the mapping's in its first
 * word are kept, those above it in its last one are cleared.
 */
int emu_type1_report(const struct emu_dma *dma, uint64_t base, uint64_t bitmap)
{
	uint64_t first = (dma->start - base) / EMU_PAGE;
	uint64_t last = (dma->last - base) / EMU_PAGE;

	for (uint64_t word = first / BITS; word <= last / BITS; word++) {
		uint64_t bits = UINT64_MAX, kept = 0;
		int r;

		if (word == last / BITS)
			bits >>= BITS - 1 - last % BITS;
		if (word == first / BITS && first % BITS) {
			const uint64_t below = (UINT64_C(1) << first % BITS) - 1;

			r = emu_user_read(&kept, bitmap + word * sizeof(kept), sizeof(kept));
			if (r)
				return r;
			bits = (bits & ~below) | (kept & below);
		}
		r = emu_user_write(bitmap + word * sizeof(bits), &bits, sizeof(bits));
		if (r)
			return r;
	}
	return 0;
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
		int r = emu_type1_report(type1->dmas[i], start, bitmap);

		if (r)
			return r;
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
		return -EOVERFLOW;
	r = emu_type1_check_bitmap(&in.bitmap, in.size);
	if (r)
		return r;
	if (in.bitmap.pgsize != EMU_PAGE || (in.iova | in.size) % EMU_PAGE ||
	    !type1->dirty_tracking)
		return -EINVAL;
	return report_range(type1, in.iova, last, (uintptr_t)in.bitmap.data);
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
		type1->dirty_tracking = true;
		return 0;
	case K_VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		type1->dirty_tracking = false;
		return 0;
	case K_VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return get_bitmap(type1, arg + min, (uint32_t)(in.argsz - min));
	default:
		return -EINVAL; /* one at a time */
	}
}
