/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "object/event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/opts.h"
#include "object/device.h"
#include "object/group.h"
#include "os/sysfs.h"

struct group_watch {
	struct group_watch *next;
	int number;
	bool viable;
	bool used; /* by a device or handle, as of the last look */
};

void events_init(struct events *events)
{
	*events = (struct events){ .fd = -1 };
}

void events_exit(struct iommufd_ctx *ctx)
{
	struct events *events = &ctx->events;

	while (events->groups) {
		struct group_watch *w = events->groups;

		events->groups = w->next;
		free(w);
	}
	sys_close(ctx->core.sys, &events->fd);
}

/* -- how things are */

/* The driver's name goes when a device begins to be taken away, its directory only at the end. */
static int look_at_device(const struct iommufd_device *dev)
{
	const struct iommufd_sys *sys = dev->ctx->core.sys;
	char path[SYSFS_PATH_MAX], driver[SYSFS_PATH_MAX];
	int r = dev->group >= 0 ? sysfs_format(path, sizeof(path),
					       "/sys/kernel/iommu_groups/%d/devices/%s", dev->group,
					       dev->fd.name) :
				  sysfs_format(path, sizeof(path), "/sys/bus/pci/devices/%s",
					       dev->fd.name);

	return r ? r : sysfs_driver(sys, path, driver, sizeof(driver));
}

static int watch_group(struct iommufd_ctx *ctx, int number)
{
	struct group_watch *w;
	struct group_facts facts;
	int r;

	for (w = ctx->events.groups; w; w = w->next)
		if (w->number == number) {
			w->used = true;
			return 0;
		}
	w = calloc(1, sizeof(*w));
	r = w ? group_facts_read(&ctx->core, number, &facts) : -ENOMEM;
	if (r) {
		free(w);
		return r;
	}
	*w = (struct group_watch){
		.next = ctx->events.groups, .number = number, .used = true,
		.viable = !group_facts_blocker(&facts),
	};
	ctx->events.groups = w;
	group_facts_free(&facts);
	return 0;
}

/* What cannot be seen now is tried again at each look. */
void events_watch_group(struct iommufd_ctx *ctx, int number)
{
	if (ctx->events.fd >= 0 && number >= 0)
		watch_group(ctx, number);
}

void events_watch_device(struct iommufd_device *dev)
{
	int r;

	if (dev->ctx->events.fd < 0)
		return;
	/* It is open, so it is there, unless sysfs will never show it. */
	r = look_at_device(dev);
	if (r != -ENOENT && r != -EACCES)
		dev->watch = WATCH_PRESENT;
	events_watch_group(dev->ctx, dev->group);
}

static void watch_all(struct iommufd_ctx *ctx)
{
	for (struct iommufd_device *d = ctx->devices; d; d = d->next)
		events_watch_device(d);
	for (struct iommufd_group *g = ctx->groups; g; g = g->next)
		events_watch_group(ctx, g->number);
}

/* -- the descriptor */

static int open_events(struct iommufd_ctx *ctx, const char *function)
{
	int r;

	if (ctx->events.fd >= 0)
		return 0;
	r = ctx->core.sys->uevents(ctx->core.sys->data);
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ENOBUFS)
		return err(r == -ENOBUFS ? -ENOMEM : r, function, "ctx",
			   "close descriptors, or raise the limit on them",
			   "the socket for the kernel's device events cannot be opened");
	if (r < 0)
		return err(-EOPNOTSUPP, function, "ctx", "look at iommufd_group_get_info() instead",
			   "the kernel tells this process no device events (errno %d)", -r);
	ctx->events.fd = r;
	watch_all(ctx);
	return 0;
}

/* Notes whether anything came. A message that was lost says so too. */
static int drain(struct iommufd_ctx *ctx, const char *function)
{
	const struct iommufd_sys *sys = ctx->core.sys;
	char message[4096];

	for (int i = 0; i < 1000; i++) { /* the rest will be there the next time */
		ssize_t n = sys->read(sys->data, ctx->events.fd, message, sizeof(message));

		if (n == -EAGAIN || !n)
			break;
		if (n < 0 && n != -ENOBUFS && n != -EINTR)
			return err_kernel((int)n, KNOWN(-ENOMEM), function, "ctx", "try again",
					  "the kernel's device events cannot be read");
		ctx->events.look = true;
	}
	return 0;
}

/* -- what is new: each returns 1 with @ev filled, 0 for nothing, or -errno */

static int device_news(struct iommufd_ctx *ctx, struct iommufd_event *ev)
{
	for (struct iommufd_device *d = ctx->devices; d; d = d->next) {
		int r = d->watch == WATCH_PRESENT ? look_at_device(d) : 0;

		if (d->watch == WATCH_UNKNOWN)
			events_watch_device(d);
		if (!r)
			continue;
		if (r != -ENOENT)
			return r;
		d->watch = WATCH_LEAVING;
		ev->type = IOMMUFD_EVENT_DEVICE_LEAVING;
		ev->group = d->group;
		ev->cookie = d->cookie;
		snprintf(ev->name, sizeof(ev->name), "%s", d->fd.name);
		return 1;
	}
	return 0;
}

static int compare_group(struct iommufd_ctx *ctx, struct group_watch *w, struct iommufd_event *ev)
{
	const struct group_member *m;
	struct group_facts facts;
	int r = group_facts_read(&ctx->core, w->number, &facts);

	if (r)
		return r == -ENOENT ? 0 : r; /* all its devices left: that was said */
	m = group_facts_blocker(&facts);
	r = w->viable != !m;
	if (r) {
		w->viable = !m;
		ev->type = m ? IOMMUFD_EVENT_GROUP_NOT_VIABLE : IOMMUFD_EVENT_GROUP_VIABLE;
		ev->group = w->number;
		snprintf(ev->name, sizeof(ev->name), "%s", m ? m->name : "");
		snprintf(ev->driver, sizeof(ev->driver), "%.31s", m ? m->driver : "");
	}
	group_facts_free(&facts);
	return r;
}

static int group_news(struct iommufd_ctx *ctx, struct iommufd_event *ev)
{
	for (struct group_watch *w = ctx->events.groups; w; w = w->next)
		w->used = false;
	for (struct iommufd_device *d = ctx->devices; d; d = d->next)
		events_watch_group(ctx, d->group);
	for (struct iommufd_group *g = ctx->groups; g; g = g->next)
		events_watch_group(ctx, g->number);
	for (struct group_watch **at = &ctx->events.groups; *at;) {
		struct group_watch *w = *at;
		int r;

		if (!w->used) {
			*at = w->next;
			free(w);
			continue;
		}
		r = compare_group(ctx, w, ev);
		if (r)
			return r;
		at = &w->next;
	}
	return 0;
}

static int read_event(struct iommufd_ctx *ctx, const char *function, struct iommufd_event *ev)
{
	int r = open_events(ctx, function);

	if (!r)
		r = drain(ctx, function);
	if (r || !ctx->events.look)
		return r;
	r = device_news(ctx, ev);
	if (!r)
		r = group_news(ctx, ev);
	if (r < 0)
		return err_kernel(r, KNOWN(-EACCES, -ENOMEM, -EMFILE, -ENFILE), function, "ctx",
				  "try again", "the facts of a device or group cannot be read");
	ctx->events.look = r; /* there may be more */
	return r;
}

/* -- for the program */

/* The parent's messages must not be taken from it. */
static int check_owner(const struct iommufd_ctx *ctx, const char *function)
{
	return core_is_owner(&ctx->core) ? 0 :
		err(-EPERM, function, "ctx", "make a context of its own in the child",
		    "the context belongs to the process that forked");
}

IOMMUFD_EXPORT int iommufd_ctx_get_event_fd(struct iommufd_ctx *ctx)
{
	int r = ctx_check(ctx, __func__);

	if (r)
		return r;
	r = check_owner(ctx, __func__);
	if (!r) {
		pthread_mutex_lock(&ctx->lock);
		r = open_events(ctx, __func__);
		if (!r)
			r = ctx->events.fd;
		pthread_mutex_unlock(&ctx->lock);
	}
	return err_log(&ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_ctx_read_event(struct iommufd_ctx *ctx, struct iommufd_event *event)
{
	struct iommufd_event known = { 0 };
	int r = ctx_check(ctx, __func__);

	if (r)
		return r;
	r = check_owner(ctx, __func__);
	if (!r)
		r = opts_put(__func__, event, &known, sizeof(known)); /* before anything is taken */
	if (!r) {
		pthread_mutex_lock(&ctx->lock);
		r = read_event(ctx, __func__, &known);
		pthread_mutex_unlock(&ctx->lock);
		if (!r) /* no failure to log */
			return err(-EAGAIN, __func__, "ctx", "poll the descriptor of the context's events",
				   "nothing has happened");
	}
	if (r > 0)
		r = opts_put(__func__, event, &known, sizeof(known));
	return err_log(&ctx->core.log, r);
}
