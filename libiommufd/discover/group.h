/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What sysfs tells about an IOMMU group: the devices that no IOMMU can keep
 * apart, and whether a kernel driver of one of them keeps the group from user
 * space.
 */
#ifndef DISCOVER_GROUP_H
#define DISCOVER_GROUP_H

#include <stdbool.h>

#include "os/core.h"

struct group_member {
	char name[64];    /* its name on its bus, for PCI the address */
	char bus[16];     /* "pci", "platform" */
	char driver[64];  /* empty: none */
	bool bridge;      /* a bridge between PCI buses: it does no DMA of its own */
	bool vfio;        /* its driver is one of VFIO's */
	bool blocks;      /* its driver does DMA through the kernel */
};

struct group_facts {
	int number;
	bool noiommu;     /* VFIO made the group up: no IOMMU stands behind its device */
	size_t count;
	struct group_member *members; /* by name */
};

/* Errors are those of sysfs, -ENOENT: there is no such group. No error record is written. */
int group_facts_read(const struct core *core, int number, struct group_facts *facts);
void group_facts_free(struct group_facts *facts);

/* The first member that keeps the group from user space, or NULL. */
const struct group_member *group_facts_blocker(const struct group_facts *facts);

/* 0 if no member does; else the error record, naming them, and -EPERM. */
int group_facts_check(const struct group_facts *facts, const char *operation, const char *object);

/* All members but @except, as "0000:01:01.0 (nvme), 0000:00:1e.0 (bridge) and 3 more". */
void group_facts_list(const struct group_facts *facts, const char *except, char *text,
		      size_t size);

/* Why a member does or does not keep the group from user space, in words. */
void group_member_reason(const struct group_member *m, char *text, size_t size);

#endif
