/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_VDEVICE_H
#define OBJECT_VDEVICE_H

#include <libiommufd/vdevice.h>

#include "object/viommu.h"

struct iommufd_vdevice {
	struct object obj;
	struct iommufd_viommu *viommu; /* held */
	struct member member;
	struct iommufd_device *dev;    /* not held; NULL once closed. Under the context's lock */
	uint64_t virtual_id;
	uint32_t id;
	int stays;                     /* why the kernel kept it when it was to go, or 0 */
	char object[24];               /* "vDEVICE ID", for error records */
};

/* The kernel has it, by vdevice->id: one of the context, with a reference. Context lock held. */
void vdevice_enter(struct iommufd_vdevice *vdevice, struct iommufd_device *dev);
/* The device with this number, referenced, or NULL. */
struct iommufd_device *vdevice_find(struct iommufd_viommu *viommu, uint64_t virtual_id);
/* The device is about to be closed: the kernel wants its vDEVICE gone. Context lock held. */
void vdevice_leave(struct iommufd_device *dev);

#endif
