# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""PCI configuration space."""

from __future__ import annotations

import errno
import unittest

from base import EDU_MSIX, MachineTest, fetch, memory, ready, REACH

COMMAND, BUS_MASTER, MEMORY = 4, 4, 2
MSI, MSIX, EXPRESS = 0x05, 0x11, 0x10


class ConfigTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.dev = self.device()
        self.config = self.dev.config

    def test_identification(self) -> None:
        self.assertEqual((self.config.vendor, self.config.device_id), (0x1234, 0x11e8))
        self.assertEqual(self.config.read(0, 4), 0x11e81234)
        self.assertEqual(self.config.read(1, 1), 0x12)

    def test_write(self) -> None:
        self.config.write(0x3c, 1, 0x0b)
        self.assertEqual(self.config.read(0x3c, 1), 0x0b)

    def test_refusals(self) -> None:
        for offset, width in ((0, 3), (0, 8), (1, 2), (2, 4), (0x10000, 4)):
            with self.subTest((offset, width)):
                self.assertFails(errno.EINVAL, self.config.read, offset, width)
        self.assertFails(errno.EINVAL, self.config.write, 4, 2, 0x10000)
        with self.assertRaises(OverflowError):
            self.config.write(4, 4, 1 << 32)
        with self.assertRaises(OverflowError):
            self.config.find_capability(0x105)
        with self.assertRaises(OverflowError):
            self.config.find_capability(5, -1)

    def test_capabilities(self) -> None:
        offset = self.config.find_capability(MSI)
        assert offset is not None
        self.assertEqual(self.config.read(offset, 1), MSI)
        self.assertIsNone(self.config.find_capability(MSI, offset))
        self.assertIsNone(self.config.find_capability(MSIX))
        self.assertIsNone(self.config.find_extended_capability(0x10))
        self.assertIn((MSI, offset), list(self.config.capabilities()))
        self.assertFails(errno.EINVAL, self.config.find_capability, MSI, offset + 1)

    def test_capabilities_of_an_express_device(self) -> None:
        config = self.device(EDU_MSIX).config
        self.assertTrue({MSIX, EXPRESS} <= {number for number, _ in config.capabilities()})
        offset = config.find_capability(MSIX)
        assert offset is not None
        self.assertEqual((config.read(offset + 2, 2) & 0x7ff) + 1, 8)

    def test_bus_master(self) -> None:
        self.config.set_bus_master(True)
        self.assertTrue(self.config.read(COMMAND, 2) & BUS_MASTER)
        self.config.set_bus_master(False)
        self.assertFalse(self.config.read(COMMAND, 2) & BUS_MASTER)

    def test_memory(self) -> None:
        self.config.set_memory(False)
        self.assertFalse(self.config.read(COMMAND, 2) & MEMORY)
        self.config.set_memory(True)
        self.assertTrue(self.config.read(COMMAND, 2) & MEMORY)

    def test_no_dma_without_bus_master(self) -> None:
        ready(self.dev)
        ioas = self.ioas()
        iova = ioas.map(memory(), last=REACH)
        self.dev.attach(ioas)
        fetch(self.dev, iova, 64)
        before = self.machine.counts.dma_bytes
        self.config.set_bus_master(False)
        fetch(self.dev, iova, 64)
        self.assertEqual((before, self.machine.counts.dma_bytes), (64, 64))


if __name__ == "__main__":
    unittest.main()
