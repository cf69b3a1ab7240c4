#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""A small user-space driver in Python.

Lets a PCI device copy a pattern by DMA, takes its interrupt, and sees that it reaches no
memory that was not mapped for it.

usage: edu-dma.py [BDF]

The device is QEMU's "edu" (PCI 1234:11e8), bound to vfio-pci. Without an argument it is the
first of $LIBIOMMUFD_TEST_DEVICES, or 0000:00:03.0. With LIBIOMMUFD_EMU=1 in the environment
the same program runs without hardware and without root on the emulated kernel, with
LIBIOMMUFD_EMU=6.1 on one that has no /dev/iommu. LIBIOMMUFD_BACKEND chooses another backend
than the best there is. On backend noiommu edu must have been started with a dma_mask that
covers all memory: it writes elsewhere if an address has more bits.
"""

from __future__ import annotations

import mmap
import os
import sys
import time
from typing import Callable

from iommufd import (IOAS, Cap, Context, Device, EventFd, IommufdError, IrqIndex, Region,
                     RegionIndex)

# The registers of edu's BAR 0; those below 0x80 take 32-bit accesses only.
ID, LIVENESS, IRQ_STATUS, IRQ_ACK = 0x00, 0x04, 0x24, 0x64
DMA_SOURCE, DMA_TARGET, DMA_COUNT, DMA_COMMAND = 0x80, 0x88, 0x90, 0x98
RUN, FROM_DEVICE, WITH_IRQ, DMA_DONE = 1, 2, 4, 0x100

BUFFER = 0x40000            # its memory, as its DMA engine names it
LENGTH = 4088               # the device model objects to the last bytes of its 4 KiB
REACH = (1 << 28) - 1       # the highest address its DMA engine can name
PAGES = 1 << 16             # how much is mapped of each buffer
SOURCE_IOVA = 0x1000000
COOKIE = 0xed0


def tell(step: str, text: str) -> None:
    print(f"{step:<10}{text}", flush=True)


def timed(action: Callable[[], object]) -> float:
    """How many milliseconds something takes."""
    start = time.monotonic()
    action()
    return (time.monotonic() - start) * 1e3


class Edu:
    """The DMA engine and the interrupt of an edu device."""

    def __init__(self, bar: Region, event: EventFd) -> None:
        self.bar = bar
        self.event = event

    def identify(self) -> int:
        self.bar.write32(LIVENESS, 0x12345678)
        if self.bar.read32(LIVENESS) != 0xffffffff ^ 0x12345678:
            raise SystemExit("edu-dma: the device does not answer as an edu does")
        return self.bar.read32(ID)

    def transfer(self, source: int, target: int, command: int) -> None:
        """Program one transfer and sleep until the device says that it is done."""
        self.bar.write64(DMA_SOURCE, source)
        self.bar.write64(DMA_TARGET, target)
        self.bar.write64(DMA_COUNT, LENGTH)
        self.bar.write64(DMA_COMMAND, command | RUN | WITH_IRQ)
        if not self.event.wait(timeout=5):
            raise SystemExit("edu-dma: no interrupt within 5 s")
        status = self.bar.read32(IRQ_STATUS)
        self.bar.write32(IRQ_ACK, status)
        if not status & DMA_DONE:
            raise SystemExit("edu-dma: an interrupt, but not for the end of the DMA")

    def fetch(self, address: int) -> float:
        """Memory to device."""
        return timed(lambda: self.transfer(address, BUFFER, 0))

    def store(self, address: int) -> float:
        """Device to memory."""
        return timed(lambda: self.transfer(BUFFER, address, FROM_DEVICE))


def tell_report(report: str) -> None:
    """What was tried, and why the last of it was taken."""
    for line in report.splitlines():
        tell("", line)


def describe(ctx: Context, dev: Device) -> None:
    tell("context", f"backend {ctx.backend}")
    tell_report(ctx.report)
    info = dev.info
    vendor, device = dev.config.vendor, dev.config.device_id
    tell("device", f"{info.name}, PCI {vendor:04x}:{device:04x}: IOMMU group {info.group}, "
                   f"cookie {info.cookie:#x}, {info.num_regions} regions, "
                   f"{info.num_irqs} kinds of interrupts")
    tell_report(dev.report)
    if (vendor, device) != (0x1234, 0x11e8):
        raise SystemExit("edu-dma: the device is not an edu")
    if ctx.find_device(COOKIE) is not dev:
        raise SystemExit("edu-dma: the cookie finds another device")


def address_of(ioas: IOAS, iova: int) -> int:
    """What the device is to be given for an IOVA: that itself, unless there is no IOMMU."""
    address, length = ioas.dma_address(iova, LENGTH)
    if length < LENGTH:  # never within a page
        raise SystemExit("edu-dma: for the device the memory is in pieces")
    if address != iova:
        tell("address", f"IOVA {iova:#x} is at physical address {address:#x}")
    return address


def copy(edu: Edu, ioas: IOAS, source: mmap.mmap, target: mmap.mmap) -> int:
    """Send a pattern to the device and back; return the IOVA that it came back through."""
    target_iova = ioas.map(target, read=False, last=REACH)
    tell("map", f"target {PAGES} bytes, device may write, IOVA {target_iova:#x} "
                "(chosen by the library)")
    taken = edu.fetch(address_of(ioas, SOURCE_IOVA))
    tell("DMA", f"device read {LENGTH} bytes from IOVA {SOURCE_IOVA:#x}, MSI after {taken:.1f} ms")
    taken = edu.store(address_of(ioas, target_iova))
    tell("DMA", f"device wrote them to IOVA {target_iova:#x}, MSI after {taken:.1f} ms")
    if target[:LENGTH] != source[:LENGTH]:
        raise SystemExit("edu-dma: what came back is not what was sent")
    tell("compare", f"all {LENGTH} bytes are equal")
    return target_iova


def show_isolation(edu: Edu, ioas: IOAS, target: mmap.mmap, iova: int) -> None:
    tell("unmap", f"{ioas.unmap(iova, PAGES)} bytes at IOVA {iova:#x}")
    target[:] = b"\x5a" * PAGES
    taken = edu.store(iova)
    if target[:] != b"\x5a" * PAGES:
        raise SystemExit("edu-dma: the device reached memory that is not mapped")
    tell("DMA", f"device wrote to that IOVA again ({taken:.1f} ms): memory is unchanged")


def run(name: str) -> None:
    # Any order of closing will do; the library takes things down in the one that is right.
    with Context() as ctx, Device(ctx, name, cookie=COOKIE) as dev, IOAS(ctx) as ioas, \
            EventFd() as event:
        describe(ctx, dev)
        dev.config.set_memory(True)
        dev.config.set_bus_master(True)
        edu = Edu(dev.region(RegionIndex.BAR0), event)
        tell("BAR 0", f"{edu.bar.info.length} bytes, identification {edu.identify():#x}")

        source, target = mmap.mmap(-1, PAGES), mmap.mmap(-1, PAGES)
        source[:] = bytes((i * 7 + i // 256) & 0xff for i in range(PAGES))
        ioas.map(source, iova=SOURCE_IOVA, write=False)
        tell("map", f"source {PAGES} bytes, device may read, IOVA {SOURCE_IOVA:#x} (chosen here)")
        taken = timed(lambda: dev.attach(ioas))
        tell("attach", f"in {taken:.1f} ms; IOVAs may lie in "
             + ", ".join(f"{start:#x}-{last:#x}" for start, last in ioas.ranges))
        dev.irq(IrqIndex.MSI).enable([event])

        target_iova = copy(edu, ioas, source, target)
        if ctx.has(Cap.ISOLATION):
            show_isolation(edu, ioas, target, target_iova)
        else:
            tell("unmap", "not shown: no IOMMU would keep the device from what is not mapped")

        dev.irq(IrqIndex.MSI).disable()
        dev.detach()
        tell("detach", f"and unmapped the remaining {ioas.unmap_all()} bytes")


def main() -> None:
    listed = os.environ.get("LIBIOMMUFD_TEST_DEVICES", "").split()
    name = sys.argv[1] if len(sys.argv) > 1 else (listed + ["0000:00:03.0"])[0]
    start = time.monotonic()
    try:
        run(name)
    except IommufdError as error:
        raise SystemExit(f"edu-dma: {error}") from None
    tell("done", f"in {(time.monotonic() - start) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
