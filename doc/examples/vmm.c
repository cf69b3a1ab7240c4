/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The life of a small virtual machine: memory, devices, a guest with page tables of its
 * own, faults, and a move to another host while its devices write.
 *
 * usage: vmm [DEVICE DEVICE]
 *
 * Devices that are named are QEMU's "edu" (PCI 1234:11e8), bound to vfio-pci. They are
 * asked what they can, and what they cannot is skipped. Without names they are mock
 * devices, which can all that iommufd knows: the emulated kernel makes them, so that
 * LIBIOMMUFD_EMU=1 ./vmm shows everything, and so does a kernel with CONFIG_IOMMUFD_TEST.
 * Where there are none, they are the first of $LIBIOMMUFD_TEST_DEVICES.
 *
 * There is no processor and no guest here, only what a monitor does about devices.
 * vmm-hardware.c plays them and who drives them; vmm-fault.c and vmm-migrate.c have
 * those parts of the story.
 */
#include "vmm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void say(const char *step, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("%-9s ", step);
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

int check(int rc, const char *doing)
{
	const struct iommufd_error *e = iommufd_error_last();

	if (rc < 0)
		fprintf(stderr, "vmm: cannot %s: %s (%s on %s: %s)\n     what helps: %s\n", doing,
			e->message, e->operation, e->object, strerror(-rc), e->remedy);
	return rc < 0 ? -1 : 0;
}

int fail(const char *what)
{
	fprintf(stderr, "vmm: %s\n", what);
	return -1;
}

/* -- memory */

static uint8_t *map_shared(int fd)
{
	void *p = mmap(NULL, RAM_LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* A file without a name: another process can map the same memory, and take over its pins. */
static int make_ram(struct vm *vm)
{
	vm->ram_fd = memfd_create("guest-ram", MFD_CLOEXEC);
	vm->copy_fd = memfd_create("other-host", MFD_CLOEXEC);
	if (vm->ram_fd < 0 || vm->copy_fd < 0 || ftruncate(vm->ram_fd, RAM_LENGTH) ||
	    ftruncate(vm->copy_fd, RAM_LENGTH))
		return fail("no memory for the guest");
	vm->ram = map_shared(vm->ram_fd);
	vm->copy = map_shared(vm->copy_fd);
	if (!vm->ram || !vm->copy)
		return fail("no address space for the guest's memory");
	for (size_t i = 0; i < RAM_LENGTH / 4; i++)
		((uint32_t *)vm->ram)[i] = (uint32_t)i * 2654435761u;
	say("memory", "%zu MiB, %u pages of a memfd, guest physical %#x and up", RAM_LENGTH >> 20,
	    RAM_PAGES, RAM_START);
	return 0;
}

/*
 * The first device sees all of it. The second one's IOAS is a copy of a part: the
 * memory is pinned and charged once, whoever maps it.
 */
static int map_ram(struct vm *vm)
{
	struct vm_device *all = &vm->device[0], *part = &vm->device[1];
	uint32_t access = IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE | IOMMUFD_MAP_FIXED;
	uint64_t iova = RAM_START;

	all->pages = RAM_PAGES;
	part->pages = RAM_PAGES / 2;
	if (check(iommufd_ioas_new(vm->ctx, NULL, &all->ioas), "make an I/O address space") ||
	    check(iommufd_ioas_new(vm->ctx, NULL, &part->ioas), "make another") ||
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

/* -- devices */

static int open_devices(struct vm *vm, char names[DEVICES][64])
{
	for (int i = 0; i < DEVICES; i++) {
		struct iommufd_device_info info = { .size = sizeof(info) };
		struct vm_device *d = &vm->device[i];

		d->hw.ram = vm->ram;
		if (hardware_open(&d->hw, vm->ctx, *names[i] ? names[i] : NULL, COOKIE + i,
				  &d->dev) ||
		    check(iommufd_device_get_info(d->dev, &info), "ask what a device is"))
			return -1;
		memcpy(d->name, info.name, sizeof(d->name));
		say("device", "%s, had by %s, cookie %#" PRIx64 ": %s, %s, %s", d->name,
		    iommufd_device_get_transport(d->dev), info.cookie,
		    iommufd_device_has(d->dev, IOMMUFD_CAP_NESTING) == 1 ? "nests" : "no nesting",
		    iommufd_device_has(d->dev, IOMMUFD_CAP_PASID) == 1 ? "PASIDs" : "no PASIDs",
		    iommufd_device_has(d->dev, IOMMUFD_CAP_DIRTY_TRACKING) == 1 ?
			    "notes what it writes" : "does not note what it writes");
	}
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

static int attach_devices(struct vm *vm)
{
	for (int i = 0; i < DEVICES; i++) {
		struct vm_device *d = &vm->device[i];

		if (iommufd_device_has(d->dev, IOMMUFD_CAP_NESTING) != 1) {
			say("attach", "%s; nesting, faults skipped: it cannot be nested", d->name);
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
		if (memcmp(vm->ram + from, vm->ram + to, PAGE / 2))
			return fail("what a device wrote is not in memory");
		vm->works++;
	}
	return 0;
}

/* Any order of unref will do; the library takes things down in the one that is right. */
static void close_all(struct vm *vm)
{
	for (int i = 0; i < DEVICES; i++) {
		struct vm_device *d = &vm->device[i];

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

/* Before anything else of interest happens: the guest's drivers find their devices work. */
static int try_devices(struct vm *vm)
{
	if (guest_works(vm, 6))
		return -1;
	say("guest", "its devices copied memory %" PRIu32 " times by DMA, all equal", vm->works);
	return 0;
}

/* The devices of the command line, or else of the environment; none are mock devices. */
static int choose_devices(struct vm *vm, char **named, char names[DEVICES][64])
{
	const char *at = getenv("LIBIOMMUFD_TEST_DEVICES");

	if (!at)
		at = "0000:00:03.0 0000:00:04.0";
	for (int i = 0; i < DEVICES; i++) {
		if (named)
			snprintf(names[i], sizeof(names[i]), "%s", named[i]);
		else if (!hardware_has_mocks(vm->ctx))
			snprintf(names[i], sizeof(names[i]), "%.*s", (int)strcspn(at, " "), at);
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct vm vm = { .ram_fd = -1, .copy_fd = -1 };
	char names[DEVICES][64] = { "" };
	int rc;

	if (argc != 1 && argc != 1 + DEVICES) {
		fprintf(stderr, "usage: vmm [DEVICE DEVICE]\n");
		return 2;
	}
	rc = check(iommufd_ctx_new(NULL, &vm.ctx), "open a context");
	if (!rc)
		say("context", "backend %s", iommufd_ctx_get_backend(vm.ctx));
	rc = rc || make_ram(&vm) || choose_devices(&vm, argc > 1 ? argv + 1 : NULL, names) ||
	     open_devices(&vm, names) || map_ram(&vm) || attach_devices(&vm) || try_devices(&vm) ||
	     serve_faults(&vm) || begin_migration(&vm) || go_on_with_migration(&vm, 20) ||
	     finish_migration(&vm);
	close_all(&vm);
	return rc;
}
