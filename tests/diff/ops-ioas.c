/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Unmapping, and what an IOAS is told as a whole. */
#include "run.h"

#include <string.h>

/* A whole mapping, several, a range that may cut, or nothing at all. */
static void draw_range(const struct run *r, int i, uint64_t *g, uint64_t *iova, uint64_t *length)
{
	const struct mapping *map = some_mapping(r, i, g), *other;

	*length = (1 + below(g, 24)) * PAGE;
	if (!map || chance(g, 20)) {
		*iova = some_iova(r, i, g, *length);
		return;
	}
	*iova = map->iova;
	*length = map->last - map->iova + 1;
	if (chance(g, 15)) { /* to the end of another one */
		other = model_next(&r->model, i, *iova + below(g, 64) * PAGE);
		if (other && other->last > map->last && other->last - map->iova < GIB)
			*length = other->last - map->iova + 1;
	} else if (chance(g, 15)) { /* with free space around */
		*iova -= *iova >= PAGE && chance(g, 50) ? PAGE : 0;
		*length = map->last - *iova + 1 + (map->last < UINT64_MAX - PAGE ? PAGE : 0);
	} else if (*length > PAGE && chance(g, 15)) { /* a part */
		uint64_t skip = below(g, *length / PAGE) * PAGE;

		*iova += skip;
		*length -= skip;
		*length = (1 + below(g, *length / PAGE)) * PAGE;
	}
}

void op_unmap(struct run *r, uint64_t *g)
{
	uint64_t iova, length, bytes, unmapped = UINT64_MAX;
	int i = some_ioas(r, g), expected, rc;
	bool ask = chance(g, 90);

	if (i < 0)
		return nothing_to_do(r);
	draw_range(r, i, g, &iova, &length);
	say(r, "unmap ioas %d: %#llx, %#llx bytes", i, (ull)iova, (ull)length);
	expected = model_unmap(&r->model, i, iova, iova + (length - 1), &bytes);
	rc = iommufd_ioas_unmap(r->ioas[i], iova, length, ask ? &unmapped : NULL);
	if (answered(r, rc, expected) && !rc && ask)
		gave(r, "unmapped", unmapped, bytes);
}

void op_unmap_all(struct run *r, uint64_t *g)
{
	uint64_t bytes, unmapped = UINT64_MAX;
	int i = some_ioas(r, g);

	if (i < 0)
		return nothing_to_do(r);
	say(r, "unmap_all ioas %d", i);
	model_unmap(&r->model, i, 0, UINT64_MAX, &bytes);
	if (answered(r, iommufd_ioas_unmap_all(r->ioas[i], &unmapped), 0))
		gave(r, "unmapped", unmapped, bytes);
}

/* -- life */

void op_ioas_new(struct run *r, uint64_t *g)
{
	struct iommufd_ioas_opts opts = { .size = sizeof(opts) };
	int i = (int)below(g, NUM_IOAS);
	bool plain = !r->profile.special || chance(g, 80);

	for (int n = 0; r->model.ioas[i].exists; n++) {
		if (n == NUM_IOAS)
			return nothing_to_do(r);
		i = (i + 1) % NUM_IOAS;
	}
	opts.flags = (plain ? 0u : IOMMUFD_IOAS_NO_HUGE_PAGES) |
		     (chance(g, 40) ? IOMMUFD_IOAS_COALESCE : 0u); /* which nobody may notice */
	say(r, "ioas_new ioas %d%s%s", i, plain ? "" : " without huge pages",
	    opts.flags & IOMMUFD_IOAS_COALESCE ? ", coalescing" : "");
	if (!answered(r, iommufd_ioas_new(r->ctx, &opts, &r->ioas[i]),
		      plain || model_can(&r->model, IOMMUFD_CAP_HUGE_PAGE_OPTION) ? 0 : -EOPNOTSUPP) ||
	    r->now.rc)
		return;
	r->model.ioas[i] = (struct model_ioas){
		.exists = true, .held = true, .no_huge_pages = !plain,
		.coalesces = opts.flags & IOMMUFD_IOAS_COALESCE,
	};
}

void op_ioas_unref(struct run *r, uint64_t *g)
{
	int i = some_ioas(r, g);

	if (i < 0)
		return nothing_to_do(r);
	say(r, "ioas_unref ioas %d", i);
	r->ioas[i] = iommufd_ioas_unref(r->ioas[i]);
	model_unref(&r->model, i);
	answered(r, 0, 0);
}

/* A device in use knows its IOAS, which may be one that nobody else remembers. */
void op_ioas_recover(struct run *r, uint64_t *g)
{
	struct iommufd_ioas *ioas = (void *)1;
	int d = some_device(r, g), i;

	if (d < 0)
		return nothing_to_do(r);
	i = r->model.dev[d].ioas;
	say(r, "get_ioas device %d", d);
	if (!answered(r, iommufd_device_get_ioas(r->dev[d], &ioas), 0))
		return;
	if (!gave(r, "an IOAS", ioas != NULL, i != NO_IOAS) || i == NO_IOAS)
		return;
	if (r->ioas[i]) {
		gave(r, "the same IOAS", ioas == r->ioas[i], true);
		iommufd_ioas_unref(ioas);
		return;
	}
	r->ioas[i] = ioas;
	r->model.ioas[i].held = true;
}

/* -- ranges */

bool check_ranges(struct run *r, int i)
{
	struct iommufd_range expected[MAX_RANGES], got[MAX_RANGES] = { 0 };
	size_t exist = model_ranges(&r->model, i, expected), count = MAX_RANGES;

	if (!answered(r, iommufd_ioas_get_ranges(r->ioas[i], got, &count), 0) ||
	    !gave(r, "number of ranges", count, exist))
		return false;
	for (size_t n = 0; n < count; n++)
		if (!gave(r, "start of a range", got[n].start, expected[n].start) ||
		    !gave(r, "last of a range", got[n].last, expected[n].last))
			return false;
	return true;
}

void op_ranges(struct run *r, uint64_t *g)
{
	struct iommufd_range expected[MAX_RANGES], got[MAX_RANGES] = { 0 };
	int i = some_ioas(r, g);
	uint64_t align = 0;
	size_t exist, count;

	if (i < 0)
		return nothing_to_do(r);
	if (chance(g, 80)) {
		say(r, "get_ranges ioas %d", i);
		check_ranges(r, i);
	} else if (chance(g, 50)) {
		exist = model_ranges(&r->model, i, expected);
		count = below(g, exist);
		say(r, "get_ranges ioas %d: room for %zu", i, count);
		if (answered(r, iommufd_ioas_get_ranges(r->ioas[i], got, &count), -ENOBUFS))
			gave(r, "number of ranges", count, exist);
	} else {
		say(r, "get_alignment ioas %d", i);
		if (answered(r, iommufd_ioas_get_alignment(r->ioas[i], &align), 0))
			gave(r, "alignment", align, model_align(&r->model, i));
	}
}

/* Up to four windows with space between them; most streams have none. */
static size_t draw_protection(const struct run *r, uint64_t *g, struct iommufd_range *list)
{
	size_t count = r->profile.protect ? below(g, 5) : 0;
	uint64_t at = MIB;

	for (size_t n = 0; n < count; n++) {
		at += (1 + below(g, 40)) * PAGE;
		if (n == 1 && chance(g, 50))
			at = UINT64_C(0xfed00000) + below(g, 384) * PAGE;
		list[n].start = at;
		at += (1 + below(g, 80)) * PAGE;
		list[n].last = at - 1;
	}
	return count;
}

static bool is_allowed(const struct run *r, int i, const struct iommufd_range *one)
{
	struct iommufd_range ranges[MAX_RANGES];
	size_t count = model_ranges(&r->model, i, ranges);

	for (size_t n = 0; n < count; n++)
		if (ranges[n].start <= one->start && one->last <= ranges[n].last)
			return true;
	return false;
}

void op_protect(struct run *r, uint64_t *g)
{
	struct iommufd_range list[MAX_RANGES];
	size_t count = draw_protection(r, g, list);
	int i = some_ioas(r, g), expected = 0, rc;

	if (i < 0)
		return nothing_to_do(r);
	say(r, "allow ioas %d:", i);
	for (size_t n = 0; n < count; n++) {
		say(r, " %#llx..%#llx", (ull)list[n].start, (ull)list[n].last);
		if (!is_allowed(r, i, &list[n]))
			expected = -EADDRNOTAVAIL;
	}
	if (count && !model_can(&r->model, IOMMUFD_CAP_ALLOW_IOVAS))
		expected = -EOPNOTSUPP;
	rc = iommufd_ioas_allow(r->ioas[i], list, count);
	if (!answered(r, rc, expected) || rc)
		return;
	memcpy(r->model.ioas[i].protect, list, count * sizeof(*list));
	r->model.ioas[i].protected = count;
}

void op_huge_pages(struct run *r, uint64_t *g)
{
	int i = some_ioas(r, g), enabled = -1, expected = 0, rc;
	bool can = r->hw->can[IOMMUFD_CAP_HUGE_PAGE_OPTION], enable = chance(g, 50);
	struct model_ioas *as;

	if (i < 0)
		return nothing_to_do(r);
	r->now.varies = r->hw->others_differ[IOMMUFD_CAP_HUGE_PAGE_OPTION];
	as = &r->model.ioas[i];
	if (chance(g, 50)) {
		say(r, "get_huge_pages ioas %d", i);
		rc = iommufd_ioas_get_huge_pages(r->ioas[i], &enabled);
		if (answered(r, rc, can ? 0 : -EOPNOTSUPP) && !rc)
			gave(r, "huge pages", (uint64_t)enabled, !as->no_huge_pages);
		return;
	}
	say(r, "set_huge_pages ioas %d: %d", i, enable);
	if (!can)
		expected = -EOPNOTSUPP;
	else if (as->count)
		expected = -EINVAL;
	rc = iommufd_ioas_set_huge_pages(r->ioas[i], enable);
	if (answered(r, rc, expected) && !rc)
		as->no_huge_pages = !enable;
}
