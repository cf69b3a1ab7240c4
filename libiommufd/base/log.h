/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <libiommufd/ctx.h>

#include "base/macro.h"

struct log {
	iommufd_log_fn fn; /* NULL: silent */
	void *data;
	int level;
};

/* The program's function, else standard error if LIBIOMMUFD_LOG asks for it. */
void log_init(struct log *log, iommufd_log_fn fn, void *data, int level);

/* Hand one line to the log. Never call with a lock held; keeps errno. */
void log_write(const struct log *log, int level, const char *fmt, ...) printf_like(3, 4);

#define log_info(log, ...) log_write(log, IOMMUFD_LOG_INFO, __VA_ARGS__)
#define log_warning(log, ...) log_write(log, IOMMUFD_LOG_WARNING, __VA_ARGS__)
#define log_debug(log, ...) log_write(log, IOMMUFD_LOG_DEBUG, __VA_ARGS__)

#endif
