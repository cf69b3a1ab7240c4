# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Programs as a user would write them; they link the public library only.

noinst_PROGRAMS += doc/examples/broker doc/examples/edu-dma doc/examples/fault-test \
	doc/examples/hwinfo doc/examples/minimal doc/examples/vmm
doc_examples_broker_SOURCES = doc/examples/broker.c
doc_examples_broker_LDADD = libiommufd.la
doc_examples_edu_dma_SOURCES = doc/examples/edu-dma.c
doc_examples_edu_dma_LDADD = libiommufd.la
doc_examples_fault_test_SOURCES = doc/examples/fault-test.c
doc_examples_fault_test_LDADD = libiommufd.la libiommufd-emu.la
doc_examples_hwinfo_SOURCES = doc/examples/hwinfo.c
doc_examples_hwinfo_LDADD = libiommufd.la
doc_examples_minimal_SOURCES = doc/examples/minimal.c
doc_examples_minimal_LDADD = libiommufd.la
doc_examples_vmm_SOURCES = doc/examples/vmm.c doc/examples/vmm.h doc/examples/vmm-build.c \
	doc/examples/vmm-fault.c doc/examples/vmm-hardware.c doc/examples/vmm-hardware.h \
	doc/examples/vmm-migrate.c doc/examples/vmm-update.c
doc_examples_vmm_LDADD = libiommufd.la libiommufd-emu.la
EXTRA_DIST += doc/examples/edu-dma.py doc/examples/every-backend doc/examples/vmm.py

# An example that is a test is run as one.
TESTS += doc/examples/fault-test doc/examples/every-backend
