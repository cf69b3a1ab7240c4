/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What an address space holds, and what it has room for. */
#include <errno.h>

#include "backend/container.h"
#include "base/opts.h"
#include "object/ioas.h"

typedef unsigned long long ull; /* for printf */

static int ask_engine(struct iommufd_ioas *ioas, struct engine_facts *facts)
{
	const struct engine_ops *ops = ioas->as.engine->ops;

	*facts = (struct engine_facts){ .entries_left = UINT64_MAX };
	return ops->facts ? ops->facts(&ioas->as, facts) : 0;
}

bool ioas_is_limited(struct iommufd_ioas *ioas)
{
	struct engine_facts facts;

	return !ask_engine(ioas, &facts) && facts.entries_left != UINT64_MAX;
}

int ioas_budget_refused(struct iommufd_ioas *ioas, enum engine_call call)
{
	struct engine_facts facts;

	if (ask_engine(ioas, &facts))
		facts.entries_left = 0;
	return err(-ENOSPC, ioas_call(ioas, call), ioas->object,
		   "map larger pieces, or neighbours as one (IOMMUFD_MAP_COALESCE, IOMMUFD_IOAS_COALESCE); or raise vfio_iommu_type1.dma_entry_limit",
		   "the container's budget of mappings is used up: %llu are made, %llu may still be",
		   (ull)iova_map_count(ioas->map), (ull)facts.entries_left);
}

static uint32_t times_pinned(const struct iommufd_ioas *ioas)
{
	uint32_t count = 0;

	if (engine_has(ioas->as.engine, IOMMUFD_CAP_COPY))
		return ioas->attached ? 1 : 0;
	for (const struct container *c = ioas->as.containers; c; c = c->next)
		count++;
	return count;
}

static int get_info(struct iommufd_ioas *ioas, const char *function, struct iommufd_ioas_info *info)
{
	struct engine_facts facts;
	int r = ioas_fresh_ranges(ioas, function);

	if (r)
		return r;
	r = ask_engine(ioas, &facts);
	if (r)
		return err_kernel(r, KNOWN(-ENOMEM), ioas_call(ioas, ENGINE_RANGES), ioas->object,
				  "look into the kernel's log",
				  "%s cannot read what a container has room for", function);
	*info = (struct iommufd_ioas_info){
		.flags = ioas->flags,
		.page_sizes = facts.page_sizes,
		.align = ioas->ranges.align,
		.entries_left = facts.entries_left,
		.mappings = iova_map_count(ioas->map),
		.bytes = iova_map_bytes(ioas->map),
		.attached = ioas->attached,
		.containers = times_pinned(ioas),
	};
	return 0;
}

IOMMUFD_EXPORT int iommufd_ioas_get_info(struct iommufd_ioas *ioas,
					 struct iommufd_ioas_info *info)
{
	struct iommufd_ioas_info known;
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	pthread_mutex_lock(&ioas->lock);
	r = get_info(ioas, __func__, &known);
	pthread_mutex_unlock(&ioas->lock);
	if (!r)
		r = opts_put(__func__, info, &known, sizeof(known));
	return err_log(&ioas->ctx->core.log, r);
}
