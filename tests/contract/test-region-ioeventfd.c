/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Register writes that the kernel makes when an eventfd is signalled. */
#include "edu.h"
#include "shape.h"

#include <sys/eventfd.h>

#define MOST_OF_A_DEVICE 1000

static int set(struct iommufd_device *dev, uint64_t offset, uint32_t width, uint64_t value, int fd)
{
	return iommufd_region_set_ioeventfd(dev, IOMMUFD_REGION_BAR0, offset, width, value, fd);
}

static void signal_eventfd(int fd)
{
	assert_int_equal(eventfd_write(fd, 1), 0);
}

/* The device answers with the complement of what was last written. */
static bool is_alive_with(struct iommufd_device *dev, uint32_t value, int ms)
{
	for (; ms > 0; ms--) {
		if (edu_read(dev, EDU_LIVENESS) == ~value)
			return true;
		usleep(1000);
	}
	return false;
}

static void ioeventfd_writes_the_register(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	edu_write(dev, EDU_LIVENESS, 0);
	assert_ok(set(dev, EDU_LIVENESS, 4, 0x12345678, fd));
	assert_true(is_alive_with(dev, 0, 5));
	signal_eventfd(fd);
	assert_true(is_alive_with(dev, 0x12345678, 2000));
	edu_write(dev, EDU_LIVENESS, 0);
	signal_eventfd(fd); /* it is not used up */
	assert_true(is_alive_with(dev, 0x12345678, 2000));
}

static void ioeventfd_of_a_wide_register(void **state)
{
	const uint64_t wide = 0x1122334455667788;
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	uint64_t value = 0;
	int fd = get_eventfd(f);

	assert_ok(set(dev, EDU_DMA_SOURCE, 8, wide, fd));
	signal_eventfd(fd);
	for (int i = 0; i < 2000 && value != wide; i++) {
		usleep(1000);
		value = edu_read64(dev, EDU_DMA_SOURCE);
	}
	assert_true(value == wide);
}

static void ioeventfd_signalled_before_counts(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	edu_write(dev, EDU_LIVENESS, 0);
	signal_eventfd(fd);
	assert_ok(set(dev, EDU_LIVENESS, 4, 7, fd));
	assert_true(is_alive_with(dev, 7, 2000));
}

static void ioeventfd_taken_away_writes_no_more(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	assert_ok(set(dev, EDU_LIVENESS, 4, 5, fd));
	assert_ok(set(dev, EDU_LIVENESS, 4, 5, -1));
	edu_write(dev, EDU_LIVENESS, 0);
	signal_eventfd(fd);
	assert_false(is_alive_with(dev, 5, 50));
	assert_ok(set(dev, EDU_LIVENESS, 4, 5, fd));
}

/* The same register with another value is another write. */
static void ioeventfd_of_two_values(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int one = get_eventfd(f), two = get_eventfd(f);

	assert_ok(set(dev, EDU_LIVENESS, 4, 1, one));
	assert_ok(set(dev, EDU_LIVENESS, 4, 2, two));
	signal_eventfd(two);
	assert_true(is_alive_with(dev, 2, 2000));
	signal_eventfd(one);
	assert_true(is_alive_with(dev, 1, 2000));
}

static void ioeventfd_goes_with_the_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	assert_ok(set(dev, EDU_LIVENESS, 4, 9, fd));
	put_device(f, dev);
	signal_eventfd(fd);
	dev = get_edu(f, ALONE1);
	assert_ok(set(dev, EDU_LIVENESS, 4, 9, get_eventfd(f)));
}

static void ioeventfd_dropped_while_memory_is_off(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	edu_write(dev, EDU_LIVENESS, 0);
	assert_ok(set(dev, EDU_LIVENESS, 4, 3, fd));
	assert_ok(iommufd_pci_set_memory(dev, 0));
	signal_eventfd(fd);
	usleep(50000);
	assert_ok(iommufd_pci_set_memory(dev, 1));
	assert_false(is_alive_with(dev, 3, 20));
}

static void ioeventfd_set_twice_eexist(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	assert_ok(set(dev, EDU_LIVENESS, 4, 5, get_eventfd(f)));
	assert_error(set(dev, EDU_LIVENESS, 4, 5, get_eventfd(f)), -EEXIST);
}

static void ioeventfd_of_no_such_write_enoent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	assert_error(set(dev, EDU_LIVENESS, 4, 5, -1), -ENOENT);
	assert_ok(set(dev, EDU_LIVENESS, 4, 5, get_eventfd(f)));
	assert_error(set(dev, EDU_LIVENESS, 4, 6, -1), -ENOENT);
	assert_error(set(dev, EDU_LIVENESS, 2, 5, -1), -ENOENT);
	assert_error(set(dev, EDU_LIVENESS + 4, 4, 5, -1), -ENOENT);
}

static void ioeventfd_too_many_enospc(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	for (uint32_t i = 0; i < MOST_OF_A_DEVICE; i++)
		assert_ok(set(dev, EDU_LIVENESS, 4, i, fd));
	assert_error(set(dev, EDU_LIVENESS, 4, MOST_OF_A_DEVICE, fd), -ENOSPC);
}

static void ioeventfd_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	assert_error(set(NULL, EDU_LIVENESS, 4, 1, fd), -EINVAL);
	assert_error(iommufd_region_set_ioeventfd(dev, 99, 0, 4, 1, fd), -EINVAL);
	for (uint32_t width = 0; width < 10; width++)
		if (width & (width - 1) || !width)
			assert_error(set(dev, 0, width, 1, fd), -EINVAL);
	assert_error(set(dev, EDU_LIVENESS, 4, UINT64_C(1) << 32, fd), -EINVAL);
	assert_error(set(dev, EDU_LIVENESS, 1, 256, fd), -EINVAL);
	assert_error(set(dev, EDU_LIVENESS + 2, 4, 1, fd), -EINVAL);
	assert_error(set(dev, EDU_BAR_SIZE, 4, 1, fd), -EINVAL);
	assert_error(set(dev, UINT64_MAX - 3, 4, 1, fd), -EINVAL);
	assert_error(set(dev, EDU_LIVENESS, 4, 1, -2), -EINVAL);
	assert_error(set(dev, EDU_LIVENESS, 4, 1, iommufd_device_get_fd(dev)), -EINVAL);
	assert_error(iommufd_region_set_ioeventfd(dev, IOMMUFD_REGION_BAR1, 0, 4, 1, fd), -EINVAL);
}

static void ioeventfd_closed_fd_ebadf(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	assert_error(set(dev, EDU_LIVENESS, 4, 1, closed_fd()), -EBADF);
}

static void ioeventfd_outside_bars_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	assert_error(iommufd_region_set_ioeventfd(dev, IOMMUFD_REGION_CONFIG, 4, 2, 1,
						  get_eventfd(f)), -EOPNOTSUPP);
}

/* The kernel writes the table of vectors, and nobody else. */
static void ioeventfd_in_the_msix_table_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, MSIX);
	uint32_t at = 0, table;

	assert_ok(iommufd_pci_find_capability(dev, 0x11, &at));
	assert_ok(iommufd_pci_config_read(dev, at + 4, 4, &table));
	assert_error(iommufd_region_set_ioeventfd(dev, table & 7, table & ~7u, 4, 1,
						  get_eventfd(f)), -EINVAL);
}

static const struct CMUnitTest cases[] = {
	CASE(ioeventfd_writes_the_register),
	CASE(ioeventfd_of_a_wide_register),
	CASE(ioeventfd_signalled_before_counts),
	CASE(ioeventfd_taken_away_writes_no_more),
	CASE(ioeventfd_of_two_values),
	CASE(ioeventfd_goes_with_the_device),
	CASE(ioeventfd_dropped_while_memory_is_off),
	CASE(ioeventfd_set_twice_eexist),
	CASE(ioeventfd_of_no_such_write_enoent),
	CASE(ioeventfd_too_many_enospc),
	CASE(ioeventfd_bad_argument_einval),
	CASE(ioeventfd_closed_fd_ebadf),
	CASE(ioeventfd_outside_bars_eopnotsupp),
	CASE(ioeventfd_in_the_msix_table_einval),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return run_on_backends("ioeventfd", cases, ARRAY_SIZE(cases));
}
