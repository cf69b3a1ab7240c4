/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "map/iova-map.h"

#include <stddef.h>
#include <stdlib.h>

#include "map/iova-map-priv.h"

_Static_assert(offsetof(struct iova_map, lookups) == 0, "readers know where the lookups are");

int iova_map_new(struct iova_map **out)
{
	struct iova_map *m = calloc(1, sizeof(*m));

	*out = NULL;
	if (!m)
		return -ENOMEM;
	m->free = NO_MAPPING;
	m->fresh = NO_MAPPING;
	range_tree_init(&m->tree);
	alias_init(&m->aliases);
	if (lookup_new(&m->lookups.va_to_iova) || lookup_new(&m->lookups.iova_to_va)) {
		iova_map_free(m);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

void iova_map_free(struct iova_map *m)
{
	if (!m)
		return;
	lookup_free(m->lookups.va_to_iova);
	lookup_free(m->lookups.iova_to_va);
	range_tree_destroy(&m->tree);
	free(m->aliases.nodes);
	free(m->mappings);
	free(m);
}

/* ---- adding ---- */

static int make_room(struct iova_map *m)
{
	uint32_t room = m->room ? 2 * m->room : 16;
	void *grown;

	if (m->free != NO_MAPPING)
		return 0;
	if (room <= m->room)
		return -ENOMEM;
	grown = realloc(m->mappings, room * sizeof(*m->mappings));
	if (!grown)
		return -ENOMEM;
	m->mappings = grown;
	/* Whether it will be needed is not known before it must not fail. */
	grown = realloc(m->aliases.nodes, room * sizeof(*m->aliases.nodes));
	if (!grown)
		return -ENOMEM;
	m->aliases.nodes = grown;

	while (m->room < room--) {
		m->mappings[room].next_free = m->free;
		m->free = room;
	}
	m->room = m->room ? 2 * m->room : 16;
	return 0;
}

static bool entry_valid(const struct map_entry *e)
{
	if (!e->length || last_iova(e) < e->iova || ((e->iova | e->length) & MAP_PAGE_MASK))
		return false;
	return e->kind != MAP_KIND_VA || (last_va(e) >= e->va && !(e->va & MAP_PAGE_MASK));
}

/* What publishing the mapping needs now, on top of what it has got. */
static int reserve_lookups(struct iova_map *m, struct mapping *new)
{
	const struct map_entry *e = &new->e;
	uint32_t leaves = new->va_leaves;
	int rc;

	if (e->kind != MAP_KIND_VA)
		return 0;
	rc = lookup_reserve(m->lookups.va_to_iova, e->va, last_va(e), e->iova - e->va, &leaves);
	new->va_leaves = leaves;
	if (rc)
		return rc;
	leaves = new->iova_leaves;
	rc = lookup_reserve(m->lookups.iova_to_va, e->iova, last_iova(e), e->va - e->iova, &leaves);
	new->iova_leaves = leaves;
	return rc;
}

static void unreserve_lookups(struct iova_map *m, const struct mapping *new)
{
	lookup_unreserve(m->lookups.va_to_iova, new->va_leaves);
	lookup_unreserve(m->lookups.iova_to_va, new->iova_leaves);
}

static void mapping_give(struct iova_map *m, uint32_t id)
{
	m->mappings[id].next_free = m->free;
	m->free = id;
}

int iova_map_prepare(struct iova_map *m, const struct map_entry *e, uint32_t *ticket)
{
	struct mapping *new;
	uint32_t id;
	int rc;

	if (!entry_valid(e))
		return -EINVAL;
	rc = make_room(m);
	if (rc)
		return rc;
	id = m->free;
	rc = range_tree_insert(&m->tree, e->iova, last_iova(e), id);
	if (rc)
		return rc;
	new = &m->mappings[id];
	m->free = new->next_free;
	new->e = *e;
	new->prepared = true;
	new->aliased = false;
	new->va_leaves = 0;
	new->iova_leaves = 0;

	rc = reserve_lookups(m, new);
	if (rc) {
		iova_map_abandon(m, id);
		return rc;
	}
	m->fresh = id;
	*ticket = id;
	return 0;
}

void iova_map_abandon(struct iova_map *m, uint32_t ticket)
{
	struct mapping *new = &m->mappings[ticket];
	struct range_pos pos;

	unreserve_lookups(m, new);
	if (range_tree_find(&m->tree, new->e.iova, &pos))
		range_tree_erase(&m->tree, pos);
	mapping_give(m, ticket);
}

static void make_alias(struct iova_map *m, uint32_t id)
{
	const struct map_entry *e = &m->mappings[id].e;

	if (!m->mappings[id].aliased)
		alias_add(&m->aliases, id, e->va, last_va(e), e->iova - e->va);
	m->mappings[id].aliased = true;
}

/*
 * Is a page of the VA range mapped already?  Then all who are seen there become aliases.  Those
 * who are not seen there are covered by others, and have been aliases since.
 */
static bool find_aliases(struct iova_map *m, const struct map_entry *e)
{
	uint64_t at = e->va, last = last_va(e);
	struct range_pos pos;
	struct lookup_run run;
	bool found = false;

	while (lookup_next(m->lookups.va_to_iova, at, last, &run) &&
	       range_tree_find(&m->tree, run.start + run.delta, &pos)) {
		const struct map_entry *other = &mapping_at(m, pos)->e;

		make_alias(m, range_value(pos));
		found = true;
		if (last_va(other) >= last)
			break;
		at = last_va(other) + 1;
		if (run.last < at - 1)
			at = run.last + 1;
		if (!at)
			break;
	}
	return found;
}

static void publish(struct iova_map *m, uint32_t id)
{
	const struct mapping *new = &m->mappings[id];
	const struct map_entry *e = &new->e;
	uint64_t delta = e->iova - e->va;
	bool aliased;

	lookup_publish(m->lookups.iova_to_va, e->iova, last_iova(e), -delta, new->iova_leaves);
	if (lookup_publish_alone(m->lookups.va_to_iova, e->va, last_va(e), delta, new->va_leaves))
		return;
	aliased = find_aliases(m, e);
	lookup_publish(m->lookups.va_to_iova, e->va, last_va(e), delta, new->va_leaves);
	if (aliased)
		make_alias(m, id);
}

void iova_map_publish(struct iova_map *m, uint32_t id)
{
	publish(m, id);
}

int iova_map_commit(struct iova_map *m, uint32_t ticket)
{
	struct mapping *new = &m->mappings[ticket];

	if (ticket != m->fresh) {
		int rc = reserve_lookups(m, new);

		if (rc)
			return rc;
	}
	m->fresh = NO_MAPPING;
	if (new->e.kind == MAP_KIND_VA)
		publish(m, ticket);
	new->prepared = false;
	m->count++;
	m->bytes += new->e.length;
	return 0;
}

int iova_map_insert(struct iova_map *m, const struct map_entry *e)
{
	uint32_t ticket;
	int rc;

	rc = iova_map_prepare(m, e, &ticket);
	return rc ? rc : iova_map_commit(m, ticket);
}

/* ---- removing ---- */

/* Where the mapping is what readers see, show the newest of the others, or nothing. */
static void uncover(struct iova_map *m, uint32_t id)
{
	const struct map_entry *e = &m->mappings[id].e;
	const struct alias *nodes = m->aliases.nodes;
	uint64_t at = e->va, last = last_va(e), end;
	uint32_t newest;

	alias_remove(&m->aliases, id);
	for (;; at = end + 1) {
		end = last;
		newest = alias_newest(&m->aliases, at, &end);
		if (newest == ALIAS_NONE)
			lookup_clear(m->lookups.va_to_iova, at, end - at + 1);
		else if (nodes[newest].age < nodes[id].age)
			lookup_restore(m->lookups.va_to_iova, at, end, nodes[newest].delta);
		if (end == last)
			return;
	}
}

static void unpublish_va(struct iova_map *m, uint32_t id)
{
	const struct map_entry *e = &m->mappings[id].e;

	if (m->mappings[id].aliased)
		uncover(m, id);
	else
		lookup_clear(m->lookups.va_to_iova, e->va, e->length);
}

void iova_map_unpublish_va(struct iova_map *m, uint32_t id)
{
	unpublish_va(m, id);
	m->mappings[id].aliased = false;
}

/* The lowest finished mapping that lies wholly inside iova..last. */
static bool find_inside(const struct iova_map *m, uint64_t iova, uint64_t last,
			struct range_pos *pos)
{
	bool more = range_tree_find(&m->tree, iova, pos);

	while (more && (range_start(*pos) < iova || mapping_at(m, *pos)->prepared))
		more = range_tree_next(pos);
	return more && range_last(*pos) <= last;
}

bool iova_map_pop(struct iova_map *m, uint64_t iova, uint64_t last, struct map_entry *out)
{
	const struct map_entry *e;
	struct range_pos pos;
	uint32_t id;

	if (!find_inside(m, iova, last, &pos))
		return false;
	id = range_value(pos);
	range_tree_erase(&m->tree, pos);
	m->fresh = NO_MAPPING;

	e = &m->mappings[id].e;
	if (e->kind == MAP_KIND_VA) {
		unpublish_va(m, id);
		lookup_clear(m->lookups.iova_to_va, e->iova, e->length);
	}
	m->count--;
	m->bytes -= e->length;
	if (out)
		*out = *e;
	mapping_give(m, id);
	return true;
}
