# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The emulated kernel, to test without root and without an IOMMU.

    with Machine() as machine, Context(machine=machine) as ctx:
        ...

It isolates nothing. A program under test needs no change: with `LIBIOMMUFD_EMU=1` in the
environment every context runs on one machine per process, `Machine.default()`.
"""

from __future__ import annotations

import enum
import os
from ctypes import (POINTER, byref, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_uint64,
                    c_void_p)
from typing import Any, Dict, NamedTuple, Optional, Tuple, Type

from ._handle import Family, Handle
from ._lib import Library, Prototypes
from ._structs import SizedStructure, token
from .errors import IommufdError

EMU_SONAME = "libiommufd-emu.so.0"


class MachineFlag(enum.IntFlag):
    """Shape of an emulated machine."""

    EMPTY = 1 << 0
    NO_IOMMU_NODE = 1 << 1
    NO_PERMISSION = 1 << 2
    NO_CDEV = 1 << 3
    UNPRIVILEGED = 1 << 4
    NO_MSI_ISOLATION = 1 << 5
    NOIOMMU = 1 << 6
    COMPAT_CONTAINER = 1 << 7


class MachineDeviceFlag(enum.IntFlag):
    """Shape of an emulated device."""

    MSIX = 1 << 0
    MEDIATED = 1 << 1


class Call(enum.IntFlag):
    """Kinds of system calls that can be made to fail."""

    OPEN = 1 << 0
    IOCTL = 1 << 1
    READ = 1 << 2
    WRITE = 1 << 3
    MMAP = 1 << 4
    DUP = 1 << 5
    SYSFS = 1 << 6
    POPULATE = 1 << 7


EMU_ENUMS: Tuple[Tuple[str, Type[enum.IntFlag]], ...] = (
    ("IOMMUFD_EMU_", MachineFlag),
    ("IOMMUFD_EMU_DEVICE_", MachineDeviceFlag),
    ("IOMMUFD_EMU_CALL_", Call),
)


class _Options(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint64),
        ("address_bits", c_uint32),
        ("memlock_pages", c_uint32),
        ("kernel", c_char_p),
        ("dma_entries", c_uint32),
        ("reserved", c_uint32),
    ]


class _DeviceOptions(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint64),
        ("bdf", c_char_p),
        ("driver", c_char_p),
        ("group", c_uint32),
        ("reserved", c_uint32),
        ("vf_token", POINTER(c_uint8)),
        ("reserved_start", c_uint64),
        ("reserved_last", c_uint64),
    ]


class _Fault(SizedStructure):
    _fields_ = [
        ("size", c_size_t),
        ("calls", c_uint32),
        ("error", c_int),
        ("request", c_uint64),
        ("nth", c_uint64),
        ("count", c_uint64),
    ]


class Counts(NamedTuple):
    """What exists in an emulated machine now, and what happened in it."""

    calls: int          # failable calls made so far
    injected: int       # calls made to fail
    fds: int            # open descriptors of the machine's files
    ioas: int           # I/O address spaces
    bound: int          # devices bound to an iommufd
    attached: int       # devices attached to an address space
    mappings: int       # areas in all address spaces and containers
    pinned_pages: int   # 4 KiB pages pinned for DMA or locked
    bar_maps: int       # live memory mappings of BARs and of vIOMMUs
    eventfds: int       # eventfds held as interrupt triggers
    dma_bytes: int      # bytes moved by devices
    dma_faults: int     # device accesses that the page table refused
    groups: int         # open group files
    containers: int     # type1 containers: open, or still held by a group
    objects: int        # objects of all kinds in all open /dev/iommu


class _Counts(SizedStructure):
    _fields_ = [("size", c_size_t)] + [(name, c_uint64) for name in Counts._fields]


EMU_STRUCTS: Dict[str, Type[SizedStructure]] = {
    "iommufd_emu_opts": _Options,
    "iommufd_emu_device_opts": _DeviceOptions,
    "iommufd_emu_fault": _Fault,
    "iommufd_emu_counts": _Counts,
}

EMU_PROTOTYPES: Prototypes = {
    "iommufd_emu_add_device": (c_int, [c_void_p, POINTER(_DeviceOptions)]),
    "iommufd_emu_close": (c_int, [c_void_p, c_int]),
    "iommufd_emu_get_counts": (c_int, [c_void_p, POINTER(_Counts)]),
    "iommufd_emu_get_default": (c_int, [POINTER(c_void_p)]),
    "iommufd_emu_get_sys": (c_void_p, [c_void_p]),
    "iommufd_emu_inject": (c_int, [c_void_p, POINTER(_Fault)]),
    "iommufd_emu_ioctl": (c_int, [c_void_p, c_int, c_uint64, c_void_p]),
    "iommufd_emu_new": (c_int, [POINTER(_Options), POINTER(c_void_p)]),
    "iommufd_emu_open": (c_int, [c_void_p, c_char_p]),
    "iommufd_emu_ref": (c_void_p, [c_void_p]),
    "iommufd_emu_set_driver": (c_int, [c_void_p, c_char_p, c_char_p]),
    "iommufd_emu_unref": (c_void_p, [c_void_p]),
}

emu_lib = Library(EMU_SONAME, "LIBIOMMUFD_EMU_LIBRARY", EMU_PROTOTYPES)


def _call(name: str, *args: Any) -> int:
    """Call the emulation library, which keeps no record of failures."""
    rc = emu_lib(name, *args)
    if rc < 0:
        raise IommufdError(-rc, os.strerror(-rc), name)
    return rc


class Machine(Handle):
    """An emulated machine with a kernel, an IOMMU and PCI test devices.

    It has edu devices 0000:00:03.0 and 0000:00:04.0 in groups of their own, 0000:01:01.0
    and 0000:01:02.0 in one group, and 0000:00:06.0 with MSI-X and FLR; none with
    MachineFlag.EMPTY. `address_bits` is the width of IOVAs (0 is 39), `memlock_pages` the
    pages that may be pinned (0 is no limit), `kernel` one of "newest" (as is None), "6.6",
    "6.1" and "5.10".
    """

    _unref = "iommufd_emu_unref"
    _library = emu_lib

    def __init__(self, flags: int = 0, *, address_bits: int = 0,
                 memlock_pages: int = 0, dma_entries: int = 0,
                 kernel: Optional[str] = None) -> None:
        options = _Options.make(flags=flags, address_bits=address_bits,
                                memlock_pages=memlock_pages, dma_entries=dma_entries,
                                kernel=None if kernel is None else kernel.encode())
        out = c_void_p()
        _call("iommufd_emu_new", byref(options), byref(out))
        self._bind(out.value, Family())

    @classmethod
    def default(cls) -> Machine:
        """The machine that `LIBIOMMUFD_EMU` stands for."""
        out = c_void_p()
        _call("iommufd_emu_get_default", byref(out))
        machine = cls.__new__(cls)
        machine._bind(out.value, Family())
        return machine

    def _sys(self) -> int:
        """What iommufd_ctx_opts.sys takes."""
        return emu_lib("iommufd_emu_get_sys", self._ptr)

    def add_device(self, bdf: str, *, group: int, driver: Optional[str] = None,
                   vf_token: Optional[bytes] = None, flags: int = 0,
                   reserved: Tuple[int, int] = (0, 0)) -> None:
        """Add an edu device. `driver` is "vfio-pci" where None, and no driver where "".

        Devices with the same `group` share an IOMMU group. `reserved` is the first and the
        last IOVA of a window in which no memory can be for it.
        """
        options = _DeviceOptions.make(
            flags=flags, bdf=bdf.encode(), driver=None if driver is None else driver.encode(),
            group=group, vf_token=token(vf_token), reserved_start=reserved[0],
            reserved_last=reserved[1])
        _call("iommufd_emu_add_device", self._ptr, byref(options))

    def set_driver(self, bdf: str, driver: Optional[str]) -> None:
        """Bind a driver to a device or bridge in place of the one it has; None is no driver."""
        _call("iommufd_emu_set_driver", self._ptr, bdf.encode(),
              None if driver is None else driver.encode())

    def inject(self, error: int, *, calls: int = 0, request: int = 0, nth: int = 1,
               count: int = 1) -> None:
        """Make system calls fail with an errno: the `nth` from now and `count` in all.

        `calls` (`Call`) and `request` (the number of an ioctl, as doc/ioctls.md has it) choose which calls count; 0 is any.
        Replaces what was arranged before.
        """
        fault = _Fault.make(calls=calls, error=error, request=request, nth=nth, count=count)
        _call("iommufd_emu_inject", self._ptr, byref(fault))

    def clear_fault(self) -> None:
        """Undo inject()."""
        _call("iommufd_emu_inject", self._ptr, None)

    @property
    def counts(self) -> Counts:
        """What exists in the machine now, and what happened in it."""
        counts = _Counts.make()
        _call("iommufd_emu_get_counts", self._ptr, byref(counts))
        return Counts(*(getattr(counts, name) for name in Counts._fields))

    def open(self, path: str) -> int:
        """Open one of the machine's files, as another process would, to hand it over."""
        return _call("iommufd_emu_open", self._ptr, path.encode())

    def close_fd(self, fd: int) -> None:
        """Close a descriptor from open()."""
        _call("iommufd_emu_close", self._ptr, fd)

    def ioctl(self, fd: int, request: int, arg: bytearray) -> int:
        """Make an ioctl on one of the machine's files, as another program would.

        The kernel reads `arg`, and writes to it, however it likes: give it room enough.
        """
        buffer = (c_uint8 * len(arg)).from_buffer(arg)
        return _call("iommufd_emu_ioctl", self._ptr, fd, request, byref(buffer))
