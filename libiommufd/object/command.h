/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What objects that only /dev/iommu has share: fault queues, vIOMMUs and theirs. */
#ifndef OBJECT_COMMAND_H
#define OBJECT_COMMAND_H

#include "object/ctx.h"

/* -EOPNOTSUPP if the context is without @cap; @what names such objects. Writes the record. */
int command_check(const struct iommufd_ctx *ctx, const char *function, uint32_t cap,
		  const char *what);
/* A forked child has nothing of its parent's to take from descriptors or to give. */
int command_check_owner(const struct iommufd_ctx *ctx, const char *function, const char *object);

static inline int command(struct iommufd_ctx *ctx, unsigned long request, void *arg)
{
	return ctx->backend.engine.ops->command(&ctx->backend.engine, request, arg);
}

/* Whatever the kernel says, the caller has done with it; what it says is for the log. */
int command_destroy(struct iommufd_ctx *ctx, uint32_t id);
/* Logs that an object stays, if @r says so. No lock is held. */
void command_destroyed(struct iommufd_ctx *ctx, const char *object, int r);

#endif
