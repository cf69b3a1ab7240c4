# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Features of devices, raw and by name."""

from __future__ import annotations

import errno
import os
import struct
import unittest

from base import EDU, ID, PAGE, MachineTest, ready
from iommufd import Area, EventFd, Feature, FeatureAccess, RegionIndex


class FeatureTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.dev = ready(self.device(EDU))
        self.features = self.dev.features

    def test_asked_for(self) -> None:
        self.assertTrue(self.features.has(Feature.LOW_POWER_ENTRY))
        self.assertTrue(self.features.has(Feature.LOW_POWER_ENTRY, FeatureAccess.SET))
        self.assertFalse(self.features.has(Feature.LOW_POWER_ENTRY, FeatureAccess.GET))
        self.assertFalse(self.features.has(Feature.MIGRATION))
        self.assertFails(errno.EINVAL, self.features.has, 1 << 16)

    def test_low_power(self) -> None:
        with EventFd() as event:
            self.features.enter_low_power(event.fileno())
            self.assertEqual(self.dev.region(RegionIndex.BAR0).read32(ID), 0x010000ed)
            self.assertEqual(event.wait(1), 1)
            self.features.enter_low_power()
            self.assertFails(errno.EINVAL, self.features.enter_low_power)
            self.features.leave_low_power()

    def test_raw(self) -> None:
        self.features.set(Feature.LOW_POWER_ENTRY)
        self.assertEqual(self.features.set(Feature.LOW_POWER_EXIT), b"")
        ask = struct.pack("=IIIIQQ", 0, os.O_CLOEXEC | os.O_RDWR, 0, 1, 0, PAGE)
        fd, answer = self.features.get(Feature.DMA_BUF, ask)
        self.assertEqual(answer, ask)
        self.machine.close_fd(fd)
        self.assertFails(errno.EOPNOTSUPP, self.features.get, Feature.MIGRATION, bytes(8))

    def test_dma_buf(self) -> None:
        bar = self.dev.region(RegionIndex.BAR0)
        for areas in ([], [Area(0, PAGE)], [Area(0, PAGE), Area(4 * PAGE, PAGE)]):
            self.machine.close_fd(bar.get_dma_buf(areas))
        self.assertFails(errno.EINVAL, bar.get_dma_buf, [Area(0, 1)])

    def test_what_it_lacks(self) -> None:
        self.assertFails(errno.EOPNOTSUPP, self.features.set_bus_master, True)
        self.assertFails(errno.EOPNOTSUPP, self.features.set_vf_token, bytes(16))
        with self.assertRaises(ValueError):
            self.features.set_vf_token(b"short")
        self.assertFails(errno.EOPNOTSUPP, self.features.start_dma_log, [(0, PAGE - 1)])
        self.assertFails(errno.EINVAL, self.features.start_dma_log, [])
        self.assertFails(errno.EOPNOTSUPP, self.features.read_dma_log, 0, PAGE)
        self.assertFails(errno.EOPNOTSUPP, self.features.stop_dma_log)


if __name__ == "__main__":
    unittest.main()
