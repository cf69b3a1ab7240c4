/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the public functions are given: structures with a size, device names. */
#include "emu/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int emu_opts_get(void *dst, size_t known, const void *src)
{
	size_t size;

	memcpy(&size, src, sizeof(size));
	if (size < sizeof(size))
		return -EINVAL;
	for (size_t i = known; i < size; i++)
		if (((const unsigned char *)src)[i])
			return -E2BIG;
	memset(dst, 0, known);
	memcpy(dst, src, size < known ? size : known);
	return 0;
}

static bool parse_hex(const char **at, int digits, unsigned int max, char end, unsigned int *out)
{
	*out = 0;
	for (int i = 0; i < digits; i++, (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			*out = *out * 16 + (unsigned int)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*out = *out * 16 + (unsigned int)(c - 'a' + 10);
		else
			return false;
	}
	return *out <= max && *(*at)++ == end;
}

bool emu_bdf_parse(const char *bdf, unsigned int *domain, unsigned int *bus, unsigned int *devfn)
{
	unsigned int dev, fn;

	if (!parse_hex(&bdf, 4, 0xffff, ':', domain) || !parse_hex(&bdf, 2, 0xff, ':', bus) ||
	    !parse_hex(&bdf, 2, 0x1f, '.', &dev) || !parse_hex(&bdf, 1, 7, '\0', &fn))
		return false;
	*devfn = dev << 3 | fn;
	return true;
}
