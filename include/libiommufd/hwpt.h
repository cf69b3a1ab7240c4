/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file hwpt.h
 * @section hwpt Page tables
 *
 * A hardware page table (HWPT) is what an IOMMU walks. The kernel makes one when a
 * device is attached to an IOAS, and shares it among devices whose IOMMUs are
 * alike. A program makes its own where it wants more of it: a parent for nested
 * tables, dirty tracking, PASIDs, page faults.
 *
 * A paging table leads to what an IOAS maps, now and later; there may be several
 * for one IOAS. A nested table is written by a guest, in the format of the
 * IOMMU, and translates before a paging table, its parent: a device attached
 * to it goes through both.
 *
 * Only devices had by their own character device, on /dev/iommu, can have such
 * tables (IOMMUFD_CAP_HWPT, IOMMUFD_CAP_NESTING; of a device iommufd_device_has()).
 * The devices of an IOMMU group are attached to one table.
 */
#ifndef LIBIOMMUFD_HWPT_H
#define LIBIOMMUFD_HWPT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;
struct iommufd_fault_queue;
struct iommufd_hwpt;
struct iommufd_ioas;
struct iommufd_viommu;

/** Flags of struct iommufd_hwpt_opts. */
enum {
	IOMMUFD_HWPT_NEST_PARENT = 1 << 0,    /**< nested tables can be made on it; paging tables only */
	IOMMUFD_HWPT_DIRTY_TRACKING = 1 << 1, /**< what devices write can be tracked; it takes only devices that can; paging tables only */
	IOMMUFD_HWPT_PASID = 1 << 2,          /**< for a PASID, or for a device that has PASIDs attached (iommufd_pasid_attach()) */
};

/** Kinds of tables. */
enum {
	IOMMUFD_HWPT_PAGING = 1, /**< leads to what an IOAS maps */
	IOMMUFD_HWPT_NESTED = 2, /**< a guest's, in front of a paging one */
};

/** What the data of a table is: the kernel's numbers, so that newer ones can be given too. */
enum {
	IOMMUFD_HWPT_DATA_NONE = 0,      /**< none: an ordinary paging table */
	IOMMUFD_HWPT_DATA_VTD_S1 = 1,    /**< struct iommufd_hwpt_vtd_s1 */
	IOMMUFD_HWPT_DATA_SMMUV3 = 2,    /**< struct iommufd_hwpt_smmuv3 */
	IOMMUFD_HWPT_DATA_AMD_GUEST = 3, /**< struct iommufd_hwpt_amd_guest */
};

/** Flags of struct iommufd_hwpt_vtd_s1. */
enum {
	IOMMUFD_VTD_S1_SUPERVISOR = 1 << 0,        /**< requests of supervisors are translated (SRE) */
	IOMMUFD_VTD_S1_EXTENDED_ACCESSED = 1 << 1, /**< the extended accessed bit is kept (EAFE) */
	IOMMUFD_VTD_S1_WRITE_PROTECT = 1 << 2,     /**< supervisors may not write read-only pages (WPE) */
};

/** First-stage table of an Intel VT-d. */
struct iommufd_hwpt_vtd_s1 {
	uint64_t flags;    /**< IOMMUFD_VTD_S1_* */
	uint64_t table;    /**< where the guest has it, guest physical */
	uint32_t width;    /**< of addresses, bits */
	uint32_t reserved; /**< 0 */
};

/** First stage of an Arm SMMUv3: words 0 and 1 of the stream table entry. */
struct iommufd_hwpt_smmuv3 {
	uint64_t ste[2]; /**< little-endian, as the guest wrote them */
};

/** First stage of an AMD IOMMU: the device table entry. */
struct iommufd_hwpt_amd_guest {
	uint64_t dte[4]; /**< as the guest wrote it */
};

/** Options for making a table; zero is the default for every field. */
struct iommufd_hwpt_opts {
	size_t size;    /**< sizeof(struct iommufd_hwpt_opts) */
	uint64_t flags; /**< IOMMUFD_HWPT_* */
	struct iommufd_fault_queue *fault_queue; /**< page faults go there; the table holds it. NULL: none */
	const void *data;     /**< what the driver of the IOMMU wants to know, or NULL; not kept */
	uint32_t data_type;   /**< IOMMUFD_HWPT_DATA_*, or the kernel's number of any other */
	uint32_t data_length; /**< bytes of data */
};

/** What iommufd_hwpt_get_info() tells. */
struct iommufd_hwpt_info {
	size_t size;    /**< sizeof(struct iommufd_hwpt_info), set by the caller */
	uint64_t flags; /**< IOMMUFD_HWPT_* that it was made with */
	uint32_t id;    /**< its number in the kernel */
	uint32_t kind;  /**< IOMMUFD_HWPT_PAGING or IOMMUFD_HWPT_NESTED */
	struct iommufd_ioas *ioas;   /**< the IOAS it leads to, in the end; lent, lives as long as the table */
	struct iommufd_hwpt *parent; /**< of a nested one; lent likewise. Or NULL */
};

/** What there is to invalidate: the kernel's numbers, so that newer ones can be given too. */
enum {
	IOMMUFD_INVALIDATE_VTD_S1 = 0, /**< struct iommufd_invalidate_vtd_s1, of a nested table */
	IOMMUFD_INVALIDATE_SMMUV3 = 1, /**< struct iommufd_invalidate_smmuv3, of a vIOMMU */
};

/** Flags of struct iommufd_invalidate_vtd_s1. */
enum {
	IOMMUFD_INVALIDATE_LEAF = 1 << 0, /**< only what is cached of last levels */
};

/** What is cached of a first-stage table of an Intel VT-d; device TLBs follow by themselves. */
struct iommufd_invalidate_vtd_s1 {
	uint64_t address;  /**< first of the range, a multiple of 4 KiB; 0 of everything */
	uint64_t pages;    /**< of 4 KiB; UINT64_MAX of everything */
	uint32_t flags;    /**< IOMMUFD_INVALIDATE_LEAF */
	uint32_t reserved; /**< 0 */
};

/** A command of the guest's queue of an Arm SMMUv3: a TLBI, ATC_INV or CFGI_CD. */
struct iommufd_invalidate_smmuv3 {
	uint64_t cmd[2]; /**< little-endian, as the guest wrote it */
};

/**
 * Make a paging table: it leads to what an IOAS maps, now and later.
 *
 * It is for the IOMMU of one device, which need not be attached; other devices can
 * be attached to it as far as their IOMMUs are like its. The memory that the IOAS
 * maps is pinned while it has a table. The IOAS's IOVA ranges may get narrower.
 *
 * A device that is attached to the IOAS by iommufd_device_attach() or
 * iommufd_device_replace() joins the table of its group, if that is attached to this
 * IOAS already. Else the paging tables of the IOAS are tried in the order in which they
 * were made, but for those with a fault queue; then the kernel's own. In an IOAS that is
 * tracked (iommufd_ioas_set_dirty_tracking()) only tables on which that is possible will
 * do, and in place of the kernel's own the library makes one. While PASIDs of the device
 * are attached the same holds for tables with IOMMUFD_HWPT_PASID.
 *
 * @param dev   the device
 * @param ioas  the IOAS, of the same context; the table holds it
 * @param opts  options, or NULL; not kept
 * @param out   the table, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a device, not an IOAS or not a fault queue, they belong to different contexts, @p out is NULL, data without a type or a type without data, the device's IOMMU does not take the data, or a mapped file was made shorter
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag or data, a nesting parent with a fault queue, or the backend, the device or its IOMMU cannot do it (iommufd_device_has())
 *   -EADDRINUSE     a mapping, or a range of iommufd_ioas_allow(), lies where the IOMMU does not reach, or cuts its pages
 *   -EFAULT         a mapping made earlier covers memory that is not there or may not be accessed so; or the data is not there
 *   -ENODEV         the device went away, or a mapped file was revoked
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_HWPT_ALLOC, IOMMU_IOAS_IOVA_RANGES, IOMMU_GET_HW_INFO
 */
int iommufd_hwpt_new(struct iommufd_device *dev, struct iommufd_ioas *ioas,
		     const struct iommufd_hwpt_opts *opts, struct iommufd_hwpt **out);

/**
 * Make a nested table: a guest's own, in front of a paging table.
 *
 * The guest's table is in its memory, at the address that the data tells; the IOMMU
 * reads it through the parent.
 *
 * @param dev     the device
 * @param parent  a paging table with IOMMUFD_HWPT_NEST_PARENT, of the same context; the table holds it
 * @param opts    options with the data; of the flags IOMMUFD_HWPT_PASID; not kept
 * @param out     the table, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a device, not a table or not a fault queue, they belong to different contexts, @p opts has no data or @p out is NULL, the parent is no nesting parent, is nested itself or was made for another kind of IOMMU, or the device's IOMMU does not take the data
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown or unfit flag, or the backend, the device or its IOMMU cannot do it (iommufd_device_has()), or not with this type of data
 *   -EFAULT         the data is not there
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 *   -EIO            the IOMMU's driver finds something in the data that a guest may not set, or the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_HWPT_ALLOC
 */
int iommufd_hwpt_new_nested(struct iommufd_device *dev, struct iommufd_hwpt *parent,
			    const struct iommufd_hwpt_opts *opts, struct iommufd_hwpt **out);

/**
 * Make a nested table on a vIOMMU: of a guest that has virtual devices, and events.
 *
 * As iommufd_hwpt_new_nested(), on the parent of the vIOMMU. A device that is to be
 * attached to it has to be a virtual device of that first, as most IOMMUs want it.
 *
 * @param dev     a device behind the vIOMMU's IOMMU
 * @param viommu  the vIOMMU, of the same context; the table holds it
 * @param opts    options with the data; of the flags IOMMUFD_HWPT_PASID; not kept
 * @param out     the table, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a device or not a vIOMMU, they belong to different contexts, @p opts has no data or @p out is NULL, the device is behind another IOMMU, or that does not take the data
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL), or the data has what the kernel does not know
 *   -EOPNOTSUPP     unknown or unfit flag, or the device or its IOMMU cannot do it, or not with this type of data
 *   -EFAULT         the data is not there
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 *   -EIO            the IOMMU's driver finds something in the data that a guest may not set, or the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_HWPT_ALLOC
 */
int iommufd_hwpt_new_on_viommu(struct iommufd_device *dev, struct iommufd_viommu *viommu,
			       const struct iommufd_hwpt_opts *opts, struct iommufd_hwpt **out);

/**
 * Take another reference.
 *
 * @param hwpt  the table; may be NULL
 * @return @p hwpt
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_hwpt *iommufd_hwpt_ref(struct iommufd_hwpt *hwpt);

/**
 * Give a reference back; the last one destroys the table.
 *
 * Attached devices and nested tables hold the table, and it lives until they are
 * gone. The IOAS keeps its mappings.
 *
 * @param hwpt  the table; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source IOMMU_DESTROY
 */
struct iommufd_hwpt *iommufd_hwpt_unref(struct iommufd_hwpt *hwpt);

/**
 * Get what a table is.
 *
 * @param hwpt  the table
 * @param info  filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a table, @p info is NULL or its size field is senseless
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_hwpt_get_info(struct iommufd_hwpt *hwpt, struct iommufd_hwpt_info *info);

/**
 * Drop what the IOMMU has cached of a nested table: the guest has changed it.
 *
 * Entries are done in order; after a failure @p count tells how many were, and
 * which one failed: the entry of that number. With 0 entries nothing is done, and
 * the answer tells whether the type is supported.
 *
 * @param hwpt        a nested table
 * @param type        IOMMUFD_INVALIDATE_*, or the kernel's number of any other
 * @param entries     an array of what the type says; may be NULL if there are none
 * @param entry_size  bytes of one
 * @param count       how many there are; receives how many were done, on failure too
 * @return 0, or:
 *   -EINVAL         not a table, not a nested one, @p count is NULL, entries are missing or have no size or more than 4096 bytes, or the IOMMU's driver does not take one of them: no entry of this type, or longer than the kernel knows
 *   -EOPNOTSUPP     the IOMMU knows no such type, or a flag or field of an entry
 *   -EFAULT         the entries are not there
 *   -ENOMEM         out of memory
 *   -EIO            the IOMMU's driver finds something in an entry that a guest may not ask, or the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_HWPT_INVALIDATE
 */
int iommufd_hwpt_invalidate(struct iommufd_hwpt *hwpt, uint32_t type, const void *entries,
			    uint32_t entry_size, uint32_t *count);

/**
 * Attach a device to a table: its DMA goes through it from now on.
 *
 * As iommufd_device_attach(), with the table that the program names. The table is
 * held while attached, and the device is attached to the IOAS under it:
 * iommufd_device_get_ioas() has that, iommufd_device_detach() detaches.
 *
 * @param dev   a device that is not attached
 * @param hwpt  a table of the same context
 * @return 0, or:
 *   -EINVAL         not a device or not a table, they belong to different contexts, the device's IOMMU cannot use it, it is dirty-tracked and the device cannot be, or its IOAS is and it cannot, PASIDs of the device are attached and it is without IOMMUFD_HWPT_PASID, or a mapped file was made shorter
 *   -EOPNOTSUPP     the device is had by its group or is mediated, or its IOMMU cannot, or not track what it writes to an IOAS that is tracked
 *   -EBUSY          the device is attached already, or another device of its IOMMU group is attached to a different table or is being reset
 *   -EADDRINUSE     a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         a mapping made earlier covers memory that is not there or may not be accessed so
 *   -ENOENT         the table is a vIOMMU's, in which the device is not a virtual device yet
 *   -ENODEV         the device went away, or has no page faults to report and the table a fault queue
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_ATTACH_IOMMUFD_PT, IOMMU_IOAS_IOVA_RANGES
 */
int iommufd_device_attach_hwpt(struct iommufd_device *dev, struct iommufd_hwpt *hwpt);

/**
 * Move an attached device to another table, without a gap in which DMA is blocked.
 *
 * As iommufd_device_replace(), with the table that the program names: all attached
 * devices of its IOMMU group move together, and on failure all stay where they were.
 *
 * @param dev   an attached device
 * @param hwpt  a table of the same context; the present one is legal and changes nothing
 * @return 0, or:
 *   -EINVAL         as for iommufd_device_attach_hwpt(), or the device is not attached
 *   -EOPNOTSUPP     the device is had by its group or is mediated, or its IOMMU cannot, or not track what it writes to an IOAS that is tracked
 *   -EADDRINUSE     a mapping, or a range of iommufd_ioas_allow(), lies where the device cannot reach or where the hardware reserves addresses
 *   -EFAULT         a mapping made earlier covers memory that is not there or may not be accessed so
 *   -EBUSY          a device of the group is being reset: try again; or the group policy is IOMMUFD_GROUP_ONE_IOAS and attached siblings would move along
 *   -ENOENT         the table is a vIOMMU's, in which the device is not a virtual device yet
 *   -ENODEV         the device went away, or has no page faults to report and the table a fault queue
 *   -ENOMEM         out of memory, or over the limit on locked memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads object
 * @since 0.1
 * @source VFIO_DEVICE_ATTACH_IOMMUFD_PT, IOMMU_IOAS_IOVA_RANGES
 */
int iommufd_device_replace_hwpt(struct iommufd_device *dev, struct iommufd_hwpt *hwpt);

/**
 * Get the table of the program that a device is attached to.
 *
 * @param dev  the device
 * @param out  the table with a new reference, or NULL when it is not attached or not to one of the program's
 * @return 0, or:
 *   -EINVAL         not a device, or @p out is NULL
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_device_get_hwpt(struct iommufd_device *dev, struct iommufd_hwpt **out);

#ifdef __cplusplus
}
#endif
#endif
