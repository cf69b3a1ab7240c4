/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libiommufd: I/O address spaces and device DMA from user space on Linux.
 * Includes every topical header of the library; emu.h, which belongs to
 * libiommufd-emu, is not among them.
 */
#ifndef LIBIOMMUFD_H
#define LIBIOMMUFD_H

#include <libiommufd/ctx.h>
#include <libiommufd/device.h>
#include <libiommufd/dirty.h>
#include <libiommufd/error.h>
#include <libiommufd/fault.h>
#include <libiommufd/feature.h>
#include <libiommufd/group.h>
#include <libiommufd/handoff.h>
#include <libiommufd/hw_queue.h>
#include <libiommufd/hwinfo.h>
#include <libiommufd/hwpt.h>
#include <libiommufd/import.h>
#include <libiommufd/ioas.h>
#include <libiommufd/irq.h>
#include <libiommufd/lookup.h>
#include <libiommufd/migration.h>
#include <libiommufd/pasid.h>
#include <libiommufd/pasid_table.h>
#include <libiommufd/pci.h>
#include <libiommufd/region.h>
#include <libiommufd/reset.h>
#include <libiommufd/vdevice.h>
#include <libiommufd/version.h>
#include <libiommufd/veventq.h>
#include <libiommufd/viommu.h>

#endif
