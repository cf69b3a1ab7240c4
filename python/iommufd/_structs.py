# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Structures of the C headers, field by field. `STRUCTS` has them by C name."""

from __future__ import annotations

import ctypes
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_int, c_int32, c_size_t,
                    c_uint8, c_uint32, c_uint64, c_void_p)
from typing import Any, Dict, Optional, Type, TypeVar

_Sized = TypeVar("_Sized", bound="SizedStructure")

# void (*iommufd_log_fn)(void *data, int level, const char *text)
LogFunction = CFUNCTYPE(None, c_void_p, c_int, c_char_p)


class SizedStructure(Structure):
    """A structure whose first field tells the library how much of it the caller knows."""

    @classmethod
    def make(cls: Type[_Sized], **fields: Any) -> _Sized:
        """Make one with its size set and the other fields zero unless given."""
        return cls(size=ctypes.sizeof(cls), **fields)


class Error(Structure):
    _fields_ = [
        ("code", c_int),
        ("operation", c_char * 48),
        ("object", c_char * 80),
        ("message", c_char * 320),
        ("remedy", c_char * 320),
    ]


class ContextOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint64),
        ("backend", c_char_p),
        ("log", LogFunction),
        ("log_data", c_void_p),
        ("log_level", c_int32),
        ("group_policy", c_uint32),
        ("sys", c_void_p),
    ]


class Event(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("type", c_uint32),
        ("group", c_int32),
        ("cookie", c_uint64),
        ("name", c_char * 64),
        ("driver", c_char * 32),
    ]


class DeviceOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint64),
        ("cookie", c_uint64),
        ("vf_token", POINTER(c_uint8)),
        ("ioas", c_void_p),
    ]


class DeviceBound(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("id", c_uint32),
        ("fd", c_int32),
        ("mock_id", c_uint32),
        ("mock_pt", c_uint32),
    ]


class DeviceInfo(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("num_regions", c_uint32),
        ("num_irqs", c_uint32),
        ("id", c_uint32),
        ("group", c_int32),
        ("reserved", c_uint32),
        ("cookie", c_uint64),
        ("name", c_char * 64),
    ]


class Fault(Structure):
    _fields_ = [
        ("address", c_uint64),
        ("length", c_uint64),
        ("access", c_uint32),
        ("flags", c_uint32),
        ("pasid", c_uint32),
        ("reserved", c_uint32),
    ]


class FaultQueueOptions(SizedStructure):
    _fields_ = [("size", c_size_t), ("flags", c_uint64)]


class FaultGroup(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("faults", POINTER(Fault)),
        ("room", c_uint32),
        ("count", c_uint32),
        ("id", c_uint64),
        ("cookie", c_uint64),
        ("device", c_uint32),
        ("number", c_uint32),
        ("flags", c_uint32),
        ("pasid", c_uint32),
    ]


class HWPTOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint64),
        ("fault_queue", c_void_p),
        ("data", c_void_p),
        ("data_type", c_uint32),
        ("data_length", c_uint32),
    ]


class HWPTInfo(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint64),
        ("id", c_uint32),
        ("kind", c_uint32),
        ("ioas", c_void_p),
        ("parent", c_void_p),
    ]


class HWPTVtdS1(Structure):
    _fields_ = [
        ("flags", c_uint64),
        ("table", c_uint64),
        ("width", c_uint32),
        ("reserved", c_uint32),
    ]


class HWPTSmmuv3(Structure):
    _fields_ = [("ste", c_uint64 * 2)]


class HWPTAmdGuest(Structure):
    _fields_ = [("dte", c_uint64 * 4)]


class InvalidateVtdS1(Structure):
    _fields_ = [
        ("address", c_uint64),
        ("pages", c_uint64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class InvalidateSmmuv3(Structure):
    _fields_ = [("cmd", c_uint64 * 2)]


class ViommuOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint64),
        ("data", c_void_p),
        ("data_length", c_uint32),
        ("reserved", c_uint32),
    ]


class ViommuTegra241Cmdqv(Structure):
    _fields_ = [("offset", c_uint64), ("length", c_uint64)]


class VeventqOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint64),
        ("event_size", c_uint32),
        ("reserved", c_uint32),
    ]


class Vevent(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("data", c_void_p),
        ("room", c_uint32),
        ("length", c_uint32),
        ("lost", c_uint64),
        ("sequence", c_uint32),
        ("reserved", c_uint32),
    ]


class VeventSmmuv3(Structure):
    _fields_ = [("evt", c_uint64 * 4)]


class VeventTegra241Cmdqv(Structure):
    _fields_ = [("map", c_uint64 * 2)]


class GroupInfo(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("number", c_int32),
        ("flags", c_uint32),
        ("num_members", c_uint32),
        ("num_open", c_uint32),
    ]


class GroupMember(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("name", c_char * 64),
        ("bus", c_char * 16),
        ("driver", c_char * 32),
        ("reason", c_char * 128),
    ]


class HandoffItem(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("kind", c_uint32),
        ("fd", c_int32),
        ("group", c_int32),
        ("id", c_uint32),
        ("cookie", c_uint64),
        ("name", c_char * 64),
    ]


class ImportOptions(SizedStructure):
    _fields_ = [("size", c_size_t), ("flags", c_uint64), ("ctx", c_void_p)]


class ImportItem(SizedStructure):
    _fields_ = [("size", c_size_t), ("kind", c_uint32), ("id", c_uint32), ("device", c_uint32),
                ("reserved", c_uint32)]


class HwInfo(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("type", c_uint32),
        ("data_length", c_uint32),
        ("capabilities", c_uint64),
        ("pasid_width", c_uint32),
        ("reserved", c_uint32),
        ("data", c_uint8 * 256),
    ]


class HwField(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("reg", c_char_p),
        ("name", c_char_p),
        ("meaning", c_char_p),
        ("value", c_uint64),
        ("first_bit", c_uint32),
        ("bits", c_uint32),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class Range(Structure):
    _fields_ = [("start", c_uint64), ("last", c_uint64)]


class IOASOptions(SizedStructure):
    _fields_ = [("size", c_size_t), ("flags", c_uint64)]


class IOASInfo(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint64),
        ("page_sizes", c_uint64),
        ("align", c_uint64),
        ("entries_left", c_uint64),
        ("mappings", c_uint64),
        ("bytes", c_uint64),
        ("attached", c_uint32),
        ("containers", c_uint32),
    ]


class MapOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("min", c_uint64),
        ("last", c_uint64),
        ("align", c_uint64),
    ]


class Mapping(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("iova", c_uint64),
        ("length", c_uint64),
        ("va", c_uint64),
        ("offset", c_uint64),
        ("flags", c_uint32),
        ("memory", c_uint32),
    ]


class MapVec(Structure):
    _fields_ = [("va", c_void_p), ("length", c_size_t), ("iova", c_uint64)]


class PasidOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("number", c_uint32),
        ("min", c_uint32),
        ("max", c_uint32),
    ]


class PasidInfo(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("cookie", c_uint64),
        ("number", c_uint32),
        ("device", c_uint32),
        ("ioas", c_uint32),
        ("hwpt", c_uint32),
    ]


class PasidRange(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("vpasid", c_uint32),
        ("pasid", c_uint32),
        ("count", c_uint32),
        ("reserved", c_uint32),
    ]


class PasidTableInfo(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("virtual_width", c_uint32),
        ("physical_width", c_uint32),
        ("pairs", c_uint32),
        ("reserved", c_uint32),
        ("bytes", c_uint64),
    ]


class RegionInfo(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("length", c_uint64),
        ("offset", c_uint64),
        ("flags", c_uint32),
        ("type", c_uint32),
        ("subtype", c_uint32),
        ("num_areas", c_uint32),
    ]


class RegionArea(Structure):
    _fields_ = [("offset", c_uint64), ("length", c_uint64)]


class PrecopyInfo(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint64),
        ("initial_bytes", c_uint64),
        ("dirty_bytes", c_uint64),
    ]


class ResetInfo(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("count", c_uint32),
        ("group", c_int32),
        ("id", c_uint32),
        ("cookie", c_uint64),
        ("name", c_char * 64),
    ]


class IrqInfo(SizedStructure):
    _fields_ = [("size", c_size_t), ("flags", c_uint32), ("count", c_uint32)]


STRUCTS: Dict[str, Type[Structure]] = {
    "iommufd_error": Error,
    "iommufd_ctx_opts": ContextOptions,
    "iommufd_event": Event,
    "iommufd_device_opts": DeviceOptions,
    "iommufd_device_bound": DeviceBound,
    "iommufd_device_info": DeviceInfo,
    "iommufd_fault": Fault,
    "iommufd_fault_queue_opts": FaultQueueOptions,
    "iommufd_fault_group": FaultGroup,
    "iommufd_viommu_opts": ViommuOptions,
    "iommufd_viommu_tegra241_cmdqv": ViommuTegra241Cmdqv,
    "iommufd_veventq_opts": VeventqOptions,
    "iommufd_vevent": Vevent,
    "iommufd_vevent_smmuv3": VeventSmmuv3,
    "iommufd_vevent_tegra241_cmdqv": VeventTegra241Cmdqv,
    "iommufd_group_info": GroupInfo,
    "iommufd_group_member": GroupMember,
    "iommufd_handoff_item": HandoffItem,
    "iommufd_hw_info": HwInfo,
    "iommufd_hw_field": HwField,
    "iommufd_hwpt_opts": HWPTOptions,
    "iommufd_hwpt_info": HWPTInfo,
    "iommufd_hwpt_vtd_s1": HWPTVtdS1,
    "iommufd_hwpt_smmuv3": HWPTSmmuv3,
    "iommufd_hwpt_amd_guest": HWPTAmdGuest,
    "iommufd_invalidate_vtd_s1": InvalidateVtdS1,
    "iommufd_invalidate_smmuv3": InvalidateSmmuv3,
    "iommufd_import_opts": ImportOptions,
    "iommufd_import_item": ImportItem,
    "iommufd_range": Range,
    "iommufd_ioas_opts": IOASOptions,
    "iommufd_ioas_info": IOASInfo,
    "iommufd_map_opts": MapOptions,
    "iommufd_mapping": Mapping,
    "iommufd_map_vec": MapVec,
    "iommufd_pasid_opts": PasidOptions,
    "iommufd_pasid_info": PasidInfo,
    "iommufd_pasid_range": PasidRange,
    "iommufd_pasid_table_info": PasidTableInfo,
    "iommufd_region_info": RegionInfo,
    "iommufd_region_area": RegionArea,
    "iommufd_precopy_info": PrecopyInfo,
    "iommufd_reset_info": ResetInfo,
    "iommufd_irq_info": IrqInfo,
}


def token(value: Optional[bytes]) -> Any:
    """A VF token as the options want it: a pointer to 16 bytes, or None."""
    if value is None:
        return None
    raw = bytes(value)
    if len(raw) != 16:
        raise ValueError(f"a VF token has 16 bytes, not {len(raw)}")
    return (c_uint8 * 16)(*raw)
