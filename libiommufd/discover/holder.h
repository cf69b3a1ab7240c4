/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Who has a file open that serves one only. */
#ifndef DISCOVER_HOLDER_H
#define DISCOVER_HOLDER_H

#include "os/core.h"

/*
 * Processes that have the file at @path open, as "process 812 (qemu-system-x86)",
 * as far as /proc shows them to this user. Where it shows none, @text says that
 * and the result is -ENOENT: the holder may be another user's, in a container,
 * or have passed the descriptor on.
 */
int holder_find(const struct core *core, const char *path, char *text, size_t size);
/* The same, but for descriptor @own of this process, of a file that opens several times. */
int holder_find_other(const struct core *core, const char *path, int own, char *text, size_t size);

#endif
