/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What a guest has of an IOMMU, in a blob: vIOMMUs, and what is on them. */
#include <errno.h>
#include <stdlib.h>

#include "object/hw-queue.h"
#include "object/state.h"
#include "object/vdevice.h"
#include "object/veventq.h"

#define OBJECT_IN(o, type) container_of((struct object *)(uintptr_t)(o), struct type, obj)

/* The vIOMMU of that number, and whether the kernel has object @id on it; NULL and a record: no. */
static struct iommufd_viommu *read_viommu_of(struct state_in *in, const struct state_type *type,
					     uint32_t viommu, uint32_t id)
{
	struct object *o;

	if (state_done(in) || state_check_id(in, type, id))
		return NULL;
	o = state_find(in, &state_viommu, viommu);
	return o ? container_of(o, struct iommufd_viommu, obj) : NULL;
}

/* -- vIOMMU */

static int write_viommu(struct state_out *out, const struct object *object)
{
	const struct iommufd_viommu *viommu = OBJECT_IN(object, iommufd_viommu);

	state_put32(out, viommu->id);
	state_put32(out, viommu->parent->id);
	return 0;
}

static int read_viommu(struct state_in *in, struct object **object, uint32_t *id)
{
	struct iommufd_viommu *viommu;
	struct iommufd_hwpt *parent;
	struct object *o;
	uint32_t table;
	int r;

	*id = state_get32(in);
	table = state_get32(in);
	r = state_done(in);
	if (!r)
		r = state_check_id(in, &state_viommu, *id);
	if (r)
		return r;
	o = state_find(in, &state_hwpt, table);
	if (!o)
		return -EPROTO;
	parent = container_of(o, struct iommufd_hwpt, obj);
	if (!(parent->flags & IOMMUFD_HWPT_NEST_PARENT))
		return state_bad(in, "%s cannot be a parent", parent->object);
	viommu = calloc(1, sizeof(*viommu));
	if (!viommu)
		return err_nomem(in->function, "vIOMMU");
	viommu->ctx = in->import->ctx;
	viommu->parent = parent;
	viommu->id = *id;
	viommu_enter(viommu);
	*object = &viommu->obj;
	return 0;
}

static void unref_viommu(struct object *object)
{
	iommufd_viommu_unref(container_of(object, struct iommufd_viommu, obj));
}

const struct state_type state_viommu = {
	.kind = IOMMUFD_IMPORT_VIOMMU,
	.object = OBJECT_VIOMMU,
	.name = "vIOMMU",
	.write = write_viommu,
	.read = read_viommu,
	.unref = unref_viommu,
};

/* -- vDEVICE */

/* One whose device is closed is nothing any more. */
static int write_vdevice(struct state_out *out, const struct object *object)
{
	const struct iommufd_vdevice *vdevice = OBJECT_IN(object, iommufd_vdevice);

	if (!vdevice->dev)
		return 0;
	state_put32(out, vdevice->id);
	state_put32(out, vdevice->viommu->id);
	state_put32(out, vdevice->dev->fd.id);
	state_put32(out, 0);
	state_put64(out, vdevice->virtual_id);
	return 0;
}

static int read_vdevice(struct state_in *in, struct object **object, uint32_t *id)
{
	uint32_t viommu, device, zero;
	struct iommufd_vdevice *vdevice;
	struct iommufd_viommu *on;
	struct iommufd_device *dev;
	struct object *o;
	uint64_t virtual_id;

	*id = state_get32(in);
	viommu = state_get32(in);
	device = state_get32(in);
	zero = state_get32(in);
	virtual_id = state_get64(in);
	on = read_viommu_of(in, &state_vdevice, viommu, *id);
	o = on ? state_find(in, &state_device, device) : NULL;
	if (!o)
		return -EPROTO;
	dev = container_of(o, struct iommufd_device, fd.obj);
	if (zero || dev->vdevice || !device_has_tables(dev))
		return state_bad(in, "%s cannot be a guest's", dev->fd.object);
	vdevice = calloc(1, sizeof(*vdevice));
	if (!vdevice)
		return err_nomem(in->function, "vDEVICE");
	vdevice->viommu = on;
	vdevice->virtual_id = virtual_id;
	vdevice->id = *id;
	pthread_mutex_lock(&dev->ctx->lock);
	vdevice_enter(vdevice, dev);
	pthread_mutex_unlock(&dev->ctx->lock);
	*object = &vdevice->obj;
	return 0;
}

static void unref_vdevice(struct object *object)
{
	iommufd_vdevice_unref(container_of(object, struct iommufd_vdevice, obj));
}

const struct state_type state_vdevice = {
	.kind = IOMMUFD_IMPORT_VDEVICE,
	.object = OBJECT_VDEVICE,
	.name = "vDEVICE",
	.write = write_vdevice,
	.read = read_vdevice,
	.unref = unref_vdevice,
};

/* -- vEVENTQ */

static int write_veventq(struct state_out *out, const struct object *object)
{
	struct iommufd_veventq *veventq = OBJECT_IN(object, iommufd_veventq);

	pthread_mutex_lock(&veventq->lock);
	state_put32(out, veventq->id);
	state_put32(out, veventq->viommu->id);
	state_put_fd(out, veventq->fd);
	state_put32(out, veventq->event_size);
	state_put32(out, veventq->sequence);
	pthread_mutex_unlock(&veventq->lock);
	return 0;
}

static int read_veventq(struct state_in *in, struct object **object, uint32_t *id)
{
	uint32_t viommu, event_size, sequence;
	struct iommufd_veventq *veventq;
	struct iommufd_viommu *on;
	int fd, r;

	*id = state_get32(in);
	viommu = state_get32(in);
	r = state_get_fd(in, &fd);
	event_size = state_get32(in);
	sequence = state_get32(in);
	if (r)
		return r;
	on = read_viommu_of(in, &state_veventq, viommu, *id);
	if (!on)
		return -EPROTO;
	if (!event_size || event_size > VEVENT_SIZE_MAX || sequence > INT32_MAX)
		return state_bad(in, "a vEVENTQ makes no sense");
	veventq = veventq_alloc(in->function, on, event_size);
	if (!veventq)
		return -ENOMEM;
	r = state_take_fd(in, fd);
	if (r < 0) {
		free(veventq);
		return r;
	}
	veventq->fd = r;
	veventq->id = *id;
	veventq->sequence = sequence;
	veventq_enter(veventq);
	*object = &veventq->obj;
	return 0;
}

static void unref_veventq(struct object *object)
{
	iommufd_veventq_unref(container_of(object, struct iommufd_veventq, obj));
}

const struct state_type state_veventq = {
	.kind = IOMMUFD_IMPORT_VEVENTQ,
	.object = OBJECT_VEVENTQ,
	.name = "vEVENTQ",
	.write = write_veventq,
	.read = read_veventq,
	.unref = unref_veventq,
};

/* -- hardware queue */

static int write_hw_queue(struct state_out *out, const struct object *object)
{
	const struct iommufd_hw_queue *queue = OBJECT_IN(object, iommufd_hw_queue);

	state_put32(out, queue->id);
	state_put32(out, queue->viommu->id);
	state_put32(out, queue->type);
	state_put32(out, queue->index);
	state_put64(out, queue->hold.iova);
	state_put64(out, queue->hold.last);
	return 0;
}

static int read_hw_queue(struct state_in *in, struct object **object, uint32_t *id)
{
	uint32_t viommu, type, index;
	struct iommufd_hw_queue *queue;
	struct iommufd_viommu *on;
	uint64_t iova, last;
	int r;

	*id = state_get32(in);
	viommu = state_get32(in);
	type = state_get32(in);
	index = state_get32(in);
	iova = state_get64(in);
	last = state_get64(in);
	on = read_viommu_of(in, &state_hw_queue, viommu, *id);
	if (!on)
		return -EPROTO;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return err_nomem(in->function, "hw queue");
	queue->viommu = on;
	queue->type = type;
	queue->index = index;
	queue->id = *id;
	r = iova > last || hw_queue_adopt(queue, iova, last);
	if (r) {
		free(queue);
		return state_bad(in, "a hardware queue makes no sense");
	}
	*object = &queue->obj;
	return 0;
}

static void unref_hw_queue(struct object *object)
{
	iommufd_hw_queue_unref(container_of(object, struct iommufd_hw_queue, obj));
}

const struct state_type state_hw_queue = {
	.kind = IOMMUFD_IMPORT_HW_QUEUE,
	.object = OBJECT_HW_QUEUE,
	.name = "hardware queue",
	.write = write_hw_queue,
	.read = read_hw_queue,
	.unref = unref_hw_queue,
};
