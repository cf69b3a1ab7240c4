/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Groups. */
#include "fault.h"

#include <errno.h>

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

/* Reading may find nothing yet: that is no failure of the scenario. */
static bool read_event(struct run *r)
{
	struct iommufd_event ev = { .size = sizeof(ev) };
	int rc = -EAGAIN;

	for (int i = 0; i < 3 && rc; i++) {
		step_begin(r);
		rc = iommufd_ctx_read_event(r->ctx, &ev);
		step_end(r, "iommufd_ctx_read_event", 0, rc);
	}
	return !rc;
}

static void hear_of_changes(struct run *r)
{
	if (!TRY(r, iommufd_ctx_get_event_fd, r->ctx) || !open_dev(r, 1, ALONE, 2))
		return;
	iommufd_emu_set_driver(r->emu, ALONE, "");
	if (!read_event(r) && r->mode != FOR_GOOD)
		wrong(r, "no event of a device that leaves");
}

/* As a broker hands it over. */
static void take_over(struct run *r)
{
	struct iommufd_group *group = NULL;
	int fd = iommufd_emu_open(r->emu, "/dev/vfio/4");

	if (fd < 0)
		return;
	if (TRY(r, iommufd_group_from_fd, r->ctx, fd, &group))
		TRY(r, iommufd_group_get_fd, group);
	iommufd_group_unref(group);
	iommufd_emu_close(r->emu, fd);
}

void play_group(struct run *r)
{
	struct iommufd_group *of = NULL, *other = NULL;

	look_at_groups(r, &of, &other);
	if (r->ctx) {
		hear_of_changes(r);
		take_over(r);
	}
	iommufd_group_unref(of);
	iommufd_group_unref(other);
}
