# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT

unit_tests =
contract_tests =
fault_tests =

if HAVE_CMOCKA
include tests/unit/local.mk
include tests/contract/local.mk
include tests/fault/local.mk
endif
include tests/bench/local.mk
include tests/diff/local.mk
include tests/build/local.mk
include tests/lab/local.mk

# The programs that run the library's code, once more under a tool that sees
# what they cannot. LIBIOMMUFD_SLOW makes the random ones do fewer rounds: more of it, fewer still.
tooled_tests = $(unit_tests) $(contract_tests) $(fault_tests) tests/diff/diff-backends
EXTRA_DIST += tests/valgrind.supp

VALGRIND_FLAGS = --quiet --error-exitcode=9 --leak-check=full --track-fds=no \
	--errors-for-leak-kinds=definite,indirect,possible \
	--suppressions=$(abs_top_srcdir)/tests/valgrind.supp

check-valgrind: all $(check_PROGRAMS)
	@test -n '$(VALGRIND)' || { echo 'valgrind is not installed' >&2; exit 1; }
	LIBIOMMUFD_SLOW=4 $(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(tooled_tests)' \
		LOG_COMPILER='$(LIBTOOL) --mode=execute $(VALGRIND) $(VALGRIND_FLAGS)'

# In a tree configured with --enable-sanitizers.
check-sanitizers: all $(check_PROGRAMS)
	LIBIOMMUFD_SLOW=1 $(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(tooled_tests)'

.PHONY: check-valgrind check-sanitizers
