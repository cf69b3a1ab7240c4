# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Tables of virtual and physical PASIDs."""

from __future__ import annotations

import errno
from ctypes import byref, c_uint32
from typing import Iterator, NamedTuple, Optional

from . import _structs as s
from ._handle import Family, Handle, receive
from ._lib import lib
from .errors import call, raise_for


class PasidRange(NamedTuple):
    """Pairs of consecutive numbers."""

    vpasid: int         # first virtual number
    pasid: int          # first physical number
    count: int


class PasidTableInfo(NamedTuple):
    """How large a table is."""

    virtual_width: int  # bits
    physical_width: int
    pairs: int
    bytes: int          # memory that it takes


class PasidTable(Handle):
    """Pairs of virtual PASIDs, as a guest says, and physical ones, as the hardware is told.

    Iterating gives `PasidRange` in order of virtual number; len() is the number of pairs.
    """

    _unref = "iommufd_pasid_table_unref"

    def __init__(self, virtual_width: int = 20, physical_width: int = 20) -> None:
        self._bind(receive("iommufd_pasid_table_new", virtual_width, physical_width), Family())

    def set(self, vpasid: int, pasid: int, count: int = 1) -> None:
        """Put a pair into the table, or `count` pairs of consecutive numbers: all or none."""
        call("iommufd_pasid_table_set_range", self._ptr, vpasid, pasid, count)

    def clear(self, vpasid: int, count: Optional[int] = None) -> int:
        """Take a pair out, which must be there; with `count`, all there are in a range.

        Returns how many there were.
        """
        if count is None:
            call("iommufd_pasid_table_clear", self._ptr, vpasid)
            return 1
        cleared = c_uint32()
        call("iommufd_pasid_table_clear_range", self._ptr, vpasid, count, byref(cleared))
        return cleared.value

    def _find(self, function: str, number: int) -> Optional[int]:
        other = c_uint32()
        rc = lib(function, self._ptr, number, byref(other))
        if rc == -errno.ENOENT:
            return None
        raise_for(rc, function, recorded=False)
        return other.value

    def to_physical(self, vpasid: int) -> Optional[int]:
        """The physical number of a virtual one; None if it is in no pair."""
        return self._find("iommufd_pasid_table_to_physical", vpasid)

    def to_virtual(self, pasid: int) -> Optional[int]:
        """The virtual number of a physical one; None if it is in no pair."""
        return self._find("iommufd_pasid_table_to_virtual", pasid)

    def __iter__(self) -> Iterator[PasidRange]:
        found = s.PasidRange.make()
        while True:
            rc = lib("iommufd_pasid_table_next", self._ptr, found.vpasid + found.count,
                     byref(found))
            if rc == -errno.ENOENT:
                return
            raise_for(rc, "iommufd_pasid_table_next")
            yield PasidRange(found.vpasid, found.pasid, found.count)

    @property
    def info(self) -> PasidTableInfo:
        """Widths, number of pairs, memory."""
        info = s.PasidTableInfo.make()
        call("iommufd_pasid_table_get_info", self._ptr, byref(info))
        return PasidTableInfo(info.virtual_width, info.physical_width, info.pairs, info.bytes)

    def __len__(self) -> int:
        return self.info.pairs
