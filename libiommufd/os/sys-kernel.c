/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The system-call table of the running kernel. */
#include "os/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ /* Linux 5.14 */
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static void kernel_ref(void *data)
{
	(void)data;
}

static int kernel_open(void *data, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	(void)data;
	return fd < 0 ? -errno : fd;
}

static int kernel_close(void *data, int fd)
{
	(void)data;
	return close(fd) ? -errno : 0;
}

static int kernel_dup(void *data, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	(void)data;
	return copy < 0 ? -errno : copy;
}

static int kernel_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	int r = ioctl(fd, request, arg);

	(void)data;
	return r < 0 ? -errno : r;
}

static ssize_t kernel_pread(void *data, int fd, void *buf, size_t n, uint64_t offset)
{
	ssize_t r = pread(fd, buf, n, (off_t)offset);

	(void)data;
	return r < 0 ? -errno : r;
}

static ssize_t kernel_pwrite(void *data, int fd, const void *buf, size_t n, uint64_t offset)
{
	ssize_t r = pwrite(fd, buf, n, (off_t)offset);

	(void)data;
	return r < 0 ? -errno : r;
}

static int kernel_mmap(void *data, size_t n, int prot, int fd, uint64_t offset, void **out)
{
	void *addr = mmap(NULL, n, prot, MAP_SHARED, fd, (off_t)offset);

	(void)data;
	if (addr == MAP_FAILED)
		return -errno;
	*out = addr;
	return 0;
}

static int kernel_munmap(void *data, void *addr, size_t n)
{
	(void)data;
	return munmap(addr, n) ? -errno : 0;
}

static int kernel_populate(void *data, void *addr, size_t n, int writable)
{
	(void)data;
	return madvise(addr, n, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) ? -errno : 0;
}

/*
 * An "or 0" that the kernel makes can be refused and loses nobody's store. Never
 * for a device's memory: a register may mind. The comparison is to wake nobody.
 */
static int touch_for_writing(uintptr_t at)
{
	uint32_t own = 0;
	long r = syscall(SYS_futex, &own, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, NULL, at,
			 FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0x800));

	return r < 0 ? -errno : 0;
}

/* Reading as a debugger would comes first: it keeps away from memory of devices. */
static int kernel_touch(void *data, void *addr, size_t n, int writable)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t at = (uintptr_t)addr & ~(page - 1), end = (uintptr_t)addr + n;
	struct iovec there[64];
	char bytes[64];

	(void)data;
	while (at < end) {
		struct iovec here = { bytes, 0 };
		ssize_t got;
		int r = 0;

		for (; here.iov_len < sizeof(bytes) && at < end; at += page)
			there[here.iov_len++] = (struct iovec){ (void *)at, 1 };
		got = process_vm_readv(getpid(), &here, 1, there, here.iov_len, 0);
		if (got != (ssize_t)here.iov_len)
			return got < 0 ? -errno : -EFAULT;
		for (ssize_t i = 0; writable && !r && i < got; i++)
			r = touch_for_writing((uintptr_t)there[i].iov_base);
		if (r)
			return r;
	}
	return 0;
}

static int kernel_lock_memory(void *data, void *addr, size_t n, int on)
{
	(void)data;
	return (on ? mlock(addr, n) : munlock(addr, n)) ? -errno : 0;
}

static ssize_t kernel_read(void *data, int fd, void *buf, size_t n)
{
	ssize_t r = read(fd, buf, n);

	(void)data;
	return r < 0 ? -errno : r;
}

static ssize_t kernel_write(void *data, int fd, const void *buf, size_t n)
{
	ssize_t r = write(fd, buf, n);

	(void)data;
	return r < 0 ? -errno : r;
}

/* Only the kernel's own messages: udev's come later, and not where it does not run. */
static int kernel_uevents(void *data)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	(void)data;
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static ssize_t kernel_read_file(void *data, const char *path, char *buf, size_t n)
{
	int fd = kernel_open(data, path, O_RDONLY);
	ssize_t r;

	if (fd < 0)
		return fd;
	r = kernel_pread(data, fd, buf, n, 0);
	close(fd);
	return r;
}

static ssize_t kernel_read_link(void *data, const char *path, char *buf, size_t n)
{
	ssize_t r = readlink(path, buf, n);

	(void)data;
	return r < 0 ? -errno : r;
}

static ssize_t kernel_list_dir(void *data, const char *path, char *buf, size_t n)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t used = 0;

	(void)data;
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name) + 1;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (used + len > n) {
			closedir(dir);
			return -ERANGE;
		}
		memcpy(buf + used, entry->d_name, len);
		used += len;
	}
	closedir(dir);
	return (ssize_t)used;
}

static int kernel_exists(void *data, const char *path)
{
	struct stat st;

	(void)data;
	return lstat(path, &st) ? -errno : 0;
}

static int kernel_file_facts(void *data, int fd, struct sys_file *out)
{
	int mode = fcntl(fd, F_GETFL), seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	(void)data;
	if (mode < 0 || fstat(fd, &st))
		return -errno;
	*out = (struct sys_file){
		.size = (uint64_t)st.st_size,
		.block = (uint64_t)st.st_blksize,
		.shared_memory = seals >= 0, /* no other file system has seals */
		.readable = (mode & O_ACCMODE) != O_WRONLY,
		.writable = (mode & O_ACCMODE) != O_RDONLY,
		.sealed = seals >= 0 && seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE),
	};
	return 0;
}

static int kernel_char_device(void *data, int fd, unsigned int *maj, unsigned int *min)
{
	struct stat st;

	(void)data;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISCHR(st.st_mode))
		return -ENOTTY;
	*maj = major(st.st_rdev);
	*min = minor(st.st_rdev);
	return 0;
}

const struct iommufd_sys *sys_kernel(void)
{
	static const struct iommufd_sys table = {
		.abi = SYS_ABI,
		.size = sizeof(table),
		.ref = kernel_ref,
		.unref = kernel_ref,
		.open = kernel_open,
		.close = kernel_close,
		.dup = kernel_dup,
		.ioctl = kernel_ioctl,
		.pread = kernel_pread,
		.pwrite = kernel_pwrite,
		.mmap = kernel_mmap,
		.munmap = kernel_munmap,
		.populate = kernel_populate,
		.touch = kernel_touch,
		.lock_memory = kernel_lock_memory,
		.read = kernel_read,
		.write = kernel_write,
		.uevents = kernel_uevents,
		.read_file = kernel_read_file,
		.read_link = kernel_read_link,
		.list_dir = kernel_list_dir,
		.exists = kernel_exists,
		.file_facts = kernel_file_facts,
		.char_device = kernel_char_device,
	};

	return &table;
}
