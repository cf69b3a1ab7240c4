/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OS_MEM_H
#define OS_MEM_H

#include <stddef.h>

/*
 * Reserve @size bytes of zeroed address space.  Nothing is committed until a page is written, also
 * under mlockall(MCL_FUTURE); the range stays out of core dumps and gets no huge pages.
 * Returns NULL when the address space cannot be had (RLIMIT_AS, strict overcommit, ...).
 */
void *os_reserve(size_t size);

/* Give back what os_reserve() returned, with the same @size.  NULL is ignored. */
void os_release(void *area, size_t size);

/*
 * A page that holds 1 here and 0 in every forked child; a process number would
 * do for most, but means another process in another namespace. NULL: no memory.
 */
unsigned char *os_fork_mark(void);
void os_fork_mark_free(unsigned char *mark);

#endif
