/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * /proc/self/pagemap of a machine whose memory is this process: a present page
 * is at the physical address that is its virtual one.
 */
#include "emu/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "emu/proc.h"

#define ENTRY sizeof(uint64_t)
#define PRESENT (UINT64_C(1) << 63)

bool emu_pagemap_is(const char *path)
{
	const char *rest = emu_proc_own(path);

	return rest && !strcmp(rest, "pagemap");
}

/* Whether a page is present is the running kernel's to say. */
int emu_pagemap_open(struct emu_file *file)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	file->kind = EMU_FILE_PAGEMAP;
	file->pagemap = fd;
	return 0;
}

void emu_pagemap_close(struct emu_file *file)
{
	close(file->pagemap);
}

/* Without privilege the kernel shows that a page is there, and not where. */
ssize_t emu_pagemap_read(struct iommufd_emu *emu, struct emu_file *file, uint64_t user, size_t n,
			 uint64_t offset)
{
	bool show = emu_is_privileged(emu);
	size_t done = 0;

	if (offset % ENTRY || n % ENTRY)
		return -EINVAL;
	while (done < n) {
		uint64_t entry[64];
		size_t want = n - done < sizeof(entry) ? n - done : sizeof(entry);
		ssize_t got = pread(file->pagemap, entry, want, (off_t)(offset + done));
		int r;

		if (got < 0)
			return done ? (ssize_t)done : -errno;
		if (!got)
			break;
		for (size_t i = 0; i < (size_t)got / ENTRY; i++) {
			bool present = entry[i] & PRESENT;

			entry[i] = present ? PRESENT | (show ? (offset + done) / ENTRY + i : 0) : 0;
		}
		r = emu_user_write(user + done, entry, (size_t)got);
		if (r)
			return r;
		done += (size_t)got;
	}
	return (ssize_t)done;
}
