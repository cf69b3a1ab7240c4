# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Contexts: one connection to the kernel, to which I/O address spaces and devices belong."""

from __future__ import annotations

import errno
import logging
from ctypes import byref, c_int, c_size_t, c_uint32, create_string_buffer
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Set, Tuple

from . import _structs as s
from ._handle import Family, Handle, receive
from ._lib import lib
from .constants import Cap, ContextFlag, EventType, GroupPolicy, LogLevel
from .errors import IommufdError, call

if TYPE_CHECKING:
    from .device import Device
    from .emu import Machine
    from .ioas import IOAS

_TO_LOGGING: Dict[int, int] = {
    LogLevel.ERROR: logging.ERROR,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.INFO: logging.INFO,
    LogLevel.DEBUG: logging.DEBUG,
}


class Event(NamedTuple):
    """Something that happened to a device or group that is open in a context."""

    type: EventType
    group: int          # IOMMU group, or -1 where sysfs does not tell
    cookie: int         # of the device that leaves
    name: str           # the device that leaves, or the member that is in the way
    driver: str         # of the member in the way


def _log_function(logger: logging.Logger) -> Any:
    """A C callback that hands messages to a logger."""
    def log(data: Optional[int], level: int, text: bytes) -> None:
        logger.log(_TO_LOGGING.get(level, logging.DEBUG), "%s",
                   text.decode(errors="replace"))
    return s.LogFunction(log)


def _level_of(logger: logging.Logger) -> int:
    """The most talkative level that a logger lets through."""
    wanted = logger.getEffectiveLevel()
    heard = [level for level, number in _TO_LOGGING.items() if number >= wanted]
    return max(heard, default=LogLevel.ERROR)


class Context(Handle):
    """A connection to the kernel's IOMMU service.

    `backend` is a policy, as "legacy", or a pair, as "group+iommufd" ("auto" where None);
    `LIBIOMMUFD_BACKEND` overrides it. `rlimit_process` charges pinned memory
    to the process and not the user; `log` receives the library's messages, at `log_level`
    or, where that is None, at the level of the logger when the context is opened;
    `group_policy` says which devices that share a group may be had (`GroupPolicy`);
    `machine` is an emulated machine to run on.
    """

    _unref = "iommufd_ctx_unref"

    def __init__(self, *, backend: Optional[str] = None, rlimit_process: bool = False,
                 log: Optional[logging.Logger] = None, log_level: Optional[int] = None,
                 group_policy: int = GroupPolicy.ANY, machine: Optional[Machine] = None) -> None:
        family = Family()
        options = self._options(family, backend, rlimit_process, log, log_level, group_policy,
                                machine)
        self._bind(receive("iommufd_ctx_new", byref(options)), family)

    @classmethod
    def from_fd(cls, fd: int, *, backend: Optional[str] = None, rlimit_process: bool = False,
                log: Optional[logging.Logger] = None, log_level: Optional[int] = None,
                group_policy: int = GroupPolicy.ANY,
                machine: Optional[Machine] = None) -> Context:
        """Make a context of an open /dev/iommu or container; `fd` stays the caller's."""
        family = Family()
        options = cls._options(family, backend, rlimit_process, log, log_level, group_policy,
                               machine)
        ctx = cls.__new__(cls)
        ctx._bind(receive("iommufd_ctx_from_fd", fd, byref(options)), family)
        return ctx

    @staticmethod
    def _options(family: Family, backend: Optional[str], rlimit_process: bool,
                 log: Optional[logging.Logger], log_level: Optional[int], group_policy: int,
                 machine: Optional[Machine]) -> s.ContextOptions:
        options = s.ContextOptions.make(group_policy=group_policy)
        if backend is not None:
            options.backend = backend.encode()
        if rlimit_process:
            options.flags |= ContextFlag.RLIMIT_PROCESS
        if log is not None:
            family.log = options.log = _log_function(log)
            options.log_level = _level_of(log) if log_level is None else log_level
        if machine is not None:
            options.sys = machine._sys()
        return options

    def fileno(self) -> int:
        """The descriptor of /dev/iommu, where there is one; it belongs to the context."""
        return call("iommufd_ctx_get_fd", self._ptr)

    def has(self, cap: int) -> bool:
        """Whether this context can do something (`Cap`)."""
        return call("iommufd_ctx_has", self._ptr, cap) != 0

    @property
    def capabilities(self) -> Set[Cap]:
        """Everything this context can do."""
        return {cap for cap in Cap if self.has(cap)}

    @property
    def backend(self) -> str:
        """The backend in use; it starts with "emulated" on an emulated kernel."""
        return lib("iommufd_ctx_get_backend", self._ptr).decode()

    @property
    def report(self) -> str:
        """What was tried when the context was opened and with what result, in lines."""
        return lib("iommufd_ctx_get_report", self._ptr).decode(errors="replace")

    @property
    def rlimit_mode(self) -> int:
        """Whose limit pinned memory is charged to: 0 the user's, 1 the process's."""
        mode = c_uint32()
        call("iommufd_ctx_get_rlimit_mode", self._ptr, byref(mode))
        return mode.value

    @rlimit_mode.setter
    def rlimit_mode(self, mode: int) -> None:
        call("iommufd_ctx_set_rlimit_mode", self._ptr, mode)

    def change_process(self) -> None:
        """Move the charge for all pinned memory to this process."""
        call("iommufd_ctx_change_process", self._ptr)

    def export(self) -> Tuple[bytes, List[int]]:
        """Write down what the context has for an `Import` in another process.

        The descriptors belong to the context: send duplicates, in this order.
        """
        size, count = c_size_t(), c_size_t()
        while True:
            blob, fds = create_string_buffer(size.value or 1), (c_int * (count.value or 1))()
            try:
                call("iommufd_ctx_export", self._ptr, blob, byref(size), fds, byref(count))
            except IommufdError as error:
                if error.errno != errno.ENOBUFS:
                    raise
            else:
                return blob.raw[:size.value], list(fds[:count.value])

    def disown(self) -> None:
        """Leave all that is in the context to others: closing it undoes nothing any more."""
        call("iommufd_ctx_disown", self._ptr)

    def get_compat_ioas(self) -> int:
        """The kernel's number of the IOAS that legacy VFIO containers use."""
        number = c_uint32()
        call("iommufd_ctx_get_compat_ioas", self._ptr, byref(number))
        return number.value

    def set_compat_ioas(self, ioas: IOAS) -> None:
        """Choose the IOAS that legacy VFIO containers use."""
        call("iommufd_ctx_set_compat_ioas", self._ptr, ioas._ptr)

    def clear_compat_ioas(self) -> None:
        """Undo set_compat_ioas()."""
        call("iommufd_ctx_clear_compat_ioas", self._ptr)

    @property
    def event_fd(self) -> int:
        """A descriptor that is readable when an event may have come; the context's."""
        return call("iommufd_ctx_get_event_fd", self._ptr)

    def read_event(self) -> Optional[Event]:
        """Take an event, or None if there is none; does not wait."""
        event = s.Event.make()
        try:
            call("iommufd_ctx_read_event", self._ptr, byref(event))
        except IommufdError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise
        return Event(EventType(event.type), event.group, event.cookie,
                     event.name.decode(errors="replace"), event.driver.decode(errors="replace"))

    def find_device(self, cookie: int) -> Device:
        """The open device with this cookie: the object that was opened, not a copy."""
        from .device import Device
        with self._family.lock:
            address = receive("iommufd_device_find", self._ptr, cookie)
            return Device._adopt(address, self._family)

    def find_device_id(self, id: int) -> Device:
        """The open device that the kernel has this number for; not one had by its group."""
        from .device import Device
        with self._family.lock:
            address = receive("iommufd_device_find_id", self._ptr, id)
            return Device._adopt(address, self._family)
