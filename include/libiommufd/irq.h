/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file irq.h
 * @section irq Interrupts
 *
 * Interrupts come in indices (INTx, MSI, MSI-X, ERR, REQ for PCI) of one or
 * more vectors. A vector signals an eventfd of the caller's, who may close it
 * afterwards: the kernel holds its own reference until the vector is disabled
 * or the device closed. Of indices with several vectors the library keeps a
 * duplicate of each eventfd too, to put things back when a call fails.
 */
#ifndef LIBIOMMUFD_IRQ_H
#define LIBIOMMUFD_IRQ_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;

/** Interrupt indices of a PCI device. */
enum {
	IOMMUFD_IRQ_INTX = 0,
	IOMMUFD_IRQ_MSI = 1,
	IOMMUFD_IRQ_MSIX = 2,
	IOMMUFD_IRQ_ERR = 3,  /**< uncorrectable error reported by the bus */
	IOMMUFD_IRQ_REQ = 4,  /**< the kernel asks for the device back */
};

/** Flags of struct iommufd_irq_info. */
enum {
	IOMMUFD_IRQ_EVENTFD = 1 << 0,    /**< can signal eventfds */
	IOMMUFD_IRQ_MASKABLE = 1 << 1,   /**< can be masked and unmasked */
	IOMMUFD_IRQ_AUTOMASKED = 1 << 2, /**< masks itself when it fires: unmask it after handling */
	IOMMUFD_IRQ_DYNAMIC = 1 << 3,    /**< vectors can be added while others are enabled */
};

/** What an interrupt index is. */
struct iommufd_irq_info {
	size_t size;          /**< sizeof(struct iommufd_irq_info), set by the caller */
	uint32_t flags;       /**< IOMMUFD_IRQ_* */
	uint32_t count;       /**< vectors; 0 if the device has none of this kind */
};

/**
 * Get what an interrupt index is.
 *
 * @param dev    the device
 * @param index  interrupt index
 * @param info   filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a device, no such index, @p info is NULL or its size field is senseless
 *   -EOPNOTSUPP     the device has no descriptor
 *   -ENODEV         the device went away
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_GET_IRQ_INFO
 */
int iommufd_irq_get_info(struct iommufd_device *dev, uint32_t index, struct iommufd_irq_info *info);

/**
 * Connect vectors to eventfds and enable them.
 *
 * A sub-range leaves the other vectors alone. Where the index is not
 * IOMMUFD_IRQ_DYNAMIC, enabling a vector above the highest enabled one makes
 * the library disable and re-enable the index as a whole; an interrupt in that
 * moment may be lost, so enable all that will be needed at once. Only one of
 * INTx, MSI and MSI-X can be enabled.
 *
 * @param dev    the device
 * @param index  interrupt index
 * @param start  first vector
 * @param count  number of vectors, not 0
 * @param fds    one eventfd for each; -1 leaves that vector unconnected
 * @return 0, or:
 *   -EINVAL         not a device, no such index, NULL @p fds, count 0, vectors outside the index, another kind is enabled, or a descriptor is not an eventfd
 *   -EBADF          a descriptor is not open
 *   -EOPNOTSUPP     the index cannot signal eventfds, or the device has no descriptor
 *   -EBUSY          the interrupt line is shared and taken
 *   -ENOSPC         the platform has no interrupt vectors left
 *   -ENODEV         the device went away
 *   -EMFILE         no file descriptor left in the process
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document, or re-enabling failed and the index is disabled; the message tells
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_SET_IRQS
 */
int iommufd_irq_enable(struct iommufd_device *dev, uint32_t index, uint32_t start, uint32_t count,
		       const int *fds);

/**
 * Disable all vectors of an index. An index that is not enabled is left alone.
 *
 * @param dev    the device
 * @param index  interrupt index
 * @return 0, or:
 *   -EINVAL         not a device, or no such index
 *   -EOPNOTSUPP     the device has no descriptor
 *   -ENODEV         the device went away
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_SET_IRQS
 */
int iommufd_irq_disable(struct iommufd_device *dev, uint32_t index);

/**
 * Mask vectors: they do not signal until unmasked.
 *
 * @param dev    the device
 * @param index  interrupt index
 * @param start  first vector
 * @param count  number of vectors, not 0
 * @return 0, or:
 *   -EINVAL         not a device, no such index, count 0, vectors outside the index, or the index is not enabled
 *   -EOPNOTSUPP     the index cannot be masked, or the device has no descriptor
 *   -ENODEV         the device went away
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_SET_IRQS
 */
int iommufd_irq_mask(struct iommufd_device *dev, uint32_t index, uint32_t start, uint32_t count);

/**
 * Unmask vectors.
 *
 * @param dev    the device
 * @param index  interrupt index
 * @param start  first vector
 * @param count  number of vectors, not 0
 * @return 0, or:
 *   -EINVAL         not a device, no such index, count 0, vectors outside the index, or the index is not enabled
 *   -EOPNOTSUPP     the index cannot be masked, or the device has no descriptor
 *   -ENODEV         the device went away
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_SET_IRQS
 */
int iommufd_irq_unmask(struct iommufd_device *dev, uint32_t index, uint32_t start, uint32_t count);

/**
 * Let an eventfd unmask a vector when it is written: resampling for INTx.
 *
 * @param dev     the device
 * @param index   interrupt index
 * @param vector  the vector
 * @param fd      an eventfd, or -1 to disconnect
 * @return 0, or:
 *   -EINVAL         not a device, no such index or vector, the index is not enabled, or @p fd is not an eventfd
 *   -EBADF          @p fd is not open
 *   -EOPNOTSUPP     the index does not mask itself, or the device has no descriptor
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_SET_IRQS
 */
int iommufd_irq_set_resample(struct iommufd_device *dev, uint32_t index, uint32_t vector, int fd);

/**
 * Signal vectors from software, as if the device had raised them.
 *
 * @param dev    the device
 * @param index  interrupt index
 * @param start  first vector
 * @param count  number of vectors, not 0
 * @return 0, or:
 *   -EINVAL         not a device, no such index, count 0, vectors outside the index, or the index is not enabled
 *   -EOPNOTSUPP     the index cannot signal eventfds, or the device has no descriptor
 *   -ENODEV         the device went away
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_SET_IRQS
 */
int iommufd_irq_trigger(struct iommufd_device *dev, uint32_t index, uint32_t start, uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
