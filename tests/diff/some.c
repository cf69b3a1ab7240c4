/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What operations are done to. Crowded places come up often; what no device can
 * have only where it is refused at once, or in a wild stream: else hardly a
 * device could be attached.
 */
#include "run.h"

int some_ioas(const struct run *r, uint64_t *g)
{
	int i = (int)below(g, NUM_IOAS);

	for (int n = 0; n < NUM_IOAS; n++, i = (i + 1) % NUM_IOAS)
		if (r->ioas[i])
			return i;
	return -1;
}

int some_device(const struct run *r, uint64_t *g)
{
	int d = (int)below(g, NUM_DEVICES);

	for (int n = 0; n < NUM_DEVICES; n++, d = (d + 1) % NUM_DEVICES)
		if (r->dev[d])
			return d;
	return -1;
}

static bool may_be_wild(const struct run *r, int i, uint64_t *g)
{
	return r->profile.wild || model_attached(&r->model, i) || chance(g, 5);
}

static uint64_t crowded(uint64_t *g)
{
	return MIB + below(g, 192) * PAGE;
}

const struct mapping *some_mapping(const struct run *r, int i, uint64_t *g)
{
	/* By place, not by number: then it does not matter what else there is. */
	uint64_t at = chance(g, 70) ? crowded(g) : draw(g) >> below(g, 64);
	const struct mapping *map = model_next(&r->model, i, at);

	return map ? map : model_next(&r->model, i, 0);
}

uint64_t some_iova(const struct run *r, int i, uint64_t *g, uint64_t length)
{
	const struct iommufd_range *ranges = r->hw->ranges[0];
	uint64_t iova, dice = below(g, 100), last = r->hw->count[0] - 1;
	const struct mapping *map = some_mapping(r, i, g);

	iova = crowded(g);
	if (dice < 14 && map && map->last < UINT64_MAX - 64 * GIB)
		iova = map->last + 1;
	else if (dice < 20)
		iova = 4 * GIB + below(g, 64) * PAGE;
	else if (dice < 22)
		iova = below(g, 4) * PAGE;
	else if (dice < 25)
		iova = 2 * MIB * (1 + below(g, 1024));
	else if (dice < 33 && may_be_wild(r, i, g)) /* around the end of a range */
		iova = ranges[chance(g, 50) ? 0 : last].last + 1 - PAGE * below(g, 16) +
		       PAGE * below(g, 16);
	else if (dice < 34 && may_be_wild(r, i, g))
		iova = UINT64_MAX - PAGE + 1 - PAGE * below(g, 16);
	if (iova > UINT64_MAX - (length - 1))
		iova = 0 - ((length + PAGE - 1) & ~(PAGE - 1));
	return iova;
}

uint64_t some_memory(const struct run *r, int i, uint64_t *g, uint32_t access, uint64_t *length)
{
	uint64_t at, pages = 1 + below(g, 8), dice = below(g, 100);
	uint64_t normal = NORMAL_SIZE / PAGE, fixed = READ_ONLY_SIZE / PAGE;
	bool any = may_be_wild(r, i, g);

	if (dice < 15)
		pages = 1 + below(g, 64);
	else if (dice < 18)
		pages = 512 + below(g, 3);
	at = below(g, normal - pages + 1);
	if (pages >= 512 && chance(g, 70))
		at = below(g, 3) * 512;
	dice = below(g, 100);
	if (pages < 64 && dice < 8 && (any || !(access & IOMMUFD_MAP_WRITE)))
		at = normal + below(g, fixed - pages);
	else if (pages < 64 && dice < 10 && (any || !(access & IOMMUFD_MAP_WRITE)))
		at = normal - below(g, pages + 1); /* may cross */
	else if (dice < 14 && any)
		at = normal + fixed - 1 + below(g, 1024); /* may begin well */
	else if (dice < 16 && any) {
		at = below(g, 2) * GIB / PAGE / 2;
		pages = GIB / PAGE / (1 + below(g, 3));
	}
	*length = pages * PAGE;
	return (uintptr_t)r->mem->pool + at * PAGE;
}

uint32_t some_access(uint64_t *g)
{
	uint64_t dice = below(g, 10);

	return dice < 7 ? MAP_RW : dice < 9 ? IOMMUFD_MAP_READ : IOMMUFD_MAP_WRITE;
}

const char *access_name(uint32_t flags)
{
	static const char *const names[] = { "none", "r", "w", "rw" };

	return names[flags & MAP_RW];
}
