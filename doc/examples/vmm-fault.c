/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Processes in the guest let a device use their address spaces, each by a PASID of
 * its own. Of those the guest has some pages yet to bring in: I/O page faults.
 */
#include "vmm.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>

#define GUEST_WIDTH 16u /* bits of the PASIDs that the guest is told the device has */
#define REQUESTS 8u     /* of each address space; then one that the guest refuses */

static int make_table(struct vm_device *d)
{
	struct iommufd_hw_info info = { .size = sizeof(info) };

	return check(iommufd_device_get_hw_info(d->dev, &info), "ask how many PASIDs there are") ||
	       check(iommufd_pasid_table_new(GUEST_WIDTH, info.pasid_width, &d->pasids),
		     "make a table of PASIDs");
}

static int enter_pasid(struct vm_device *d, uint32_t n, uint32_t number)
{
	return check(iommufd_pasid_table_set(d->pasids, GUEST_PASID + n, number),
		     "enter a PASID into the table");
}

/*
 * A process's page table is the guest's too, in front of the same parent. The number
 * by which the device names it is one that the host has free.
 */
static int give_pasid(struct vm *vm, struct vm_device *d, uint32_t n)
{
	struct iommufd_hwpt_opts nested = {
		.size = sizeof(nested), .flags = IOMMUFD_HWPT_PASID, .fault_queue = vm->faults,
	};
	struct iommufd_pasid_opts free_one = { .size = sizeof(free_one), .min = HOST_PASID };
	struct iommufd_pasid_info info = { .size = sizeof(info) };
	struct iommufd_hwpt *table;
	int rc;

	hardware_guest_table(&nested);
	if (check(iommufd_hwpt_new_nested(d->dev, d->parent, &nested, &table),
		  "nest a process's page table"))
		return -1;
	rc = check(iommufd_pasid_new(d->dev, &free_one, &d->process[n]), "have a PASID") ||
	     check(iommufd_pasid_attach_hwpt(d->process[n], table), "attach a PASID");
	iommufd_hwpt_unref(table); /* the attachment holds it */
	return rc || check(iommufd_pasid_get_info(d->process[n], &info), "ask for its number") ||
	       enter_pasid(d, n, info.number);
}

int give_pasids(struct vm *vm)
{
	struct iommufd_pasid_range pairs = { .size = sizeof(pairs) };

	for (int i = 0; i < DEVICES; i++) {
		struct vm_device *d = &vm->device[i];

		if (!d->nested || iommufd_device_has(d->dev, IOMMUFD_CAP_PASID) != 1) {
			say("pasids", "skipped: %s has none, or no nesting", d->name);
			continue;
		}
		if (make_table(d))
			return -1;
		for (uint32_t n = 0; n < PROCESSES; n++)
			if (give_pasid(vm, d, n))
				return -1;
		for (uint32_t at = 0; !iommufd_pasid_table_next(d->pasids, at, &pairs);
		     at = pairs.vpasid + pairs.count)
			say("pasids", "%s: the guest's %" PRIu32 "..%" PRIu32 " are the host's %"
			    PRIu32 "..%" PRIu32, d->name, pairs.vpasid,
			    pairs.vpasid + pairs.count - 1, pairs.pasid,
			    pairs.pasid + pairs.count - 1);
	}
	return 0;
}

/* After a live update they are attached as they were; a table is the monitor's to fill again. */
int find_pasids(struct vm_device *d, struct iommufd_import *import, uint32_t device,
		const uint32_t numbers[PROCESSES])
{
	struct iommufd_pasid_info info = { .size = sizeof(info) };

	if (!numbers[0])
		return 0;
	if (make_table(d))
		return -1;
	for (uint32_t n = 0; n < PROCESSES; n++) {
		if (check(iommufd_import_find_pasid(import, device, numbers[n], &d->process[n]),
			  "find a PASID") ||
		    check(iommufd_pasid_get_info(d->process[n], &info), "ask where it is") ||
		    enter_pasid(d, n, numbers[n]))
			return -1;
		if (!info.hwpt)
			return fail("a PASID is not attached any more");
	}
	return 0;
}

/* -- the guest */

/* It brings in every page that its processes have; 0 is its own address space. */
static uint32_t ask_guest(struct vm_device *d, uint32_t pasid, uint64_t address)
{
	if (pasid && (pasid < GUEST_PASID || pasid >= GUEST_PASID + PROCESSES))
		return IOMMUFD_FAULT_INVALID;
	d->asked[pasid ? 1 + pasid - GUEST_PASID : 0]++;
	return address >= RAM_START && address - RAM_START < (uint64_t)d->pages * PAGE ?
		       IOMMUFD_FAULT_SUCCESS : IOMMUFD_FAULT_INVALID;
}

/* Each address space that waited was asked about as often as the hardware asked. */
static int is_satisfied(struct vm *vm)
{
	uint32_t spaces = 0;

	for (int i = 0; i < DEVICES; i++) {
		for (int n = 0; n < 1 + PROCESSES; n++) {
			spaces += vm->device[i].asked[n] == REQUESTS + 1;
			vm->device[i].asked[n] = 0;
		}
	}
	return spaces == vm->waiting;
}

/*
 * It starts the device for a process, by its own number, 0 for none; what the hardware
 * is told is the host's. That finds pages missing, the last one for good.
 */
static int start(struct vm *vm, struct vm_device *d, uint32_t pasid)
{
	uint64_t end = RAM_START + (uint64_t)d->pages * PAGE;

	if (pasid && iommufd_pasid_table_to_physical(d->pasids, pasid, &pasid))
		return fail("the guest names a PASID that it has not");
	for (uint32_t n = 0; n < REQUESTS; n++)
		if (hardware_request_page(&d->hw, pasid, RAM_START + n * 3 * PAGE))
			return -1;
	vm->waiting++;
	return hardware_request_page(&d->hw, pasid, end);
}

int start_processes(struct vm *vm)
{
	for (int i = 0; i < DEVICES; i++) {
		struct vm_device *d = &vm->device[i];

		if (d->nested && start(vm, d, 0))
			return -1;
		for (uint32_t n = 0; d->pasids && n < PROCESSES; n++)
			if (start(vm, d, GUEST_PASID + n))
				return -1;
	}
	return 0;
}

/* -- the monitor */

/* The cookie says which device it was. The number is the host's: the guest knows its own. */
static uint32_t answer_to(struct vm *vm, const struct iommufd_fault_group *group)
{
	uint32_t answer = IOMMUFD_FAULT_SUCCESS, pasid = 0;
	struct vm_device *d;

	if (group->cookie < COOKIE || group->cookie >= COOKIE + DEVICES)
		return IOMMUFD_FAULT_INVALID;
	d = &vm->device[group->cookie - COOKIE];
	if ((group->flags & IOMMUFD_FAULT_PASID) &&
	    iommufd_pasid_table_to_virtual(d->pasids, group->pasid, &pasid))
		return IOMMUFD_FAULT_INVALID;
	for (uint32_t i = 0; i < group->count && answer == IOMMUFD_FAULT_SUCCESS; i++)
		answer = ask_guest(d, pasid, group->faults[i].address);
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
