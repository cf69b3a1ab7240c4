# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Checks of the tree and of what is built, not of what it does.

build_checks = \
	tests/build/uapi-check \
	tests/build/ioctls-check \
	tests/build/headers-check \
	tests/build/symbols-check \
	tests/build/layers-check \
	tests/build/doc-check \
	tests/build/licence-check \
	tests/build/abi-check \
	tests/build/install-check

TESTS += $(build_checks)
EXTRA_DIST += $(build_checks) tests/build/checklib.py tests/build/uapi-omitted \
	tests/build/uapi_headers.py tools/gen-ioctls doc/ioctls.md doc/ioctls.tsv

# Are the checks able to fail? Each spoils copies of what it looks at.
check-checks: all
	@status=0; $(AM_TESTS_ENVIRONMENT) for check in $(build_checks); do \
		echo "== $$check"; '$(srcdir)'/$$check --self-test || status=1; \
	done; exit $$status

.PHONY: check-checks
