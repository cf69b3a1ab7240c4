/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "object/diagnose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "os/sysfs.h"

typedef unsigned long long ull; /* for printf */

/* A window that the device's hardware reserves, and the first mapping that touches it. */
static bool find_reserved(const struct iommufd_device *dev, const struct iommufd_ioas *ioas,
			  struct map_entry *m, uint64_t *start, uint64_t *last, char *kind,
			  size_t size)
{
	const struct map_entry *failed = &dev->fd.failed;
	const struct iommufd_sys *sys = dev->ctx->core.sys;

	for (unsigned int i = 0; dev->group >= 0; i++) {
		if (sysfs_reserved_window(sys, dev->group, i, start, last, kind, size))
			return false;
		if (failed->length) {
			*m = *failed;
			if (m->iova <= *last && *start <= m->iova + (m->length - 1))
				return true;
			continue;
		}
		if (iova_map_first_overlap(ioas->map, *start,
					   *last - *start == UINT64_MAX ? UINT64_MAX :
									  *last - *start + 1, m))
			return true;
	}
	return false;
}

static int out_of_reach(struct iommufd_device *dev, struct iommufd_ioas *ioas, const char *call)
{
	const char *remedy = "map within the device's reach: name a window (struct iommufd_map_opts), or let the library choose once it is attached; lift iommufd_ioas_allow() if it is set";
	struct map_entry m = { 0 }, next;
	uint64_t from = 0;

	if (dev->fd.failed.length) {
		m = dev->fd.failed;
		return err(-EADDRINUSE, call, dev->fd.object, remedy,
			   "the mapping at iova %#llx..%#llx of %s is out of the device's reach, or cuts its pages",
			   (ull)m.iova, (ull)m.iova + (m.length - 1), ioas->object);
	}
	while (iova_map_next(ioas->map, from, &next)) {
		m = next;
		from = m.iova + m.length;
		if (!from)
			break;
	}
	if (!m.length)
		return err(-EADDRINUSE, call, dev->fd.object, remedy,
			   "a protected range of %s is out of the device's reach", ioas->object);
	return err(-EADDRINUSE, call, dev->fd.object, remedy,
		   "a mapping or protected range of %s is out of the device's reach; the highest mapping is at iova %#llx..%#llx",
		   ioas->object, (ull)m.iova, (ull)m.iova + (m.length - 1));
}

int diagnose_reserved(struct iommufd_device *dev, struct iommufd_ioas *ioas, const char *call)
{
	struct map_entry m = { 0 };
	uint64_t start, last;
	char kind[24];

	if (!find_reserved(dev, ioas, &m, &start, &last, kind, sizeof(kind)))
		return 0;
	return err(-EADDRINUSE, call, dev->fd.object,
		   "unmap that range and map it elsewhere, best where the library chooses",
		   "the mapping at iova %#llx..%#llx of %s touches %#llx..%#llx, reserved (%s)",
		   (ull)m.iova, (ull)m.iova + (m.length - 1), ioas->object, (ull)start, (ull)last,
		   kind);
}

static int address_in_use(struct iommufd_device *dev, struct iommufd_ioas *ioas, const char *call)
{
	int r = diagnose_reserved(dev, ioas, call);

	return r ? r : out_of_reach(dev, ioas, call);
}

/* Touch what is mapped within from..last, as pinning would, to find the piece that cannot be. */
static bool find_unpinnable(const struct iommufd_ioas *ioas, uint64_t from, uint64_t last,
			    struct map_entry *m)
{
	const struct iommufd_sys *sys = ioas->ctx->core.sys;

	while (iova_map_next(ioas->map, from, m) && m->iova <= last) {
		uint64_t va = engine_va(m);
		int r = 0;

		if (va)
			r = sys_populate(sys, (void *)(uintptr_t)va, m->length,
					 m->prot & IOMMUFD_MAP_WRITE);
		if (r == -EFAULT || r == -EINVAL || r == -ENOMEM || r == -EHWPOISON)
			return true;
		from = m->iova + m->length;
		if (!from)
			break;
	}
	return false;
}

static int no_memory_there(struct iommufd_device *dev, struct iommufd_ioas *ioas, const char *call)
{
	struct map_entry m;
	const struct map_entry *failed = &dev->fd.failed;
	uint64_t last = failed->length ? failed->iova + (failed->length - 1) : UINT64_MAX;
	bool found = failed->length && iova_map_find(ioas->map, failed->iova, &m) &&
		     m.length == failed->length;

	/* In a container neighbours may have failed as one. */
	if (!found && !find_unpinnable(ioas, failed->iova, last, &m))
		m = *failed;
	if (!m.length)
		return err(-EFAULT, call, dev->fd.object, "check what is mapped",
			   "a mapping of %s cannot be pinned", ioas->object);
	/* A file is there as far as it reaches; the kernel that maps it itself says so. */
	if (m.kind == MAP_KIND_FILE)
		return err(-EINVAL, call, dev->fd.object,
			   "unmap it, or make the file as long again",
			   "the mapping at iova %#llx..%#llx of %s (file offset %#llx) reaches past its file",
			   (ull)m.iova, (ull)m.iova + (m.length - 1), ioas->object, (ull)m.offset);
	return err(-EFAULT, call, dev->fd.object,
		   "unmap it, or let the memory exist with the access asked for; a device's only with IOMMUFD_CAP_MAP_DEVICE",
		   "the mapping at iova %#llx..%#llx of %s (va %#llx) cannot be pinned", (ull)m.iova,
		   (ull)m.iova + (m.length - 1), ioas->object, (ull)m.va);
}

/* To look for the mapping that reached the limit would only reach it again. */
static int over_the_limit(struct iommufd_device *dev, struct iommufd_ioas *ioas, const char *call)
{
	const struct map_entry *m = &dev->fd.failed;
	struct rlimit limit = { 0 };
	char at[64] = "";

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (m->length)
		snprintf(at, sizeof(at), ", reached at iova %#llx..%#llx", (ull)m->iova,
			 (ull)m->iova + (m->length - 1));
	return err(-ENOMEM, call, dev->fd.object,
		   "raise RLIMIT_MEMLOCK (or grant CAP_IPC_LOCK), or map less",
		   "%s maps %#llx bytes, to be pinned now; the limit on locked memory is %#llx bytes%s",
		   ioas->object, (ull)iova_map_bytes(ioas->map), (ull)limit.rlim_cur, at);
}

static int too_many_mappings(struct iommufd_device *dev, struct iommufd_ioas *ioas,
			     const char *call)
{
	const struct map_entry *m = &dev->fd.failed;
	unsigned long long before = 0;
	struct map_entry next;

	for (uint64_t from = 0; iova_map_next(ioas->map, from, &next) && next.iova < m->iova;
	     from = next.iova + next.length)
		before++;
	return err(-ENOSPC, call, dev->fd.object,
		   "map larger pieces, or neighbours as one (IOMMUFD_MAP_COALESCE, IOMMUFD_IOAS_COALESCE); or raise vfio_iommu_type1.dma_entry_limit",
		   "%s has %llu mappings; the container's budget of mappings was used up after %llu, at iova %#llx..%#llx",
		   ioas->object, (ull)iova_map_count(ioas->map), before, (ull)m->iova,
		   (ull)m->iova + (m->length ? m->length - 1 : 0));
}

int diagnose_mappings(struct iommufd_device *dev, struct iommufd_ioas *ioas, const char *call,
		      int code)
{
	switch (code) {
	case -EADDRINUSE:
		return address_in_use(dev, ioas, call);
	case -EFAULT:
		return no_memory_there(dev, ioas, call);
	case -ENOMEM:
		return over_the_limit(dev, ioas, call);
	case -ENOSPC:
		return too_many_mappings(dev, ioas, call);
	}
	return 0;
}

int diagnose_attach(struct iommufd_device *dev, struct iommufd_ioas *ioas, int code)
{
	const char *call = transport_call_name(&dev->fd, dev->fd.refused);
	int r = diagnose_mappings(dev, ioas, call, code);

	if (r)
		return r;
	switch (code) {
	case -EUCLEAN:
		if (!dev->fd.group) /* it is closed again, and all is gone */
			break;
		return err(code, call, dev->fd.object,
			   "detach the device if it is attached, else close it",
			   "the container of group %d could neither map %s nor get back to what it was",
			   dev->group, ioas->object);
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
