/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The kernel's open group: taken over from someone else, and lent. */
#include "contract.h"

#include <fcntl.h>

/* The number of the siblings' group; its node's path in @path. */
static int group_number(struct fixture *f, char path[static 64])
{
	struct iommufd_group_info group = { .size = sizeof(group) };
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = get_device(f, SIBLING1);
	struct iommufd_group *g;

	assert_ok(iommufd_device_get_info(dev, &info));
	assert_ok(iommufd_device_get_group(dev, &g));
	assert_ok(iommufd_group_get_info(g, &group));
	iommufd_group_unref(g);
	put_device(f, dev);
	snprintf(path, 64, "/dev/vfio/%s%d", group.flags & IOMMUFD_GROUP_NOIOMMU ? "noiommu-" : "",
		 info.group);
	return info.group;
}

/* As a broker opens it: the siblings' group. */
static int open_group_node(struct fixture *f)
{
	const char *backend = getenv("LIBIOMMUFD_BACKEND");
	char path[64];

	if ((backend && !strncmp(backend, "cdev+", 5)) ||
	    strstr(iommufd_ctx_get_backend(f->ctx), "cdev+noiommu"))
		skip_case(f, "the backend has no devices by group");
	group_number(f, path);
	return open_node(f, path);
}

static struct iommufd_group *adopt(struct fixture *f, int fd)
{
	struct iommufd_group *group;

	assert_ok(iommufd_group_from_fd(f->ctx, fd, &group));
	return hold_group(f, group);
}

static void group_fd_gives_out_devices_by_name(void **state)
{
	struct fixture *f = *state;
	int fd = open_group_node(f);
	struct iommufd_group *group = adopt(f, fd);
	struct iommufd_device *one, *two;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_group_info info = { .size = sizeof(info) };

	put_fd(f, fd);
	one = get_device(f, SIBLING1);
	two = get_device(f, SIBLING2);
	assert_string_equal(iommufd_device_get_transport(one), "group");
	assert_string_equal(iommufd_device_get_transport(two), "group");
	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_device_attach(two, ioas));
	assert_ok(iommufd_group_get_info(group, &info));
	assert_int_equal(info.num_open, 2);
	put_group(f, group);
	assert_ok(iommufd_device_detach(two));
	assert_ok(iommufd_device_attach(two, ioas));
}

static void group_fd_is_duplicated_and_closed(void **state)
{
	struct fixture *f = *state;
	char path[64];
	int fd = open_group_node(f), lent, before = count_fds();
	struct iommufd_group *group = adopt(f, fd);

	assert_int_equal(count_fds(), before + 1);
	lent = iommufd_group_get_fd(group);
	assert_true(lent >= 0 && lent != fd);
	assert_true(fcntl(lent, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(iommufd_group_get_fd(group), lent);
	put_group(f, group);
	assert_int_equal(count_fds(), before);
	put_fd(f, fd);
	group_number(f, path); /* opens a device, as nobody has the group now */
	put_fd(f, open_node(f, path));
}

static void group_fd_is_lent_while_a_device_has_it(void **state)
{
	struct fixture *f = *state;
	struct iommufd_group *adopted = adopt(f, open_group_node(f)), *group;
	struct iommufd_device *dev = get_device(f, SIBLING1);
	int lent;

	put_group(f, adopted);
	assert_ok(iommufd_device_get_group(dev, &group));
	hold_group(f, group);
	lent = iommufd_group_get_fd(group);
	assert_true(lent >= 0);
	put_device(f, dev);
	assert_int_equal(iommufd_group_get_fd(group), lent);
	assert_true(fcntl(lent, F_GETFD) >= 0);
	get_device(f, SIBLING2);
}

static void group_fd_of_a_group_that_is_not_open_enoent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_group *group;
	char path[64];

	assert_ok(iommufd_group_open(f->ctx, group_number(f, path), &group));
	hold_group(f, group);
	assert_error(iommufd_group_get_fd(group), -ENOENT);
	assert_error(iommufd_group_get_fd(NULL), -EINVAL);
}

static void group_fd_twice_ebusy(void **state)
{
	struct fixture *f = *state;
	int fd = open_group_node(f);
	struct iommufd_group *group = adopt(f, fd), *none = (void *)f;

	assert_error(iommufd_group_from_fd(f->ctx, fd, &none), -EBUSY);
	assert_null(none);
	put_group(f, group);
	adopt(f, fd);
}

static void group_fd_of_something_else_enotty(void **state)
{
	struct fixture *f = *state;
	struct iommufd_group *none = (void *)f;
	int fd = open_group_node(f), null = hold_fd(f, open("/dev/null", O_RDWR | O_CLOEXEC));
	int event = get_eventfd(f), closed = closed_fd();

	put_fd(f, fd);
	assert_error(iommufd_group_from_fd(f->ctx, null, &none), -ENOTTY);
	assert_error(iommufd_group_from_fd(f->ctx, event, &none), -ENOTTY);
	assert_error(iommufd_group_from_fd(f->ctx, closed, &none), -EBADF);
	assert_error(iommufd_group_from_fd(f->ctx, -1, &none), -EBADF);
	assert_null(none);
	assert_error(iommufd_group_from_fd(f->ctx, null, NULL), -EINVAL);
	assert_error(iommufd_group_from_fd(NULL, null, &none), -EINVAL);
}

/* The other context has it: nobody opens it twice, nor binds its devices. */
static void group_fd_keeps_others_out(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *other;
	struct iommufd_device *none;

	adopt(f, open_group_node(f));
	other = get_ctx(f, NULL);
	assert_error(iommufd_device_open(other, device_name(f, SIBLING1), NULL, &none), -EBUSY);
}

static const struct CMUnitTest cases[] = {
	CASE(group_fd_gives_out_devices_by_name),
	CASE(group_fd_is_duplicated_and_closed),
	CASE(group_fd_is_lent_while_a_device_has_it),
	CASE(group_fd_of_a_group_that_is_not_open_enoent),
	CASE(group_fd_twice_ebusy),
	CASE(group_fd_of_something_else_enotty),
	CASE(group_fd_keeps_others_out),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("group-fd", cases, NULL, NULL);
}
