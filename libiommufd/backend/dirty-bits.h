/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef BACKEND_DIRTY_BITS_H
#define BACKEND_DIRTY_BITS_H

#include "backend/engine.h"

/*
 * Add to q->bitmap what the @count bits say of the pages of @page_size bytes
 * from @iova on. Pages may be larger or smaller than those of @q, and reach out
 * of its range.
 */
void dirty_bits_add(const struct dirty_request *q, uint64_t iova, uint64_t page_size,
		    const uint64_t *bits, uint64_t count);

/* The first bit from @from on that is @value, or @count. */
uint64_t dirty_bits_find(const uint64_t *bits, uint64_t from, uint64_t count, bool value);

#endif
