/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file veventq.h
 * @section veventq Events of virtual IOMMUs
 *
 * A vEVENTQ takes what an IOMMU has to tell a guest, in the form in which the
 * guest's own IOMMU would. Events have no answer. When the guest is slow they are
 * lost, and how many is told.
 */
#ifndef LIBIOMMUFD_VEVENTQ_H
#define LIBIOMMUFD_VEVENTQ_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_veventq;
struct iommufd_viommu;

/** Types of events: the kernel's numbers, so that newer ones can be given too. */
enum {
	IOMMUFD_VEVENT_SMMUV3 = 1,         /**< struct iommufd_vevent_smmuv3 */
	IOMMUFD_VEVENT_TEGRA241_CMDQV = 2, /**< struct iommufd_vevent_tegra241_cmdqv */
};

/** An event record of an Arm SMMUv3; its StreamID is the guest's number of the device. */
struct iommufd_vevent_smmuv3 {
	uint64_t evt[4]; /**< little-endian, to be put into the guest's event queue */
};

/** Which command queues of an NVIDIA Tegra241 CMDQV met an error. */
struct iommufd_vevent_tegra241_cmdqv {
	uint64_t map[2]; /**< a bit for each of the guest's queues, little-endian */
};

/** Options for iommufd_veventq_new(); zero is the default for every field. */
struct iommufd_veventq_opts {
	size_t size;         /**< sizeof(struct iommufd_veventq_opts) */
	uint64_t flags;      /**< none yet: 0 */
	uint32_t event_size; /**< bytes of an event, exactly; 0 for types that this release knows */
	uint32_t reserved;   /**< 0 */
};

/** An event, or news that some were lost. */
struct iommufd_vevent {
	size_t size;       /**< sizeof(struct iommufd_vevent), set by the caller */
	void *data;        /**< memory of the caller's, filled with the event */
	uint32_t room;     /**< bytes of it, set by the caller */
	uint32_t length;   /**< bytes of the event; 0 if only the loss of others is told */
	uint64_t lost;     /**< events lost since the one that was read before */
	uint32_t sequence; /**< the kernel's number of the event, or of the last that was lost */
	uint32_t reserved; /**< zero */
};

/**
 * Make a queue for one type of events of a vIOMMU.
 *
 * @param viommu  the vIOMMU; the queue holds it
 * @param type    IOMMUFD_VEVENT_*, or the kernel's number of any other
 * @param depth   events that wait in the kernel before more are lost, 1 to 524288
 * @param opts    options, or NULL; not kept
 * @param out     the queue, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a vIOMMU, @p out is NULL, @p depth is out of range, or the size of events is missing, too large or not that of the type
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, type 0, or the kernel has no such queues (IOMMUFD_CAP_VEVENTQ)
 *   -EEXIST         the vIOMMU has a queue for this type
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_VEVENTQ_ALLOC
 */
int iommufd_veventq_new(struct iommufd_viommu *viommu, uint32_t type, uint32_t depth,
			const struct iommufd_veventq_opts *opts, struct iommufd_veventq **out);

/**
 * Take another reference to an event queue.
 *
 * @param veventq  the queue; may be NULL
 * @return @p veventq
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_veventq *iommufd_veventq_ref(struct iommufd_veventq *veventq);

/**
 * Give back a reference to an event queue; with the last one what was not read is gone.
 *
 * @param veventq  the queue; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source close, IOMMU_DESTROY
 */
struct iommufd_veventq *iommufd_veventq_unref(struct iommufd_veventq *veventq);

/**
 * Lend the descriptor that is readable when there is an event.
 *
 * For poll() and the like; it belongs to the queue and must be neither read nor
 * closed.
 *
 * @param veventq  the queue
 * @return the descriptor, or:
 *   -EINVAL         @p veventq is not an event queue
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_veventq_get_fd(struct iommufd_veventq *veventq);

/**
 * Take the next event, or learn that events were lost, if either is the case.
 *
 * Does not block. Each event is given out once: of several threads one gets it.
 * Losses are told with the event that follows them; if none does, alone. Events are
 * numbered from 0 to INT_MAX, and from 0 again.
 *
 * @param veventq  the queue
 * @param event    its data and room are the caller's; filled up to its size field
 * @return 0, or:
 *   -EINVAL         not an event queue, @p event is NULL, its size field ends before its sequence, or its data is NULL and has room
 *   -EAGAIN         there is no event
 *   -EMSGSIZE       an event is longer than the room, which @p event's length tells; nothing was taken
 *   -EPERM          this is a forked child; the events are the parent's
 *   -ENOMEM         out of memory; nothing is lost
 *   -EIO            what the kernel says makes no sense, as when events are of another size than was said, or it failed in a way it does not document; the message has more
 * @threads any
 * @since 0.1
 * @source read of the descriptor
 */
int iommufd_veventq_read(struct iommufd_veventq *veventq, struct iommufd_vevent *event);

#ifdef __cplusplus
}
#endif
#endif
