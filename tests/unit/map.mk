# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The map layer.

unit_tests += \
	tests/unit/test-map-fail \
	tests/unit/test-map-iova \
	tests/unit/test-map-iova-random \
	tests/unit/test-map-lookup \
	tests/unit/test-map-lookup-random \
	tests/unit/test-map-pasid \
	tests/unit/test-map-pasid-alloc \
	tests/unit/test-map-threads \
	tests/unit/test-map-tree

map_wrap = -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=os_reserve

tests_unit_test_map_fail_SOURCES = tests/unit/test-map-fail.c tests/unit/test-map-fail.h \
	tests/unit/test-map.h
tests_unit_test_map_fail_CFLAGS = $(unit_cflags)
tests_unit_test_map_fail_LDADD = $(unit_libs)
tests_unit_test_map_fail_LDFLAGS = $(AM_LDFLAGS) $(map_wrap)

tests_unit_test_map_iova_SOURCES = tests/unit/test-map-iova.c tests/unit/test-map-iova.h \
	tests/unit/test-map-fail.h tests/unit/test-map.h
tests_unit_test_map_iova_CFLAGS = $(unit_cflags)
tests_unit_test_map_iova_LDADD = $(unit_libs)
tests_unit_test_map_iova_LDFLAGS = $(AM_LDFLAGS) $(map_wrap)

tests_unit_test_map_iova_random_SOURCES = tests/unit/test-map-iova-random.c \
	tests/unit/test-map-iova.h tests/unit/test-map-fail.h tests/unit/test-map.h
tests_unit_test_map_iova_random_CFLAGS = $(unit_cflags)
tests_unit_test_map_iova_random_LDADD = $(unit_libs)
tests_unit_test_map_iova_random_LDFLAGS = $(AM_LDFLAGS) $(map_wrap)

tests_unit_test_map_lookup_SOURCES = tests/unit/test-map-lookup.c tests/unit/test-map-lookup.h \
	tests/unit/test-map.h
tests_unit_test_map_lookup_CFLAGS = $(unit_cflags)
tests_unit_test_map_lookup_LDADD = $(unit_libs)

tests_unit_test_map_lookup_random_SOURCES = tests/unit/test-map-lookup-random.c \
	tests/unit/test-map-lookup.h tests/unit/test-map.h
tests_unit_test_map_lookup_random_CFLAGS = $(unit_cflags)
tests_unit_test_map_lookup_random_LDADD = $(unit_libs)

tests_unit_test_map_pasid_SOURCES = tests/unit/test-map-pasid.c tests/unit/test-map-fail.h \
	tests/unit/test-map.h
tests_unit_test_map_pasid_CFLAGS = $(unit_cflags)
tests_unit_test_map_pasid_LDADD = $(unit_libs)
tests_unit_test_map_pasid_LDFLAGS = $(AM_LDFLAGS) $(map_wrap)

tests_unit_test_map_pasid_alloc_SOURCES = tests/unit/test-map-pasid-alloc.c \
	tests/unit/test-map-fail.h tests/unit/test-map.h
tests_unit_test_map_pasid_alloc_CFLAGS = $(unit_cflags)
tests_unit_test_map_pasid_alloc_LDADD = $(unit_libs)
tests_unit_test_map_pasid_alloc_LDFLAGS = $(AM_LDFLAGS) $(map_wrap)

tests_unit_test_map_threads_SOURCES = tests/unit/test-map-threads.c tests/unit/test-map.h
tests_unit_test_map_threads_CFLAGS = $(unit_cflags)
tests_unit_test_map_threads_LDADD = $(unit_libs)

tests_unit_test_map_tree_SOURCES = tests/unit/test-map-tree.c tests/unit/test-map.h
tests_unit_test_map_tree_CFLAGS = $(unit_cflags)
tests_unit_test_map_tree_LDADD = $(unit_libs)
