# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The emulated kernel's groups and containers.

group_headers = tests/unit/test-emu.h tests/unit/test-emu-edu.h tests/unit/test-emu-group.h
emu_tests += \
	tests/unit/test-emu-compat \
	tests/unit/test-emu-group \
	tests/unit/test-emu-group-old \
	tests/unit/test-emu-type1 \
	tests/unit/test-emu-type1-facts

tests_unit_test_emu_compat_SOURCES = tests/unit/test-emu-compat.c $(group_headers)
tests_unit_test_emu_compat_CFLAGS = $(unit_cflags)
tests_unit_test_emu_compat_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_group_SOURCES = tests/unit/test-emu-group.c $(group_headers)
tests_unit_test_emu_group_CFLAGS = $(unit_cflags)
tests_unit_test_emu_group_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_type1_SOURCES = tests/unit/test-emu-type1.c $(group_headers)
tests_unit_test_emu_type1_CFLAGS = $(unit_cflags)
tests_unit_test_emu_type1_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_type1_facts_SOURCES = tests/unit/test-emu-type1-facts.c $(group_headers)
tests_unit_test_emu_type1_facts_CFLAGS = $(unit_cflags)
tests_unit_test_emu_type1_facts_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)

tests_unit_test_emu_group_old_SOURCES = tests/unit/test-emu-group-old.c $(group_headers)
tests_unit_test_emu_group_old_CFLAGS = $(unit_cflags)
tests_unit_test_emu_group_old_LDADD = libiommufd-emu.la $(CMOCKA_LIBS)
