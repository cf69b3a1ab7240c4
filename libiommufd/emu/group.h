/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * IOMMU groups: who owns them, what their members are attached to, and their
 * file /dev/vfio/N.
 */
#ifndef EMU_GROUP_H
#define EMU_GROUP_H

#include "emu/machine.h"

/* One device's PASID attached to a page table. */
struct emu_pasid {
	struct emu_pasid *next;
	struct emu_device *dev;
	struct emu_hwpt *hwpt;
	int pasid;
};

struct emu_group {
	struct emu_group *next;
	struct iommufd_emu *emu;
	uint32_t id;
	unsigned int vfio;		/* members with a VFIO driver: with none there is no node */
	unsigned int minor;
	const void *owner;		/* of its DMA: an iommufd, or the group itself */
	unsigned int owners;		/* members bound, or 1 for the group */
	struct emu_hwpt *hwpt;		/* one for all members */
	unsigned int attached;		/* members that asked for it */
	struct emu_pasid *pasids;

	struct emu_file *file;		/* whoever has it open; it opens once */
	unsigned int cdevs;		/* members bound as character devices, which excludes that */
	struct emu_container *container;
	struct emu_group *next_in_container;
	unsigned int users;		/* devices open through the container */
	struct emu_iommu *iommu;	/* in the container's place */
};

/* group.c */
int emu_group_open(struct emu_file *file, struct iommufd_emu *emu, unsigned int minor);
void emu_group_close(struct emu_file *file);
int emu_group_ioctl(struct emu_file *file, uint32_t request, uint64_t arg);
/* A member got its driver, or is about to lose it: the node comes and goes with VFIO ones. */
void emu_group_add(struct emu_device *dev);
void emu_group_remove(struct emu_device *dev);

/* content.c: as the group's node and sysfs have it. */
void emu_group_name(const struct emu_group *group, char *out, size_t n);

/* owner.c */
/* Those that leave DMA to whoever owns the group do not. */
bool emu_driver_does_dma(const char *driver);
/* -EPERM if it is another's, or a member's driver does DMA of its own. */
int emu_group_claim(struct emu_group *group, const void *owner);
void emu_group_release(struct emu_group *group);
/* Not viable, in VFIO's words. */
bool emu_group_blocked(const struct emu_group *group);

/* group-device.c: VFIO_GROUP_GET_DEVICE_FD. */
int emu_group_get_device(struct emu_group *group, uint64_t name);

#endif
