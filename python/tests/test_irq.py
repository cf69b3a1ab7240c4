# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Interrupts and eventfds."""

from __future__ import annotations

import errno
import os
import threading
import time
import unittest
from unittest import mock

import iommufd.irq
from base import (DEVICE_BUFFER, EDU_MSIX, IRQ_ACK, IRQ_RAISE, IRQ_STATUS, REACH,
                  WITH_IRQ, LeakTest, MachineTest, memory, ready, start_dma)
from iommufd import EventFd, IrqFlag, IrqIndex, RegionIndex, wait

DMA_DONE = 0x100


class EventFdTest(LeakTest):
    def test_counts(self) -> None:
        with EventFd() as event:
            self.assertEqual(event.read(), 0)
            event.write()
            event.write(5)
            self.assertEqual(event.read(), 6)
            self.assertEqual(event.read(), 0)

    def test_is_closed_on_exec_and_does_not_block(self) -> None:
        with EventFd() as event:
            self.assertFalse(os.get_inheritable(event.fileno()))
            self.assertFalse(os.get_blocking(event.fileno()))

    def test_without_os_eventfd(self) -> None:
        with mock.patch.object(iommufd.irq, "os", wraps=os) as limited:
            del limited.eventfd
            with EventFd() as event:
                event.write(3)
                self.assertEqual(event.read(), 3)
                self.assertFalse(os.get_inheritable(event.fileno()))
                self.assertFalse(os.get_blocking(event.fileno()))

    def test_wait_runs_out(self) -> None:
        with EventFd() as event:
            start = time.monotonic()
            self.assertEqual(event.wait(0.05), 0)
            self.assertGreaterEqual(time.monotonic() - start, 0.045)
            self.assertEqual(event.wait(0), 0)

    def test_wait_is_woken(self) -> None:
        with EventFd() as event:
            timer = threading.Timer(0.02, event.write)
            timer.start()
            self.assertEqual(event.wait(5), 1)
            timer.join()

    def test_wait_for_several(self) -> None:
        with EventFd() as one, EventFd() as two:
            self.assertEqual(wait([one, two], 0), [])
            two.write()
            self.assertEqual(wait([one, two], 5), [two])
            one.write()
            self.assertEqual(wait([one, two], 5), [one, two])

    def test_closed(self) -> None:
        event = EventFd()
        event.close()
        event.close()
        self.assertTrue(event.closed)
        for use in (event.fileno, event.read, event.write, lambda: event.wait(0),
                    event.__enter__):
            with self.assertRaises(ValueError):
                use()

    def test_forgotten_is_closed(self) -> None:
        EventFd()


class IrqTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.dev = ready(self.device())
        self.bar = self.dev.region(RegionIndex.BAR0)
        self.event = self.keep(EventFd())
        self.msi = self.dev.irq(IrqIndex.MSI)
        self.intx = self.dev.irq(IrqIndex.INTX)

    def test_info(self) -> None:
        msi, intx = self.msi.info, self.intx.info
        self.assertEqual((msi.vectors, intx.vectors), (1, 1))
        self.assertIn(IrqFlag.EVENTFD, msi.flags)
        self.assertTrue(IrqFlag.MASKABLE in intx.flags and IrqFlag.AUTOMASKED in intx.flags)
        self.assertEqual(self.dev.irq(IrqIndex.MSIX).info.vectors, 0)
        self.assertTrue({IrqIndex.INTX, IrqIndex.MSI} <= set(self.dev.irqs))
        self.assertNotIn(IrqIndex.MSIX, self.dev.irqs)
        self.assertFails(errno.EINVAL, lambda: self.dev.irq(99).info)

    def test_msi_from_the_device(self) -> None:
        self.msi.enable([self.event])
        self.bar.write32(IRQ_RAISE, 0x1)
        self.assertEqual(self.event.wait(5), 1)
        self.assertEqual(self.bar.read32(IRQ_STATUS), 0x1)
        self.bar.write32(IRQ_ACK, 0x1)
        self.assertEqual(self.bar.read32(IRQ_STATUS), 0)
        self.msi.disable()
        self.assertEqual(self.machine.counts.eventfds, 0)
        self.bar.write32(IRQ_RAISE, 0x1)
        self.assertEqual(self.event.wait(0.05), 0)

    def test_msi_at_the_end_of_dma(self) -> None:
        ioas = self.ioas()
        iova = ioas.map(memory(), last=REACH)
        self.dev.attach(ioas)
        self.msi.enable([self.event])
        start_dma(self.bar, iova, DEVICE_BUFFER, 64, WITH_IRQ)
        self.assertEqual(self.event.wait(5), 1)
        self.assertEqual(self.bar.read32(IRQ_STATUS), DMA_DONE)

    def test_trigger(self) -> None:
        self.msi.enable([self.event])
        self.msi.trigger()
        self.assertEqual(self.event.wait(5), 1)

    def test_descriptors_instead_of_objects(self) -> None:
        self.msi.enable([self.event.fileno()])
        self.msi.trigger()
        self.assertEqual(self.event.wait(5), 1)

    def test_unconnected_vector(self) -> None:
        self.msi.enable([None])
        self.msi.disable()

    def test_event_closed_while_connected(self) -> None:
        event = EventFd()
        self.msi.enable([event])
        event.close()
        self.msi.trigger()
        self.msi.disable()

    def test_intx_masks_itself(self) -> None:
        self.intx.enable([self.event])
        self.bar.write32(IRQ_RAISE, 0x1)
        self.assertEqual(self.event.wait(5), 1)
        self.bar.write32(IRQ_ACK, 0x1)
        self.bar.write32(IRQ_RAISE, 0x2)
        self.assertEqual(self.event.wait(0.05), 0)
        self.intx.unmask()
        self.assertEqual(self.event.wait(5), 1)
        self.bar.write32(IRQ_ACK, 0x2)
        self.intx.mask()
        self.bar.write32(IRQ_RAISE, 0x4)
        self.assertEqual(self.event.wait(0.05), 0)
        self.bar.write32(IRQ_ACK, 0x4)

    def test_resample_unmasks(self) -> None:
        with EventFd() as resample:
            self.intx.enable([self.event])
            self.intx.set_resample(resample)
            self.bar.write32(IRQ_RAISE, 0x1)
            self.assertEqual(self.event.wait(5), 1)
            self.bar.write32(IRQ_ACK, 0x1)
            self.bar.write32(IRQ_RAISE, 0x2)
            self.assertEqual(self.event.wait(0.05), 0)
            resample.write()
            self.assertEqual(self.event.wait(5), 1)
            self.bar.write32(IRQ_ACK, 0x2)
            self.intx.set_resample(None)
            self.intx.disable()

    def test_refusals(self) -> None:
        self.assertFails(errno.EINVAL, self.msi.enable, [])
        self.assertFails(errno.EINVAL, self.msi.enable, [self.event], 1)
        self.assertFails(errno.EINVAL, self.msi.enable, [self.event, self.event])
        self.assertFails(errno.EBADF, self.msi.enable, [99999])
        self.assertFails(errno.EINVAL, self.msi.trigger)
        self.assertFails(errno.EINVAL, self.intx.unmask)
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        self.assertFails(errno.EINVAL, self.msi.enable, [reader])
        self.msi.enable([self.event])
        self.assertFails(errno.EINVAL, self.intx.enable, [self.event])

    def test_closed_event(self) -> None:
        self.event.close()
        with self.assertRaises(ValueError):
            self.msi.enable([self.event])

    def test_close_of_the_device_disconnects(self) -> None:
        self.msi.enable([self.event])
        self.assertEqual(self.machine.counts.eventfds, 1)
        self.dev.close()
        self.assertEqual(self.machine.counts.eventfds, 0)


class MsixTest(MachineTest):
    def test_vectors(self) -> None:
        msix = ready(self.device(EDU_MSIX)).irq(IrqIndex.MSIX)
        self.assertEqual(msix.info.vectors, 8)
        events = [self.keep(EventFd()) for _ in range(8)]
        msix.enable(events)
        msix.trigger(2, 3)
        self.assertEqual(wait(events, 5), events[2:5])
        self.assertEqual([event.read() for event in events], [0, 0, 1, 1, 1, 0, 0, 0])
        other = self.keep(EventFd())
        msix.enable([other], 3)
        msix.trigger(3)
        self.assertEqual((other.wait(5), events[3].read()), (1, 0))
        msix.disable()
        self.assertFails(errno.EINVAL, msix.trigger)


if __name__ == "__main__":
    unittest.main()
