/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Where IOVAs may lie. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/ioas.h"

_Static_assert(sizeof(struct map_range) == sizeof(struct iommufd_range) &&
	       offsetof(struct map_range, last) == offsetof(struct iommufd_range, last),
	       "the allocator reads the caller's ranges as they are");

static bool next_used(const void *map, uint64_t from, struct map_range *out)
{
	struct map_entry m;

	if (!iova_map_next(map, from, &m))
		return false;
	*out = (struct map_range){ m.iova, m.iova + (m.length - 1) };
	return true;
}

/*
 * Nothing is mapped at the end of all: the byte after it has no number, and iommufd,
 * at least up to Linux 7.3, maps pages there that nobody meant and frees them twice.
 */
static void spare_last_page(struct range_list *list)
{
	struct iommufd_range *end = list->count ? &list->ranges[list->count - 1] : NULL;

	if (!end || end->last != UINT64_MAX)
		return;
	end->last -= list->align;
	if (end->last < end->start || end->last == UINT64_MAX)
		list->count--;
}

/* Out of an ascending list with room for one more. */
static void cut(struct range_list *list, struct map_range out)
{
	size_t i = 0;

	while (i < list->count) {
		struct iommufd_range *r = &list->ranges[i];
		size_t others = (list->count - i - 1) * sizeof(*r);

		if (r->last < out.start || out.last < r->start) {
			i++;
		} else if (r->start < out.start && out.last < r->last) {
			memmove(r + 1, r, others + sizeof(*r));
			list->count++;
			r[0].last = out.start - 1;
			r[1].start = out.last + 1;
			return;
		} else if (r->start < out.start) {
			r->last = out.start - 1;
		} else if (out.last < r->last) {
			r->start = out.last + 1;
		} else {
			memmove(r, r + 1, others);
			list->count--;
		}
	}
}

static int cut_windows(const struct iommufd_ioas *ioas, struct range_list *list)
{
	const struct ioas_windows *w;
	size_t room = list->count;
	void *ranges;

	for (w = ioas->windows; w; w = w->next)
		room += w->count;
	if (room == list->count)
		return 0;
	ranges = realloc(list->ranges, room * sizeof(*list->ranges));
	if (!ranges)
		return -ENOMEM;
	list->ranges = ranges;
	for (w = ioas->windows; w; w = w->next)
		for (size_t i = 0; i < w->count; i++)
			cut(list, w->ranges[i]);
	return 0;
}

int ioas_refresh_ranges(struct iommufd_ioas *ioas, const char *function)
{
	struct range_list fresh = { 0 };
	int r = ioas->as.engine->ops->ranges(&ioas->as, &fresh);

	if (r)
		return err_kernel(r, KNOWN(-ENOMEM), ioas_call(ioas, ENGINE_RANGES), ioas->object,
				  "look into the kernel's log",
				  "%s cannot read the allowed IOVA ranges", function);
	/* Whole pages at least: what the first device needs is not known before it comes. */
	if (fresh.align < ioas->ctx->core.page_size)
		fresh.align = ioas->ctx->core.page_size;
	spare_last_page(&fresh);
	r = cut_windows(ioas, &fresh);
	if (!r)
		r = iova_alloc_set_ranges(ioas->alloc, (const struct map_range *)fresh.ranges,
					  fresh.count, next_used, ioas->map);
	if (r) {
		free(fresh.ranges);
		return r == -ENOMEM ? err_nomem(function, ioas->object) :
				      err(-EIO, ioas_call(ioas, ENGINE_RANGES), ioas->object,
					  "report this to the kernel's maintainers",
					  "an allowed IOVA range ends before it starts");
	}
	free(ioas->ranges.ranges);
	ioas->ranges = fresh;
	ioas->stale = false;
	return 0;
}

IOMMUFD_EXPORT int iommufd_ioas_get_ranges(struct iommufd_ioas *ioas, struct iommufd_range *ranges,
					   size_t *count)
{
	size_t room;
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	if (!count)
		return err_log(&ioas->ctx->core.log, err_null(__func__, "count"));
	room = *count;
	if (room && !ranges)
		return err_log(&ioas->ctx->core.log, err_null(__func__, "ranges"));
	pthread_mutex_lock(&ioas->lock);
	r = ioas_fresh_ranges(ioas, __func__);
	if (!r) {
		*count = ioas->ranges.count;
		if (*count > room)
			r = err(-ENOBUFS, __func__, ioas->object, "call again with room for all",
				"there are %zu ranges and room for %zu", *count, room);
		else
			room = *count;
		if (room)
			memcpy(ranges, ioas->ranges.ranges, room * sizeof(*ranges));
	}
	pthread_mutex_unlock(&ioas->lock);
	return err_log(&ioas->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_ioas_get_alignment(struct iommufd_ioas *ioas, uint64_t *align)
{
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	if (!align)
		return err_log(&ioas->ctx->core.log, err_null(__func__, "align"));
	pthread_mutex_lock(&ioas->lock);
	r = ioas_fresh_ranges(ioas, __func__);
	if (!r)
		*align = ioas->ranges.align;
	pthread_mutex_unlock(&ioas->lock);
	return err_log(&ioas->ctx->core.log, r);
}

static int by_start(const void *a, const void *b)
{
	const struct iommufd_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* @list is a sorted copy. */
static int check_allow(struct iommufd_ioas *ioas, const char *function,
		       const struct iommufd_range *list, size_t count)
{
	uint64_t page = ioas->ctx->core.page_size;

	for (size_t i = 0; i < count; i++) {
		struct map_range nearest;
		unsigned long long start = list[i].start, last = list[i].last;

		if (start > last || start % page || (last + 1) % page)
			return err(-EINVAL, function, ioas->object,
				   "let each range start and end on a page boundary",
				   "range %#llx..%#llx is empty or not page-aligned", start, last);
		if (i && list[i - 1].last >= list[i].start)
			return err(-EINVAL, function, ioas->object, "merge ranges that overlap",
				   "range %#llx..%#llx overlaps another", start, last);
		/* The length of the whole space does not fit; it is allowed if its ends are. */
		if (iova_alloc_allowed(ioas->alloc, start, last - start ? last - start : 1,
				       &nearest) &&
		    last <= nearest.last)
			continue;
		return err(-EADDRNOTAVAIL, function, ioas->object,
			   "stay inside the ranges of iommufd_ioas_get_ranges()",
			   "range %#llx..%#llx is outside what attached devices allow, nearest is %#llx..%#llx",
			   start, last, (unsigned long long)nearest.start,
			   (unsigned long long)nearest.last);
	}
	return 0;
}

static int allow_locked(struct iommufd_ioas *ioas, const char *function,
			struct iommufd_range *list, size_t count)
{
	int r = ioas_fresh_ranges(ioas, function);

	if (!r)
		r = check_allow(ioas, function, list, count);
	if (r)
		return r;
	r = ioas->as.engine->ops->allow(&ioas->as, list, count);
	if (r)
		return err_kernel(r, KNOWN(-ENOMEM), ioas_call(ioas, ENGINE_ALLOW), ioas->object,
				  "look into the kernel's log", "the ranges cannot be protected");
	free((void *)ioas->as.allow);
	ioas->as.allow = list;
	ioas->as.allow_count = count;
	return 0;
}

IOMMUFD_EXPORT int iommufd_ioas_allow(struct iommufd_ioas *ioas, const struct iommufd_range *ranges,
				      size_t count)
{
	struct iommufd_range *list = NULL;
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	if (count && !ranges)
		return err_log(&ioas->ctx->core.log, err_null(__func__, "ranges"));
	if (count) {
		list = count <= SIZE_MAX / sizeof(*list) ? malloc(count * sizeof(*list)) : NULL;
		if (!list)
			return err_log(&ioas->ctx->core.log, err_nomem(__func__, ioas->object));
		memcpy(list, ranges, count * sizeof(*list));
		qsort(list, count, sizeof(*list), by_start);
	}
	pthread_mutex_lock(&ioas->lock);
	r = allow_locked(ioas, __func__, list, count);
	pthread_mutex_unlock(&ioas->lock);
	if (r)
		free(list);
	return err_log(&ioas->ctx->core.log, r);
}
