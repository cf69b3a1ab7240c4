# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Hand-offs between a broker and one who may open nothing."""

from __future__ import annotations

import errno
import gc
import socket
import unittest

from base import EDU, EDU_2, EDU_GROUPED, REACH, MachineTest, fetch, memory, ready, store
from iommufd import Context, Device, GroupPolicy, Handoff, HandoffKind, IOAS
from iommufd.emu import Machine


class HandoffTest(MachineTest):
    def setUp(self) -> None:
        super().setUp()
        self.sender, self.receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(self.sender.close)
        self.addCleanup(self.receiver.close)
        self.sent = self.keep(Handoff(self.ctx))

    def receive(self) -> Handoff:
        return self.keep(Handoff.receive(self.receiver, machine=self.machine))

    def pass_on(self) -> Handoff:
        self.sent.send(self.sender)
        return self.receive()

    def test_dma(self) -> None:
        self.sent.add(EDU, cookie=7)
        handoff = self.pass_on()
        ctx = self.keep(handoff.open())
        dev = ready(self.keep(handoff.find_device(EDU)))
        self.assertIs(ctx.find_device(7), dev)
        self.assertEqual((dev.name, dev.cookie), (EDU, 7))
        handoff.close()
        ioas = self.keep(IOAS(ctx))
        page = memory(1, 0x5a)
        iova = ioas.map(page, last=REACH)
        dev.attach(ioas)
        fetch(dev, iova, 64)
        page[:64] = bytes(64)
        store(dev, iova, 64)
        self.assertEqual(page[:64], b"\x5a" * 64)

    def test_items(self) -> None:
        self.sent.add(EDU, cookie=7)
        bound = self.device(EDU_2)
        self.sent.add_device(bound)
        items = self.pass_on().items
        self.assertEqual([item.kind for item in items],
                         [HandoffKind.CTX, HandoffKind.CDEV, HandoffKind.BOUND])
        self.assertEqual([item.name for item in items], ["", EDU, EDU_2])
        self.assertEqual([item.cookie for item in items], [0, 7, 0])
        self.assertEqual([item.group for item in items], [-1, 3, 4])
        self.assertEqual([item.id for item in items], [0, 0, bound.info.id])
        self.assertTrue(all(item.fd >= 0 for item in items))

    def test_bound(self) -> None:
        with self.device(EDU_2) as bound:
            self.sent.add_device(bound)
            self.assertFails(errno.EEXIST, self.sent.add_device, bound)
        handoff = self.pass_on()
        ctx = self.keep(handoff.open())
        with handoff.find_device(EDU_2) as dev:
            dev.attach(self.keep(IOAS(ctx)))

    def test_group(self) -> None:
        self.sent.add_group(8)
        self.assertFails(errno.ENOENT, self.sent.add_group, 4711)
        handoff = self.pass_on()
        self.assertEqual([item.kind for item in handoff.items],
                         [HandoffKind.CTX, HandoffKind.GROUP])
        with handoff.open() as ctx, Device(ctx, EDU_GROUPED[1]) as dev:
            self.assertEqual(dev.transport, "group")

    def test_members(self) -> None:
        self.sent.add_group(8)
        self.sent.add(EDU_GROUPED[1])
        handoff = self.pass_on()
        self.assertEqual(handoff.items[2].kind, HandoffKind.MEMBER)
        with handoff.open(group_policy=GroupPolicy.ONE_IOAS):
            self.assertEqual(self.keep(handoff.find_device(EDU_GROUPED[1])).transport, "group")

    def test_token_goes_along(self) -> None:
        self.sent.add(EDU, vf_token=b"fifteen letters.")
        handoff = self.pass_on()
        error = self.assertFails(errno.EINVAL, handoff.open)
        self.assertIn("token", error.message + error.remedy)

    def test_buffers_are_held_while_its_devices_can_reach_them(self) -> None:
        self.sent.add(EDU)
        handoff = self.pass_on()
        with handoff.open() as ctx:
            page = memory()
            with handoff.find_device(EDU) as dev, IOAS(ctx) as ioas:
                ioas.map(page)
                dev.attach(ioas)
            self.assertRaises(BufferError, page.close)
            handoff.close()
            page.close()

    def test_full(self) -> None:
        for group in range(260):
            self.machine.add_device(f"0000:{group // 32 + 16:02x}:{group % 32:02x}.0",
                                    group=100 + group)
        for group in range(252):
            self.sent.add_group(100 + group)
        error = self.assertFails(errno.ENOSPC, self.sent.add_group, 352)
        self.assertIn("253", error.message)
        self.assertFails(errno.ENOSPC, self.sent.add, EDU)
        size = self.sender.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        self.sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20000)
        error = self.assertFails(errno.EMSGSIZE, self.sent.send, self.sender)
        self.assertIn("SO_SNDBUF", error.remedy)
        self.sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        handoff = self.pass_on()
        self.assertEqual(len(handoff.items), 253)
        self.assertEqual(handoff.items[252].group, 351)

    def test_largest_on_a_stream(self) -> None:
        for group in range(252):
            self.machine.add_device(f"0000:{group // 32 + 16:02x}:{group % 32:02x}.0",
                                    group=100 + group)
            self.sent.add_group(100 + group)
        sender, receiver = socket.socketpair()
        with sender, receiver:
            sender.setblocking(False)
            self.sent.send(sender)
            handoff = self.keep(Handoff.receive(receiver, machine=self.machine))
            self.assertEqual(len(handoff.items), 253)

    def test_socket_by_number(self) -> None:
        self.sent.send(self.sender.fileno())
        self.keep(Handoff.receive(self.receiver.fileno(), machine=self.machine))

    def test_refusals(self) -> None:
        self.receiver.setblocking(False)
        self.assertFails(errno.EAGAIN, self.receive)
        self.sender.send(b"hello")
        self.assertFails(errno.EPROTO, self.receive)
        self.assertFails(errno.EEXIST, lambda: [self.sent.add(EDU) for _ in range(2)])
        self.assertFails(errno.ENOENT, self.sent.add, "0000:7f:00.0")
        self.assertFails(errno.ENOENT, self.sent.find_device, EDU)
        self.assertFails(errno.EINVAL, self.sent.open)
        self.receiver.close()
        self.assertFails(errno.EPIPE, self.sent.send, self.sender)

    def test_opened_twice(self) -> None:
        handoff = self.pass_on()
        with handoff.open():
            self.assertFails(errno.EALREADY, handoff.open)

    def test_closed(self) -> None:
        self.sent.close()
        with self.assertRaises(ValueError):
            self.sent.add(EDU)

    def test_other_machine(self) -> None:
        with Machine() as other:
            self.sent.send(self.sender)
            self.assertFails(errno.ENOTTY, Handoff.receive, self.receiver, machine=other)

    def test_forgotten(self) -> None:
        with Context(machine=self.machine) as ctx:
            with self.assertWarns(ResourceWarning):
                Handoff(ctx)
                gc.collect()


if __name__ == "__main__":
    unittest.main()
