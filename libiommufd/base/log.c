/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = { "none", "error", "warning", "info", "debug" };

static void write_stderr(void *data, int level, const char *text)
{
	(void)data;
	fprintf(stderr, "libiommufd: %s: %s\n", level_names[level], text);
}

void log_init(struct log *log, iommufd_log_fn fn, void *data, int level)
{
	const char *wanted = secure_getenv("LIBIOMMUFD_LOG");

	*log = (struct log){ .fn = fn, .data = data, .level = level };
	if (fn && !level)
		log->level = IOMMUFD_LOG_WARNING;
	if (fn || !wanted)
		return;
	for (int i = 0; i < (int)ARRAY_SIZE(level_names); i++)
		if (!strcmp(wanted, level_names[i]))
			*log = (struct log){ .fn = write_stderr, .level = i };
}

void log_write(const struct log *log, int level, const char *fmt, ...)
{
	int saved = errno;
	char text[1024];
	va_list args;

	if (!log->fn || level > log->level)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log->fn(log->data, level, text);
	errno = saved;
}
