/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A VFIO container for devices without an IOMMU. It maps nothing: a device uses
 * physical addresses. What it repeats of an address space is kept in memory and
 * locked as long as a device is attached.
 */
#include "backend/container-noiommu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine-container.h"
#include "os/uapi.h"

/* A mapping that is locked. */
struct kept {
	uint64_t iova;
	uint64_t last;
	uint64_t va;
};

/* Index of the first that ends at @iova or after. */
static size_t find(const struct container *c, uint64_t iova)
{
	size_t low = 0, high = c->kept_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->kept[middle].last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool noiommu_holds(const struct container *c, uint64_t iova)
{
	size_t at = find(c, iova);

	return at < c->kept_count && c->kept[at].iova <= iova;
}

static int make_room(struct container *c)
{
	size_t room = c->kept_room ? 2 * c->kept_room : 16;
	struct kept *larger;

	if (c->kept_count < c->kept_room)
		return 0;
	larger = realloc(c->kept, room * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	c->kept = larger;
	c->kept_room = room;
	return 0;
}

static int map(struct container *c, const struct map_entry *m)
{
	size_t at = find(c, m->iova);
	int r;

	if (at < c->kept_count && c->kept[at].iova <= m->iova + (m->length - 1))
		return -EEXIST;
	if (!engine_va(m))
		return -EOPNOTSUPP;
	r = make_room(c);
	if (!r)
		r = locked_add(noiommu_of(c->engine)->locked, engine_va(m), m->length,
			       m->prot & IOMMUFD_MAP_WRITE);
	if (r)
		return r;
	memmove(&c->kept[at + 1], &c->kept[at], (c->kept_count++ - at) * sizeof(*c->kept));
	c->kept[at] = (struct kept){ m->iova, m->iova + (m->length - 1), engine_va(m) };
	return 0;
}

static int unmap(struct container *c, uint64_t iova, uint64_t last)
{
	size_t first = find(c, iova), end = first;

	for (; end < c->kept_count && c->kept[end].iova <= last; end++)
		locked_remove(noiommu_of(c->engine)->locked, c->kept[end].va,
			      c->kept[end].last - c->kept[end].iova + 1);
	if (end == first)
		return 0; /* there may be no array yet */
	memmove(&c->kept[first], &c->kept[end], (c->kept_count - end) * sizeof(*c->kept));
	c->kept_count -= end - first;
	return 0;
}

static int ranges(struct container *c, struct range_list *list)
{
	struct iommufd_range *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->last = UINT64_MAX;
	free(list->ranges);
	*list = (struct range_list){ all, 1, c->engine->core->page_size };
	return 0;
}

/* One with an IOMMU's groups in it, or none of ours, is refused by the kernel. */
static int enter(struct container *c, int group_fd, enum transport_call *refused)
{
	const struct iommufd_sys *sys = c->engine->core->sys;
	int32_t fd = c->fd;
	int r = sys_ioctl(sys, group_fd, K_VFIO_GROUP_SET_CONTAINER, &fd);

	*refused = TRANSPORT_SET_CONTAINER;
	if (r < 0)
		return r;
	if (c->ready)
		return 0;
	*refused = TRANSPORT_SET_IOMMU;
	r = sys_ioctl(sys, c->fd, K_VFIO_SET_IOMMU, (void *)(uintptr_t)K_VFIO_NOIOMMU_IOMMU);
	if (r < 0) {
		sys_ioctl(sys, group_fd, K_VFIO_GROUP_UNSET_CONTAINER, NULL);
		return r;
	}
	c->ready = true;
	return 0;
}

static void leave(struct container *c, int group_fd)
{
	sys_ioctl(c->engine->core->sys, group_fd, K_VFIO_GROUP_UNSET_CONTAINER, NULL);
	if (c->groups > 1)
		return;
	unmap(c, 0, UINT64_MAX);
	c->ready = false;
}

static void close_container(struct container *c)
{
	node_container_close(c);
	free(c->kept);
}

const struct container_ops container_noiommu = {
	.call_names = {
		[TRANSPORT_ATTACH] = "mlock",
		[TRANSPORT_DETACH] = "munlock",
		[TRANSPORT_OPEN_CONTAINER] = "open",
		[TRANSPORT_SET_IOMMU] = "VFIO_SET_IOMMU",
		[TRANSPORT_RANGES] = "mlock",
	},
	.open = node_container_open,
	.close = close_container,
	.enter = enter,
	.leave = leave,
	.map = map,
	.unmap = unmap,
	.ranges = ranges,
};
