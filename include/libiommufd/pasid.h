/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file pasid.h
 * @section pasid Address spaces within a device
 *
 * A device with PASIDs marks each of its DMA requests with such a number, or with
 * none, and the IOMMU takes each number's through a page table of its own: a device
 * can serve as many address spaces as it has numbers. What has no number goes where
 * the device itself is attached.
 *
 * A PASID is a number of one device and can be attached as devices are. The page
 * tables of PASIDs, and the device's own while it has any attached, must be made for
 * that (IOMMUFD_HWPT_PASID). What is attached to an IOAS gets such a table, of the
 * program's or of the library's; a table that the program names must be one. The
 * library's own are not shown: iommufd_pasid_get_hwpt() and
 * iommufd_device_get_hwpt() give none then.
 *
 * The kernel, as of Linux 7.3, does not keep mappings out of what the hardware
 * reserves, such as the addresses that raise interrupts, when only PASIDs are
 * attached. The library does, as for a device, where sysfs tells what is reserved.
 *
 * Only devices that have PASIDs and are had by their own character device, on
 * /dev/iommu, have them: iommufd_device_has() with IOMMUFD_CAP_PASID tells. For pairs
 * of a guest's numbers and these there is iommufd_pasid_table_new().
 */
#ifndef LIBIOMMUFD_PASID_H
#define LIBIOMMUFD_PASID_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;
struct iommufd_hwpt;
struct iommufd_ioas;
struct iommufd_pasid;

/** Options of iommufd_pasid_new(). */
struct iommufd_pasid_opts {
	size_t size;     /**< sizeof(struct iommufd_pasid_opts) */
	uint32_t flags;  /**< 0 */
	uint32_t number; /**< the one that it must be; 0: the lowest free one */
	uint32_t min;    /**< of those, from here on; 0: any */
	uint32_t max;    /**< up to here; 0: as far as the hardware goes */
};

/** What iommufd_pasid_get_info() tells. */
struct iommufd_pasid_info {
	size_t size;      /**< sizeof(struct iommufd_pasid_info) */
	uint64_t cookie;  /**< of its device */
	uint32_t number;  /**< that the device marks its requests with */
	uint32_t device;  /**< the kernel's number of the device */
	uint32_t ioas;    /**< the kernel's number of the IOAS that it is attached to; 0: of none */
	uint32_t hwpt;    /**< and of the page table, whoever made it */
};

/**
 * Have a PASID of a device.
 *
 * It is not attached yet. PASID 0 is never given: it stands for requests without one.
 *
 * @param dev   the device; the PASID holds it
 * @param opts  options, or NULL; not kept
 * @param out   the PASID, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a device, @p out is NULL, min is above max, or there is a number and a range
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, or the backend, the kernel, the device or its IOMMU has no PASIDs (iommufd_device_has())
 *   -EEXIST         the number is another PASID's of the device, or reserved
 *   -ERANGE         the number, or min, is more than the hardware has
 *   -ENOSPC         no number from min to max is free
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_GET_HW_INFO
 */
int iommufd_pasid_new(struct iommufd_device *dev, const struct iommufd_pasid_opts *opts,
		      struct iommufd_pasid **out);

/**
 * Keep a range of a device's PASIDs from being given by iommufd_pasid_new().
 *
 * For numbers that others give, as a guest. They stay reserved while the device is open.
 *
 * @param dev    the device
 * @param first  lowest of the range, not 0
 * @param last   highest
 * @return 0, or:
 *   -EINVAL         not a device, or @p first is 0 or above @p last
 *   -EOPNOTSUPP     the backend, the kernel, the device or its IOMMU has no PASIDs (iommufd_device_has())
 *   -EEXIST         one of the numbers is a PASID's, or reserved already
 *   -ERANGE         @p last is more than the hardware has
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_GET_HW_INFO
 */
int iommufd_device_reserve_pasids(struct iommufd_device *dev, uint32_t first, uint32_t last);

/**
 * Take another reference.
 *
 * @param pasid  the PASID; may be NULL
 * @return @p pasid
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_pasid *iommufd_pasid_ref(struct iommufd_pasid *pasid);

/**
 * Give a reference back; the last one detaches the PASID, and its number is free again.
 *
 * @param pasid  the PASID; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source VFIO_DEVICE_DETACH_IOMMUFD_PT, IOMMU_DESTROY
 */
struct iommufd_pasid *iommufd_pasid_unref(struct iommufd_pasid *pasid);

/**
 * Get what a PASID is and to what it is attached.
 *
 * @param pasid  the PASID
 * @param info   filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a PASID, @p info is NULL or its size field is 0
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_get_info(struct iommufd_pasid *pasid, struct iommufd_pasid_info *info);

/**
 * Attach a PASID to an I/O address space: the DMA that has its number goes through it from now on.
 *
 * The IOAS is held while attached. Its IOVA ranges get narrower, by what the hardware
 * reserves too. If the device is attached to a table that takes no PASIDs, and is not the
 * program's, it is moved without a gap, with its group, to one of the same IOAS that does,
 * and stays there; if the PASID is refused then, it is moved back. While what the device
 * writes is tracked it cannot move: attach a PASID before.
 *
 * @param pasid  a PASID that is not attached
 * @param ioas   an IOAS of the same context
 * @return 0, or:
 *   -EINVAL         not a PASID or not an IOAS, they belong to different contexts, the device is attached to a table of the program's without IOMMUFD_HWPT_PASID, its IOMMU cannot use such tables, or a mapped file was made shorter
 *   -EOPNOTSUPP     the IOMMU has no such tables, or cannot track what is written through them and the IOAS is tracked (iommufd_ioas_set_dirty_tracking())
 *   -EBUSY          the PASID is attached already, another device of the IOMMU group has this number attached to another table, the device is being reset, or it would have to move while what it writes is being tracked
 *   -EADDRINUSE     a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         a mapping made earlier covers memory that is not there or may not be accessed so
 *   -ENOENT         the table is a vIOMMU's, in which the device is not a virtual device yet
 *   -ENODEV         the device went away, or a mapped file was revoked
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document, or what is reserved cannot be read; the message has the errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_ATTACH_IOMMUFD_PT, IOMMU_HWPT_ALLOC, IOMMU_IOAS_IOVA_RANGES, IOMMU_DESTROY
 */
int iommufd_pasid_attach(struct iommufd_pasid *pasid, struct iommufd_ioas *ioas);

/**
 * Attach a PASID to a page table: the DMA that has its number goes through it from now on.
 *
 * As iommufd_pasid_attach(), with the table that the program names. The table is held
 * while attached, and the PASID is attached to the IOAS under it.
 *
 * @param pasid  a PASID that is not attached
 * @param hwpt   a table of the same context, made with IOMMUFD_HWPT_PASID
 * @return 0, or:
 *   -EINVAL         as for iommufd_pasid_attach(); or not a table, it was made without IOMMUFD_HWPT_PASID, or the device's IOMMU cannot use it
 *   -EOPNOTSUPP     the IOMMU cannot use such a table for PASIDs, or cannot track what is written through it and the IOAS is tracked (iommufd_ioas_set_dirty_tracking())
 *   -EBUSY          the PASID is attached already, another device of the IOMMU group has this number attached to another table, the device is being reset, or it would have to move while what it writes is being tracked
 *   -EADDRINUSE     a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         a mapping made earlier covers memory that is not there or may not be accessed so
 *   -ENOENT         the table is a vIOMMU's, in which the device is not a virtual device yet
 *   -ENODEV         the device went away, or has no page faults to report and the table a fault queue
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document, or what is reserved cannot be read; the message has the errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_ATTACH_IOMMUFD_PT, IOMMU_HWPT_ALLOC, IOMMU_IOAS_IOVA_RANGES, IOMMU_DESTROY
 */
int iommufd_pasid_attach_hwpt(struct iommufd_pasid *pasid, struct iommufd_hwpt *hwpt);

/**
 * Move an attached PASID to another I/O address space, without a gap in which its DMA is blocked.
 *
 * On failure it stays where it was.
 *
 * @param pasid  an attached PASID
 * @param ioas   an IOAS of the same context; the present one is legal and changes nothing, but that a guest's table is left
 * @return 0, or:
 *   -EINVAL         as for iommufd_pasid_attach(), or the PASID is not attached
 *   -EOPNOTSUPP     the IOMMU has no such tables, or cannot track what is written through them and the IOAS is tracked (iommufd_ioas_set_dirty_tracking())
 *   -EBUSY          another device of the IOMMU group has this number attached to another table, or the device is being reset
 *   -EADDRINUSE     a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         a mapping made earlier covers memory that is not there or may not be accessed so
 *   -ENOENT         the table is a vIOMMU's, in which the device is not a virtual device yet
 *   -ENODEV         the device went away, or a mapped file was revoked
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document, or what is reserved cannot be read; the message has the errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_ATTACH_IOMMUFD_PT, IOMMU_HWPT_ALLOC, IOMMU_IOAS_IOVA_RANGES, IOMMU_DESTROY
 */
int iommufd_pasid_replace(struct iommufd_pasid *pasid, struct iommufd_ioas *ioas);

/**
 * Move an attached PASID to another page table, without a gap in which its DMA is blocked.
 *
 * On failure it stays where it was.
 *
 * @param pasid  an attached PASID
 * @param hwpt   a table of the same context, made with IOMMUFD_HWPT_PASID; the present one is legal and changes nothing
 * @return 0, or:
 *   -EINVAL         as for iommufd_pasid_attach_hwpt(), or the PASID is not attached
 *   -EOPNOTSUPP     the IOMMU cannot use such a table for PASIDs, or cannot track what is written through it and the IOAS is tracked (iommufd_ioas_set_dirty_tracking())
 *   -EBUSY          another device of the IOMMU group has this number attached to another table, or the device is being reset
 *   -EADDRINUSE     a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         a mapping made earlier covers memory that is not there or may not be accessed so
 *   -ENOENT         the table is a vIOMMU's, in which the device is not a virtual device yet
 *   -ENODEV         the device went away, or has no page faults to report and the table a fault queue
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document, or what is reserved cannot be read; the message has the errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_ATTACH_IOMMUFD_PT, IOMMU_IOAS_IOVA_RANGES, IOMMU_DESTROY
 */
int iommufd_pasid_replace_hwpt(struct iommufd_pasid *pasid, struct iommufd_hwpt *hwpt);

/**
 * Detach a PASID: DMA that has its number is blocked from now on.
 *
 * @param pasid  an attached PASID
 * @return 0, or:
 *   -EINVAL         not a PASID, or it is not attached
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_DETACH_IOMMUFD_PT, IOMMU_DESTROY
 */
int iommufd_pasid_detach(struct iommufd_pasid *pasid);

/**
 * Get the I/O address space that a PASID is attached to.
 *
 * @param pasid  the PASID
 * @param out    the IOAS with a new reference, or NULL when it is not attached
 * @return 0, or:
 *   -EINVAL         not a PASID, or @p out is NULL
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_get_ioas(struct iommufd_pasid *pasid, struct iommufd_ioas **out);

/**
 * Get the table of the program that a PASID is attached to.
 *
 * @param pasid  the PASID
 * @param out    the table with a new reference, or NULL when it is not attached or the table is the library's
 * @return 0, or:
 *   -EINVAL         not a PASID, or @p out is NULL
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_pasid_get_hwpt(struct iommufd_pasid *pasid, struct iommufd_hwpt **out);

#ifdef __cplusplus
}
#endif
#endif
