# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Objects that only /dev/iommu has, on one that says what a test makes it say.
unit_tests += tests/unit/test-fault

scripted = tests/unit/scripted.c tests/unit/scripted.h

tests_unit_test_fault_SOURCES = tests/unit/test-fault.c $(scripted)
tests_unit_test_fault_CFLAGS = $(unit_cflags)
tests_unit_test_fault_LDADD = $(unit_libs)
