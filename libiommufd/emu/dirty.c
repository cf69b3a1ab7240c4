/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Dirty tracking. What a device wrote is known for each entry of the page table,
 * so a page that shares an entry with a written one is dirty too.
 */
#include "emu/iommu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/mock.h"

/* The entry that translates @iova: as large as the memory's place lets it be. */
static struct emu_range entry_at(const struct emu_hwpt *hwpt, const struct emu_area *area,
				 uint64_t iova)
{
	const uint64_t skew = area->start ^ (area->pages->base + area->offset);
	uint64_t size = hwpt->huge && !hwpt->ioas->no_huge_pages ? K_MOCK_HUGE_PAGE_SIZE : EMU_PAGE;

	for (;; size = size > EMU_PAGE ? EMU_PAGE : K_MOCK_PAGE_SIZE) {
		const struct emu_range entry = { iova & ~(size - 1), iova | (size - 1) };

		if (size == K_MOCK_PAGE_SIZE || (!(skew & (size - 1)) &&
						 entry.start >= area->start &&
						 entry.last <= area->last))
			return entry;
	}
}

/* The first one at @iova or after it. */
static size_t search(const struct emu_dirty *dirty, uint64_t iova)
{
	size_t low = 0, high = dirty->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (dirty->at[mid] < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool make_room(struct emu_dirty *dirty)
{
	size_t room = dirty->room ? dirty->room * 2 : 64;
	uint64_t *at;

	if (dirty->nr < dirty->room)
		return true;
	at = realloc(dirty->at, room * sizeof(*at));
	if (!at)
		return false;
	dirty->at = at;
	dirty->room = room;
	return true;
}

static const struct emu_area *area_at(const struct emu_ioas *ioas, uint64_t iova)
{
	size_t i = emu_ioas_search(ioas, iova);

	return i < ioas->nr_areas && ioas->areas[i]->start <= iova ? ioas->areas[i] : NULL;
}

void emu_dirty_set(struct emu_hwpt *hwpt, uint64_t iova)
{
	const struct emu_area *area = area_at(hwpt->ioas, iova);
	struct emu_dirty *dirty = &hwpt->dirty;
	uint64_t start;
	size_t i;

	if (!area)
		return;
	start = entry_at(hwpt, area, iova).start;
	i = search(dirty, start);
	if ((i < dirty->nr && dirty->at[i] == start) || !make_room(dirty))
		return;
	memmove(dirty->at + i + 1, dirty->at + i, (dirty->nr - i) * sizeof(*dirty->at));
	dirty->at[i] = start;
	dirty->nr++;
}

static void drop(struct emu_dirty *dirty, size_t first, size_t end)
{
	if (first == end)
		return;
	memmove(dirty->at + first, dirty->at + end, (dirty->nr - end) * sizeof(*dirty->at));
	dirty->nr -= end - first;
}

void emu_dirty_forget(struct emu_hwpt *hwpt, uint64_t start, uint64_t last)
{
	struct emu_dirty *dirty = &hwpt->dirty;
	size_t first = search(dirty, start), end = first;

	while (end < dirty->nr && dirty->at[end] <= last)
		end++;
	drop(dirty, first, end);
}

/* Bits are only ever set, and those that cannot be are lost without a word. */
static void set_bits(uint64_t bitmap, uint64_t first, uint64_t last)
{
	for (uint64_t bit = first; bit <= last; bit = (bit | 7) + 1) {
		uint8_t mask = (uint8_t)(0xffu << bit % 8), byte;

		if (last < (bit | 7))
			mask &= (uint8_t)(0xffu >> (7 - last % 8));
		if (emu_user_read(&byte, bitmap + bit / 8, 1))
			return;
		byte |= mask;
		if (emu_user_write(bitmap + bit / 8, &byte, 1))
			return;
	}
}

/* Part of one area: an entry that sticks out is told of within it, and cleared as a whole. */
static void harvest(struct emu_hwpt *hwpt, const struct emu_area *area,
		    const struct k_iommu_hwpt_get_dirty_bitmap *arg, uint64_t start, uint64_t last)
{
	const unsigned int shift = (unsigned int)__builtin_ctzll(arg->page_size);
	struct emu_dirty *dirty = &hwpt->dirty;
	size_t first = search(dirty, entry_at(hwpt, area, start).start), end = first;

	for (; end < dirty->nr && dirty->at[end] <= last; end++) {
		struct emu_range entry = entry_at(hwpt, area, dirty->at[end]);

		if (entry.start < start)
			entry.start = start;
		if (entry.last > last)
			entry.last = last;
		set_bits(arg->data, (entry.start - arg->iova) >> shift,
			 (entry.last - arg->iova) >> shift);
	}
	if (!(arg->flags & K_IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR))
		drop(dirty, first, end);
}

int emu_cmd_hwpt_set_dirty(struct emu_cmd *cmd)
{
	const struct k_iommu_hwpt_set_dirty_tracking *arg = cmd->arg;
	struct emu_hwpt *hwpt;

	if (arg->flags & ~(uint32_t)K_IOMMU_HWPT_DIRTY_TRACKING_ENABLE)
		return -EOPNOTSUPP;
	hwpt = emu_object_get(cmd->iommu, arg->hwpt_id, EMU_OBJECT_HWPT);
	if (!hwpt)
		return -ENOENT;
	if (!hwpt->can_track)
		return -EOPNOTSUPP;
	hwpt->tracking = arg->flags & K_IOMMU_HWPT_DIRTY_TRACKING_ENABLE;
	if (hwpt->tracking)
		emu_dirty_forget(hwpt, 0, UINT64_MAX);
	return 0;
}

static int check_bitmap(const struct emu_hwpt *hwpt,
			const struct k_iommu_hwpt_get_dirty_bitmap *arg, uint64_t *last)
{
	uint64_t mask;

	if (!arg->length)
		return -EINVAL;
	if (__builtin_add_overflow(arg->iova, arg->length - 1, last))
		return -EOVERFLOW;
	mask = (hwpt->ioas->alignment - 1) | (arg->page_size - 1);
	return !arg->page_size || (arg->iova & mask) || ((*last + 1) & mask) ? -EINVAL : 0;
}

/* The walk ends at the first hole, and that is a success. */
int emu_cmd_hwpt_get_dirty(struct emu_cmd *cmd)
{
	const struct k_iommu_hwpt_get_dirty_bitmap *arg = cmd->arg;
	const struct emu_area *area;
	struct emu_hwpt *hwpt;
	uint64_t at, last;
	int r;

	if ((arg->flags & ~(uint32_t)K_IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR) || arg->__reserved)
		return -EOPNOTSUPP;
	hwpt = emu_object_get(cmd->iommu, arg->hwpt_id, EMU_OBJECT_HWPT);
	if (!hwpt)
		return -ENOENT;
	r = check_bitmap(hwpt, arg, &last);
	if (r)
		return r;
	if (!hwpt->can_track)
		return -EOPNOTSUPP;
	for (at = arg->iova; (area = area_at(hwpt->ioas, at)); at = area->last + 1) {
		harvest(hwpt, area, arg, at, area->last < last ? area->last : last);
		if (area->last >= last)
			break;
	}
	return 0;
}
