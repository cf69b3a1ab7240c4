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

static void ctx_fd_is_lent_and_close_on_exec(void **state)
{
	struct fixture *f = *state;
	int fd = iommufd_ctx_get_fd(f->ctx);

	if (has_containers(f)) {
		assert_error(iommufd_ctx_get_fd(f->ctx), -EOPNOTSUPP);
		return;
	}
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
	assert_non_null(iommufd_ctx_get_backend(ctx));
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
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = "iommufd" };
	struct iommufd_ctx *ctx;

	unsetenv("LIBIOMMUFD_BACKEND");
	if (iommufd_ctx_new(&opts, &ctx))
		skip_case(*state, "no /dev/iommu to be kept from");
	iommufd_ctx_unref(ctx);
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
	struct fixture *f = *state;

	/* Containers charge the process as it is. */
	assert_int_equal(ask_in_shape(f, SHAPE_UNPRIVILEGED, ask_new_rlimit),
			 has_containers(f) ? 0 : -EPERM);
}

static const struct CMUnitTest cases[] = {
	CASE(ctx_fd_is_lent_and_close_on_exec),
	CASE(ctx_ref_keeps_it_open),
	CASE(ctx_new_null_out_einval),
	CASE(ctx_new_opts_from_the_future),
	CASE(ctx_new_opts_from_the_past),
	CASE(ctx_new_unknown_flag_eopnotsupp),
	CASE(ctx_new_log_level_out_of_range_einval),
	CASE(ctx_new_unknown_group_policy_einval),
	CASE(ctx_new_foreign_sys_einval),
	CASE(ctx_new_no_descriptor_left_emfile),
	CASE_OF_POLICY(ctx_new_no_node_enoent),
	CASE_OF_POLICY(ctx_new_no_driver_enodev),
	CASE_OF_POLICY(ctx_new_no_permission_eacces),
	CASE(ctx_new_rlimit_unprivileged_eperm),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ctx", cases, NULL, NULL);
}
