/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Life of an I/O address space, and its simple facts. */
#include "object/ioas.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/opts.h"

static int make_tables(struct iommufd_ioas *ioas)
{
	return iova_map_new(&ioas->map) || iova_alloc_new(&ioas->alloc) ? -ENOMEM : 0;
}

static void free_tables(struct iommufd_ioas *ioas)
{
	struct map_entry m;

	while (ioas->map && iova_map_pop(ioas->map, 0, UINT64_MAX, &m))
		file_view_unref(m.file);
	if (ioas->alloc)
		iova_alloc_free(ioas->alloc);
	if (ioas->map)
		iova_map_free(ioas->map);
	free(ioas->ranges.ranges);
	free((void *)ioas->as.allow);
}

struct iommufd_ioas *ioas_alloc(const char *function, uint64_t flags)
{
	struct iommufd_ioas *ioas = calloc(1, sizeof(*ioas));

	if (!ioas)
		goto nomem;
	object_init(&ioas->obj, OBJECT_IOAS);
	pthread_mutex_init(&ioas->lock, NULL);
	if (make_tables(ioas))
		goto nomem;
	ioas->as.map = ioas->map;
	ioas->flags = flags;
	ioas->as.coalesce = flags & IOMMUFD_IOAS_COALESCE;
	return ioas;
nomem:
	err_nomem(function, "ioas");
	ioas_free(ioas);
	return NULL;
}

void ioas_free(struct iommufd_ioas *ioas)
{
	if (!ioas)
		return;
	ioas->obj.kind = OBJECT_FREED;
	free_tables(ioas);
	pthread_mutex_destroy(&ioas->lock);
	free(ioas);
}

void ioas_enter(struct iommufd_ioas *ioas, struct iommufd_ctx *ctx)
{
	snprintf(ioas->object, sizeof(ioas->object), "ioas %u", ioas->as.id);
	ioas->ctx = iommufd_ctx_ref(ctx);
	ctx_enter(ctx, &ioas->member, &ioas->obj);
}

static void destroy(struct iommufd_ioas *ioas)
{
	struct iommufd_ctx *ctx = ioas->ctx;
	int r = 0;

	if (core_is_owner(&ctx->core))
		r = ioas->as.engine->ops->ioas_free(&ioas->as);
	if (r)
		log_warning(&ctx->core.log,
			    "%s: %s stays in the kernel until the context closes (errno %d)",
			    ioas_call(ioas, ENGINE_IOAS_FREE), ioas->object, -r);
	ctx_leave(ctx, &ioas->member);
	ioas_free(ioas);
	iommufd_ctx_unref(ctx);
}

static int ioas_new(struct iommufd_ctx *ctx, const char *function,
		    const struct iommufd_ioas_opts *given, struct iommufd_ioas **out)
{
	struct engine *engine = &ctx->backend.engine;
	struct iommufd_ioas_opts opts;
	struct iommufd_ioas *ioas;
	int r = opts_get(function, &opts, sizeof(opts), given);

	if (!r)
		r = opts_flags(function, opts.flags,
			       IOMMUFD_IOAS_NO_HUGE_PAGES | IOMMUFD_IOAS_COALESCE |
				       IOMMUFD_IOAS_DIRTY_TRACKING);
	if (r)
		return r;
	ioas = ioas_alloc(function, opts.flags & (IOMMUFD_IOAS_COALESCE |
						  IOMMUFD_IOAS_DIRTY_TRACKING));
	if (!ioas)
		return -ENOMEM;
	pthread_mutex_lock(&ctx->lock);
	r = engine->ops->ioas_alloc(engine, &ioas->as);
	pthread_mutex_unlock(&ctx->lock);
	if (r) {
		ioas_free(ioas);
		return err_kernel(r, KNOWN(-ENOMEM), engine_call_name(engine, ENGINE_IOAS_ALLOC),
				  "ioas", "look into the kernel's log",
				  "the address space cannot be made");
	}
	ioas_enter(ioas, ctx);
	r = ioas_refresh_ranges(ioas, function);
	if (!r && opts.flags & IOMMUFD_IOAS_NO_HUGE_PAGES)
		r = iommufd_ioas_set_huge_pages(ioas, 0);
	if (r) {
		destroy(ioas);
		return r;
	}
	log_debug(&ctx->core.log, "%s: %s", function, ioas->object);
	*out = ioas;
	return 0;
}

IOMMUFD_EXPORT int iommufd_ioas_new(struct iommufd_ctx *ctx, const struct iommufd_ioas_opts *opts,
				    struct iommufd_ioas **out)
{
	int r;

	if (out)
		*out = NULL;
	r = ctx_check(ctx, __func__);
	if (r)
		return r;
	r = out ? ioas_new(ctx, __func__, opts, out) : err_null(__func__, "out");
	return err_log(&ctx->core.log, r);
}

IOMMUFD_EXPORT struct iommufd_ioas *iommufd_ioas_ref(struct iommufd_ioas *ioas)
{
	if (ioas && object_was(&ioas->obj, OBJECT_IOAS))
		object_ref(&ioas->obj);
	return ioas;
}

IOMMUFD_EXPORT struct iommufd_ioas *iommufd_ioas_unref(struct iommufd_ioas *ioas)
{
	if (ioas && object_was(&ioas->obj, OBJECT_IOAS) && object_unref(&ioas->obj))
		destroy(ioas);
	return NULL;
}

IOMMUFD_EXPORT int iommufd_ioas_get_id(struct iommufd_ioas *ioas, uint32_t *id)
{
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	if (!id)
		return err_log(&ioas->ctx->core.log, err_null(__func__, "id"));
	*id = ioas->as.id;
	return 0;
}

static int no_huge_page_option(const struct iommufd_ioas *ioas, const char *function)
{
	return err(-EOPNOTSUPP, function, ioas->object,
		   "leave huge pages as they are, or use a backend with iommufd",
		   "backend %s has no switch for huge I/O pages", ioas->ctx->backend.name);
}

static int huge_pages_failed(struct iommufd_ioas *ioas, bool setting, int r)
{
	return err_kernel(r, setting ? KNOWN(-EINVAL, -EOPNOTSUPP, -ENOMEM) : KNOWN(-EOPNOTSUPP),
			  ioas_call(ioas, ENGINE_OPTION), ioas->object,
			  r == -EINVAL ? "switch huge pages before the first mapping" :
					 "do without the option on this kernel",
			  "huge pages cannot be switched%s",
			  r == -EINVAL ? ": something is mapped" : "");
}

IOMMUFD_EXPORT int iommufd_ioas_set_huge_pages(struct iommufd_ioas *ioas, int enable)
{
	struct engine *e;
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	e = ioas->as.engine;
	pthread_mutex_lock(&ioas->lock);
	if (enable != 0 && enable != 1)
		r = err(-EINVAL, __func__, "enable", "use 0 or 1", "the value is %d", enable);
	else if (!engine_has(e, IOMMUFD_CAP_HUGE_PAGE_OPTION))
		r = no_huge_page_option(ioas, __func__);
	else if (iova_map_count(ioas->map))
		r = err(-EINVAL, __func__, ioas->object,
			"switch huge pages before the first mapping",
			"huge pages cannot be switched: %llu mappings exist",
			(unsigned long long)iova_map_count(ioas->map));
	else {
		r = e->ops->set_option(e, &ioas->as, OPTION_HUGE_PAGES, (uint64_t)enable);
		if (r)
			r = huge_pages_failed(ioas, true, r);
		else
			ioas->flags = (ioas->flags & ~(uint64_t)IOMMUFD_IOAS_NO_HUGE_PAGES) |
				      (enable ? 0 : IOMMUFD_IOAS_NO_HUGE_PAGES);
	}
	pthread_mutex_unlock(&ioas->lock);
	return err_log(&ioas->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_ioas_get_huge_pages(struct iommufd_ioas *ioas, int *enabled)
{
	struct engine *e;
	uint64_t value;
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	if (!enabled)
		return err_log(&ioas->ctx->core.log, err_null(__func__, "enabled"));
	e = ioas->as.engine;
	pthread_mutex_lock(&ioas->lock);
	if (!engine_has(e, IOMMUFD_CAP_HUGE_PAGE_OPTION)) {
		r = no_huge_page_option(ioas, __func__);
	} else {
		r = e->ops->get_option(e, &ioas->as, OPTION_HUGE_PAGES, &value);
		if (r)
			r = huge_pages_failed(ioas, false, r);
	}
	pthread_mutex_unlock(&ioas->lock);
	if (r)
		return err_log(&ioas->ctx->core.log, r);
	*enabled = value != 0;
	return 0;
}
