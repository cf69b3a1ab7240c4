/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the noiommu engine and its containers share. */
#ifndef BACKEND_CONTAINER_NOIOMMU_H
#define BACKEND_CONTAINER_NOIOMMU_H

#include "backend/container.h"
#include "backend/locked.h"

/* The engine's own. */
struct noiommu {
	struct locked *locked;
	int pagemap; /* /proc/self/pagemap, or -errno */
};

static inline struct noiommu *noiommu_of(const struct engine *e)
{
	return e->own;
}

/* Does @c hold the mapping that has @iova? It may repeat the address space and lack this one. */
bool noiommu_holds(const struct container *c, uint64_t iova);

extern const struct container_ops container_noiommu;

#endif
