/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Devices by their group, /dev/vfio/N: the group is opened and put into a
 * container, then gives out its devices.
 */
#include <errno.h>
#include <stdio.h>

#include "backend/group.h"
#include "backend/transport.h"

static const struct container_ops *ops_of(const struct devfd *d)
{
	return d->engine->ops->container;
}

/* One that is empty says whether it could be ours; one in a container is. */
static int check_viable(struct devfd *d, const struct vfio_group *g)
{
	struct k_vfio_group_status status = { .argsz = sizeof(status) };
	int r = sys_ioctl(d->core->sys, g->fd, K_VFIO_GROUP_GET_STATUS, &status);

	d->refused = TRANSPORT_GROUP_STATUS;
	if (r < 0)
		return r;
	return status.flags & (K_VFIO_GROUP_FLAGS_VIABLE | K_VFIO_GROUP_FLAGS_CONTAINER_SET) ?
		       0 : -EPERM;
}

static void leave(struct vfio_group *g)
{
	struct container *c = g->container;

	g->container = NULL;
	if (core_is_owner(g->engine->core))
		g->engine->ops->container->leave(c, g->stays ? -1 : g->fd);
	if (--c->groups)
		return;
	if (c->as)
		container_drop(c);
	container_free(c);
}

static int enter(struct devfd *d, struct vfio_group *g, struct container *c)
{
	int r = ops_of(d)->enter(c, g->fd, &d->refused);

	if (r < 0)
		return r;
	g->stays = r;
	c->groups++;
	g->container = c;
	return 0;
}

/* The address space's own, which groups share, if one will have this group; else a new one. */
static int enter_any(struct devfd *d, struct vfio_group *g, struct engine_ioas *as)
{
	struct container *c;
	int r;

	for (c = as ? as->containers : NULL; c; c = c->next) {
		if (!c->shared)
			continue;
		r = enter(d, g, c);
		if (r != -EINVAL)
			return r;
	}
	r = container_new(d->engine, as, &c, &d->refused);
	if (r)
		return r;
	r = enter(d, g, c);
	if (r)
		container_free(c);
	return r;
}

/* "0000:00:03.0", or with the token that the owner of the physical function wants. */
static void device_word(const struct devfd *d, const uint8_t *token, char *word, size_t size)
{
	int n = snprintf(word, size, "%s", d->name);

	if (!token || n < 0)
		return;
	n += snprintf(word + n, size - (size_t)n, " vf_token=");
	for (unsigned int i = 0; i < 16; i++)
		n += snprintf(word + n, size - (size_t)n, "%s%02x",
			      i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", token[i]);
}

static int get_fd(struct devfd *d, struct vfio_group *g, const uint8_t *token)
{
	char word[sizeof(d->name) + 64];
	int r;

	device_word(d, token, word, sizeof(word));
	r = sys_ioctl(d->core->sys, g->fd, K_VFIO_GROUP_GET_DEVICE_FD, word);
	d->refused = TRANSPORT_GET_DEVICE_FD;
	if (r < 0)
		return r;
	d->fd = r;
	return 0;
}

/* Both the container and the device's own attachment follow the IOAS chosen meanwhile. */
static int enter_and_open(struct devfd *d, struct vfio_group *g, const struct bind_request *q)
{
	const struct container_ops *ops = ops_of(d);
	uint32_t before = 0;
	bool entered = !g->container;
	int r = 0;

	if (entered)
		r = enter_any(d, g, q->as);
	if (!r && ops->begin_open) {
		d->refused = TRANSPORT_CHOOSE_IOAS;
		r = ops->begin_open(g->container, &before);
	}
	if (!r) {
		r = get_fd(d, g, q->token);
		if (ops->end_open)
			ops->end_open(g->container, before);
	}
	if (r && entered && g->container)
		leave(g);
	return r;
}

static int attach(struct devfd *d, struct engine_ioas *as)
{
	struct container *c = d->group->container;
	int r;

	d->refused = TRANSPORT_ATTACH;
	if (!c->as)
		r = container_join(c, as);
	else if (c->as != as)
		r = container_move(c, as);
	else
		r = container_refill(c);
	if (r)
		d->failed = c->failed; /* an open that failed leaves no container to ask */
	if (!d->attached && (!r || r == -EUCLEAN)) {
		d->attached = true;
		c->attached++;
	}
	return r;
}

static int detach(struct devfd *d)
{
	struct container *c = d->group->container;
	int r = 0;

	d->refused = TRANSPORT_DETACH;
	if (c->attached == 1)
		r = container_quit(c);
	if (!r) {
		c->attached--;
		d->attached = false;
	}
	return r;
}

/* Joined, or the kernel would not let it be detached: a sibling may still be open. */
static void give_up(struct devfd *d)
{
	struct container *c = d->group->container;

	d->attached = false;
	if (--c->attached || c->shared || d->group->devices == 1)
		return;
	if (core_is_owner(d->core)) /* a forked child only forgets */
		log_warning(&d->core->log,
			    "%s: what was mapped for it stays mapped for its group until that is attached or closed",
			    d->object);
	container_drop(c);
}

static void release(struct devfd *d)
{
	struct vfio_group *g = d->group;

	sys_close(d->core->sys, &d->fd);
	if (!g)
		return;
	if (d->attached)
		give_up(d);
	if (!--g->devices)
		leave(g);
	vfio_group_put(g);
	d->group = NULL;
}

static int bind_group(struct devfd *d, struct engine *e, const struct bind_request *q)
{
	struct vfio_group *g;
	int r = vfio_group_get(e, q->group, q->noiommu, &g);

	d->refused = TRANSPORT_OPEN_GROUP;
	if (r)
		return r;
	d->engine = e;
	r = g->container ? 0 : check_viable(d, g);
	if (!r)
		r = enter_and_open(d, g, q);
	if (r) {
		vfio_group_put(g);
		return r;
	}
	d->group = g;
	d->id = ++e->next_id;
	g->devices++;
	if (q->as)
		r = attach(d, q->as);
	if (r) {
		release(d);
		return r;
	}
	d->joined = q->as && g->container->shared;
	return 0;
}

const struct transport_ops transport_group = {
	.name = "group",
	.call_names = {
		[TRANSPORT_BIND] = "VFIO_GROUP_GET_DEVICE_FD",
		[TRANSPORT_OPEN_GROUP] = "open",
		[TRANSPORT_GROUP_STATUS] = "VFIO_GROUP_GET_STATUS",
		[TRANSPORT_SET_CONTAINER] = "VFIO_GROUP_SET_CONTAINER",
		[TRANSPORT_GET_DEVICE_FD] = "VFIO_GROUP_GET_DEVICE_FD",
	},
	.bind = bind_group,
	.release = release,
	.attach = attach,
	.detach = detach,
};
