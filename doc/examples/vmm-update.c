/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Live update: a new process takes everything over, without a device noticing. What is
 * in the kernel the library writes down; what the monitor itself knows it has to send
 * along.
 */
#include "vmm.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_FDS = 32, BLOB_SIZE = 32768, RAM_FD = 0, COPY_FD = 1, FIRST_FD = 2 };

struct letter {
	/* the monitor's own */
	uint32_t pages[DEVICES], mock[DEVICES], home[DEVICES], group[DEVICES];
	uint32_t process[DEVICES][PROCESSES]; /* the host's PASIDs, in the order of the guest's */
	uint32_t waiting, round, random, works, pid;
	bool tracked;
	uint64_t dirty[RAM_PAGES / 64];
	/* the library's; its descriptors follow the two of the memory */
	size_t size;
	uint8_t blob[BLOB_SIZE];
};

union rights { /* for its alignment */
	struct cmsghdr head;
	char space[CMSG_SPACE(MOST_FDS * sizeof(int))];
};

static int send_letter(int socket, const struct letter *letter, const int *fds, size_t count)
{
	struct iovec text = { .iov_base = (void *)(uintptr_t)letter, .iov_len = sizeof(*letter) };
	union rights rights = { 0 };
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1, .msg_control = &rights,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};

	rights.head.cmsg_level = SOL_SOCKET;
	rights.head.cmsg_type = SCM_RIGHTS;
	rights.head.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&rights.head), fds, count * sizeof(int));
	if (sendmsg(socket, &message, MSG_NOSIGNAL) != (ssize_t)sizeof(*letter))
		return fail("the successor cannot be written to");
	return 0;
}

static int receive_letter(int socket, struct letter *letter, int *fds, size_t *count)
{
	struct iovec text = { .iov_base = letter, .iov_len = sizeof(*letter) };
	union rights rights;
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1, .msg_control = &rights,
		.msg_controllen = sizeof(rights),
	};
	ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);

	*count = 0;
	if (message.msg_controllen >= sizeof(struct cmsghdr)) {
		*count = (rights.head.cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(&rights.head), *count * sizeof(int));
	}
	if (length != (ssize_t)sizeof(*letter) || *count < FIRST_FD)
		return fail("nothing came from the process before");
	return 0;
}

/* Devices that are had by group would end with this process, and so would pins of no file. */
bool can_update(struct vm *vm)
{
	if (iommufd_ctx_has(vm->ctx, IOMMUFD_CAP_DEVICE_FD) == 1 &&
	    iommufd_ctx_has(vm->ctx, IOMMUFD_CAP_CHANGE_PROCESS) == 1)
		return true;
	say("update", "skipped: on this backend devices end with the process");
	return false;
}

/* -- the first process */

static void write_down(struct vm *vm, struct letter *letter)
{
	*letter = (struct letter){
		.waiting = vm->waiting, .round = vm->round, .random = vm->random,
		.works = vm->works, .tracked = vm->tracked, .pid = (uint32_t)getpid(),
	};
	memcpy(letter->dirty, vm->dirty, sizeof(vm->dirty));
	for (int i = 0; i < DEVICES; i++) {
		struct vm_device *d = &vm->device[i];

		letter->pages[i] = d->pages;
		letter->mock[i] = d->hw.mock;
		letter->home[i] = d->hw.home;
		letter->group[i] = d->hw.group;
		for (uint32_t n = 0; d->pasids && n < PROCESSES; n++)
			iommufd_pasid_table_to_physical(d->pasids, GUEST_PASID + n,
							&letter->process[i][n]);
	}
}

/* The context stays as it is; the devices go on. When this is sent the successor has all. */
int leave(struct vm *vm, int socket)
{
	int fds[MOST_FDS] = { vm->ram_fd, vm->copy_fd };
	size_t count = MOST_FDS - FIRST_FD;
	struct letter letter;

	write_down(vm, &letter);
	letter.size = sizeof(letter.blob);
	if (check(iommufd_ctx_export(vm->ctx, letter.blob, &letter.size, fds + FIRST_FD, &count),
		  "export the context") ||
	    send_letter(socket, &letter, fds, FIRST_FD + count))
		return -1;
	for (int i = 0; i < DEVICES; i++)
		vm->device[i].hw.mock = vm->device[i].hw.home = 0; /* the successor's by now */
	say("update", "process %d: %zu bytes and %zu descriptors sent, %" PRIu32
	    " address spaces wait for pages", getpid(), letter.size, count, vm->waiting);
	return 0;
}

/* -- its successor */

/* What a device was on it is on still, and all of that is found from there. */
static int find_device(struct vm *vm, int i, struct iommufd_import *import,
		       const struct letter *letter)
{
	struct iommufd_device_info device = { .size = sizeof(device) };
	struct iommufd_hwpt_info table = { .size = sizeof(table) };
	struct iommufd_ioas_info mapped = { .size = sizeof(mapped) };
	struct vm_device *d = &vm->device[i];

	d->pages = letter->pages[i];
	d->hw = (struct hardware){ .ctx = vm->ctx, .ram = vm->ram, .mock = letter->mock[i],
				   .home = letter->home[i], .group = letter->group[i] };
	if (check(iommufd_device_find(vm->ctx, COOKIE + (uint64_t)i, &d->dev), "find a device") ||
	    check(iommufd_device_get_info(d->dev, &device), "ask what a device is") ||
	    check(iommufd_device_get_ioas(d->dev, &d->ioas), "find its address space") ||
	    check(iommufd_ioas_get_info(d->ioas, &mapped), "ask what is mapped") ||
	    check(iommufd_device_get_hwpt(d->dev, &d->nested), "find its page table") ||
	    (d->nested && check(iommufd_hwpt_get_info(d->nested, &table), "find its parent")))
		return -1;
	if (mapped.bytes != (uint64_t)d->pages * PAGE)
		return fail("a device does not see the memory that it saw");
	d->hw.dev = d->dev;
	memcpy(d->name, device.name, sizeof(d->name));
	d->parent = iommufd_hwpt_ref(table.parent);
	return find_pasids(d, import, device.id, letter->process[i]);
}

static int find_queue(struct vm *vm, struct iommufd_import *import)
{
	struct iommufd_import_item item = { .size = sizeof(item) };

	for (uint32_t i = 0; !iommufd_import_get_item(import, i, &item); i++)
		if (item.kind == IOMMUFD_IMPORT_FAULT_QUEUE)
			return check(iommufd_import_find_fault_queue(import, item.id, &vm->faults),
				     "find the fault queue");
	return 0;
}

int take_over(struct vm *vm, int socket)
{
	struct iommufd_import *import = NULL;
	struct letter letter;
	int fds[MOST_FDS], rc;
	size_t count;

	if (receive_letter(socket, &letter, fds, &count))
		return -1;
	vm->ram_fd = fds[RAM_FD];
	vm->copy_fd = fds[COPY_FD];
	vm->waiting = letter.waiting;
	vm->round = letter.round;
	vm->random = letter.random;
	vm->works = letter.works;
	vm->tracked = letter.tracked;
	memcpy(vm->dirty, letter.dirty, sizeof(vm->dirty));
	rc = map_memory_file(vm->ram_fd, &vm->ram) || map_memory_file(vm->copy_fd, &vm->copy) ||
	     check(iommufd_import_new(letter.blob, letter.size, fds + FIRST_FD, count - FIRST_FD,
				      NULL, &import), "import the context") ||
	     check(iommufd_import_get_ctx(import, &vm->ctx), "find the context") ||
	     find_queue(vm, import);
	for (int i = 0; !rc && i < DEVICES; i++)
		rc = find_device(vm, i, import, &letter);
	iommufd_import_unref(import); /* what was found stays */
	for (size_t i = FIRST_FD; i < count; i++)
		close(fds[i]);
	if (!rc)
		say("update", "process %d goes on in place of %" PRIu32 ": nothing was mapped, "
		    "attached or numbered anew", getpid(), letter.pid);
	return rc;
}
