/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The IOMMU that the machine claims to have, a VT-d in legacy mode, and that of mock devices. */
#include <errno.h>
#include <string.h>

#include "emu/mock.h"
#include "os/mock.h"

/* Second level tables with 2 MiB pages; the address width goes into MGAW and SAGAW. */
#define VTD_CAP UINT64_C(0x00d2008c22000006)
#define VTD_ECAP UINT64_C(0x0000000000f00f4a)

union info {
	struct k_iommu_hw_info_vtd vtd;
	struct k_iommu_test_hw_info mock;
};

static void vtd_info(const struct iommufd_emu *emu, struct k_iommu_hw_info_vtd *out)
{
	uint64_t sagaw = emu->address_bits > 48 ? 0xe : emu->address_bits > 39 ? 0x6 : 0x2;

	*out = (struct k_iommu_hw_info_vtd){
		.flags = K_IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17,
		.cap_reg = VTD_CAP | sagaw << 8 | (uint64_t)(emu->address_bits - 1) << 16,
		.ecap_reg = VTD_ECAP,
	};
}

static int fill_user(uint64_t dst, uint32_t room, const void *data, uint32_t size)
{
	static const unsigned char zero[256];
	uint32_t at = room < size ? room : size;
	int r = emu_user_write(dst, data, at);

	while (!r && at < room) {
		uint32_t n = room - at < sizeof(zero) ? room - at : (uint32_t)sizeof(zero);

		r = emu_user_write(dst + at, zero, n);
		at += n;
	}
	return r;
}

/* What there is to tell of the IOMMU; its size, or -EOPNOTSUPP for a type that it is not. */
static int describe(const struct emu_device *dev, struct k_iommu_hw_info *arg, union info *out)
{
	uint32_t type = dev->mock ? K_IOMMU_HW_INFO_TYPE_SELFTEST : K_IOMMU_HW_INFO_TYPE_INTEL_VTD;

	if ((arg->flags & K_IOMMU_HW_INFO_FLAG_INPUT_TYPE) &&
	    arg->in_data_type != K_IOMMU_HW_INFO_TYPE_DEFAULT && arg->in_data_type != type)
		return -EOPNOTSUPP;
	arg->out_data_type = type;
	arg->out_capabilities = K_IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED;
	arg->out_max_pasid_log2 = 0;
	if (!dev->mock) {
		vtd_info(dev->emu, &out->vtd);
		return sizeof(out->vtd);
	}
	if (!(dev->mock->flags & K_MOCK_FLAGS_DEVICE_NO_DIRTY))
		arg->out_capabilities |= K_IOMMU_HW_CAP_DIRTY_TRACKING;
	if (dev->mock->flags & K_MOCK_FLAGS_DEVICE_PASID)
		arg->out_max_pasid_log2 = K_MOCK_PASID_WIDTH;
	out->mock = (struct k_iommu_test_hw_info){ .test_reg = K_IOMMU_HW_INFO_SELFTEST_REGVAL };
	return sizeof(out->mock);
}

int emu_cmd_hw_info(struct emu_cmd *cmd)
{
	struct k_iommu_hw_info *arg = cmd->arg;
	const struct emu_device *dev;
	union info info;
	int size, r;

	if (arg->flags & ~(uint32_t)K_IOMMU_HW_INFO_FLAG_INPUT_TYPE)
		return -EOPNOTSUPP;
	if (!emu_has(cmd->iommu->emu, EMU_FEATURE_GROWN_IOMMUFD) &&
	    (arg->flags || arg->out_max_pasid_log2))
		return -EOPNOTSUPP;
	if (arg->__reserved[0] || arg->__reserved[1] || arg->__reserved[2])
		return -EOPNOTSUPP;
	dev = emu_device_get(cmd->iommu, arg->dev_id);
	if (!dev)
		return -ENOENT;
	if (emu_device_is_noiommu(dev))
		return -EOPNOTSUPP;
	size = describe(dev, arg, &info);
	if (size < 0)
		return size;
	r = fill_user(arg->data_uptr, arg->data_len, &info, (uint32_t)size);
	if (r)
		return r;
	arg->data_len = (uint32_t)size;
	return emu_cmd_respond(cmd, sizeof(*arg));
}
