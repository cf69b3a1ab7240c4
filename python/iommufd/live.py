# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Live updates: what one process had in a context, taken over by another."""

from __future__ import annotations

import ctypes
import logging
from ctypes import byref
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Sequence, Set, Type, TypeVar

from . import _structs as s
from ._handle import Family, Handle, receive
from ._lib import lib
from .constants import GroupPolicy, ImportFlag, ImportKind
from .ctx import Context
from .fault import FaultQueue
from .hwpt import HWPT
from .ioas import IOAS
from .pasid import Pasid
from .viommu import HWQueue, VDevice, VEventQueue, VIOMMU, _OfGuest

if TYPE_CHECKING:
    from .emu import Machine

_H = TypeVar("_H", bound=Handle)
_G = TypeVar("_G", bound=_OfGuest)


class ImportItem(NamedTuple):
    """An object that came over."""

    kind: ImportKind
    id: int             # the kernel's number, as before; of a PASID its own
    device: int         # of a PASID the kernel's number of its device


class Import(Handle):
    """What another process had in a context, without anything being mapped or attached anew.

    `blob` and `fds` are as its `Context.export()` returned them; the descriptors are
    duplicates, which stay the caller's. Pinned memory is charged to this process from now
    on, which takes files, unless `keep_process` leaves it. Other options are as of `Context`.

        with Import(blob, fds) as came:
            ctx, ioas = came.ctx, came.find_ioas(7)
            dev = ctx.find_device(cookie)

    What nobody has taken from it is destroyed when it is closed.
    """

    _unref = "iommufd_import_unref"

    def __init__(self, blob: bytes, fds: Sequence[int], *, keep_process: bool = False,
                 backend: Optional[str] = None, log: Optional[logging.Logger] = None,
                 log_level: Optional[int] = None, group_policy: int = GroupPolicy.ANY,
                 machine: Optional[Machine] = None) -> None:
        family = Family()
        context = Context._options(family, backend, False, log, log_level, group_policy, machine)
        options = s.ImportOptions.make(flags=ImportFlag.KEEP_PROCESS if keep_process else 0)
        options.ctx = ctypes.addressof(context)
        self._bind(receive("iommufd_import_new", bytes(blob), len(blob),
                           (ctypes.c_int * len(fds))(*fds), len(fds), byref(options)), family)

    def _attached(self) -> Set[int]:
        """It holds every IOAS."""
        found: Set[int] = set()
        if self._address is None:
            return found
        for item in self.items:
            out = ctypes.c_void_p()
            if (item.kind == ImportKind.IOAS
                    and lib("iommufd_import_find_ioas", self._address, item.id, byref(out)) == 0):
                assert out.value is not None
                found.add(out.value)
                lib("iommufd_ioas_unref", out.value)
        return found

    def _take(self, kind: Type[_H], function: str, *args: int) -> _H:
        with self._family.lock:
            return kind._adopt(receive(function, self._ptr, *args), self._family)

    @property
    def ctx(self) -> Context:
        """The context; close it as if it had been opened here."""
        return self._take(Context, "iommufd_import_get_ctx")

    @property
    def items(self) -> List[ImportItem]:
        """All that came over, in the order in which it was made."""
        found: List[ImportItem] = []
        item = s.ImportItem.make()
        while lib("iommufd_import_get_item", self._ptr, len(found), byref(item)) == 0:
            found.append(ImportItem(ImportKind(item.kind), item.id, item.device))
        return found

    def find_ioas(self, id: int) -> IOAS:
        """An IOAS, by the number that `IOAS.id` told the exporter."""
        return self._take(IOAS, "iommufd_import_find_ioas", id)

    def find_hwpt(self, id: int) -> HWPT:
        """A page table, by the number that `HWPT.info` told the exporter."""
        return self._take(HWPT, "iommufd_import_find_hwpt", id)

    def find_fault_queue(self, id: int) -> FaultQueue:
        """A fault queue, by the number that its item has."""
        return self._take(FaultQueue, "iommufd_import_find_fault_queue", id)

    def find_pasid(self, device: int, number: int) -> Pasid:
        """A PASID, by the number of its device and its own, as `Pasid.info` told them."""
        with self._family.lock:
            found = self._take(Pasid, "iommufd_import_find_pasid", device, number)
            ctx, dev = receive("iommufd_import_get_ctx", self._ptr), ctypes.c_void_p()
            if lib("iommufd_device_find_id", ctx, device, byref(dev)) == 0 and dev.value:
                found._device = dev.value   # the PASID holds it
                lib("iommufd_device_unref", dev.value)
            lib("iommufd_ctx_unref", ctx)
            return found

    def _take_of_guest(self, kind: Type[_G], function: str, id: int) -> _G:
        """It keeps a guest's memory in use; whose that is it does not tell."""
        found = self._take(kind, function, id)
        found._space |= self._attached()
        return found

    def find_viommu(self, id: int) -> VIOMMU:
        """A vIOMMU, by the number that its item has; `VIOMMU.data` did not come over."""
        return self._take_of_guest(VIOMMU, "iommufd_import_find_viommu", id)

    def find_vdevice(self, id: int) -> VDevice:
        """A vDEVICE, by the number that its item has."""
        return self._take_of_guest(VDevice, "iommufd_import_find_vdevice", id)

    def find_veventq(self, id: int) -> VEventQueue:
        """A queue of events, by the number that its item has."""
        return self._take_of_guest(VEventQueue, "iommufd_import_find_veventq", id)

    def find_hw_queue(self, id: int) -> HWQueue:
        """A hardware queue, by the number that its item has."""
        return self._take_of_guest(HWQueue, "iommufd_import_find_hw_queue", id)
