/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Asking: lookups, walks, and the whole state. */
#include "run.h"

static size_t draw_length(uint64_t *g)
{
	static const size_t lengths[] = {
		0, 1, 64, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 40 * PAGE, 2 * MIB, GIB, SIZE_MAX,
	};

	return lengths[below(g, ARRAY_SIZE(lengths))];
}

static bool check_va(struct run *r, int i, uint64_t va, size_t wanted)
{
	uint64_t iova = UINT64_MAX, expected = 0, run;
	size_t length = wanted;
	bool found = model_va_to_iova(&r->model, i, va, wanted ? wanted : 1, &expected, &run);

	if (!answered_quietly(r, iommufd_ioas_va_to_iova(r->ioas[i], (void *)(uintptr_t)va, &iova,
							 &length),
			      found ? 0 : -ENOENT))
		return false;
	return !found || (gave(r, "iova", iova, expected) && gave(r, "length", length, run));
}

static bool check_iova(struct run *r, int i, uint64_t iova, size_t wanted)
{
	uint64_t expected = 0, run;
	void *va = NULL;
	size_t length = wanted;
	bool found = model_iova_to_va(&r->model, i, iova, wanted ? wanted : 1, &expected, &run);

	if (!answered_quietly(r, iommufd_ioas_iova_to_va(r->ioas[i], iova, &va, &length),
			      found ? 0 : -ENOENT))
		return false;
	return !found || (gave(r, "va", (uintptr_t)va, expected) &&
			  gave(r, "length", length, run));
}

void op_va_to_iova(struct run *r, uint64_t *g)
{
	uint64_t va, length;
	int i = some_ioas(r, g);
	const struct mapping *map;
	size_t wanted = draw_length(g);

	if (i < 0)
		return nothing_to_do(r);
	map = some_mapping(r, i, g);
	va = some_memory(r, i, g, MAP_RW, &length) + below(g, PAGE);
	if (map && !map->file && chance(g, 80))
		va = map->memory + below(g, map->last - map->iova + 1);
	say(r, "va_to_iova ioas %d: %s, %#zx bytes", i, memory_name(r->mem, va), wanted);
	check_va(r, i, va, wanted);
}

void op_iova_to_va(struct run *r, uint64_t *g)
{
	int i = some_ioas(r, g);
	const struct mapping *map;
	size_t wanted = draw_length(g);
	uint64_t iova;

	if (i < 0)
		return nothing_to_do(r);
	map = some_mapping(r, i, g);
	iova = some_iova(r, i, g, PAGE) + below(g, PAGE);
	if (map && chance(g, 80))
		iova = map->iova + below(g, map->last - map->iova + 1);
	say(r, "iova_to_va ioas %d: %#llx, %#zx bytes", i, (ull)iova, wanted);
	check_iova(r, i, iova, wanted);
}

/* -- mappings */

/* What comes at or after @from; *next is where to go on, 0 at the end. */
static bool check_next(struct run *r, int i, uint64_t from, uint64_t *next)
{
	struct iommufd_mapping m = { .size = sizeof(m) };
	const struct mapping *map = model_next(&r->model, i, from);
	int rc = iommufd_ioas_next_mapping(r->ioas[i], from, &m);

	*next = 0;
	if (!answered(r, rc, map ? 0 : -ENOENT))
		return false;
	if (!map)
		return true;
	*next = map->last + 1;
	return gave(r, "iova", m.iova, map->iova) &&
	       gave(r, "length", m.length, map->last - map->iova + 1) &&
	       gave(r, "flags", m.flags, map->access) &&
	       gave(r, "kind of memory", m.memory,
		    map->file ? IOMMUFD_MEMORY_FILE : IOMMUFD_MEMORY_VA) &&
	       gave(r, "va", m.va, map->file ? 0 : map->memory) &&
	       gave(r, "offset", m.offset, map->file ? map->memory : 0);
}

void op_next(struct run *r, uint64_t *g)
{
	int i = some_ioas(r, g);
	uint64_t from, next;

	if (i < 0)
		return nothing_to_do(r);
	from = some_iova(r, i, g, PAGE) + below(g, PAGE);
	say(r, "next_mapping ioas %d: from %#llx", i, (ull)from);
	check_next(r, i, from, &next);
}

static bool check_mappings(struct run *r, int i)
{
	uint64_t from = 0;
	bool more;

	do {
		const struct mapping *map = model_next(&r->model, i, from);

		more = map;
		if (!check_next(r, i, from, &from))
			return false;
		if (map && !map->file &&
		    (!check_va(r, i, map->memory, SIZE_MAX) ||
		     !check_va(r, i, map->memory + (map->last - map->iova), PAGE)))
			return false;
		if (map && (!check_iova(r, i, map->iova, SIZE_MAX) ||
			    !check_iova(r, i, map->last, PAGE)))
			return false;
	} while (more && from);
	return true;
}

/* Not in the trace: backends may have no such option. */
static bool has_huge_pages(struct run *r, int i, uint64_t flags)
{
	if (!(flags & IOMMUFD_IOAS_NO_HUGE_PAGES) != r->model.ioas[i].no_huge_pages)
		return true;
	differ(r, "flags are %#llx", (ull)flags);
	return false;
}

static bool check_info(struct run *r, int i)
{
	struct iommufd_ioas_info info = { .size = sizeof(info) };
	const struct model_ioas *as = &r->model.ioas[i];
	uint64_t bytes = 0, attached = 0;

	for (size_t n = 0; n < as->count; n++)
		bytes += as->map[n].last - as->map[n].iova + 1;
	for (int d = 0; d < NUM_DEVICES; d++)
		attached += r->model.dev[d].open && r->model.dev[d].ioas == i;
	return answered(r, iommufd_ioas_get_info(r->ioas[i], &info), 0) &&
	       gave(r, "number of mappings", info.mappings, as->count) &&
	       gave(r, "bytes", info.bytes, bytes) &&
	       gave(r, "number of devices", info.attached, attached) &&
	       gave(r, "alignment", info.align, model_align(&r->model, i)) &&
	       gave(r, "coalescing", !!(info.flags & IOMMUFD_IOAS_COALESCE), as->coalesces) &&
	       has_huge_pages(r, i, info.flags);
}

bool check_ioas(struct run *r, int i)
{
	return check_info(r, i) && check_ranges(r, i) && check_mappings(r, i);
}

static bool check_device(struct run *r, int d)
{
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *found = NULL;
	struct iommufd_ioas *ioas = (void *)1;
	const struct model_device *dev = &r->model.dev[d];
	int i = dev->ioas, rc;

	if (!answered(r, iommufd_device_get_info(r->dev[d], &info), 0) ||
	    !gave(r, "group", (uint64_t)info.group, (uint64_t)r->hw->group[d]) ||
	    !gave(r, "cookie", info.cookie, dev->cookie) ||
	    !answered(r, iommufd_device_get_ioas(r->dev[d], &ioas), 0))
		return false;
	iommufd_ioas_unref(ioas);
	if (!gave(r, "an IOAS", ioas != NULL, i != NO_IOAS) ||
	    (i != NO_IOAS && r->ioas[i] && !gave(r, "its IOAS", ioas == r->ioas[i], true)))
		return false;
	if (!dev->cookie)
		return true;
	rc = iommufd_device_find(r->ctx, dev->cookie, &found);
	iommufd_device_unref(found);
	return answered(r, rc, 0) && gave(r, "the device", found == r->dev[d], true);
}

bool check_all(struct run *r)
{
	for (int i = 0; i < NUM_IOAS; i++)
		if (r->ioas[i] && !check_ioas(r, i))
			return false;
	for (int d = 0; d < NUM_DEVICES; d++)
		if (r->dev[d] && !check_device(r, d))
			return false;
	return true;
}

void op_walk(struct run *r, uint64_t *g)
{
	(void)g;
	say(r, "look at everything");
	if (check_all(r))
		answered(r, 0, 0);
}
