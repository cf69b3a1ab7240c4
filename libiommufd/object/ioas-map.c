/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mapping one piece of memory. */
#include <errno.h>

#include "base/opts.h"
#include "object/ioas.h"

typedef unsigned long long ull; /* for printf */

static const char *remedy_of(int code)
{
	switch (code) {
	case -EFAULT:
		return "map memory that exists in this process and allows the access asked for; a device's only with IOMMUFD_CAP_MAP_DEVICE";
	case -ENOMEM:
		return "raise RLIMIT_MEMLOCK (or grant CAP_IPC_LOCK), or map less";
	case -EOPNOTSUPP:
		return "use a memfd or a shared-memory file, on Linux 6.13 or newer";
	case -EBADF:
		return "pass a descriptor that is open for the access asked for";
	case -EINVAL:
		return "map only what lies inside the file";
	}
	return "this is a fault of the library or the kernel: please report it";
}

static int kernel_refused(struct iommufd_ioas *ioas, const struct map_request *req,
			  enum engine_call call, uint64_t iova, int r)
{
	const int *known = call == ENGINE_MAP_FILE ?
		KNOWN(-EFAULT, -ENOMEM, -EOPNOTSUPP, -EBADF, -EINVAL) :
		KNOWN(-EFAULT, -ENOMEM);
	const char *what = req->kind == MAP_KIND_FILE ? "file offset" : "va";

	if (r == -EUCLEAN)
		return err(r, ioas_call(ioas, call), ioas->object,
			   "unmap it; devices of some groups reach it, others do not",
			   "iova %#llx..%#llx could be mapped for some groups only, and not unmapped again: it stays in the IOAS",
			   (ull)iova, (ull)iova + (req->length - 1));
	if (r == -ENOSPC && ioas_is_limited(ioas))
		return ioas_budget_refused(ioas, call);
	return err_kernel(r, known, ioas_call(ioas, call), ioas->object, remedy_of(r),
			  "%s %#llx, length %#llx cannot be mapped at iova %#llx", what,
			  (ull)(req->kind == MAP_KIND_FILE ? req->offset : req->va),
			  (ull)req->length, (ull)iova);
}

int ioas_map_at(struct iommufd_ioas *ioas, const struct map_request *req, uint64_t iova,
		struct iommufd_ioas *from, uint64_t from_iova)
{
	const struct engine_ops *ops = ioas->as.engine->ops;
	bool by_file = req->kind == MAP_KIND_FILE && !req->view;
	struct map_entry m = {
		.iova = iova,
		.length = req->length,
		.va = req->va,
		.offset = req->offset,
		.file = req->view,
		.prot = req->flags & (IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE),
		.kind = req->kind,
	};
	enum engine_call call = from ? ENGINE_COPY : by_file ? ENGINE_MAP_FILE : ENGINE_MAP;
	uint32_t ticket;
	int r;

	/* All memory first: after the kernel's yes nothing may fail. */
	r = iova_map_prepare(ioas->map, &m, &ticket);
	if (unlikely(r))
		return r == -ENOMEM ? err_nomem(req->function, ioas->object) :
		       err(-EIO, req->function, ioas->object, "please report this",
			   "iova %#llx, length %#llx was found free and is not", (ull)iova,
			   (ull)req->length);
	if (from)
		r = ops->copy(&ioas->as, &from->as, from_iova, &m);
	else if (by_file)
		r = ops->map_file(&ioas->as, &m, req->fd);
	else
		r = ops->map(&ioas->as, &m);
	if (unlikely(r && r != -EUCLEAN)) {
		iova_map_abandon(ioas->map, ticket);
		return kernel_refused(ioas, req, call, iova, r);
	}
	if (unlikely(req->view))
		file_view_ref(req->view);
	iova_map_commit(ioas->map, ticket);
	return likely(!r) ? 0 : kernel_refused(ioas, req, call, iova, r);
}

int ioas_map_locked(struct iommufd_ioas *ioas, const struct map_request *req, uint64_t *iova)
{
	int r = ioas_place(ioas, req, iova);

	if (unlikely(r))
		return r;
	r = ioas_map_at(ioas, req, *iova, NULL, 0);
	if (unlikely(r && r != -EUCLEAN))
		iova_alloc_put(ioas->alloc, *iova, req->length);
	return r;
}

int ioas_map_request(struct iommufd_ioas *ioas, struct map_request *req, uint64_t *iova,
		     const struct iommufd_map_opts *opts)
{
	uint64_t place;
	int r;

	if (!iova)
		return err_null(req->function, "iova");
	if (unlikely(opts)) {
		r = opts_get(req->function, &req->opts, sizeof(req->opts), opts);
		if (r)
			return r;
	}
	if (req->flags & IOMMUFD_MAP_FIXED)
		req->iova = *iova;
	pthread_mutex_lock(&ioas->lock);
	r = ioas_fresh_ranges(ioas, req->function);
	if (likely(!r))
		r = map_request_check(ioas, req);
	if (unlikely(!r && req->kind == MAP_KIND_FILE))
		r = ioas_file_prepare(ioas, req);
	if (likely(!r))
		r = ioas_map_locked(ioas, req, &place);
	pthread_mutex_unlock(&ioas->lock);
	if (likely(!r) || r == -EUCLEAN)
		*iova = place;
	return r;
}

IOMMUFD_EXPORT int iommufd_ioas_map(struct iommufd_ioas *ioas, void *va, size_t length,
				    uint32_t flags, uint64_t *iova,
				    const struct iommufd_map_opts *opts)
{
	struct map_request req = {
		.function = __func__,
		.kind = MAP_KIND_VA,
		.va = (uintptr_t)va,
		.length = length,
		.flags = flags,
	};
	int r = ioas_check(ioas, __func__);

	if (unlikely(r))
		return r;
	r = va ? ioas_map_request(ioas, &req, iova, opts) : err_null(__func__, "va");
	return err_log(&ioas->ctx->core.log, r);
}
