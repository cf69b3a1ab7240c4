# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Migration of mediated devices."""

from __future__ import annotations

import errno
import unittest
from typing import Any

from base import EDU, PAGE, MachineTest
from iommufd import DeviceFlag, MigrationFlag, MigrationState

PORTS = ("/sys/bus/mdev/devices/6d747479-0000-4000-8000-000000000001",
         "/sys/bus/mdev/devices/6d747479-0000-4000-8000-000000000002")
DATA, FIFO = 0, 2


class MigrationTest(MachineTest):
    def begin(self, migration: Any, state: MigrationState) -> int:
        """Go to a state that gives a descriptor."""
        fd = migration.set_state(state)
        self.assertIsNotNone(fd)
        self.addCleanup(self.machine.close_fd, fd)
        return fd

    def test_state_is_moved(self) -> None:
        source, target = (self.device(name) for name in PORTS)
        self.assertIn(DeviceFlag.MEDIATED, source.info.flags)
        out, into = source.migration, target.migration
        self.assertEqual(out.flags, MigrationFlag.STOP_COPY | MigrationFlag.P2P |
                         MigrationFlag.PRE_COPY)
        source.region(0).write8(FIFO, 1)
        for byte in b"moved":
            source.region(0).write8(DATA, byte)
        fd = self.begin(out, MigrationState.PRE_COPY)
        info = out.precopy_info(fd)
        data = out.read(fd)
        self.assertEqual((len(data), 0, 0), (info.initial_bytes, info.dirty_bytes, info.flags))
        self.assertEqual(out.read(fd), b"")
        self.assertIsNone(out.set_state(MigrationState.STOP_COPY))
        data += out.read(fd)
        self.assertEqual(len(data), out.data_size)
        self.assertIsNone(out.set_state(MigrationState.STOP))
        self.assertEqual(out.state, MigrationState.STOP)
        self.assertFails(errno.ENODEV, out.read, fd)

        fd = self.begin(into, MigrationState.RESUMING)
        into.write(fd, data)
        self.assertFails(errno.ENOMEM, into.write, fd, b"more")
        self.assertIsNone(into.set_state(MigrationState.RUNNING))
        self.assertEqual(bytes(target.region(0).read8(DATA) for _ in range(5)), b"moved")

    def test_log_of_a_device_that_writes_nothing(self) -> None:
        features = self.device(PORTS[0]).features
        self.assertEqual(features.start_dma_log([(0, 4 * PAGE - 1)], PAGE), PAGE)
        self.assertEqual(features.read_dma_log(0, 4 * PAGE, PAGE), [])
        features.stop_dma_log()

    def test_refusals(self) -> None:
        edu, port = self.device(EDU).migration, self.device(PORTS[0]).migration
        self.assertFails(errno.EOPNOTSUPP, lambda: edu.flags)
        self.assertFails(errno.EOPNOTSUPP, lambda: edu.state)
        self.assertFails(errno.EOPNOTSUPP, lambda: edu.data_size)
        self.assertFails(errno.EOPNOTSUPP, edu.set_state, MigrationState.STOP)
        self.assertFails(errno.EINVAL, port.set_state, 8)
        fd = self.begin(port, MigrationState.STOP_COPY)
        self.assertFails(errno.EINVAL, port.set_state, MigrationState.PRE_COPY)
        self.assertFails(errno.EINVAL, port.precopy_info, fd)
        self.assertFails(errno.EBADF, port.write, fd, b"wrong way")


if __name__ == "__main__":
    unittest.main()
