/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "emu/proc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *emu_proc_own(const char *path)
{
	static const char self[] = "/proc/self/";
	char own[32];
	int n = snprintf(own, sizeof(own), "/proc/%ld/", (long)getpid());

	if (!strncmp(path, self, strlen(self)))
		return path + strlen(self);
	return strncmp(path, own, (size_t)n) ? NULL : path + n;
}

/* N of "fd/N", or -1. */
static int descriptor(const char *path)
{
	const char *rest = emu_proc_own(path);
	char *end;
	long fd;

	if (!rest || strncmp(rest, "fd/", 3) || rest[3] < '0' || rest[3] > '9')
		return -1;
	fd = strtol(rest + 3, &end, 10);
	return *end || fd > INT_MAX ? -1 : (int)fd;
}

/* As long as what it was opened by is there. */
static const char *suffix(struct iommufd_emu *emu, const struct emu_file *file)
{
	if (!emu_sysfs_owns(file->path) || emu_sysfs_find(emu, file->path, false))
		return "";
	return " (deleted)";
}

ssize_t emu_proc_read_link(struct iommufd_emu *emu, const char *path, char *buf, size_t n)
{
	int fd = descriptor(path);
	const struct emu_file *file = fd < 0 ? NULL : emu_file_find(emu, fd);
	char text[128];
	size_t len;

	if (!file || !*file->path)
		return 0; /* a socket is one for everybody */
	snprintf(text, sizeof(text), "%s%s", file->path, suffix(emu, file));
	len = strlen(text);
	if (len > n)
		len = n;
	memcpy(buf, text, len);
	return (ssize_t)len;
}
