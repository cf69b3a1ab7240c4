# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Interrupts, and the eventfds that they signal."""

from __future__ import annotations

import ctypes
import os
import select
import struct
from ctypes import byref, c_int
from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional, Sequence, Union

from . import _structs as s
from .constants import IrqFlag
from .errors import call

if TYPE_CHECKING:
    from .device import Device

_COUNTER = struct.Struct("=Q")
_FLAGS = os.O_CLOEXEC | os.O_NONBLOCK   # EFD_CLOEXEC and EFD_NONBLOCK have these values


def _eventfd() -> int:
    if hasattr(os, "eventfd"):
        return os.eventfd(0, _FLAGS)
    libc = ctypes.CDLL(None, use_errno=True)    # before Python 3.10
    fd = libc.eventfd(0, _FLAGS)
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return fd


class EventFd:
    """A counter in the kernel that an interrupt vector adds to. Non-blocking."""

    def __init__(self) -> None:
        self._fd: Optional[int] = _eventfd()

    def fileno(self) -> int:
        """The descriptor, for select, poll or asyncio."""
        if self._fd is None:
            raise ValueError("EventFd is closed")
        return self._fd

    @property
    def closed(self) -> bool:
        """Whether close() has been called."""
        return self._fd is None

    def read(self) -> int:
        """How often it was signalled since the last read; 0 if not at all."""
        try:
            return _COUNTER.unpack(os.read(self.fileno(), _COUNTER.size))[0]
        except BlockingIOError:
            return 0

    def write(self, count: int = 1) -> None:
        """Signal it."""
        os.write(self.fileno(), _COUNTER.pack(count))

    def wait(self, timeout: Optional[float] = None) -> int:
        """Wait for a signal, `timeout` seconds at most; return as read() does."""
        wait([self], timeout)
        return self.read()

    def close(self) -> None:
        """Close the descriptor. A vector that is connected to it stays so in the kernel."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def __enter__(self) -> EventFd:
        self.fileno()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_fd", None) is not None:
            self.close()

    def __repr__(self) -> str:
        return f"<EventFd {'closed' if self._fd is None else self._fd}>"


def wait(events: Sequence[EventFd], timeout: Optional[float] = None) -> List[EventFd]:
    """Wait until one of several is signalled; return those that are, none after `timeout`."""
    poller = select.poll()
    by_fd = {event.fileno(): event for event in events}
    for fd in by_fd:
        poller.register(fd, select.POLLIN)
    ready = poller.poll(None if timeout is None else max(timeout, 0) * 1000)
    return [by_fd[fd] for fd, _ in ready]


class IrqInfo(NamedTuple):
    """What an interrupt index is."""

    flags: IrqFlag
    vectors: int        # 0 if the device has none of this kind


def _fd(event: Union[EventFd, int, None]) -> int:
    if event is None:
        return -1
    return event if isinstance(event, int) else event.fileno()


class Irq:
    """An interrupt index of a device: one or more vectors of a kind."""

    def __init__(self, device: Device, index: int) -> None:
        self.device = device
        self.index = index

    def __repr__(self) -> str:
        return f"<Irq {self.index} of {self.device!r}>"

    @property
    def info(self) -> IrqInfo:
        """What the interrupt index is."""
        info = s.IrqInfo.make()
        call("iommufd_irq_get_info", self.device._ptr, self.index, byref(info))
        return IrqInfo(IrqFlag(info.flags), info.count)

    def enable(self, events: Sequence[Union[EventFd, int, None]], start: int = 0) -> None:
        """Connect vectors from `start` on to one eventfd each, and enable them.

        None leaves its vector unconnected. Enable all that will be needed at once: adding
        vectors later may lose an interrupt where the index is not IrqFlag.DYNAMIC.
        """
        fds = [_fd(event) for event in events]
        call("iommufd_irq_enable", self.device._ptr, self.index, start, len(fds),
             (c_int * len(fds))(*fds))

    def disable(self) -> None:
        """Disable all vectors."""
        call("iommufd_irq_disable", self.device._ptr, self.index)

    def mask(self, start: int = 0, count: int = 1) -> None:
        """Keep vectors from signalling until they are unmasked."""
        call("iommufd_irq_mask", self.device._ptr, self.index, start, count)

    def unmask(self, start: int = 0, count: int = 1) -> None:
        """Let vectors signal again."""
        call("iommufd_irq_unmask", self.device._ptr, self.index, start, count)

    def set_resample(self, event: Union[EventFd, int, None], vector: int = 0) -> None:
        """Let an eventfd unmask a vector when it is written; None disconnects it."""
        call("iommufd_irq_set_resample", self.device._ptr, self.index, vector, _fd(event))

    def trigger(self, start: int = 0, count: int = 1) -> None:
        """Signal vectors from software, as if the device had raised them."""
        call("iommufd_irq_trigger", self.device._ptr, self.index, start, count)
