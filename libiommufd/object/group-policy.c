/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* How far a context may go with devices that share a group. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "object/device.h"
#include "object/group.h"

/* Other members that could do DMA: a bridge only forwards that of the devices behind it. */
static size_t count_others(const struct group_facts *facts, const char *name)
{
	size_t others = 0;

	for (size_t i = 0; i < facts->count; i++)
		others += !facts->members[i].bridge && strcmp(facts->members[i].name, name);
	return others;
}

int group_policy_open(struct iommufd_ctx *ctx, const char *function, const struct place *place)
{
	struct group_facts facts;
	char list[240];
	int r;

	if (ctx->group_policy != IOMMUFD_GROUP_SINGLETON)
		return 0;
	if (place->group < 0 && place->sysfs[0]) /* no IOMMU: it shares what isolation there is not */
		return 0;
	if (place->group < 0)
		return err(-EPERM, function, place->name,
			   "make /sys visible, or use another opts.group_policy",
			   "the group policy allows devices alone in their IOMMU group, and sysfs does not tell this one's");
	r = group_facts_read(&ctx->core, place->group, &facts);
	if (r)
		return err_kernel(r, KNOWN(-ENOENT, -EACCES, -ENOMEM, -EMFILE, -ENFILE), function,
				  place->name, "check that /sys is mounted",
				  "the members of IOMMU group %d cannot be read", place->group);
	if (count_others(&facts, place->name)) {
		group_facts_list(&facts, place->name, list, sizeof(list));
		r = err(-EPERM, function, place->name,
			"move it to a slot with a group of its own, or use IOMMUFD_GROUP_ONE_IOAS or IOMMUFD_GROUP_ANY",
			"the group policy allows devices alone in their IOMMU group; group %d also has %s",
			place->group, list);
	}
	group_facts_free(&facts);
	return r;
}

int group_policy_replace(const struct iommufd_device *dev, const char *function)
{
	char list[200];
	size_t used = 0, more = 0;

	if (dev->ctx->group_policy != IOMMUFD_GROUP_ONE_IOAS || dev->group < 0)
		return 0;
	for (const struct iommufd_device *d = dev->ctx->devices; d; d = d->next) {
		if (d == dev || d->group != dev->group || !d->ioas)
			continue;
		if (used + sizeof(d->fd.name) + 20 > sizeof(list))
			more++;
		else
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 used ? ", " : "", d->fd.name);
	}
	if (!used)
		return 0;
	if (more)
		snprintf(list + used, sizeof(list) - used, " and %zu more", more);
	return err(-EBUSY, function, dev->fd.object,
		   "detach the others first, or use IOMMUFD_GROUP_ANY",
		   "the group policy keeps a group in one IOAS; attached devices of group %d would move along: %s",
		   dev->group, list);
}
