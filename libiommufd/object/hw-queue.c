/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Queues that an IOMMU reads by itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "object/command.h"
#include "object/hw-queue.h"

_Static_assert((int)IOMMUFD_HW_QUEUE_TEGRA241_CMDQV == K_IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV,
	       "types are the kernel's numbers");

typedef unsigned long long ull; /* for printf */

/* The vIOMMU's lock held. */
static struct iommufd_hw_queue *find(const struct iommufd_viommu *viommu, uint32_t type,
				     uint32_t index)
{
	struct iommufd_hw_queue *q;

	for (q = viommu->queues; q; q = q->next)
		if (q->type == type && q->index == index)
			break;
	return q;
}

/* The kernel would say the same, but not where. IOAS lock held. */
static int check_mapped(struct iommufd_ioas *ioas, const char *function, uint64_t iova,
			uint64_t last)
{
	struct map_entry m;

	for (uint64_t at = iova;; at = m.iova + m.length) {
		if (!iova_map_find(ioas->map, at, &m))
			return err(-ENOENT, function, ioas->object, "map the guest's memory first",
				   "the queue is at iova %#llx..%#llx, and nothing is mapped at %#llx",
				   (ull)iova, (ull)last, (ull)at);
		if (!(m.prot & IOMMUFD_MAP_READ))
			return err(-EPERM, function, ioas->object, "map it with IOMMUFD_MAP_READ",
				   "the queue is at iova %#llx..%#llx, and %#llx may not be read",
				   (ull)iova, (ull)last, (ull)at);
		if (m.iova + (m.length - 1) >= last)
			return 0;
	}
}

static int refused(const struct iommufd_hw_queue *queue, int r,
		   const struct k_iommu_hw_queue_alloc *arg)
{
	if (r == -EIO)
		return err(r, "IOMMU_HW_QUEUE_ALLOC", queue->viommu->object,
			   "make queues in the order of their indices, from 0",
			   "queue %u of type %#x wants the one below it", arg->index, arg->type);
	return err_kernel(r, KNOWN(-EINVAL, -EOPNOTSUPP, -EFAULT, -EEXIST, -ENOMEM, -ENOENT,
				   -EPERM),
			  "IOMMU_HW_QUEUE_ALLOC", queue->viommu->object,
			  r == -EFAULT ? "back the queue with one page, or a huge page" :
			  r == -EEXIST ? "give back that queue, and those above it" :
			  r == -EOPNOTSUPP ? "name a type that the vIOMMU has" :
			  r == -EINVAL ?
			  "look at what the hardware wants of index, address and length" :
			  "look into the kernel's log",
			  "queue %u of type %#x at iova %#llx, %#llx bytes, is refused%s",
			  arg->index, arg->type, (ull)arg->nesting_parent_iova, (ull)arg->length,
			  r == -EFAULT ? ": the memory is not contiguous" : "");
}

/* The kernel has it now. The vIOMMU's lock and the IOAS's held. */
static void enter(struct iommufd_hw_queue *queue, uint64_t iova, uint64_t last)
{
	struct iommufd_viommu *viommu = queue->viommu;

	object_init(&queue->obj, OBJECT_HW_QUEUE);
	snprintf(queue->object, sizeof(queue->object), "hw queue %u", queue->id);
	queue->hold = (struct ioas_hold){ .iova = iova, .last = last, .object = queue->object };
	ioas_hold(viommu->parent->ioas, &queue->hold);
	if (queue->index)
		queue->below = iommufd_hw_queue_ref(find(viommu, queue->type, queue->index - 1));
	queue->next = viommu->queues;
	viommu->queues = queue;
	iommufd_viommu_ref(viommu);
	ctx_enter(viommu->ctx, &queue->member, &queue->obj);
}

/* The vIOMMU's lock and the IOAS's held. */
static int alloc(struct iommufd_hw_queue *queue, const char *function, uint64_t iova,
		 uint64_t length)
{
	struct iommufd_viommu *viommu = queue->viommu;
	struct iommufd_ioas *ioas = viommu->parent->ioas;
	struct k_iommu_hw_queue_alloc arg = {
		.size = sizeof(arg), .viommu_id = viommu->id, .type = queue->type,
		.index = queue->index, .nesting_parent_iova = iova, .length = length,
	};
	int r = check_mapped(ioas, function, iova, iova + (length - 1));

	if (!r) {
		r = command(viommu->ctx, K_IOMMU_HW_QUEUE_ALLOC, &arg);
		if (r)
			r = refused(queue, r, &arg);
	}
	if (r)
		return r;
	queue->id = arg.out_hw_queue_id;
	enter(queue, iova, iova + (length - 1));
	return 0;
}

static int make(struct iommufd_hw_queue *queue, const char *function, uint64_t iova,
		uint64_t length)
{
	struct iommufd_viommu *viommu = queue->viommu;
	struct iommufd_ioas *ioas = viommu->parent->ioas;
	int r;

	pthread_mutex_lock(&viommu->lock);
	pthread_mutex_lock(&ioas->lock);
	r = alloc(queue, function, iova, length);
	pthread_mutex_unlock(&ioas->lock);
	pthread_mutex_unlock(&viommu->lock);
	return r;
}

int hw_queue_adopt(struct iommufd_hw_queue *queue, uint64_t iova, uint64_t last)
{
	struct iommufd_viommu *viommu = queue->viommu;
	struct iommufd_ioas *ioas = viommu->parent->ioas;
	bool taken;

	pthread_mutex_lock(&viommu->lock);
	pthread_mutex_lock(&ioas->lock);
	taken = find(viommu, queue->type, queue->index);
	if (!taken)
		enter(queue, iova, last);
	pthread_mutex_unlock(&ioas->lock);
	pthread_mutex_unlock(&viommu->lock);
	return taken ? -EEXIST : 0;
}

static int check_range(const char *function, uint64_t iova, uint64_t length)
{
	if (!length)
		return err(-EINVAL, function, "length", "give the queue some bytes",
			   "the length is 0");
	if (iova + (length - 1) < iova)
		return err(-EOVERFLOW, function, "length", "keep iova + length within 64 bits",
			   "iova %#llx with length %#llx wraps around", (ull)iova, (ull)length);
	return 0;
}

static int hw_queue_new(struct iommufd_viommu *viommu, const char *function, uint32_t type,
			uint32_t index, uint64_t iova, uint64_t length,
			struct iommufd_hw_queue **out)
{
	struct iommufd_hw_queue *queue;
	int r = check_range(function, iova, length);

	if (!r)
		r = command_check(viommu->ctx, function, IOMMUFD_CAP_HW_QUEUE, "hardware queues");
	if (r)
		return r;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return err_nomem(function, "hw queue");
	queue->viommu = viommu;
	queue->type = type;
	queue->index = index;
	r = make(queue, function, iova, length);
	if (r) {
		free(queue);
		return r;
	}
	*out = queue;
	return 0;
}

IOMMUFD_EXPORT int iommufd_hw_queue_new(struct iommufd_viommu *viommu, uint32_t type,
					uint32_t index, uint64_t iova, uint64_t length,
					struct iommufd_hw_queue **out)
{
	int r;

	if (out)
		*out = NULL;
	r = viommu_check(viommu, __func__);
	if (r)
		return r;
	r = out ? hw_queue_new(viommu, __func__, type, index, iova, length, out) :
		  err_null(__func__, "out");
	return err_log(&viommu->ctx->core.log, r);
}

IOMMUFD_EXPORT struct iommufd_hw_queue *iommufd_hw_queue_ref(struct iommufd_hw_queue *queue)
{
	if (queue && object_was(&queue->obj, OBJECT_HW_QUEUE))
		object_ref(&queue->obj);
	return queue;
}

/* The vIOMMU's lock held. */
static void leave(struct iommufd_hw_queue *queue, bool lock)
{
	struct iommufd_viommu *viommu = queue->viommu;
	struct iommufd_ioas *ioas = viommu->parent->ioas;
	struct iommufd_hw_queue **at;

	for (at = &viommu->queues; *at != queue; at = &(*at)->next)
		;
	*at = queue->next;
	queue->stays = command_destroy(viommu->ctx, queue->id);
	if (lock)
		pthread_mutex_lock(&ioas->lock);
	ioas_let_go(ioas, &queue->hold);
	if (lock)
		pthread_mutex_unlock(&ioas->lock);
}

static void free_queue(struct iommufd_hw_queue *queue)
{
	struct iommufd_viommu *viommu = queue->viommu;

	command_destroyed(viommu->ctx, queue->object, queue->stays);
	ctx_leave(viommu->ctx, &queue->member);
	queue->obj.kind = OBJECT_FREED;
	free(queue);
	iommufd_viommu_unref(viommu);
}

IOMMUFD_EXPORT struct iommufd_hw_queue *iommufd_hw_queue_unref(struct iommufd_hw_queue *queue)
{
	struct iommufd_hw_queue *gone = NULL, *q = queue;
	struct iommufd_viommu *viommu;
	bool lock;

	if (!queue || !object_was(&queue->obj, OBJECT_HW_QUEUE))
		return NULL;
	viommu = iommufd_viommu_ref(queue->viommu);
	lock = !core_is_forked(&viommu->ctx->core);
	if (lock)
		pthread_mutex_lock(&viommu->lock);
	for (; q && object_unref(&q->obj); q = q->below) {
		leave(q, lock);
		q->next = gone;
		gone = q;
	}
	if (lock)
		pthread_mutex_unlock(&viommu->lock);
	while (gone) {
		q = gone;
		gone = q->next;
		free_queue(q);
	}
	iommufd_viommu_unref(viommu);
	return NULL;
}
