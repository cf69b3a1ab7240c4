# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Constants of the C headers, grouped; `ENUMS` names the C prefix of each group."""

from __future__ import annotations

import enum
from typing import Dict, Tuple, Type


class LogLevel(enum.IntEnum):
    """Log levels of the library, each including those before it."""

    NONE = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    DEBUG = 4


class ContextFlag(enum.IntFlag):
    """Flags of `iommufd_ctx_opts`; `Context` has a keyword for each."""

    RLIMIT_PROCESS = 1 << 0


class Cap(enum.IntEnum):
    """What a context may be able to do; ask with `Context.has()`."""

    MAP_WITHOUT_DEVICE = 1
    COPY = 2
    MAP_FILE = 3
    CHANGE_PROCESS = 4
    ALLOW_IOVAS = 5
    HUGE_PAGE_OPTION = 6
    COMPAT_IOAS = 7
    REPLACE = 8
    GROUPS = 9
    NESTING = 10
    PASID = 11
    DIRTY_TRACKING = 12
    FAULT_QUEUE = 13
    ISOLATION = 14
    UPDATE_VA = 15
    MAP_DEVICE = 16
    DETACH_JOINED = 17
    DIRTY_ALL_PINNED = 18
    DEVICE_FD = 19
    HW_INFO = 20
    HWPT = 21
    VIOMMU = 22
    VEVENTQ = 23
    HW_QUEUE = 24


class EventType(enum.IntEnum):
    """What happened to a device or group that is open."""

    GROUP_NOT_VIABLE = 1
    GROUP_VIABLE = 2
    DEVICE_LEAVING = 3


class DeviceFlag(enum.IntFlag):
    """What kind of device it is, and whether it can be reset."""

    PCI = 1 << 0
    RESET = 1 << 1
    PLATFORM = 1 << 2
    MEDIATED = 1 << 3


class HwInfoType(enum.IntEnum):
    """Whose registers an IOMMU has."""

    NONE = 0
    INTEL_VTD = 1
    ARM_SMMUV3 = 2
    TEGRA241_CMDQV = 3
    AMD = 4


class HwCap(enum.IntFlag):
    """What an IOMMU can do for a device; ATS_NOT_SUPPORTED is what it cannot."""

    DIRTY_TRACKING = 1 << 0
    PASID_EXEC = 1 << 1
    PASID_PRIV = 1 << 2
    ATS_NOT_SUPPORTED = 1 << 3


class HwFieldFlag(enum.IntFlag):
    """What the kernel says of a field."""

    GUEST = 1 << 0


class GroupPolicy(enum.IntEnum):
    """Which devices that share an IOMMU group a context may have."""

    ANY = 0
    SINGLETON = 1
    ONE_IOAS = 2


class GroupFlag(enum.IntFlag):
    """What is known of a group."""

    VIABLE = 1 << 0
    NOIOMMU = 1 << 1


class MemberFlag(enum.IntFlag):
    """What a member is to its group."""

    BLOCKS = 1 << 0
    VFIO = 1 << 1
    BRIDGE = 1 << 2
    OPEN = 1 << 3


class IOASFlag(enum.IntFlag):
    """Flags of `iommufd_ioas_opts`; `IOAS` has a keyword for each."""

    NO_HUGE_PAGES = 1 << 0
    COALESCE = 1 << 1
    DIRTY_TRACKING = 1 << 2


class MapFlag(enum.IntFlag):
    """How a mapping is made; READ and WRITE also describe existing mappings."""

    READ = 1 << 0
    WRITE = 1 << 1
    FIXED = 1 << 2
    COALESCE = 1 << 3


class HandoffKind(enum.IntEnum):
    """What an item of a hand-off is."""

    CTX = 1
    CDEV = 2
    BOUND = 3
    GROUP = 4
    MEMBER = 5


class ImportFlag(enum.IntFlag):
    """How an import is made."""

    KEEP_PROCESS = 1 << 0


class ImportKind(enum.IntEnum):
    """What an object is that came over."""

    IOAS = 1
    DEVICE = 2
    HWPT = 3
    FAULT_QUEUE = 4
    VIOMMU = 5
    VDEVICE = 6
    VEVENTQ = 7
    HW_QUEUE = 8
    PASID = 9


class DirtyFlag(enum.IntFlag):
    """How dirty pages are read; `IOAS.read_dirty()` has a keyword for it."""

    KEEP = 1 << 0


class FaultAccess(enum.IntFlag):
    """How a device wanted to access a page that is not there."""

    READ = 1 << 0
    WRITE = 1 << 1
    EXECUTE = 1 << 2
    PRIVILEGED = 1 << 3


class FaultFlag(enum.IntFlag):
    """What more is known of a page fault."""

    PASID = 1 << 0
    LAST = 1 << 1


class FaultAnswer(enum.IntEnum):
    """What a device that waits for a page can be told."""

    SUCCESS = 0
    INVALID = 1


class HWPTFlag(enum.IntFlag):
    """What a page table is made for."""

    NEST_PARENT = 1 << 0
    DIRTY_TRACKING = 1 << 1
    PASID = 1 << 2


class HWPTKind(enum.IntEnum):
    """What a page table is."""

    PAGING = 1
    NESTED = 2


class HWPTData(enum.IntEnum):
    """What the data of a page table is; any other number of the kernel's will do too."""

    NONE = 0
    VTD_S1 = 1
    SMMUV3 = 2
    AMD_GUEST = 3


class VtdS1Flag(enum.IntFlag):
    """Of a first-stage table of an Intel VT-d."""

    SUPERVISOR = 1 << 0
    EXTENDED_ACCESSED = 1 << 1
    WRITE_PROTECT = 1 << 2


class Invalidate(enum.IntEnum):
    """What there is to invalidate; any other number of the kernel's will do too."""

    VTD_S1 = 0
    SMMUV3 = 1


class InvalidateFlag(enum.IntFlag):
    """Of an entry of kind `Invalidate.VTD_S1`."""

    LEAF = 1 << 0


class ViommuType(enum.IntEnum):
    """Types of vIOMMUs; the kernel may know more."""

    SMMUV3 = 1
    TEGRA241_CMDQV = 2


class VeventType(enum.IntEnum):
    """Types of events for guests; the kernel may know more."""

    SMMUV3 = 1
    TEGRA241_CMDQV = 2


class HWQueueType(enum.IntEnum):
    """Types of hardware queues; the kernel may know more."""

    TEGRA241_CMDQV = 1


class Memory(enum.IntEnum):
    """Kind of memory behind a mapping."""

    VA = 1
    FILE = 2
    OTHER = 3


class RegionIndex(enum.IntEnum):
    """Regions of a PCI device."""

    BAR0 = 0
    BAR1 = 1
    BAR2 = 2
    BAR3 = 3
    BAR4 = 4
    BAR5 = 5
    ROM = 6
    CONFIG = 7
    VGA = 8


class RegionFlag(enum.IntFlag):
    """What can be done with a region."""

    READ = 1 << 0
    WRITE = 1 << 1
    MAP = 1 << 2
    MSIX_MAP = 1 << 3


class ResetFlag(enum.IntFlag):
    """What a device that is reset along with another is to the context."""

    OWNED = 1 << 0
    OPEN = 1 << 1


class Feature(enum.IntEnum):
    """Features of a device, by the kernel's numbers."""

    PCI_VF_TOKEN = 0
    MIGRATION = 1
    MIG_DEVICE_STATE = 2
    LOW_POWER_ENTRY = 3
    LOW_POWER_ENTRY_WITH_WAKEUP = 4
    LOW_POWER_EXIT = 5
    DMA_LOGGING_START = 6
    DMA_LOGGING_STOP = 7
    DMA_LOGGING_REPORT = 8
    MIG_DATA_SIZE = 9
    BUS_MASTER = 10
    DMA_BUF = 11
    MIG_PRECOPY_INFO_V2 = 12


class FeatureAccess(enum.IntFlag):
    """Ways to use a feature."""

    GET = 1 << 0
    SET = 1 << 1


class MigrationFlag(enum.IntFlag):
    """What a device can do beyond running."""

    STOP_COPY = 1 << 0
    P2P = 1 << 1
    PRE_COPY = 1 << 2


class MigrationState(enum.IntEnum):
    """States of a device."""

    ERROR = 0
    STOP = 1
    RUNNING = 2
    STOP_COPY = 3
    RESUMING = 4
    RUNNING_P2P = 5
    PRE_COPY = 6
    PRE_COPY_P2P = 7


class PrecopyFlag(enum.IntFlag):
    """What is told of a device that is copied while it runs."""

    REINIT = 1 << 0


class IrqIndex(enum.IntEnum):
    """Interrupt indices of a PCI device."""

    INTX = 0
    MSI = 1
    MSIX = 2
    ERR = 3
    REQ = 4


class IrqFlag(enum.IntFlag):
    """What an interrupt index can do."""

    EVENTFD = 1 << 0
    MASKABLE = 1 << 1
    AUTOMASKED = 1 << 2
    DYNAMIC = 1 << 3


# A C constant is its group's prefix and the member's name.
ENUMS: Tuple[Tuple[str, Type[enum.IntEnum] | Type[enum.IntFlag]], ...] = (
    ("IOMMUFD_LOG_", LogLevel),
    ("IOMMUFD_CTX_", ContextFlag),
    ("IOMMUFD_CAP_", Cap),
    ("IOMMUFD_EVENT_", EventType),
    ("IOMMUFD_DEVICE_", DeviceFlag),
    ("IOMMUFD_HW_INFO_", HwInfoType),
    ("IOMMUFD_HW_CAP_", HwCap),
    ("IOMMUFD_HW_FIELD_", HwFieldFlag),
    ("IOMMUFD_GROUP_", GroupPolicy),
    ("IOMMUFD_GROUP_", GroupFlag),
    ("IOMMUFD_GROUP_MEMBER_", MemberFlag),
    ("IOMMUFD_HANDOFF_", HandoffKind),
    ("IOMMUFD_IMPORT_", ImportFlag),
    ("IOMMUFD_IMPORT_", ImportKind),
    ("IOMMUFD_DIRTY_", DirtyFlag),
    ("IOMMUFD_FAULT_", FaultAccess),
    ("IOMMUFD_FAULT_", FaultFlag),
    ("IOMMUFD_FAULT_", FaultAnswer),
    ("IOMMUFD_HWPT_", HWPTFlag),
    ("IOMMUFD_HWPT_", HWPTKind),
    ("IOMMUFD_HWPT_DATA_", HWPTData),
    ("IOMMUFD_VTD_S1_", VtdS1Flag),
    ("IOMMUFD_INVALIDATE_", Invalidate),
    ("IOMMUFD_INVALIDATE_", InvalidateFlag),
    ("IOMMUFD_VIOMMU_", ViommuType),
    ("IOMMUFD_VEVENT_", VeventType),
    ("IOMMUFD_HW_QUEUE_", HWQueueType),
    ("IOMMUFD_IOAS_", IOASFlag),
    ("IOMMUFD_MAP_", MapFlag),
    ("IOMMUFD_MEMORY_", Memory),
    ("IOMMUFD_REGION_", RegionIndex),
    ("IOMMUFD_REGION_", RegionFlag),
    ("IOMMUFD_RESET_", ResetFlag),
    ("IOMMUFD_FEATURE_", Feature),
    ("IOMMUFD_FEATURE_", FeatureAccess),
    ("IOMMUFD_MIGRATION_", MigrationFlag),
    ("IOMMUFD_MIGRATION_STATE_", MigrationState),
    ("IOMMUFD_PRECOPY_", PrecopyFlag),
    ("IOMMUFD_IRQ_", IrqIndex),
    ("IOMMUFD_IRQ_", IrqFlag),
)


def by_c_name(enums=ENUMS) -> Dict[str, int]:
    """The groups as one dictionary, by the names that the C headers use."""
    return {prefix + member.name: int(member) for prefix, group in enums for member in group}
