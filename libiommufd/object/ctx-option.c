/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Settings of a context as a whole. */
#include <errno.h>
#include <stdio.h>

#include "object/ctx.h"
#include "object/ioas.h"

static const char *call_name(const struct iommufd_ctx *ctx, enum engine_call call)
{
	return engine_call_name(&ctx->backend.engine, call);
}

static int rlimit_failed(struct iommufd_ctx *ctx, bool setting, int r)
{
	const char *remedy = "see the message";

	if (r == -EOPNOTSUPP && ctx->backend.engine.ops != &engine_iommufd)
		return err(r, "iommufd_ctx_set_rlimit_mode", "ctx",
			   "leave the mode at 1, or use a backend with iommufd",
			   "backend %s charges locked memory always to the process",
			   ctx->backend.name);
	if (r == -EBUSY)
		remedy = "set it before the first IOAS or device of the context, best with IOMMUFD_CTX_RLIMIT_PROCESS";
	else if (r == -EPERM)
		remedy = "run with CAP_SYS_RESOURCE, or have a privileged process set it and hand over the descriptor";
	return err_kernel(r, setting ? KNOWN(-EBUSY, -EPERM) : KNOWN(0),
			  call_name(ctx, ENGINE_OPTION), "ctx", remedy,
			  "the memory limit's mode is not available%s",
			  r == -EBUSY ? " any more: objects exist" : "");
}

IOMMUFD_EXPORT int iommufd_ctx_set_rlimit_mode(struct iommufd_ctx *ctx, uint32_t mode)
{
	struct engine *e;
	int r = ctx_check(ctx, __func__);

	if (r)
		return r;
	e = &ctx->backend.engine;
	if (mode > 1) {
		r = err(-EINVAL, __func__, "mode", "use 0 for the user, 1 for the process",
			"mode %u does not exist", mode);
		return err_log(&ctx->core.log, r);
	}
	pthread_mutex_lock(&ctx->lock);
	r = e->ops->set_option(e, NULL, OPTION_RLIMIT_MODE, mode);
	pthread_mutex_unlock(&ctx->lock);
	return r ? err_log(&ctx->core.log, rlimit_failed(ctx, true, r)) : 0;
}

IOMMUFD_EXPORT int iommufd_ctx_get_rlimit_mode(struct iommufd_ctx *ctx, uint32_t *mode)
{
	struct engine *e;
	uint64_t value;
	int r = ctx_check(ctx, __func__);

	if (r)
		return r;
	if (!mode)
		return err_log(&ctx->core.log, err_null(__func__, "mode"));
	e = &ctx->backend.engine;
	pthread_mutex_lock(&ctx->lock);
	r = e->ops->get_option(e, NULL, OPTION_RLIMIT_MODE, &value);
	pthread_mutex_unlock(&ctx->lock);
	if (r)
		return err_log(&ctx->core.log, rlimit_failed(ctx, false, r));
	*mode = (uint32_t)value;
	return 0;
}

IOMMUFD_EXPORT int iommufd_ctx_change_process(struct iommufd_ctx *ctx)
{
	struct engine *e;
	const char *remedy = "see the message";
	int r = ctx_check(ctx, __func__);

	if (r)
		return r;
	e = &ctx->backend.engine;
	if (!engine_has(e, IOMMUFD_CAP_CHANGE_PROCESS)) {
		r = err(-EOPNOTSUPP, call_name(ctx, ENGINE_CHANGE_PROCESS), "ctx",
			"use Linux 6.13 or newer, or map the memory anew in the new process",
			"this kernel cannot move pinned memory to another process");
		return err_log(&ctx->core.log, r);
	}
	pthread_mutex_lock(&ctx->lock);
	r = e->ops->change_process(e);
	pthread_mutex_unlock(&ctx->lock);
	if (!r)
		return 0;
	if (r == -EINVAL)
		remedy = "make every mapping with iommufd_ioas_map_file()";
	else if (r == -EBUSY)
		remedy = "try again when no mapping is being made or removed";
	else if (r == -ENOMEM)
		remedy = "raise RLIMIT_MEMLOCK of this process";
	r = err_kernel(r, KNOWN(-EINVAL, -EBUSY, -ENOMEM), call_name(ctx, ENGINE_CHANGE_PROCESS),
		       "ctx", remedy, "the pinned memory cannot be moved to this process");
	return err_log(&ctx->core.log, r);
}

static int compat(struct iommufd_ctx *ctx, enum compat_op op, uint32_t *id)
{
	struct engine *e = &ctx->backend.engine;
	int r;

	if (!engine_has(e, IOMMUFD_CAP_COMPAT_IOAS)) {
		r = err(-EOPNOTSUPP, call_name(ctx, ENGINE_COMPAT), "ctx",
			"use a backend with iommufd",
			"backend %s has no IOAS for legacy containers", ctx->backend.name);
		return err_log(&ctx->core.log, r);
	}
	pthread_mutex_lock(&ctx->lock);
	r = e->ops->compat(e, op, id);
	pthread_mutex_unlock(&ctx->lock);
	if (!r)
		return 0;
	r = err_kernel(r, KNOWN(-ENODEV, -EOPNOTSUPP), call_name(ctx, ENGINE_COMPAT), "ctx",
		       r == -ENODEV ? "set one with iommufd_ctx_set_compat_ioas()" :
				      "do without legacy containers on this kernel",
		       r == -ENODEV ? "no IOAS serves legacy containers" :
				      "the choice of the IOAS for legacy containers failed");
	return err_log(&ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_ctx_get_compat_ioas(struct iommufd_ctx *ctx, uint32_t *id)
{
	uint32_t number = 0;
	int r = ctx_check(ctx, __func__);

	if (r)
		return r;
	if (!id)
		return err_log(&ctx->core.log, err_null(__func__, "id"));
	r = compat(ctx, COMPAT_GET, &number);
	if (!r)
		*id = number;
	return r;
}

IOMMUFD_EXPORT int iommufd_ctx_set_compat_ioas(struct iommufd_ctx *ctx, struct iommufd_ioas *ioas)
{
	uint32_t id;
	int r = ctx_check(ctx, __func__);

	if (r)
		return r;
	r = ioas_check(ioas, __func__);
	if (!r && ioas->ctx != ctx)
		r = err(-EINVAL, __func__, ioas->object, "pass an IOAS of this context",
			"the IOAS belongs to another context");
	if (r)
		return err_log(&ctx->core.log, r);
	id = ioas->as.id;
	return compat(ctx, COMPAT_SET, &id);
}

IOMMUFD_EXPORT int iommufd_ctx_clear_compat_ioas(struct iommufd_ctx *ctx)
{
	uint32_t id = 0;
	int r = ctx_check(ctx, __func__);

	return r ? r : compat(ctx, COMPAT_CLEAR, &id);
}
