/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Memory that moves under its mappings. */
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
