/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_CTX_H
#define OBJECT_CTX_H

#include <pthread.h>

#include "backend/probe.h"
#include "base/error.h"
#include "base/object.h"
#include "object/event.h"

struct iommufd_device;
struct iommufd_group;

/* The place of an object among what its context has. */
struct member {
	struct member *prev, *next; /* as made: what another stands on comes before it */
	struct object *object;
};

/* Lock order: context, vIOMMU, then IOAS (two: by address), then device; below all, members. */
struct iommufd_ctx {
	struct object obj;
	struct core core;
	struct backend backend;
	uint32_t group_policy;          /* IOMMUFD_GROUP_ANY and so on */

	pthread_mutex_t lock;           /* the lists, and attachments of all devices */
	struct iommufd_device *devices; /* open ones; each holds us, not we them */
	struct iommufd_group *groups;   /* likewise */
	struct events events;

	pthread_mutex_t members_lock; /* what follows */
	struct member *first, *last;  /* IOASes, devices, page tables and so on; not held */
};

/* Last in the list of what the context has, and out of it. */
void ctx_enter(struct iommufd_ctx *ctx, struct member *member, struct object *object);
void ctx_leave(struct iommufd_ctx *ctx, struct member *member);

static inline int ctx_check(const struct iommufd_ctx *ctx, const char *function)
{
	return ctx && object_is(&ctx->obj, OBJECT_CTX) ? 0 : err_handle(function, "ctx");
}

#endif
