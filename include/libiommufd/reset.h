/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file reset.h
 * @section reset Resetting devices
 *
 * A function that can be reset alone says so (IOMMUFD_DEVICE_RESET). Any other
 * may be reset with its bus or slot, and everything that is there along with it:
 * a hot reset. The kernel does that only for a context that owns all of them,
 * which is told here before it is tried.
 *
 * By character device a context owns the devices that are open in it and those
 * of their IOMMU groups. By group it owns the groups whose devices are open in
 * it. Either way a device without a VFIO driver is nobody's, and stands in the
 * way.
 */
#ifndef LIBIOMMUFD_RESET_H
#define LIBIOMMUFD_RESET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;

/** A device that is reset along with another. */
struct iommufd_reset_info {
	size_t size;     /**< sizeof(struct iommufd_reset_info), set by the caller */
	uint32_t flags;  /**< IOMMUFD_RESET_* */
	uint32_t count;  /**< how many there are in all, the one that was asked included */
	int32_t group;   /**< IOMMU group number, or -1 if nobody tells */
	uint32_t id;     /**< as in struct iommufd_device_info if it is open in this context, else 0 */
	uint64_t cookie; /**< given when it was opened in this context; 0 is none */
	char name[64];   /**< PCI address */
};

/** Flags of struct iommufd_reset_info. */
enum {
	IOMMUFD_RESET_OWNED = 1 << 0, /**< this context may reset it */
	IOMMUFD_RESET_OPEN = 1 << 1,  /**< it is open in this context */
};

/**
 * Reset the function.
 *
 * DMA in flight is stopped; registers return to their defaults; attachment and
 * mappings stay.
 *
 * @param dev  the device
 * @return 0, or:
 *   -EINVAL         @p dev is not a device
 *   -EOPNOTSUPP     the device has no way to be reset alone, or no descriptor
 *   -EAGAIN         the device is busy being reset otherwise; try again
 *   -EIO            the reset failed
 *   -ENODEV         the device went away
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_RESET
 */
int iommufd_device_reset(struct iommufd_device *dev);

/**
 * Get what a hot reset of a device resets, one device a call.
 *
 * @param dev    the device
 * @param index  0 for the first; the device itself is among them
 * @param info   filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a device, @p info is NULL or its size field is senseless
 *   -EOPNOTSUPP     no bus or slot of its own can be reset, it is no PCI device, or it has no descriptor
 *   -ENOENT         there are no more
 *   -EPERM          by group: one of them is in no IOMMU group, and the kernel tells nothing
 *   -EAGAIN         devices come or go; try again
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_GET_PCI_HOT_RESET_INFO
 */
int iommufd_device_get_reset_info(struct iommufd_device *dev, uint32_t index,
				  struct iommufd_reset_info *info);

/**
 * Reset the bus or slot of a device, with all that is there.
 *
 * Attachments and mappings of all of them stay, and so does their configuration
 * space. What was exported as a dma-buf has to be mapped anew. Nobody may touch
 * their registers meanwhile: the kernel refuses while somebody does, and is asked
 * again for a tenth of a second.
 *
 * @param dev  the device
 * @return 0, or:
 *   -EINVAL         @p dev is not a device
 *   -EOPNOTSUPP     no bus or slot of its own can be reset, it is no PCI device, or it has no descriptor
 *   -EPERM          this context does not own all that would be reset; the message names who
 *   -EBUSY          registers of one of them are in use
 *   -EAGAIN         one of them is being reset otherwise, or devices come or go; try again
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 *   -EIO            the reset failed
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, VFIO_DEVICE_PCI_HOT_RESET
 */
int iommufd_device_hot_reset(struct iommufd_device *dev);

#ifdef __cplusplus
}
#endif
#endif
