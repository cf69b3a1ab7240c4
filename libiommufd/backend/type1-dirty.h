/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What devices wrote, as type1 containers tell it: engine_ops of the same names. */
#ifndef BACKEND_TYPE1_DIRTY_H
#define BACKEND_TYPE1_DIRTY_H

#include "backend/engine.h"

int type1_dirty_set(struct engine_ioas *as, struct engine_table *none, bool on);
int type1_dirty_read(struct engine_ioas *as, const struct dirty_request *q);
int type1_dirty_unmap(struct engine_ioas *as, const struct dirty_request *q);

#endif
