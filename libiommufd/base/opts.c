/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "base/opts.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

/* More than any release will ever need; a larger one is an uninitialised field. */
#define OPTS_SIZE_MAX 4096

int opts_get(const char *function, void *ours, size_t size, const void *theirs)
{
	const unsigned char *bytes = theirs;
	size_t given;

	memset(ours, 0, size);
	if (!theirs)
		return 0;
	memcpy(&given, theirs, sizeof(given));
	if (given < sizeof(given) || given > OPTS_SIZE_MAX)
		return err(given ? -E2BIG : -EINVAL, function, "opts",
			   "set the size field to the sizeof of the struct",
			   "the size field of the options is %zu", given);
	for (size_t i = size; i < given; i++)
		if (bytes[i])
			return err(-E2BIG, function, "opts",
				   "leave newer fields zero, or use a newer release of the library",
				   "byte %zu of the options is set; this release knows %zu bytes",
				   i, size);
	memcpy(ours, theirs, given < size ? given : size);
	return 0;
}

int opts_flags(const char *function, uint64_t flags, uint64_t known)
{
	if (flags & ~known)
		return err(-EOPNOTSUPP, function, "flags",
			   "leave the flag out, or use a newer release of the library",
			   "flags %#llx are unknown", (unsigned long long)(flags & ~known));
	return 0;
}

int opts_put(const char *function, void *theirs, const void *ours, size_t size)
{
	size_t room;

	if (!theirs)
		return err_null(function, "info");
	memcpy(&room, theirs, sizeof(room));
	if (room < sizeof(room) || room > OPTS_SIZE_MAX)
		return err(-EINVAL, function, "info",
			   "set the size field to the sizeof of the struct before the call",
			   "the size field is %zu", room);
	/* What a newer program knows and we do not is zero, not what was there. */
	if (room > size) {
		memset((char *)theirs + size, 0, room - size);
		room = size;
	}
	memcpy((char *)theirs + sizeof(size_t), (const char *)ours + sizeof(size_t),
	       room - sizeof(size_t));
	return 0;
}
