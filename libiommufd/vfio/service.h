/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef VFIO_SERVICE_H
#define VFIO_SERVICE_H

#include "backend/devfd.h"

/*
 * The device that a service is asked of. -EINVAL if there is none, -EOPNOTSUPP
 * if it has no descriptor to serve by; the record is written and logged.
 */
int service_find(struct iommufd_device *dev, const char *function, struct devfd **out) must_check;
/* The same, also of a device that was disowned: for what gives back. */
int service_find_disowned(struct iommufd_device *dev, const char *function,
			  struct devfd **out) must_check;

#endif
