/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Memory that the process locks. Locks do not nest: a page is locked or it is
 * not. Nothing moves memory here, so making it present is all there is to do.
 */
#include "emu/machine.h"

#include <errno.h>
#include <stdlib.h>

struct emu_locked {
	struct emu_locked *next;
	uint64_t start;
	uint64_t last;
};

static uint64_t pages(uint64_t start, uint64_t last)
{
	return (last - start + 1) / EMU_PAGE;
}

static int add(struct iommufd_emu *emu, uint64_t start, uint64_t last)
{
	struct emu_locked *locked = malloc(sizeof(*locked));

	if (!locked)
		return -ENOMEM;
	*locked = (struct emu_locked){ emu->locked, start, last };
	emu->locked = locked;
	emu->counts.pinned_pages += pages(start, last);
	return 0;
}

/* What is left of a lock when part of it goes: nothing, a piece, or two. */
static int cut(struct iommufd_emu *emu, struct emu_locked **link, uint64_t start, uint64_t last)
{
	struct emu_locked *locked = *link;

	if (locked->start < start && locked->last > last) {
		int r = add(emu, last + 1, locked->last);

		if (r)
			return r;
	}
	emu->counts.pinned_pages -= pages(locked->start, locked->last);
	if (locked->start < start) {
		locked->last = start - 1;
	} else if (locked->last > last) {
		locked->start = last + 1;
	} else {
		for (link = &emu->locked; *link != locked; link = &(*link)->next)
			;
		*link = locked->next;
		free(locked);
		return 0;
	}
	emu->counts.pinned_pages += pages(locked->start, locked->last);
	return 0;
}

static int unlock(struct iommufd_emu *emu, uint64_t start, uint64_t last)
{
	struct emu_locked **link = &emu->locked;

	while (*link) {
		struct emu_locked *locked = *link;
		int r;

		if (locked->last < start || locked->start > last) {
			link = &locked->next;
			continue;
		}
		r = cut(emu, link, start, last);
		if (r)
			return r;
		link = &emu->locked;
	}
	return 0;
}

static uint64_t count_in(const struct iommufd_emu *emu, uint64_t start, uint64_t last)
{
	uint64_t n = 0;

	for (const struct emu_locked *at = emu->locked; at; at = at->next) {
		uint64_t from = at->start > start ? at->start : start;
		uint64_t to = at->last < last ? at->last : last;

		if (from <= to)
			n += pages(from, to);
	}
	return n;
}

static int lock(struct iommufd_emu *emu, uint64_t start, uint64_t last)
{
	uint64_t n = last - start + 1;
	uint64_t fresh = n / EMU_PAGE - count_in(emu, start, last);
	int r;

	if (emu->memlock_pages && emu->counts.pinned_pages + fresh > emu->memlock_pages)
		return -ENOMEM;
	if (emu_user_populate(start, n, true) && emu_user_populate(start, n, false))
		return -ENOMEM;
	r = unlock(emu, start, last); /* so that no page is counted twice */
	return r ? r : add(emu, start, last);
}

int emu_lock_memory(struct iommufd_emu *emu, uint64_t addr, uint64_t n, bool on)
{
	uint64_t start = addr & ~(uint64_t)(EMU_PAGE - 1), end;

	if (__builtin_add_overflow(addr, n, &end) ||
	    __builtin_add_overflow(end, (uint64_t)EMU_PAGE - 1, &end))
		return -EINVAL;
	end &= ~(uint64_t)(EMU_PAGE - 1);
	if (end == start)
		return 0;
	return on ? lock(emu, start, end - 1) : unlock(emu, start, end - 1);
}

void emu_unlock_all(struct iommufd_emu *emu)
{
	while (emu->locked) {
		struct emu_locked *locked = emu->locked;

		emu->locked = locked->next;
		free(locked);
	}
}
