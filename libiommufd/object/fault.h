/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_FAULT_H
#define OBJECT_FAULT_H

#include <libiommufd/fault.h>

#include "object/ctx.h"
#include "os/uapi.h"

/*
 * The kernel numbers the groups that wait for an answer, and gives a number anew
 * once its group is answered; it answers by itself when a device leaves, and says
 * so to nobody. An id is therefore that number below and a count above it.
 */
struct iommufd_fault_queue {
	struct object obj;
	struct iommufd_ctx *ctx; /* held */
	struct member member;
	uint32_t id;             /* the kernel's */
	int fd;
	char object[32];         /* "fault queue ID", for error records */

	pthread_mutex_t lock;    /* all that follows */
	struct k_iommu_hwpt_pgfault *records; /* read and not given out: count from first on */
	size_t room, first, count;
	uint64_t *waiting;       /* ids of groups without an answer, by the kernel's number */
	size_t waiting_room, nr_waiting;
	uint32_t groups;         /* ever read; it may wrap */
};

static inline int fault_queue_check(const struct iommufd_fault_queue *queue, const char *function)
{
	return queue && object_is(&queue->obj, OBJECT_FAULT_QUEUE) ?
		       0 : err_handle(function, "fault queue");
}

/* fault.c: the kernel has it, by queue->id and queue->fd: one of the context, with a reference. */
void fault_queue_enter(struct iommufd_fault_queue *queue, struct iommufd_ctx *ctx);

#endif
