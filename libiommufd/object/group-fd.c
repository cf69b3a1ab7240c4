/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The kernel's open group: taken over from who may open it, and lent to who wants it. */
#include <errno.h>
#include <stdio.h>

#include "backend/group.h"
#include "object/group.h"
#include "os/sysfs.h"
#include "os/uapi.h"

/* Can devices of this context be had by group at all? */
static int check_transport(const struct iommufd_ctx *ctx, const char *function)
{
	for (unsigned int i = 0; i < TRANSPORTS_MAX && ctx->backend.transports[i]; i++)
		if (ctx->backend.transports[i] == &transport_group)
			return 0;
	return err(-EOPNOTSUPP, function, "ctx",
		   "use another opts.backend, or hand over the devices' own descriptors",
		   "backend %s has no devices by group", ctx->backend.name);
}

/* What sysfs does not know may be any device, or a group whose sysfs is hidden from us. */
static bool answers_as_group(const struct iommufd_sys *sys, int fd)
{
	struct k_vfio_group_status status = { .argsz = sizeof(status) };

	return !sys_ioctl(sys, fd, K_VFIO_GROUP_GET_STATUS, &status);
}

/* Which group a descriptor is of. */
static int identify(const struct iommufd_ctx *ctx, const char *function, int fd, int *number,
		    bool *noiommu)
{
	const struct iommufd_sys *sys = ctx->core.sys;
	char object[24];
	struct cdev node;
	int r = fd < 0 ? -EBADF : sys->char_device(sys->data, fd, &node.major, &node.minor);

	snprintf(object, sizeof(object), "fd %d", fd);
	if (!r)
		r = sysfs_group_of_cdev(sys, node, number, noiommu);
	if (r == -ENOENT && !answers_as_group(sys, fd))
		r = -ENOTTY;
	if (r == -ENOENT)
		return err(r, function, object, "make /sys visible to this process",
			   "sysfs does not tell which group this is");
	return r ? err_kernel(r, KNOWN(-EBADF, -ENOTTY, -EACCES, -ENOMEM), function, object,
			      "pass an open descriptor of /dev/vfio/N",
			      r == -EBADF ? "the descriptor is not open" :
					    "this is no VFIO group") : 0;
}

static int check_isolation(const struct iommufd_group *g, const char *function, bool noiommu)
{
	if (noiommu == g->ctx->backend.engine.noiommu)
		return 0;
	if (noiommu)
		return err(-EPERM, function, g->object,
			   "switch on the IOMMU of this machine, or ask for backend \"noiommu\" if its device may reach all memory",
			   "no IOMMU stands behind the group: its DMA would reach all memory");
	return err(-EINVAL, function, g->object, "use backend \"auto\"",
		   "backend noiommu was asked for, and an IOMMU stands behind the group");
}

static int adopt(struct iommufd_group *g, const char *function, int fd, bool noiommu)
{
	int r;

	pthread_mutex_lock(&g->ctx->lock);
	r = g->vfio ? -EBUSY : vfio_group_adopt(&g->ctx->backend.engine, fd, g->number, noiommu,
						&g->vfio);
	pthread_mutex_unlock(&g->ctx->lock);
	return r ? err_kernel(r, KNOWN(-EBUSY, -EBADF, -EMFILE, -ENOMEM), function, g->object,
			      r == -EBUSY ? "use the one that is open" : "close descriptors",
			      r == -EBUSY ? "the group is open in this context already" :
					    "the descriptor cannot be duplicated") : 0;
}

IOMMUFD_EXPORT int iommufd_group_from_fd(struct iommufd_ctx *ctx, int fd,
					 struct iommufd_group **out)
{
	struct iommufd_group *g = NULL;
	bool noiommu = false;
	int number = -1, r;

	if (out)
		*out = NULL;
	r = ctx_check(ctx, __func__);
	if (r)
		return r;
	r = out ? check_transport(ctx, __func__) : err_null(__func__, "out");
	if (!r)
		r = identify(ctx, __func__, fd, &number, &noiommu);
	if (!r)
		r = group_get(ctx, __func__, number, &g);
	if (!r)
		r = check_isolation(g, __func__, noiommu);
	if (!r)
		r = adopt(g, __func__, fd, noiommu);
	if (r)
		iommufd_group_unref(g);
	else
		*out = g;
	return err_log(&ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_group_get_fd(struct iommufd_group *group)
{
	int r = group_check(group, __func__);

	if (r)
		return r;
	pthread_mutex_lock(&group->ctx->lock);
	if (!group->vfio) {
		group->vfio = vfio_group_find(&group->ctx->backend.engine, group->number);
		if (group->vfio)
			group->vfio->users++;
	}
	r = group->vfio ? group->vfio->fd : -ENOENT;
	pthread_mutex_unlock(&group->ctx->lock);
	if (r < 0)
		r = err(-ENOENT, __func__, group->object,
			"open a device of it with backend \"group+iommufd\" or \"legacy\"; of one with a character device take iommufd_device_get_fd()",
			"the kernel's group is not open in this context");
	return err_log(&group->ctx->core.log, r);
}
