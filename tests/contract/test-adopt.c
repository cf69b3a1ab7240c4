/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices that someone else bound, and what a device can do. */
#include "mock.h"

#define refuse(f, bound, code) do { \
	struct iommufd_device *none_ = (void *)1; \
	assert_error(iommufd_device_adopt((f)->ctx, (bound), NULL, &none_), code); \
	assert_null(none_); \
} while (0)

static bool has_cdevs(struct fixture *f)
{
	return iommufd_ctx_has(f->ctx, IOMMUFD_CAP_DEVICE_FD) == 1;
}

/* A device that the context has bound, as someone else who has its descriptor sees it. */
static struct iommufd_device_bound get_bound(struct fixture *f, struct iommufd_device *dev)
{
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device_bound bound = { .size = sizeof(bound) };

	assert_ok(iommufd_device_get_info(dev, &info));
	bound.id = info.id;
	bound.fd = hold_fd(f, dup(iommufd_device_get_fd(dev)));
	return bound;
}

static void adopt_from_another_context_of_the_same_iommufd(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 7 };
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev, *adopted;
	struct iommufd_device_bound bound = { .size = sizeof(bound), .fd = -1 };
	struct iommufd_ctx *heir;
	struct iommufd_ioas *ioas;

	if (!has_cdevs(f)) {
		refuse(f, &bound, -EOPNOTSUPP);
		return;
	}
	dev = get_device(f, ALONE1);
	bound = get_bound(f, dev);
	assert_ok(iommufd_ctx_from_fd(iommufd_ctx_get_fd(f->ctx), NULL, &heir));
	hold_ctx(f, heir);
	assert_ok(iommufd_device_adopt(heir, &bound, &opts, &adopted));
	hold_device(f, adopted);
	put_device(f, dev);
	assert_ok(iommufd_device_get_info(adopted, &info));
	assert_string_equal(info.name, device_name(f, ALONE1));
	assert_int_equal(info.id, bound.id);
	assert_int_equal(info.cookie, 7);
	assert_ok(iommufd_ioas_new(heir, NULL, &ioas));
	hold_ioas(f, ioas);
	assert_ok(iommufd_device_attach(adopted, ioas));
	assert_ok(iommufd_device_detach(adopted));
}

static void adopt_what_is_open_here_ebusy(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_bound bound;

	if (!has_cdevs(f))
		return;
	bound = get_bound(f, get_device(f, ALONE1));
	refuse(f, &bound, -EBUSY);
}

static void adopt_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct { struct iommufd_device_bound known; uint64_t more; } future = {
		.known = { .size = sizeof(future), .fd = -1 }, .more = 1,
	};
	struct iommufd_device_bound bound = { .size = sizeof(bound), .fd = -1 };
	const char *node;

	refuse(f, NULL, -EINVAL);
	assert_error(iommufd_device_adopt(f->ctx, &bound, NULL, NULL), -EINVAL);
	refuse(f, &(struct iommufd_device_bound){ .size = 0 }, -EINVAL);
	refuse(f, &future.known, -E2BIG);
	if (!has_cdevs(f))
		return;
	refuse(f, &bound, -EINVAL);
	bound.fd = closed_fd();
	refuse(f, &bound, -EBADF);
	bound.fd = get_eventfd(f);
	refuse(f, &bound, -ENOTTY);
	node = device_node(f, ALONE1);
	bound.fd = open_node(f, node);
	bound.id = 4711;
	refuse(f, &bound, -ENOENT);
	assert_ok(iommufd_ioas_get_id(get_ioas(f), &bound.id)); /* a number, but not of a device */
	refuse(f, &bound, -ENOENT);
}

static void adopt_what_is_not_bound_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_bound bound;

	if (!has_cdevs(f))
		return;
	bound = get_bound(f, get_device(f, ALONE1));
	bound.fd = open_node(f, device_node(f, ALONE2));
	refuse(f, &bound, -EINVAL);
}

/* Both are bound there, and the kernel says of neither which it is. */
static void adopt_by_the_number_of_another_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_bound one, two, wrong;
	struct iommufd_device *dev, *none = (void *)1;
	struct iommufd_ctx *heir;

	if (!has_cdevs(f))
		return;
	one = get_bound(f, get_device(f, ALONE1));
	two = get_bound(f, get_device(f, ALONE2));
	wrong = two;
	wrong.id = one.id;
	assert_ok(iommufd_ctx_from_fd(iommufd_ctx_get_fd(f->ctx), NULL, &heir));
	hold_ctx(f, heir);
	assert_ok(iommufd_device_adopt(heir, &one, NULL, &dev));
	hold_device(f, dev);
	assert_error(iommufd_device_adopt(heir, &wrong, NULL, &none), -EINVAL);
	assert_null(none);
	assert_ok(iommufd_device_adopt(heir, &two, NULL, &dev));
	hold_device(f, dev);
}

static void adopt_a_mock_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_ioas *ioas, *other;

	if (!dev)
		return;
	ioas = get_ioas(f);
	other = get_ioas(f);
	assert_ok(iommufd_device_get_info(dev, &info));
	assert_int_equal(info.num_regions + info.num_irqs, 0);
	assert_int_equal(info.group, -1);
	assert_string_equal(iommufd_device_get_transport(dev), "mock");
	assert_error(iommufd_device_get_fd(dev), -EOPNOTSUPP);
	map_at(ioas, get_buffer(f, PAGE), PAGE, MOCK_FIRST);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_device_replace(dev, other));
	assert_ok(iommufd_device_detach(dev));
	map_at(other, get_buffer(f, PAGE), PAGE, PAGE); /* where no mock device reaches */
	assert_error(iommufd_device_attach(dev, other), -EADDRINUSE);
}

/* What only the context can, or only some devices, is told of each device. */
static void device_has_what_it_can(void **state)
{
	static const uint32_t always[] = {
		IOMMUFD_CAP_MAP_WITHOUT_DEVICE, IOMMUFD_CAP_MAP_FILE, IOMMUFD_CAP_GROUPS,
	};
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	int cdev = !strcmp(iommufd_device_get_transport(dev), "cdev");

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		assert_int_equal(iommufd_device_has(dev, always[i]), 1);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_REPLACE), cdev);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_DETACH_JOINED), cdev);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_DEVICE_FD), cdev);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_HWPT), cdev && contract_is_isolated());
	/* No IOMMU that QEMU has can any of these. */
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_PASID), 0);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_NESTING), 0);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_VIOMMU), 0);
	assert_int_equal(iommufd_device_has(dev, 0), 0);
	assert_int_equal(iommufd_device_has(dev, 1000), 0);
	assert_error(iommufd_device_has(NULL, IOMMUFD_CAP_HWPT), -EINVAL);
}

static void mock_device_has_nearly_all(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0), *with_pasids = get_mock(f, MOCK_PASID);

	if (!dev)
		return;
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_NESTING), 1);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_VIOMMU), 1);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_PASID), 0);
	assert_int_equal(iommufd_device_has(with_pasids, IOMMUFD_CAP_PASID), 1);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_DEVICE_FD), 0);
}

static const struct CMUnitTest cases[] = {
	CASE(adopt_from_another_context_of_the_same_iommufd),
	CASE(adopt_what_is_open_here_ebusy),
	CASE(adopt_bad_argument),
	CASE(adopt_what_is_not_bound_einval),
	CASE(adopt_by_the_number_of_another_einval),
	CASE(adopt_a_mock_device),
	CASE(device_has_what_it_can),
	CASE(mock_device_has_nearly_all),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("adopt", cases, NULL, NULL);
}
