/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Leaving a context to a successor: what is written down for it, and letting go. */
#include <errno.h>

#include "object/device.h"
#include "object/group.h"
#include "object/state.h"

/* What groups have shares containers, which end with the process. */
static int check_transport(struct iommufd_ctx *ctx, const char *function)
{
	if (!engine_has(&ctx->backend.engine, IOMMUFD_CAP_DEVICE_FD))
		return err(-EOPNOTSUPP, function, "ctx",
			   "use a backend with character devices: see IOMMUFD_CAP_DEVICE_FD",
			   "backend %s has devices by group, and these cannot be left to others",
			   ctx->backend.name);
	for (struct iommufd_device *d = ctx->devices; d; d = d->next)
		if (d->fd.group)
			return err(-EOPNOTSUPP, function, d->fd.object,
				   "give this user access to the devices' own nodes",
				   "the device is had by its group, whose container ends with this process");
	for (struct iommufd_group *g = ctx->groups; g; g = g->next)
		if (g->vfio)
			return err(-EOPNOTSUPP, function, g->object,
				   "give the group back first",
				   "the group is open, and ends with this process");
	return 0;
}

/* A record that says nothing is none. */
static void end(struct state_out *out, size_t begin, uint32_t *records)
{
	if (out->size == begin + STATE_RECORD_SIZE) {
		out->size = begin;
		return;
	}
	state_end(out, begin);
	++*records;
}

static int write_objects(struct iommufd_ctx *ctx, struct state_out *out, uint32_t *records)
{
	for (const struct member *m = ctx->first; m; m = m->next) {
		const struct state_type *type = state_type_of(m->object);
		size_t begin = state_begin(out, type->kind, false);
		int r = type->write(out, m->object);

		if (r)
			return r;
		end(out, begin, records);
	}
	return 0;
}

static void write_links(struct iommufd_ctx *ctx, struct state_out *out, uint32_t *records)
{
	for (const struct member *m = ctx->first; m; m = m->next) {
		const struct state_type *type = state_type_of(m->object);
		size_t begin;

		if (!type->write_links)
			continue;
		begin = state_begin(out, type->kind, true);
		type->write_links(out, m->object);
		end(out, begin, records);
	}
}

static int write_all(struct iommufd_ctx *ctx, struct state_out *out)
{
	struct state_head head = {
		.group_policy = ctx->group_policy, .noiommu = ctx->backend.noiommu,
	};
	int fd = ctx->backend.engine.fd, r;

	if (out->fds_room)
		out->fds[0] = fd;
	out->nr_fds = 1;
	out->size = STATE_HEAD_SIZE;
	r = write_objects(ctx, out, &head.records);
	if (r)
		return r;
	write_links(ctx, out, &head.records);
	head.fds = (uint32_t)out->nr_fds;
	state_write_head(out, &head);
	if (out->size <= out->room && out->nr_fds <= out->fds_room)
		return 0;
	return err(-ENOBUFS, out->function, "ctx", "call again with room for all",
		   "it takes %zu bytes and %zu descriptors, and there is room for %zu and %zu",
		   out->size, out->nr_fds, out->room, out->fds_room);
}

IOMMUFD_EXPORT int iommufd_ctx_export(struct iommufd_ctx *ctx, void *blob, size_t *size, int *fds,
				      size_t *count)
{
	struct state_out out = { .function = __func__, .to = blob, .fds = fds };
	int r = ctx_check(ctx, __func__);

	if (r)
		return r;
	if (!size || !count || (*size && !blob) || (*count && !fds))
		return err_log(&ctx->core.log, err_null(__func__, !size ? "size" : !count ? "count" :
							*size && !blob ? "blob" : "fds"));
	out.room = *size;
	out.fds_room = *count;
	pthread_mutex_lock(&ctx->lock);
	r = check_transport(ctx, __func__);
	if (!r)
		r = write_all(ctx, &out);
	pthread_mutex_unlock(&ctx->lock);
	if (!r || r == -ENOBUFS) {
		*size = out.size;
		*count = out.nr_fds;
	}
	return err_log(&ctx->core.log, r);
}

/* Context lock held. */
static void disown(struct iommufd_ctx *ctx)
{
	core_set_owner(&ctx->core, false);
	ctx->obj.kind |= OBJECT_DISOWNED;
	pthread_mutex_lock(&ctx->members_lock);
	for (struct member *m = ctx->first; m; m = m->next)
		m->object->kind |= OBJECT_DISOWNED;
	pthread_mutex_unlock(&ctx->members_lock);
}

IOMMUFD_EXPORT int iommufd_ctx_disown(struct iommufd_ctx *ctx)
{
	int r = ctx_check(ctx, __func__);

	if (r)
		return r;
	pthread_mutex_lock(&ctx->lock);
	r = check_transport(ctx, __func__);
	if (!r)
		disown(ctx);
	pthread_mutex_unlock(&ctx->lock);
	if (!r)
		log_debug(&ctx->core.log, "%s: others have what is in the context", __func__);
	return err_log(&ctx->core.log, r);
}
