# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""PASIDs of a device, each with an address space of its own."""

from __future__ import annotations

import errno
import unittest

from base import EDU, memory
from iommufd import HWPT, IOAS, Cap, Device, HWPTFlag, Pasid
from mock import FIRST, MOCK_PASID, MockTest


class PasidTest(MockTest):
    def setUp(self) -> None:
        super().setUp()
        self.device = self.mock(MOCK_PASID, cookie=7)
        self.space = self.keep(IOAS(self.ctx))

    def test_numbers(self) -> None:
        self.assertTrue(self.device.has(Cap.PASID))
        self.device.reserve_pasids(1, 9)
        self.assertEqual(self.keep(Pasid(self.device)).number, 10)
        self.assertEqual(self.keep(Pasid(self.device, min=20, max=30)).number, 20)
        self.assertFails(errno.EEXIST, Pasid, self.device, 20)
        self.assertFails(errno.ERANGE, Pasid, self.device, 1 << 20)
        self.assertFails(errno.ENOSPC, Pasid, self.device, min=20, max=20)
        self.assertFails(errno.EEXIST, self.device.reserve_pasids, 9, 9)

    def test_attach(self) -> None:
        pasid = self.keep(Pasid(self.device))
        other = self.keep(IOAS(self.ctx))
        table = self.keep(HWPT(self.device, other, HWPTFlag.PASID))
        self.assertIsNone(pasid.ioas)
        self.assertFails(errno.EINVAL, pasid.detach)
        pasid.attach(self.space)
        self.assertIs(pasid.ioas, self.space)
        self.assertIsNone(pasid.hwpt)
        info = pasid.info
        self.assertEqual((info.number, info.cookie, info.device_id),
                         (1, 7, self.device.info.id))
        self.assertNotEqual(info.hwpt_id, 0)
        self.assertFails(errno.EBUSY, pasid.attach, other)
        pasid.replace(table)
        self.assertIs(pasid.hwpt, table)
        self.assertIs(pasid.ioas, other)
        self.assertEqual(pasid.info.hwpt_id, table.info.id)
        pasid.detach()
        self.assertEqual(pasid.info.ioas_id, 0)

    def test_what_is_mapped_is_held_while_a_pasid_is_attached(self) -> None:
        buffer, more = memory(1), memory(1)
        other = IOAS(self.ctx)
        self.space.map(buffer, iova=FIRST)
        other.map(more, iova=FIRST)
        pasid = Pasid(self.device)
        pasid.attach(self.space)
        self.device.attach(other)
        for closed in (self.space, other, self.device):
            closed.close()
        for held in (buffer, more):
            with self.assertRaises(BufferError):
                held.close()
        pasid.close()
        buffer.close()
        more.close()

    def test_device_without(self) -> None:
        device = self.keep(Device(self.ctx, EDU))
        self.assertFalse(device.has(Cap.PASID))
        self.assertFails(errno.EOPNOTSUPP, Pasid, device)


if __name__ == "__main__":
    unittest.main()
