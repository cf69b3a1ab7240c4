/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file migration.h
 * @section migration Migration of devices
 *
 * A device that can be migrated goes through states. On the way its own state
 * comes out of a file descriptor, byte by byte, and goes into the descriptor of
 * another device of the kind, which then is as the first was. Memory is moved by
 * others: a log of the device or the IOAS tells what it wrote.
 *
 * At the source: IOMMUFD_MIGRATION_STATE_PRE_COPY, if there is that, and read while the
 * device still runs; then IOMMUFD_MIGRATION_STATE_STOP_COPY, and read to the end;
 * then IOMMUFD_MIGRATION_STATE_STOP. The first of these that is entered gives the
 * descriptor, the second goes on with it. At the destination:
 * IOMMUFD_MIGRATION_STATE_RESUMING gives a descriptor to write to, and
 * IOMMUFD_MIGRATION_STATE_RUNNING takes what was written.
 *
 * Descriptors belong to the caller. On the emulated kernel they are to be read and
 * written by the functions here; on a real one read(2) and write(2) will do too.
 */
#ifndef LIBIOMMUFD_MIGRATION_H
#define LIBIOMMUFD_MIGRATION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;

/** What a device can do beyond running, for iommufd_migration_get_flags(). */
enum {
	IOMMUFD_MIGRATION_STOP_COPY = 1 << 0, /**< stop, be copied and be resumed: what each that migrates can */
	IOMMUFD_MIGRATION_P2P = 1 << 1,       /**< run without reaching other devices: IOMMUFD_MIGRATION_STATE_RUNNING_P2P */
	IOMMUFD_MIGRATION_PRE_COPY = 1 << 2,  /**< be copied while it runs: IOMMUFD_MIGRATION_STATE_PRE_COPY */
};

/** States of a device. */
enum {
	IOMMUFD_MIGRATION_STATE_ERROR = 0,        /**< lost; iommufd_device_reset() makes it run */
	IOMMUFD_MIGRATION_STATE_STOP = 1,         /**< neither changes nor does DMA */
	IOMMUFD_MIGRATION_STATE_RUNNING = 2,      /**< as it is when it was opened */
	IOMMUFD_MIGRATION_STATE_STOP_COPY = 3,    /**< stopped, and its state can be read */
	IOMMUFD_MIGRATION_STATE_RESUMING = 4,     /**< stopped, and takes the state of another */
	IOMMUFD_MIGRATION_STATE_RUNNING_P2P = 5,  /**< runs, and does not reach other devices */
	IOMMUFD_MIGRATION_STATE_PRE_COPY = 6,     /**< runs, and some of its state can be read */
	IOMMUFD_MIGRATION_STATE_PRE_COPY_P2P = 7, /**< both of these */
};

/** How much there is to read from a device that still runs. */
struct iommufd_precopy_info {
	size_t size;            /**< sizeof(struct iommufd_precopy_info), set by the caller */
	uint64_t flags;         /**< IOMMUFD_PRECOPY_* */
	uint64_t initial_bytes; /**< bytes that should be moved before it stops */
	uint64_t dirty_bytes;   /**< bytes that changed since they were read */
};

/** Flags of struct iommufd_precopy_info. */
enum {
	IOMMUFD_PRECOPY_REINIT = 1 << 0, /**< there is something new that should be moved first: both counts start over */
};

/**
 * Get what a device can do to be migrated.
 *
 * @param dev    the device
 * @param flags  receives IOMMUFD_MIGRATION_*
 * @return 0, or:
 *   -EINVAL         not a device, or @p flags is NULL
 *   -EOPNOTSUPP     the device cannot be migrated, or has no descriptor
 *   -EIO            the device failed; the message has the kernel's errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_migration_get_flags(struct iommufd_device *dev, uint64_t *flags);

/**
 * Get the state of a device.
 *
 * @param dev    the device
 * @param state  receives IOMMUFD_MIGRATION_STATE_*
 * @return 0, or:
 *   -EINVAL         not a device, or @p state is NULL
 *   -EOPNOTSUPP     the device cannot be migrated, or has no descriptor
 *   -EIO            the device failed; the message has the kernel's errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_migration_get_state(struct iommufd_device *dev, uint32_t *state);

/**
 * Bring a device into a state, through those that lie between.
 *
 * When this fails the device may be in any state on the way: ask for it.
 *
 * @param dev    the device
 * @param state  IOMMUFD_MIGRATION_STATE_*, not that of an error
 * @param fd     receives a descriptor of the caller's where the state begins to move data, else -1
 * @return 0, or:
 *   -EINVAL         not a device, @p fd is NULL, no such state of this device, no way there from where it is, or what was written is not the whole state of such a device
 *   -EOPNOTSUPP     the device cannot be migrated or has no descriptor
 *   -EBUSY          not now
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the device failed; the message has the kernel's errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_migration_set_state(struct iommufd_device *dev, uint32_t state, int *fd);

/**
 * Estimate how much would be read from the device if it were stopped now.
 *
 * @param dev    the device
 * @param bytes  receives the estimate
 * @return 0, or:
 *   -EINVAL         not a device, or @p bytes is NULL
 *   -EOPNOTSUPP     the device cannot be migrated, the kernel (before Linux 6.2) does not estimate, or the device has no descriptor
 *   -EIO            the device failed; the message has the kernel's errno
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_FEATURE
 */
int iommufd_migration_get_data_size(struct iommufd_device *dev, uint64_t *bytes);

/**
 * Get how much there is to read from a device that still runs.
 *
 * When nothing is left of what should be moved first, it is time to stop it.
 *
 * @param dev   the device, in state PRE_COPY or PRE_COPY_P2P
 * @param fd    the descriptor that iommufd_migration_set_state() gave
 * @param info  filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a device, @p info is NULL or its size field is senseless, or the device is in another state
 *   -EOPNOTSUPP     @p fd is of nothing that tells, or the device has no descriptor
 *   -EBADF          @p fd is not open
 *   -ENODEV         what @p fd belonged to is over
 *   -EIO            the device failed; the message has the kernel's errno
 * @threads object
 * @since 0.1
 * @source VFIO_MIG_GET_PRECOPY_INFO
 */
int iommufd_migration_get_precopy_info(struct iommufd_device *dev, int fd,
				       struct iommufd_precopy_info *info);

/**
 * Read what there is of a device's state.
 *
 * Less than @p length is the end of it: for now while the device runs, for good
 * when it is stopped. An error after some bytes comes with the next call.
 *
 * @param dev     the device
 * @param fd      the descriptor that iommufd_migration_set_state() gave
 * @param buf     where to put it
 * @param length  bytes of room
 * @param got     receives bytes read, 0 at the end
 * @return 0, or:
 *   -EINVAL         not a device, a NULL argument, or @p fd cannot be read
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EBADF          @p fd is not open for reading
 *   -EFAULT         @p buf is not memory that can be written
 *   -ENODEV         what @p fd belonged to is over
 *   -ENOMEM         out of memory
 *   -EIO            the device failed; the message has the kernel's errno
 * @threads object
 * @since 0.1
 * @source read
 */
int iommufd_migration_read(struct iommufd_device *dev, int fd, void *buf, size_t length,
			   size_t *got);

/**
 * Write what was read of another device's state.
 *
 * When this fails nobody knows how much was taken: begin anew.
 *
 * @param dev     the device, in state RESUMING
 * @param fd      the descriptor that iommufd_migration_set_state() gave
 * @param buf     the bytes, in the order in which they were read
 * @param length  how many
 * @return 0, or:
 *   -EINVAL         not a device, @p buf is NULL, @p fd cannot be written, or the device finds that these are not of its kind
 *   -EOPNOTSUPP     the device has no descriptor
 *   -EBADF          @p fd is not open for writing
 *   -EFAULT         @p buf is not memory, or the device finds that these are not of its kind
 *   -ENODEV         what @p fd belonged to is over
 *   -ENOMEM         more than the device takes, or out of memory
 *   -EIO            the device failed; the message has the kernel's errno
 * @threads object
 * @since 0.1
 * @source write
 */
int iommufd_migration_write(struct iommufd_device *dev, int fd, const void *buf, size_t length);

#ifdef __cplusplus
}
#endif
#endif
