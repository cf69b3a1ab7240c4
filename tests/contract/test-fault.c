/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* I/O page faults: devices ask, the program answers, once. */
#include "tables.h"

#include <poll.h>
#include <sys/wait.h>

#define COOKIE 4711

#define GROUP(array) { \
	.size = sizeof(struct iommufd_fault_group), .faults = (array), .room = ARRAY_SIZE(array), \
}

#define refuse(call, code) do { \
	struct iommufd_fault_queue *none_ = (void *)1, **out_ = &none_; \
	assert_error(call, code); \
	assert_null(none_); \
} while (0)

static void release_queue(void *queue)
{
	iommufd_fault_queue_unref(queue);
}

/* Held. NULL, with the refusal shown, where there are none. */
static struct iommufd_fault_queue *get_queue(struct fixture *f)
{
	struct iommufd_fault_queue *queue;

	if (iommufd_ctx_has(f->ctx, IOMMUFD_CAP_FAULT_QUEUE) != 1) {
		refuse(iommufd_fault_queue_new(f->ctx, NULL, out_), -EOPNOTSUPP);
		return NULL;
	}
	assert_ok(iommufd_fault_queue_new(f->ctx, NULL, &queue));
	hold_object(f, queue, release_queue);
	return queue;
}

/* A table for the device whose faults go to @queue. */
static struct iommufd_hwpt *get_faulting(struct fixture *f, struct iommufd_device *dev,
					 uint64_t flags, struct iommufd_fault_queue *queue)
{
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts), .flags = flags, .fault_queue = queue,
	};
	struct iommufd_hwpt *hwpt;

	assert_ok(iommufd_hwpt_new(dev, get_ioas(f), &opts, &hwpt));
	return hold_hwpt(f, hwpt);
}

/* Whether it is readable, within a second if so. */
static bool is_readable(struct iommufd_fault_queue *queue, int milliseconds)
{
	struct pollfd pollfd = { .fd = iommufd_fault_queue_get_fd(queue), .events = POLLIN };

	assert_true(pollfd.fd >= 0);
	return poll(&pollfd, 1, milliseconds) == 1 && (pollfd.revents & POLLIN);
}

/* What is left without an answer would be taken first. */
static struct iommufd_fault_group read_group(struct iommufd_fault_queue *queue)
{
	static struct iommufd_fault faults[4];
	struct iommufd_fault_group group = GROUP(faults);

	assert_true(is_readable(queue, 5000));
	assert_ok(iommufd_fault_queue_read(queue, &group));
	assert_int_equal(group.count, 1);
	return group;
}

/* A mock device with a cookie, attached to a table whose faults go to @queue. */
struct waiting {
	struct iommufd_fault_queue *queue;
	struct iommufd_device *dev;
	struct iommufd_hwpt *hwpt;
};

static bool set_up(struct fixture *f, struct waiting *w)
{
	w->queue = get_queue(f);
	if (!w->queue)
		return false;
	w->dev = get_mock_as(f, MOCK_PASID, COOKIE);
	w->hwpt = get_faulting(f, w->dev, IOMMUFD_HWPT_PASID, w->queue);
	assert_ok(iommufd_device_attach_hwpt(w->dev, w->hwpt));
	return true;
}

static void queue_bad_argument(void **state)
{
	struct { struct iommufd_fault_queue_opts known; uint64_t more; } future = {
		.known = { .size = sizeof(future) }, .more = 1,
	};
	struct iommufd_fault_queue_opts flag = { .size = sizeof(flag), .flags = 1 };
	struct fixture *f = *state;

	refuse(iommufd_fault_queue_new(NULL, NULL, out_), -EINVAL);
	assert_error(iommufd_fault_queue_new(f->ctx, NULL, NULL), -EINVAL);
	refuse(iommufd_fault_queue_new(f->ctx, &future.known, out_), -E2BIG);
	refuse(iommufd_fault_queue_new(f->ctx, &flag, out_), -EOPNOTSUPP);
	assert_error(iommufd_fault_queue_get_fd(NULL), -EINVAL);
	assert_error(iommufd_fault_queue_respond(NULL, 1, IOMMUFD_FAULT_SUCCESS), -EINVAL);
	assert_error(iommufd_fault_queue_read(NULL, NULL), -EINVAL);
	assert_null(iommufd_fault_queue_ref(NULL));
	assert_null(iommufd_fault_queue_unref(NULL));
	assert_error(iommufd_fault_queue_get_fd((void *)f->ctx), -EINVAL);
}

static void read_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct iommufd_fault_queue *queue = get_queue(f);
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = GROUP(faults);

	if (!queue)
		return;
	assert_error(iommufd_fault_queue_read(queue, NULL), -EINVAL);
	group.size = 0;
	assert_error(iommufd_fault_queue_read(queue, &group), -EINVAL);
	group.size = offsetof(struct iommufd_fault_group, id);
	assert_error(iommufd_fault_queue_read(queue, &group), -EINVAL);
	group.size = sizeof(group);
	group.faults = NULL;
	assert_error(iommufd_fault_queue_read(queue, &group), -EINVAL);
}

static void an_empty_queue_does_not_block(void **state)
{
	struct fixture *f = *state;
	struct iommufd_fault_queue *queue = get_queue(f);
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = GROUP(faults);

	if (!queue)
		return;
	assert_false(is_readable(queue, 0));
	assert_error(iommufd_fault_queue_read(queue, &group), -EAGAIN);
}

static void queue_without_descriptors_emfile(void **state)
{
	struct fixture *f = *state;

	if (!get_queue(f))
		return;
	limit_fds(NO_MORE_FDS);
	refuse(iommufd_fault_queue_new(f->ctx, NULL, out_), -EMFILE);
	limit_fds(LIFT_LIMIT);
}

static void a_forked_child_has_no_faults(void **state)
{
	struct fixture *f = *state;
	struct iommufd_fault_queue *queue = get_queue(f);
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = GROUP(faults);
	int status;
	pid_t child;

	if (!queue)
		return;
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		int r = iommufd_fault_queue_read(queue, &group);

		if (r == -EPERM)
			r = iommufd_fault_queue_respond(queue, 1, IOMMUFD_FAULT_INVALID);
		iommufd_fault_queue_unref(queue);
		_exit(r == -EPERM ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_error(iommufd_fault_queue_read(queue, &group), -EAGAIN); /* it is still there */
}

static void a_device_asks_and_is_answered(void **state)
{
	struct fixture *f = *state;
	struct iommufd_fault_group group;
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *found;
	struct waiting w;

	if (!set_up(f, &w))
		return;
	assert_ok(iommufd_device_get_info(w.dev, &info));
	assert_int_equal(mock_fault(f, w.dev, MOCK_NO_PASID, 7, MOCK_FIRST + PAGE), 0);
	group = read_group(w.queue);
	assert_int_equal(group.device, info.id);
	assert_int_equal(group.cookie, COOKIE);
	assert_int_equal(group.number, 7);
	assert_int_equal(group.flags, IOMMUFD_FAULT_LAST);
	assert_int_equal(group.pasid, 0);
	assert_int_equal(group.faults[0].address, MOCK_FIRST + PAGE);
	assert_int_equal(group.faults[0].access, IOMMUFD_FAULT_READ | IOMMUFD_FAULT_WRITE);
	assert_int_equal(group.faults[0].flags, IOMMUFD_FAULT_LAST);
	assert_ok(iommufd_device_find_id(f->ctx, group.device, &found));
	assert_ptr_equal(found, w.dev);
	iommufd_device_unref(found);
	assert_false(is_readable(w.queue, 0));
	assert_ok(iommufd_fault_queue_respond(w.queue, group.id, IOMMUFD_FAULT_SUCCESS));
	assert_error(iommufd_fault_queue_respond(w.queue, group.id, IOMMUFD_FAULT_SUCCESS),
		     -EALREADY);
	assert_error(iommufd_fault_queue_respond(w.queue, 0, IOMMUFD_FAULT_SUCCESS), -EALREADY);
}

static void a_group_that_waits_survives_bad_answers_and_short_arrays(void **state)
{
	struct fixture *f = *state;
	struct iommufd_fault faults[1];
	struct iommufd_fault_group group = { .size = sizeof(group) };
	struct waiting w;

	if (!set_up(f, &w))
		return;
	assert_int_equal(mock_fault(f, w.dev, MOCK_NO_PASID, 1, MOCK_FIRST), 0);
	assert_true(is_readable(w.queue, 5000));
	assert_error(iommufd_fault_queue_read(w.queue, &group), -EMSGSIZE);
	assert_int_equal(group.count, 1);
	group.faults = faults;
	group.room = group.count;
	assert_ok(iommufd_fault_queue_read(w.queue, &group));
	assert_error(iommufd_fault_queue_respond(w.queue, group.id, 2), -EINVAL);
	assert_ok(iommufd_fault_queue_respond(w.queue, group.id, IOMMUFD_FAULT_INVALID));
}

static void groups_are_told_apart(void **state)
{
	struct iommufd_fault_group group[3];
	struct fixture *f = *state;
	struct iommufd_device *other;
	struct waiting w;

	if (!set_up(f, &w))
		return;
	other = get_mock(f, 0);
	assert_ok(iommufd_device_attach_hwpt(other, w.hwpt));
	assert_int_equal(mock_fault(f, w.dev, MOCK_NO_PASID, 1, MOCK_FIRST), 0);
	group[0] = read_group(w.queue);
	assert_int_equal(mock_fault(f, other, MOCK_NO_PASID, 1, MOCK_FIRST), 0);
	group[1] = read_group(w.queue);
	assert_int_equal(mock_fault(f, w.dev, MOCK_NO_PASID, 2, MOCK_FIRST + PAGE), 0);
	group[2] = read_group(w.queue);
	assert_true(group[0].device == group[2].device && group[0].device != group[1].device);
	assert_true(group[0].id != group[1].id && group[1].id != group[2].id);
	assert_int_equal(group[2].number, 2);
	for (int i = 2; i >= 0; i--)
		assert_ok(iommufd_fault_queue_respond(w.queue, group[i].id, IOMMUFD_FAULT_INVALID));
}

/* Its groups are refused by the kernel; their answers would come late, or reach others. */
static void groups_of_a_device_that_left_are_answered(void **state)
{
	struct iommufd_fault_group group, next;
	struct fixture *f = *state;
	struct waiting w;

	if (!set_up(f, &w))
		return;
	assert_int_equal(mock_fault(f, w.dev, MOCK_NO_PASID, 1, MOCK_FIRST), 0);
	group = read_group(w.queue);
	assert_int_equal(mock_fault(f, w.dev, MOCK_NO_PASID, 2, MOCK_FIRST), 0);
	assert_true(is_readable(w.queue, 5000));
	assert_ok(iommufd_device_detach(w.dev));
	assert_false(is_readable(w.queue, 0)); /* so is what was not read */
	assert_error(iommufd_fault_queue_respond(w.queue, group.id, IOMMUFD_FAULT_SUCCESS),
		     -EALREADY);
	assert_ok(iommufd_device_attach_hwpt(w.dev, w.hwpt));
	assert_int_equal(mock_fault(f, w.dev, MOCK_NO_PASID, 3, MOCK_FIRST), 0);
	group = read_group(w.queue);
	assert_ok(iommufd_device_detach(w.dev));
	assert_ok(iommufd_device_attach_hwpt(w.dev, w.hwpt));
	assert_int_equal(mock_fault(f, w.dev, MOCK_NO_PASID, 4, MOCK_FIRST), 0);
	next = read_group(w.queue); /* has the kernel's number of the one before */
	assert_error(iommufd_fault_queue_respond(w.queue, group.id, IOMMUFD_FAULT_SUCCESS),
		     -EALREADY);
	assert_ok(iommufd_fault_queue_respond(w.queue, next.id, IOMMUFD_FAULT_SUCCESS));
}

static void a_queue_can_end_while_devices_wait_and_in_any_order(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	for (int order = 0; order < 3; order++) {
		if (!set_up(f, &w))
			return;
		assert_int_equal(mock_fault(f, w.dev, MOCK_NO_PASID, 1, MOCK_FIRST), 0);
		read_group(w.queue);
		assert_int_equal(mock_fault(f, w.dev, MOCK_NO_PASID, 2, MOCK_FIRST), 0);
		assert_true(is_readable(w.queue, 5000));
		if (order == 0)
			put_device(f, w.dev);
		put_object(f, order == 1 ? (void *)w.hwpt : w.queue);
		put_object(f, order == 1 ? (void *)w.queue : w.hwpt);
		if (order)
			put_device(f, w.dev);
	}
}

/*
 * No device of the lab asks for pages. VT-d's driver takes the table and sees that
 * when the device is attached; AMD's does not look, and virtio's takes no such table.
 */
static void a_device_that_asks_for_no_pages(void **state)
{
	struct fixture *f = *state;
	struct iommufd_fault_queue *queue = get_queue(f);
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts), .fault_queue = queue };
	struct iommufd_hw_info info = { .size = sizeof(info) };
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;
	struct iommufd_hwpt *hwpt;

	if (!queue)
		return;
	dev = get_device(f, ALONE1);
	if (iommufd_device_has(dev, IOMMUFD_CAP_HWPT) != 1)
		return;
	assert_ok(iommufd_device_get_hw_info(dev, &info));
	if (info.type == IOMMUFD_HW_INFO_NONE) {
		ioas = get_ioas(f);
		assert_error(iommufd_hwpt_new(dev, ioas, &opts, &hwpt), -EOPNOTSUPP);
		return;
	}
	hwpt = get_faulting(f, dev, 0, queue);
	if (info.type == IOMMUFD_HW_INFO_AMD)
		assert_ok(iommufd_device_attach_hwpt(dev, hwpt));
	else
		assert_error(iommufd_device_attach_hwpt(dev, hwpt), -ENODEV);
}

static void find_id(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1), *found = (void *)1;
	struct iommufd_device_info info = { .size = sizeof(info) };

	assert_ok(iommufd_device_get_info(dev, &info));
	if (has_by_group(f)) {
		assert_error(iommufd_device_find_id(f->ctx, info.id, &found), -ENOENT);
	} else {
		assert_ok(iommufd_device_find_id(f->ctx, info.id, &found));
		assert_ptr_equal(found, dev);
		iommufd_device_unref(found);
	}
	assert_error(iommufd_device_find_id(f->ctx, 4711, &found), -ENOENT);
	assert_null(found);
	assert_error(iommufd_device_find_id(NULL, info.id, &found), -EINVAL);
	assert_error(iommufd_device_find_id(f->ctx, info.id, NULL), -EINVAL);
}

static const struct CMUnitTest cases[] = {
	CASE(queue_bad_argument),
	CASE(read_bad_argument),
	CASE(an_empty_queue_does_not_block),
	CASE(queue_without_descriptors_emfile),
	CASE(a_forked_child_has_no_faults),
	CASE(a_device_asks_and_is_answered),
	CASE(a_group_that_waits_survives_bad_answers_and_short_arrays),
	CASE(groups_are_told_apart),
	CASE(groups_of_a_device_that_left_are_answered),
	CASE(a_queue_can_end_while_devices_wait_and_in_any_order),
	CASE(a_device_that_asks_for_no_pages),
	CASE(find_id),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("fault", cases, NULL, NULL);
}
