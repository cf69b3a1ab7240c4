/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Events of virtual IOMMUs: one after the other, and how many were lost. */
#include "guest.h"

#include <poll.h>
#include <sys/wait.h>

#define SELFTEST K_IOMMU_VEVENTQ_TYPE_SELFTEST
#define VIRTUAL_ID 9

static const struct iommufd_veventq_opts four_bytes = {
	.size = sizeof(four_bytes), .event_size = sizeof(struct k_iommu_viommu_event_selftest),
};

#define refuse(viommu, type, depth, opts, code) do { \
	struct iommufd_veventq *none_ = (void *)1; \
	assert_error(iommufd_veventq_new(viommu, type, depth, opts, &none_), code); \
	assert_null(none_); \
} while (0)

static void release(void *veventq)
{
	iommufd_veventq_unref(veventq);
}

static struct iommufd_veventq *get_queue(struct fixture *f, struct guest *g, uint32_t depth)
{
	struct iommufd_veventq *queue;

	assert_ok(iommufd_veventq_new(g->viommu, SELFTEST, depth, &four_bytes, &queue));
	hold_object(f, queue, release);
	return queue;
}

/* A guest whose device has events. */
static bool set_up(struct fixture *f, struct guest *g)
{
	if (!get_guest(f, g))
		return false;
	get_vdevice(f, g->viommu, g->dev, VIRTUAL_ID);
	assert_ok(iommufd_device_attach_hwpt(g->dev, get_on_viommu(f, g)));
	return true;
}

static bool is_readable(struct iommufd_veventq *queue)
{
	struct pollfd pollfd = { .fd = iommufd_veventq_get_fd(queue), .events = POLLIN };

	assert_true(pollfd.fd >= 0);
	return poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLIN);
}

static void reads(struct iommufd_veventq *queue, uint32_t sequence, uint64_t lost, bool alone)
{
	struct k_iommu_viommu_event_selftest data = { 0 };
	struct iommufd_vevent event = {
		.size = sizeof(event), .data = &data, .room = sizeof(data),
	};

	assert_true(is_readable(queue));
	assert_ok(iommufd_veventq_read(queue, &event));
	assert_int_equal(event.sequence, sequence);
	assert_int_equal(event.lost, lost);
	assert_int_equal(event.length, alone ? 0 : sizeof(data));
	assert_int_equal(data.virt_id, alone ? 0 : VIRTUAL_ID);
}

static void is_empty(struct iommufd_veventq *queue)
{
	struct k_iommu_viommu_event_selftest data;
	struct iommufd_vevent event = {
		.size = sizeof(event), .data = &data, .room = sizeof(data),
	};

	assert_false(is_readable(queue));
	assert_error(iommufd_veventq_read(queue, &event), -EAGAIN);
}

static void events_come_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct iommufd_veventq *queue;
	struct guest g;

	if (!set_up(f, &g))
		return;
	queue = get_queue(f, &g, 8);
	is_empty(queue);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(mock_event(f, g.dev), 0);
	for (uint32_t i = 0; i < 3; i++)
		reads(queue, i, 0, false);
	is_empty(queue);
	assert_int_equal(mock_event(f, g.dev), 0);
	reads(queue, 3, 0, false);
	assert_ptr_equal(iommufd_veventq_ref(queue), queue);
	assert_null(iommufd_veventq_unref(queue));
}

static void lost_events_are_counted(void **state)
{
	struct fixture *f = *state;
	struct iommufd_veventq *queue;
	struct guest g;

	if (!set_up(f, &g))
		return;
	queue = get_queue(f, &g, 2);
	for (int i = 0; i < 5; i++)
		assert_int_equal(mock_event(f, g.dev), 0);
	reads(queue, 0, 0, false);
	reads(queue, 1, 0, false);
	reads(queue, 4, 3, true);
	is_empty(queue);
	for (int i = 0; i < 4; i++)
		assert_int_equal(mock_event(f, g.dev), 0);
	reads(queue, 5, 0, false);
	assert_int_equal(mock_event(f, g.dev), 0); /* there is room again, after two were lost */
	reads(queue, 6, 0, false);
	reads(queue, 9, 2, false);
	is_empty(queue);
}

static void queue_bad_argument(void **state)
{
	struct { struct iommufd_veventq_opts known; uint64_t more; } future = {
		.known = { .size = sizeof(future) }, .more = 1,
	};
	struct iommufd_veventq_opts opts = four_bytes;
	struct fixture *f = *state;
	struct guest g;

	refuse(NULL, SELFTEST, 8, &four_bytes, -EINVAL);
	assert_error(iommufd_veventq_get_fd(NULL), -EINVAL);
	assert_error(iommufd_veventq_read(NULL, NULL), -EINVAL);
	assert_null(iommufd_veventq_ref(NULL));
	assert_null(iommufd_veventq_unref(NULL));
	if (!get_guest(f, &g))
		return;
	assert_error(iommufd_veventq_new(g.viommu, SELFTEST, 8, &four_bytes, NULL), -EINVAL);
	refuse(g.viommu, SELFTEST, 8, NULL, -EINVAL);
	refuse(g.viommu, SELFTEST, 8, &future.known, -E2BIG);
	opts.flags = 1;
	refuse(g.viommu, SELFTEST, 8, &opts, -EOPNOTSUPP);
	opts.flags = 0;
	opts.event_size = 1 << 20;
	refuse(g.viommu, SELFTEST, 8, &opts, -EINVAL);
	refuse(g.viommu, IOMMUFD_VEVENT_SMMUV3, 8, &four_bytes, -EINVAL);
	refuse(g.viommu, SELFTEST, 0, &four_bytes, -EINVAL);
	refuse(g.viommu, SELFTEST, 524289, &four_bytes, -EINVAL);
	refuse(g.viommu, 0, 8, &four_bytes, -EOPNOTSUPP);
	get_queue(f, &g, 524288);
	refuse(g.viommu, SELFTEST, 8, &four_bytes, -EEXIST);
}

static void queue_without_descriptors_emfile(void **state)
{
	struct fixture *f = *state;
	struct guest g;

	if (!get_guest(f, &g))
		return;
	limit_fds(NO_MORE_FDS);
	refuse(g.viommu, SELFTEST, 8, &four_bytes, -EMFILE);
	limit_fds(LIFT_LIMIT);
}

static void read_bad_argument(void **state)
{
	struct k_iommu_viommu_event_selftest data;
	struct iommufd_vevent event = {
		.size = sizeof(event), .data = &data, .room = sizeof(data) - 1,
	};
	struct fixture *f = *state;
	struct iommufd_veventq *queue;
	struct guest g;

	if (!set_up(f, &g))
		return;
	queue = get_queue(f, &g, 2);
	assert_int_equal(mock_event(f, g.dev), 0);
	assert_error(iommufd_veventq_read(queue, NULL), -EINVAL);
	assert_error(iommufd_veventq_read(queue, &event), -EMSGSIZE);
	assert_int_equal(event.length, sizeof(data));
	event.size = offsetof(struct iommufd_vevent, sequence);
	assert_error(iommufd_veventq_read(queue, &event), -EINVAL);
	event.size = sizeof(event);
	event.data = NULL;
	assert_error(iommufd_veventq_read(queue, &event), -EINVAL);
	reads(queue, 0, 0, false);
}

static void a_forked_child_has_no_events(void **state)
{
	struct iommufd_vevent event = { .size = sizeof(event) };
	struct fixture *f = *state;
	struct iommufd_veventq *queue;
	struct guest g;
	int status;
	pid_t child;

	if (!set_up(f, &g))
		return;
	queue = get_queue(f, &g, 2);
	assert_int_equal(mock_event(f, g.dev), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(iommufd_veventq_read(queue, &event) != -EPERM);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	reads(queue, 0, 0, false);
}

static const struct CMUnitTest cases[] = {
	CASE(events_come_one_by_one),
	CASE(lost_events_are_counted),
	CASE(queue_bad_argument),
	CASE(queue_without_descriptors_emfile),
	CASE(read_bad_argument),
	CASE(a_forked_child_has_no_events),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("veventq", cases, NULL, NULL);
}
