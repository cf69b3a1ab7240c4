/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A virtual machine is built: memory, devices, and what these see of it. */
#include "vmm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int map_memory_file(int fd, uint8_t **at)
{
	void *p = mmap(NULL, RAM_LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	*at = p == MAP_FAILED ? NULL : p;
	return *at ? 0 : fail("no address space for the guest's memory");
}

/* A file without a name: another process can map the same memory, and take over its pins. */
int make_memory(struct vm *vm)
{
	vm->ram_fd = memfd_create("guest", MFD_CLOEXEC);
	vm->copy_fd = memfd_create("other-host", MFD_CLOEXEC);
	if (vm->ram_fd < 0 || vm->copy_fd < 0 || ftruncate(vm->ram_fd, RAM_LENGTH) ||
	    ftruncate(vm->copy_fd, RAM_LENGTH))
		return fail("no memory for the guest");
	if (map_memory_file(vm->ram_fd, &vm->ram) || map_memory_file(vm->copy_fd, &vm->copy))
		return -1;
	for (size_t i = 0; i < RAM_LENGTH / 4; i++)
		((uint32_t *)(void *)vm->ram)[i] = (uint32_t)i * 2654435761u;
	say("memory", "%zu MiB, %u pages of a memfd, guest physical %#x and up", RAM_LENGTH >> 20,
	    RAM_PAGES, RAM_START);
	return 0;
}

static const char *can(struct iommufd_device *dev, uint32_t cap, const char *yes, const char *no)
{
	return iommufd_device_has(dev, cap) == 1 ? yes : no;
}

/* Which they are: those that were named, else mock devices, else those of the environment. */
int open_devices(struct vm *vm, char **names)
{
	const char *listed = getenv("LIBIOMMUFD_TEST_DEVICES");
	bool mocks = !names && hardware_has_mocks(vm->ctx);

	listed = listed ? listed : "0000:00:03.0 0000:00:04.0";
	for (int i = 0; i < DEVICES; i++) {
		struct iommufd_device_info info = { .size = sizeof(info) };
		struct vm_device *d = &vm->device[i];
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(listed, " "), listed);
		listed += strcspn(listed, " ");
		listed += strspn(listed, " ");
		d->hw.ram = vm->ram;
		if (hardware_open(&d->hw, vm->ctx, mocks ? NULL : names ? names[i] : name,
				  COOKIE + i, &d->dev) ||
		    check(iommufd_device_get_info(d->dev, &info), "ask what a device is"))
			return -1;
		memcpy(d->name, info.name, sizeof(d->name));
		say("device", "%s, had by %s, cookie %#" PRIx64 ": %s, %s, %s", d->name,
		    iommufd_device_get_transport(d->dev), info.cookie,
		    can(d->dev, IOMMUFD_CAP_NESTING, "nests", "no nesting"),
		    can(d->dev, IOMMUFD_CAP_PASID, "PASIDs", "no PASIDs"),
		    can(d->dev, IOMMUFD_CAP_DIRTY_TRACKING, "dirty tracking", "no dirty tracking"));
	}
	return 0;
}

/*
 * The first device sees all memory. The second one's IOAS is a copy of a part: the
 * memory is pinned and charged once, whoever maps it. Without huge pages an IOMMU is
 * slower, but what a device writes makes one page dirty and not its neighbours.
 */
int map_memory(struct vm *vm)
{
	bool option = iommufd_ctx_has(vm->ctx, IOMMUFD_CAP_HUGE_PAGE_OPTION) == 1;
	struct iommufd_ioas_opts opts = {
		.size = sizeof(opts), .flags = option ? IOMMUFD_IOAS_NO_HUGE_PAGES : 0,
	};
	struct vm_device *all = &vm->device[0], *part = &vm->device[1];
	uint32_t access = IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE | IOMMUFD_MAP_FIXED;
	uint64_t iova = RAM_START;

	all->pages = RAM_PAGES;
	part->pages = RAM_PAGES / 2;
	if (check(iommufd_ioas_new(vm->ctx, &opts, &all->ioas), "make an I/O address space") ||
	    check(iommufd_ioas_new(vm->ctx, &opts, &part->ioas), "make another") ||
	    check(iommufd_ioas_map_file(all->ioas, vm->ram_fd, 0, RAM_LENGTH, access, &iova, NULL),
		  "map the memory") ||
	    check(iommufd_ioas_copy(part->ioas, all->ioas, iova, (uint64_t)part->pages * PAGE,
				    access, &iova, NULL), "copy the mapping"))
		return -1;
	say("map", "%" PRIu32 " pages by file; %" PRIu32 " of them copied to another address "
	    "space, pinned %s", all->pages, part->pages,
	    iommufd_ctx_has(vm->ctx, IOMMUFD_CAP_COPY) == 1 ? "once" : "once more");
	return 0;
}

/*
 * The guest has written a page table for the device. What it calls memory is what the
 * IOAS maps: its table is nested in front of one that leads there.
 */
static int nest(struct vm *vm, struct vm_device *d)
{
	struct iommufd_hwpt_opts parent = {
		.size = sizeof(parent), .flags = IOMMUFD_HWPT_NEST_PARENT,
	};
	struct iommufd_hwpt_opts nested = { .size = sizeof(nested), .fault_queue = vm->faults };

	if (iommufd_device_has(d->dev, IOMMUFD_CAP_DIRTY_TRACKING) == 1)
		parent.flags |= IOMMUFD_HWPT_DIRTY_TRACKING;
	if (iommufd_device_has(d->dev, IOMMUFD_CAP_PASID) == 1)
		nested.flags |= IOMMUFD_HWPT_PASID;
	hardware_guest_table(&nested);
	return check(iommufd_hwpt_new(d->dev, d->ioas, &parent, &d->parent),
		     "make a nesting parent") ||
	       check(iommufd_hwpt_new_nested(d->dev, d->parent, &nested, &d->nested),
		     "nest the guest's page table") ||
	       check(iommufd_device_attach_hwpt(d->dev, d->nested), "attach a device to it");
}

int attach_devices(struct vm *vm)
{
	for (int i = 0; i < DEVICES; i++) {
		struct vm_device *d = &vm->device[i];

		if (iommufd_device_has(d->dev, IOMMUFD_CAP_NESTING) != 1) {
			say("attach", "%s; nesting and faults skipped: it has none", d->name);
			if (check(iommufd_device_attach(d->dev, d->ioas), "attach a device"))
				return -1;
			continue;
		}
		if (!vm->faults && check(iommufd_fault_queue_new(vm->ctx, NULL, &vm->faults),
					 "make a fault queue"))
			return -1;
		if (nest(vm, d))
			return -1;
		say("attach", "%s to a page table of the guest's, nested", d->name);
	}
	return 0;
}

int guest_works(struct vm *vm, uint32_t count)
{
	while (count--) {
		uint32_t from = vm->random = vm->random * 1664525 + 1013904223;
		uint32_t to = vm->random = from * 1664525 + 1013904223;
		struct vm_device *d = &vm->device[from >> 31];

		from = (from >> 8) % d->pages * PAGE;
		to = (to >> 8) % d->pages * PAGE;
		if (hardware_copy(&d->hw, RAM_START + from, RAM_START + to))
			return -1;
		if (memcmp(vm->ram + from, vm->ram + to, HARDWARE_COPIES))
			return fail("what a device wrote is not in memory");
		vm->works++;
	}
	return 0;
}

/* Any order of unref will do; the library takes things down in the one that is right. */
void close_all(struct vm *vm)
{
	for (int i = 0; i < DEVICES; i++) {
		struct vm_device *d = &vm->device[i];

		for (int n = 0; n < PROCESSES; n++)
			iommufd_pasid_unref(d->process[n]);
		iommufd_pasid_table_unref(d->pasids);
		iommufd_device_unref(d->dev);
		iommufd_hwpt_unref(d->nested);
		iommufd_hwpt_unref(d->parent);
		hardware_remove(&d->hw);
		iommufd_ioas_unref(d->ioas);
	}
	iommufd_fault_queue_unref(vm->faults);
	iommufd_ctx_unref(vm->ctx);
	if (vm->ram)
		munmap(vm->ram, RAM_LENGTH);
	if (vm->copy)
		munmap(vm->copy, RAM_LENGTH);
	close(vm->ram_fd);
	close(vm->copy_fd);
}
