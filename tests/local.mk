# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT

if HAVE_CMOCKA
include tests/unit/local.mk
include tests/contract/local.mk
include tests/fault/local.mk
endif
include tests/bench/local.mk
include tests/build/local.mk
include tests/lab/local.mk
