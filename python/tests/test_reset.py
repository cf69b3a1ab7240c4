# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Resets: of a function, and of a bus with all that is on it."""

from __future__ import annotations

import errno
import unittest

from base import EDU, EDU_GROUPED, EDU_MSIX, ID, MachineTest, ready
from iommufd import DeviceFlag, RegionIndex, ResetFlag


class ResetTest(MachineTest):
    def test_function(self) -> None:
        dev = self.device(EDU_MSIX)
        self.assertIn(DeviceFlag.RESET, dev.info.flags)
        dev.reset()
        self.assertFails(errno.EOPNOTSUPP, self.device(EDU).reset)

    def test_whole_bus(self) -> None:
        dev = ready(self.device(EDU_GROUPED[0], cookie=5))
        found = dev.reset_info
        self.assertEqual([info.name for info in found], list(EDU_GROUPED))
        self.assertEqual(found[0][1:], (ResetFlag.OWNED | ResetFlag.OPEN, dev.info.group,
                                        dev.info.id, 5))
        self.assertEqual(found[1][1:], (ResetFlag.OWNED, dev.info.group, 0, 0))
        dev.hot_reset()
        self.assertEqual(dev.region(RegionIndex.BAR0).read32(ID), 0x010000ed)

    def test_root_bus(self) -> None:
        dev = self.device(EDU)
        self.assertFails(errno.EOPNOTSUPP, lambda: dev.reset_info)
        self.assertFails(errno.EOPNOTSUPP, dev.hot_reset)

    def test_not_owned(self) -> None:
        dev = self.device(EDU_GROUPED[0])
        self.machine.add_device("0000:01:07.0", group=8, driver="")
        failure = self.assertFails(errno.EPERM, dev.hot_reset)
        self.assertIn("0000:01:07.0", failure.message)
        self.assertEqual(dev.reset_info[2].flags, ResetFlag(0))


if __name__ == "__main__":
    unittest.main()
