/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_PASID_H
#define OBJECT_PASID_H

#include <libiommufd/pasid.h>

#include "object/attach.h"

struct iommufd_pasid {
	struct object obj;
	struct iommufd_device *dev;   /* held */
	struct member member;
	struct iommufd_pasid *next;   /* in the device's list */
	uint32_t number;
	char object[88];              /* "pasid N of NAME", for error records */

	/* To what it is attached, held; these and the list are under the context's lock. */
	struct iommufd_ioas *ioas;    /* NULL: to nothing */
	struct iommufd_hwpt *hwpt;
	struct ioas_windows *windows; /* in the IOAS, while attached */
};

static inline int pasid_check(const struct iommufd_pasid *pasid, const char *function)
{
	return pasid && object_is(&pasid->obj, OBJECT_PASID) ? 0 : err_handle(function, "pasid");
}

/* pasid-attach.c: our records say that it is where the kernel has it. No lock is held; -EADDRINUSE. */
int pasid_adopt(struct iommufd_pasid *pasid, const char *function, struct attachment *at);
/* pasid-attach.c: our records say that it is detached; put what is returned. Context lock held. */
struct attachment pasid_leave(struct iommufd_pasid *pasid, bool lock);

#endif
