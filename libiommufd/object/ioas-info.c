/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What an address space holds, and what it has room for. */
#include <errno.h>

#include "object/ioas.h"

typedef unsigned long long ull; /* for printf */

/* An engine without limits tells none. */
void ioas_facts(struct iommufd_ioas *ioas, struct engine_facts *facts)
{
	const struct engine_ops *ops = ioas->as.engine->ops;

	if (!ops->facts || ops->facts(&ioas->as, facts))
		*facts = (struct engine_facts){ .entries_left = UINT64_MAX };
}

bool ioas_is_limited(struct iommufd_ioas *ioas)
{
	struct engine_facts facts;

	ioas_facts(ioas, &facts);
	return facts.entries_left != UINT64_MAX;
}

int ioas_budget_refused(struct iommufd_ioas *ioas, enum engine_call call)
{
	struct engine_facts facts;

	ioas_facts(ioas, &facts);
	return err(-ENOSPC, ioas_call(ioas, call), ioas->object,
		   "map larger pieces, or neighbours as one (IOMMUFD_MAP_COALESCE, IOMMUFD_IOAS_COALESCE); or raise vfio_iommu_type1.dma_entry_limit",
		   "the container's budget of mappings is used up: %llu are made, %llu may still be",
		   (ull)iova_map_count(ioas->map), (ull)facts.entries_left);
}
