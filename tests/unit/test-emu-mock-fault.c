/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Fault queues: pages that mock devices ask for, and the answers. */
#include "test-emu-mock.h"

enum { PARENT = K_IOMMU_HWPT_ALLOC_NEST_PARENT, FAULTS = K_IOMMU_HWPT_FAULT_ID_VALID,
       PASID = K_IOMMU_HWPT_ALLOC_PASID };

typedef struct k_iommu_hwpt_pgfault page_t;

struct queue {
	uint32_t id;
	int fd;
};

/* A device on a nested table with a fault queue. */
struct scene {
	struct mock mock;
	struct queue queue;
	uint32_t parent;
	uint32_t hwpt;
};

static struct queue new_queue(struct mocks *m)
{
	struct k_iommu_fault_alloc arg = { .size = sizeof(arg) };

	assert_int_equal(request(m, K_IOMMU_FAULT_QUEUE_ALLOC, &arg), 0);
	return (struct queue){ arg.out_fault_id, (int)arg.out_fault_fd };
}

static struct scene new_scene(struct mocks *m)
{
	struct scene s = { .mock = new_mock(m, 0), .queue = new_queue(m) };

	s.parent = new_hwpt(m, &s.mock, PARENT);
	assert_int_equal(try_nested(m, s.mock.dev, s.parent, FAULTS, s.queue.id, &s.hwpt), 0);
	assert_int_equal(replace(m, &s.mock, s.hwpt), 0);
	return s;
}

static int ask(struct mocks *m, const struct mock *mock, uint32_t pasid, uint64_t addr)
{
	struct k_iommu_test_cmd cmd = {
		.op = K_IOMMU_TEST_OP_TRIGGER_IOPF,
		.trigger_iopf = { .dev_id = mock->dev, .pasid = pasid, .grpid = 2, .perm = 3,
				  .addr = addr },
	};

	return op(m, &cmd);
}

static ssize_t answer(struct mocks *m, int fd, uint32_t cookie, uint32_t code)
{
	const struct k_iommu_hwpt_page_response response = { cookie, code };

	return put(m, fd, &response, sizeof(response));
}

static void a_page_is_asked_for_and_answered(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	page_t page;

	memset(&page, 0xff, sizeof(page));
	assert_int_equal(ready(s.queue.fd), POLLOUT);
	assert_int_equal(ask(m, &s.mock, 1, 0xdeadbeaf), 0);
	assert_int_equal(ready(s.queue.fd), POLLIN | POLLOUT);
	assert_int_equal(get(m, s.queue.fd, &page, sizeof(page)), sizeof(page));
	assert_int_equal(ready(s.queue.fd), POLLOUT);
	assert_int_equal(page.flags, K_IOMMU_PGFAULT_FLAGS_PASID_VALID |
				     K_IOMMU_PGFAULT_FLAGS_LAST_PAGE);
	assert_int_equal(page.dev_id, s.mock.dev);
	assert_int_equal(page.pasid, 1);
	assert_int_equal(page.grpid, 2);
	assert_int_equal(page.perm, 3);
	assert_int_equal(page.addr, 0xdeadbeaf);
	assert_int_equal(page.length, 0);
	assert_int_equal(page.__reserved, 0);
	assert_int_equal(page.cookie, 1);
	assert_int_equal(answer(m, s.queue.fd, page.cookie + 1, 0), -EINVAL);
	assert_int_equal(answer(m, s.queue.fd, page.cookie, 7), -EINVAL);
	assert_int_equal(answer(m, s.queue.fd, page.cookie, K_IOMMUFD_PAGE_RESP_SUCCESS), 8);
	assert_int_equal(answer(m, s.queue.fd, page.cookie, K_IOMMUFD_PAGE_RESP_SUCCESS), -EINVAL);
	shut(m, s.queue.fd);
}

static void without_a_pasid_the_device_asks_itself(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	page_t page;

	assert_int_equal(ask(m, &s.mock, 0, 0), 0);
	assert_int_equal(get(m, s.queue.fd, &page, sizeof(page)), sizeof(page));
	assert_int_equal(page.flags, K_IOMMU_PGFAULT_FLAGS_LAST_PAGE);
	assert_int_equal(page.pasid, 0);
	shut(m, s.queue.fd);
}

static void descriptors_block_and_end_with_the_program(void **state)
{
	struct mocks *m = *state;
	struct queue queue = new_queue(m);

	assert_int_equal(fcntl(queue.fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_RDWR);
	assert_int_equal(fcntl(queue.fd, F_GETFD), FD_CLOEXEC);
	shut(m, queue.fd);
}

static void reads_are_of_whole_records(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	page_t page[3];

	assert_int_equal(get(m, s.queue.fd, page, sizeof(page)), 0); /* nothing, and no waiting */
	assert_int_equal(get(m, s.queue.fd, page, 0), 0);
	assert_int_equal(get(m, s.queue.fd, page, 10), -ESPIPE);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(ask(m, &s.mock, 0, i), 0);
	assert_int_equal(get(m, s.queue.fd, page, 0), -EINVAL);
	assert_int_equal(get(m, s.queue.fd, (void *)PAGE, sizeof(*page)), -EFAULT);
	assert_int_equal(get(m, s.queue.fd, page, 2 * sizeof(*page)), 2 * sizeof(*page));
	assert_int_equal(ready(s.queue.fd), POLLIN | POLLOUT);
	assert_int_equal(page[1].addr, 1);
	assert_int_equal(page[1].cookie, 2);
	assert_int_equal(answer(m, s.queue.fd, 1, K_IOMMUFD_PAGE_RESP_INVALID), 8);
	assert_int_equal(get(m, s.queue.fd, page, sizeof(page)), sizeof(*page));
	assert_int_equal(page[0].addr, 2);
	assert_int_equal(page[0].cookie, 1); /* free again */
	shut(m, s.queue.fd);
}

static void writes_end_at_the_first_bad_answer(void **state)
{
	const struct k_iommu_hwpt_page_response answers[] = { { 1, 0 }, { 99, 0 }, { 2, 0 } };
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	page_t page[2];

	assert_int_equal(ask(m, &s.mock, 0, 0), 0);
	assert_int_equal(ask(m, &s.mock, 0, 1), 0);
	assert_int_equal(get(m, s.queue.fd, page, sizeof(page)), sizeof(page));
	assert_int_equal(put(m, s.queue.fd, answers, 7), -ESPIPE);
	assert_int_equal(put(m, s.queue.fd, answers, 0), 0);
	assert_int_equal(put(m, s.queue.fd, (void *)PAGE, sizeof(answers)), -EFAULT);
	assert_int_equal(put(m, s.queue.fd, answers, sizeof(answers)), sizeof(*answers));
	assert_int_equal(put(m, s.queue.fd, &answers[2], sizeof(*answers)), sizeof(*answers));
	shut(m, s.queue.fd);
}

static void nobody_hears_of_devices_elsewhere(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	struct mock other = new_mock(m, 0);
	page_t page;

	assert_int_equal(ask(m, &other, 0, 0), 0);
	assert_int_equal(replace(m, &s.mock, m->ioas), 0);
	assert_int_equal(ask(m, &s.mock, 0, 0), 0);
	assert_int_equal(get(m, s.queue.fd, &page, sizeof(page)), 0);
	assert_int_equal(ask(m, &(struct mock){ .dev = 99 }, 0, 0), -ENOENT);
	shut(m, s.queue.fd);
}

static void what_is_open_is_void_when_the_device_leaves(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	uint32_t nested = new_nested(m, &s.mock, s.parent);
	page_t page;

	assert_int_equal(ask(m, &s.mock, 0, 0), 0);
	assert_int_equal(get(m, s.queue.fd, &page, sizeof(page)), sizeof(page));
	assert_int_equal(ask(m, &s.mock, 0, 1), 0);
	assert_int_equal(replace(m, &s.mock, nested), 0);
	assert_int_equal(ready(s.queue.fd), POLLOUT);
	assert_int_equal(get(m, s.queue.fd, &page, sizeof(page)), 0);
	assert_int_equal(answer(m, s.queue.fd, 1, 0), -EINVAL);
	assert_int_equal(replace(m, &s.mock, s.hwpt), 0);
	assert_int_equal(ask(m, &s.mock, 0, 2), 0);
	assert_int_equal(destroy(m, s.mock.stdev), 0);
	assert_int_equal(get(m, s.queue.fd, &page, sizeof(page)), 0);
	shut(m, s.queue.fd);
}

static void a_queue_goes_after_its_tables_and_its_descriptor(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);

	assert_int_equal(destroy(m, s.queue.id), -EBUSY);
	assert_int_equal(replace(m, &s.mock, m->ioas), 0);
	assert_int_equal(destroy(m, s.hwpt), 0);
	assert_int_equal(destroy(m, s.queue.id), -EBUSY);
	shut(m, s.queue.fd);
	assert_int_equal(destroy(m, s.queue.id), 0);
	assert_int_equal(destroy(m, s.queue.id), -ENOENT);
}

static void a_queue_whose_descriptor_is_closed_stays_with_its_table(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);

	shut(m, s.queue.fd);
	assert_int_equal(destroy(m, s.queue.id), -EBUSY);
	assert_int_equal(ask(m, &s.mock, 0, 0), 0);
	assert_int_equal(replace(m, &s.mock, m->ioas), 0);
	assert_int_equal(destroy(m, s.hwpt), 0);
	assert_int_equal(destroy(m, s.queue.id), 0);
}

static void a_duplicate_is_as_good(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	int copy = m->emu ? m->sys->dup(m->sys->data, s.queue.fd) : dup(s.queue.fd);
	page_t page;

	shut(m, s.queue.fd);
	assert_int_equal(destroy(m, s.queue.id), -EBUSY);
	assert_int_equal(ask(m, &s.mock, 0, 0), 0);
	assert_int_equal(ready(copy), POLLIN | POLLOUT);
	assert_int_equal(get(m, copy, &page, sizeof(page)), sizeof(page));
	assert_int_equal(ready(copy), POLLOUT);
	shut(m, copy);
}

static void paging_tables_have_queues_too_but_no_parents(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, 0);
	struct queue queue = new_queue(m);
	struct k_iommu_hwpt_alloc arg = { .flags = FAULTS | PARENT, .dev_id = mock.dev,
					  .pt_id = m->ioas, .fault_id = queue.id };
	uint32_t hwpt;
	page_t page;

	assert_int_equal(alloc_hwpt(m, arg, &hwpt), -EOPNOTSUPP);
	arg.flags = FAULTS;
	arg.fault_id = mock.dev;
	assert_int_equal(alloc_hwpt(m, arg, &hwpt), -ENOENT);
	arg.fault_id = queue.id;
	assert_int_equal(alloc_hwpt(m, arg, &hwpt), 0);
	assert_int_equal(replace(m, &mock, hwpt), 0);
	assert_int_equal(ask(m, &mock, 5, 0), 0); /* which has no table, and this one none for it */
	assert_int_equal(ask(m, &mock, 0, 0x1000), 0);
	assert_int_equal(get(m, queue.fd, &page, sizeof(page)), sizeof(page));
	assert_int_equal(page.addr, 0x1000);
	shut(m, queue.fd);
}

static void a_pasid_asks_by_its_own_table(void **state)
{
	struct mocks *m = *state;
	struct mock mock = new_mock(m, K_MOCK_FLAGS_DEVICE_PASID);
	struct queue queue = new_queue(m);
	struct k_iommu_hwpt_alloc arg = { .flags = FAULTS | PASID, .dev_id = mock.dev,
					  .pt_id = m->ioas, .fault_id = queue.id };
	struct k_iommu_test_cmd cmd = { .op = K_IOMMU_TEST_OP_PASID_ATTACH, .id = mock.stdev };
	uint32_t hwpt;
	page_t page;

	assert_int_equal(replace(m, &mock, new_hwpt(m, &mock, PASID)), 0);
	assert_int_equal(alloc_hwpt(m, arg, &hwpt), 0);
	cmd.pasid_attach.pasid = 9;
	cmd.pasid_attach.pt_id = hwpt;
	assert_int_equal(op(m, &cmd), 0);
	assert_int_equal(ask(m, &mock, 8, 0), 0);
	assert_int_equal(ask(m, &mock, 9, 0), 0);
	assert_int_equal(get(m, queue.fd, &page, sizeof(page)), sizeof(page));
	assert_int_equal(page.pasid, 9);
	assert_int_equal(ask(m, &mock, 9, 0), 0);
	cmd.op = K_IOMMU_TEST_OP_PASID_DETACH;
	assert_int_equal(op(m, &cmd), 0);
	assert_int_equal(answer(m, queue.fd, page.cookie, 0), -EINVAL);
	assert_int_equal(get(m, queue.fd, &page, sizeof(page)), 0);
	shut(m, queue.fd);
}

static void bad_requests_make_no_queue(void **state)
{
	struct mocks *m = *state;
	struct k_iommu_fault_alloc arg = { .size = sizeof(arg), .flags = 1 };

	assert_int_equal(request(m, K_IOMMU_FAULT_QUEUE_ALLOC, &arg), -EOPNOTSUPP);
	assert_int_equal(request(m, K_IOMMU_FAULT_QUEUE_ALLOC, NULL), -EFAULT);
	assert_int_equal(new_ioas(m), 2);
}

static void a_descriptor_outlives_the_iommufd(void **state)
{
	struct mocks *m = *state;
	struct scene s = new_scene(m);
	page_t page;

	assert_int_equal(ask(m, &s.mock, 0, 0), 0);
	shut(m, m->iommu);
	assert_int_equal(get(m, s.queue.fd, &page, sizeof(page)), sizeof(page));
	assert_int_equal(answer(m, s.queue.fd, page.cookie, 0), 8);
	shut(m, s.queue.fd);
	m->iommu = m->emu ? m->sys->open(m->sys->data, "/dev/iommu", O_RDWR)
			  : open("/dev/iommu", O_RDWR | O_CLOEXEC);
}

/* The emulated kernel alone has to notice that; the other one is told. */
static void a_descriptor_closed_behind_its_back_is_let_alone(void **state)
{
	struct mocks *m = *state;
	struct iommufd_emu *own = NULL;
	struct mocks other = *m;
	struct scene s;
	int reused;

	if (!m->emu)
		return;
	assert_int_equal(iommufd_emu_new(NULL, &own), 0);
	other.emu = own;
	other.sys = iommufd_emu_get_sys(own);
	other.iommu = other.sys->open(other.sys->data, "/dev/iommu", O_RDWR);
	other.ioas = new_ioas(&other);
	s = new_scene(&other);
	assert_int_equal(ask(&other, &s.mock, 0, 0), 0);
	close(s.queue.fd);
	reused = memfd_create("mock", MFD_CLOEXEC);
	assert_int_equal(reused, s.queue.fd);
	assert_int_equal(write(reused, "ab", 2), 2);
	assert_int_equal(lseek(reused, 0, SEEK_SET), 0);
	assert_int_equal(replace(&other, &s.mock, other.ioas), 0);
	assert_int_equal(replace(&other, &s.mock, s.hwpt), 0);
	assert_int_equal(ask(&other, &s.mock, 0, 0), 0);
	assert_int_equal(lseek(reused, 0, SEEK_CUR), 0);
	close(reused);
	shut(&other, other.iommu);
	iommufd_emu_unref(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_is_asked_for_and_answered),
		TEST(without_a_pasid_the_device_asks_itself),
		TEST(descriptors_block_and_end_with_the_program),
		TEST(reads_are_of_whole_records),
		TEST(writes_end_at_the_first_bad_answer),
		TEST(nobody_hears_of_devices_elsewhere),
		TEST(what_is_open_is_void_when_the_device_leaves),
		TEST(a_queue_goes_after_its_tables_and_its_descriptor),
		TEST(a_queue_whose_descriptor_is_closed_stays_with_its_table),
		TEST(a_duplicate_is_as_good),
		TEST(paging_tables_have_queues_too_but_no_parents),
		TEST(a_pasid_asks_by_its_own_table),
		TEST(bad_requests_make_no_queue),
		TEST(a_descriptor_outlives_the_iommufd),
		TEST(a_descriptor_closed_behind_its_back_is_let_alone),
	};

	return RUN(tests);
}
