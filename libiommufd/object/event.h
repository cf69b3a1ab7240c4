/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * News of the groups and devices that a context has open. The kernel's messages
 * only say that something happened somewhere; what it was is found by looking
 * at sysfs again and comparing. Nothing is watched before the program asks for
 * the descriptor. All under the context's lock.
 */
#ifndef OBJECT_EVENT_H
#define OBJECT_EVENT_H

#include <stdbool.h>

struct iommufd_ctx;
struct iommufd_device;
struct group_watch;

/* What was last seen of an open device in sysfs. */
enum device_watch {
	WATCH_UNKNOWN, /* nothing: it is not shown there */
	WATCH_PRESENT,
	WATCH_LEAVING, /* its driver is gone, and the program knows */
};

struct events {
	int fd;       /* owned; -1: nobody asked yet */
	bool look;    /* something may have changed since the last look */
	struct group_watch *groups;
};

void events_init(struct events *events);
void events_exit(struct iommufd_ctx *ctx);

/* Take note of how things are with a device that is now open, or a group. */
void events_watch_device(struct iommufd_device *dev);
void events_watch_group(struct iommufd_ctx *ctx, int number);

#endif
