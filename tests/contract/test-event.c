/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Events: what happens to devices and groups under the feet of who has them open. */
#include "driver.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static bool is_readable(int fd, int ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, ms) == 1;
}

static int group_number(struct iommufd_ctx *ctx, const char *name)
{
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev;

	assert_ok(iommufd_device_open(ctx, name, NULL, &dev));
	assert_ok(iommufd_device_get_info(dev, &info));
	iommufd_device_unref(dev);
	return info.group;
}

/* The siblings' group, with none of its devices open. */
static struct iommufd_group *open_group(struct fixture *f)
{
	struct iommufd_group *group;

	assert_ok(iommufd_group_open(f->ctx, group_number(f->ctx, device_name(f, SIBLING1)),
				     &group));
	return hold_group(f, group);
}

static int watch(struct fixture *f)
{
	int fd = iommufd_ctx_get_event_fd(f->ctx);

	assert_true(fd >= 0);
	return fd;
}

#define expect_no_event(f) do { \
	struct iommufd_event none_ = { .size = sizeof(none_) }; \
	assert_error(iommufd_ctx_read_event((f)->ctx, &none_), -EAGAIN); \
	assert_false(is_readable(iommufd_ctx_get_event_fd((f)->ctx), 0)); \
} while (0)

/* The next event, of the type expected; waits for it. */
static struct iommufd_event next_event(struct fixture *f, uint32_t type)
{
	struct iommufd_event ev = { .size = sizeof(ev) };

	/* Messages of the same change may come in pieces. */
	while (is_readable(watch(f), 5000)) {
		int r = iommufd_ctx_read_event(f->ctx, &ev);

		if (!r) {
			assert_int_equal(ev.type, type);
			return ev;
		}
		assert_int_equal(r, -EAGAIN);
	}
	fail_msg("no event within 5 s");
	return ev;
}

/* -- the descriptor */

static void event_fd_is_lent_and_stays(void **state)
{
	struct fixture *f = *state;
	int fd = watch(f);

	assert_int_equal(watch(f), fd);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(is_readable(fd, 0));
	expect_no_event(f);
	assert_error(iommufd_ctx_get_event_fd(NULL), -EINVAL);
}

static void event_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_event ev = { .size = 0 };

	assert_error(iommufd_ctx_read_event(f->ctx, NULL), -EINVAL);
	assert_error(iommufd_ctx_read_event(f->ctx, &ev), -EINVAL);
	ev.size = sizeof(ev);
	assert_error(iommufd_ctx_read_event(NULL, &ev), -EINVAL);
}

/* -- groups */

static void event_group_loses_and_regains_viability(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);
	struct iommufd_group *group = open_group(f);
	struct iommufd_group_info info = { .size = sizeof(info) };
	struct iommufd_event ev;

	watch(f);
	assert_int_equal(set_driver(f, b->name, b->driver), 0);
	ev = next_event(f, IOMMUFD_EVENT_GROUP_NOT_VIABLE);
	assert_ok(iommufd_group_get_info(group, &info));
	assert_int_equal(ev.group, info.number);
	assert_false(info.flags & IOMMUFD_GROUP_VIABLE);
	assert_string_equal(ev.name, b->name);
	assert_string_equal(ev.driver, b->driver);
	assert_int_equal(ev.cookie, 0);
	assert_int_equal(set_driver(f, b->name, ""), 0);
	ev = next_event(f, IOMMUFD_EVENT_GROUP_VIABLE);
	assert_int_equal(ev.group, info.number);
	assert_string_equal(ev.name, "");
	assert_ok(iommufd_group_check_viable(group));
	expect_no_event(f);
}

static void event_tells_only_what_lasts(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);

	open_group(f);
	watch(f);
	assert_int_equal(set_driver(f, b->name, b->driver), 0);
	assert_int_equal(set_driver(f, b->name, ""), 0);
	assert_true(is_readable(watch(f), 5000));
	expect_no_event(f);
}

static void event_of_a_group_opened_later(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);

	watch(f);
	assert_int_equal(set_driver(f, b->name, b->driver), 0);
	assert_true(is_readable(watch(f), 5000));
	expect_no_event(f); /* nobody has the group */
	assert_int_equal(set_driver(f, b->name, ""), 0);
	open_group(f);
	assert_int_equal(set_driver(f, b->name, b->driver), 0);
	next_event(f, IOMMUFD_EVENT_GROUP_NOT_VIABLE);
}

static void event_of_a_group_that_was_given_back(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);
	struct iommufd_group *group;

	assert_ok(iommufd_group_open(f->ctx, group_number(f->ctx, device_name(f, SIBLING1)),
				     &group));
	watch(f);
	iommufd_group_unref(group);
	assert_int_equal(set_driver(f, b->name, b->driver), 0);
	assert_true(is_readable(watch(f), 5000));
	expect_no_event(f);
}

/* The kernel keeps drivers out of a group that user space has; older ones (before 5.19) tell. */
static void event_of_an_open_device_group(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);
	struct iommufd_device *dev = get_device(f, SIBLING1);

	watch(f);
	if (set_driver(f, b->name, b->driver)) {
		expect_no_event(f);
	} else {
		assert_string_equal(next_event(f, IOMMUFD_EVENT_GROUP_NOT_VIABLE).name, b->name);
	}
	put_device(f, dev);
}

static void event_of_others_is_none(void **state)
{
	struct fixture *f = *state;

	get_device(f, ALONE1);
	watch(f);
	assert_int_equal(set_driver(f, device_name(f, ALONE2), ""), 0);
	assert_true(is_readable(watch(f), 5000));
	expect_no_event(f);
	assert_int_equal(set_driver(f, device_name(f, ALONE2), "vfio-pci"), 0);
	assert_true(is_readable(watch(f), 5000));
	expect_no_event(f);
}

/* -- devices */

/* Older kernels say nothing before the device is closed. */
static void needs_6_6(struct fixture *f)
{
	const char *release = getenv("LIBIOMMUFD_EMU");
	int major = 0, minor = 0;
	struct utsname running;

	if (!contract_is_emulated() && !uname(&running))
		release = running.release;
	if (release && sscanf(release, "%d.%d", &major, &minor) == 2 &&
	    (major < 6 || (major == 6 && minor < 6)))
		skip_case(f, "the kernel is older than Linux 6.6");
}

static void event_device_is_being_taken_away(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 0xc00c1e };
	const char *name = device_name(f, ALONE1);
	struct iommufd_device *dev;
	struct iommufd_event ev;

	needs_6_6(f);
	assert_ok(iommufd_device_open(f->ctx, name, &opts, &dev));
	hold_device(f, dev);
	get_device(f, ALONE2);
	watch(f);
	take_away(f, name);
	ev = next_event(f, IOMMUFD_EVENT_DEVICE_LEAVING);
	assert_string_equal(ev.name, name);
	assert_int_equal(ev.cookie, 0xc00c1e);
	assert_true(ev.group >= 0);
	assert_string_equal(ev.driver, "");
	/* Until it is closed it works as before. */
	assert_ok(iommufd_pci_set_memory(dev, 1));
	assert_ok(iommufd_device_attach(dev, get_ioas(f)));
	put_device(f, dev);
	while (is_readable(watch(f), 500)) /* the removal goes on */
		assert_error(iommufd_ctx_read_event(f->ctx, &ev), -EAGAIN);
}

static void event_of_a_device_opened_later(void **state)
{
	struct fixture *f = *state;
	const char *name = device_name(f, SIBLING1);

	needs_6_6(f);
	watch(f);
	get_device(f, SIBLING1);
	get_device(f, SIBLING2);
	take_away(f, name);
	assert_string_equal(next_event(f, IOMMUFD_EVENT_DEVICE_LEAVING).name, name);
	expect_no_event(f);
}

static void event_of_an_older_caller(void **state)
{
	struct fixture *f = *state;
	struct iommufd_event ev;

	needs_6_6(f);
	get_device(f, ALONE1);
	watch(f);
	take_away(f, device_name(f, ALONE1));
	assert_true(is_readable(watch(f), 5000));
	memset(&ev, 0xee, sizeof(ev));
	ev.size = offsetof(struct iommufd_event, name);
	assert_ok(iommufd_ctx_read_event(f->ctx, &ev));
	assert_int_equal(ev.type, IOMMUFD_EVENT_DEVICE_LEAVING);
	assert_int_equal((uint8_t)ev.name[0], 0xee);
}

/* -- several who read, and one who must not */

struct reader {
	struct iommufd_ctx *ctx;
	unsigned int events;
	int wrong;
};

static void *read_for_a_while(void *arg)
{
	struct reader *r = arg;

	for (int i = 0; i < 20000 && !r->wrong; i++) {
		struct iommufd_event ev = { .size = sizeof(ev) };
		int rc = iommufd_ctx_read_event(r->ctx, &ev);

		if (!rc)
			r->events++;
		else if (rc != -EAGAIN)
			r->wrong = rc;
	}
	return NULL;
}

static void event_goes_to_one_of_several_readers(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);
	struct reader reader[3] = { { .ctx = f->ctx }, { .ctx = f->ctx }, { .ctx = f->ctx } };
	pthread_t thread[3];
	unsigned int events = 0;

	open_group(f);
	watch(f);
	assert_int_equal(set_driver(f, b->name, b->driver), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, read_for_a_while, &reader[i]), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(reader[i].wrong, 0);
		events += reader[i].events;
	}
	assert_int_equal(events, 1);
}

/* A forked child shares the socket: what it took would be lost. */
static void event_is_not_for_a_forked_child(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);
	int status;
	pid_t child;

	open_group(f);
	watch(f);
	assert_int_equal(set_driver(f, b->name, b->driver), 0);
	child = fork();
	if (!child) {
		struct iommufd_event ev = { .size = sizeof(ev) };
		int fd = iommufd_ctx_get_event_fd(f->ctx);
		int rc = iommufd_ctx_read_event(f->ctx, &ev);

		_exit(fd != -EPERM || rc != -EPERM);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	next_event(f, IOMMUFD_EVENT_GROUP_NOT_VIABLE);
}

/* More messages than the kernel keeps: some are lost, the event is not. */
static void event_survives_lost_messages(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);

	open_group(f);
	watch(f);
	for (int i = 0; i < 150; i++) {
		assert_int_equal(set_driver(f, device_name(f, ALONE2), ""), 0);
		assert_int_equal(set_driver(f, device_name(f, ALONE2), "vfio-pci"), 0);
	}
	assert_int_equal(set_driver(f, b->name, b->driver), 0);
	assert_string_equal(next_event(f, IOMMUFD_EVENT_GROUP_NOT_VIABLE).name, b->name);
	expect_no_event(f);
	assert_int_equal(set_driver(f, b->name, ""), 0);
	next_event(f, IOMMUFD_EVENT_GROUP_VIABLE);
}

static const struct CMUnitTest cases[] = {
	CASE(event_fd_is_lent_and_stays),
	CASE(event_bad_argument_einval),
	DRIVER_CASE(event_group_loses_and_regains_viability),
	DRIVER_CASE(event_tells_only_what_lasts),
	DRIVER_CASE(event_of_a_group_opened_later),
	DRIVER_CASE(event_of_a_group_that_was_given_back),
	DRIVER_CASE(event_of_an_open_device_group),
	DRIVER_CASE(event_of_others_is_none),
	DRIVER_CASE(event_device_is_being_taken_away),
	DRIVER_CASE(event_of_a_device_opened_later),
	DRIVER_CASE(event_of_an_older_caller),
	DRIVER_CASE(event_goes_to_one_of_several_readers),
	DRIVER_CASE(event_is_not_for_a_forked_child),
	DRIVER_CASE(event_survives_lost_messages),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("event", cases, NULL, NULL);
}
