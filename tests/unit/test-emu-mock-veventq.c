/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Events of a vIOMMU, and what is told when they are lost. */
#include "test-emu-mock.h"

enum { LOST = K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS };

struct event {
	struct k_iommufd_vevent_header header;
	struct k_iommu_viommu_event_selftest data;
};

/* A device that its vIOMMU knows as 0x42 and hears of. */
struct scene {
	struct mock mock;
	uint32_t viommu;
	uint32_t vdevice;
	uint32_t nested;
};

struct queue {
	uint32_t id;
	int fd;
};

static struct scene new_scene(struct mocks *m, uint64_t virt_id)
{
	struct scene s = { .mock = new_mock(m, 0) };

	s.viommu = new_viommu(m, &s.mock, new_hwpt(m, &s.mock, K_IOMMU_HWPT_ALLOC_NEST_PARENT));
	s.vdevice = new_vdevice(m, s.viommu, &s.mock, virt_id);
	s.nested = new_nested(m, &s.mock, s.viommu);
	assert_int_equal(replace(m, &s.mock, s.nested), 0);
	return s;
}

static int try_queue(struct mocks *m, uint32_t viommu, uint32_t type, uint32_t depth,
		     struct queue *out)
{
	struct k_iommu_veventq_alloc arg = { .size = sizeof(arg), .viommu_id = viommu,
					     .type = type, .veventq_depth = depth };
	int r = request(m, K_IOMMU_VEVENTQ_ALLOC, &arg);

	*out = (struct queue){ arg.out_veventq_id, (int)arg.out_veventq_fd };
	return r;
}

static struct queue new_queue(struct mocks *m, uint32_t viommu, uint32_t depth)
{
	struct queue out;

	assert_int_equal(try_queue(m, viommu, K_IOMMU_VEVENTQ_TYPE_SELFTEST, depth, &out), 0);
	return out;
}

static int happen(struct mocks *m, const struct mock *mock)
{
	struct k_iommu_test_cmd cmd = { .op = K_IOMMU_TEST_OP_TRIGGER_VEVENT,
					.trigger_vevent.dev_id = mock->dev };

	return op(m, &cmd);
}

static void check_event(const struct event *event, uint32_t sequence)
{
	assert_int_equal(event->header.flags, 0);
	assert_int_equal(event->header.sequence, sequence);
	assert_int_equal(event->data.virt_id, 0x42);
}

static void events_come_in_order(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m, 0x42);
	struct queue queue = new_queue(m, s.viommu, 2);
	struct event event[3];

	assert_int_equal(ready(queue.fd), 0);
	assert_int_equal(get(m, queue.fd, event, sizeof(event)), 0); /* nothing, and no waiting */
	assert_int_equal(happen(m, &s.mock), 0);
	assert_int_equal(ready(queue.fd), POLLIN);
	assert_int_equal(happen(m, &s.mock), 0);
	assert_int_equal(get(m, queue.fd, event, sizeof(event)), 2 * sizeof(*event));
	check_event(&event[0], 0);
	check_event(&event[1], 1);
	assert_int_equal(ready(queue.fd), 0);
	shut(m, queue.fd);
}

static void loss_is_told_of_after_the_last(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m, 0x42);
	struct queue queue = new_queue(m, s.viommu, 2);
	struct event event[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(happen(m, &s.mock), 0);
	assert_int_equal(get(m, queue.fd, event, sizeof(event)), 2 * sizeof(*event) + 8);
	check_event(&event[0], 0);
	check_event(&event[1], 1);
	assert_int_equal(event[2].header.flags, LOST);
	assert_int_equal(event[2].header.sequence, 3);
	assert_int_equal(ready(queue.fd), 0);
	assert_int_equal(happen(m, &s.mock), 0);
	assert_int_equal(get(m, queue.fd, event, sizeof(event)), sizeof(*event));
	check_event(&event[0], 4);
	shut(m, queue.fd);
}

static void loss_before_another_event_is_a_gap(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m, 0x42);
	struct queue queue = new_queue(m, s.viommu, 2);
	struct event event[4];

	for (int i = 0; i < 3; i++)
		assert_int_equal(happen(m, &s.mock), 0);
	assert_int_equal(get(m, queue.fd, event, sizeof(*event)), sizeof(*event));
	check_event(&event[0], 0);
	assert_int_equal(happen(m, &s.mock), 0);
	assert_int_equal(get(m, queue.fd, event, sizeof(event)), 2 * sizeof(*event));
	check_event(&event[0], 1);
	check_event(&event[1], 3);
	shut(m, queue.fd);
}

static void reads_are_of_whole_events(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m, 0x42);
	struct queue queue = new_queue(m, s.viommu, 1);
	struct event event[2];

	assert_int_equal(get(m, queue.fd, event, 7), -EINVAL);
	assert_int_equal(get(m, queue.fd, event, 8), 0);
	assert_int_equal(happen(m, &s.mock), 0);
	assert_int_equal(happen(m, &s.mock), 0);
	assert_int_equal(get(m, queue.fd, event, 8), -EINVAL);
	assert_int_equal(get(m, queue.fd, event, 11), -EINVAL);
	assert_int_equal(get(m, queue.fd, (void *)PAGE, sizeof(event)), -EFAULT);
	assert_int_equal(get(m, queue.fd, event, 19), sizeof(*event));
	assert_int_equal(ready(queue.fd), POLLIN);
	assert_int_equal(get(m, queue.fd, event, 8), 8); /* the header of loss alone */
	assert_int_equal(event[0].header.flags, LOST);
	assert_int_equal(put(m, queue.fd, event, 8), -EINVAL);
	shut(m, queue.fd);
}

static void who_is_not_attached_has_no_events(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m, 0x42);
	struct mock other = new_mock(m, 0);
	struct queue queue;

	assert_int_equal(happen(m, &s.mock), -EOPNOTSUPP); /* nobody listens */
	assert_int_equal(happen(m, &other), -ENOENT);
	assert_int_equal(happen(m, &(struct mock){ .dev = 99 }), -ENOENT);
	queue = new_queue(m, s.viommu, 2);
	assert_int_equal(happen(m, &s.mock), 0);
	assert_int_equal(destroy(m, s.vdevice), 0);
	assert_int_equal(happen(m, &s.mock), 0); /* still attached */
	assert_int_equal(replace(m, &s.mock, m->ioas), 0);
	assert_int_equal(happen(m, &s.mock), -ENOENT);
	shut(m, queue.fd);
}

static void number_0_is_none(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m, 0);
	struct queue queue = new_queue(m, s.viommu, 2);

	assert_int_equal(happen(m, &s.mock), -ENOENT);
	shut(m, queue.fd);
}

static void a_queue_for_each_type(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m, 0x42);
	struct queue queue = new_queue(m, s.viommu, 1u << 19), other;

	assert_int_equal(try_queue(m, s.viommu, K_IOMMU_VEVENTQ_TYPE_SELFTEST, 1, &other), -EEXIST);
	assert_int_equal(try_queue(m, s.viommu, K_IOMMU_VEVENTQ_TYPE_DEFAULT, 1, &other),
			 -EOPNOTSUPP);
	assert_int_equal(try_queue(m, s.viommu, 7, 0, &other), -EINVAL);
	assert_int_equal(try_queue(m, s.viommu, 7, (1u << 19) + 1, &other), -EINVAL);
	assert_int_equal(try_queue(m, 99, 7, 1, &other), -ENOENT);
	assert_int_equal(try_queue(m, s.viommu, 7, 1, &other), 0); /* known or not */
	shut(m, other.fd);
	shut(m, queue.fd);
}

static void a_queue_goes_after_its_descriptor_and_before_its_viommu(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m, 0x42);
	struct queue queue = new_queue(m, s.viommu, 2);

	assert_int_equal(replace(m, &s.mock, m->ioas), 0);
	assert_int_equal(destroy(m, s.nested), 0);
	assert_int_equal(destroy(m, s.vdevice), 0);
	assert_int_equal(destroy(m, queue.id), -EBUSY);
	shut(m, queue.fd);
	assert_int_equal(destroy(m, s.viommu), -EBUSY);
	assert_int_equal(destroy(m, queue.id), 0);
	assert_int_equal(destroy(m, s.viommu), 0);
}

static void descriptors_block_and_end_with_the_program(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m, 0x42);
	struct queue queue = new_queue(m, s.viommu, 2);

	assert_int_equal(fcntl(queue.fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(queue.fd, F_GETFD), FD_CLOEXEC);
	shut(m, queue.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_come_in_order),
		TEST(loss_is_told_of_after_the_last),
		TEST(loss_before_another_event_is_a_gap),
		TEST(reads_are_of_whole_events),
		TEST(who_is_not_attached_has_no_events),
		TEST(number_0_is_none),
		TEST(a_queue_for_each_type),
		TEST(a_queue_goes_after_its_descriptor_and_before_its_viommu),
		TEST(descriptors_block_and_end_with_the_program),
	};

	return RUN(tests);
}
