/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * NVIDIA Tegra241 CMDQV, beside an SMMUv3. The kernel tells the fields of the
 * PARAM register a byte each, without that for the number of VINTFs: a guest is
 * to be shown one.
 */
#include "object/hwinfo.h"

#define PARAM(m, f, n, text) { \
	.reg = "PARAM", .name = (n), .meaning = (text), \
	.offset = offsetof(struct k_iommu_hw_info_tegra241_cmdqv, m), \
	.bytes = 1, .first = (f), .bits = 4, .guest = true, \
}

static const struct hw_field fields[] = {
	PARAM(version, 0, "VER", "version of the command queue virtualization"),
	PARAM(log2vcmdqs, 4, "NUM_VCMDQ_LOG2", "log2 of the number of virtual command queues"),
	PARAM(log2vsids, 12, "NUM_SID_PER_VM_LOG2", "log2 of the StreamIDs that a VM can have replaced"),
};

const struct hw_fields hw_fields_tegra241 = { fields, ARRAY_SIZE(fields) };
