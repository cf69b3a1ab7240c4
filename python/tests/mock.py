# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Mock devices of the emulated kernel: no hardware, and all that iommufd can do for a device."""

from __future__ import annotations

import struct
from typing import Tuple

from base import MachineTest
from iommufd import Device

DESTROY, IOAS_ALLOC, HWPT_ALLOC, TEST_CMD = 0x3b80, 0x3b81, 0x3b89, 0x3ba0
MOCK_DOMAIN_REPLACE, MOCK_DOMAIN_FLAGS, TRIGGER_IOPF, TRIGGER_VEVENT = 10, 12, 15, 17
MOCK_PASID, HWPT_PASID = 1 << 2, 1 << 3
HWPT_DATA_SELFTEST = 0xdead
FIRST = 0x1000000   # their first IOVA


class MockTest(MachineTest):
    """A test with mock devices in its context."""

    def setUp(self) -> None:
        super().setUp()
        self.iommufd = self.ctx.fileno()    # also of a context that is disowned

    def command(self, request: int, layout: str, *values: int) -> Tuple[int, ...]:
        """A request of another program on the context's iommufd, its answer field by field."""
        size = struct.calcsize(layout)
        arg = bytearray(struct.pack(layout, size, *values))
        self.machine.ioctl(self.iommufd, request, arg)
        return struct.unpack(layout, arg)

    def mock_command(self, op: int, id: int, layout: str, *values: int) -> Tuple[int, ...]:
        """The command of mock devices; what follows its head, field by field."""
        rest = 56 - struct.calcsize("=" + layout)
        answer = self.command(TEST_CMD, f"=4I{layout}{rest}x", op, id, 0, *values)
        return answer[4:]

    def mock(self, flags: int = 0, cookie: int = 0) -> Device:
        """Make a mock device and adopt it."""
        home = self.command(IOAS_ALLOC, "=3I", 0, 0)[2]
        mock, table, device, _ = self.mock_command(MOCK_DOMAIN_FLAGS, home, "4I", 0, 0, 0, flags)
        self.addCleanup(self.command, DESTROY, "=2I", home)
        if flags & MOCK_PASID:  # even at home its table must take PASIDs
            alloc = (HWPT_PASID, device, home, 0, 0, 0, 0, 0, 0, 0)
            home = self.command(HWPT_ALLOC, "=8IQ2I", *alloc)[4]
            self.addCleanup(self.command, DESTROY, "=2I", home)
            self.mock_command(MOCK_DOMAIN_REPLACE, mock, "I", home)
        self.addCleanup(self.command, DESTROY, "=2I", mock)
        return self.keep(Device.adopt(self.ctx, device, mock_id=mock, mock_pt=home,
                                      cookie=cookie))

    def fault(self, device: Device, group: int, address: int) -> None:
        """The device meets a page that is not there."""
        self.mock_command(TRIGGER_IOPF, 0, "4IQ", device.info.id, 0, group, 3, address)

    def event(self, device: Device) -> None:
        """The device's IOMMU has something to tell the guest."""
        self.mock_command(TRIGGER_VEVENT, 0, "I", device.info.id)
