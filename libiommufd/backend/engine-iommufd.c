/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The engine over /dev/iommu. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/container.h"
#include "backend/container-iommufd.h"
#include "backend/engine.h"
#include "backend/iommufd-dirty.h"
#include "base/macro.h"
#include "os/uapi.h"

static int call(const struct engine *e, unsigned long request, void *arg)
{
	int r = sys_ioctl(e->core->sys, e->fd, request, arg);

	return r < 0 ? r : 0;
}

/*
 * A command that is given less than its smallest argument answers EINVAL before
 * it does anything, one that the kernel lacks ENOTTY. 1, 0, or what else went wrong.
 */
static int knows(const struct engine *e, unsigned long request)
{
	uint32_t too_small = sizeof(too_small);
	int r = call(e, request, &too_small);

	return r == -EINVAL ? 1 : r == -ENOTTY || r == -EOPNOTSUPP || r == 0 ? 0 : r;
}

static int probe(struct engine *e)
{
	static const struct {
		unsigned long request;
		uint32_t cap;
	} commands[] = {
		{ K_IOMMU_IOAS_COPY, IOMMUFD_CAP_COPY },
		{ K_IOMMU_IOAS_MAP_FILE, IOMMUFD_CAP_MAP_FILE },
		{ K_IOMMU_IOAS_CHANGE_PROCESS, IOMMUFD_CAP_CHANGE_PROCESS },
		{ K_IOMMU_IOAS_ALLOW_IOVAS, IOMMUFD_CAP_ALLOW_IOVAS },
		{ K_IOMMU_OPTION, IOMMUFD_CAP_HUGE_PAGE_OPTION },
		{ K_IOMMU_VFIO_IOAS, IOMMUFD_CAP_COMPAT_IOAS },
		{ K_IOMMU_GET_HW_INFO, IOMMUFD_CAP_HW_INFO },
		{ K_IOMMU_HWPT_ALLOC, IOMMUFD_CAP_HWPT },
		{ K_IOMMU_HWPT_SET_DIRTY_TRACKING, IOMMUFD_CAP_DIRTY_TRACKING },
		{ K_IOMMU_HWPT_INVALIDATE, IOMMUFD_CAP_NESTING },
		{ K_IOMMU_FAULT_QUEUE_ALLOC, IOMMUFD_CAP_FAULT_QUEUE },
		{ K_IOMMU_VIOMMU_ALLOC, IOMMUFD_CAP_VIOMMU },
		{ K_IOMMU_VEVENTQ_ALLOC, IOMMUFD_CAP_VEVENTQ },
		{ K_IOMMU_VEVENTQ_ALLOC, IOMMUFD_CAP_PASID }, /* flags cannot be asked for; they came together */
		{ K_IOMMU_HW_QUEUE_ALLOC, IOMMUFD_CAP_HW_QUEUE },
	};

	/* A VFIO device not bound yet answers EINVAL to whatever it is asked. */
	int alloc = knows(e, K_IOMMU_IOAS_ALLOC), absent = knows(e, _IO(K_IOMMUFD_TYPE, 0xff));

	if (alloc < 0 || absent < 0)
		return alloc < 0 ? alloc : absent;
	if (!alloc || absent)
		return -ENOTTY;
	e->caps = UINT64_C(1) << IOMMUFD_CAP_MAP_WITHOUT_DEVICE |
		  UINT64_C(1) << IOMMUFD_CAP_GROUPS;
	if (!e->noiommu)
		e->caps |= UINT64_C(1) << IOMMUFD_CAP_ISOLATION;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int r = knows(e, commands[i].request);

		if (r < 0)
			return r;
		if (r)
			e->caps |= UINT64_C(1) << commands[i].cap;
	}
	if (e->noiommu)
		engine_drop_commands(e);
	return 0;
}

static int ioas_alloc(struct engine *e, struct engine_ioas *as)
{
	struct k_iommu_ioas_alloc arg = { .size = sizeof(arg) };
	int r = call(e, K_IOMMU_IOAS_ALLOC, &arg);

	if (r)
		return r;
	as->engine = e;
	as->id = arg.out_ioas_id;
	return 0;
}

static int ioas_free(struct engine_ioas *as)
{
	struct k_iommu_destroy arg = { .size = sizeof(arg), .id = as->id };

	return call(as->engine, K_IOMMU_DESTROY, &arg);
}

static uint32_t access_flags(const struct map_entry *m)
{
	return K_IOMMU_IOAS_MAP_FIXED_IOVA |
	       (m->prot & IOMMUFD_MAP_READ ? K_IOMMU_IOAS_MAP_READABLE : 0) |
	       (m->prot & IOMMUFD_MAP_WRITE ? K_IOMMU_IOAS_MAP_WRITEABLE : 0);
}

/* Made in the IOAS; now in its containers, or not at all. */
static int map_rest(struct engine_ioas *as, const struct map_entry *m, int r)
{
	if (likely(!as->containers) || r)
		return r;
	r = containers_map(as, m);
	if (r && r != -EUCLEAN && iommufd_unmap(as, m->iova, m->iova + (m->length - 1)))
		r = -EUCLEAN;
	return r;
}

static int map_one(struct engine_ioas *as, const struct map_entry *m)
{
	struct k_iommu_ioas_map arg = {
		.size = sizeof(arg),
		.flags = access_flags(m),
		.ioas_id = as->id,
		.user_va = engine_va(m),
		.length = m->length,
		.iova = m->iova,
	};

	return call(as->engine, K_IOMMU_IOAS_MAP, &arg);
}

static int map(struct engine_ioas *as, const struct map_entry *m)
{
	return map_rest(as, m, map_one(as, m));
}

static int map_file(struct engine_ioas *as, const struct map_entry *m, int fd)
{
	struct k_iommu_ioas_map_file arg = {
		.size = sizeof(arg),
		.flags = access_flags(m),
		.ioas_id = as->id,
		.fd = fd,
		.start = m->offset,
		.length = m->length,
		.iova = m->iova,
	};

	return map_rest(as, m, call(as->engine, K_IOMMU_IOAS_MAP_FILE, &arg));
}

int iommufd_unmap(struct engine_ioas *as, uint64_t iova, uint64_t last)
{
	struct k_iommu_ioas_unmap arg = {
		.size = sizeof(arg),
		.ioas_id = as->id,
		.iova = iova,
		/* The whole space has a length of its own: 2^64 does not fit. */
		.length = !iova && last == UINT64_MAX ? UINT64_MAX : last - iova + 1,
	};
	int r;

	r = call(as->engine, K_IOMMU_IOAS_UNMAP, &arg);
	return r == -EDEADLOCK ? -EDEADLK : r; /* two numbers on some architectures */
}

int iommufd_copy(struct engine_ioas *as, struct engine_ioas *src, uint64_t src_iova,
		 const struct map_entry *m)
{
	struct k_iommu_ioas_copy arg = {
		.size = sizeof(arg),
		.flags = access_flags(m),
		.dst_ioas_id = as->id,
		.src_ioas_id = src->id,
		.length = m->length,
		.dst_iova = m->iova,
		.src_iova = src_iova,
	};

	return call(as->engine, K_IOMMU_IOAS_COPY, &arg);
}

static bool make_sense(const struct k_iommu_iova_range *windows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (windows[i].start > windows[i].last ||
		    (i && windows[i].start <= windows[i - 1].last))
			return false;
	return true;
}

int iommufd_ranges(struct engine_ioas *as, struct range_list *list)
{
	struct k_iommu_ioas_iova_ranges arg = { .size = sizeof(arg), .ioas_id = as->id };
	struct k_iommu_iova_range *windows = NULL;
	struct iommufd_range *copy_of;
	uint32_t room = 8, asked;
	int r;

	/* The answer to a short array is the number there are; it may grow meanwhile. */
	do {
		void *larger = realloc(windows, room * sizeof(*windows));

		if (!larger) {
			free(windows);
			return -ENOMEM;
		}
		windows = larger;
		memset(windows, 0, room * sizeof(*windows));
		arg.num_iovas = asked = room;
		arg.allowed_iovas = (uintptr_t)windows;
		r = call(as->engine, K_IOMMU_IOAS_IOVA_RANGES, &arg);
		room = arg.num_iovas;
	} while (r == -EMSGSIZE && room > asked && room < UINT32_C(1) << 20);
	if (!r && (arg.num_iovas > asked || !make_sense(windows, arg.num_iovas)))
		r = -EIO;
	copy_of = r ? NULL : calloc(arg.num_iovas ? arg.num_iovas : 1, sizeof(*copy_of));
	if (!r && !copy_of)
		r = -ENOMEM;
	if (!r) {
		for (uint32_t i = 0; i < arg.num_iovas; i++)
			copy_of[i] = (struct iommufd_range){ windows[i].start, windows[i].last };
		free(list->ranges);
		*list = (struct range_list){ copy_of, arg.num_iovas, arg.out_iova_alignment };
	}
	free(windows);
	return r;
}

/* The containers first: what was made last goes first, and is made again from the IOAS. */
static int unmap(struct engine_ioas *as, uint64_t iova, uint64_t last)
{
	int lost = unlikely(as->containers) ? containers_unmap(as, iova, last) : 0, r;

	if (lost && lost != -EUCLEAN)
		return lost;
	r = iommufd_unmap(as, iova, last);
	if (r == -ENOENT && as->containers)
		r = 0; /* it was left in them alone */
	return r ? r : lost;
}

/*
 * Mapping it again tells whether it is still there: EEXIST. A file cannot be
 * mapped again, its descriptor was the caller's; a page of ours tells whether
 * its place is free. If the kernel refuses that too, unmapping answers; only
 * what is certainly gone is lost.
 */
static bool restore_ioas(struct engine_ioas *as, const struct map_entry *m)
{
	uint64_t size = as->engine->core->page_size;
	struct map_entry page = *m;
	void *probe = NULL;
	int r = -ENOMEM;

	if (!engine_va(m)) {
		probe = aligned_alloc(size, size);
		page = (struct map_entry){ .iova = m->iova, .length = size,
					   .va = (uintptr_t)probe, .prot = IOMMUFD_MAP_READ,
					   .kind = MAP_KIND_VA };
	}
	if (engine_va(&page))
		r = map_one(as, &page);
	if (!r && probe)
		iommufd_unmap(as, page.iova, page.iova + (page.length - 1));
	free(probe);
	if (r == -EEXIST || !r)
		return r || engine_va(m);
	r = iommufd_unmap(as, m->iova, m->iova + (m->length - 1));
	return r && r != -ENOENT;
}

static int restore(struct engine_ioas *as, const struct map_entry *m)
{
	uint64_t last = m->iova + (m->length - 1);
	int r;

	if (!restore_ioas(as, m))
		return containers_unmap(as, m->iova, last) ? -EUCLEAN : -ENOENT;
	r = containers_restore(as, m);
	return r == -ENOENT && iommufd_unmap(as, m->iova, last) ? -EUCLEAN : r;
}

static int copy(struct engine_ioas *as, struct engine_ioas *src, uint64_t src_iova,
		const struct map_entry *m)
{
	return map_rest(as, m, iommufd_copy(as, src, src_iova, m));
}

static int ranges(struct engine_ioas *as, struct range_list *list)
{
	struct range_list fresh = { 0 };
	int r = iommufd_ranges(as, &fresh);

	if (!r)
		r = containers_ranges(as, &fresh);
	if (r) {
		free(fresh.ranges);
		return r;
	}
	free(list->ranges);
	*list = fresh;
	return 0;
}

static int allow(struct engine_ioas *as, const struct iommufd_range *list, size_t count)
{
	struct k_iommu_ioas_allow_iovas arg = {
		.size = sizeof(arg), .ioas_id = as->id, .num_iovas = (uint32_t)count,
	};
	struct k_iommu_iova_range *windows = calloc(count ? count : 1, sizeof(*windows));
	int r;

	if (!windows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		windows[i] = (struct k_iommu_iova_range){ list[i].start, list[i].last };
	arg.allowed_iovas = (uintptr_t)windows;
	r = call(as->engine, K_IOMMU_IOAS_ALLOW_IOVAS, &arg);
	free(windows);
	return r;
}

static int option(struct engine *e, struct engine_ioas *as, uint16_t op, enum engine_option o,
		  uint64_t *value)
{
	struct k_iommu_option arg = {
		.size = sizeof(arg),
		.option_id = o == OPTION_RLIMIT_MODE ? K_IOMMU_OPTION_RLIMIT_MODE :
						       K_IOMMU_OPTION_HUGE_PAGES,
		.op = op,
		.object_id = as ? as->id : 0,
		.val64 = *value,
	};
	int r = call(e, K_IOMMU_OPTION, &arg);

	*value = arg.val64;
	return r;
}

static int set_option(struct engine *e, struct engine_ioas *as, enum engine_option o,
		      uint64_t value)
{
	return option(e, as, K_IOMMU_OPTION_OP_SET, o, &value);
}

static int get_option(struct engine *e, struct engine_ioas *as, enum engine_option o,
		      uint64_t *value)
{
	*value = 0;
	return option(e, as, K_IOMMU_OPTION_OP_GET, o, value);
}

static int change_process(struct engine *e)
{
	struct k_iommu_ioas_change_process arg = { .size = sizeof(arg) };

	return call(e, K_IOMMU_IOAS_CHANGE_PROCESS, &arg);
}

static int compat(struct engine *e, enum compat_op op, uint32_t *id)
{
	static const uint16_t ops[] = {
		[COMPAT_GET] = K_IOMMU_VFIO_IOAS_GET,
		[COMPAT_SET] = K_IOMMU_VFIO_IOAS_SET,
		[COMPAT_CLEAR] = K_IOMMU_VFIO_IOAS_CLEAR,
	};
	struct k_iommu_vfio_ioas arg = { .size = sizeof(arg), .op = ops[op], .ioas_id = *id };
	int r = call(e, K_IOMMU_VFIO_IOAS, &arg);

	if (!r)
		*id = arg.ioas_id;
	return r;
}

/* The kernel knows the addresses of what it has pinned: with a device attached. */
static int dma_address(struct engine_ioas *as, uint64_t iova, uint64_t *address,
		       uint64_t *length)
{
	struct k_iommu_ioas_noiommu_get_pa arg = {
		.size = sizeof(arg), .ioas_id = as->id, .iova = iova, .length = *length,
	};
	int r = call(as->engine, K_IOMMU_IOAS_NOIOMMU_GET_PA, &arg);

	if (r)
		return r == -EOPNOTSUPP ? -ENODEV : r;
	if (!arg.length || arg.length > *length)
		return -EIO;
	*address = arg.out_phys;
	*length = arg.length;
	return 0;
}

static int command(struct engine *e, unsigned long request, void *arg)
{
	return call(e, request, arg);
}

const struct engine_ops engine_iommufd = {
	.name = "iommufd",
	.call_names = {
		[ENGINE_IOAS_ALLOC] = "IOMMU_IOAS_ALLOC",
		[ENGINE_IOAS_FREE] = "IOMMU_DESTROY",
		[ENGINE_MAP] = "IOMMU_IOAS_MAP",
		[ENGINE_MAP_FILE] = "IOMMU_IOAS_MAP_FILE",
		[ENGINE_UNMAP] = "IOMMU_IOAS_UNMAP",
		[ENGINE_COPY] = "IOMMU_IOAS_COPY",
		[ENGINE_RANGES] = "IOMMU_IOAS_IOVA_RANGES",
		[ENGINE_ALLOW] = "IOMMU_IOAS_ALLOW_IOVAS",
		[ENGINE_OPTION] = "IOMMU_OPTION",
		[ENGINE_CHANGE_PROCESS] = "IOMMU_IOAS_CHANGE_PROCESS",
		[ENGINE_COMPAT] = "IOMMU_VFIO_IOAS",
		[ENGINE_DIRTY] = "IOMMU_HWPT_SET_DIRTY_TRACKING",
		[ENGINE_READ_DIRTY] = "IOMMU_HWPT_GET_DIRTY_BITMAP",
		[ENGINE_DMA_ADDRESS] = "IOMMU_IOAS_NOIOMMU_GET_PA",
	},
	.probe = probe,
	.ioas_alloc = ioas_alloc,
	.ioas_free = ioas_free,
	.map = map,
	.map_file = map_file,
	.unmap = unmap,
	.restore = restore,
	.copy = copy,
	.ranges = ranges,
	.allow = allow,
	.set_option = set_option,
	.get_option = get_option,
	.change_process = change_process,
	.compat = compat,
	.dma_address = dma_address,
	.dirty_set = iommufd_dirty_set,
	.dirty_read = iommufd_dirty_read,
	.command = command,
	.container = &container_iommufd,
};
