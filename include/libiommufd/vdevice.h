/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file vdevice.h
 * @section vdevice Virtual devices
 *
 * A vDEVICE is a device as a guest's IOMMU knows it: by the number that the guest
 * has for it, a StreamID, DeviceID or requester's address. Commands of the guest
 * and events for it name devices so. A device has one at a time; where the
 * tables of the IOMMU want it, it has to come before the device is attached to a
 * nested table of the vIOMMU.
 */
#ifndef LIBIOMMUFD_VDEVICE_H
#define LIBIOMMUFD_VDEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;
struct iommufd_vdevice;
struct iommufd_viommu;

/**
 * Make a device one of a guest's IOMMU.
 *
 * The vDEVICE does not hold the device. The kernel wants it gone before the device
 * is closed, and so it goes with the last reference to the device; the handle stays
 * valid and does nothing any more.
 *
 * @param viommu      the vIOMMU; the vDEVICE holds it
 * @param dev         a device of the same context, behind the same IOMMU
 * @param virtual_id  the guest's number for it; unique in the vIOMMU
 * @param out         the vDEVICE, owned by the caller, one reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a vIOMMU or not a device, they belong to different contexts, @p out is NULL, the device is behind another IOMMU, or its driver does not take the number
 *   -EOPNOTSUPP     the device is had by its group or is mediated
 *   -EEXIST         the device is a virtual one already, or the guest has another of this number
 *   -ENODEV         the device went away
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_VDEVICE_ALLOC
 */
int iommufd_vdevice_new(struct iommufd_viommu *viommu, struct iommufd_device *dev,
			uint64_t virtual_id, struct iommufd_vdevice **out);

/**
 * Take another reference to a vDEVICE.
 *
 * @param vdevice  the vDEVICE; may be NULL
 * @return @p vdevice
 * @threads any
 * @since 0.1
 * @source none
 */
struct iommufd_vdevice *iommufd_vdevice_ref(struct iommufd_vdevice *vdevice);

/**
 * Give back a reference to a vDEVICE; with the last one the guest has it no more.
 *
 * @param vdevice  the vDEVICE; may be NULL
 * @return NULL
 * @threads any
 * @since 0.1
 * @source IOMMU_DESTROY
 */
struct iommufd_vdevice *iommufd_vdevice_unref(struct iommufd_vdevice *vdevice);

/**
 * Get the device that a vDEVICE is.
 *
 * @param vdevice  the vDEVICE
 * @param out      the device with a new reference; NULL on failure
 * @return 0, or:
 *   -EINVAL         not a vDEVICE, or @p out is NULL
 *   -ENODEV         the device was closed, and the vDEVICE went with it
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_vdevice_get_device(struct iommufd_vdevice *vdevice, struct iommufd_device **out);

#ifdef __cplusplus
}
#endif
#endif
