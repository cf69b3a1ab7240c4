/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A VFIO container with the type1 IOMMU, version 2: version 1 unmaps more than
 * it is asked to. It has an IOMMU, and can map, only while a group is in it.
 *
 * Behind /dev/vfio/vfio may be an iommufd that plays a container. That one
 * keeps mappings when the last group leaves, and takes groups that are not
 * viable: they are refused when a device is opened.
 */
#include "backend/container-type1.h"

#include <errno.h>
#include <stdlib.h>

#include "backend/engine-container.h"

static bool in_a_container(const struct container *c, int group_fd)
{
	struct k_vfio_group_status status = { .argsz = sizeof(status) };

	return sys_ioctl(c->engine->core->sys, group_fd, K_VFIO_GROUP_GET_STATUS, &status) >= 0 &&
	       status.flags & K_VFIO_GROUP_FLAGS_CONTAINER_SET;
}

/* A short question, answered once the container has an IOMMU. */
static bool has_iommu(const struct container *c)
{
	struct k_vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	return type1_call(c, K_VFIO_IOMMU_GET_INFO, &info) >= 0;
}

/* Version 1 refuses dirty tracking before it looks at the request. */
static bool is_version_1(const struct container *c)
{
	struct k_vfio_iommu_type1_dirty_bitmap too_small = { .argsz = 0 };

	return type1_call(c, K_VFIO_IOMMU_DIRTY_PAGES, &too_small) == -EACCES;
}

static int set_iommu(struct container *c)
{
	int r = type1_call(c, K_VFIO_SET_IOMMU, (void *)(uintptr_t)K_VFIO_TYPE1v2_IOMMU);

	/* Who handed it over may have done it already. */
	if (r == -EINVAL && has_iommu(c)) {
		c->adopted = true;
		r = is_version_1(c) ? -EPROTONOSUPPORT : 0;
	}
	if (r < 0)
		return r;
	/* A container that takes it has nothing mapped; an iommufd takes it again. */
	c->adopted |= node_container_is_lent(c) && c->engine->adopted;
	c->ready = true;
	return 0;
}

/* Where it was before does not matter then. Ours keeps its mappings: a group of ours stays in it. */
static int enter_anew(const struct container *c, int group_fd)
{
	const struct iommufd_sys *sys = c->engine->core->sys;
	int32_t fd = c->fd;
	int r = sys_ioctl(sys, group_fd, K_VFIO_GROUP_UNSET_CONTAINER, NULL);

	return r < 0 ? r : sys_ioctl(sys, group_fd, K_VFIO_GROUP_SET_CONTAINER, &fd);
}

/*
 * A group that was handed over may be in the container that was handed over
 * with it. In which it is the kernel does not tell; but in a container without
 * an IOMMU only SET_IOMMU of a container with a group succeeds, and one in which
 * a group of ours is does not mind if the other leaves and comes again.
 */
static int enter(struct container *c, int group_fd, enum transport_call *refused)
{
	const struct iommufd_sys *sys = c->engine->core->sys;
	int32_t fd = c->fd;
	int r = sys_ioctl(sys, group_fd, K_VFIO_GROUP_SET_CONTAINER, &fd), set;
	bool was_in = r == -EINVAL && node_container_is_lent(c) && (c->adopted || !c->ready) &&
		      in_a_container(c, group_fd), stays = was_in;

	*refused = TRANSPORT_SET_CONTAINER;
	if (was_in && c->groups) {
		was_in = false;
		r = enter_anew(c, group_fd);
	}
	if (r < 0 && !was_in)
		return r;
	set = c->ready ? 0 : set_iommu(c);
	if (!set) {
		c->adopted |= was_in;
		return stays;
	}
	if (!was_in)
		sys_ioctl(sys, group_fd, K_VFIO_GROUP_UNSET_CONTAINER, NULL);
	if (!was_in || set != -EINVAL) /* else it is in another */
		*refused = TRANSPORT_SET_IOMMU;
	return set;
}

/* Does it repeat c->as already, or is it about to begin? */
static bool is_joined(const struct container *c)
{
	const struct container *other = c->as ? c->as->containers : NULL;

	while (other && other != c)
		other = other->next;
	return other;
}

/*
 * The kernel looks for what is mapped before it looks for memory, and at the
 * second page of the process there is none.
 */
static int check_free(struct container *c, const struct map_entry *m)
{
	struct k_vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = K_VFIO_DMA_MAP_FLAG_READ,
		.vaddr = c->engine->core->page_size,
		.iova = m->iova,
		.size = m->length,
	};
	struct k_vfio_iommu_type1_dma_unmap undo = {
		.argsz = sizeof(undo),
		.iova = m->iova,
		.size = m->length,
	};
	int r;

	if (!c->adopted)
		return 0;
	r = type1_call(c, K_VFIO_IOMMU_MAP_DMA, &arg);
	if (r >= 0) /* there is, all the same */
		r = type1_call(c, K_VFIO_IOMMU_UNMAP_DMA, &undo);
	return r == -EEXIST ? -EADDRINUSE : r == -EFAULT || r >= 0 ? 0 : r;
}

static int map(struct container *c, const struct map_entry *m)
{
	struct k_vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = (m->prot & IOMMUFD_MAP_READ ? K_VFIO_DMA_MAP_FLAG_READ : 0) |
			 (m->prot & IOMMUFD_MAP_WRITE ? K_VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = engine_va(m),
		.iova = m->iova,
		.size = m->length,
	};
	int r = type1_call(c, K_VFIO_IOMMU_MAP_DMA, &arg);

	/* What others mapped in an adopted container is not ours to find there. */
	if (unlikely(r == -EEXIST && c->adopted && !is_joined(c)))
		r = -EADDRINUSE;
	return r < 0 ? r : 0;
}

/* Bytes that c->as maps within iova..last. */
static uint64_t mapped(const struct container *c, uint64_t iova, uint64_t last)
{
	struct map_entry m;
	uint64_t bytes = 0;

	while (iova_map_next(c->as->map, iova, &m) && m.iova <= last) {
		bytes += m.length;
		iova = m.iova + m.length;
		if (!iova) /* it ended at the top of the space */
			break;
	}
	return bytes;
}

/* A success that left something is none: devices could reach memory that is freed next. */
static int unmap_range(const struct container *c, uint64_t iova, uint64_t last, uint32_t flags)
{
	bool all = flags & K_VFIO_DMA_UNMAP_FLAG_ALL;
	uint64_t size = last - iova + 1;
	struct k_vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.iova = iova,
		.size = all ? 0 : size,
	};
	int r = type1_call(c, K_VFIO_IOMMU_UNMAP_DMA, &arg);

	if (r == -ENOENT)
		return 0;
	if (r < 0 || (arg.size == size && size))
		return r < 0 ? r : 0;
	if ((!all && arg.size > size) ||
	    (is_joined(c) && !c->lacks && arg.size < mapped(c, iova, last)))
		return -EIO;
	return 0;
}

/* Only what c->as maps: an entry of the kernel never reaches over a hole. */
static int unmap_own(const struct container *c, uint64_t iova, uint64_t last)
{
	struct map_entry m;
	int r = 0;

	while (!r && iova_map_next(c->as->map, iova, &m) && m.iova <= last) {
		uint64_t start = m.iova, end;

		do
			end = m.iova + (m.length - 1);
		while (end < last && iova_map_find(c->as->map, end + 1, &m));
		r = unmap_range(c, start, end, 0);
		if (end >= last)
			break;
		iova = end + 1;
	}
	return r;
}

/* The length of the whole space does not fit; Linux 5.12 has a flag for it. */
static bool has_unmap_all(const struct container *c)
{
	return type1_call(c, K_VFIO_CHECK_EXTENSION, (void *)(uintptr_t)K_VFIO_UNMAP_ALL) > 0;
}

/* What is there is on no record. */
static int unmap_soiled(const struct container *c)
{
	uint64_t half = UINT64_C(1) << 63;
	int r;

	if (c->adopted)
		return -EIO; /* whose it is cannot be told */
	if (has_unmap_all(c))
		return unmap_range(c, 0, UINT64_MAX, K_VFIO_DMA_UNMAP_FLAG_ALL);
	r = unmap_range(c, 0, half - 1, 0);
	return r ? r : unmap_range(c, half, UINT64_MAX, 0);
}

static int unmap(struct container *c, uint64_t iova, uint64_t last)
{
	bool all = !iova && last == UINT64_MAX;

	if (!c->as)
		return unmap_soiled(c);
	/* A join that fails has made what is below. */
	if (c->adopted && !is_joined(c)) {
		if (c->failed.iova <= iova)
			return 0;
		last = c->failed.iova - 1;
	}
	if (c->adopted || (all && !has_unmap_all(c)))
		return unmap_own(c, iova, last);
	return unmap_range(c, iova, last, all ? K_VFIO_DMA_UNMAP_FLAG_ALL : 0);
}

static int track(struct container *c, bool on)
{
	struct k_vfio_iommu_type1_dirty_bitmap arg = {
		.argsz = sizeof(arg),
		.flags = on ? K_VFIO_IOMMU_DIRTY_PAGES_FLAG_START :
			      K_VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP,
	};
	int r = type1_call(c, K_VFIO_IOMMU_DIRTY_PAGES, &arg);

	return r < 0 ? r : 0;
}

/*
 * Mappings and the IOMMU go with the last group, unless somebody keeps them: the
 * descriptor stays, and the group too while a copy of its device's descriptor is
 * open or a BAR is mapped. What stays in the engine's container would be found by
 * the next who enters it; only who adopted it expects others there.
 */
static void leave(struct container *c, int group_fd)
{
	bool last = c->groups == 1, lent = node_container_is_lent(c);
	int left = 0, r;

	if (last && (c->as || c->soiled))
		left = unmap(c, 0, UINT64_MAX);
	if (last && c->as && c->as->dirty && lent)
		track(c, false);
	r = group_fd < 0 ? 0 : sys_ioctl(c->engine->core->sys, group_fd,
					 K_VFIO_GROUP_UNSET_CONTAINER, NULL);
	if (lent && (left || (r < 0 && !c->adopted)))
		c->engine->fd_is_spoilt = true;
	if (last)
		c->ready = false;
}

static int ranges(struct container *c, struct range_list *list)
{
	struct type1_info info;
	int r = type1_info_of(c, &info);

	if (r)
		return r;
	if (!info.ranges) { /* mediated devices only */
		info.ranges = calloc(1, sizeof(*info.ranges));
		if (!info.ranges)
			return -ENOMEM;
		info.ranges[0] = (struct iommufd_range){ 0, UINT64_MAX };
		info.range_count = 1;
	}
	free(list->ranges);
	*list = (struct range_list){ info.ranges, info.range_count, type1_info_page(&info) };
	return 0;
}

const struct container_ops container_type1 = {
	.call_names = {
		[TRANSPORT_ATTACH] = "VFIO_IOMMU_MAP_DMA",
		[TRANSPORT_DETACH] = "VFIO_IOMMU_UNMAP_DMA",
		[TRANSPORT_OPEN_CONTAINER] = "open",
		[TRANSPORT_SET_IOMMU] = "VFIO_SET_IOMMU",
		[TRANSPORT_RANGES] = "VFIO_IOMMU_GET_INFO",
	},
	.open = node_container_open,
	.close = node_container_close,
	.enter = enter,
	.leave = leave,
	.check_free = check_free,
	.map = map,
	.unmap = unmap,
	.ranges = ranges,
	.track = track,
	.merges = true,
};
