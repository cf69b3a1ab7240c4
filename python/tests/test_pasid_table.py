# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Virtual and physical PASIDs."""

from __future__ import annotations

import errno
import unittest

from base import LeakTest
from iommufd import PasidRange, PasidTable


class PasidTableTest(LeakTest):
    def setUp(self) -> None:
        super().setUp()
        self.table = PasidTable(16, 20)
        self.addCleanup(self.table.close)

    def test_pairs_are_found_from_both_sides(self) -> None:
        self.table.set(7, 1000)
        self.table.set(100, 5, count=3)
        self.assertEqual((self.table.to_physical(7), self.table.to_virtual(1000)), (1000, 7))
        self.assertEqual((self.table.to_physical(102), self.table.to_virtual(7)), (7, 102))
        self.assertIsNone(self.table.to_physical(103))
        self.assertIsNone(self.table.to_virtual(1))
        self.assertEqual(list(self.table), [PasidRange(7, 1000, 1), PasidRange(100, 5, 3)])
        self.assertEqual(len(self.table), 4)

    def test_clear(self) -> None:
        self.table.set(0, 1, count=100)
        self.assertEqual(self.table.clear(50), 1)
        self.assertFails(errno.ENOENT, self.table.clear, 50)
        self.assertEqual(self.table.clear(40, 20), 19)
        self.assertEqual(list(self.table), [PasidRange(0, 1, 40), PasidRange(60, 61, 40)])

    def test_refusals(self) -> None:
        self.table.set(7, 1000)
        error = self.assertFails(errno.EEXIST, self.table.set, 7, 8)
        self.assertIn("7 is physical PASID 1000", error.message)
        self.assertFails(errno.EEXIST, self.table.set, 8, 1000)
        self.assertFails(errno.ERANGE, self.table.set, 1 << 16, 1)
        self.assertFails(errno.ERANGE, self.table.set, 1, 0)
        self.assertFails(errno.ERANGE, self.table.to_physical, 1 << 16)
        self.assertFails(errno.ERANGE, self.table.to_virtual, 1 << 20)
        self.assertFails(errno.EINVAL, self.table.set, 1, 1, 0)
        self.assertFails(errno.EINVAL, self.table.clear, 1, 0)
        self.assertFails(errno.EINVAL, PasidTable, 21, 20)
        self.assertFails(errno.EINVAL, PasidTable, 20, 0)
        with self.assertRaises(OverflowError):
            self.table.set(-1, 1)

    def test_info(self) -> None:
        info = self.table.info
        self.assertEqual((info.virtual_width, info.physical_width, info.pairs), (16, 20, 0))
        self.table.set(1, 1)
        self.assertGreater(self.table.info.bytes, info.bytes)

    def test_closed(self) -> None:
        with PasidTable() as table:
            table.set(1, 2)
        with self.assertRaisesRegex(ValueError, "PasidTable is closed"):
            table.to_physical(1)


if __name__ == "__main__":
    unittest.main()
