/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What devices wrote, as page tables of iommufd tell it: engine_ops of the same names. */
#ifndef BACKEND_IOMMUFD_DIRTY_H
#define BACKEND_IOMMUFD_DIRTY_H

#include "backend/engine.h"

int iommufd_dirty_set(struct engine_ioas *as, struct engine_table *table, bool on);
int iommufd_dirty_read(struct engine_ioas *as, const struct dirty_request *q);

#endif
