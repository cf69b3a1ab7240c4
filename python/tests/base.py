# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What the tests share: an emulated machine each, and proof that nothing is left open."""

from __future__ import annotations

import errno
import gc
import mmap
import os
import time
import unittest
from typing import Any, List

from iommufd import Context, Device, IOAS, IommufdError, Region, RegionIndex
from iommufd.emu import Machine

PAGE = mmap.PAGESIZE
EDU = "0000:00:03.0"
EDU_2 = "0000:00:04.0"
EDU_GROUPED = ("0000:01:01.0", "0000:01:02.0")
EDU_MSIX = "0000:00:06.0"

# The registers of edu's BAR 0.
ID, LIVENESS, FACTORIAL, IRQ_STATUS, IRQ_RAISE, IRQ_ACK = 0x00, 0x04, 0x08, 0x24, 0x60, 0x64
DMA_SOURCE, DMA_TARGET, DMA_COUNT, DMA_COMMAND = 0x80, 0x88, 0x90, 0x98
RUN, FROM_DEVICE, WITH_IRQ = 1, 2, 4
DEVICE_BUFFER = 0x40000
REACH = (1 << 28) - 1


def open_fds() -> List[str]:
    """What descriptors this process has, and on what."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.append(f"{fd}: {os.readlink('/proc/self/fd/' + fd)}")
        except FileNotFoundError:
            pass    # the descriptor of the listing itself
    return sorted(found)


class LeakTest(unittest.TestCase):
    """A test after which as many descriptors are open as before."""

    def setUp(self) -> None:
        before = open_fds()
        self.addCleanup(lambda: self.assertEqual(open_fds(), before, "descriptors were left"))

    def assertFails(self, error: int, action: Any, *args: Any, **kwargs: Any) -> IommufdError:
        """Do something that must fail with an errno and say why; return the exception."""
        with self.assertRaises(IommufdError) as caught:
            action(*args, **kwargs)
        found = caught.exception
        self.assertEqual(errno.errorcode.get(found.errno or 0), errno.errorcode[error], str(found))
        self.assertTrue(found.message)
        return found


class MachineTest(LeakTest):
    """A test with a machine and a context of its own; the machine counts what is left."""

    machine_options: dict = {}

    def setUp(self) -> None:
        super().setUp()
        self.machine = Machine(**self.machine_options)
        self.addCleanup(self._check_machine)
        self.ctx = self.keep(Context(machine=self.machine))

    def _check_machine(self) -> None:
        gc.collect()
        counts = self.machine.counts
        self.machine.close()
        for what in ("fds", "ioas", "bound", "attached", "mappings", "pinned_pages", "bar_maps",
                     "eventfds", "groups", "containers"):
            self.assertEqual(getattr(counts, what), 0, f"{what} were left: {counts}")

    def keep(self, thing: Any) -> Any:
        """Close something at the end of the test, unless the test does so."""
        self.addCleanup(thing.close)
        return thing

    def ioas(self, **options: Any) -> IOAS:
        return self.keep(IOAS(self.ctx, **options))

    def device(self, name: str = EDU, **options: Any) -> Device:
        return self.keep(Device(self.ctx, name, **options))


def memory(pages: int = 1, fill: int = 0) -> mmap.mmap:
    """Page-aligned memory."""
    found = mmap.mmap(-1, pages * PAGE)
    if fill:
        found[:] = bytes([fill]) * (pages * PAGE)
    return found


def start_dma(bar: Region, source: int, target: int, count: int, command: int) -> None:
    bar.write64(DMA_SOURCE, source)
    bar.write64(DMA_TARGET, target)
    bar.write64(DMA_COUNT, count)
    bar.write64(DMA_COMMAND, command | RUN)


def dma(dev: Device, source: int, target: int, count: int, command: int) -> None:
    """Let an edu device copy, and wait for the end."""
    bar = dev.region(RegionIndex.BAR0)
    start_dma(bar, source, target, count, command)
    deadline = time.monotonic() + 5
    while bar.read64(DMA_COMMAND) & RUN:
        if time.monotonic() > deadline:
            raise AssertionError("the DMA did not end")
        time.sleep(0.001)


def fetch(dev: Device, iova: int, count: int) -> None:
    """Memory to the buffer of an edu device."""
    dma(dev, iova, DEVICE_BUFFER, count, 0)


def store(dev: Device, iova: int, count: int) -> None:
    """The buffer of an edu device to memory."""
    dma(dev, DEVICE_BUFFER, iova, count, FROM_DEVICE)


def ready(dev: Device) -> Device:
    """Let a device master the bus."""
    dev.config.set_memory(True)
    dev.config.set_bus_master(True)
    return dev
