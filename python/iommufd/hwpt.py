# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Hardware page tables: what an IOMMU walks, made one by one."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_uint32
from typing import Any, List, NamedTuple, Optional, Sequence, Set, Tuple, Union, TYPE_CHECKING

from . import _structs as s
from ._handle import Handle, receive
from ._lib import lib
from .constants import DirtyFlag, HWPTFlag, HWPTKind
from .errors import call, failure
from .ioas import IOAS, Bitmap

if TYPE_CHECKING:
    from .device import Device
    from .fault import FaultQueue

# What the guests of the IOMMUs that have a layout of their own give, field by field.
VtdS1 = s.HWPTVtdS1
Smmuv3 = s.HWPTSmmuv3
AmdGuest = s.HWPTAmdGuest
InvalidateVtdS1 = s.InvalidateVtdS1
InvalidateSmmuv3 = s.InvalidateSmmuv3

Data = Union[bytes, bytearray, ctypes.Structure]


class HWPTInfo(NamedTuple):
    """What a table is."""

    id: int             # its number in the kernel
    kind: HWPTKind
    flags: HWPTFlag


def _options(flags: int, data_type: int, data: Optional[Data],
             faults: Optional[FaultQueue]) -> s.HWPTOptions:
    raw = b"" if data is None else bytes(data)
    options = s.HWPTOptions.make(flags=flags, data_type=data_type, data_length=len(raw),
                                 fault_queue=faults._ptr if faults is not None else None)
    if raw:
        options.keep = ctypes.create_string_buffer(raw, len(raw))
        options.data = ctypes.addressof(options.keep)
    return options


def invalidate(function: str, address: int, type: int, entries: Sequence[Data]) -> None:
    """Give a nested table or a vIOMMU entries to invalidate; see `HWPT.invalidate()`."""
    pieces = [bytes(entry) for entry in entries]
    if len({len(piece) for piece in pieces}) > 1:
        raise ValueError("entries are of different sizes")
    count = c_uint32(len(pieces))
    array: Any = b"".join(pieces) if pieces else None
    rc = lib(function, address, type, array, len(pieces[0]) if pieces else 0, byref(count))
    if rc < 0:
        raise failure(rc, function, index=count.value)


class HWPT(Handle):
    """A paging table: it leads to what `ioas` maps, for devices whose IOMMU is like `dev`'s.

    `data` is what the driver of the IOMMU wants to know, of kind `data_type` (`HWPTData`,
    or the kernel's number of any other); page faults go to the queue `faults`.
    `Device.attach()` takes a table too.
    """

    _unref = "iommufd_hwpt_unref"

    def __init__(self, dev: Device, ioas: IOAS, flags: int = 0, *, data_type: int = 0,
                 data: Optional[Data] = None, faults: Optional[FaultQueue] = None) -> None:
        options = _options(flags, data_type, data, faults)
        self._bind(receive("iommufd_hwpt_new", dev._ptr, ioas._ptr, byref(options)), dev._family)

    @classmethod
    def nested(cls, dev: Device, parent: HWPT, data_type: int, data: Data,
               flags: int = 0, *, faults: Optional[FaultQueue] = None) -> HWPT:
        """A guest's table, which `data` describes, in front of a paging one.

        `VIOMMU.nested()` makes one on a vIOMMU.
        """
        return cls._made(dev, "iommufd_hwpt_new_nested", parent, flags, data_type, data, faults)

    @classmethod
    def _made(cls, dev: Device, function: str, base: Handle, flags: int, data_type: int,
              data: Data, faults: Optional[FaultQueue]) -> HWPT:
        options = _options(flags, data_type, data, faults)
        table = cls.__new__(cls)
        table._bind(receive(function, dev._ptr, base._ptr, byref(options)), dev._family)
        return table

    def _raw_info(self) -> s.HWPTInfo:
        info = s.HWPTInfo.make()
        call("iommufd_hwpt_get_info", self._ptr, byref(info))
        return info

    def _attached(self) -> Set[int]:
        info = s.HWPTInfo.make()
        if self._address is None or lib("iommufd_hwpt_get_info", self._address, byref(info)):
            return set()    # closed, or disowned with its context
        return {info.ioas}

    @property
    def info(self) -> HWPTInfo:
        """What the table is."""
        info = self._raw_info()
        return HWPTInfo(info.id, HWPTKind(info.kind), HWPTFlag(info.flags))

    @property
    def ioas(self) -> IOAS:
        """The IOAS that the table leads to, in the end."""
        with self._family.lock:
            address = self._raw_info().ioas
            lib("iommufd_ioas_ref", address)
            return IOAS._adopt(address, self._family)

    @property
    def parent(self) -> Optional[HWPT]:
        """The table behind a nested one, or None."""
        with self._family.lock:
            address = self._raw_info().parent
            if not address:
                return None
            lib("iommufd_hwpt_ref", address)
            return HWPT._adopt(address, self._family)

    def track_dirty(self, enable: bool = True) -> None:
        """Begin or end to track what the devices on this table write."""
        call("iommufd_hwpt_set_dirty_tracking", self._ptr, int(enable))

    def read_dirty(self, iova: int, length: int, page_size: int = 0, *,
                   keep: bool = False) -> List[Tuple[int, int]]:
        """What they wrote in a range since it was last read: pairs of IOVA and bytes."""
        page = page_size or self.ioas.alignment
        bits = Bitmap(length, page)
        call("iommufd_hwpt_read_dirty", self._ptr, iova, length, page,
             DirtyFlag.KEEP if keep else 0, bits.words)
        return bits.runs(iova)

    def invalidate(self, type: int, entries: Sequence[Data]) -> None:
        """Drop what the IOMMU has cached of a nested table: the guest has changed it.

        Entries are of the kind that `type` says (`Invalidate`), all of one size. The error
        has the `index` of the entry that was refused; those before it were done. No entries
        ask whether the type is supported.
        """
        invalidate("iommufd_hwpt_invalidate", self._ptr, type, entries)
