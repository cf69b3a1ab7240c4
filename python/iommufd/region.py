# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Device regions: BARs, configuration space, ROM."""

from __future__ import annotations

import ctypes
import warnings
import weakref
from ctypes import byref, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional, Sequence

from . import _structs as s
from ._lib import lib
from .constants import RegionFlag
from .errors import call, raise_for

if TYPE_CHECKING:
    from .device import Device


class RegionInfo(NamedTuple):
    """What a region is."""

    length: int         # bytes; 0 for a BAR that the device does not have
    offset: int         # where it starts in the device's descriptor
    flags: RegionFlag
    type: int           # device-specific type, 0 for those of the bus
    subtype: int
    num_areas: int      # areas that can be mapped


class Area(NamedTuple):
    """Part of a region that can be mapped."""

    offset: int
    length: int


class Region:
    """A window into a device, read and written through the kernel or mapped.

    Values are converted from and to the device's byte order.
    """

    def __init__(self, device: Device, index: int) -> None:
        self.device = device
        self.index = index

    def __repr__(self) -> str:
        return f"<Region {self.index} of {self.device!r}>"

    @property
    def info(self) -> RegionInfo:
        """What the region is."""
        info = s.RegionInfo.make()
        call("iommufd_region_get_info", self.device._ptr, self.index, byref(info))
        return RegionInfo(info.length, info.offset, RegionFlag(info.flags), info.type,
                          info.subtype, info.num_areas)

    @property
    def areas(self) -> List[Area]:
        """The areas that can be mapped."""
        room = 4
        while True:
            count = c_size_t(room)
            array_of = (s.RegionArea * room)()
            rc = lib("iommufd_region_get_areas", self.device._ptr, self.index, array_of,
                     byref(count))
            if rc == 0 or count.value <= room:
                raise_for(rc, "iommufd_region_get_areas")
                return [Area(item.offset, item.length) for item in array_of[:count.value]]
            room = count.value

    def read(self, offset: int, length: int) -> bytes:
        """Read a block. For registers, use the sized functions."""
        buffer = ctypes.create_string_buffer(max(length, 1))
        call("iommufd_region_read", self.device._ptr, self.index, offset, buffer, length)
        return buffer.raw

    def write(self, offset: int, data: bytes) -> None:
        """Write a block of bytes."""
        raw = bytes(data)
        call("iommufd_region_write", self.device._ptr, self.index, offset, raw, len(raw))

    def _get(self, function: str, value: Any, offset: int) -> int:
        call(function, self.device._ptr, self.index, offset, byref(value))
        return value.value

    def read8(self, offset: int) -> int:
        """Read an 8-bit register."""
        return self._get("iommufd_region_read8", c_uint8(), offset)

    def read16(self, offset: int) -> int:
        """Read a 16-bit register."""
        return self._get("iommufd_region_read16", c_uint16(), offset)

    def read32(self, offset: int) -> int:
        """Read a 32-bit register in one access."""
        return self._get("iommufd_region_read32", c_uint32(), offset)

    def read64(self, offset: int) -> int:
        """Read a 64-bit register, in one access where the platform can."""
        return self._get("iommufd_region_read64", c_uint64(), offset)

    def write8(self, offset: int, value: int) -> None:
        """Write an 8-bit register."""
        call("iommufd_region_write8", self.device._ptr, self.index, offset, value)

    def write16(self, offset: int, value: int) -> None:
        """Write a 16-bit register."""
        call("iommufd_region_write16", self.device._ptr, self.index, offset, value)

    def write32(self, offset: int, value: int) -> None:
        """Write a 32-bit register in one access."""
        call("iommufd_region_write32", self.device._ptr, self.index, offset, value)

    def write64(self, offset: int, value: int) -> None:
        """Write a 64-bit register, in one access where the platform can."""
        call("iommufd_region_write64", self.device._ptr, self.index, offset, value)

    def set_ioeventfd(self, offset: int, width: int, value: int, fd: int) -> None:
        """Let the kernel write a register of `width` bytes whenever an eventfd is signalled.

        -1 takes the eventfd of this same write away.
        """
        call("iommufd_region_set_ioeventfd", self.device._ptr, self.index, offset, width, value,
             fd)

    def get_dma_buf(self, areas: Sequence[Area] = ()) -> int:
        """Parts of a BAR, or all of it, as a dma-buf: a descriptor that is the caller's."""
        items = (s.RegionArea * len(areas))(*areas) if areas else None
        return call("iommufd_region_get_dma_buf", self.device._ptr, self.index, items, len(areas))

    def map(self, offset: int = 0, length: Optional[int] = None, *, read: bool = True,
            write: bool = True) -> MappedRegion:
        """Map part of the region, up to its end where `length` is None."""
        if length is None:
            length = max(self.info.length - offset, 0)
        access = (RegionFlag.READ if read else 0) | (RegionFlag.WRITE if write else 0)
        out = c_void_p()
        call("iommufd_region_map", self.device._ptr, self.index, offset, length, access,
             byref(out))
        assert out.value is not None
        return MappedRegion(self.device, out.value, length, write)


class MappedRegion:
    """A region mapped into the process: `view` is its memory as bytes.

    Close it, or use it in a `with` block, when no view of it is in use any more; a view
    that is, refuses with BufferError. A view keeps the mapping while it lives. Closing the
    device closes its mappings.

    read32() and its like make one access of that width; what a slice of `view` does is up
    to the C library, so registers are not for slices.
    """

    _unmap_name = "iommufd_region_unmap"

    def __init__(self, device: Any, address: int, length: int, writable: bool) -> None:
        self.device = device    # or what else has such pages
        self.writable = writable
        self._address: Optional[int] = address
        self._length = length
        memory = (c_uint8 * length).from_address(address)
        # Every slice of a view keeps this object, which keeps the mapping and tells us
        # whether one is left.
        memory.owner = self  # type: ignore[attr-defined]
        self._memory = weakref.ref(memory)
        self._view = self._expose(memory)
        device._maps.add(self)

    def _expose(self, memory: Any) -> memoryview:
        view = memoryview(memory).cast("B")
        return view if self.writable else view.toreadonly()

    @property
    def closed(self) -> bool:
        """Whether the mapping is gone."""
        return self._address is None

    @property
    def address(self) -> int:
        """Where it is mapped."""
        if self._address is None:
            raise ValueError("MappedRegion is closed")
        return self._address

    @property
    def view(self) -> memoryview:
        """The mapping as a memoryview of bytes."""
        self.address
        return self._view

    def __len__(self) -> int:
        return self._length

    def _at(self, kind: Any, offset: int) -> Any:
        size = ctypes.sizeof(kind)
        if offset % size != 0 or not 0 <= offset <= self._length - size:
            raise ValueError(f"no {size * 8}-bit register at offset {offset:#x} of "
                             f"{self._length} bytes")
        return kind.from_address(self.address + offset)

    def _put(self, kind: Any, offset: int, value: int) -> None:
        if not self.writable:
            raise TypeError("the region is mapped for reading only")
        if not 0 <= value < 1 << (8 * ctypes.sizeof(kind)):
            raise OverflowError(f"{value} does not fit {8 * ctypes.sizeof(kind)} bits")
        self._at(kind, offset).value = value

    def read8(self, offset: int) -> int:
        """Read an 8-bit register."""
        return self._at(c_uint8, offset).value

    def read16(self, offset: int) -> int:
        """Read a 16-bit register."""
        return self._at(c_uint16.__ctype_le__, offset).value  # type: ignore[attr-defined]

    def read32(self, offset: int) -> int:
        """Read a 32-bit register."""
        return self._at(c_uint32.__ctype_le__, offset).value  # type: ignore[attr-defined]

    def read64(self, offset: int) -> int:
        """Read a 64-bit register."""
        return self._at(c_uint64.__ctype_le__, offset).value  # type: ignore[attr-defined]

    def write8(self, offset: int, value: int) -> None:
        """Write an 8-bit register."""
        self._put(c_uint8, offset, value)

    def write16(self, offset: int, value: int) -> None:
        """Write a 16-bit register."""
        self._put(c_uint16.__ctype_le__, offset, value)  # type: ignore[attr-defined]

    def write32(self, offset: int, value: int) -> None:
        """Write a 32-bit register."""
        self._put(c_uint32.__ctype_le__, offset, value)  # type: ignore[attr-defined]

    def write64(self, offset: int, value: int) -> None:
        """Write a 64-bit register."""
        self._put(c_uint64.__ctype_le__, offset, value)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Unmap. BufferError if a view is in use. Further calls do nothing."""
        if self._address is None:
            return
        self._view.release()
        memory = self._memory()
        if memory is not None:
            self._view = self._expose(memory)
            raise BufferError("a view of the mapped region is still in use; release it first")
        self._unmap()

    def _unmap(self) -> None:
        address, self._address = self._address, None
        self.device._maps.discard(self)
        call(self._unmap_name, self.device._ptr, address)

    def __enter__(self) -> MappedRegion:
        self.address
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def __del__(self) -> None:
        # No view is left, or all are garbage together with us. A device that was closed
        # first has taken the mapping with it.
        if getattr(self, "_address", None) is None or self.device.closed:
            return
        try:
            try:
                warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            finally:
                self._view.release()
                self._unmap()
        except (AttributeError, TypeError):
            pass  # the interpreter is going down and has taken our modules apart

    def __repr__(self) -> str:
        state = ("closed" if self._address is None
                 else f"{self._length} bytes at {self._address:#x}")
        return f"<{type(self).__name__} {state}>"
