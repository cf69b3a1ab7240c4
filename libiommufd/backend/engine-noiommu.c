/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The engine without an IOMMU: memory is kept in place, and devices get physical addresses. */
#include <errno.h>
#include <stdlib.h>

#include "backend/container-noiommu.h"
#include "backend/engine-container.h"
#include "os/uapi.h"

#define PAGEMAP "/proc/self/pagemap"

/* An entry of pagemap. The frame is 0 for who may not know it. */
#define PAGEMAP_FRAME ((UINT64_C(1) << 55) - 1)
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)

#define CAP(name) (UINT64_C(1) << IOMMUFD_CAP_##name)

static int probe(struct engine *e)
{
	struct noiommu *own;
	int r = node_container_check(e);

	if (r)
		return r;
	r = sys_ioctl(e->core->sys, e->fd, K_VFIO_CHECK_EXTENSION,
		      (void *)(uintptr_t)K_VFIO_NOIOMMU_IOMMU);
	if (r <= 0)
		return r ? r : -ENODEV;
	own = calloc(1, sizeof(*own));
	if (!own)
		return -ENOMEM;
	r = locked_new(e->core, &own->locked);
	if (r) {
		free(own);
		return r;
	}
	e->own = own;
	own->pagemap = sys_open(e->core->sys, PAGEMAP, O_RDONLY);
	if (own->pagemap < 0 && own->pagemap != -EACCES && own->pagemap != -EPERM &&
	    own->pagemap != -ENOENT)
		return own->pagemap; /* it may be had the next time */
	e->caps = CAP(MAP_WITHOUT_DEVICE) | CAP(COPY) | CAP(ALLOW_IOVAS) |
		  CAP(GROUPS);
	return 0;
}

static void close_engine(struct engine *e)
{
	struct noiommu *own = noiommu_of(e);

	if (!own)
		return;
	sys_close(e->core->sys, &own->pagemap);
	locked_free(own->locked);
	free(own);
}

static int facts(struct engine_ioas *as, struct engine_facts *out)
{
	*out = (struct engine_facts){
		.page_sizes = -as->engine->core->page_size,
		.entries_left = UINT64_MAX,
	};
	return 0;
}

static int frame_of(uint64_t entry, uint64_t *frame)
{
	*frame = entry & PAGEMAP_FRAME;
	if (!(entry & PAGEMAP_PRESENT))
		return -EFAULT;
	return *frame ? 0 : -EPERM;
}

/* As far as the frames follow each other, at most to va + *length. */
static int find_run(const struct engine *e, uint64_t va, uint64_t *address, uint64_t *length)
{
	uint64_t page = e->core->page_size, offset = va % page, next = 0, run = 0, frame;
	uint64_t wanted = offset + *length, entries[64];
	size_t count = 0;

	for (size_t i = 0; run < wanted; i++, next++, run += page) {
		int r = 0;

		if (i == count) {
			uint64_t left = (wanted - run + page - 1) / page;

			i = 0;
			count = left < ARRAY_SIZE(entries) ? (size_t)left : ARRAY_SIZE(entries);
			r = sys_pread(e->core->sys, noiommu_of(e)->pagemap, entries,
				      count * sizeof(*entries),
				      (va - offset + run) / page * sizeof(*entries));
		}
		if (!r)
			r = frame_of(entries[i], &frame);
		if (r && !run)
			return r;
		if (r || (run && frame != next))
			break;
		next = frame;
		if (!run)
			*address = frame * page + offset;
	}
	*length = (run < wanted ? run : wanted) - offset;
	return 0;
}

/* Only what is locked stays where it is. */
static int dma_address(struct engine_ioas *as, uint64_t iova, uint64_t *address,
		       uint64_t *length)
{
	const struct noiommu *own = noiommu_of(as->engine);
	const struct container *c = as->containers;
	struct map_entry m;

	if (!c)
		return -ENODEV;
	if (own->pagemap < 0)
		return own->pagemap;
	if (!iova_map_find(as->map, iova, &m))
		return -ENOENT;
	while (c && !noiommu_holds(c, iova))
		c = c->next;
	if (!c)
		return -ENODEV;
	if (*length > m.iova + (m.length - 1) - iova)
		*length = m.iova + (m.length - 1) - iova + 1;
	return find_run(as->engine, engine_va(&m) + (iova - m.iova), address, length);
}

const struct engine_ops engine_noiommu = {
	.name = "noiommu",
	.call_names = {
		[ENGINE_IOAS_ALLOC] = "calloc",
		[ENGINE_MAP] = "mlock",
		[ENGINE_UNMAP] = "munlock",
		[ENGINE_COPY] = "mlock",
		[ENGINE_RANGES] = "mlock",
		[ENGINE_DMA_ADDRESS] = PAGEMAP,
	},
	.probe = probe,
	.close = close_engine,
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
	.dma_address = dma_address,
	.container = &container_noiommu,
};
