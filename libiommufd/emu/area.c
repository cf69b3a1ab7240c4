/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The mappings of an address space: a sorted array. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/iommu.h"

int emu_ioas_make_room(struct emu_ioas *ioas, size_t extra)
{
	size_t room = ioas->room ? ioas->room : 16;
	struct emu_area **areas;

	while (room < ioas->nr_areas + extra)
		room *= 2;
	if (room == ioas->room)
		return 0;
	areas = realloc(ioas->areas, room * sizeof(*areas));
	if (!areas)
		return -ENOMEM;
	ioas->areas = areas;
	ioas->room = room;
	return 0;
}

void emu_ioas_remove(struct emu_ioas *ioas, size_t at)
{
	struct emu_area *area = ioas->areas[at];

	for (struct emu_hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
		emu_dirty_forget(hwpt, area->start, area->last);
	emu_area_unpin(area);
	emu_pages_put(area->pages);
	free(area);
	ioas->nr_areas--;
	ioas->iommu->emu->counts.mappings--;
	memmove(ioas->areas + at, ioas->areas + at + 1,
		(ioas->nr_areas - at) * sizeof(*ioas->areas));
}

void emu_ioas_insert(struct emu_ioas *ioas, struct emu_area *area)
{
	size_t at = emu_ioas_search(ioas, area->start);

	memmove(ioas->areas + at + 1, ioas->areas + at,
		(ioas->nr_areas - at) * sizeof(*ioas->areas));
	ioas->areas[at] = area;
	ioas->nr_areas++;
	ioas->iommu->emu->counts.mappings++;
}

/* Both parts keep what is pinned pinned. */
static int split(struct emu_ioas *ioas, struct emu_area *area, uint64_t last)
{
	struct emu_area *rest;
	int r = emu_ioas_make_room(ioas, 1);

	if (r)
		return r;
	rest = malloc(sizeof(*rest));
	if (!rest)
		return -ENOMEM;
	*rest = *area;
	rest->start = last + 1;
	rest->offset += rest->start - area->start;
	rest->pages->refs++;
	if (rest->pinned) {
		rest->next_pinned = rest->pages->pinned;
		rest->pages->pinned = rest;
	}
	area->last = last;
	emu_ioas_insert(ioas, rest);
	return 0;
}

int emu_ioas_cut(struct emu_ioas *ioas, uint64_t last)
{
	const uint64_t mask = ioas->alignment - 1;
	size_t at = emu_ioas_search(ioas, last);
	struct emu_area *area;

	if (at == ioas->nr_areas)
		return 0;
	area = ioas->areas[at];
	if (area->start >= last || area->last == last)
		return 0;
	if ((last + 1) & mask || (area->offset + (last + 1 - area->start)) & mask)
		return -EINVAL;
	if (area->locks)
		return -EINVAL;
	if (area->window)
		return -EOPNOTSUPP; /* the place of a file goes as a whole */
	return split(ioas, area, last);
}

/*
 * As the kernel does it: areas go one by one, and one that sticks out ends the
 * walk with what was before it already gone.
 */
int emu_ioas_unmap(struct emu_ioas *ioas, uint64_t start, uint64_t length, uint64_t *removed)
{
	uint64_t last;

	*removed = 0;
	if (!length)
		return -EINVAL;
	if (__builtin_add_overflow(start, length - 1, &last))
		return -EOVERFLOW;
	for (;;) {
		size_t i = emu_ioas_search(ioas, start);
		uint64_t area_last;

		if (i == ioas->nr_areas || ioas->areas[i]->start > last)
			return 0;
		area_last = ioas->areas[i]->last;
		if (ioas->areas[i]->locks)
			return -EBUSY;
		if (ioas->areas[i]->start < start || area_last > last)
			return -ENOENT;
		*removed += area_last - ioas->areas[i]->start + 1;
		emu_ioas_remove(ioas, i);
		if (area_last >= last)
			return 0;
		start = area_last + 1;
	}
}

int emu_ioas_unmap_all(struct emu_ioas *ioas, uint64_t *removed)
{
	size_t locked = 0;

	*removed = 0;
	while (locked < ioas->nr_areas && !ioas->areas[locked]->locks)
		locked++;
	for (size_t end = locked; end; end--) {
		const struct emu_area *area = ioas->areas[end - 1];

		*removed += area->last - area->start + 1;
		emu_ioas_remove(ioas, end - 1);
	}
	return ioas->nr_areas ? -EBUSY : 0;
}
