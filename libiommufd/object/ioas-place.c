/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Where a mapping goes in the IOVA space. */
#include <errno.h>

#include "base/opts.h"
#include "object/ioas.h"

typedef unsigned long long ull; /* for printf */

#define SIZE_2M (UINT64_C(1) << 21)
#define SIZE_1G (UINT64_C(1) << 30)

/*
 * Before a device is attached nobody knows what it will be able to reach. IOVAs
 * chosen then stay clear of the interrupt windows of x86 and Arm, and below 39
 * bits, the narrowest IOMMU there is; best where 32-bit devices have no business.
 */
static const struct iommufd_range safe_anywhere[] = {
	{ UINT64_C(0x100000000), UINT64_C(0x7fffffffff) },
	{ UINT64_C(0x100000), UINT64_C(0x7ffffff) },
	{ UINT64_C(0x8100000), UINT64_C(0xfedfffff) },
};

static int check_window(const struct map_request *req)
{
	const struct iommufd_map_opts *o = &req->opts;

	if (req->flags & IOMMUFD_MAP_FIXED && o->size)
		return err(-EINVAL, req->function, "opts",
			   "pass NULL for the options, or leave IOMMUFD_MAP_FIXED out",
			   "a fixed IOVA was given, and options for choosing one");
	if (o->align & (o->align - 1))
		return err(-EINVAL, req->function, "opts.align", "use a power of two",
			   "alignment %#llx is not a power of two", (ull)o->align);
	if (o->last && o->min > o->last)
		return err(-EINVAL, req->function, "opts", "let the window end after its start",
			   "the window %#llx..%#llx is empty", (ull)o->min, (ull)o->last);
	return 0;
}

int map_request_check(const struct iommufd_ioas *ioas, const struct map_request *req)
{
	/* A chosen IOVA and a VA that is none are zero here: always aligned. */
	uint64_t bits = req->va | req->offset | req->length, mask = ioas->ranges.align - 1;
	bool fixed = req->flags & IOMMUFD_MAP_FIXED;
	int r = opts_flags(req->function, req->flags,
			   IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE | IOMMUFD_MAP_FIXED);

	if (r)
		return r;
	if (!req->length)
		return err(-EINVAL, req->function, "length", "map at least one page",
			   "the length is 0");
	if (!(req->flags & (IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE)))
		return err(-EINVAL, req->function, "flags",
			   "set IOMMUFD_MAP_READ, IOMMUFD_MAP_WRITE or both",
			   "neither read nor write access is asked for");
	if (fixed)
		bits |= req->iova;
	if (bits & mask)
		return err(-EINVAL, req->function, ioas->object,
			   "align memory, IOVA and length to iommufd_ioas_get_alignment()",
			   "va %#llx, offset %#llx, length %#llx, iova %#llx: not multiples of %#llx",
			   (ull)req->va, (ull)req->offset, (ull)req->length,
			   fixed ? (ull)req->iova : 0, (ull)mask + 1);
	if (req->va + (req->length - 1) < req->va || req->offset + (req->length - 1) < req->offset ||
	    (fixed && req->iova + (req->length - 1) < req->iova))
		return err(-EOVERFLOW, req->function, ioas->object,
			   "keep address + length within 64 bits",
			   "va %#llx, offset %#llx, iova %#llx with length %#llx wraps around",
			   (ull)req->va, (ull)req->offset, fixed ? (ull)req->iova : 0,
			   (ull)req->length);
	return check_window(req);
}

int ioas_fixed_refused(struct iommufd_ioas *ioas, const char *function, uint64_t iova,
		       uint64_t length)
{
	struct map_range nearest;
	struct map_entry taken;
	ull start = iova, last = iova + (length - 1);

	if (!iova_alloc_allowed(ioas->alloc, iova, length, &nearest))
		return err(-EADDRNOTAVAIL, function, ioas->object,
			   "choose an IOVA inside iommufd_ioas_get_ranges(), or let the library choose",
			   "iova %#llx..%#llx is reserved or out of reach; the nearest allowed range is %#llx..%#llx",
			   start, last, (ull)nearest.start, (ull)nearest.last);
	if (iova_map_first_overlap(ioas->map, iova, length, &taken))
		return err(-EEXIST, function, ioas->object, "unmap the other mapping first",
			   "iova %#llx..%#llx overlaps the mapping at %#llx..%#llx", start, last,
			   (ull)taken.iova, (ull)taken.iova + (taken.length - 1));
	return err(-EIO, function, ioas->object, "please report this",
		   "iova %#llx..%#llx is neither mapped nor reserved and cannot be taken", start, last);
}

/* A place in the window at which IOVA and memory have the same remainder by @huge. */
static int get_congruent(struct iommufd_ioas *ioas, uint64_t memory, uint64_t length, uint64_t huge,
			 const struct iommufd_range *window, uint64_t *iova)
{
	uint64_t head = memory & (huge - 1), base;
	int r;

	if (length + head < length)
		return -ENOSPC;
	r = iova_alloc_get(ioas->alloc, length + head, huge, window->start, window->last, &base);
	if (r || !head) {
		*iova = base;
		return r;
	}
	/* The head only served to find the place. */
	iova_alloc_put(ioas->alloc, base, length + head);
	*iova = base + head;
	return iova_alloc_take(ioas->alloc, *iova, length);
}

static int get_in(struct iommufd_ioas *ioas, const struct map_request *req,
		  const struct iommufd_range *window, uint64_t *iova)
{
	uint64_t memory = req->kind == MAP_KIND_VA ? req->va : req->offset;
	uint64_t align = ioas->ranges.align;
	int r = -ENOSPC;

	if (window->last - window->start < req->length - 1)
		return -ENOSPC;
	if (req->opts.align)
		return iova_alloc_get(ioas->alloc, req->length,
				      req->opts.align > align ? req->opts.align : align,
				      window->start, window->last, iova);
	if (req->length >= SIZE_1G)
		r = get_congruent(ioas, memory, req->length, SIZE_1G, window, iova);
	if (r == -ENOSPC && req->length >= SIZE_2M)
		r = get_congruent(ioas, memory, req->length, SIZE_2M, window, iova);
	if (r == -ENOSPC)
		r = iova_alloc_get(ioas->alloc, req->length, align, window->start, window->last,
				   iova);
	return r;
}

/* Try the parts of the request's window that lie in @list, in order. */
static int get_among(struct iommufd_ioas *ioas, const struct map_request *req,
		     const struct iommufd_range *window, const struct iommufd_range *list,
		     size_t count, uint64_t *iova)
{
	int r = -ENOSPC;

	for (size_t i = 0; i < count && r == -ENOSPC; i++) {
		struct iommufd_range part = {
			window->start > list[i].start ? window->start : list[i].start,
			window->last < list[i].last ? window->last : list[i].last,
		};

		if (part.start <= part.last)
			r = get_in(ioas, req, &part, iova);
	}
	return r;
}

static int choose(struct iommufd_ioas *ioas, const struct map_request *req, uint64_t *iova)
{
	struct iommufd_range window = {
		req->opts.min, req->opts.last ? req->opts.last : UINT64_MAX,
	};
	int r = -ENOSPC;

	if (ioas->as.allow_count)
		r = get_among(ioas, req, &window, ioas->as.allow, ioas->as.allow_count, iova);
	else {
		if (!ioas->attached)
			r = get_among(ioas, req, &window, safe_anywhere, ARRAY_SIZE(safe_anywhere),
				      iova);
		if (r == -ENOSPC)
			r = get_in(ioas, req, &window, iova);
	}
	if (r == -ENOSPC)
		return err(-ENOSPC, req->function, ioas->object,
			   "unmap something, widen the window, or ask for less alignment",
			   "no free IOVA range of %#llx bytes in %#llx..%#llx; %llu mappings take %#llx bytes",
			   (ull)req->length, (ull)window.start, (ull)window.last,
			   (ull)iova_map_count(ioas->map), (ull)iova_map_bytes(ioas->map));
	return r ? err_nomem(req->function, ioas->object) : 0;
}

int ioas_place(struct iommufd_ioas *ioas, const struct map_request *req, uint64_t *iova)
{
	int r;

	if (!(req->flags & IOMMUFD_MAP_FIXED))
		return choose(ioas, req, iova);
	*iova = req->iova;
	r = iova_alloc_take(ioas->alloc, req->iova, req->length);
	if (likely(!r))
		return 0;
	if (r == -ENOMEM)
		return err_nomem(req->function, ioas->object);
	return ioas_fixed_refused(ioas, req->function, req->iova, req->length);
}
