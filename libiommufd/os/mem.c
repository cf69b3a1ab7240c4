/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "os/mem.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

/* After mlockall(MCL_FUTURE) a new page is there before anybody touches it. */
static bool populated_at_once(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char resident = 0;

	if (page == MAP_FAILED)
		return true;
	mincore(page, size, &resident);
	munmap(page, size);
	return resident & 1;
}

void *os_reserve(size_t size)
{
	bool locked = populated_at_once();
	void *area = mmap(NULL, size, locked ? PROT_NONE : PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return NULL;

	/* What is locked must be unlocked while there is nothing to populate. */
	if (locked) {
		munlock(area, size);
		if (mprotect(area, size, PROT_READ | PROT_WRITE)) {
			munmap(area, size);
			return NULL;
		}
	}
	madvise(area, size, MADV_DONTDUMP);
	madvise(area, size, MADV_NOHUGEPAGE);
	return area;
}

void os_release(void *area, size_t size)
{
	if (area)
		munmap(area, size);
}

unsigned char *os_fork_mark(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *mark = mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mark == MAP_FAILED)
		return NULL;
	madvise(mark, size, MADV_WIPEONFORK);
	*mark = 1;
	return mark;
}

void os_fork_mark_free(unsigned char *mark)
{
	if (mark)
		munmap(mark, (size_t)sysconf(_SC_PAGESIZE));
}
