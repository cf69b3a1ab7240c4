/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What an open context can say and do: capabilities, memory limits, live update, log. */
#include "shape.h"

/* -- capabilities */

/* What is the same on every backend, and what depends on the engine or on how devices are had. */
static void ctx_has_what_this_release_does(void **state)
{
	static const struct {
		uint32_t cap;
		const char *part; /* of the backend's name */
	} caps[] = {
		{ IOMMUFD_CAP_MAP_WITHOUT_DEVICE, "" },
		{ IOMMUFD_CAP_ALLOW_IOVAS, "" },
		{ IOMMUFD_CAP_GROUPS, "" },
		{ IOMMUFD_CAP_REPLACE, "cdev+" },
		{ IOMMUFD_CAP_DETACH_JOINED, "cdev+" },
		{ IOMMUFD_CAP_DEVICE_FD, "cdev+" },
		{ IOMMUFD_CAP_HW_INFO, "cdev+iommufd" },
		{ IOMMUFD_CAP_HWPT, "cdev+iommufd" },
	};
	struct fixture *f = *state;
	const char *name = iommufd_ctx_get_backend(f->ctx);
	bool noiommu = strstr(name, "noiommu"), iommufd = strstr(name, "+iommufd");

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		assert_int_equal(iommufd_ctx_has(f->ctx, caps[i].cap),
				 strstr(name, caps[i].part) != NULL);
	assert_int_equal(iommufd_ctx_has(f->ctx, IOMMUFD_CAP_ISOLATION), !noiommu);
	if (!noiommu) {
		assert_int_equal(iommufd_ctx_has(f->ctx, IOMMUFD_CAP_COPY), iommufd);
		assert_int_equal(iommufd_ctx_has(f->ctx, IOMMUFD_CAP_HUGE_PAGE_OPTION), iommufd);
	}
	assert_int_equal(iommufd_ctx_has(f->ctx, IOMMUFD_CAP_MAP_FILE), 1);
	assert_in_range(iommufd_ctx_has(f->ctx, IOMMUFD_CAP_CHANGE_PROCESS), 0, 1);
	assert_in_range(iommufd_ctx_has(f->ctx, IOMMUFD_CAP_COMPAT_IOAS), 0, 1);
}

static void ctx_has_not_what_it_does_not_know(void **state)
{
	static const uint32_t never[] = { 0, 1000, UINT32_MAX };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_int_equal(iommufd_ctx_has(f->ctx, never[i]), 0);
}

/* -- memory limits and live update */

/* Containers know no other way. */
static bool charges_always_the_process(struct iommufd_ctx *ctx)
{
	const char *name = iommufd_ctx_get_backend(ctx);

	return strstr(name, "+type1") || strstr(name, "group+noiommu");
}

static void ctx_rlimit_mode_is_set_before_objects(void **state)
{
	struct fixture *f = *state;
	uint32_t mode = 99;

	assert_ok(iommufd_ctx_get_rlimit_mode(f->ctx, &mode));
	if (charges_always_the_process(f->ctx)) {
		assert_int_equal(mode, 1);
		assert_ok(iommufd_ctx_set_rlimit_mode(f->ctx, 1));
		assert_error(iommufd_ctx_set_rlimit_mode(f->ctx, 0), -EOPNOTSUPP);
		get_ioas(f);
		assert_ok(iommufd_ctx_set_rlimit_mode(f->ctx, 1));
		return;
	}
	assert_int_equal(mode, 0);
	assert_ok(iommufd_ctx_set_rlimit_mode(f->ctx, 1));
	assert_ok(iommufd_ctx_get_rlimit_mode(f->ctx, &mode));
	assert_int_equal(mode, 1);
	assert_ok(iommufd_ctx_set_rlimit_mode(f->ctx, 0));
	get_ioas(f);
	assert_error(iommufd_ctx_set_rlimit_mode(f->ctx, 1), -EBUSY);
	assert_ok(iommufd_ctx_get_rlimit_mode(f->ctx, &mode));
	assert_int_equal(mode, 0);
}

static void ctx_rlimit_mode_by_option(void **state)
{
	struct iommufd_ctx_opts opts = {
		.size = sizeof(opts), .flags = IOMMUFD_CTX_RLIMIT_PROCESS,
	};
	uint32_t mode = 99;

	assert_ok(iommufd_ctx_get_rlimit_mode(get_ctx(*state, &opts), &mode));
	assert_int_equal(mode, 1);
}

static void ctx_rlimit_mode_bad_value_einval(void **state)
{
	struct fixture *f = *state;

	assert_error(iommufd_ctx_set_rlimit_mode(f->ctx, 2), -EINVAL);
	assert_error(iommufd_ctx_set_rlimit_mode(f->ctx, UINT32_MAX), -EINVAL);
	assert_error(iommufd_ctx_get_rlimit_mode(f->ctx, NULL), -EINVAL);
}

static int ask_set_mode(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct iommufd_ctx *ctx;
	int rc = answer(iommufd_ctx_new(opts, &ctx));

	(void)device;
	if (!rc) /* without an IOMMU that takes privilege too */
		rc = answer(iommufd_ctx_set_rlimit_mode(ctx, 1));
	iommufd_ctx_unref(ctx);
	return rc;
}

static int ask_get_mode(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct iommufd_ctx *ctx;
	int rc = iommufd_ctx_new(opts, &ctx);
	uint32_t mode;

	(void)device;
	rc = rc ? 1 : answer(iommufd_ctx_get_rlimit_mode(ctx, &mode));
	if (!rc && mode != charges_always_the_process(ctx))
		rc = 2;
	iommufd_ctx_unref(ctx);
	return rc;
}

static void ctx_rlimit_mode_unprivileged_eperm(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask_in_shape(f, SHAPE_UNPRIVILEGED, ask_set_mode),
			 charges_always_the_process(f->ctx) ? 0 : -EPERM);
	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_ISOLATION))
		assert_int_equal(ask_in_shape(f, SHAPE_UNPRIVILEGED, ask_get_mode), 0);
}

static void ctx_change_process_of_nothing(void **state)
{
	struct fixture *f = *state;

	if (!iommufd_ctx_has(f->ctx, IOMMUFD_CAP_CHANGE_PROCESS)) {
		assert_error(iommufd_ctx_change_process(f->ctx), -EOPNOTSUPP);
		return;
	}
	assert_ok(iommufd_ctx_change_process(f->ctx));
	get_ioas(f);
	assert_ok(iommufd_ctx_change_process(f->ctx));
}

static void ctx_change_process_of_memory_einval(void **state)
{
	struct fixture *f = *state;

	map_at(get_ioas(f), get_buffer(f, PAGE), PAGE, 0x10000);
	assert_error(iommufd_ctx_change_process(f->ctx),
		     iommufd_ctx_has(f->ctx, IOMMUFD_CAP_CHANGE_PROCESS) ? -EINVAL : -EOPNOTSUPP);
}

/* -- the IOAS of legacy containers */

static void ctx_compat_ioas_is_chosen_and_cleared(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint32_t id, chosen;

	if (!iommufd_ctx_has(f->ctx, IOMMUFD_CAP_COMPAT_IOAS)) {
		assert_error(iommufd_ctx_get_compat_ioas(f->ctx, &chosen), -EOPNOTSUPP);
		assert_error(iommufd_ctx_set_compat_ioas(f->ctx, ioas), -EOPNOTSUPP);
		assert_error(iommufd_ctx_clear_compat_ioas(f->ctx), -EOPNOTSUPP);
		return;
	}
	assert_error(iommufd_ctx_get_compat_ioas(f->ctx, &chosen), -ENODEV);
	assert_ok(iommufd_ioas_get_id(ioas, &id));
	assert_ok(iommufd_ctx_set_compat_ioas(f->ctx, ioas));
	assert_ok(iommufd_ctx_get_compat_ioas(f->ctx, &chosen));
	assert_int_equal(chosen, id);
	assert_ok(iommufd_ctx_clear_compat_ioas(f->ctx));
	assert_error(iommufd_ctx_get_compat_ioas(f->ctx, &chosen), -ENODEV);
	assert_ok(iommufd_ctx_clear_compat_ioas(f->ctx));
}

static void ctx_compat_ioas_is_not_held(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint32_t chosen;

	if (!iommufd_ctx_has(f->ctx, IOMMUFD_CAP_COMPAT_IOAS)) {
		assert_error(iommufd_ctx_set_compat_ioas(f->ctx, ioas), -EOPNOTSUPP);
		return;
	}
	assert_ok(iommufd_ctx_set_compat_ioas(f->ctx, ioas));
	put_ioas(f, ioas);
	assert_error(iommufd_ctx_get_compat_ioas(f->ctx, &chosen), -ENODEV);
}

static void ctx_compat_ioas_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *foreign;

	assert_ok(iommufd_ioas_new(get_ctx(f, NULL), NULL, &foreign));
	hold_ioas(f, foreign);
	assert_error(iommufd_ctx_set_compat_ioas(f->ctx, foreign), -EINVAL);
	assert_error(iommufd_ctx_set_compat_ioas(f->ctx, NULL), -EINVAL);
	assert_error(iommufd_ctx_get_compat_ioas(f->ctx, NULL), -EINVAL);
}

/* -- log */

struct lines {
	int count, worst, most;
	bool one_line;
};

static void note_line(void *data, int level, const char *text)
{
	struct lines *l = data;

	l->count++;
	l->worst = !l->worst || level < l->worst ? level : l->worst;
	l->most = level > l->most ? level : l->most;
	l->one_line = l->one_line && *text && !strchr(text, '\n');
}

static void ctx_log_receives_what_its_level_includes(void **state)
{
	struct lines lines = { .one_line = true };
	struct iommufd_ctx_opts opts = {
		.size = sizeof(opts), .log = note_line, .log_data = &lines,
		.log_level = IOMMUFD_LOG_DEBUG,
	};
	struct iommufd_ctx *ctx = get_ctx(*state, &opts);
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_ioas_new(ctx, NULL, &ioas));
	iommufd_ioas_unref(ioas);
	put_ctx(*state, ctx);
	assert_true(lines.count > 0 && lines.one_line);
	assert_int_equal(lines.most, IOMMUFD_LOG_DEBUG);
}

static void ctx_log_says_by_default_only_what_goes_wrong(void **state)
{
	struct lines lines = { .one_line = true };
	struct iommufd_ctx_opts opts = {
		.size = sizeof(opts), .log = note_line, .log_data = &lines,
	};
	struct iommufd_ctx *ctx = get_ctx(*state, &opts);
	struct iommufd_ioas *ioas;

	if (!iommufd_ctx_has(ctx, IOMMUFD_CAP_ISOLATION)) {
		assert_int_equal(lines.count, 1); /* that devices reach all memory */
		assert_int_equal(lines.worst, IOMMUFD_LOG_WARNING);
		lines.count = 0;
	}
	assert_ok(iommufd_ioas_new(ctx, NULL, &ioas));
	assert_int_equal(lines.count, 0);
	assert_int_equal(iommufd_ioas_unmap(ioas, 1, PAGE, NULL), -EINVAL);
	iommufd_ioas_unref(ioas);
	put_ctx(*state, ctx);
	assert_true(lines.count > 0 && lines.one_line);
	assert_int_equal(lines.worst, IOMMUFD_LOG_ERROR);
	assert_true(lines.most <= IOMMUFD_LOG_WARNING);
}

static void ctx_version_is_that_of_the_headers(void **state)
{
	(void)state;
	assert_string_equal(iommufd_version(), IOMMUFD_VERSION);
}

static const struct CMUnitTest cases[] = {
	CASE(ctx_has_what_this_release_does),
	CASE(ctx_has_not_what_it_does_not_know),
	CASE(ctx_rlimit_mode_is_set_before_objects),
	CASE(ctx_rlimit_mode_by_option),
	CASE(ctx_rlimit_mode_bad_value_einval),
	CASE(ctx_rlimit_mode_unprivileged_eperm),
	CASE(ctx_change_process_of_nothing),
	CASE(ctx_change_process_of_memory_einval),
	CASE(ctx_compat_ioas_is_chosen_and_cleared),
	CASE(ctx_compat_ioas_is_not_held),
	CASE(ctx_compat_ioas_bad_argument_einval),
	CASE(ctx_log_receives_what_its_level_includes),
	CASE(ctx_log_says_by_default_only_what_goes_wrong),
	CASE(ctx_version_is_that_of_the_headers),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ctx-use", cases, NULL, NULL);
}
