# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Migration of devices: their states, and the bytes that these are made of."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_int, c_size_t, c_uint32, c_uint64
from typing import TYPE_CHECKING, NamedTuple, Optional

from . import _structs as s
from .constants import MigrationFlag, MigrationState, PrecopyFlag
from .errors import call

if TYPE_CHECKING:
    from .device import Device


class PrecopyInfo(NamedTuple):
    """How much there is to read from a device that still runs."""

    flags: PrecopyFlag
    initial_bytes: int  # that should be moved before it stops
    dirty_bytes: int    # that changed since they were read


class Migration:
    """The way of a device to another host. Descriptors are the caller's to close."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def __repr__(self) -> str:
        return f"<Migration of {self.device!r}>"

    @property
    def flags(self) -> MigrationFlag:
        """What the device can do to be migrated."""
        value = c_uint64()
        call("iommufd_migration_get_flags", self.device._ptr, byref(value))
        return MigrationFlag(value.value)

    @property
    def state(self) -> MigrationState:
        """The state that the device is in."""
        value = c_uint32()
        call("iommufd_migration_get_state", self.device._ptr, byref(value))
        return MigrationState(value.value)

    def set_state(self, state: int) -> Optional[int]:
        """Bring the device into a state; returns a descriptor where that begins to move data."""
        fd = c_int(-1)
        call("iommufd_migration_set_state", self.device._ptr, state, byref(fd))
        return fd.value if fd.value >= 0 else None

    @property
    def data_size(self) -> int:
        """An estimate of how much would be read if the device were stopped now."""
        value = c_uint64()
        call("iommufd_migration_get_data_size", self.device._ptr, byref(value))
        return value.value

    def precopy_info(self, fd: int) -> PrecopyInfo:
        """How much there is to read while the device runs."""
        info = s.PrecopyInfo.make()
        call("iommufd_migration_get_precopy_info", self.device._ptr, fd, byref(info))
        return PrecopyInfo(PrecopyFlag(info.flags), info.initial_bytes, info.dirty_bytes)

    def read(self, fd: int, length: int = 1 << 20) -> bytes:
        """Read what there is, up to a length; less is the end, for now or for good."""
        buffer = ctypes.create_string_buffer(max(length, 1))
        got = c_size_t()
        call("iommufd_migration_read", self.device._ptr, fd, buffer, length, byref(got))
        return buffer.raw[:got.value]

    def write(self, fd: int, data: bytes) -> None:
        """Write what was read of another device."""
        raw = bytes(data)
        call("iommufd_migration_write", self.device._ptr, fd, raw, len(raw))
