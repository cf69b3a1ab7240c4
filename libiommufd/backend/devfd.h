/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The part of a device handle that transports and the vfio/ services see: an
 * open VFIO device. Every struct iommufd_device begins with one.
 */
#ifndef BACKEND_DEVFD_H
#define BACKEND_DEVFD_H

#include <pthread.h>

#include "backend/container.h"
#include "base/error.h"
#include "base/object.h"
#include "os/core.h"
#include "os/uapi.h"

struct iommufd_device;
struct region;
struct region_map;
struct transport_ops;

struct devfd {
	struct object obj;
	const struct core *core;
	const struct transport_ops *transport;
	struct engine *engine;
	struct vfio_group *group;       /* had by group: that group, held; else NULL */
	enum transport_call refused;    /* by which kernel call the last failure was */
	struct map_entry failed;        /* for which mapping; length 0: not known */
	bool joined;                    /* attached for as long as it is open */
	bool attached;                  /* had by group: to what its container repeats */
	uint32_t mock;                  /* a mock device: the kernel's number of its hardware */
	uint32_t mock_home;             /* and of the page table that it uses when it is not attached */
	int fd;
	uint32_t id;                    /* the engine's number for it, once bound */
	struct k_vfio_device_info info; /* as of the open */
	char name[64];                  /* PCI address, or last part of the sysfs path */
	char object[80];                /* "device NAME", for error records */

	pthread_mutex_t lock;           /* what follows; taken after the IOAS's lock, never before */
	struct region **regions;        /* info.num_regions descriptions, each read when first needed */
	struct region_map *region_maps; /* live iommufd_region_map()s */
	struct irq_fds **irqs;          /* info.num_irqs states, NULL where disabled */
};

static inline struct devfd *devfd_of(struct iommufd_device *dev)
{
	struct devfd *d = (struct devfd *)(void *)dev;

	return d && object_is(&d->obj, OBJECT_DEVICE) ? d : NULL;
}

/* The same for who takes and gives back references. */
static inline struct devfd *devfd_was_of(struct iommufd_device *dev)
{
	struct devfd *d = (struct devfd *)(void *)dev;

	return d && object_was(&d->obj, OBJECT_DEVICE) ? d : NULL;
}

#endif
