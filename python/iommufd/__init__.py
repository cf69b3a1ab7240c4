# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""I/O address spaces and device DMA from user space on Linux: Python for libiommufd.

    import mmap
    from iommufd import Context, Device, IOAS

    with Context() as ctx, Device(ctx, "0000:00:03.0") as dev, IOAS(ctx) as ioas:
        memory = mmap.mmap(-1, 1 << 20)
        iova = ioas.map(memory)         # what the device has to be told
        dev.attach(ioas)                # now its DMA reaches `memory` and nothing else

Objects are given back by close() or at the end of a `with` block; in any order, as the
library keeps what is in use. What fails raises `IommufdError`, an OSError that also says
what can be done. `iommufd.emu` has an emulated kernel for tests.
"""

from __future__ import annotations

from ._lib import lib
from .constants import (Cap, DeviceFlag, DirtyFlag, EventType, FaultAccess, FaultAnswer, FaultFlag,
                        Feature, FeatureAccess, GroupFlag, GroupPolicy, HandoffKind, HwCap,
                        HwFieldFlag, HwInfoType, HWPTData, HWPTFlag, HWPTKind, HWQueueType,
                        ImportFlag, ImportKind, Invalidate, InvalidateFlag, IOASFlag, IrqFlag,
                        IrqIndex, LogLevel, MapFlag, MemberFlag, Memory, MigrationFlag,
                        MigrationState, PrecopyFlag, RegionFlag, RegionIndex, ResetFlag,
                        VeventType, ViommuType, VtdS1Flag)
from .ctx import Context, Event
from .device import Device, DeviceInfo
from .errors import IommufdError
from .fault import Fault, FaultGroup, FaultQueue
from .feature import Features
from .group import Group, GroupInfo, GroupMember
from .handoff import Handoff, HandoffItem
from .hwinfo import HwField, HwInfo
from .hwpt import (HWPT, AmdGuest, HWPTInfo, InvalidateSmmuv3, InvalidateVtdS1, Smmuv3, VtdS1)
from .ioas import IOAS, IOASInfo, Mapping, Range, Span
from .irq import EventFd, Irq, IrqInfo, wait
from .live import Import, ImportItem
from .migration import Migration, PrecopyInfo
from .pasid import Pasid, PasidInfo
from .pasid_table import PasidRange, PasidTable, PasidTableInfo
from .pci import ConfigSpace
from .region import Area, MappedRegion, Region, RegionInfo
from .reset import ResetInfo
from .viommu import (HWQueue, MappedPages, VDevice, VEventQueue, Vevent, VIOMMU,
                     ViommuTegra241Cmdqv)

__all__ = [
    "AmdGuest", "Area", "Cap", "ConfigSpace", "Context", "Device", "DeviceFlag", "DeviceInfo",
    "DirtyFlag", "Event", "EventFd", "EventType", "Fault", "FaultAccess", "FaultAnswer",
    "FaultFlag", "FaultGroup", "FaultQueue", "Feature", "FeatureAccess", "Features", "Group",
    "GroupFlag", "GroupInfo", "GroupMember", "GroupPolicy", "Handoff", "HandoffItem",
    "HandoffKind", "HwCap", "HwField", "HwFieldFlag", "HwInfo", "HwInfoType", "HWPT", "HWPTData",
    "HWPTFlag", "HWPTInfo", "HWPTKind", "HWQueue", "HWQueueType", "Import", "ImportFlag",
    "ImportItem", "ImportKind", "Invalidate", "InvalidateFlag", "InvalidateSmmuv3",
    "InvalidateVtdS1", "IOAS", "IOASFlag", "IOASInfo", "IommufdError", "Irq", "IrqFlag",
    "IrqIndex", "IrqInfo", "LogLevel", "MapFlag", "MappedPages", "MappedRegion", "Mapping",
    "MemberFlag", "Memory", "Migration", "MigrationFlag", "MigrationState", "Pasid", "PasidInfo",
    "PasidRange", "PasidTable", "PasidTableInfo", "PrecopyFlag", "PrecopyInfo", "Range", "Region", "RegionFlag",
    "RegionIndex", "RegionInfo", "ResetFlag", "ResetInfo", "Smmuv3", "Span", "VDevice", "Vevent",
    "VEventQueue", "VeventType", "VIOMMU", "ViommuTegra241Cmdqv", "ViommuType", "VtdS1",
    "VtdS1Flag", "version", "wait",
]


def version() -> str:
    """The version of the library that is running, "major.minor.patch"."""
    return lib("iommufd_version").decode()
