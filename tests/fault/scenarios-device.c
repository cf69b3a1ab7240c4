/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What devices are asked beside their registers and interrupts. */
#include "fault.h"

void play_reset(struct run *r)
{
	struct iommufd_reset_info info = { .size = sizeof(info) };

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !open_dev(r, 0, SIBLING1, 7) ||
	    (r->pair->noiommu && !open_dev(r, 1, SIBLING2, 0)) || !new_ioas(r, 0) ||
	    !map_at(r, 0, 0, 1, 0x10000) || !attach(r, 0, 0) ||
	    !TRY(r, iommufd_device_get_reset_info, r->dev[0], 1, &info))
		return;
	TRY(r, iommufd_device_hot_reset, r->dev[0]);
}
