/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Page tables that a guest owns, and forgetting what the IOMMU knows of them. */
#include <errno.h>
#include <stdlib.h>

#include "emu/viommu.h"
#include "os/mock.h"

#define MAX_ENTRIES (1u << 19)

static const uint32_t nested_flags = K_IOMMU_HWPT_FAULT_ID_VALID | K_IOMMU_HWPT_ALLOC_PASID;

static int new_table(struct emu_hwpt *parent, const struct k_iommu_hwpt_alloc *arg,
		     struct emu_hwpt **out)
{
	struct k_iommu_hwpt_selftest data;
	struct emu_hwpt *hwpt;
	int r;

	if (arg->data_type != K_IOMMU_HWPT_DATA_SELFTEST)
		return -EOPNOTSUPP;
	r = emu_mock_read(&data, sizeof(data), emu_endof(struct k_iommu_hwpt_selftest, iotlb),
			  arg->data_uptr, arg->data_len);
	if (r)
		return r;
	hwpt = calloc(1, sizeof(*hwpt));
	if (!hwpt)
		return -ENOMEM;
	hwpt->ioas = parent->ioas;
	hwpt->mock = true;
	hwpt->pasid = arg->flags & K_IOMMU_HWPT_ALLOC_PASID;
	hwpt->parent = parent;
	for (size_t i = 0; i < EMU_IOTLB_ENTRIES; i++)
		hwpt->iotlb[i] = data.iotlb;
	r = emu_object_add(parent->ioas->iommu, &hwpt->object, EMU_OBJECT_NESTED);
	if (r) {
		free(hwpt);
		return r;
	}
	*out = hwpt;
	return 0;
}

/* VT-d as the machine has it makes none, but for want of a parent that is not what it says. */
int emu_nested_new(struct emu_device *dev, struct emu_hwpt *parent,
		   const struct k_iommu_hwpt_alloc *arg, struct emu_hwpt **out)
{
	int r;

	if ((arg->flags & ~nested_flags) || !arg->data_len || emu_device_is_noiommu(dev))
		return -EOPNOTSUPP;
	if (parent->automatic || !parent->nest_parent || parent->mock != !!dev->mock)
		return -EINVAL;
	r = new_table(parent, arg, out);
	if (!r)
		parent->object.users++;
	return r;
}

int emu_nested_new_on(struct emu_device *dev, struct emu_viommu *viommu,
		      const struct k_iommu_hwpt_alloc *arg, struct emu_hwpt **out)
{
	int r;

	if (!dev->mock)
		return -EINVAL; /* it is behind another IOMMU */
	if ((arg->flags & ~nested_flags) || !arg->data_len)
		return -EOPNOTSUPP;
	r = new_table(viommu->parent, arg, out);
	if (r)
		return r;
	(*out)->viommu = viommu;
	viommu->object.users++;
	return 0;
}

static int invalidate_nested(struct emu_hwpt *hwpt, struct k_iommu_hwpt_invalidate *arg,
			     uint32_t *done)
{
	if (arg->data_type != K_IOMMU_HWPT_INVALIDATE_DATA_SELFTEST)
		return -EINVAL;
	for (; *done < arg->entry_num; ++*done) {
		struct k_iommu_hwpt_invalidate_selftest entry;
		int r = emu_mock_read(&entry, sizeof(entry), sizeof(entry),
				      arg->data_uptr + (uint64_t)*done * arg->entry_len,
				      arg->entry_len);

		if (r)
			return r;
		if (entry.flags & ~K_IOMMU_TEST_INVALIDATE_FLAG_ALL)
			return -EOPNOTSUPP;
		if (entry.iotlb_id >= EMU_IOTLB_ENTRIES)
			return -EINVAL;
		for (uint32_t i = 0; i < EMU_IOTLB_ENTRIES; i++)
			if (i == entry.iotlb_id || entry.flags)
				hwpt->iotlb[i] = 0;
	}
	return 0;
}

static int invalidate(struct emu_iommu *iommu, struct k_iommu_hwpt_invalidate *arg, uint32_t *done)
{
	struct emu_object *object;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	if (arg->entry_num && (!arg->data_uptr || !arg->entry_len || arg->entry_len > EMU_PAGE ||
			       arg->entry_num > MAX_ENTRIES))
		return -EINVAL;
	object = emu_object_get(iommu, arg->hwpt_id, EMU_OBJECT_ANY);
	if (!object)
		return -ENOENT;
	if (object->type == EMU_OBJECT_NESTED)
		return invalidate_nested((struct emu_hwpt *)object, arg, done);
	if (object->type == EMU_OBJECT_VIOMMU)
		return emu_viommu_invalidate((struct emu_viommu *)object, arg, done);
	return -EINVAL;
}

int emu_cmd_hwpt_invalidate(struct emu_cmd *cmd)
{
	struct k_iommu_hwpt_invalidate *arg = cmd->arg;
	uint32_t done = 0;
	int r = invalidate(cmd->iommu, arg, &done);

	arg->entry_num = done;
	return emu_cmd_respond(cmd, sizeof(*arg)) ? -EFAULT : r;
}
