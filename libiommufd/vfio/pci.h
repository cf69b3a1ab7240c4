/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef VFIO_PCI_H
#define VFIO_PCI_H

#include "backend/devfd.h"

/* Offsets and bits of the PCI specification. */
#define PCI_COMMAND 0x04
#define PCI_COMMAND_MEMORY 0x2
#define PCI_COMMAND_MASTER 0x4
#define PCI_STATUS 0x06
#define PCI_STATUS_CAPABILITIES 0x10
#define PCI_CAPABILITIES 0x34
#define PCI_HEADER_END 0x40
#define PCI_CONFIG_SIZE 0x100
#define PCI_EXTENDED_END 0x1000

/* Access of 1, 2 or 4 bytes in host order. Writes the error record. */
int config_read(struct devfd *d, const char *function, uint32_t offset, uint32_t width,
		uint32_t *value);
int config_write(struct devfd *d, const char *function, uint32_t offset, uint32_t width,
		 uint32_t value);

/* -EOPNOTSUPP, with the record written, for what is not a PCI device. */
int pci_check(struct devfd *d, const char *function);

#endif
