/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What to program into a device: IOVAs, or where no IOMMU is, physical addresses. */
#include <errno.h>

#include <libiommufd/lookup.h>

#include "object/ioas.h"

/* Of one mapping. *length is what is wanted, and receives how much of that is linear. */
static int piece_address(const struct iommufd_ioas *ioas, const struct map_entry *m, uint64_t iova,
			 uint64_t *address, uint64_t *length)
{
	const struct engine *e = ioas->as.engine;
	uint64_t rest = m->iova + (m->length - 1) - iova + 1;

	if (*length > rest)
		*length = rest;
	*address = iova;
	if (likely(!e->noiommu))
		return 0;
	return e->ops->dma_address((struct engine_ioas *)&ioas->as, iova, address, length);
}

static int failed(struct iommufd_ioas *ioas, uint64_t iova, int r)
{
	static const struct {
		int code;
		const char *remedy;
	} remedies[] = {
		{ -ENODEV, "attach a device first: without one the memory is not held in place" },
		{ -EPERM, "run with CAP_SYS_ADMIN, for cdev+noiommu with CAP_SYS_RAWIO" },
		{ -EACCES, "mount /proc so that this process may read /proc/self/pagemap" },
		{ -EFAULT, "keep the memory mapped in the process as long as in the IOAS" },
	};
	const char *remedy = "look into the kernel's log";

	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++)
		if (remedies[i].code == r)
			remedy = remedies[i].remedy;
	return err_kernel(r, KNOWN(-ENODEV, -EPERM, -EACCES, -EFAULT, -ENOMEM),
			  ioas_call(ioas, ENGINE_DMA_ADDRESS), ioas->object, remedy,
			  "the physical address behind iova %#llx is not to be had",
			  (unsigned long long)iova);
}

/* Goes on into the next mapping where that follows in IOVA and in memory. */
static int linear(struct iommufd_ioas *ioas, const char *function, uint64_t iova, uint64_t wanted,
		  uint64_t *address, size_t *length)
{
	uint64_t run = 0, at, piece;
	struct map_entry m;
	int r = 0;

	while (run < wanted && iova + run >= iova && iova_map_find(ioas->map, iova + run, &m)) {
		piece = wanted - run;
		r = piece_address(ioas, &m, iova + run, &at, &piece);
		if (r || (run && at != *address + run))
			break;
		if (!run)
			*address = at;
		run += piece;
		if (iova + run - 1 != m.iova + (m.length - 1))
			break;
	}
	if (!run)
		return r ? failed(ioas, iova, r) :
			   err(-ENOENT, function, ioas->object, "map memory there first",
			       "nothing is mapped at iova %#llx", (unsigned long long)iova);
	if (length)
		*length = (size_t)run;
	return 0;
}

IOMMUFD_EXPORT int iommufd_ioas_get_dma_address(struct iommufd_ioas *ioas, uint64_t iova,
						uint64_t *address, size_t *length)
{
	uint64_t wanted = length && *length ? *length : 1, found = 0;
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	if (!address)
		return err_log(&ioas->ctx->core.log, err_null(__func__, "address"));
	pthread_mutex_lock(&ioas->lock);
	r = linear(ioas, __func__, iova, wanted, &found, length);
	pthread_mutex_unlock(&ioas->lock);
	if (!r)
		*address = found;
	return err_log(&ioas->ctx->core.log, r);
}
