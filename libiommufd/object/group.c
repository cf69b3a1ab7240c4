/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* IOMMU groups as the program sees them: who is in one, and who is in the way. */
#include "object/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/group.h"
#include "base/opts.h"
#include "object/device.h"

static int read_facts(struct iommufd_ctx *ctx, const char *function, int number,
		      const char *object, struct group_facts *facts)
{
	int r = group_facts_read(&ctx->core, number, facts);

	return r ? err_kernel(r, KNOWN(-ENOENT, -EACCES, -ENOMEM, -EMFILE, -ENFILE), function,
			      object, "look into /sys/kernel/iommu_groups for the groups there are",
			      r == -ENOENT ? "there is no such IOMMU group" :
					     "the group's facts in sysfs cannot be read") : 0;
}

/* Context lock held. */
static struct iommufd_group *find(struct iommufd_ctx *ctx, int number)
{
	struct iommufd_group *g;

	for (g = ctx->groups; g; g = g->next)
		if (g->number == number && object_ref_unless_zero(&g->obj))
			break;
	return g;
}

int group_get(struct iommufd_ctx *ctx, const char *function, int number,
	      struct iommufd_group **out)
{
	struct iommufd_group *g = calloc(1, sizeof(*g)), *known;
	int r;

	if (!g)
		return err_nomem(function, "group");
	object_init(&g->obj, OBJECT_GROUP);
	g->ctx = ctx;
	g->number = number;
	snprintf(g->object, sizeof(g->object), "group %d", number);
	r = read_facts(ctx, function, number, g->object, &g->facts);
	if (r) {
		free(g);
		return r;
	}
	pthread_mutex_lock(&ctx->lock);
	known = find(ctx, number);
	if (!known) {
		iommufd_ctx_ref(ctx);
		g->next = ctx->groups;
		ctx->groups = g;
		events_watch_group(ctx, number);
	}
	pthread_mutex_unlock(&ctx->lock);
	if (known) {
		group_facts_free(&g->facts);
		free(g);
	}
	*out = known ? known : g;
	return 0;
}

IOMMUFD_EXPORT int iommufd_device_get_group(struct iommufd_device *dev, struct iommufd_group **out)
{
	int r = device_check(dev, __func__);

	if (out)
		*out = NULL;
	if (r)
		return r;
	if (!out)
		r = err_null(__func__, "out");
	else if (dev->group < 0)
		r = err(-ENOENT, __func__, dev->fd.object, "check that /sys is mounted",
			"sysfs does not tell the device's IOMMU group");
	else
		r = group_get(dev->ctx, __func__, dev->group, out);
	return err_log(&dev->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_group_open(struct iommufd_ctx *ctx, int number,
				      struct iommufd_group **out)
{
	int r;

	if (out)
		*out = NULL;
	r = ctx_check(ctx, __func__);
	if (r)
		return r;
	if (!out)
		r = err_null(__func__, "out");
	else if (number < 0)
		r = err(-EINVAL, __func__, "number",
			"pass a number that is in /sys/kernel/iommu_groups",
			"%d is no group's number", number);
	else
		r = group_get(ctx, __func__, number, out);
	return err_log(&ctx->core.log, r);
}

IOMMUFD_EXPORT struct iommufd_group *iommufd_group_ref(struct iommufd_group *group)
{
	if (group && object_is(&group->obj, OBJECT_GROUP))
		object_ref(&group->obj);
	return group;
}

IOMMUFD_EXPORT struct iommufd_group *iommufd_group_unref(struct iommufd_group *group)
{
	struct iommufd_group **at;
	struct iommufd_ctx *ctx;
	bool lock;

	if (!group || !object_is(&group->obj, OBJECT_GROUP) || !object_unref(&group->obj))
		return NULL;
	ctx = group->ctx;
	lock = !core_is_forked(&ctx->core);
	if (lock)
		pthread_mutex_lock(&ctx->lock);
	for (at = &ctx->groups; *at != group; at = &(*at)->next)
		;
	*at = group->next;
	if (group->vfio)
		vfio_group_put(group->vfio);
	if (lock)
		pthread_mutex_unlock(&ctx->lock);
	group_facts_free(&group->facts);
	group->obj.kind = OBJECT_FREED;
	free(group);
	iommufd_ctx_unref(ctx);
	return NULL;
}

/* The open device of that name, or NULL. Context lock held. */
static const struct iommufd_device *find_open(const struct iommufd_group *group, const char *name)
{
	const struct iommufd_device *d;

	for (d = group->ctx->devices; d; d = d->next)
		if (d->group == group->number && !strcmp(d->fd.name, name))
			break;
	return d;
}

static uint32_t count_open(const struct iommufd_group *group)
{
	uint32_t open = 0;

	for (const struct iommufd_device *d = group->ctx->devices; d; d = d->next)
		open += d->group == group->number;
	return open;
}

/* Look anew. On failure what was seen before stays. */
static int refresh(struct iommufd_group *group, const char *function)
{
	struct iommufd_ctx *ctx = group->ctx;
	struct group_facts facts, old;
	int r = read_facts(ctx, function, group->number, group->object, &facts);

	if (r)
		return r;
	pthread_mutex_lock(&ctx->lock);
	old = group->facts;
	group->facts = facts;
	pthread_mutex_unlock(&ctx->lock);
	group_facts_free(&old);
	return 0;
}

IOMMUFD_EXPORT int iommufd_group_get_info(struct iommufd_group *group,
					  struct iommufd_group_info *info)
{
	struct iommufd_group_info known = { 0 };
	int r = group_check(group, __func__);

	if (r)
		return r;
	r = refresh(group, __func__);
	if (!r) {
		pthread_mutex_lock(&group->ctx->lock);
		known.number = group->number;
		known.flags = (group_facts_blocker(&group->facts) ? 0u : IOMMUFD_GROUP_VIABLE) |
			      (group->facts.noiommu ? IOMMUFD_GROUP_NOIOMMU : 0u);
		known.num_members = (uint32_t)group->facts.count;
		known.num_open = count_open(group);
		pthread_mutex_unlock(&group->ctx->lock);
		r = opts_put(__func__, info, &known, sizeof(known));
	}
	return err_log(&group->ctx->core.log, r);
}

static void describe(const struct iommufd_group *group, const struct group_member *m,
		     struct iommufd_group_member *known)
{
	known->flags = (m->blocks ? IOMMUFD_GROUP_MEMBER_BLOCKS : 0u) |
		       (m->vfio ? IOMMUFD_GROUP_MEMBER_VFIO : 0u) |
		       (m->bridge ? IOMMUFD_GROUP_MEMBER_BRIDGE : 0u) |
		       (find_open(group, m->name) ? IOMMUFD_GROUP_MEMBER_OPEN : 0u);
	snprintf(known->name, sizeof(known->name), "%s", m->name);
	snprintf(known->bus, sizeof(known->bus), "%s", m->bus);
	snprintf(known->driver, sizeof(known->driver), "%.31s", m->driver);
	group_member_reason(m, known->reason, sizeof(known->reason));
}

IOMMUFD_EXPORT int iommufd_group_get_member(struct iommufd_group *group, uint32_t index,
					    struct iommufd_group_member *member)
{
	struct iommufd_group_member known = { 0 };
	size_t count;
	int r = group_check(group, __func__);

	if (r)
		return r;
	pthread_mutex_lock(&group->ctx->lock);
	count = group->facts.count;
	if (index < count)
		describe(group, &group->facts.members[index], &known);
	pthread_mutex_unlock(&group->ctx->lock);
	if (index < count)
		r = opts_put(__func__, member, &known, sizeof(known));
	else
		r = err(-ENOENT, __func__, group->object, "end the loop here",
			"the group has %zu members", count);
	return err_log(&group->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_group_check_viable(struct iommufd_group *group)
{
	struct group_facts facts;
	int r = group_check(group, __func__);

	if (r)
		return r;
	r = read_facts(group->ctx, __func__, group->number, group->object, &facts);
	if (!r) {
		r = group_facts_check(&facts, __func__, group->object);
		group_facts_free(&facts);
	}
	return err_log(&group->ctx->core.log, r);
}
