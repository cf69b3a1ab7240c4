/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef BASE_MACRO_H
#define BASE_MACRO_H

#include <stddef.h>

/* On the definition of every public function; everything else is hidden. */
#define IOMMUFD_EXPORT __attribute__((visibility("default")))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
