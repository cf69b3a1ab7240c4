# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Mock devices: the same programs run on the emulated kernel and in the lab.

mock_tests = \
	tests/unit/test-emu-mock-beside \
	tests/unit/test-emu-mock-device \
	tests/unit/test-emu-mock-dirty \
	tests/unit/test-emu-mock-fault \
	tests/unit/test-emu-mock-hwqueue \
	tests/unit/test-emu-mock-nested \
	tests/unit/test-emu-mock-pasid \
	tests/unit/test-emu-mock-veventq \
	tests/unit/test-emu-mock-viommu
mock_libs = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_mock_beside_SOURCES = tests/unit/test-emu-mock-beside.c tests/unit/test-emu-mock.h
tests_unit_test_emu_mock_beside_CFLAGS = $(unit_cflags)
tests_unit_test_emu_mock_beside_LDADD = $(mock_libs)

tests_unit_test_emu_mock_device_SOURCES = tests/unit/test-emu-mock-device.c tests/unit/test-emu-mock.h
tests_unit_test_emu_mock_device_CFLAGS = $(unit_cflags)
tests_unit_test_emu_mock_device_LDADD = $(mock_libs)

tests_unit_test_emu_mock_dirty_SOURCES = tests/unit/test-emu-mock-dirty.c tests/unit/test-emu-mock.h
tests_unit_test_emu_mock_dirty_CFLAGS = $(unit_cflags)
tests_unit_test_emu_mock_dirty_LDADD = $(mock_libs)

tests_unit_test_emu_mock_fault_SOURCES = tests/unit/test-emu-mock-fault.c tests/unit/test-emu-mock.h
tests_unit_test_emu_mock_fault_CFLAGS = $(unit_cflags)
tests_unit_test_emu_mock_fault_LDADD = $(mock_libs)

tests_unit_test_emu_mock_hwqueue_SOURCES = tests/unit/test-emu-mock-hwqueue.c tests/unit/test-emu-mock.h
tests_unit_test_emu_mock_hwqueue_CFLAGS = $(unit_cflags)
tests_unit_test_emu_mock_hwqueue_LDADD = $(mock_libs)

tests_unit_test_emu_mock_nested_SOURCES = tests/unit/test-emu-mock-nested.c tests/unit/test-emu-mock.h
tests_unit_test_emu_mock_nested_CFLAGS = $(unit_cflags)
tests_unit_test_emu_mock_nested_LDADD = $(mock_libs)

tests_unit_test_emu_mock_pasid_SOURCES = tests/unit/test-emu-mock-pasid.c tests/unit/test-emu-mock.h
tests_unit_test_emu_mock_pasid_CFLAGS = $(unit_cflags)
tests_unit_test_emu_mock_pasid_LDADD = $(mock_libs)

tests_unit_test_emu_mock_veventq_SOURCES = tests/unit/test-emu-mock-veventq.c tests/unit/test-emu-mock.h
tests_unit_test_emu_mock_veventq_CFLAGS = $(unit_cflags)
tests_unit_test_emu_mock_veventq_LDADD = $(mock_libs)

tests_unit_test_emu_mock_viommu_SOURCES = tests/unit/test-emu-mock-viommu.c tests/unit/test-emu-mock.h
tests_unit_test_emu_mock_viommu_CFLAGS = $(unit_cflags)
tests_unit_test_emu_mock_viommu_LDADD = $(mock_libs)

unit_tests += $(mock_tests)
