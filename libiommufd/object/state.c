/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What goes over, type by type, and how its facts are written and read. */
#include "object/command.h"
#include "object/state.h"
#include "os/uapi.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct state_type *const types[] = {
	&state_ioas,
	&state_device,
	&state_hwpt,
	&state_fault_queue,
	&state_viommu,
	&state_vdevice,
	&state_veventq,
	&state_hw_queue,
	&state_pasid,
};

const struct state_type *state_type_of(const struct object *object)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (object_is(object, types[i]->object))
			return types[i];
	return NULL;
}

const struct state_type *state_type_by_kind(uint32_t kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i]->kind == kind)
			return types[i];
	return NULL;
}

/* -- writing */

void state_put(struct state_out *out, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++, out->size++, value >>= 8)
		if (out->size < out->room)
			out->to[out->size] = (uint8_t)value;
}

void state_put_text(struct state_out *out, const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	for (size_t i = 0; i < size; i++)
		state_put(out, i < length ? (uint8_t)text[i] : 0, 1);
}

#define NO_FD UINT32_MAX

void state_put_fd(struct state_out *out, int fd)
{
	if (fd < 0) {
		state_put32(out, NO_FD);
		return;
	}
	state_put32(out, (uint32_t)out->nr_fds);
	if (out->nr_fds < out->fds_room)
		out->fds[out->nr_fds] = fd;
	out->nr_fds++;
}

/* -- reading */

uint64_t state_get(struct state_in *in, unsigned int bytes)
{
	uint64_t value = 0;

	if ((size_t)(in->end - in->at) < bytes) {
		in->is_short = true;
		return 0;
	}
	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)*in->at++ << 8 * i;
	return value;
}

void state_get_text(struct state_in *in, char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		text[i] = (char)state_get(in, 1);
	if (text[size - 1]) /* it has no end */
		in->is_short = true;
	text[size - 1] = 0;
}

uint64_t state_get_count(struct state_in *in, size_t size)
{
	uint64_t count = state_get64(in);

	if (count <= (size_t)(in->end - in->at) / size)
		return count;
	in->is_short = true;
	return 0;
}

int state_get_fd(struct state_in *in, int *fd)
{
	uint32_t i = state_get32(in);

	*fd = -1;
	if (i == NO_FD || in->is_short)
		return 0;
	if (i >= in->nr_fds)
		return state_bad(in, "it names descriptor %u of %zu", i, in->nr_fds);
	*fd = in->fds[i];
	/* Who lent one that is not open gives none, which has a meaning here. */
	return *fd >= 0 ? 0 : err(-EBADF, in->function, "fds", "pass duplicates of all descriptors",
				  "descriptor %d is not open", *fd);
}

int state_take_fd(struct state_in *in, int fd)
{
	int r = fd < 0 ? -EBADF : sys_dup(in->import->ctx->core.sys, fd);

	return r >= 0 ? r : err_kernel(r, KNOWN(-EBADF, -EMFILE, -ENOMEM), "fcntl", "fds",
				       "pass duplicates of all descriptors",
				       "descriptor %d of a queue cannot be duplicated", fd);
}

/* An invalidation of nothing gets as far as looking for what it is of. */
int state_check_id(struct state_in *in, const struct state_type *type, uint32_t id)
{
	struct k_iommu_hwpt_invalidate arg = { .size = sizeof(arg), .hwpt_id = id };

	return command(in->import->ctx, K_IOMMU_HWPT_INVALIDATE, &arg) == -ENOENT ?
		       state_bad(in, "the kernel has no %s %u", type->name, id) : 0;
}

int state_bad(const struct state_in *in, const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return err(-EPROTO, in->function, "blob",
		   "export the context anew, and hand over all bytes as they are",
		   "the blob is damaged: %s", text);
}

int state_done(const struct state_in *in)
{
	return in->is_short || in->at != in->end ?
		       state_bad(in, "a record is not as long as what it tells") : 0;
}

struct object *state_find(const struct state_in *in, const struct state_type *type, uint32_t id)
{
	const struct iommufd_import *import = in->import;

	for (size_t i = 0; i < import->count; i++)
		if (import->items[i].type == type && import->items[i].id == id)
			return import->items[i].object;
	state_bad(in, "it has no %s %u, which another object needs", type->name, id);
	return NULL;
}
