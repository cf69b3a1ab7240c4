/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The objects of /dev/iommu beside address spaces. */
#include "probe.h"

static void hwpt_structs(void)
{
	STRUCT(iommufd_hwpt_vtd_s1);
	FIELD(iommufd_hwpt_vtd_s1, flags);
	FIELD(iommufd_hwpt_vtd_s1, table);
	FIELD(iommufd_hwpt_vtd_s1, width);
	FIELD(iommufd_hwpt_vtd_s1, reserved);
	end_struct();
	STRUCT(iommufd_hwpt_smmuv3);
	FIELD(iommufd_hwpt_smmuv3, ste);
	end_struct();
	STRUCT(iommufd_hwpt_amd_guest);
	FIELD(iommufd_hwpt_amd_guest, dte);
	end_struct();
	STRUCT(iommufd_hwpt_opts);
	FIELD(iommufd_hwpt_opts, size);
	FIELD(iommufd_hwpt_opts, flags);
	FIELD(iommufd_hwpt_opts, fault_queue);
	FIELD(iommufd_hwpt_opts, data);
	FIELD(iommufd_hwpt_opts, data_type);
	FIELD(iommufd_hwpt_opts, data_length);
	end_struct();
	STRUCT(iommufd_hwpt_info);
	FIELD(iommufd_hwpt_info, size);
	FIELD(iommufd_hwpt_info, flags);
	FIELD(iommufd_hwpt_info, id);
	FIELD(iommufd_hwpt_info, kind);
	FIELD(iommufd_hwpt_info, ioas);
	FIELD(iommufd_hwpt_info, parent);
	end_struct();
	STRUCT(iommufd_invalidate_vtd_s1);
	FIELD(iommufd_invalidate_vtd_s1, address);
	FIELD(iommufd_invalidate_vtd_s1, pages);
	FIELD(iommufd_invalidate_vtd_s1, flags);
	FIELD(iommufd_invalidate_vtd_s1, reserved);
	end_struct();
	STRUCT(iommufd_invalidate_smmuv3);
	FIELD(iommufd_invalidate_smmuv3, cmd);
	end_struct();
}

static void viommu_structs(void)
{
	STRUCT(iommufd_viommu_opts);
	FIELD(iommufd_viommu_opts, size);
	FIELD(iommufd_viommu_opts, flags);
	FIELD(iommufd_viommu_opts, data);
	FIELD(iommufd_viommu_opts, data_length);
	FIELD(iommufd_viommu_opts, reserved);
	end_struct();
	STRUCT(iommufd_viommu_tegra241_cmdqv);
	FIELD(iommufd_viommu_tegra241_cmdqv, offset);
	FIELD(iommufd_viommu_tegra241_cmdqv, length);
	end_struct();
	STRUCT(iommufd_veventq_opts);
	FIELD(iommufd_veventq_opts, size);
	FIELD(iommufd_veventq_opts, flags);
	FIELD(iommufd_veventq_opts, event_size);
	FIELD(iommufd_veventq_opts, reserved);
	end_struct();
	STRUCT(iommufd_vevent);
	FIELD(iommufd_vevent, size);
	FIELD(iommufd_vevent, data);
	FIELD(iommufd_vevent, room);
	FIELD(iommufd_vevent, length);
	FIELD(iommufd_vevent, lost);
	FIELD(iommufd_vevent, sequence);
	FIELD(iommufd_vevent, reserved);
	end_struct();
	STRUCT(iommufd_vevent_smmuv3);
	FIELD(iommufd_vevent_smmuv3, evt);
	end_struct();
	STRUCT(iommufd_vevent_tegra241_cmdqv);
	FIELD(iommufd_vevent_tegra241_cmdqv, map);
	end_struct();
}

static void viommu_constants(void)
{
	CONSTANT(IOMMUFD_VIOMMU_SMMUV3);
	CONSTANT(IOMMUFD_VIOMMU_TEGRA241_CMDQV);
	CONSTANT(IOMMUFD_VEVENT_SMMUV3);
	CONSTANT(IOMMUFD_VEVENT_TEGRA241_CMDQV);
	CONSTANT(IOMMUFD_HW_QUEUE_TEGRA241_CMDQV);
}

static void fault_structs(void)
{
	STRUCT(iommufd_fault);
	FIELD(iommufd_fault, address);
	FIELD(iommufd_fault, length);
	FIELD(iommufd_fault, access);
	FIELD(iommufd_fault, flags);
	FIELD(iommufd_fault, pasid);
	FIELD(iommufd_fault, reserved);
	end_struct();
	STRUCT(iommufd_fault_queue_opts);
	FIELD(iommufd_fault_queue_opts, size);
	FIELD(iommufd_fault_queue_opts, flags);
	end_struct();
	STRUCT(iommufd_fault_group);
	FIELD(iommufd_fault_group, size);
	FIELD(iommufd_fault_group, faults);
	FIELD(iommufd_fault_group, room);
	FIELD(iommufd_fault_group, count);
	FIELD(iommufd_fault_group, id);
	FIELD(iommufd_fault_group, cookie);
	FIELD(iommufd_fault_group, device);
	FIELD(iommufd_fault_group, number);
	FIELD(iommufd_fault_group, flags);
	FIELD(iommufd_fault_group, pasid);
	end_struct();
}

static void hwinfo_structs(void)
{
	STRUCT(iommufd_hw_info);
	FIELD(iommufd_hw_info, size);
	FIELD(iommufd_hw_info, type);
	FIELD(iommufd_hw_info, data_length);
	FIELD(iommufd_hw_info, capabilities);
	FIELD(iommufd_hw_info, pasid_width);
	FIELD(iommufd_hw_info, reserved);
	FIELD(iommufd_hw_info, data);
	end_struct();
	STRUCT(iommufd_hw_field);
	FIELD(iommufd_hw_field, size);
	FIELD(iommufd_hw_field, reg);
	FIELD(iommufd_hw_field, name);
	FIELD(iommufd_hw_field, meaning);
	FIELD(iommufd_hw_field, value);
	FIELD(iommufd_hw_field, first_bit);
	FIELD(iommufd_hw_field, bits);
	FIELD(iommufd_hw_field, flags);
	FIELD(iommufd_hw_field, reserved);
	end_struct();
}

static void pasid_structs(void)
{
	STRUCT(iommufd_pasid_opts);
	FIELD(iommufd_pasid_opts, size);
	FIELD(iommufd_pasid_opts, flags);
	FIELD(iommufd_pasid_opts, number);
	FIELD(iommufd_pasid_opts, min);
	FIELD(iommufd_pasid_opts, max);
	end_struct();
	STRUCT(iommufd_pasid_info);
	FIELD(iommufd_pasid_info, size);
	FIELD(iommufd_pasid_info, cookie);
	FIELD(iommufd_pasid_info, number);
	FIELD(iommufd_pasid_info, device);
	FIELD(iommufd_pasid_info, ioas);
	FIELD(iommufd_pasid_info, hwpt);
	end_struct();
	STRUCT(iommufd_pasid_range);
	FIELD(iommufd_pasid_range, size);
	FIELD(iommufd_pasid_range, vpasid);
	FIELD(iommufd_pasid_range, pasid);
	FIELD(iommufd_pasid_range, count);
	FIELD(iommufd_pasid_range, reserved);
	end_struct();
	STRUCT(iommufd_pasid_table_info);
	FIELD(iommufd_pasid_table_info, size);
	FIELD(iommufd_pasid_table_info, virtual_width);
	FIELD(iommufd_pasid_table_info, physical_width);
	FIELD(iommufd_pasid_table_info, pairs);
	FIELD(iommufd_pasid_table_info, reserved);
	FIELD(iommufd_pasid_table_info, bytes);
	end_struct();
}

static void fault_constants(void)
{
	CONSTANT(IOMMUFD_FAULT_READ);
	CONSTANT(IOMMUFD_FAULT_WRITE);
	CONSTANT(IOMMUFD_FAULT_EXECUTE);
	CONSTANT(IOMMUFD_FAULT_PRIVILEGED);
	CONSTANT(IOMMUFD_FAULT_PASID);
	CONSTANT(IOMMUFD_FAULT_LAST);
	CONSTANT(IOMMUFD_FAULT_SUCCESS);
	CONSTANT(IOMMUFD_FAULT_INVALID);
}

static void hwinfo_constants(void)
{
	CONSTANT(IOMMUFD_HW_INFO_NONE);
	CONSTANT(IOMMUFD_HW_INFO_INTEL_VTD);
	CONSTANT(IOMMUFD_HW_INFO_ARM_SMMUV3);
	CONSTANT(IOMMUFD_HW_INFO_TEGRA241_CMDQV);
	CONSTANT(IOMMUFD_HW_INFO_AMD);
	CONSTANT(IOMMUFD_HW_CAP_DIRTY_TRACKING);
	CONSTANT(IOMMUFD_HW_CAP_PASID_EXEC);
	CONSTANT(IOMMUFD_HW_CAP_PASID_PRIV);
	CONSTANT(IOMMUFD_HW_CAP_ATS_NOT_SUPPORTED);
	CONSTANT(IOMMUFD_HW_FIELD_GUEST);
}

static void hwpt_constants(void)
{
	CONSTANT(IOMMUFD_HWPT_NEST_PARENT);
	CONSTANT(IOMMUFD_HWPT_DIRTY_TRACKING);
	CONSTANT(IOMMUFD_HWPT_PASID);
	CONSTANT(IOMMUFD_HWPT_PAGING);
	CONSTANT(IOMMUFD_HWPT_NESTED);
	CONSTANT(IOMMUFD_HWPT_DATA_NONE);
	CONSTANT(IOMMUFD_HWPT_DATA_VTD_S1);
	CONSTANT(IOMMUFD_HWPT_DATA_SMMUV3);
	CONSTANT(IOMMUFD_HWPT_DATA_AMD_GUEST);
	CONSTANT(IOMMUFD_VTD_S1_SUPERVISOR);
	CONSTANT(IOMMUFD_VTD_S1_EXTENDED_ACCESSED);
	CONSTANT(IOMMUFD_VTD_S1_WRITE_PROTECT);
	CONSTANT(IOMMUFD_INVALIDATE_VTD_S1);
	CONSTANT(IOMMUFD_INVALIDATE_SMMUV3);
	CONSTANT(IOMMUFD_INVALIDATE_LEAF);
}

void model_structs(void)
{
	hwpt_structs();
	fault_structs();
	viommu_structs();
	hwinfo_structs();
	pasid_structs();
}

void model_constants(void)
{
	fault_constants();
	viommu_constants();
	hwinfo_constants();
	hwpt_constants();
}
