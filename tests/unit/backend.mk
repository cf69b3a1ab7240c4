# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The choice of the backend, and the engine without an IOMMU, on kernels made up.
unit_tests += \
	tests/unit/test-noiommu \
	tests/unit/test-probe

tests_unit_test_noiommu_SOURCES = tests/unit/test-noiommu.c
tests_unit_test_noiommu_CFLAGS = $(unit_cflags)
tests_unit_test_noiommu_LDADD = $(unit_libs)

tests_unit_test_probe_SOURCES = tests/unit/test-probe.c
tests_unit_test_probe_CFLAGS = $(unit_cflags)
tests_unit_test_probe_LDADD = $(unit_libs)
