/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_HANDOFF_H
#define OBJECT_HANDOFF_H

#include <libiommufd/handoff.h>

#include <stdbool.h>

#include "object/ctx.h"
#include "os/pass.h"

/* Each descriptor is an item's. */
#define HANDOFF_ITEMS_MAX PASS_FDS_MAX

struct handoff_item {
	uint32_t kind;
	int fd;           /* owned, or -1 */
	int group;        /* number, or -1 */
	uint32_t id;      /* of a bound device */
	uint64_t cookie;
	bool has_token;
	uint8_t token[16];
	char name[64];
	struct iommufd_device *dev;      /* once it is open; held */
	struct iommufd_group *adopted;   /* likewise */
};

struct iommufd_handoff {
	struct object obj;
	struct iommufd_ctx *ctx; /* held by who sends; NULL where it was received */
	struct core *core;       /* the context's, or own */
	struct core own;
	bool opened;
	unsigned int count;
	struct handoff_item items[HANDOFF_ITEMS_MAX];
};

static inline int handoff_check(const struct iommufd_handoff *h, const char *function)
{
	return h && object_is(&h->obj, OBJECT_HANDOFF) ? 0 : err_handle(function, "handoff");
}

/* Also that it was made here, to be sent. */
static inline int handoff_check_sender(const struct iommufd_handoff *h, const char *function)
{
	int r = handoff_check(h, function);

	return r || h->ctx ? r : err(-EINVAL, function, "handoff",
				     "make one with iommufd_handoff_new()",
				     "the hand-off was received, and cannot be sent on");
}

/* Give back what it has of descriptors, devices and groups. */
void handoff_drop_item(struct iommufd_handoff *h, struct handoff_item *item);

/* handoff-wire.c: the message. */

#define HANDOFF_HEAD_SIZE 32
#define HANDOFF_RECORD_SIZE 112
#define HANDOFF_MESSAGE_MAX (HANDOFF_HEAD_SIZE + HANDOFF_ITEMS_MAX * HANDOFF_RECORD_SIZE)

/* Writes @count items to @message, of HANDOFF_MESSAGE_MAX bytes; its length. */
size_t handoff_encode(const struct handoff_item *items, unsigned int count, void *message);

/*
 * How long the message is that begins with these HANDOFF_HEAD_SIZE bytes; -EPROTO
 * or -EPROTONOSUPPORT, and *why.
 */
int handoff_length(const void *head, const char **why);

/*
 * Reads @n bytes that came with @nr_fds descriptors, whose numbers in the message
 * become items[].fd. Only what handoff_encode() can have written is taken.
 */
int handoff_decode(const void *message, size_t n, unsigned int nr_fds,
		   struct handoff_item items[static HANDOFF_ITEMS_MAX], unsigned int *count,
		   const char **why);

#endif
