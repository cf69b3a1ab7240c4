# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Device features: asked for, used raw and by name."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_uint64
from typing import TYPE_CHECKING, Any, Iterable, List, Optional, Tuple

from . import _structs as s
from .constants import FeatureAccess
from .errors import call
from .ioas import Bitmap

if TYPE_CHECKING:
    from .device import Device


class Features:
    """What a device offers beside registers and interrupts, if its driver in the kernel does."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def __repr__(self) -> str:
        return f"<Features of {self.device!r}>"

    def has(self, feature: int, access: int = FeatureAccess(0)) -> bool:
        """Whether the device has a feature (`Feature`), and allows these ways to use it."""
        return bool(call("iommufd_device_has_feature", self.device._ptr, feature, access))

    def _raw(self, function: str, feature: int, data: bytes) -> Tuple[int, bytes]:
        buffer: Any = ctypes.create_string_buffer(bytes(data), len(data)) if data else None
        answer = call(function, self.device._ptr, feature, buffer, len(data))
        return answer, buffer.raw if buffer else b""

    def get(self, feature: int, data: bytes = b"") -> Tuple[int, bytes]:
        """Read a feature; `data` is the kernel's structure, with what it wants to be told.

        Returns what the kernel answered, as a descriptor of the caller's, and the structure.
        """
        return self._raw("iommufd_device_get_feature", feature, data)

    def set(self, feature: int, data: bytes = b"") -> bytes:
        """Write a feature, or do what it stands for; returns the structure."""
        return self._raw("iommufd_device_set_feature", feature, data)[1]

    def enter_low_power(self, wakeup_fd: int = -1) -> None:
        """Let the device sleep; an eventfd, if given, tells when it woke."""
        call("iommufd_device_enter_low_power", self.device._ptr, wakeup_fd)

    def leave_low_power(self) -> None:
        """Keep the device awake."""
        call("iommufd_device_leave_low_power", self.device._ptr)

    def set_bus_master(self, enable: bool) -> None:
        """Let a device without configuration registers do DMA, or forbid it."""
        call("iommufd_device_set_bus_master", self.device._ptr, int(enable))

    def set_vf_token(self, token: bytes) -> None:
        """Choose the 16 bytes that open the virtual functions of the device."""
        call("iommufd_device_set_vf_token", self.device._ptr, s.token(token))

    def start_dma_log(self, ranges: Iterable[Tuple[int, int]], page_size: int = 4096) -> int:
        """Begin to log which pages of the ranges, first and last IOVA, the device writes.

        Returns what the device made of the page size.
        """
        items = [s.Range(start, last) for start, last in ranges]
        page = c_uint64(page_size)
        call("iommufd_device_start_dma_log", self.device._ptr,
             (s.Range * max(len(items), 1))(*items), len(items), byref(page))
        return page.value

    def stop_dma_log(self) -> None:
        """End the log."""
        call("iommufd_device_stop_dma_log", self.device._ptr)

    def read_dma_log(self, iova: int, length: int,
                     page_size: int = 4096) -> List[Tuple[int, int]]:
        """What the device wrote in a range since the last time: pairs of IOVA and bytes."""
        bits = Bitmap(length, page_size)
        call("iommufd_device_read_dma_log", self.device._ptr, iova, length, page_size,
             bits.words)
        return bits.runs(iova)
