# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""I/O page faults: devices ask for pages that are not there, and wait for an answer."""

from __future__ import annotations

import errno
from ctypes import byref
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Union

from . import _structs as s
from ._handle import Handle, receive
from .constants import FaultAccess, FaultAnswer, FaultFlag
from .errors import IommufdError, call

if TYPE_CHECKING:
    from .ctx import Context


class Fault(NamedTuple):
    """A page that a device asked for."""

    address: int            # IOVA
    length: int             # bytes that it will want from there; 0 is not known
    access: FaultAccess
    flags: FaultFlag
    pasid: Optional[int]


class FaultGroup(NamedTuple):
    """Pages that a device asked for together, to be answered together."""

    id: int                 # by which it is answered
    cookie: int             # of the device; 0 if it has none, or is closed
    device_id: int          # the kernel's number of the device
    number: int             # the device's own of the group
    pasid: Optional[int]    # of the last page
    faults: List[Fault]


def _pasid(flags: int, pasid: int) -> Optional[int]:
    return pasid if flags & FaultFlag.PASID else None


class FaultQueue(Handle):
    """Takes the faults of the devices on the page tables that are made with it.

    What is not answered when it ends the kernel refuses. Page tables hold it.
    """

    _unref = "iommufd_fault_queue_unref"
    _room: int

    def __init__(self, ctx: Context) -> None:
        self._start()
        self._bind(receive("iommufd_fault_queue_new", ctx._ptr, None), ctx._family)

    def _start(self) -> None:
        self._room = 16

    def fileno(self) -> int:
        """A descriptor that is readable when a device asked for a page; the queue's."""
        return call("iommufd_fault_queue_get_fd", self._ptr)

    def read(self) -> Optional[FaultGroup]:
        """Take the next group of faults, or None if there is none; does not wait.

        When the descriptor was readable, read until None.
        """
        while True:
            faults = (s.Fault * self._room)()
            group = s.FaultGroup.make(faults=faults, room=self._room)
            try:
                call("iommufd_fault_queue_read", self._ptr, byref(group))
            except IommufdError as error:
                if error.errno == errno.EAGAIN:
                    return None
                if error.errno != errno.EMSGSIZE:
                    raise
                self._room = group.count
                continue
            return FaultGroup(group.id, group.cookie, group.device, group.number,
                              _pasid(group.flags, group.pasid), [
                Fault(fault.address, fault.length, FaultAccess(fault.access),
                      FaultFlag(fault.flags), _pasid(fault.flags, fault.pasid))
                for fault in faults[:group.count]])

    def respond(self, group: Union[FaultGroup, int],
                answer: FaultAnswer = FaultAnswer.SUCCESS) -> None:
        """Answer a group, once: its pages are there now, or they are not."""
        number = group.id if isinstance(group, FaultGroup) else group
        call("iommufd_fault_queue_respond", self._ptr, number, answer)
