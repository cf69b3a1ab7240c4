# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Page tables of the program's own."""

from __future__ import annotations

import errno
import unittest

from base import EDU, PAGE, MachineTest, memory
from iommufd import (HWPT, IOAS, Cap, Context, Device, HWPTData, HWPTFlag, HWPTKind, Invalidate,
                     InvalidateVtdS1, VtdS1)

IOVA = 0x40000000


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


if __name__ == "__main__":
    unittest.main()
