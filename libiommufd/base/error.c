/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "base/error.h"

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct iommufd_error last;

IOMMUFD_EXPORT const struct iommufd_error *iommufd_error_last(void)
{
	return &last;
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void printf_like(5, 0)
record(int code, const char *operation, const char *object, const char *remedy, const char *fmt,
       va_list args)
{
	last.code = code;
	copy(last.operation, sizeof(last.operation), operation);
	copy(last.object, sizeof(last.object), object);
	copy(last.remedy, sizeof(last.remedy), remedy);
	vsnprintf(last.message, sizeof(last.message), fmt, args);
}

int err(int code, const char *operation, const char *object, const char *remedy,
	const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	record(code, operation, object, remedy, fmt, args);
	va_end(args);
	return code;
}

const char *err_name(int code, char *buf, size_t size)
{
#ifdef HAVE_STRERRORNAME_NP
	const char *name = strerrorname_np(-code);

	if (name)
		return name;
#endif
	snprintf(buf, size, "errno %d", -code);
	return buf;
}

int err_kernel(int code, const int *known, const char *operation, const char *object,
	       const char *remedy, const char *fmt, ...)
{
	char number[24];
	const char *name = err_name(code, number, sizeof(number));
	size_t used;
	va_list args;

	while (*known && *known != code)
		known++;
	va_start(args, fmt);
	record(*known ? code : -EIO, operation, object, remedy, fmt, args);
	va_end(args);
	used = strlen(last.message);
	snprintf(last.message + used, sizeof(last.message) - used, ": the kernel answered %s", name);
	return last.code;
}

int err_nomem(const char *operation, const char *object)
{
	return err(-ENOMEM, operation, object, "free memory in this process and try again",
		   "out of memory");
}

int err_handle(const char *function, const char *kind)
{
	return err(-EINVAL, function, kind, "pass a handle that is open",
		   "the handle is NULL, closed, disowned, or not of type struct iommufd_%s", kind);
}

int err_null(const char *function, const char *argument)
{
	return err(-EINVAL, function, argument, "pass a valid pointer",
		   "argument %s is NULL", argument);
}

int err_log_record(const struct log *log, int code)
{
	log_write(log, IOMMUFD_LOG_ERROR, "%s: %s: %s%s%s", last.operation, last.object,
		  last.message, last.remedy[0] ? "; " : "", last.remedy);
	return code;
}
