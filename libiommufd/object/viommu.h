/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_VIOMMU_H
#define OBJECT_VIOMMU_H

#include <libiommufd/viommu.h>

#include "object/hwpt.h"

struct iommufd_hw_queue;
struct viommu_map;

struct iommufd_viommu {
	struct object obj;
	struct iommufd_ctx *ctx;     /* held */
	struct member member;
	struct iommufd_hwpt *parent; /* held */
	uint32_t id;
	char object[24];             /* "vIOMMU ID", for error records */

	/*
	 * All that follows; taken before the IOAS's. References to its hardware queues
	 * are given back under it, so one that is found in the list lives.
	 */
	pthread_mutex_t lock;
	struct viommu_map *maps;
	struct iommufd_hw_queue *queues;
};

/* The kernel has it, by viommu->id: one of the context and on its parent, with a reference. */
void viommu_enter(struct iommufd_viommu *viommu);

static inline int viommu_check(const struct iommufd_viommu *viommu, const char *function)
{
	return viommu && object_is(&viommu->obj, OBJECT_VIOMMU) ?
		       0 : err_handle(function, "vIOMMU");
}

#endif
