/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Features of devices: asked for, used raw and by name. */
#include "edu.h"
#include "shape.h"

#define NO_SUCH_FEATURE 0xff00

static bool has(struct iommufd_device *dev, uint32_t feature, uint32_t access)
{
	int rc = iommufd_device_has_feature(dev, feature, access);

	assert_in_range(rc, 0, 1);
	return rc;
}

/* Kernels before 6.1 have none of it: false, shown. */
static bool can_sleep(struct iommufd_device *dev)
{
	if (has(dev, IOMMUFD_FEATURE_LOW_POWER_ENTRY, 0))
		return true;
	assert_error(iommufd_device_enter_low_power(dev, -1), -EOPNOTSUPP);
	assert_error(iommufd_device_leave_low_power(dev), -EOPNOTSUPP);
	return false;
}

static void feature_is_told_beforehand(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	if (can_sleep(dev)) {
		assert_true(has(dev, IOMMUFD_FEATURE_LOW_POWER_ENTRY, IOMMUFD_FEATURE_SET));
		assert_false(has(dev, IOMMUFD_FEATURE_LOW_POWER_ENTRY, IOMMUFD_FEATURE_GET));
		assert_false(has(dev, IOMMUFD_FEATURE_LOW_POWER_ENTRY,
				 IOMMUFD_FEATURE_GET | IOMMUFD_FEATURE_SET));
	}
	assert_false(has(dev, IOMMUFD_FEATURE_MIGRATION, IOMMUFD_FEATURE_GET));
	assert_false(has(dev, IOMMUFD_FEATURE_MIG_PRECOPY_INFO_V2, 0));
	assert_false(has(dev, IOMMUFD_FEATURE_DMA_LOGGING_START, 0));
	assert_false(has(dev, IOMMUFD_FEATURE_BUS_MASTER, 0));
	assert_false(has(dev, NO_SUCH_FEATURE, 0));
}

static void feature_bad_question(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);

	assert_error(iommufd_device_has_feature(NULL, 0, 0), -EINVAL);
	assert_error(iommufd_device_has_feature(dev, 1 << 16, 0), -EINVAL);
	assert_error(iommufd_device_has_feature(dev, UINT32_MAX, 0), -EINVAL);
	assert_error(iommufd_device_has_feature(dev, 0, 1 << 2), -EOPNOTSUPP);
}

static void feature_by_number(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	if (!can_sleep(dev))
		return;
	assert_ok(iommufd_device_set_feature(dev, IOMMUFD_FEATURE_LOW_POWER_ENTRY, NULL, 0));
	assert_error(iommufd_device_enter_low_power(dev, -1), -EINVAL);
	assert_ok(iommufd_device_set_feature(dev, IOMMUFD_FEATURE_LOW_POWER_EXIT, NULL, 0));
	assert_error(iommufd_device_get_feature(dev, IOMMUFD_FEATURE_LOW_POWER_EXIT, NULL, 0), -EINVAL);
}

static void feature_by_number_bad_argument(void **state)
{
	static uint8_t data[65537];
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);

	assert_error(iommufd_device_get_feature(NULL, 0, data, 1), -EINVAL);
	assert_error(iommufd_device_set_feature(NULL, 0, data, 1), -EINVAL);
	assert_error(iommufd_device_get_feature(dev, 1 << 16, data, 1), -EINVAL);
	assert_error(iommufd_device_set_feature(dev, 1 << 16, data, 1), -EINVAL);
	assert_error(iommufd_device_get_feature(dev, NO_SUCH_FEATURE, NULL, 1), -EINVAL);
	assert_error(iommufd_device_set_feature(dev, NO_SUCH_FEATURE, NULL, 1), -EINVAL);
	assert_error(iommufd_device_get_feature(dev, NO_SUCH_FEATURE, data, 65537), -EINVAL);
	assert_error(iommufd_device_get_feature(dev, NO_SUCH_FEATURE, data, 65536), -EOPNOTSUPP);
	assert_error(iommufd_device_set_feature(dev, NO_SUCH_FEATURE, NULL, 0), -EOPNOTSUPP);
}

static void low_power_until_it_is_left(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	if (!can_sleep(dev))
		return;
	assert_ok(iommufd_device_enter_low_power(dev, -1));
	assert_error(iommufd_device_enter_low_power(dev, -1), -EINVAL);
	assert_int_equal(edu_read(dev, EDU_ID), 0x010000ed); /* wakes it for as long as that takes */
	assert_error(iommufd_device_enter_low_power(dev, -1), -EINVAL);
	assert_ok(iommufd_device_leave_low_power(dev));
	assert_ok(iommufd_device_leave_low_power(dev));
	assert_ok(iommufd_device_enter_low_power(dev, -1));
}

/* A kernel built without power management lets nothing sleep: then nothing wakes either. */
static void low_power_ends_with_the_first_use(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	if (!can_sleep(dev))
		return;
	assert_ok(iommufd_device_enter_low_power(dev, fd));
	assert_int_equal(edu_read(dev, EDU_ID), 0x010000ed);
	if (wait_event(fd, 200))
		assert_ok(iommufd_device_enter_low_power(dev, fd));
	else
		assert_error(iommufd_device_enter_low_power(dev, fd), -EINVAL);
	assert_ok(iommufd_device_leave_low_power(dev));
}

static void low_power_bad_eventfd(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	assert_error(iommufd_device_enter_low_power(NULL, -1), -EINVAL);
	assert_error(iommufd_device_leave_low_power(NULL), -EINVAL);
	if (!can_sleep(dev))
		return;
	assert_error(iommufd_device_enter_low_power(dev, -2), -EBADF);
	assert_error(iommufd_device_enter_low_power(dev, closed_fd()), -EBADF);
	assert_error(iommufd_device_enter_low_power(dev, iommufd_device_get_fd(dev)), -EINVAL);
	assert_ok(iommufd_device_enter_low_power(dev, -1));
}

/* PCI has a register for it. */
static void bus_master_without_a_register_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);

	assert_error(iommufd_device_set_bus_master(NULL, 1), -EINVAL);
	assert_error(iommufd_device_set_bus_master(dev, 2), -EINVAL);
	assert_error(iommufd_device_set_bus_master(dev, 1), -EOPNOTSUPP);
}

static void vf_token_without_virtual_functions_eopnotsupp(void **state)
{
	static const uint8_t token[16] = { 1 };
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);

	assert_error(iommufd_device_set_vf_token(NULL, token), -EINVAL);
	assert_error(iommufd_device_set_vf_token(dev, NULL), -EINVAL);
	assert_error(iommufd_device_set_vf_token(dev, token), -EOPNOTSUPP);
}

static void dma_log_of_a_device_without_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	const struct iommufd_range range = { 0, PAGE - 1 };
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint64_t page_size = PAGE, bits = 0;

	assert_error(iommufd_device_start_dma_log(dev, &range, 1, &page_size), -EOPNOTSUPP);
	assert_error(iommufd_device_read_dma_log(dev, 0, PAGE, PAGE, &bits), -EOPNOTSUPP);
	assert_error(iommufd_device_stop_dma_log(dev), -EOPNOTSUPP);
	assert_int_equal(bits, 0);
}

static int start_log(struct iommufd_device *dev, uint64_t start, uint64_t last, uint64_t page_size)
{
	const struct iommufd_range range = { start, last };

	return iommufd_device_start_dma_log(dev, &range, 1, &page_size);
}

static void dma_log_bad_argument_einval(void **state)
{
	static const struct iommufd_range range = { 0, 4095 };
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint64_t page_size = PAGE, bits = 0;

	assert_error(start_log(NULL, 0, PAGE - 1, PAGE), -EINVAL);
	assert_error(iommufd_device_start_dma_log(dev, NULL, 1, &page_size), -EINVAL);
	assert_error(iommufd_device_start_dma_log(dev, &range, 1, NULL), -EINVAL);
	assert_error(iommufd_device_start_dma_log(dev, &range, 0, &page_size), -EINVAL);
	assert_error(iommufd_device_start_dma_log(dev, &range, 1 << 16, &page_size), -E2BIG);
	assert_error(start_log(dev, 0, PAGE - 1, 0), -EINVAL);
	assert_error(start_log(dev, 0, PAGE - 1, 2048), -EINVAL);
	assert_error(start_log(dev, 0, 3 * PAGE - 1, 3 * PAGE), -EINVAL);
	assert_error(start_log(dev, 1, PAGE, PAGE), -EINVAL);
	assert_error(start_log(dev, 0, PAGE, PAGE), -EINVAL);
	assert_error(start_log(dev, PAGE, 0, PAGE), -EINVAL);
	assert_error(start_log(dev, 0, UINT64_MAX, PAGE), -EOVERFLOW);
	assert_error(iommufd_device_stop_dma_log(NULL), -EINVAL);
	assert_error(iommufd_device_read_dma_log(NULL, 0, PAGE, PAGE, &bits), -EINVAL);
	assert_error(iommufd_device_read_dma_log(dev, 0, PAGE, PAGE, NULL), -EINVAL);
	assert_error(iommufd_device_read_dma_log(dev, 0, PAGE, 2048, &bits), -EINVAL);
	assert_error(iommufd_device_read_dma_log(dev, 0, 0, PAGE, &bits), -EINVAL);
	assert_error(iommufd_device_read_dma_log(dev, 0, PAGE + 1, PAGE, &bits), -EINVAL);
	assert_error(iommufd_device_read_dma_log(dev, 1, PAGE, PAGE, &bits), -EINVAL);
	assert_error(iommufd_device_read_dma_log(dev, -PAGE, 2 * PAGE, PAGE, &bits), -EOVERFLOW);
}

/* -- the memory of a BAR as a file */

static bool can_export(struct iommufd_device *dev)
{
	if (has(dev, IOMMUFD_FEATURE_DMA_BUF, IOMMUFD_FEATURE_GET))
		return true;
	assert_error(iommufd_region_get_dma_buf(dev, 0, NULL, 0), -EOPNOTSUPP);
	return false;
}

static void dma_buf_of_a_bar(void **state)
{
	static const struct iommufd_region_area parts[] = { { 0, 4096 }, { 0x10000, 0x2000 } };
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int whole, some;

	if (!can_export(dev))
		return;
	whole = hold_fd(f, iommufd_region_get_dma_buf(dev, 0, NULL, 0));
	some = hold_fd(f, iommufd_region_get_dma_buf(dev, 0, parts, ARRAY_SIZE(parts)));
	assert_int_not_equal(whole, some);
	put_device(f, dev); /* it outlives the device, of no more use */
	dev = get_edu(f, ALONE1);
	hold_fd(f, iommufd_region_get_dma_buf(dev, 0, parts, 1));
}

static void dma_buf_bad_area_einval(void **state)
{
	static const struct iommufd_region_area bad[] = {
		{ 0, 0 }, { 1, 4096 }, { 0, 4097 }, { EDU_BAR_SIZE, 4096 }, { 0, EDU_BAR_SIZE + 4096 },
		{ UINT64_MAX - 4095, 4096 }, { 4096, UINT64_MAX - 4095 },
	};
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	assert_error(iommufd_region_get_dma_buf(NULL, 0, NULL, 0), -EINVAL);
	assert_error(iommufd_region_get_dma_buf(dev, 99, NULL, 0), -EINVAL);
	assert_error(iommufd_region_get_dma_buf(dev, 1, NULL, 0), -EINVAL);
	assert_error(iommufd_region_get_dma_buf(dev, 0, NULL, 1), -EINVAL);
	assert_error(iommufd_region_get_dma_buf(dev, 0, bad, 0), -EINVAL);
	assert_error(iommufd_region_get_dma_buf(dev, 0, bad, 1025), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_error(iommufd_region_get_dma_buf(dev, 0, &bad[i], 1), -EINVAL);
	assert_error(iommufd_region_get_dma_buf(dev, IOMMUFD_REGION_CONFIG, NULL, 0), -EOPNOTSUPP);
}

static void dma_buf_without_room_emfile(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	if (!can_export(dev))
		return;
	limit_fds(NO_MORE_FDS);
	assert_error(iommufd_region_get_dma_buf(dev, 0, NULL, 0), -EMFILE);
	limit_fds(LIFT_LIMIT);
}

static const struct CMUnitTest cases[] = {
	CASE(feature_is_told_beforehand),
	CASE(feature_bad_question),
	CASE(feature_by_number),
	CASE(feature_by_number_bad_argument),
	CASE(low_power_until_it_is_left),
	CASE(low_power_ends_with_the_first_use),
	CASE(low_power_bad_eventfd),
	CASE(bus_master_without_a_register_eopnotsupp),
	CASE(vf_token_without_virtual_functions_eopnotsupp),
	CASE(dma_log_of_a_device_without_eopnotsupp),
	CASE(dma_log_bad_argument_einval),
	CASE(dma_buf_of_a_bar),
	CASE(dma_buf_bad_area_einval),
	CASE(dma_buf_without_room_emfile),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return run_on_backends("feature", cases, ARRAY_SIZE(cases));
}
