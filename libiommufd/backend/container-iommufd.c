/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A kernel IOAS as the container of groups. The kernel attaches a device to the
 * IOAS that serves containers at the moment the device is opened; so a group
 * gets one of its own, and what it repeats is copied into it, sharing the pins.
 */
#include "backend/container-iommufd.h"

#include <errno.h>
#include <stdlib.h>

#include "backend/container.h"
#include "os/uapi.h"

static struct engine_ioas as_ioas(const struct container *c)
{
	return (struct engine_ioas){ .engine = c->engine, .id = c->id };
}

static int open_ioas(struct container *c, struct engine_ioas *as, enum transport_call *refused)
{
	struct engine_ioas own = { 0 };
	int r;

	*refused = TRANSPORT_OPEN_CONTAINER;
	if (as) {
		c->is_ioas = true;
		c->id = as->id;
		return 0;
	}
	r = c->engine->ops->ioas_alloc(c->engine, &own);
	c->id = own.id;
	return r;
}

static void close_ioas(struct container *c)
{
	struct engine_ioas own = as_ioas(c);

	if (!c->is_ioas && core_is_owner(c->engine->core))
		c->engine->ops->ioas_free(&own);
}

/* The IOAS that served before, or 0. */
static int choose(struct container *c, uint32_t *before)
{
	uint32_t id = c->id;
	int r;

	*before = 0;
	r = c->engine->ops->compat(c->engine, COMPAT_GET, before);
	if (r && r != -ENODEV)
		return r;
	return c->engine->ops->compat(c->engine, COMPAT_SET, &id);
}

static void unchoose(struct container *c, uint32_t before)
{
	uint32_t id = before;

	c->engine->ops->compat(c->engine, before ? COMPAT_SET : COMPAT_CLEAR, &id);
}

/* Without an IOAS that serves, the kernel would make one. */
static int enter(struct container *c, int group_fd, enum transport_call *refused)
{
	int32_t fd = c->engine->fd;
	uint32_t before;
	int r;

	*refused = TRANSPORT_CHOOSE_IOAS;
	r = choose(c, &before);
	if (r)
		return r;
	*refused = TRANSPORT_SET_CONTAINER;
	r = sys_ioctl(c->engine->core->sys, group_fd, K_VFIO_GROUP_SET_CONTAINER, &fd);
	unchoose(c, before);
	return r < 0 ? r : 0;
}

static void leave(struct container *c, int group_fd)
{
	sys_ioctl(c->engine->core->sys, group_fd, K_VFIO_GROUP_UNSET_CONTAINER, NULL);
}

static int map(struct container *c, const struct map_entry *m)
{
	struct engine_ioas own = as_ioas(c);

	return iommufd_copy(&own, c->as, m->iova, m);
}

static int unmap(struct container *c, uint64_t iova, uint64_t last)
{
	struct engine_ioas own = as_ioas(c);
	int r = iommufd_unmap(&own, iova, last);

	return r == -ENOENT ? 0 : r;
}

static int ranges(struct container *c, struct range_list *list)
{
	struct engine_ioas own = as_ioas(c);

	return iommufd_ranges(&own, list);
}

const struct container_ops container_iommufd = {
	.call_names = {
		[TRANSPORT_ATTACH] = "IOMMU_IOAS_COPY",
		[TRANSPORT_DETACH] = "IOMMU_IOAS_UNMAP",
		[TRANSPORT_OPEN_CONTAINER] = "IOMMU_IOAS_ALLOC",
		[TRANSPORT_CHOOSE_IOAS] = "IOMMU_VFIO_IOAS",
		[TRANSPORT_RANGES] = "IOMMU_IOAS_IOVA_RANGES",
	},
	.open = open_ioas,
	.close = close_ioas,
	.enter = enter,
	.leave = leave,
	.begin_open = choose,
	.end_open = unchoose,
	.map = map,
	.unmap = unmap,
	.ranges = ranges,
};
