/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Failing allocations, for programs linked with --wrap of malloc, calloc, realloc and os_reserve:
 * of the next allocations the n-th fails, or all of them do.
 */
#ifndef TEST_MAP_FAIL_H
#define TEST_MAP_FAIL_H

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_os_reserve(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_os_reserve(size_t size);

static unsigned int fail_countdown;	/* 0: none fails */
static bool fail_all;
static bool fail_large;			/* no room for the flat array of a lookup */
static unsigned int allocations;

static bool fail_this(void)
{
	allocations++;
	return fail_all || (fail_countdown && !--fail_countdown);
}

void *__wrap_malloc(size_t size)
{
	return fail_this() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fail_this() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fail_this() ? NULL : __real_realloc(p, size);
}

void *__wrap_os_reserve(size_t size)
{
	if (fail_large && size >= 1u << 30)
		return NULL;
	return fail_this() ? NULL : __real_os_reserve(size);
}

#endif
