/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Page tables of the program's, on devices of which some share a group. */
#include "fault.h"

static bool new_hwpt(struct run *r, int index, int dev, int ioas)
{
	return TRY(r, iommufd_hwpt_new, r->dev[dev], r->ioas[ioas], NULL, &r->hwpt[index]);
}

/* What these devices cannot; by group not even the first. */
static void refuse(struct run *r)
{
	struct iommufd_hwpt *none = NULL;
	uint32_t count = 0;

	if (!r->hwpt[0]) {
		step_begin(r);
		step_end(r, "iommufd_hwpt_new", 0,
			 iommufd_hwpt_new(r->dev[0], r->ioas[0], NULL, &none));
	}
	step_begin(r);
	step_end(r, "iommufd_hwpt_new_nested", 0,
		 iommufd_hwpt_new_nested(r->dev[0], r->hwpt[0], NULL, &none));
	step_begin(r);
	step_end(r, "iommufd_hwpt_invalidate", 0,
		 iommufd_hwpt_invalidate(r->hwpt[0], 0, NULL, 0, &count));
}

static bool ask(struct run *r)
{
	struct iommufd_hwpt_info info = { .size = sizeof(info) };
	struct iommufd_hwpt *hwpt = NULL;
	bool done = TRY(r, iommufd_device_get_hwpt, r->dev[0], &hwpt);

	iommufd_hwpt_unref(hwpt);
	return done && TRY(r, iommufd_hwpt_get_info, r->hwpt[0], &info);
}

void play_hwpt(struct run *r)
{
	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !new_ioas(r, 0) || !new_ioas(r, 1) ||
	    !map_at(r, 0, 0, 2, 0x10000) || !map_at(r, 1, 2, 2, 0x20000) ||
	    !open_dev(r, 0, SIBLING1, 1) || !open_dev(r, 1, SIBLING2, 2) ||
	    !open_dev(r, 2, OTHER, 3))
		return;
	if (iommufd_device_has(r->dev[0], IOMMUFD_CAP_HWPT) != 1) {
		refuse(r);
		return;
	}
	if (!new_hwpt(r, 0, 0, 0) || !TRY(r, iommufd_device_attach_hwpt, r->dev[0], r->hwpt[0]) ||
	    !attach(r, 1, 0) || !map_at(r, 0, 4, 1, 0x30000) || !attach(r, 2, 0) ||
	    !new_hwpt(r, 1, 0, 1) ||
	    !TRY(r, iommufd_device_replace_hwpt, r->dev[1], r->hwpt[1]) || !ask(r) ||
	    !TRY(r, iommufd_device_replace, r->dev[0], r->ioas[0]) ||
	    !TRY(r, iommufd_device_detach, r->dev[2]))
		return;
	refuse(r);
	drop_hwpt(r, 0);
	if (map_at(r, 0, 5, 1, 0x40000))
		drop_hwpt(r, 1);
}
