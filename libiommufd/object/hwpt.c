/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Life of a page table, and its simple facts. */
#include "object/hwpt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/opts.h"
#include "object/device.h"
#include "object/diagnose.h"
#include "object/fault.h"
#include "object/viommu.h"

_Static_assert((int)IOMMUFD_HWPT_NEST_PARENT == K_IOMMU_HWPT_ALLOC_NEST_PARENT &&
	       (int)IOMMUFD_HWPT_DIRTY_TRACKING == K_IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
	       "the flags that have the kernel's numbers");
_Static_assert((int)IOMMUFD_HWPT_DATA_VTD_S1 == K_IOMMU_HWPT_DATA_VTD_S1 &&
	       (int)IOMMUFD_HWPT_DATA_SMMUV3 == K_IOMMU_HWPT_DATA_ARM_SMMUV3 &&
	       (int)IOMMUFD_HWPT_DATA_AMD_GUEST == K_IOMMU_HWPT_DATA_AMD_GUEST,
	       "types are the kernel's numbers");
_Static_assert((int)IOMMUFD_VTD_S1_SUPERVISOR == K_IOMMU_VTD_S1_SRE &&
	       (int)IOMMUFD_VTD_S1_EXTENDED_ACCESSED == K_IOMMU_VTD_S1_EAFE &&
	       (int)IOMMUFD_VTD_S1_WRITE_PROTECT == K_IOMMU_VTD_S1_WPE,
	       "and so are the flags of VT-d");
_Static_assert(sizeof(struct iommufd_hwpt_vtd_s1) == sizeof(struct k_iommu_hwpt_vtd_s1) &&
	       offsetof(struct iommufd_hwpt_vtd_s1, flags) ==
		       offsetof(struct k_iommu_hwpt_vtd_s1, flags) &&
	       offsetof(struct iommufd_hwpt_vtd_s1, table) ==
		       offsetof(struct k_iommu_hwpt_vtd_s1, pgtbl_addr) &&
	       offsetof(struct iommufd_hwpt_vtd_s1, width) ==
		       offsetof(struct k_iommu_hwpt_vtd_s1, addr_width) &&
	       sizeof(struct iommufd_hwpt_smmuv3) == sizeof(struct k_iommu_hwpt_arm_smmuv3) &&
	       sizeof(struct iommufd_hwpt_amd_guest) == sizeof(struct k_iommu_hwpt_amd_guest),
	       "the kernel reads the caller's data as they are");

struct iommufd_hwpt *hwpt_alloc(const char *function, const struct hwpt_base *base, uint64_t flags)
{
	struct iommufd_hwpt *hwpt = calloc(1, sizeof(*hwpt));

	if (!hwpt) {
		err_nomem(function, "hwpt");
		return NULL;
	}
	object_init(&hwpt->obj, OBJECT_HWPT);
	hwpt->ioas = base->ioas;
	hwpt->parent = base->parent;
	hwpt->viommu = base->viommu;
	hwpt->flags = flags;
	hwpt->table.can_track = flags & IOMMUFD_HWPT_DIRTY_TRACKING;
	return hwpt;
}

void hwpt_enter(struct iommufd_hwpt *hwpt, struct iommufd_fault_queue *faults)
{
	struct engine_table **at = &hwpt->ioas->as.tables;

	snprintf(hwpt->object, sizeof(hwpt->object), "hwpt %u", hwpt->id);
	hwpt->ctx = iommufd_ctx_ref(hwpt->ioas->ctx);
	iommufd_ioas_ref(hwpt->ioas);
	iommufd_hwpt_ref(hwpt->parent);
	iommufd_viommu_ref(hwpt->viommu);
	hwpt->faults = iommufd_fault_queue_ref(faults);
	ctx_enter(hwpt->ctx, &hwpt->member, &hwpt->obj);
	while (*at)
		at = &(*at)->next;
	if (!hwpt->parent)
		*at = &hwpt->table;
}

/* Of the two locks, that of the IOAS may be missing in a forked child, where nobody else is. */
static void unlink_from_ioas(struct iommufd_hwpt *hwpt)
{
	struct engine_table **at = &hwpt->ioas->as.tables;

	while (*at != &hwpt->table)
		at = &(*at)->next;
	*at = hwpt->table.next;
	hwpt->ioas->stale = true; /* its reach counts no more */
}

static int destroy_in_kernel(const struct iommufd_hwpt *hwpt)
{
	struct k_iommu_destroy arg = { .size = sizeof(arg), .id = hwpt->id };
	struct engine *e = hwpt->ioas->as.engine;

	return e->ops->command(e, K_IOMMU_DESTROY, &arg);
}

/* Context lock held, and no reference left. */
static int destroy(struct iommufd_hwpt *hwpt, bool lock)
{
	struct iommufd_ioas *ioas = hwpt->ioas;
	int r = 0;

	if (lock)
		pthread_mutex_lock(&ioas->lock);
	if (!hwpt->parent)
		unlink_from_ioas(hwpt);
	if (core_is_owner(&hwpt->ctx->core))
		r = destroy_in_kernel(hwpt);
	if (lock)
		pthread_mutex_unlock(&ioas->lock);
	return r;
}

static void free_hwpt(struct iommufd_hwpt *hwpt)
{
	hwpt->obj.kind = OBJECT_FREED;
	ctx_leave(hwpt->ctx, &hwpt->member);
	iommufd_fault_queue_unref(hwpt->faults);
	iommufd_viommu_unref(hwpt->viommu);
	iommufd_hwpt_unref(hwpt->parent);
	iommufd_ioas_unref(hwpt->ioas);
	iommufd_ctx_unref(hwpt->ctx);
	free(hwpt);
}

static int of_another_context(struct iommufd_device *dev, const char *function, const char *object)
{
	return err(-EINVAL, function, dev->fd.object,
		   "use what was made in the context that the device was opened in",
		   "%s belongs to another context", object);
}

static int check_opts(const char *function, const struct hwpt_base *base,
		      const struct iommufd_hwpt_opts *opts)
{
	uint64_t known = base->parent ? IOMMUFD_HWPT_PASID :
			 IOMMUFD_HWPT_PASID | IOMMUFD_HWPT_NEST_PARENT | IOMMUFD_HWPT_DIRTY_TRACKING;
	int r = opts_flags(function, opts->flags, known);

	if (r)
		return r;
	if (opts->fault_queue && opts->flags & IOMMUFD_HWPT_NEST_PARENT)
		return err(-EOPNOTSUPP, function, "opts", "give the fault queue to the nested tables",
			   "a nesting parent cannot have a fault queue");
	if (opts->fault_queue) {
		r = fault_queue_check(opts->fault_queue, function);
		if (r)
			return r;
		if (opts->fault_queue->ctx != base->ioas->ctx)
			return err(-EINVAL, function, opts->fault_queue->object,
				   "use a queue made in the context that the table is made in",
				   "the fault queue belongs to another context");
	}
	if (base->parent && !opts->data_type)
		return err(-EINVAL, function, "opts.data",
			   "tell where the guest's table is: data_type, data and data_length",
			   "a nested table needs data");
	if (!opts->data_type != !opts->data_length || !opts->data != !opts->data_length)
		return err(-EINVAL, function, "opts.data", "give data, data_length and data_type, or none of them",
			   "there are %u bytes of data of type %#x at %p", opts->data_length,
			   opts->data_type, opts->data);
	return 0;
}

/* Context lock held, and that of the IOAS. */
static int make_in_kernel(struct iommufd_device *dev, const char *function,
			  const struct hwpt_base *base, const struct iommufd_hwpt_opts *opts,
			  struct iommufd_hwpt *hwpt)
{
	struct k_iommu_hwpt_alloc arg = {
		.size = sizeof(arg),
		.flags = (opts->flags & IOMMUFD_HWPT_PASID ? K_IOMMU_HWPT_ALLOC_PASID : 0u) |
			 (opts->fault_queue ? K_IOMMU_HWPT_FAULT_ID_VALID : 0u) |
			 (uint32_t)(opts->flags & ~(uint64_t)IOMMUFD_HWPT_PASID),
		.dev_id = dev->fd.id,
		.pt_id = base->id,
		.data_type = opts->data_type,
		.data_len = opts->data_length,
		.data_uptr = (uintptr_t)opts->data,
		.fault_id = opts->fault_queue ? opts->fault_queue->id : 0,
	};
	struct engine *e = dev->fd.engine;
	int r = e->ops->command(e, K_IOMMU_HWPT_ALLOC, &arg);

	if (r)
		return diagnose_new_hwpt(dev, base, opts, r);
	hwpt->id = hwpt->table.id = arg.out_hwpt_id;
	if (!base->parent)
		r = ioas_refresh_ranges(base->ioas, function);
	if (!r && base->ioas->as.dirty && hwpt->table.can_track) {
		r = e->ops->dirty_set(&base->ioas->as, &hwpt->table, true);
		if (r)
			r = err_kernel(r, KNOWN(-ENOMEM), "IOMMU_HWPT_SET_DIRTY_TRACKING",
				       dev->fd.object, "look into the kernel's log",
				       "what the device writes to %s cannot be tracked", base->object);
	}
	if (r) {
		destroy_in_kernel(hwpt);
		base->ioas->stale = true;
	}
	return r;
}

/* Options are checked. Context lock held, and that of the IOAS. */
static int make_locked(struct iommufd_device *dev, const char *function,
		       const struct hwpt_base *base, const struct iommufd_hwpt_opts *opts,
		       struct iommufd_hwpt **out)
{
	struct iommufd_hwpt *hwpt = hwpt_alloc(function, base, opts->flags);
	int r;

	if (!hwpt)
		return -ENOMEM;
	r = opts->flags & IOMMUFD_HWPT_NEST_PARENT ? device_iommu_type(dev, &hwpt->iommu_type) : 0;
	if (!r)
		r = make_in_kernel(dev, function, base, opts, hwpt);
	if (r) {
		free(hwpt);
		return r;
	}
	hwpt_enter(hwpt, opts->fault_queue);
	*out = hwpt;
	return 0;
}

int hwpt_make(struct iommufd_device *dev, const char *function, const struct hwpt_base *base,
	      const struct iommufd_hwpt_opts *given, struct iommufd_hwpt **out)
{
	struct iommufd_ctx *ctx = dev->ctx;
	struct iommufd_hwpt_opts opts;
	int r = opts_get(function, &opts, sizeof(opts), given);

	if (!r)
		r = check_opts(function, base, &opts);
	if (!r)
		r = device_check_tables(dev, function);
	if (r)
		return r;
	pthread_mutex_lock(&ctx->lock);
	pthread_mutex_lock(&base->ioas->lock);
	r = make_locked(dev, function, base, &opts, out);
	pthread_mutex_unlock(&base->ioas->lock);
	pthread_mutex_unlock(&ctx->lock);
	if (!r)
		log_debug(&ctx->core.log, "%s: %s on %s for %s", function, (*out)->object,
			  base->object, dev->fd.object);
	return r;
}

int hwpt_make_automatic(struct iommufd_device *dev, const char *function,
			struct iommufd_ioas *ioas, uint64_t flags, struct iommufd_hwpt **out)
{
	const struct iommufd_hwpt_opts opts = { .size = sizeof(opts), .flags = flags };
	const struct hwpt_base base = { .ioas = ioas, .id = ioas->as.id, .object = ioas->object };
	int r = make_locked(dev, function, &base, &opts, out);

	if (r)
		return r;
	(*out)->automatic = true;
	device_facts(dev, &(*out)->facts);
	return 0;
}

/* Nobody but devices holds it, and what it holds is held by others too. */
void hwpt_put_locked(struct iommufd_hwpt *hwpt)
{
	if (!object_unref(&hwpt->obj))
		return;
	unlink_from_ioas(hwpt);
	destroy_in_kernel(hwpt);
	free_hwpt(hwpt);
}

IOMMUFD_EXPORT int iommufd_hwpt_new(struct iommufd_device *dev, struct iommufd_ioas *ioas,
				    const struct iommufd_hwpt_opts *opts, struct iommufd_hwpt **out)
{
	int r;

	if (out)
		*out = NULL;
	r = device_check(dev, __func__);
	if (!r)
		r = ioas_check(ioas, __func__);
	if (r)
		return r;
	if (!out)
		r = err_null(__func__, "out");
	else if (ioas->ctx != dev->ctx)
		r = of_another_context(dev, __func__, ioas->object);
	else
		r = hwpt_make(dev, __func__, &(struct hwpt_base){ .ioas = ioas, .id = ioas->as.id,
								  .object = ioas->object },
			      opts, out);
	return err_log(&dev->ctx->core.log, r);
}

int hwpt_check_parent(struct iommufd_device *dev, const char *function,
		      const struct iommufd_hwpt *parent)
{
	if (parent->ctx != dev->ctx)
		return of_another_context(dev, function, parent->object);
	if (parent->parent)
		return err(-EINVAL, function, parent->object, "use its parent",
			   "the table is nested itself, on %s", parent->parent->object);
	if (!(parent->flags & IOMMUFD_HWPT_NEST_PARENT))
		return err(-EINVAL, function, parent->object,
			   "make the parent with IOMMUFD_HWPT_NEST_PARENT",
			   "the table was not made to be a nesting parent");
	return 0;
}

IOMMUFD_EXPORT int iommufd_hwpt_new_nested(struct iommufd_device *dev, struct iommufd_hwpt *parent,
					   const struct iommufd_hwpt_opts *opts,
					   struct iommufd_hwpt **out)
{
	int r;

	if (out)
		*out = NULL;
	r = device_check(dev, __func__);
	if (!r)
		r = hwpt_check(parent, __func__);
	if (r)
		return r;
	r = out ? hwpt_check_parent(dev, __func__, parent) : err_null(__func__, "out");
	if (!r)
		r = hwpt_make(dev, __func__, &(struct hwpt_base){ .ioas = parent->ioas,
								  .parent = parent,
								  .id = parent->id,
								  .object = parent->object },
			      opts, out);
	return err_log(&dev->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_hwpt_new_on_viommu(struct iommufd_device *dev,
					      struct iommufd_viommu *viommu,
					      const struct iommufd_hwpt_opts *opts,
					      struct iommufd_hwpt **out)
{
	int r;

	if (out)
		*out = NULL;
	r = device_check(dev, __func__);
	if (!r)
		r = viommu_check(viommu, __func__);
	if (r)
		return r;
	if (!out)
		r = err_null(__func__, "out");
	else if (viommu->ctx != dev->ctx)
		r = of_another_context(dev, __func__, viommu->object);
	else
		r = hwpt_make(dev, __func__, &(struct hwpt_base){ .ioas = viommu->parent->ioas,
								  .parent = viommu->parent,
								  .viommu = viommu,
								  .id = viommu->id,
								  .object = viommu->object },
			      opts, out);
	return err_log(&dev->ctx->core.log, r);
}

IOMMUFD_EXPORT struct iommufd_hwpt *iommufd_hwpt_ref(struct iommufd_hwpt *hwpt)
{
	if (hwpt && object_was(&hwpt->obj, OBJECT_HWPT))
		object_ref(&hwpt->obj);
	return hwpt;
}

IOMMUFD_EXPORT struct iommufd_hwpt *iommufd_hwpt_unref(struct iommufd_hwpt *hwpt)
{
	struct iommufd_ctx *ctx;
	bool lock, last;
	int r = 0;

	if (!hwpt || !object_was(&hwpt->obj, OBJECT_HWPT))
		return NULL;
	ctx = iommufd_ctx_ref(hwpt->ctx);
	lock = !core_is_forked(&ctx->core);
	if (lock)
		pthread_mutex_lock(&ctx->lock);
	last = object_unref(&hwpt->obj);
	if (last)
		r = destroy(hwpt, lock);
	if (lock)
		pthread_mutex_unlock(&ctx->lock);
	if (r)
		log_warning(&ctx->core.log,
			    "IOMMU_DESTROY: %s stays in the kernel until the context closes (errno %d)",
			    hwpt->object, -r);
	if (last)
		free_hwpt(hwpt);
	iommufd_ctx_unref(ctx);
	return NULL;
}

IOMMUFD_EXPORT int iommufd_hwpt_get_info(struct iommufd_hwpt *hwpt, struct iommufd_hwpt_info *info)
{
	struct iommufd_hwpt_info known = { 0 };
	int r = hwpt_check(hwpt, __func__);

	if (r)
		return r;
	known.flags = hwpt->flags;
	known.id = hwpt->id;
	known.kind = hwpt->parent ? IOMMUFD_HWPT_NESTED : IOMMUFD_HWPT_PAGING;
	known.ioas = hwpt->ioas;
	known.parent = hwpt->parent;
	return err_log(&hwpt->ctx->core.log, opts_put(__func__, info, &known, sizeof(known)));
}
