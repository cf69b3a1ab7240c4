#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""A virtual machine's device in Python, on the emulated kernel.

A guest's page table is nested in front of one that leads to its memory, a process of the
guest has a PASID, page faults are answered, and memory is copied to another host while the
device writes. doc/examples/vmm.c has all of it, and runs on real kernels too.

The device is a mock device: a kernel that is built to test iommufd makes it, and the
emulated one does. It can all that iommufd knows, and does DMA when told so by a command.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import struct
import sys
from typing import Tuple

from iommufd import (Context, Device, FaultAnswer, FaultQueue, HWPT, HWPTFlag, IOAS,
                     IommufdError, Pasid, PasidTable)
from iommufd.emu import Machine

PAGE = mmap.PAGESIZE
START = 0x1000000           # where guest memory is, and where mock devices begin to reach
LENGTH = 256 * PAGE
GUEST_PASID, HOST_PASID = 0x40, 0x100
COOKIE = 0xd0
LITTLE = 8                  # pages for which the guest may be stopped

# The commands of mock devices, which have no public header.
IOAS_ALLOC, TEST_CMD = 0x3b81, 0x3ba0
MAKE_MOCK, MARK_DIRTY, REQUEST_PAGE = 12, 13, 15
MOCK_PASIDS, MOCK_TABLE = 4, 0xdead


def tell(step: str, text: str) -> None:
    print(f"{step:<10}{text}", flush=True)


class Hardware:
    """A mock device, and what it does to the memory that `ram` is of."""

    def __init__(self, machine: Machine, ctx: Context, ram: mmap.mmap) -> None:
        self.machine, self.ctx, self.ram = machine, ctx, ram
        arg = bytearray(struct.pack("=3I", 12, 0, 0))
        machine.ioctl(ctx.fileno(), IOAS_ALLOC, arg)
        home = struct.unpack("=3I", arg)[2]
        mock, _, number, _ = self.command(MAKE_MOCK, home, "4I", 0, 0, 0, MOCK_PASIDS)
        self.dev = Device.adopt(ctx, number, mock_id=mock, mock_pt=home, cookie=COOKIE)
        self.requests = 0

    def command(self, op: int, number: int, layout: str, *values: int) -> Tuple[int, ...]:
        size = struct.calcsize("=" + layout)
        arg = bytearray(struct.pack(f"=4I{layout}{56 - size}x", 16 + 56, op, number, 0, *values))
        self.machine.ioctl(self.ctx.fileno(), TEST_CMD, arg)
        return struct.unpack_from("=" + layout, arg, 16)

    def write(self, table: HWPT, iova: int, data: bytes) -> None:
        """By DMA; the IOMMU marks the page in the table that leads to memory."""
        self.ram[iova - START:iova - START + len(data)] = data
        mark = ctypes.c_uint64(1)
        self.command(MARK_DIRTY, table.info.id, "I4x5Q", 0, iova & -PAGE, PAGE, PAGE,
                     ctypes.addressof(mark), 0)

    def request_page(self, pasid: int, address: int) -> None:
        self.requests += 1
        self.command(REQUEST_PAGE, 0, "4IQ", self.dev.info.id, pasid, self.requests, 3, address)


def guest_table(dev: Device, parent: HWPT, faults: FaultQueue) -> HWPT:
    """What the guest says of its table is for the driver of its IOMMU, here the mock one."""
    return HWPT.nested(dev, parent, MOCK_TABLE, struct.pack("=2I", 0, 0), HWPTFlag.PASID,
                       faults=faults)


def answer(faults: FaultQueue, pasids: PasidTable) -> Tuple[int, int]:
    """Answer what waits; the guest has every page of its memory, and none beyond."""
    good = bad = 0
    while group := faults.read():
        guest = 0 if group.pasid is None else pasids.to_virtual(group.pasid)
        known = group.cookie == COOKIE and guest is not None and all(
            START <= fault.address < START + LENGTH for fault in group.faults)
        faults.respond(group, FaultAnswer.SUCCESS if known else FaultAnswer.INVALID)
        good, bad = good + known, bad + (not known)
    return good, bad


def live(hardware: Hardware, dev: Device, ioas: IOAS, faults: FaultQueue) -> None:
    """The guest has page tables of its own, for the device and for a process, and uses them."""
    parent = HWPT(dev, ioas, HWPTFlag.NEST_PARENT | HWPTFlag.DIRTY_TRACKING)
    pasids = PasidTable(16, dev.hw_info.pasid_width)
    with parent, pasids, guest_table(dev, parent, faults) as table:
        dev.attach(table)
        tell("attach", f"{dev.name} to a page table of the guest's, nested")
        with Pasid(dev, min=HOST_PASID) as process, guest_table(dev, parent, faults) as own:
            process.attach(own)
            pasids.set(GUEST_PASID, process.number)
            tell("pasid", f"the guest's {GUEST_PASID} is the host's {process.number}")
            for number in 0, pasids.to_physical(GUEST_PASID):
                for page in range(8):
                    hardware.request_page(number, START + page * PAGE)
                hardware.request_page(number, START + LENGTH)
            good, bad = answer(faults, pasids)
            tell("faults", f"{good} answered with success, {bad} as invalid")
            if (good, bad) != (16, 2):
                raise SystemExit("vmm: these are not the faults of the guest's processes")


def migrate(hardware: Hardware, ioas: IOAS, table: HWPT, ram: mmap.mmap, copy: mmap.mmap) -> None:
    """Copy memory, then what was written meanwhile, until little is left."""
    guest = random.Random(1)
    ioas.track_dirty()
    dirty, rounds = [(START, LENGTH)], 0
    while True:
        pages = sum(length for _, length in dirty) // PAGE
        for iova, length in dirty:
            copy[iova - START:iova - START + length] = ram[iova - START:iova - START + length]
        if pages <= LITTLE:
            break
        rounds += 1
        for _ in range(pages // 4):
            hardware.write(table, START + guest.randrange(LENGTH // PAGE) * PAGE,
                           guest.randbytes(64))
        dirty = ioas.read_dirty(START, LENGTH, PAGE)
        tell("round", f"{rounds}: copied {pages} pages, "
                      f"{sum(length for _, length in dirty) // PAGE} are dirty by now")
    ioas.track_dirty(False)
    tell("stop", f"guest stopped for the last {pages} pages, after {rounds} rounds")


def main() -> int:
    fd = os.memfd_create("guest")
    os.ftruncate(fd, LENGTH)
    ram, copy = mmap.mmap(fd, LENGTH), mmap.mmap(-1, LENGTH)
    ram[:] = random.Random(0).randbytes(LENGTH)
    with Machine() as machine, Context(machine=machine) as ctx, IOAS(ctx) as ioas:
        ioas.map_file(fd, LENGTH, iova=START)
        os.close(fd)
        tell("map", f"{LENGTH // PAGE} pages of a memfd at {START:#x}")
        hardware = Hardware(machine, ctx, ram)
        with hardware.dev as dev, FaultQueue(ctx) as faults:
            live(hardware, dev, ioas, faults)
            with dev.hwpt as nested, nested.parent as table:
                migrate(hardware, ioas, table, ram, copy)
    if ram[:] != copy[:]:
        raise SystemExit("vmm: the other host has not what the guest has")
    tell("compare", f"all {LENGTH // PAGE} pages are equal")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except IommufdError as error:
        sys.exit(f"vmm: {error}")
