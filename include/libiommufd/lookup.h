/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file lookup.h
 * @section lookup Addresses of mapped memory
 *
 * What is mapped in an I/O address space has an IOVA, as a rule an address in this
 * process, and an address that a device is to be given. These functions lead from
 * one to the other. Those for the data path take no lock and make no system call.
 */
#ifndef LIBIOMMUFD_LOOKUP_H
#define LIBIOMMUFD_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_ioas;

/** Kinds of memory behind a mapping. */
enum {
	IOMMUFD_MEMORY_VA = 1,    /**< this process's memory */
	IOMMUFD_MEMORY_FILE = 2,  /**< a memfd or shared-memory file */
	IOMMUFD_MEMORY_OTHER = 3, /**< memory of the process that exported the context */
};

/** One mapping, as iommufd_ioas_next_mapping() tells it. */
struct iommufd_mapping {
	size_t size;          /**< sizeof(struct iommufd_mapping), set by the caller */
	uint64_t iova;        /**< first IOVA */
	uint64_t length;      /**< bytes */
	uint64_t va;          /**< address in this process, for IOMMUFD_MEMORY_VA */
	uint64_t offset;      /**< offset in the file, for IOMMUFD_MEMORY_FILE */
	uint32_t flags;       /**< IOMMUFD_MAP_READ, IOMMUFD_MAP_WRITE */
	uint32_t memory;      /**< IOMMUFD_MEMORY_* */
};

/**
 * Find the IOVA of an address of this process: for the data path.
 *
 * No lock, no allocation, no system call; may run beside any other function on
 * the IOAS. The answer holds as long as the mapping does. A failure leaves no
 * error record.
 *
 * @param ioas    the IOAS
 * @param va      any address inside mapped memory
 * @param iova    receives the IOVA
 * @param length  bytes wanted; receives how many of them are contiguous in IOVA from @p va, at least 1; may be NULL
 * @return 0, or:
 *   -ENOENT         @p va is not mapped
 *   -EINVAL         not an IOAS, or @p iova is NULL
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_ioas_va_to_iova(struct iommufd_ioas *ioas, const void *va, uint64_t *iova,
			    size_t *length);

/**
 * Find the address in this process of an IOVA: for the data path.
 *
 * As iommufd_ioas_va_to_iova(), the other way. File mappings have no address.
 *
 * @param ioas    the IOAS
 * @param iova    any IOVA
 * @param va      receives the address
 * @param length  bytes wanted; receives how many of them are contiguous in memory from @p iova, at least 1; may be NULL
 * @return 0, or:
 *   -ENOENT         @p iova is not mapped to memory of this process
 *   -EINVAL         not an IOAS, or @p va is NULL
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_ioas_iova_to_va(struct iommufd_ioas *ioas, uint64_t iova, void **va, size_t *length);

/**
 * Get the address to program into a device for an IOVA.
 *
 * That is the IOVA itself where an IOMMU stands behind the devices
 * (IOMMUFD_CAP_ISOLATION). Where none does, it is the physical address of the
 * memory, and memory that is contiguous in IOVA need not be so for the device.
 * A program that asks here runs on every backend. It is for the time when memory
 * is mapped and a device attached, not for the data path: it takes a lock, and
 * without an IOMMU makes system calls.
 *
 * A physical address holds until the mapping is removed or the last device leaves
 * the IOAS. On group+noiommu the memory is locked, but the kernel may still move
 * it to other pages to make room for larger ones, or nearer to a processor: huge
 * pages are moved least. On cdev+noiommu it is pinned, and stays.
 *
 * @param ioas     the IOAS
 * @param iova     any IOVA
 * @param address  receives the address for the device
 * @param length   bytes wanted; receives how many of them are contiguous for the device from @p iova, at least 1; may be NULL
 * @return 0, or:
 *   -EINVAL         not an IOAS, or @p address is NULL
 *   -ENOENT         @p iova is not mapped
 *   -ENODEV         there is no IOMMU and the memory is not held in place: no device is attached, or a failure (-EUCLEAN) left it so
 *   -EPERM          there is no IOMMU and the caller may not see physical addresses: it lacks CAP_SYS_ADMIN, or on cdev+noiommu CAP_SYS_RAWIO
 *   -EACCES         /proc/self/pagemap may not be opened
 *   -EFAULT         the memory has gone from the process
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_IOAS_NOIOMMU_GET_PA, read of /proc/self/pagemap
 */
int iommufd_ioas_get_dma_address(struct iommufd_ioas *ioas, uint64_t iova, uint64_t *address,
				 size_t *length);

/**
 * Get the first mapping at or after an IOVA.
 *
 * To walk all, start at 0 and go on at iova + length of each; stop at -ENOENT,
 * or when that sum is 0.
 *
 * @param ioas     the IOAS
 * @param from     the IOVA to start from; a mapping that contains it counts
 * @param mapping  filled up to its size field
 * @return 0, or:
 *   -EINVAL         not an IOAS, @p mapping is NULL or its size field is senseless
 *   -ENOENT         there is none
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_ioas_next_mapping(struct iommufd_ioas *ioas, uint64_t from,
			      struct iommufd_mapping *mapping);

#ifdef __cplusplus
}
#endif
#endif
