/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Hardware page tables: filling them with an address space, and requests on them. */
#include "emu/iommu.h"

#include <errno.h>
#include <stdlib.h>

#include "os/uapi.h"

/* What the driver of a VT-d without scalable mode grants, and tables for no IOMMU do. */
static uint32_t granted_flags(const struct iommufd_emu *emu)
{
	return K_IOMMU_HWPT_FAULT_ID_VALID |
	       (emu_is_noiommu(emu) ? 0 : (uint32_t)K_IOMMU_HWPT_ALLOC_PASID);
}

/* Mappings made when anything went must suit the hardware now. */
static int check_alignment(const struct emu_ioas *ioas, uint64_t alignment)
{
	uint64_t mask = alignment - 1;

	if (alignment == ioas->alignment)
		return 0;
	for (size_t i = 0; i < ioas->nr_areas; i++) {
		const struct emu_area *area = ioas->areas[i];

		if ((area->start & mask) || ((area->last + 1) & mask) || (area->offset & mask))
			return -EADDRINUSE;
	}
	return 0;
}

static int pin_all(struct emu_ioas *ioas)
{
	for (size_t i = 0; i < ioas->nr_areas; i++) {
		int r = emu_area_pin(ioas->areas[i]);

		if (r) {
			while (i--)
				emu_area_unpin(ioas->areas[i]);
			return r;
		}
	}
	return 0;
}

/* Everything an IOAS could get away with before surfaces here. */
static int fill(struct emu_hwpt *hwpt)
{
	struct emu_ioas *ioas = hwpt->ioas;
	const struct iommufd_emu *emu = ioas->iommu->emu;
	unsigned int bits = emu_is_noiommu(emu) ? 64 : emu->address_bits; /* in software */
	struct emu_hwpt **link = &ioas->hwpts;
	int r = check_alignment(ioas, EMU_PAGE);

	if (r)
		return r;
	if (bits < 64) {
		r = emu_iova_reserve(ioas, UINT64_C(1) << bits, UINT64_MAX, hwpt);
		if (r)
			return r;
	}
	if (!ioas->hwpts) {
		r = pin_all(ioas);
		if (r) {
			emu_iova_unreserve(ioas, hwpt);
			return r;
		}
	}
	ioas->alignment = EMU_PAGE;
	while (*link)
		link = &(*link)->next;
	*link = hwpt;
	return 0;
}

int emu_hwpt_new(struct emu_ioas *ioas, bool pasid, struct emu_hwpt **out)
{
	struct emu_hwpt *hwpt = calloc(1, sizeof(*hwpt));
	int r;

	if (!hwpt)
		return -ENOMEM;
	hwpt->ioas = ioas;
	hwpt->pasid = pasid;
	r = emu_object_add(ioas->iommu, &hwpt->object, EMU_OBJECT_HWPT);
	if (r) {
		free(hwpt);
		return r;
	}
	r = fill(hwpt);
	if (r) {
		emu_object_remove(ioas->iommu, &hwpt->object);
		free(hwpt);
		return r;
	}
	ioas->object.users++;
	*out = hwpt;
	return 0;
}

void emu_hwpt_destroy(struct emu_hwpt *hwpt)
{
	struct emu_ioas *ioas = hwpt->ioas;
	struct emu_hwpt **link = &ioas->hwpts;

	while (*link != hwpt)
		link = &(*link)->next;
	*link = hwpt->next;
	emu_iova_unreserve(ioas, hwpt);
	if (!ioas->hwpts) {
		for (size_t i = 0; i < ioas->nr_areas; i++)
			emu_area_unpin(ioas->areas[i]);
		ioas->alignment = ioas->no_huge_pages ? EMU_PAGE : 1;
	}
	ioas->object.users--;
	emu_object_remove(ioas->iommu, &hwpt->object);
	free(hwpt);
}

/* A device left: an automatic table goes with the last one. */
void emu_hwpt_put(struct emu_hwpt *hwpt)
{
	hwpt->object.users--;
	if (hwpt->automatic && hwpt->object.users == 1)
		emu_hwpt_destroy(hwpt);
}

int emu_cmd_hwpt_alloc(struct emu_cmd *cmd)
{
	struct k_iommu_hwpt_alloc *arg = cmd->arg;
	struct emu_iommu *iommu = cmd->iommu;
	struct emu_object *parent;
	uint32_t unknown = arg->flags & ~granted_flags(iommu->emu);
	struct emu_hwpt *hwpt = NULL;
	int r;

	if (arg->__reserved ||
	    (arg->flags && !emu_has(iommu->emu, EMU_FEATURE_GROWN_IOMMUFD)))
		return -EOPNOTSUPP;
	if ((arg->data_type == K_IOMMU_HWPT_DATA_NONE) != !arg->data_len)
		return -EINVAL;
	if (!emu_object_get(iommu, arg->dev_id, EMU_OBJECT_DEVICE))
		return -ENOENT;
	parent = emu_object_get(iommu, arg->pt_id, EMU_OBJECT_ANY);
	if (!parent || parent->type == EMU_OBJECT_DEVICE)
		return -EINVAL;
	if (parent->type == EMU_OBJECT_HWPT) /* never a nesting parent */
		return arg->data_len && !unknown && !emu_is_noiommu(iommu->emu) ? -EINVAL
										: -EOPNOTSUPP;
	r = arg->data_len || unknown ? -EOPNOTSUPP : 0;
	if (!r && (arg->flags & K_IOMMU_HWPT_FAULT_ID_VALID))
		r = -ENOENT; /* there are no fault queues to name */
	if (!r)
		r = emu_hwpt_new((struct emu_ioas *)parent, arg->flags & K_IOMMU_HWPT_ALLOC_PASID,
				 &hwpt);
	if (r)
		return r;
	arg->out_hwpt_id = hwpt->object.id;
	r = emu_cmd_respond(cmd, sizeof(*arg));
	if (r)
		emu_hwpt_destroy(hwpt);
	return r;
}

int emu_cmd_hwpt_set_dirty(struct emu_cmd *cmd)
{
	const struct k_iommu_hwpt_set_dirty_tracking *arg = cmd->arg;

	if (arg->flags & ~(uint32_t)K_IOMMU_HWPT_DIRTY_TRACKING_ENABLE)
		return -EOPNOTSUPP;
	if (!emu_object_get(cmd->iommu, arg->hwpt_id, EMU_OBJECT_HWPT))
		return -ENOENT;
	return -EOPNOTSUPP;
}

int emu_cmd_hwpt_get_dirty(struct emu_cmd *cmd)
{
	const struct k_iommu_hwpt_get_dirty_bitmap *arg = cmd->arg;
	const struct emu_hwpt *hwpt;
	uint64_t last, mask;

	if ((arg->flags & ~(uint32_t)K_IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR) || arg->__reserved)
		return -EOPNOTSUPP;
	hwpt = emu_object_get(cmd->iommu, arg->hwpt_id, EMU_OBJECT_HWPT);
	if (!hwpt)
		return -ENOENT;
	if (!arg->length)
		return -EINVAL;
	if (__builtin_add_overflow(arg->iova, arg->length - 1, &last))
		return -EOVERFLOW;
	mask = (hwpt->ioas->alignment - 1) | (arg->page_size - 1);
	if (!arg->page_size || (arg->iova & mask) || ((last + 1) & mask))
		return -EINVAL;
	return -EOPNOTSUPP;
}

int emu_cmd_hwpt_invalidate(struct emu_cmd *cmd)
{
	struct k_iommu_hwpt_invalidate *arg = cmd->arg;
	int r;

	if (arg->__reserved)
		r = -EOPNOTSUPP;
	else if (arg->entry_num && (!arg->data_uptr || !arg->entry_len ||
				    arg->entry_len > EMU_PAGE || arg->entry_num > 1u << 19))
		r = -EINVAL;
	else if (!emu_object_get(cmd->iommu, arg->hwpt_id, EMU_OBJECT_ANY))
		r = -ENOENT;
	else
		r = -EINVAL; /* neither a nested table nor a vIOMMU */
	arg->entry_num = 0;
	return emu_cmd_respond(cmd, sizeof(*arg)) ? -EFAULT : r;
}
