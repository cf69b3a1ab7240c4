/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Devices with features that neither the emulated kernel's nor the lab's have: what
 * reaches the kernel, and what is made of its answers.
 */
#include "odd.h"

static uint32_t asked;		/* flags of the last call */
static uint8_t sent[64];	/* and its data */
static int answers;

static int take_feature(int fd, unsigned long request, void *arg, int rc)
{
	struct k_vfio_device_feature *feature = arg;
	size_t length;

	(void)fd;
	if (request != K_VFIO_DEVICE_FEATURE)
		return rc;
	length = feature->argsz - sizeof(*feature);
	asked = feature->flags;
	memset(sent, 0, sizeof(sent));
	memcpy(sent, feature->data, length < sizeof(sent) ? length : sizeof(sent));
	return answers;
}

static struct iommufd_device *open_with(struct setting *s,
					int (*how)(int fd, unsigned long request, void *arg, int rc))
{
	open_device(s);
	bend = how;
	answers = 0;
	return s->dev;
}

static void bus_master_is_told(void **state)
{
	struct iommufd_device *dev = open_with(*state, take_feature);

	assert_int_equal(iommufd_device_set_bus_master(dev, 1), 0);
	assert_int_equal(asked, K_VFIO_DEVICE_FEATURE_SET | K_VFIO_DEVICE_FEATURE_BUS_MASTER);
	assert_int_equal(sent[0], K_VFIO_DEVICE_FEATURE_SET_MASTER);
	assert_int_equal(iommufd_device_set_bus_master(dev, 0), 0);
	assert_int_equal(sent[0], K_VFIO_DEVICE_FEATURE_CLEAR_MASTER);
}

static void token_is_told(void **state)
{
	static const uint8_t token[16] = "0123456789abcdef";
	struct iommufd_device *dev = open_with(*state, take_feature);

	assert_int_equal(iommufd_device_set_vf_token(dev, token), 0);
	assert_int_equal(asked, K_VFIO_DEVICE_FEATURE_SET | K_VFIO_DEVICE_FEATURE_PCI_VF_TOKEN);
	assert_memory_equal(sent, token, sizeof(token));
}

/* A number is a descriptor only where one is asked for. */
static void answers_above_zero(void **state)
{
	struct iommufd_device *dev = open_with(*state, take_feature);
	uint64_t data = 0;

	answers = 7;
	assert_int_equal(iommufd_device_get_feature(dev, 99, &data, sizeof(data)), 7);
	assert_int_equal(iommufd_device_set_feature(dev, 99, &data, sizeof(data)), 0);
	assert_int_equal(iommufd_device_has_feature(dev, 99, IOMMUFD_FEATURE_GET), 1);
	assert_int_equal(asked, K_VFIO_DEVICE_FEATURE_PROBE | K_VFIO_DEVICE_FEATURE_GET | 99);
}

static void errors_of_devices_are_eio(void **state)
{
	struct iommufd_device *dev = open_with(*state, take_feature);
	const struct iommufd_range range = { 0, PAGE - 1 };
	uint64_t page_size = PAGE, bits = 0;
	uint32_t now;
	int fd;

	answers = -ENOLINK;
	assert_error(iommufd_device_has_feature(dev, 99, 0), -EIO);
	assert_error(iommufd_device_set_feature(dev, 99, NULL, 0), -EIO);
	assert_error(iommufd_device_enter_low_power(dev, -1), -EIO);
	assert_error(iommufd_device_leave_low_power(dev), -EIO);
	assert_error(iommufd_device_set_bus_master(dev, 1), -EIO);
	assert_error(iommufd_device_start_dma_log(dev, &range, 1, &page_size), -EIO);
	assert_error(iommufd_device_read_dma_log(dev, 0, PAGE, PAGE, &bits), -EIO);
	assert_error(iommufd_device_stop_dma_log(dev), -EIO);
	assert_error(iommufd_migration_get_state(dev, &now), -EIO);
	assert_error(iommufd_migration_set_state(dev, IOMMUFD_MIGRATION_STATE_STOP, &fd), -EIO);
	assert_int_equal(fd, -1);
	assert_int_equal(page_size, PAGE);
}

/* -- a device that logs, in pages of its own */

static uint64_t first_iova, first_length;

static int log_writes(int fd, unsigned long request, void *arg, int rc)
{
	struct k_vfio_device_feature *feature = arg;
	struct k_vfio_device_feature_dma_logging_control *control = (void *)feature->data;
	struct k_vfio_device_feature_dma_logging_report *report = (void *)feature->data;
	const struct k_vfio_device_feature_dma_logging_range *range;

	(void)fd;
	if (request != K_VFIO_DEVICE_FEATURE)
		return rc;
	switch (feature->flags & K_VFIO_DEVICE_FEATURE_MASK) {
	case K_VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
		range = (void *)(uintptr_t)control->ranges;
		first_iova = range[0].iova;
		first_length = range[control->num_ranges - 1].length;
		control->page_size = 0x10000;
		return 0;
	case K_VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT:
		*(uint64_t *)(uintptr_t)report->bitmap |= UINT64_C(1) << report->iova / report->page_size;
		return 0;
	default:
		return 0;
	}
}

static void dma_log_is_added_to_the_bitmap(void **state)
{
	static const struct iommufd_range ranges[] = { { 0x1000, 0x1fff }, { 0x8000, 0xbfff } };
	struct iommufd_device *dev = open_with(*state, log_writes);
	uint64_t page_size = PAGE, bits = 1;

	assert_int_equal(iommufd_device_start_dma_log(dev, ranges, 2, &page_size), 0);
	assert_int_equal(page_size, 0x10000);
	assert_int_equal(first_iova, 0x1000);
	assert_int_equal(first_length, 0x4000);
	assert_int_equal(iommufd_device_read_dma_log(dev, 4 * PAGE, 8 * PAGE, PAGE, &bits), 0);
	assert_int_equal(bits, 0x11);
	assert_int_equal(iommufd_device_stop_dma_log(dev), 0);
}

/* -- a device that says ENOMSG where there is nothing for now, and of new data */

static ssize_t (*plain_read)(void *data, int fd, void *buf, size_t n);
static int chunks;

static ssize_t read_in_chunks(void *data, int fd, void *buf, size_t n)
{
	if (fd != 1000)
		return plain_read(data, fd, buf, n);
	if (chunks <= 0)
		return chunks ? -ENODEV : -ENOMSG;
	if (--chunks == 1)
		return -EINTR;
	memset(buf, chunks, n < 5 ? n : 5);
	return n < 5 ? (ssize_t)n : 5;
}

static int tell_of_new_data(int fd, unsigned long request, void *arg, int rc)
{
	struct k_vfio_precopy_info *info = arg;

	(void)fd;
	if (request != K_VFIO_MIG_GET_PRECOPY_INFO)
		return rc;
	info->flags = ~0u;
	info->initial_bytes = 3;
	info->dirty_bytes = 4;
	return 0;
}

static void end_for_now_is_no_error(void **state)
{
	struct setting *s = *state;
	struct iommufd_precopy_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = open_with(s, tell_of_new_data);
	uint8_t data[64];
	size_t got = 99;

	plain_read = s->sys.read;
	s->sys.read = read_in_chunks;
	chunks = 4;
	assert_int_equal(iommufd_migration_read(dev, 1000, data, sizeof(data), &got), 0);
	assert_int_equal(got, 15);
	assert_int_equal(iommufd_migration_read(dev, 1000, data, sizeof(data), &got), 0);
	assert_int_equal(got, 0);
	chunks = -1;
	assert_error(iommufd_migration_read(dev, 1000, data, sizeof(data), &got), -ENODEV);
	assert_int_equal(iommufd_migration_get_precopy_info(dev, 1000, &info), 0);
	assert_int_equal(info.flags, IOMMUFD_PRECOPY_REINIT);
	assert_int_equal(info.initial_bytes, 3);
	assert_int_equal(info.dirty_bytes, 4);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		CASE(bus_master_is_told),
		CASE(token_is_told),
		CASE(answers_above_zero),
		CASE(errors_of_devices_are_eio),
		CASE(dma_log_is_added_to_the_bitmap),
		CASE(end_for_now_is_no_error),
	};
	int failed = 0;

	while (next_pair())
		failed += cmocka_run_group_tests_name(pair->name, cases, NULL, NULL);
	return failed;
}
