/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Which backend a context comes to use, and the account that it gives of that. */
#include "shape.h"

#include <libiommufd/emu.h>

static const char *const pairs[] = {
	"cdev+iommufd", "group+iommufd", "group+type1", "cdev+noiommu", "group+noiommu",
};

/* The backend's name without "emulated ", which it has on that kernel only. */
static const char *pair_of(struct iommufd_ctx *ctx)
{
	static const char prefix[] = "emulated ";
	const char *name = iommufd_ctx_get_backend(ctx);
	bool emulated = !strncmp(name, prefix, strlen(prefix));

	assert_int_equal(emulated, contract_is_emulated());
	return emulated ? name + strlen(prefix) : name;
}

static void backend_is_the_pair_asked_for(void **state)
{
	struct fixture *f = *state;
	const char *asked = getenv("LIBIOMMUFD_BACKEND"), *pair = pair_of(f->ctx);
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		found = found || !strcmp(pair, pairs[i]);
		if (asked && !strcmp(asked, pairs[i]))
			assert_string_equal(pair, asked);
	}
	assert_true(found);
}

static void backend_report_has_a_line_per_step(void **state)
{
	struct fixture *f = *state;
	const char *report = iommufd_ctx_get_report(f->ctx), *last = strrchr(report, '\n');

	assert_non_null(last);
	assert_int_equal(strncmp(report, "opened /dev/", 12), 0);
	assert_int_equal(strncmp(last, "\nusing ", 7), 0);
	assert_string_equal(last + 7, iommufd_ctx_get_backend(f->ctx));
	for (const char *at = report; (at = strchr(at, '\n')); at++)
		assert_true(at[1] && at[1] != '\n');
}

static void backend_is_one_that_the_policy_allows(void **state)
{
	static const struct {
		const char *policy, *allowed;
	} policies[] = {
		{ "auto", "cdev+iommufd group+iommufd group+type1" },
		{ "iommufd", "cdev+iommufd group+iommufd" },
		{ "legacy", "group+type1" },
		{ "noiommu", "cdev+noiommu group+noiommu" },
		{ "cdev+iommufd", "cdev+iommufd" },
		{ "group+iommufd", "group+iommufd" },
		{ "group+type1", "group+type1" },
		{ "cdev+noiommu", "cdev+noiommu" },
		{ "group+noiommu", "group+noiommu" },
	};
	unsigned int opened = 0;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(policies); i++) {
		const char *policy = policies[i / 2].policy;
		struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = "floppy" };
		struct iommufd_ctx *ctx;
		int rc;

		unsetenv("LIBIOMMUFD_BACKEND");
		if (i % 2) /* the environment goes first */
			setenv("LIBIOMMUFD_BACKEND", policy, 1);
		else
			opts.backend = policy;
		rc = iommufd_ctx_new(&opts, &ctx);
		if (!rc) {
			opened++;
			assert_non_null(strstr(policies[i / 2].allowed, pair_of(ctx)));
			iommufd_ctx_unref(ctx);
			continue;
		}
		assert_true(rc == -ENOENT || rc == -ENODEV || rc == -EOPNOTSUPP);
		assert_non_null(strstr(iommufd_error_last()->message, "/dev/"));
		assert_true(*iommufd_error_last()->remedy);
	}
	assert_true(opened > 0);
}

static void backend_unknown_einval(void **state)
{
	static const char *const names[] = { "nonsense", "", "iommufd ", "type1", "cdev+type1" };
	struct iommufd_ctx_opts opts = { .size = sizeof(opts) };
	struct iommufd_ctx *ctx;

	(void)state;
	unsetenv("LIBIOMMUFD_BACKEND");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		opts.backend = names[i];
		assert_error(iommufd_ctx_new(&opts, &ctx), -EINVAL);
		assert_null(ctx);
	}
	opts.backend = "auto";
	setenv("LIBIOMMUFD_BACKEND", "nonsense", 1);
	assert_error(iommufd_ctx_new(&opts, &ctx), -EINVAL);
	assert_string_equal(expected_record()->object, "LIBIOMMUFD_BACKEND");
	assert_null(ctx);
}

/* -- users who may less */

enum { NO_CONTEXT = 1, WRONG_PAIR, WRONG_REPORT, NO_DEVICE, NO_ATTACH, NOT_BY_GROUP };

/* A device opens, and can be attached to what is mapped. */
static int use(struct iommufd_ctx *ctx, const char *device)
{
	static _Alignas(4096) uint8_t data[4096];
	struct iommufd_device *dev = NULL;
	struct iommufd_ioas *ioas = NULL;
	uint64_t iova = 0;
	int rc = 0;

	if (iommufd_ioas_new(ctx, NULL, &ioas) ||
	    iommufd_ioas_map(ioas, data, PAGE, MAP_RW, &iova, NULL) ||
	    iommufd_device_open(ctx, device, NULL, &dev))
		rc = NO_DEVICE;
	else if (strstr(iommufd_ctx_get_backend(ctx), "group+") &&
		 strcmp(iommufd_device_get_transport(dev), "group"))
		rc = NOT_BY_GROUP;
	else if (iommufd_device_attach(dev, ioas) || iommufd_device_detach(dev))
		rc = NO_ATTACH;
	if (rc)
		fprintf(stderr, "%s: %s\n", iommufd_error_last()->object,
			iommufd_error_last()->message);
	iommufd_device_unref(dev);
	iommufd_ioas_unref(ioas);
	return rc;
}

static int ask_as_owner_of_groups(const struct iommufd_ctx_opts *opts, const char *device)
{
	struct iommufd_ctx *ctx;
	const char *report;
	int rc;

	unsetenv("LIBIOMMUFD_BACKEND");
	if (iommufd_ctx_new(opts, &ctx))
		return NO_CONTEXT;
	report = iommufd_ctx_get_report(ctx);
	if (!strstr(report, "opened /dev/iommu: E") || !strstr(report, "opened /dev/vfio/vfio: ok"))
		rc = WRONG_REPORT;
	else if (!strstr(iommufd_ctx_get_backend(ctx), "group+type1") &&
		 !strstr(report, "it is an iommufd, and used as one"))
		rc = WRONG_PAIR;
	else
		rc = use(ctx, device);
	iommufd_ctx_unref(ctx);
	return rc;
}

/* Of the nodes of devices the user owns those of the groups alone. */
static void backend_of_who_owns_the_groups_is_type1(void **state)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = "legacy" };
	struct fixture *f = *state;
	struct iommufd_ctx *ctx;

	if (!iommufd_ctx_has(f->ctx, IOMMUFD_CAP_ISOLATION))
		skip_case(f, "without an IOMMU owning a group is not enough");
	unsetenv("LIBIOMMUFD_BACKEND");
	if (iommufd_ctx_new(&opts, &ctx))
		skip_case(f, "no type1 containers");
	iommufd_ctx_unref(ctx);
	assert_int_equal(ask_in_shape(f, SHAPE_OWN_GROUPS, ask_as_owner_of_groups), 0);
}

/* -- kernels of all kinds, made up */

static const struct made_up {
	const char *kernel;
	uint64_t flags;
	const char *policy;
	int code;
	const char *pair;     /* or words of the message */
	const char *lines[4]; /* how the report's begin, but for the last */
	int device;           /* what opening one answers */
} kernels[] = {
	{ "newest", 0, "auto", 0, "cdev+iommufd", { "opened /dev/iommu: ok" }, 0 },
	{ "newest", IOMMUFD_EMU_NO_PERMISSION, "auto", 0, "group+type1",
	  { "opened /dev/iommu: EACCES, ", "opened /dev/vfio/vfio: ok" }, 0 },
	{ "newest", IOMMUFD_EMU_NO_PERMISSION, "iommufd", -EACCES,
	  "/dev/iommu: this user may not", { NULL }, 0 },
	{ "newest", IOMMUFD_EMU_NO_IOMMU_NODE, "auto", 0, "group+type1",
	  { "opened /dev/iommu: ENOENT, ", "opened /dev/vfio/vfio: ok" }, 0 },
	{ "newest", IOMMUFD_EMU_NO_CDEV, "auto", 0, "group+iommufd",
	  { "opened /dev/iommu: ok", "looked into /sys/class/vfio-dev: this kernel gives" }, 0 },
	{ "newest", IOMMUFD_EMU_NO_CDEV, "cdev+iommufd", 0, "cdev+iommufd",
	  { "opened /dev/iommu: ok" }, -ENOENT },
	{ "newest", IOMMUFD_EMU_COMPAT_CONTAINER, "auto", 0, "cdev+iommufd",
	  { "opened /dev/iommu: ok" }, 0 },
	{ "newest", IOMMUFD_EMU_COMPAT_CONTAINER | IOMMUFD_EMU_NO_PERMISSION, "auto", 0,
	  "cdev+iommufd", { "opened /dev/iommu: EACCES, ", "opened /dev/vfio/vfio: ok",
			    "asked /dev/vfio/vfio: it is an iommufd, and used as one" }, 0 },
	{ "newest", IOMMUFD_EMU_COMPAT_CONTAINER, "legacy", 0, "group+type1",
	  { "opened /dev/vfio/vfio: ok",
	    "asked /dev/vfio/vfio: it is an iommufd that plays a container" }, 0 },
	{ "6.6", 0, "auto", 0, "group+iommufd",
	  { "opened /dev/iommu: ok", "looked into /sys/class/vfio-dev: " }, 0 },
	{ "6.6", IOMMUFD_EMU_NO_PERMISSION, "auto", 0, "group+type1",
	  { "opened /dev/iommu: EACCES, ", "opened /dev/vfio/vfio: ok" }, 0 },
	{ "6.1", 0, "auto", 0, "group+type1",
	  { "opened /dev/iommu: ENOENT, ", "opened /dev/vfio/vfio: ok" }, 0 },
	{ "6.1", 0, "group+iommufd", -ENOENT, "/dev/iommu: it does not exist", { NULL }, 0 },
	{ "5.10", 0, "auto", 0, "group+type1",
	  { "opened /dev/iommu: ENOENT, ", "opened /dev/vfio/vfio: ok" }, 0 },
	{ "newest", IOMMUFD_EMU_NOIOMMU, "noiommu", 0, "cdev+noiommu",
	  { "opened /dev/iommu: ok" }, 0 },
	{ "newest", IOMMUFD_EMU_NOIOMMU | IOMMUFD_EMU_NO_CDEV, "noiommu", 0, "group+noiommu",
	  { "opened /dev/iommu: ok", "asked /dev/iommu: EOPNOTSUPP, ",
	    "opened /dev/vfio/vfio: ok" }, 0 },
	{ "newest", IOMMUFD_EMU_NOIOMMU | IOMMUFD_EMU_UNPRIVILEGED, "noiommu", -EPERM,
	  "not for unprivileged users", { NULL }, 0 },
	{ "6.6", IOMMUFD_EMU_NOIOMMU, "noiommu", 0, "group+noiommu",
	  { "opened /dev/iommu: ok", "asked /dev/iommu: EOPNOTSUPP, ",
	    "opened /dev/vfio/vfio: ok" }, 0 },
	{ "5.10", IOMMUFD_EMU_NOIOMMU, "noiommu", 0, "group+noiommu",
	  { "opened /dev/iommu: ENOENT, ", "opened /dev/vfio/vfio: ok" }, 0 },
	/* Such devices are never had unless they are asked for. */
	{ "newest", IOMMUFD_EMU_NOIOMMU, "auto", 0, "cdev+iommufd",
	  { "opened /dev/iommu: ok" }, -EPERM },
	{ "5.10", IOMMUFD_EMU_NOIOMMU, "auto", 0, "group+type1",
	  { "opened /dev/iommu: ENOENT, ", "opened /dev/vfio/vfio: ok" }, -EPERM },
	{ "newest", 0, "noiommu", 0, "cdev+noiommu", { "opened /dev/iommu: ok" }, -EINVAL },
	{ "6.1", 0, "noiommu", -EOPNOTSUPP, "noiommu mode is switched off", { NULL }, 0 },
};

static void check_report(struct iommufd_ctx *ctx, const struct made_up *k)
{
	const char *at = iommufd_ctx_get_report(ctx);

	for (size_t i = 0; i < ARRAY_SIZE(k->lines) && k->lines[i]; i++) {
		if (!at || strncmp(at, k->lines[i], strlen(k->lines[i])))
			fail_msg("%s: not the line \"%s\" in:\n%s", k->kernel, k->lines[i],
				 iommufd_ctx_get_report(ctx));
		at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
	}
	assert_int_equal(strncmp(at, "using ", 6), 0);
}

static void try_kernel(struct fixture *f, const struct made_up *k)
{
	struct iommufd_emu_opts shape = {
		.size = sizeof(shape), .kernel = k->kernel, .flags = k->flags,
	};
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = k->policy };
	struct iommufd_device *dev;
	struct iommufd_emu *emu;
	struct iommufd_ctx *ctx;

	assert_int_equal(iommufd_emu_new(&shape, &emu), 0);
	opts.sys = iommufd_emu_get_sys(emu);
	if (k->code) {
		assert_error(iommufd_ctx_new(&opts, &ctx), k->code);
		iommufd_emu_unref(emu);
		if (!strstr(expected_record()->message, k->pair))
			fail_msg("%s: not \"%s\": %s", k->kernel, k->pair,
				 expected_record()->message);
		return;
	}
	assert_ok(iommufd_ctx_new(&opts, &ctx));
	hold_ctx(f, ctx);
	iommufd_emu_unref(emu); /* a context holds it */
	assert_string_equal(pair_of(ctx), k->pair);
	check_report(ctx, k);
	if (k->device) {
		assert_error(iommufd_device_open(ctx, "0000:00:03.0", NULL, &dev), k->device);
	} else {
		assert_ok(iommufd_device_open(ctx, "0000:00:03.0", NULL, &dev));
		hold_device(f, dev);
		assert_int_equal(strncmp(iommufd_device_get_transport(dev), k->pair, 4), 0);
		put_device(f, dev);
	}
	put_ctx(f, ctx);
}

static void backend_fits_the_kernel(void **state)
{
	struct fixture *f = *state;

	if (!contract_is_emulated())
		skip_case(f, "one kernel is like another only where they are emulated");
	unsetenv("LIBIOMMUFD_BACKEND");
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		try_kernel(f, &kernels[i]);
}

static const struct CMUnitTest cases[] = {
	CASE(backend_is_the_pair_asked_for),
	CASE(backend_report_has_a_line_per_step),
	CASE_OF_POLICY(backend_is_one_that_the_policy_allows),
	CASE_OF_POLICY(backend_unknown_einval),
	CASE_OF_POLICY(backend_of_who_owns_the_groups_is_type1),
	CASE_OF_POLICY(backend_fits_the_kernel),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ctx-backend", cases, NULL, NULL);
}
