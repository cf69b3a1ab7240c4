# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The type1 engine: what containers answer, and the engine with groups on the
# emulated kernel.

type1_headers = tests/unit/test-type1.h tests/unit/test-emu.h tests/unit/test-emu-edu.h \
	tests/unit/test-emu-group.h
type1_libs = libiommufd-core.la libiommufd-emu.la $(CMOCKA_LIBS)
unit_tests += \
	tests/unit/test-type1-adopt \
	tests/unit/test-type1-container \
	tests/unit/test-type1-dirty \
	tests/unit/test-type1-info \
	tests/unit/test-type1-leave

tests_unit_test_type1_adopt_SOURCES = tests/unit/test-type1-adopt.c $(type1_headers)
tests_unit_test_type1_adopt_CFLAGS = $(unit_cflags)
tests_unit_test_type1_adopt_LDADD = $(type1_libs)

tests_unit_test_type1_container_SOURCES = tests/unit/test-type1-container.c $(type1_headers)
tests_unit_test_type1_container_CFLAGS = $(unit_cflags)
tests_unit_test_type1_container_LDADD = $(type1_libs)

tests_unit_test_type1_dirty_SOURCES = tests/unit/test-type1-dirty.c $(type1_headers)
tests_unit_test_type1_dirty_CFLAGS = $(unit_cflags)
tests_unit_test_type1_dirty_LDADD = $(type1_libs)

tests_unit_test_type1_info_SOURCES = tests/unit/test-type1-info.c
tests_unit_test_type1_info_CFLAGS = $(unit_cflags)
tests_unit_test_type1_info_LDADD = $(unit_libs)

tests_unit_test_type1_leave_SOURCES = tests/unit/test-type1-leave.c $(type1_headers)
tests_unit_test_type1_leave_CFLAGS = $(unit_cflags)
tests_unit_test_type1_leave_LDADD = $(type1_libs)
