/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Where each mapping of the kernel counts against a limit, and the caller has
 * allowed it, neighbours are made as one when a container begins to repeat an
 * address space. The kernel unmaps such an entry only whole.
 */
#ifndef BACKEND_CONTAINER_MERGE_H
#define BACKEND_CONTAINER_MERGE_H

#include "backend/container.h"

/*
 * The first mapping of c->as at or after @iova that begins at @last or before,
 * with those neighbours before @last that may be made with it. False if there is none.
 */
bool merge_next(const struct container *c, uint64_t iova, uint64_t last, struct map_entry *out);

/* Is that more than one mapping? */
bool merge_is(const struct container *c, const struct map_entry *m);

/* Have room for one more, -ENOMEM; remember that @m is one entry, for which there is room. */
int merge_reserve(struct container *c);
void merge_add(struct container *c, const struct map_entry *m);

/* Widen a range to whole entries; forget those within one. */
void merge_widen(const struct container *c, uint64_t *iova, uint64_t *last);
void merge_remove(struct container *c, uint64_t iova, uint64_t last);

#endif
