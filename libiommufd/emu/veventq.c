/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Event queues: what happens in a vIOMMU, in the order of sequence numbers. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "emu/viommu.h"
#include "os/mock.h"

#define MAX_DEPTH (1u << 19)

/* As it is read; the last may be a header alone, that tells of loss. */
struct event {
	struct k_iommufd_vevent_header header;
	struct k_iommu_viommu_event_selftest data;
};

struct emu_veventq {
	struct emu_queue queue;
	struct emu_viommu *viommu;
	struct emu_veventq *next;	/* in the vIOMMU */
	uint32_t type;
	uint32_t depth;
	uint32_t sequence;	/* of the next */
	struct event *events;	/* a ring */
	uint32_t first;
	uint32_t nr;
	bool lossy;		/* after them some were lost, up to: */
	uint32_t last_lost;
};

static struct emu_veventq *find(const struct emu_viommu *viommu, uint32_t type)
{
	struct emu_veventq *veventq = viommu->veventqs;

	while (veventq && veventq->type != type)
		veventq = veventq->next;
	return veventq;
}

static void update(struct emu_veventq *veventq)
{
	emu_queue_set_ready(&veventq->queue, veventq->nr || veventq->lossy);
}

void emu_veventq_destroy(struct emu_veventq *veventq)
{
	struct emu_veventq **at = &veventq->viommu->veventqs;

	while (*at != veventq)
		at = &(*at)->next;
	*at = veventq->next;
	veventq->viommu->object.users--;
	emu_object_remove(veventq->queue.iommu, &veventq->queue.object);
	free(veventq->events);
	free(veventq);
}

static int new_veventq(struct emu_viommu *viommu, const struct k_iommu_veventq_alloc *arg,
		       struct emu_veventq **out)
{
	struct emu_veventq *veventq = calloc(1, sizeof(*veventq));
	int fd;

	if (!veventq)
		return -ENOMEM;
	veventq->events = calloc(arg->veventq_depth, sizeof(*veventq->events));
	fd = veventq->events ? emu_queue_open(&veventq->queue, viommu->iommu, EMU_QUEUE_EVENTS)
			     : -ENOMEM;
	if (fd < 0) {
		free(veventq->events);
		free(veventq);
		return fd;
	}
	veventq->viommu = viommu;
	veventq->type = arg->type;
	veventq->depth = arg->veventq_depth;
	veventq->next = viommu->veventqs;
	viommu->veventqs = veventq;
	viommu->object.users++;
	*out = veventq;
	return fd;
}

int emu_cmd_veventq_alloc(struct emu_cmd *cmd)
{
	struct k_iommu_veventq_alloc *arg = cmd->arg;
	struct emu_veventq *veventq = NULL;
	struct emu_viommu *viommu;
	int fd, r;

	if (arg->flags || arg->__reserved || arg->type == K_IOMMU_VEVENTQ_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!arg->veventq_depth || arg->veventq_depth > MAX_DEPTH)
		return -EINVAL;
	viommu = emu_object_get(cmd->iommu, arg->viommu_id, EMU_OBJECT_VIOMMU);
	if (!viommu)
		return -ENOENT;
	if (find(viommu, arg->type))
		return -EEXIST;
	fd = new_veventq(viommu, arg, &veventq);
	if (fd < 0)
		return fd;
	arg->out_veventq_id = veventq->queue.object.id;
	arg->out_veventq_fd = (uint32_t)fd;
	r = emu_cmd_respond(cmd, sizeof(*arg));
	if (r) {
		emu_queue_abort(&veventq->queue, fd);
		emu_veventq_destroy(veventq);
	}
	return r;
}

/* Loss is told of by the gap before the next event, and by a header if there is none. */
int emu_viommu_report(struct emu_viommu *viommu, uint32_t type, uint32_t virt_id)
{
	struct emu_veventq *veventq = find(viommu, type);
	uint32_t sequence;

	if (!veventq)
		return -EOPNOTSUPP;
	sequence = veventq->sequence;
	veventq->sequence = (sequence + 1) & INT_MAX;
	veventq->lossy = veventq->nr == veventq->depth;
	if (veventq->lossy)
		veventq->last_lost = sequence;
	else
		veventq->events[(veventq->first + veventq->nr++) % veventq->depth] =
			(struct event){ { 0, sequence }, { virt_id } };
	update(veventq);
	return 0;
}

static int take_event(struct emu_veventq *veventq, uint64_t user, size_t room)
{
	const struct event *event = &veventq->events[veventq->first];
	int r;

	if (room < sizeof(*event))
		return -EINVAL;
	r = emu_user_write(user, event, sizeof(*event));
	if (r)
		return r;
	veventq->first = (veventq->first + 1) % veventq->depth;
	veventq->nr--;
	return sizeof(*event);
}

static int take_loss(struct emu_veventq *veventq, uint64_t user, size_t room)
{
	const struct k_iommufd_vevent_header header = { K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS,
							veventq->last_lost };
	int r;

	if (room < sizeof(header))
		return -EINVAL;
	r = emu_user_write(user, &header, sizeof(header));
	if (r)
		return r;
	veventq->lossy = false;
	return sizeof(header);
}

ssize_t emu_veventq_read(struct emu_veventq *veventq, uint64_t user, size_t n)
{
	size_t done = 0;
	int r = 0;

	if (n < sizeof(struct k_iommufd_vevent_header))
		return -EINVAL;
	while (veventq->nr || veventq->lossy) {
		r = veventq->nr ? take_event(veventq, user + done, n - done)
				: take_loss(veventq, user + done, n - done);
		if (r < 0)
			break;
		done += (size_t)r;
	}
	update(veventq);
	return done ? (ssize_t)done : r;
}
