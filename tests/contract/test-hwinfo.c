/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the kernel tells of the IOMMU in front of a device, and its registers by name. */
#include "mock.h"

/* The kernel tells of this device; else the refusal is shown. */
static bool tells(struct iommufd_device *dev)
{
	struct iommufd_hw_info info = { .size = sizeof(info), .type = 77 };

	if (iommufd_device_has(dev, IOMMUFD_CAP_HW_INFO))
		return true;
	assert_error(iommufd_device_get_hw_info(dev, &info), -EOPNOTSUPP);
	assert_error(iommufd_device_get_hw_info_of(dev, IOMMUFD_HW_INFO_INTEL_VTD, &info),
		     -EOPNOTSUPP);
	assert_int_equal(info.type, 77);
	return false;
}

static struct iommufd_hw_info get_info(struct iommufd_device *dev)
{
	struct iommufd_hw_info info;

	memset(&info, 0xee, sizeof(info));
	info.size = sizeof(info);
	assert_ok(iommufd_device_get_hw_info(dev, &info));
	return info;
}

static void hw_info_tells_of_the_iommu(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_hw_info info, again;

	if (!tells(dev))
		return;
	info = get_info(dev);
	assert_true(info.type <= IOMMUFD_HW_INFO_AMD);
	if (info.type == IOMMUFD_HW_INFO_NONE)
		assert_int_equal(info.data_length, 0);
	else
		assert_true(info.data_length >= 16);
	for (size_t i = info.data_length; i < sizeof(info.data); i++)
		assert_int_equal(info.data[i], 0);
	assert_true(info.pasid_width <= 20);
	assert_int_equal(info.reserved, 0);
	assert_int_equal(iommufd_device_has(dev, IOMMUFD_CAP_PASID) != 0, info.pasid_width != 0);
	again = get_info(dev);
	assert_memory_equal(&info, &again, sizeof(info));
}

/* A device without a PASID capability has none; QEMU's have neither that nor ATS. */
static void hw_info_pasid_width_is_that_of_the_device(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);
	struct iommufd_hw_info info;

	if (!tells(dev))
		return;
	info = get_info(dev);
	assert_int_equal(info.pasid_width, 0);
	assert_int_equal(info.capabilities & IOMMUFD_HW_CAP_DIRTY_TRACKING, 0);
}

static void hw_info_fields_are_those_of_the_registers(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);
	struct iommufd_hw_field field = { .size = sizeof(field) };
	struct iommufd_hw_info info;
	size_t at = 0, count = 0;
	uint64_t value;

	if (!tells(dev))
		return;
	info = get_info(dev);
	while (!iommufd_hw_info_next(&info, &at, &field)) {
		char name[64];

		assert_true(field.bits >= 1 && field.bits <= 64 && field.first_bit < 64);
		assert_int_equal(field.value >> (field.bits - 1) >> 1, 0);
		assert_true(*field.meaning && !field.reserved);
		snprintf(name, sizeof(name), "%s.%s", field.reg, field.name);
		assert_ok(iommufd_hw_info_get(&info, name, &value));
		assert_int_equal(value, field.value);
		count++;
	}
	assert_int_equal(count > 20, info.type != IOMMUFD_HW_INFO_NONE);
	if (info.type == IOMMUFD_HW_INFO_INTEL_VTD) {
		uint64_t cap;

		memcpy(&cap, info.data + 8, sizeof(cap));
		assert_ok(iommufd_hw_info_get(&info, "cap.MGAW", &value));
		assert_int_equal(value, cap >> 16 & 0x3f);
		assert_true(value >= 38);
		assert_ok(iommufd_hw_info_get(&info, "ecap.QI", &value));
		assert_int_equal(value, 1);
	}
	if (info.type == IOMMUFD_HW_INFO_AMD) {
		assert_ok(iommufd_hw_info_get(&info, "EFR.HATS", &value));
		assert_true(value < 3);
	}
}

static void hw_info_of_a_type_is_had_where_there_is_one(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_hw_info info = { .size = sizeof(info) }, first;
	int r;

	if (!tells(dev))
		return;
	first = get_info(dev);
	assert_ok(iommufd_device_get_hw_info_of(dev, IOMMUFD_HW_INFO_NONE, &info));
	assert_memory_equal(&info, &first, sizeof(info));
	for (uint32_t type = 1; type < 6; type++) {
		memset(&info, 0, sizeof(info));
		info.size = sizeof(info);
		if (type != first.type) {
			assert_error(iommufd_device_get_hw_info_of(dev, type, &info), -EOPNOTSUPP);
			assert_int_equal(info.data_length, 0);
			continue;
		}
		r = iommufd_device_get_hw_info_of(dev, type, &info);
		if (r == -EOPNOTSUPP) { /* older than Linux 6.17, which brought hardware queues too */
			assert_int_equal(iommufd_ctx_has(f->ctx, IOMMUFD_CAP_HW_QUEUE), 0);
			continue;
		}
		assert_ok(r);
		assert_memory_equal(&info, &first, sizeof(info));
	}
}

static void hw_info_needs_no_address_space(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_hw_info before, after;

	if (!tells(dev))
		return;
	before = get_info(dev);
	assert_ok(iommufd_device_attach(dev, get_ioas(f)));
	after = get_info(dev);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void hw_info_is_filled_up_to_its_size(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);
	struct iommufd_hw_info info, small;
	uint64_t value;

	if (!tells(dev))
		return;
	info = get_info(dev);
	memset(&small, 0xee, sizeof(small));
	small.size = offsetof(struct iommufd_hw_info, data) + 12;
	assert_ok(iommufd_device_get_hw_info(dev, &small));
	assert_int_equal(small.type, info.type);
	assert_memory_equal(small.data, info.data, 12);
	assert_int_equal(small.data[12], 0xee);
	/* Of registers that are not all there no fields are told. */
	assert_error(iommufd_hw_info_get(&small, "cap.MGAW", &value), -ENOENT);
}

static void hw_info_bad_argument_einval(void **state)
{
	struct iommufd_device *dev = get_device(*state, ALONE1);
	struct iommufd_hw_info info = { .size = sizeof(info) }, unsized = { 0 };
	bool told = tells(dev);

	assert_error(iommufd_device_get_hw_info(NULL, &info), -EINVAL);
	assert_error(iommufd_device_get_hw_info_of(NULL, 0, &info), -EINVAL);
	assert_error(iommufd_device_get_hw_info(dev, NULL), -EINVAL);
	assert_error(iommufd_device_get_hw_info_of(dev, 1, NULL), -EINVAL);
	if (told)
		assert_error(iommufd_device_get_hw_info(dev, &unsized), -EINVAL);
}

static void hw_info_of_types_unknown_is_kept(void **state)
{
	struct iommufd_device *dev = get_mock(*state, 0);
	struct iommufd_hw_field field = { .size = sizeof(field) };
	struct iommufd_hw_info info, same = { .size = sizeof(same) };
	size_t at = 0;
	uint32_t reg;

	if (!dev)
		return;
	info = get_info(dev);
	assert_int_equal(info.type, 0xfeedbeef);
	assert_true(info.data_length >= 8);
	memcpy(&reg, info.data + 4, sizeof(reg));
	assert_int_equal(reg, 0xdeadbeef);
	assert_int_equal(iommufd_hw_info_next(&info, &at, &field), -ENOENT);
	assert_ok(iommufd_device_get_hw_info_of(dev, 0xfeedbeef, &same));
	assert_memory_equal(&same, &info, sizeof(info));
	assert_error(iommufd_device_get_hw_info_of(dev, IOMMUFD_HW_INFO_AMD, &same), -EOPNOTSUPP);
	assert_int_equal(info.capabilities & IOMMUFD_HW_CAP_DIRTY_TRACKING,
			 IOMMUFD_HW_CAP_DIRTY_TRACKING);
	assert_int_equal(info.pasid_width, 0);
}

static void hw_info_tells_of_pasids_and_dirty_pages(void **state)
{
	struct iommufd_device *dev = get_mock(*state, MOCK_PASID | MOCK_NO_DIRTY);
	struct iommufd_hw_info info;

	if (!dev)
		return;
	info = get_info(dev);
	assert_int_equal(info.pasid_width, MOCK_PASID_WIDTH);
	assert_int_equal(info.capabilities & IOMMUFD_HW_CAP_DIRTY_TRACKING, 0);
}

/* ---- made up by the caller: no kernel is asked ---- */

static struct iommufd_hw_info made_up(void)
{
	struct iommufd_hw_info info = {
		.size = sizeof(info), .type = IOMMUFD_HW_INFO_INTEL_VTD, .data_length = 24,
	};
	uint64_t ecap = UINT64_C(0x880000f00f4a);

	memcpy(info.data + 16, &ecap, sizeof(ecap));
	return info;
}

static void next_walks_registers_from_the_lowest_bit(void **state)
{
	struct iommufd_hw_field field = { .size = sizeof(field) };
	struct iommufd_hw_info info = made_up();
	size_t at = 0;
	bool found = false;
	char reg[16] = "";
	uint32_t bit = 0;

	(void)state;
	while (!iommufd_hw_info_next(&info, &at, &field)) {
		assert_true(strcmp(reg, field.reg) || field.first_bit >= bit);
		snprintf(reg, sizeof(reg), "%s", field.reg);
		bit = field.first_bit + field.bits;
		if (!strcmp(field.reg, "ecap") && !strcmp(field.name, "FLTS")) {
			found = true;
			assert_int_equal(field.value, 1);
			assert_int_equal(field.first_bit, 47);
			assert_int_equal(field.bits, 1);
			assert_int_equal(field.flags, 0);
		}
	}
	assert_true(found);
	assert_int_equal(iommufd_hw_info_next(&info, &at, &field), -ENOENT);
	at = SIZE_MAX;
	assert_int_equal(iommufd_hw_info_next(&info, &at, &field), -ENOENT);
}

static void next_tells_what_a_guest_may_be_shown(void **state)
{
	struct iommufd_hw_field field = { .size = sizeof(field) };
	struct iommufd_hw_info info = {
		.size = sizeof(info), .type = IOMMUFD_HW_INFO_AMD, .data_length = 16,
	};
	size_t at = 0, shown = 0;

	(void)state;
	while (!iommufd_hw_info_next(&info, &at, &field))
		shown += field.flags == IOMMUFD_HW_FIELD_GUEST;
	assert_int_equal(shown, 8);
}

static void get_finds_fields_by_name(void **state)
{
	struct iommufd_hw_info info = made_up();
	uint64_t value = 0;

	(void)state;
	assert_ok(iommufd_hw_info_get(&info, "ecap.FLTS", &value));
	assert_int_equal(value, 1);
	assert_ok(iommufd_hw_info_get(&info, "ECAP.fsts", &value));
	assert_int_equal(value, 1);
	assert_ok(iommufd_hw_info_get(&info, "ecap.IRO", &value));
	assert_int_equal(value, 15);
	assert_error(iommufd_hw_info_get(&info, "ecap.none", &value), -ENOENT);
	assert_error(iommufd_hw_info_get(&info, "FLTS", &value), -ENOENT);
	assert_int_equal(value, 15);
	info.data_length = 16;
	assert_error(iommufd_hw_info_get(&info, "ecap.FLTS", &value), -ENOENT);
	info.type = IOMMUFD_HW_INFO_NONE;
	assert_error(iommufd_hw_info_get(&info, "cap.ND", &value), -ENOENT);
}

static void field_bad_argument_einval(void **state)
{
	struct iommufd_hw_info info = made_up(), unsized = made_up();
	struct iommufd_hw_field field = { .size = sizeof(field) }, no_field = { 0 };
	uint64_t value;
	size_t at = 0;

	(void)state;
	unsized.size = 8;
	assert_error(iommufd_hw_info_next(NULL, &at, &field), -EINVAL);
	assert_error(iommufd_hw_info_next(&unsized, &at, &field), -EINVAL);
	assert_error(iommufd_hw_info_next(&info, NULL, &field), -EINVAL);
	assert_error(iommufd_hw_info_next(&info, &at, NULL), -EINVAL);
	assert_error(iommufd_hw_info_next(&info, &at, &no_field), -EINVAL);
	assert_int_equal(at, 0);
	assert_error(iommufd_hw_info_get(NULL, "cap.ND", &value), -EINVAL);
	assert_error(iommufd_hw_info_get(&unsized, "cap.ND", &value), -EINVAL);
	assert_error(iommufd_hw_info_get(&info, NULL, &value), -EINVAL);
	assert_error(iommufd_hw_info_get(&info, "cap.ND", NULL), -EINVAL);
}

static const struct CMUnitTest cases[] = {
	CASE(hw_info_tells_of_the_iommu),
	CASE(hw_info_pasid_width_is_that_of_the_device),
	CASE(hw_info_fields_are_those_of_the_registers),
	CASE(hw_info_of_a_type_is_had_where_there_is_one),
	CASE(hw_info_needs_no_address_space),
	CASE(hw_info_is_filled_up_to_its_size),
	CASE(hw_info_bad_argument_einval),
	CASE(hw_info_of_types_unknown_is_kept),
	CASE(hw_info_tells_of_pasids_and_dirty_pages),
	CASE(next_walks_registers_from_the_lowest_bit),
	CASE(next_tells_what_a_guest_may_be_shown),
	CASE(get_finds_fields_by_name),
	CASE(field_bad_argument_einval),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("hwinfo", cases, NULL, NULL);
}
