/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file viommu.h
 * @section viommu Virtual IOMMUs
 *
 * A vIOMMU is a guest's slice of one IOMMU: its namespace of address spaces, of
 * devices, of events and of queues that the hardware serves by itself. It stands
 * on a page table that leads to the guest's memory, a nesting parent. A guest with
 * devices behind several IOMMUs has a vIOMMU for each.
 *
 * Devices take part in it as virtual devices (iommufd_vdevice_new()), by the
 * guest's numbers for them, and are attached to nested tables that are made on it
 * (iommufd_hwpt_new_on_viommu()). What the guest asks its IOMMU to forget is told to
 * the vIOMMU, and what the IOMMU has to tell comes from it (iommufd_veventq_new()).
 */
#ifndef LIBIOMMUFD_VIOMMU_H
#define LIBIOMMUFD_VIOMMU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;
struct iommufd_hwpt;
struct iommufd_viommu;

/** Types of vIOMMUs: the kernel's numbers, so that newer ones can be given too. */
enum {
	IOMMUFD_VIOMMU_SMMUV3 = 1,          /**< Arm SMMUv3; no data */
	IOMMUFD_VIOMMU_TEGRA241_CMDQV = 2,  /**< the same with NVIDIA's command queues; data is struct iommufd_viommu_tegra241_cmdqv */
};

/** Where the guest's page of an NVIDIA Tegra241 CMDQV is; the kernel fills it. */
struct iommufd_viommu_tegra241_cmdqv {
	uint64_t offset; /**< of page 0 of the virtual interface, for iommufd_viommu_map() */
	uint64_t length; /**< bytes of it */
};

/** Options for iommufd_viommu_new(); zero is the default for every field. */
struct iommufd_viommu_opts {
	size_t size;          /**< sizeof(struct iommufd_viommu_opts) */
	uint64_t flags;       /**< none yet: 0 */
	void *data;           /**< what the driver of the IOMMU wants to know and what it tells, as the type says, or NULL; not kept */
	uint32_t data_length; /**< bytes of data */
	uint32_t reserved;    /**< 0 */
};

/**
 * Make a vIOMMU: a guest's slice of the IOMMU behind a device.
 *
 * The device only says which IOMMU; any behind it will do, and it is not held.
 *
 * @param dev     the device
 * @param parent  a paging table with IOMMUFD_HWPT_NEST_PARENT, of the same context, that leads to the guest's memory; the vIOMMU holds it
 * @param type    IOMMUFD_VIOMMU_*, or the kernel's number of any other
 * @param opts    options, or NULL; not kept
 * @param out     the vIOMMU, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a device or not a table, they belong to different contexts, @p out is NULL, data without a length or a length without data, the table is no nesting parent or is for another IOMMU, or the IOMMU's driver does not take the data
 *   -E2BIG          @p opts has fields that this release does not know, not zero (a size field of 0 is -EINVAL)
 *   -EOPNOTSUPP     unknown flag, or the backend, the kernel, the device or its IOMMU have no such vIOMMUs (IOMMUFD_CAP_VIOMMU)
 *   -EFAULT         the data is not there, or not writable
 *   -ENOSPC         the IOMMU has no slice left
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_VIOMMU_ALLOC, IOMMU_GET_HW_INFO
 */
int iommufd_viommu_new(struct iommufd_device *dev, struct iommufd_hwpt *parent, uint32_t type,
		       const struct iommufd_viommu_opts *opts, struct iommufd_viommu **out);

/**
 * Take another reference to a vIOMMU.
 *
 * @param viommu  the vIOMMU; may be NULL
 * @return @p viommu
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_viommu *iommufd_viommu_ref(struct iommufd_viommu *viommu);

/**
 * Give back a reference to a vIOMMU.
 *
 * Its virtual devices, nested tables, event queues and hardware queues hold it, and
 * it lives until they are gone. The last reference also removes what
 * iommufd_viommu_map() mapped.
 *
 * @param viommu  the vIOMMU; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source munmap, IOMMU_DESTROY
 */
struct iommufd_viommu *iommufd_viommu_unref(struct iommufd_viommu *viommu);

/**
 * Map pages of the IOMMU that belong to the guest, for reading and writing.
 *
 * The kernel told where they are when the vIOMMU was made, and maps them only as a
 * whole. They stay until iommufd_viommu_unmap(), or the end of the vIOMMU.
 *
 * @param viommu  the vIOMMU
 * @param offset  as the kernel told it, in bytes
 * @param length  likewise
 * @param out     where they are; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a vIOMMU, @p out is NULL, @p length is 0, or one of them is not a multiple of the page size
 *   -ENXIO          the kernel knows no such pages
 *   -EPERM          this is a forked child; the vIOMMU is the parent's
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source mmap of /dev/iommu
 */
int iommufd_viommu_map(struct iommufd_viommu *viommu, uint64_t offset, size_t length, void **out);

/**
 * Remove what iommufd_viommu_map() mapped.
 *
 * @param viommu   the vIOMMU
 * @param address  what iommufd_viommu_map() returned
 * @return 0, or:
 *   -EINVAL         @p viommu is not a vIOMMU
 *   -ENOENT         nothing of this vIOMMU is mapped at @p address
 * @threads any
 * @since 0.1
 * @source munmap
 */
int iommufd_viommu_unmap(struct iommufd_viommu *viommu, void *address);

/**
 * Drop what the IOMMU has cached for a guest: a command of the guest to its IOMMU.
 *
 * As iommufd_hwpt_invalidate(), of the whole vIOMMU: entries name devices by the
 * guest's numbers.
 *
 * @param viommu      the vIOMMU
 * @param type        IOMMUFD_INVALIDATE_SMMUV3, or the kernel's number of any other
 * @param entries     an array of what the type says; may be NULL if there are none
 * @param entry_size  bytes of one
 * @param count       how many there are; receives how many were done, on failure too
 * @return 0, or:
 *   -EINVAL         not a vIOMMU, @p count is NULL, entries are missing or have no size or more than 4096 bytes, or the IOMMU's driver does not take one of them, as of a device that is no virtual device
 *   -E2BIG          an entry has what the kernel does not know
 *   -EOPNOTSUPP     the IOMMU knows no such type, or a flag or field of an entry
 *   -EFAULT         the entries are not there
 *   -ENOMEM         out of memory
 *   -EIO            the IOMMU's driver finds something in an entry that a guest may not ask, or the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_HWPT_INVALIDATE
 */
int iommufd_viommu_invalidate(struct iommufd_viommu *viommu, uint32_t type, const void *entries,
			      uint32_t entry_size, uint32_t *count);

/**
 * Find the device that has a number of the guest's.
 *
 * That is how events and the guest's own commands name devices.
 *
 * @param viommu      the vIOMMU
 * @param virtual_id  as iommufd_vdevice_new() was given it
 * @param out         the device with a new reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a vIOMMU, or @p out is NULL
 *   -ENOENT         the guest has no such device, or it is not open any more
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_viommu_find_device(struct iommufd_viommu *viommu, uint64_t virtual_id,
			       struct iommufd_device **out);

#ifdef __cplusplus
}
#endif
#endif
