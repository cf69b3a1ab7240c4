/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Events of vIOMMUs. One is read at a time: the kernel does not say where one ends
 * and the next begins, and the descriptor stays readable as long as there is one.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/opts.h"
#include "object/command.h"
#include "object/veventq.h"

_Static_assert((int)IOMMUFD_VEVENT_SMMUV3 == K_IOMMU_VEVENTQ_TYPE_ARM_SMMUV3 &&
	       (int)IOMMUFD_VEVENT_TEGRA241_CMDQV == K_IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV,
	       "types are the kernel's numbers");
_Static_assert(sizeof(struct iommufd_vevent_smmuv3) == sizeof(struct k_iommu_vevent_arm_smmuv3) &&
	       sizeof(struct iommufd_vevent_tegra241_cmdqv) ==
		       sizeof(struct k_iommu_vevent_tegra241_cmdqv),
	       "the kernel fills the caller's events as they are");

static int veventq_check(const struct iommufd_veventq *veventq, const char *function)
{
	return veventq && object_is(&veventq->obj, OBJECT_VEVENTQ) ?
		       0 : err_handle(function, "vEVENTQ");
}

static int check_size(const char *function, uint32_t type, uint32_t *size)
{
	uint32_t known = type == IOMMUFD_VEVENT_SMMUV3 ? sizeof(struct iommufd_vevent_smmuv3) :
			 type == IOMMUFD_VEVENT_TEGRA241_CMDQV ?
				 sizeof(struct iommufd_vevent_tegra241_cmdqv) : 0;

	if (!*size)
		*size = known;
	if (*size && *size <= VEVENT_SIZE_MAX && (!known || *size == known))
		return 0;
	return err(-EINVAL, function, "opts.event_size",
		   "give the size of the type's events, or 0 if this release knows the type",
		   "events of type %#x cannot have %u bytes", type, *size);
}

struct iommufd_veventq *veventq_alloc(const char *function, struct iommufd_viommu *viommu,
				      uint32_t event_size)
{
	struct iommufd_veventq *veventq =
		calloc(1, sizeof(*veventq) + sizeof(*veventq->buffer) + event_size);

	if (!veventq) {
		err_nomem(function, "vEVENTQ");
		return NULL;
	}
	veventq->viommu = viommu;
	veventq->event_size = event_size;
	veventq->sequence = INT_MAX; /* the first is 0 */
	return veventq;
}

static int alloc(struct iommufd_veventq *veventq, uint32_t type, uint32_t depth)
{
	struct iommufd_viommu *viommu = veventq->viommu;
	struct k_iommu_veventq_alloc arg = {
		.size = sizeof(arg), .viommu_id = viommu->id, .type = type, .veventq_depth = depth,
	};
	int r = command(viommu->ctx, K_IOMMU_VEVENTQ_ALLOC, &arg);

	if (r)
		return err_kernel(r, KNOWN(-EINVAL, -EOPNOTSUPP, -EEXIST, -EMFILE, -ENFILE,
					   -ENOMEM),
				  "IOMMU_VEVENTQ_ALLOC", viommu->object,
				  r == -EEXIST ? "use the queue that is there" :
				  r == -EMFILE || r == -ENFILE ?
				  "close descriptors, or raise the limit on them" :
				  "name a type that is not 0, and a depth of 1 to 524288",
				  "no queue for events of type %#x, %u deep", type, depth);
	veventq->id = arg.out_veventq_id;
	veventq->fd = (int)arg.out_veventq_fd;
	return 0;
}

void veventq_enter(struct iommufd_veventq *veventq)
{
	object_init(&veventq->obj, OBJECT_VEVENTQ);
	snprintf(veventq->object, sizeof(veventq->object), "vEVENTQ %u", veventq->id);
	pthread_mutex_init(&veventq->lock, NULL);
	iommufd_viommu_ref(veventq->viommu);
	ctx_enter(veventq->viommu->ctx, &veventq->member, &veventq->obj);
}

static int veventq_new(struct iommufd_viommu *viommu, const char *function, uint32_t type,
		       uint32_t depth, const struct iommufd_veventq_opts *given,
		       struct iommufd_veventq **out)
{
	struct iommufd_veventq_opts opts;
	struct iommufd_veventq *veventq;
	int r = opts_get(function, &opts, sizeof(opts), given);

	if (!r)
		r = opts_flags(function, opts.flags, 0);
	if (!r)
		r = command_check(viommu->ctx, function, IOMMUFD_CAP_VEVENTQ, "vEVENTQs");
	if (!r && type)
		r = check_size(function, type, &opts.event_size);
	if (r)
		return r;
	veventq = veventq_alloc(function, viommu, opts.event_size);
	if (!veventq)
		return -ENOMEM;
	r = alloc(veventq, type, depth);
	if (r) {
		free(veventq);
		return r;
	}
	veventq_enter(veventq);
	*out = veventq;
	return 0;
}

IOMMUFD_EXPORT int iommufd_veventq_new(struct iommufd_viommu *viommu, uint32_t type,
				       uint32_t depth, const struct iommufd_veventq_opts *opts,
				       struct iommufd_veventq **out)
{
	int r;

	if (out)
		*out = NULL;
	r = viommu_check(viommu, __func__);
	if (r)
		return r;
	r = out ? veventq_new(viommu, __func__, type, depth, opts, out) : err_null(__func__, "out");
	return err_log(&viommu->ctx->core.log, r);
}

static void destroy(struct iommufd_veventq *veventq)
{
	struct iommufd_ctx *ctx = veventq->viommu->ctx;

	sys_close(ctx->core.sys, &veventq->fd);
	command_destroyed(ctx, veventq->object, command_destroy(ctx, veventq->id));
	ctx_leave(ctx, &veventq->member);
	veventq->obj.kind = OBJECT_FREED;
	pthread_mutex_destroy(&veventq->lock);
	iommufd_viommu_unref(veventq->viommu);
	free(veventq);
}

IOMMUFD_EXPORT struct iommufd_veventq *iommufd_veventq_ref(struct iommufd_veventq *veventq)
{
	if (veventq && object_was(&veventq->obj, OBJECT_VEVENTQ))
		object_ref(&veventq->obj);
	return veventq;
}

IOMMUFD_EXPORT struct iommufd_veventq *iommufd_veventq_unref(struct iommufd_veventq *veventq)
{
	if (veventq && object_was(&veventq->obj, OBJECT_VEVENTQ) && object_unref(&veventq->obj))
		destroy(veventq);
	return NULL;
}

IOMMUFD_EXPORT int iommufd_veventq_get_fd(struct iommufd_veventq *veventq)
{
	int r = veventq_check(veventq, __func__);

	return r ? r : veventq->fd;
}

/* -- reading */

static int senseless(const struct iommufd_veventq *veventq, ssize_t n)
{
	return err(-EIO, "read", veventq->object,
		   "check opts.event_size, and report it to the kernel's maintainers if that is right",
		   "%zd bytes, flags %#x and number %u are no event of %u bytes", n,
		   veventq->buffer->flags, veventq->buffer->sequence, veventq->event_size);
}

/* No event follows those that were lost. */
static bool is_alone(const struct k_iommufd_vevent_header *header)
{
	return header->flags & K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS;
}

/* What the kernel says next into the buffer; 1 for nothing. */
static int take(struct iommufd_veventq *veventq)
{
	struct k_iommufd_vevent_header *header = veventq->buffer;
	size_t whole = sizeof(*header) + veventq->event_size;
	ssize_t n, right;

	*header = (struct k_iommufd_vevent_header){ 0 };
	n = sys_read(veventq->viommu->ctx->core.sys, veventq->fd, header, whole);
	if (!n || n == -EAGAIN)
		return 1;
	if (n == -EINVAL)
		return err(-EIO, "read", veventq->object, "give their size in opts.event_size",
			   "events are larger than %u bytes", veventq->event_size);
	if (n < 0)
		return err_kernel((int)n, KNOWN(-ENOMEM), "read", veventq->object,
				  "look into the kernel's log", "the events cannot be read");
	right = (ssize_t)(is_alone(header) ? sizeof(*header) : whole);
	if (n != right || header->sequence > INT_MAX ||
	    header->flags & ~(uint32_t)K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS)
		return senseless(veventq, n);
	return 0;
}

/* Each number that was passed over is a lost event; the numbers go round. 1: nothing new. */
static int read_event(struct iommufd_veventq *veventq, struct iommufd_vevent *event)
{
	uint32_t passed;
	bool alone;
	int r = take(veventq);

	if (r)
		return r;
	alone = is_alone(veventq->buffer);
	event->sequence = veventq->buffer->sequence;
	passed = (event->sequence - veventq->sequence) & INT_MAX;
	event->lost = alone ? passed : (passed - 1) & INT_MAX;
	event->length = alone ? 0 : veventq->event_size;
	veventq->sequence = event->sequence;
	if (event->length)
		memcpy(event->data, veventq->buffer + 1, event->length);
	return alone && !passed;
}

static int check_event(const char *function, const struct iommufd_veventq *veventq,
		       struct iommufd_vevent *event)
{
	if (!event)
		return err_null(function, "event");
	if (event->size <= offsetof(struct iommufd_vevent, sequence))
		return err(-EINVAL, function, "event",
			   "set its size to sizeof(struct iommufd_vevent)",
			   "a size of %zu leaves no place for the number", event->size);
	if (!event->data && event->room)
		return err_null(function, "event->data");
	if (event->room >= veventq->event_size)
		return 0;
	event->length = veventq->event_size;
	return err(-EMSGSIZE, function, veventq->object, "give as much room as event's length says",
		   "an event has %u bytes, and there is room for %u", veventq->event_size,
		   event->room);
}

IOMMUFD_EXPORT int iommufd_veventq_read(struct iommufd_veventq *veventq,
					struct iommufd_vevent *event)
{
	struct iommufd_vevent known = { 0 };
	int r = veventq_check(veventq, __func__);
	const struct log *log;

	if (r)
		return r;
	log = &veventq->viommu->ctx->core.log;
	r = command_check_owner(veventq->viommu->ctx, __func__, veventq->object);
	if (!r)
		r = check_event(__func__, veventq, event);
	if (r)
		return err_log(log, r);
	known.data = event->data;
	known.room = event->room;
	pthread_mutex_lock(&veventq->lock);
	r = read_event(veventq, &known);
	pthread_mutex_unlock(&veventq->lock);
	if (r == 1) /* no failure to log */
		return err(-EAGAIN, __func__, veventq->object, "poll the queue's descriptor",
			   "there is no event");
	return err_log(log, r ? r : opts_put(__func__, event, &known, sizeof(known)));
}
