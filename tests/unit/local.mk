# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# White-box tests of base/, os/, map/ and emu/: they link the library as it is
# before the version map hides its inside.

unit_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
unit_libs = libiommufd-core.la $(CMOCKA_LIBS)
unit_tests = \
	tests/unit/test-base \
	tests/unit/test-os

tests_unit_test_base_SOURCES = tests/unit/test-base.c
tests_unit_test_base_CFLAGS = $(unit_cflags)
tests_unit_test_base_LDADD = $(unit_libs)

tests_unit_test_os_SOURCES = tests/unit/test-os.c
tests_unit_test_os_CFLAGS = $(unit_cflags)
tests_unit_test_os_LDADD = $(unit_libs)

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
