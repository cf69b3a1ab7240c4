/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Contexts: how they open, what they tell, whose memory limit they use. */
#include "shape.h"

#include <fcntl.h>

/* Options as a later release would have them: one more field. */
struct future_opts {
	struct iommufd_ctx_opts known;
	uint64_t unknown;
};

/* Must be refused, and hand out nothing. */
#define refuse_new(opts, code) do { \
	struct iommufd_ctx *none_ = (void *)1; \
	assert_error(iommufd_ctx_new((opts), &none_), code); \
	assert_null(none_); \
} while (0)

#define refuse_from_fd(fd, opts, code) do { \
	struct iommufd_ctx *none_ = (void *)1; \
	assert_error(iommufd_ctx_from_fd((fd), (opts), &none_), code); \
	assert_null(none_); \
} while (0)

static void ctx_new_tells_backend_and_report(void **state)
{
	struct fixture *f = *state;
	const char *backend = iommufd_ctx_get_backend(f->ctx);

	assert_string_equal(backend,
			    contract_is_emulated() ? "emulated cdev+iommufd" : "cdev+iommufd");
	assert_non_null(strstr(iommufd_ctx_get_report(f->ctx), "opened /dev/iommu: ok"));
}

static void ctx_fd_is_lent_and_close_on_exec(void **state)
{
	struct fixture *f = *state;
	int fd = iommufd_ctx_get_fd(f->ctx);

	assert_true(fd >= 0);
	assert_int_equal(iommufd_ctx_get_fd(f->ctx), fd);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void ctx_ref_keeps_it_open(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *ctx = get_ctx(f, NULL);

	assert_ptr_equal(iommufd_ctx_ref(ctx), ctx);
	assert_null(iommufd_ctx_unref(ctx));
	assert_true(iommufd_ctx_get_fd(ctx) >= 0);
	assert_null(iommufd_ctx_ref(NULL));
	assert_null(iommufd_ctx_unref(NULL));
}

static void ctx_new_null_out_einval(void **state)
{
	(void)state;
	assert_error(iommufd_ctx_new(NULL, NULL), -EINVAL);
}

static void ctx_new_opts_from_the_future(void **state)
{
	struct future_opts opts = { .known.size = sizeof(opts) };

	put_ctx(*state, get_ctx(*state, &opts.known));
	opts.unknown = 1;
	refuse_new(&opts.known, -E2BIG);
}

static void ctx_new_opts_from_the_past(void **state)
{
	struct iommufd_ctx_opts opts = {
		.size = offsetof(struct iommufd_ctx_opts, backend), .backend = "nonsense",
	};

	put_ctx(*state, get_ctx(*state, &opts));
}

static void ctx_new_unknown_flag_eopnotsupp(void **state)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .flags = 1ull << 63 };

	(void)state;
	refuse_new(&opts, -EOPNOTSUPP);
}

static void ctx_new_named_backend(void **state)
{
	static const char *const names[] = { "auto", "iommufd", "cdev+iommufd" };
	struct iommufd_ctx_opts opts = { .size = sizeof(opts) };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		opts.backend = names[i];
		put_ctx(*state, get_ctx(*state, &opts));
	}
}

/* What the environment asks for goes before the caller's wish; the cases below set it aside. */
static char asked_for[32];

static int restore_environment(void **state)
{
	if (*asked_for)
		setenv("LIBIOMMUFD_BACKEND", asked_for, 1);
	else
		unsetenv("LIBIOMMUFD_BACKEND");
	return fixture_teardown(state);
}

#define CASE_WITH_ENVIRONMENT(f) { #f, f, fixture_setup, restore_environment, (void *)(uintptr_t)#f }

static void ctx_new_unknown_backend_einval(void **state)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = "nonsense" };

	(void)state;
	unsetenv("LIBIOMMUFD_BACKEND");
	refuse_new(&opts, -EINVAL);
	opts.backend = "";
	refuse_new(&opts, -EINVAL);
	opts.backend = "iommufd ";
	refuse_new(&opts, -EINVAL);
}

static void ctx_new_backend_by_environment(void **state)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = "auto" };

	(void)state;
	assert_int_equal(setenv("LIBIOMMUFD_BACKEND", "nonsense", 1), 0);
	expect_error_begin("LIBIOMMUFD_BACKEND");
	struct iommufd_ctx *ctx = (void *)1;
	int rc = iommufd_ctx_new(&opts, &ctx);
	expect_error(rc, -EINVAL, "LIBIOMMUFD_BACKEND=nonsense", __FILE__, __LINE__);
	assert_null(ctx);
}

static void ctx_new_log_level_out_of_range_einval(void **state)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .log_level = IOMMUFD_LOG_DEBUG + 1 };

	(void)state;
	refuse_new(&opts, -EINVAL);
	opts.log_level = -1;
	refuse_new(&opts, -EINVAL);
}

static void ctx_new_unknown_group_policy_einval(void **state)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .group_policy = 3 };

	(void)state;
	refuse_new(&opts, -EINVAL);
}

static void ctx_new_foreign_sys_einval(void **state)
{
	uint64_t table[64] = { 0 };
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .sys = (const void *)table };

	(void)state;
	refuse_new(&opts, -EINVAL);
}

static void ctx_new_no_descriptor_left_emfile(void **state)
{
	struct iommufd_ctx *ctx = (void *)1;
	int rc;

	(void)state;
	expect_error_begin("ctx_new");
	limit_fds(NO_MORE_FDS);
	rc = iommufd_ctx_new(NULL, &ctx);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_ctx_new() at the limit", __FILE__, __LINE__);
	assert_null(ctx);
}

static int ask_new(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct iommufd_ctx *ctx;
	int rc = answer(iommufd_ctx_new(opts, &ctx));

	(void)device;
	iommufd_ctx_unref(ctx);
	return rc;
}

/* Where nothing but /dev/iommu will do. */
static int ask_iommufd(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct iommufd_ctx_opts more = *opts;

	unsetenv("LIBIOMMUFD_BACKEND");
	more.backend = "iommufd";
	return ask_new(&more, device);
}

static void ctx_new_no_node_enoent(void **state)
{
	assert_int_equal(ask_in_shape(*state, SHAPE_NO_NODE, ask_iommufd), -ENOENT);
}

static void ctx_new_no_driver_enodev(void **state)
{
	assert_int_equal(ask_in_shape(*state, SHAPE_NO_DRIVER, ask_iommufd), -ENODEV);
}

static void ctx_new_no_permission_eacces(void **state)
{
	assert_int_equal(ask_in_shape(*state, SHAPE_NO_PERMISSION, ask_iommufd), -EACCES);
}

static int ask_new_rlimit(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct iommufd_ctx_opts more = *opts;

	more.flags |= IOMMUFD_CTX_RLIMIT_PROCESS;
	return ask_new(&more, device);
}

static void ctx_new_rlimit_unprivileged_eperm(void **state)
{
	assert_int_equal(ask_in_shape(*state, SHAPE_UNPRIVILEGED, ask_new_rlimit), -EPERM);
}

/* -- from_fd */

static void ctx_from_fd_shares_the_opener(void **state)
{
	struct fixture *f = *state;
	int fd = iommufd_ctx_get_fd(f->ctx);
	struct iommufd_ioas *mine, *theirs;
	uint32_t first, second;
	struct iommufd_ctx *ctx;

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
	struct iommufd_ctx *first = get_ctx(f, NULL), *second;
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_ctx_from_fd(iommufd_ctx_get_fd(first), NULL, &second));
	hold_ctx(f, second);
	put_ctx(f, first);
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
	int unbound = open_node(f, device_node(f, ALONE1));
	struct iommufd_device *dev;

	refuse_from_fd(unbound, NULL, -ENOTTY);
	put_fd(f, unbound);
	dev = get_device(f, ALONE1);
	refuse_from_fd(iommufd_device_get_fd(dev), NULL, -ENOTTY);
}

static void ctx_from_fd_bad_opts(void **state)
{
	struct fixture *f = *state;
	struct future_opts opts = { .known.size = sizeof(opts), .unknown = 1 };
	int fd = iommufd_ctx_get_fd(f->ctx);

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
	refuse_from_fd(iommufd_ctx_get_fd(f->ctx), &opts, -EBUSY);
}

static void ctx_from_fd_no_descriptor_left_emfile(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *ctx = (void *)1;
	int rc;

	expect_error_begin("ctx_from_fd");
	limit_fds(NO_MORE_FDS);
	rc = iommufd_ctx_from_fd(iommufd_ctx_get_fd(f->ctx), NULL, &ctx);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_ctx_from_fd() at the limit", __FILE__, __LINE__);
	assert_null(ctx);
}

static const struct CMUnitTest cases[] = {
	CASE(ctx_new_tells_backend_and_report),
	CASE(ctx_fd_is_lent_and_close_on_exec),
	CASE(ctx_ref_keeps_it_open),
	CASE(ctx_new_null_out_einval),
	CASE(ctx_new_opts_from_the_future),
	CASE(ctx_new_opts_from_the_past),
	CASE(ctx_new_unknown_flag_eopnotsupp),
	CASE(ctx_new_named_backend),
	CASE_WITH_ENVIRONMENT(ctx_new_unknown_backend_einval),
	CASE_WITH_ENVIRONMENT(ctx_new_backend_by_environment),
	CASE(ctx_new_log_level_out_of_range_einval),
	CASE(ctx_new_unknown_group_policy_einval),
	CASE(ctx_new_foreign_sys_einval),
	CASE(ctx_new_no_descriptor_left_emfile),
	CASE_WITH_ENVIRONMENT(ctx_new_no_node_enoent),
	CASE_WITH_ENVIRONMENT(ctx_new_no_driver_enodev),
	CASE_WITH_ENVIRONMENT(ctx_new_no_permission_eacces),
	CASE(ctx_new_rlimit_unprivileged_eperm),
	CASE(ctx_from_fd_shares_the_opener),
	CASE(ctx_from_fd_outlives_the_opener),
	CASE(ctx_from_fd_not_open_ebadf),
	CASE(ctx_from_fd_foreign_enotty),
	CASE(ctx_from_fd_of_a_device_enotty),
	CASE_WITH_ENVIRONMENT(ctx_from_fd_bad_opts),
	CASE(ctx_from_fd_rlimit_after_objects_ebusy),
	CASE(ctx_from_fd_no_descriptor_left_emfile),
};

int main(int argc, char **argv)
{
	const char *backend = getenv("LIBIOMMUFD_BACKEND");

	snprintf(asked_for, sizeof(asked_for), "%s", backend ? backend : "");
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ctx", cases, NULL, NULL);
}
