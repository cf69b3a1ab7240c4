/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the IOMMU has cached of a guest's tables. */
#include <errno.h>

#include "object/hwpt.h"

_Static_assert((int)IOMMUFD_INVALIDATE_VTD_S1 == K_IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 &&
	       (int)IOMMUFD_INVALIDATE_SMMUV3 == K_IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 &&
	       (int)IOMMUFD_INVALIDATE_LEAF == K_IOMMU_VTD_INV_FLAGS_LEAF,
	       "types and flags are the kernel's numbers");
_Static_assert(sizeof(struct iommufd_invalidate_vtd_s1) ==
		       sizeof(struct k_iommu_hwpt_vtd_s1_invalidate) &&
	       offsetof(struct iommufd_invalidate_vtd_s1, address) ==
		       offsetof(struct k_iommu_hwpt_vtd_s1_invalidate, addr) &&
	       offsetof(struct iommufd_invalidate_vtd_s1, pages) ==
		       offsetof(struct k_iommu_hwpt_vtd_s1_invalidate, npages) &&
	       offsetof(struct iommufd_invalidate_vtd_s1, flags) ==
		       offsetof(struct k_iommu_hwpt_vtd_s1_invalidate, flags) &&
	       sizeof(struct iommufd_invalidate_smmuv3) ==
		       sizeof(struct k_iommu_viommu_arm_smmuv3_invalidate),
	       "the kernel reads the caller's entries as they are");

/* What newer kernels take in one call. */
#define ENTRIES_MAX (UINT32_C(1) << 19)
#define ENTRY_SIZE_MAX 4096u

static int refused(const char *object, uint32_t type, uint32_t done, uint32_t count, int r)
{
	if (!count && (r == -EOPNOTSUPP || r == -EINVAL))
		return err(-EOPNOTSUPP, "IOMMU_HWPT_INVALIDATE", object, "use a type of the IOMMU's kind",
			   "type %#x of invalidation is not supported", type);
	return err_kernel(r, KNOWN(-EINVAL, -EOPNOTSUPP, -EFAULT, -ENOMEM),
			  "IOMMU_HWPT_INVALIDATE", object,
			  "look at that entry: it, and those after it, were not done",
			  "entry %u of %u, of type %#x, was refused", done, count, type);
}

int hwpt_invalidate(struct engine *e, const char *function, uint32_t id, const char *object,
		    uint32_t type, const void *entries, uint32_t entry_size, uint32_t *count)
{
	uint32_t wanted = *count, done = 0;
	int r;

	*count = 0;
	if (wanted && (!entries || !entry_size || entry_size > ENTRY_SIZE_MAX))
		return err(-EINVAL, function, "entries", "give an array, and sizeof its entries",
			   "%u entries of %u bytes at %p", wanted, entry_size, entries);
	do {
		struct k_iommu_hwpt_invalidate arg = {
			.size = sizeof(arg),
			.hwpt_id = id,
			.data_uptr = (uintptr_t)entries + (uint64_t)done * entry_size,
			.data_type = type,
			.entry_len = entry_size,
			.entry_num = wanted - done < ENTRIES_MAX ? wanted - done : ENTRIES_MAX,
		};
		uint32_t asked = arg.entry_num;

		r = e->ops->command(e, K_IOMMU_HWPT_INVALIDATE, &arg);
		if (arg.entry_num > asked)
			r = -EIO;
		else if (!r || arg.entry_num < asked) /* a refused call may leave the number alone */
			done += arg.entry_num;
		if (!r && arg.entry_num < asked)
			r = -EIO;
	} while (!r && done < wanted);
	*count = done;
	return r ? refused(object, type, done, wanted, r) : 0;
}

IOMMUFD_EXPORT int iommufd_hwpt_invalidate(struct iommufd_hwpt *hwpt, uint32_t type,
					   const void *entries, uint32_t entry_size,
					   uint32_t *count)
{
	int r = hwpt_check(hwpt, __func__);

	if (r)
		return r;
	if (!count) {
		r = err_null(__func__, "count");
	} else if (!hwpt->parent) {
		*count = 0;
		r = err(-EINVAL, __func__, hwpt->object, "name a nested table",
			"the table is no guest's: the kernel itself keeps it in order");
	} else {
		r = hwpt_invalidate(&hwpt->ctx->backend.engine, __func__, hwpt->id, hwpt->object,
				    type, entries, entry_size, count);
	}
	return err_log(&hwpt->ctx->core.log, r);
}
