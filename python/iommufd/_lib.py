# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Loads libiommufd and states the prototype of every function of its headers."""

from __future__ import annotations

import ctypes
import operator
import os
from ctypes import (POINTER, c_char_p, c_int, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64,
                    c_void_p)
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import _structs as s

Prototypes = Dict[str, Tuple[Any, List[Any]]]

SONAME = "libiommufd.so.0"

# Handles are plain addresses. The order is that of libiommufd.sym: alphabetical.
PROTOTYPES: Prototypes = {
    "iommufd_ctx_change_process": (c_int, [c_void_p]),
    "iommufd_ctx_clear_compat_ioas": (c_int, [c_void_p]),
    "iommufd_ctx_disown": (c_int, [c_void_p]),
    "iommufd_ctx_export": (
        c_int, [c_void_p, c_void_p, POINTER(c_size_t), POINTER(c_int), POINTER(c_size_t)]),
    "iommufd_ctx_from_fd": (c_int, [c_int, POINTER(s.ContextOptions), POINTER(c_void_p)]),
    "iommufd_ctx_get_backend": (c_char_p, [c_void_p]),
    "iommufd_ctx_get_compat_ioas": (c_int, [c_void_p, POINTER(c_uint32)]),
    "iommufd_ctx_get_event_fd": (c_int, [c_void_p]),
    "iommufd_ctx_get_fd": (c_int, [c_void_p]),
    "iommufd_ctx_get_report": (c_char_p, [c_void_p]),
    "iommufd_ctx_get_rlimit_mode": (c_int, [c_void_p, POINTER(c_uint32)]),
    "iommufd_ctx_has": (c_int, [c_void_p, c_uint32]),
    "iommufd_ctx_new": (c_int, [POINTER(s.ContextOptions), POINTER(c_void_p)]),
    "iommufd_ctx_read_event": (c_int, [c_void_p, POINTER(s.Event)]),
    "iommufd_ctx_ref": (c_void_p, [c_void_p]),
    "iommufd_ctx_set_compat_ioas": (c_int, [c_void_p, c_void_p]),
    "iommufd_ctx_set_rlimit_mode": (c_int, [c_void_p, c_uint32]),
    "iommufd_ctx_unref": (c_void_p, [c_void_p]),
    "iommufd_device_adopt": (
        c_int, [c_void_p, POINTER(s.DeviceBound), POINTER(s.DeviceOptions), POINTER(c_void_p)]),
    "iommufd_device_attach": (c_int, [c_void_p, c_void_p]),
    "iommufd_device_attach_hwpt": (c_int, [c_void_p, c_void_p]),
    "iommufd_device_detach": (c_int, [c_void_p]),
    "iommufd_device_enter_low_power": (c_int, [c_void_p, c_int]),
    "iommufd_device_find": (c_int, [c_void_p, c_uint64, POINTER(c_void_p)]),
    "iommufd_device_find_id": (c_int, [c_void_p, c_uint32, POINTER(c_void_p)]),
    "iommufd_device_from_fd": (
        c_int, [c_void_p, c_int, POINTER(s.DeviceOptions), POINTER(c_void_p)]),
    "iommufd_device_get_fd": (c_int, [c_void_p]),
    "iommufd_device_get_feature": (c_int, [c_void_p, c_uint32, c_void_p, c_size_t]),
    "iommufd_device_get_group": (c_int, [c_void_p, POINTER(c_void_p)]),
    "iommufd_device_get_hw_info": (c_int, [c_void_p, POINTER(s.HwInfo)]),
    "iommufd_device_get_hw_info_of": (c_int, [c_void_p, c_uint32, POINTER(s.HwInfo)]),
    "iommufd_device_get_hwpt": (c_int, [c_void_p, POINTER(c_void_p)]),
    "iommufd_device_get_info": (c_int, [c_void_p, POINTER(s.DeviceInfo)]),
    "iommufd_device_get_ioas": (c_int, [c_void_p, POINTER(c_void_p)]),
    "iommufd_device_get_report": (c_char_p, [c_void_p]),
    "iommufd_device_get_reset_info": (c_int, [c_void_p, c_uint32, POINTER(s.ResetInfo)]),
    "iommufd_device_get_transport": (c_char_p, [c_void_p]),
    "iommufd_device_has": (c_int, [c_void_p, c_uint32]),
    "iommufd_device_has_feature": (c_int, [c_void_p, c_uint32, c_uint32]),
    "iommufd_device_hot_reset": (c_int, [c_void_p]),
    "iommufd_device_leave_low_power": (c_int, [c_void_p]),
    "iommufd_device_open": (
        c_int, [c_void_p, c_char_p, POINTER(s.DeviceOptions), POINTER(c_void_p)]),
    "iommufd_device_read_dma_log": (
        c_int, [c_void_p, c_uint64, c_uint64, c_uint64, POINTER(c_uint64)]),
    "iommufd_device_ref": (c_void_p, [c_void_p]),
    "iommufd_device_replace": (c_int, [c_void_p, c_void_p]),
    "iommufd_device_replace_hwpt": (c_int, [c_void_p, c_void_p]),
    "iommufd_device_reserve_pasids": (c_int, [c_void_p, c_uint32, c_uint32]),
    "iommufd_device_reset": (c_int, [c_void_p]),
    "iommufd_device_set_bus_master": (c_int, [c_void_p, c_int]),
    "iommufd_device_set_feature": (c_int, [c_void_p, c_uint32, c_void_p, c_size_t]),
    "iommufd_device_set_vf_token": (c_int, [c_void_p, POINTER(c_uint8)]),
    "iommufd_device_start_dma_log": (
        c_int, [c_void_p, POINTER(s.Range), c_size_t, POINTER(c_uint64)]),
    "iommufd_device_stop_dma_log": (c_int, [c_void_p]),
    "iommufd_device_unref": (c_void_p, [c_void_p]),
    "iommufd_dirty_next": (
        c_int, [POINTER(c_uint64), c_uint64, POINTER(c_uint64), POINTER(c_uint64)]),
    "iommufd_error_last": (POINTER(s.Error), []),
    "iommufd_fault_queue_get_fd": (c_int, [c_void_p]),
    "iommufd_fault_queue_new": (
        c_int, [c_void_p, POINTER(s.FaultQueueOptions), POINTER(c_void_p)]),
    "iommufd_fault_queue_read": (c_int, [c_void_p, POINTER(s.FaultGroup)]),
    "iommufd_fault_queue_ref": (c_void_p, [c_void_p]),
    "iommufd_fault_queue_respond": (c_int, [c_void_p, c_uint64, c_uint32]),
    "iommufd_fault_queue_unref": (c_void_p, [c_void_p]),
    "iommufd_group_check_viable": (c_int, [c_void_p]),
    "iommufd_group_from_fd": (c_int, [c_void_p, c_int, POINTER(c_void_p)]),
    "iommufd_group_get_fd": (c_int, [c_void_p]),
    "iommufd_group_get_info": (c_int, [c_void_p, POINTER(s.GroupInfo)]),
    "iommufd_group_get_member": (c_int, [c_void_p, c_uint32, POINTER(s.GroupMember)]),
    "iommufd_group_open": (c_int, [c_void_p, c_int, POINTER(c_void_p)]),
    "iommufd_group_ref": (c_void_p, [c_void_p]),
    "iommufd_group_unref": (c_void_p, [c_void_p]),
    "iommufd_handoff_add": (c_int, [c_void_p, c_char_p, POINTER(s.DeviceOptions)]),
    "iommufd_handoff_add_device": (c_int, [c_void_p, c_void_p]),
    "iommufd_handoff_add_group": (c_int, [c_void_p, c_int]),
    "iommufd_handoff_find_device": (c_int, [c_void_p, c_char_p, POINTER(c_void_p)]),
    "iommufd_handoff_get_item": (c_int, [c_void_p, c_uint32, POINTER(s.HandoffItem)]),
    "iommufd_handoff_new": (c_int, [c_void_p, POINTER(c_void_p)]),
    "iommufd_handoff_open": (
        c_int, [c_void_p, POINTER(s.ContextOptions), POINTER(c_void_p)]),
    "iommufd_handoff_receive": (c_int, [c_int, c_void_p, POINTER(c_void_p)]),
    "iommufd_handoff_ref": (c_void_p, [c_void_p]),
    "iommufd_handoff_send": (c_int, [c_void_p, c_int]),
    "iommufd_handoff_unref": (c_void_p, [c_void_p]),
    "iommufd_hw_info_get": (c_int, [POINTER(s.HwInfo), c_char_p, POINTER(c_uint64)]),
    "iommufd_hw_info_next": (
        c_int, [POINTER(s.HwInfo), POINTER(c_size_t), POINTER(s.HwField)]),
    "iommufd_hw_queue_new": (
        c_int, [c_void_p, c_uint32, c_uint32, c_uint64, c_uint64, POINTER(c_void_p)]),
    "iommufd_hw_queue_ref": (c_void_p, [c_void_p]),
    "iommufd_hw_queue_unref": (c_void_p, [c_void_p]),
    "iommufd_hwpt_get_info": (c_int, [c_void_p, POINTER(s.HWPTInfo)]),
    "iommufd_hwpt_invalidate": (
        c_int, [c_void_p, c_uint32, c_void_p, c_uint32, POINTER(c_uint32)]),
    "iommufd_hwpt_new": (c_int, [c_void_p, c_void_p, POINTER(s.HWPTOptions), POINTER(c_void_p)]),
    "iommufd_hwpt_new_nested": (
        c_int, [c_void_p, c_void_p, POINTER(s.HWPTOptions), POINTER(c_void_p)]),
    "iommufd_hwpt_new_on_viommu": (
        c_int, [c_void_p, c_void_p, POINTER(s.HWPTOptions), POINTER(c_void_p)]),
    "iommufd_hwpt_read_dirty": (
        c_int, [c_void_p, c_uint64, c_uint64, c_uint64, c_uint32, POINTER(c_uint64)]),
    "iommufd_hwpt_ref": (c_void_p, [c_void_p]),
    "iommufd_hwpt_set_dirty_tracking": (c_int, [c_void_p, c_int]),
    "iommufd_hwpt_unref": (c_void_p, [c_void_p]),
    "iommufd_import_find_fault_queue": (c_int, [c_void_p, c_uint32, POINTER(c_void_p)]),
    "iommufd_import_find_hw_queue": (c_int, [c_void_p, c_uint32, POINTER(c_void_p)]),
    "iommufd_import_find_hwpt": (c_int, [c_void_p, c_uint32, POINTER(c_void_p)]),
    "iommufd_import_find_ioas": (c_int, [c_void_p, c_uint32, POINTER(c_void_p)]),
    "iommufd_import_find_pasid": (
        c_int, [c_void_p, c_uint32, c_uint32, POINTER(c_void_p)]),
    "iommufd_import_find_vdevice": (c_int, [c_void_p, c_uint32, POINTER(c_void_p)]),
    "iommufd_import_find_veventq": (c_int, [c_void_p, c_uint32, POINTER(c_void_p)]),
    "iommufd_import_find_viommu": (c_int, [c_void_p, c_uint32, POINTER(c_void_p)]),
    "iommufd_import_get_ctx": (c_int, [c_void_p, POINTER(c_void_p)]),
    "iommufd_import_get_item": (c_int, [c_void_p, c_uint32, POINTER(s.ImportItem)]),
    "iommufd_import_new": (
        c_int, [c_void_p, c_size_t, POINTER(c_int), c_size_t, POINTER(s.ImportOptions),
                POINTER(c_void_p)]),
    "iommufd_import_ref": (c_void_p, [c_void_p]),
    "iommufd_import_unref": (c_void_p, [c_void_p]),
    "iommufd_ioas_allow": (c_int, [c_void_p, POINTER(s.Range), c_size_t]),
    "iommufd_ioas_copy": (
        c_int, [c_void_p, c_void_p, c_uint64, c_uint64, c_uint32, POINTER(c_uint64),
                POINTER(s.MapOptions)]),
    "iommufd_ioas_get_alignment": (c_int, [c_void_p, POINTER(c_uint64)]),
    "iommufd_ioas_get_dma_address": (
        c_int, [c_void_p, c_uint64, POINTER(c_uint64), POINTER(c_size_t)]),
    "iommufd_ioas_get_huge_pages": (c_int, [c_void_p, POINTER(c_int)]),
    "iommufd_ioas_get_id": (c_int, [c_void_p, POINTER(c_uint32)]),
    "iommufd_ioas_get_info": (c_int, [c_void_p, POINTER(s.IOASInfo)]),
    "iommufd_ioas_get_ranges": (c_int, [c_void_p, POINTER(s.Range), POINTER(c_size_t)]),
    "iommufd_ioas_iova_to_va": (
        c_int, [c_void_p, c_uint64, POINTER(c_void_p), POINTER(c_size_t)]),
    "iommufd_ioas_map": (
        c_int, [c_void_p, c_void_p, c_size_t, c_uint32, POINTER(c_uint64),
                POINTER(s.MapOptions)]),
    "iommufd_ioas_map_file": (
        c_int, [c_void_p, c_int, c_uint64, c_size_t, c_uint32, POINTER(c_uint64),
                POINTER(s.MapOptions)]),
    "iommufd_ioas_mapv": (
        c_int, [c_void_p, POINTER(s.MapVec), c_size_t, c_uint32, POINTER(s.MapOptions),
                POINTER(c_size_t)]),
    "iommufd_ioas_new": (c_int, [c_void_p, POINTER(s.IOASOptions), POINTER(c_void_p)]),
    "iommufd_ioas_next_mapping": (c_int, [c_void_p, c_uint64, POINTER(s.Mapping)]),
    "iommufd_ioas_read_dirty": (
        c_int, [c_void_p, c_uint64, c_uint64, c_uint64, c_uint32, POINTER(c_uint64)]),
    "iommufd_ioas_ref": (c_void_p, [c_void_p]),
    "iommufd_ioas_set_dirty_tracking": (c_int, [c_void_p, c_int]),
    "iommufd_ioas_set_huge_pages": (c_int, [c_void_p, c_int]),
    "iommufd_ioas_unmap": (c_int, [c_void_p, c_uint64, c_uint64, POINTER(c_uint64)]),
    "iommufd_ioas_unmap_all": (c_int, [c_void_p, POINTER(c_uint64)]),
    "iommufd_ioas_unmap_dirty": (
        c_int, [c_void_p, c_uint64, c_uint64, c_uint64, POINTER(c_uint64), POINTER(c_uint64),
                POINTER(c_int)]),
    "iommufd_ioas_unref": (c_void_p, [c_void_p]),
    "iommufd_ioas_update_va": (c_int, [c_void_p, c_uint64, c_uint64, c_void_p]),
    "iommufd_ioas_va_to_iova": (
        c_int, [c_void_p, c_void_p, POINTER(c_uint64), POINTER(c_size_t)]),
    "iommufd_irq_disable": (c_int, [c_void_p, c_uint32]),
    "iommufd_irq_enable": (c_int, [c_void_p, c_uint32, c_uint32, c_uint32, POINTER(c_int)]),
    "iommufd_irq_get_info": (c_int, [c_void_p, c_uint32, POINTER(s.IrqInfo)]),
    "iommufd_irq_mask": (c_int, [c_void_p, c_uint32, c_uint32, c_uint32]),
    "iommufd_irq_set_resample": (c_int, [c_void_p, c_uint32, c_uint32, c_int]),
    "iommufd_irq_trigger": (c_int, [c_void_p, c_uint32, c_uint32, c_uint32]),
    "iommufd_irq_unmask": (c_int, [c_void_p, c_uint32, c_uint32, c_uint32]),
    "iommufd_migration_get_data_size": (c_int, [c_void_p, POINTER(c_uint64)]),
    "iommufd_migration_get_flags": (c_int, [c_void_p, POINTER(c_uint64)]),
    "iommufd_migration_get_precopy_info": (c_int, [c_void_p, c_int, POINTER(s.PrecopyInfo)]),
    "iommufd_migration_get_state": (c_int, [c_void_p, POINTER(c_uint32)]),
    "iommufd_migration_read": (c_int, [c_void_p, c_int, c_void_p, c_size_t, POINTER(c_size_t)]),
    "iommufd_migration_set_state": (c_int, [c_void_p, c_uint32, POINTER(c_int)]),
    "iommufd_migration_write": (c_int, [c_void_p, c_int, c_void_p, c_size_t]),
    "iommufd_pasid_attach": (c_int, [c_void_p, c_void_p]),
    "iommufd_pasid_attach_hwpt": (c_int, [c_void_p, c_void_p]),
    "iommufd_pasid_detach": (c_int, [c_void_p]),
    "iommufd_pasid_get_hwpt": (c_int, [c_void_p, POINTER(c_void_p)]),
    "iommufd_pasid_get_info": (c_int, [c_void_p, POINTER(s.PasidInfo)]),
    "iommufd_pasid_get_ioas": (c_int, [c_void_p, POINTER(c_void_p)]),
    "iommufd_pasid_new": (c_int, [c_void_p, POINTER(s.PasidOptions), POINTER(c_void_p)]),
    "iommufd_pasid_ref": (c_void_p, [c_void_p]),
    "iommufd_pasid_replace": (c_int, [c_void_p, c_void_p]),
    "iommufd_pasid_replace_hwpt": (c_int, [c_void_p, c_void_p]),
    "iommufd_pasid_table_clear": (c_int, [c_void_p, c_uint32]),
    "iommufd_pasid_table_clear_range": (
        c_int, [c_void_p, c_uint32, c_uint32, POINTER(c_uint32)]),
    "iommufd_pasid_table_get_info": (c_int, [c_void_p, POINTER(s.PasidTableInfo)]),
    "iommufd_pasid_table_new": (c_int, [c_uint32, c_uint32, POINTER(c_void_p)]),
    "iommufd_pasid_table_next": (c_int, [c_void_p, c_uint32, POINTER(s.PasidRange)]),
    "iommufd_pasid_table_ref": (c_void_p, [c_void_p]),
    "iommufd_pasid_table_set": (c_int, [c_void_p, c_uint32, c_uint32]),
    "iommufd_pasid_table_set_range": (c_int, [c_void_p, c_uint32, c_uint32, c_uint32]),
    "iommufd_pasid_table_to_physical": (c_int, [c_void_p, c_uint32, POINTER(c_uint32)]),
    "iommufd_pasid_table_to_virtual": (c_int, [c_void_p, c_uint32, POINTER(c_uint32)]),
    "iommufd_pasid_table_unref": (c_void_p, [c_void_p]),
    "iommufd_pasid_unref": (c_void_p, [c_void_p]),
    "iommufd_pci_config_read": (c_int, [c_void_p, c_uint32, c_uint32, POINTER(c_uint32)]),
    "iommufd_pci_config_write": (c_int, [c_void_p, c_uint32, c_uint32, c_uint32]),
    "iommufd_pci_find_capability": (c_int, [c_void_p, c_uint8, POINTER(c_uint32)]),
    "iommufd_pci_find_extended_capability": (c_int, [c_void_p, c_uint16, POINTER(c_uint32)]),
    "iommufd_pci_set_bus_master": (c_int, [c_void_p, c_int]),
    "iommufd_pci_set_memory": (c_int, [c_void_p, c_int]),
    "iommufd_region_get_areas": (
        c_int, [c_void_p, c_uint32, POINTER(s.RegionArea), POINTER(c_size_t)]),
    "iommufd_region_get_dma_buf": (
        c_int, [c_void_p, c_uint32, POINTER(s.RegionArea), c_size_t]),
    "iommufd_region_get_info": (c_int, [c_void_p, c_uint32, POINTER(s.RegionInfo)]),
    "iommufd_region_map": (
        c_int, [c_void_p, c_uint32, c_uint64, c_size_t, c_uint32, POINTER(c_void_p)]),
    "iommufd_region_read": (c_int, [c_void_p, c_uint32, c_uint64, c_void_p, c_size_t]),
    "iommufd_region_read16": (c_int, [c_void_p, c_uint32, c_uint64, POINTER(c_uint16)]),
    "iommufd_region_read32": (c_int, [c_void_p, c_uint32, c_uint64, POINTER(c_uint32)]),
    "iommufd_region_read64": (c_int, [c_void_p, c_uint32, c_uint64, POINTER(c_uint64)]),
    "iommufd_region_read8": (c_int, [c_void_p, c_uint32, c_uint64, POINTER(c_uint8)]),
    "iommufd_region_set_ioeventfd": (
        c_int, [c_void_p, c_uint32, c_uint64, c_uint32, c_uint64, c_int]),
    "iommufd_region_unmap": (c_int, [c_void_p, c_void_p]),
    "iommufd_region_write": (c_int, [c_void_p, c_uint32, c_uint64, c_void_p, c_size_t]),
    "iommufd_region_write16": (c_int, [c_void_p, c_uint32, c_uint64, c_uint16]),
    "iommufd_region_write32": (c_int, [c_void_p, c_uint32, c_uint64, c_uint32]),
    "iommufd_region_write64": (c_int, [c_void_p, c_uint32, c_uint64, c_uint64]),
    "iommufd_region_write8": (c_int, [c_void_p, c_uint32, c_uint64, c_uint8]),
    "iommufd_vdevice_get_device": (c_int, [c_void_p, POINTER(c_void_p)]),
    "iommufd_vdevice_new": (c_int, [c_void_p, c_void_p, c_uint64, POINTER(c_void_p)]),
    "iommufd_vdevice_ref": (c_void_p, [c_void_p]),
    "iommufd_vdevice_unref": (c_void_p, [c_void_p]),
    "iommufd_version": (c_char_p, []),
    "iommufd_veventq_get_fd": (c_int, [c_void_p]),
    "iommufd_veventq_new": (
        c_int, [c_void_p, c_uint32, c_uint32, POINTER(s.VeventqOptions), POINTER(c_void_p)]),
    "iommufd_veventq_read": (c_int, [c_void_p, POINTER(s.Vevent)]),
    "iommufd_veventq_ref": (c_void_p, [c_void_p]),
    "iommufd_veventq_unref": (c_void_p, [c_void_p]),
    "iommufd_viommu_find_device": (c_int, [c_void_p, c_uint64, POINTER(c_void_p)]),
    "iommufd_viommu_invalidate": (
        c_int, [c_void_p, c_uint32, c_void_p, c_uint32, POINTER(c_uint32)]),
    "iommufd_viommu_map": (c_int, [c_void_p, c_uint64, c_size_t, POINTER(c_void_p)]),
    "iommufd_viommu_new": (
        c_int, [c_void_p, c_void_p, c_uint32, POINTER(s.ViommuOptions), POINTER(c_void_p)]),
    "iommufd_viommu_ref": (c_void_p, [c_void_p]),
    "iommufd_viommu_unmap": (c_int, [c_void_p, c_void_p]),
    "iommufd_viommu_unref": (c_void_p, [c_void_p]),
}

_SIGNED = (c_int,)
_UNSIGNED = (c_uint8, c_uint16, c_uint32, c_uint64, c_size_t)


def _limits(argtype: Any) -> Optional[Tuple[int, int]]:
    """The values an integer argument can carry; None for other arguments."""
    bits = ctypes.sizeof(argtype) * 8
    if argtype in _SIGNED:
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if argtype in _UNSIGNED:
        return 0, (1 << bits) - 1
    return None


class Library:
    """A shared library with its prototypes. Calling it by function name calls the function.

    ctypes cuts integers that are too wide without a word; here they are an OverflowError.
    """

    def __init__(self, soname: str, override: str, prototypes: Prototypes) -> None:
        self.path = os.environ.get(override) or soname
        self._functions: Dict[str, Tuple[Callable[..., Any], List[Any]]] = {}
        try:
            self._dll = ctypes.CDLL(self.path)
        except OSError as error:
            raise ImportError(f"cannot load {self.path}: {error}; install it, or name its file "
                              f"in {override}") from error
        for name, (restype, argtypes) in prototypes.items():
            try:
                function = getattr(self._dll, name)
            except AttributeError:
                raise ImportError(f"{self.path} has no {name}; install the release of the "
                                  "library that this package came with") from None
            function.restype = restype
            function.argtypes = argtypes
            self._functions[name] = function, [_limits(argtype) for argtype in argtypes]

    def __call__(self, name: str, *args: Any) -> Any:
        function, limits = self._functions[name]
        checked = []
        for arg, limit in zip(args, limits):
            if limit is not None:
                arg = operator.index(arg)
                if not limit[0] <= arg <= limit[1]:
                    raise OverflowError(f"{name}: {arg} is not within {limit[0]}..{limit[1]}")
            checked.append(arg)
        return function(*checked)


lib = Library(SONAME, "LIBIOMMUFD_LIBRARY", PROTOTYPES)
