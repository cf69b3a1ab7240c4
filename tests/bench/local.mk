# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Figures, not tests: make bench prints tables, and compares in one process.

benches = \
	tests/bench/bench-ioas \
	tests/bench/bench-type1 \
	tests/bench/bench-lookup \
	tests/bench/bench-alloc \
	tests/bench/bench-dirty \
	tests/bench/bench-pasid

EXTRA_PROGRAMS += $(benches)
EXTRA_DIST += tests/bench/bench.h

tests_bench_bench_ioas_SOURCES = tests/bench/bench-ioas.c
tests_bench_bench_ioas_LDADD = libiommufd-core.la libiommufd-emu.la
tests_bench_bench_type1_SOURCES = tests/bench/bench-type1.c
tests_bench_bench_type1_LDADD = libiommufd-core.la libiommufd-emu.la
tests_bench_bench_lookup_SOURCES = tests/bench/bench-lookup.c tests/bench/bench-lookup.h
tests_bench_bench_lookup_LDADD = libiommufd-core.la
tests_bench_bench_alloc_SOURCES = tests/bench/bench-alloc.c
tests_bench_bench_alloc_LDADD = libiommufd-core.la
tests_bench_bench_dirty_SOURCES = tests/bench/bench-dirty.c
tests_bench_bench_dirty_LDADD = libiommufd-core.la libiommufd-emu.la
tests_bench_bench_pasid_SOURCES = tests/bench/bench-pasid.c
tests_bench_bench_pasid_LDADD = libiommufd-core.la

bench: all $(benches)
	@for program in $(benches); do echo "== $$program"; ./$$program || exit 1; echo; done

.PHONY: bench
