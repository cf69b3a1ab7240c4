/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "object/ctx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libiommufd/version.h>

#include "base/opts.h"

IOMMUFD_EXPORT const char *iommufd_version(void)
{
	return IOMMUFD_VERSION;
}

static int check_opts(const char *function, const struct iommufd_ctx_opts *given,
		      struct iommufd_ctx_opts *opts)
{
	int r = opts_get(function, opts, sizeof(*opts), given);

	if (!r)
		r = opts_flags(function, opts->flags, IOMMUFD_CTX_RLIMIT_PROCESS);
	if (r)
		return r;
	if (opts->log_level < IOMMUFD_LOG_NONE || opts->log_level > IOMMUFD_LOG_DEBUG)
		return err(-EINVAL, function, "opts.log_level", "use one of IOMMUFD_LOG_*",
			   "log level %d does not exist", opts->log_level);
	if (opts->group_policy > IOMMUFD_GROUP_ONE_IOAS)
		return err(-EINVAL, function, "opts.group_policy",
			   "use IOMMUFD_GROUP_ANY, IOMMUFD_GROUP_SINGLETON or IOMMUFD_GROUP_ONE_IOAS",
			   "group policy %u does not exist", opts->group_policy);
	return 0;
}

static void tell_backend(const struct iommufd_ctx *ctx, const char *function)
{
	const struct backend *b = &ctx->backend;

	for (const char *at = b->report; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		log_info(&ctx->core.log, "%s: %.*s", function, (int)strcspn(at, "\n"), at);
	if (b->noiommu)
		log_warning(&ctx->core.log,
			    "%s: no IOMMU stands behind the devices of this context: their DMA reaches all memory",
			    function);
}

static int ctx_open(const char *function, int adopt, const struct iommufd_ctx_opts *given,
		    struct iommufd_ctx **out)
{
	struct iommufd_ctx_opts opts;
	struct iommufd_ctx *ctx;
	int r;

	if (!out)
		return err_null(function, "out");
	*out = NULL;
	r = check_opts(function, given, &opts);
	if (r)
		return r;
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return err_nomem(function, "ctx");
	log_init(&ctx->core.log, opts.log, opts.log_data, opts.log_level);
	r = core_init(&ctx->core, function, opts.sys);
	if (r)
		goto exit;
	r = backend_open(&ctx->backend, &ctx->core, function, opts.backend, adopt);
	if (r)
		goto exit;
	object_init(&ctx->obj, OBJECT_CTX);
	pthread_mutex_init(&ctx->lock, NULL);
	pthread_mutex_init(&ctx->members_lock, NULL);
	events_init(&ctx->events);
	ctx->group_policy = opts.group_policy;
	if (opts.flags & IOMMUFD_CTX_RLIMIT_PROCESS) {
		r = iommufd_ctx_set_rlimit_mode(ctx, 1);
		if (r == -EBUSY && adopt < 0)
			r = err(-EIO, function, "ctx", "report this to the kernel's maintainers",
				"the kernel says that a new context has objects");
		if (r) {
			iommufd_ctx_unref(ctx);
			return r;
		}
	}
	tell_backend(ctx, function);
	*out = ctx;
	return 0;
exit:
	core_exit(&ctx->core);
	err_log(&ctx->core.log, r);
	free(ctx);
	return r;
}

IOMMUFD_EXPORT int iommufd_ctx_new(const struct iommufd_ctx_opts *opts, struct iommufd_ctx **out)
{
	return ctx_open(__func__, -1, opts, out);
}

IOMMUFD_EXPORT int iommufd_ctx_from_fd(int fd, const struct iommufd_ctx_opts *opts,
				       struct iommufd_ctx **out)
{
	if (fd < 0) {
		if (out)
			*out = NULL;
		return err(-EBADF, __func__, "fd",
			   "pass an open descriptor of /dev/iommu or /dev/vfio/vfio",
			   "descriptor %d is not open", fd);
	}
	return ctx_open(__func__, fd, opts, out);
}

IOMMUFD_EXPORT struct iommufd_ctx *iommufd_ctx_ref(struct iommufd_ctx *ctx)
{
	if (ctx && object_was(&ctx->obj, OBJECT_CTX))
		object_ref(&ctx->obj);
	return ctx;
}

IOMMUFD_EXPORT struct iommufd_ctx *iommufd_ctx_unref(struct iommufd_ctx *ctx)
{
	if (!ctx || !object_was(&ctx->obj, OBJECT_CTX) || !object_unref(&ctx->obj))
		return NULL;
	ctx->obj.kind = OBJECT_FREED;
	events_exit(ctx);
	backend_close(&ctx->backend);
	pthread_mutex_destroy(&ctx->lock);
	pthread_mutex_destroy(&ctx->members_lock);
	core_exit(&ctx->core);
	free(ctx);
	return NULL;
}

void ctx_enter(struct iommufd_ctx *ctx, struct member *member, struct object *object)
{
	pthread_mutex_lock(&ctx->members_lock);
	*member = (struct member){ .prev = ctx->last, .object = object };
	if (ctx->last)
		ctx->last->next = member;
	else
		ctx->first = member;
	ctx->last = member;
	pthread_mutex_unlock(&ctx->members_lock);
}

void ctx_leave(struct iommufd_ctx *ctx, struct member *member)
{
	bool lock = !core_is_forked(&ctx->core);

	if (lock)
		pthread_mutex_lock(&ctx->members_lock);
	*(member->prev ? &member->prev->next : &ctx->first) = member->next;
	*(member->next ? &member->next->prev : &ctx->last) = member->prev;
	if (lock)
		pthread_mutex_unlock(&ctx->members_lock);
}

IOMMUFD_EXPORT int iommufd_ctx_get_fd(struct iommufd_ctx *ctx)
{
	int r = ctx_check(ctx, __func__);

	if (r || ctx->backend.engine.ops == &engine_iommufd)
		return r ? r : ctx->backend.engine.fd;
	r = err(-EOPNOTSUPP, __func__, "ctx",
		"take the groups' descriptors by iommufd_group_get_fd(), or use a backend with iommufd",
		"backend %s has a container for each address space and group, and no descriptor for all",
		ctx->backend.name);
	return err_log(&ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_ctx_has(struct iommufd_ctx *ctx, uint32_t cap)
{
	int r = ctx_check(ctx, __func__);

	if (r)
		return r;
	/* What the kernel lacks the library does itself. */
	return cap == IOMMUFD_CAP_MAP_FILE || engine_has(&ctx->backend.engine, cap);
}

IOMMUFD_EXPORT const char *iommufd_ctx_get_backend(struct iommufd_ctx *ctx)
{
	return ctx_check(ctx, __func__) ? NULL : ctx->backend.name;
}

IOMMUFD_EXPORT const char *iommufd_ctx_get_report(struct iommufd_ctx *ctx)
{
	return ctx_check(ctx, __func__) ? NULL : ctx->backend.report;
}
