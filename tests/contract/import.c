/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "import.h"

#include <sys/mman.h>

bool can_export(struct fixture *f)
{
	size_t size = 0, count = 0;

	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_DEVICE_FD) == 1)
		return true;
	assert_error(iommufd_ctx_export(f->ctx, NULL, &size, NULL, &count), -EOPNOTSUPP);
	assert_error(iommufd_ctx_disown(f->ctx), -EOPNOTSUPP);
	return false;
}

uint64_t keep_process(struct fixture *f)
{
	return iommufd_ctx_has(f->ctx, IOMMUFD_CAP_CHANGE_PROCESS) == 1 ?
		       0 : IOMMUFD_IMPORT_KEEP_PROCESS;
}

int get_memfd(struct fixture *f, size_t size)
{
	int fd = hold_fd(f, memfd_create("contract", MFD_CLOEXEC));

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

void map_file_at(struct iommufd_ioas *ioas, int fd, uint64_t offset, size_t length, uint64_t iova)
{
	assert_ok(iommufd_ioas_map_file(ioas, fd, offset, length, FIXED_RW, &iova, NULL));
}

struct iommufd_device *get_with_cookie(struct fixture *f, enum place place, uint64_t cookie)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = cookie };
	struct iommufd_device *dev;

	assert_ok(iommufd_device_open(f->ctx, device_name(f, place), &opts, &dev));
	return hold_device(f, dev);
}

void export_ctx(struct iommufd_ctx *ctx, struct exported *e)
{
	e->size = sizeof(e->blob);
	e->count = ARRAY_SIZE(e->fds);
	assert_ok(iommufd_ctx_export(ctx, e->blob, &e->size, e->fds, &e->count));
}

int import(const struct exported *e, uint64_t flags, struct iommufd_import **out)
{
	struct iommufd_import_opts opts = { .size = sizeof(opts), .flags = flags };

	return iommufd_import_new(e->blob, e->size, e->fds, e->count, &opts, out);
}

static void release(void *object)
{
	iommufd_import_unref(object);
}

struct iommufd_import *get_import(struct fixture *f, const struct exported *e, uint64_t flags)
{
	struct iommufd_import *out;

	assert_ok(import(e, flags, &out));
	hold_object(f, out, release);
	return out;
}

struct iommufd_import *succeed(struct fixture *f)
{
	struct exported e;
	uint64_t keep = keep_process(f);

	export_ctx(f->ctx, &e);
	assert_ok(iommufd_ctx_disown(f->ctx));
	return get_import(f, &e, keep);
}

struct iommufd_ctx *ctx_of(struct fixture *f, struct iommufd_import *import)
{
	struct iommufd_ctx *ctx;

	assert_ok(iommufd_import_get_ctx(import, &ctx));
	return hold_ctx(f, ctx);
}

struct iommufd_ioas *find_ioas(struct fixture *f, struct iommufd_import *import, uint32_t id)
{
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_import_find_ioas(import, id, &ioas));
	return hold_ioas(f, ioas);
}

struct iommufd_device *find_cookie(struct fixture *f, struct iommufd_ctx *ctx, uint64_t cookie)
{
	struct iommufd_device *dev;

	assert_ok(iommufd_device_find(ctx, cookie, &dev));
	return hold_device(f, dev);
}

uint32_t ioas_id(struct iommufd_ioas *ioas)
{
	uint32_t id;

	assert_ok(iommufd_ioas_get_id(ioas, &id));
	return id;
}

void seal_blob(struct exported *e)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < e->size; i++)
		if (i < 24 || i >= 32)
			sum = (sum ^ e->blob[i]) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < 8; i++)
		e->blob[24 + i] = (uint8_t)(sum >> 8 * i);
}

int try_import(const struct exported *e, int before)
{
	struct iommufd_import *out = (void *)1;
	int rc = import(e, IOMMUFD_IMPORT_KEEP_PROCESS, &out);

	assert_int_equal(rc != 0, out == NULL);
	if (!rc) {
		struct iommufd_ctx *ctx;

		assert_ok(iommufd_import_get_ctx(out, &ctx));
		assert_ok(iommufd_ctx_disown(ctx)); /* the objects stay the exporter's */
		iommufd_ctx_unref(ctx);
		iommufd_import_unref(out);
	}
	assert_int_equal(count_fds(), before);
	return rc;
}
