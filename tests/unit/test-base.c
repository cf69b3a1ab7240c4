/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* base/: error record, log, sized structs, references. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/object.h"
#include "base/opts.h"

static void error_record_holds_what_failed(void **state)
{
	const struct iommufd_error *e = iommufd_error_last();
	(void)state;

	assert_int_equal(err(-EINVAL, "OP", "thing 1", "do this", "value %d", 7), -EINVAL);
	assert_int_equal(e->code, -EINVAL);
	assert_string_equal(e->operation, "OP");
	assert_string_equal(e->object, "thing 1");
	assert_string_equal(e->message, "value 7");
	assert_string_equal(e->remedy, "do this");
}

static void error_text_too_long_is_cut_and_ended(void **state)
{
	const struct iommufd_error *e = iommufd_error_last();
	char big[2000];
	(void)state;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err(-ENOSPC, big, big, big, "%s", big);
	assert_int_equal(strlen(e->operation), sizeof(e->operation) - 1);
	assert_int_equal(strlen(e->object), sizeof(e->object) - 1);
	assert_int_equal(strlen(e->message), sizeof(e->message) - 1);
	assert_int_equal(strlen(e->remedy), sizeof(e->remedy) - 1);
	err_kernel(-EBUSY, KNOWN(-EBUSY), big, big, big, "%s", big);
	assert_int_equal(strlen(e->message), sizeof(e->message) - 1);
}

static void error_of_the_kernel_unknown_becomes_eio(void **state)
{
	const struct iommufd_error *e = iommufd_error_last();
	(void)state;

	assert_int_equal(err_kernel(-EBUSY, KNOWN(-EBUSY, -EPERM), "OP", "o", "r", "m"), -EBUSY);
	assert_non_null(strstr(e->message, "EBUSY"));
	assert_int_equal(err_kernel(-EXDEV, KNOWN(-EBUSY, -EPERM), "OP", "o", "r", "m"), -EIO);
	assert_int_equal(e->code, -EIO);
	assert_non_null(strstr(e->message, "EXDEV"));
}

static void *fail_in_thread(void *arg)
{
	(void)arg;
	err(-ENOENT, "OTHER", "", "", "other thread");
	return NULL;
}

static void error_record_belongs_to_its_thread(void **state)
{
	pthread_t thread;
	(void)state;

	err(-EPERM, "MINE", "", "", "this thread");
	pthread_create(&thread, NULL, fail_in_thread, NULL);
	pthread_join(thread, NULL);
	assert_string_equal(iommufd_error_last()->operation, "MINE");
}

struct lines {
	int count, level;
	char text[256];
};

static void keep(void *data, int level, const char *text)
{
	struct lines *l = data;

	l->count++;
	l->level = level;
	strncpy(l->text, text, sizeof(l->text) - 1);
}

static void log_respects_its_level_and_errno(void **state)
{
	struct lines l = { 0 };
	struct log log;
	(void)state;

	log_init(&log, keep, &l, 0);
	log_info(&log, "not wanted");
	assert_int_equal(l.count, 0);
	errno = 77;
	log_warning(&log, "wanted %d", 3);
	assert_int_equal(errno, 77);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.level, IOMMUFD_LOG_WARNING);
	assert_string_equal(l.text, "wanted 3");
	assert_int_equal(err_log(&log, err(-EIO, "OP", "obj", "fix", "bad")), -EIO);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.level, IOMMUFD_LOG_ERROR);
	assert_string_equal(l.text, "OP: obj: bad; fix");
	assert_int_equal(err_log(&log, 0), 0);
	assert_int_equal(l.count, 2);
}

static void log_is_silent_by_default(void **state)
{
	struct log log;
	(void)state;

	unsetenv("LIBIOMMUFD_LOG");
	log_init(&log, NULL, NULL, 0);
	assert_null(log.fn);
	setenv("LIBIOMMUFD_LOG", "nonsense", 1);
	log_init(&log, NULL, NULL, 0);
	assert_null(log.fn);
	setenv("LIBIOMMUFD_LOG", "info", 1);
	log_init(&log, NULL, NULL, 0);
	assert_non_null(log.fn);
	assert_int_equal(log.level, IOMMUFD_LOG_INFO);
	unsetenv("LIBIOMMUFD_LOG");
}

struct small { size_t size; uint64_t a; };
struct large { size_t size; uint64_t a, b; };

static void opts_of_another_release_are_understood(void **state)
{
	struct small s = { sizeof(s), 5 }, ours;
	struct large l = { sizeof(l), 6, 0 }, wide;
	(void)state;

	assert_int_equal(opts_get("f", &ours, sizeof(ours), NULL), 0);
	assert_int_equal(ours.a, 0);
	assert_int_equal(opts_get("f", &wide, sizeof(wide), &s), 0); /* older program */
	assert_int_equal(wide.a, 5);
	assert_int_equal(wide.b, 0);
	assert_int_equal(opts_get("f", &ours, sizeof(ours), &l), 0); /* newer, tail zero */
	assert_int_equal(ours.a, 6);
	l.b = 1;
	assert_int_equal(opts_get("f", &ours, sizeof(ours), &l), -E2BIG);
	s.size = 0;
	assert_int_equal(opts_get("f", &ours, sizeof(ours), &s), -EINVAL);
	s.size = SIZE_MAX; /* an uninitialised field must not be read that far */
	assert_int_equal(opts_get("f", &ours, sizeof(ours), &s), -E2BIG);
	assert_int_equal(opts_flags("f", 3, 7), 0);
	assert_int_equal(opts_flags("f", 8, 7), -EOPNOTSUPP);
}

static void info_is_filled_to_the_size_given(void **state)
{
	struct large ours = { 0, 1, 2 }, l = { sizeof(l), 9, 9 };
	struct small s = { sizeof(s), 9 };
	(void)state;

	assert_int_equal(opts_put("f", &s, &ours, sizeof(ours)), 0);
	assert_int_equal(s.a, 1);
	assert_int_equal(s.size, sizeof(s));
	assert_int_equal(opts_put("f", &l, &ours, sizeof(ours)), 0);
	assert_int_equal(l.b, 2);
	l.size = 4;
	assert_int_equal(opts_put("f", &l, &ours, sizeof(ours)), -EINVAL);
	assert_int_equal(opts_put("f", NULL, &ours, sizeof(ours)), -EINVAL);
}

static void references_count_to_zero_once(void **state)
{
	struct object o;
	(void)state;

	object_init(&o, OBJECT_CTX);
	assert_true(object_is(&o, OBJECT_CTX));
	assert_false(object_is(&o, OBJECT_IOAS));
	assert_false(object_is(NULL, OBJECT_CTX));
	object_ref(&o);
	assert_false(object_unref(&o));
	assert_true(object_ref_unless_zero(&o));
	assert_false(object_unref(&o));
	assert_true(object_unref(&o));
	assert_false(object_ref_unless_zero(&o));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_record_holds_what_failed),
		cmocka_unit_test(error_text_too_long_is_cut_and_ended),
		cmocka_unit_test(error_of_the_kernel_unknown_becomes_eio),
		cmocka_unit_test(error_record_belongs_to_its_thread),
		cmocka_unit_test(log_respects_its_level_and_errno),
		cmocka_unit_test(log_is_silent_by_default),
		cmocka_unit_test(opts_of_another_release_are_understood),
		cmocka_unit_test(info_is_filled_to_the_size_given),
		cmocka_unit_test(references_count_to_zero_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
