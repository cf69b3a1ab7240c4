# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""I/O address spaces: mapping, unmapping, copying, translating."""

from __future__ import annotations

import array
import ctypes
import errno
import mmap
import os
import unittest

from base import EDU, PAGE, MachineTest, memory
from iommufd import IOAS, Context, IOASFlag, MapFlag, Memory

IOVA = 0x40000000


def address_of(buffer) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


class MapTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.space = self.ioas()

    def test_fixed(self) -> None:
        buffer = memory(4)
        self.assertEqual(self.space.map(buffer, iova=IOVA), IOVA)
        (mapping,) = self.space
        self.assertEqual(mapping.iova, IOVA)
        self.assertEqual(mapping.length, 4 * PAGE)
        self.assertEqual(mapping.va, address_of(buffer))
        self.assertEqual(mapping.flags, MapFlag.READ | MapFlag.WRITE)
        self.assertEqual(mapping.memory, Memory.VA)

    def test_fixed_at_zero(self) -> None:
        self.assertEqual(self.space.map(memory(), iova=0), 0)
        self.assertEqual([m.iova for m in self.space], [0])

    def test_chosen(self) -> None:
        iovas = [self.space.map(memory(3)) for _ in range(5)]
        self.assertNotIn(0, iovas)
        self.assertEqual(len(set(iovas)), 5)
        self.assertEqual([m.iova for m in self.space], sorted(iovas))

    def test_chosen_in_a_window(self) -> None:
        iova = self.space.map(memory(2), min=IOVA, last=IOVA + 2 * PAGE - 1)
        self.assertEqual(iova, IOVA)
        self.assertFails(errno.ENOSPC, self.space.map, memory(1), min=IOVA,
                         last=IOVA + 2 * PAGE - 1)

    def test_chosen_with_alignment(self) -> None:
        iova = self.space.map(memory(), min=IOVA + PAGE, align=1 << 21)
        self.assertEqual(iova % (1 << 21), 0)
        self.assertGreater(iova, IOVA)

    def test_window_and_fixed_place_exclude_each_other(self) -> None:
        self.assertFails(errno.EINVAL, self.space.map, memory(), iova=IOVA, min=PAGE)

    def test_permissions(self) -> None:
        self.space.map(memory(), iova=IOVA, write=False)
        self.space.map(memory(), iova=IOVA + PAGE, read=False)
        self.assertEqual([m.flags for m in self.space], [MapFlag.READ, MapFlag.WRITE])
        self.assertFails(errno.EINVAL, self.space.map, memory(), read=False, write=False)

    def test_kinds_of_buffers(self) -> None:
        backing = memory(8)
        view = memoryview(backing)
        pieces = [
            view[:PAGE],
            view[PAGE:2 * PAGE].cast("I"),
            (ctypes.c_uint32 * (PAGE // 4)).from_buffer(backing, 2 * PAGE),
        ]
        for number, piece in enumerate(pieces):
            iova = self.space.map(piece, iova=IOVA + number * PAGE)
            self.assertEqual(self.space.iova_to_va(iova, PAGE).address,
                             address_of(backing) + number * PAGE)

    def test_bytearray_and_array(self) -> None:
        for kind in (lambda n: bytearray(n), lambda n: array.array("B", bytes(n))):
            buffer = kind(3 * PAGE)
            start = -address_of(buffer) % PAGE
            iova = self.space.map(memoryview(buffer)[start:start + PAGE])
            self.assertEqual(self.space.iova_to_va(iova).address, address_of(buffer) + start)

    def test_part_of_a_buffer(self) -> None:
        self.space.map(memory(4), PAGE, iova=IOVA)
        self.assertEqual([m.length for m in self.space], [PAGE])
        with self.assertRaises(ValueError):
            self.space.map(memory(1), 2 * PAGE)

    def test_address(self) -> None:
        buffer = memory(2)
        address = address_of(buffer)
        self.space.map(address, 2 * PAGE, iova=IOVA)
        self.assertEqual(self.space.iova_to_va(IOVA), (address, 2 * PAGE))
        self.space.unmap_all()
        with self.assertRaises(TypeError):
            self.space.map(address)
        with self.assertRaises(OverflowError):
            self.space.map(-PAGE, PAGE)

    def test_memory_that_cannot_be_given(self) -> None:
        with mmap.mmap(-1, PAGE, prot=mmap.PROT_READ) as unwritable:
            for wrong, exception in ((b"bytes", TypeError), (unwritable, TypeError),
                                     (None, TypeError), ("text", TypeError),
                                     (bytearray(), ValueError),
                                     (memoryview(bytearray(16))[::2], (BufferError, TypeError))):
                with self.subTest(repr(wrong)), self.assertRaises(exception):
                    self.space.map(wrong)
        self.assertEqual(list(self.space), [])

    def test_unaligned(self) -> None:
        buffer = memory(2)
        self.assertFails(errno.EINVAL, self.space.map, buffer, 100)
        self.assertFails(errno.EINVAL, self.space.map, buffer, 0)
        self.assertFails(errno.EINVAL, self.space.map, memoryview(buffer)[16:], PAGE)
        self.assertFails(errno.EINVAL, self.space.map, buffer, iova=IOVA + 1)

    def test_overlap(self) -> None:
        self.space.map(memory(2), iova=IOVA)
        for start in (IOVA - PAGE, IOVA, IOVA + PAGE):
            self.assertFails(errno.EEXIST, self.space.map, memory(2), iova=start)
        self.assertEqual(len(list(self.space)), 1)

    def test_iova_that_does_not_fit(self) -> None:
        for iova in (-1, 1 << 64):
            with self.assertRaises(OverflowError):
                self.space.map(memory(), iova=iova)

    def test_wrap_around(self) -> None:
        self.assertFails(errno.EOVERFLOW, self.space.map, memory(2), iova=(1 << 64) - PAGE)

    def test_outside_the_ranges_of_a_device(self) -> None:
        self.device(EDU).attach(self.space)
        error = self.assertFails(errno.EADDRNOTAVAIL, self.space.map, memory(),
                                 iova=self.space.ranges[-1].last + 1)
        self.assertTrue(error.remedy)

    def test_without_huge_pages(self) -> None:
        self.assertTrue(self.space.huge_pages)
        self.space.huge_pages = False
        self.assertFalse(self.space.huge_pages)
        self.space.map(memory())
        self.assertFails(errno.EINVAL, setattr, self.space, "huge_pages", True)
        self.assertFalse(self.ioas(huge_pages=False).huge_pages)


class InfoTest(MachineTest):
    def test_counts(self) -> None:
        space = self.ioas()
        space.map(memory(3), iova=IOVA)
        with self.device(EDU) as device:
            device.attach(space)
            info = space.info
            self.assertEqual((info.mappings, info.bytes, info.attached, info.containers),
                             (1, 3 * PAGE, 1, 1))
            self.assertEqual(info.align, space.alignment)
            self.assertIsNone(info.entries_left)
        self.assertEqual(space.info.attached, 0)

    def test_flags(self) -> None:
        with IOAS(self.ctx, huge_pages=False, coalesce=True) as space:
            self.assertEqual(space.info.flags, IOASFlag.NO_HUGE_PAGES | IOASFlag.COALESCE)


class UpdateTest(MachineTest):
    """Memory that gets another address, which only some kernels can follow."""

    def test_refused_by_iommufd(self) -> None:
        space = self.ioas()
        buffer = memory(1)
        space.map(buffer, iova=IOVA)
        self.assertFails(errno.EOPNOTSUPP, space.update_va, IOVA, buffer)

    def test_followed(self) -> None:
        with Context(machine=self.machine, backend="group+type1") as ctx, IOAS(ctx) as space:
            before, now = memory(2), memory(2)
            space.map(memoryview(before)[:PAGE], iova=IOVA)
            space.map(memoryview(before)[PAGE:], iova=IOVA + PAGE)
            space.update_va(IOVA, now)
            self.assertEqual(space.iova_to_va(IOVA + PAGE, 1).address, address_of(now) + PAGE)
            before.close()
            with self.assertRaises(BufferError):
                now.close()
            space.unmap(IOVA, PAGE)
            with self.assertRaises(BufferError):
                now.close()
            space.unmap_all()
            now.close()


class MapFileTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.space = self.ioas()
        self.fd = os.memfd_create("test")
        self.addCleanup(os.close, self.fd)
        os.ftruncate(self.fd, 4 * PAGE)

    def test_map_file(self) -> None:
        iova = self.space.map_file(self.fd, 2 * PAGE, 2 * PAGE, iova=IOVA, write=False)
        self.assertEqual(iova, IOVA)
        (mapping,) = self.space
        self.assertEqual((mapping.memory, mapping.offset, mapping.length, mapping.flags),
                         (Memory.FILE, 2 * PAGE, 2 * PAGE, MapFlag.READ))
        self.assertFails(errno.ENOENT, self.space.iova_to_va, IOVA)
        self.assertEqual(self.space.unmap(IOVA, 2 * PAGE), 2 * PAGE)

    def test_descriptor_may_be_closed(self) -> None:
        other = os.dup(self.fd)
        self.space.map_file(other, PAGE)
        os.close(other)
        self.assertEqual(len(list(self.space)), 1)

    def test_past_the_end(self) -> None:
        self.assertFails(errno.EINVAL, self.space.map_file, self.fd, 8 * PAGE)

    def test_not_open(self) -> None:
        self.assertFails(errno.EBADF, self.space.map_file, 99999, PAGE)

    def test_kind_of_file(self) -> None:
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        self.assertFails(errno.EOPNOTSUPP, self.space.map_file, reader, PAGE, write=False)


class DmaAddressTest(MachineTest):
    def test_is_the_iova(self) -> None:
        space = self.ioas()
        space.map(memory(2), iova=IOVA)
        self.assertEqual(space.dma_address(IOVA + 16), (IOVA + 16, 2 * PAGE - 16))
        self.assertEqual(space.dma_address(IOVA, 8), (IOVA, 8))
        self.assertFails(errno.ENOENT, space.dma_address, IOVA + 2 * PAGE)


class MapvTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.space = self.ioas()

    def test_chosen(self) -> None:
        pieces = [memory(1), memory(2), memory(3)]
        iovas = self.space.mapv(pieces)
        self.assertEqual([self.space.iova_to_va(iova).address for iova in iovas],
                         [address_of(piece) for piece in pieces])
        self.assertEqual(len(list(self.space)), 3)

    def test_fixed(self) -> None:
        wanted = [IOVA, IOVA + 8 * PAGE]
        self.assertEqual(self.space.mapv([memory(), memory()], wanted, write=False), wanted)
        self.assertEqual([(m.iova, m.flags) for m in self.space],
                         [(iova, MapFlag.READ) for iova in wanted])

    def test_addresses(self) -> None:
        backing = memory(4)
        address = address_of(backing)
        iovas = self.space.mapv([(address, PAGE), (address + 2 * PAGE, PAGE)])
        self.assertEqual([self.space.iova_to_va(iova).address for iova in iovas],
                         [address, address + 2 * PAGE])
        self.space.unmap_all()

    def test_coalesce(self) -> None:
        backing = memory(4)
        view = memoryview(backing)
        iovas = self.space.mapv([view[i * PAGE:(i + 1) * PAGE] for i in range(4)],
                                coalesce=True)
        (mapping,) = self.space
        self.assertEqual(mapping.length, 4 * PAGE)
        self.assertEqual(iovas, [mapping.iova + i * PAGE for i in range(4)])
        self.assertFails(errno.EINVAL, self.space.unmap, iovas[1], PAGE)
        self.assertEqual(self.space.unmap(iovas[0], 4 * PAGE), 4 * PAGE)

    def test_all_or_none(self) -> None:
        self.space.map(memory(), iova=IOVA + PAGE)
        error = self.assertFails(errno.EEXIST, self.space.mapv, [memory(), memory()],
                                 [IOVA, IOVA + PAGE])
        self.assertEqual(error.index, 1)
        self.assertIn("element 1", str(error))
        self.assertEqual([m.iova for m in self.space], [IOVA + PAGE])

    def test_arguments_that_do_not_match(self) -> None:
        with self.assertRaises(ValueError):
            self.space.mapv([memory()], [IOVA, IOVA + PAGE])
        self.assertFails(errno.EINVAL, self.space.mapv, [])


class UnmapTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.space = self.ioas()

    def test_range_of_several(self) -> None:
        for number in range(4):
            self.space.map(memory(), iova=IOVA + 2 * number * PAGE)
        self.assertEqual(self.space.unmap(IOVA, 4 * PAGE), 2 * PAGE)
        self.assertEqual(len(list(self.space)), 2)
        self.assertEqual(self.space.unmap_all(), 2 * PAGE)
        self.assertEqual(self.space.unmap_all(), 0)

    def test_empty_range(self) -> None:
        self.assertEqual(self.space.unmap(IOVA, PAGE), 0)

    def test_cut(self) -> None:
        self.space.map(memory(4), iova=IOVA)
        self.assertFails(errno.EINVAL, self.space.unmap, IOVA, PAGE)
        self.assertFails(errno.EINVAL, self.space.unmap, IOVA + PAGE, 8 * PAGE)
        self.assertEqual(len(list(self.space)), 1)

    def test_bad_ranges(self) -> None:
        self.assertFails(errno.EINVAL, self.space.unmap, IOVA, 0)
        self.assertFails(errno.EINVAL, self.space.unmap, IOVA + 1, PAGE)
        self.assertFails(errno.EOVERFLOW, self.space.unmap, (1 << 64) - PAGE, 2 * PAGE)
        with self.assertRaises(OverflowError):
            self.space.unmap(-PAGE, PAGE)


class CopyTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.source, self.target = self.ioas(), self.ioas()
        self.buffer = memory(4)
        self.source.map(self.buffer, iova=IOVA)

    def test_copy_part(self) -> None:
        iova = self.target.copy(self.source, IOVA + PAGE, 2 * PAGE, write=False)
        (mapping,) = self.target
        self.assertEqual((mapping.iova, mapping.length, mapping.flags),
                         (iova, 2 * PAGE, MapFlag.READ))
        self.assertEqual(self.target.iova_to_va(iova).address, address_of(self.buffer) + PAGE)

    def test_copy_within(self) -> None:
        self.assertEqual(self.source.copy(self.source, IOVA, 4 * PAGE, iova=2 * IOVA), 2 * IOVA)
        self.assertEqual([m.iova for m in self.source], [IOVA, 2 * IOVA])

    def test_refusals(self) -> None:
        self.assertFails(errno.ENOENT, self.target.copy, self.source, IOVA, 8 * PAGE)
        self.assertFails(errno.EINVAL, self.target.copy, self.source, IOVA, 0)
        self.source.map(memory(), iova=2 * IOVA, write=False)
        self.assertFails(errno.EPERM, self.target.copy, self.source, 2 * IOVA, PAGE)
        with Context(machine=self.machine) as other, IOAS(other) as foreign:
            self.assertFails(errno.EINVAL, foreign.copy, self.source, IOVA, PAGE)
        self.assertEqual(list(self.target), [])


class RangesTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.space = self.ioas()

    def test_a_device_narrows(self) -> None:
        before = self.space.ranges
        dev = self.device()
        dev.attach(self.space)
        after = self.space.ranges
        self.assertNotEqual(before, after)
        self.assertLess(after[-1].last, 1 << 39)
        self.assertEqual(after, sorted(after))
        self.assertTrue(all(start <= last for start, last in after))
        self.assertFalse(any(start <= 0xfee00000 <= last for start, last in after))
        dev.detach()
        self.assertEqual(self.space.ranges, before)

    def test_alignment(self) -> None:
        self.assertEqual(self.space.alignment, PAGE)

    def test_allow(self) -> None:
        self.space.allow([(IOVA, IOVA + 16 * PAGE - 1)])
        iova = self.space.map(memory(4))
        self.assertTrue(IOVA <= iova < IOVA + 16 * PAGE)
        self.space.allow([])
        self.assertFails(errno.EINVAL, self.space.allow, [(IOVA, IOVA - 1)])
        self.assertFails(errno.EINVAL, self.space.allow,
                         [(IOVA, IOVA + PAGE - 1), (IOVA, IOVA + PAGE - 1)])
        with self.assertRaises(OverflowError):
            self.space.allow([(-1, IOVA)])

    def test_many_allowed_ranges(self) -> None:
        self.space.allow([(IOVA + 4 * i * PAGE, IOVA + (4 * i + 2) * PAGE - 1)
                          for i in range(40)])
        ranges = self.space.ranges
        self.assertEqual(ranges, sorted(set(ranges)))

    def test_number(self) -> None:
        self.assertNotEqual(self.space.id, self.ioas().id)


class LookupTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.space = self.ioas()
        self.buffer = memory(4)
        self.address = address_of(self.buffer)

    def test_both_ways(self) -> None:
        self.space.map(self.buffer, iova=IOVA)
        for offset in (0, 1, PAGE, 4 * PAGE - 1):
            rest = 4 * PAGE - offset
            self.assertEqual(self.space.va_to_iova(self.address + offset), (IOVA + offset, rest))
            self.assertEqual(self.space.iova_to_va(IOVA + offset), (self.address + offset, rest))

    def test_length_asked_for(self) -> None:
        self.space.map(self.buffer, iova=IOVA)
        self.assertEqual(self.space.va_to_iova(self.address, 10).length, 10)
        self.assertEqual(self.space.iova_to_va(IOVA, 10).length, 10)
        self.assertEqual(self.space.va_to_iova(self.buffer), (IOVA, 4 * PAGE))
        self.assertEqual(self.space.va_to_iova(memoryview(self.buffer)[8:16]), (IOVA + 8, 8))

    def test_contiguous_across_mappings(self) -> None:
        view = memoryview(self.buffer)
        self.space.map(view[:PAGE], iova=IOVA)
        self.space.map(view[PAGE:2 * PAGE], iova=IOVA + PAGE)
        self.space.map(view[2 * PAGE:], iova=2 * IOVA)
        self.assertEqual(self.space.va_to_iova(self.address), (IOVA, 2 * PAGE))
        self.assertEqual(self.space.va_to_iova(self.address + 2 * PAGE), (2 * IOVA, 2 * PAGE))

    def test_not_mapped(self) -> None:
        self.assertFails(errno.ENOENT, self.space.va_to_iova, self.buffer)
        self.assertFails(errno.ENOENT, self.space.iova_to_va, IOVA)
        self.space.map(self.buffer, iova=IOVA)
        self.space.unmap_all()
        self.assertFails(errno.ENOENT, self.space.va_to_iova, self.buffer)


class IterationTest(MachineTest):
    def test_up_to_the_top_of_the_address_space(self) -> None:
        space = self.ioas()
        top = space.ranges[-1].last
        self.assertEqual(top, (1 << 64) - 1 - PAGE)
        space.map(memory(), iova=IOVA)
        space.map(memory(), iova=top + 1 - PAGE)
        self.assertEqual([m.iova for m in space], [IOVA, top + 1 - PAGE])

    def test_empty(self) -> None:
        self.assertEqual(list(self.ioas()), [])

    def test_unmapping_while_iterating(self) -> None:
        space = self.ioas()
        for number in range(10):
            space.map(memory(), iova=IOVA + number * PAGE)
        for mapping in space:
            space.unmap(mapping.iova, mapping.length)
        self.assertEqual(list(space), [])


if __name__ == "__main__":
    unittest.main()
