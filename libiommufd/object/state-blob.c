/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The frame of a blob: its head, and records of a length of their own. */
#include <errno.h>
#include <string.h>

#include "object/state.h"

#define VERSION 1
#define NOIOMMU 1u

static const uint8_t magic[8] = "iofdlive";

/* Where things are in the head. */
enum {
	AT_VERSION = 8,
	AT_RECORDS = 12,
	AT_SIZE = 16,
	AT_CHECKSUM = 24,
	AT_REST = 32,
};

/* FNV-1a: no change of one byte goes unnoticed. */
static uint64_t checksum(const uint8_t *blob, size_t size)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		if (i < AT_CHECKSUM || i >= AT_REST)
			sum = (sum ^ blob[i]) * UINT64_C(0x100000001b3);
	return sum;
}

void state_write_head(struct state_out *out, const struct state_head *head)
{
	size_t size = out->size;
	struct state_out top = { .to = out->to, .room = out->room };

	for (size_t i = 0; i < sizeof(magic); i++)
		state_put(&top, magic[i], 1);
	state_put32(&top, VERSION);
	state_put32(&top, head->records);
	state_put64(&top, size);
	state_put64(&top, 0);
	state_put32(&top, head->fds);
	state_put32(&top, head->group_policy);
	state_put32(&top, head->noiommu ? NOIOMMU : 0);
	state_put32(&top, STATE_RECORD_SIZE);
	state_put64(&top, 0);
	if (size > out->room)
		return;
	top.size = AT_CHECKSUM;
	state_put64(&top, checksum(out->to, size));
}

static int check_rest(const struct state_in *in, const struct state_head *head, uint32_t flags,
		      uint32_t record_size, uint64_t zero)
{
	if (flags & ~NOIOMMU || record_size != STATE_RECORD_SIZE || zero || !head->fds ||
	    head->group_policy > IOMMUFD_GROUP_ONE_IOAS ||
	    head->records > (size_t)(in->end - in->at) / STATE_RECORD_SIZE)
		return state_bad(in, "its head makes no sense");
	return 0;
}

int state_read_head(struct state_in *in, const void *blob, size_t size, struct state_head *head)
{
	uint64_t length, sum, zero;
	uint32_t version, flags, record_size;

	in->at = blob;
	in->end = in->at + size;
	if (size < STATE_HEAD_SIZE || memcmp(blob, magic, sizeof(magic)))
		return state_bad(in, "it is not of iommufd_ctx_export()");
	in->at += AT_VERSION;
	version = state_get32(in);
	if (version != VERSION)
		return err(-EPROTONOSUPPORT, in->function, "blob",
			   "export and import with releases of the library that know one another",
			   "it is of version %u, and this release knows version %d", version,
			   VERSION);
	head->records = state_get32(in);
	length = state_get64(in);
	sum = state_get64(in);
	if (length != size)
		return state_bad(in, "it has %zu bytes and had %llu", size,
				 (unsigned long long)length);
	if (sum != checksum(blob, size))
		return state_bad(in, "its checksum is wrong");
	head->fds = state_get32(in);
	head->group_policy = state_get32(in);
	flags = state_get32(in);
	head->noiommu = flags & NOIOMMU;
	record_size = state_get32(in);
	zero = state_get64(in);
	return check_rest(in, head, flags, record_size, zero);
}

size_t state_begin(struct state_out *out, uint32_t kind, bool links)
{
	size_t begin = out->size;

	state_put32(out, kind);
	state_put32(out, links);
	state_put64(out, 0);
	return begin;
}

void state_end(struct state_out *out, size_t begin)
{
	struct state_out length = {
		.to = out->to, .room = out->room, .size = begin + sizeof(uint64_t),
	};

	state_put64(&length, out->size - begin - STATE_RECORD_SIZE);
}

int state_next(struct state_in *all, struct state_in *one, uint32_t *kind, bool *links)
{
	uint32_t part;
	uint64_t length;

	*kind = state_get32(all);
	part = state_get32(all);
	length = state_get_count(all, 1);
	*links = part;
	if (all->is_short || part > 1)
		return state_bad(all, "a record makes no sense or is longer than what is left");
	*one = *all;
	one->end = one->at + length;
	all->at = one->end;
	return 0;
}
