/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Contexts made of a descriptor that someone else opened. */
#include "shape.h"

#include <fcntl.h>

/* Options as a later release would have them: one more field. */
struct future_opts {
	struct iommufd_ctx_opts known;
	uint64_t unknown;
};

#define refuse_from_fd(fd, opts, code) do { \
	struct iommufd_ctx *none_ = (void *)1; \
	assert_error(iommufd_ctx_from_fd((fd), (opts), &none_), code); \
	assert_null(none_); \
} while (0)

/* As a process that holds it would hand it over: /dev/iommu, or a container. */
static int get_backend_fd(struct fixture *f)
{
	return open_node(f, has_containers(f) ? "/dev/vfio/vfio" : "/dev/iommu");
}

static void ctx_from_fd_is_as_opened(void **state)
{
	struct fixture *f = *state;
	int fd = get_backend_fd(f);
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;
	struct iommufd_ctx *ctx;

	assert_ok(iommufd_ctx_from_fd(fd, NULL, &ctx));
	hold_ctx(f, ctx);
	assert_string_equal(iommufd_ctx_get_backend(ctx), iommufd_ctx_get_backend(f->ctx));
	assert_non_null(strstr(iommufd_ctx_get_report(ctx), "adopted fd "));
	put_fd(f, fd);
	assert_ok(iommufd_ioas_new(ctx, NULL, &ioas));
	hold_ioas(f, ioas);
	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_ok(iommufd_device_open(ctx, device_name(f, ALONE1), NULL, &dev));
	hold_device(f, dev);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_device_detach(dev));
}

/* More than the one that was handed over are opened as need be. */
static void ctx_from_fd_has_room_for_several_groups(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas[2];
	struct iommufd_device *dev;
	struct iommufd_ctx *ctx;

	assert_ok(iommufd_ctx_from_fd(get_backend_fd(f), NULL, &ctx));
	hold_ctx(f, ctx);
	for (int i = 0; i < 2; i++) {
		assert_ok(iommufd_ioas_new(ctx, NULL, &ioas[i]));
		hold_ioas(f, ioas[i]);
		map_at(ioas[i], get_buffer(f, PAGE), PAGE, 0x10000);
		assert_ok(iommufd_device_open(ctx, device_name(f, i ? ALONE2 : ALONE1), NULL,
					      &dev));
		hold_device(f, dev);
		assert_ok(iommufd_device_attach(dev, ioas[i]));
	}
}

static void ctx_from_fd_shares_the_opener(void **state)
{
	struct fixture *f = *state;
	int fd = iommufd_ctx_get_fd(f->ctx);
	struct iommufd_ioas *mine, *theirs;
	uint32_t first, second;
	struct iommufd_ctx *ctx;

	if (has_containers(f)) { /* a container has one address space, and nothing to share */
		assert_int_equal(fd, -EOPNOTSUPP);
		return;
	}
	assert_ok(iommufd_ctx_from_fd(fd, NULL, &ctx));
	hold_ctx(f, ctx);
	assert_true(iommufd_ctx_get_fd(ctx) >= 0);
	assert_int_not_equal(iommufd_ctx_get_fd(ctx), fd);
	assert_true(fcntl(iommufd_ctx_get_fd(ctx), F_GETFD) & FD_CLOEXEC);
	mine = get_ioas(f);
	assert_ok(iommufd_ioas_new(ctx, NULL, &theirs));
	hold_ioas(f, theirs);
	assert_ok(iommufd_ioas_get_id(mine, &first));
	assert_ok(iommufd_ioas_get_id(theirs, &second));
	assert_int_not_equal(first, second);
	put_ioas(f, theirs);
	put_ctx(f, ctx);
	assert_int_equal(iommufd_ctx_get_fd(f->ctx), fd);
	get_ioas(f);
}

static void ctx_from_fd_outlives_the_opener(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *first, *second;
	struct iommufd_ioas *ioas;
	int fd = get_backend_fd(f);

	assert_ok(iommufd_ctx_from_fd(fd, NULL, &first));
	hold_ctx(f, first);
	assert_ok(iommufd_ctx_from_fd(fd, NULL, &second));
	hold_ctx(f, second);
	put_ctx(f, first);
	put_fd(f, fd);
	assert_ok(iommufd_ioas_new(second, NULL, &ioas));
	hold_ioas(f, ioas);
}

static void ctx_from_fd_not_open_ebadf(void **state)
{
	(void)state;
	refuse_from_fd(closed_fd(), NULL, -EBADF);
	refuse_from_fd(-1, NULL, -EBADF);
}

static void ctx_from_fd_foreign_enotty(void **state)
{
	struct fixture *f = *state;

	refuse_from_fd(get_eventfd(f), NULL, -ENOTTY);
	refuse_from_fd(hold_fd(f, open("/dev/null", O_RDWR | O_CLOEXEC)), NULL, -ENOTTY);
	refuse_from_fd(hold_fd(f, open("/", O_RDONLY | O_CLOEXEC)), NULL, -ENOTTY);
}

static void ctx_from_fd_of_a_device_enotty(void **state)
{
	struct fixture *f = *state;
	const char *node = device_node(f, ALONE1);
	struct iommufd_device *dev;

	if (node) {
		int unbound = open_node(f, node);

		refuse_from_fd(unbound, NULL, -ENOTTY);
		put_fd(f, unbound);
	}
	dev = get_device(f, ALONE1);
	refuse_from_fd(iommufd_device_get_fd(dev), NULL, -ENOTTY);
}

static void ctx_from_fd_bad_opts(void **state)
{
	struct fixture *f = *state;
	struct future_opts opts = { .known.size = sizeof(opts), .unknown = 1 };
	int fd = get_backend_fd(f);

	unsetenv("LIBIOMMUFD_BACKEND");
	refuse_from_fd(fd, &opts.known, -E2BIG);
	opts.unknown = 0;
	opts.known.flags = 1ull << 40;
	refuse_from_fd(fd, &opts.known, -EOPNOTSUPP);
	opts.known.flags = 0;
	opts.known.backend = "nonsense";
	refuse_from_fd(fd, &opts.known, -EINVAL);
	opts.known.backend = NULL;
	opts.known.group_policy = 3;
	refuse_from_fd(fd, &opts.known, -EINVAL);
	opts.known.group_policy = 0;
	opts.known.log_level = 99;
	refuse_from_fd(fd, &opts.known, -EINVAL);
	assert_error(iommufd_ctx_from_fd(fd, NULL, NULL), -EINVAL);
}

static void ctx_from_fd_rlimit_after_objects_ebusy(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_CTX_RLIMIT_PROCESS,
	};

	get_ioas(f);
	if (has_containers(f)) {
		struct iommufd_ctx *ctx;

		assert_ok(iommufd_ctx_from_fd(get_backend_fd(f), &opts, &ctx));
		hold_ctx(f, ctx);
		return;
	}
	refuse_from_fd(iommufd_ctx_get_fd(f->ctx), &opts, -EBUSY);
}

static void ctx_from_fd_no_descriptor_left_emfile(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *ctx = (void *)1;
	int rc, fd = get_backend_fd(f);

	expect_error_begin("ctx_from_fd");
	limit_fds(NO_MORE_FDS);
	rc = iommufd_ctx_from_fd(fd, NULL, &ctx);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_ctx_from_fd() at the limit", __FILE__, __LINE__);
	assert_null(ctx);
}

static void ctx_from_fd_not_what_the_policy_allows_enotty(void **state)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = "legacy" };
	struct fixture *f = *state;
	struct iommufd_ctx *ctx;

	unsetenv("LIBIOMMUFD_BACKEND");
	if (iommufd_ctx_new(&opts, &ctx))
		skip_case(f, "no type1 containers");
	hold_ctx(f, ctx);
	opts.backend = "iommufd";
	if (strstr(iommufd_ctx_get_report(ctx), "it is an iommufd")) {
		assert_ok(iommufd_ctx_from_fd(open_node(f, "/dev/vfio/vfio"), &opts, &ctx));
		hold_ctx(f, ctx);
		return;
	}
	refuse_from_fd(open_node(f, "/dev/vfio/vfio"), &opts, -ENOTTY);
	opts.backend = "auto";
	assert_ok(iommufd_ctx_from_fd(open_node(f, "/dev/vfio/vfio"), &opts, &ctx));
	hold_ctx(f, ctx);
	assert_non_null(strstr(iommufd_ctx_get_backend(ctx), "group+type1"));
}

static const struct CMUnitTest cases[] = {
	CASE(ctx_from_fd_is_as_opened),
	CASE(ctx_from_fd_has_room_for_several_groups),
	CASE(ctx_from_fd_shares_the_opener),
	CASE(ctx_from_fd_outlives_the_opener),
	CASE(ctx_from_fd_not_open_ebadf),
	CASE(ctx_from_fd_foreign_enotty),
	CASE(ctx_from_fd_of_a_device_enotty),
	CASE_OF_POLICY(ctx_from_fd_not_what_the_policy_allows_enotty),
	CASE_OF_POLICY(ctx_from_fd_bad_opts),
	CASE(ctx_from_fd_rlimit_after_objects_ebusy),
	CASE(ctx_from_fd_no_descriptor_left_emfile),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ctx-fd", cases, NULL, NULL);
}
