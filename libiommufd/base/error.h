/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The error record: written here and nowhere else.
 *
 * A function that finds a failure calls err() and returns its value. The record
 * is written where the cause is known, often under a lock; err_log() hands it to
 * the log at the end of the public function, when no lock is held.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <libiommufd/error.h>

#include "base/log.h"

/* Write the record; returns @code, a negative errno. */
int err(int code, const char *operation, const char *object, const char *remedy,
	const char *fmt, ...) printf_like(5, 6);

/*
 * A kernel call failed with @code. Codes in @known (ended by 0) are the
 * function's documented errors and come back as they are; any other comes back
 * as -EIO with the kernel's errno in the message.
 */
int err_kernel(int code, const int *known, const char *operation, const char *object,
	       const char *remedy, const char *fmt, ...) printf_like(6, 7);

#define KNOWN(...) ((const int[]){ __VA_ARGS__, 0 })

/* "EACCES", or "errno 13" in @buf of ERR_NAME_MAX bytes. */
#define ERR_NAME_MAX 24
const char *err_name(int code, char *buf, size_t size);

/* The usual ones. */
int err_nomem(const char *operation, const char *object);
int err_handle(const char *function, const char *kind);
int err_null(const char *function, const char *argument);

/* Log a failure that the public function is about to return; returns @code. */
int err_log_record(const struct log *log, int code);

static inline int err_log(const struct log *log, int code)
{
	return likely(code >= 0) ? code : err_log_record(log, code);
}

#endif
