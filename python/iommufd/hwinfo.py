# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What the kernel tells of the IOMMU in front of a device."""

from __future__ import annotations

import errno
from ctypes import byref, c_size_t, c_uint64
from typing import TYPE_CHECKING, Iterator, NamedTuple, Optional, Union

from . import _structs as s
from ._lib import lib
from .constants import HwCap, HwFieldFlag, HwInfoType
from .errors import call, failure, raise_for

if TYPE_CHECKING:
    from .device import Device


class HwField(NamedTuple):
    """A field of a register."""

    reg: str            # the register, as "ecap"
    name: str           # the field, as "FLTS"
    value: int
    first_bit: int
    bits: int
    flags: HwFieldFlag
    meaning: str        # in a line


class HwInfo:
    """An IOMMU and its registers. Iterating gives the fields that have names (`HwField`).

    `type` is an `HwInfoType`, or a plain number that this release does not know; `data` what
    the kernel told of the registers, `data_length` bytes or as many as there is room for.
    """

    def __init__(self, info: s.HwInfo) -> None:
        self._info = info
        try:
            self.type: Union[HwInfoType, int] = HwInfoType(info.type)
        except ValueError:
            self.type = info.type
        self.capabilities = HwCap(info.capabilities)
        self.pasid_width: int = info.pasid_width
        self.data_length: int = info.data_length
        self.data = bytes(info.data)[:info.data_length]

    def __repr__(self) -> str:
        return f"<HwInfo {self.type!r}, {self.capabilities!r}>"

    def __iter__(self) -> Iterator[HwField]:
        at, field = c_size_t(), s.HwField.make()
        while True:
            rc = lib("iommufd_hw_info_next", byref(self._info), byref(at), byref(field))
            if rc == -errno.ENOENT:
                return
            raise_for(rc, "iommufd_hw_info_next")
            yield HwField(field.reg.decode(), field.name.decode(), field.value, field.first_bit,
                          field.bits, HwFieldFlag(field.flags), field.meaning.decode())

    def get(self, name: str) -> Optional[int]:
        """The value of a field by its name, as "ecap.FLTS"; None where there is none such."""
        value = c_uint64()
        rc = lib("iommufd_hw_info_get", byref(self._info), name.encode(), byref(value))
        if rc == -errno.ENOENT:
            return None
        if rc:
            raise failure(rc, "iommufd_hw_info_get")
        return value.value


def read_hw_info(device: Device, type: int) -> HwInfo:
    """Ask the kernel."""
    info = s.HwInfo.make()
    call("iommufd_device_get_hw_info_of", device._ptr, type, byref(info))
    return HwInfo(info)
