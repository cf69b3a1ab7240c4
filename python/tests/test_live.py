# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Live updates: a context that another process takes over."""

from __future__ import annotations

import errno
import gc
import mmap
import os
import unittest

from base import EDU, PAGE, REACH, MachineTest, fetch, memory, ready, store
from iommufd import (HWPT, IOAS, VIOMMU, Cap, Context, FaultQueue, HWPTFlag, HWQueue, Import,
                     ImportItem, ImportKind, Memory, Pasid, VDevice, VEventQueue)
from mock import FIRST, MockTest

SELFTEST, EVENT, MOCK_PASID = 0xdeadbeef, 0xbeefbeef, 4


class LiveTest(MachineTest):
    def succeed(self, **options: bool) -> Import:
        blob, fds = self.ctx.export()
        self.ctx.disown()
        return self.keep(Import(blob, fds, machine=self.machine, **options))

    def file(self, pages: int = 1) -> int:
        fd = os.memfd_create("test")
        self.addCleanup(os.close, fd)
        os.ftruncate(fd, pages * PAGE)
        return fd

    def test_dma_goes_on(self) -> None:
        fd = self.file(2)
        with mmap.mmap(fd, 2 * PAGE) as pages:
            ioas = self.ioas()
            iova = ioas.map_file(fd, 2 * PAGE, last=REACH)
            dev = ready(self.device(cookie=7))
            dev.attach(ioas)
            pages[:64] = b"\x5a" * 64
            fetch(dev, iova, 64)
            came = self.succeed()
            dev.close()
            ioas.close()
            with came.ctx as ctx, ctx.find_device(7) as dev:
                self.assertEqual(dev.name, EDU)
                store(dev, iova + PAGE, 64)
                self.assertEqual(pages[PAGE:PAGE + 64], b"\x5a" * 64)
                with came.find_ioas(came.items[0].id) as space:
                    self.assertEqual([(m.iova, m.length) for m in space], [(iova, 2 * PAGE)])
                    self.assertIs(dev.ioas, space)
                    dev.detach()

    def test_items(self) -> None:
        space = self.ioas()
        self.device(cookie=7)
        self.keep(FaultQueue(self.ctx))
        came = self.succeed()
        self.assertEqual([item.kind for item in came.items],
                         [ImportKind.IOAS, ImportKind.DEVICE, ImportKind.FAULT_QUEUE])
        self.keep(came.find_fault_queue(came.items[2].id))
        self.assertFails(errno.ENOENT, came.find_ioas, 4711)
        self.assertFails(errno.ENOENT, came.find_hwpt, 4711)
        self.assertFails(errno.EINVAL, lambda: space.id)
        self.assertFails(errno.EINVAL, self.ctx.disown)

    def test_mapped_regions(self) -> None:
        dev = ready(self.device())
        bar = dev.region(0).map()
        self.succeed()
        self.assertEqual(bar.read32(0) & 0xff, 0xed)
        dev.close()

    def test_memory_that_is_no_file(self) -> None:
        page = memory()
        space = self.ioas()
        iova = space.map(page)
        blob, fds = self.ctx.export()
        error = self.assertFails(errno.EINVAL, Import, blob, fds, machine=self.machine)
        self.assertIn(f"{iova:#x}", error.message)
        came = self.succeed(keep_process=True)
        with came.find_ioas(came.items[0].id) as taken:
            self.assertEqual([m.memory for m in taken], [Memory.OTHER])
            taken.unmap(iova, PAGE)

    def test_buffers_are_held_while_the_import_holds_the_space(self) -> None:
        self.ioas()
        came = self.succeed()
        page = memory()
        with came.find_ioas(came.items[0].id) as space:
            space.map(page)
        self.assertRaises(BufferError, page.close)
        came.close()
        page.close()

    def test_damaged(self) -> None:
        blob, fds = self.ctx.export()
        for i in range(len(blob)):
            bad = blob[:i] + bytes([blob[i] ^ 1]) + blob[i + 1:]
            error = self.assertFails(errno.EPROTONOSUPPORT if 8 <= i < 12 else errno.EPROTO,
                                     Import, bad, fds, machine=self.machine)
            self.assertTrue(error.remedy)
        self.assertFails(errno.EINVAL, Import, blob, [], machine=self.machine)

    def test_by_group(self) -> None:
        with Context(machine=self.machine, backend="group+iommufd") as ctx:
            self.assertFalse(ctx.has(Cap.DEVICE_FD))
            self.assertFails(errno.EOPNOTSUPP, ctx.export)
            self.assertFails(errno.EOPNOTSUPP, ctx.disown)

    def test_forgotten(self) -> None:
        blob, fds = self.ctx.export()
        with self.assertWarns(ResourceWarning):
            Import(blob, fds, machine=self.machine)
            gc.collect()

    def test_new_objects(self) -> None:
        came = self.succeed()
        with came.ctx as ctx, IOAS(ctx) as space:
            self.assertGreater(space.id, 0)


class GuestTest(MockTest):
    def test_pasid(self) -> None:
        dev = self.mock(MOCK_PASID)
        ioas, pasid = self.ioas(), self.keep(Pasid(dev, 5))
        pasid.attach(ioas)
        was = pasid.info
        blob, fds = self.ctx.export()
        self.ctx.disown()
        with Import(blob, fds, machine=self.machine) as came:
            self.assertIn(ImportItem(ImportKind.PASID, 5, was.device_id), came.items)
            with came.find_pasid(was.device_id, 5) as taken:
                self.assertEqual(taken.info, was)
                taken.detach()
            self.assertFails(errno.ENOENT, came.find_pasid, was.device_id, 6)

    def test_guest(self) -> None:
        dev = self.mock(cookie=7)
        ioas = self.ioas()
        parent = self.keep(HWPT(dev, ioas, HWPTFlag.NEST_PARENT))
        guest = self.keep(VIOMMU(dev, parent, SELFTEST, bytes(24)))
        self.keep(VDevice(guest, dev, 9))
        self.keep(VEventQueue(guest, EVENT, 2, event_size=4))
        page = memory()
        ioas.map(page, iova=FIRST)
        self.keep(HWQueue(guest, SELFTEST, 0, FIRST, PAGE))
        blob, fds = self.ctx.export()
        self.ctx.disown()
        came = self.keep(Import(blob, fds, keep_process=True, machine=self.machine))
        ids = {item.kind: item.id for item in came.items}
        taken = came.find_viommu(ids[ImportKind.VIOMMU])
        self.assertEqual(taken.data, b"")
        with taken, came.find_vdevice(ids[ImportKind.VDEVICE]) as virtual:
            with taken.find_device(9) as found:
                self.assertEqual(found.cookie, 7)
                self.assertIs(virtual.device, found)
        with came.find_veventq(ids[ImportKind.VEVENTQ]) as events:
            self.assertIsNone(events.read())
        with came.find_hwpt(ids[ImportKind.HWPT]) as table:
            self.assertEqual(table.info.flags, HWPTFlag.NEST_PARENT)
        queue = came.find_hw_queue(ids[ImportKind.HW_QUEUE])
        space = came.find_ioas(ids[ImportKind.IOAS])
        came.close()
        with space:
            self.assertFails(errno.EBUSY, space.unmap, FIRST, PAGE)
            queue.close()
            space.unmap(FIRST, PAGE)


if __name__ == "__main__":
    unittest.main()
