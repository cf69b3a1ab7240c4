/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Memory that moves under its mappings, and that devices write. */
#include "fault.h"

/* In two containers, where there are any; and before one is there. */
void play_update(struct run *r)
{
	uint8_t *now = memory + 8 * PAGE;

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !new_ioas(r, 0) ||
	    !map_at(r, 0, 0, 1, 0x10000) || !map_at(r, 0, 1, 2, 0x11000) ||
	    !map_at(r, 0, 3, 1, 0x13000))
		return;
	if (!can(r, IOMMUFD_CAP_UPDATE_VA)) {
		step_begin(r);
		step_end(r, "iommufd_ioas_update_va", 0,
			 iommufd_ioas_update_va(r->ioas[0], 0x10000, 4 * PAGE, now));
		return;
	}
	r->moves = true;
	if (!TRY(r, iommufd_ioas_update_va, r->ioas[0], 0x11000, 2 * PAGE, now) ||
	    !open_dev(r, 0, ALONE, 1) || !open_dev(r, 1, OTHER, 2) || !attach(r, 0, 0) ||
	    !attach(r, 1, 0) ||
	    !TRY(r, iommufd_ioas_update_va, r->ioas[0], 0x10000, 4 * PAGE, now))
		return;
	TRY(r, iommufd_device_detach, r->dev[0]);
}

/* Where nothing is tracked the refusals are all there is to see. */
static void refuse_dirty(struct run *r)
{
	uint64_t bits = 0;

	step_begin(r);
	step_end(r, "iommufd_ioas_set_dirty_tracking", 0,
		 iommufd_ioas_set_dirty_tracking(r->ioas[0], 1));
	step_begin(r);
	step_end(r, "iommufd_ioas_read_dirty", 0,
		 iommufd_ioas_read_dirty(r->ioas[0], 0x10000, PAGE, 0, 0, &bits));
	step_begin(r);
	step_end(r, "iommufd_ioas_unmap_dirty", 0,
		 iommufd_ioas_unmap_dirty(r->ioas[0], 0x10000, PAGE, 0, &bits, NULL, NULL));
}

/* Two mappings beside each other, a hole, one more; two containers, one of them later. */
void play_dirty(struct run *r)
{
	uint64_t bits = 0, unmapped, first = 0, count;

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !new_ioas(r, 0) ||
	    !map_at(r, 0, 0, 1, 0x10000) || !map_at(r, 0, 1, 2, 0x11000) ||
	    !map_at(r, 0, 3, 1, 0x14000) || !open_dev(r, 0, ALONE, 1) ||
	    !open_dev(r, 1, OTHER, 2) || !attach(r, 0, 0))
		return;
	if (iommufd_device_has(r->dev[0], IOMMUFD_CAP_DIRTY_TRACKING) != 1) {
		refuse_dirty(r);
		return;
	}
	if (!TRY(r, iommufd_ioas_set_dirty_tracking, r->ioas[0], 1) || !attach(r, 1, 0) ||
	    !TRY(r, iommufd_ioas_read_dirty, r->ioas[0], 0x10000, 5 * PAGE, 0,
		 IOMMUFD_DIRTY_KEEP, &bits) ||
	    !TRY(r, iommufd_dirty_next, &bits, 5, &first, &count) ||
	    !TRY(r, iommufd_ioas_unmap_dirty, r->ioas[0], 0x11000, 4 * PAGE, 0, &bits, &unmapped,
		 NULL) ||
	    !map_at(r, 0, 5, 2, 0x20000) ||
	    !TRY(r, iommufd_ioas_set_dirty_tracking, r->ioas[0], 1) ||
	    !TRY(r, iommufd_device_detach, r->dev[1]))
		return;
	TRY(r, iommufd_ioas_set_dirty_tracking, r->ioas[0], 0);
}
