/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A bus or slot is reset, with all devices on it. */
#include "vfio/hot-reset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/pause.h"

/* More than there are functions below any bridge; bounds what a broken answer makes us allocate. */
#define DEVICES_MAX 65536
#define FIRST_ROOM 16

/* Registers are touched for moments; who holds them longer does not let go. */
#define TRIES 50
#define PAUSE_MS 2

/* -ENOSPC: there are more; *room is how many then. */
static int ask(struct devfd *d, uint32_t *room, struct hot_reset **out)
{
	const size_t size = sizeof(struct k_vfio_pci_hot_reset_info) +
			    *room * sizeof(struct k_vfio_pci_dependent_device);
	struct k_vfio_pci_hot_reset_info *info = calloc(1, size);
	struct hot_reset *list;
	int r;

	if (!info)
		return -ENOMEM;
	info->argsz = (uint32_t)size;
	r = sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
	if (r == -ENOSPC && info->count > *room && info->count <= DEVICES_MAX)
		*room = info->count;
	else if (r == -ENOSPC || (r >= 0 && info->count > *room))
		r = -EIO; /* no answer that makes sense */
	if (r >= 0) {
		list = malloc(sizeof(*list) + info->count * sizeof(list->devices[0]));
		r = list ? 0 : -ENOMEM;
	}
	if (!r) {
		list->by_id = info->flags & K_VFIO_PCI_HOT_RESET_FLAG_DEV_ID;
		list->count = info->count;
		memcpy(list->devices, info->devices, info->count * sizeof(list->devices[0]));
		*out = list;
	}
	free(info);
	return r;
}

int hot_reset_read(struct devfd *d, struct hot_reset **out)
{
	uint32_t room = FIRST_ROOM;
	int r = -ENOSPC;

	for (int i = 0; i < TRIES && (r == -ENOSPC || r == -EAGAIN); i++)
		r = ask(d, &room, out);
	if (!r)
		return 0;
	if (r == -ENOMEM)
		return err_nomem("VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", d->object);
	/* ENODEV: nothing to reset it by; ENOTTY: of no such kind. */
	if (r == -ENODEV || r == -ENOTTY)
		return err(-EOPNOTSUPP, "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", d->object,
			   "close the device and open it again; a hot reset takes a PCI device behind a bridge",
			   "no bus or slot of its own can be reset");
	if (r == -ENOSPC)
		r = -EAGAIN;
	return err_kernel(r, KNOWN(-EPERM, -EAGAIN), "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO",
			  d->object,
			  r == -EPERM ? "bind all devices of its bus or slot to VFIO drivers" :
			  r == -EAGAIN ? "try again" : "check that the device is still there",
			  "the kernel does not tell what a hot reset resets");
}

int hot_reset_do(struct devfd *d, const int *groups, uint32_t count)
{
	const size_t size = sizeof(struct k_vfio_pci_hot_reset) + count * sizeof(int32_t);
	struct k_vfio_pci_hot_reset *arg = calloc(1, size);
	int r = -EBUSY;

	if (!arg)
		return -ENOMEM;
	arg->argsz = (uint32_t)size;
	arg->count = count;
	for (uint32_t i = 0; i < count; i++)
		arg->group_fds[i] = groups[i];
	for (int i = 0; i < TRIES && (r == -EBUSY || r == -EAGAIN); i++) {
		if (i)
			os_pause(PAUSE_MS);
		r = sys_ioctl(d->core->sys, d->fd, K_VFIO_DEVICE_PCI_HOT_RESET, arg);
	}
	free(arg);
	return r < 0 ? r : 0;
}
