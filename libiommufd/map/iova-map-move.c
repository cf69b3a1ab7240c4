/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mappings whose memory gets another address in the process. */
#include "map/iova-map-priv.h"

/* The number of the first finished mapping of process memory that begins within *from..last. */
static bool next_of(const struct iova_map *m, uint64_t *from, uint64_t last, uint32_t *id)
{
	struct range_pos pos;
	bool more = range_tree_find(&m->tree, *from, &pos);

	for (; more && range_start(pos) <= last; more = range_tree_next(&pos)) {
		const struct mapping *mapping = mapping_at(m, pos);

		if (mapping->prepared || mapping->e.kind != MAP_KIND_VA)
			continue;
		*id = range_value(pos);
		*from = range_last(pos) + 1;
		return true;
	}
	return false;
}

static uint64_t new_va(const struct iova_map_move *move, const struct map_entry *e)
{
	return move->va + (e->iova - move->iova);
}

static int reserve(struct iova_map *m, const struct map_entry *e, struct iova_map_move *move)
{
	uint64_t va = new_va(move, e);
	uint32_t leaves = 0;
	int rc = lookup_reserve(m->lookups.va_to_iova, va, va + (e->length - 1), e->iova - va,
				&leaves);

	move->va_leaves += leaves;
	if (rc)
		return rc;
	leaves = 0;
	rc = lookup_reserve(m->lookups.iova_to_va, e->iova, last_iova(e), va - e->iova, &leaves);
	move->iova_leaves += leaves;
	return rc;
}

int iova_map_move_prepare(struct iova_map *m, uint64_t iova, uint64_t last, uint64_t va,
			  struct iova_map_move *move)
{
	uint64_t from = iova;
	uint32_t id, ends = 1;
	int rc = 0;

	*move = (struct iova_map_move){ .iova = iova, .last = last, .va = va };
	while (!rc && next_of(m, &from, last, &id)) {
		rc = reserve(m, &m->mappings[id].e, move);
		ends++;
		if (!from)
			break;
	}
	/*
	 * Each was asked for by itself. Where one ends the next begins, so there may be
	 * both in a slot, and whose pages are there now may have left by then.
	 */
	if (!rc)
		rc = lookup_reserve_leaves(m->lookups.va_to_iova, ends);
	if (!rc)
		move->va_leaves += ends;
	else
		iova_map_move_abandon(m, move);
	return rc;
}

void iova_map_move_abandon(struct iova_map *m, const struct iova_map_move *move)
{
	lookup_unreserve(m->lookups.va_to_iova, move->va_leaves);
	lookup_unreserve(m->lookups.iova_to_va, move->iova_leaves);
}

void iova_map_move_commit(struct iova_map *m, const struct iova_map_move *move)
{
	uint64_t from = move->iova;
	uint32_t id;

	iova_map_move_abandon(m, move); /* nobody else takes it meanwhile */
	m->fresh = NO_MAPPING;
	while (next_of(m, &from, move->last, &id)) {
		iova_map_unpublish_va(m, id);
		if (!from)
			break;
	}
	from = move->iova;
	while (next_of(m, &from, move->last, &id)) {
		struct mapping *mapping = &m->mappings[id];

		mapping->e.va = new_va(move, &mapping->e);
		mapping->va_leaves = 0;
		mapping->iova_leaves = 0;
		iova_map_publish(m, id);
		if (!from)
			break;
	}
}
