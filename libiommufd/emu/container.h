/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What /dev/vfio/vfio opens: groups that share an IOMMU driver, which is type1 or none. */
#ifndef EMU_CONTAINER_H
#define EMU_CONTAINER_H

#include "emu/machine.h"

struct emu_type1;

struct emu_container {
	struct iommufd_emu *emu;
	unsigned int refs;		/* the file, and every group in it */
	struct emu_group *groups;	/* the last to come is first */
	/* One of these is set by SET_IOMMU, and gone with the last group. */
	struct emu_type1 *type1;
	bool noiommu;
};

struct emu_container *emu_container_new(struct iommufd_emu *emu);
void emu_container_put(struct emu_container *container);
bool emu_container_has_driver(const struct emu_container *container);
int emu_container_ioctl(struct emu_container *container, uint32_t request, uint64_t arg);
int emu_container_add(struct emu_container *container, struct emu_group *group);
void emu_container_remove(struct emu_group *group);
/* A device of the group is opened and closed: that keeps the group's file open. */
int emu_container_use(struct emu_group *group);
void emu_container_unuse(struct emu_group *group);

#endif
