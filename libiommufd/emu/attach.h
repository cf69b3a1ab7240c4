/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What a device and its PASIDs are attached to. */
#ifndef EMU_ATTACH_H
#define EMU_ATTACH_H

#include "emu/device.h"

/* In place of a PASID: the device itself, and the same if VFIO named it as PASID 0. */
enum { EMU_NO_PASID = -1, EMU_PASID_ZERO = 0 };

/*
 * Makes one member of a group use a page table, or moves all of them to it.
 * -EINVAL means that this table will not do, and another one may.
 */
typedef int emu_connect_fn(struct emu_device *dev, struct emu_hwpt *hwpt, int pasid);

/* attach.c: the device itself. */
emu_connect_fn emu_attach;
emu_connect_fn emu_replace;
void emu_detach(struct emu_device *dev);
/* In the way of @connect to what @pt_id names, which comes back as the page table's. */
int emu_connect(struct emu_device *dev, int pasid, emu_connect_fn *connect, uint32_t *pt_id);

/* pasid.c: one of its PASIDs. */
emu_connect_fn emu_attach_pasid;
emu_connect_fn emu_replace_pasid;
void emu_detach_pasid(struct emu_device *dev, int pasid);
/* Of any member of the group if @dev is NULL. */
struct emu_pasid *emu_pasid_find(const struct emu_group *group, const struct emu_device *dev,
				 int pasid);

#endif
