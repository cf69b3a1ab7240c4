/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What stands behind a node of VFIO or iommufd: opened, asked, and if it does
 * not serve, why not.
 *
 * The functions answer 0 where it serves, ASK_REFUSED where something else may
 * still do (*why is filled), or a negative errno where trying on makes no sense
 * (the error record is written).
 */
#ifndef BACKEND_ASK_H
#define BACKEND_ASK_H

#include "backend/engine.h"

#define ASK_IOMMUFD "/dev/iommu"
#define ASK_CONTAINER "/dev/vfio/vfio"

enum { ASK_REFUSED = 1 };

struct refusal {
	int code;
	const char *call;   /* that was refused */
	char object[32];    /* the node, or "fd 5" */
	char cause[128];    /* what is wrong with it */
	char remedy[240];
};

/* Open @node, or duplicate @adopt if that is not -1. */
int ask_open(const struct core *core, const char *node, int adopt, int *fd, struct refusal *why);

/* Each asks e->fd, from @object, and fills e->caps. */
int ask_iommufd(struct engine *e, const char *object, bool adopted, struct refusal *why);
int ask_container(struct engine *e, const char *object, bool adopted, struct refusal *why);

/* Is the container an iommufd, whatever its node is called? */
bool ask_is_iommufd(const struct core *core, int fd);

/* Does the kernel give devices nodes of their own? Yes, as long as no device tells otherwise. */
bool ask_has_cdevs(const struct core *core);

#endif
