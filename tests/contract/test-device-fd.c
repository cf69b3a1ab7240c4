/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices that someone else opened. */
#include "contract.h"

#include <fcntl.h>

#define refuse_fd(ctx, fd, opts, code) do { \
	struct iommufd_device *none_ = (void *)1; \
	assert_error(iommufd_device_from_fd((ctx), (fd), (opts), &none_), code); \
	assert_null(none_); \
} while (0)

struct future_opts {
	struct iommufd_device_opts known;
	uint64_t unknown;
};

/* The character device, opened as someone else would; -1 where it cannot be adopted, which is shown. */
static int get_node(struct fixture *f, enum place place)
{
	const char *node = device_node(f, place);
	int fd = node ? open_node(f, node) : -1;

	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_DEVICE_FD) == 1) {
		assert_true(fd >= 0);
		return fd;
	}
	if (node)
		refuse_fd(f->ctx, fd, NULL, -EOPNOTSUPP);
	return -1;
}

static void device_from_fd_is_as_opened(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 11 };
	struct iommufd_device_info info = { .size = sizeof(info) };
	int fd = get_node(f, ALONE1);
	struct iommufd_device *dev, *found;

	if (fd < 0)
		return;
	assert_ok(iommufd_device_from_fd(f->ctx, fd, &opts, &dev));
	hold_device(f, dev);
	assert_ok(iommufd_device_get_info(dev, &info));
	assert_string_equal(info.name, device_name(f, ALONE1));
	assert_int_equal(info.cookie, 11);
	assert_true(info.group >= 0);
	assert_ok(iommufd_device_find(f->ctx, 11, &found));
	assert_ptr_equal(iommufd_device_unref(found), NULL);
	assert_ok(iommufd_device_attach(dev, get_ioas(f)));
}

static void device_from_fd_leaves_the_callers_descriptor(void **state)
{
	struct fixture *f = *state;
	int fd = get_node(f, ALONE1);
	struct iommufd_device *dev;

	if (fd < 0)
		return;
	assert_ok(iommufd_device_from_fd(f->ctx, fd, NULL, &dev));
	hold_device(f, dev);
	assert_true(iommufd_device_get_fd(dev) >= 0);
	assert_int_not_equal(iommufd_device_get_fd(dev), fd);
	assert_true(fcntl(iommufd_device_get_fd(dev), F_GETFD) & FD_CLOEXEC);
	put_device(f, dev);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	put_fd(f, fd);
	get_device(f, ALONE1);
}

static void device_from_fd_works_without_the_callers_descriptor(void **state)
{
	struct fixture *f = *state;
	int fd = get_node(f, ALONE1);
	struct iommufd_device *dev;
	uint32_t id;

	if (fd < 0)
		return;
	assert_ok(iommufd_device_from_fd(f->ctx, fd, NULL, &dev));
	hold_device(f, dev);
	put_fd(f, fd);
	assert_ok(iommufd_pci_config_read(dev, 0, 4, &id));
	assert_int_equal(id, 0x11e81234);
}

static void device_from_fd_open_here_ebusy(void **state)
{
	struct fixture *f = *state;
	int fd = get_node(f, ALONE1);
	struct iommufd_device *dev;

	if (fd < 0)
		return;
	dev = get_device(f, ALONE1);
	refuse_fd(f->ctx, fd, NULL, -EBUSY);
	refuse_fd(f->ctx, iommufd_device_get_fd(dev), NULL, -EBUSY);
}

static void device_from_fd_bound_elsewhere_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *other = get_ctx(f, NULL);
	struct iommufd_device *dev;
	int fd = get_node(f, ALONE1);

	if (fd < 0)
		return;
	dev = get_device(f, ALONE1);
	refuse_fd(other, fd, NULL, -EINVAL);
	refuse_fd(other, iommufd_device_get_fd(dev), NULL, -EINVAL);
}

static void device_from_fd_sibling_elsewhere_eperm(void **state)
{
	struct fixture *f = *state;
	int fd = get_node(f, SIBLING2);

	if (fd < 0)
		return;
	get_device(f, SIBLING1);
	refuse_fd(get_ctx(f, NULL), fd, NULL, -EPERM);
}

static void device_from_fd_not_open_ebadf(void **state)
{
	struct fixture *f = *state;

	refuse_fd(f->ctx, closed_fd(), NULL, -EBADF);
	refuse_fd(f->ctx, -1, NULL, -EBADF);
}

static void device_from_fd_foreign_enotty(void **state)
{
	struct fixture *f = *state;

	refuse_fd(f->ctx, get_eventfd(f), NULL, -ENOTTY);
	refuse_fd(f->ctx, hold_fd(f, open("/dev/null", O_RDWR | O_CLOEXEC)), NULL, -ENOTTY);
	refuse_fd(f->ctx, hold_fd(f, open("/", O_RDONLY | O_CLOEXEC)), NULL, -ENOTTY);
	if (iommufd_ctx_get_fd(f->ctx) >= 0)
		refuse_fd(f->ctx, iommufd_ctx_get_fd(f->ctx), NULL, -ENOTTY);
}

static void device_from_fd_duplicate_cookie_eexist(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 5 };
	int fd = get_node(f, ALONE2);
	struct iommufd_device *dev;

	if (fd < 0)
		return;
	assert_ok(iommufd_device_open(f->ctx, device_name(f, ALONE1), &opts, &dev));
	hold_device(f, dev);
	refuse_fd(f->ctx, fd, &opts, -EEXIST);
	opts.cookie = 6;
	assert_ok(iommufd_device_from_fd(f->ctx, fd, &opts, &dev));
	hold_device(f, dev);
}

static void device_from_fd_bad_opts(void **state)
{
	struct fixture *f = *state;
	struct future_opts opts = { .known.size = sizeof(opts), .unknown = 1 };
	int fd = get_node(f, ALONE1);

	if (fd < 0)
		return;
	refuse_fd(f->ctx, fd, &opts.known, -E2BIG);
	opts.unknown = 0;
	opts.known.flags = 1ull << 63;
	refuse_fd(f->ctx, fd, &opts.known, -EOPNOTSUPP);
	assert_error(iommufd_device_from_fd(f->ctx, fd, NULL, NULL), -EINVAL);
}

static void device_from_fd_no_descriptor_left_emfile(void **state)
{
	struct fixture *f = *state;
	int fd = get_node(f, ALONE1), rc;
	struct iommufd_device *dev = (void *)1;

	if (fd < 0)
		return;
	expect_error_begin("device_from_fd");
	limit_fds(NO_MORE_FDS);
	rc = iommufd_device_from_fd(f->ctx, fd, NULL, &dev);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_device_from_fd() at the limit", __FILE__, __LINE__);
	assert_null(dev);
}

static const struct CMUnitTest cases[] = {
	CASE(device_from_fd_is_as_opened),
	CASE(device_from_fd_leaves_the_callers_descriptor),
	CASE(device_from_fd_works_without_the_callers_descriptor),
	CASE(device_from_fd_open_here_ebusy),
	CASE(device_from_fd_bound_elsewhere_einval),
	CASE(device_from_fd_sibling_elsewhere_eperm),
	CASE(device_from_fd_not_open_ebadf),
	CASE(device_from_fd_foreign_enotty),
	CASE(device_from_fd_duplicate_cookie_eexist),
	CASE(device_from_fd_bad_opts),
	CASE(device_from_fd_no_descriptor_left_emfile),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("device-fd", cases, NULL, NULL);
}
