/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the machine answers for in /proc: this process's view of its own files. */
#ifndef EMU_PROC_H
#define EMU_PROC_H

#include "emu/machine.h"

/* What follows this process's folder in a path below it, or NULL. */
const char *emu_proc_own(const char *path);
/* The link of a descriptor of the machine's; 0 if it is none of those. */
ssize_t emu_proc_read_link(struct iommufd_emu *emu, const char *path, char *buf, size_t n);

#endif
