/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_GROUP_H
#define OBJECT_GROUP_H

#include <libiommufd/group.h>

#include "discover/group.h"
#include "discover/place.h"
#include "object/ctx.h"

struct iommufd_group {
	struct object obj;
	struct iommufd_ctx *ctx;    /* held */
	struct iommufd_group *next; /* in the context's list, under its lock */
	int number;
	char object[32];            /* "group N", for error records */
	struct group_facts facts;   /* as last seen; under the context's lock */
	struct vfio_group *vfio;    /* the kernel's, kept open; likewise. Or NULL */
};

static inline int group_check(const struct iommufd_group *group, const char *function)
{
	return group && object_is(&group->obj, OBJECT_GROUP) ? 0 : err_handle(function, "group");
}

/* The object of a group, made at need, with a reference. */
int group_get(struct iommufd_ctx *ctx, const char *function, int number,
	      struct iommufd_group **out);

/* group-policy.c: what opts.group_policy forbids, with the error record; else 0. */
/* Before the device at @place is bound. */
int group_policy_open(struct iommufd_ctx *ctx, const char *function, const struct place *place);
/* Before an attached device moves to another IOAS. Context lock held. */
int group_policy_replace(const struct iommufd_device *dev, const char *function);

#endif
