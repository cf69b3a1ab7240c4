/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int text_line_args(char **text, const char *fmt, va_list args)
{
	size_t used = *text ? strlen(*text) : 0;
	va_list again;
	char *longer;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	longer = n < 0 ? NULL : realloc(*text, used + (size_t)n + 2);
	if (!longer)
		return -ENOMEM;
	*text = longer;
	if (used)
		longer[used++] = '\n';
	vsnprintf(longer + used, (size_t)n + 1, fmt, args);
	return 0;
}

int text_line(char **text, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = text_line_args(text, fmt, args);
	va_end(args);
	return r;
}
