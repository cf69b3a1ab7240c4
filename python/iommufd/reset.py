# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What is reset along with a device."""

from __future__ import annotations

from ctypes import byref
from typing import TYPE_CHECKING, List, NamedTuple

from . import _structs as s
from .constants import ResetFlag
from .errors import call

if TYPE_CHECKING:
    from .device import Device


class ResetInfo(NamedTuple):
    """A device that a hot reset of another, or of itself, resets."""

    name: str           # PCI address
    flags: ResetFlag
    group: int          # IOMMU group, or -1 if nobody tells
    id: int             # as in `DeviceInfo` if it is open in this context, else 0
    cookie: int         # given when it was opened in this context; 0 is none


def read_reset_info(device: Device) -> List[ResetInfo]:
    """All that a hot reset of a device resets."""
    found: List[ResetInfo] = []
    info = s.ResetInfo.make(count=1)
    while len(found) < info.count:
        call("iommufd_device_get_reset_info", device._ptr, len(found), byref(info))
        found.append(ResetInfo(info.name.decode(), ResetFlag(info.flags), info.group, info.id,
                               info.cookie))
    return found
