/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "os/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int sys_check(const struct iommufd_sys *sys)
{
	return sys && sys->abi == SYS_ABI && sys->size == sizeof(*sys) ? 0 : -EINVAL;
}

int sys_open(const struct iommufd_sys *sys, const char *path, int flags)
{
	int r;

	do
		r = sys->open(sys->data, path, flags);
	while (r == -EINTR);
	return r;
}

int sys_dup(const struct iommufd_sys *sys, int fd)
{
	return sys->dup(sys->data, fd);
}

void sys_close(const struct iommufd_sys *sys, int *fd)
{
	if (*fd >= 0)
		sys->close(sys->data, *fd);
	*fd = -1;
}

/* More than there was room for cannot be: what was counted, or what was overwritten, is not known. */
static ssize_t sane(ssize_t r, size_t n)
{
	return r > 0 && (size_t)r > n ? -EIO : r;
}

ssize_t sys_read(const struct iommufd_sys *sys, int fd, void *buf, size_t n)
{
	ssize_t r;

	do
		r = sys->read(sys->data, fd, buf, n);
	while (r == -EINTR);
	return sane(r, n);
}

ssize_t sys_write(const struct iommufd_sys *sys, int fd, const void *buf, size_t n)
{
	ssize_t r;

	do
		r = sys->write(sys->data, fd, buf, n);
	while (r == -EINTR);
	return sane(r, n);
}

int sys_pread(const struct iommufd_sys *sys, int fd, void *buf, size_t n, uint64_t offset)
{
	char *at = buf;

	while (n) {
		ssize_t r = sane(sys->pread(sys->data, fd, at, n, offset), n);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			return r ? (int)r : -EIO;
		at += r;
		n -= (size_t)r;
		offset += (uint64_t)r;
	}
	return 0;
}

int sys_pwrite(const struct iommufd_sys *sys, int fd, const void *buf, size_t n, uint64_t offset)
{
	const char *at = buf;

	while (n) {
		ssize_t r = sane(sys->pwrite(sys->data, fd, at, n, offset), n);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			return r ? (int)r : -EIO;
		at += r;
		n -= (size_t)r;
		offset += (uint64_t)r;
	}
	return 0;
}

int sys_mmap(const struct iommufd_sys *sys, size_t n, int prot, int fd, uint64_t offset, void **out)
{
	return sys->mmap(sys->data, n, prot, fd, offset, out);
}

int sys_munmap(const struct iommufd_sys *sys, void *addr, size_t n)
{
	return sys->munmap(sys->data, addr, n);
}

/* EINVAL is said of protected memory and of devices' memory too, but not of our stack. */
static bool knows_populate(const struct iommufd_sys *sys)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char here;

	return sys->populate(sys->data, (void *)((uintptr_t)&here & ~(page - 1)), page, 0) != -EINVAL;
}

int sys_populate(const struct iommufd_sys *sys, void *addr, size_t n, int writable)
{
	int r;

	do
		r = sys->populate(sys->data, addr, n, writable);
	while (r == -EINTR || r == -EAGAIN);
	if (r == -EINVAL && !knows_populate(sys))
		r = sys->touch(sys->data, addr, n, writable);
	return r;
}

int sys_lock_memory(const struct iommufd_sys *sys, void *addr, size_t n, int on)
{
	return sys->lock_memory(sys->data, addr, n, on);
}

ssize_t sys_list_dir(const struct iommufd_sys *sys, const char *path, char **names)
{
	*names = NULL;
	for (size_t size = 4096; size <= (size_t)1 << 28; size *= 4) {
		char *buf = malloc(size);
		ssize_t n = buf ? sys->list_dir(sys->data, path, buf, size) : -ENOMEM;

		if (n >= 0) {
			*names = buf;
			return n;
		}
		free(buf);
		if (n != -ERANGE)
			return n;
	}
	return -ENOMEM;
}
