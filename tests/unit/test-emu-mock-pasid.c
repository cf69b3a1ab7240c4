/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* PASIDs of mock devices. */
#include "test-emu-mock.h"

enum { PASID = K_IOMMU_HWPT_ALLOC_PASID, NUMBER = 100 };

static int connect(struct mocks *m, const struct mock *mock, uint32_t how, uint32_t pasid,
		   uint32_t pt)
{
	struct k_iommu_test_cmd cmd = { .op = how, .id = mock->stdev,
					.pasid_attach = { pasid, pt } };

	return op(m, &cmd);
}

static int attach(struct mocks *m, const struct mock *mock, uint32_t pasid, uint32_t pt)
{
	return connect(m, mock, K_IOMMU_TEST_OP_PASID_ATTACH, pasid, pt);
}

static int move(struct mocks *m, const struct mock *mock, uint32_t pasid, uint32_t pt)
{
	return connect(m, mock, K_IOMMU_TEST_OP_PASID_REPLACE, pasid, pt);
}

static int detach(struct mocks *m, const struct mock *mock, uint32_t pasid)
{
	return connect(m, mock, K_IOMMU_TEST_OP_PASID_DETACH, pasid, 0);
}

static int check(struct mocks *m, const struct mock *mock, uint32_t pasid, uint32_t hwpt)
{
	struct k_iommu_test_cmd cmd = { .op = K_IOMMU_TEST_OP_PASID_CHECK_HWPT, .id = mock->stdev,
					.pasid_check = { pasid, hwpt } };

	return op(m, &cmd);
}

/* On a table that lets its PASIDs be attached. */
static uint32_t on_pasid_table(struct mocks *m, struct mock *mock)
{
	uint32_t hwpt;

	*mock = new_mock(m, K_MOCK_FLAGS_DEVICE_PASID);
	hwpt = new_hwpt(m, mock, PASID);
	assert_int_equal(replace(m, mock, hwpt), 0);
	return hwpt;
}

static void both_tables_must_allow_it(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, K_MOCK_FLAGS_DEVICE_PASID);
	uint32_t hwpt = new_hwpt(m, &mock, PASID), plain = new_hwpt(m, &mock, 0);

	assert_int_equal(attach(m, &mock, NUMBER, hwpt), -EINVAL);
	assert_int_equal(replace(m, &mock, hwpt), 0);
	assert_int_equal(attach(m, &mock, NUMBER, plain), -EINVAL);
	assert_int_equal(attach(m, &mock, NUMBER, m->ioas), -EINVAL);
	assert_int_equal(attach(m, &mock, NUMBER, hwpt), 0);
	assert_int_equal(replace(m, &mock, plain), -EINVAL);
	assert_int_equal(replace(m, &mock, m->ioas), -EINVAL);
	assert_int_equal(detach(m, &mock, NUMBER), 0);
	assert_int_equal(replace(m, &mock, m->ioas), 0);
}

static void a_pasid_is_attached_once(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = on_pasid_table(m, &mock), other = new_hwpt(m, &mock, PASID);

	assert_int_equal(check(m, &mock, NUMBER, 0), 0);
	assert_int_equal(check(m, &mock, NUMBER, hwpt), -EINVAL);
	assert_int_equal(attach(m, &mock, NUMBER, hwpt), 0);
	assert_int_equal(attach(m, &mock, NUMBER, hwpt), -EBUSY);
	assert_int_equal(attach(m, &mock, NUMBER, other), -EBUSY);
	assert_int_equal(check(m, &mock, NUMBER, hwpt), 0);
	assert_int_equal(check(m, &mock, NUMBER, other), -EINVAL);
	assert_int_equal(check(m, &mock, NUMBER, 0), -EINVAL);
	assert_int_equal(check(m, &mock, NUMBER, 99), -ENOENT);
	assert_int_equal(check(m, &mock, NUMBER, m->ioas), -EINVAL);
	assert_int_equal(detach(m, &mock, NUMBER), 0);
	assert_int_equal(detach(m, &mock, NUMBER), 0);
	assert_int_equal(check(m, &mock, NUMBER, 0), 0);
}

static void a_pasid_moves(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = on_pasid_table(m, &mock), other = new_hwpt(m, &mock, PASID);

	assert_int_equal(move(m, &mock, NUMBER, other), -EINVAL);
	assert_int_equal(attach(m, &mock, NUMBER, hwpt), 0);
	assert_int_equal(move(m, &mock, NUMBER, other), 0);
	assert_int_equal(move(m, &mock, NUMBER, other), 0);
	assert_int_equal(check(m, &mock, NUMBER, other), 0);
	assert_int_equal(destroy(m, other), -EBUSY);
	assert_int_equal(move(m, &mock, NUMBER, m->ioas), -EINVAL);
	assert_int_equal(move(m, &mock, NUMBER, 99), -ENOENT);
	assert_int_equal(detach(m, &mock, NUMBER), 0);
	assert_int_equal(destroy(m, other), 0);
}

static void numbers_end_at_the_width(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = on_pasid_table(m, &mock);

	assert_int_equal(attach(m, &mock, 1u << K_MOCK_PASID_WIDTH, hwpt), -EINVAL);
	assert_int_equal(attach(m, &mock, UINT32_MAX, hwpt), -EINVAL);
	assert_int_equal(attach(m, &mock, (1u << K_MOCK_PASID_WIDTH) - 1, hwpt), 0);
	assert_int_equal(detach(m, &mock, (1u << K_MOCK_PASID_WIDTH) - 1), 0);
}

static void pasid_0_is_the_device_itself(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = on_pasid_table(m, &mock);

	assert_int_equal(check(m, &mock, 0, hwpt), 0);
	assert_int_equal(attach(m, &mock, 0, hwpt), -EBUSY);
	assert_int_equal(move(m, &mock, 0, m->ioas), 0);
	assert_int_equal(check(m, &mock, 0, hwpt), -EINVAL);
}

static void a_device_without_pasids_has_none(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	uint32_t hwpt = new_hwpt(m, &mock, PASID);

	assert_int_equal(replace(m, &mock, hwpt), 0);
	assert_int_equal(attach(m, &mock, 1, hwpt), -EINVAL);
}

static void the_reserved_number_fails_every_other_time(void **state)
{
	const uint32_t reserved = K_IOMMU_TEST_PASID_RESERVED;
	struct mocks *m = *state;
	struct mock mock;
	uint32_t hwpt = on_pasid_table(m, &mock), other = new_hwpt(m, &mock, PASID);

	assert_int_equal(attach(m, &mock, reserved, hwpt), 0);
	assert_int_equal(move(m, &mock, reserved, other), -ENOMEM);
	assert_int_equal(check(m, &mock, reserved, hwpt), 0);
	assert_int_equal(move(m, &mock, reserved, other), 0);
	assert_int_equal(detach(m, &mock, reserved), 0);
	assert_int_equal(attach(m, &mock, reserved, hwpt), 0);
	assert_int_equal(detach(m, &mock, reserved), 0);
}

static void reserved_windows_are_not_looked_at(void **state)
{
	struct mocks *m = *state;
	struct mock mock;
	uint32_t other = new_ioas(m), hwpt;

	on_pasid_table(m, &mock);
	assert_int_equal(try_hwpt(m, mock.dev, other, PASID, &hwpt), 0);
	assert_int_equal(attach(m, &mock, NUMBER, hwpt), 0);
	assert_int_equal(destroy(m, other), -EBUSY);
	assert_int_equal(destroy(m, hwpt), -EBUSY);
	assert_int_equal(detach(m, &mock, NUMBER), 0);
	assert_int_equal(destroy(m, hwpt), 0);
	assert_int_equal(destroy(m, other), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_tables_must_allow_it),
		TEST(a_pasid_is_attached_once),
		TEST(a_pasid_moves),
		TEST(numbers_end_at_the_width),
		TEST(pasid_0_is_the_device_itself),
		TEST(a_device_without_pasids_has_none),
		TEST(the_reserved_number_fails_every_other_time),
		TEST(reserved_windows_are_not_looked_at),
	};

	return RUN(tests);
}
