/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices: by which names they open, what they say, and when they do not open. */
#include "contract.h"

#include <fcntl.h>

struct future_opts {
	struct iommufd_device_opts known;
	uint64_t unknown;
};

/* Must be refused, and hand out nothing. */
#define refuse_open(ctx, name, opts, code) do { \
	struct iommufd_device *none_ = (void *)1; \
	assert_error(iommufd_device_open((ctx), (name), (opts), &none_), code); \
	assert_null(none_); \
} while (0)

static struct iommufd_device *open_as(struct fixture *f, const char *name, uint64_t cookie)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = cookie };
	struct iommufd_device *dev;

	assert_ok(iommufd_device_open(f->ctx, name, &opts, &dev));
	return hold_device(f, dev);
}

static struct iommufd_device_info info_of(struct iommufd_device *dev)
{
	struct iommufd_device_info info = { .size = sizeof(info) };

	assert_ok(iommufd_device_get_info(dev, &info));
	return info;
}

/* Opens by @name, compares with the PCI address, closes. */
static void opens_as(struct fixture *f, const char *name, const char *bdf)
{
	struct iommufd_device *dev = open_as(f, name, 0);

	assert_string_equal(info_of(dev).name, bdf);
	put_device(f, dev);
}

static void device_opens_by_pci_address(void **state)
{
	struct fixture *f = *state;
	const char *bdf = device_name(f, ALONE1);

	opens_as(f, bdf, bdf);
	if (!strncmp(bdf, "0000:", 5))
		opens_as(f, bdf + 5, bdf);
}

static void device_opens_by_sysfs_path(void **state)
{
	struct fixture *f = *state;
	const char *bdf = device_name(f, ALONE1);
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	opens_as(f, path, bdf);
}

static void device_opens_by_character_device(void **state)
{
	struct fixture *f = *state;

	if (!device_node(f, ALONE1)) {
		refuse_open(f->ctx, "/dev/vfio/devices/vfio0", NULL, -ENOENT);
		return;
	}
	opens_as(f, device_node(f, ALONE1), device_name(f, ALONE1));
	opens_as(f, device_node(f, SIBLING2), device_name(f, SIBLING2));
}

static void device_tells_what_it_is(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_info info = info_of(open_as(f, device_name(f, ALONE1), 0x1234567890));

	assert_int_equal(info.flags & (IOMMUFD_DEVICE_PCI | IOMMUFD_DEVICE_PLATFORM |
				       IOMMUFD_DEVICE_MEDIATED), IOMMUFD_DEVICE_PCI);
	assert_int_equal(info.num_regions, 9);
	assert_int_equal(info.num_irqs, 5);
	assert_true(info.group >= 0);
	assert_int_equal(info.reserved, 0);
	assert_int_equal(info.cookie, 0x1234567890);
	assert_string_equal(info.name, device_name(f, ALONE1));
}

static void device_group_is_that_of_its_siblings(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_info alone = info_of(get_device(f, ALONE1));
	struct iommufd_device_info first = info_of(get_device(f, SIBLING1));
	struct iommufd_device_info second = info_of(get_device(f, SIBLING2));

	assert_int_equal(first.group, second.group);
	assert_int_not_equal(first.group, alone.group);
	assert_int_not_equal(first.id, second.id);
}

static void device_info_of_an_older_caller(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_device_info info;

	memset(&info, 0xee, sizeof(info));
	info.size = offsetof(struct iommufd_device_info, num_irqs);
	assert_ok(iommufd_device_get_info(dev, &info));
	assert_int_equal(info.num_regions, 9);
	assert_int_equal(info.num_irqs, 0xeeeeeeee);
	assert_int_equal((uint8_t)info.name[0], 0xee);
	info.size = 0;
	assert_error(iommufd_device_get_info(dev, &info), -EINVAL);
	assert_error(iommufd_device_get_info(dev, NULL), -EINVAL);
}

static void device_fd_is_lent_and_close_on_exec(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	int fd = iommufd_device_get_fd(dev);

	assert_true(fd >= 0);
	assert_int_equal(iommufd_device_get_fd(dev), fd);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void device_ref_keeps_it_open(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);

	assert_ptr_equal(iommufd_device_ref(dev), dev);
	put_device(f, dev);
	assert_string_equal(info_of(dev).name, device_name(f, ALONE1));
	refuse_open(f->ctx, device_name(f, ALONE1), NULL, -EBUSY);
	assert_null(iommufd_device_unref(dev));
	get_device(f, ALONE1);
	assert_null(iommufd_device_ref(NULL));
	assert_null(iommufd_device_unref(NULL));
}

/* -- cookies */

static void device_is_found_by_cookie(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *first = open_as(f, device_name(f, ALONE1), 7);
	struct iommufd_device *second = open_as(f, device_name(f, ALONE2), UINT64_MAX);
	struct iommufd_device *found;

	assert_ok(iommufd_device_find(f->ctx, 7, &found));
	assert_ptr_equal(found, first);
	put_device(f, first);
	assert_int_equal(info_of(found).cookie, 7);
	iommufd_device_unref(found);
	found = (void *)1;
	assert_error(iommufd_device_find(f->ctx, 7, &found), -ENOENT);
	assert_null(found);
	assert_ok(iommufd_device_find(f->ctx, UINT64_MAX, &found));
	assert_ptr_equal(found, second);
	iommufd_device_unref(found);
}

static void device_find_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *found = (void *)1;

	get_device(f, ALONE1); /* cookie 0 is none, not a name */
	assert_error(iommufd_device_find(f->ctx, 0, &found), -EINVAL);
	assert_null(found);
	assert_error(iommufd_device_find(f->ctx, 1, NULL), -EINVAL);
}

static void device_duplicate_cookie_eexist(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 7 };
	struct iommufd_device *first = open_as(f, device_name(f, ALONE1), 7);

	refuse_open(f->ctx, device_name(f, ALONE2), &opts, -EEXIST);
	put_device(f, first);
	open_as(f, device_name(f, ALONE2), 7);
}

static void device_cookie_belongs_to_its_context(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 7 };
	struct iommufd_ctx *other = get_ctx(f, NULL);
	struct iommufd_device *dev, *found = (void *)1;

	open_as(f, device_name(f, ALONE1), 7);
	assert_error(iommufd_device_find(other, 7, &found), -ENOENT);
	assert_null(found);
	assert_ok(iommufd_device_open(other, device_name(f, ALONE2), &opts, &dev));
	hold_device(f, dev);
}

static void device_without_cookie_any_number(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(info_of(get_device(f, ALONE1)).cookie, 0);
	assert_int_equal(info_of(get_device(f, ALONE2)).cookie, 0);
}

/* -- refusals */

static void device_open_malformed_name_einval(void **state)
{
	static const char *const names[] = {
		"", " ", "nonsense", "0000:00:03", "0000:00:03.8", "0000:00:20.0", "0000:00:03.0x",
		" 0000:00:03.0", "0000:00:03.0 ", "0000:00:03.0\n", "0000;00:03.0",
		"0000:000:03.0", ":00:03.0", "0000:00:03.", "-000:00:03.0", "0x00:00:03.0",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		refuse_open(f->ctx, names[i], NULL, -EINVAL);
	refuse_open(f->ctx, NULL, NULL, -EINVAL);
	assert_error(iommufd_device_open(f->ctx, device_name(f, ALONE1), NULL, NULL), -EINVAL);
}

static void device_open_overlong_name(void **state)
{
	struct fixture *f = *state;
	char name[8192];

	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = 0;
	refuse_open(f->ctx, name, NULL, -EINVAL);
}

static void device_open_absent_enoent(void **state)
{
	struct fixture *f = *state;

	refuse_open(f->ctx, "0000:00:1e.7", NULL, -ENOENT);
	refuse_open(f->ctx, "fffe:00:03.0", NULL, -ENOENT);
	refuse_open(f->ctx, "/sys/bus/pci/devices/0000:00:1e.7", NULL, -ENOENT);
	refuse_open(f->ctx, "/dev/vfio/devices/vfio999", NULL, -ENOENT);
}

static void device_open_without_vfio_driver_enodev(void **state)
{
	struct fixture *f = *state;

	refuse_open(f->ctx, "0000:00:00.0", NULL, -ENODEV);
	refuse_open(f->ctx, "/sys/bus/pci/devices/0000:00:00.0", NULL, -ENODEV);
}

static void device_open_twice_ebusy(void **state)
{
	struct fixture *f = *state;
	const char *bdf = device_name(f, ALONE1);
	const char *node = device_node(f, ALONE1);
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	get_device(f, ALONE1);
	refuse_open(f->ctx, bdf, NULL, -EBUSY);
	refuse_open(f->ctx, path, NULL, -EBUSY);
	if (node)
		refuse_open(f->ctx, node, NULL, -EBUSY);
}

static void device_open_in_two_contexts_is_refused(void **state)
{
	struct fixture *f = *state;

	get_device(f, ALONE1);
	refuse_open(get_ctx(f, NULL), device_name(f, ALONE1), NULL,
		    has_by_group(f) ? -EBUSY : -EINVAL);
}

static void device_sibling_in_another_context_is_refused(void **state)
{
	struct fixture *f = *state;

	get_device(f, SIBLING1);
	refuse_open(get_ctx(f, NULL), device_name(f, SIBLING2), NULL,
		    has_by_group(f) ? -EBUSY : -EPERM);
	get_device(f, SIBLING2);
}

static void device_open_opts_from_the_future(void **state)
{
	struct fixture *f = *state;
	struct future_opts opts = { .known.size = sizeof(opts), .unknown = 1 };
	struct iommufd_device *dev;

	refuse_open(f->ctx, device_name(f, ALONE1), &opts.known, -E2BIG);
	opts.unknown = 0;
	assert_ok(iommufd_device_open(f->ctx, device_name(f, ALONE1), &opts.known, &dev));
	hold_device(f, dev);
}

static void device_open_unknown_flag_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .flags = 1 };

	refuse_open(f->ctx, device_name(f, ALONE1), &opts, -EOPNOTSUPP);
}

static void device_open_no_descriptor_left_emfile(void **state)
{
	struct fixture *f = *state;
	const char *bdf = device_name(f, ALONE1);
	struct iommufd_device *dev = (void *)1;
	int rc;

	expect_error_begin("device_open");
	limit_fds(NO_MORE_FDS);
	rc = iommufd_device_open(f->ctx, bdf, NULL, &dev);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_device_open() at the limit", __FILE__, __LINE__);
	assert_null(dev);
	get_device(f, ALONE1);
}

/* The devices here are no virtual functions: the kernel refuses a token. */
static void device_open_token_not_asked_for_einval(void **state)
{
	static const uint8_t token[16] = { 1, 2, 3 };
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .vf_token = token };

	refuse_open(f->ctx, device_name(f, ALONE1), &opts, -EINVAL);
	get_device(f, ALONE1);
}

static const struct CMUnitTest cases[] = {
	CASE(device_opens_by_pci_address),
	CASE(device_opens_by_sysfs_path),
	CASE(device_opens_by_character_device),
	CASE(device_tells_what_it_is),
	CASE(device_group_is_that_of_its_siblings),
	CASE(device_info_of_an_older_caller),
	CASE(device_fd_is_lent_and_close_on_exec),
	CASE(device_ref_keeps_it_open),
	CASE(device_is_found_by_cookie),
	CASE(device_find_bad_argument_einval),
	CASE(device_duplicate_cookie_eexist),
	CASE(device_cookie_belongs_to_its_context),
	CASE(device_without_cookie_any_number),
	CASE(device_open_malformed_name_einval),
	CASE(device_open_overlong_name),
	CASE(device_open_absent_enoent),
	CASE(device_open_without_vfio_driver_enodev),
	CASE(device_open_twice_ebusy),
	CASE(device_open_in_two_contexts_is_refused),
	CASE(device_sibling_in_another_context_is_refused),
	CASE(device_open_opts_from_the_future),
	CASE(device_open_unknown_flag_eopnotsupp),
	CASE(device_open_no_descriptor_left_emfile),
	CASE(device_open_token_not_asked_for_einval),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("device", cases, NULL, NULL);
}
