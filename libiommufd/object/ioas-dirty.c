/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Which pages devices wrote. */
#include <libiommufd/dirty.h>

#include <errno.h>

#include "backend/dirty-bits.h"
#include "base/opts.h"
#include "object/attach.h"

typedef unsigned long long ull; /* for printf */

static bool can_track(const struct iommufd_ioas *ioas)
{
	return engine_has(ioas->as.engine, IOMMUFD_CAP_DIRTY_TRACKING);
}

static int cannot_track(struct iommufd_ioas *ioas)
{
	return err(-EOPNOTSUPP, ioas_call(ioas, ENGINE_DIRTY), ioas->object,
		   "copy all memory that devices can write, or use what the device itself tracks",
		   "this backend does not tell which pages devices wrote");
}

static int kernel_failed(struct iommufd_ioas *ioas, enum engine_call call, int r,
			 const char *what)
{
	return err_kernel(r, KNOWN(-ENOMEM, -EOPNOTSUPP), ioas_call(ioas, call), ioas->object,
			  r == -EOPNOTSUPP ? "do without it on this kernel" :
					     "treat all pages as written",
			  "%s", what);
}

static int set_locked(struct iommufd_ioas *ioas, const char *function, int enable)
{
	const struct engine_ops *ops;
	int r = 0;

	if (enable != 0 && enable != 1)
		return err(-EINVAL, function, "enable", "use 0 or 1", "the value is %d", enable);
	if (!can_track(ioas))
		return cannot_track(ioas);
	ops = ioas->as.engine->ops;
	if (ioas->as.dirty) /* to begin again is to forget */
		r = ops->dirty_set(&ioas->as, NULL, false);
	if (!r && enable && ops->command)
		return attachment_begin_tracking(ioas, function);
	if (!r && enable)
		r = ops->dirty_set(&ioas->as, NULL, true);
	return r ? kernel_failed(ioas, ENGINE_DIRTY, r, "the tracking of what devices write cannot be switched") : 0;
}

IOMMUFD_EXPORT int iommufd_ioas_set_dirty_tracking(struct iommufd_ioas *ioas, int enable)
{
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	pthread_mutex_lock(&ioas->ctx->lock); /* devices may move to other page tables */
	pthread_mutex_lock(&ioas->lock);
	r = set_locked(ioas, __func__, enable);
	pthread_mutex_unlock(&ioas->lock);
	pthread_mutex_unlock(&ioas->ctx->lock);
	return err_log(&ioas->ctx->core.log, r);
}

static int set_table_locked(struct iommufd_hwpt *hwpt, const char *function, int enable)
{
	struct iommufd_ioas *ioas = hwpt->ioas;
	int r = 0;

	if (enable != 0 && enable != 1)
		return err(-EINVAL, function, "enable", "use 0 or 1", "the value is %d", enable);
	if (hwpt->parent)
		return err(-EINVAL, function, hwpt->object, "name its parent",
			   "the table is nested: what devices write is noted in %s",
			   hwpt->parent->object);
	if (!hwpt->table.can_track)
		return err(-EOPNOTSUPP, function, hwpt->object,
			   "make the table with IOMMUFD_HWPT_DIRTY_TRACKING",
			   "the table was not made for tracking");
	if (!enable && ioas->as.dirty)
		return err(-EBUSY, function, hwpt->object,
			   "end it for the IOAS with iommufd_ioas_set_dirty_tracking()",
			   "all of %s is being tracked", ioas->object);
	if (hwpt->table.tracked || enable)
		r = ioas->as.engine->ops->dirty_set(&ioas->as, &hwpt->table, enable);
	return r ? err_kernel(r, KNOWN(-ENOMEM), ioas_call(ioas, ENGINE_DIRTY), hwpt->object,
			      "treat all pages as written",
			      "the tracking of what devices write cannot be switched") : 0;
}

IOMMUFD_EXPORT int iommufd_hwpt_set_dirty_tracking(struct iommufd_hwpt *hwpt, int enable)
{
	int r = hwpt_check(hwpt, __func__);

	if (r)
		return r;
	pthread_mutex_lock(&hwpt->ioas->lock);
	r = set_table_locked(hwpt, __func__, enable);
	pthread_mutex_unlock(&hwpt->ioas->lock);
	return err_log(&hwpt->ctx->core.log, r);
}

/* IOAS lock held. Page sizes of 0 become the smallest. */
static int check_request(struct iommufd_ioas *ioas, const char *function, struct dirty_request *q)
{
	uint64_t align = ioas->ranges.align, bytes;
	struct map_entry cut;

	if (!can_track(ioas))
		return cannot_track(ioas);
	if (!q->page_size)
		q->page_size = align;
	if (q->page_size < align || q->page_size & (q->page_size - 1))
		return err(-EINVAL, function, "page_size",
			   "use a power of two, at least iommufd_ioas_get_alignment(), or 0",
			   "a bit cannot stand for %#llx bytes, the smallest page has %#llx",
			   (ull)q->page_size, (ull)align);
	if (!q->length)
		return err(-EINVAL, function, "length", "name the range to read", "the length is 0");
	if ((q->iova | q->length) & (q->page_size - 1))
		return err(-EINVAL, function, ioas->object, "align IOVA and length to the page size",
			   "iova %#llx or length %#llx is not a multiple of %#llx", (ull)q->iova,
			   (ull)q->length, (ull)q->page_size);
	if (q->iova + (q->length - 1) < q->iova)
		return err(-EOVERFLOW, function, ioas->object, "keep iova + length within 64 bits",
			   "iova %#llx with length %#llx wraps around", (ull)q->iova,
			   (ull)q->length);
	if (iova_map_check_whole(ioas->map, q->iova, q->iova + (q->length - 1), &bytes, NULL, &cut))
		return err(-EINVAL, function, ioas->object, "name whole mappings, with or without holes between them",
			   "iova %#llx..%#llx cuts the mapping at %#llx..%#llx", (ull)q->iova,
			   (ull)q->iova + (q->length - 1), (ull)cut.iova,
			   (ull)cut.iova + (cut.length - 1));
	if (q->table ? !q->table->tracked : !ioas->as.dirty)
		return err(-EINVAL, function, ioas->object,
			   "begin with iommufd_ioas_set_dirty_tracking(), or that of the table",
			   "what devices write is not being tracked");
	return 0;
}

static int read_locked(struct iommufd_ioas *ioas, const char *function, struct dirty_request *q)
{
	int r = ioas_fresh_ranges(ioas, function);

	if (!r)
		r = check_request(ioas, function, q);
	if (r)
		return r;
	r = ioas->as.engine->ops->dirty_read(&ioas->as, q);
	return r ? kernel_failed(ioas, ENGINE_READ_DIRTY, r, "what devices wrote cannot be read") : 0;
}

/* Handles are checked. */
static int read_dirty(struct iommufd_ioas *ioas, const char *function, struct dirty_request *q,
		      uint32_t flags)
{
	int r = opts_flags(function, flags, IOMMUFD_DIRTY_KEEP);

	q->keep = flags & IOMMUFD_DIRTY_KEEP;
	if (!r && !q->bitmap)
		r = err_null(function, "bitmap");
	if (!r) {
		pthread_mutex_lock(&ioas->lock);
		r = read_locked(ioas, function, q);
		pthread_mutex_unlock(&ioas->lock);
	}
	return err_log(&ioas->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_ioas_read_dirty(struct iommufd_ioas *ioas, uint64_t iova,
					   uint64_t length, uint64_t page_size, uint32_t flags,
					   uint64_t *bitmap)
{
	struct dirty_request q = {
		.iova = iova, .length = length, .page_size = page_size, .bitmap = bitmap,
	};
	int r = ioas_check(ioas, __func__);

	return r ? r : read_dirty(ioas, __func__, &q, flags);
}

IOMMUFD_EXPORT int iommufd_hwpt_read_dirty(struct iommufd_hwpt *hwpt, uint64_t iova,
					   uint64_t length, uint64_t page_size, uint32_t flags,
					   uint64_t *bitmap)
{
	struct dirty_request q = {
		.iova = iova, .length = length, .page_size = page_size, .bitmap = bitmap,
	};
	int r = hwpt_check(hwpt, __func__);

	if (r)
		return r;
	q.table = &hwpt->table;
	return read_dirty(hwpt->ioas, __func__, &q, flags);
}

static int unmap_locked(struct iommufd_ioas *ioas, const char *function, struct dirty_request *q,
			int *atomic)
{
	int r;

	*atomic = 1;
	r = ioas_unmap_dirty_locked(ioas, function, q);
	if (r != -EOPNOTSUPP)
		return r;
	*atomic = 0;
	q->keep = true; /* should they stay mapped, all is told again */
	r = ioas->as.engine->ops->dirty_read(&ioas->as, q);
	if (r)
		return kernel_failed(ioas, ENGINE_READ_DIRTY, r, "what devices wrote cannot be read");
	return ioas_unmap_locked(ioas, function, q->iova, q->iova + (q->length - 1));
}

static int unmap(struct iommufd_ioas *ioas, const char *function, struct dirty_request *q,
		 uint64_t *unmapped, int *atomic)
{
	uint64_t bytes, count;
	int whole = 1, r = ioas_fresh_ranges(ioas, function);

	if (!r)
		r = check_request(ioas, function, q);
	if (!r)
		r = ioas_check_holds(ioas, function, q->iova, q->iova + (q->length - 1));
	if (r)
		return r;
	iova_map_check_whole(ioas->map, q->iova, q->iova + (q->length - 1), &bytes, &count, NULL);
	if (count)
		r = unmap_locked(ioas, function, q, &whole);
	if (r)
		return r;
	if (unmapped)
		*unmapped = bytes;
	if (atomic)
		*atomic = whole;
	return 0;
}

IOMMUFD_EXPORT int iommufd_ioas_unmap_dirty(struct iommufd_ioas *ioas, uint64_t iova,
					    uint64_t length, uint64_t page_size, uint64_t *bitmap,
					    uint64_t *unmapped, int *atomic)
{
	struct dirty_request q = {
		.iova = iova, .length = length, .page_size = page_size, .bitmap = bitmap,
	};
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	if (!bitmap)
		return err_log(&ioas->ctx->core.log, err_null(__func__, "bitmap"));
	pthread_mutex_lock(&ioas->lock);
	r = unmap(ioas, __func__, &q, unmapped, atomic);
	pthread_mutex_unlock(&ioas->lock);
	return err_log(&ioas->ctx->core.log, r);
}

IOMMUFD_EXPORT int iommufd_dirty_next(const uint64_t *bitmap, uint64_t bits, uint64_t *first,
				      uint64_t *count)
{
	uint64_t from;

	if (!bitmap || !first || !count)
		return -EINVAL;
	from = dirty_bits_find(bitmap, *first, bits, true);
	if (from >= bits)
		return -ENOENT;
	*first = from;
	*count = dirty_bits_find(bitmap, from, bits, false) - from;
	return 0;
}
