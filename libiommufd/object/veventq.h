/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_VEVENTQ_H
#define OBJECT_VEVENTQ_H

#include <libiommufd/veventq.h>

#include "object/viommu.h"
#include "os/uapi.h"

#define VEVENT_SIZE_MAX 4096u

struct iommufd_veventq {
	struct object obj;
	struct iommufd_viommu *viommu; /* held */
	struct member member;
	uint32_t id;
	int fd;
	uint32_t event_size;
	char object[24];               /* "vEVENTQ ID", for error records */

	pthread_mutex_t lock;          /* what follows */
	uint32_t sequence;             /* of the last event that was read or lost */
	struct k_iommufd_vevent_header buffer[]; /* one, and its event */
};

/* One that the kernel does not know yet, or NULL and a record. */
struct iommufd_veventq *veventq_alloc(const char *function, struct iommufd_viommu *viommu,
				      uint32_t event_size);
/* The kernel has it now, by veventq->id and veventq->fd: one of the context, with a reference. */
void veventq_enter(struct iommufd_veventq *veventq);

#endif
