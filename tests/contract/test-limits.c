/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Users who may not do everything: privilege, permissions, memory to lock. */
#include "shape.h"

#include <sys/mman.h>

#define MUCH (16 * SHAPE_LOCKABLE)

/* A device, two address spaces and more memory than may be locked. */
struct setting {
	struct iommufd_ctx *ctx;
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas, *other;
	uint8_t *data;
};

static int open_setting(struct setting *s, const struct iommufd_ctx_opts *opts, const char *device)
{
	*s = (struct setting){ 0 };
	s->data = mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return iommufd_ctx_new(opts, &s->ctx) ||
	       iommufd_device_open(s->ctx, device, NULL, &s->dev) ||
	       iommufd_ioas_new(s->ctx, NULL, &s->ioas) ||
	       iommufd_ioas_new(s->ctx, NULL, &s->other);
}

static void close_setting(struct setting *s)
{
	iommufd_device_unref(s->dev);
	iommufd_ioas_unref(s->ioas);
	iommufd_ioas_unref(s->other);
	iommufd_ctx_unref(s->ctx);
	munmap(s->data, MUCH);
}

static int map(struct iommufd_ioas *ioas, uint8_t *data, size_t length, uint64_t iova)
{
	return iommufd_ioas_map(ioas, data, length, FIXED_RW, &iova, NULL);
}

/* What remains after a refusal: so many mappings, this attachment, and a small one still fits. */
static bool unchanged(struct setting *s, size_t mappings, struct iommufd_ioas *attached_to)
{
	struct iommufd_ioas *ioas = NULL;
	bool same = !iommufd_device_get_ioas(s->dev, &ioas) && ioas == attached_to;

	iommufd_ioas_unref(ioas);
	return same && count_mappings(s->ioas) == mappings &&
	       !map(s->ioas, s->data, PAGE, 0x10000);
}

static int ask_map(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct setting s;
	int rc = 1;

	if (!open_setting(&s, opts, device) && !iommufd_device_attach(s.dev, s.ioas)) {
		rc = answer(map(s.ioas, s.data, MUCH, 0x20000));
		if (!unchanged(&s, 0, s.ioas))
			rc = 2;
	}
	close_setting(&s);
	return rc;
}

static int ask_mapv(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct iommufd_map_vec vec[2];
	struct setting s;
	size_t failed = 77;
	int rc = 1;

	if (!open_setting(&s, opts, device) && !iommufd_device_attach(s.dev, s.ioas)) {
		vec[0] = (struct iommufd_map_vec){ s.data, PAGE, 0 };
		vec[1] = (struct iommufd_map_vec){ s.data, MUCH, 0 };
		rc = answer(iommufd_ioas_mapv(s.ioas, vec, 2, MAP_RW, NULL, &failed));
		if (failed != 1 || !unchanged(&s, 0, s.ioas))
			rc = 2;
	}
	close_setting(&s);
	return rc;
}

static int ask_map_file(const struct iommufd_ctx_opts *opts, const char *device)
{
	int rc = 1, fd = memfd_create("limits", MFD_CLOEXEC);
	uint64_t iova = 0x20000;
	struct setting s;

	if (!open_setting(&s, opts, device) && !iommufd_device_attach(s.dev, s.ioas) &&
	    !ftruncate(fd, MUCH)) {
		rc = answer(iommufd_ioas_map_file(s.ioas, fd, 0, MUCH, FIXED_RW, &iova, NULL));
		if (!unchanged(&s, 0, s.ioas))
			rc = 2;
	}
	close_setting(&s);
	close(fd);
	return rc;
}

static int ask_copy(const struct iommufd_ctx_opts *opts, const char *device)
{
	uint64_t iova = 0x20000;
	struct setting s;
	int rc = 1;

	if (!open_setting(&s, opts, device) && !iommufd_device_attach(s.dev, s.ioas) &&
	    !map(s.other, s.data, MUCH, 0x10000)) {
		rc = answer(iommufd_ioas_copy(s.ioas, s.other, 0x10000, MUCH, FIXED_RW, &iova,
					      NULL));
		if (!unchanged(&s, 0, s.ioas) || count_mappings(s.other) != 1)
			rc = 2;
	}
	close_setting(&s);
	return rc;
}

static int ask_attach(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct setting s;
	int rc = 1;

	if (!open_setting(&s, opts, device) && !map(s.ioas, s.data, MUCH, 0x20000)) {
		rc = answer(iommufd_device_attach(s.dev, s.ioas));
		if (!unchanged(&s, 1, NULL))
			rc = 2;
	}
	close_setting(&s);
	return rc;
}

static int ask_replace(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct setting s;
	int rc = 1;

	if (!open_setting(&s, opts, device) && !iommufd_device_attach(s.dev, s.ioas) &&
	    !map(s.other, s.data, MUCH, 0x20000)) {
		rc = answer(iommufd_device_replace(s.dev, s.other));
		if (!unchanged(&s, 0, s.ioas))
			rc = 2;
	}
	close_setting(&s);
	return rc;
}

#define LOCK_LIMIT(what) \
	static void what##_over_the_lock_limit_enomem(void **state) \
	{ \
		assert_int_equal(ask_in_shape(*state, SHAPE_LITTLE_MEMORY, ask_##what), -ENOMEM); \
	}

LOCK_LIMIT(map)
LOCK_LIMIT(mapv)
LOCK_LIMIT(map_file)
LOCK_LIMIT(copy)
LOCK_LIMIT(attach)
LOCK_LIMIT(replace)

static int ask_from_fd(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct iommufd_ctx_opts more = *opts;
	struct iommufd_ctx *ctx, *adopted = NULL;
	int rc;

	(void)device;
	rc = answer(iommufd_ctx_new(opts, &ctx));
	if (rc) /* without an IOMMU it takes privilege too */
		return rc;
	more.flags |= IOMMUFD_CTX_RLIMIT_PROCESS;
	rc = iommufd_ctx_get_fd(ctx);
	if (rc >= 0)
		rc = answer(iommufd_ctx_from_fd(rc, &more, &adopted));
	iommufd_ctx_unref(ctx);
	return adopted ? 2 : rc;
}

static void ctx_from_fd_rlimit_unprivileged_eperm(void **state)
{
	struct fixture *f = *state;

	if (has_containers(f)) { /* charged to the process as they are, whoever opens them */
		assert_int_equal(ask_in_shape(f, SHAPE_UNPRIVILEGED, ask_from_fd), -EOPNOTSUPP);
		return;
	}
	assert_int_equal(ask_in_shape(*state, SHAPE_UNPRIVILEGED, ask_from_fd), -EPERM);
}

static int ask_open(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct iommufd_device *dev = NULL;
	struct iommufd_ctx *ctx;
	int rc = answer(iommufd_ctx_new(opts, &ctx));

	if (rc)
		return rc;
	rc = answer(iommufd_device_open(ctx, device, NULL, &dev));
	iommufd_ctx_unref(ctx);
	return dev ? 2 : rc;
}

static void device_open_no_permission_eacces(void **state)
{
	int rc = ask_in_shape(*state, SHAPE_NO_DEVICE_PERMISSION, ask_open);

	/* Without an IOMMU such a user may not even have the context. */
	assert_true(rc == -EACCES || (rc == -EPERM && !contract_is_isolated()));
}

static const struct CMUnitTest cases[] = {
	CASE(map_over_the_lock_limit_enomem),
	CASE(mapv_over_the_lock_limit_enomem),
	CASE(map_file_over_the_lock_limit_enomem),
	CASE(copy_over_the_lock_limit_enomem),
	CASE(attach_over_the_lock_limit_enomem),
	CASE(replace_over_the_lock_limit_enomem),
	CASE(ctx_from_fd_rlimit_unprivileged_eperm),
	CASE(device_open_no_permission_eacces),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("limits", cases, NULL, NULL);
}
