/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Which engine and transports a context uses, and the account of how that came. */
#ifndef BACKEND_PROBE_H
#define BACKEND_PROBE_H

#include "backend/engine.h"
#include "backend/transport.h"

enum { TRANSPORTS_MAX = 2 };

struct backend {
	struct engine engine;
	const struct transport_ops *transports[TRANSPORTS_MAX]; /* in the order to try, then NULL */
	bool noiommu; /* was asked for: devices without an IOMMU, and no others */
	char name[48];
	char *report; /* one line per step tried */
};

/*
 * Open the first backend that @policy (NULL: "auto") or the environment allows.
 * Probing is by opening. @adopt is a descriptor to duplicate and ask instead,
 * or -1. Writes the error record.
 */
int backend_open(struct backend *b, const struct core *core, const char *function,
		 const char *policy, int adopt);
void backend_close(struct backend *b);

#endif
