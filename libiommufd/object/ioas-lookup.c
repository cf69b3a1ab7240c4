/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The data path: addresses translated without lock, allocation or system call. */
#include <errno.h>

#include <libiommufd/lookup.h>

#include "base/opts.h"
#include "object/ioas.h"

IOMMUFD_EXPORT int iommufd_ioas_va_to_iova(struct iommufd_ioas *ioas, const void *va,
					   uint64_t *iova, size_t *length)
{
	uint64_t wanted = length && *length ? *length : 1;
	struct lookup_hit hit;

	if (unlikely(!ioas || !object_is(&ioas->obj, OBJECT_IOAS) || !iova))
		return -EINVAL;
	hit = iova_map_va_to_iova(ioas->map, (uintptr_t)va, wanted);
	if (unlikely(!hit.run))
		return -ENOENT;
	*iova = hit.target;
	if (length)
		*length = hit.run;
	return 0;
}

IOMMUFD_EXPORT int iommufd_ioas_iova_to_va(struct iommufd_ioas *ioas, uint64_t iova, void **va,
					   size_t *length)
{
	uint64_t wanted = length && *length ? *length : 1;
	struct lookup_hit hit;

	if (unlikely(!ioas || !object_is(&ioas->obj, OBJECT_IOAS) || !va))
		return -EINVAL;
	hit = iova_map_iova_to_va(ioas->map, iova, wanted);
	if (unlikely(!hit.run))
		return -ENOENT;
	*va = (void *)(uintptr_t)hit.target;
	if (length)
		*length = hit.run;
	return 0;
}

IOMMUFD_EXPORT int iommufd_ioas_next_mapping(struct iommufd_ioas *ioas, uint64_t from,
					     struct iommufd_mapping *mapping)
{
	struct iommufd_mapping info = { 0 };
	struct map_entry m;
	bool found;
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	pthread_mutex_lock(&ioas->lock);
	found = iova_map_next(ioas->map, from, &m);
	pthread_mutex_unlock(&ioas->lock);
	if (!found) /* the end of a walk, not worth a log line */
		return err(-ENOENT, __func__, ioas->object, "end the walk here",
			   "nothing is mapped from %#llx on",
			   (unsigned long long)from);
	info.iova = m.iova;
	info.length = m.length;
	info.va = m.va;
	info.offset = m.offset;
	info.flags = m.prot;
	info.memory = m.kind == MAP_KIND_VA ? IOMMUFD_MEMORY_VA :
		      m.kind == MAP_KIND_OTHER ? IOMMUFD_MEMORY_OTHER : IOMMUFD_MEMORY_FILE;
	return err_log(&ioas->ctx->core.log, opts_put(__func__, mapping, &info, sizeof(info)));
}
