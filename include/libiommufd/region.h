/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file region.h
 * @section region Device regions
 *
 * A region is a window into a device: a BAR, the configuration space, a ROM.
 * Regions are read and written through the kernel, and some areas of some can
 * be mapped into the process. Values are in the device's byte order, which for
 * PCI is little-endian; the widths of 8, 16, 32 and 64 bits are converted.
 */
#ifndef LIBIOMMUFD_REGION_H
#define LIBIOMMUFD_REGION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;

/** Regions of a PCI device. */
enum {
	IOMMUFD_REGION_BAR0 = 0,
	IOMMUFD_REGION_BAR1 = 1,
	IOMMUFD_REGION_BAR2 = 2,
	IOMMUFD_REGION_BAR3 = 3,
	IOMMUFD_REGION_BAR4 = 4,
	IOMMUFD_REGION_BAR5 = 5,
	IOMMUFD_REGION_ROM = 6,
	IOMMUFD_REGION_CONFIG = 7,
	IOMMUFD_REGION_VGA = 8,
};

/** Flags of struct iommufd_region_info, and access for iommufd_region_map(). */
enum {
	IOMMUFD_REGION_READ = 1 << 0,      /**< can be read */
	IOMMUFD_REGION_WRITE = 1 << 1,     /**< can be written */
	IOMMUFD_REGION_MAP = 1 << 2,       /**< can be mapped, wholly or in areas */
	IOMMUFD_REGION_MSIX_MAP = 1 << 3,  /**< the MSI-X table may be inside a mapping */
};

/** What a region is. */
struct iommufd_region_info {
	size_t size;          /**< sizeof(struct iommufd_region_info), set by the caller */
	uint64_t length;      /**< bytes; 0 for a BAR that the device does not have */
	uint64_t offset;      /**< where it starts in the device's file descriptor */
	uint32_t flags;       /**< IOMMUFD_REGION_* */
	uint32_t type;        /**< device-specific region type, 0 for those of the bus */
	uint32_t subtype;     /**< device-specific region subtype */
	uint32_t num_areas;   /**< areas that can be mapped, for iommufd_region_get_areas() */
};

/** Part of a region that can be mapped. */
struct iommufd_region_area {
	uint64_t offset;      /**< bytes from the start of the region */
	uint64_t length;      /**< bytes */
};

/**
 * Get what a region is.
 *
 * @param dev    the device
 * @param index  region number
 * @param info   filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a device, no such region, @p info is NULL or its size field is senseless
 *   -EOPNOTSUPP     the device has no descriptor
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_GET_REGION_INFO
 */
int iommufd_region_get_info(struct iommufd_device *dev, uint32_t index,
			    struct iommufd_region_info *info);

/**
 * Get the areas of a region that can be mapped.
 *
 * A region without restrictions is one area.
 *
 * @param dev    the device
 * @param index  region number
 * @param areas  receives up to *@p count areas, ascending; may be NULL if *@p count is 0
 * @param count  room in @p areas; receives the number that exist
 * @return 0, or:
 *   -EINVAL         not a device, no such region, @p count is NULL, or @p areas is NULL with room
 *   -EOPNOTSUPP     the device has no descriptor
 *   -ENOBUFS        more areas exist than there is room for; the first are given
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_GET_REGION_INFO
 */
int iommufd_region_get_areas(struct iommufd_device *dev, uint32_t index,
			     struct iommufd_region_area *areas, size_t *count);

/**
 * Read a block from a region.
 *
 * The kernel splits it into accesses of up to 8 bytes; use the sized functions
 * for registers.
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region
 * @param buf     receives the bytes
 * @param length  bytes, not 0, inside the region
 * @return 0, or:
 *   -EINVAL         not a device, no such region, NULL @p buf, length 0, or outside the region
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EACCES         the region cannot be read
 *   -EFAULT         @p buf is not writable memory
 *   -EIO            the device did not answer: memory decoding is off, or it is asleep
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pread
 */
int iommufd_region_read(struct iommufd_device *dev, uint32_t index, uint64_t offset,
			void *buf, size_t length);

/**
 * Write a block to a region.
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region
 * @param buf     the bytes
 * @param length  bytes, not 0, inside the region
 * @return 0, or:
 *   -EINVAL         not a device, no such region, NULL @p buf, length 0, or outside the region
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EACCES         the region cannot be written
 *   -EFAULT         @p buf is not readable memory
 *   -EIO            the device did not answer: memory decoding is off, or it is asleep
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pwrite
 */
int iommufd_region_write(struct iommufd_device *dev, uint32_t index, uint64_t offset,
			 const void *buf, size_t length);

/**
 * Read an 8-bit register; see iommufd_region_read32().
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region
 * @param value   receives the value
 * @return 0, or an error of iommufd_region_read32():
 *   -EINVAL         not a device, no such region, NULL @p value, or outside the region
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EACCES         the region cannot be read
 *   -EIO            the device did not answer
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pread
 */
int iommufd_region_read8(struct iommufd_device *dev, uint32_t index, uint64_t offset, uint8_t *value);

/**
 * Read a 16-bit register; see iommufd_region_read32().
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region, a multiple of 2
 * @param value   receives the value
 * @return 0, or an error of iommufd_region_read32():
 *   -EINVAL         not a device, no such region, NULL @p value, unaligned, or outside the region
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EACCES         the region cannot be read
 *   -EIO            the device did not answer
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pread
 */
int iommufd_region_read16(struct iommufd_device *dev, uint32_t index, uint64_t offset, uint16_t *value);

/**
 * Read a 32-bit register in one access, in host byte order.
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region, a multiple of 4
 * @param value   receives the value
 * @return 0, or:
 *   -EINVAL         not a device, no such region, NULL @p value, unaligned, or outside the region
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EACCES         the region cannot be read
 *   -EIO            the device did not answer: memory decoding is off, or it is asleep
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pread
 */
int iommufd_region_read32(struct iommufd_device *dev, uint32_t index, uint64_t offset, uint32_t *value);

/**
 * Read a 64-bit register; see iommufd_region_read32().
 *
 * The kernel makes it one access where the platform can, else two of 32 bits.
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region, a multiple of 8
 * @param value   receives the value
 * @return 0, or an error of iommufd_region_read32():
 *   -EINVAL         not a device, no such region, NULL @p value, unaligned, or outside the region
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EACCES         the region cannot be read
 *   -EIO            the device did not answer
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pread
 */
int iommufd_region_read64(struct iommufd_device *dev, uint32_t index, uint64_t offset, uint64_t *value);

/**
 * Write an 8-bit register; see iommufd_region_write32().
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region
 * @param value   the value
 * @return 0, or an error of iommufd_region_write32():
 *   -EINVAL         not a device, no such region, or outside the region
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EACCES         the region cannot be written
 *   -EIO            the device did not answer
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pwrite
 */
int iommufd_region_write8(struct iommufd_device *dev, uint32_t index, uint64_t offset, uint8_t value);

/**
 * Write a 16-bit register; see iommufd_region_write32().
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region, a multiple of 2
 * @param value   the value
 * @return 0, or an error of iommufd_region_write32():
 *   -EINVAL         not a device, no such region, unaligned, or outside the region
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EACCES         the region cannot be written
 *   -EIO            the device did not answer
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pwrite
 */
int iommufd_region_write16(struct iommufd_device *dev, uint32_t index, uint64_t offset, uint16_t value);

/**
 * Write a 32-bit register in one access, from host byte order.
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region, a multiple of 4
 * @param value   the value
 * @return 0, or:
 *   -EINVAL         not a device, no such region, unaligned, or outside the region
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EACCES         the region cannot be written
 *   -EIO            the device did not answer: memory decoding is off, or it is asleep
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pwrite
 */
int iommufd_region_write32(struct iommufd_device *dev, uint32_t index, uint64_t offset, uint32_t value);

/**
 * Write a 64-bit register; see iommufd_region_write32().
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region, a multiple of 8
 * @param value   the value
 * @return 0, or an error of iommufd_region_write32():
 *   -EINVAL         not a device, no such region, unaligned, or outside the region
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EACCES         the region cannot be written
 *   -EIO            the device did not answer
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 * @threads any
 * @since 0.1
 * @source pwrite
 */
int iommufd_region_write64(struct iommufd_device *dev, uint32_t index, uint64_t offset, uint64_t value);

/**
 * Map part of a region into the process.
 *
 * The mapping belongs to the device and goes with it; the pointer must not be
 * used after the device's last unref.
 *
 * @param dev     the device
 * @param index   region number
 * @param offset  bytes from the start of the region, a multiple of the page size
 * @param length  bytes, a multiple of the page size, inside one mappable area or up to the end of its last page
 * @param access  IOMMUFD_REGION_READ and or IOMMUFD_REGION_WRITE
 * @param out     receives the address; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a device, no such region, NULL @p out, length 0, not page-aligned, no access asked for, or outside the mappable areas
 *   -EOPNOTSUPP     unknown access bit, or the region cannot be mapped, or the device has no descriptor
 *   -EACCES         the region cannot be read or written so
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory or address space
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source mmap
 */
int iommufd_region_map(struct iommufd_device *dev, uint32_t index, uint64_t offset, size_t length,
		       uint32_t access, void **out);

/**
 * Remove a mapping made by iommufd_region_map().
 *
 * @param dev   the device
 * @param addr  the address it returned
 * @return 0, or:
 *   -EINVAL         not a device
 *   -EOPNOTSUPP     the device has no descriptor
 *   -ENOENT         no mapping of this device starts at @p addr
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source munmap
 */
int iommufd_region_unmap(struct iommufd_device *dev, void *addr);

/**
 * Let the kernel write a register whenever an eventfd is signalled.
 *
 * A virtual machine's writes to a doorbell then reach the device without this
 * process. An eventfd that is signalled already counts. The kernel holds the
 * eventfd until it is taken away or the device is closed; writes are dropped
 * while memory decoding is off.
 *
 * @param dev     the device
 * @param index   region number of a BAR
 * @param offset  bytes from the start of the region, a multiple of @p width
 * @param width   bytes of the register: 1, 2, 4 or 8
 * @param value   what to write, in host byte order
 * @param fd      an eventfd, or -1 to take away the one of this same write
 * @return 0, or:
 *   -EINVAL         not a device, no such region, a width that is none, a value that does not fit it, unaligned, outside the region, in the MSI-X table, or @p fd is not an eventfd
 *   -EOPNOTSUPP     the region is no BAR, the device's driver in the kernel has nothing of the kind, or the device has no descriptor
 *   -EACCES         the region cannot be written
 *   -EEXIST         an eventfd is set for this same write
 *   -ENOENT         none is, to be taken away
 *   -ENOSPC         the device has as many as the kernel allows
 *   -EBADF          @p fd is not open
 *   -EBUSY          the kernel cannot have the BAR to itself
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_IOEVENTFD
 */
int iommufd_region_set_ioeventfd(struct iommufd_device *dev, uint32_t index, uint64_t offset,
				 uint32_t width, uint64_t value, int fd);

/**
 * Get the memory of a BAR as a dma-buf, for devices that shall reach it.
 *
 * The kernel takes it back when memory decoding is switched off, the device
 * sleeps, is reset or closed: whoever had it mapped then reaches nothing.
 *
 * @param dev    the device
 * @param index  region number of a BAR
 * @param areas  parts of the region, whole pages each; NULL is all of it
 * @param count  how many; 0 with NULL
 * @return a file descriptor that belongs to the caller, close-on-exec, or:
 *   -EINVAL         not a device, no such region, @p count does not fit @p areas or is more than 1024, or an area is empty, not of whole pages or outside the region
 *   -EOPNOTSUPP     the region is no BAR, the kernel (before Linux 6.19, or built without) or the device's driver in it has nothing of the kind, or the device has no descriptor
 *   -ENODEV         the kernel does not have the BAR, or the device went away
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_region_get_dma_buf(struct iommufd_device *dev, uint32_t index,
			       const struct iommufd_region_area *areas, size_t count);

#ifdef __cplusplus
}
#endif
#endif
