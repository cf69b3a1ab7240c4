/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The same in every run where possible: tables keyed by address then look the same. */
#define POOL_AT ((void *)(uintptr_t)UINT64_C(0x200000000000))

static int make_pool(struct memory *mem)
{
	uint8_t *at = mmap(POOL_AT, POOL_SIZE + 2 * MIB, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return -errno;
	at += -(uintptr_t)at & (2 * MIB - 1);
	if (mprotect(at, NORMAL_SIZE + READ_ONLY_SIZE, PROT_READ | PROT_WRITE))
		return -errno;
	for (size_t i = 0; i < NORMAL_SIZE + READ_ONLY_SIZE; i++)
		at[i] = (uint8_t)(i / PAGE * 31 + i / 64);
	if (mprotect(at + NORMAL_SIZE, READ_ONLY_SIZE, PROT_READ))
		return -errno;
	mem->pool = at;
	return 0;
}

static int make_file(struct memory *mem)
{
	char path[64];

	mem->fd = memfd_create("diff", MFD_CLOEXEC);
	if (mem->fd < 0 || ftruncate(mem->fd, (off_t)FILE_SIZE))
		return -errno;
	mem->file = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, mem->fd, 0);
	if (mem->file == MAP_FAILED)
		return -errno;
	memset(mem->file, 0x5a, FILE_SIZE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mem->fd);
	mem->fd_read_only = open(path, O_RDONLY | O_CLOEXEC);
	mem->fd_other = open("/dev/zero", O_RDWR | O_CLOEXEC);
	return mem->fd_read_only < 0 || mem->fd_other < 0 ? -errno : 0;
}

int memory_make(struct memory *mem)
{
	int rc = make_pool(mem);

	return rc ? rc : make_file(mem);
}

bool memory_usable(const struct memory *mem, uint64_t va, uint64_t length, bool writing)
{
	uint64_t at = va - (uintptr_t)mem->pool;
	uint64_t size = NORMAL_SIZE + (writing ? 0 : READ_ONLY_SIZE);

	return at <= size && length <= size - at;
}

const char *memory_name(const struct memory *mem, uint64_t va)
{
	static char text[4][40];
	static unsigned int turn;
	uint64_t at = va - (uintptr_t)mem->pool;
	char *out = text[turn++ % 4];

	if (at < NORMAL_SIZE)
		snprintf(out, sizeof(text[0]), "normal+%#llx", (ull)at);
	else if (at < NORMAL_SIZE + READ_ONLY_SIZE)
		snprintf(out, sizeof(text[0]), "readonly+%#llx", (ull)(at - NORMAL_SIZE));
	else if (at < POOL_SIZE)
		snprintf(out, sizeof(text[0]), "absent+%#llx",
			 (ull)(at - NORMAL_SIZE - READ_ONLY_SIZE));
	else
		snprintf(out, sizeof(text[0]), "%#llx", (ull)va);
	return out;
}
