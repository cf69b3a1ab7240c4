/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The only door to the kernel. Every system call the library makes on behalf
 * of a context goes through one table, so that the emulated kernel can stand
 * behind it and any call can be made to fail.
 *
 * Each entry answers what the system call answers, except that an error comes
 * back as a negative errno and never through errno. EINTR is retried by the
 * wrappers below, not by the table.
 */
#ifndef OS_SYS_H
#define OS_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>

/* Bumped whenever the table changes: an emulator of another build is refused. */
#define SYS_ABI 7

/* What decides whether a file can be mapped for DMA. */
struct sys_file {
	uint64_t size;
	uint64_t block;     /* of a hugetlbfs: its page size, of which mappings are multiples */
	bool shared_memory; /* memfd, shmem or hugetlbfs */
	bool readable, writable; /* as it was opened */
	bool sealed;        /* against writing */
};

struct iommufd_sys {
	uint32_t abi;
	uint32_t size;
	void *data; /* first argument of every call */

	void (*ref)(void *data);
	void (*unref)(void *data);

	int (*open)(void *data, const char *path, int flags); /* adds O_CLOEXEC */
	int (*close)(void *data, int fd);
	int (*dup)(void *data, int fd); /* F_DUPFD_CLOEXEC */
	int (*ioctl)(void *data, int fd, unsigned long request, void *arg);
	ssize_t (*pread)(void *data, int fd, void *buf, size_t n, uint64_t offset);
	ssize_t (*pwrite)(void *data, int fd, const void *buf, size_t n, uint64_t offset);
	int (*mmap)(void *data, size_t n, int prot, int fd, uint64_t offset, void **out);
	int (*munmap)(void *data, void *addr, size_t n);
	int (*populate)(void *data, void *addr, size_t n, int writable); /* MADV_POPULATE_* */
	/* The same for Linux before 5.14, which answers EINVAL; slower. */
	int (*touch)(void *data, void *addr, size_t n, int writable);
	int (*lock_memory)(void *data, void *addr, size_t n, int on); /* mlock, munlock */
	ssize_t (*read)(void *data, int fd, void *buf, size_t n);
	ssize_t (*write)(void *data, int fd, const void *buf, size_t n);
	/* A descriptor that is readable when devices or drivers come and go; non-blocking. */
	int (*uevents)(void *data);

	/* Facts from sysfs. Paths are absolute, as on the running system. */
	ssize_t (*read_file)(void *data, const char *path, char *buf, size_t n);
	ssize_t (*read_link)(void *data, const char *path, char *buf, size_t n);
	/* Names in a directory, each ended by NUL; the count of bytes, or -ERANGE. */
	ssize_t (*list_dir)(void *data, const char *path, char *buf, size_t n);
	int (*exists)(void *data, const char *path); /* 0 or the errno of lstat */
	int (*file_facts)(void *data, int fd, struct sys_file *out);
	/* Major and minor of a character device fd; -ENOTTY for another kind of file. */
	int (*char_device)(void *data, int fd, unsigned int *major, unsigned int *minor);
};

/* The running kernel. */
const struct iommufd_sys *sys_kernel(void);

/* 0 if @sys is a table of this build, -EINVAL otherwise. */
int sys_check(const struct iommufd_sys *sys);

int sys_open(const struct iommufd_sys *sys, const char *path, int flags);
int sys_dup(const struct iommufd_sys *sys, int fd);
/* Closes *fd if it is not -1 and sets it to -1. */
void sys_close(const struct iommufd_sys *sys, int *fd);
/* One transfer, as long as the file makes it and never longer; 0 is that there is nothing. */
ssize_t sys_read(const struct iommufd_sys *sys, int fd, void *buf, size_t n);
ssize_t sys_write(const struct iommufd_sys *sys, int fd, const void *buf, size_t n);
/* On the way of every mapping, so in line. */
static inline int sys_ioctl(const struct iommufd_sys *sys, int fd, unsigned long request, void *arg)
{
	int r;

	do
		r = sys->ioctl(sys->data, fd, request, arg);
	while (r == -EINTR);
	return r == -EUCLEAN ? -EIO : r; /* ours, for what could not be undone: no kernel says it */
}
/* Whole transfers: a short one goes on, end of file inside the range is -EIO. */
int sys_pread(const struct iommufd_sys *sys, int fd, void *buf, size_t n, uint64_t offset);
int sys_pwrite(const struct iommufd_sys *sys, int fd, const void *buf, size_t n, uint64_t offset);
int sys_mmap(const struct iommufd_sys *sys, size_t n, int prot, int fd, uint64_t offset, void **out);
int sys_munmap(const struct iommufd_sys *sys, void *addr, size_t n);
/* Make pages exist, on any kernel. Of memory that cannot: -EFAULT, -EINVAL or -ENOMEM. */
int sys_populate(const struct iommufd_sys *sys, void *addr, size_t n, int writable);
int sys_lock_memory(const struct iommufd_sys *sys, void *addr, size_t n, int on);
/* All names in a directory, however many, each ended by NUL; the count of bytes. Free *names. */
ssize_t sys_list_dir(const struct iommufd_sys *sys, const char *path, char **names);

#endif
