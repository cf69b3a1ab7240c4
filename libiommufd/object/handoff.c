/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A hand-off as an object: begun, looked at, sent, given back. */
#include "object/handoff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/ask.h"
#include "base/opts.h"
#include "object/device.h"
#include "object/group.h"

/* The context's /dev/iommu, or a container of the receiver's own. */
static int get_ctx_fd(struct iommufd_ctx *ctx, const char *function)
{
	const struct iommufd_sys *sys = ctx->core.sys;
	int r;

	if (ctx->backend.engine.ops == &engine_iommufd) {
		r = sys_dup(sys, ctx->backend.engine.fd);
		return r >= 0 ? r : err_kernel(r, KNOWN(-EMFILE, -ENOMEM), function, "ctx",
					       "close descriptors, or raise RLIMIT_NOFILE",
					       "the descriptor of /dev/iommu cannot be duplicated");
	}
	r = sys_open(sys, ASK_CONTAINER, O_RDWR);
	return r >= 0 ? r : err_kernel(r, KNOWN(-EACCES, -EPERM, -ENOENT, -ENODEV, -EMFILE, -ENFILE,
						-ENOMEM), "open", ASK_CONTAINER,
				       "give this user access to the node, or use a backend with iommufd",
				       "no container can be opened to be handed over");
}

IOMMUFD_EXPORT int iommufd_handoff_new(struct iommufd_ctx *ctx, struct iommufd_handoff **out)
{
	struct iommufd_handoff *h;
	int r;

	if (out)
		*out = NULL;
	r = ctx_check(ctx, __func__);
	if (r)
		return r;
	if (!out)
		return err_log(&ctx->core.log, err_null(__func__, "out"));
	h = calloc(1, sizeof(*h));
	if (!h)
		return err_log(&ctx->core.log, err_nomem(__func__, "handoff"));
	r = get_ctx_fd(ctx, __func__);
	if (r < 0) {
		free(h);
		return err_log(&ctx->core.log, r);
	}
	object_init(&h->obj, OBJECT_HANDOFF);
	h->ctx = iommufd_ctx_ref(ctx);
	h->core = &ctx->core;
	h->items[h->count++] = (struct handoff_item){
		.kind = IOMMUFD_HANDOFF_CTX, .fd = r, .group = -1,
	};
	*out = h;
	return 0;
}

IOMMUFD_EXPORT struct iommufd_handoff *iommufd_handoff_ref(struct iommufd_handoff *handoff)
{
	if (handoff && object_is(&handoff->obj, OBJECT_HANDOFF))
		object_ref(&handoff->obj);
	return handoff;
}

void handoff_drop_item(struct iommufd_handoff *h, struct handoff_item *item)
{
	iommufd_device_unref(item->dev);
	iommufd_group_unref(item->adopted);
	item->dev = NULL;
	item->adopted = NULL;
	sys_close(h->core->sys, &item->fd);
}

IOMMUFD_EXPORT struct iommufd_handoff *iommufd_handoff_unref(struct iommufd_handoff *handoff)
{
	if (!handoff || !object_is(&handoff->obj, OBJECT_HANDOFF) || !object_unref(&handoff->obj))
		return NULL;
	handoff->obj.kind = OBJECT_FREED;
	while (handoff->count)
		handoff_drop_item(handoff, &handoff->items[--handoff->count]);
	if (!handoff->ctx)
		core_exit(&handoff->own);
	iommufd_ctx_unref(handoff->ctx);
	free(handoff);
	return NULL;
}

IOMMUFD_EXPORT int iommufd_handoff_get_item(struct iommufd_handoff *handoff, uint32_t index,
					    struct iommufd_handoff_item *item)
{
	const struct handoff_item *from;
	int r = handoff_check(handoff, __func__);

	if (r)
		return r;
	if (index >= handoff->count) {
		r = err(-ENOENT, __func__, "handoff", "ask for a smaller index",
			"there are %u items, and none has index %u", handoff->count, index);
		return err_log(&handoff->core->log, r);
	}
	from = &handoff->items[index];

	struct iommufd_handoff_item ours = {
		.kind = from->kind, .fd = from->fd, .group = from->group, .id = from->id,
		.cookie = from->cookie,
	};

	memcpy(ours.name, from->name, sizeof(ours.name));
	return err_log(&handoff->core->log, opts_put(__func__, item, &ours, sizeof(ours)));
}

IOMMUFD_EXPORT int iommufd_handoff_find_device(struct iommufd_handoff *handoff, const char *name,
					       struct iommufd_device **out)
{
	int r;

	if (out)
		*out = NULL;
	r = handoff_check(handoff, __func__);
	if (r)
		return r;
	if (!out || !name)
		return err_log(&handoff->core->log, err_null(__func__, out ? "name" : "out"));
	for (unsigned int i = 0; i < handoff->count; i++)
		if (handoff->items[i].dev && !strcmp(handoff->items[i].name, name)) {
			*out = iommufd_device_ref(handoff->items[i].dev);
			return 0;
		}
	r = err(-ENOENT, __func__, "handoff",
		handoff->opened ? "look for its name with iommufd_handoff_get_item()" :
				  "call iommufd_handoff_open() first",
		"the hand-off has no open device of the name \"%.63s\"", name);
	return err_log(&handoff->core->log, r);
}

static int send_failed(int code)
{
	switch (code) {
	case -EPIPE:
		return err(code, "sendmsg", "socket", "have the other process connect again",
			   "the other end of the socket is closed");
	case -EAGAIN:
		return err(code, "sendmsg", "socket", "wait until the socket is writable",
			   "the socket's buffer is full");
	case -EMSGSIZE:
		return err(code, "sendmsg", "socket", "set SO_SNDBUF to 64 KiB or more",
			   "the socket's buffer is too small for the message in one piece");
	default:
		return err_kernel(code, KNOWN(-EBADF, -ENOTSOCK, -EPROTOTYPE, -ENOTCONN,
					      -ETOOMANYREFS, -ENOMEM), "sendmsg", "socket",
				  code == -ETOOMANYREFS ?
					  "raise RLIMIT_NOFILE, or wait until others have received" :
					  "pass a connected socket of the UNIX domain",
				  "the hand-off cannot be sent");
	}
}

static int send_all(struct iommufd_handoff *h, const char *function, int socket)
{
	int fds[HANDOFF_ITEMS_MAX], r;
	unsigned int nr_fds = 0;
	bool stream;
	void *message = malloc(HANDOFF_MESSAGE_MAX);

	if (!message)
		return err_nomem(function, "handoff");
	for (unsigned int i = 0; i < h->count; i++)
		if (h->items[i].fd >= 0)
			fds[nr_fds++] = h->items[i].fd;
	r = pass_check(socket, &stream);
	if (!r)
		r = pass_send(socket, message, handoff_encode(h->items, h->count, message), fds,
			      nr_fds);
	free(message);
	return r ? send_failed(r) : 0;
}

IOMMUFD_EXPORT int iommufd_handoff_send(struct iommufd_handoff *handoff, int socket)
{
	int r = handoff_check_sender(handoff, __func__);

	if (r)
		return r;
	r = send_all(handoff, __func__, socket);
	if (!r)
		log_debug(&handoff->core->log, "%s: %u items went over", __func__, handoff->count);
	return err_log(&handoff->core->log, r);
}
