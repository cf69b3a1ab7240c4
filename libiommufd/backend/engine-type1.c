/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The engine over type1 containers. Each pins and charges memory once more: they share nothing. */
#include <errno.h>
#include <stdlib.h>

#include "backend/container-merge.h"
#include "backend/container-type1.h"
#include "backend/engine-container.h"
#include "backend/type1-dirty.h"
#include "os/uapi.h"

static int call(const struct engine *e, unsigned long request, void *arg)
{
	return sys_ioctl(e->core->sys, e->fd, request, arg);
}

static bool extends(const struct engine *e, unsigned int extension)
{
	return call(e, K_VFIO_CHECK_EXTENSION, (void *)(uintptr_t)extension) > 0;
}

/*
 * An iommufd takes a command that is too short for EINVAL, one that it lacks for
 * ENOTTY. A container takes both alike.
 */
static bool is_iommufd(const struct engine *e)
{
	uint32_t too_small = sizeof(too_small);

	return call(e, K_IOMMU_IOAS_ALLOC, &too_small) == -EINVAL &&
	       call(e, _IO(K_IOMMUFD_TYPE, 0xff), &too_small) == -ENOTTY;
}

#define CAP(name) (UINT64_C(1) << IOMMUFD_CAP_##name)

/*
 * Before a group is in the container the kernel tells little of what it will be
 * able to do. Dirty tracking is older than every kernel this library supports;
 * new addresses for mapped memory came together with UNMAP_ALL. An iommufd that
 * serves as the container has neither, nor can it map the memory of devices.
 */
static int probe(struct engine *e)
{
	int r = node_container_check(e);

	if (r)
		return r;
	if (!extends(e, K_VFIO_TYPE1v2_IOMMU))
		return extends(e, K_VFIO_TYPE1_IOMMU) ? -EPROTONOSUPPORT : -ENODEV;
	e->caps = CAP(MAP_WITHOUT_DEVICE) | CAP(ALLOW_IOVAS) | CAP(GROUPS) | CAP(ISOLATION);
	if (is_iommufd(e))
		return 0;
	e->adopted = false; /* SET_IOMMU will tell */
	e->caps |= CAP(MAP_DEVICE) | CAP(DIRTY_TRACKING) | CAP(DIRTY_ALL_PINNED);
	if (extends(e, K_VFIO_UNMAP_ALL))
		e->caps |= CAP(UPDATE_VA);
	return 0;
}

static int facts(struct engine_ioas *as, struct engine_facts *out)
{
	struct engine_facts all = {
		.page_sizes = -as->engine->core->page_size,
		.entries_left = UINT64_MAX,
	};

	for (struct container *c = as->containers; c; c = c->next) {
		struct type1_info info;
		int r = type1_info_of(c, &info);

		if (r)
			return r;
		all.page_sizes &= info.page_sizes;
		if (info.entries_left < all.entries_left)
			all.entries_left = info.entries_left;
		type1_info_free(&info);
	}
	*out = all;
	return 0;
}

/* The kernel wants the old address given up before it takes the new one; DMA goes on meanwhile. */
static int move_va(const struct container *c, const struct map_entry *m, uint64_t old,
		   uint64_t va)
{
	struct k_vfio_iommu_type1_dma_unmap give_up = {
		.argsz = sizeof(give_up),
		.flags = K_VFIO_DMA_UNMAP_FLAG_VADDR,
		.iova = m->iova,
		.size = m->length,
	};
	struct k_vfio_iommu_type1_dma_map take = {
		.argsz = sizeof(take),
		.flags = K_VFIO_DMA_MAP_FLAG_VADDR,
		.vaddr = va,
		.iova = m->iova,
		.size = m->length,
	};
	int r = type1_call(c, K_VFIO_IOMMU_UNMAP_DMA, &give_up);

	if (r < 0)
		return r;
	r = type1_call(c, K_VFIO_IOMMU_MAP_DMA, &take);
	if (r >= 0)
		return 0;
	take.vaddr = old;
	return type1_call(c, K_VFIO_IOMMU_MAP_DMA, &take) < 0 ? -EUCLEAN : r;
}

/*
 * -EOPNOTSUPP: it shares an entry of the kernel, which moves only as a whole.
 * -EBUSY: a mediated device is there. -EUCLEAN: a container took neither the new
 * address nor the old one back; it can be moved again, or unmapped.
 */
static int update_va(struct engine_ioas *as, const struct map_entry *m, uint64_t va)
{
	uint64_t old = engine_va(m);
	struct container *c, *undo;
	int r = 0;

	for (c = as->containers; c; c = c->next) {
		uint64_t start = m->iova, last = m->iova + (m->length - 1);

		merge_widen(c, &start, &last);
		if (last - start != m->length - 1)
			return -EOPNOTSUPP;
	}
	for (c = as->containers; c; c = c->next) {
		r = move_va(c, m, old, va);
		if (r)
			break;
	}
	for (undo = as->containers; r && undo != c; undo = undo->next)
		if (move_va(undo, m, va, old))
			r = -EUCLEAN;
	return r;
}

const struct engine_ops engine_type1 = {
	.name = "type1",
	.call_names = {
		[ENGINE_IOAS_ALLOC] = "calloc",
		[ENGINE_MAP] = "VFIO_IOMMU_MAP_DMA",
		[ENGINE_UNMAP] = "VFIO_IOMMU_UNMAP_DMA",
		[ENGINE_COPY] = "VFIO_IOMMU_MAP_DMA",
		[ENGINE_RANGES] = "VFIO_IOMMU_GET_INFO",
		[ENGINE_UPDATE_VA] = "VFIO_IOMMU_MAP_DMA",
		[ENGINE_DIRTY] = "VFIO_IOMMU_DIRTY_PAGES",
		[ENGINE_READ_DIRTY] = "VFIO_IOMMU_DIRTY_PAGES",
	},
	.probe = probe,
	.ioas_alloc = record_ioas_alloc,
	.ioas_free = record_ioas_free,
	.map = containers_map,
	.unmap = containers_unmap,
	.restore = containers_restore,
	.copy = record_copy,
	.ranges = record_ranges,
	.allow = record_allow,
	.set_option = record_set_option,
	.get_option = record_get_option,
	.facts = facts,
	.update_va = update_va,
	.dirty_set = type1_dirty_set,
	.dirty_read = type1_dirty_read,
	.dirty_unmap = type1_dirty_unmap,
	.container = &container_type1,
};
