/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Whether a table leads to given memory. Physical addresses are not to be had, so
 * it is the place in a shared file that says whether two pages are the same, or,
 * for private memory, the address.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "emu/mock.h"
#include "os/mock.h"

struct place {
	dev_t dev;	/* 0: no file's */
	ino_t ino;
	uint64_t at;	/* in it, or the address */
};

static bool parse(const char *line, uint64_t va, struct place *out)
{
	unsigned long long start, end, offset, ino;
	unsigned int major, minor;
	char mode[5];

	if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu", &start, &end, mode, &offset, &major,
		   &minor, &ino) != 7 ||
	    va < start || va >= end)
		return false;
	if (ino && mode[3] == 's')
		*out = (struct place){ makedev(major, minor), ino, va - start + offset };
	return true;
}

static void place_of_memory(uint64_t va, struct place *out)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	*out = (struct place){ .at = va };
	while (maps && fgets(line, sizeof(line), maps) && !parse(line, va, out))
		;
	if (maps)
		fclose(maps);
}

static void place_of_area(const struct emu_area *area, uint64_t iova, struct place *out)
{
	uint64_t at = area->pages->base + area->offset + (iova - area->start);
	struct stat st;

	if (area->pages->fd < 0)
		place_of_memory(at, out);
	else if (!fstat(area->pages->fd, &st))
		*out = (struct place){ st.st_dev, st.st_ino, at };
}

static int check_page(const struct emu_ioas *ioas, uint64_t iova, uint64_t va)
{
	struct place want = { 0 }, got = { 0 };
	size_t i = emu_ioas_search(ioas, iova);
	char byte;

	if (emu_user_read(&byte, va, 1))
		return -EFAULT;
	if (i == ioas->nr_areas || ioas->areas[i]->start > iova)
		return -EINVAL;
	if (ioas->areas[i]->pages->fd < 0 && emu_area_address(ioas->areas[i], iova) == va)
		return 0;
	place_of_memory(va, &want);
	place_of_area(ioas->areas[i], iova, &got);
	return want.dev == got.dev && want.ino == got.ino && want.at == got.at ? 0 : -EINVAL;
}

int emu_mock_check_map(const struct emu_hwpt *hwpt, uint64_t iova, uint64_t length, uint64_t va)
{
	uint64_t page = hwpt->huge ? EMU_PAGE : K_MOCK_PAGE_SIZE, end;
	int r = 0;

	if (iova % page || length % page || va % page || __builtin_add_overflow(va, length, &end))
		return -EINVAL;
	for (uint64_t at = 0; !r && at < length; at += page)
		r = check_page(hwpt->ioas, iova + at, va + at);
	return r;
}
