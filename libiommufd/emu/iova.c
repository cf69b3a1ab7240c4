/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Which IOVAs of an address space are free, reserved, or picked next. */
#include "emu/iommu.h"

#include <errno.h>
#include <stdlib.h>

#define HUGE_PAGE (2u << 20)

static bool overlaps(const struct emu_range *range, uint64_t start, uint64_t last)
{
	return range->start <= last && start <= range->last;
}

/* Moves *at past a range that holds it, if it is one; false at the end of all. */
static bool skip(const struct emu_range *range, uint64_t *at, bool *moved)
{
	if (!overlaps(range, *at, *at))
		return true;
	*moved = true;
	if (range->last == UINT64_MAX)
		return false;
	*at = range->last + 1;
	return true;
}

/* Moves *at past what is reserved (and mapped) there; false when nothing is left. */
static bool skip_taken(const struct emu_ioas *ioas, bool areas, uint64_t *at)
{
	for (bool moved = true; moved;) {
		moved = false;
		for (const struct emu_reserved *r = ioas->reserved; r; r = r->next)
			if (!skip(&r->range, at, &moved))
				return false;
		for (size_t i = areas ? emu_ioas_search(ioas, *at) : ioas->nr_areas;
		     i < ioas->nr_areas && ioas->areas[i]->start <= *at; i++) {
			const struct emu_range range = { ioas->areas[i]->start,
							 ioas->areas[i]->last };

			if (!skip(&range, at, &moved))
				return false;
		}
	}
	return true;
}

bool emu_iova_next_hole(const struct emu_ioas *ioas, bool areas, uint64_t from, uint64_t last,
			struct emu_range *hole)
{
	uint64_t end = last;

	if (!skip_taken(ioas, areas, &from) || from > last)
		return false;
	for (const struct emu_reserved *r = ioas->reserved; r; r = r->next)
		if (r->range.start > from && r->range.start <= end)
			end = r->range.start - 1;
	if (areas) {
		size_t i = emu_ioas_search(ioas, from);

		if (i < ioas->nr_areas && ioas->areas[i]->start <= end)
			end = ioas->areas[i]->start - 1;
	}
	*hole = (struct emu_range){ from, end };
	return true;
}

bool emu_iova_reserved(const struct emu_ioas *ioas, uint64_t start, uint64_t last)
{
	for (const struct emu_reserved *r = ioas->reserved; r; r = r->next)
		if (overlaps(&r->range, start, last))
			return true;
	return false;
}

static bool mapped(const struct emu_ioas *ioas, uint64_t start, uint64_t last)
{
	size_t i = emu_ioas_search(ioas, start);

	return i < ioas->nr_areas && ioas->areas[i]->start <= last;
}

int emu_iova_reserve(struct emu_ioas *ioas, uint64_t start, uint64_t last, const void *owner)
{
	struct emu_reserved *reserved;

	if (mapped(ioas, start, last))
		return -EADDRINUSE;
	for (size_t i = 0; i < ioas->nr_allowed; i++)
		if (overlaps(&ioas->allowed[i], start, last))
			return -EADDRINUSE;
	reserved = malloc(sizeof(*reserved));
	if (!reserved)
		return -ENOMEM;
	*reserved = (struct emu_reserved){ ioas->reserved, { start, last }, owner };
	ioas->reserved = reserved;
	return 0;
}

void emu_iova_unreserve(struct emu_ioas *ioas, const void *owner)
{
	struct emu_reserved **at = &ioas->reserved;

	while (*at) {
		struct emu_reserved *reserved = *at;

		if (reserved->owner == owner) {
			*at = reserved->next;
			free(reserved);
		} else {
			at = &reserved->next;
		}
	}
}

int emu_iova_check(const struct emu_ioas *ioas, uint64_t iova, uint64_t length)
{
	uint64_t last;

	if (iova & (ioas->alignment - 1))
		return -EINVAL;
	if (__builtin_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	if (emu_iova_reserved(ioas, iova, last))
		return -EINVAL;
	return mapped(ioas, iova, last) ? -EEXIST : 0;
}

static uint64_t round_up_pow2(uint64_t n)
{
	return n == 1 ? 1 : UINT64_C(1) << (64 - __builtin_clzll(n - 1));
}

/* Where in a window something aligned like this would go; false if it does not fit. */
static bool fit(struct emu_range *window, uint64_t length, uint64_t align, uint64_t page_offset)
{
	uint64_t start;

	if (__builtin_add_overflow(window->start, align - 1, &start))
		return false;
	start = (start & ~(align - 1)) | page_offset;
	if (start >= window->last || window->last - start < length - 1)
		return false;
	window->start = start;
	return true;
}

static bool pick_in(const struct emu_ioas *ioas, struct emu_range window, uint64_t length,
		    uint64_t align, uint64_t page_offset, uint64_t *iova)
{
	struct emu_range hole = { 0 };

	if (!fit(&window, length, align, page_offset))
		return false;
	while (emu_iova_next_hole(ioas, true, window.start, window.last, &hole)) {
		uint64_t next = hole.last;

		if (fit(&hole, length, align, page_offset)) {
			*iova = hole.start;
			return true;
		}
		if (next == window.last)
			break;
		window.start = next + 1;
	}
	return false;
}

/*
 * Lowest fit outside page 0, in the allow list if there is one; aligned like
 * the memory and the length, up to a huge page.
 */
int emu_iova_pick(const struct emu_ioas *ioas, uint64_t addr, uint64_t length, uint64_t *iova)
{
	const struct emu_range all = { EMU_PAGE, UINT64_MAX - EMU_PAGE };
	uint64_t align;

	if (!length || length >= UINT64_MAX / 2)
		return -EOVERFLOW;
	align = round_up_pow2(length);
	if (addr && align > (addr & -addr))
		align = addr & -addr;
	if (align > HUGE_PAGE)
		align = HUGE_PAGE;
	if (align < ioas->alignment)
		return -EINVAL;
	if (!ioas->nr_allowed)
		return pick_in(ioas, all, length, align, addr % EMU_PAGE, iova) ? 0 : -ENOSPC;
	for (size_t i = 0; i < ioas->nr_allowed; i++) {
		struct emu_range window = ioas->allowed[i];

		if (window.start < all.start)
			window.start = all.start;
		if (window.last > all.last)
			window.last = all.last;
		if (window.start <= window.last &&
		    pick_in(ioas, window, length, align, addr % EMU_PAGE, iova))
			return 0;
	}
	return -ENOSPC;
}
