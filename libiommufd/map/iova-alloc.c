/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "map/iova-alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map/iova-alloc-cache.h"
#include "map/iova-alloc-tree.h"

/* What is free is in the tree, merged with its neighbours, or still in the cache. */
struct iova_alloc {
	size_t held;		/* ranges in use, and those in the cache */
	size_t cached;
	struct map_range *allowed;	/* sorted, with gaps between them */
	size_t allowed_count;
	uint64_t allowed_bytes;	/* modulo 2^64 */
	size_t recent;		/* the allowed range that was asked for last */
	struct iova_tree tree;
	struct iova_cache cache;
};

static int ranges_copy(const struct map_range *ranges, size_t n, struct map_range **out,
		       size_t *count);
static int tree_build(struct iova_tree *tree, const struct map_range *allowed, size_t n,
		      bool (*used)(const void *data, uint64_t from, struct map_range *out),
		      const void *data, size_t *held);

int iova_alloc_new(struct iova_alloc **out)
{
	static const struct map_range all = { .start = 0, .last = UINT64_MAX };
	struct iova_alloc *a;
	int ret;

	*out = NULL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	ret = iova_alloc_set_ranges(a, &all, 1, NULL, NULL);
	if (ret) {
		free(a);
		return ret;
	}
	*out = a;
	return 0;
}

void iova_alloc_free(struct iova_alloc *a)
{
	if (!a)
		return;
	iova_tree_free(&a->tree);
	free(a->allowed);
	free(a);
}

/* The allowed ranges. */

int iova_alloc_set_ranges(struct iova_alloc *a, const struct map_range *ranges, size_t n,
			  bool (*used)(const void *data, uint64_t from, struct map_range *out),
			  const void *data)
{
	struct map_range *allowed;
	struct iova_tree tree;
	size_t i, count, held = a->held - a->cached;
	int ret;

	ret = ranges_copy(ranges, n, &allowed, &count);
	if (ret)
		return ret;
	ret = tree_build(&tree, allowed, count, used, data, &held);
	if (ret) {
		free(allowed);
		return ret;
	}

	iova_tree_free(&a->tree);
	free(a->allowed);
	a->tree = tree;
	a->allowed = allowed;
	a->allowed_count = count;
	a->allowed_bytes = 0;
	for (i = 0; i < count; i++)
		a->allowed_bytes += allowed[i].last - allowed[i].start + 1;
	a->recent = 0;
	a->held = held;
	a->cached = 0;
	iova_cache_init(&a->cache);
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct map_range *ra = a, *rb = b;

	return (ra->start > rb->start) - (ra->start < rb->start);
}

/* Sort, and join what touches or overlaps. */
static int ranges_copy(const struct map_range *ranges, size_t n, struct map_range **out,
		       size_t *count)
{
	struct map_range *r;
	size_t i, joined = 0;

	for (i = 0; i < n; i++)
		if (ranges[i].start > ranges[i].last)
			return -EINVAL;
	r = calloc(n ? n : 1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	if (n) {
		memcpy(r, ranges, n * sizeof(*r));
		qsort(r, n, sizeof(*r), compare_ranges);
		for (i = 1; i < n; i++) {
			if (r[joined].last == UINT64_MAX || r[i].start <= r[joined].last + 1) {
				if (r[i].last > r[joined].last)
					r[joined].last = r[i].last;
			} else {
				r[++joined] = r[i];
			}
		}
		joined++;
	}
	*out = r;
	*count = joined;
	return 0;
}

static int tree_append(struct iova_tree *tree, uint64_t start, uint64_t last)
{
	int ret = iova_tree_reserve(tree, tree->extents + 1);

	if (!ret)
		iova_tree_add(tree, start, last);
	return ret;
}

/*
 * A tree of all that is allowed and not in use.  @held is the number of ranges in use as far as
 * the caller knows, and is raised when more are reported.
 */
static int tree_build(struct iova_tree *tree, const struct map_range *allowed, size_t n,
		      bool (*used)(const void *data, uint64_t from, struct map_range *out),
		      const void *data, size_t *held)
{
	struct map_range in_use;
	size_t i, reported = 0;
	uint64_t from = 0;
	bool more;
	int ret;

	ret = iova_tree_init(tree);
	if (ret)
		return ret;
	more = used && used(data, 0, &in_use);
	reported += more;
	for (i = 0; i < n && !ret; ) {
		if (from < allowed[i].start)
			from = allowed[i].start;
		if (more && in_use.last < from) {
			more = used(data, from, &in_use);
			reported += more;
			continue;
		}
		if (!more || in_use.start > allowed[i].last) {
			ret = tree_append(tree, from, allowed[i].last);
			i++;
			continue;
		}
		if (in_use.start > from)
			ret = tree_append(tree, from, in_use.start - 1);
		if (in_use.last >= allowed[i].last)
			i++;
		else
			from = in_use.last + 1;
	}
	if (!used)
		*held = 0;
	if (*held < reported)
		*held = reported;
	if (!ret)
		ret = iova_tree_reserve(tree, *held + n);
	if (ret)
		iova_tree_free(tree);
	return ret;
}

/* The first allowed range whose last byte is >= @addr, or allowed_count. */
static size_t allowed_seek(const struct iova_alloc *a, uint64_t addr)
{
	size_t low = 0, high = a->allowed_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (a->allowed[mid].last < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool iova_alloc_allowed(const struct iova_alloc *a, uint64_t iova, uint64_t length,
			struct map_range *nearest)
{
	static const struct map_range none = { .start = 1, .last = 0 };
	size_t i = allowed_seek(a, iova), near = i;
	const struct map_range *r = a->allowed;

	if (nearest) {
		if (i && (i == a->allowed_count ||
			  (r[i].start > iova && iova - r[i - 1].last < r[i].start - iova)))
			near = i - 1;
		*nearest = a->allowed_count ? r[near] : none;
	}
	return length && i < a->allowed_count && r[i].start <= iova &&
	       r[i].last - iova >= length - 1;
}

/* The same for a range that was got or taken, which mostly is where the one before it was. */
static bool range_allowed(struct iova_alloc *a, uint64_t start, uint64_t last)
{
	const struct map_range *r = &a->allowed[a->recent];
	size_t i;

	if (a->recent < a->allowed_count && start >= r->start && last <= r->last)
		return true;
	i = allowed_seek(a, start);
	if (i == a->allowed_count || start < a->allowed[i].start || last > a->allowed[i].last)
		return false;
	a->recent = i;
	return true;
}

/* Getting and putting. */

static void let_go(struct iova_alloc *a)
{
	if (a->held)
		a->held--;
}

/* A range has left the cache for the tree. */
static void merge(struct iova_alloc *a, struct map_range r)
{
	a->cached--;
	if (iova_tree_add(&a->tree, r.start, r.last))
		let_go(a);
}

static void flush(struct iova_alloc *a)
{
	struct map_range r;

	while (iova_cache_pop(&a->cache, &r))
		merge(a, r);
}

/* Put a range of which a part may no longer be allowed. */
static void put_allowed(struct iova_alloc *a, uint64_t start, uint64_t last)
{
	size_t i;

	for (i = allowed_seek(a, start); i < a->allowed_count && a->allowed[i].start <= last; i++) {
		const struct map_range *r = &a->allowed[i];

		iova_tree_add(&a->tree, start > r->start ? start : r->start,
			      last < r->last ? last : r->last);
	}
	let_go(a);
}

/* Each range in use may, when it is put, become an extent of its own; and so may the allowed. */
static int reserve_one(struct iova_alloc *a)
{
	return iova_tree_reserve(&a->tree, a->held + 1 + a->allowed_count);
}

int iova_alloc_get(struct iova_alloc *a, uint64_t length, uint64_t align, uint64_t min,
		   uint64_t last, uint64_t *iova)
{
	struct iova_tree_want want = {
		.span = length - 1,
		.align = align,
		.min = min ? min : 1,
		.last = last,
		.dense = a->tree.free - 1 < (a->allowed_bytes - 1) / 2,
	};
	struct iova_tree_place place;
	uint64_t start;

	if (!length || !align || (align & (align - 1)) || min > last)
		return -EINVAL;
	if (iova_cache_get(&a->cache, want.span, align, want.min, last, iova)) {
		a->cached--;
		return 0;
	}
	if (!iova_tree_fit(&a->tree, &want, &place, &start)) {
		if (!a->cached)
			return -ENOSPC;
		flush(a);
		if (!iova_tree_fit(&a->tree, &want, &place, &start))
			return -ENOSPC;
	}
	if (reserve_one(a))
		return -ENOMEM;
	iova_tree_cut(&a->tree, &place, start, start + want.span);
	a->held++;
	*iova = start;
	return 0;
}

static bool tree_find(const struct iova_alloc *a, uint64_t start, uint64_t last,
		      struct iova_tree_place *place)
{
	return iova_tree_seek(&a->tree, start, place) && iova_tree_extent(place).last >= last;
}

int iova_alloc_take(struct iova_alloc *a, uint64_t iova, uint64_t length)
{
	struct iova_tree_place place;
	uint64_t last = iova + (length - 1);
	struct map_range r;

	if (!length || last < iova)
		return -EINVAL;
	if (iova_cache_take(&a->cache, iova, length - 1)) {
		a->cached--;
		return 0;
	}
	if (iova_cache_pop_recent(&a->cache, iova, last, &r))
		merge(a, r);
	if (!tree_find(a, iova, last, &place)) {
		if (!a->cached)
			return -EEXIST;
		flush(a);
		if (!tree_find(a, iova, last, &place))
			return -EEXIST;
	}
	if (reserve_one(a))
		return -ENOMEM;
	iova_tree_cut(&a->tree, &place, iova, last);
	a->held++;
	return 0;
}

void iova_alloc_put(struct iova_alloc *a, uint64_t iova, uint64_t length)
{
	uint64_t last = iova + (length - 1);
	struct map_range r;

	if (!length || last < iova)
		return;
	if (!range_allowed(a, iova, last)) {
		put_allowed(a, iova, last);
		return;
	}
	a->cached++;
	if (iova_cache_put(&a->cache, iova, length - 1, &r))
		merge(a, r);
}
