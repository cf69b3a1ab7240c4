/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The model's mappings and where they may lie. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

void model_begin(struct model *m, const struct hardware *hw, const struct memory *mem)
{
	*m = (struct model){ .hw = hw, .mem = mem };
	for (int d = 0; d < NUM_DEVICES; d++)
		m->dev[d].ioas = NO_IOAS;
}

bool model_can(struct model *m, uint32_t cap)
{
	m->parted = m->parted || m->hw->others_differ[cap];
	return m->hw->can[cap];
}

void model_end(struct model *m)
{
	for (int i = 0; i < NUM_IOAS; i++)
		free(m->ioas[i].map);
}

/* -- ranges */

bool model_attached(const struct model *m, int i)
{
	for (int d = 0; d < NUM_DEVICES; d++)
		if (m->dev[d].open && m->dev[d].ioas == i)
			return true;
	return false;
}

/* Keep of @list what is also in @with. */
static size_t intersect(struct iommufd_range *list, size_t count, const struct iommufd_range *with,
			size_t with_count)
{
	struct iommufd_range out[MAX_RANGES];
	size_t n = 0;

	for (size_t a = 0; a < count; a++)
		for (size_t b = 0; b < with_count && n < MAX_RANGES; b++) {
			struct iommufd_range r = list[a];

			if (r.start < with[b].start)
				r.start = with[b].start;
			if (r.last > with[b].last)
				r.last = with[b].last;
			if (r.start <= r.last)
				out[n++] = r;
		}
	memcpy(list, out, n * sizeof(*list));
	return n;
}

size_t model_ranges(const struct model *m, int i, struct iommufd_range out[MAX_RANGES])
{
	size_t count = 1;

	out[0] = (struct iommufd_range){ 0, UINT64_MAX - PAGE }; /* never the last page */
	for (int d = 0; d < NUM_DEVICES; d++)
		if (m->dev[d].open && m->dev[d].ioas == i)
			count = intersect(out, count, m->hw->ranges[d], m->hw->count[d]);
	return count;
}

uint64_t model_align(const struct model *m, int i)
{
	uint64_t align = PAGE;

	for (int d = 0; d < NUM_DEVICES; d++)
		if (m->dev[d].open && m->dev[d].ioas == i && m->hw->align[d] > align)
			align = m->hw->align[d];
	return align;
}

static bool is_inside(const struct iommufd_range *list, size_t count, uint64_t start, uint64_t last)
{
	for (size_t n = 0; n < count; n++)
		if (list[n].start <= start && last <= list[n].last)
			return true;
	return false;
}

/* -- places */

const struct mapping *model_next(const struct model *m, int i, uint64_t iova)
{
	for (size_t n = 0; n < m->ioas[i].count; n++)
		if (m->ioas[i].map[n].last >= iova)
			return &m->ioas[i].map[n];
	return NULL;
}

const struct mapping *model_touched(const struct model *m, int i, uint64_t iova, uint64_t last)
{
	const struct mapping *map = model_next(m, i, iova);

	return map && map->iova <= last ? map : NULL;
}

/* Does the request fit between these two, both free? */
static bool fits(const struct want *want, uint64_t align, uint64_t start, uint64_t last)
{
	uint64_t at = start + (-start & (align - 1));

	return at >= start && at <= last && last - at >= want->length - 1;
}

static bool fits_in_window(const struct model *m, int i, const struct want *want, uint64_t align,
			   uint64_t start, uint64_t last)
{
	const struct mapping *map;

	if (start < want->min)
		start = want->min;
	if (want->last && last > want->last)
		last = want->last;
	if (!start)
		start = 1;
	while (start <= last) {
		map = model_touched(m, i, start, last);
		if (!map)
			return fits(want, align, start, last);
		if (map->iova > start && fits(want, align, start, map->iova - 1))
			return true;
		if (map->last == UINT64_MAX)
			return false;
		start = map->last + 1;
	}
	return false;
}

static uint64_t align_of(const struct model *m, int i, const struct want *want)
{
	uint64_t align = model_align(m, i);

	return want->align > align ? want->align : align;
}

int model_place(const struct model *m, int i, const struct want *want)
{
	const struct model_ioas *as = &m->ioas[i];
	struct iommufd_range ranges[MAX_RANGES];
	size_t count = model_ranges(m, i, ranges);

	if (want->fixed) {
		uint64_t last = want->iova + (want->length - 1);

		if (!is_inside(ranges, count, want->iova, last))
			return -EADDRNOTAVAIL;
		return model_touched(m, i, want->iova, last) ? -EEXIST : 0;
	}
	if (as->protected)
		count = intersect(ranges, count, as->protect, as->protected);
	for (size_t n = 0; n < count; n++)
		if (fits_in_window(m, i, want, align_of(m, i, want), ranges[n].start,
				   ranges[n].last))
			return 0;
	return -ENOSPC;
}

bool model_is_legal(const struct model *m, int i, const struct want *want, uint64_t iova)
{
	const struct model_ioas *as = &m->ioas[i];
	struct iommufd_range ranges[MAX_RANGES];
	size_t count = model_ranges(m, i, ranges);
	uint64_t last = iova + (want->length - 1);

	if (want->fixed)
		return iova == want->iova;
	if (!iova || last < iova || iova & (align_of(m, i, want) - 1))
		return false;
	if (iova < want->min || (want->last && last > want->last))
		return false;
	if (as->protected)
		count = intersect(ranges, count, as->protect, as->protected);
	return is_inside(ranges, count, iova, last) && !model_touched(m, i, iova, last);
}

/* -- mappings */

static bool can_pin(const struct model *m, const struct mapping *map)
{
	return map->file || memory_usable(m->mem, map->memory, map->last - map->iova + 1,
					  map->pins_to_write);
}

int model_pin(const struct model *m, int i, const struct mapping *map)
{
	return model_attached(m, i) && !can_pin(m, map) ? -EFAULT : 0;
}

void model_add(struct model *m, int i, struct mapping map)
{
	struct model_ioas *as = &m->ioas[i];
	size_t at = 0;

	if (as->count == as->room) {
		as->room = as->room ? 2 * as->room : 64;
		as->map = realloc(as->map, as->room * sizeof(*as->map));
		if (!as->map)
			abort();
	}
	while (at < as->count && as->map[at].iova < map.iova)
		at++;
	memmove(as->map + at + 1, as->map + at, (as->count - at) * sizeof(*as->map));
	map.age = ++m->age;
	as->map[at] = map;
	as->count++;
}

int model_unmap(struct model *m, int i, uint64_t iova, uint64_t last, uint64_t *bytes)
{
	struct model_ioas *as = &m->ioas[i];
	size_t kept = 0;

	*bytes = 0;
	for (size_t n = 0; n < as->count; n++) {
		const struct mapping *map = &as->map[n];

		if (map->iova <= last && map->last >= iova &&
		    (map->iova < iova || map->last > last))
			return -EINVAL;
	}
	for (size_t n = 0; n < as->count; n++) {
		struct mapping map = as->map[n];

		if (map.iova >= iova && map.last <= last) {
			*bytes += map.last - map.iova + 1;
			as->gone = map;
		} else {
			as->map[kept++] = map;
		}
	}
	as->count = kept;
	return 0;
}

bool model_piece(const struct model *m, int i, uint64_t iova, uint64_t left, struct mapping *piece)
{
	const struct mapping *map = model_touched(m, i, iova, iova);

	if (!map)
		return false;
	*piece = *map;
	piece->memory += iova - map->iova;
	piece->iova = iova;
	if (piece->last - iova > left - 1)
		piece->last = iova + (left - 1);
	return true;
}

/* -- lookups */

/* The newest mapping of @va, and the last address up to which it is the newest. */
static const struct mapping *newest(const struct model_ioas *as, uint64_t va, uint64_t *last)
{
	const struct mapping *best = NULL;

	for (size_t n = 0; n < as->count; n++) {
		const struct mapping *map = &as->map[n];

		if (!map->file && va >= map->memory && va - map->memory <= map->last - map->iova &&
		    (!best || map->age > best->age))
			best = map;
	}
	if (!best)
		return NULL;
	*last = best->memory + (best->last - best->iova);
	for (size_t n = 0; n < as->count; n++) {
		const struct mapping *map = &as->map[n];

		if (!map->file && map->age > best->age && map->memory > va && map->memory <= *last)
			*last = map->memory - 1;
	}
	return best;
}

bool model_va_to_iova(const struct model *m, int i, uint64_t va, uint64_t wanted, uint64_t *iova,
		      uint64_t *run)
{
	const struct mapping *map;
	uint64_t at = va, last = 0;

	for (*run = 0; *run < wanted; at = last + 1) {
		map = newest(&m->ioas[i], at, &last);
		if (!map)
			break;
		if (!*run)
			*iova = map->iova + (at - map->memory);
		else if (map->iova - map->memory != *iova - va)
			break;
		*run += last - at + 1;
		if (last == UINT64_MAX)
			break;
	}
	if (*run > wanted)
		*run = wanted;
	return *run;
}

bool model_iova_to_va(const struct model *m, int i, uint64_t iova, uint64_t wanted, uint64_t *va,
		      uint64_t *run)
{
	uint64_t at = iova;

	for (*run = 0; *run < wanted;) {
		const struct mapping *map = model_touched(m, i, at, at);

		if (!map || map->file)
			break;
		if (!*run)
			*va = map->memory + (at - map->iova);
		else if (map->memory - map->iova != *va - iova)
			break;
		*run += map->last - at + 1;
		at = map->last + 1;
		if (!at)
			break;
	}
	if (*run > wanted)
		*run = wanted;
	return *run;
}

/* -- life */

static void vanish_if_unused(struct model *m, int i)
{
	struct model_ioas *as = &m->ioas[i];

	if (as->held || model_attached(m, i))
		return;
	free(as->map);
	*as = (struct model_ioas){ 0 };
}

void model_unref(struct model *m, int i)
{
	m->ioas[i].held = false;
	vanish_if_unused(m, i);
}

/* -- devices */

static bool are_siblings(const struct model *m, int a, int b)
{
	return m->hw->group[a] == m->hw->group[b];
}

static bool is_reachable(const struct model *m, int d, int i)
{
	const struct hardware *hw = m->hw;
	const struct model_ioas *as = &m->ioas[i];

	for (size_t n = 0; n < as->count; n++)
		if (!is_inside(hw->ranges[d], hw->count[d], as->map[n].iova, as->map[n].last))
			return false;
	for (size_t n = 0; n < as->protected; n++)
		if (!is_inside(hw->ranges[d], hw->count[d], as->protect[n].start,
			       as->protect[n].last))
			return false;
	return true;
}

/* Does a sibling, which must use the same IOAS, use another one? */
static bool is_group_elsewhere(const struct model *m, int d, int i)
{
	for (int s = 0; s < NUM_DEVICES; s++)
		if (s != d && m->dev[s].open && are_siblings(m, s, d) &&
		    m->dev[s].ioas != NO_IOAS && m->dev[s].ioas != i)
			return true;
	return false;
}

static int may_enter(const struct model *m, int d, int i, int *other)
{
	const struct model_ioas *as = &m->ioas[i];
	bool reachable = is_reachable(m, d, i), pinnable = true;

	for (int s = 0; s < NUM_DEVICES; s++) /* those who come along */
		if (m->dev[s].open && are_siblings(m, s, d) && m->dev[s].ioas != NO_IOAS)
			reachable = reachable && is_reachable(m, s, i);
	for (size_t n = 0; n < as->count; n++)
		pinnable = pinnable && can_pin(m, &as->map[n]);
	*other = pinnable ? 0 : -EFAULT;
	if (reachable)
		return *other;
	if (pinnable)
		*other = -EADDRINUSE;
	return -EADDRINUSE;
}

int model_may_attach(const struct model *m, int d, int i, int *other)
{
	*other = -EBUSY;
	if (m->dev[d].ioas != NO_IOAS || is_group_elsewhere(m, d, i))
		return -EBUSY;
	return may_enter(m, d, i, other);
}

/* Joined for as long as it is open? */
static bool is_stuck(struct model *m, int d)
{
	return m->dev[d].joined && !model_can(m, IOMMUFD_CAP_DETACH_JOINED);
}

int model_may_replace(struct model *m, int d, int i, int *other)
{
	*other = m->dev[d].ioas == NO_IOAS ? -EINVAL : is_stuck(m, d) ? -EOPNOTSUPP : 0;
	return *other || m->dev[d].ioas == i ? *other : may_enter(m, d, i, other);
}

int model_may_detach(struct model *m, int d)
{
	if (m->dev[d].ioas == NO_IOAS)
		return -EINVAL;
	return is_stuck(m, d) ? -EOPNOTSUPP : 0;
}

int model_may_open(struct model *m, int d, int i, int *other)
{
	*other = -EBUSY;
	if (m->dev[d].open || (i != NO_IOAS && is_group_elsewhere(m, d, i)))
		return -EBUSY;
	for (int s = 0; s < NUM_DEVICES; s++) /* a group is in one container */
		if (i == NO_IOAS && m->dev[s].open && are_siblings(m, s, d) && is_stuck(m, s))
			return -EBUSY;
	*other = 0;
	return i == NO_IOAS ? 0 : may_enter(m, d, i, other);
}

/* A group that is open already has a container of its own, or joined this one. */
void model_open(struct model *m, int d, int i, uint64_t cookie)
{
	bool joined = i != NO_IOAS;

	for (int s = 0; s < NUM_DEVICES; s++)
		if (m->dev[s].open && are_siblings(m, s, d) && !m->dev[s].joined)
			joined = false;
	m->dev[d] = (struct model_device){ true, i, cookie, joined };
}

int model_reach(const struct model *m, int d)
{
	for (int s = 0; s < NUM_DEVICES; s++)
		if (m->dev[s].open && are_siblings(m, s, d) && m->dev[s].ioas != NO_IOAS)
			return m->dev[s].ioas;
	return NO_IOAS;
}

void model_attach(struct model *m, int d, int i)
{
	m->dev[d].ioas = i;
}

void model_detach(struct model *m, int d)
{
	int i = m->dev[d].ioas;

	m->dev[d].ioas = NO_IOAS;
	m->dev[d].joined = false;
	if (i != NO_IOAS)
		vanish_if_unused(m, i);
}

void model_replace(struct model *m, int d, int i)
{
	int old = m->dev[d].ioas;

	for (int s = 0; s < NUM_DEVICES; s++)
		if (m->dev[s].open && are_siblings(m, s, d) && m->dev[s].ioas == old)
			m->dev[s].ioas = i;
	vanish_if_unused(m, old);
}
