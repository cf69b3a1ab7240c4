/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file pci.h
 * @section pci PCI configuration space
 *
 * Values are in host byte order. The kernel virtualises parts of the
 * configuration space: BARs and interrupt enables read back what was written
 * without reaching the device.
 */
#ifndef LIBIOMMUFD_PCI_H
#define LIBIOMMUFD_PCI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;

/**
 * Read 1, 2 or 4 bytes of configuration space.
 *
 * @param dev     a PCI device
 * @param offset  bytes from the start, a multiple of @p width
 * @param width   1, 2 or 4
 * @param value   receives the value
 * @return 0, or:
 *   -EINVAL         not a device, NULL @p value, bad width, unaligned, or outside the configuration space
 *   -EOPNOTSUPP     not a PCI device, or the device has no descriptor
 *   -EIO            the device did not answer
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pread
 */
int iommufd_pci_config_read(struct iommufd_device *dev, uint32_t offset, uint32_t width,
			    uint32_t *value);

/**
 * Write 1, 2 or 4 bytes of configuration space.
 *
 * @param dev     a PCI device
 * @param offset  bytes from the start, a multiple of @p width
 * @param width   1, 2 or 4
 * @param value   the value; must fit the width
 * @return 0, or:
 *   -EINVAL         not a device, bad width, value wider than that, unaligned, or outside the configuration space
 *   -EOPNOTSUPP     not a PCI device, or the device has no descriptor
 *   -EIO            the device did not answer
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pwrite
 */
int iommufd_pci_config_write(struct iommufd_device *dev, uint32_t offset, uint32_t width,
			     uint32_t value);

/**
 * Find a capability.
 *
 * @param dev     a PCI device
 * @param id      capability number, as 0x05 for MSI
 * @param offset  receives where it starts; give where the last one started to find the next of the same kind, 0 for the first
 * @return 0, or:
 *   -EINVAL         not a device, NULL @p offset, or not the start of a capability
 *   -EOPNOTSUPP     not a PCI device, or the device has no descriptor
 *   -ENOENT         the device has none, or no further one
 *   -EIO            the device did not answer, or its list of capabilities is broken
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pread
 */
int iommufd_pci_find_capability(struct iommufd_device *dev, uint8_t id, uint32_t *offset);

/**
 * Find an extended capability.
 *
 * @param dev     a PCI device
 * @param id      extended capability number, as 0x0010 for SR-IOV
 * @param offset  receives where it starts; give where the last one started to find the next of the same kind, 0 for the first
 * @return 0, or:
 *   -EINVAL         not a device, NULL @p offset, or not the start of an extended capability
 *   -EOPNOTSUPP     not a PCI device, or the device has no descriptor
 *   -ENOENT         the device has none, or no further one, or no extended configuration space
 *   -EIO            the device did not answer, or its list of capabilities is broken
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pread
 */
int iommufd_pci_find_extended_capability(struct iommufd_device *dev, uint16_t id, uint32_t *offset);

/**
 * Let the device master the bus, without which it does no DMA and sends no MSI.
 *
 * @param dev     a PCI device
 * @param enable  0 off, 1 on
 * @return 0, or:
 *   -EINVAL         not a device, or @p enable is not 0 or 1
 *   -EOPNOTSUPP     not a PCI device, or the device has no descriptor
 *   -EIO            the device did not answer
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads object
 * @since 0.1
 * @source pread, pwrite
 */
int iommufd_pci_set_bus_master(struct iommufd_device *dev, int enable);

/**
 * Let the device answer memory accesses, without which its BARs cannot be used.
 *
 * The kernel switches it on when the device is opened.
 *
 * @param dev     a PCI device
 * @param enable  0 off, 1 on
 * @return 0, or:
 *   -EINVAL         not a device, or @p enable is not 0 or 1
 *   -EOPNOTSUPP     not a PCI device, or the device has no descriptor
 *   -EIO            the device did not answer
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads object
 * @since 0.1
 * @source pread, pwrite
 */
int iommufd_pci_set_memory(struct iommufd_device *dev, int enable);

#ifdef __cplusplus
}
#endif
#endif
