/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the iommufd engine and its containers share: one kernel IOAS, as->id, and no other. */
#ifndef BACKEND_CONTAINER_IOMMUFD_H
#define BACKEND_CONTAINER_IOMMUFD_H

#include "backend/engine.h"

int iommufd_copy(struct engine_ioas *as, struct engine_ioas *src, uint64_t src_iova,
		 const struct map_entry *m);
int iommufd_unmap(struct engine_ioas *as, uint64_t iova, uint64_t last);
int iommufd_ranges(struct engine_ioas *as, struct range_list *list);

extern const struct container_ops container_iommufd;

#endif
