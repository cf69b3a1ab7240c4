# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# White-box tests of base/, os/, map/, vfio/ and emu/: they link the library as it is
# before the version map hides its inside.

unit_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
unit_libs = libiommufd-core.la $(CMOCKA_LIBS)
unit_tests += \
	tests/unit/test-base \
	tests/unit/test-discover \
	tests/unit/test-handoff \
	tests/unit/test-hwinfo \
	tests/unit/test-os \
	tests/unit/test-service

tests_unit_test_base_SOURCES = tests/unit/test-base.c
tests_unit_test_base_CFLAGS = $(unit_cflags)
tests_unit_test_base_LDADD = $(unit_libs)

tests_unit_test_discover_SOURCES = tests/unit/test-discover.c
tests_unit_test_discover_CFLAGS = $(unit_cflags)
tests_unit_test_discover_LDADD = $(unit_libs)

tests_unit_test_handoff_SOURCES = tests/unit/test-handoff.c
tests_unit_test_handoff_CFLAGS = $(unit_cflags)
tests_unit_test_handoff_LDADD = $(unit_libs)
tests_unit_test_hwinfo_SOURCES = tests/unit/test-hwinfo.c
tests_unit_test_hwinfo_CFLAGS = $(unit_cflags)
tests_unit_test_hwinfo_LDADD = $(unit_libs)

tests_unit_test_os_SOURCES = tests/unit/test-os.c
tests_unit_test_os_CFLAGS = $(unit_cflags)
tests_unit_test_os_LDADD = $(unit_libs)

tests_unit_test_service_SOURCES = tests/unit/test-service.c
tests_unit_test_service_CFLAGS = $(unit_cflags)
tests_unit_test_service_LDADD = $(unit_libs)

include tests/unit/map.mk
include tests/unit/backend.mk
include tests/unit/nesting.mk

# The IOVA allocator.
unit_tests += \
	tests/unit/test-map-alloc \
	tests/unit/test-map-alloc-tree

tests_unit_test_map_alloc_SOURCES = tests/unit/test-map-alloc.c tests/unit/test-map-fail.h \
	tests/unit/test-map.h
tests_unit_test_map_alloc_CFLAGS = $(unit_cflags)
tests_unit_test_map_alloc_LDADD = $(unit_libs)
tests_unit_test_map_alloc_LDFLAGS = $(AM_LDFLAGS) $(map_wrap)

tests_unit_test_map_alloc_tree_SOURCES = tests/unit/test-map-alloc-tree.c tests/unit/test-map.h
tests_unit_test_map_alloc_tree_CFLAGS = $(unit_cflags)
tests_unit_test_map_alloc_tree_LDADD = $(unit_libs)

# The emulated kernel is used as everybody uses it: through its library.
emu_tests = \
	tests/unit/test-emu \
	tests/unit/test-emu-device \
	tests/unit/test-emu-driver \
	tests/unit/test-emu-ioas \
	tests/unit/test-emu-irq \
	tests/unit/test-emu-machine \
	tests/unit/test-emu-noiommu \
	tests/unit/test-emu-noiommu-group \
	tests/unit/test-emu-proc \
	tests/unit/test-emu-region \
	tests/unit/test-emu-shape \
	tests/unit/test-emu-vfio-compat

tests_unit_test_emu_SOURCES = tests/unit/test-emu.c tests/unit/test-emu.h
tests_unit_test_emu_CFLAGS = $(unit_cflags)
tests_unit_test_emu_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_device_SOURCES = tests/unit/test-emu-device.c tests/unit/test-emu.h tests/unit/test-emu-edu.h
tests_unit_test_emu_device_CFLAGS = $(unit_cflags)
tests_unit_test_emu_device_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_driver_SOURCES = tests/unit/test-emu-driver.c tests/unit/test-emu.h tests/unit/test-emu-edu.h
tests_unit_test_emu_driver_CFLAGS = $(unit_cflags)
tests_unit_test_emu_driver_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_ioas_SOURCES = tests/unit/test-emu-ioas.c tests/unit/test-emu.h
tests_unit_test_emu_ioas_CFLAGS = $(unit_cflags)
tests_unit_test_emu_ioas_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_irq_SOURCES = tests/unit/test-emu-irq.c tests/unit/test-emu.h tests/unit/test-emu-edu.h
tests_unit_test_emu_irq_CFLAGS = $(unit_cflags)
tests_unit_test_emu_irq_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_machine_SOURCES = tests/unit/test-emu-machine.c tests/unit/test-emu.h tests/unit/test-emu-edu.h
tests_unit_test_emu_machine_CFLAGS = $(unit_cflags)
tests_unit_test_emu_machine_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_noiommu_SOURCES = tests/unit/test-emu-noiommu.c tests/unit/test-emu.h tests/unit/test-emu-edu.h
tests_unit_test_emu_noiommu_CFLAGS = $(unit_cflags)
tests_unit_test_emu_noiommu_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_noiommu_group_SOURCES = tests/unit/test-emu-noiommu-group.c tests/unit/test-emu.h tests/unit/test-emu-edu.h tests/unit/test-emu-group.h
tests_unit_test_emu_noiommu_group_CFLAGS = $(unit_cflags)
tests_unit_test_emu_noiommu_group_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_proc_SOURCES = tests/unit/test-emu-proc.c tests/unit/test-emu.h tests/unit/test-emu-edu.h tests/unit/test-emu-group.h
tests_unit_test_emu_proc_CFLAGS = $(unit_cflags)
tests_unit_test_emu_proc_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_region_SOURCES = tests/unit/test-emu-region.c tests/unit/test-emu.h tests/unit/test-emu-edu.h
tests_unit_test_emu_region_CFLAGS = $(unit_cflags)
tests_unit_test_emu_region_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_shape_SOURCES = tests/unit/test-emu-shape.c tests/unit/test-emu.h
tests_unit_test_emu_shape_CFLAGS = $(unit_cflags)
tests_unit_test_emu_shape_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_vfio_compat_SOURCES = tests/unit/test-emu-vfio-compat.c tests/unit/test-emu.h tests/unit/test-emu-edu.h tests/unit/test-emu-group.h
tests_unit_test_emu_vfio_compat_CFLAGS = $(unit_cflags)
tests_unit_test_emu_vfio_compat_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

include tests/unit/type1.mk
include tests/unit/group.mk
include tests/unit/mock.mk

check_PROGRAMS += $(emu_tests)
TESTS += $(emu_tests)

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
