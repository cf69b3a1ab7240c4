/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Structs that begin with their own size, so that programs and libraries of
 * different releases understand each other.
 */
#ifndef BASE_OPTS_H
#define BASE_OPTS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copy the caller's options into @ours of @size bytes. NULL is all zero; what the
 * caller does not know is zero; what we do not know must be zero (-E2BIG).
 */
int opts_get(const char *function, void *ours, size_t size, const void *theirs);

/* -EOPNOTSUPP if @flags has a bit outside @known. */
int opts_flags(const char *function, uint64_t flags, uint64_t known);

/*
 * Copy @ours into the caller's struct as far as its size field says and zero the
 * rest; -EINVAL if it is NULL or the size senseless.
 */
int opts_put(const char *function, void *theirs, const void *ours, size_t size);

#endif
