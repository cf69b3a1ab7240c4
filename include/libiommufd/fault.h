/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file fault.h
 * @section fault I/O page faults
 *
 * A device with PRI, or one whose IOMMU can stall it, may ask for a page that
 * is not there. Where the page table it is on has a fault queue, the program is
 * asked: it makes the page available and answers, or refuses. Without a queue
 * the device is refused at once. IOMMUFD_CAP_FAULT_QUEUE tells of the kernel; that no
 * kernel tells of a device. To attach one that cannot ask to a table with a queue is
 * -ENODEV, or in vain.
 *
 * A device asks for pages in groups and goes on when the group is answered. Each
 * group that is read must be answered once; what is not answered keeps the device
 * waiting, and the kernel holding memory. When a device leaves the page table, or
 * the queue ends, the kernel itself answers what is left, as invalid.
 *
 * The kernel's queue has no limit. What overflows is the device's own, or the
 * IOMMU's, when the program is too slow; the hardware then refuses requests by
 * itself and nobody is told.
 *
 * A queue ends with its last reference, of which every page table made with it
 * holds one: so the order in which a program gives them back does not matter.
 */
#ifndef LIBIOMMUFD_FAULT_H
#define LIBIOMMUFD_FAULT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_ctx;
struct iommufd_fault_queue;

/** Options for iommufd_fault_queue_new(); zero is the default for every field. */
struct iommufd_fault_queue_opts {
	size_t size;    /**< sizeof(struct iommufd_fault_queue_opts) */
	uint64_t flags; /**< none yet: 0 */
};

/** How a page was to be accessed. */
enum {
	IOMMUFD_FAULT_READ = 1 << 0,       /**< read */
	IOMMUFD_FAULT_WRITE = 1 << 1,      /**< write */
	IOMMUFD_FAULT_EXECUTE = 1 << 2,    /**< execute */
	IOMMUFD_FAULT_PRIVILEGED = 1 << 3, /**< with privilege */
};

/** Flags of struct iommufd_fault, and of struct iommufd_fault_group those of its last page. */
enum {
	IOMMUFD_FAULT_PASID = 1 << 0, /**< it was with a PASID */
	IOMMUFD_FAULT_LAST = 1 << 1,  /**< the device ended the group with it */
};

/** Answers to a group. */
enum {
	IOMMUFD_FAULT_SUCCESS = 0, /**< the pages are there: the device tries again */
	IOMMUFD_FAULT_INVALID = 1, /**< they are not: the device gives up */
};

/** A page that a device asked for. */
struct iommufd_fault {
	uint64_t address;  /**< IOVA */
	uint64_t length;   /**< bytes that it will want from there, as a hint; 0 is not known */
	uint32_t access;   /**< IOMMUFD_FAULT_READ, IOMMUFD_FAULT_WRITE and so on */
	uint32_t flags;    /**< IOMMUFD_FAULT_PASID, IOMMUFD_FAULT_LAST */
	uint32_t pasid;    /**< with IOMMUFD_FAULT_PASID */
	uint32_t reserved; /**< zero */
};

/** Pages that a device asked for together. */
struct iommufd_fault_group {
	size_t size;                  /**< sizeof(struct iommufd_fault_group), set by the caller */
	struct iommufd_fault *faults; /**< an array of the caller's, filled */
	uint32_t room;                /**< how many it has room for, set by the caller */
	uint32_t count;               /**< how many pages the group has */
	uint64_t id;                  /**< by which to answer it; no other of this queue had it */
	uint64_t cookie;              /**< of the device; 0 if it has none, or is not open any more */
	uint32_t device;              /**< the kernel's number of the device, for iommufd_device_find_id() */
	uint32_t number;              /**< the device's own number of the group */
	uint32_t flags;               /**< of the last page: IOMMUFD_FAULT_PASID, IOMMUFD_FAULT_LAST */
	uint32_t pasid;               /**< of the last page, with IOMMUFD_FAULT_PASID */
};

/**
 * Make a fault queue.
 *
 * Page tables are made with it (struct iommufd_hwpt_opts); it takes the faults of every
 * device and PASID that is attached to one of them.
 *
 * @param ctx   the context; the queue holds it
 * @param opts  options, or NULL; not kept
 * @param out   the queue, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a context, or @p out is NULL
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, or the backend or the kernel cannot (IOMMUFD_CAP_FAULT_QUEUE)
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_FAULT_QUEUE_ALLOC
 */
int iommufd_fault_queue_new(struct iommufd_ctx *ctx, const struct iommufd_fault_queue_opts *opts,
			    struct iommufd_fault_queue **out);

/**
 * Take another reference to a fault queue.
 *
 * @param queue  the queue; may be NULL
 * @return @p queue
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_fault_queue *iommufd_fault_queue_ref(struct iommufd_fault_queue *queue);

/**
 * Give back a reference to a fault queue.
 *
 * With the last one the descriptor is closed and the kernel answers, as invalid,
 * every group that was not answered. A page table made with the queue is a reference.
 *
 * @param queue  the queue; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source IOMMU_DESTROY
 */
struct iommufd_fault_queue *iommufd_fault_queue_unref(struct iommufd_fault_queue *queue);

/**
 * Lend the descriptor that is readable when a device has asked for a page.
 *
 * For poll() and the like; it belongs to the queue and must be neither read nor
 * closed. Groups are taken from it by several: when it was readable, call
 * iommufd_fault_queue_read() until that says -EAGAIN.
 *
 * @param queue  the queue
 * @return the descriptor, or:
 *   -EINVAL         @p queue is not a fault queue
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_fault_queue_get_fd(struct iommufd_fault_queue *queue);

/**
 * Take the next group of faults, if there is one.
 *
 * Does not block. Each group is given out once and whole: of several threads one
 * gets it, and has to answer it. If the array is too short, @p group's count says how
 * many it needs and the group stays the next; it has no id, and no answer, before that.
 *
 * @param queue  the queue
 * @param group  its faults and room are the caller's; filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a fault queue, @p group is NULL, its size field ends before its id, or its array is NULL and has room
 *   -EAGAIN         no device waits
 *   -EMSGSIZE       the group has more pages than the array has room for
 *   -EPERM          this is a forked child; the faults are the parent's
 *   -ENOMEM         out of memory; nothing is lost
 *   -EIO            what the kernel says makes no sense, or it failed in a way it does not document; the message has more
 * @threads any
 * @since 0.1
 * @source read of the descriptor
 */
int iommufd_fault_queue_read(struct iommufd_fault_queue *queue, struct iommufd_fault_group *group);

/**
 * Answer a group of faults.
 *
 * A group has one answer. The kernel is not asked for a second one, as it might have
 * given the number to another group meanwhile.
 *
 * @param queue  the queue it was read from
 * @param id     of the group
 * @param code   IOMMUFD_FAULT_SUCCESS or IOMMUFD_FAULT_INVALID
 * @return 0, or:
 *   -EINVAL         not a fault queue, or another @p code
 *   -EALREADY       no such group waits: it was answered, or its device left the page table and the kernel has refused it
 *   -EPERM          this is a forked child; the faults are the parent's
 *   -EIO            the kernel failed in a way it does not document, and the group still waits; the message has its errno
 * @threads any
 * @since 0.1
 * @source write to the descriptor
 */
int iommufd_fault_queue_respond(struct iommufd_fault_queue *queue, uint64_t id, uint32_t code);

#ifdef __cplusplus
}
#endif
#endif
