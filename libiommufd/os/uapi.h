/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef LIBIOMMUFD_OS_UAPI_H
#define LIBIOMMUFD_OS_UAPI_H

/*
 * The kernel ABI as of Linux 7.3, stated here so that the library builds with
 * kernel headers of any age.
 *
 * Every name is the kernel's with k_ or K_ before it; member names are the
 * kernel's own. So this can stand beside <linux/iommufd.h> and <linux/vfio.h>
 * in one file, and tests/build/uapi-check can compare the two by name.
 *
 * The first release of each ioctl is in doc/ioctls.tsv. A comment here gives
 * a release only where a field or flag is younger than its ioctl.
 */
#include "uapi-iommufd.h"
#include "uapi-nesting.h"
#include "uapi-vfio.h"
#include "uapi-feature.h"
#include "uapi-type1.h"

#endif
