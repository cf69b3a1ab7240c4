/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Text of any length, made line by line. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>

#include "base/macro.h"

/*
 * Add a line to *text, which is NULL before the first and is the caller's to
 * free; lines are separated by newlines. -ENOMEM: it is as it was.
 */
int text_line(char **text, const char *fmt, ...) printf_like(2, 3) must_check;
int text_line_args(char **text, const char *fmt, va_list args) printf_like(2, 0) must_check;

#endif
