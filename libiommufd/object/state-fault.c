/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Fault queues in a blob, with the faults that wait here and not in the kernel. */
#include <errno.h>
#include <stdlib.h>

#include "object/fault.h"
#include "object/state.h"

enum { RECORD_SIZE = 40 };

static void write_record(struct state_out *out, const struct k_iommu_hwpt_pgfault *k)
{
	state_put32(out, k->flags);
	state_put32(out, k->dev_id);
	state_put32(out, k->pasid);
	state_put32(out, k->grpid);
	state_put32(out, k->perm);
	state_put32(out, k->length);
	state_put64(out, k->addr);
	state_put32(out, k->cookie);
	state_put32(out, 0);
}

static int write_queue(struct state_out *out, const struct object *object)
{
	struct iommufd_fault_queue *queue = container_of((struct object *)(uintptr_t)object,
							 struct iommufd_fault_queue, obj);

	pthread_mutex_lock(&queue->lock);
	state_put32(out, queue->id);
	state_put_fd(out, queue->fd);
	state_put32(out, queue->groups);
	state_put64(out, queue->nr_waiting);
	for (size_t i = 0; i < queue->nr_waiting; i++)
		state_put64(out, queue->waiting[i]);
	state_put64(out, queue->count);
	for (size_t i = 0; i < queue->count; i++)
		write_record(out, &queue->records[queue->first + i]);
	pthread_mutex_unlock(&queue->lock);
	return 0;
}

/* In the order of the kernel's numbers, each once. */
static int read_waiting(struct state_in *in, struct iommufd_fault_queue *queue)
{
	uint64_t count = state_get_count(in, sizeof(uint64_t));

	queue->waiting = count ? malloc(count * sizeof(*queue->waiting)) : NULL;
	if (count && !queue->waiting)
		return err_nomem(in->function, "fault queue");
	queue->waiting_room = queue->nr_waiting = (size_t)count;
	for (size_t i = 0; i < count; i++) {
		queue->waiting[i] = state_get64(in);
		if (i && (uint32_t)queue->waiting[i] <= (uint32_t)queue->waiting[i - 1])
			return state_bad(in, "the groups of a fault queue are out of order");
	}
	return 0;
}

static int read_records(struct state_in *in, struct iommufd_fault_queue *queue)
{
	uint64_t count = state_get_count(in, RECORD_SIZE);

	queue->records = count ? calloc(count, sizeof(*queue->records)) : NULL;
	if (count && !queue->records)
		return err_nomem(in->function, "fault queue");
	queue->room = queue->count = (size_t)count;
	for (size_t i = 0; i < count; i++) {
		struct k_iommu_hwpt_pgfault *k = &queue->records[i];

		k->flags = state_get32(in);
		k->dev_id = state_get32(in);
		k->pasid = state_get32(in);
		k->grpid = state_get32(in);
		k->perm = state_get32(in);
		k->length = state_get32(in);
		k->addr = state_get64(in);
		k->cookie = state_get32(in);
		if (state_get32(in))
			return state_bad(in, "a fault makes no sense");
	}
	return 0;
}

static int read_queue(struct state_in *in, struct object **object, uint32_t *id)
{
	struct iommufd_fault_queue *queue = calloc(1, sizeof(*queue));
	int fd, r;

	if (!queue)
		return err_nomem(in->function, "fault queue");
	queue->id = *id = state_get32(in);
	r = state_get_fd(in, &fd);
	queue->groups = state_get32(in);
	if (!r)
		r = read_waiting(in, queue);
	if (!r)
		r = read_records(in, queue);
	if (!r)
		r = state_done(in);
	if (!r)
		r = state_check_id(in, &state_fault_queue, *id);
	if (!r)
		r = state_take_fd(in, fd);
	if (r < 0) {
		free(queue->waiting);
		free(queue->records);
		free(queue);
		return r;
	}
	queue->fd = r;
	fault_queue_enter(queue, in->import->ctx);
	*object = &queue->obj;
	return 0;
}

static void unref(struct object *object)
{
	iommufd_fault_queue_unref(container_of(object, struct iommufd_fault_queue, obj));
}

const struct state_type state_fault_queue = {
	.kind = IOMMUFD_IMPORT_FAULT_QUEUE,
	.object = OBJECT_FAULT_QUEUE,
	.name = "fault queue",
	.write = write_queue,
	.read = read_queue,
	.unref = unref,
};
