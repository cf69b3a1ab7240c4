# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The pure layer: no fd, no context, no log.

libiommufd_core_la_SOURCES += \
	libiommufd/map/iova-alloc-tree.c \
	libiommufd/map/iova-alloc-tree.h \
	libiommufd/map/iova-alloc.c \
	libiommufd/map/iova-alloc.h \
	libiommufd/map/iova-map.h \
	libiommufd/map/lookup.h \
	libiommufd/map/range.h
