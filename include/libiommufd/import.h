/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file import.h
 * @section import Live updates
 *
 * A process can hand all that it has in a context to its successor: another process, or
 * the same program executed anew. Devices go on doing DMA meanwhile. The first writes down
 * what there is and lends the descriptors; the other gets both over a UNIX socket, or
 * inherits them, and makes handles of them without mapping or attaching anything:
 *
 *     iommufd_ctx_export(ctx, blob, &size,            iommufd_import_new(blob, size, fds, count,
 *                        fds, &count);                                   NULL, &import);
 *     send(socket, blob, fds);                        iommufd_import_get_ctx(import, &ctx);
 *     iommufd_ctx_disown(ctx);                        iommufd_import_find_ioas(import, 7, &ioas);
 *     exit(0);                                        iommufd_device_find(ctx, cookie, &dev);
 *                                                     iommufd_import_unref(import);
 *
 * The first may also crash once the other has the descriptors: the kernel keeps objects as
 * long as somebody has them. Numbers of objects stay what they are, and so do IOVAs.
 *
 * Goes over: IOASes with their mappings, protected ranges and options; devices with their
 * cookies, PASIDs and attachments; page tables; fault queues, with the faults that were
 * read and not answered; vIOMMUs and what is on them; the tracking of what devices write;
 * which interrupts are enabled. The kernel keeps the rest by itself: the memory limit's
 * mode, the IOAS for legacy containers, what iommufd_region_set_ioeventfd() connected,
 * the features of devices that are in use.
 *
 * Does not go over: mappings of regions and of an IOMMU's pages, which the successor
 * makes anew; the eventfds of interrupts, which the kernel goes on signalling until
 * iommufd_irq_enable() connects others; groups and their events; which PASIDs are
 * reserved, and tables of them. Memory that was mapped by its address is known no more by
 * that: only files can be charged to the successor, so map memfds with
 * iommufd_ioas_map_file() from the beginning.
 *
 * Needs IOMMUFD_CAP_DEVICE_FD: devices that are had by their character devices.
 */
#ifndef LIBIOMMUFD_IMPORT_H
#define LIBIOMMUFD_IMPORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_ctx;
struct iommufd_ctx_opts;
struct iommufd_fault_queue;
struct iommufd_hw_queue;
struct iommufd_hwpt;
struct iommufd_import;
struct iommufd_ioas;
struct iommufd_pasid;
struct iommufd_vdevice;
struct iommufd_veventq;
struct iommufd_viommu;

/** Options of iommufd_import_new(). */
struct iommufd_import_opts {
	size_t size;      /**< sizeof(struct iommufd_import_opts), set by the caller */
	uint64_t flags;   /**< IOMMUFD_IMPORT_* */
	const struct iommufd_ctx_opts *ctx; /**< options of the context, or NULL; a group policy of IOMMUFD_GROUP_ANY is that of the exporter */
};

/** Flags of struct iommufd_import_opts. */
enum {
	IOMMUFD_IMPORT_KEEP_PROCESS = 1 << 0, /**< leave pinned memory with the process that mapped it */
};

/** What came over, for iommufd_import_get_item(). */
struct iommufd_import_item {
	size_t size;      /**< sizeof(struct iommufd_import_item), set by the caller */
	uint32_t kind;    /**< IOMMUFD_IMPORT_IOAS and so on */
	uint32_t id;      /**< the kernel's number, as before; of a PASID its own */
	uint32_t device;  /**< of a PASID the kernel's number of its device; else 0 */
	uint32_t reserved; /**< zero */
};

/** Kinds of struct iommufd_import_item. */
enum {
	IOMMUFD_IMPORT_IOAS = 1,        /**< find it with iommufd_import_find_ioas() */
	IOMMUFD_IMPORT_DEVICE = 2,      /**< find it with iommufd_device_find() or iommufd_device_find_id() */
	IOMMUFD_IMPORT_HWPT = 3,        /**< find it with iommufd_import_find_hwpt() */
	IOMMUFD_IMPORT_FAULT_QUEUE = 4, /**< find it with iommufd_import_find_fault_queue() */
	IOMMUFD_IMPORT_VIOMMU = 5,      /**< find it with iommufd_import_find_viommu() */
	IOMMUFD_IMPORT_VDEVICE = 6,     /**< find it with iommufd_import_find_vdevice() */
	IOMMUFD_IMPORT_VEVENTQ = 7,     /**< find it with iommufd_import_find_veventq() */
	IOMMUFD_IMPORT_HW_QUEUE = 8,    /**< find it with iommufd_import_find_hw_queue() */
	IOMMUFD_IMPORT_PASID = 9,       /**< find it with iommufd_import_find_pasid() */
};

/**
 * Write down what a context has, for a successor.
 *
 * The descriptors are lent, /dev/iommu first: send duplicates of all, in this order.
 * The successor imports while nobody changes anything: what is made, mapped or moved
 * later is not in the blob. The context stays as it is, and a live update that failed
 * has changed nothing.
 *
 * @param ctx    the context
 * @param blob   filled; its numbers are little-endian and a checksum is over all. May be NULL if *size is 0
 * @param size   in: room in bytes; out: how many it takes
 * @param fds    filled with descriptors that belong to the context. May be NULL if *count is 0
 * @param count  in: room; out: how many there are
 * @return 0, or:
 *   -EINVAL         not a context, or a pointer is NULL that may not be
 *   -ENOBUFS        not enough room; *size and *count are what is needed
 *   -EOPNOTSUPP     the backend has devices by group, or one of the devices or groups is had so
 * @threads object
 * @since 0.1
 * @source none
 */
int iommufd_ctx_export(struct iommufd_ctx *ctx, void *blob, size_t *size, int *fds, size_t *count);

/**
 * Leave a context, and what is in it, to others who have its descriptors.
 *
 * Every handle of it is dead from now on and good for giving back only, which frees
 * memory and closes descriptors but undoes nothing in the kernel. Mappings of regions and
 * of an IOMMU's pages stay in this process until they are unmapped or what they are of is
 * given back. Any other call fails with -EINVAL. Nobody must be inside one meanwhile.
 * Groups stay as they are.
 *
 * @param ctx  the context
 * @return 0, or:
 *   -EINVAL         not a context, or disowned before
 *   -EOPNOTSUPP     the backend has devices by group, or one of the devices or groups is had so
 * @threads object
 * @since 0.1
 * @source none
 */
int iommufd_ctx_disown(struct iommufd_ctx *ctx);

/**
 * Make a context of what another process exported, with handles of all that is in it.
 *
 * Nothing is made, mapped or attached in the kernel. It is asked whether it has the
 * objects, as far as it tells, and then to charge pinned memory to this process
 * instead of the other, which it does for files only. What the exporter wrote about
 * mappings and attachments cannot be checked: take it from nobody else.
 * The import holds every object; what the program takes of it needs references of its
 * own. When this fails nothing has changed, and it can be tried again.
 *
 * @param blob   as iommufd_ctx_export() filled it; not kept
 * @param size   its bytes
 * @param fds    duplicates of the descriptors, in the same order; they stay the caller's
 * @param count  how many
 * @param opts   or NULL; not kept
 * @param out    the import, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         a pointer is NULL, there are not as many descriptors as were exported, an option is wrong as for iommufd_ctx_new(), or a mapping is not of a file (the message says which)
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, a backend that cannot adopt devices or has an IOMMU where the exporter had none, or a kernel that cannot charge memory to another process
 *   -EPROTO         the blob is damaged, or the kernel or sysfs contradicts it
 *   -EPROTONOSUPPORT the blob is of another version
 *   -EBADF          a descriptor is not open
 *   -ENOTTY         a descriptor is not of the kind that it was
 *   -ENOENT         the kernel has no such device any more
 *   -ENODEV         a device went away
 *   -EPERM          a device's IOMMU is not as it was, or the group policy forbids it, or IOMMUFD_CTX_RLIMIT_PROCESS without CAP_SYS_RESOURCE
 *   -EBUSY          a mapping is being made or removed, or IOMMUFD_CTX_RLIMIT_PROCESS and objects exist
 *   -EACCES         sysfs may not be read
 *   -EMFILE         no file descriptor left in the process
 *   -ENFILE         no file descriptor left in the system
 *   -ELIBACC        LIBIOMMUFD_EMU is set and libiommufd-emu cannot be loaded
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source fcntl, IOMMU_IOAS_IOVA_RANGES, IOMMU_GET_HW_INFO, IOMMU_HWPT_GET_DIRTY_BITMAP, IOMMU_HWPT_INVALIDATE, VFIO_DEVICE_GET_INFO, IOMMU_IOAS_CHANGE_PROCESS
 */
int iommufd_import_new(const void *blob, size_t size, const int *fds, size_t count,
		       const struct iommufd_import_opts *opts, struct iommufd_import **out);

/**
 * Take another reference.
 *
 * @param import  the import; may be NULL
 * @return @p import
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_import *iommufd_import_ref(struct iommufd_import *import);

/**
 * Give a reference back.
 *
 * The last one gives back every object: what the program has taken no reference to is
 * detached, unmapped and destroyed in the kernel.
 *
 * @param import  the import; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source IOMMU_DESTROY and others; close
 */
struct iommufd_import *iommufd_import_unref(struct iommufd_import *import);

/**
 * Get the context.
 *
 * @param import  the import
 * @param out     its context, with a reference that is the caller's; NULL on failure
 * @return 0, or:
 *   -EINVAL         @p import is not an import, or @p out is NULL
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_import_get_ctx(struct iommufd_import *import, struct iommufd_ctx **out);

/**
 * Tell what came over.
 *
 * @param import  the import
 * @param index   from 0, in the order in which the objects were made
 * @param item    filled
 * @return 0, or:
 *   -EINVAL         not an import, or @p item is NULL or its size senseless
 *   -ENOENT         there are not so many
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_import_get_item(struct iommufd_import *import, uint32_t index,
			    struct iommufd_import_item *item);

/**
 * Find an IOAS by its number.
 *
 * @param import  the import
 * @param id      as iommufd_ioas_get_id() told the exporter
 * @param out     the IOAS, with a reference that is the caller's; NULL on failure
 * @return 0, or:
 *   -EINVAL         not an import, or @p out is NULL
 *   -ENOENT         no IOAS of that number came over
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_import_find_ioas(struct iommufd_import *import, uint32_t id, struct iommufd_ioas **out);

/**
 * Find a page table by its number.
 *
 * @param import  the import
 * @param id      as iommufd_hwpt_get_info() told the exporter
 * @param out     the table, with a reference that is the caller's; NULL on failure
 * @return 0, or:
 *   -EINVAL         not an import, or @p out is NULL
 *   -ENOENT         no page table of that number came over
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_import_find_hwpt(struct iommufd_import *import, uint32_t id, struct iommufd_hwpt **out);

/**
 * Find a fault queue by its number.
 *
 * A program that has one queue needs no number: that of the item serves.
 *
 * @param import  the import
 * @param id      as iommufd_import_get_item() tells it
 * @param out     the queue, with a reference that is the caller's; NULL on failure
 * @return 0, or:
 *   -EINVAL         not an import, or @p out is NULL
 *   -ENOENT         no fault queue of that number came over
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_import_find_fault_queue(struct iommufd_import *import, uint32_t id,
				    struct iommufd_fault_queue **out);

/**
 * Find a vIOMMU by its number.
 *
 * @param import  the import
 * @param id      as iommufd_import_get_item() tells it
 * @param out     the vIOMMU, with a reference that is the caller's; NULL on failure
 * @return 0, or:
 *   -EINVAL         not an import, or @p out is NULL
 *   -ENOENT         no vIOMMU of that number came over
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_import_find_viommu(struct iommufd_import *import, uint32_t id,
			       struct iommufd_viommu **out);

/**
 * Find a vDEVICE by its number.
 *
 * @param import  the import
 * @param id      as iommufd_import_get_item() tells it
 * @param out     the vDEVICE, with a reference that is the caller's; NULL on failure
 * @return 0, or:
 *   -EINVAL         not an import, or @p out is NULL
 *   -ENOENT         no vDEVICE of that number came over
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_import_find_vdevice(struct iommufd_import *import, uint32_t id,
				struct iommufd_vdevice **out);

/**
 * Find a vEVENTQ by its number.
 *
 * @param import  the import
 * @param id      as iommufd_import_get_item() tells it
 * @param out     the vEVENTQ, with a reference that is the caller's; NULL on failure
 * @return 0, or:
 *   -EINVAL         not an import, or @p out is NULL
 *   -ENOENT         no vEVENTQ of that number came over
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_import_find_veventq(struct iommufd_import *import, uint32_t id,
				struct iommufd_veventq **out);

/**
 * Find a hardware queue by its number.
 *
 * @param import  the import
 * @param id      as iommufd_import_get_item() tells it
 * @param out     the queue, with a reference that is the caller's; NULL on failure
 * @return 0, or:
 *   -EINVAL         not an import, or @p out is NULL
 *   -ENOENT         no hardware queue of that number came over
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_import_find_hw_queue(struct iommufd_import *import, uint32_t id,
				 struct iommufd_hw_queue **out);

/**
 * Find a PASID by its number and its device's.
 *
 * @param import  the import
 * @param device  the kernel's number of the device, as in struct iommufd_pasid_info
 * @param number  that the device marks its requests with
 * @param out     the PASID, with a reference that is the caller's; NULL on failure
 * @return 0, or:
 *   -EINVAL         not an import, or @p out is NULL
 *   -ENOENT         no PASID of that number came over with the device
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_import_find_pasid(struct iommufd_import *import, uint32_t device, uint32_t number,
			      struct iommufd_pasid **out);

#ifdef __cplusplus
}
#endif

#endif
