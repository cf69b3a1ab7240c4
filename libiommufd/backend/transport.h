/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A transport is how a device is had: its own character device, or its group.
 * One table of operations each.
 *
 * What holds for every operation: the caller holds the context's lock and those
 * of the IOASes concerned, and has checked the request (not bound twice,
 * attached or not). Errors are the kernel's, negative, and nothing has changed;
 * no error record is written, d->refused tells which kernel call it was. A NULL
 * operation means -EOPNOTSUPP.
 */
#ifndef BACKEND_TRANSPORT_H
#define BACKEND_TRANSPORT_H

#include "backend/container.h"
#include "backend/devfd.h"
#include "backend/engine.h"

struct bind_request {
	int group;              /* number, or -1 */
	bool noiommu;           /* no IOMMU stands behind the device */
	bool unsure;            /* whether one does: -EPERM or -EINVAL if the engine wants another */
	const uint8_t *token;   /* 16 bytes, or NULL */
	bool bound;             /* in this engine already, as d->id */
	struct engine_ioas *as; /* to attach to in the same step, or NULL */
};

struct transport_ops {
	const char *name;
	const char *call_names[TRANSPORT_CALL_COUNT];
	uint64_t caps; /* 1 << IOMMUFD_CAP_* that devices had so have */

	/*
	 * Make the device ours in engine @e: fills d->id, and d->fd where the device
	 * is had by group. If it was attached to q->as for good, d->joined is set.
	 */
	int (*bind)(struct devfd *d, struct engine *e, const struct bind_request *q);
	/* Give it back and close d->fd. It is detached, unless joined or refused. Cannot fail. */
	void (*release)(struct devfd *d);
	/*
	 * Attach, or move an attached device and its group. By group -EUCLEAN: it is
	 * attached, to what its container says, and lacks mappings. So does detach.
	 */
	int (*attach)(struct devfd *d, struct engine_ioas *as);
	int (*detach)(struct devfd *d);

	/* Attach to what the engine numbers so, or move there. NULL: only address spaces will do. */
	int (*attach_table)(struct devfd *d, uint32_t id);
	/* The same of one of the device's PASIDs. */
	int (*attach_pasid)(struct devfd *d, uint32_t pasid, uint32_t id);
	int (*detach_pasid)(struct devfd *d, uint32_t pasid);
};

extern const struct transport_ops transport_cdev;
extern const struct transport_ops transport_group;
extern const struct transport_ops transport_mock;

static inline const char *transport_call_name(const struct devfd *d, enum transport_call call)
{
	const struct container_ops *ops = d->engine ? d->engine->ops->container : NULL;
	const char *name = d->transport->call_names[call];

	return name || !ops ? name : ops->call_names[call];
}

#endif
