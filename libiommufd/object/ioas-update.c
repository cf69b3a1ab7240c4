/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Memory that gets another address in the process, while devices go on using
 * it: after mremap(), or mapped anew by the successor in a live update.
 */
#include <errno.h>

#include "object/ioas.h"

typedef unsigned long long ull; /* for printf */

struct update {
	struct iommufd_ioas *ioas;
	const char *function;
	uint64_t iova, last, va;
};

static int check_request(const struct update *u, uint64_t length)
{
	struct iommufd_ioas *ioas = u->ioas;
	uint64_t mask = ioas->ranges.align - 1;

	if (!engine_has(ioas->as.engine, IOMMUFD_CAP_UPDATE_VA))
		return err(-EOPNOTSUPP, u->function, ioas->object,
			   "unmap the memory, and map it at its new address",
			   "this kernel keeps the address that memory was mapped at");
	if (!length)
		return err(-EINVAL, u->function, "length", "name the range of the mappings",
			   "the length is 0");
	if ((u->iova | length | u->va) & mask)
		return err(-EINVAL, u->function, ioas->object,
			   "align memory, IOVA and length to iommufd_ioas_get_alignment()",
			   "iova %#llx, length %#llx, va %#llx: not multiples of %#llx",
			   (ull)u->iova, (ull)length, (ull)u->va, (ull)mask + 1);
	if (u->last < u->iova || u->va + (length - 1) < u->va)
		return err(-EOVERFLOW, u->function, ioas->object,
			   "keep address + length within 64 bits",
			   "iova %#llx or va %#llx with length %#llx wraps around", (ull)u->iova,
			   (ull)u->va, (ull)length);
	return 0;
}

/* Whole mappings of process memory, one after the other. */
static int check_mappings(const struct update *u)
{
	struct iommufd_ioas *ioas = u->ioas;
	uint64_t bytes, at = u->iova;
	struct map_entry m;

	if (iova_map_check_whole(ioas->map, u->iova, u->last, &bytes, NULL, &m))
		return err(-EINVAL, u->function, ioas->object, "name whole mappings",
			   "iova %#llx..%#llx cuts the mapping at %#llx..%#llx", (ull)u->iova,
			   (ull)u->last, (ull)m.iova, (ull)m.iova + (m.length - 1));
	if (bytes != u->last - u->iova + 1)
		return err(-ENOENT, u->function, ioas->object,
			   "name a range that is mapped without a hole, or each mapping by itself",
			   "of iova %#llx..%#llx only %#llx bytes are mapped", (ull)u->iova,
			   (ull)u->last, (ull)bytes);
	while (iova_map_next(ioas->map, at, &m) && m.iova <= u->last) {
		if (m.kind != MAP_KIND_VA)
			return err(-EINVAL, u->function, ioas->object,
				   "leave file mappings out: they have no address of the caller's",
				   "iova %#llx..%#llx maps a file", (ull)m.iova,
				   (ull)m.iova + (m.length - 1));
		at = m.iova + m.length;
		if (!at) /* it ended at the top of the space */
			break;
	}
	return 0;
}

static int update_one(const struct update *u, struct map_entry *m, bool back)
{
	const struct engine_ops *ops = u->ioas->as.engine->ops;
	uint64_t old = m->va, new = u->va + (m->iova - u->iova);

	m->va = back ? new : old;
	return ops->update_va(&u->ioas->as, m, back ? old : new);
}

/* Those before @stop get their former address again. */
static int set_back(const struct update *u, uint64_t stop)
{
	struct map_entry m;
	int r = 0;

	for (uint64_t at = u->iova; at < stop && iova_map_next(u->ioas->map, at, &m);
	     at = m.iova + m.length)
		if (update_one(u, &m, true))
			r = -EUCLEAN;
	return r;
}

static int refused(const struct update *u, const struct map_entry *m, int r)
{
	struct iommufd_ioas *ioas = u->ioas;
	const char *call = ioas_call(ioas, ENGINE_UPDATE_VA);
	ull start = m->iova, last = m->iova + (m->length - 1);

	switch (r) {
	case -EOPNOTSUPP:
		return err(r, call, ioas->object,
			   "unmap the memory and map it at its new address; do without IOMMUFD_IOAS_COALESCE",
			   "the mapping at iova %#llx..%#llx is one with its neighbours in a container",
			   start, last);
	case -EUCLEAN:
		return err(r, call, ioas->object, "unmap the range and map it again",
			   "the kernel took no new address for iova %#llx..%#llx, and of some mappings not the former one again",
			   start, last);
	}
	return err_kernel(r, KNOWN(-EBUSY, -ENOMEM), call, ioas->object,
			  r == -EBUSY ? "take mediated devices out of the group's container" :
			  r == -ENOMEM ? "raise RLIMIT_MEMLOCK of this process" :
					 "unmap the memory and map it at its new address",
			  "the mapping at iova %#llx..%#llx keeps its address", start, last);
}

static int update_all(const struct update *u)
{
	struct iommufd_ioas *ioas = u->ioas;
	struct iova_map_move move;
	uint64_t at = u->iova;
	struct map_entry m;
	int r;

	/* All memory first: after the kernel's yes nothing may fail. */
	if (iova_map_move_prepare(ioas->map, u->iova, u->last, u->va, &move))
		return err_nomem(u->function, ioas->object);
	while (iova_map_next(ioas->map, at, &m) && m.iova <= u->last) {
		r = update_one(u, &m, false);
		if (r) {
			iova_map_move_abandon(ioas->map, &move);
			if (set_back(u, m.iova))
				r = -EUCLEAN;
			return refused(u, &m, r);
		}
		at = m.iova + m.length;
		if (!at) /* it ended at the top of the space */
			break;
	}
	iova_map_move_commit(ioas->map, &move);
	return 0;
}

IOMMUFD_EXPORT int iommufd_ioas_update_va(struct iommufd_ioas *ioas, uint64_t iova,
					  uint64_t length, void *va)
{
	struct update u = {
		.ioas = ioas,
		.function = __func__,
		.iova = iova,
		.last = iova + (length - 1),
		.va = (uintptr_t)va,
	};
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	if (!va)
		return err_log(&ioas->ctx->core.log, err_null(__func__, "va"));
	pthread_mutex_lock(&ioas->lock);
	r = ioas_fresh_ranges(ioas, __func__);
	if (!r)
		r = check_request(&u, length);
	if (!r)
		r = check_mappings(&u);
	if (!r)
		r = update_all(&u);
	pthread_mutex_unlock(&ioas->lock);
	return err_log(&ioas->ctx->core.log, r);
}
