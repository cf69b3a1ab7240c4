# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Buffers stay alive exactly as long as they are mapped."""

from __future__ import annotations

import ctypes
import errno
import gc
import mmap
import threading
import unittest
import weakref

from base import EDU, EDU_GROUPED, PAGE, REACH, MachineTest, fetch, memory, ready, store
from iommufd import IOAS, Device
from iommufd.emu import Call


class Watched(mmap.mmap):
    """Memory that can be watched going away."""


def watched(pages: int = 1):
    buffer = Watched(-1, pages * PAGE)
    return buffer, weakref.ref(buffer)


class BuffersTest(MachineTest):
    def assertAlive(self, ref) -> None:
        gc.collect()
        self.assertIsNotNone(ref())

    def assertGone(self, ref) -> None:
        gc.collect()
        self.assertIsNone(ref())

    def test_mapped_buffer_can_neither_be_closed_nor_resized(self) -> None:
        ioas, buffer = self.ioas(), memory(2)
        iova = ioas.map(buffer)
        with self.assertRaises(BufferError):
            buffer.close()
        ioas.unmap(iova, 2 * PAGE)
        buffer.close()

    def test_until_unmap(self) -> None:
        ioas = self.ioas()
        buffer, ref = watched()
        iova = ioas.map(buffer)
        del buffer
        self.assertAlive(ref)
        ioas.unmap(iova, PAGE)
        self.assertGone(ref)

    def test_until_unmap_all(self) -> None:
        ioas = self.ioas()
        buffer, ref = watched()
        ioas.map(buffer)
        del buffer
        self.assertAlive(ref)
        ioas.unmap_all()
        self.assertGone(ref)

    def test_only_what_the_range_covers(self) -> None:
        ioas, refs = self.ioas(), []
        for number in range(5):
            buffer, ref = watched()
            ioas.map(buffer, iova=(number + 1) * 0x100000)
            refs.append(ref)
        del buffer
        ioas.unmap(0x200000, 0x200000)
        self.assertGone(refs[1])
        self.assertGone(refs[2])
        for number in (0, 3, 4):
            self.assertAlive(refs[number])

    def test_failed_map_holds_nothing(self) -> None:
        ioas = self.ioas()
        ioas.map(memory(), iova=0x100000)
        buffer, ref = watched()
        with self.assertRaises(OSError):
            ioas.map(buffer, iova=0x100000)
        del buffer
        self.assertGone(ref)

    def test_failed_unmap_keeps_all(self) -> None:
        ioas = self.ioas()
        buffer, ref = watched(2)
        ioas.map(buffer, iova=0x100000)
        del buffer
        self.assertFails(errno.EINVAL, ioas.unmap, 0x100000, PAGE)
        self.machine.inject(errno.EBUSY, calls=Call.IOCTL)
        self.assertFails(errno.EBUSY, ioas.unmap, 0x100000, 2 * PAGE)
        self.assertAlive(ref)
        self.machine.clear_fault()
        ioas.unmap(0x100000, 2 * PAGE)
        self.assertGone(ref)

    def test_unmap_that_loses_mappings_holds_what_is_left(self) -> None:
        ioas, refs = self.ioas(), []
        for number in range(3):
            buffer, ref = watched()
            ioas.map(buffer, iova=0x100000 + number * PAGE)
            refs.append(ref)
        del buffer
        for nth in range(1, 6):
            self.machine.inject(errno.EBUSY, calls=Call.IOCTL, nth=nth, count=100)
            try:
                ioas.unmap(0x100000, 3 * PAGE)
            except OSError as error:
                self.assertIn(error.errno, (errno.EBUSY, errno.EUCLEAN))
            finally:
                self.machine.clear_fault()
            gc.collect()
            left = {mapping.iova for mapping in ioas}
            for number, ref in enumerate(refs):
                self.assertEqual(0x100000 + number * PAGE in left, ref() is not None)

    def test_mapv(self) -> None:
        ioas = self.ioas()
        (one, ref_one), (two, ref_two) = watched(), watched()
        iovas = ioas.mapv([one, two])
        del one, two
        ioas.unmap(iovas[0], PAGE)
        self.assertGone(ref_one)
        self.assertAlive(ref_two)

    def test_mapv_that_fails(self) -> None:
        ioas = self.ioas()
        ioas.map(memory(), iova=0x200000)
        (one, ref_one), (two, ref_two) = watched(), watched()
        self.assertFails(errno.EEXIST, ioas.mapv, [one, two], [0x100000, 0x200000])
        del one, two
        self.assertGone(ref_one)
        self.assertGone(ref_two)

    def test_mapv_that_cannot_be_undone(self) -> None:
        ioas = self.ioas()
        (one, ref_one), (two, ref_two) = watched(), watched()
        self.machine.inject(errno.ENOMEM, calls=Call.IOCTL, nth=2, count=100)
        error = self.assertFails(errno.EUCLEAN, ioas.mapv, [one, two], [0x100000, 0x200000])
        self.machine.clear_fault()
        self.assertTrue(error.remedy)
        del one, two, error
        self.assertEqual([m.iova for m in ioas], [0x100000])
        self.assertAlive(ref_one)
        self.assertGone(ref_two)
        ioas.unmap_all()
        self.assertGone(ref_one)

    def test_copy_holds_as_well(self) -> None:
        source, target = self.ioas(), self.ioas()
        buffer, ref = watched(4)
        iova = source.map(buffer)
        del buffer
        copied = target.copy(source, iova + PAGE, 2 * PAGE)
        source.unmap_all()
        self.assertAlive(ref)
        target.unmap(copied, 2 * PAGE)
        self.assertGone(ref)

    def test_copy_that_cannot_be_undone(self) -> None:
        source, target = self.ioas(), self.ioas()
        (one, ref_one), (two, ref_two) = watched(), watched()
        source.mapv([one, two], [0x100000, 0x100000 + PAGE])
        del one, two
        self.machine.inject(errno.ENOMEM, calls=Call.IOCTL, nth=2, count=100)
        self.assertFails(errno.EUCLEAN, target.copy, source, 0x100000, 2 * PAGE, iova=0x200000)
        self.machine.clear_fault()
        self.assertEqual([m.iova for m in target], [0x200000])
        source.unmap_all()
        self.assertAlive(ref_one)
        self.assertGone(ref_two)
        target.unmap_all()
        self.assertGone(ref_one)

    def test_mapped_twice(self) -> None:
        ioas = self.ioas()
        buffer, ref = watched()
        first, second = ioas.map(buffer), ioas.map(buffer)
        del buffer
        ioas.unmap(first, PAGE)
        self.assertAlive(ref)
        ioas.unmap(second, PAGE)
        self.assertGone(ref)

    def test_closing_an_ioas_that_nobody_uses(self) -> None:
        ioas = IOAS(self.ctx)
        buffer, ref = watched()
        ioas.map(buffer)
        del buffer
        ioas.close()
        self.assertGone(ref)

    def test_closing_an_attached_ioas_keeps_them_until_detach(self) -> None:
        dev, ioas = self.device(), IOAS(self.ctx)
        buffer, ref = watched()
        ioas.map(buffer)
        del buffer
        dev.attach(ioas)
        ioas.close()
        self.assertAlive(ref)
        dev.detach()
        self.assertGone(ref)

    def test_closing_an_attached_ioas_keeps_them_until_the_device_is_closed(self) -> None:
        dev, ioas = Device(self.ctx, EDU), IOAS(self.ctx)
        buffer, ref = watched()
        ioas.map(buffer)
        del buffer
        dev.attach(ioas)
        ioas.close()
        self.ctx.close()
        self.assertAlive(ref)
        dev.close()
        self.assertGone(ref)

    def test_group_that_moves_takes_them_along(self) -> None:
        first, second = (self.device(name) for name in EDU_GROUPED)
        here, there = IOAS(self.ctx), IOAS(self.ctx)
        (old, ref_old), (new, ref_new) = watched(), watched()
        here.map(old)
        there.map(new)
        del old, new
        first.attach(here)
        second.attach(here)
        here.close()
        self.assertAlive(ref_old)
        first.replace(there)
        self.assertGone(ref_old)
        there.close()
        first.close()
        self.assertAlive(ref_new)
        second.detach()
        self.assertGone(ref_new)

    def test_threads(self) -> None:
        ioas = self.ioas()
        failures = []

        def work() -> None:
            try:
                for _ in range(30):
                    buffer, ref = watched(2)
                    iova = ioas.map(buffer)
                    del buffer
                    if ref() is None:
                        failures.append("a mapped buffer went away")
                    if ioas.unmap(iova, 2 * PAGE) != 2 * PAGE:
                        failures.append("another thread unmapped it")
            except Exception as error:
                failures.append(str(error))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(list(ioas), [])
        self.assertEqual(len(ioas._buffers), 0)

    def test_device_writes_to_a_buffer_that_only_the_ioas_knows(self) -> None:
        dev, ioas = ready(self.device()), self.ioas()
        source = memory(1, 0xa5)
        fetch_from = ioas.map(source, last=REACH)
        dev.attach(ioas)
        fetch(dev, fetch_from, 64)
        target = ioas.map(memory(), last=REACH)
        gc.collect()
        store(dev, target, 64)
        written = ctypes.string_at(ioas.iova_to_va(target).address, 64)
        self.assertEqual(written, b"\xa5" * 64)


if __name__ == "__main__":
    unittest.main()
