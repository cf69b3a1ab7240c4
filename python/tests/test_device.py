# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Devices: opening, attaching, and DMA that follows."""

from __future__ import annotations

import errno
import os
import unittest

from base import (DEVICE_BUFFER, EDU, EDU_2, EDU_GROUPED, EDU_MSIX, FROM_DEVICE, PAGE, REACH,
                  MachineTest, fetch, memory, ready, store)
from iommufd import IOAS, Cap, Context, Device, DeviceFlag, IommufdError
from iommufd.emu import MachineFlag

TOKEN = bytes(range(16))


class OpenTest(MachineTest):
    def test_info(self) -> None:
        info = self.device(cookie=0xfeedfacecafebeef).info
        self.assertEqual(info.name, EDU)
        self.assertIn(DeviceFlag.PCI, info.flags)
        self.assertGreaterEqual(info.num_regions, 8)
        self.assertGreaterEqual(info.num_irqs, 3)
        self.assertGreater(info.id, 0)
        self.assertGreaterEqual(info.group, 0)
        self.assertEqual(info.cookie, 0xfeedfacecafebeef)

    def test_name_and_cookie(self) -> None:
        dev = self.device()
        self.assertEqual((dev.name, dev.cookie), (EDU, 0))

    def test_names_of_a_device(self) -> None:
        for name in (EDU, "00:03.0", "/sys/bus/pci/devices/" + EDU, "/dev/vfio/devices/vfio0"):
            with self.subTest(name), Device(self.ctx, name) as dev:
                self.assertRegex(dev.name, r"^0000:0[01]:0\d\.0$")
                self.assertGreaterEqual(dev.fileno(), 0)

    def test_no_such_device(self) -> None:
        self.assertFails(errno.ENOENT, Device, self.ctx, "0000:7f:1f.7")

    def test_malformed_name(self) -> None:
        for name in ("", "nonsense", "0000:00:03"):
            with self.subTest(name):
                self.assertFails(errno.EINVAL, Device, self.ctx, name)

    def test_cookie_is_unique(self) -> None:
        self.device(EDU, cookie=1)
        self.assertFails(errno.EEXIST, Device, self.ctx, EDU_2, cookie=1)
        self.device(EDU_2, cookie=2)

    def test_cookie_that_does_not_fit(self) -> None:
        for cookie in (-1, 1 << 64):
            with self.assertRaises(OverflowError):
                Device(self.ctx, EDU, cookie=cookie)

    def test_open_twice(self) -> None:
        self.device()
        self.assertFails(errno.EBUSY, Device, self.ctx, EDU)

    def test_group_of_another_context(self) -> None:
        self.device(EDU_GROUPED[0])
        with Context(machine=self.machine) as other:
            self.assertFails(errno.EPERM, Device, other, EDU_GROUPED[1])

    def test_open_with_ioas(self) -> None:
        ioas = self.keep(IOAS(self.ctx))
        dev = self.keep(Device(self.ctx, EDU_GROUPED[0], ioas=ioas))
        self.assertIs(dev.ioas, ioas)
        self.assertEqual(dev.transport, "cdev")
        self.assertIn("/dev/vfio/devices/vfio", dev.report)

    def test_from_fd(self) -> None:
        fd = self.machine.open("/dev/vfio/devices/vfio0")
        dev = self.keep(Device.from_fd(self.ctx, fd, cookie=5))
        self.machine.close_fd(fd)
        self.assertEqual(dev.cookie, 5)
        self.assertIs(self.ctx.find_device(5), dev)

    def test_from_fd_refusals(self) -> None:
        self.assertFails(errno.EBADF, Device.from_fd, self.ctx, 99999)
        fd = self.machine.open("/dev/iommu")
        self.addCleanup(self.machine.close_fd, fd)
        self.assertFails(errno.ENOTTY, Device.from_fd, self.ctx, fd)

    def test_adopt(self) -> None:
        fd = self.machine.open("/dev/vfio/devices/vfio0")
        self.addCleanup(self.machine.close_fd, fd)
        dev = self.keep(Device.from_fd(self.ctx, fd))
        number = dev.info.id
        self.assertFails(errno.EBUSY, Device.adopt, self.ctx, number, fd)
        self.assertFails(errno.ENOENT, Device.adopt, self.ctx, number + 100, fd)
        with Context.from_fd(self.ctx.fileno(), machine=self.machine) as heir:
            adopted = Device.adopt(heir, number, fd, cookie=9)
            self.assertEqual((adopted.info.id, adopted.cookie), (number, 9))
            adopted.close()
        self.assertFails(errno.EINVAL, Device.adopt, self.ctx, number)

    def test_has(self) -> None:
        dev = self.keep(Device(self.ctx, "0000:00:03.0"))
        self.assertTrue(dev.has(Cap.HWPT))
        self.assertFalse(dev.has(Cap.PASID))

    def test_vf_token(self) -> None:
        self.machine.add_device("0000:02:00.0", group=77, vf_token=TOKEN)
        self.assertFails(errno.EACCES, Device, self.ctx, "0000:02:00.0")
        self.assertFails(errno.EACCES, Device, self.ctx, "0000:02:00.0", vf_token=bytes(16))
        with Device(self.ctx, "0000:02:00.0", vf_token=TOKEN) as dev:
            self.assertEqual(dev.info.group, 77)
        with self.assertRaises(ValueError):
            Device(self.ctx, "0000:02:00.0", vf_token=b"short")

    def test_no_driver(self) -> None:
        self.machine.add_device("0000:02:00.0", group=77, driver="")
        error = self.assertFails(errno.ENODEV, Device, self.ctx, "0000:02:00.0")
        self.assertTrue(error.remedy)


class NoCdevTest(MachineTest):
    machine_options = {"flags": MachineFlag.NO_CDEV}

    def test_no_character_device(self) -> None:
        with Context(machine=self.machine, backend="cdev+iommufd") as ctx:
            self.assertFails(errno.ENOENT, Device, ctx, EDU)

    def test_had_by_group(self) -> None:
        self.assertIn("group+iommufd", self.ctx.backend)
        with Device(self.ctx, EDU) as dev:
            self.assertEqual(dev.transport, "group")


class NoMsiIsolationTest(MachineTest):
    machine_options = {"flags": MachineFlag.NO_MSI_ISOLATION}

    def test_interrupts_cannot_be_isolated(self) -> None:
        self.assertFails(errno.EPERM, Device, self.ctx, EDU)


class AttachTest(MachineTest):
    def test_attach_and_detach(self) -> None:
        dev, ioas = self.device(), self.ioas()
        self.assertIsNone(dev.ioas)
        dev.attach(ioas)
        self.assertIs(dev.ioas, ioas)
        self.assertEqual(self.machine.counts.attached, 1)
        dev.detach()
        self.assertIsNone(dev.ioas)
        self.assertEqual(self.machine.counts.attached, 0)

    def test_attach_twice_and_detach_twice(self) -> None:
        dev, ioas = self.device(), self.ioas()
        self.assertFails(errno.EINVAL, dev.detach)
        dev.attach(ioas)
        self.assertFails(errno.EBUSY, dev.attach, ioas)
        dev.detach()
        self.assertFails(errno.EINVAL, dev.detach)

    def test_ioas_of_another_context(self) -> None:
        dev = self.device()
        with Context(machine=self.machine) as other, IOAS(other) as ioas:
            self.assertFails(errno.EINVAL, dev.attach, ioas)

    def test_attached_ioas_is_found_after_it_was_closed(self) -> None:
        dev, ioas = self.device(), IOAS(self.ctx)
        number = ioas.id
        dev.attach(ioas)
        ioas.close()
        self.assertEqual(self.machine.counts.ioas, 1)
        again = self.keep(dev.ioas)
        self.assertIsNot(again, ioas)
        self.assertIs(dev.ioas, again)
        self.assertEqual(again.id, number)
        dev.detach()
        again.close()
        self.assertEqual(self.machine.counts.ioas, 0)

    def test_replace_needs_an_attached_device(self) -> None:
        dev, ioas = self.device(), self.ioas()
        self.assertFails(errno.EINVAL, dev.replace, ioas)
        dev.attach(ioas)
        dev.replace(ioas)
        self.assertIs(dev.ioas, ioas)

    def test_group_shares_one_ioas_and_moves_together(self) -> None:
        first, second = (self.device(name) for name in EDU_GROUPED)
        here, there = self.ioas(), self.ioas()
        first.attach(here)
        self.assertFails(errno.EBUSY, second.attach, there)
        second.attach(here)
        first.replace(there)
        self.assertIs(first.ioas, there)
        self.assertIs(second.ioas, there)

    def test_mapping_out_of_reach(self) -> None:
        ioas = self.ioas()
        iova = ioas.ranges[-1].last + 1 - PAGE
        ioas.map(memory(), iova=iova)
        error = self.assertFails(errno.EADDRINUSE, self.device().attach, ioas)
        self.assertIn(hex(iova), str(error))

    def test_reset(self) -> None:
        dev = self.device(EDU_MSIX)
        self.assertIn(DeviceFlag.RESET, dev.info.flags)
        dev.reset()

    def test_reset_of_a_device_that_cannot(self) -> None:
        dev = self.device(EDU)
        self.assertNotIn(DeviceFlag.RESET, dev.info.flags)
        self.assertFails(errno.EOPNOTSUPP, dev.reset)


class DmaTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.source, self.target = memory(4), memory(4)
        self.source[:] = os.urandom(4 * PAGE)
        self.dev = ready(self.device())
        self.space = self.ioas()

    def test_there_and_back(self) -> None:
        source = self.space.map(self.source, write=False, iova=0x200000)
        target = self.space.map(self.target, read=False, last=REACH)
        self.dev.attach(self.space)
        fetch(self.dev, source + 100, 4000)
        store(self.dev, target + PAGE, 4000)
        self.assertEqual(self.target[PAGE:PAGE + 4000], self.source[100:4100])
        self.assertEqual(self.target[:PAGE], bytes(PAGE))
        counts = self.machine.counts
        self.assertEqual((counts.dma_bytes, counts.dma_faults), (8000, 0))

    def test_permissions_hold(self) -> None:
        source = self.space.map(self.source, write=False, last=REACH)
        before = self.source[:]
        self.dev.attach(self.space)
        store(self.dev, source, 64)
        self.assertEqual(self.source[:], before)
        self.assertGreater(self.machine.counts.dma_faults, 0)

    def test_nothing_is_reached_before_attach_and_after_detach(self) -> None:
        target = self.space.map(self.target, last=REACH)
        store(self.dev, target, 64)
        self.dev.attach(self.space)
        fetch(self.dev, self.space.map(self.source, last=REACH), 64)
        self.dev.detach()
        store(self.dev, target, 64)
        self.assertEqual(self.target[:], bytes(4 * PAGE))
        self.assertGreaterEqual(self.machine.counts.dma_faults, 2)

    def test_nothing_is_reached_after_unmap(self) -> None:
        source = self.space.map(self.source, last=REACH)
        target = self.space.map(self.target, last=REACH)
        self.dev.attach(self.space)
        fetch(self.dev, source, 64)
        self.space.unmap(target, 4 * PAGE)
        store(self.dev, target, 64)
        self.assertEqual(self.target[:], bytes(4 * PAGE))

    def test_replace_changes_what_is_reached(self) -> None:
        other = self.ioas()
        second = memory(4)
        self.space.map(self.target, iova=0x200000)
        other.map(second, iova=0x200000)
        source = self.space.map(self.source, iova=0x300000)
        self.dev.attach(self.space)
        fetch(self.dev, source, 64)
        self.dev.replace(other)
        store(self.dev, 0x200000, 64)
        self.assertEqual(self.target[:64], bytes(64))
        self.assertEqual(second[:64], self.source[:64])

    def test_file_mapping_is_reached(self) -> None:
        fd = os.memfd_create("test")
        self.addCleanup(os.close, fd)
        os.ftruncate(fd, 2 * PAGE)
        os.pwrite(fd, b"from a file", PAGE)
        file_iova = self.space.map_file(fd, PAGE, PAGE, last=REACH)
        target = self.space.map(self.target, last=REACH)
        self.dev.attach(self.space)
        fetch(self.dev, file_iova, 11)
        store(self.dev, target, 11)
        self.assertEqual(self.target[:11], b"from a file")

    def test_closing_the_device_stops_it(self) -> None:
        self.space.map(self.target, iova=0x200000)
        self.dev.attach(self.space)
        self.assertGreater(self.machine.counts.pinned_pages, 0)
        self.dev.close()
        counts = self.machine.counts
        self.assertEqual((counts.attached, counts.bound, counts.pinned_pages), (0, 0, 0))

    def test_device_buffer_is_not_memory(self) -> None:
        self.dev.attach(self.space)
        self.assertIsNone(next(iter(self.space), None))
        self.assertFails(errno.ENOENT, self.space.iova_to_va, DEVICE_BUFFER)


class LimitTest(MachineTest):
    machine_options = {"memlock_pages": 8}

    def test_limit_on_locked_memory(self) -> None:
        dev, ioas = self.device(), self.ioas()
        dev.attach(ioas)
        ioas.map(memory(8))
        error = self.assertFails(errno.ENOMEM, ioas.map, memory(1))
        self.assertIn("RLIMIT_MEMLOCK", str(error))
        self.assertEqual(len(list(ioas)), 1)

    def test_attach_over_the_limit_leaves_the_device_free(self) -> None:
        dev, ioas = self.device(), self.ioas()
        ioas.map(memory(9))
        with self.assertRaises(IommufdError) as caught:
            dev.attach(ioas)
        self.assertEqual(caught.exception.errno, errno.ENOMEM)
        self.assertIsNone(dev.ioas)


if __name__ == "__main__":
    unittest.main()
