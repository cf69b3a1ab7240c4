/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Objects that came over, found by their numbers. */
#include <errno.h>

#include "object/fault.h"
#include "object/hw-queue.h"
#include "object/pasid.h"
#include "object/state.h"
#include "object/vdevice.h"
#include "object/veventq.h"

static int find(struct iommufd_import *import, const char *function, const struct state_type *type,
		uint32_t id, const void *out, struct object **object)
{
	int r = import_check(import, function);

	if (r)
		return r;
	if (!out)
		return err_log(&import->ctx->core.log, err_null(function, "out"));
	for (size_t i = 0; i < import->count; i++)
		if (import->items[i].type == type && import->items[i].id == id) {
			*object = import->items[i].object;
			return 0;
		}
	r = err(-ENOENT, function, "import", "look for numbers with iommufd_import_get_item()",
		"no %s of number %u came over", type->name, id);
	return err_log(&import->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_import_find_ioas(struct iommufd_import *import, uint32_t id,
					    struct iommufd_ioas **out)
{
	struct object *o;
	int r;

	if (out)
		*out = NULL;
	r = find(import, __func__, &state_ioas, id, out, &o);
	if (!r)
		*out = iommufd_ioas_ref(container_of(o, struct iommufd_ioas, obj));
	return r;
}

IOMMUFD_EXPORT int iommufd_import_find_hwpt(struct iommufd_import *import, uint32_t id,
					    struct iommufd_hwpt **out)
{
	struct object *o;
	int r;

	if (out)
		*out = NULL;
	r = find(import, __func__, &state_hwpt, id, out, &o);
	if (!r)
		*out = iommufd_hwpt_ref(container_of(o, struct iommufd_hwpt, obj));
	return r;
}

IOMMUFD_EXPORT int iommufd_import_find_fault_queue(struct iommufd_import *import, uint32_t id,
						   struct iommufd_fault_queue **out)
{
	struct object *o;
	int r;

	if (out)
		*out = NULL;
	r = find(import, __func__, &state_fault_queue, id, out, &o);
	if (!r)
		*out = iommufd_fault_queue_ref(container_of(o, struct iommufd_fault_queue, obj));
	return r;
}

IOMMUFD_EXPORT int iommufd_import_find_viommu(struct iommufd_import *import, uint32_t id,
					      struct iommufd_viommu **out)
{
	struct object *o;
	int r;

	if (out)
		*out = NULL;
	r = find(import, __func__, &state_viommu, id, out, &o);
	if (!r)
		*out = iommufd_viommu_ref(container_of(o, struct iommufd_viommu, obj));
	return r;
}

IOMMUFD_EXPORT int iommufd_import_find_vdevice(struct iommufd_import *import, uint32_t id,
					       struct iommufd_vdevice **out)
{
	struct object *o;
	int r;

	if (out)
		*out = NULL;
	r = find(import, __func__, &state_vdevice, id, out, &o);
	if (!r)
		*out = iommufd_vdevice_ref(container_of(o, struct iommufd_vdevice, obj));
	return r;
}

IOMMUFD_EXPORT int iommufd_import_find_veventq(struct iommufd_import *import, uint32_t id,
					       struct iommufd_veventq **out)
{
	struct object *o;
	int r;

	if (out)
		*out = NULL;
	r = find(import, __func__, &state_veventq, id, out, &o);
	if (!r)
		*out = iommufd_veventq_ref(container_of(o, struct iommufd_veventq, obj));
	return r;
}

IOMMUFD_EXPORT int iommufd_import_find_hw_queue(struct iommufd_import *import, uint32_t id,
						struct iommufd_hw_queue **out)
{
	struct object *o;
	int r;

	if (out)
		*out = NULL;
	r = find(import, __func__, &state_hw_queue, id, out, &o);
	if (!r)
		*out = iommufd_hw_queue_ref(container_of(o, struct iommufd_hw_queue, obj));
	return r;
}

IOMMUFD_EXPORT int iommufd_import_find_pasid(struct iommufd_import *import, uint32_t device,
					     uint32_t number, struct iommufd_pasid **out)
{
	int r = import_check(import, __func__);
	struct object *o;

	if (out)
		*out = NULL;
	if (r)
		return r;
	if (!out)
		return err_log(&import->ctx->core.log, err_null(__func__, "out"));
	o = state_find_pasid(import, device, number);
	if (o)
		*out = iommufd_pasid_ref(container_of(o, struct iommufd_pasid, obj));
	else
		r = err(-ENOENT, __func__, "import",
			"look for numbers with iommufd_import_get_item()",
			"no PASID %u of device %u came over", number, device);
	return err_log(&import->ctx->core.log, r);
}
