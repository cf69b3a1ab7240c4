# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# White-box tests of base/, os/, map/ and emu/.
unit_tests =
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
unit_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
unit_libs = libiommufd-core.la $(CMOCKA_LIBS)
