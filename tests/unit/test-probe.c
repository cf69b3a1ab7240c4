/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* backend/probe: which backend comes out on machines made up for it, and what is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/probe.h"
#include "base/error.h"
#include "os/uapi.h"

/* ---- a machine made up ---- */

/* What is behind a node, or else the errno of open. */
enum { IOMMUFD = 1, TYPE1, TYPE1_V1, BARE, OTHER_VERSION, SERVED, SOMETHING, NOIOMMU };
enum { OF_IOMMU = 100, OF_CONTAINER, OF_PAGEMAP, ADOPTED }; /* descriptors */

struct machine {
	int iommu, container, adopted;
	const char *classes; /* names in /sys/class/vfio-dev */
	const char *with_dev;
	int get_pa;          /* what IOMMU_IOAS_NOIOMMU_GET_PA answers */
	int open_fds;
	struct core core;
	struct iommufd_sys sys;
};

static int machine_open(void *data, const char *path, int flags)
{
	struct machine *m = data;
	int behind = !strcmp(path, "/dev/iommu") ? m->iommu :
		     !strcmp(path, "/dev/vfio/vfio") ? m->container :
		     !strcmp(path, "/proc/self/pagemap") ? SOMETHING : -ENOENT;
	(void)flags;

	if (behind < 0)
		return behind;
	m->open_fds++;
	return !strcmp(path, "/dev/iommu") ? OF_IOMMU : path[1] == 'p' ? OF_PAGEMAP : OF_CONTAINER;
}

static int machine_close(void *data, int fd)
{
	struct machine *m = data;
	(void)fd;

	m->open_fds--;
	return 0;
}

static int machine_dup(void *data, int fd)
{
	struct machine *m = data;

	if (fd != 7)
		return -EBADF;
	m->open_fds++;
	return ADOPTED;
}

static int answer_iommufd(const struct machine *m, unsigned long request)
{
	if (request == K_IOMMU_IOAS_NOIOMMU_GET_PA)
		return m->get_pa;
	return request == _IO(K_IOMMUFD_TYPE, 0xff) ? -ENOTTY : -EINVAL;
}

static int answer_container(int behind, unsigned long request, uintptr_t arg)
{
	if (request == K_VFIO_GET_API_VERSION)
		return behind == OTHER_VERSION ? 9 : K_VFIO_API_VERSION;
	if (request != K_VFIO_CHECK_EXTENSION)
		return -EINVAL;
	switch (arg) {
	case K_VFIO_TYPE1_IOMMU:
		return behind == TYPE1 || behind == TYPE1_V1 || behind == SERVED;
	case K_VFIO_TYPE1v2_IOMMU:
	case K_VFIO_UNMAP_ALL:
		return behind == TYPE1 || behind == SERVED;
	case K_VFIO_NOIOMMU_IOMMU:
		return behind == NOIOMMU;
	}
	return 0;
}

static int machine_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	const struct machine *m = data;
	int behind = fd == OF_IOMMU ? m->iommu : fd == OF_CONTAINER ? m->container : m->adopted;

	if (behind == SOMETHING)
		return -ENOTTY;
	/* VFIO's numbers and those of iommufd follow each other. */
	if (behind == IOMMUFD || (behind == SERVED && request >= K_IOMMU_DESTROY))
		return answer_iommufd(m, request);
	return answer_container(behind, request, (uintptr_t)arg);
}

static ssize_t machine_list(void *data, const char *path, char *buf, size_t n)
{
	const struct machine *m = data;
	size_t len = m->classes ? strlen(m->classes) : 0;

	if (strcmp(path, "/sys/class/vfio-dev") || !m->classes)
		return -ENOENT;
	assert_true(len + 1 <= n);
	memcpy(buf, m->classes, len);
	for (size_t i = 0; i < len; i++)
		buf[i] = buf[i] == ' ' ? '\0' : buf[i];
	buf[len] = '\0';
	return len ? (ssize_t)len + 1 : 0;
}

static int machine_exists(void *data, const char *path)
{
	const struct machine *m = data;
	char with[64];

	snprintf(with, sizeof(with), "/sys/class/vfio-dev/%s/dev", m->with_dev ? m->with_dev : "-");
	return strcmp(path, with) ? -ENOENT : 0;
}

static int try(struct machine *m, struct backend *b, const char *policy, int adopt)
{
	m->sys = (struct iommufd_sys){
		.abi = SYS_ABI, .size = sizeof(m->sys), .data = m, .open = machine_open,
		.close = machine_close, .dup = machine_dup, .ioctl = machine_ioctl,
		.list_dir = machine_list, .exists = machine_exists,
	};
	m->core = (struct core){ .sys = &m->sys, .page_size = 4096 };
	return backend_open(b, &m->core, "function", policy, adopt);
}

static bool all_told(struct backend *b, const char *name, const char *const lines[])
{
	size_t n = 0;
	char *text = strdup(b->report), *rest = text;
	bool same = !strcmp(b->name, name);

	for (char *line; (line = strsep(&rest, "\n")); n++)
		same = same && lines[n] && strstr(line, lines[n]);
	if (!same || lines[n])
		printf("%s\n%s\n", b->name, b->report);
	free(text);
	return same && !lines[n];
}

/* The backend comes to be @name; the report's lines contain those given. */
#define chosen(m, policy, adopt, name, ...) do { \
	struct backend b_; \
	assert_int_equal(try((m), &b_, (policy), (adopt)), 0); \
	assert_true(all_told(&b_, "emulated " name, (const char *const[]){ __VA_ARGS__, NULL })); \
	backend_close(&b_); \
	assert_int_equal((m)->open_fds, 0); \
} while (0)

/* Nothing does; the record says so in these words. */
#define refused(m, policy, adopt, code, object_, words, remedy_) do { \
	struct backend b_; \
	assert_int_equal(try((m), &b_, (policy), (adopt)), code); \
	assert_string_equal(iommufd_error_last()->object, object_); \
	assert_non_null(strstr(iommufd_error_last()->message, words)); \
	assert_non_null(strstr(iommufd_error_last()->remedy, remedy_)); \
	assert_null(b_.report); \
	assert_int_equal((m)->open_fds, 0); \
} while (0)

/* ---- what is chosen */

static void auto_takes_what_there_is_in_order(void **state)
{
	struct machine all = { .iommu = IOMMUFD, .container = TYPE1 };
	struct machine forbidden = { .iommu = -EACCES, .container = TYPE1 };
	struct machine old = { .iommu = -ENOENT, .container = TYPE1 };
	struct machine fake = { .iommu = SOMETHING, .container = TYPE1 };
	struct machine missing = { .iommu = -ENODEV, .container = TYPE1 };
	struct machine caged = { .iommu = -EPERM, .container = TYPE1 };

	(void)state;
	chosen(&all, NULL, -1, "cdev+iommufd", "opened /dev/iommu: ok", "using emulated cdev+iommufd");
	chosen(&forbidden, "auto", -1, "group+type1",
	       "opened /dev/iommu: EACCES, this user may not open it",
	       "opened /dev/vfio/vfio: ok", "using emulated group+type1");
	chosen(&old, "auto", -1, "group+type1", "opened /dev/iommu: ENOENT, it does not exist",
	       "opened /dev/vfio/vfio: ok", "using");
	chosen(&fake, "auto", -1, "group+type1", "opened /dev/iommu: ok",
	       "asked /dev/iommu: ENODEV, it does not answer as /dev/iommu does",
	       "opened /dev/vfio/vfio: ok", "using");
	chosen(&missing, "auto", -1, "group+type1",
	       "opened /dev/iommu: ENODEV, it exists, and the kernel has no driver behind it",
	       "opened /dev/vfio/vfio: ok", "using");
	chosen(&caged, "auto", -1, "group+type1", "opened /dev/iommu: EPERM, a device cgroup",
	       "opened /dev/vfio/vfio: ok", "using");
}

static void names_allow_no_more_than_they_say(void **state)
{
	struct machine all = { .iommu = IOMMUFD, .container = TYPE1 };
	struct machine old = { .iommu = -ENOENT, .container = TYPE1 };
	struct machine other = { .iommu = -EACCES, .container = NOIOMMU };
	static const char ok[] = "opened /dev/vfio/vfio: ok";

	(void)state;
	chosen(&all, "iommufd", -1, "cdev+iommufd", "opened /dev/iommu: ok", "using");
	chosen(&all, "cdev+iommufd", -1, "cdev+iommufd", "opened /dev/iommu: ok", "using");
	chosen(&all, "group+iommufd", -1, "group+iommufd", "opened /dev/iommu: ok", "using");
	chosen(&all, "legacy", -1, "group+type1", ok, "using");
	chosen(&all, "group+type1", -1, "group+type1", ok, "using");
	refused(&old, "iommufd", -1, -ENOENT, "/dev/iommu", "it does not exist", "modprobe iommufd");
	refused(&old, "group+iommufd", -1, -ENOENT, "/dev/iommu", "it does not exist", "");
	/* Devices that reach all memory are had by name only. */
	refused(&other, "auto", -1, -EACCES, "/dev/iommu",
		"/dev/iommu: this user may not open it; /dev/vfio/vfio: it has no IOMMU of type 1",
		"give this user access to /dev/iommu");
	refused(&other, "legacy", -1, -ENODEV, "/dev/vfio/vfio", "no IOMMU of type 1",
		"vfio_iommu_type1");
}

static void a_container_that_is_an_iommufd_is_used_as_one(void **state)
{
	struct machine m = { .iommu = -EACCES, .container = SERVED };

	(void)state;
	chosen(&m, "auto", -1, "cdev+iommufd", "opened /dev/iommu: EACCES",
	       "opened /dev/vfio/vfio: ok",
	       "asked /dev/vfio/vfio: it is an iommufd, and used as one", "using");
	chosen(&m, "legacy", -1, "group+type1", "opened /dev/vfio/vfio: ok",
	       "asked /dev/vfio/vfio: it is an iommufd that plays a container", "using");
	refused(&m, "iommufd", -1, -EACCES, "/dev/iommu", "may not", "");
}

static void devices_without_nodes_are_foreseen(void **state)
{
	struct machine none = { .iommu = IOMMUFD, .classes = "vfio0 vfio1" };
	struct machine some = { .iommu = IOMMUFD, .classes = "vfio0 vfio1", .with_dev = "vfio1" };
	struct machine empty = { .iommu = IOMMUFD, .classes = "" };

	(void)state;
	chosen(&none, "auto", -1, "group+iommufd", "opened /dev/iommu: ok",
	       "looked into /sys/class/vfio-dev: this kernel gives devices no character device",
	       "using emulated group+iommufd");
	chosen(&none, "cdev+iommufd", -1, "cdev+iommufd", "opened /dev/iommu: ok", "using");
	chosen(&some, "auto", -1, "cdev+iommufd", "opened /dev/iommu: ok", "using");
	chosen(&empty, "auto", -1, "cdev+iommufd", "opened /dev/iommu: ok", "using");
}

/* ---- no IOMMU */

static void noiommu_is_chosen_by_name(void **state)
{
	struct machine newest = { .iommu = IOMMUFD, .container = NOIOMMU, .get_pa = -EINVAL };
	struct machine older = { .iommu = IOMMUFD, .container = NOIOMMU, .get_pa = -ENOTTY };
	struct machine user = { .iommu = IOMMUFD, .container = NOIOMMU, .get_pa = -EPERM };
	struct machine off = { .iommu = IOMMUFD, .container = TYPE1, .get_pa = -EOPNOTSUPP };

	(void)state;
	chosen(&newest, "noiommu", -1, "cdev+noiommu", "opened /dev/iommu: ok", "using");
	chosen(&newest, "cdev+noiommu", -1, "cdev+noiommu", "opened /dev/iommu: ok", "using");
	chosen(&newest, "group+noiommu", -1, "group+noiommu", "opened /dev/vfio/vfio: ok", "using");
	chosen(&older, "noiommu", -1, "group+noiommu", "opened /dev/iommu: ok",
	       "asked /dev/iommu: EOPNOTSUPP, it knows no devices without an IOMMU",
	       "opened /dev/vfio/vfio: ok", "using");
	refused(&user, "noiommu", -1, -EPERM, "/dev/iommu", "unprivileged", "CAP_SYS_RAWIO");
	refused(&off, "noiommu", -1, -EOPNOTSUPP, "/dev/vfio/vfio", "switched off",
		"enable_unsafe_noiommu_mode=1");
}

static void noiommu_claims_no_isolation(void **state)
{
	struct machine m = { .iommu = IOMMUFD, .container = NOIOMMU, .get_pa = -EINVAL };
	static const char *const names[] = { "cdev+noiommu", "group+noiommu", "cdev+iommufd" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct backend b;

		assert_int_equal(try(&m, &b, names[i], -1), 0);
		assert_int_equal(engine_has(&b.engine, IOMMUFD_CAP_ISOLATION), i == 2);
		assert_int_equal(b.noiommu, i != 2);
		backend_close(&b);
	}
}

/* ---- what is refused */

static void containers_of_other_kinds_are_refused(void **state)
{
	struct machine v1 = { .iommu = -ENOENT, .container = TYPE1_V1 };
	struct machine bare = { .iommu = -ENOENT, .container = BARE };
	struct machine next = { .iommu = -ENOENT, .container = OTHER_VERSION };
	struct machine wrong = { .iommu = -ENOENT, .container = SOMETHING };

	(void)state;
	refused(&v1, "auto", -1, -EOPNOTSUPP, "/dev/vfio/vfio",
		"/dev/iommu: it does not exist; /dev/vfio/vfio: it has type1 in version 1 alone",
		"version 2");
	refused(&bare, "auto", -1, -ENODEV, "/dev/vfio/vfio", "no IOMMU of type 1",
		"vfio_iommu_type1");
	refused(&next, "auto", -1, -EOPNOTSUPP, "/dev/vfio/vfio", "another version", "release");
	refused(&wrong, "auto", -1, -ENODEV, "/dev/vfio/vfio", "does not answer", "modprobe");
}

static void the_code_is_the_most_telling_one(void **state)
{
	static const struct {
		int iommu, container, code;
		const char *object;
	} cases[] = {
		{ -ENOENT, -ENOENT, -ENOENT, "/dev/vfio/vfio" },
		{ -ENODEV, -ENOENT, -ENODEV, "/dev/iommu" },
		{ -ENOENT, -ENXIO, -ENODEV, "/dev/vfio/vfio" },
		{ -EACCES, -ENOENT, -EACCES, "/dev/iommu" },
		{ -EPERM, -ENODEV, -EPERM, "/dev/iommu" },
		{ -EPERM, -EACCES, -EACCES, "/dev/vfio/vfio" },
		{ -EACCES, -EPERM, -EACCES, "/dev/iommu" },
		{ -EPERM, TYPE1_V1, -EPERM, "/dev/iommu" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine m = { .iommu = cases[i].iommu, .container = cases[i].container };

		refused(&m, "auto", -1, cases[i].code, cases[i].object, "/dev/iommu: ", "");
		refused(&m, "auto", -1, cases[i].code, cases[i].object, "; /dev/vfio/vfio: ", "");
	}
}

/* Type1 does not help a process that has run out of something. */
static void what_the_machine_lacks_is_no_reason_to_go_on(void **state)
{
	struct machine m = { .iommu = -EMFILE, .container = TYPE1 };

	(void)state;
	refused(&m, "auto", -1, -EMFILE, "/dev/iommu", "EMFILE", "RLIMIT_NOFILE");
	m.iommu = -ENOMEM;
	refused(&m, "auto", -1, -ENOMEM, "/dev/iommu", "ENOMEM", "");
	m.iommu = -ELOOP;
	refused(&m, "auto", -1, -EIO, "/dev/iommu", "ELOOP", "");
}

/* ---- descriptors handed over */

static void what_is_handed_over_is_asked(void **state)
{
	struct machine m = { .iommu = -ENOENT, .container = -ENOENT, .adopted = IOMMUFD };
	static const char ok[] = "adopted fd 7: ok";

	(void)state;
	chosen(&m, "auto", 7, "cdev+iommufd", ok, "using");
	chosen(&m, "group+iommufd", 7, "group+iommufd", ok, "using");
	m.adopted = TYPE1;
	chosen(&m, "auto", 7, "group+type1", ok,
	       "asked fd 7: ENOTTY, it does not answer as /dev/iommu does", ok, "using");
	chosen(&m, "legacy", 7, "group+type1", ok, "using");
	refused(&m, "iommufd", 7, -ENOTTY, "fd 7", "as /dev/iommu does", "/dev/iommu");
	m.adopted = SERVED;
	chosen(&m, "auto", 7, "cdev+iommufd", ok, "using");
	chosen(&m, "legacy", 7, "group+type1", ok,
	       "asked fd 7: it is an iommufd that plays a container", "using");
	m.adopted = NOIOMMU;
	chosen(&m, "group+noiommu", 7, "group+noiommu", ok, "using");
	m.adopted = TYPE1_V1;
	refused(&m, "auto", 7, -EOPNOTSUPP, "fd 7", "version 1 alone", "");
	m.adopted = SOMETHING;
	refused(&m, "auto", 7, -ENOTTY, "fd 7", "as /dev/vfio/vfio does", "/dev/iommu");
	refused(&m, "auto", 8, -EBADF, "fd 8", "duplicated", "");
}

/* ---- names and environment */

static void the_environment_goes_first(void **state)
{
	struct machine m = { .iommu = IOMMUFD, .container = TYPE1 };

	(void)state;
	setenv("LIBIOMMUFD_BACKEND", "group+type1", 1);
	chosen(&m, "cdev+iommufd", -1, "group+type1", "opened /dev/vfio/vfio: ok", "using");
	setenv("LIBIOMMUFD_BACKEND", "floppy", 1);
	refused(&m, "auto", -1, -EINVAL, "LIBIOMMUFD_BACKEND", "\"floppy\"", "group+type1");
	setenv("LIBIOMMUFD_BACKEND", "", 1);
	chosen(&m, NULL, -1, "cdev+iommufd", "opened /dev/iommu: ok", "using");
	unsetenv("LIBIOMMUFD_BACKEND");
}

static void unknown_names_are_refused(void **state)
{
	static const char *const names[] = { "", "nonsense", "type1", "cdev+type1", "auto " };
	struct machine m = { .iommu = IOMMUFD, .container = TYPE1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		refused(&m, names[i], -1, -EINVAL, "opts.backend", names[i], "\"noiommu\"");
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(auto_takes_what_there_is_in_order),
		cmocka_unit_test(names_allow_no_more_than_they_say),
		cmocka_unit_test(a_container_that_is_an_iommufd_is_used_as_one),
		cmocka_unit_test(devices_without_nodes_are_foreseen),
		cmocka_unit_test(noiommu_is_chosen_by_name),
		cmocka_unit_test(noiommu_claims_no_isolation),
		cmocka_unit_test(containers_of_other_kinds_are_refused),
		cmocka_unit_test(the_code_is_the_most_telling_one),
		cmocka_unit_test(what_the_machine_lacks_is_no_reason_to_go_on),
		cmocka_unit_test(what_is_handed_over_is_asked),
		cmocka_unit_test(the_environment_goes_first),
		cmocka_unit_test(unknown_names_are_refused),
	};

	unsetenv("LIBIOMMUFD_BACKEND");
	return cmocka_run_group_tests_name("probe", cases, NULL, NULL);
}
