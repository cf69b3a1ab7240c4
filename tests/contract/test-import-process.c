/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A process that is killed, and its successor: what it had goes over by a UNIX
 * socket. The emulated kernel lives in one process, so there both are one.
 */
#include "edu.h"
#include "handoff.h"
#include "import.h"
#include "tables.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define IOVA MOCK_FIRST
#define PAGES 8

/* What the program itself knows, beside the blob. */
struct letter {
	uint32_t ioas, other, hwpt, mock;
	uint32_t has_mock;
	size_t size;
	uint8_t blob[16384];
};

/* All that it has, sent; it goes on until it is killed. */
static void be_first(struct fixture *f, int socket, int memfd)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 21 };
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_ioas *ioas = get_ioas(f), *other = get_ioas(f);
	struct iommufd_device *dev, *mock;
	struct letter letter = { 0 };
	struct exported e;
	int fds[33];

	assert_ok(iommufd_device_open(f->ctx, device_name(f, ALONE1), &opts, &dev));
	hold_device(f, dev);
	map_file_at(ioas, memfd, 0, 4 * PAGE, IOVA);
	map_file_at(ioas, memfd, 4 * PAGE, 4 * PAGE, IOVA + 16 * PAGE);
	map_file_at(other, memfd, 0, PAGES * PAGE, IOVA);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_pci_set_bus_master(dev, 1));
	edu_fetch(dev, IOVA, EDU_MOST);
	mock = iommufd_ctx_has(f->ctx, IOMMUFD_CAP_HWPT) == 1 ? get_mock(f, 0) : NULL;
	if (mock) {
		struct iommufd_hwpt *hwpt = get_hwpt(f, mock, other, 0);

		assert_ok(iommufd_device_attach_hwpt(mock, hwpt));
		assert_ok(iommufd_device_get_info(mock, &info));
		letter.hwpt = hwpt_id(hwpt);
		letter.mock = info.id;
		letter.has_mock = 1;
	}
	letter.ioas = ioas_id(ioas);
	letter.other = ioas_id(other);
	export_ctx(f->ctx, &e);
	memcpy(letter.blob, e.blob, e.size);
	letter.size = e.size;
	memcpy(fds, e.fds, e.count * sizeof(int));
	fds[e.count] = memfd;
	send_wire(socket, &letter, sizeof(letter), fds, (unsigned int)e.count + 1);
}

/* Who has CAP_IPC_LOCK is charged nothing. */
static void drop_ipc_lock(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	assert_int_equal(syscall(SYS_capget, &head, data), 0);
	data[CAP_IPC_LOCK / 32].effective &= ~(1u << CAP_IPC_LOCK % 32);
	assert_int_equal(syscall(SYS_capset, &head, data), 0);
}

static pid_t start_first(struct fixture *f, struct ends ends, int memfd)
{
	pid_t child = contract_is_emulated() ? 0 : fork();

	assert_true(child >= 0);
	if (child)
		return child;
	if (contract_is_emulated()) {
		be_first(f, ends.sender, memfd);
		assert_ok(iommufd_ctx_disown(f->ctx));
		return 0;
	}
	drop_ipc_lock();
	assert_ok(iommufd_ctx_new(NULL, &f->ctx));
	be_first(f, ends.sender, memfd);
	for (;;)
		pause();
}

static void end_first(pid_t child)
{
	int status;

	if (!child)
		return;
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

/* The device writes what it fetched for the first process into memory of the same file. */
static void use_device(struct fixture *f, struct iommufd_device *dev, struct iommufd_ioas *ioas,
		       int memfd, uint8_t *data)
{
	struct iommufd_map_opts opts = { .size = sizeof(opts), .min = IOVA,
					 .last = IOVA + 20 * PAGE - 1 };
	uint64_t iova;

	edu_store(dev, IOVA + 16 * PAGE, EDU_MOST);
	assert_true(is_pattern(data + 4 * PAGE, EDU_MOST, 5));
	assert_ok(iommufd_ioas_map_file(ioas, memfd, PAGE, PAGE, MAP_RW, &iova, &opts));
	assert_true(iova >= IOVA + 4 * PAGE && iova < IOVA + 16 * PAGE);
	edu_store(dev, iova, EDU_MOST);
	assert_true(is_pattern(data + PAGE, EDU_MOST, 5));
	assert_ok(iommufd_ioas_unmap(ioas, IOVA + 16 * PAGE, 4 * PAGE, NULL));
	memset(data + 4 * PAGE, 0, PAGE);
	if (contract_is_isolated()) {
		edu_store(dev, IOVA + 16 * PAGE, EDU_MOST);
		assert_true(is_all(data + 4 * PAGE, PAGE, 0));
	}
	assert_ok(iommufd_device_detach(dev));
	(void)f;
}

static void use_mock(struct fixture *f, struct iommufd_import *import, const struct letter *letter,
		     struct iommufd_ctx *ctx, uint8_t *data)
{
	struct iommufd_ctx *mine = f->ctx;
	struct iommufd_device *mock;
	struct iommufd_hwpt *hwpt;

	assert_ok(iommufd_import_find_hwpt(import, letter->hwpt, &hwpt));
	hold_hwpt(f, hwpt);
	assert_ok(iommufd_device_find_id(ctx, letter->mock, &mock));
	hold_device(f, mock);
	assert_ptr_equal(hwpt_of(mock), hwpt);
	f->ctx = ctx;
	assert_true(mock_maps(f, letter->hwpt, IOVA, data, PAGES * PAGE));
	f->ctx = mine;
	assert_ok(iommufd_device_detach(mock));
}

static void successor_goes_on_when_the_first_is_killed(void **state)
{
	struct fixture *f = *state;
	struct ends ends = get_ends(f, SOCK_SEQPACKET);
	int memfd = get_memfd(f, PAGES * PAGE);
	uint8_t *data = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	struct iommufd_import_opts opts = { .size = sizeof(opts), .flags = keep_process(f) };
	struct iommufd_import *import_of;
	const struct letter *letter;
	uint64_t charged = pinned_pages();
	struct iommufd_ioas *ioas;
	struct iommufd_ctx *ctx;
	struct wire w;
	pid_t child;

	assert_ptr_not_equal(data, MAP_FAILED);
	if (!can_export(f) || opts.flags) {
		munmap(data, PAGES * PAGE);
		return;
	}
	fill_pattern(data, PAGE, 5);
	child = start_first(f, ends, memfd);
	receive_wire(f, ends.receiver, &w);
	end_first(child);
	letter = (const struct letter *)(void *)w.bytes;
	assert_int_equal(w.length, sizeof(*letter));
	assert_ok(iommufd_import_new(letter->blob, letter->size, w.fds, w.nr_fds - 1, &opts,
				     &import_of));
	hold_object(f, import_of, (void (*)(void *))(void (*)(void))iommufd_import_unref);
	/* What the other had pinned is charged to this process now. */
	assert_true(contract_is_emulated() || pinned_pages() >= charged + PAGES);
	ctx = ctx_of(f, import_of);
	ioas = find_ioas(f, import_of, letter->ioas);
	assert_int_equal(count_mappings(ioas), 2);
	use_device(f, find_cookie(f, ctx, 21), ioas, w.fds[w.nr_fds - 1], data);
	if (letter->has_mock)
		use_mock(f, import_of, letter, ctx, data);
	munmap(data, PAGES * PAGE);
}

static const struct CMUnitTest cases[] = {
	CASE(successor_goes_on_when_the_first_is_killed),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("import-process", cases, NULL, NULL);
}
