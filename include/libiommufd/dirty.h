/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file dirty.h
 * @section dirty Dirty pages
 *
 * Which pages did devices write? A virtual machine that moves to another host
 * while it runs copies its memory, then what was written meanwhile, and again,
 * until little is left. Where the kernel tracks what devices write
 * (IOMMUFD_CAP_DIRTY_TRACKING), an IOAS tells it here, a bit for each page.
 *
 * On /dev/iommu the IOMMU itself notes it in the page table, where it can
 * (iommufd_device_has()), in page tables that are made for it. Physical pages beside
 * each other may share an entry there, and then a bit: more may be told than was
 * written, never less. IOMMUFD_IOAS_NO_HUGE_PAGES gives each page its own. What the
 * kernel copies into memory for a mediated device is not noted; such a device is refused.
 *
 * On type1 the kernel does not look: it counts every page that is pinned for a
 * device as written, each time (IOMMUFD_CAP_DIRTY_ALL_PINNED). The last round
 * of a migration then copies all of it.
 *
 * A bitmap is an array of 64-bit words. Bit n % 64 of word n / 64 stands for the
 * page at iova + n * page_size. Bits are set where a page was written and
 * never cleared, so that several devices and rounds can share a bitmap.
 */
#ifndef LIBIOMMUFD_DIRTY_H
#define LIBIOMMUFD_DIRTY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_hwpt;
struct iommufd_ioas;

/** Flags of iommufd_ioas_read_dirty() and iommufd_hwpt_read_dirty(). */
enum {
	IOMMUFD_DIRTY_KEEP = 1 << 0, /**< leave the kernel's record as it is: the same pages are told again */
};

/**
 * Begin or end to track what devices write to an IOAS.
 *
 * Beginning forgets what was tracked before. Devices that are attached later
 * are tracked too, or refused. What a device wrote may be forgotten when it is
 * detached: read before. On failure nothing may be tracked any more.
 *
 * On /dev/iommu the devices on a page table that the kernel chose move to one made for
 * tracking, without a gap in their DMA; on failure they go back. It is shared by all
 * that can. Page tables that the program made with IOMMUFD_HWPT_DIRTY_TRACKING are
 * tracked too. IOMMUFD_IOAS_DIRTY_TRACKING saves the move.
 *
 * @param ioas    the IOAS
 * @param enable  0 ends, 1 begins
 * @return 0, or:
 *   -EINVAL         not an IOAS, @p enable is not 0 or 1, an IOMMU does not take the new page table, or a mapped file was made shorter
 *   -EOPNOTSUPP     the backend or the kernel cannot (IOMMUFD_CAP_DIRTY_TRACKING), nor the IOMMU of an attached device (iommufd_device_has()), or the device, or a PASID, is on a page table of the program's without IOMMUFD_HWPT_DIRTY_TRACKING, or the IOMMU cannot on tables that take PASIDs
 *   -EFAULT         a mapping covers memory that is not there any more, as the new page table is filled
 *   -EADDRINUSE     a mapping lies where the new page table does not reach
 *   -EBUSY          a device of a group is being reset: try again
 *   -ENODEV         a device went away, or a mapped file was revoked
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_IOMMU_DIRTY_PAGES, or IOMMU_HWPT_ALLOC, VFIO_DEVICE_ATTACH_IOMMUFD_PT, IOMMU_HWPT_SET_DIRTY_TRACKING
 */
int iommufd_ioas_set_dirty_tracking(struct iommufd_ioas *ioas, int enable);

/**
 * Read which pages devices wrote since tracking began or they were last read.
 *
 * Where nothing is mapped no bit is set. Reading clears the kernel's record,
 * unless IOMMUFD_DIRTY_KEEP is given. On failure some bits may have been set
 * and some of the record been cleared: treat all pages as written.
 *
 * @param ioas       the IOAS, tracked
 * @param iova       first IOVA, a multiple of the page size
 * @param length     bytes, a multiple of the page size; the range may have holes and must not cut a mapping
 * @param page_size  what a bit stands for, a power of two, at least iommufd_ioas_get_alignment(); 0 is that
 * @param flags      IOMMUFD_DIRTY_KEEP
 * @param bitmap     a bit for each page of the range, rounded up to whole words
 * @return 0, or:
 *   -EINVAL         not an IOAS, @p bitmap is NULL, a bad page size, length 0, something not aligned, the range cuts a mapping, or tracking has not begun
 *   -EOPNOTSUPP     unknown flag, or the backend or the kernel cannot do it
 *   -EOVERFLOW      the range wraps around the address space
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_IOMMU_DIRTY_PAGES, IOMMU_HWPT_GET_DIRTY_BITMAP
 */
int iommufd_ioas_read_dirty(struct iommufd_ioas *ioas, uint64_t iova, uint64_t length,
			    uint64_t page_size, uint32_t flags, uint64_t *bitmap);

/**
 * Read which pages of a range devices wrote, and unmap it.
 *
 * Where the kernel can do both at once no write goes unreported. Where it
 * cannot, what a device writes between the two is lost: stop it before.
 *
 * @param ioas       the IOAS, tracked
 * @param iova       first IOVA
 * @param length     bytes
 * @param page_size  as for iommufd_ioas_read_dirty()
 * @param bitmap     as for iommufd_ioas_read_dirty()
 * @param unmapped   receives the bytes that were mapped; may be NULL
 * @param atomic     receives 1 if no write can have been lost, else 0; may be NULL
 * @return 0, or:
 *   -EINVAL         as for iommufd_ioas_read_dirty()
 *   -EOPNOTSUPP     the backend or the kernel cannot (IOMMUFD_CAP_DIRTY_TRACKING)
 *   -EOVERFLOW      the range wraps around the address space
 *   -EBUSY          a hardware queue is in the range, or the kernel holds the memory for another user
 *   -EDEADLK        a mediated device does not let go of the memory
 *   -ENOMEM         out of memory
 *   -EUCLEAN        the kernel refused and what it had removed could not all be restored; see iommufd_ioas_unmap()
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source VFIO_IOMMU_UNMAP_DMA, VFIO_IOMMU_DIRTY_PAGES; IOMMU_HWPT_GET_DIRTY_BITMAP, IOMMU_IOAS_UNMAP
 */
int iommufd_ioas_unmap_dirty(struct iommufd_ioas *ioas, uint64_t iova, uint64_t length,
			     uint64_t page_size, uint64_t *bitmap, uint64_t *unmapped,
			     int *atomic);

/**
 * Begin or end to track what the devices on one page table write.
 *
 * As iommufd_ioas_set_dirty_tracking(), which begins and ends it for all tables of the
 * IOAS that can. On failure the table may not be tracked any more.
 *
 * @param hwpt    a table with IOMMUFD_HWPT_DIRTY_TRACKING
 * @param enable  0 ends, 1 begins
 * @return 0, or:
 *   -EINVAL         not a table, it is a nested one, or @p enable is not 0 or 1
 *   -EOPNOTSUPP     it was made without IOMMUFD_HWPT_DIRTY_TRACKING
 *   -EBUSY          it cannot end, as the whole IOAS is being tracked
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_HWPT_SET_DIRTY_TRACKING
 */
int iommufd_hwpt_set_dirty_tracking(struct iommufd_hwpt *hwpt, int enable);

/**
 * Read which pages the devices on one page table wrote.
 *
 * As iommufd_ioas_read_dirty(), which adds up all tables of the IOAS.
 *
 * @param hwpt       the table, tracked
 * @param iova       first IOVA, a multiple of the page size
 * @param length     bytes, a multiple of the page size; the range may have holes and must not cut a mapping
 * @param page_size  what a bit stands for, a power of two, at least iommufd_ioas_get_alignment(); 0 is that
 * @param flags      IOMMUFD_DIRTY_KEEP
 * @param bitmap     a bit for each page of the range, rounded up to whole words
 * @return 0, or:
 *   -EINVAL         not a table, @p bitmap is NULL, a bad page size, length 0, something not aligned, the range cuts a mapping, or tracking has not begun
 *   -EOPNOTSUPP     unknown flag
 *   -EOVERFLOW      the range wraps around the address space
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_HWPT_GET_DIRTY_BITMAP
 */
int iommufd_hwpt_read_dirty(struct iommufd_hwpt *hwpt, uint64_t iova, uint64_t length,
			    uint64_t page_size, uint32_t flags, uint64_t *bitmap);

/**
 * Find the next run of set bits in a bitmap.
 *
 * To walk all, start with *@p first at 0 and go on at *@p first + *@p count. Whole
 * words are looked at, not bits. A failure leaves no error record.
 *
 * @param bitmap  the bitmap
 * @param bits    bits in it
 * @param first   the bit to start from; receives the first of the run
 * @param count   receives how many bits of the run are set
 * @return 0, or:
 *   -EINVAL         an argument is NULL
 *   -ENOENT         no bit is set from *@p first on
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_dirty_next(const uint64_t *bitmap, uint64_t bits, uint64_t *first, uint64_t *count);

#ifdef __cplusplus
}
#endif
#endif
