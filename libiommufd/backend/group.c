/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void vfio_group_path(int number, bool noiommu, char path[static VFIO_GROUP_PATH_MAX])
{
	snprintf(path, VFIO_GROUP_PATH_MAX, "/dev/vfio/%s%d", noiommu ? "noiommu-" : "", number);
}

struct vfio_group *vfio_group_find(const struct engine *e, int number)
{
	struct vfio_group *g;

	for (g = e->groups; g; g = g->next)
		if (g->number == number)
			break;
	return g;
}

/* Takes @fd, if it is one, also on failure. */
static int add(struct engine *e, int fd, int number, bool noiommu, struct vfio_group **out)
{
	struct vfio_group *g;

	if (fd < 0)
		return fd;
	g = calloc(1, sizeof(*g));
	if (!g) {
		sys_close(e->core->sys, &fd);
		return -ENOMEM;
	}
	*g = (struct vfio_group){ .next = e->groups, .engine = e, .number = number,
				  .noiommu = noiommu, .fd = fd, .users = 1 };
	e->groups = g;
	*out = g;
	return 0;
}

int vfio_group_get(struct engine *e, int number, bool noiommu, struct vfio_group **out)
{
	struct vfio_group *g = vfio_group_find(e, number);
	char path[VFIO_GROUP_PATH_MAX];

	if (g) {
		g->users++;
		*out = g;
		return 0;
	}
	vfio_group_path(number, noiommu, path);
	return add(e, sys_open(e->core->sys, path, O_RDWR), number, noiommu, out);
}

int vfio_group_adopt(struct engine *e, int fd, int number, bool noiommu, struct vfio_group **out)
{
	if (vfio_group_find(e, number))
		return -EBUSY;
	return add(e, sys_dup(e->core->sys, fd), number, noiommu, out);
}

void vfio_group_put(struct vfio_group *g)
{
	struct vfio_group **at = &g->engine->groups;

	if (--g->users)
		return;
	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	sys_close(g->engine->core->sys, &g->fd);
	free(g);
}
