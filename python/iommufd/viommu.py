# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""A guest's slice of an IOMMU: its devices, events and hardware queues."""

from __future__ import annotations

import ctypes
import errno
import weakref
from ctypes import byref, c_void_p
from typing import TYPE_CHECKING, Any, FrozenSet, NamedTuple, Optional, Sequence, Set

from . import _structs as s
from ._handle import Handle, receive
from .errors import IommufdError, call
from .hwpt import HWPT, Data, invalidate
from .region import MappedRegion

if TYPE_CHECKING:
    from .device import Device

ViommuTegra241Cmdqv = s.ViommuTegra241Cmdqv


class MappedPages(MappedRegion):
    """Pages of an IOMMU that belong to a guest, mapped into the process."""

    _unmap_name = "iommufd_viommu_unmap"


class _OfGuest(Handle):
    """What keeps a guest's memory in use: that is mapped as long as it is there."""

    _space: FrozenSet[int] = frozenset()

    def _attached(self) -> Set[int]:
        return set(self._space) if self._address is not None else set()


class VIOMMU(_OfGuest):
    """A guest's slice of the IOMMU behind `dev`, on a table that leads to its memory.

    `type` is one of `ViommuType`, or the kernel's number of any other. `data` is what the
    driver of the IOMMU wants to know and fills, as the type says: bytes, or a structure
    such as `ViommuTegra241Cmdqv`; what comes back is `VIOMMU.data`.
    """

    _unref = "iommufd_viommu_unref"
    _maps: weakref.WeakSet[MappedRegion]

    def __init__(self, dev: Device, parent: HWPT, type: int, data: Optional[Data] = None) -> None:
        self._start()
        raw = b"" if data is None else bytes(data)
        if raw:
            self._data = ctypes.create_string_buffer(raw, len(raw))
        options = s.ViommuOptions.make(data_length=len(raw))
        if self._data is not None:
            options.data = ctypes.addressof(self._data)
        self._space = frozenset(parent._attached())
        self._bind(receive("iommufd_viommu_new", dev._ptr, parent._ptr, type, byref(options)),
                   dev._family)

    def _start(self) -> None:
        self._data: Any = None
        self._maps = weakref.WeakSet()

    def _before_close(self) -> None:
        for pages in list(self._maps):
            pages.close()

    @property
    def data(self) -> bytes:
        """The data that the vIOMMU was made with, as the kernel left it."""
        return self._data.raw if self._data is not None else b""

    def map(self, offset: int, length: int) -> MappedPages:
        """Map pages of the IOMMU that belong to the guest, where the kernel told they are."""
        out = c_void_p()
        call("iommufd_viommu_map", self._ptr, offset, length, byref(out))
        assert out.value is not None
        return MappedPages(self, out.value, length, True)

    def nested(self, dev: Device, data_type: int, data: Data, flags: int = 0, *,
               faults: Any = None) -> HWPT:
        """A guest's table, which `data` describes, on this vIOMMU."""
        return HWPT._made(dev, "iommufd_hwpt_new_on_viommu", self, flags, data_type, data, faults)

    def invalidate(self, type: int, entries: Sequence[Data]) -> None:
        """Drop what the IOMMU has cached for the guest, as `HWPT.invalidate()` does of a table."""
        invalidate("iommufd_viommu_invalidate", self._ptr, type, entries)

    def find_device(self, virtual_id: int) -> Device:
        """The open device that has this number of the guest's."""
        from .device import Device
        with self._family.lock:
            address = receive("iommufd_viommu_find_device", self._ptr, virtual_id)
            return Device._adopt(address, self._family)


class VDevice(_OfGuest):
    """A device as a guest's IOMMU knows it: by the guest's number for it.

    It ends with the device; the object stays, and does nothing any more.
    """

    _unref = "iommufd_vdevice_unref"

    def __init__(self, viommu: VIOMMU, dev: Device, virtual_id: int) -> None:
        self._space = viommu._space
        self._bind(receive("iommufd_vdevice_new", viommu._ptr, dev._ptr, virtual_id),
                   viommu._family)

    @property
    def device(self) -> Optional[Device]:
        """The device, or None if it is closed."""
        from .device import Device
        with self._family.lock:
            try:
                address = receive("iommufd_vdevice_get_device", self._ptr)
            except IommufdError as error:
                if error.errno == errno.ENODEV:
                    return None
                raise
            return Device._adopt(address, self._family)


class Vevent(NamedTuple):
    """An event, or news that some were lost."""

    data: bytes         # empty if only the loss of others is told
    lost: int           # events lost since the one before
    sequence: int       # the kernel's number of it


class VEventQueue(_OfGuest):
    """Events of one type for the guest of a vIOMMU, of which `depth` wait before more are lost.

    `event_size` is needed for types that the library does not know (`VeventType`).
    """

    _unref = "iommufd_veventq_unref"

    def __init__(self, viommu: VIOMMU, type: int, depth: int, *, event_size: int = 0) -> None:
        self._space = viommu._space
        options = s.VeventqOptions.make(event_size=event_size)
        self._bind(receive("iommufd_veventq_new", viommu._ptr, type, depth, byref(options)),
                   viommu._family)

    def fileno(self) -> int:
        """A descriptor that is readable when there is an event; the queue's."""
        return call("iommufd_veventq_get_fd", self._ptr)

    def read(self) -> Optional[Vevent]:
        """Take the next event, or None if there is none; does not wait."""
        memory = ctypes.create_string_buffer(4096)
        event = s.Vevent.make(data=ctypes.addressof(memory), room=len(memory))
        try:
            call("iommufd_veventq_read", self._ptr, byref(event))
        except IommufdError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise
        return Vevent(memory.raw[:event.length], event.lost, event.sequence)


class HWQueue(_OfGuest):
    """A queue in the guest's memory, at `iova`, that the IOMMU reads by itself.

    `type` is one of `HWQueueType`, or the kernel's number of any other. While it is there
    its memory cannot be unmapped. Each holds the one of the next lower index.
    """

    _unref = "iommufd_hw_queue_unref"

    def __init__(self, viommu: VIOMMU, type: int, index: int, iova: int, length: int) -> None:
        self._space = viommu._space
        self._bind(receive("iommufd_hw_queue_new", viommu._ptr, type, index, iova, length),
                   viommu._family)
