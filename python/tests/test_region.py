# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Regions: registers, blocks and mappings."""

from __future__ import annotations

import errno
import gc
import time
import unittest
import warnings

from base import (DMA_SOURCE, EDU, EDU_MSIX, FACTORIAL, ID, LIVENESS, PAGE, MachineTest, ready)
from iommufd import Device, EventFd, RegionFlag, RegionIndex


class RegionTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.dev = ready(self.device())
        self.bar = self.dev.region(RegionIndex.BAR0)

    def test_info(self) -> None:
        info = self.bar.info
        self.assertEqual(info.length, 1 << 20)
        self.assertTrue({RegionFlag.READ, RegionFlag.WRITE, RegionFlag.MAP}
                        <= {flag for flag in RegionFlag if flag in info.flags})
        self.assertEqual((info.type, info.subtype), (0, 0))
        self.assertEqual(info.num_areas, len(self.bar.areas))

    def test_regions_that_exist(self) -> None:
        regions = self.dev.regions
        self.assertEqual(list(regions), [RegionIndex.BAR0, RegionIndex.CONFIG])
        self.assertGreaterEqual(regions[RegionIndex.CONFIG].info.length, 256)
        self.assertEqual(self.dev.region(RegionIndex.BAR1).info.length, 0)

    def test_no_such_region(self) -> None:
        self.assertFails(errno.EINVAL, lambda: self.dev.region(99).info)
        with self.assertRaises(OverflowError):
            self.dev.region(1 << 32).info

    def test_whole_region_is_one_area(self) -> None:
        self.assertEqual(self.bar.areas, [(0, 1 << 20)])

    def test_registers(self) -> None:
        self.assertEqual(self.bar.read32(ID), 0x010000ed)
        self.bar.write32(LIVENESS, 0x12345678)
        self.assertEqual(self.bar.read32(LIVENESS), 0xedcba987)
        self.bar.write64(DMA_SOURCE, 0x1122334455667788)
        self.assertEqual(self.bar.read64(DMA_SOURCE), 0x1122334455667788)

    def test_factorial(self) -> None:
        self.bar.write32(FACTORIAL, 10)
        deadline = time.monotonic() + 5
        while self.bar.read32(FACTORIAL) != 3628800:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)

    def test_narrow_accesses_reach_the_configuration_space(self) -> None:
        config = self.dev.region(RegionIndex.CONFIG)
        self.assertEqual(config.read16(0), 0x1234)
        self.assertEqual([config.read8(2), config.read8(3)], [0xe8, 0x11])
        self.assertEqual(config.read32(0), 0x11e81234)
        line = config.read8(0x3c)
        config.write8(0x3c, 0x5a)
        self.assertEqual(config.read8(0x3c), 0x5a)
        config.write8(0x3c, line)
        command = config.read16(4)
        config.write16(4, command)
        self.assertEqual(config.read16(4), command)

    def test_blocks(self) -> None:
        config = self.dev.region(RegionIndex.CONFIG)
        self.assertEqual(config.read(0, 4), b"\x34\x12\xe8\x11")
        self.assertEqual(config.read(1, 2), b"\x12\xe8")
        config.write(0x3c, b"\x77")
        self.assertEqual(config.read(0x3c, 1), b"\x77")

    def test_refused_accesses(self) -> None:
        end = self.bar.info.length
        self.assertFails(errno.EINVAL, self.bar.read32, 2)
        self.assertFails(errno.EINVAL, self.bar.read32, end)
        self.assertFails(errno.EINVAL, self.bar.read, end - 2, 4)
        self.assertFails(errno.EINVAL, self.bar.read, 0, 0)
        self.assertFails(errno.EINVAL, self.bar.write, 0, b"")
        self.assertFails(errno.EINVAL, self.dev.region(RegionIndex.BAR1).read32, 0)
        for value in (-1, 1 << 32):
            with self.assertRaises(OverflowError):
                self.bar.write32(0, value)
        with self.assertRaises(OverflowError):
            self.bar.read32(-4)

    def test_eventfd_writes_a_register(self) -> None:
        with EventFd() as event:
            self.bar.set_ioeventfd(LIVENESS, 4, 0x12345678, event.fileno())
            self.assertFails(errno.EEXIST, self.bar.set_ioeventfd, LIVENESS, 4, 0x12345678,
                             event.fileno())
            event.write()
            deadline = time.monotonic() + 5
            while self.bar.read32(LIVENESS) != 0xedcba987:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.001)
            self.bar.set_ioeventfd(LIVENESS, 4, 0x12345678, -1)
        self.assertFails(errno.ENOENT, self.bar.set_ioeventfd, LIVENESS, 4, 0x12345678, -1)

    def test_memory_decoding_off(self) -> None:
        self.dev.config.set_memory(False)
        self.assertFails(errno.EIO, self.bar.read32, ID)
        self.dev.config.set_memory(True)
        self.assertEqual(self.bar.read32(ID), 0x010000ed)


class MappedRegionTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.dev = ready(self.device())
        self.bar = self.dev.region(RegionIndex.BAR0)

    def test_registers(self) -> None:
        with self.bar.map(0, PAGE) as mapped:
            self.assertEqual(len(mapped), PAGE)
            self.assertEqual(mapped.read32(ID), 0x010000ed)
            self.assertEqual(mapped.read8(ID), 0xed)
            self.assertEqual(mapped.read16(ID), 0x00ed)
            mapped.write32(LIVENESS, 0x0f0f0f0f)
            time.sleep(0.05)
            self.assertEqual(mapped.read32(LIVENESS), 0xf0f0f0f0)
            self.assertEqual(self.machine.counts.bar_maps, 1)
        self.assertEqual(self.machine.counts.bar_maps, 0)

    def test_wide_and_narrow_writes(self) -> None:
        with self.bar.map(0, PAGE) as mapped:
            mapped.write64(DMA_SOURCE, 0x1122334455667788)
            time.sleep(0.05)
            self.assertEqual(mapped.read64(DMA_SOURCE), 0x1122334455667788)

    def test_view(self) -> None:
        with self.bar.map(0, PAGE) as mapped:
            self.assertEqual(mapped.view[:4].tobytes(), b"\xed\x00\x00\x01")
            self.assertEqual((mapped.view.format, mapped.view.readonly), ("B", False))
            self.assertEqual(mapped.view.cast("I")[0], 0x010000ed)

    def test_whole_region(self) -> None:
        with self.bar.map() as mapped:
            self.assertEqual(len(mapped), 1 << 20)
        with self.bar.map(PAGE) as mapped:
            self.assertEqual(len(mapped), (1 << 20) - PAGE)

    def test_read_only(self) -> None:
        with self.bar.map(0, PAGE, write=False) as mapped:
            self.assertTrue(mapped.view.readonly)
            self.assertEqual(mapped.read32(ID), 0x010000ed)
            with self.assertRaises(TypeError):
                mapped.write32(LIVENESS, 1)

    def test_accesses_outside(self) -> None:
        with self.bar.map(0, PAGE) as mapped:
            for offset in (-4, 2, PAGE - 2, PAGE):
                with self.assertRaises(ValueError):
                    mapped.read32(offset)
            with self.assertRaises(OverflowError):
                mapped.write32(0, 1 << 32)

    def test_refusals(self) -> None:
        self.assertFails(errno.EINVAL, self.bar.map, 0, 100)
        self.assertFails(errno.EINVAL, self.bar.map, 0, 2 << 20)
        self.assertFails(errno.EINVAL, self.bar.map, 0, PAGE, read=False, write=False)
        self.assertFails(errno.EOPNOTSUPP, self.dev.region(RegionIndex.CONFIG).map, 0, PAGE)

    def test_closed(self) -> None:
        mapped = self.bar.map(0, PAGE)
        view = mapped.view
        mapped.close()
        mapped.close()
        self.assertTrue(mapped.closed)
        for use in (lambda: mapped.view, lambda: mapped.read32(0), lambda: mapped.address,
                    lambda: mapped.write32(0, 0), mapped.__enter__, lambda: view[0]):
            with self.assertRaises(ValueError):
                use()

    def test_slice_in_use_refuses_close(self) -> None:
        mapped = self.bar.map(0, PAGE)
        part = mapped.view[0:4]
        for _ in range(2):
            with self.assertRaises(BufferError):
                mapped.close()
            self.assertEqual(part.tobytes(), b"\xed\x00\x00\x01")
            self.assertEqual(mapped.read32(ID), 0x010000ed)
        part.release()
        mapped.close()
        self.assertEqual(self.machine.counts.bar_maps, 0)

    def test_exported_view_refuses_close(self) -> None:
        mapped = self.bar.map(0, PAGE)
        wrapped = memoryview(mapped.view)
        with self.assertRaises(BufferError):
            mapped.close()
        wrapped.release()
        mapped.close()

    def test_device_close_unmaps(self) -> None:
        mapped = self.bar.map(0, PAGE)
        self.dev.close()
        self.assertTrue(mapped.closed)
        self.assertEqual(self.machine.counts.bar_maps, 0)

    def test_device_close_is_refused_while_a_slice_is_in_use(self) -> None:
        mapped = self.bar.map(0, PAGE)
        part = mapped.view[0:4]
        with self.assertRaises(BufferError):
            self.dev.close()
        self.assertEqual(part.tobytes(), b"\xed\x00\x00\x01")
        self.assertFalse(self.dev.closed)
        part.release()
        self.dev.close()

    def test_view_keeps_the_mapping(self) -> None:
        view = self.bar.map(0, PAGE).view
        gc.collect()
        self.assertEqual(view[:4].tobytes(), b"\xed\x00\x00\x01")
        self.assertEqual(self.machine.counts.bar_maps, 1)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            del view
            gc.collect()
        self.assertEqual([w.category for w in caught], [ResourceWarning])
        self.assertEqual(self.machine.counts.bar_maps, 0)

    def test_view_keeps_the_device(self) -> None:
        self.dev.close()
        dev = Device(self.ctx, EDU)
        view = dev.region(RegionIndex.BAR0).map(0, PAGE).view
        del dev
        gc.collect()
        self.assertEqual(view[:4].tobytes(), b"\xed\x00\x00\x01")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            del view
            gc.collect()
        counts = self.machine.counts
        self.assertEqual((counts.bar_maps, counts.bound), (0, 0))


class MsixRegionTest(MachineTest):
    def test_bar_with_the_table(self) -> None:
        bar = self.device(EDU_MSIX).region(RegionIndex.BAR2)
        info = bar.info
        self.assertGreater(info.length, 0)
        self.assertEqual(info.num_areas, len(bar.areas))
        for area in bar.areas:
            self.assertLessEqual(area.offset + area.length, info.length)


if __name__ == "__main__":
    unittest.main()
