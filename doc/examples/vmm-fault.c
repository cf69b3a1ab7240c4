/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices may ask for pages that the guest has yet to bring in: I/O page faults. */
#include "vmm.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>

#define REQUESTS 8u /* of each address space; then one that the guest refuses */

/* -- the guest */

/* It brings in every page that it has. */
static uint32_t ask_guest(struct vm_device *d, uint64_t address)
{
	d->asked++;
	return address >= RAM_START && address - RAM_START < (uint64_t)d->pages * PAGE ?
		       IOMMUFD_FAULT_SUCCESS : IOMMUFD_FAULT_INVALID;
}

/* Each address space that waited was asked about as often as the hardware asked. */
static int is_satisfied(struct vm *vm)
{
	uint32_t spaces = 0;

	for (int i = 0; i < DEVICES; i++) {
		spaces += vm->device[i].asked == REQUESTS + 1;
		vm->device[i].asked = 0;
	}
	return spaces == vm->waiting;
}

/* It starts the device, which finds pages missing, the last one for good. */
static int start(struct vm *vm, struct vm_device *d)
{
	uint64_t end = RAM_START + (uint64_t)d->pages * PAGE;

	for (uint32_t n = 0; n < REQUESTS; n++)
		if (hardware_request_page(&d->hw, 0, RAM_START + n * 3 * PAGE))
			return -1;
	vm->waiting++;
	return hardware_request_page(&d->hw, 0, end);
}

int start_processes(struct vm *vm)
{
	for (int i = 0; i < DEVICES; i++)
		if (vm->device[i].nested && start(vm, &vm->device[i]))
			return -1;
	return 0;
}

/* -- the monitor */

/* The cookie says which device it was. */
static uint32_t answer_to(struct vm *vm, const struct iommufd_fault_group *group)
{
	uint32_t answer = IOMMUFD_FAULT_SUCCESS;
	struct vm_device *d;

	if (group->cookie < COOKIE || group->cookie >= COOKIE + DEVICES)
		return IOMMUFD_FAULT_INVALID;
	d = &vm->device[group->cookie - COOKIE];
	for (uint32_t i = 0; i < group->count && answer == IOMMUFD_FAULT_SUCCESS; i++)
		answer = ask_guest(d, group->faults[i].address);
	return answer;
}

/* All that wait. That the descriptor is readable is only a hint. */
static int answer_faults(struct vm *vm, uint32_t *good, uint32_t *bad)
{
	struct iommufd_fault faults[16];
	struct iommufd_fault_group group = {
		.size = sizeof(group), .faults = faults, .room = sizeof(faults) / sizeof(*faults),
	};
	int rc;

	while (!(rc = iommufd_fault_queue_read(vm->faults, &group))) {
		uint32_t answer = answer_to(vm, &group);

		if (check(iommufd_fault_queue_respond(vm->faults, group.id, answer),
			  "answer a fault"))
			return -1;
		*(answer == IOMMUFD_FAULT_SUCCESS ? good : bad) += 1;
	}
	return rc == -EAGAIN ? 0 : check(rc, "read faults");
}

int serve_faults(struct vm *vm)
{
	struct pollfd readable = { .fd = -1, .events = POLLIN };
	uint32_t good = 0, bad = 0;

	if (!vm->waiting)
		return 0;
	readable.fd = iommufd_fault_queue_get_fd(vm->faults);
	while (good + bad < vm->waiting * (REQUESTS + 1)) {
		if (poll(&readable, 1, 2000) != 1)
			return fail("no fault within 2 s");
		if (answer_faults(vm, &good, &bad))
			return -1;
	}
	if (bad != vm->waiting || !is_satisfied(vm))
		return fail("the faults are not those of the guest's processes");
	say("faults", "%" PRIu32 " in %" PRIu32 " address spaces: %" PRIu32
	    " answered with success, %" PRIu32 " as invalid", good + bad, vm->waiting, good, bad);
	vm->waiting = 0;
	return 0;
}
