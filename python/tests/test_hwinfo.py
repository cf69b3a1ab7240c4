# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What the kernel tells of the IOMMU in front of a device."""

from __future__ import annotations

import errno
import struct

import unittest

from base import EDU, MachineTest
from iommufd import Cap, Context, Device, HwCap, HwField, HwFieldFlag, HwInfo, HwInfoType
from iommufd import _structs as s


class HwInfoTest(MachineTest):
    def test_emulated_iommu(self) -> None:
        dev = self.device()
        self.assertTrue(dev.has(Cap.HW_INFO))
        info = dev.hw_info
        self.assertIs(info.type, HwInfoType.INTEL_VTD)
        self.assertEqual((len(info.data), info.data_length, info.pasid_width), (24, 24, 0))
        self.assertEqual(info.capabilities, HwCap.ATS_NOT_SUPPORTED)
        self.assertEqual(info.get("ecap.IRO"), 15)
        self.assertEqual(info.get("cap.MGAW"), 38)
        self.assertIsNone(info.get("EFR.HATS"))
        values = {f"{field.reg}.{field.name}": field.value for field in info}
        self.assertEqual((values["cap.MGAW"], values["ecap.FLTS"]), (38, 0))

    def test_of_a_type(self) -> None:
        dev = self.device()
        self.assertEqual(dev.get_hw_info(HwInfoType.INTEL_VTD).data, dev.hw_info.data)
        error = self.assertFails(errno.EOPNOTSUPP, dev.get_hw_info, HwInfoType.AMD)
        self.assertEqual(error.operation, "IOMMU_GET_HW_INFO")

    def test_by_group(self) -> None:
        with Context(machine=self.machine, backend="group+iommufd") as ctx, \
                Device(ctx, EDU) as dev:
            self.assertFalse(dev.has(Cap.HW_INFO))
            self.assertFails(errno.EOPNOTSUPP, dev.get_hw_info)

    def test_made_up(self) -> None:
        raw = struct.pack("QQ", 0x10, 1 << 11)
        made = s.HwInfo.make(type=HwInfoType.AMD, data_length=len(raw))
        made.data[:len(raw)] = raw
        info = HwInfo(made)
        self.assertEqual([field for field in info if field.value],
                         [HwField("EFR", "GTSup", 1, 4, 1, HwFieldFlag.GUEST,
                                  "guest translation, and with it PASIDs"),
                          HwField("EFR2", "HTRangeIgnore", 1, 11, 1, HwFieldFlag(0),
                                  "the HyperTransport range is an address as any other")])

    def test_unknown_type(self) -> None:
        info = HwInfo(s.HwInfo.make(type=0xfeedbeef, data_length=8))
        self.assertEqual((info.type, list(info), info.data), (0xfeedbeef, [], bytes(8)))


if __name__ == "__main__":
    unittest.main()
