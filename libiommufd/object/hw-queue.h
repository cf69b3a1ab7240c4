/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_HW_QUEUE_H
#define OBJECT_HW_QUEUE_H

#include <libiommufd/hw_queue.h>

#include "object/viommu.h"

struct iommufd_hw_queue {
	struct object obj;
	struct iommufd_viommu *viommu;  /* held */
	struct member member;
	struct iommufd_hw_queue *below; /* held: the one of the next lower index, or NULL */
	struct iommufd_hw_queue *next;  /* of the vIOMMU, under its lock */
	struct ioas_hold hold;          /* keeps the memory mapped */
	uint32_t type, index, id;
	int stays;                      /* why the kernel kept it when it was to go, or 0 */
	char object[24];                /* "hw queue ID", for error records */
};

/*
 * The kernel has it, by queue->id: one of the context, with a reference. -EEXIST: its
 * vIOMMU has one of this type and index.
 */
int hw_queue_adopt(struct iommufd_hw_queue *queue, uint64_t iova, uint64_t last);

#endif
