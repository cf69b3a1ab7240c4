/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the files of the demonstration monitor share: the virtual machine. */
#ifndef VMM_H
#define VMM_H

#include "vmm-hardware.h"

enum { PAGE = 4096, DEVICES = 2, PROCESSES = 3 };

#define RAM_START 0x1000000u /* guest physical; mock devices reach nothing below */
#define RAM_PAGES 1024u
#define RAM_LENGTH ((size_t)RAM_PAGES * PAGE)
#define COOKIE 0xd0u      /* by which the monitor knows its first device in faults */
#define GUEST_PASID 0x40u /* the first of the guest's processes */
#define HOST_PASID 0x100u /* where the host's numbers for guests begin */

struct vm_device {
	struct iommufd_device *dev;
	char name[64];
	struct iommufd_ioas *ioas;   /* what it sees of the guest's memory */
	uint32_t pages;              /* how much that is, from RAM_START */
	struct iommufd_hwpt *parent; /* leads there, behind the guest's tables; or NULL */
	struct iommufd_hwpt *nested; /* the guest's for what comes without a PASID; or NULL */
	struct iommufd_pasid *process[PROCESSES]; /* of the guest, that use the device */
	struct iommufd_pasid_table *pasids; /* the guest's numbers of them and the host's */
	uint32_t asked[1 + PROCESSES];      /* pages that the guest was asked for, and by whom */
	struct hardware hw;
};

struct vm {
	struct iommufd_ctx *ctx;
	int ram_fd;       /* the guest's memory */
	int copy_fd;      /* and what the host to which it moves has of it */
	uint8_t *ram, *copy;
	struct vm_device device[DEVICES];
	struct iommufd_fault_queue *faults;
	uint32_t waiting; /* address spaces whose processes wait for pages */
	uint64_t dirty[RAM_PAGES / 64]; /* what has yet to be copied */
	uint32_t round;   /* in which it is copied */
	bool tracked;     /* it is known what devices write */
	uint32_t random;  /* what the guest does next */
	uint32_t works;   /* how often it had a device do something */
};

/* vmm.c: a line of the story; what goes wrong in it, for which both answer -1. */
__attribute__((format(printf, 2, 3))) void say(const char *step, const char *format, ...);
int check(int rc, const char *doing);
int fail(const char *what);

/* vmm-build.c */
int map_memory_file(int fd, uint8_t **at);
int make_memory(struct vm *vm);
int open_devices(struct vm *vm, char **names);
int map_memory(struct vm *vm);
int attach_devices(struct vm *vm);
/* The guest has its devices copy @count times, somewhere in its memory. */
int guest_works(struct vm *vm, uint32_t count);
void close_all(struct vm *vm);

/* vmm-fault.c */
int give_pasids(struct vm *vm);
/* The host's @numbers that came over with a device, by the kernel's number of it; 0: none. */
int find_pasids(struct vm_device *d, struct iommufd_import *import, uint32_t device,
		const uint32_t numbers[PROCESSES]);
int start_processes(struct vm *vm);
int serve_faults(struct vm *vm);

/* vmm-migrate.c */
int begin_migration(struct vm *vm);
int go_on_with_migration(struct vm *vm, uint32_t rounds);
int finish_migration(struct vm *vm);

/* vmm-update.c */
bool can_update(struct vm *vm);
int leave(struct vm *vm, int socket);
int take_over(struct vm *vm, int socket);

#endif
