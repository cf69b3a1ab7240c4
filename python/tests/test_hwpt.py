# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Page tables of the program's own."""

from __future__ import annotations

import ctypes
import errno
import struct
import unittest

from base import EDU, PAGE, MachineTest, memory
from iommufd import (HWPT, IOAS, Cap, Context, Device, FaultQueue, HWPTData, HWPTFlag, HWPTKind,
                     Invalidate, InvalidateVtdS1, VtdS1)

IOVA = 0x40000000
SELFTEST = 0xdead                   # what a mock device's nested table is made of
INVALIDATE_SELFTEST = 0xdeadbeef


class HWPTTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.ctx = self.keep(Context(machine=self.machine))
        self.space = self.keep(IOAS(self.ctx))
        self.device = self.keep(Device(self.ctx, EDU))

    def test_table(self) -> None:
        table = self.keep(HWPT(self.device, self.space))
        self.assertIs(table.info.kind, HWPTKind.PAGING)
        self.assertEqual(table.info.flags, 0)
        self.assertIs(table.ioas, self.space)
        self.assertIsNone(table.parent)
        self.assertFails(errno.EINVAL, table.invalidate, Invalidate.VTD_S1,
                         [InvalidateVtdS1(pages=1)])
        with self.assertRaises(ValueError):
            table.invalidate(0, [b"1", b"22"])

    def test_attach(self) -> None:
        table = self.keep(HWPT(self.device, self.space))
        other = self.keep(IOAS(self.ctx))
        self.assertIsNone(self.device.hwpt)
        self.device.attach(table)
        self.assertIs(self.device.hwpt, table)
        self.assertIs(self.device.ioas, self.space)
        self.device.replace(other)
        self.assertIsNone(self.device.hwpt)
        self.device.replace(table)
        self.assertIs(self.device.hwpt, table)
        self.device.detach()

    def test_what_is_mapped_is_held_by_a_table(self) -> None:
        buffer = memory(1)
        self.space.map(buffer, iova=IOVA)
        table = HWPT(self.device, self.space)
        self.space.close()
        with self.assertRaises(BufferError):
            buffer.close()
        table.close()
        buffer.close()

    def test_what_the_device_cannot(self) -> None:
        self.assertFails(errno.EOPNOTSUPP, HWPT, self.device, self.space,
                         HWPTFlag.DIRTY_TRACKING)
        table = self.keep(HWPT(self.device, self.space))
        self.assertFails(errno.EINVAL, HWPT.nested, self.device, table, HWPTData.VTD_S1,
                         VtdS1(table=PAGE, width=48))

    def test_group(self) -> None:
        with Context(machine=self.machine, backend="group+type1") as ctx, \
             Device(ctx, "0000:00:04.0") as device, IOAS(ctx) as space:
            self.assertFalse(device.has(Cap.HWPT))
            self.assertFails(errno.EOPNOTSUPP, HWPT, device, space)


class MockTest(MachineTest):
    """On a mock device, which can nearly all."""

    def setUp(self) -> None:
        super().setUp()
        self.ctx = self.keep(Context(machine=self.machine))
        home = bytearray(struct.pack("<III", 12, 0, 0))
        self.machine.ioctl(self.ctx.fileno(), 0x3b81, home)     # IOMMU_IOAS_ALLOC
        home_id = struct.unpack("<III", home)[2]
        made = self.play(2, home_id)
        stdev, _, number = struct.unpack_from("<III", made, 16)
        self.device = self.keep(Device.adopt(self.ctx, number, mock_id=stdev, mock_pt=home_id))
        self.space = self.keep(IOAS(self.ctx, huge_pages=False, dirty_tracking=True))
        self.buffer = memory(8)
        self.space.map(self.buffer, iova=IOVA)

    def play(self, op: int, what: int, rest: bytes = b"") -> bytearray:
        arg = bytearray(struct.pack("<IIII", 72, op, what, 0) + rest.ljust(56, b"\0"))
        self.machine.ioctl(self.ctx.fileno(), 0x3ba0, arg)      # IOMMU_TEST_CMD
        return arg

    def write(self, table: HWPT, iova: int) -> None:
        bits = ctypes.c_uint64(1)
        self.play(13, table.info.id, struct.pack("<IIQQQQ", 0, 0, iova, 64 * PAGE, PAGE,
                                                 ctypes.addressof(bits)))

    def test_nested(self) -> None:
        parent = self.keep(HWPT(self.device, self.space, HWPTFlag.NEST_PARENT))
        nested = self.keep(HWPT.nested(self.device, parent, SELFTEST, struct.pack("<II", 7, 0)))
        self.assertIs(nested.info.kind, HWPTKind.NESTED)
        self.assertIs(nested.parent, parent)
        self.assertIs(nested.ioas, self.space)
        self.device.attach(nested)
        entries = [struct.pack("<II", 0, entry) for entry in (1, 2, 99)]
        nested.invalidate(INVALIDATE_SELFTEST, entries[:2])
        error = self.assertFails(errno.EINVAL, nested.invalidate, INVALIDATE_SELFTEST, entries)
        self.assertEqual(error.index, 2)
        nested.invalidate(INVALIDATE_SELFTEST, [])
        self.assertFails(errno.EOPNOTSUPP, nested.invalidate, Invalidate.VTD_S1, [])
        self.device.replace(self.space)
        self.assertIs(self.device.hwpt, parent)
        self.device.detach()

    def test_dirty(self) -> None:
        table = self.keep(HWPT(self.device, self.space, HWPTFlag.DIRTY_TRACKING))
        self.device.attach(table)
        table.track_dirty()
        self.write(table, IOVA + PAGE)
        self.assertEqual(table.read_dirty(IOVA, 8 * PAGE, keep=True), [(IOVA + PAGE, PAGE)])
        self.assertFails(errno.EINVAL, self.space.read_dirty, IOVA, 8 * PAGE)
        self.space.track_dirty()
        self.write(table, IOVA + 2 * PAGE)
        self.assertEqual(self.space.read_dirty(IOVA, 8 * PAGE), [(IOVA + 2 * PAGE, PAGE)])
        self.assertFails(errno.EBUSY, table.track_dirty, False)
        self.space.track_dirty(False)
        self.device.detach()

    def test_fault_queue(self) -> None:
        queue = self.keep(FaultQueue(self.ctx))
        table = self.keep(HWPT(self.device, self.space, faults=queue))
        self.device.attach(table)
        self.device.detach()


if __name__ == "__main__":
    unittest.main()
