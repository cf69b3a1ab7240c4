/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/engine-container.h"

#include <errno.h>
#include <stdlib.h>

#include "backend/group.h"
#include "os/uapi.h"

#define NODE "/dev/vfio/vfio"

int record_ioas_alloc(struct engine *e, struct engine_ioas *as)
{
	as->engine = e;
	as->id = ++e->next_id;
	return 0;
}

int record_ioas_free(struct engine_ioas *as)
{
	(void)as;
	return 0;
}

int record_copy(struct engine_ioas *as, struct engine_ioas *src, uint64_t src_iova,
		const struct map_entry *m)
{
	(void)src;
	(void)src_iova;
	return containers_map(as, m);
}

int record_ranges(struct engine_ioas *as, struct range_list *list)
{
	struct iommufd_range *all = calloc(1, sizeof(*all));
	struct range_list fresh = { all, 1, 1 };
	int r;

	if (!all)
		return -ENOMEM;
	all->last = UINT64_MAX;
	r = containers_ranges(as, &fresh);
	if (r) {
		free(fresh.ranges);
		return r;
	}
	free(list->ranges);
	*list = fresh;
	return 0;
}

/* The kernel keeps nothing free; who joins is checked when it does. */
int record_allow(struct engine_ioas *as, const struct iommufd_range *ranges, size_t count)
{
	(void)as;
	(void)ranges;
	(void)count;
	return 0;
}

/* Locked and pinned memory is always charged to the process. */
int record_set_option(struct engine *e, struct engine_ioas *as, enum engine_option o,
		      uint64_t value)
{
	(void)e;
	(void)as;
	return o == OPTION_RLIMIT_MODE && value == 1 ? 0 : -EOPNOTSUPP;
}

int record_get_option(struct engine *e, struct engine_ioas *as, enum engine_option o,
		      uint64_t *value)
{
	(void)e;
	(void)as;
	if (o != OPTION_RLIMIT_MODE)
		return -EOPNOTSUPP;
	*value = 1;
	return 0;
}

int node_container_check(const struct engine *e)
{
	int r = sys_ioctl(e->core->sys, e->fd, K_VFIO_GET_API_VERSION, NULL);

	if (r < 0)
		return r == -EINVAL ? -ENOTTY : r; /* a device that is not bound says EINVAL */
	return r == K_VFIO_API_VERSION ? 0 : -EPROTO;
}

static bool engine_fd_is_free(const struct engine *e)
{
	if (e->fd_is_spoilt)
		return false;
	for (const struct vfio_group *g = e->groups; g; g = g->next)
		if (g->container && g->container->fd == e->fd)
			return false;
	return true;
}

bool node_container_is_lent(const struct container *c)
{
	return c->fd == c->engine->fd;
}

int node_container_open(struct container *c, struct engine_ioas *as, enum transport_call *refused)
{
	int r = c->engine->fd;
	(void)as;

	*refused = TRANSPORT_OPEN_CONTAINER;
	if (!engine_fd_is_free(c->engine))
		r = sys_open(c->engine->core->sys, NODE, O_RDWR);
	if (r < 0)
		return r;
	c->fd = r;
	return 0;
}

void node_container_close(struct container *c)
{
	if (!node_container_is_lent(c))
		sys_close(c->engine->core->sys, &c->fd);
}
