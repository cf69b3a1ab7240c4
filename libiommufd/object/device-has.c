/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What a device can do of what its context can. */
#include "object/device.h"

#include <string.h>

/* Where the answer's data go is the caller's to say. */
static int ask_iommu(struct iommufd_device *dev, struct k_iommu_hw_info *arg)
{
	struct engine *e = dev->fd.engine;

	arg->size = sizeof(*arg);
	arg->dev_id = dev->fd.id;
	return e->ops->command(e, K_IOMMU_GET_HW_INFO, arg);
}

/* The IOMMU's own word; 0 where it has none. */
static uint64_t hw_capabilities(struct iommufd_device *dev, unsigned int *pasid_width)
{
	struct k_iommu_hw_info arg = { 0 };

	*pasid_width = 0;
	if (ask_iommu(dev, &arg))
		return 0;
	*pasid_width = arg.out_max_pasid_log2;
	return arg.out_capabilities;
}

/* No register of all IOMMUs tells: so a parent is made, of an address space for the purpose. */
static bool can_nest(struct iommufd_device *dev)
{
	struct engine *e = dev->fd.engine;
	struct k_iommu_ioas_alloc as = { .size = sizeof(as) };
	struct k_iommu_hwpt_alloc table = {
		.size = sizeof(table), .flags = K_IOMMU_HWPT_ALLOC_NEST_PARENT,
		.dev_id = dev->fd.id,
	};
	struct k_iommu_destroy gone = { .size = sizeof(gone) };
	bool can;

	if (e->ops->command(e, K_IOMMU_IOAS_ALLOC, &as))
		return false;
	table.pt_id = as.out_ioas_id;
	can = !e->ops->command(e, K_IOMMU_HWPT_ALLOC, &table);
	if (can) {
		gone.id = table.out_hwpt_id;
		e->ops->command(e, K_IOMMU_DESTROY, &gone);
	}
	gone.id = as.out_ioas_id;
	e->ops->command(e, K_IOMMU_DESTROY, &gone);
	return can;
}

void device_facts(struct iommufd_device *dev, struct iommu_facts *facts)
{
	struct k_iommu_hw_info arg = {
		.data_len = sizeof(facts->data), .data_uptr = (uintptr_t)facts->data,
	};

	memset(facts, 0, sizeof(*facts));
	if (ask_iommu(dev, &arg) ||
	    arg.out_data_type == K_IOMMU_HW_INFO_TYPE_ARM_SMMUV3 ||
	    arg.out_data_type == K_IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV)
		return; /* an SMMU takes no table that was made for another one */
	facts->type = arg.out_data_type;
	facts->capabilities = arg.out_capabilities;
}

bool facts_equal(const struct iommu_facts *a, const struct iommu_facts *b)
{
	return a->type && a->type == b->type && a->capabilities == b->capabilities &&
	       !memcmp(a->data, b->data, sizeof(a->data));
}

int device_iommu_type(struct iommufd_device *dev, uint32_t *type)
{
	struct k_iommu_hw_info arg = { 0 };
	int r = ask_iommu(dev, &arg);

	*type = arg.out_data_type;
	return r ? err_kernel(r, KNOWN(-ENOMEM, -ENODEV), "IOMMU_GET_HW_INFO", dev->fd.object,
			      "try again", "the device's IOMMU does not tell what it is") : 0;
}

bool device_has_tables(const struct iommufd_device *dev)
{
	return engine_has(dev->fd.engine, IOMMUFD_CAP_HWPT) && dev->fd.transport->attach_table &&
	       !dev->mediated;
}

int device_check_tables(struct iommufd_device *dev, const char *function)
{
	if (device_has_tables(dev))
		return 0;
	return err(-EOPNOTSUPP, function, dev->fd.object,
		   "attach it to an IOAS: iommufd_device_attach()",
		   "no page tables can be made for the device: backend %s, had by %s%s",
		   dev->ctx->backend.name, dev->fd.transport->name,
		   dev->mediated ? ", mediated" : "");
}

bool device_is_tracked(struct iommufd_device *dev)
{
	unsigned int width;

	return hw_capabilities(dev, &width) & K_IOMMU_HW_CAP_DIRTY_TRACKING;
}

static bool has(struct iommufd_device *dev, uint32_t cap)
{
	const struct transport_ops *transport = dev->fd.transport;
	struct engine *e = dev->fd.engine;
	uint64_t bit = cap < 64 ? UINT64_C(1) << cap : 0;
	uint64_t of_transports = transport_cdev.caps | transport_group.caps;
	unsigned int width;

	if (cap == IOMMUFD_CAP_MAP_FILE) /* what the kernel lacks the library does itself */
		return true;
	if (!engine_has(e, cap) || (bit & of_transports & ~transport->caps))
		return false;
	if ((bit & ENGINE_COMMAND_CAPS) && (!transport->attach_table || dev->mediated))
		return false;
	switch (cap) {
	case IOMMUFD_CAP_PASID:
		hw_capabilities(dev, &width);
		return width;
	case IOMMUFD_CAP_DIRTY_TRACKING:
		return !e->ops->command || (device_has_tables(dev) && device_is_tracked(dev));
	case IOMMUFD_CAP_NESTING:
	case IOMMUFD_CAP_VIOMMU: /* the rest stands on nesting */
	case IOMMUFD_CAP_VEVENTQ:
	case IOMMUFD_CAP_HW_QUEUE:
		return can_nest(dev);
	}
	return true;
}

IOMMUFD_EXPORT int iommufd_device_has(struct iommufd_device *dev, uint32_t cap)
{
	int r = device_check(dev, __func__);

	return r ? r : has(dev, cap);
}
