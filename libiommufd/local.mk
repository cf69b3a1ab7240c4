# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# Everything is compiled once into libiommufd-core.la. The shared library is
# that and the version map; white-box tests link it as it is.

noinst_LTLIBRARIES += libiommufd-core.la
libiommufd_core_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libiommufd_core_la_SOURCES = \
	libiommufd/base/error.c libiommufd/base/error.h \
	libiommufd/base/log.c libiommufd/base/log.h \
	libiommufd/base/macro.h \
	libiommufd/base/object.h \
	libiommufd/base/opts.c libiommufd/base/opts.h \
	libiommufd/base/text.c libiommufd/base/text.h \
	libiommufd/os/core.c libiommufd/os/core.h \
	libiommufd/os/mem.c libiommufd/os/mem.h \
	libiommufd/os/pass.c libiommufd/os/pass.h \
	libiommufd/os/pause.c libiommufd/os/pause.h \
	libiommufd/os/sys.c libiommufd/os/sys.h \
	libiommufd/os/sys-kernel.c \
	libiommufd/os/sysfs.c libiommufd/os/sysfs.h \
	libiommufd/os/mock.h \
	libiommufd/os/uapi.h \
	libiommufd/os/uapi-feature.h \
	libiommufd/os/uapi-iommufd.h \
	libiommufd/os/uapi-nesting.h \
	libiommufd/os/uapi-type1.h \
	libiommufd/os/uapi-types.h \
	libiommufd/os/uapi-vfio.h \
	libiommufd/backend/ask.c libiommufd/backend/ask.h \
	libiommufd/backend/container.c libiommufd/backend/container.h \
	libiommufd/backend/container-iommufd.c libiommufd/backend/container-iommufd.h \
	libiommufd/backend/container-merge.c libiommufd/backend/container-merge.h \
	libiommufd/backend/container-noiommu.c libiommufd/backend/container-noiommu.h \
	libiommufd/backend/container-type1.c libiommufd/backend/container-type1.h \
	libiommufd/backend/devfd.h \
	libiommufd/backend/dirty-bits.c libiommufd/backend/dirty-bits.h \
	libiommufd/backend/engine.h \
	libiommufd/backend/engine-container.c libiommufd/backend/engine-container.h \
	libiommufd/backend/engine-noiommu.c \
	libiommufd/backend/iommufd-dirty.c libiommufd/backend/iommufd-dirty.h \
	libiommufd/backend/locked.c libiommufd/backend/locked.h \
	libiommufd/backend/engine-iommufd.c \
	libiommufd/backend/engine-type1.c \
	libiommufd/backend/file-view.c libiommufd/backend/file-view.h \
	libiommufd/backend/group.c libiommufd/backend/group.h \
	libiommufd/backend/probe.c libiommufd/backend/probe.h \
	libiommufd/backend/transport.h \
	libiommufd/backend/transport-cdev.c \
	libiommufd/backend/transport-group.c \
	libiommufd/backend/transport-mock.c \
	libiommufd/backend/type1-dirty.c libiommufd/backend/type1-dirty.h \
	libiommufd/backend/type1-info.c libiommufd/backend/type1-info.h \
	libiommufd/discover/group.c libiommufd/discover/group.h \
	libiommufd/discover/holder.c libiommufd/discover/holder.h \
	libiommufd/discover/place.c libiommufd/discover/place.h \
	libiommufd/vfio/dma-log.c \
	libiommufd/vfio/feature.c libiommufd/vfio/feature.h \
	libiommufd/vfio/hot-reset.c libiommufd/vfio/hot-reset.h \
	libiommufd/vfio/irq.c \
	libiommufd/vfio/migration.c \
	libiommufd/vfio/irq-state.h \
	libiommufd/vfio/pci.c libiommufd/vfio/pci.h \
	libiommufd/vfio/pci-capability.c \
	libiommufd/vfio/region.c libiommufd/vfio/region.h \
	libiommufd/vfio/region-dmabuf.c \
	libiommufd/vfio/region-info.c \
	libiommufd/vfio/region-ioeventfd.c \
	libiommufd/vfio/region-map.c \
	libiommufd/vfio/reset.c \
	libiommufd/vfio/service.c libiommufd/vfio/service.h \
	libiommufd/object/attach.c libiommufd/object/attach.h \
	libiommufd/object/attach-hwpt.c \
	libiommufd/object/attach-move.c \
	libiommufd/object/attach-tracked.c \
	libiommufd/object/command.c libiommufd/object/command.h \
	libiommufd/object/ctx.c libiommufd/object/ctx.h \
	libiommufd/object/ctx-export.c \
	libiommufd/object/ctx-option.c \
	libiommufd/object/device.c libiommufd/object/device.h \
	libiommufd/object/device-adopt.c \
	libiommufd/object/device-has.c \
	libiommufd/object/device-open.c \
	libiommufd/object/device-reset.c \
	libiommufd/object/diagnose.c libiommufd/object/diagnose.h \
	libiommufd/object/diagnose-bind.c \
	libiommufd/object/diagnose-hwpt.c \
	libiommufd/object/event.c libiommufd/object/event.h \
	libiommufd/object/fault.c libiommufd/object/fault.h \
	libiommufd/object/fault-group.c \
	libiommufd/object/group.c libiommufd/object/group.h \
	libiommufd/object/group-fd.c \
	libiommufd/object/group-policy.c \
	libiommufd/object/handoff.c libiommufd/object/handoff.h \
	libiommufd/object/handoff-add.c \
	libiommufd/object/handoff-open.c \
	libiommufd/object/handoff-receive.c \
	libiommufd/object/handoff-wire.c \
	libiommufd/object/hw-queue.c libiommufd/object/hw-queue.h \
	libiommufd/object/hwinfo.c libiommufd/object/hwinfo.h \
	libiommufd/object/hwinfo-amd.c \
	libiommufd/object/hwinfo-decode.c \
	libiommufd/object/hwinfo-smmuv3.c \
	libiommufd/object/hwinfo-tegra241.c \
	libiommufd/object/hwinfo-vtd.c \
	libiommufd/object/hwpt.c libiommufd/object/hwpt.h \
	libiommufd/object/hwpt-invalidate.c \
	libiommufd/object/import.c \
	libiommufd/object/import-find.c \
	libiommufd/object/ioas.c libiommufd/object/ioas.h \
	libiommufd/object/ioas-address.c \
	libiommufd/object/ioas-copy.c \
	libiommufd/object/ioas-dirty.c \
	libiommufd/object/ioas-file.c \
	libiommufd/object/ioas-info.c \
	libiommufd/object/ioas-lookup.c \
	libiommufd/object/ioas-map.c \
	libiommufd/object/ioas-mapv.c \
	libiommufd/object/ioas-place.c \
	libiommufd/object/ioas-ranges.c \
	libiommufd/object/ioas-unmap.c \
	libiommufd/object/ioas-update.c \
	libiommufd/object/ioas-windows.c \
	libiommufd/object/pasid.c libiommufd/object/pasid.h \
	libiommufd/object/pasid-attach.c \
	libiommufd/object/pasid-table.c \
	libiommufd/object/state.c libiommufd/object/state.h \
	libiommufd/object/state-blob.c \
	libiommufd/object/state-device.c \
	libiommufd/object/state-fault.c \
	libiommufd/object/state-guest.c \
	libiommufd/object/state-hwpt.c \
	libiommufd/object/state-ioas.c \
	libiommufd/object/state-pasid.c \
	libiommufd/object/vdevice.c libiommufd/object/vdevice.h \
	libiommufd/object/veventq.c libiommufd/object/veventq.h \
	libiommufd/object/viommu.c libiommufd/object/viommu.h

include libiommufd/map/local.mk

lib_LTLIBRARIES += libiommufd.la
libiommufd_la_SOURCES =
libiommufd_la_LIBADD = libiommufd-core.la
libiommufd_la_LDFLAGS = $(AM_LDFLAGS) -version-info $(LIBIOMMUFD_LT_VERSION) \
	-Wl,--version-script=$(top_srcdir)/libiommufd/libiommufd.sym -Wl,--no-undefined
EXTRA_libiommufd_la_DEPENDENCIES = libiommufd/libiommufd.sym
EXTRA_DIST += libiommufd/libiommufd.sym

include_HEADERS = include/libiommufd.h
includesubdir = $(includedir)/libiommufd
includesub_HEADERS = \
	include/libiommufd/ctx.h \
	include/libiommufd/device.h \
	include/libiommufd/dirty.h \
	include/libiommufd/emu.h \
	include/libiommufd/error.h \
	include/libiommufd/fault.h \
	include/libiommufd/feature.h \
	include/libiommufd/group.h \
	include/libiommufd/handoff.h \
	include/libiommufd/hw_queue.h \
	include/libiommufd/hwinfo.h \
	include/libiommufd/hwpt.h \
	include/libiommufd/import.h \
	include/libiommufd/ioas.h \
	include/libiommufd/irq.h \
	include/libiommufd/lookup.h \
	include/libiommufd/migration.h \
	include/libiommufd/pasid.h \
	include/libiommufd/pasid_table.h \
	include/libiommufd/pci.h \
	include/libiommufd/region.h \
	include/libiommufd/reset.h \
	include/libiommufd/vdevice.h \
	include/libiommufd/veventq.h \
	include/libiommufd/viommu.h
nodist_includesub_HEADERS = include/libiommufd/version.h

pkgconfig_DATA += libiommufd.pc libiommufd-emu.pc
