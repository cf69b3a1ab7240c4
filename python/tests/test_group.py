# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Groups: who is in one, and who is in the way."""

from __future__ import annotations

import errno
import gc
import select
import unittest
import warnings

from base import EDU, EDU_GROUPED, MachineTest
from iommufd import Context, Device, EventType, Group, GroupFlag, GroupPolicy, IOAS, MemberFlag

BRIDGE = "0000:00:1e.0"


class GroupTest(MachineTest):
    def group(self, number: int) -> Group:
        return self.keep(Group(self.ctx, number))

    def test_info(self) -> None:
        self.assertEqual(self.group(3).info, (3, GroupFlag.VIABLE, 1, 0))

    def test_members(self) -> None:
        self.device(EDU_GROUPED[1])
        members = self.group(8).members
        self.assertEqual([member.name for member in members], [BRIDGE, *EDU_GROUPED])
        self.assertEqual([member.driver for member in members], ["", "vfio-pci", "vfio-pci"])
        self.assertEqual({member.bus for member in members}, {"pci"})
        self.assertEqual([member.flags for member in members],
                         [MemberFlag.BRIDGE, MemberFlag.VFIO, MemberFlag.VFIO | MemberFlag.OPEN])
        for member in members:
            self.assertTrue(member.reason)

    def test_of_a_device(self) -> None:
        group = self.device(EDU).group
        self.assertEqual(group.number, 3)
        self.assertEqual(group.info.num_open, 1)

    def test_many_members(self) -> None:
        for slot in range(250):
            self.machine.add_device(f"0000:{slot + 2:02x}:00.0", group=77, driver="")
        members = self.group(77).members
        self.assertEqual([member.name for member in members],
                         [f"0000:{slot + 2:02x}:00.0" for slot in range(250)])

    def test_viable(self) -> None:
        group = self.group(8)
        self.assertTrue(group.viable)
        group.check_viable()
        self.machine.add_device("0000:02:00.0", group=8, driver="nvme")
        self.assertFalse(group.viable)
        error = self.assertFails(errno.EPERM, group.check_viable)
        self.assertIn("0000:02:00.0 (nvme)", error.message)
        self.assertIn("/sys/bus/pci/drivers/nvme/unbind", error.remedy)

    def test_from_fd(self) -> None:
        fd = self.machine.open("/dev/vfio/8")
        group = self.keep(Group.from_fd(self.ctx, fd))
        self.assertNotEqual(group.fileno(), fd)
        self.assertFails(errno.EBUSY, Group.from_fd, self.ctx, fd)
        self.machine.close_fd(fd)
        self.device(EDU_GROUPED[0]).attach(self.ioas())

    def test_fd_of_a_group_that_is_not_open(self) -> None:
        self.assertFails(errno.ENOENT, self.group(8).fileno)

    def test_no_such_group(self) -> None:
        self.assertFails(errno.ENOENT, Group, self.ctx, 4711)
        self.assertFails(errno.EINVAL, Group, self.ctx, -1)

    def test_closed(self) -> None:
        with self.group(3) as group:
            pass
        with self.assertRaises(ValueError):
            group.members

    def test_forgotten_without_a_warning(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Context(machine=self.machine) as ctx:
                Group(ctx, 3)
                gc.collect()


class PolicyTest(MachineTest):
    def context(self, policy: GroupPolicy) -> Context:
        return self.keep(Context(machine=self.machine, group_policy=policy))

    def test_singleton(self) -> None:
        ctx = self.context(GroupPolicy.SINGLETON)
        self.keep(Device(ctx, EDU))
        error = self.assertFails(errno.EPERM, Device, ctx, EDU_GROUPED[0])
        self.assertIn(EDU_GROUPED[1], error.message)

    def test_one_ioas(self) -> None:
        ctx = self.context(GroupPolicy.ONE_IOAS)
        first, second = (self.keep(Device(ctx, name)) for name in EDU_GROUPED)
        one, two = self.keep(IOAS(ctx)), self.keep(IOAS(ctx))
        first.attach(one)
        second.attach(one)
        error = self.assertFails(errno.EBUSY, first.replace, two)
        self.assertIn(EDU_GROUPED[1], error.message)
        second.detach()
        first.replace(two)

    def test_unknown(self) -> None:
        self.assertFails(errno.EINVAL, Context, machine=self.machine, group_policy=9)


class EventTest(MachineTest):
    def readable(self) -> bool:
        return bool(select.select([self.ctx.event_fd], [], [], 0)[0])

    def test_nothing(self) -> None:
        self.assertFalse(self.readable())
        self.assertIsNone(self.ctx.read_event())

    def test_viability(self) -> None:
        with Group(self.ctx, 8):
            self.assertFalse(self.readable())
            self.machine.set_driver(BRIDGE, "shpchp")
            self.assertTrue(self.readable())
            self.assertEqual(self.ctx.read_event(),
                             (EventType.GROUP_NOT_VIABLE, 8, 0, BRIDGE, "shpchp"))
            self.assertIsNone(self.ctx.read_event())
            self.machine.set_driver(BRIDGE, None)
            self.assertEqual(self.ctx.read_event(), (EventType.GROUP_VIABLE, 8, 0, "", ""))

    def test_device_leaves(self) -> None:
        self.device(EDU, cookie=7)
        self.assertFalse(self.readable())
        self.assertFails(errno.EBUSY, self.machine.set_driver, EDU, None)
        self.assertEqual(self.ctx.read_event(), (EventType.DEVICE_LEAVING, 3, 7, EDU, ""))

    def test_closed(self) -> None:
        ctx = Context(machine=self.machine)
        ctx.close()
        with self.assertRaises(ValueError):
            ctx.event_fd


if __name__ == "__main__":
    unittest.main()
