/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What is outside a monitor: the devices themselves, and a guest that drives them.
 *
 * A device is a real or emulated "edu", driven as its guest would, or a mock device,
 * which a kernel built with CONFIG_IOMMUFD_TEST makes and which takes orders from a
 * test command. Only mock devices can be nested, have PASIDs, meet page faults and
 * tell what they wrote, until hardware comes that can.
 */
#ifndef VMM_HARDWARE_H
#define VMM_HARDWARE_H

#include <libiommufd.h>

#include <stdbool.h>
#include <stdint.h>

#define HARDWARE_COPIES 2048u /* bytes at a time */

struct hardware {
	struct iommufd_ctx *ctx;    /* lent */
	struct iommufd_device *dev; /* lent */
	uint8_t *ram;               /* where this process has the file that mappings are of */
	uint32_t mock;              /* the kernel's number of a mock device's hardware, or 0 */
	uint32_t home;              /* where a mock device is before it is attached */
	uint32_t group;             /* of page requests, counted */
};

/* Whether mock devices can be had: from the kernel, and on this backend. */
bool hardware_has_mocks(struct iommufd_ctx *ctx);
/* Powers a device up and opens it: the one of that name, or without a name a mock device. */
int hardware_open(struct hardware *hw, struct iommufd_ctx *ctx, const char *name,
		  uint64_t cookie, struct iommufd_device **out);
/* Takes a mock device out of the kernel, after it was closed. */
void hardware_remove(struct hardware *hw);

/* What the guest says of its own page table: fills in the data and its type. */
void hardware_guest_table(struct iommufd_hwpt_opts *opts);
/* The device copies HARDWARE_COPIES bytes within the guest's memory; addresses are IOVAs. */
int hardware_copy(struct hardware *hw, uint64_t from, uint64_t to);
/* It asks for a page that is not there, for a PASID or, with 0, for none. */
int hardware_request_page(struct hardware *hw, uint32_t pasid, uint64_t address);

#endif
