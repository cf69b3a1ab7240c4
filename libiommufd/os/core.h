/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What every layer needs of its context: the kernel to talk to, and the log. */
#ifndef OS_CORE_H
#define OS_CORE_H

#include <stdbool.h>

#include "base/log.h"
#include "os/sys.h"

struct core {
	const struct iommufd_sys *sys;
	struct log log;
	uint64_t page_size;
	unsigned char *owner; /* whose objects they are, in a page that is zeroed in forked children */
};

/*
 * Choose the kernel: @sys if given, else the emulated one if LIBIOMMUFD_EMU is
 * set, else the running one. Holds a reference to it until core_exit().
 */
int core_init(struct core *core, const char *function, const struct iommufd_sys *sys);
void core_exit(struct core *core);

/*
 * In a forked child the kernel's objects are the parent's: closing there frees
 * memory and descriptors and must ask nothing of the kernel.
 */
bool core_is_owner(const struct core *core);
/* It is alone, too: nobody there will ever unlock what was locked. */
bool core_is_forked(const struct core *core);
/* Let closing ask nothing of the kernel here either, or as it was made. */
void core_set_owner(const struct core *core, bool owner);

#endif
