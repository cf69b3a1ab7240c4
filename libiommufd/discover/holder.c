/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "discover/holder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/sysfs.h"

static bool is_this(const char *process)
{
	return strtol(process, NULL, 10) == (long)getpid();
}

/* 1 if it has, 0 if not, -errno if it does not show. This process's own descriptor does not count. */
static int has_open(const struct core *core, const char *process, const char *path, int own)
{
	const struct iommufd_sys *sys = core->sys;
	char dir[48], link[80], target[SYSFS_PATH_MAX], *names;
	ssize_t n;
	int r = sysfs_format(dir, sizeof(dir), "/proc/%s/fd", process);

	if (r)
		return r;
	n = sys_list_dir(sys, dir, &names);
	if (n < 0)
		return (int)n;
	for (const char *at = names; !r && at < names + n; at += strlen(at) + 1) {
		ssize_t length;

		if ((strtol(at, NULL, 10) == own && is_this(process)) ||
		    sysfs_format(link, sizeof(link), "%s/%s", dir, at))
			continue;
		length = sys->read_link(sys->data, link, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		r = !strcmp(target, path);
	}
	free(names);
	return r;
}

/* What a process calls itself, fit for one line of a message. */
static void get_comm(const struct core *core, const char *process, char comm[static 20])
{
	char path[48];
	ssize_t n = -EINVAL;

	if (!sysfs_format(path, sizeof(path), "/proc/%s/comm", process))
		n = core->sys->read_file(core->sys->data, path, comm, 19);
	if (n <= 0) {
		strcpy(comm, "?");
		return;
	}
	comm[comm[n - 1] == '\n' ? n - 1 : n] = '\0';
	for (char *c = comm; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static void add_process(const struct core *core, const char *process, unsigned int already,
			char *text, size_t size)
{
	size_t used = strlen(text);
	char comm[20];

	if (already == 3)
		snprintf(text + used, size - used, " and others");
	if (already >= 3)
		return;
	get_comm(core, process, comm);
	snprintf(text + used, size - used, "%s%s %s (%s)", already ? ", " : "",
		 is_this(process) ? "this process," : "process", process, comm);
}

int holder_find_other(const struct core *core, const char *path, int own, char *text, size_t size)
{
	unsigned int found = 0, hidden = 0;
	char *names;
	ssize_t n = sys_list_dir(core->sys, "/proc", &names);

	*text = '\0';
	for (const char *at = names; at < names + (n > 0 ? n : 0); at += strlen(at) + 1) {
		int r;

		if (at[strspn(at, "0123456789")])
			continue;
		r = has_open(core, at, path, own);
		if (r > 0)
			add_process(core, at, found++, text, size);
		else if (r == -EACCES || r == -EPERM)
			hidden++;
	}
	free(names);
	if (found)
		return 0;
	snprintf(text, size, hidden ? "a process that this user may not look into" :
				      "a process that /proc does not show");
	return -ENOENT;
}

int holder_find(const struct core *core, const char *path, char *text, size_t size)
{
	return holder_find_other(core, path, -1, text, size);
}
