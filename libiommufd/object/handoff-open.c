/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What was handed over, made a context and its devices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/opts.h"
#include "object/device.h"
#include "object/group.h"
#include "object/handoff.h"

static int open_group(struct iommufd_ctx *ctx, const char *function, struct handoff_item *item)
{
	int r = iommufd_group_from_fd(ctx, item->fd, &item->adopted);

	if (r || item->adopted->number == item->group)
		return r;
	return err(-EPROTO, function, item->adopted->object,
		   "have the other process send its groups anew",
		   "the descriptor was handed over as that of group %d", item->group);
}

/* By its group's directory: that has devices on any bus, and no others than the group's. */
static int open_member(struct iommufd_ctx *ctx, const struct iommufd_device_opts *opts,
		       struct handoff_item *item)
{
	char path[160];

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/devices/%s", item->group,
		 item->name);
	return iommufd_device_open(ctx, path, opts, &item->dev);
}

static int open_item(struct iommufd_ctx *ctx, const char *function, struct handoff_item *item)
{
	struct iommufd_device_opts opts = {
		.size = sizeof(opts), .cookie = item->cookie,
		.vf_token = item->has_token ? item->token : NULL,
	};
	struct iommufd_device_bound bound = {
		.size = sizeof(bound), .id = item->id, .fd = item->fd,
	};
	int r = 0;

	switch (item->kind) {
	case IOMMUFD_HANDOFF_GROUP:
		return open_group(ctx, function, item);
	case IOMMUFD_HANDOFF_CDEV:
		r = iommufd_device_from_fd(ctx, item->fd, &opts, &item->dev);
		break;
	case IOMMUFD_HANDOFF_BOUND:
		r = iommufd_device_adopt(ctx, &bound, &opts, &item->dev);
		break;
	case IOMMUFD_HANDOFF_MEMBER:
		r = open_member(ctx, &opts, item);
		break;
	}
	return r || !item->dev ? r : device_check_name(item->dev, function, item->name);
}

/* Without what could not be opened the rest is of no use. */
static void close_items(struct iommufd_handoff *h, unsigned int count)
{
	while (count--) {
		struct handoff_item *item = &h->items[count];

		item->dev = iommufd_device_unref(item->dev);
		item->adopted = iommufd_group_unref(item->adopted);
	}
}

static int open_all(struct iommufd_handoff *h, const char *function,
		    const struct iommufd_ctx_opts *opts, struct iommufd_ctx **out)
{
	struct iommufd_ctx *ctx;
	int r = iommufd_ctx_from_fd(h->items[0].fd, opts, &ctx);

	for (unsigned int i = 1; !r && i < h->count; i++) {
		r = open_item(ctx, function, &h->items[i]);
		if (r)
			close_items(h, i + 1);
		if (r)
			iommufd_ctx_unref(ctx);
	}
	if (r)
		return r;
	for (unsigned int i = 0; i < h->count; i++)
		sys_close(h->core->sys, &h->items[i].fd);
	h->opened = true;
	*out = ctx;
	return 0;
}

static int check_opts(const struct iommufd_handoff *h, const char *function,
		      const struct iommufd_ctx_opts *given, struct iommufd_ctx_opts *opts)
{
	int r = opts_get(function, opts, sizeof(*opts), given);

	if (r)
		return r;
	opts->size = sizeof(*opts);
	if (!opts->sys)
		opts->sys = h->core->sys;
	if (opts->sys->data != h->core->sys->data)
		return err(-EINVAL, function, "opts.sys",
			   "leave it NULL, or give it to iommufd_handoff_receive() already",
			   "the hand-off was received on another kernel");
	return 0;
}

IOMMUFD_EXPORT int iommufd_handoff_open(struct iommufd_handoff *handoff,
					const struct iommufd_ctx_opts *opts,
					struct iommufd_ctx **out)
{
	struct iommufd_ctx_opts all;
	int r;

	if (out)
		*out = NULL;
	r = handoff_check(handoff, __func__);
	if (r)
		return r;
	if (!out)
		r = err_null(__func__, "out");
	else if (handoff->ctx)
		r = err(-EINVAL, __func__, "handoff", "send it, and open it where it is received",
			"the hand-off was made here and not received");
	else if (handoff->opened)
		r = err(-EALREADY, __func__, "handoff", "use the context that came of it",
			"the hand-off has been opened");
	if (!r)
		r = check_opts(handoff, __func__, opts, &all);
	if (!r)
		r = open_all(handoff, __func__, &all, out);
	return err_log(&handoff->core->log, r);
}
