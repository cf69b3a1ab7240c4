/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A transport is how a device is had: its own character device, or its group.
 * One table of operations each.
 *
 * What holds for every operation: the caller holds the device's and the IOAS's
 * locks and has checked the request (not bound twice, attached or not). Errors
 * are the kernel's, negative, and nothing has changed; no error record is
 * written. A NULL operation means -EOPNOTSUPP.
 */
#ifndef BACKEND_TRANSPORT_H
#define BACKEND_TRANSPORT_H

#include "backend/devfd.h"
#include "backend/engine.h"

enum transport_call {
	TRANSPORT_BIND,
	TRANSPORT_ATTACH,
	TRANSPORT_DETACH,
	TRANSPORT_CALL_COUNT,
};

struct transport_ops {
	const char *name;
	const char *call_names[TRANSPORT_CALL_COUNT];

	/* Make d->fd ours in engine @e and fill d->id; @token is 16 bytes or NULL. */
	int (*bind)(struct devfd *d, struct engine *e, const uint8_t *token);
	/* Attach, or move an attached device and its group without a gap. */
	int (*attach)(struct devfd *d, struct engine_ioas *as);
	int (*detach)(struct devfd *d);
};

extern const struct transport_ops transport_cdev;

static inline const char *transport_call_name(const struct devfd *d, enum transport_call call)
{
	return d->transport->call_names[call];
}

#endif
