/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mapping many pieces of memory, or none. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/opts.h"
#include "object/ioas.h"

/* How many elements from @first on become one mapping, and how long it is. */
static size_t run_of(const struct iommufd_map_vec *vec, size_t first, size_t count, uint32_t flags,
		     uint64_t *length)
{
	size_t i;

	*length = vec[first].length;
	if (!(flags & IOMMUFD_MAP_COALESCE))
		return 1;
	for (i = first + 1; i < count; i++) {
		if ((uintptr_t)vec[i].va != (uintptr_t)vec[first].va + *length)
			break;
		if (flags & IOMMUFD_MAP_FIXED &&
		    (vec[i].iova != vec[first].iova + *length || vec[i].iova < vec[first].iova))
			break; /* nor across the top of the space */
		*length += vec[i].length;
	}
	return i - first;
}

/* Every element must be good by itself, and its run must not wrap around. */
static int check_run(struct iommufd_ioas *ioas, const struct map_request *base,
		     const struct iommufd_map_vec *vec, size_t run, size_t *failed)
{
	struct map_request one = *base;
	uint64_t length = 0;

	for (size_t i = 0; i < run; i++) {
		int r;

		one.va = (uintptr_t)vec[i].va;
		one.length = vec[i].length;
		one.iova = vec[i].iova;
		r = vec[i].va ? map_request_check(ioas, &one) :
				err_null(base->function, "vec[].va");
		length += vec[i].length;
		if (!r && length < vec[i].length)
			r = err(-EOVERFLOW, base->function, ioas->object,
				"keep address + length within 64 bits",
				"the pieces are longer than the address space");
		if (r) {
			*failed = i;
			return r;
		}
	}
	return 0;
}

static int map_run(struct iommufd_ioas *ioas, const struct map_request *base,
		   const struct iommufd_map_vec *vec, uint64_t length, uint64_t *iova)
{
	struct map_request req = *base;

	req.va = (uintptr_t)vec->va;
	req.length = length;
	req.iova = vec->iova;
	return ioas_map_locked(ioas, &req, iova);
}

/* @places receives the IOVA of each element that begins a run. */
static int mapv_locked(struct iommufd_ioas *ioas, const struct map_request *base,
		       const struct iommufd_map_vec *vec, size_t count, uint32_t flags,
		       uint64_t *places, size_t *failed)
{
	uint64_t length;
	size_t i, run;
	int r = 0;

	for (i = 0; i < count; i += run) {
		size_t bad = 0;

		run = run_of(vec, i, count, flags, &length);
		r = check_run(ioas, base, vec + i, run, &bad);
		if (!r)
			r = map_run(ioas, base, vec + i, length, &places[i]);
		if (r) {
			*failed = i + bad;
			break;
		}
	}
	if (!r)
		return 0;
	for (size_t done = i, at = 0; at < done; at += run) {
		run = run_of(vec, at, done, flags, &length);
		r = ioas_roll_back(ioas, base->function, r, places[at], places[at] + (length - 1));
	}
	return r;
}

static void tell_places(struct iommufd_map_vec *vec, size_t count, uint32_t flags,
			const uint64_t *places)
{
	uint64_t iova = 0, length;
	size_t run = 0;

	for (size_t i = 0; i < count; i++) {
		if (!run) {
			run = run_of(vec, i, count, flags, &length);
			iova = places[i];
		}
		vec[i].iova = iova;
		iova += vec[i].length;
		run--;
	}
}

static int mapv(struct iommufd_ioas *ioas, const char *function, struct iommufd_map_vec *vec,
		size_t count, uint32_t flags, const struct iommufd_map_opts *opts, size_t *failed)
{
	struct map_request base = {
		.function = function,
		.kind = MAP_KIND_VA,
		.flags = flags & ~(uint32_t)IOMMUFD_MAP_COALESCE,
	};
	uint64_t one, *places = &one;
	int r;

	if (!vec)
		return err_null(function, "vec");
	if (!count)
		return err(-EINVAL, function, "count", "map at least one piece", "the count is 0");
	r = opts_get(function, &base.opts, sizeof(base.opts), opts);
	if (r)
		return r;
	if (count > 1)
		places = count > SIZE_MAX / sizeof(*places) ? NULL : malloc(count * sizeof(*places));
	if (!places)
		return err_nomem(function, ioas->object);
	pthread_mutex_lock(&ioas->lock);
	r = ioas_fresh_ranges(ioas, function);
	if (!r)
		r = mapv_locked(ioas, &base, vec, count, flags, places, failed);
	pthread_mutex_unlock(&ioas->lock);
	if (!r)
		tell_places(vec, count, flags, places);
	if (places != &one)
		free(places);
	return r;
}

IOMMUFD_EXPORT int iommufd_ioas_mapv(struct iommufd_ioas *ioas, struct iommufd_map_vec *vec,
				     size_t count, uint32_t flags,
				     const struct iommufd_map_opts *opts, size_t *failed)
{
	size_t index = 0;
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	r = mapv(ioas, __func__, vec, count, flags, opts, &index);
	if (r && failed)
		*failed = index;
	return err_log(&ioas->ctx->core.log, r);
}
