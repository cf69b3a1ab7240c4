/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What another process wrote down, made handles of again; and the import as an object. */
#include <errno.h>
#include <stdlib.h>

#include "base/opts.h"
#include "object/ioas.h"
#include "object/pasid.h"
#include "object/state.h"

typedef unsigned long long ull; /* for printf */

static void import_free(struct iommufd_import *import)
{
	import->obj.kind = OBJECT_FREED;
	while (import->count--)
		import->items[import->count].type->unref(import->items[import->count].object);
	iommufd_ctx_unref(import->ctx);
	free(import->items);
	free(import);
}

static int check_opts(const char *function, const struct iommufd_import_opts *given,
		      struct iommufd_import_opts *opts, struct iommufd_ctx_opts *ctx_opts)
{
	int r = opts_get(function, opts, sizeof(*opts), given);

	if (!r)
		r = opts_flags(function, opts->flags, IOMMUFD_IMPORT_KEEP_PROCESS);
	if (!r)
		r = opts_get(function, ctx_opts, sizeof(*ctx_opts), opts->ctx);
	ctx_opts->size = sizeof(*ctx_opts);
	return r;
}

static int make_ctx(struct state_in *in, const struct state_head *head,
		    struct iommufd_ctx_opts *opts)
{
	struct iommufd_ctx *ctx;
	int r;

	if (opts->group_policy == IOMMUFD_GROUP_ANY)
		opts->group_policy = head->group_policy;
	r = iommufd_ctx_from_fd(in->fds[0], opts, &ctx);
	if (r)
		return r;
	in->import->ctx = ctx;
	core_set_owner(&ctx->core, false); /* until all is well the objects are the exporter's */
	if (!engine_has(&ctx->backend.engine, IOMMUFD_CAP_DEVICE_FD))
		return err(-EOPNOTSUPP, in->function, "ctx",
			   "allow backend \"cdev+iommufd\": see opts.ctx and LIBIOMMUFD_BACKEND",
			   "backend %s cannot adopt devices", ctx->backend.name);
	if (ctx->backend.noiommu != head->noiommu)
		return err(-EOPNOTSUPP, in->function, "ctx",
			   head->noiommu ? "ask for backend \"noiommu\" in opts.ctx" :
					   "ask for backend \"iommufd\" in opts.ctx",
			   "the exporter's devices had %s IOMMU, and backend %s is for others",
			   head->noiommu ? "no" : "an", ctx->backend.name);
	return 0;
}

static int read_object(struct state_in *in, const struct state_type *type)
{
	struct iommufd_import *import = in->import;
	struct state_item *item = &import->items[import->count];
	int r;

	item->type = type;
	r = type->read(in, &item->object, &item->id);
	if (r)
		return r;
	for (size_t i = 0; !r && i < import->count; i++)
		if (!type->own_numbers && !import->items[i].type->own_numbers &&
		    import->items[i].id == item->id)
			r = state_bad(in, "two objects have number %u", item->id);
	import->count++;
	return r;
}

static int read_links(struct state_in *in, const struct state_type *type)
{
	struct object *object = state_find(in, type, state_get32(in));

	return object ? type->read_links(in, object) : -EPROTO;
}

static int read_records(struct state_in *all, const struct state_head *head)
{
	bool links, had_links = false;
	int r = 0;

	for (uint32_t i = 0; !r && i < head->records; i++) {
		const struct state_type *type;
		struct state_in one;
		uint32_t kind;

		r = state_next(all, &one, &kind, &links);
		type = state_type_by_kind(kind);
		if (r)
			break;
		if (!type || (links ? !type->read_links : had_links))
			return state_bad(all, "there is a record that does not belong there");
		r = links ? read_links(&one, type) : read_object(&one, type);
		had_links |= links;
	}
	return r ? r : state_done(all);
}

/* The kernel only says that there is one. */
static int check_memory(const struct state_in *in)
{
	struct map_entry m;

	for (size_t i = 0; i < in->import->count; i++) {
		const struct state_item *item = &in->import->items[i];
		struct iommufd_ioas *ioas;
		uint64_t at = 0;

		if (item->type != &state_ioas)
			continue;
		ioas = container_of(item->object, struct iommufd_ioas, obj);
		for (; iova_map_next(ioas->map, at, &m); at = m.iova + m.length)
			if (m.kind == MAP_KIND_OTHER)
				return err(-EINVAL, in->function, ioas->object,
					   "map files with iommufd_ioas_map_file() on Linux 6.13 or newer, or import with IOMMUFD_IMPORT_KEEP_PROCESS",
					   "the mapping at iova %#llx..%#llx is of memory of the exporter, not of a file",
					   (ull)m.iova, (ull)m.iova + (m.length - 1));
	}
	return 0;
}

static bool has_mappings(const struct iommufd_import *import)
{
	for (size_t i = 0; i < import->count; i++)
		if (import->items[i].type == &state_ioas &&
		    iova_map_count(container_of(import->items[i].object, struct iommufd_ioas,
						obj)->map))
			return true;
	return false;
}

static int change_process(const struct state_in *in)
{
	int r = check_memory(in);

	return r || !has_mappings(in->import) ? r : iommufd_ctx_change_process(in->import->ctx);
}

static int read_all(struct state_in *in, const void *blob, size_t size, bool keep_process,
		    struct iommufd_ctx_opts *ctx_opts)
{
	struct state_head head;
	int r = state_read_head(in, blob, size, &head);

	if (r)
		return r;
	if (in->nr_fds != head.fds)
		return err(-EINVAL, in->function, "fds",
			   "pass duplicates of all descriptors, in the same order",
			   "%zu descriptors were exported as %u", in->nr_fds, head.fds);
	in->import->items = calloc(head.records + (size_t)1, sizeof(*in->import->items));
	if (!in->import->items)
		return err_nomem(in->function, "import");
	r = make_ctx(in, &head, ctx_opts);
	if (!r)
		r = read_records(in, &head);
	return r || keep_process ? r : change_process(in);
}

static int import_new(struct state_in *in, const void *blob, size_t size,
		      const struct iommufd_import_opts *given, struct iommufd_import **out)
{
	struct iommufd_import_opts opts;
	struct iommufd_ctx_opts ctx_opts;
	struct iommufd_import *import;
	int r = check_opts(in->function, given, &opts, &ctx_opts);

	if (r)
		return r;
	import = calloc(1, sizeof(*import));
	if (!import)
		return err_nomem(in->function, "import");
	object_init(&import->obj, OBJECT_IMPORT);
	in->import = import;
	r = read_all(in, blob, size, opts.flags & IOMMUFD_IMPORT_KEEP_PROCESS, &ctx_opts);
	if (r) {
		if (import->ctx)
			err_log(&import->ctx->core.log, r);
		import_free(import);
		return r;
	}
	core_set_owner(&import->ctx->core, true);
	log_debug(&import->ctx->core.log, "%s: %zu objects came over", in->function, import->count);
	*out = import;
	return 0;
}

IOMMUFD_EXPORT int iommufd_import_new(const void *blob, size_t size, const int *fds, size_t count,
				      const struct iommufd_import_opts *opts,
				      struct iommufd_import **out)
{
	struct state_in in = { .function = __func__, .fds = fds, .nr_fds = count };

	if (!out)
		return err_null(__func__, "out");
	*out = NULL;
	if (!blob || !fds)
		return err_null(__func__, blob ? "fds" : "blob");
	return import_new(&in, blob, size, opts, out);
}

IOMMUFD_EXPORT struct iommufd_import *iommufd_import_ref(struct iommufd_import *import)
{
	if (import && object_is(&import->obj, OBJECT_IMPORT))
		object_ref(&import->obj);
	return import;
}

IOMMUFD_EXPORT struct iommufd_import *iommufd_import_unref(struct iommufd_import *import)
{
	if (import && object_is(&import->obj, OBJECT_IMPORT) && object_unref(&import->obj))
		import_free(import);
	return NULL;
}

IOMMUFD_EXPORT int iommufd_import_get_ctx(struct iommufd_import *import, struct iommufd_ctx **out)
{
	int r = import_check(import, __func__);

	if (out)
		*out = NULL;
	if (r)
		return r;
	if (!out)
		return err_log(&import->ctx->core.log, err_null(__func__, "out"));
	*out = iommufd_ctx_ref(import->ctx);
	return 0;
}

IOMMUFD_EXPORT int iommufd_import_get_item(struct iommufd_import *import, uint32_t index,
					   struct iommufd_import_item *item)
{
	struct iommufd_import_item known = { 0 };
	int r = import_check(import, __func__);

	if (r)
		return r;
	if (index >= import->count) {
		r = err(-ENOENT, __func__, "import", "ask for a smaller index",
			"%zu objects came over, and none has index %u", import->count, index);
		return err_log(&import->ctx->core.log, r);
	}
	known.kind = import->items[index].type->kind;
	known.id = import->items[index].id;
	if (import->items[index].type == &state_pasid)
		known.device = container_of(import->items[index].object, struct iommufd_pasid,
					    obj)->dev->fd.id;
	return err_log(&import->ctx->core.log, opts_put(__func__, item, &known, sizeof(known)));
}
