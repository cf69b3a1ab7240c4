/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Access to the process's own memory that fails instead of raising a signal. */
#include "emu/machine.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* memcheck does not know what process_vm_writev() leaves in our own memory */
#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif
#ifndef VALGRIND_MAKE_MEM_DEFINED
#define VALGRIND_MAKE_MEM_DEFINED(addr, n) ((void)(addr), (void)(n))
#endif

#ifndef MADV_POPULATE_READ /* Linux 5.14 */
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

typedef ssize_t vm_fn(pid_t pid, const struct iovec *local, unsigned long nr_local,
		      const struct iovec *remote, unsigned long nr_remote, unsigned long flags);

static int transfer(vm_fn *fn, void *local, uint64_t remote, size_t n)
{
	char *at = local;

	if (remote > UINTPTR_MAX || n > UINTPTR_MAX - (uintptr_t)remote)
		return -EFAULT;
	while (n) {
		struct iovec here = { at, n };
		struct iovec there = { (void *)(uintptr_t)remote, n };
		ssize_t r = fn(getpid(), &here, 1, &there, 1, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -EFAULT;
		at += r;
		remote += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

int emu_user_read(void *dst, uint64_t src, size_t n)
{
	return transfer(process_vm_readv, dst, src, n);
}

int emu_user_write(uint64_t dst, const void *src, size_t n)
{
	int r = transfer(process_vm_writev, (void *)(uintptr_t)src, dst, n);

	if (!r)
		VALGRIND_MAKE_MEM_DEFINED((void *)(uintptr_t)dst, n);
	return r;
}

int emu_user_struct(void *dst, size_t known, uint64_t src, size_t n)
{
	size_t at = n < known ? n : known;
	int r = emu_user_read(dst, src, at);

	if (r)
		return r;
	memset((char *)dst + at, 0, known - at);
	while (at < n) {
		unsigned char tail[256];
		size_t len = n - at < sizeof(tail) ? n - at : sizeof(tail);

		r = emu_user_read(tail, src + at, len);
		if (r)
			return r;
		for (size_t i = 0; i < len; i++)
			if (tail[i])
				return -E2BIG;
		at += len;
	}
	return 0;
}

/*
 * For kernels without MADV_POPULATE: an atomic "or 0" made by the kernel tells
 * whether a page may be written, without a chance to lose someone's store.
 */
static int probe_pages(uintptr_t start, uintptr_t end, uintptr_t page, bool writable)
{
	uint32_t dummy = 0;
	char byte;

	for (uintptr_t at = start; at < end; at += page) {
		if (emu_user_read(&byte, at, 1))
			return -EFAULT;
		if (writable && syscall(SYS_futex, &dummy, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0,
					at, FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 1)) < 0)
			return -EFAULT;
	}
	return 0;
}

static bool can_populate(uintptr_t page)
{
	char here;

	return !madvise((void *)((uintptr_t)&here & ~(page - 1)), page, MADV_POPULATE_READ);
}

int emu_user_populate(uint64_t addr, uint64_t n, bool writable)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = (uintptr_t)addr & ~(page - 1);
	uintptr_t end = ((uintptr_t)addr + n + page - 1) & ~(page - 1);
	int advice = writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

	if (addr > UINTPTR_MAX || n > UINTPTR_MAX - addr || end < start)
		return -EFAULT;
	while (madvise((void *)start, end - start, advice)) {
		if (errno == EINTR || errno == EAGAIN)
			continue;
		if (errno == EINVAL && !can_populate(page))
			return probe_pages(start, end, page, writable);
		return -EFAULT;
	}
	return 0;
}
