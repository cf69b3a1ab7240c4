/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Mapping files: by the kernel where it can, else by mapping the file into this
 * process first. The caller sees no difference.
 */
#include <errno.h>
#include <stdio.h>

#include "object/ioas.h"

typedef unsigned long long ull; /* for printf */

static bool kernel_maps_files(const struct engine *e)
{
	return e->ops->map_file && engine_has(e, IOMMUFD_CAP_MAP_FILE);
}

/* The kernel would find out when it pins, which may be at an attach much later. */
static int check_file(struct iommufd_ioas *ioas, const struct map_request *req,
		      struct sys_file *file)
{
	const struct iommufd_sys *sys = ioas->ctx->core.sys;
	int r = sys->file_facts(sys->data, req->fd, file);

	if (r)
		return err_kernel(r, KNOWN(-EBADF, -ENOMEM), "fstat", ioas->object,
				  "pass an open descriptor", "descriptor %d", req->fd);
	if (!file->shared_memory)
		return err(-EOPNOTSUPP, req->function, ioas->object,
			   "use a memfd or a file in a tmpfs or hugetlbfs; map other files with mmap and iommufd_ioas_map()",
			   "descriptor %d is not of a memfd or shared-memory file", req->fd);
	if (req->flags & IOMMUFD_MAP_WRITE ? !file->writable : !file->readable)
		return err(-EBADF, req->function, ioas->object,
			   "open the file for the access that devices shall have",
			   "descriptor %d is not open for %s", req->fd,
			   req->flags & IOMMUFD_MAP_WRITE ? "writing" : "reading");
	if (req->flags & IOMMUFD_MAP_WRITE && file->sealed)
		return err(-EPERM, req->function, ioas->object, "ask for read access only",
			   "descriptor %d is sealed against writing", req->fd);
	if (req->offset > file->size || req->length > file->size - req->offset)
		return err(-EINVAL, req->function, ioas->object,
			   "map only what lies inside the file, or make the file longer",
			   "offset %#llx, length %#llx reaches past the end of the file, %#llx",
			   (ull)req->offset, (ull)req->length, (ull)file->size);
	return 0;
}


/*
 * Before Linux 6.7 a file sealed against writing can only be mapped through a
 * descriptor that could not write anyway.
 */
static int view_of_sealed(const struct iommufd_sys *sys, int fd, uint64_t start, uint64_t length,
			  struct file_view **view)
{
	char path[32];
	int reading, r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reading = sys_open(sys, path, O_RDONLY);
	if (reading < 0)
		return -EPERM;
	r = file_view_new(sys, reading, start, length, PROT_READ, view);
	sys_close(sys, &reading);
	return r;
}

/* Whole pages of the file's own size: huge ones cannot be unmapped in part. */
static int make_view(struct iommufd_ioas *ioas, struct map_request *req,
		     const struct sys_file *file)
{
	const struct iommufd_sys *sys = ioas->ctx->core.sys;
	uint64_t page = ioas->ctx->core.page_size;
	uint64_t mask = (file->block > page ? file->block : page) - 1;
	uint64_t start = req->offset & ~mask;
	uint64_t length = ((req->offset + req->length + mask) & ~mask) - start;
	bool writes = req->flags & IOMMUFD_MAP_WRITE;
	int r;

	if (!file->readable)
		return err(-EBADF, req->function, ioas->object,
			   "open the file for reading too, or use Linux 6.13 or newer",
			   "descriptor %d is not open for reading, and the kernel maps files only by address",
			   req->fd);
	r = file_view_new(sys, req->fd, start, length, PROT_READ | (writes ? PROT_WRITE : 0),
			  &req->view);
	if (r == -EPERM && !writes)
		r = view_of_sealed(sys, req->fd, start, length, &req->view);
	if (r == -EAGAIN)
		r = -ENOMEM; /* of memory that may be locked: mlockall() was called */
	if (!r)
		return 0;
	return err_kernel(r, KNOWN(-ENOMEM, -EPERM), "mmap", ioas->object,
			  r == -ENOMEM ? "raise RLIMIT_AS, free address space, or map less" :
					 "see the file's seals",
			  "offset %#llx, length %#llx of descriptor %d cannot be mapped into the process",
			  (ull)start, (ull)length, req->fd);
}

int ioas_file_prepare(struct iommufd_ioas *ioas, struct map_request *req)
{
	struct sys_file file;
	int r = check_file(ioas, req, &file);

	if (r || kernel_maps_files(ioas->as.engine))
		return r;
	return make_view(ioas, req, &file);
}

IOMMUFD_EXPORT int iommufd_ioas_map_file(struct iommufd_ioas *ioas, int fd, uint64_t offset,
					 size_t length, uint32_t flags, uint64_t *iova,
					 const struct iommufd_map_opts *opts)
{
	struct map_request req = {
		.function = __func__,
		.kind = MAP_KIND_FILE,
		.fd = fd,
		.offset = offset,
		.length = length,
		.flags = flags,
	};
	int r = ioas_check(ioas, __func__);

	if (r)
		return r;
	if (fd < 0)
		r = err(-EBADF, __func__, "fd", "pass an open descriptor",
			"descriptor %d is not open", fd);
	else
		r = ioas_map_request(ioas, &req, iova, opts);
	file_view_unref(req.view); /* mappings made of it have their own */
	return err_log(&ioas->ctx->core.log, r);
}
