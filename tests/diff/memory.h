/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The memory that the streams map. It is made once and stays as it is. */
#ifndef DIFF_MEMORY_H
#define DIFF_MEMORY_H

#include "diff.h"

#define NORMAL_SIZE (8 * MIB)
#define READ_ONLY_SIZE (256 * 1024)
#define POOL_SIZE (2 * GIB) /* what is neither of the two cannot be touched */
#define FILE_SIZE (4 * MIB)

struct memory {
	uint8_t *pool; /* aligned to huge pages */
	uint8_t *file; /* the memfd as the processor sees it */
	int fd, fd_read_only, fd_other; /* the memfd, it again, and no memory at all */
};

int memory_make(struct memory *mem);

/* Can the process itself read or write all of this? */
bool memory_usable(const struct memory *mem, uint64_t va, uint64_t length, bool writing);

/* The address as part + offset, for people; in a static buffer, good for four at a time. */
const char *memory_name(const struct memory *mem, uint64_t va);

#endif
