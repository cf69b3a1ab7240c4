/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Migration: copy the guest's memory while its devices write to it, then what they
 * wrote meanwhile, and again, until so little is left that the guest can be stopped
 * for the rest.
 */
#include "vmm.h"

#include <inttypes.h>
#include <string.h>

#define LITTLE 16u /* pages for which the guest may be stopped */
#define PIECE 32u  /* pages that are copied at once */

/*
 * Whether an IOMMU can note what a device writes is asked of each device. On type1 the
 * kernel takes every page for written, always: then rounds would never end.
 */
static const char *untracked(struct vm *vm)
{
	if (iommufd_ctx_has(vm->ctx, IOMMUFD_CAP_DIRTY_ALL_PINNED) == 1)
		return "the kernel takes every page for written";
	for (int i = 0; i < DEVICES; i++)
		if (iommufd_device_has(vm->device[i].dev, IOMMUFD_CAP_DIRTY_TRACKING) != 1)
			return "no IOMMU notes what the devices write";
	return NULL;
}

/*
 * Tracking begins before the first page is copied: what is written from now on comes
 * in a later round.
 */
int begin_migration(struct vm *vm)
{
	const char *why = untracked(vm);

	memset(vm->dirty, 0xff, sizeof(vm->dirty)); /* nothing is there yet */
	if (why) {
		say("migrate", "rounds skipped: %s", why);
		return 0;
	}
	for (int i = 0; i < DEVICES; i++)
		if (check(iommufd_ioas_set_dirty_tracking(vm->device[i].ioas, 1),
			  "track what devices write"))
			return -1;
	vm->tracked = true;
	say("migrate", "begun: from here on it is noted what devices write");
	return 0;
}

/* What the devices wrote since they were last asked, added up in one bitmap. */
static int harvest(struct vm *vm)
{
	memset(vm->dirty, 0, sizeof(vm->dirty));
	for (int i = 0; i < DEVICES; i++) {
		struct vm_device *d = &vm->device[i];

		if (check(iommufd_ioas_read_dirty(d->ioas, RAM_START, (uint64_t)d->pages * PAGE,
						  PAGE, 0, vm->dirty), "read what devices wrote"))
			return -1;
	}
	return 0;
}

static uint32_t count_dirty(const struct vm *vm)
{
	uint64_t first = 0, count;
	uint32_t pages = 0;

	for (; !iommufd_dirty_next(vm->dirty, RAM_PAGES, &first, &count); first += count)
		pages += (uint32_t)count;
	return pages;
}

/* To the other host, piece by piece; the guest goes on meanwhile, at a quarter of the speed. */
static int copy_dirty(struct vm *vm, bool guest_runs, uint32_t *copied)
{
	uint64_t first = 0, count;
	uint32_t works = 0;

	*copied = 0;
	for (; !iommufd_dirty_next(vm->dirty, RAM_PAGES, &first, &count); first += count) {
		count = count < PIECE ? count : PIECE;
		memcpy(vm->copy + first * PAGE, vm->ram + first * PAGE, count * PAGE);
		*copied += (uint32_t)count;
		if (guest_runs && guest_works(vm, *copied / 4 - works))
			return -1;
		works = *copied / 4;
	}
	return 0;
}

int go_on_with_migration(struct vm *vm, uint32_t rounds)
{
	uint32_t copied, left = count_dirty(vm);

	for (; vm->tracked && rounds && left > LITTLE; rounds--) {
		if (copy_dirty(vm, true, &copied) || harvest(vm))
			return -1;
		left = count_dirty(vm);
		say("round", "%" PRIu32 ": copied %" PRIu32 " pages, %" PRIu32
		    " are dirty by now", ++vm->round, copied, left);
	}
	return 0;
}

/* The guest does nothing any more, and the rest is copied: without tracking that is all. */
int finish_migration(struct vm *vm)
{
	uint32_t copied;

	if (vm->tracked && count_dirty(vm) > LITTLE)
		return fail("rounds do not make it less");
	if (copy_dirty(vm, false, &copied))
		return -1;
	for (int i = 0; vm->tracked && i < DEVICES; i++)
		if (check(iommufd_ioas_set_dirty_tracking(vm->device[i].ioas, 0), "end tracking"))
			return -1;
	say("stop", "guest stopped for the last %" PRIu32 " pages, after %" PRIu32 " rounds",
	    copied, vm->round);
	if (memcmp(vm->ram, vm->copy, RAM_LENGTH))
		return fail("the other host has not what the guest has");
	say("compare", "all %u pages are equal", RAM_PAGES);
	return 0;
}
