# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""A guest's IOMMU: its devices, events, faults and hardware queues."""

from __future__ import annotations

import errno
import select
import struct
import unittest

from base import PAGE, memory
from iommufd import (HWPT, HWQueue, IOAS, FaultAccess, FaultAnswer, FaultFlag, FaultQueue,
                     HWPTFlag, VDevice, VEventQueue, VeventType, VIOMMU, ViommuType)
from mock import FIRST, HWPT_DATA_SELFTEST, MockTest

SELFTEST, EVENT = 0xdeadbeef, 0xbeefbeef
DATA = struct.Struct("=IIQQ")


class FaultTest(MockTest):
    def test_faults(self) -> None:
        queue = self.keep(FaultQueue(self.ctx))
        device = self.mock(cookie=4711)
        table = self.keep(HWPT(device, self.keep(IOAS(self.ctx)), faults=queue))
        self.assertIsNone(queue.read())
        device.attach(table)
        self.fault(device, 7, FIRST)
        self.assertEqual(select.select([queue], [], [], 5)[0], [queue])
        group = queue.read()
        assert group is not None
        self.assertEqual((group.cookie, group.number, group.pasid), (4711, 7, None))
        self.assertIs(self.ctx.find_device_id(group.device_id), device)
        self.assertEqual(group.faults, [
            (FIRST, 0, FaultAccess.READ | FaultAccess.WRITE, FaultFlag.LAST, None)])
        self.assertIsNone(queue.read())
        queue.respond(group)
        self.assertFails(errno.EALREADY, queue.respond, group, FaultAnswer.INVALID)
        self.assertFails(errno.EALREADY, queue.respond, 0)
        self.assertFails(errno.ENOENT, self.ctx.find_device_id, 4711)


class GuestTest(MockTest):
    def setUp(self) -> None:
        super().setUp()
        self.dev = self.mock(cookie=1)
        self.space = self.keep(IOAS(self.ctx))
        self.parent = self.keep(HWPT(self.dev, self.space, HWPTFlag.NEST_PARENT))
        self.guest = self.keep(VIOMMU(self.dev, self.parent, SELFTEST, DATA.pack(7, 0, 0, 0)))

    def test_data_and_pages(self) -> None:
        told, answer, offset, length = DATA.unpack(self.guest.data)
        self.assertEqual((told, answer), (7, 7))
        with self.guest.map(offset, length) as pages:
            self.assertEqual(pages.read32(0), 7)
            self.assertEqual(len(pages), length)
        self.assertFails(errno.ENXIO, self.guest.map, 1 << 40, PAGE)
        self.guest.map(offset, length)
        self.guest.close()

    def test_refused(self) -> None:
        self.assertFails(errno.EOPNOTSUPP, VIOMMU, self.dev, self.parent, ViommuType.SMMUV3)
        self.assertFails(errno.EINVAL, VIOMMU, self.dev, self.keep(HWPT(self.dev, self.space)),
                         SELFTEST)

    def test_virtual_devices(self) -> None:
        other = self.mock()
        virtual = self.keep(VDevice(self.guest, self.dev, 9))
        self.assertIs(virtual.device, self.dev)
        self.assertIs(self.guest.find_device(9), self.dev)
        self.assertFails(errno.ENOENT, self.guest.find_device, 8)
        self.assertFails(errno.EEXIST, VDevice, self.guest, other, 9)
        self.guest.invalidate(SELFTEST, [struct.pack("=3I", 0, 9, 1)])
        error = self.assertFails(errno.EINVAL, self.guest.invalidate, SELFTEST,
                                 [struct.pack("=3I", 0, 9, 1), struct.pack("=3I", 0, 8, 1)])
        self.assertEqual(error.index, 1)
        self.dev.close()
        self.assertIsNone(virtual.device)

    def test_events(self) -> None:
        self.assertFails(errno.EINVAL, VEventQueue, self.guest, EVENT, 2)
        queue = self.keep(VEventQueue(self.guest, EVENT, 2, event_size=4))
        self.assertFails(errno.EINVAL, VEventQueue, self.guest, VeventType.SMMUV3, 0)
        self.keep(VDevice(self.guest, self.dev, 9))
        table = self.keep(self.guest.nested(self.dev, HWPT_DATA_SELFTEST, bytes(8)))
        self.assertIs(table.parent, self.parent)
        self.dev.attach(table)
        self.assertIsNone(queue.read())
        for _ in range(4):
            self.event(self.dev)
        self.assertEqual(select.select([queue], [], [], 0)[0], [queue])
        event = struct.pack("=I", 9)
        self.assertEqual([queue.read() for _ in range(4)],
                         [(event, 0, 0), (event, 0, 1), (b"", 2, 3), None])

    def test_hardware_queues(self) -> None:
        buffer = memory(2)
        self.space.map(buffer, iova=FIRST)
        self.assertFails(errno.EIO, HWQueue, self.guest, SELFTEST, 1, FIRST, PAGE)
        low = HWQueue(self.guest, SELFTEST, 0, FIRST, PAGE)
        high = HWQueue(self.guest, SELFTEST, 1, FIRST + PAGE, PAGE)
        low.close()
        self.assertFails(errno.EBUSY, self.space.unmap, FIRST, 2 * PAGE)
        self.guest.close()
        self.parent.close()
        self.space.close()
        with self.assertRaises(BufferError):
            buffer.close()
        high.close()
        buffer.close()


if __name__ == "__main__":
    unittest.main()
