/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Where a device is: from any of its names to its facts. */
#ifndef DISCOVER_PLACE_H
#define DISCOVER_PLACE_H

#include "os/core.h"
#include "os/sysfs.h"

struct place {
	char sysfs[SYSFS_PATH_MAX]; /* directory of the device; empty if unknown */
	char node[SYSFS_PATH_MAX];  /* its VFIO character device, if no_cdev is 0 */
	char name[64];              /* PCI address, or last part of the sysfs path */
	int group;                  /* IOMMU group number, or -1 */
	struct cdev number;         /* of the node; 0:0 if unknown */
	int no_cdev;                /* why it has none: -ENOENT, or what reading sysfs answered */
	bool mediated;              /* a mediated device */
	bool noiommu;               /* no IOMMU stands behind it */
};

/* From a PCI address, a sysfs path or a character device path. Writes the error record. */
int place_find(const struct core *core, const char *function, const char *name,
	       struct place *place);

/* The record of why the device has no character device. */
int place_no_cdev(const char *function, const char *name, const struct place *place);

/*
 * From an open VFIO character device; what cannot be known stays empty. Writes
 * the error record.
 */
int place_of_fd(const struct core *core, int fd, struct place *place);

#endif
