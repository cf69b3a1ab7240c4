/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Address spaces in a blob: every mapping, and no kernel call but to read the ranges. */
#include <errno.h>
#include <stdlib.h>

#include "object/ioas.h"
#include "object/state.h"

enum {
	ALLOWED_SIZE = 16,
	MAPPING_SIZE = 32,
	MEMORY_FILE = 1,    /* of the kernel's own mapping of a file */
	MEMORY_OTHER = 2,   /* by its address in the exporter */
};

static void write_mapping(struct state_out *out, const struct map_entry *m)
{
	bool by_file = m->kind == MAP_KIND_FILE && !m->file;

	state_put64(out, m->iova);
	state_put64(out, m->length);
	state_put64(out, by_file ? m->offset : 0);
	state_put32(out, m->prot);
	state_put32(out, by_file ? MEMORY_FILE : MEMORY_OTHER);
}

static int write_ioas(struct state_out *out, const struct object *object)
{
	struct iommufd_ioas *ioas = container_of((struct object *)(uintptr_t)object,
						 struct iommufd_ioas, obj);
	struct map_entry m;
	uint64_t at = 0;

	pthread_mutex_lock(&ioas->lock);
	state_put32(out, ioas->as.id);
	state_put32(out, ioas->as.dirty);
	state_put64(out, ioas->flags);
	state_put64(out, ioas->as.allow_count);
	for (size_t i = 0; i < ioas->as.allow_count; i++) {
		state_put64(out, ioas->as.allow[i].start);
		state_put64(out, ioas->as.allow[i].last);
	}
	state_put64(out, iova_map_count(ioas->map));
	while (iova_map_next(ioas->map, at, &m)) {
		write_mapping(out, &m);
		at = m.iova + m.length;
	}
	pthread_mutex_unlock(&ioas->lock);
	return 0;
}

static int read_allowed(struct state_in *in, struct iommufd_ioas *ioas)
{
	uint64_t count = state_get_count(in, ALLOWED_SIZE);
	uint64_t mask = ioas->ctx->core.page_size - 1;
	struct iommufd_range *list;

	if (!count)
		return 0;
	list = malloc(count * sizeof(*list));
	if (!list)
		return err_nomem(in->function, ioas->object);
	ioas->as.allow = list; /* the IOAS's from now on, whatever it is worth */
	for (uint64_t i = 0; i < count; i++) {
		list[i].start = state_get64(in);
		list[i].last = state_get64(in);
		if (list[i].start > list[i].last || (list[i].start | (list[i].last + 1)) & mask ||
		    (i && list[i].start <= list[i - 1].last))
			return state_bad(in, "%s protects no range", ioas->object);
	}
	ioas->as.allow_count = (size_t)count;
	return 0;
}

static int read_mapping(struct state_in *in, struct iommufd_ioas *ioas, uint64_t from)
{
	uint64_t mask = ioas->ctx->core.page_size - 1;
	struct map_entry m = { 0 };
	uint32_t memory;
	int r;

	m.iova = state_get64(in);
	m.length = state_get64(in);
	m.offset = state_get64(in);
	m.prot = state_get32(in);
	memory = state_get32(in);
	if (memory != MEMORY_FILE && (memory != MEMORY_OTHER || m.offset))
		return state_bad(in, "it maps no memory in %s", ioas->object);
	m.kind = memory == MEMORY_FILE ? MAP_KIND_FILE : MAP_KIND_OTHER;
	if (!m.prot || m.prot & ~(uint32_t)(IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE) ||
	    (m.iova | m.length | m.offset) & mask || m.iova < from ||
	    m.offset + m.length < m.offset)
		return state_bad(in, "a mapping of %s makes no sense", ioas->object);
	r = iova_map_insert(ioas->map, &m);
	return r == -ENOMEM ? err_nomem(in->function, ioas->object) :
	       r ? state_bad(in, "a mapping of %s makes no sense", ioas->object) : 0;
}

static int read_mappings(struct state_in *in, struct iommufd_ioas *ioas)
{
	uint64_t count = state_get_count(in, MAPPING_SIZE), from = 0;
	struct map_entry m;
	int r = 0;

	for (uint64_t i = 0; !r && i < count; i++) {
		r = read_mapping(in, ioas, from);
		if (!r && iova_map_next(ioas->map, from, &m))
			from = m.iova + m.length;
	}
	return r;
}

/* The kernel is asked for the ranges, and whether it has the IOAS, in one. */
static int complete(struct state_in *in, struct iommufd_ioas *ioas)
{
	int r = ioas->as.engine->ops->ranges(&ioas->as, &ioas->ranges);

	if (r == -ENOENT)
		return state_bad(in, "the kernel has no %s", ioas->object);
	return ioas_refresh_ranges(ioas, in->function);
}

static void unref(struct object *object)
{
	iommufd_ioas_unref(container_of(object, struct iommufd_ioas, obj));
}

static int read_ioas(struct state_in *in, struct object **object, uint32_t *id)
{
	const uint64_t known = IOMMUFD_IOAS_NO_HUGE_PAGES | IOMMUFD_IOAS_COALESCE |
			       IOMMUFD_IOAS_DIRTY_TRACKING;
	struct iommufd_ioas *ioas;
	uint32_t dirty;
	uint64_t flags;
	int r;

	*id = state_get32(in);
	dirty = state_get32(in);
	flags = state_get64(in);
	if (flags & ~known || dirty > 1)
		return state_bad(in, "an IOAS has unknown options");
	ioas = ioas_alloc(in->function, flags);
	if (!ioas)
		return -ENOMEM;
	ioas->as.engine = &in->import->ctx->backend.engine;
	ioas->as.id = *id;
	ioas->as.dirty = dirty;
	ioas_enter(ioas, in->import->ctx);
	r = read_allowed(in, ioas);
	if (!r)
		r = read_mappings(in, ioas);
	if (!r)
		r = state_done(in);
	if (!r)
		r = complete(in, ioas);
	if (r)
		unref(&ioas->obj);
	else
		*object = &ioas->obj;
	return r;
}

const struct state_type state_ioas = {
	.kind = IOMMUFD_IMPORT_IOAS,
	.object = OBJECT_IOAS,
	.name = "IOAS",
	.write = write_ioas,
	.read = read_ioas,
	.unref = unref,
};
