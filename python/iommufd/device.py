# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Devices: opened by name or descriptor, attached to I/O address spaces."""

from __future__ import annotations

import errno
import weakref
from ctypes import byref
from typing import Callable, Dict, List, NamedTuple, Optional, Set, Union

from . import _structs as s
from ._handle import Handle, attached_to, receive
from ._lib import lib
from .constants import DeviceFlag, HwInfoType
from .ctx import Context
from .errors import IommufdError, call
from .feature import Features
from .group import Group
from .hwinfo import HwInfo, read_hw_info
from .hwpt import HWPT
from .ioas import IOAS
from .irq import Irq
from .migration import Migration
from .pci import ConfigSpace
from .region import MappedRegion, Region
from .reset import ResetInfo, read_reset_info


class DeviceInfo(NamedTuple):
    """What a device is."""

    name: str           # PCI address or last part of its sysfs path
    flags: DeviceFlag
    num_regions: int
    num_irqs: int
    id: int             # the kernel's number of the device in its context; by group the library's
    group: int          # IOMMU group, or -1 if sysfs does not tell
    cookie: int


def _options(cookie: int, vf_token: Optional[bytes], ioas: Optional[IOAS]) -> s.DeviceOptions:
    if not 0 <= cookie < 1 << 64:
        raise OverflowError(f"cookie {cookie} does not fit 64 bits")
    return s.DeviceOptions.make(cookie=cookie, vf_token=s.token(vf_token),
                                ioas=ioas._ptr if ioas is not None else None)


def _exists(size: Callable[[], int]) -> bool:
    """Whether a region or interrupt index is there: the kernel says 0 or EINVAL if not."""
    try:
        return size() != 0
    except IommufdError as error:
        if error.errno == errno.EINVAL:
            return False
        raise


class Device(Handle):
    """A device bound to a context. Its DMA is blocked until it is attached.

    `name` is a PCI address, a sysfs path or a character device; `cookie` a number of the
    caller's, unique in the context, by which `Context.find_device()` finds it again;
    `vf_token` the 16 bytes that the owner of a virtual function demands; `ioas` an IOAS to
    attach it to in the same step. By group that costs less memory, and the device then stays
    attached for as long as it is open.
    """

    _unref = "iommufd_device_unref"
    _maps: weakref.WeakSet[MappedRegion]

    def __init__(self, ctx: Context, name: str, *, cookie: int = 0,
                 vf_token: Optional[bytes] = None, ioas: Optional[IOAS] = None) -> None:
        self._start()
        options = _options(cookie, vf_token, ioas)
        self._bind(receive("iommufd_device_open", ctx._ptr, name.encode(), byref(options)),
                   ctx._family)

    @classmethod
    def from_fd(cls, ctx: Context, fd: int, *, cookie: int = 0,
                vf_token: Optional[bytes] = None, ioas: Optional[IOAS] = None) -> Device:
        """Bind a VFIO character device that is open already; `fd` stays the caller's."""
        options = _options(cookie, vf_token, ioas)
        dev = cls.__new__(cls)
        dev._start()
        dev._bind(receive("iommufd_device_from_fd", ctx._ptr, fd, byref(options)), ctx._family)
        return dev

    @classmethod
    def adopt(cls, ctx: Context, id: int, fd: int = -1, *, mock_id: int = 0, mock_pt: int = 0,
              cookie: int = 0, ioas: Optional[IOAS] = None) -> Device:
        """Take over a device that someone else bound to the iommufd of `ctx` as number `id`.

        `fd` stays the caller's. A mock device of a kernel built for testing has none, and is
        named by its own number and that of the page table it is on.
        """
        bound = s.DeviceBound.make(id=id, fd=fd, mock_id=mock_id, mock_pt=mock_pt)
        options = _options(cookie, None, ioas)
        dev = cls.__new__(cls)
        dev._start()
        dev._bind(receive("iommufd_device_adopt", ctx._ptr, byref(bound), byref(options)),
                  ctx._family)
        return dev

    def _start(self) -> None:
        self._maps = weakref.WeakSet()

    def _before_close(self) -> None:
        for region_map in list(self._maps):
            region_map.close()

    def _attached(self) -> Set[int]:
        return attached_to("iommufd_device_get_ioas", self._address)

    def has(self, cap: int) -> bool:
        """Whether this device can do something (`Cap`): its context may, and it not."""
        return call("iommufd_device_has", self._ptr, cap) != 0

    def attach(self, to: Union[IOAS, HWPT]) -> None:
        """Let the device's DMA go through an I/O address space, or one page table of it."""
        call("iommufd_device_attach_hwpt" if isinstance(to, HWPT) else "iommufd_device_attach",
             self._ptr, to._ptr)

    def detach(self) -> None:
        """Block the device's DMA. Mappings stay in the IOAS."""
        call("iommufd_device_detach", self._ptr)
        self._family.settle()

    def replace(self, to: Union[IOAS, HWPT]) -> None:
        """Move the device, and its group with it, to another IOAS or page table.

        Without a gap in which DMA is blocked, except where `transport` is "group".
        """
        call("iommufd_device_replace_hwpt" if isinstance(to, HWPT) else "iommufd_device_replace",
             self._ptr, to._ptr)
        self._family.settle()

    def reserve_pasids(self, first: int, last: int) -> None:
        """Keep PASIDs from being given by `Pasid()`: others give them, as a guest."""
        call("iommufd_device_reserve_pasids", self._ptr, first, last)

    def reset(self) -> None:
        """Reset the function. Attachment and mappings stay."""
        call("iommufd_device_reset", self._ptr)

    @property
    def reset_info(self) -> List[ResetInfo]:
        """What hot_reset() resets; the device itself is among them."""
        return read_reset_info(self)

    def hot_reset(self) -> None:
        """Reset the bus or slot of the device, with all that is there.

        The context has to own all of it. Attachments and mappings stay.
        """
        call("iommufd_device_hot_reset", self._ptr)

    def get_hw_info(self, type: int = HwInfoType.NONE) -> HwInfo:
        """The IOMMU in front of the device, as one of several things that it is."""
        return read_hw_info(self, type)

    @property
    def hw_info(self) -> HwInfo:
        """The IOMMU in front of the device, as the kernel tells."""
        return read_hw_info(self, HwInfoType.NONE)

    def fileno(self) -> int:
        """The descriptor of the device; it belongs to the device."""
        return call("iommufd_device_get_fd", self._ptr)

    @property
    def transport(self) -> str:
        """How the device is had: "cdev" or "group"."""
        return lib("iommufd_device_get_transport", self._ptr).decode()

    @property
    def report(self) -> str:
        """What was tried when the device was opened, a line per step."""
        return lib("iommufd_device_get_report", self._ptr).decode(errors="replace")

    @property
    def ioas(self) -> Optional[IOAS]:
        """The IOAS that the device is attached to: the object that was attached, or None."""
        with self._family.lock:
            address = receive("iommufd_device_get_ioas", self._ptr)
            return IOAS._adopt(address, self._family) if address else None

    @property
    def hwpt(self) -> Optional[HWPT]:
        """The page table of the program's that the device is attached to, or None."""
        with self._family.lock:
            address = receive("iommufd_device_get_hwpt", self._ptr)
            return HWPT._adopt(address, self._family) if address else None

    @property
    def info(self) -> DeviceInfo:
        """What the device is."""
        info = s.DeviceInfo.make()
        call("iommufd_device_get_info", self._ptr, byref(info))
        return DeviceInfo(info.name.decode(), DeviceFlag(info.flags), info.num_regions,
                          info.num_irqs, info.id, info.group, info.cookie)

    @property
    def name(self) -> str:
        """PCI address or last part of the sysfs path."""
        return self.info.name

    @property
    def cookie(self) -> int:
        """The number given when the device was opened; 0 is none."""
        return self.info.cookie

    @property
    def group(self) -> Group:
        """The IOMMU group that the device is in."""
        with self._family.lock:
            address = receive("iommufd_device_get_group", self._ptr)
            return Group._adopt(address, self._family)

    def region(self, index: int) -> Region:
        """A region of the device (`RegionIndex` for PCI)."""
        return Region(self, index)

    @property
    def regions(self) -> Dict[int, Region]:
        """The regions that the device has, by index."""
        found = {}
        for index in range(self.info.num_regions):
            region = Region(self, index)
            if _exists(lambda: region.info.length):
                found[index] = region
        return found

    def irq(self, index: int) -> Irq:
        """An interrupt index of the device (`IrqIndex` for PCI)."""
        return Irq(self, index)

    @property
    def irqs(self) -> Dict[int, Irq]:
        """The interrupt indices that the device has, by index."""
        found = {}
        for index in range(self.info.num_irqs):
            irq = Irq(self, index)
            if _exists(lambda: irq.info.vectors):
                found[index] = irq
        return found

    @property
    def config(self) -> ConfigSpace:
        """The configuration space of a PCI device."""
        return ConfigSpace(self)

    @property
    def features(self) -> Features:
        """What the device offers beside registers and interrupts."""
        return Features(self)

    @property
    def migration(self) -> Migration:
        """The way of the device to another host."""
        return Migration(self)
