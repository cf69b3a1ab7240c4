/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mapping in one IOAS what another maps, sharing the pinned pages. */
#include <errno.h>

#include "base/opts.h"
#include "object/ioas.h"

typedef unsigned long long ull; /* for printf */

/* The part of mapping @m that lies in the source range, as a request of its own. */
static uint64_t piece_of(const struct map_entry *m, uint64_t iova, uint64_t left,
			 struct map_request *req)
{
	uint64_t skip = iova - m->iova, length = m->length - skip;

	if (length > left)
		length = left;
	req->kind = m->kind;
	req->va = m->kind == MAP_KIND_VA ? m->va + skip : 0;
	req->offset = m->kind == MAP_KIND_VA ? 0 : m->offset + skip;
	req->view = m->file;
	req->length = length;
	return length;
}

static int check_source(struct iommufd_ioas *src, const struct map_request *req, uint64_t src_iova)
{
	uint64_t at = src_iova, left = req->length;
	struct map_request piece;
	struct map_entry m;

	while (left) {
		if (!iova_map_find(src->map, at, &m))
			return err(-ENOENT, req->function, src->object,
				   "copy a range that is mapped without a hole",
				   "iova %#llx is not mapped in the source", (ull)at);
		if (req->flags & IOMMUFD_MAP_WRITE && !(m.prot & IOMMUFD_MAP_WRITE))
			return err(-EPERM, req->function, src->object,
				   "ask for read access only, or map the source for writing",
				   "the source mapping at %#llx may not be written", (ull)m.iova);
		at += piece_of(&m, at, left, &piece);
		left -= piece.length;
	}
	return 0;
}

/* The place was found as a whole and is taken piece by piece: each is unmapped by itself. */
static int copy_pieces(struct iommufd_ioas *dst, struct iommufd_ioas *src,
		       const struct map_request *req, uint64_t src_iova, uint64_t dst_iova)
{
	uint64_t done = 0;
	int r = 0;

	while (done < req->length && !r) {
		struct map_request piece = *req;
		struct map_entry m;
		uint64_t at = src_iova + done, to = dst_iova + done;

		/* In an IOAS copied into itself the new mappings are not in the source range. */
		iova_map_find(src->map, at, &m);
		piece_of(&m, at, req->length - done, &piece);
		if (iova_alloc_take(dst->alloc, to, piece.length)) {
			r = err_nomem(req->function, dst->object);
			break;
		}
		r = ioas_map_at(dst, &piece, to, src, at);
		if (!r)
			done += piece.length;
		else if (r != -EUCLEAN) /* then it stays */
			iova_alloc_put(dst->alloc, to, piece.length);
	}
	if (r && done)
		r = ioas_roll_back(dst, req->function, r, dst_iova, dst_iova + (done - 1));
	return r;
}

static int copy_locked(struct iommufd_ioas *dst, struct iommufd_ioas *src, struct map_request *req,
		       uint64_t src_iova, uint64_t *dst_iova)
{
	struct map_entry first;
	uint64_t place;
	int r = ioas_fresh_ranges(dst, req->function);

	if (!r)
		r = map_request_check(dst, req);
	if (!r && src_iova % dst->ctx->core.page_size)
		r = err(-EINVAL, req->function, src->object, "align the source IOVA to pages",
			"source iova %#llx is not page-aligned", (ull)src_iova);
	if (!r && src_iova + (req->length - 1) < src_iova)
		r = err(-EOVERFLOW, req->function, src->object, "keep iova + length within 64 bits",
			"source iova %#llx with length %#llx wraps around", (ull)src_iova,
			(ull)req->length);
	if (!r)
		r = check_source(src, req, src_iova);
	if (r)
		return r;
	/* What decides about huge pages is the memory, not the IOVA copied from. */
	iova_map_find(src->map, src_iova, &first);
	req->va = first.kind == MAP_KIND_VA ? first.va + (src_iova - first.iova) : 0;
	r = ioas_place(dst, req, &place);
	if (r)
		return r;
	iova_alloc_put(dst->alloc, place, req->length);
	r = copy_pieces(dst, src, req, src_iova, place);
	if (!r)
		*dst_iova = place;
	return r;
}

static int copy(struct iommufd_ioas *dst, struct iommufd_ioas *src, const char *function,
		uint64_t src_iova, uint64_t length, uint32_t flags, uint64_t *dst_iova,
		const struct iommufd_map_opts *opts)
{
	struct map_request req = {
		.function = function,
		.kind = MAP_KIND_VA,
		.length = length,
		.flags = flags,
	};
	int r;

	if (dst->ctx != src->ctx)
		return err(-EINVAL, function, src->object, "copy within one context",
			   "source and destination belong to different contexts");
	if (!dst_iova)
		return err_null(function, "dst_iova");
	r = opts_get(function, &req.opts, sizeof(req.opts), opts);
	if (r)
		return r;
	if (flags & IOMMUFD_MAP_FIXED)
		req.iova = *dst_iova;
	ioas_lock_both(dst, src);
	r = copy_locked(dst, src, &req, src_iova, dst_iova);
	ioas_unlock_both(dst, src);
	return r;
}

IOMMUFD_EXPORT int iommufd_ioas_copy(struct iommufd_ioas *dst, struct iommufd_ioas *src,
				     uint64_t src_iova, uint64_t length, uint32_t flags,
				     uint64_t *dst_iova, const struct iommufd_map_opts *opts)
{
	int r = ioas_check(dst, __func__);

	if (!r)
		r = ioas_check(src, __func__);
	if (r)
		return r;
	r = copy(dst, src, __func__, src_iova, length, flags, dst_iova, opts);
	return err_log(&dst->ctx->core.log, r);
}
