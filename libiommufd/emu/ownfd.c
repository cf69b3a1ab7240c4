/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Descriptors the machine needs where a kernel needs none: it must not fail
 * for lack of them, so the process's soft limit is out of the way meanwhile.
 */
#include "emu/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>

static int make(enum emu_own_fd kind, int fd)
{
	switch (kind) {
	case EMU_OWN_DUP:
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		break;
	case EMU_OWN_MEMORY:
		fd = memfd_create("iommufd-emu-bar", MFD_CLOEXEC);
		break;
	case EMU_OWN_EVENT:
		fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		break;
	}
	return fd < 0 ? -errno : fd;
}

int emu_own_fd(enum emu_own_fd kind, int fd)
{
	struct rlimit limit, raised;
	int r = make(kind, fd);

	if (r != -EMFILE || getrlimit(RLIMIT_NOFILE, &limit))
		return r;
	raised = limit;
	raised.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &raised))
		return r;
	r = make(kind, fd);
	setrlimit(RLIMIT_NOFILE, &limit);
	return r;
}
