/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Groups. */
#include "fault.h"

static void look_at_groups(struct run *r, struct iommufd_group **of, struct iommufd_group **other)
{
	struct iommufd_group_info info = { .size = sizeof(info) };
	struct iommufd_group_member member = { .size = sizeof(member) };

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !open_dev(r, 0, SIBLING1, 1) ||
	    !TRY(r, iommufd_device_get_group, r->dev[0], of) ||
	    !TRY(r, iommufd_group_open, r->ctx, 3, other) ||
	    !TRY(r, iommufd_group_get_info, *of, &info) ||
	    !TRY(r, iommufd_group_get_member, *of, info.num_members - 1, &member))
		return;
	TRY(r, iommufd_group_check_viable, *of);
}

void play_group(struct run *r)
{
	struct iommufd_group *of = NULL, *other = NULL;

	look_at_groups(r, &of, &other);
	iommufd_group_unref(of);
	iommufd_group_unref(other);
}
