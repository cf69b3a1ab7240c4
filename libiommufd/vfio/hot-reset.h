/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef VFIO_HOT_RESET_H
#define VFIO_HOT_RESET_H

#include "backend/devfd.h"

/* What is reset along with a device, in the kernel's words. */
struct hot_reset {
	bool by_id;     /* devid is meant, else group_id */
	uint32_t count;
	struct k_vfio_pci_dependent_device devices[];
};

/* Free *out. Writes the error record. */
int hot_reset_read(struct devfd *d, struct hot_reset **out);

/*
 * Reset, with @count groups' descriptors as proof of ownership, none by character
 * device. While others are busy there the kernel is asked again. -errno.
 */
int hot_reset_do(struct devfd *d, const int *groups, uint32_t count);

#endif
