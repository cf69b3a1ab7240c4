# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Programs on a real kernel in a virtual machine; see doc/lab.md.

EXTRA_DIST += tests/lab/run tests/lab/build-kernel tests/lab/stock-kernel \
	tests/lab/pack-initramfs tests/lab/init tests/lab/kernel.config tests/lab/programs \
	tests/lab/check-run tests/lab/check-programs tests/lab/matrix tests/lab/check-matrix \
	doc/lab.md

TESTS += tests/lab/check-programs
check_PROGRAMS += tests/lab/smoke tests/lab/smoke-group
tests_lab_smoke_SOURCES = tests/lab/smoke.c tests/lab/raw.c tests/lab/raw.h
tests_lab_smoke_group_SOURCES = tests/lab/smoke-group.c tests/lab/raw.c tests/lab/raw.h

# All of tests/lab/programs on each IOMMU; LAB_IOMMUS=vtd for one, LAB_FLAGS for run's options.
# Then the lab's own checks on the machines that only the matrix uses otherwise.
LAB_IOMMUS = vtd virtio amd
LAB_MACHINES = '--iommu none' '--served-by-iommufd' '--stock --user --grant groups'
check-lab: all $(check_PROGRAMS)
	@status=0; for iommu in $(LAB_IOMMUS); do \
		'$(srcdir)/tests/lab/run' --builddir . --iommu $$iommu $(LAB_FLAGS) || status=1; \
	done; for machine in $(LAB_MACHINES); do \
		'$(srcdir)/tests/lab/run' --builddir . $$machine $(LAB_FLAGS) \
			tests/lab/smoke tests/lab/smoke-group || status=1; \
	done; exit $$status

# The same programs on every backend; MATRIX_ROWS=emulated boots nothing.
MATRIX_ROWS = all
check-matrix: all $(check_PROGRAMS)
	@'$(srcdir)/tests/lab/matrix' --builddir . --rows '$(MATRIX_ROWS)' $(MATRIX_FLAGS)

check-checks: check-checks-of-lab
check-checks-of-lab:
	@'$(srcdir)/tests/lab/check-matrix'

.PHONY: check-lab check-matrix check-checks-of-lab
