/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Hardware page tables: filling them with an address space, and requests on them. */
#include <errno.h>
#include <stdlib.h>

#include "emu/device.h"
#include "emu/fault.h"
#include "emu/viommu.h"
#include "os/mock.h"

/* What the driver of a VT-d without scalable mode grants, tables for no IOMMU, and mocks. */
static uint32_t granted_flags(const struct emu_device *dev)
{
	uint32_t flags = K_IOMMU_HWPT_FAULT_ID_VALID;

	if (!emu_device_is_noiommu(dev))
		flags |= K_IOMMU_HWPT_ALLOC_PASID;
	if (dev->mock)
		flags |= K_IOMMU_HWPT_ALLOC_NEST_PARENT;
	if (dev->mock && !(dev->mock->flags & K_MOCK_FLAGS_DEVICE_NO_DIRTY))
		flags |= K_IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	return flags;
}

static uint64_t page_size(const struct emu_hwpt *hwpt)
{
	return hwpt->mock && !hwpt->huge ? K_MOCK_PAGE_SIZE : EMU_PAGE;
}

void emu_ioas_align(struct emu_ioas *ioas)
{
	ioas->alignment = ioas->no_huge_pages ? EMU_PAGE : 1; /* until a device has a say */
	for (const struct emu_hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
		if (page_size(hwpt) > ioas->alignment)
			ioas->alignment = page_size(hwpt);
	if (ioas->accesses)
		ioas->alignment = EMU_PAGE;
}

/* Mappings made when anything went must suit the hardware now. */
int emu_ioas_check_alignment(const struct emu_ioas *ioas, uint64_t alignment)
{
	uint64_t mask = alignment - 1;

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

/* What the table can translate. */
static struct emu_range aperture(const struct emu_device *dev, const struct emu_hwpt *hwpt)
{
	unsigned int bits = dev->emu->address_bits;

	if (hwpt->mock && !hwpt->huge)
		return (struct emu_range){ K_MOCK_APERTURE_START, K_MOCK_APERTURE_LAST };
	if (hwpt->mock)
		bits = 38;
	else if (emu_device_is_noiommu(dev))
		bits = 64; /* in software */
	return (struct emu_range){ 0, bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX };
}

static int reserve_outside(struct emu_ioas *ioas, const struct emu_range *range, const void *owner)
{
	int r = 0;

	if (range->start)
		r = emu_iova_reserve(ioas, 0, range->start - 1, owner);
	if (!r && range->last != UINT64_MAX)
		r = emu_iova_reserve(ioas, range->last + 1, UINT64_MAX, owner);
	return r;
}

/* Everything an IOAS could get away with before surfaces here. */
static int fill(const struct emu_device *dev, struct emu_hwpt *hwpt)
{
	const struct emu_range range = aperture(dev, hwpt);
	struct emu_ioas *ioas = hwpt->ioas;
	struct emu_hwpt **link = &ioas->hwpts;
	int r = 0;

	if (page_size(hwpt) > ioas->alignment)
		r = emu_ioas_check_alignment(ioas, page_size(hwpt));
	if (!r)
		r = reserve_outside(ioas, &range, hwpt);
	if (!r && !ioas->hwpts)
		r = pin_all(ioas);
	if (r) {
		emu_iova_unreserve(ioas, hwpt);
		return r;
	}
	while (*link)
		link = &(*link)->next;
	*link = hwpt;
	emu_ioas_align(ioas);
	return 0;
}

int emu_hwpt_new(struct emu_device *dev, struct emu_ioas *ioas, uint32_t flags, bool huge,
		 struct emu_hwpt **out)
{
	struct emu_hwpt *hwpt = calloc(1, sizeof(*hwpt));
	int r;

	if (!hwpt)
		return -ENOMEM;
	hwpt->ioas = ioas;
	hwpt->mock = dev->mock;
	hwpt->huge = huge;
	hwpt->pasid = flags & K_IOMMU_HWPT_ALLOC_PASID;
	hwpt->nest_parent = flags & K_IOMMU_HWPT_ALLOC_NEST_PARENT;
	hwpt->can_track = flags & K_IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	r = emu_object_add(ioas->iommu, &hwpt->object, EMU_OBJECT_HWPT);
	if (r) {
		free(hwpt);
		return r;
	}
	r = fill(dev, hwpt);
	if (r) {
		emu_object_remove(ioas->iommu, &hwpt->object);
		free(hwpt);
		return r;
	}
	ioas->object.users++;
	*out = hwpt;
	return 0;
}

static void empty(struct emu_hwpt *hwpt)
{
	struct emu_ioas *ioas = hwpt->ioas;
	struct emu_hwpt **link = &ioas->hwpts;

	while (*link != hwpt)
		link = &(*link)->next;
	*link = hwpt->next;
	emu_iova_unreserve(ioas, hwpt);
	for (size_t i = 0; !ioas->hwpts && i < ioas->nr_areas; i++)
		emu_area_unpin(ioas->areas[i]);
	emu_ioas_align(ioas);
	ioas->object.users--;
}

void emu_hwpt_destroy(struct emu_hwpt *hwpt)
{
	if (hwpt->viommu)
		hwpt->viommu->object.users--;
	else if (hwpt->parent)
		hwpt->parent->object.users--;
	else
		empty(hwpt);
	if (hwpt->fault)
		emu_fault_hold(hwpt->fault, false);
	emu_object_remove(hwpt->ioas->iommu, &hwpt->object);
	free(hwpt->dirty.at);
	free(hwpt);
}

/* A device left: an automatic table goes with the last one. */
void emu_hwpt_put(struct emu_hwpt *hwpt)
{
	hwpt->object.users--;
	if (hwpt->automatic && hwpt->object.users == 1)
		emu_hwpt_destroy(hwpt);
}

/* The mock IOMMU takes data for a table of its own too: which of two kinds it is. */
static int read_kind(const struct emu_device *dev, const struct k_iommu_hwpt_alloc *arg, bool *huge)
{
	struct k_iommu_hwpt_selftest data = { 0 };
	int r;

	if (!arg->data_len)
		return 0;
	if (!dev->mock || arg->data_type != K_IOMMU_HWPT_DATA_SELFTEST)
		return -EOPNOTSUPP;
	r = emu_mock_read(&data, sizeof(data), emu_endof(struct k_iommu_hwpt_selftest, iotlb),
			  arg->data_uptr, arg->data_len);
	*huge = data.pagetable_type == 1;
	return r || data.pagetable_type <= 1 ? r : -EOPNOTSUPP;
}

static int new_paging(struct emu_device *dev, struct emu_ioas *ioas,
		      const struct k_iommu_hwpt_alloc *arg, struct emu_hwpt **out)
{
	bool huge = false;
	int r;

	if (arg->flags & ~granted_flags(dev))
		return -EOPNOTSUPP;
	if ((arg->flags & K_IOMMU_HWPT_FAULT_ID_VALID) &&
	    (arg->flags & K_IOMMU_HWPT_ALLOC_NEST_PARENT))
		return -EOPNOTSUPP;
	r = read_kind(dev, arg, &huge);
	return r ? r : emu_hwpt_new(dev, ioas, arg->flags, huge, out);
}

static int new_table(struct emu_device *dev, struct emu_object *parent,
		     const struct k_iommu_hwpt_alloc *arg, struct emu_hwpt **out)
{
	if (parent->type == EMU_OBJECT_IOAS)
		return new_paging(dev, (struct emu_ioas *)parent, arg, out);
	if (parent->type == EMU_OBJECT_HWPT)
		return emu_nested_new(dev, (struct emu_hwpt *)parent, arg, out);
	if (parent->type == EMU_OBJECT_VIOMMU)
		return emu_nested_new_on(dev, (struct emu_viommu *)parent, arg, out);
	return -EINVAL;
}

static int use_fault_queue(struct emu_hwpt *hwpt, const struct k_iommu_hwpt_alloc *arg)
{
	if (!(arg->flags & K_IOMMU_HWPT_FAULT_ID_VALID))
		return 0;
	hwpt->fault = emu_object_get(hwpt->ioas->iommu, arg->fault_id, EMU_OBJECT_FAULT);
	if (!hwpt->fault)
		return -ENOENT;
	emu_fault_hold(hwpt->fault, true);
	return 0;
}

int emu_cmd_hwpt_alloc(struct emu_cmd *cmd)
{
	struct k_iommu_hwpt_alloc *arg = cmd->arg;
	struct emu_iommu *iommu = cmd->iommu;
	struct emu_device *dev;
	struct emu_object *parent;
	struct emu_hwpt *hwpt = NULL;
	int r;

	if (arg->__reserved ||
	    (arg->flags && !emu_has(iommu->emu, EMU_FEATURE_GROWN_IOMMUFD)))
		return -EOPNOTSUPP;
	if ((arg->data_type == K_IOMMU_HWPT_DATA_NONE) != !arg->data_len)
		return -EINVAL;
	dev = emu_device_get(iommu, arg->dev_id);
	if (!dev)
		return -ENOENT;
	parent = emu_object_get(iommu, arg->pt_id, EMU_OBJECT_ANY);
	if (!parent)
		return -EINVAL;
	r = new_table(dev, parent, arg, &hwpt);
	if (r)
		return r;
	arg->out_hwpt_id = hwpt->object.id;
	r = use_fault_queue(hwpt, arg);
	if (!r)
		r = emu_cmd_respond(cmd, sizeof(*arg));
	if (r)
		emu_hwpt_destroy(hwpt);
	return r;
}
