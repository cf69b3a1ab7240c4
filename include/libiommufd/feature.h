/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file feature.h
 * @section feature Device features
 *
 * Services that only some devices have, by their driver in the kernel: sleep,
 * a log of what the device wrote, tokens of virtual functions. Each can be asked
 * for before it is used. For features that a later kernel has there is a way to
 * pass their data as the kernel states it.
 *
 * A device that tracks its own DMA helps where the IOMMU does not
 * (IOMMUFD_CAP_DIRTY_TRACKING): its log is read into the same bitmap as
 * iommufd_ioas_read_dirty() fills, and iommufd_dirty_next() walks it. Migration
 * has a section of its own, and the memory of a BAR as a dma-buf is with regions.
 */
#ifndef LIBIOMMUFD_FEATURE_H
#define LIBIOMMUFD_FEATURE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;
struct iommufd_range;

/** Features, by the kernel's numbers. */
enum {
	IOMMUFD_FEATURE_PCI_VF_TOKEN = 0,            /**< set: iommufd_device_set_vf_token() */
	IOMMUFD_FEATURE_MIGRATION = 1,               /**< get: iommufd_migration_get_flags() */
	IOMMUFD_FEATURE_MIG_DEVICE_STATE = 2,        /**< get, set: iommufd_migration_get_state() and set_state() */
	IOMMUFD_FEATURE_LOW_POWER_ENTRY = 3,         /**< set: iommufd_device_enter_low_power() */
	IOMMUFD_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP = 4, /**< set: the same, with an eventfd */
	IOMMUFD_FEATURE_LOW_POWER_EXIT = 5,          /**< set: iommufd_device_leave_low_power() */
	IOMMUFD_FEATURE_DMA_LOGGING_START = 6,       /**< set: iommufd_device_start_dma_log() */
	IOMMUFD_FEATURE_DMA_LOGGING_STOP = 7,        /**< set: iommufd_device_stop_dma_log() */
	IOMMUFD_FEATURE_DMA_LOGGING_REPORT = 8,      /**< get: iommufd_device_read_dma_log() */
	IOMMUFD_FEATURE_MIG_DATA_SIZE = 9,           /**< get: iommufd_migration_get_data_size() */
	IOMMUFD_FEATURE_BUS_MASTER = 10,             /**< set: iommufd_device_set_bus_master() */
	IOMMUFD_FEATURE_DMA_BUF = 11,                /**< get: iommufd_region_get_dma_buf() */
	IOMMUFD_FEATURE_MIG_PRECOPY_INFO_V2 = 12,    /**< set: done by iommufd_migration_set_state() */
};

/** Ways to use a feature, for iommufd_device_has_feature(). */
enum {
	IOMMUFD_FEATURE_GET = 1 << 0, /**< it can be read */
	IOMMUFD_FEATURE_SET = 1 << 1, /**< it can be written, or done */
};

/**
 * Ask whether a device has a feature.
 *
 * @param dev      the device
 * @param feature  IOMMUFD_FEATURE_*, or a number of a later kernel
 * @param access   ways that it must allow, or 0 for any
 * @return 1 if it has, 0 if not, or:
 *   -EINVAL         not a device, or @p feature is none of the kernel's 65536 numbers
 *   -EOPNOTSUPP     unknown bit in @p access, or the device has no descriptor
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_device_has_feature(struct iommufd_device *dev, uint32_t feature, uint32_t access);

/**
 * Read a feature's data, as the kernel states them.
 *
 * Some features want to be told something in @p data first. What the kernel
 * creates belongs to the caller.
 *
 * @param dev      the device
 * @param feature  IOMMUFD_FEATURE_*, or a number of a later kernel
 * @param data     the structure that belongs to the feature, filled; NULL if there is none
 * @param length   bytes in it
 * @return 0 or what else the kernel answers, as a file descriptor, or:
 *   -EINVAL         not a device, no such number, @p data is NULL with a length or longer than 65536 bytes, or the kernel refuses what it says
 *   -EOPNOTSUPP     the device has no such feature or no descriptor
 *   -ENOMEM         out of memory
 *   -EMFILE         no file descriptor left in the process
 *   -E2BIG          more than the kernel takes at once
 *   -EOVERFLOW      a range wraps around
 *   -EFAULT         @p data points to memory that is not there
 *   -EBUSY          not now
 *   -ENODEV         the device went away, or lacks what @p data names
 *   -EIO            the kernel failed in another way; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_device_get_feature(struct iommufd_device *dev, uint32_t feature, void *data,
			       size_t length);

/**
 * Write a feature's data, as the kernel states them, or do what it stands for.
 *
 * @param dev      the device
 * @param feature  IOMMUFD_FEATURE_*, or a number of a later kernel
 * @param data     the structure that belongs to the feature; the kernel may answer in it. NULL if there is none
 * @param length   bytes in it
 * @return 0, or an error of iommufd_device_get_feature():
 *   -EINVAL         not a device, no such number, @p data is NULL with a length or longer than 65536 bytes, or the kernel refuses what it says
 *   -EOPNOTSUPP     the device has no such feature or no descriptor
 *   -ENOMEM         out of memory
 *   -EMFILE         no file descriptor left in the process
 *   -E2BIG          more than the kernel takes at once
 *   -EOVERFLOW      a range wraps around
 *   -EFAULT         @p data points to memory that is not there
 *   -EBADF          a descriptor in it is not open
 *   -EBUSY          not now
 *   -ENODEV         the device went away
 *   -EIO            the kernel failed in another way; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_device_set_feature(struct iommufd_device *dev, uint32_t feature, void *data,
			       size_t length);

/**
 * Let a device sleep when nobody uses it.
 *
 * Until it is woken, mapped regions must not be touched. What goes through the
 * kernel wakes it for as long as that takes; with an eventfd the first such call
 * ends its sleep for good and signals. A kernel built without power management
 * takes the call, and never lets it sleep.
 *
 * @param dev        the device
 * @param wakeup_fd  an eventfd that tells that it woke, or -1
 * @return 0, or:
 *   -EINVAL         not a device, it is let sleep already, or @p wakeup_fd is not an eventfd
 *   -EOPNOTSUPP     the device or the kernel (before Linux 6.1) has nothing of the kind, or the device has no descriptor
 *   -EBADF          @p wakeup_fd is not open
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_device_enter_low_power(struct iommufd_device *dev, int wakeup_fd);

/**
 * Keep a device awake, as it is when it was opened.
 *
 * @param dev  the device, whether it sleeps or not
 * @return 0, or:
 *   -EINVAL         not a device
 *   -EOPNOTSUPP     the device or the kernel (before Linux 6.1) has nothing of the kind, or the device has no descriptor
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_device_leave_low_power(struct iommufd_device *dev);

/**
 * Let a device on a bus without configuration registers do DMA, or forbid it.
 *
 * PCI devices have iommufd_pci_set_bus_master().
 *
 * @param dev     the device
 * @param enable  0 forbids, 1 lets
 * @return 0, or:
 *   -EINVAL         not a device, or @p enable is not 0 or 1
 *   -EOPNOTSUPP     the device has nothing of the kind, or no descriptor
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_device_set_bus_master(struct iommufd_device *dev, int enable);

/**
 * Choose the secret that opens the virtual functions of a device.
 *
 * Who opens one of them has to give it in struct iommufd_device_opts.
 *
 * @param dev    a physical function with SR-IOV
 * @param token  16 bytes
 * @return 0, or:
 *   -EINVAL         not a device, or @p token is NULL
 *   -EOPNOTSUPP     the device has no virtual functions, or no descriptor
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_device_set_vf_token(struct iommufd_device *dev, const uint8_t *token);

/**
 * Begin to log which pages the device writes.
 *
 * There is one log at a time; it ends with iommufd_device_stop_dma_log() or when
 * the device is closed.
 *
 * @param dev        the device
 * @param ranges     IOVAs to watch, whole pages, without overlap
 * @param count      how many; up to 256 are certain to be taken
 * @param page_size  what a bit shall stand for, a power of two from 4096 on; receives what the device made of it
 * @return 0, or:
 *   -EINVAL         not a device, a NULL argument, no range, a bad page size, ranges that overlap, end before they start or are not whole pages, or a log has begun
 *   -E2BIG          more ranges than the kernel takes
 *   -EOVERFLOW      a range has all of the address space, or ends with it
 *   -EOPNOTSUPP     the device logs nothing, not so much or not so finely, or it has no descriptor
 *   -ENOMEM         out of memory
 *   -EIO            the device failed; the message has the kernel's errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_device_start_dma_log(struct iommufd_device *dev, const struct iommufd_range *ranges,
				 size_t count, uint64_t *page_size);

/**
 * End the log of what the device writes.
 *
 * @param dev  the device
 * @return 0, or:
 *   -EINVAL         not a device
 *   -EOPNOTSUPP     the device logs nothing, or has no descriptor
 *   -ENOMEM         out of memory
 *   -EIO            the device failed; the message has the kernel's errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_device_stop_dma_log(struct iommufd_device *dev);

/**
 * Read which pages the device wrote since the log began or was last read.
 *
 * Reading clears the log. On failure some of it may be lost: treat all pages as
 * written.
 *
 * @param dev        the device, logging
 * @param iova       first IOVA, a multiple of the page size
 * @param length     bytes, a multiple of the page size
 * @param page_size  what a bit stands for, a power of two from 4096 on
 * @param bitmap     a bit for each page of the range, rounded up to whole words; as for iommufd_ioas_read_dirty()
 * @return 0, or:
 *   -EINVAL         not a device, @p bitmap is NULL, a bad page size, length 0, something not aligned, or no log has begun
 *   -EOVERFLOW      the range wraps around the address space or ends with it
 *   -EOPNOTSUPP     the device logs nothing, or has no descriptor
 *   -EFAULT         @p bitmap is not memory that can be written
 *   -ENOMEM         out of memory
 *   -EIO            the device failed; the message has the kernel's errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_device_read_dma_log(struct iommufd_device *dev, uint64_t iova, uint64_t length,
				uint64_t page_size, uint64_t *bitmap);

#ifdef __cplusplus
}
#endif
#endif
