/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Fault queues: what no kernel's device does on demand. */
#include "scripted.h"

#define RECORD sizeof(struct k_iommu_hwpt_pgfault)

static struct iommufd_fault_queue *get_queue(struct scripted *s)
{
	struct iommufd_fault_queue *queue;

	assert_int_equal(iommufd_fault_queue_new(s->ctx, NULL, &queue), 0);
	return queue;
}

static struct k_iommu_hwpt_pgfault record(uint32_t cookie, uint64_t address, uint32_t flags)
{
	return (struct k_iommu_hwpt_pgfault){
		.flags = flags, .dev_id = 77, .pasid = 5, .grpid = 9,
		.perm = K_IOMMU_PGFAULT_PERM_WRITE, .addr = address, .cookie = cookie,
	};
}

#define GROUP(array) { \
	.size = sizeof(struct iommufd_fault_group), .faults = (array), .room = ARRAY_SIZE(array), \
}

static void a_group_over_several_records_is_one(void **state)
{
	const struct k_iommu_hwpt_pgfault records[] = {
		record(1, 0x1000, 0), record(1, 0x2000, 0),
		record(1, 0x3000, K_IOMMU_PGFAULT_FLAGS_LAST_PAGE),
		record(2, 0x9000, K_IOMMU_PGFAULT_FLAGS_LAST_PAGE |
				  K_IOMMU_PGFAULT_FLAGS_PASID_VALID),
	};
	struct scripted *s = *state;
	struct iommufd_device *dev = scripted_device(s, 77, 4711);
	struct iommufd_fault_queue *queue = get_queue(s);
	struct iommufd_fault faults[4];
	struct iommufd_fault_group group = GROUP(faults);
	uint64_t first;

	will_read(s, records, sizeof(records));
	assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
	assert_int_equal(group.count, 3);
	assert_int_equal(group.cookie, 4711);
	assert_int_equal(group.device, 77);
	assert_int_equal(group.number, 9);
	assert_int_equal(group.flags, IOMMUFD_FAULT_LAST);
	assert_int_equal(group.pasid, 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(faults[i].address, 0x1000 * (i + 1));
		assert_int_equal(faults[i].access, IOMMUFD_FAULT_WRITE);
		assert_int_equal(faults[i].flags, i == 2 ? IOMMUFD_FAULT_LAST : 0);
	}
	first = group.id;
	dev = iommufd_device_unref(dev);
	assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
	assert_int_equal(group.count, 1);
	assert_int_equal(group.cookie, 0); /* it is closed by now */
	assert_int_equal(group.flags, IOMMUFD_FAULT_PASID | IOMMUFD_FAULT_LAST);
	assert_int_equal(group.pasid, 5);
	assert_true(group.id != first);
	assert_error(iommufd_fault_queue_read(queue, &group), -EAGAIN);
	assert_int_equal(iommufd_fault_queue_respond(queue, first, IOMMUFD_FAULT_INVALID), 0);
	assert_int_equal(s->written.cookie, 1);
	assert_int_equal(s->written.code, K_IOMMUFD_PAGE_RESP_INVALID);
	iommufd_fault_queue_unref(queue);
}

static void a_group_of_any_size_is_read_whole(void **state)
{
	enum { MANY = 1000 };
	static struct k_iommu_hwpt_pgfault records[MANY];
	static struct iommufd_fault faults[MANY];
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	struct iommufd_fault_group group = GROUP(faults);

	for (size_t i = 0; i < MANY; i++)
		records[i] = record(3, i * PAGE, 0);
	will_read(s, records, sizeof(records));
	group.room = MANY - 1;
	assert_error(iommufd_fault_queue_read(queue, &group), -EMSGSIZE);
	assert_int_equal(group.count, MANY);
	group.room = 0;
	group.faults = NULL;
	assert_error(iommufd_fault_queue_read(queue, &group), -EMSGSIZE);
	group.room = MANY;
	group.faults = faults;
	assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
	assert_int_equal(group.count, MANY);
	assert_int_equal(faults[MANY - 1].address, (MANY - 1) * PAGE);
	assert_true(s->asked >= sizeof(records));
	iommufd_fault_queue_unref(queue);
}

/* Whatever is guessed: an answer to it would leave its pages to be given out under another's id. */
static void a_group_is_not_answered_before_it_is_given_out(void **state)
{
	const struct k_iommu_hwpt_pgfault records[] = {
		record(1, 0x1000, 0), record(1, 0x2000, 0), record(2, 0x9000, 0),
	};
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	struct iommufd_fault faults[2];
	struct iommufd_fault_group group = GROUP(faults);
	uint64_t first;

	will_read(s, records, sizeof(records));
	group.room = 1;
	assert_error(iommufd_fault_queue_read(queue, &group), -EMSGSIZE);
	assert_true(group.id == 0);
	for (uint64_t count = 0; count < 4; count++)
		for (uint64_t cookie = 0; cookie < 4; cookie++)
			assert_error(iommufd_fault_queue_respond(queue, count << 32 | cookie, 0),
				     -EALREADY);
	assert_int_equal(s->writes, 0);
	group.room = 2;
	assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
	first = group.id;
	assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
	assert_int_equal(iommufd_fault_queue_respond(queue, group.id, 0), 0);
	assert_int_equal(s->written.cookie, 2);
	assert_int_equal(iommufd_fault_queue_respond(queue, first, 0), 0);
	assert_int_equal(s->written.cookie, 1);
	iommufd_fault_queue_unref(queue);
}

/* No kernel does; but then no two groups have one id, and only the later one can be answered. */
static void a_number_that_two_groups_have_is_the_later_ones(void **state)
{
	const struct k_iommu_hwpt_pgfault records[] = {
		record(1, 0x1000, 0), record(2, 0x2000, 0), record(1, 0x3000, 0),
	};
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = GROUP(faults);
	uint64_t ids[3];

	will_read(s, records, sizeof(records));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
		ids[i] = group.id;
	}
	assert_true(ids[0] != ids[2]);
	assert_error(iommufd_fault_queue_respond(queue, ids[0], 0), -EALREADY);
	assert_int_equal(iommufd_fault_queue_respond(queue, ids[2], 0), 0);
	assert_int_equal(iommufd_fault_queue_respond(queue, ids[1], 0), 0);
	iommufd_fault_queue_unref(queue);
}

static void a_group_that_is_larger_than_sense_is_refused(void **state)
{
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = GROUP(faults);

	will_read(s, "", SSIZE_MAX);
	assert_error(iommufd_fault_queue_read(queue, &group), -EIO);
	assert_true(s->asked < 4u << 20);
	iommufd_fault_queue_unref(queue);
}

static void answers_without_sense_are_refused(void **state)
{
	static const ssize_t lengths[] = { 1, RECORD - 1, RECORD + 1, 65 * RECORD, SSIZE_MAX };
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = GROUP(faults);

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		will_read(s, NULL, lengths[i]);
		assert_error(iommufd_fault_queue_read(queue, &group), -EIO);
	}
	will_read(s, NULL, -ENODEV);
	assert_error(iommufd_fault_queue_read(queue, &group), -EIO);
	will_read(s, NULL, -ENOMEM);
	assert_error(iommufd_fault_queue_read(queue, &group), -ENOMEM);
	assert_error(iommufd_fault_queue_read(queue, &group), -EAGAIN);
	iommufd_fault_queue_unref(queue);
}

static void what_is_not_known_of_a_fault_is_left_out(void **state)
{
	struct k_iommu_hwpt_pgfault odd = record(1, 0x1000, UINT32_MAX);
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = GROUP(faults);

	odd.perm = UINT32_MAX;
	will_read(s, &odd, sizeof(odd));
	assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
	assert_int_equal(group.flags, IOMMUFD_FAULT_PASID | IOMMUFD_FAULT_LAST);
	assert_int_equal(faults[0].flags, IOMMUFD_FAULT_PASID | IOMMUFD_FAULT_LAST);
	assert_int_equal(faults[0].access, 0xf);
	iommufd_fault_queue_unref(queue);
}

static uint64_t read_one(struct scripted *s, struct iommufd_fault_queue *queue,
			 const struct k_iommu_hwpt_pgfault *k)
{
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = GROUP(faults);

	will_read(s, k, sizeof(*k));
	assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
	return group.id;
}

static void the_kernel_is_asked_once_for_a_group(void **state)
{
	const struct k_iommu_hwpt_pgfault one = record(1, 0x1000, 0);
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	uint64_t id = read_one(s, queue, &one);

	assert_error(iommufd_fault_queue_respond(queue, id, 2), -EINVAL);
	assert_int_equal(s->writes, 0);
	assert_int_equal(iommufd_fault_queue_respond(queue, id, IOMMUFD_FAULT_SUCCESS), 0);
	assert_error(iommufd_fault_queue_respond(queue, id, IOMMUFD_FAULT_SUCCESS), -EALREADY);
	assert_error(iommufd_fault_queue_respond(queue, id + 1, IOMMUFD_FAULT_SUCCESS), -EALREADY);
	assert_int_equal(s->writes, 1);
	iommufd_fault_queue_unref(queue);
}

/* It refused the first when the device left, and has the number for another now. */
static void an_answer_that_is_late_reaches_no_other_group(void **state)
{
	const struct k_iommu_hwpt_pgfault records[] = {
		record(1, 0x1000, 0), record(2, 0x2000, 0),
	};
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	uint64_t id = read_one(s, queue, &records[0]), other;
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = GROUP(faults);

	will_read(s, records, sizeof(records));
	assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
	other = group.id;
	assert_true(other != id);
	assert_error(iommufd_fault_queue_respond(queue, id, IOMMUFD_FAULT_SUCCESS), -EALREADY);
	assert_int_equal(s->writes, 0);
	assert_int_equal(iommufd_fault_queue_respond(queue, other, IOMMUFD_FAULT_SUCCESS), 0);
	assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
	assert_int_equal(iommufd_fault_queue_respond(queue, group.id, IOMMUFD_FAULT_SUCCESS), 0);
	assert_int_equal(s->written.cookie, 2);
	iommufd_fault_queue_unref(queue);
}

static void an_answer_that_the_kernel_has_no_group_for_is_late(void **state)
{
	const struct k_iommu_hwpt_pgfault one = record(1, 0x1000, 0);
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	uint64_t id = read_one(s, queue, &one);

	s->write_result = -EINVAL;
	assert_error(iommufd_fault_queue_respond(queue, id, IOMMUFD_FAULT_SUCCESS), -EALREADY);
	assert_non_null(strstr(iommufd_error_last()->message, "left the page table"));
	assert_error(iommufd_fault_queue_respond(queue, id, IOMMUFD_FAULT_SUCCESS), -EALREADY);
	assert_int_equal(s->writes, 1);
	iommufd_fault_queue_unref(queue);
}

static void an_answer_that_was_not_taken_can_be_given_again(void **state)
{
	static const ssize_t results[] = { -EIO, -EFAULT, 4, 9 };
	const struct k_iommu_hwpt_pgfault one = record(1, 0x1000, 0);
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	uint64_t id = read_one(s, queue, &one);

	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		s->write_result = results[i];
		assert_error(iommufd_fault_queue_respond(queue, id, IOMMUFD_FAULT_INVALID), -EIO);
	}
	s->write_result = -EINTR;
	assert_int_equal(iommufd_fault_queue_respond(queue, id, IOMMUFD_FAULT_INVALID), 0);
	assert_int_equal(s->writes, ARRAY_SIZE(results) + 2);
	iommufd_fault_queue_unref(queue);
}

static void groups_wait_in_any_number_and_are_answered_in_any_order(void **state)
{
	enum { MANY = 500 };
	static struct k_iommu_hwpt_pgfault records[MANY];
	static uint64_t ids[MANY];
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = GROUP(faults);

	for (uint32_t i = 0; i < MANY; i++)
		records[i] = record((i * 37 + 11) % MANY + 1, i * PAGE, 0);
	for (size_t i = 0; i < MANY; i += MANY / 5)
		will_read(s, records + i, (ssize_t)(MANY / 5 * RECORD));
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(iommufd_fault_queue_read(queue, &group), 0);
		ids[i] = group.id;
	}
	for (size_t i = 0; i < MANY; i++) {
		size_t n = (i * 113 + 7) % MANY;

		assert_int_equal(iommufd_fault_queue_respond(queue, ids[n], 0), 0);
		assert_int_equal(s->written.cookie, records[n].cookie);
	}
	assert_error(iommufd_fault_queue_respond(queue, ids[0], 0), -EALREADY);
	iommufd_fault_queue_unref(queue);
}

static void the_descriptor_goes_before_the_queue(void **state)
{
	struct scripted *s = *state;
	struct iommufd_fault_queue *queue = get_queue(s);
	uint32_t id = s->last_id;

	assert_int_equal(iommufd_fault_queue_get_fd(queue), FIRST_FD + id);
	iommufd_fault_queue_unref(queue);
	assert_int_equal(s->nr_gone, 2);
	assert_int_equal(s->gone[0], FIRST_FD + id);
	assert_int_equal(s->gone[1], id);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(a_group_over_several_records_is_one),
		CASE(a_group_of_any_size_is_read_whole),
		CASE(a_group_is_not_answered_before_it_is_given_out),
		CASE(a_number_that_two_groups_have_is_the_later_ones),
		CASE(a_group_that_is_larger_than_sense_is_refused),
		CASE(answers_without_sense_are_refused),
		CASE(what_is_not_known_of_a_fault_is_left_out),
		CASE(the_kernel_is_asked_once_for_a_group),
		CASE(an_answer_that_is_late_reaches_no_other_group),
		CASE(an_answer_that_the_kernel_has_no_group_for_is_late),
		CASE(an_answer_that_was_not_taken_can_be_given_again),
		CASE(groups_wait_in_any_number_and_are_answered_in_any_order),
		CASE(the_descriptor_goes_before_the_queue),
	};

	return cmocka_run_group_tests_name("fault", cases, NULL, NULL);
}
