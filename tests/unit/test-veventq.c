/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Events of vIOMMUs: what no IOMMU does on demand. */
#include "nesting.h"

struct message {
	struct k_iommufd_vevent_header header;
	uint64_t data[4];
};

static struct iommufd_veventq *get_queue(struct nest *n)
{
	struct iommufd_veventq *queue;

	assert_int_equal(iommufd_veventq_new(n->viommu, IOMMUFD_VEVENT_SMMUV3, 8, NULL, &queue), 0);
	return queue;
}

static struct message message(uint32_t flags, uint32_t sequence)
{
	return (struct message){ { flags, sequence }, { sequence, 1, 2, 3 } };
}

/* The next read says so: @lost events before it, and it has data or not. */
static void reads(struct scripted *s, struct iommufd_veventq *queue, uint32_t flags,
		  uint32_t sequence, uint64_t lost)
{
	struct iommufd_vevent_smmuv3 data = { { 0 } };
	struct iommufd_vevent event = {
		.size = sizeof(event), .data = &data, .room = sizeof(data),
	};
	struct message m = message(flags, sequence);
	bool alone = flags & K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS;

	will_read(s, &m, alone ? sizeof(m.header) : sizeof(m));
	assert_int_equal(iommufd_veventq_read(queue, &event), 0);
	assert_int_equal(event.sequence, sequence);
	assert_int_equal(event.lost, lost);
	assert_int_equal(event.length, alone ? 0 : sizeof(data));
	assert_int_equal(data.evt[0], alone ? 0 : sequence);
	assert_int_equal(data.evt[3], alone ? 0 : 3);
}

static void gaps_are_losses(void **state)
{
	struct nest n = make_nest(*state);
	struct iommufd_veventq *queue = get_queue(&n);

	reads(*state, queue, 0, 0, 0);
	reads(*state, queue, 0, 1, 0);
	reads(*state, queue, 0, 5, 3);
	reads(*state, queue, K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS, 7, 2);
	reads(*state, queue, 0, 8, 0);
	reads(*state, queue, 0, 9, 0);
	iommufd_veventq_unref(queue);
	drop_nest(&n);
}

static void losses_before_the_first_event_count(void **state)
{
	struct nest n = make_nest(*state);
	struct iommufd_veventq *queue = get_queue(&n);

	reads(*state, queue, K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS, 2, 3);
	reads(*state, queue, 0, 4, 1);
	iommufd_veventq_unref(queue);
	drop_nest(&n);
}

static void numbers_go_round(void **state)
{
	struct nest n = make_nest(*state);
	struct iommufd_veventq *queue = get_queue(&n);

	reads(*state, queue, 0, INT_MAX - 1, INT_MAX - 1);
	reads(*state, queue, 0, INT_MAX, 0);
	reads(*state, queue, 0, 0, 0);
	reads(*state, queue, 0, INT_MAX - 1, INT_MAX - 2);
	reads(*state, queue, 0, 1, 2);
	reads(*state, queue, K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS, 0, INT_MAX);
	iommufd_veventq_unref(queue);
	drop_nest(&n);
}

/* The kernel puts the news back when it could not give it out whole. */
static void losses_are_told_once(void **state)
{
	struct nest n = make_nest(*state);
	struct scripted *s = *state;
	struct iommufd_veventq *queue = get_queue(&n);
	struct message again = message(K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS, 4);
	struct iommufd_vevent_smmuv3 data;
	struct iommufd_vevent event = {
		.size = sizeof(event), .data = &data, .room = sizeof(data),
	};

	reads(s, queue, K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS, 4, 5);
	will_read(s, &again, sizeof(again.header));
	assert_error(iommufd_veventq_read(queue, &event), -EAGAIN);
	assert_error(iommufd_veventq_read(queue, &event), -EAGAIN);
	iommufd_veventq_unref(queue);
	drop_nest(&n);
}

static void answers_without_sense_are_refused(void **state)
{
	struct nest n = make_nest(*state);
	struct scripted *s = *state;
	struct iommufd_veventq *queue = get_queue(&n);
	struct iommufd_vevent_smmuv3 data;
	struct iommufd_vevent event = {
		.size = sizeof(event), .data = &data, .room = sizeof(data),
	};
	const struct message good = message(0, 0);
	const struct { struct message m; ssize_t n; } odd[] = {
		{ message(0, 0), sizeof(struct message) - 1 },
		{ message(0, 0), sizeof(good.header) },
		{ message(0, 0), 1 },
		{ message(K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS, 0), sizeof(struct message) },
		{ message(0, (uint32_t)INT_MAX + 1), sizeof(struct message) },
		{ message(UINT32_MAX, 0), sizeof(good.header) },
		{ message(4, 0), sizeof(struct message) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		will_read(s, &odd[i].m, odd[i].n);
		assert_error(iommufd_veventq_read(queue, &event), -EIO);
	}
	will_read(s, NULL, SSIZE_MAX);
	assert_error(iommufd_veventq_read(queue, &event), -EIO);
	iommufd_veventq_unref(queue);
	queue = get_queue(&n);
	s->nr_readings = s->next_reading = 0;
	will_read(s, NULL, -EINVAL); /* larger than any of the type */
	assert_error(iommufd_veventq_read(queue, &event), -EIO);
	will_read(s, NULL, -ENOMEM);
	assert_error(iommufd_veventq_read(queue, &event), -ENOMEM);
	reads(s, queue, 0, 0, 0); /* none of it counts */
	iommufd_veventq_unref(queue);
	drop_nest(&n);
}

static void short_room_takes_nothing(void **state)
{
	struct nest n = make_nest(*state);
	struct scripted *s = *state;
	struct iommufd_veventq *queue = get_queue(&n);
	const struct message m = message(0, 0);
	struct iommufd_vevent_smmuv3 data;
	struct iommufd_vevent event = {
		.size = sizeof(event), .data = &data, .room = sizeof(data) - 1,
	};

	will_read(s, &m, sizeof(m));
	assert_error(iommufd_veventq_read(queue, &event), -EMSGSIZE);
	assert_int_equal(event.length, sizeof(data));
	event.room = event.length;
	assert_int_equal(iommufd_veventq_read(queue, &event), 0);
	iommufd_veventq_unref(queue);
	drop_nest(&n);
}

static void each_type_has_its_size(void **state)
{
	struct nest n = make_nest(*state);
	struct iommufd_veventq_opts opts = { .size = sizeof(opts), .event_size = 16 };
	struct iommufd_veventq *queue;

	assert_error(iommufd_veventq_new(n.viommu, IOMMUFD_VEVENT_SMMUV3, 8, &opts, &queue),
		     -EINVAL);
	assert_int_equal(iommufd_veventq_new(n.viommu, IOMMUFD_VEVENT_TEGRA241_CMDQV, 8, &opts,
					     &queue), 0);
	iommufd_veventq_unref(queue);
	assert_error(iommufd_veventq_new(n.viommu, 99, 8, NULL, &queue), -EINVAL);
	opts.event_size = 4097;
	assert_error(iommufd_veventq_new(n.viommu, 99, 8, &opts, &queue), -EINVAL);
	drop_nest(&n);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(gaps_are_losses),
		CASE(losses_before_the_first_event_count),
		CASE(numbers_go_round),
		CASE(losses_are_told_once),
		CASE(answers_without_sense_are_refused),
		CASE(short_room_takes_nothing),
		CASE(each_type_has_its_size),
	};

	return cmocka_run_group_tests_name("veventq", cases, NULL, NULL);
}
