# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Random operations on every backend and on a model, see tests/diff/diff.h; and
# a proof that they notice what is wrong, tests/diff/mutate.

check_PROGRAMS += tests/diff/diff-backends
TESTS += tests/diff/diff-backends

tests_diff_diff_backends_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)
tests_diff_diff_backends_LDADD = libiommufd.la libiommufd-emu.la
tests_diff_diff_backends_SOURCES = \
	tests/diff/contest.c tests/diff/contest.h \
	tests/diff/diff-backends.c tests/diff/diff.h \
	tests/diff/memory.c tests/diff/memory.h \
	tests/diff/model.c tests/diff/model.h \
	tests/diff/ops-bad.c \
	tests/diff/ops-device.c \
	tests/diff/ops-dma.c \
	tests/diff/ops-ioas.c \
	tests/diff/ops-look.c \
	tests/diff/ops-map.c \
	tests/diff/run.c tests/diff/run.h \
	tests/diff/some.c

EXTRA_DIST += tests/diff/mutate tests/diff/mutants.py

# The full count; DIFF_FLAGS for more options of the program.
DIFF_KERNELS = newest 6.6 5.10
check-diff: all tests/diff/diff-backends
	@for kernel in $(DIFF_KERNELS); do echo "== $$kernel"; \
		LIBIOMMUFD_EMU=$$kernel ./tests/diff/diff-backends --ops 1000000 $(DIFF_FLAGS) || \
			exit 1; done

# A hundred thousand on each IOMMU of the lab: some minutes.
check-diff-lab: all tests/diff/diff-backends
	@for iommu in $(LAB_IOMMUS); do \
		'$(srcdir)/tests/lab/run' --builddir . --iommu $$iommu --limit 1200 --timeout 1200 \
			'tests/diff/diff-backends --ops 100000 --dma 2000 $(DIFF_FLAGS)' || exit 1; done

# Whether it notices what is wrong.
check-mutants: all tests/diff/diff-backends
	$(PYTHON) '$(srcdir)/tests/diff/mutate' --builddir .

.PHONY: check-diff check-diff-lab check-mutants
