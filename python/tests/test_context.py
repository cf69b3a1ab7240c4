# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Contexts."""

from __future__ import annotations

import errno
import gc
import logging
import mmap
import os
import unittest
import warnings

from base import EDU, PAGE, LeakTest, MachineTest, memory, open_fds
from iommufd import IOAS, Cap, Context, Device, LogLevel
from iommufd.emu import Machine, MachineFlag


class OpenTest(LeakTest):
    def test_no_device_node(self) -> None:
        with Machine(MachineFlag.NO_IOMMU_NODE) as machine:
            error = self.assertFails(errno.ENOENT, Context, machine=machine, backend="iommufd")
        self.assertTrue(error.remedy)

    def test_no_permission(self) -> None:
        with Machine(MachineFlag.NO_PERMISSION) as machine:
            error = self.assertFails(errno.EACCES, Context, machine=machine, backend="iommufd")
        self.assertTrue(error.remedy)

    def test_unknown_backend(self) -> None:
        with Machine() as machine:
            self.assertFails(errno.EINVAL, Context, machine=machine, backend="floppy")

    def test_named_backend(self) -> None:
        with Machine() as machine, Context(machine=machine, backend="cdev+iommufd") as ctx:
            self.assertIn("cdev+iommufd", ctx.backend)

    def test_log_level_out_of_range(self) -> None:
        with Machine() as machine:
            self.assertFails(errno.EINVAL, Context, machine=machine, log_level=99,
                             log=logging.getLogger("iommufd.test"))

    def test_rlimit_process(self) -> None:
        with Machine() as machine, Context(machine=machine, rlimit_process=True) as ctx:
            self.assertEqual(ctx.rlimit_mode, 1)

    def test_rlimit_process_without_privilege(self) -> None:
        with Machine(MachineFlag.UNPRIVILEGED) as machine:
            self.assertFails(errno.EPERM, Context, machine=machine, rlimit_process=True)

    def test_context_outlives_the_machine_object(self) -> None:
        machine = Machine()
        ctx = Context(machine=machine)
        machine.close()
        with ctx, IOAS(ctx) as ioas:
            self.assertGreater(ioas.id, 0)

    def test_closed_machine(self) -> None:
        machine = Machine()
        machine.close()
        with self.assertRaises(ValueError):
            Context(machine=machine)


class ContextTest(MachineTest):
    def test_backend_is_emulated(self) -> None:
        self.assertEqual(self.ctx.backend, "emulated cdev+iommufd")

    def test_report_has_a_line_per_step(self) -> None:
        lines = self.ctx.report.splitlines()
        self.assertEqual(lines[0], "opened /dev/iommu: ok")
        self.assertIn(self.ctx.backend, lines[-1])

    def test_capabilities(self) -> None:
        able = self.ctx.capabilities
        for cap in (Cap.MAP_WITHOUT_DEVICE, Cap.COPY, Cap.MAP_FILE, Cap.CHANGE_PROCESS,
                    Cap.ALLOW_IOVAS, Cap.HUGE_PAGE_OPTION, Cap.COMPAT_IOAS, Cap.REPLACE,
                    Cap.GROUPS, Cap.HWPT, Cap.HW_INFO):
            self.assertIn(cap, able)
        for cap in (Cap.UPDATE_VA, Cap.DIRTY_ALL_PINNED):
            self.assertNotIn(cap, able)
        self.assertFalse(self.ctx.has(9999))

    def test_fileno(self) -> None:
        self.assertGreaterEqual(self.ctx.fileno(), 0)

    def test_rlimit_mode(self) -> None:
        self.assertEqual(self.ctx.rlimit_mode, 0)
        self.ctx.rlimit_mode = 1
        self.assertEqual(self.ctx.rlimit_mode, 1)
        self.assertFails(errno.EINVAL, setattr, self.ctx, "rlimit_mode", 2)
        self.ioas()
        self.assertFails(errno.EBUSY, setattr, self.ctx, "rlimit_mode", 0)

    def test_change_process_needs_files(self) -> None:
        ioas = self.ioas()
        fd = os.memfd_create("test")
        self.addCleanup(os.close, fd)
        os.ftruncate(fd, 4 * PAGE)
        ioas.map_file(fd, 4 * PAGE)
        self.ctx.change_process()
        iova = ioas.map(memory())
        self.assertFails(errno.EINVAL, self.ctx.change_process)
        ioas.unmap(iova, PAGE)
        self.ctx.change_process()

    def test_compat_ioas(self) -> None:
        self.assertFails(errno.ENODEV, self.ctx.get_compat_ioas)
        ioas = self.ioas()
        self.ctx.set_compat_ioas(ioas)
        self.assertEqual(self.ctx.get_compat_ioas(), ioas.id)
        self.ctx.clear_compat_ioas()
        self.assertFails(errno.ENODEV, self.ctx.get_compat_ioas)

    def test_compat_ioas_of_another_context(self) -> None:
        with Context(machine=self.machine) as other, IOAS(other) as ioas:
            self.assertFails(errno.EINVAL, self.ctx.set_compat_ioas, ioas)

    def test_find_device_gives_the_same_object(self) -> None:
        dev = self.device(cookie=7)
        self.assertIs(self.ctx.find_device(7), dev)
        self.assertFails(errno.ENOENT, self.ctx.find_device, 8)
        self.assertFails(errno.EINVAL, self.ctx.find_device, 0)
        dev.close()
        self.assertFails(errno.ENOENT, self.ctx.find_device, 7)

    def test_several_contexts(self) -> None:
        with Context(machine=self.machine) as other:
            self.assertNotEqual(other.fileno(), self.ctx.fileno())
            self.assertEqual(self.machine.counts.fds, 2)

    def test_children_outlive_the_context(self) -> None:
        ioas, dev = self.ioas(), self.device()
        self.ctx.close()
        dev.attach(ioas)
        self.assertIs(dev.ioas, ioas)
        self.assertEqual(self.machine.counts.attached, 1)


class FromFdTest(MachineTest):
    def test_descriptor_stays_the_callers(self) -> None:
        fd = self.machine.open("/dev/iommu")
        other = self.keep(Context.from_fd(fd, machine=self.machine))
        self.machine.close_fd(fd)
        with IOAS(other) as ioas:
            ioas.map(memory())
            self.assertEqual(self.machine.counts.mappings, 1)

    def test_not_open(self) -> None:
        self.assertFails(errno.EBADF, Context.from_fd, 99999, machine=self.machine)

    def test_not_an_iommu(self) -> None:
        fd = self.machine.open("/dev/vfio/devices/vfio0")
        self.addCleanup(self.machine.close_fd, fd)
        self.assertFails(errno.ENOTTY, Context.from_fd, fd, machine=self.machine)


class LogTest(MachineTest):
    def test_every_operation_at_debug(self) -> None:
        logger = logging.getLogger("iommufd.test")
        with self.assertLogs(logger, "DEBUG") as caught:
            with Context(machine=self.machine, log=logger) as ctx, IOAS(ctx) as ioas:
                ioas.map(memory())
        self.assertTrue([r for r in caught.records if r.levelno == logging.DEBUG])
        self.assertFalse([r for r in caught.records if "\n" in r.getMessage()])

    def test_failure_at_error(self) -> None:
        logger = logging.getLogger("iommufd.test")
        with self.assertLogs(logger, "ERROR") as caught:
            with Context(machine=self.machine, log=logger) as ctx:
                self.assertFails(errno.ENOENT, Device, ctx, "0000:7f:1f.7")
        self.assertEqual({r.levelno for r in caught.records}, {logging.ERROR})

    def test_level_can_be_named(self) -> None:
        logger = logging.getLogger("iommufd.test")
        with self.assertLogs(logger, "DEBUG") as caught:
            with Context(machine=self.machine, log=logger, log_level=LogLevel.ERROR) as ctx:
                with IOAS(ctx):
                    pass
                self.assertFails(errno.ENOENT, Device, ctx, "0000:7f:1f.7")
        self.assertEqual({r.levelno for r in caught.records}, {logging.ERROR})

    def test_callback_outlives_the_context_object(self) -> None:
        logger = logging.getLogger("iommufd.test")
        with self.assertLogs(logger, "DEBUG") as caught:
            ctx = Context(machine=self.machine, log=logger)
            ioas = self.keep(IOAS(ctx))
            ctx.close()
            del ctx
            gc.collect()
            before = len(caught.records)
            self.assertFails(errno.EINVAL, ioas.unmap, 1, PAGE)
            self.assertGreater(len(caught.records), before)
            ioas.close()


class CloseTest(MachineTest):
    def test_closed_objects_raise_value_error(self) -> None:
        ioas, dev = self.ioas(), self.device()
        region, irq, config = dev.region(0), dev.irq(1), dev.config
        for thing in (dev, ioas, self.ctx):
            thing.close()
            self.assertTrue(thing.closed)
            thing.close()
        buffer = memory()
        uses = [
            self.ctx.fileno, lambda: self.ctx.has(1), lambda: self.ctx.backend,
            lambda: self.ctx.report, lambda: self.ctx.rlimit_mode, self.ctx.change_process,
            self.ctx.get_compat_ioas, self.ctx.clear_compat_ioas,
            lambda: self.ctx.find_device(1), lambda: IOAS(self.ctx),
            lambda: Device(self.ctx, EDU), self.ctx.__enter__,
            dev.fileno, dev.detach, dev.reset, lambda: dev.info, lambda: dev.ioas,
            lambda: dev.attach(ioas), lambda: dev.replace(ioas), lambda: dev.regions,
            lambda: region.info, lambda: region.read32(0), lambda: region.write32(0, 0),
            lambda: region.read(0, 4), lambda: region.write(0, b"1234"), lambda: region.areas,
            lambda: region.map(0, PAGE), lambda: irq.info, lambda: irq.enable([None]),
            irq.disable, irq.mask, irq.unmask, irq.trigger, lambda: irq.set_resample(None),
            lambda: config.vendor, lambda: config.write(4, 2, 0),
            lambda: config.find_capability(5), lambda: config.set_bus_master(True),
            lambda: ioas.id, lambda: ioas.map(buffer), lambda: ioas.map_file(0, PAGE),
            lambda: ioas.mapv([buffer]), lambda: ioas.unmap(0, PAGE), ioas.unmap_all,
            lambda: ioas.copy(ioas, 0, PAGE), lambda: ioas.ranges, lambda: ioas.alignment,
            lambda: ioas.allow([]), lambda: ioas.huge_pages, lambda: ioas.va_to_iova(buffer),
            lambda: ioas.iova_to_va(0), lambda: list(ioas),
        ]
        for number, use in enumerate(uses):
            with self.subTest(number), self.assertRaisesRegex(ValueError, "closed"):
                use()

    def test_forgotten_objects_are_closed_with_a_warning(self) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            ctx = Context(machine=self.machine)
            ioas = IOAS(ctx)
            dev = Device(ctx, EDU)
            dev.attach(ioas)
            self.assertEqual(self.machine.counts.attached, 1)
            del ctx, ioas, dev
            gc.collect()
        self.assertEqual(len([w for w in caught if w.category is ResourceWarning]), 3)
        counts = self.machine.counts
        self.assertEqual((counts.fds, counts.ioas, counts.bound), (1, 0, 0))

    def test_warning_as_error_still_closes(self) -> None:
        import sys
        seen = []
        hook, sys.unraisablehook = sys.unraisablehook, seen.append
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", ResourceWarning)
                Context(machine=self.machine)
                gc.collect()
        finally:
            sys.unraisablehook = hook
        self.assertEqual(len(seen), 1)
        self.assertEqual(self.machine.counts.fds, 1)
        seen.clear()

    def test_failed_opens_leave_nothing(self) -> None:
        before = open_fds()
        for name in ("0000:7f:1f.7", "nonsense", ""):
            with self.assertRaises(OSError):
                Device(self.ctx, name)
        self.assertEqual(open_fds(), before)
        self.assertEqual(self.machine.counts.bound, 0)

    def test_repr(self) -> None:
        self.assertRegex(repr(self.ctx), r"<Context at 0x[0-9a-f]+>")
        self.ctx.close()
        self.assertEqual(repr(self.ctx), "<Context closed>")

    def test_buffers_can_be_closed_after_everything_else(self) -> None:
        buffer = mmap.mmap(-1, PAGE)
        ioas = self.ioas()
        ioas.map(buffer)
        with self.assertRaises(BufferError):
            buffer.close()
        ioas.close()
        buffer.close()


if __name__ == "__main__":
    unittest.main()
