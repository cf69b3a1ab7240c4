/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Life of a fault queue. */
#include "object/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/opts.h"
#include "object/command.h"

static int alloc(struct iommufd_fault_queue *queue, struct iommufd_ctx *ctx)
{
	struct k_iommu_fault_alloc arg = { .size = sizeof(arg) };
	int r = command(ctx, K_IOMMU_FAULT_QUEUE_ALLOC, &arg);

	if (r)
		return err_kernel(r, KNOWN(-EMFILE, -ENFILE, -ENOMEM), "IOMMU_FAULT_QUEUE_ALLOC",
				  "fault queue", "close descriptors, or raise the limit on them",
				  "the queue cannot be made");
	queue->id = arg.out_fault_id;
	queue->fd = (int)arg.out_fault_fd;
	return 0;
}

void fault_queue_enter(struct iommufd_fault_queue *queue, struct iommufd_ctx *ctx)
{
	object_init(&queue->obj, OBJECT_FAULT_QUEUE);
	snprintf(queue->object, sizeof(queue->object), "fault queue %u", queue->id);
	pthread_mutex_init(&queue->lock, NULL);
	queue->ctx = iommufd_ctx_ref(ctx);
	ctx_enter(ctx, &queue->member, &queue->obj);
}

static int fault_queue_new(struct iommufd_ctx *ctx, const char *function,
			   const struct iommufd_fault_queue_opts *given,
			   struct iommufd_fault_queue **out)
{
	struct iommufd_fault_queue_opts opts;
	struct iommufd_fault_queue *queue;
	int r = opts_get(function, &opts, sizeof(opts), given);

	if (!r)
		r = opts_flags(function, opts.flags, 0);
	if (!r)
		r = command_check(ctx, function, IOMMUFD_CAP_FAULT_QUEUE, "fault queues");
	if (r)
		return r;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return err_nomem(function, "fault queue");
	r = alloc(queue, ctx);
	if (r) {
		free(queue);
		return r;
	}
	fault_queue_enter(queue, ctx);
	log_debug(&ctx->core.log, "%s: %s", function, queue->object);
	*out = queue;
	return 0;
}

IOMMUFD_EXPORT int iommufd_fault_queue_new(struct iommufd_ctx *ctx,
					   const struct iommufd_fault_queue_opts *opts,
					   struct iommufd_fault_queue **out)
{
	int r;

	if (out)
		*out = NULL;
	r = ctx_check(ctx, __func__);
	if (r)
		return r;
	r = out ? fault_queue_new(ctx, __func__, opts, out) : err_null(__func__, "out");
	return err_log(&ctx->core.log, r);
}

/* The kernel lets go of a queue only when its descriptor is closed. */
static void destroy(struct iommufd_fault_queue *queue)
{
	struct iommufd_ctx *ctx = queue->ctx;

	sys_close(ctx->core.sys, &queue->fd);
	command_destroyed(ctx, queue->object, command_destroy(ctx, queue->id));
	ctx_leave(ctx, &queue->member);
	queue->obj.kind = OBJECT_FREED;
	pthread_mutex_destroy(&queue->lock);
	free(queue->records);
	free(queue->waiting);
	free(queue);
	iommufd_ctx_unref(ctx);
}

IOMMUFD_EXPORT struct iommufd_fault_queue *
iommufd_fault_queue_ref(struct iommufd_fault_queue *queue)
{
	if (queue && object_was(&queue->obj, OBJECT_FAULT_QUEUE))
		object_ref(&queue->obj);
	return queue;
}

IOMMUFD_EXPORT struct iommufd_fault_queue *
iommufd_fault_queue_unref(struct iommufd_fault_queue *queue)
{
	if (queue && object_was(&queue->obj, OBJECT_FAULT_QUEUE) && object_unref(&queue->obj))
		destroy(queue);
	return NULL;
}

IOMMUFD_EXPORT int iommufd_fault_queue_get_fd(struct iommufd_fault_queue *queue)
{
	int r = fault_queue_check(queue, __func__);

	return r ? r : queue->fd;
}
