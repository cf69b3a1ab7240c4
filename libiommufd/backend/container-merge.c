/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/container-merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool merges(const struct container *c)
{
	return c->as->coalesce && c->engine->ops->container->merges;
}

static bool follows(const struct map_entry *a, const struct map_entry *b)
{
	return a->iova + a->length == b->iova && a->kind == MAP_KIND_VA && b->kind == a->kind &&
	       a->va + a->length == b->va && a->prot == b->prot;
}

bool merge_next(const struct container *c, uint64_t iova, uint64_t last, struct map_entry *out)
{
	struct map_entry m;

	if (!iova_map_next(c->as->map, iova, out) || out->iova > last)
		return false;
	while (merges(c) && out->iova + out->length && out->iova + out->length <= last &&
	       iova_map_next(c->as->map, out->iova + out->length, &m) && follows(out, &m) &&
	       m.iova + (m.length - 1) <= last)
		out->length += m.length;
	return true;
}

/* Index of the first entry that ends at @iova or after. */
static size_t find(const struct container *c, uint64_t iova)
{
	size_t low = 0, high = c->merged_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->merged[middle].last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool merge_is(const struct container *c, const struct map_entry *m)
{
	struct map_entry first;

	return merges(c) &&
	       !(iova_map_find(c->as->map, m->iova, &first) && first.length == m->length);
}

int merge_reserve(struct container *c)
{
	size_t room = c->merged_room ? 2 * c->merged_room : 16;
	struct merged *larger;

	if (c->merged_count < c->merged_room)
		return 0;
	larger = realloc(c->merged, room * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	c->merged = larger;
	c->merged_room = room;
	return 0;
}

void merge_add(struct container *c, const struct map_entry *m)
{
	size_t at = find(c, m->iova);

	memmove(&c->merged[at + 1], &c->merged[at], (c->merged_count - at) * sizeof(*c->merged));
	c->merged[at] = (struct merged){ m->iova, m->iova + (m->length - 1) };
	c->merged_count++;
}

void merge_widen(const struct container *c, uint64_t *iova, uint64_t *last)
{
	size_t at = find(c, *iova);

	if (at < c->merged_count && c->merged[at].iova < *iova)
		*iova = c->merged[at].iova;
	at = find(c, *last);
	if (at < c->merged_count && c->merged[at].iova <= *last && c->merged[at].last > *last)
		*last = c->merged[at].last;
}

void merge_remove(struct container *c, uint64_t iova, uint64_t last)
{
	size_t from = find(c, iova), to = from;

	while (to < c->merged_count && c->merged[to].last <= last)
		to++;
	if (to == from)
		return; /* there may be no array yet */
	memmove(&c->merged[from], &c->merged[to], (c->merged_count - to) * sizeof(*c->merged));
	c->merged_count -= to - from;
}
