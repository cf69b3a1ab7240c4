# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""PCI configuration space."""

from __future__ import annotations

import errno
from ctypes import byref, c_uint32
from typing import TYPE_CHECKING, Iterator, Optional, Tuple

from .errors import IommufdError, call

if TYPE_CHECKING:
    from .device import Device


class ConfigSpace:
    """The configuration space of a PCI device, in host byte order."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def __repr__(self) -> str:
        return f"<ConfigSpace of {self.device!r}>"

    def read(self, offset: int, width: int) -> int:
        """Read 1, 2 or 4 bytes at a multiple of that."""
        value = c_uint32()
        call("iommufd_pci_config_read", self.device._ptr, offset, width, byref(value))
        return value.value

    def write(self, offset: int, width: int, value: int) -> None:
        """Write 1, 2 or 4 bytes at a multiple of that."""
        call("iommufd_pci_config_write", self.device._ptr, offset, width, value)

    @property
    def vendor(self) -> int:
        """Vendor number."""
        return self.read(0x00, 2)

    @property
    def device_id(self) -> int:
        """Device number of the vendor."""
        return self.read(0x02, 2)

    def find_capability(self, id: int, after: int = 0) -> Optional[int]:
        """Where a capability starts, or None; with `after`, the next one of the kind."""
        return self._find("iommufd_pci_find_capability", id, after)

    def find_extended_capability(self, id: int, after: int = 0) -> Optional[int]:
        """Where an extended capability starts, or None; with `after`, the next one."""
        return self._find("iommufd_pci_find_extended_capability", id, after)

    def _find(self, function: str, id: int, after: int) -> Optional[int]:
        if not 0 <= after < 1 << 32:
            raise OverflowError(f"{after} is not an offset")
        offset = c_uint32(after)
        try:
            call(function, self.device._ptr, id, byref(offset))
        except IommufdError as error:
            if error.errno == errno.ENOENT:
                return None
            raise
        return offset.value

    def capabilities(self) -> Iterator[Tuple[int, int]]:
        """The (number, offset) of every capability, by number."""
        for id in range(1, 256):
            offset = self.find_capability(id)
            while offset is not None:
                yield id, offset
                offset = self.find_capability(id, offset)

    def set_bus_master(self, enable: bool) -> None:
        """Let the device do DMA and send MSIs, or not."""
        call("iommufd_pci_set_bus_master", self.device._ptr, int(enable))

    def set_memory(self, enable: bool) -> None:
        """Let the device answer memory accesses, or not."""
        call("iommufd_pci_set_memory", self.device._ptr, int(enable))
