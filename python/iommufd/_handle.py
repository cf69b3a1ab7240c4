# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What the objects of the library have in common in Python: life, identity, buffers."""

from __future__ import annotations

import ctypes
import threading
import warnings
import weakref
from bisect import bisect_left, insort
from typing import Any, Dict, List, Optional, Set, Tuple, Type, TypeVar

from ._lib import Library, lib
from .errors import call

_H = TypeVar("_H", bound="Handle")


class Buffers:
    """The Python buffers that one IOAS maps, held so that they are neither freed nor moved.

    Each entry is (first IOVA, last IOVA, serial, hold). The serial makes entries comparable
    and lets an unmap drop exactly those that it saw, while another thread maps anew.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entries: List[Tuple[int, int, int, Any]] = []
        self._serial = 0

    def add(self, iova: int, length: int, hold: Any) -> None:
        """Hold the buffer behind a new mapping; None is memory that needs no holding."""
        if hold is None:
            return
        with self._lock:
            self._serial += 1
            insort(self._entries, (iova, iova + length - 1, self._serial, hold))

    def inside(self, first: int, last: int) -> List[Tuple[int, int, int, Any]]:
        """The entries that lie wholly in a range."""
        with self._lock:
            begin = bisect_left(self._entries, (first,))
            end = bisect_left(self._entries, (last + 1,))
            return [entry for entry in self._entries[begin:end] if entry[1] <= last]

    def touching(self, first: int, last: int) -> List[Tuple[int, int, int, Any]]:
        """The entries that share at least one byte with a range."""
        with self._lock:
            end = bisect_left(self._entries, (last + 1,))
            return [entry for entry in self._entries[:end] if entry[1] >= first]

    def drop(self, gone: List[Tuple[int, int, int, Any]]) -> None:
        """Let go of entries seen before."""
        if not gone:
            return
        serials = {entry[2] for entry in gone}
        with self._lock:
            begin = bisect_left(self._entries, (gone[0][0],))
            end = bisect_left(self._entries, (gone[-1][0] + 1,))
            self._entries[begin:end] = [entry for entry in self._entries[begin:end]
                                        if entry[2] not in serials]

    def __len__(self) -> int:
        return len(self._entries)


class Family:
    """What the objects of one context share.

    It knows the one Python object that stands for each open C object, and holds the
    buffers of every IOAS for as long as a device could reach them: while the IOAS is open
    in Python or an open device is attached to it.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.members: weakref.WeakValueDictionary[int, Handle] = weakref.WeakValueDictionary()
        self.buffers: Dict[int, Buffers] = {}
        self.log: Any = None
        self.closing = 0

    def buffers_of(self, ioas: int) -> Buffers:
        with self.lock:
            return self.buffers.setdefault(ioas, Buffers())

    def settle(self) -> None:
        """Let go of the buffers of every IOAS that no longer exists."""
        with self.lock:
            if self.closing:
                return
            live = set()
            for address, member in list(self.members.items()):
                live.add(address)
                live |= member._attached()
            gone = [self.buffers.pop(ioas) for ioas in list(self.buffers) if ioas not in live]
        del gone


class Handle:
    """A counted reference to an object of the library, given back by close().

    Use it in a `with` block, or call close(). An object that is merely forgotten is closed
    too, with a ResourceWarning. Calls after close() raise ValueError; close() must not run
    while another thread is inside a call on the same object.
    """

    _unref: str = ""
    _library: Library = lib
    _address: Optional[int] = None
    _family: Family

    def _bind(self, address: Optional[int], family: Family) -> None:
        """Take over a reference and become the Python object for it."""
        assert address is not None
        with family.lock:
            self._family = family
            self._address = address
            family.members[address] = self

    @classmethod
    def _adopt(cls: Type[_H], address: int, family: Family) -> _H:
        """The Python object for a C object, which came with a reference."""
        with family.lock:
            member = family.members.get(address)
            if member is None or member._address is None:
                member = cls.__new__(cls)
                member._start()
                member._bind(address, family)
                return member
        cls._library(cls._unref, address)
        assert isinstance(member, cls)
        return member

    def _start(self) -> None:
        """Set up what an object needs beside its address, however it comes to be."""

    def _before_close(self) -> None:
        """Give back what hangs on the object; may refuse by raising."""

    def _attached(self) -> Set[int]:
        """The addresses of the IOASes that this object keeps in use."""
        return set()

    @property
    def _ptr(self) -> int:
        if self._address is None:
            raise ValueError(f"{type(self).__name__} is closed")
        return self._address

    @property
    def closed(self) -> bool:
        """Whether close() has been called."""
        return self._address is None

    def close(self) -> None:
        """Give the object back. Further calls of close() do nothing."""
        if self._address is None:
            return
        self._before_close()
        family = self._family
        with family.lock:
            address, self._address = self._address, None
            if address is None:
                return
            if family.members.get(address) is self:
                del family.members[address]
            family.closing += 1
        try:
            self._library(self._unref, address)
        finally:
            with family.lock:
                family.closing -= 1
            family.settle()

    def __enter__(self: _H) -> _H:
        self._ptr
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if self._address is None:
            return
        try:
            try:
                warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            finally:
                self.close()
        except (AttributeError, TypeError):
            pass  # the interpreter is going down and has taken our modules apart

    def __repr__(self) -> str:
        state = "closed" if self._address is None else f"at {self._address:#x}"
        return f"<{type(self).__name__} {state}>"


def attached_to(name: str, address: Optional[int]) -> Set[int]:
    """The address of the IOAS that a C object is attached to, as function `name` says, if any."""
    out = ctypes.c_void_p()
    if address is None or lib(name, address, ctypes.byref(out)) < 0 or out.value is None:
        return set()
    lib("iommufd_ioas_unref", out.value)
    return {out.value}


def receive(name: str, *args: Any) -> int:
    """Call a function whose last argument receives a handle; return the handle, 0 for NULL."""
    out = ctypes.c_void_p()
    call(name, *args, ctypes.byref(out))
    return out.value or 0
