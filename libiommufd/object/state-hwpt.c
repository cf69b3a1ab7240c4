/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Page tables in a blob. */
#include <errno.h>

#include "object/command.h"
#include "object/fault.h"
#include "object/hwpt.h"
#include "object/state.h"
#include "object/viommu.h"

/* What else there is to say of one. */
enum {
	AUTOMATIC = 1 << 0,
	TRACKED = 1 << 1,
};

static int write_hwpt(struct state_out *out, const struct object *object)
{
	const struct iommufd_hwpt *hwpt = container_of((struct object *)(uintptr_t)object,
						       struct iommufd_hwpt, obj);

	state_put32(out, hwpt->id);
	state_put32(out, hwpt->ioas->as.id);
	state_put32(out, hwpt->parent ? hwpt->parent->id : 0);
	state_put32(out, hwpt->viommu ? hwpt->viommu->id : 0);
	state_put32(out, hwpt->faults ? hwpt->faults->id : 0);
	state_put32(out, (hwpt->automatic ? AUTOMATIC : 0) | (hwpt->table.tracked ? TRACKED : 0));
	state_put32(out, hwpt->iommu_type);
	state_put64(out, hwpt->flags);
	return 0;
}

/* A read of what was written, of pages of no size, gets as far as looking for the table. */
static int ask_kernel(struct state_in *in, uint32_t id, bool nested)
{
	struct k_iommu_hwpt_get_dirty_bitmap arg = { .size = sizeof(arg), .hwpt_id = id };

	if (nested)
		return state_check_id(in, &state_hwpt, id);
	return command(in->import->ctx, K_IOMMU_HWPT_GET_DIRTY_BITMAP, &arg) == -ENOENT ?
		       state_bad(in, "the kernel has no page table %u", id) : 0;
}

/* Finds what it stands on; 0 is none but for the IOAS. */
static int read_base(struct state_in *in, struct hwpt_base *base, uint32_t ioas, uint32_t parent,
		     uint32_t viommu, uint32_t queue, struct iommufd_fault_queue **faults)
{
	struct object *o = state_find(in, &state_ioas, ioas);

	if (!o)
		return -EPROTO;
	base->ioas = container_of(o, struct iommufd_ioas, obj);
	if (parent) {
		o = state_find(in, &state_hwpt, parent);
		if (!o)
			return -EPROTO;
		base->parent = container_of(o, struct iommufd_hwpt, obj);
		if (base->parent->parent || base->parent->ioas != base->ioas)
			return state_bad(in, "%s cannot be a parent", base->parent->object);
	}
	if (viommu) {
		o = state_find(in, &state_viommu, viommu);
		if (!o)
			return -EPROTO;
		base->viommu = container_of(o, struct iommufd_viommu, obj);
		if (base->viommu->parent != base->parent)
			return state_bad(in, "%s has another parent", base->viommu->object);
	}
	if (queue) {
		o = state_find(in, &state_fault_queue, queue);
		if (!o)
			return -EPROTO;
		*faults = container_of(o, struct iommufd_fault_queue, obj);
	}
	return 0;
}

static int read_hwpt(struct state_in *in, struct object **object, uint32_t *id)
{
	const uint64_t known = IOMMUFD_HWPT_PASID | IOMMUFD_HWPT_NEST_PARENT |
			       IOMMUFD_HWPT_DIRTY_TRACKING;
	struct iommufd_ctx *ctx = in->import->ctx;
	struct iommufd_fault_queue *faults = NULL;
	struct hwpt_base base = { 0 };
	struct iommufd_hwpt *hwpt;
	uint32_t ioas, parent, viommu, queue, more, iommu_type;
	uint64_t flags;
	int r;

	*id = state_get32(in);
	ioas = state_get32(in);
	parent = state_get32(in);
	viommu = state_get32(in);
	queue = state_get32(in);
	more = state_get32(in);
	iommu_type = state_get32(in);
	flags = state_get64(in);
	if (flags & ~known || more & ~(uint32_t)(AUTOMATIC | TRACKED) ||
	    (more & AUTOMATIC && (parent || queue)) ||
	    (more & TRACKED && !(flags & IOMMUFD_HWPT_DIRTY_TRACKING)))
		return state_bad(in, "a page table makes no sense");
	r = state_done(in);
	if (!r)
		r = read_base(in, &base, ioas, parent, viommu, queue, &faults);
	if (!r)
		r = ask_kernel(in, *id, parent);
	if (r)
		return r;
	hwpt = hwpt_alloc(in->function, &base, flags);
	if (!hwpt)
		return -ENOMEM;
	hwpt->id = hwpt->table.id = *id;
	hwpt->table.tracked = more & TRACKED;
	hwpt->automatic = more & AUTOMATIC;
	hwpt->iommu_type = iommu_type;
	pthread_mutex_lock(&ctx->lock);
	pthread_mutex_lock(&base.ioas->lock);
	hwpt_enter(hwpt, faults);
	pthread_mutex_unlock(&base.ioas->lock);
	pthread_mutex_unlock(&ctx->lock);
	*object = &hwpt->obj;
	return 0;
}

static void unref(struct object *object)
{
	iommufd_hwpt_unref(container_of(object, struct iommufd_hwpt, obj));
}

const struct state_type state_hwpt = {
	.kind = IOMMUFD_IMPORT_HWPT,
	.object = OBJECT_HWPT,
	.name = "page table",
	.write = write_hwpt,
	.read = read_hwpt,
	.unref = unref,
};
