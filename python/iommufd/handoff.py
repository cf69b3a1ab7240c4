# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Hand-offs: devices opened by one process for another that may not open them."""

from __future__ import annotations

import ctypes
import logging
import socket
from ctypes import byref
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Set, Union

from . import _structs as s
from ._handle import Family, Handle, receive
from ._lib import lib
from .constants import GroupPolicy, HandoffKind
from .ctx import Context
from .device import Device, _options
from .errors import call

if TYPE_CHECKING:
    from .emu import Machine

Socket = Union[int, "socket.socket"]


class HandoffItem(NamedTuple):
    """Something that is handed over."""

    kind: HandoffKind
    fd: int             # its descriptor, which belongs to the hand-off, or -1
    group: int          # IOMMU group, or -1
    id: int             # of a bound device the kernel's number
    cookie: int
    name: str           # of a device


def _fileno(sock: Socket) -> int:
    return sock if isinstance(sock, int) else sock.fileno()


class Handoff(Handle):
    """A context and devices on their way from one process to another.

    Who may open them makes it of a context, adds devices and sends it over a UNIX socket:

        with Context(rlimit_process=True) as ctx, Handoff(ctx) as handoff:
            handoff.add("0000:00:03.0")
            handoff.send(sock)

    The other takes it from there, and holds the devices for as long as it is open:

        handoff = Handoff.receive(sock)
        ctx = handoff.open()
        dev = handoff.find_device("0000:00:03.0")
    """

    _unref = "iommufd_handoff_unref"

    def __init__(self, ctx: Context) -> None:
        self._bind(receive("iommufd_handoff_new", ctx._ptr), ctx._family)

    @classmethod
    def receive(cls, sock: Socket, *, machine: Optional[Machine] = None) -> Handoff:
        """Take a hand-off from a socket; `machine` is an emulated one to run on."""
        handoff = cls.__new__(cls)
        handoff._bind(receive("iommufd_handoff_receive", _fileno(sock),
                              machine._sys() if machine is not None else None), Family())
        return handoff

    def _attached(self) -> Set[int]:
        """What its devices are attached to."""
        found: Set[int] = set()
        if self._address is None:
            return found
        for item in self.items:
            out = ctypes.c_void_p()
            if item.name and lib("iommufd_handoff_find_device", self._address,
                                 item.name.encode(), byref(out)) == 0:
                dev, ioas = out.value, ctypes.c_void_p()
                if lib("iommufd_device_get_ioas", dev, byref(ioas)) == 0 and ioas.value:
                    found.add(ioas.value)
                    lib("iommufd_ioas_unref", ioas.value)
                lib("iommufd_device_unref", dev)
        return found

    def add(self, name: str, *, cookie: int = 0, vf_token: Optional[bytes] = None) -> None:
        """Open a device, or its group, to be handed over; the other opens it with the options."""
        options = _options(cookie, vf_token, None)
        call("iommufd_handoff_add", self._ptr, name.encode(), byref(options))

    def add_device(self, dev: Device) -> None:
        """Hand over a device that is open in the context, bound as it is."""
        call("iommufd_handoff_add_device", self._ptr, dev._ptr)

    def add_group(self, number: int) -> None:
        """Open a group to be handed over, of which the other opens devices by name."""
        call("iommufd_handoff_add_group", self._ptr, number)

    def send(self, sock: Socket) -> None:
        """Send it over a connected socket of the UNIX domain."""
        call("iommufd_handoff_send", self._ptr, _fileno(sock))

    def open(self, *, backend: Optional[str] = None, log: Optional[logging.Logger] = None,
             log_level: Optional[int] = None, group_policy: int = GroupPolicy.ANY) -> Context:
        """Make a context of what was received, and open all devices; options as of `Context`."""
        family = Family()
        options = Context._options(family, backend, False, log, log_level, group_policy, None)
        ctx = Context.__new__(Context)
        ctx._bind(receive("iommufd_handoff_open", self._ptr, byref(options)), family)
        with family.lock:
            self._bind(self._address, family)
        return ctx

    @property
    def items(self) -> List[HandoffItem]:
        """All that is handed over; the first is the context."""
        found: List[HandoffItem] = []
        item = s.HandoffItem.make()
        while lib("iommufd_handoff_get_item", self._ptr, len(found), byref(item)) == 0:
            found.append(HandoffItem(HandoffKind(item.kind), item.fd, item.group, item.id,
                                     item.cookie, item.name.decode(errors="replace")))
        return found

    def find_device(self, name: str) -> Device:
        """A device that open() opened, by the name that its item has."""
        with self._family.lock:
            address = receive("iommufd_handoff_find_device", self._ptr, name.encode())
            return Device._adopt(address, self._family)
