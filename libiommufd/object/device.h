/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_DEVICE_H
#define OBJECT_DEVICE_H

#include <libiommufd/device.h>

#include "backend/devfd.h"
#include "object/ctx.h"
#include "object/ioas.h"

struct iommufd_device {
	struct devfd fd; /* first: the vfio/ services find it by the handle */
	struct iommufd_ctx *ctx;      /* held */
	struct iommufd_device *next;  /* in the context's list, under its lock */
	struct iommufd_ioas *ioas;    /* held while attached; under the context's lock */
	uint64_t cookie;
	int group;                    /* IOMMU group number, or -1 */
	bool mediated;
};

_Static_assert(offsetof(struct iommufd_device, fd) == 0, "devfd_of() relies on it");

static inline int device_check(struct iommufd_device *dev, const char *function)
{
	return devfd_of(dev) ? 0 : err_handle(function, "device");
}

/* attach.c: detach at close, whatever the kernel says. Context lock held. */
void device_detach_at_close(struct iommufd_device *dev);

#endif
