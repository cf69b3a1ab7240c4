/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An open VFIO group, /dev/vfio/N: the kernel lets it be opened once, so the
 * devices of a context that belong to it share it. Under the context's lock.
 */
#ifndef BACKEND_GROUP_H
#define BACKEND_GROUP_H

#include "backend/container.h"

struct vfio_group {
	struct vfio_group *next;     /* the engine's */
	struct engine *engine;
	int number;
	bool noiommu;
	int fd;
	unsigned int users;          /* devices, and handles */
	unsigned int devices;        /* open ones */
	struct container *container; /* while a device is open */
	bool stays;                  /* in it afterwards, as it was before */
};

/* "/dev/vfio/N", "/dev/vfio/noiommu-N". */
#define VFIO_GROUP_PATH_MAX 40
void vfio_group_path(int number, bool noiommu, char path[static VFIO_GROUP_PATH_MAX]);

/* The open group, or NULL. */
struct vfio_group *vfio_group_find(const struct engine *e, int number);
/* Open it, or take another reference; -errno of open. */
int vfio_group_get(struct engine *e, int number, bool noiommu, struct vfio_group **out);
/* Use @fd, which is duplicated; -EBUSY if the group is open here already. */
int vfio_group_adopt(struct engine *e, int fd, int number, bool noiommu, struct vfio_group **out);
void vfio_group_put(struct vfio_group *g);

#endif
