/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Groups and events of a machine unlike the emulated one, or of a kernel that
 * sends no events, loses them, or hides sysfs meanwhile.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libiommufd.h>
#include <libiommufd/emu.h>

#include "os/sys.h"

#define DEVICE "0000:00:03.0"
#define SIBLING "0000:01:01.0"
#define BRIDGE "0000:00:1e.0"

struct setting {
	struct iommufd_emu *emu;
	struct iommufd_sys sys;
	struct iommufd_ctx *ctx;
	struct iommufd_device *dev;
	struct iommufd_group *group;
};

static const struct iommufd_sys *real;
static int uevents_error, read_error, link_error;
static const char *link_end;

static int bent_uevents(void *data)
{
	return uevents_error ? uevents_error : real->uevents(data);
}

/* Fails once, then goes on. */
static ssize_t bent_read(void *data, int fd, void *buf, size_t n)
{
	int error = read_error;

	read_error = 0;
	return error ? error : real->read(data, fd, buf, n);
}

static ssize_t bent_read_link(void *data, const char *path, char *buf, size_t n)
{
	size_t length = strlen(path), end = link_end ? strlen(link_end) : 0;

	if (link_error && end <= length && !strcmp(path + length - end, link_end))
		return link_error;
	return real->read_link(data, path, buf, n);
}

/* Only a bridge is with the device, as where a slot is all that is behind it. */
static ssize_t single_endpoint(void *data, const char *path, char *buf, size_t n)
{
	static const char names[] = BRIDGE "\0" SIBLING;

	if (strcmp(path, "/sys/kernel/iommu_groups/8/devices"))
		return real->list_dir(data, path, buf, n);
	if (n < sizeof(names))
		return -ERANGE;
	memcpy(buf, names, sizeof(names));
	return sizeof(names);
}

static ssize_t no_list(void *data, const char *path, char *buf, size_t n)
{
	return strstr(path, "iommu_groups") ? -EACCES : real->list_dir(data, path, buf, n);
}

static int setup(void **state)
{
	static struct setting s;
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .sys = &s.sys };

	memset(&s, 0, sizeof(s));
	uevents_error = read_error = link_error = 0;
	link_end = NULL;
	*state = &s;
	if (iommufd_emu_new(NULL, &s.emu))
		return -1;
	real = iommufd_emu_get_sys(s.emu);
	s.sys = *real;
	s.sys.uevents = bent_uevents;
	s.sys.read = bent_read;
	s.sys.read_link = bent_read_link;
	return iommufd_ctx_new(&opts, &s.ctx) || iommufd_device_open(s.ctx, DEVICE, NULL, &s.dev) ||
	       iommufd_group_open(s.ctx, 8, &s.group);
}

static int teardown(void **state)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };
	struct setting *s = *state;

	iommufd_group_unref(s->group);
	iommufd_device_unref(s->dev);
	iommufd_ctx_unref(s->ctx);
	iommufd_emu_get_counts(s->emu, &c);
	iommufd_emu_unref(s->emu);
	return c.fds ? -1 : 0;
}

static int next(struct setting *s, struct iommufd_event *ev)
{
	*ev = (struct iommufd_event){ .size = sizeof(*ev) };
	return iommufd_ctx_read_event(s->ctx, ev);
}

/* The failure has this code and says something. */
#define assert_error(call, expected) do { \
	int rc_ = (call); \
	assert_int_equal(rc_, expected); \
	assert_int_equal(iommufd_error_last()->code, expected); \
	assert_true(*iommufd_error_last()->message && *iommufd_error_last()->remedy); \
} while (0)

static void bind_driver(struct setting *s, const char *name, const char *driver)
{
	assert_int_equal(iommufd_emu_set_driver(s->emu, name, driver), 0);
}

/* -- cases */

static void kernel_without_events_eopnotsupp(void **state)
{
	static const int without[] = { -EAFNOSUPPORT, -EPROTONOSUPPORT, -EPERM, -ENOSYS };
	struct setting *s = *state;
	struct iommufd_event ev;

	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
		uevents_error = without[i];
		assert_error(iommufd_ctx_get_event_fd(s->ctx), -EOPNOTSUPP);
		assert_error(next(s, &ev), -EOPNOTSUPP);
	}
	uevents_error = -ENOBUFS;
	assert_error(iommufd_ctx_get_event_fd(s->ctx), -ENOMEM);
	uevents_error = -EMFILE;
	assert_error(iommufd_ctx_get_event_fd(s->ctx), -EMFILE);
	assert_error(next(s, &ev), -EMFILE);
	uevents_error = -ENFILE;
	assert_error(next(s, &ev), -ENFILE);
	uevents_error = 0;
	assert_true(iommufd_ctx_get_event_fd(s->ctx) >= 0);
}

static void messages_lost_are_made_up_for(void **state)
{
	struct setting *s = *state;
	struct iommufd_event ev;
	char all[4096];
	int fd = iommufd_ctx_get_event_fd(s->ctx);

	bind_driver(s, BRIDGE, "shpchp");
	while (real->read(s->sys.data, fd, all, sizeof(all)) > 0)
		; /* as if there had been no room for any */
	assert_error(next(s, &ev), -EAGAIN);
	read_error = -ENOBUFS;
	assert_int_equal(next(s, &ev), 0);
	assert_int_equal(ev.type, IOMMUFD_EVENT_GROUP_NOT_VIABLE);
	assert_string_equal(ev.name, BRIDGE);
	assert_string_equal(ev.driver, "shpchp");
}

static void reading_that_is_interrupted_goes_on(void **state)
{
	struct setting *s = *state;
	struct iommufd_event ev;

	iommufd_ctx_get_event_fd(s->ctx);
	bind_driver(s, BRIDGE, "shpchp");
	read_error = -EINTR;
	assert_int_equal(next(s, &ev), 0);
	read_error = -EBADMSG;
	assert_error(next(s, &ev), -EIO);
	assert_error(next(s, &ev), -EAGAIN);
}

/* An event is not lost because sysfs could not be read when it came. */
static void sysfs_that_fails_once_is_read_again(void **state)
{
	struct setting *s = *state;
	struct iommufd_event ev;

	iommufd_ctx_get_event_fd(s->ctx);
	bind_driver(s, BRIDGE, "shpchp");
	link_end = "/subsystem";
	link_error = -ENOMEM;
	assert_error(next(s, &ev), -ENOMEM);
	link_error = -EIO;
	assert_error(next(s, &ev), -EIO);
	link_error = 0;
	assert_int_equal(next(s, &ev), 0);
	assert_int_equal(ev.type, IOMMUFD_EVENT_GROUP_NOT_VIABLE);
	link_end = DEVICE "/driver";
	link_error = -EACCES;
	bind_driver(s, BRIDGE, "");
	assert_error(next(s, &ev), -EACCES);
	link_error = 0;
	assert_int_equal(next(s, &ev), 0);
	assert_int_equal(ev.type, IOMMUFD_EVENT_GROUP_VIABLE);
	assert_error(next(s, &ev), -EAGAIN);
}

/* What was never seen cannot leave; once seen, it can. */
static void device_that_sysfs_hides_does_not_leave(void **state)
{
	struct setting *s = *state;
	struct iommufd_event ev;

	link_end = DEVICE "/driver";
	link_error = -ENOENT;
	iommufd_ctx_get_event_fd(s->ctx);
	bind_driver(s, SIBLING, "");
	assert_error(next(s, &ev), -EAGAIN);
	link_error = 0;
	bind_driver(s, SIBLING, "vfio-pci");
	assert_error(next(s, &ev), -EAGAIN);
	assert_int_equal(iommufd_emu_set_driver(s->emu, DEVICE, ""), -EBUSY);
	assert_int_equal(next(s, &ev), 0);
	assert_int_equal(ev.type, IOMMUFD_EVENT_DEVICE_LEAVING);
	assert_string_equal(ev.name, DEVICE);
	assert_error(next(s, &ev), -EAGAIN);
}

static void several_changes_are_several_events(void **state)
{
	struct setting *s = *state;
	struct iommufd_device *other;
	struct iommufd_event ev;

	assert_int_equal(iommufd_device_open(s->ctx, "0000:00:04.0", NULL, &other), 0);
	iommufd_ctx_get_event_fd(s->ctx);
	assert_int_equal(iommufd_emu_set_driver(s->emu, DEVICE, ""), -EBUSY);
	assert_int_equal(iommufd_emu_set_driver(s->emu, "0000:00:04.0", ""), -EBUSY);
	bind_driver(s, BRIDGE, "shpchp");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next(s, &ev), 0);
		assert_int_equal(ev.type, IOMMUFD_EVENT_DEVICE_LEAVING);
	}
	assert_int_equal(next(s, &ev), 0);
	assert_int_equal(ev.type, IOMMUFD_EVENT_GROUP_NOT_VIABLE);
	assert_error(next(s, &ev), -EAGAIN);
	iommufd_device_unref(other);
}

static struct iommufd_ctx *strict_ctx(const struct setting *s)
{
	struct iommufd_ctx_opts opts = {
		.size = sizeof(opts), .sys = &s->sys, .group_policy = IOMMUFD_GROUP_SINGLETON,
	};
	struct iommufd_ctx *ctx;

	assert_int_equal(iommufd_ctx_new(&opts, &ctx), 0);
	return ctx;
}

static void bridge_is_no_company(void **state)
{
	struct setting *s = *state;
	struct iommufd_ctx *ctx = strict_ctx(s);
	struct iommufd_device *dev;

	assert_error(iommufd_device_open(ctx, SIBLING, NULL, &dev), -EPERM);
	assert_non_null(strstr(iommufd_error_last()->message, BRIDGE " (bridge)"));
	s->sys.list_dir = single_endpoint;
	assert_int_equal(iommufd_device_open(ctx, SIBLING, NULL, &dev), 0);
	iommufd_device_unref(dev);
	assert_int_equal(iommufd_emu_set_driver(s->emu, BRIDGE, "pcieport"), 0);
	assert_int_equal(iommufd_device_open(ctx, SIBLING, NULL, &dev), 0);
	iommufd_device_unref(dev);
	iommufd_ctx_unref(ctx);
}

/* Whom the device shares its group with must be known to forbid it. */
static void company_that_cannot_be_seen_is_not_allowed(void **state)
{
	struct setting *s = *state;
	struct iommufd_ctx *ctx = strict_ctx(s);
	struct iommufd_device *dev;

	s->sys.list_dir = no_list;
	assert_error(iommufd_device_open(ctx, "0000:00:04.0", NULL, &dev), -EACCES);
	s->sys.list_dir = real->list_dir;
	assert_int_equal(iommufd_device_open(ctx, "0000:00:04.0", NULL, &dev), 0);
	iommufd_device_unref(dev);
	iommufd_ctx_unref(ctx);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const struct CMUnitTest cases[] = {
		CASE(kernel_without_events_eopnotsupp),
		CASE(messages_lost_are_made_up_for),
		CASE(reading_that_is_interrupted_goes_on),
		CASE(sysfs_that_fails_once_is_read_again),
		CASE(device_that_sysfs_hides_does_not_leave),
		CASE(several_changes_are_several_events),
		CASE(bridge_is_no_company),
		CASE(company_that_cannot_be_seen_is_not_allowed),
	};

	return cmocka_run_group_tests_name("odd-group", cases, NULL, NULL);
}
