# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The exception: what it tells, and that it tells of the right failure."""

from __future__ import annotations

import errno
import pickle
import threading
import unittest

from base import EDU, PAGE, MachineTest, memory
from iommufd import Device, IommufdError
from iommufd._lib import lib
from iommufd.errors import failure, raise_for


class ErrorTest(MachineTest):
    def test_carries_the_record_of_the_library(self) -> None:
        ioas = self.ioas()
        ioas.map(memory(), iova=0x100000)
        error = self.assertFails(errno.EEXIST, ioas.map, memory(), iova=0x100000)
        record = lib("iommufd_error_last").contents
        self.assertEqual(error.errno, -record.code)
        self.assertEqual(error.operation, record.operation.decode())
        self.assertEqual(error.object, record.object.decode())
        self.assertEqual(error.message, record.message.decode())
        self.assertEqual(error.remedy, record.remedy.decode())
        self.assertIn("0x100000", error.message)
        self.assertTrue(error.operation and error.object and error.remedy)

    def test_is_an_os_error_and_reads_well(self) -> None:
        error = self.assertFails(errno.ENOENT, Device, self.ctx, "0000:7f:1f.7")
        self.assertIsInstance(error, OSError)
        for part in (error.object, error.operation, error.message, "[ENOENT]", error.remedy):
            self.assertIn(part, str(error))
        self.assertEqual(error.args, (errno.ENOENT, error.message))

    def test_success_leaves_no_error(self) -> None:
        self.assertFails(errno.ENOENT, Device, self.ctx, "0000:7f:1f.7")
        self.assertEqual(raise_for(0), 0)
        self.assertEqual(raise_for(7), 7)

    def test_lookup_does_not_borrow_an_older_record(self) -> None:
        older = self.assertFails(errno.ENOENT, Device, self.ctx, "0000:7f:1f.7")
        error = self.assertFails(errno.ENOENT, self.ioas().iova_to_va, 0x5000)
        self.assertNotEqual(error.message, older.message)
        self.assertEqual(error.operation, "iommufd_ioas_iova_to_va")

    def test_other_code_than_recorded_is_told_plainly(self) -> None:
        self.assertFails(errno.ENOENT, Device, self.ctx, "0000:7f:1f.7")
        error = failure(-errno.EXDEV, "some_function")
        self.assertEqual((error.errno, error.operation, error.object),
                         (errno.EXDEV, "some_function", ""))

    def test_threads_do_not_share_records(self) -> None:
        ioas = self.ioas()
        seen = []

        def other() -> None:
            try:
                ioas.unmap(1, PAGE)
            except IommufdError as error:
                seen.append(error)

        with self.assertRaises(IommufdError) as caught:
            Device(self.ctx, "0000:7f:1f.7")
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        self.assertEqual(seen[0].errno, errno.EINVAL)
        self.assertEqual(failure(-errno.ENOENT).message, caught.exception.message)

    def test_can_be_pickled(self) -> None:
        error = IommufdError(errno.EEXIST, "overlaps", "IOMMU_IOAS_MAP", "ioas 2", "unmap", 3)
        twin = pickle.loads(pickle.dumps(error))
        self.assertEqual(vars(twin), vars(error))
        self.assertEqual((twin.errno, str(twin)), (error.errno, str(error)))
        self.assertEqual(str(error),
                         "ioas 2: IOMMU_IOAS_MAP: overlaps [EEXIST] (element 3); unmap")

    def test_device_name_is_named(self) -> None:
        self.device(EDU)
        error = self.assertFails(errno.EBUSY, Device, self.ctx, EDU)
        self.assertIn(EDU, str(error))


if __name__ == "__main__":
    unittest.main()
