/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file hw_queue.h
 * @section hw_queue Hardware queues
 *
 * A HW queue is a queue in a guest's memory that the IOMMU reads by itself: the
 * guest's commands need no exit. The hardware reaches the memory without
 * translation, so it must be contiguous there, and stays mapped while the queue is.
 *
 * Queues of a type have indices from 0 up, are made in that order and go in the
 * opposite one. Each holds the queue below it, so that a program may give them back
 * in any order: one that is given back early stays until those above it are gone.
 */
#ifndef LIBIOMMUFD_HW_QUEUE_H
#define LIBIOMMUFD_HW_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_hw_queue;
struct iommufd_viommu;

/** Types of hardware queues: the kernel's numbers, so that newer ones can be given too. */
enum {
	IOMMUFD_HW_QUEUE_TEGRA241_CMDQV = 1, /**< command queue of an NVIDIA Tegra241 CMDQV; its length is a power of two, and its memory aligned to that */
};

/**
 * Let the IOMMU serve a queue in a guest's memory.
 *
 * While the queue is there iommufd_ioas_unmap() refuses, with -EBUSY, what its pages
 * are mapped by.
 *
 * @param viommu  the vIOMMU; the queue holds it
 * @param type    IOMMUFD_HW_QUEUE_*, or the kernel's number of any other
 * @param index   which of the guest's queues; those below it are there already
 * @param iova    where it begins, as the IOAS of the nesting parent maps it: the guest's physical address
 * @param length  bytes
 * @param out     the queue, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a vIOMMU, @p out is NULL, @p length is 0, there is no such index, or the hardware does not take the address or length
 *   -EOPNOTSUPP     the kernel or the vIOMMU has no such queues (IOMMUFD_CAP_HW_QUEUE)
 *   -EOVERFLOW      the range wraps around the address space
 *   -ENOENT         not all of it is mapped
 *   -EPERM          not all of it is mapped for reading
 *   -EFAULT         the memory is not contiguous, or not there
 *   -EEXIST         the guest has a queue of this index, perhaps one that was given back and is held by those above it
 *   -ENOMEM         out of memory
 *   -EIO            the queue below is not there, or the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_HW_QUEUE_ALLOC
 */
int iommufd_hw_queue_new(struct iommufd_viommu *viommu, uint32_t type, uint32_t index,
			 uint64_t iova, uint64_t length, struct iommufd_hw_queue **out);

/**
 * Take another reference to a hardware queue.
 *
 * @param queue  the queue; may be NULL
 * @return @p queue
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_hw_queue *iommufd_hw_queue_ref(struct iommufd_hw_queue *queue);

/**
 * Give back a reference to a hardware queue.
 *
 * With the last one the hardware leaves its memory alone, and it can be unmapped. The
 * queue above it is a reference.
 *
 * @param queue  the queue; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source IOMMU_DESTROY
 */
struct iommufd_hw_queue *iommufd_hw_queue_unref(struct iommufd_hw_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
