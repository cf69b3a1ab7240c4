# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""PASIDs: address spaces within a device."""

from __future__ import annotations

from ctypes import byref
from typing import TYPE_CHECKING, NamedTuple, Optional, Set, Union

from . import _structs as s
from ._handle import Handle, attached_to, receive
from .errors import call
from .hwpt import HWPT
from .ioas import IOAS

if TYPE_CHECKING:
    from .device import Device


class PasidInfo(NamedTuple):
    """What a PASID is, and to what it is attached."""

    number: int         # that the device marks its requests with
    cookie: int         # of its device
    device_id: int      # the kernel's number of the device
    ioas_id: int        # the kernel's number of the IOAS that it is attached to; 0: none
    hwpt_id: int        # and of the page table, whoever made it


class Pasid(Handle):
    """A PASID of `dev`: `number`, or the lowest free one, from `min` to `max`."""

    _unref = "iommufd_pasid_unref"

    def __init__(self, dev: Device, number: int = 0, *, min: int = 0, max: int = 0) -> None:
        options = s.PasidOptions.make(number=number, min=min, max=max)
        self._device = dev._ptr     # the C object lives as long as this one
        self._bind(receive("iommufd_pasid_new", dev._ptr, byref(options)), dev._family)

    def _attached(self) -> Set[int]:
        if self._address is None:
            return set()
        return (attached_to("iommufd_pasid_get_ioas", self._address) |
                attached_to("iommufd_device_get_ioas", self._device))

    @property
    def info(self) -> PasidInfo:
        """What the PASID is, and to what it is attached."""
        info = s.PasidInfo.make()
        call("iommufd_pasid_get_info", self._ptr, byref(info))
        return PasidInfo(info.number, info.cookie, info.device, info.ioas, info.hwpt)

    @property
    def number(self) -> int:
        """What the device marks its requests with."""
        return self.info.number

    def attach(self, to: Union[IOAS, HWPT]) -> None:
        """Let the DMA that has this number go through an address space, or one page table."""
        call("iommufd_pasid_attach_hwpt" if isinstance(to, HWPT) else "iommufd_pasid_attach",
             self._ptr, to._ptr)

    def replace(self, to: Union[IOAS, HWPT]) -> None:
        """Move to another address space or page table, without a gap."""
        call("iommufd_pasid_replace_hwpt" if isinstance(to, HWPT) else "iommufd_pasid_replace",
             self._ptr, to._ptr)
        self._family.settle()

    def detach(self) -> None:
        """Block the DMA that has this number."""
        call("iommufd_pasid_detach", self._ptr)
        self._family.settle()

    @property
    def ioas(self) -> Optional[IOAS]:
        """The address space that the PASID is attached to, or None."""
        with self._family.lock:
            address = receive("iommufd_pasid_get_ioas", self._ptr)
            return IOAS._adopt(address, self._family) if address else None

    @property
    def hwpt(self) -> Optional[HWPT]:
        """The page table of the program's that the PASID is attached to, or None."""
        with self._family.lock:
            address = receive("iommufd_pasid_get_hwpt", self._ptr)
            return HWPT._adopt(address, self._family) if address else None
