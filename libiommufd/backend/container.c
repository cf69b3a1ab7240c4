/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/container.h"

#include <errno.h>
#include <stdlib.h>

#include "backend/container-merge.h"

static const struct container_ops *ops_of(const struct container *c)
{
	return c->engine->ops->container;
}

int container_new(struct engine *e, struct engine_ioas *as, struct container **out,
		  enum transport_call *refused)
{
	struct container *c = calloc(1, sizeof(*c));
	int r;

	*refused = TRANSPORT_OPEN_CONTAINER;
	if (!c)
		return -ENOMEM;
	c->engine = e;
	c->fd = -1;
	c->shared = as != NULL;
	r = ops_of(c)->open(c, as, refused);
	if (r) {
		free(c);
		return r;
	}
	*out = c;
	return 0;
}

void container_free(struct container *c)
{
	ops_of(c)->close(c);
	free(c->merged);
	free(c);
}

static bool within(const struct range_list *list, uint64_t iova, uint64_t last)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->ranges[i].start <= iova && last <= list->ranges[i].last)
			return true;
	return false;
}

/* Can the devices in @c reach all that @as maps and protects? */
static int check_reach(struct container *c, const struct engine_ioas *as)
{
	struct range_list list = { 0 };
	struct map_entry m;
	uint64_t from = 0;
	int r = ops_of(c)->ranges(c, &list);

	for (size_t i = 0; !r && i < as->allow_count; i++)
		if (!within(&list, as->allow[i].start, as->allow[i].last))
			r = -EADDRINUSE;
	while (!r && iova_map_next(as->map, from, &m)) {
		uint64_t memory = m.kind == MAP_KIND_VA ? m.va : m.offset;

		if (!within(&list, m.iova, m.iova + (m.length - 1)) ||
		    (list.align && (m.iova | m.length | memory) & (list.align - 1)))
			r = -EADDRINUSE;
		from = m.iova + m.length;
		if (r) {
			c->failed = m;
			break;
		}
		if (!from) /* it ended at the top of the space */
			break;
	}
	free(list.ranges);
	return r;
}

/* Where what is made as one finds a part of it there, the rest is made by itself. */
static int make_each(struct container *c, const struct map_entry *all)
{
	uint64_t iova = all->iova, last = all->iova + (all->length - 1);
	struct map_entry m;

	while (iova_map_next(c->as->map, iova, &m) && m.iova <= last) {
		int r = ops_of(c)->map(c, &m);

		if (r && r != -EEXIST)
			return r;
		iova = m.iova + m.length;
		if (!iova)
			break;
	}
	return 0;
}

static int make(struct container *c, const struct map_entry *m)
{
	bool merged = merge_is(c, m);
	int r = merged ? merge_reserve(c) : 0;

	if (!r)
		r = ops_of(c)->map(c, m);
	if (!r && merged)
		merge_add(c, m);
	if (r == -EEXIST)
		r = merged ? make_each(c, m) : 0;
	return r;
}

/* Make in @c what c->as maps between iova and last, and is not there. */
static int repeat(struct container *c, uint64_t iova, uint64_t last)
{
	struct map_entry m;

	while (merge_next(c, iova, last, &m)) {
		int r = make(c, &m);

		if (r) {
			c->failed = m;
			return r;
		}
		iova = m.iova + m.length;
		if (!iova || iova > last)
			break;
	}
	return 0;
}

/* The same, for what was there. */
static bool put_back(struct container *c, uint64_t iova, uint64_t last)
{
	if (!repeat(c, iova, last))
		return true;
	c->lacks = true;
	return false;
}

static int empty(struct container *c)
{
	int r = ops_of(c)->unmap(c, 0, UINT64_MAX);

	if (r)
		return r;
	c->merged_count = 0;
	c->lacks = false;
	c->soiled = false;
	return 0;
}

/* As c->as wants it; what begins to be tracked is empty. */
static int track(struct container *c, bool on)
{
	return c->as->dirty && ops_of(c)->track ? ops_of(c)->track(c, on) : 0;
}

static void enlist(struct container *c, struct engine_ioas *as)
{
	c->as = as;
	c->next = as->containers;
	as->containers = c;
}

static void delist(struct container *c)
{
	struct container **at = &c->as->containers;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->as = NULL;
}

/* What others mapped must be known while nothing of ours is there: then it could not be told. */
static int check_free(struct container *c)
{
	struct map_entry m;
	uint64_t from = 0;
	int r = 0;

	while (ops_of(c)->check_free && !r && iova_map_next(c->as->map, from, &m)) {
		r = ops_of(c)->check_free(c, &m);
		if (r)
			c->failed = m;
		from = m.iova + m.length;
		if (!from) /* it ended at the top of the space */
			break;
	}
	return r;
}

/* Not in the list yet: what is there while this runs is nobody's. */
static int fill(struct container *c)
{
	int r = check_free(c);

	if (r)
		return r;
	r = track(c, true);
	if (!r)
		r = repeat(c, 0, UINT64_MAX);
	if (!r)
		return 0;
	if (empty(c)) {
		c->lacks = true;
		return -EUCLEAN;
	}
	track(c, false);
	return r;
}

int container_join(struct container *c, struct engine_ioas *as)
{
	int r = c->soiled ? empty(c) : 0;

	c->failed = (struct map_entry){ 0 };
	if (!r && !c->is_ioas)
		r = check_reach(c, as);
	if (r)
		return r;
	c->as = as;
	if (!c->is_ioas)
		r = fill(c);
	if (!r || r == -EUCLEAN)
		enlist(c, as);
	else
		c->as = NULL;
	return r;
}

int container_refill(struct container *c)
{
	int r = c->lacks ? repeat(c, 0, UINT64_MAX) : 0;

	if (!r)
		c->lacks = false;
	return r;
}

void container_drop(struct container *c)
{
	c->soiled = !c->is_ioas;
	delist(c);
}

int container_quit(struct container *c)
{
	int r = c->is_ioas ? 0 : empty(c);

	if (!r) {
		if (!c->is_ioas)
			track(c, false);
		delist(c);
		return 0;
	}
	return put_back(c, 0, UINT64_MAX) ? r : -EUCLEAN;
}

int container_move(struct container *c, struct engine_ioas *as)
{
	struct engine_ioas *old = c->as;
	struct map_entry failed;
	int r;

	c->failed = (struct map_entry){ 0 };
	r = check_reach(c, as); /* what can be known before anything is lost */
	if (!r)
		r = container_quit(c);
	if (r)
		return r;
	r = container_join(c, as);
	if (!r || r == -EUCLEAN)
		return r;
	failed = c->failed;
	if (container_join(c, old)) {
		if (!c->as)
			enlist(c, old);
		c->lacks = true;
		r = -EUCLEAN;
	}
	c->failed = failed;
	return r;
}

static int unmap_one(struct container *c, const struct map_entry *m)
{
	return ops_of(c)->unmap(c, m->iova, m->iova + (m->length - 1));
}

int containers_map(struct engine_ioas *as, const struct map_entry *m)
{
	struct container *c, *undo;
	int r = 0;

	for (c = as->containers; c; c = c->next) {
		r = c->is_ioas ? 0 : ops_of(c)->map(c, m);
		if (r)
			break;
	}
	for (undo = as->containers; r && undo != c; undo = undo->next)
		if (!undo->is_ioas && unmap_one(undo, m))
			r = -EUCLEAN;
	for (c = as->containers; r == -EUCLEAN && c; c = c->next)
		c->lacks = true;
	return r;
}

/* Entries of @c that reach out of the range go with it; the rest of them comes back. */
static int unmap_in(struct container *c, uint64_t iova, uint64_t last)
{
	uint64_t start = iova, end = last;
	int r;

	merge_widen(c, &start, &end);
	r = ops_of(c)->unmap(c, start, end);
	if (r)
		return r;
	merge_remove(c, start, end);
	if (start < iova && !put_back(c, start, iova - 1))
		r = -EUCLEAN;
	if (end > last && !put_back(c, last + 1, end))
		r = -EUCLEAN;
	return r;
}

int containers_unmap(struct engine_ioas *as, uint64_t iova, uint64_t last)
{
	struct container *c, *undo;
	int r = 0, lost = 0;

	for (c = as->containers; c; c = c->next) {
		r = c->is_ioas ? 0 : unmap_in(c, iova, last);
		if (r == -EUCLEAN)
			lost = r;
		else if (r)
			break;
	}
	if (!c)
		return lost;
	for (undo = as->containers; undo; undo = undo->next) {
		if (!undo->is_ioas)
			put_back(undo, iova, last); /* the caller restores what this cannot */
		if (undo == c)
			break;
	}
	return r;
}

int containers_restore(struct engine_ioas *as, const struct map_entry *m)
{
	struct container *c;
	int r = 0;

	for (c = as->containers; c && !r; c = c->next) {
		r = c->is_ioas ? 0 : ops_of(c)->map(c, m);
		if (r == -EEXIST)
			r = 0;
	}
	if (!r)
		return 0;
	r = -ENOENT;
	for (c = as->containers; c; c = c->next) {
		if (c->is_ioas || !unmap_in(c, m->iova, m->iova + (m->length - 1)))
			continue;
		c->lacks = true;
		r = -EUCLEAN;
	}
	return r;
}

/* What two ascending lists have in common. */
static int intersect(struct range_list *a, const struct range_list *b)
{
	struct iommufd_range *both = calloc(a->count + b->count + 1, sizeof(*both));
	size_t n = 0;

	if (!both)
		return -ENOMEM;
	for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
		const struct iommufd_range *x = &a->ranges[i], *y = &b->ranges[j];
		uint64_t start = x->start > y->start ? x->start : y->start;
		uint64_t last = x->last < y->last ? x->last : y->last;

		if (start <= last)
			both[n++] = (struct iommufd_range){ start, last };
		if (x->last < y->last)
			i++;
		else
			j++;
	}
	free(a->ranges);
	a->ranges = both;
	a->count = n;
	if (b->align > a->align)
		a->align = b->align;
	return 0;
}

int containers_ranges(const struct engine_ioas *as, struct range_list *list)
{
	int r = 0;

	for (struct container *c = as->containers; c && !r; c = c->next) {
		struct range_list theirs = { 0 };

		if (c->is_ioas)
			continue;
		r = ops_of(c)->ranges(c, &theirs);
		if (!r)
			r = intersect(list, &theirs);
		free(theirs.ranges);
	}
	return r;
}
