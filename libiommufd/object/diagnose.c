/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "object/diagnose.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "os/sysfs.h"

typedef unsigned long long ull; /* for printf */

/* The first mapping that touches a window which the device's hardware reserves. */
static bool find_reserved(const struct iommufd_device *dev, const struct iommufd_ioas *ioas,
			  struct map_entry *m, uint64_t *start, uint64_t *last, char *kind,
			  size_t size)
{
	const struct iommufd_sys *sys = dev->ctx->core.sys;

	for (unsigned int i = 0; dev->group >= 0; i++) {
		if (sysfs_reserved_window(sys, dev->group, i, start, last, kind, size))
			return false;
		if (iova_map_first_overlap(ioas->map, *start,
					   *last - *start == UINT64_MAX ? UINT64_MAX :
									  *last - *start + 1, m))
			return true;
	}
	return false;
}

static int address_in_use(struct iommufd_device *dev, struct iommufd_ioas *ioas, const char *call)
{
	struct map_entry m = { 0 }, next;
	uint64_t start, last, from = 0;
	char kind[24];

	if (find_reserved(dev, ioas, &m, &start, &last, kind, sizeof(kind)))
		return err(-EADDRINUSE, call, dev->fd.object,
			   "unmap that range and map it elsewhere, best where the library chooses",
			   "the mapping at iova %#llx..%#llx of %s touches %#llx..%#llx, reserved (%s)",
			   (ull)m.iova, (ull)m.iova + (m.length - 1), ioas->object, (ull)start,
			   (ull)last, kind);
	while (iova_map_next(ioas->map, from, &next)) {
		m = next;
		from = m.iova + m.length;
		if (!from)
			break;
	}
	return err(-EADDRINUSE, call, dev->fd.object,
		   "map below the width of the IOMMU, best where the library chooses; lift iommufd_ioas_allow() if it is set",
		   "a mapping or protected range of %s is out of the device's reach; the highest mapping is at iova %#llx..%#llx",
		   ioas->object, (ull)m.iova, (ull)m.iova + (m.length ? m.length - 1 : 0));
}

/* Touch what is mapped, as pinning would, to find the piece that cannot be. */
static bool find_unpinnable(const struct iommufd_ioas *ioas, struct map_entry *m)
{
	const struct iommufd_sys *sys = ioas->ctx->core.sys;
	uint64_t from = 0;

	while (iova_map_next(ioas->map, from, m)) {
		int r = 0;

		if (m->kind == MAP_KIND_VA)
			r = sys_populate(sys, (void *)(uintptr_t)m->va, m->length,
					 m->prot & IOMMUFD_MAP_WRITE);
		if (r == -EFAULT || r == -EINVAL || r == -ENOMEM || r == -EHWPOISON)
			return true;
		from = m->iova + m->length;
		if (!from)
			break;
	}
	return false;
}

static int cannot_pin(struct iommufd_device *dev, struct iommufd_ioas *ioas, int code,
		      const char *call)
{
	struct rlimit limit = { 0 };
	struct map_entry m;

	/* For a limit that was reached the walk would only reach it again. */
	if (code == -EFAULT && find_unpinnable(ioas, &m))
		return err(code, call, dev->fd.object,
			   "unmap it, or let the memory exist with the access asked for",
			   "the mapping at iova %#llx..%#llx of %s (va %#llx) cannot be pinned",
			   (ull)m.iova, (ull)m.iova + (m.length - 1), ioas->object, (ull)m.va);
	if (code != -ENOMEM)
		return err(code, call, dev->fd.object, "check what is mapped",
			   "a mapping of %s cannot be pinned", ioas->object);
	getrlimit(RLIMIT_MEMLOCK, &limit);
	return err(code, call, dev->fd.object,
		   "raise RLIMIT_MEMLOCK (or grant CAP_IPC_LOCK), or map less",
		   "%s maps %#llx bytes, to be pinned now; the limit on locked memory is %#llx bytes",
		   ioas->object, (ull)iova_map_bytes(ioas->map), (ull)limit.rlim_cur);
}

int diagnose_attach(struct iommufd_device *dev, struct iommufd_ioas *ioas, int code)
{
	const char *call = transport_call_name(&dev->fd, dev->fd.refused);

	switch (code) {
	case -EADDRINUSE:
		return address_in_use(dev, ioas, call);
	case -EFAULT:
	case -ENOMEM:
		return cannot_pin(dev, ioas, code, call);
	case -EINVAL:
		return err(code, call, dev->fd.object,
			   "give the device an IOAS of its own; attach all devices of its group to the same one",
			   "the device's IOMMU cannot use %s, another user of group %d has a different one, or a file mapping reaches past its file",
			   ioas->object, dev->group);
	}
	return err_kernel(code, KNOWN(-ENODEV, -EBUSY), call, dev->fd.object,
			  code == -EBUSY ? "a device of the group is being reset: try again" :
					   "check that the device is still there",
			  "the device cannot be attached to %s", ioas->object);
}
