# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The pure layer: no fd, no context, no log.

libiommufd_core_la_SOURCES += \
	libiommufd/map/alias.c libiommufd/map/alias.h \
	libiommufd/map/iova-alloc-cache.c \
	libiommufd/map/iova-alloc-cache.h \
	libiommufd/map/iova-alloc-node.h \
	libiommufd/map/iova-alloc-tree.c \
	libiommufd/map/iova-alloc-tree.h \
	libiommufd/map/iova-alloc.c \
	libiommufd/map/iova-alloc.h \
	libiommufd/map/iova-map.c libiommufd/map/iova-map.h \
	libiommufd/map/iova-map-move.c \
	libiommufd/map/iova-map-priv.h \
	libiommufd/map/iova-map-read.c \
	libiommufd/map/lookup.c libiommufd/map/lookup.h \
	libiommufd/map/lookup-cell.c \
	libiommufd/map/lookup-hash.c \
	libiommufd/map/lookup-leaf.c \
	libiommufd/map/lookup-priv.h \
	libiommufd/map/lookup-read.c \
	libiommufd/map/lookup-slot.c \
	libiommufd/map/pasid-alloc.c libiommufd/map/pasid-alloc.h \
	libiommufd/map/pasid-table.c libiommufd/map/pasid-table.h \
	libiommufd/map/range-tree.c libiommufd/map/range-tree.h \
	libiommufd/map/range-tree-node.c \
	libiommufd/map/range.h
