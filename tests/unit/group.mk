# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The emulated kernel's groups and containers.

group_headers = tests/unit/test-emu.h tests/unit/test-emu-edu.h tests/unit/test-emu-group.h
emu_tests += \
	tests/unit/test-emu-group

tests_unit_test_emu_group_SOURCES = tests/unit/test-emu-group.c $(group_headers)
tests_unit_test_emu_group_CFLAGS = $(unit_cflags)
tests_unit_test_emu_group_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)
