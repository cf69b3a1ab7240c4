/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* I/O page faults: devices ask, the program answers, once. */
#include "mock.h"

#include <poll.h>
#include <sys/wait.h>

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

/* Whether it is readable, within a second if so. */
static bool is_readable(struct iommufd_fault_queue *queue, int milliseconds)
{
	struct pollfd pollfd = { .fd = iommufd_fault_queue_get_fd(queue), .events = POLLIN };

	assert_true(pollfd.fd >= 0);
	return poll(&pollfd, 1, milliseconds) == 1 && (pollfd.revents & POLLIN);
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
	CASE(find_id),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("fault", cases, NULL, NULL);
}
