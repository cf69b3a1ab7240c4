/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices and groups opened to be handed over: nothing of them is used here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/group.h"
#include "base/opts.h"
#include "discover/holder.h"
#include "discover/place.h"
#include "object/device.h"
#include "object/diagnose.h"
#include "object/handoff.h"
#include "os/sysfs.h"

static int check_room(const struct iommufd_handoff *h, const char *function, unsigned int items)
{
	if (h->count + items <= HANDOFF_ITEMS_MAX)
		return 0;
	return err(-ENOSPC, function, "handoff", "send the rest in another hand-off",
		   "a hand-off has room for %d items", HANDOFF_ITEMS_MAX);
}

static int check_unique(const struct iommufd_handoff *h, const char *function,
			const struct handoff_item *added)
{
	for (unsigned int i = 0; i < h->count; i++) {
		const struct handoff_item *item = &h->items[i];

		if (added->cookie && item->cookie == added->cookie)
			return err(-EEXIST, function, added->name, "choose another cookie",
				   "cookie %#llx belongs to %s", (unsigned long long)added->cookie,
				   item->name);
		if (!strcmp(item->name, added->name))
			return err(-EEXIST, function, added->name, "add each device once",
				   "the device is in the hand-off already");
	}
	return 0;
}

static struct handoff_item *find_group(struct iommufd_handoff *h, int number)
{
	for (unsigned int i = 0; i < h->count; i++)
		if (h->items[i].kind == IOMMUFD_HANDOFF_GROUP && h->items[i].group == number)
			return &h->items[i];
	return NULL;
}

/* As long as a group is open its devices cannot be bound by their own nodes. */
static int check_no_cdev(const struct iommufd_handoff *h, const char *function, int number)
{
	for (unsigned int i = 0; i < h->count; i++)
		if (h->items[i].group == number && (h->items[i].kind == IOMMUFD_HANDOFF_CDEV ||
						    h->items[i].kind == IOMMUFD_HANDOFF_BOUND))
			return err(-EBUSY, function, h->items[i].name,
				   "hand over all devices of a group in the same way",
				   "the device is in the hand-off by its character device, and group %d cannot be beside it",
				   number);
	return 0;
}

static int node_refused(struct iommufd_handoff *h, const char *node, int code)
{
	char who[128] = "someone";

	if (code == -EBUSY) {
		holder_find(h->core, node, who, sizeof(who));
		return err(code, "open", node, "close it there first", "%s has it open", who);
	}
	return err_kernel(code, KNOWN(-EACCES, -EPERM, -ENOENT, -ENODEV, -ENXIO, -EMFILE, -ENFILE,
				      -ENOMEM), "open", node,
			  code == -EACCES ? "run the broker as a user who has access to the node" :
			  code == -EPERM ? "allow the node in the device cgroup, and without an IOMMU give the broker CAP_SYS_RAWIO" :
					   "check that the device is bound to a VFIO driver",
			  "the node cannot be opened to be handed over");
}

static int open_group(struct iommufd_handoff *h, const char *function, int number, bool noiommu)
{
	char path[VFIO_GROUP_PATH_MAX];
	int fd;

	vfio_group_path(number, noiommu, path);
	fd = sys_open(h->core->sys, path, O_RDWR);
	if (fd < 0)
		return node_refused(h, path, fd);
	if (noiommu == h->ctx->backend.noiommu)
		return fd;
	sys_close(h->core->sys, &fd);
	return diagnose_isolation(function, path, noiommu);
}

static int add_group(struct iommufd_handoff *h, const char *function, int number, bool noiommu)
{
	int r;

	if (find_group(h, number))
		return 0;
	r = check_no_cdev(h, function, number);
	if (!r)
		r = open_group(h, function, number, noiommu);
	if (r < 0)
		return r;
	h->items[h->count++] = (struct handoff_item){
		.kind = IOMMUFD_HANDOFF_GROUP, .fd = r, .group = number,
	};
	return 0;
}

/* -- a device: its node, or its group */

static int open_node(struct iommufd_handoff *h, const char *function, struct place *place)
{
	struct place by_fd;
	int fd = sys_open(h->core->sys, place->node, O_RDWR), r;

	if (fd < 0)
		return node_refused(h, place->node, fd);
	r = place_of_fd(h->core, fd, &by_fd);
	/* Its name may have been given to another device since we looked. */
	if (!r && place->name[0] && (by_fd.number.major != place->number.major ||
				     by_fd.number.minor != place->number.minor))
		r = err(-ENODEV, function, place->name, "try again",
			"%s is not the device any more, or not in this file system", place->node);
	if (r) {
		sys_close(h->core->sys, &fd);
		return r;
	}
	if (by_fd.sysfs[0] || !place->name[0])
		*place = by_fd;
	return fd;
}

static void name_item(struct handoff_item *item, const struct place *place)
{
	item->group = place->group;
	memcpy(item->name, place->name, sizeof(item->name));
}

static int check_isolation(const struct iommufd_handoff *h, const char *function,
			   const struct place *place)
{
	if (place->noiommu == h->ctx->backend.noiommu || !place->sysfs[0])
		return 0;
	return diagnose_isolation(function, place->name, place->noiommu);
}

static int add_cdev(struct iommufd_handoff *h, const char *function, const char *name,
		    struct place *place, struct handoff_item *item)
{
	int r;

	if (place->no_cdev)
		return place_no_cdev(function, name, place);
	item->fd = r = open_node(h, function, place);
	if (r < 0)
		return r;
	name_item(item, place);
	item->kind = IOMMUFD_HANDOFF_CDEV;
	r = check_isolation(h, function, place);
	if (!r)
		r = check_unique(h, function, item);
	if (!r)
		h->items[h->count++] = *item;
	else
		sys_close(h->core->sys, &item->fd);
	return r;
}

static int add_member(struct iommufd_handoff *h, const char *function, const char *name,
		      struct place *place, struct handoff_item *item)
{
	int r;

	if (!place->name[0]) { /* only its node leads from a character device to the group */
		r = open_node(h, function, place);
		if (r < 0)
			return r;
		sys_close(h->core->sys, &r);
	}
	if (place->group < 0)
		return err(-ENOENT, function, name, "check that /sys is mounted",
			   "the device has no IOMMU group that sysfs knows");
	item->fd = -1;
	item->kind = IOMMUFD_HANDOFF_MEMBER;
	name_item(item, place);
	r = check_isolation(h, function, place);
	if (!r)
		r = check_unique(h, function, item);
	if (!r)
		r = check_room(h, function, find_group(h, place->group) ? 1 : 2);
	if (!r)
		r = add_group(h, function, place->group, place->noiommu);
	if (!r)
		h->items[h->count++] = *item;
	return r;
}

/* What makes another transport worth a try: the node is not for us. */
static bool try_next(int r)
{
	return r == -ENOENT || r == -EACCES || r == -EPERM || r == -ENODEV || r == -ENXIO;
}

static int add(struct iommufd_handoff *h, const char *function, const char *name,
	       struct handoff_item *item)
{
	const struct transport_ops *const *transports = h->ctx->backend.transports;
	struct place place;
	int r = place_find(h->core, function, name, &place);

	if (!r)
		r = check_room(h, function, 1);
	if (r)
		return r;
	for (unsigned int i = 0; i < TRANSPORTS_MAX && transports[i]; i++) {
		/* A group that is open keeps its members' own nodes from being bound. */
		if (!i && transports[1] == &transport_group && find_group(h, place.group))
			continue;
		r = transports[i] == &transport_cdev ? add_cdev(h, function, name, &place, item) :
						       add_member(h, function, name, &place, item);
		if (!r || !try_next(r))
			break;
	}
	return r;
}

IOMMUFD_EXPORT int iommufd_handoff_add(struct iommufd_handoff *handoff, const char *name,
				       const struct iommufd_device_opts *opts)
{
	struct iommufd_device_opts known;
	struct handoff_item item = { .fd = -1 };
	int r = handoff_check_sender(handoff, __func__);

	if (r)
		return r;
	r = name ? opts_get(__func__, &known, sizeof(known), opts) : err_null(__func__, "name");
	if (!r)
		r = opts_flags(__func__, known.flags, 0);
	if (!r && known.ioas)
		r = err(-EINVAL, __func__, "opts.ioas", "attach the device where it is received",
			"an IOAS cannot be handed over with a device");
	if (!r) {
		item.cookie = known.cookie;
		item.has_token = known.vf_token;
		if (known.vf_token)
			memcpy(item.token, known.vf_token, sizeof(item.token));
		r = add(handoff, __func__, name, &item);
	}
	return err_log(&handoff->core->log, r);
}

static int add_bound(struct iommufd_handoff *h, const char *function, struct iommufd_device *dev)
{
	struct handoff_item item = {
		.kind = IOMMUFD_HANDOFF_BOUND, .group = dev->group, .id = dev->fd.id,
		.cookie = dev->cookie,
	};
	int r;

	memcpy(item.name, dev->fd.name, sizeof(item.name));
	if (dev->ioas)
		return err(-EBUSY, function, dev->fd.object, "detach it; attach it where it is received",
			   "the device is attached");
	r = check_room(h, function, 1);
	if (!r)
		r = check_unique(h, function, &item);
	if (r)
		return r;
	item.fd = sys_dup(h->core->sys, dev->fd.fd);
	if (item.fd < 0)
		return err_kernel(item.fd, KNOWN(-EMFILE, -ENOMEM), "fcntl", dev->fd.object,
				  "close descriptors, or raise RLIMIT_NOFILE",
				  "the device's descriptor cannot be duplicated");
	h->items[h->count++] = item;
	return 0;
}

IOMMUFD_EXPORT int iommufd_handoff_add_device(struct iommufd_handoff *handoff,
					      struct iommufd_device *dev)
{
	int r = handoff_check_sender(handoff, __func__);

	if (!r)
		r = device_check(dev, __func__);
	if (r)
		return r;
	if (dev->ctx != handoff->ctx) {
		r = err(-EINVAL, __func__, dev->fd.object, "pass a device of the hand-off's context",
			"the device belongs to another context");
	} else if (dev->fd.transport != &transport_cdev) {
		r = err(-EOPNOTSUPP, __func__, dev->fd.object,
			dev->fd.transport == &transport_group ?
				"close it and use iommufd_handoff_add(), which hands over its group" :
				"hand over a device that VFIO has; a mock device is for its maker",
			"the device has no character device that is bound");
	} else {
		pthread_mutex_lock(&handoff->ctx->lock);
		r = add_bound(handoff, __func__, dev);
		pthread_mutex_unlock(&handoff->ctx->lock);
	}
	return err_log(&handoff->core->log, r);
}

/* Can devices of the context be had by group at all? */
static int check_by_group(const struct iommufd_handoff *h, const char *function)
{
	const struct backend *b = &h->ctx->backend;

	for (unsigned int i = 0; i < TRANSPORTS_MAX && b->transports[i]; i++)
		if (b->transports[i] == &transport_group)
			return 0;
	return err(-EOPNOTSUPP, function, "ctx", "hand over devices with iommufd_handoff_add()",
		   "backend %s has no devices by group", b->name);
}

IOMMUFD_EXPORT int iommufd_handoff_add_group(struct iommufd_handoff *handoff, int number)
{
	int noiommu = 0, r = handoff_check_sender(handoff, __func__);

	if (r)
		return r;
	r = check_by_group(handoff, __func__);
	if (!r && number < 0)
		r = err(-EINVAL, __func__, "number", "take one of /sys/kernel/iommu_groups",
			"%d is no group's number", number);
	if (!r)
		r = check_room(handoff, __func__, 1);
	if (!r)
		noiommu = sysfs_group_is_noiommu(handoff->core->sys, number);
	if (!r)
		r = add_group(handoff, __func__, number, noiommu > 0);
	return err_log(&handoff->core->log, r);
}
