/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Unmapping, all or nothing. The kernel's own unmap is neither: when one mapping
 * of a range cannot go, those before it are gone already, and it does not say
 * how many. So what it would refuse is refused here first, and what it refuses
 * all the same is put back.
 */
#include <errno.h>

#include "object/ioas.h"

typedef unsigned long long ull; /* for printf */

static void forget(struct iommufd_ioas *ioas, uint64_t iova, uint64_t last)
{
	struct map_entry m;

	while (iova_map_pop(ioas->map, iova, last, &m)) {
		iova_alloc_put(ioas->alloc, m.iova, m.length);
		file_view_unref(m.file);
	}
}

/* Those of one kind, and the first of them. */
struct tally {
	unsigned int count;
	struct map_entry first;
};

static void count(struct tally *tally, const struct map_entry *m)
{
	if (!tally->count++)
		tally->first = *m;
}

/* What is gone is forgotten; what some devices may still reach is kept. */
static void restore_all(struct iommufd_ioas *ioas, uint64_t iova, uint64_t last,
			struct tally *lost, struct tally *stuck)
{
	struct map_entry m;

	while (iova_map_next(ioas->map, iova, &m) && m.iova <= last) {
		int r = ioas->as.engine->ops->restore(&ioas->as, &m);

		iova = m.iova + m.length;
		if (r == -ENOENT) {
			count(lost, &m);
			forget(ioas, m.iova, m.iova + (m.length - 1));
		} else if (r) {
			count(stuck, &m);
		}
		if (!iova) /* it ended at the top of the space */
			break;
	}
}

static int not_restored(struct iommufd_ioas *ioas, const char *function, int r,
			const struct tally *lost, const struct tally *stuck)
{
	const struct map_entry *m = lost->count ? &lost->first : &stuck->first;
	ull last = m->iova + (m->length - 1);

	if (stuck->count)
		return err(-EUCLEAN, ioas_call(ioas, ENGINE_UNMAP), ioas->object,
			   "unmap the range again; map what is lost again, DMA to it fails meanwhile",
			   "%s: the kernel refused (errno %d); %u mappings are lost and %u stay in the IOAS, which some devices may reach and others not, the first at %#llx..%#llx",
			   function, -r, lost->count, stuck->count, (ull)m->iova, last);
	return err(-EUCLEAN, ioas_call(ioas, ENGINE_UNMAP), ioas->object,
		   "map the lost memory again; DMA to it fails meanwhile",
		   "%s: the kernel refused (errno %d) after removing mappings; %u could not be put back, the first at %#llx..%#llx",
		   function, -r, lost->count, (ull)m->iova, last);
}

/* Unmapped; but what was one entry of a container with it has left it too, and not come back. */
static int neighbours_lost(struct iommufd_ioas *ioas, const char *function, uint64_t iova,
			   uint64_t last)
{
	return err(-EUCLEAN, ioas_call(ioas, ENGINE_MAP), ioas->object,
		   "unmap the mappings beside the range and map them again; DMA to them fails meanwhile",
		   "%s: iova %#llx..%#llx is unmapped, but mappings that shared an entry of a container with it could not be made again",
		   function, (ull)iova, (ull)last);
}

/* What the engine's unmap answered. */
static int finish(struct iommufd_ioas *ioas, const char *function, uint64_t iova, uint64_t last,
		  int r)
{
	struct tally lost = { 0 }, stuck = { 0 };

	if (likely(!r) || r == -EUCLEAN) {
		forget(ioas, iova, last);
		return likely(!r) ? 0 : neighbours_lost(ioas, function, iova, last);
	}
	restore_all(ioas, iova, last, &lost, &stuck);
	if (lost.count || stuck.count)
		return not_restored(ioas, function, r, &lost, &stuck);
	return err_kernel(r, KNOWN(-EBUSY, -EDEADLK, -ENOMEM), ioas_call(ioas, ENGINE_UNMAP),
			  ioas->object,
			  r == -EBUSY ? "release what holds the memory (a hardware queue), then unmap again" :
			  r == -EDEADLK ? "stop the mediated device, then unmap again" :
					  "try again",
			  "iova %#llx..%#llx stays mapped", (ull)iova, (ull)last);
}

int ioas_unmap_locked(struct iommufd_ioas *ioas, const char *function, uint64_t iova,
		      uint64_t last)
{
	return finish(ioas, function, iova, last,
		      ioas->as.engine->ops->unmap(&ioas->as, iova, last));
}

int ioas_unmap_dirty_locked(struct iommufd_ioas *ioas, const char *function,
			    const struct dirty_request *q)
{
	const struct engine_ops *ops = ioas->as.engine->ops;
	int r = ops->dirty_unmap ? ops->dirty_unmap(&ioas->as, q) : -EOPNOTSUPP;

	if (r == -EOPNOTSUPP)
		return r;
	return finish(ioas, function, q->iova, q->iova + (q->length - 1), r);
}

int ioas_roll_back(struct iommufd_ioas *ioas, const char *function, int code, uint64_t iova,
		   uint64_t last)
{
	const struct engine_ops *ops = ioas->as.engine->ops;
	struct map_entry m, stuck = { 0 };
	int r = ops->unmap(&ioas->as, iova, last);

	if (likely(!r) || r == -EUCLEAN) {
		forget(ioas, iova, last);
		return likely(!r) ? code : neighbours_lost(ioas, function, iova, last);
	}
	/* One by one: each that goes is gone, each that stays is kept. */
	while (iova_map_next(ioas->map, iova, &m) && m.iova <= last) {
		uint64_t end = m.iova + (m.length - 1);

		r = ops->unmap(&ioas->as, m.iova, end);
		if (!r || r == -ENOENT || r == -EUCLEAN)
			forget(ioas, m.iova, end);
		else
			stuck = m;
		if (end >= last)
			break;
		iova = end + 1;
	}
	if (!stuck.length)
		return code;
	return err(-EUCLEAN, ioas_call(ioas, ENGINE_UNMAP), ioas->object, "unmap the range again",
		   "%s failed with errno %d and iova %#llx..%#llx, mapped before that, cannot be unmapped",
		   function, -code, (ull)stuck.iova, (ull)stuck.iova + (stuck.length - 1));
}

void ioas_hold(struct iommufd_ioas *ioas, struct ioas_hold *hold)
{
	hold->next = ioas->holds;
	ioas->holds = hold;
}

void ioas_let_go(struct iommufd_ioas *ioas, struct ioas_hold *hold)
{
	struct ioas_hold **at;

	for (at = &ioas->holds; *at != hold; at = &(*at)->next)
		;
	*at = hold->next;
}

int ioas_check_holds(const struct iommufd_ioas *ioas, const char *function, uint64_t iova,
		     uint64_t last)
{
	for (const struct ioas_hold *h = ioas->holds; unlikely(h); h = h->next)
		if (h->iova <= last && h->last >= iova)
			return err(-EBUSY, function, ioas->object,
				   "give back the hardware queue first, and those above it",
				   "%s is in iova %#llx..%#llx, and the hardware reads it",
				   h->object, (ull)h->iova, (ull)h->last);
	return 0;
}

static int unmap(struct iommufd_ioas *ioas, const char *function, uint64_t iova, uint64_t last,
		 uint64_t *unmapped)
{
	struct map_entry cut;
	uint64_t bytes, count;
	int r = iova_map_check_whole(ioas->map, iova, last, &bytes, &count, &cut);

	if (unlikely(r))
		return err(-EINVAL, function, ioas->object,
			   "unmap whole mappings; to keep a part, unmap all and map the part again",
			   "iova %#llx..%#llx cuts the mapping at %#llx..%#llx", (ull)iova,
			   (ull)last, (ull)cut.iova, (ull)cut.iova + (cut.length - 1));
	r = ioas_check_holds(ioas, function, iova, last);
	if (likely(!r) && count)
		r = ioas_unmap_locked(ioas, function, iova, last);
	if (likely(!r) && unmapped)
		*unmapped = bytes;
	return r;
}

static int check_range(struct iommufd_ioas *ioas, const char *function, uint64_t iova,
		       uint64_t length)
{
	uint64_t mask = ioas->ctx->core.page_size - 1;

	if (!length)
		return err(-EINVAL, function, "length",
			   "unmap at least one page; iommufd_ioas_unmap_all() unmaps everything",
			   "the length is 0");
	if ((iova | length) & mask)
		return err(-EINVAL, function, ioas->object, "align IOVA and length to pages",
			   "iova %#llx or length %#llx is not a multiple of %#llx", (ull)iova,
			   (ull)length, (ull)mask + 1);
	if (iova + (length - 1) < iova)
		return err(-EOVERFLOW, function, ioas->object, "keep iova + length within 64 bits",
			   "iova %#llx with length %#llx wraps around", (ull)iova, (ull)length);
	return 0;
}

IOMMUFD_EXPORT int iommufd_ioas_unmap(struct iommufd_ioas *ioas, uint64_t iova, uint64_t length,
				      uint64_t *unmapped)
{
	int r = ioas_check(ioas, __func__);

	if (unlikely(r))
		return r;
	r = check_range(ioas, __func__, iova, length);
	if (likely(!r)) {
		pthread_mutex_lock(&ioas->lock);
		r = unmap(ioas, __func__, iova, iova + (length - 1), unmapped);
		pthread_mutex_unlock(&ioas->lock);
	}
	return err_log(&ioas->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_ioas_unmap_all(struct iommufd_ioas *ioas, uint64_t *unmapped)
{
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	pthread_mutex_lock(&ioas->lock);
	r = unmap(ioas, __func__, 0, UINT64_MAX, unmapped);
	pthread_mutex_unlock(&ioas->lock);
	return err_log(&ioas->ctx->core.log, r);
}
