/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Memory of this process that is kept in place. mlock() does not nest, so what
 * several mappings hold is counted, and unlocked when the last lets go.
 */
#ifndef BACKEND_LOCKED_H
#define BACKEND_LOCKED_H

#include <stdbool.h>
#include <stdint.h>

#include "os/core.h"

struct locked;

int locked_new(const struct core *core, struct locked **out); /* -ENOMEM */
void locked_free(struct locked *l); /* what is locked stays so */

/*
 * Make whole pages exist, for writing if wanted, and lock them. -EFAULT: there is
 * no such memory, or memory of a device; -ENOMEM: more than may be locked.
 */
int locked_add(struct locked *l, uint64_t va, uint64_t length, bool writable);
/* What was added so, exactly. */
void locked_remove(struct locked *l, uint64_t va, uint64_t length);

#endif
