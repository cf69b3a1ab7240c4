/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Groups. */
#include "fault.h"

#include <errno.h>

#include "os/sys.h"
#include "os/uapi.h"

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

/* -- a container that someone else made, with a group and a mapping in it */

#define FOREIGN 0x700000

struct broker {
	const struct iommufd_sys *sys;
	int container, group;
};

static bool prepare(struct broker *b)
{
	struct k_vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = K_VFIO_DMA_MAP_FLAG_READ,
		.vaddr = (uintptr_t)(memory + 15 * PAGE), .iova = FOREIGN, .size = PAGE,
	};
	int32_t fd = b->container;

	return !b->sys->ioctl(b->sys->data, b->group, K_VFIO_GROUP_SET_CONTAINER, &fd) &&
	       !b->sys->ioctl(b->sys->data, b->container, K_VFIO_SET_IOMMU,
			      (void *)(uintptr_t)K_VFIO_TYPE1v2_IOMMU) &&
	       !b->sys->ioctl(b->sys->data, b->container, K_VFIO_IOMMU_MAP_DMA, &map);
}

static void use(struct run *r, const struct broker *b, struct iommufd_group **group)
{
	if (!TRY(r, iommufd_ctx_from_fd, b->container, &r->opts, &r->ctx) ||
	    !TRY(r, iommufd_group_from_fd, r->ctx, b->group, group) || !new_ioas(r, 0) ||
	    !new_ioas(r, 1) || !map_at(r, 0, 0, 2, 0x10000) || !map_at(r, 0, 2, 1, 0x12000) ||
	    !map_at(r, 1, 4, 1, 0x10000) || !map_at(r, 1, 5, 1, FOREIGN) ||
	    !open_dev(r, 0, ALONE, 0) || !attach(r, 0, 0) || !map_at(r, 0, 6, 1, 0x20000) ||
	    !TRY(r, iommufd_ioas_unmap, r->ioas[0], 0x12000, PAGE, NULL) ||
	    !TRY(r, iommufd_device_detach, r->dev[0]) || !attach(r, 0, 0))
		return;
	step_begin(r); /* it would have to be where the other's is */
	step_end(r, "iommufd_device_replace", 0, iommufd_device_replace(r->dev[0], r->ioas[1]));
	if (r->mode == ONCE && TRY(r, iommufd_ioas_unmap, r->ioas[1], FOREIGN, PAGE, NULL))
		TRY(r, iommufd_device_replace, r->dev[0], r->ioas[1]);
}

static void give_back(struct run *r, struct iommufd_group *group)
{
	for (int i = 0; i < (int)ARRAY_SIZE(r->dev); i++)
		drop_dev(r, i);
	for (int i = 0; i < (int)ARRAY_SIZE(r->ioas); i++)
		drop_ioas(r, i);
	iommufd_group_unref(group);
	r->ctx = iommufd_ctx_unref(r->ctx);
}

void play_broker(struct run *r)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };
	struct iommufd_group *group = NULL;
	struct broker b = { .sys = iommufd_emu_get_sys(r->emu) };

	if (!r->pair->records || r->pair->noiommu) {
		TRY(r, iommufd_ctx_new, &r->opts, &r->ctx);
		return;
	}
	b.container = iommufd_emu_open(r->emu, "/dev/vfio/vfio");
	b.group = iommufd_emu_open(r->emu, "/dev/vfio/3");
	if (!prepare(&b)) {
		wrong(r, "no container to hand over");
	} else {
		r->foreign = FOREIGN;
		use(r, &b, &group);
	}
	give_back(r, group);
	iommufd_emu_get_counts(r->emu, &c);
	if (c.mappings != 1 && !r->loose)
		wrong(r, "the container is given back with %d mappings", (int)c.mappings);
	iommufd_emu_close(r->emu, b.group);
	iommufd_emu_close(r->emu, b.container);
}
