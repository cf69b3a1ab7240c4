# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""I/O address spaces: what devices see of this process's memory."""

from __future__ import annotations

import array
import builtins
import ctypes
import errno
import mmap
from ctypes import byref, c_int, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import _structs as s
from ._handle import Buffers, Handle, receive
from ._lib import lib
from .constants import DirtyFlag, IOASFlag, MapFlag, Memory
from .ctx import Context
from .errors import IommufdError, call, failure, raise_for

WritableBuffer = Union[bytearray, memoryview, mmap.mmap, "array.array[Any]", ctypes.Array]

_ALL = (1 << (8 * ctypes.sizeof(c_size_t))) - 1


class Range(NamedTuple):
    """A range of IOVAs; both ends belong to it."""

    start: int
    last: int


class Mapping(NamedTuple):
    """One mapping of an IOAS."""

    iova: int
    length: int
    va: int             # address in this process, for Memory.VA
    offset: int         # offset in the file, for Memory.FILE
    flags: MapFlag      # READ, WRITE
    memory: Memory


class IOASInfo(NamedTuple):
    """What an IOAS holds and has room for."""

    flags: IOASFlag
    page_sizes: int             # the sum of the sizes of I/O pages; 0 where the kernel does not tell
    align: int
    entries_left: Optional[int]     # mappings that may still be made; None is no limit
    mappings: int
    bytes: int
    attached: int               # devices
    containers: int             # how many times the memory is pinned


class Dirty(NamedTuple):
    """What `IOAS.unmap_dirty()` unmapped."""

    unmapped: int                   # bytes
    written: List[Tuple[int, int]]  # pairs of IOVA and bytes
    atomic: bool                    # no write can have been lost


class Bitmap:
    """A bit for each page of a range."""

    def __init__(self, length: int, page: int) -> None:
        self.page = page
        self.bits = length // page
        self.words = (c_uint64 * (self.bits // 64 + 1))()

    def runs(self, iova: int) -> List[Tuple[int, int]]:
        """What the set bits stand for, neighbours together."""
        found = []
        first, count = c_uint64(), c_uint64()
        while lib("iommufd_dirty_next", self.words, self.bits, byref(first), byref(count)) == 0:
            found.append((iova + first.value * self.page, count.value * self.page))
            first.value += count.value
        return found


class Span(NamedTuple):
    """A translated address and how many bytes are contiguous from there."""

    address: int
    length: int


def _locate(memory: Union[WritableBuffer, int], length: Optional[int]) -> Tuple[int, int, Any]:
    """Address and length of memory, and what keeps it there: None for a bare address."""
    if isinstance(memory, int):
        if length is None:
            raise TypeError("an address needs a length")
        if not 0 <= memory <= _ALL:
            raise OverflowError(f"{memory:#x} is not an address")
        return memory, length, None
    view = memoryview(memory)
    if view.readonly:
        raise TypeError("the buffer is read-only; give its address and length to map it so")
    if view.nbytes == 0:
        raise ValueError("the buffer is empty")
    if length is None:
        length = view.nbytes
    elif length > view.nbytes:
        raise ValueError(f"the buffer has {view.nbytes} bytes, not {length}")
    # Exporting the buffer forbids its owner to close or resize it.
    hold = c_uint8.from_buffer(view)  # type: ignore[arg-type]
    return ctypes.addressof(hold), length, hold


def _access(read: bool, write: bool, iova: Optional[int]) -> int:
    return ((MapFlag.READ if read else 0) | (MapFlag.WRITE if write else 0)
            | (0 if iova is None else MapFlag.FIXED))


def _window(min: int, last: int, align: int) -> Any:
    """Options for where to choose, or None where nothing was asked for."""
    for value in (min, last, align):
        if not 0 <= value < 1 << 64:
            raise OverflowError(f"{value} does not fit 64 bits")
    if not (min or last or align):
        return None
    return byref(s.MapOptions.make(min=min, last=last, align=align))


def _iova(iova: Optional[int]) -> c_uint64:
    if iova is not None and not 0 <= iova < 1 << 64:
        raise OverflowError(f"IOVA {iova} does not fit 64 bits")
    return c_uint64(iova or 0)


class IOAS(Handle):
    """An I/O address space. Iterating gives its mappings in order of IOVA.

    Memory is given as a writable buffer (`mmap.mmap` is page-aligned; a memoryview can name
    a part of it) or as an address. Buffers are held while they are mapped: they can be
    neither closed nor resized. What an address names is the caller's to keep.

    The map functions take `iova` for a fixed place or, where it is None, choose one between
    `min` and `last` (0 is no limit) at a multiple of `align` (0 is what suits best).
    """

    _unref = "iommufd_ioas_unref"

    def __init__(self, ctx: Context, *, huge_pages: bool = True, coalesce: bool = False,
                 dirty_tracking: bool = False) -> None:
        """Make an empty one.

        `coalesce` lets neighbours be one mapping of the kernel's; `dirty_tracking` gives
        devices page tables that `track_dirty()` will want, from the start.
        """
        flags = (0 if huge_pages else IOASFlag.NO_HUGE_PAGES)
        flags |= IOASFlag.COALESCE if coalesce else 0
        flags |= IOASFlag.DIRTY_TRACKING if dirty_tracking else 0
        options = s.IOASOptions.make(flags=flags)
        self._bind(receive("iommufd_ioas_new", ctx._ptr, byref(options)), ctx._family)

    @property
    def _buffers(self) -> Buffers:
        return self._family.buffers_of(self._ptr)

    @property
    def id(self) -> int:
        """The kernel's number of the IOAS in its context."""
        number = c_uint32()
        call("iommufd_ioas_get_id", self._ptr, byref(number))
        return number.value

    @property
    def info(self) -> IOASInfo:
        """What the IOAS holds and has room for."""
        info = s.IOASInfo.make()
        call("iommufd_ioas_get_info", self._ptr, byref(info))
        return IOASInfo(IOASFlag(info.flags), info.page_sizes, info.align,
                        None if info.entries_left == (1 << 64) - 1 else info.entries_left,
                        info.mappings, info.bytes, info.attached, info.containers)

    def map(self, memory: Union[WritableBuffer, int], length: Optional[int] = None, *,
            iova: Optional[int] = None, read: bool = True, write: bool = True,
            min: int = 0, last: int = 0, align: int = 0) -> int:
        """Map memory of this process for DMA and return its IOVA.

        Of a buffer, the first `length` bytes are mapped, or all of it.
        """
        address, length, hold = _locate(memory, length)
        place = _iova(iova)
        rc = lib("iommufd_ioas_map", self._ptr, address, length, _access(read, write, iova),
                 byref(place), _window(min, last, align))
        if rc in (0, -errno.EUCLEAN):   # then it could not be taken back
            self._buffers.add(place.value, length, hold)
        raise_for(rc, "iommufd_ioas_map")
        return place.value

    def map_file(self, fd: int, length: int, offset: int = 0, *, iova: Optional[int] = None,
                 read: bool = True, write: bool = True, min: int = 0, last: int = 0,
                 align: int = 0) -> int:
        """Map part of a memfd or shared-memory file and return its IOVA.

        The descriptor may be closed afterwards.
        """
        place = _iova(iova)
        call("iommufd_ioas_map_file", self._ptr, fd, offset, length, _access(read, write, iova),
             byref(place), _window(min, last, align))
        return place.value

    def mapv(self, pieces: Sequence[Union[WritableBuffer, Tuple[int, int]]],
             iovas: Optional[Sequence[int]] = None, *, read: bool = True, write: bool = True,
             coalesce: bool = False, min: int = 0, last: int = 0,
             align: int = 0) -> List[int]:
        """Map many pieces, each a buffer or an (address, length), or none; return their IOVAs.

        `iovas` are the places of the pieces, or None to have them chosen. With `coalesce`,
        neighbours become one mapping, to be unmapped as one. The error of a failing piece
        has its number as `index`.
        """
        if iovas is not None and len(iovas) != len(pieces):
            raise ValueError(f"{len(pieces)} pieces and {len(iovas)} IOVAs")
        vec = (s.MapVec * len(pieces))()
        holds = []
        for i, piece in enumerate(pieces):
            address, length, hold = (_locate(*piece) if isinstance(piece, tuple)
                                     else _locate(piece, None))
            if not 0 <= length <= _ALL:
                raise OverflowError(f"piece {i}: {length} is not a length")
            place = _iova(None if iovas is None else iovas[i])
            vec[i] = s.MapVec(address, length, place.value)
            holds.append(hold)
        flags = _access(read, write, None if iovas is None else 0)
        if coalesce:
            flags |= MapFlag.COALESCE
        failed = c_size_t(_ALL)
        asked = [(element.va or 0, element.length, hold) for element, hold in zip(vec, holds)]
        rc = lib("iommufd_ioas_mapv", self._ptr, vec, len(pieces), flags,
                 _window(min, last, align), byref(failed))
        if rc < 0:
            error = failure(rc, "iommufd_ioas_mapv",
                            index=None if failed.value == _ALL else failed.value)
            if rc == -errno.EUCLEAN:
                self._hold_remains(asked)
            raise error
        buffers = self._buffers
        for element, hold in zip(vec, holds):
            buffers.add(element.iova, element.length, hold)
        return [element.iova for element in vec]

    def unmap(self, iova: int, length: int) -> int:
        """Unmap every mapping inside a range, or none; return the bytes that were mapped."""
        held = self._buffers.inside(iova, iova + length - 1)
        unmapped = c_uint64()
        rc = lib("iommufd_ioas_unmap", self._ptr, iova, length, byref(unmapped))
        self._let_go(rc, held)
        raise_for(rc, "iommufd_ioas_unmap")
        return unmapped.value

    def unmap_all(self) -> int:
        """Unmap everything; return the bytes that were mapped."""
        held = self._buffers.inside(0, (1 << 64) - 1)
        unmapped = c_uint64()
        rc = lib("iommufd_ioas_unmap_all", self._ptr, byref(unmapped))
        self._let_go(rc, held)
        raise_for(rc, "iommufd_ioas_unmap_all")
        return unmapped.value

    def track_dirty(self, enable: bool = True) -> None:
        """Begin or end to track what devices write. Beginning forgets what was before."""
        call("iommufd_ioas_set_dirty_tracking", self._ptr, int(enable))

    def read_dirty(self, iova: int, length: int, page_size: int = 0, *,
                   keep: bool = False) -> List[Tuple[int, int]]:
        """What devices wrote in a range since it was last read: pairs of IOVA and bytes."""
        page = page_size or self.alignment
        bits = Bitmap(length, page)
        call("iommufd_ioas_read_dirty", self._ptr, iova, length, page,
             DirtyFlag.KEEP if keep else 0, bits.words)
        return bits.runs(iova)

    def unmap_dirty(self, iova: int, length: int, page_size: int = 0) -> Dirty:
        """Unmap a range; return what devices wrote in it until then."""
        page = page_size or self.alignment
        bits = Bitmap(length, page)
        held = self._buffers.inside(iova, iova + length - 1)
        unmapped, atomic = c_uint64(), c_int()
        rc = lib("iommufd_ioas_unmap_dirty", self._ptr, iova, length, page, bits.words,
                 byref(unmapped), byref(atomic))
        self._let_go(rc, held)
        raise_for(rc, "iommufd_ioas_unmap_dirty")
        return Dirty(unmapped.value, bits.runs(iova), bool(atomic.value))

    def _let_go(self, rc: int, held: List[Tuple[int, int, int, Any]]) -> None:
        """Drop the buffers of an unmapped range; after a failure those that are gone anyway."""
        if rc < 0:
            # Asking the library must not overwrite the record of the failure.
            held = [entry for entry in held if not self._is_mapped(entry[0])]
        self._buffers.drop(held)

    def _is_mapped(self, iova: int) -> bool:
        length = c_size_t(1)
        return lib("iommufd_ioas_iova_to_va", self._ptr, iova, byref(c_void_p()),
                   byref(length)) == 0

    def update_va(self, iova: int, memory: Union[WritableBuffer, int],
                  length: Optional[int] = None) -> None:
        """Say that the memory of whole mappings from `iova` on is at another address now."""
        address, length, hold = _locate(memory, length)
        held = self._buffers.inside(iova, iova + length - 1)
        call("iommufd_ioas_update_va", self._ptr, iova, length, address)
        mapped = [m for m in self if iova <= m.iova < iova + length]
        self._buffers.drop(held)
        for mapping in mapped:
            self._buffers.add(mapping.iova, mapping.length, hold)

    def copy(self, source: IOAS, source_iova: int, length: int, *, iova: Optional[int] = None,
             read: bool = True, write: bool = True, min: int = 0, last: int = 0,
             align: int = 0) -> int:
        """Map memory that `source`, of the same context, maps already; return its IOVA."""
        place = _iova(iova)
        shared = source._buffers.touching(source_iova, source_iova + length - 1)
        rc = lib("iommufd_ioas_copy", self._ptr, source._ptr, source_iova, length,
                 _access(read, write, iova), byref(place), _window(min, last, align))
        if rc < 0:
            error = failure(rc, "iommufd_ioas_copy")
            if rc == -errno.EUCLEAN:
                self._hold_remains([(source.iova_to_va(first).address, final - first + 1, hold)
                                    for first, final, _, hold in shared])
            raise error
        buffers = self._buffers
        for first, final, _, hold in shared:
            begin = max(first, source_iova)
            end = builtins.min(final, source_iova + length - 1)
            buffers.add(place.value + begin - source_iova, end - begin + 1, hold)
        return place.value

    def _hold_remains(self, asked: Iterable[Tuple[int, int, Any]]) -> None:
        """Hold what a failed call for many mappings has left mapped."""
        present = list(self)
        for address, length, hold in asked:
            for mapping in present:
                begin = max(address, mapping.va)
                end = builtins.min(address + length, mapping.va + mapping.length)
                if mapping.memory == Memory.VA and begin < end:
                    self._buffers.add(mapping.iova + begin - mapping.va, end - begin, hold)

    @property
    def ranges(self) -> List[Range]:
        """The ranges in which IOVAs may lie, those taken by mappings included."""
        room = 8
        while True:
            count = c_size_t(room)
            array_of = (s.Range * room)()
            rc = lib("iommufd_ioas_get_ranges", self._ptr, array_of, byref(count))
            if rc == 0 or count.value <= room:
                raise_for(rc, "iommufd_ioas_get_ranges")
                return [Range(item.start, item.last) for item in array_of[:count.value]]
            room = count.value

    @property
    def alignment(self) -> int:
        """The alignment that IOVAs, lengths and memory need."""
        align = c_uint64()
        call("iommufd_ioas_get_alignment", self._ptr, byref(align))
        return align.value

    def allow(self, ranges: Iterable[Tuple[int, int]]) -> None:
        """Protect (start, last) ranges from being narrowed by later devices; none lifts it."""
        wanted = list(ranges)
        array_of = (s.Range * len(wanted))(*[
            (_iova(start).value, _iova(last).value) for start, last in wanted])
        call("iommufd_ioas_allow", self._ptr, array_of if wanted else None, len(wanted))

    @property
    def huge_pages(self) -> bool:
        """Whether huge I/O pages are used; can be changed while nothing is mapped."""
        enabled = c_int()
        call("iommufd_ioas_get_huge_pages", self._ptr, byref(enabled))
        return enabled.value != 0

    @huge_pages.setter
    def huge_pages(self, enable: bool) -> None:
        call("iommufd_ioas_set_huge_pages", self._ptr, int(enable))

    def va_to_iova(self, memory: Union[WritableBuffer, int],
                   length: Optional[int] = None) -> Span:
        """The IOVA of an address or of the start of a buffer.

        The length tells how many bytes are contiguous in IOVA from there, `length` at most.
        """
        address, length, _hold = _locate(
            memory, _ALL if length is None and isinstance(memory, int) else length)
        iova, contiguous = c_uint64(), c_size_t(length)
        rc = lib("iommufd_ioas_va_to_iova", self._ptr, address, byref(iova), byref(contiguous))
        raise_for(rc, "iommufd_ioas_va_to_iova", recorded=False)
        return Span(iova.value, contiguous.value)

    def iova_to_va(self, iova: int, length: int = _ALL) -> Span:
        """The address of an IOVA in this process.

        The length tells how many bytes are contiguous in memory from there, `length` at most.
        """
        va, contiguous = c_void_p(), c_size_t(length)
        rc = lib("iommufd_ioas_iova_to_va", self._ptr, iova, byref(va), byref(contiguous))
        raise_for(rc, "iommufd_ioas_iova_to_va", recorded=False)
        return Span(va.value or 0, contiguous.value)

    def dma_address(self, iova: int, length: int = _ALL) -> Span:
        """What to program into a device for an IOVA: without an IOMMU the physical address.

        The length tells how many bytes are contiguous for the device from there, `length` at most.
        """
        address, contiguous = c_uint64(), c_size_t(length)
        call("iommufd_ioas_get_dma_address", self._ptr, iova, byref(address), byref(contiguous))
        return Span(address.value, contiguous.value)

    def __iter__(self) -> Iterator[Mapping]:
        start = 0
        while True:
            found = s.Mapping.make()
            try:
                call("iommufd_ioas_next_mapping", self._ptr, start, byref(found))
            except IommufdError as error:
                if error.errno == errno.ENOENT:
                    return
                raise
            yield Mapping(found.iova, found.length, found.va, found.offset,
                          MapFlag(found.flags), Memory(found.memory))
            start = found.iova + found.length
            if start >= 1 << 64:
                return
