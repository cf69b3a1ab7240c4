# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The Python package needs no building. It is installed where pythondir says;
# see python/README.md for where that is and how to choose.

pythondir = $(pkgdatadir)/python
iommufdpydir = $(pythondir)/iommufd
dist_iommufdpy_DATA = \
	python/iommufd/__init__.py \
	python/iommufd/_handle.py \
	python/iommufd/_lib.py \
	python/iommufd/_structs.py \
	python/iommufd/constants.py \
	python/iommufd/ctx.py \
	python/iommufd/device.py \
	python/iommufd/emu.py \
	python/iommufd/errors.py \
	python/iommufd/fault.py \
	python/iommufd/feature.py \
	python/iommufd/group.py \
	python/iommufd/handoff.py \
	python/iommufd/hwinfo.py \
	python/iommufd/hwpt.py \
	python/iommufd/ioas.py \
	python/iommufd/irq.py \
	python/iommufd/live.py \
	python/iommufd/pasid.py \
	python/iommufd/pasid_table.py \
	python/iommufd/migration.py \
	python/iommufd/pci.py \
	python/iommufd/py.typed \
	python/iommufd/region.py \
	python/iommufd/reset.py \
	python/iommufd/viommu.py

EXTRA_DIST += \
	python/README.md \
	python/tests/base.py \
	python/tests/headers.py \
	python/tests/main.py \
	python/tests/mock.py \
	python/tests/run \
	python/tests/test_context.py \
	python/tests/test_device.py \
	python/tests/test_dirty.py \
	python/tests/test_emu.py \
	python/tests/test_errors.py \
	python/tests/test_examples.py \
	python/tests/test_feature.py \
	python/tests/test_group.py \
	python/tests/test_handoff.py \
	python/tests/test_hwinfo.py \
	python/tests/test_hwpt.py \
	python/tests/test_ioas.py \
	python/tests/test_ioas_buffers.py \
	python/tests/test_irq.py \
	python/tests/test_live.py \
	python/tests/test_pasid.py \
	python/tests/test_pasid_table.py \
	python/tests/test_migration.py \
	python/tests/test_pci.py \
	python/tests/test_region.py \
	python/tests/test_reset.py \
	python/tests/test_tables.py \
	python/tests/test_viommu.py

check_PROGRAMS += python/tests/probe
python_tests_probe_SOURCES = \
	python/tests/probe.c python/tests/probe.h \
	python/tests/probe-model.c

TESTS += python/tests/run
