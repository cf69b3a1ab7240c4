# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Programs that live through failing system calls and allocations, see
# tests/fault/fault.h, and a kernel with odd answers. They link the library
# before the version map hides it.

fault_tests += tests/fault/test-odd-container tests/fault/test-odd-device \
	tests/fault/test-odd-feature \
	tests/fault/test-odd-group tests/fault/test-odd-kernel tests/fault/test-odd-pasid

tests_fault_test_odd_container_SOURCES = tests/fault/test-odd-container.c \
	tests/fault/odd.c tests/fault/odd.h
tests_fault_test_odd_container_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_fault_test_odd_container_LDADD = libiommufd-core.la libiommufd-emu.la $(CMOCKA_LIBS)

tests_fault_test_odd_group_SOURCES = tests/fault/test-odd-group.c
tests_fault_test_odd_group_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_fault_test_odd_group_LDADD = libiommufd-core.la libiommufd-emu.la $(CMOCKA_LIBS)

tests_fault_test_odd_device_SOURCES = tests/fault/test-odd-device.c \
	tests/fault/odd.c tests/fault/odd.h
tests_fault_test_odd_device_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_fault_test_odd_device_LDADD = libiommufd-core.la libiommufd-emu.la $(CMOCKA_LIBS)

tests_fault_test_odd_feature_SOURCES = tests/fault/test-odd-feature.c \
	tests/fault/odd.c tests/fault/odd.h
tests_fault_test_odd_feature_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_fault_test_odd_feature_LDADD = libiommufd-core.la libiommufd-emu.la $(CMOCKA_LIBS)

tests_fault_test_odd_kernel_SOURCES = tests/fault/test-odd-kernel.c \
	tests/fault/odd.c tests/fault/odd.h
tests_fault_test_odd_kernel_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_fault_test_odd_kernel_LDADD = libiommufd-core.la libiommufd-emu.la $(CMOCKA_LIBS)

tests_fault_test_odd_pasid_SOURCES = tests/fault/test-odd-pasid.c \
	tests/fault/odd.c tests/fault/odd.h
tests_fault_test_odd_pasid_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_fault_test_odd_pasid_LDADD = libiommufd-core.la libiommufd-emu.la $(CMOCKA_LIBS)

if HAVE_PYTHON

fault_libs = libiommufd-core.la libiommufd-emu.la
fault_sources = tests/fault/fault.c tests/fault/fault.h tests/fault/state.c \
	tests/fault/reach.c tests/fault/reach-kernel.c tests/fault/reach.h \
	tests/fault/scenarios.c tests/fault/scenarios-container.c \
	tests/fault/scenarios-device.c \
	tests/fault/scenarios-group.c tests/fault/scenarios-guest.c \
	tests/fault/scenarios-handoff.c \
	tests/fault/scenarios-hwpt.c tests/fault/scenarios-ioas.c \
	tests/fault/scenarios-import.c \
	tests/fault/scenarios-irq.c tests/fault/scenarios-pasid.c

fault_tests += tests/fault/fault-calls tests/fault/fault-alloc

tests_fault_fault_calls_SOURCES = tests/fault/fault-calls.c $(fault_sources)
tests_fault_fault_calls_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)
tests_fault_fault_calls_LDADD = $(fault_libs)

tests_fault_fault_alloc_SOURCES = tests/fault/fault-alloc.c $(fault_sources)
tests_fault_fault_alloc_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)
tests_fault_fault_alloc_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc \
	-Wl,--wrap=realloc,--wrap=aligned_alloc,--wrap=mmap
tests_fault_fault_alloc_LDADD = $(fault_libs)

tests/fault/fault_calls-fault.$(OBJEXT): tests/fault/errnos.h
tests/fault/fault_alloc-fault.$(OBJEXT): tests/fault/errnos.h
CLEANFILES += tests/fault/errnos.h
tests/fault/errnos.h: tests/fault/gen-errnos tools/header_doc.py $(includesub_HEADERS)
	@$(MKDIR_P) tests/fault
	$(AM_V_GEN)$(PYTHON) $(srcdir)/tests/fault/gen-errnos $(srcdir) >$@.tmp && mv $@.tmp $@

endif

check_PROGRAMS += $(fault_tests)
TESTS += $(fault_tests)
EXTRA_DIST += tests/fault/gen-errnos
