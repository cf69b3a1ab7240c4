/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What a device's hardware reserves, in an IOAS that only PASIDs of it are attached to: the
 * kernel keeps mappings out of these windows for devices alone.
 */
#include <errno.h>
#include <stdlib.h>

#include "object/device.h"
#include "object/diagnose.h"
#include "os/sysfs.h"

typedef unsigned long long ull; /* for printf */

static int read_windows(const struct iommufd_device *dev, const char *function,
			struct ioas_windows *w)
{
	const struct iommufd_sys *sys = dev->ctx->core.sys;
	struct map_range one, *more;
	char kind[24];
	int r = dev->group < 0 ? -ENOENT : 0;

	while (!r) {
		r = sysfs_reserved_window(sys, dev->group, (unsigned int)w->count, &one.start,
					  &one.last, kind, sizeof(kind));
		if (r)
			break;
		more = realloc(w->ranges, (w->count + 1) * sizeof(*more));
		if (!more)
			return err_nomem(function, dev->fd.object);
		w->ranges = more;
		more[w->count++] = one;
	}
	if (r == -ENOENT)
		return 0;
	return err_kernel(r, KNOWN(-ENOMEM), function, dev->fd.object, "check that /sys can be read",
			  "what the hardware of group %d reserves cannot be read", dev->group);
}

static int check_allowed(const struct iommufd_ioas *ioas, const struct iommufd_device *dev,
			 const char *function, const struct ioas_windows *w)
{
	for (size_t i = 0; i < w->count; i++)
		for (size_t j = 0; j < ioas->as.allow_count; j++) {
			const struct iommufd_range *allow = &ioas->as.allow[j];
			struct map_range out = w->ranges[i];

			if (out.last < allow->start || allow->last < out.start)
				continue;
			return err(-EADDRINUSE, function, dev->fd.object,
				   "leave it out of iommufd_ioas_allow()",
				   "the range %#llx..%#llx protected in %s touches %#llx..%#llx, which the hardware reserves",
				   (ull)allow->start, (ull)allow->last, ioas->object,
				   (ull)out.start, (ull)out.last);
		}
	return 0;
}

int ioas_windows_reserve(struct iommufd_ioas *ioas, struct iommufd_device *dev,
			 const char *function, struct ioas_windows **out)
{
	struct ioas_windows *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_nomem(function, dev->fd.object);
	r = read_windows(dev, function, w);
	if (!r && w->count)
		r = diagnose_reserved(dev, ioas, function);
	if (!r)
		r = check_allowed(ioas, dev, function, w);
	w->next = ioas->windows;
	ioas->windows = w;
	if (!r && w->count)
		r = ioas_refresh_ranges(ioas, function);
	if (r)
		ioas_windows_release(ioas, w);
	else
		*out = w;
	return r;
}

void ioas_windows_release(struct iommufd_ioas *ioas, struct ioas_windows *w)
{
	struct ioas_windows **at = &ioas->windows;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	ioas->stale = ioas->stale || w->count;
	free(w->ranges);
	free(w);
}
