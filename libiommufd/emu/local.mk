# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The emulated kernel: a library of its own. It shares with the library what the
# kernel is: the ABI, the shape of the system-call table, and the table of the
# running kernel, which serves what is not the machine's.

lib_LTLIBRARIES += libiommufd-emu.la
libiommufd_emu_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libiommufd_emu_la_SOURCES = \
	libiommufd/emu/area.c \
	libiommufd/emu/attach-vfio.c \
	libiommufd/emu/attach.c \
	libiommufd/emu/attach.h \
	libiommufd/emu/bar.c \
	libiommufd/emu/bind.c \
	libiommufd/emu/compat.c \
	libiommufd/emu/container.c \
	libiommufd/emu/container.h \
	libiommufd/emu/content.c \
	libiommufd/emu/device.c \
	libiommufd/emu/device.h \
	libiommufd/emu/devices.c \
	libiommufd/emu/dirty.c \
	libiommufd/emu/driver.c \
	libiommufd/emu/edu.c \
	libiommufd/emu/engine.c \
	libiommufd/emu/engine.h \
	libiommufd/emu/eventfd.c \
	libiommufd/emu/fault.c \
	libiommufd/emu/fault.h \
	libiommufd/emu/feature.c \
	libiommufd/emu/files.c \
	libiommufd/emu/group-device.c \
	libiommufd/emu/group.c \
	libiommufd/emu/group.h \
	libiommufd/emu/hwinfo.c \
	libiommufd/emu/hwpt.c \
	libiommufd/emu/hwqueue.c \
	libiommufd/emu/info.c \
	libiommufd/emu/inject.c \
	libiommufd/emu/ioas.c \
	libiommufd/emu/iommu.c \
	libiommufd/emu/iommu.h \
	libiommufd/emu/iova.c \
	libiommufd/emu/irq.c \
	libiommufd/emu/locked.c \
	libiommufd/emu/machine.c \
	libiommufd/emu/machine.h \
	libiommufd/emu/map.c \
	libiommufd/emu/mapping.c \
	libiommufd/emu/mapping.h \
	libiommufd/emu/mock-check.c \
	libiommufd/emu/mock-ops.c \
	libiommufd/emu/mock.c \
	libiommufd/emu/mock.h \
	libiommufd/emu/nested.c \
	libiommufd/emu/migration.c \
	libiommufd/emu/object.c \
	libiommufd/emu/open.c \
	libiommufd/emu/option.c \
	libiommufd/emu/opts.c \
	libiommufd/emu/owner.c \
	libiommufd/emu/ownfd.c \
	libiommufd/emu/pagemap.c \
	libiommufd/emu/pagemap.h \
	libiommufd/emu/pages.c \
	libiommufd/emu/pasid.c \
	libiommufd/emu/pci.c \
	libiommufd/emu/port.c \
	libiommufd/emu/port.h \
	libiommufd/emu/proc.c \
	libiommufd/emu/proc.h \
	libiommufd/emu/queue.c \
	libiommufd/emu/queue.h \
	libiommufd/emu/region.c \
	libiommufd/emu/reset.c \
	libiommufd/emu/shape.c \
	libiommufd/emu/shape.h \
	libiommufd/emu/sysfs.c \
	libiommufd/emu/table.c \
	libiommufd/emu/tree.c \
	libiommufd/emu/tree.h \
	libiommufd/emu/type1-dirty.c \
	libiommufd/emu/type1-info.c \
	libiommufd/emu/type1-map.c \
	libiommufd/emu/type1.c \
	libiommufd/emu/type1.h \
	libiommufd/emu/uevent.c \
	libiommufd/emu/uevent.h \
	libiommufd/emu/user.c \
	libiommufd/emu/vdevice.c \
	libiommufd/emu/veventq.c \
	libiommufd/emu/viommu.c \
	libiommufd/emu/viommu.h \
	libiommufd/os/sys-kernel.c
libiommufd_emu_la_LDFLAGS = $(AM_LDFLAGS) -version-info $(LIBIOMMUFD_EMU_LT_VERSION) \
	-Wl,--version-script=$(top_srcdir)/libiommufd/emu/libiommufd-emu.sym -Wl,--no-undefined
EXTRA_libiommufd_emu_la_DEPENDENCIES = libiommufd/emu/libiommufd-emu.sym
EXTRA_DIST += libiommufd/emu/libiommufd-emu.sym
