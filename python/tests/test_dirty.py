# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Which pages devices wrote."""

from __future__ import annotations

import errno
import unittest

from base import EDU, PAGE, MachineTest, memory
from iommufd import IOAS, Cap, Context, Device

IOVA = 0x40000000


class DirtyTest(MachineTest):
    """On a container, which counts all that is pinned."""

    def setUp(self) -> None:
        super().setUp()
        self.ctx = self.keep(Context(machine=self.machine, backend="group+type1"))
        self.space = self.keep(IOAS(self.ctx))
        self.buffer = memory(8)
        view = memoryview(self.buffer)
        self.space.map(view[:2 * PAGE], iova=IOVA)
        self.space.map(view[4 * PAGE:], iova=IOVA + 4 * PAGE)
        device = self.keep(Device(self.ctx, EDU))
        device.attach(self.space)
        self.space.track_dirty()

    def test_stretches_without_holes(self) -> None:
        self.assertTrue(self.ctx.has(Cap.DIRTY_ALL_PINNED))
        self.assertEqual(self.space.read_dirty(IOVA - PAGE, 16 * PAGE),
                         [(IOVA, 2 * PAGE), (IOVA + 4 * PAGE, 4 * PAGE)])
        self.assertEqual(self.space.read_dirty(IOVA + 2 * PAGE, 2 * PAGE), [])

    def test_larger_pages(self) -> None:
        self.assertEqual(self.space.read_dirty(IOVA, 8 * PAGE, 4 * PAGE), [(IOVA, 8 * PAGE)])
        self.assertFails(errno.EINVAL, self.space.read_dirty, IOVA, 8 * PAGE, 3 * PAGE)

    def test_cut_mapping(self) -> None:
        self.assertFails(errno.EINVAL, self.space.read_dirty, IOVA, PAGE)

    def test_unmapped(self) -> None:
        dirty = self.space.unmap_dirty(IOVA, 8 * PAGE)
        self.assertEqual(dirty.unmapped, 6 * PAGE)
        self.assertEqual(dirty.written, [(IOVA, 2 * PAGE), (IOVA + 4 * PAGE, 4 * PAGE)])
        self.assertTrue(dirty.atomic)
        self.assertEqual(list(self.space), [])
        self.buffer.close()

    def test_ended(self) -> None:
        self.space.track_dirty(False)
        self.assertFails(errno.EINVAL, self.space.read_dirty, IOVA, 8 * PAGE)


class NoDirtyTest(MachineTest):
    def test_refused(self) -> None:
        ctx = self.keep(Context(machine=self.machine, backend="group+iommufd"))
        space = self.keep(IOAS(ctx))
        self.assertFalse(ctx.has(Cap.DIRTY_TRACKING))
        self.assertFails(errno.EOPNOTSUPP, space.track_dirty)
        self.assertFails(errno.EOPNOTSUPP, space.read_dirty, IOVA, PAGE)
        self.assertFails(errno.EOPNOTSUPP, space.unmap_dirty, IOVA, PAGE)

    def test_device_that_cannot(self) -> None:
        space, device = self.ioas(), self.device()
        self.assertFalse(device.has(Cap.DIRTY_TRACKING))
        device.attach(space)
        self.assertFails(errno.EOPNOTSUPP, space.track_dirty)
        device.detach()
        space.track_dirty()
        self.assertFails(errno.EOPNOTSUPP, device.attach, space)


if __name__ == "__main__":
    unittest.main()
