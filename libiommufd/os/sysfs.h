/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Facts that sysfs tells about a device. Paths are of the device's directory,
 * as "/sys/bus/pci/devices/0000:00:03.0".
 */
#ifndef OS_SYSFS_H
#define OS_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "os/sys.h"

#define SYSFS_PATH_MAX 512

/* IOMMU group number, or -errno (-ENOENT: it has none). */
int sysfs_iommu_group(const struct iommufd_sys *sys, const char *path);

/* Name of the bound driver; -ENOENT when there is none. */
int sysfs_driver(const struct iommufd_sys *sys, const char *path, char *name, size_t size);

/* Name of its bus or other subsystem; -ENOENT when the device is not there. */
int sysfs_subsystem(const struct iommufd_sys *sys, const char *path, char *name, size_t size);

/* A character device by its number: names of nodes are used again, and may be moved. */
struct cdev {
	unsigned int major, minor;
};

/*
 * Path of the VFIO character device's node, its number, and whether its name
 * says that no IOMMU stands behind it. -ENODEV: no VFIO driver is bound, or the
 * kernel is older than 6.1; -ENOENT: bound, but the kernel makes no character
 * devices.
 */
int sysfs_vfio_cdev(const struct iommufd_sys *sys, const char *path, char *node, size_t size,
		    struct cdev *number, bool *noiommu);

/* Directory of the device behind a VFIO character device. -ENOTTY: of another kind. */
int sysfs_device_of_cdev(const struct iommufd_sys *sys, struct cdev number, char *path,
			 size_t size, bool *noiommu);

/*
 * Is it one of the groups that VFIO makes for devices without an IOMMU, or for
 * mediated devices? 1, 0, or -errno.
 */
int sysfs_group_is_noiommu(const struct iommufd_sys *sys, int group);

/* Which group the node /dev/vfio/N is of, by its number. -ENOTTY: of something else. */
int sysfs_group_of_cdev(const struct iommufd_sys *sys, struct cdev number, int *group,
			bool *noiommu);

/*
 * The @index-th window that the group's hardware reserves, with its kind
 * ("msi", "direct"); -ENOENT past the last.
 */
int sysfs_reserved_window(const struct iommufd_sys *sys, int group, unsigned int index,
			  uint64_t *start, uint64_t *last, char *kind, size_t size);

/* snprintf that says -ENAMETOOLONG when the text does not fit. */
int sysfs_format(char *buf, size_t size, const char *fmt, ...) printf_like(3, 4) must_check;

#endif
