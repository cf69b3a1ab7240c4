# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Objects that only /dev/iommu has, on one that says what a test makes it say.
unit_tests += \
	tests/unit/test-fault \
	tests/unit/test-veventq \
	tests/unit/test-viommu

scripted = tests/unit/scripted.c tests/unit/scripted.h

tests_unit_test_fault_SOURCES = tests/unit/test-fault.c $(scripted)
tests_unit_test_fault_CFLAGS = $(unit_cflags)
tests_unit_test_fault_LDADD = $(unit_libs)

tests_unit_test_veventq_SOURCES = tests/unit/test-veventq.c tests/unit/nesting.h $(scripted)
tests_unit_test_veventq_CFLAGS = $(unit_cflags)
tests_unit_test_veventq_LDADD = $(unit_libs)

tests_unit_test_viommu_SOURCES = tests/unit/test-viommu.c tests/unit/nesting.h $(scripted)
tests_unit_test_viommu_CFLAGS = $(unit_cflags)
tests_unit_test_viommu_LDADD = $(unit_libs)
