/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the kernel tells those who listen: devices and drivers that come and go.
 * A listener is a socket of its own, with the machine at the other end.
 */
#ifndef EMU_UEVENT_H
#define EMU_UEVENT_H

#include "emu/machine.h"

struct emu_device;
struct emu_group;

int emu_uevents_open(struct iommufd_emu *emu);
void emu_uevents_close(struct iommufd_emu *emu, struct emu_listener *listener);
ssize_t emu_uevents_read(struct emu_file *file, void *buf, size_t n);

/* About a PCI device; with what the kernel tells of its VFIO device. */
void emu_uevent_device(struct emu_device *dev, const char *action);
void emu_uevent_vfio(struct emu_device *dev, const char *action);
void emu_uevent_group(const struct emu_group *group, const char *action);

#endif
