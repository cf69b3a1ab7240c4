# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The emulated machine, and the library when its kernel refuses."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
import unittest

from base import EDU, EDU_2, PAGE, LeakTest, MachineTest, memory
from iommufd import IOAS, Context, Device, EventFd, IrqIndex
from iommufd.emu import Call, Machine, MachineDeviceFlag, MachineFlag


class MachineShapeTest(LeakTest):
    def test_empty(self) -> None:
        with Machine(MachineFlag.EMPTY) as machine, Context(machine=machine) as ctx:
            self.assertFails(errno.ENOENT, Device, ctx, EDU)
            machine.add_device("0000:05:00.0", group=9)
            with Device(ctx, "0000:05:00.0") as dev:
                self.assertEqual(dev.info.group, 9)

    def test_added_device_with_msix(self) -> None:
        with Machine(MachineFlag.EMPTY) as machine, Context(machine=machine) as ctx:
            machine.add_device("0000:05:00.0", group=9, flags=MachineDeviceFlag.MSIX)
            with Device(ctx, "0000:05:00.0") as dev:
                self.assertEqual(dev.irq(IrqIndex.MSIX).info.vectors, 8)

    def test_add_device_refusals(self) -> None:
        with Machine() as machine:
            self.assertFails(errno.EEXIST, machine.add_device, EDU, group=9)
            self.assertFails(errno.EINVAL, machine.add_device, "nonsense", group=9)
            self.assertFails(errno.EOPNOTSUPP, machine.add_device, "0000:05:00.0", group=9,
                             flags=1 << 40)

    def test_options(self) -> None:
        self.assertFails(errno.EINVAL, Machine, address_bits=8)
        self.assertFails(errno.EOPNOTSUPP, Machine, 1 << 40)

    def test_set_driver(self) -> None:
        with Machine() as machine, Context(machine=machine) as ctx:
            machine.set_driver(EDU, None)
            self.assertFails(errno.ENODEV, Device, ctx, EDU)
            machine.set_driver(EDU, "vfio-pci")
            with Device(ctx, EDU):
                self.assertFails(errno.EBUSY, machine.set_driver, EDU, "edu")
            self.assertFails(errno.ENOENT, machine.set_driver, "0000:99:00.0", None)

    def test_ioctl(self) -> None:
        with Machine() as machine:
            fd = machine.open("/dev/iommu")
            alloc = bytearray(struct.pack("=III", 12, 0, 0))
            self.assertEqual(machine.ioctl(fd, 0x3b81, alloc), 0)
            self.assertEqual(struct.unpack("=III", alloc), (12, 0, 1))
            self.assertEqual(machine.counts.objects, 1)
            self.assertFails(errno.ENOTTY, machine.ioctl, fd, 0, alloc)
            machine.close_fd(fd)
            self.assertFails(errno.EBADF, machine.ioctl, -1, 0x3b81, alloc)

    def test_kernel(self) -> None:
        for kernel in (None, "newest", "6.6"):
            with Machine(kernel=kernel) as machine:
                machine.close_fd(machine.open("/dev/iommu"))
        with Machine(kernel="6.6") as machine:
            self.assertFails(errno.ENOENT, machine.open, "/dev/vfio/devices/vfio0")
        with Machine(kernel="6.1") as machine:
            self.assertFails(errno.ENOENT, machine.open, "/dev/iommu")
        self.assertFails(errno.EINVAL, Machine, kernel="5.9")

    def test_address_bits(self) -> None:
        with Machine(address_bits=32) as machine, Context(machine=machine) as ctx:
            with Device(ctx, EDU) as dev, IOAS(ctx) as ioas:
                dev.attach(ioas)
                self.assertEqual(ioas.ranges[-1].last, (1 << 32) - 1)

    def test_open_and_close(self) -> None:
        with Machine() as machine:
            fd = machine.open("/dev/iommu")
            self.assertEqual(machine.counts.fds, 1)
            machine.close_fd(fd)
            self.assertEqual(machine.counts.fds, 0)
            self.assertFails(errno.ENOENT, machine.open, "/dev/null")
            self.assertFails(errno.EBADF, machine.close_fd, 99999)

    def test_inject_refusals(self) -> None:
        with Machine() as machine:
            self.assertFails(errno.EINVAL, machine.inject, -5)
            self.assertFails(errno.EINVAL, machine.inject, errno.EIO, nth=0)

    def test_closed(self) -> None:
        machine = Machine()
        machine.close()
        for use in (lambda: machine.counts, lambda: machine.open("/dev/iommu"),
                    machine.clear_fault, machine.__enter__):
            with self.assertRaises(ValueError):
                use()


class DefaultMachineTest(LeakTest):
    def test_environment_variable(self) -> None:
        program = ("from iommufd import Context, IOAS\n"
                   "from iommufd.emu import Machine\n"
                   "with Context() as ctx, IOAS(ctx), Machine.default() as machine:\n"
                   "    print(ctx.backend, machine.counts.ioas)\n")
        run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "LIBIOMMUFD_EMU": "1"}, check=True)
        self.assertEqual(run.stdout, "emulated cdev+iommufd 1\n")


class CountsTest(MachineTest):
    def test_follow_what_is_done(self) -> None:
        dev, ioas = self.device(), self.ioas()
        ioas.map(memory(3), iova=0x100000)
        self.assertEqual(self.machine.counts.pinned_pages, 0)
        dev.attach(ioas)
        counts = self.machine.counts
        self.assertEqual((counts.fds, counts.ioas, counts.bound, counts.attached,
                          counts.mappings, counts.pinned_pages),
                         (2, 1, 1, 1, 1, 3 * PAGE // 4096))
        self.assertGreater(counts.calls, 0)
        self.assertEqual(counts.injected, 0)


class FaultTest(MachineTest):
    def sequence(self) -> None:
        """A life with most calls in it."""
        with Context(machine=self.machine) as ctx, Device(ctx, EDU_2) as dev, \
                IOAS(ctx) as ioas, EventFd() as event:
            ioas.mapv([memory(), memory()])
            dev.attach(ioas)
            with dev.region(0).map(0, PAGE) as mapped:
                mapped.read32(0)
            dev.region(0).read32(0)
            dev.config.set_bus_master(True)
            dev.irq(IrqIndex.MSI).enable([event])
            dev.irq(IrqIndex.MSI).disable()
            ioas.unmap_all()
            dev.detach()

    def test_every_call_fails_once(self) -> None:
        before = self.machine.counts.calls
        self.sequence()
        calls = self.machine.counts.calls - before
        self.assertGreater(calls, 15)
        failures = 0
        for nth in range(1, calls + 1):
            for error in (errno.ENOMEM, errno.EIO):
                self.machine.inject(error, nth=nth)
                try:
                    self.sequence()
                except OSError as found:
                    failures += 1
                    self.assertTrue(str(found))
                finally:
                    self.machine.clear_fault()
                counts = self.machine.counts
                self.assertEqual((counts.fds, counts.ioas, counts.bound, counts.mappings,
                                  counts.bar_maps, counts.eventfds), (1, 0, 0, 0, 0, 0),
                                 f"call {nth} failed with {errno.errorcode[error]}")
        self.assertGreater(failures, calls)

    def test_one_request(self) -> None:
        ioas = self.ioas()
        self.machine.inject(errno.ENOMEM, calls=Call.IOCTL, nth=2)
        ioas.map(memory(), iova=0x100000)
        injected = self.machine.counts.injected
        self.assertFails(errno.ENOMEM, ioas.map, memory(), iova=0x200000)
        self.assertEqual(self.machine.counts.injected, injected + 1)
        ioas.map(memory(), iova=0x200000)


if __name__ == "__main__":
    unittest.main()
