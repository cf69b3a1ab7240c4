/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices may ask for pages that the guest has yet to bring in: I/O page faults. */
#include "vmm.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>

#define REQUESTS 8u /* of each address space; then one that the guest refuses */

/* A fault is the guest's to answer. This one brings in every page that it has. */
static uint32_t ask_guest(const struct vm_device *d, uint64_t address)
{
	return address >= RAM_START && address - RAM_START < (uint64_t)d->pages * PAGE ?
		       IOMMUFD_FAULT_SUCCESS : IOMMUFD_FAULT_INVALID;
}

static uint32_t answer_to(struct vm *vm, const struct iommufd_fault_group *group)
{
	uint32_t answer = IOMMUFD_FAULT_SUCCESS;

	if (group->cookie < COOKIE || group->cookie >= COOKIE + DEVICES)
		return IOMMUFD_FAULT_INVALID;
	for (uint32_t i = 0; i < group->count && answer == IOMMUFD_FAULT_SUCCESS; i++)
		answer = ask_guest(&vm->device[group->cookie - COOKIE], group->faults[i].address);
	return answer;
}

/* All that wait. The descriptor was readable, but that is only a hint. */
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

static int request_pages(struct vm_device *d, uint32_t pasid)
{
	uint64_t end = RAM_START + (uint64_t)d->pages * PAGE;

	for (uint32_t n = 0; n < REQUESTS; n++)
		if (hardware_request_page(&d->hw, pasid, RAM_START + n * 3 * PAGE))
			return -1;
	return hardware_request_page(&d->hw, pasid, end);
}

int serve_faults(struct vm *vm)
{
	struct pollfd wait = { .events = POLLIN };
	uint32_t asked = 0, good = 0, bad = 0;

	if (!vm->faults)
		return 0;
	for (int i = 0; i < DEVICES; i++) {
		if (!vm->device[i].nested)
			continue;
		if (request_pages(&vm->device[i], 0))
			return -1;
		asked += REQUESTS + 1;
	}
	wait.fd = iommufd_fault_queue_get_fd(vm->faults);
	while (good + bad < asked) {
		if (poll(&wait, 1, 2000) != 1)
			return fail("no fault within 2 s");
		if (answer_faults(vm, &good, &bad))
			return -1;
	}
	say("faults", "%" PRIu32 " answered: %" PRIu32 " with success, %" PRIu32 " as invalid",
	    good + bad, good, bad);
	return 0;
}
