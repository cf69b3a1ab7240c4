/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "reach.h"

#include <stdlib.h>
#include <string.h>

#include "object/ioas.h"

void reach_add(struct reach *reach, const struct piece *p)
{
	struct piece *before = reach->count ? &reach->piece[reach->count - 1] : NULL;

	if (before && before->last + 1 == p->start && before->prot == p->prot && p->va &&
	    before->va + (before->last - before->start + 1) == p->va) {
		before->last = p->last;
		return;
	}
	if (reach->count == sizeof(reach->piece) / sizeof(*reach->piece))
		abort();
	reach->piece[reach->count++] = *p;
}

bool reach_is(const struct reach *a, const struct reach *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct piece *x = &a->piece[i], *y = &b->piece[i];

		if (x->start != y->start || x->last != y->last || x->va != y->va ||
		    x->prot != y->prot)
			return false;
	}
	return true;
}

static bool piece_is_within(const struct piece *x, const struct reach *whole)
{
	for (size_t i = 0; i < whole->count; i++) {
		const struct piece *y = &whole->piece[i];

		if (y->start <= x->start && x->last <= y->last)
			return x->prot == y->prot &&
			       x->va == (y->va ? y->va + (x->start - y->start) : 0);
	}
	return false;
}

bool reach_is_within(const struct reach *part, const struct reach *whole)
{
	for (size_t i = 0; i < part->count; i++)
		if (!piece_is_within(&part->piece[i], whole))
			return false;
	return true;
}

bool reach_remove(struct reach *reach, uint64_t start)
{
	for (size_t i = 0; i < reach->count; i++) {
		if (reach->piece[i].start != start)
			continue;
		reach->count--;
		memmove(&reach->piece[i], &reach->piece[i + 1],
			(reach->count - i) * sizeof(*reach->piece));
		return true;
	}
	return false;
}

void reach_forget_memory(struct reach *reach)
{
	size_t count = 0;

	for (size_t i = 0; i < reach->count; i++) {
		struct piece *p = &reach->piece[i], *before = &reach->piece[count - !!count];

		p->va = 0;
		if (count && before->last + 1 == p->start && before->prot == p->prot)
			before->last = p->last;
		else
			reach->piece[count++] = *p;
	}
	reach->count = count;
}

void reach_of_record(struct iommufd_ioas *ioas, struct reach *out)
{
	struct map_entry m;
	uint64_t from = 0;

	*out = (struct reach){ .tracked = ioas->as.dirty };
	while (iova_map_next(ioas->map, from, &m)) {
		struct piece p = { m.iova, m.iova + (m.length - 1), engine_va(&m), m.prot };

		reach_add(out, &p);
		from = m.iova + m.length;
		if (!from)
			break;
	}
}
