/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/**
 * @file hwinfo.h
 * @section hwinfo Hardware facts
 *
 * What is the IOMMU in front of a device, and what can it do?
 * iommufd_device_get_hw_info() asks the kernel. Some facts it tells of every
 * IOMMU, and the registers of the IOMMU as they are, in a layout for each make.
 * iommufd_hw_info_next() and iommufd_hw_info_get() take the registers apart into
 * fields, by the names that the specifications give them:
 *
 * - Intel VT-d: registers "cap" and "ecap"
 * - Arm SMMUv3: "IDR0" to "IDR5", "IIDR" and "AIDR"
 * - NVIDIA Tegra241 CMDQV, beside an SMMUv3: "PARAM", as far as the kernel tells it
 * - AMD: "EFR" and "EFR2"
 *
 * What the kernel adds of its own, as errata, are fields of a register "flags".
 * A virtual machine monitor shows its guest an IOMMU with no more than these.
 */
#ifndef LIBIOMMUFD_HWINFO_H
#define LIBIOMMUFD_HWINFO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_device;

/** Whose registers they are. A kernel may know more: what it says is kept as it is. */
enum {
	IOMMUFD_HW_INFO_NONE = 0,           /**< the driver of the IOMMU tells nothing */
	IOMMUFD_HW_INFO_INTEL_VTD = 1,      /**< Intel VT-d */
	IOMMUFD_HW_INFO_ARM_SMMUV3 = 2,     /**< Arm SMMUv3 */
	IOMMUFD_HW_INFO_TEGRA241_CMDQV = 3, /**< the command queues of NVIDIA's SMMUv3; only when asked for */
	IOMMUFD_HW_INFO_AMD = 4,            /**< AMD IOMMU */
};

/** What any IOMMU may be able to do for a device: bits of struct iommufd_hw_info. */
enum {
	IOMMUFD_HW_CAP_DIRTY_TRACKING = 1 << 0, /**< it notes which pages the device writes */
	IOMMUFD_HW_CAP_PASID_EXEC = 1 << 1,     /**< requests with a PASID may ask to execute; means nothing if pasid_width is 0 */
	IOMMUFD_HW_CAP_PASID_PRIV = 1 << 2,     /**< requests with a PASID may be privileged; means nothing if pasid_width is 0 */
	/**
	 * Upside down: set, the device cannot use ATS here; clear, it may be able to,
	 * or the kernel is one that does not tell.
	 */
	IOMMUFD_HW_CAP_ATS_NOT_SUPPORTED = 1 << 3,
};

/** The IOMMU in front of a device. */
struct iommufd_hw_info {
	size_t size;           /**< sizeof(struct iommufd_hw_info), set by the caller */
	uint32_t type;         /**< IOMMUFD_HW_INFO_*, or what a newer kernel says */
	uint32_t data_length;  /**< bytes the kernel has, which may be more than fit in data */
	uint64_t capabilities; /**< IOMMUFD_HW_CAP_*, and what a newer kernel adds */
	uint32_t pasid_width;  /**< bits that the device's PASIDs have; 0: it has none (always before Linux 6.15) */
	uint32_t reserved;     /**< zero */
	uint8_t data[256];     /**< registers in the kernel's layout for the type; zero after data_length */
};

/** Flags of struct iommufd_hw_field. */
enum {
	IOMMUFD_HW_FIELD_GUEST = 1 << 0, /**< the kernel promises that a guest may be shown it; of VT-d it promises nothing */
};

/** A field of a register. The texts are constant and stay. */
struct iommufd_hw_field {
	size_t size;         /**< sizeof(struct iommufd_hw_field), set by the caller */
	const char *reg;     /**< the register, as "ecap" */
	const char *name;    /**< the field, as "FLTS" */
	const char *meaning; /**< what it says, in a line */
	uint64_t value;      /**< its value, shifted down */
	uint32_t first_bit;  /**< its lowest bit in the register */
	uint32_t bits;       /**< its width */
	uint32_t flags;      /**< IOMMUFD_HW_FIELD_GUEST */
	uint32_t reserved;   /**< zero */
};

/**
 * Ask the kernel for the IOMMU in front of a device.
 *
 * The kernel tells nothing of a device that is had by its group, whatever keeps
 * the address spaces: iommufd_device_get_transport() tells how it was had.
 *
 * @param dev   the device
 * @param info  filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a device, @p info is NULL or its size field is senseless
 *   -EOPNOTSUPP     the backend cannot (IOMMUFD_CAP_HW_INFO), the device is had by its group or is mediated, or no IOMMU stands behind it
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_GET_HW_INFO
 */
int iommufd_device_get_hw_info(struct iommufd_device *dev, struct iommufd_hw_info *info);

/**
 * Ask the kernel for one of several things that an IOMMU is.
 *
 * As iommufd_device_get_hw_info(), which gets the first. Of NVIDIA's Tegra241
 * that is IOMMUFD_HW_INFO_ARM_SMMUV3, and IOMMUFD_HW_INFO_TEGRA241_CMDQV has to be
 * asked for.
 *
 * @param dev   the device
 * @param type  IOMMUFD_HW_INFO_*, or a number that a newer kernel knows; IOMMUFD_HW_INFO_NONE is the first
 * @param info  filled up to its size field
 * @return 0, or:
 *   -EINVAL         not a device, @p info is NULL or its size field is senseless
 *   -EOPNOTSUPP     as iommufd_device_get_hw_info(), the IOMMU is no such thing, or the kernel cannot be asked so (Linux 6.17)
 *   -ENOMEM         out of memory
 *   -EIO            the kernel failed in a way it does not document; the message has its errno
 * @threads any
 * @since 0.1
 * @source IOMMU_GET_HW_INFO
 */
int iommufd_device_get_hw_info_of(struct iommufd_device *dev, uint32_t type,
				  struct iommufd_hw_info *info);

/**
 * Get the next field.
 *
 * To walk all, start with *@p at 0 and call again until -ENOENT. Fields come
 * register by register and from the lowest bit up; bits without a name are left
 * out, and so is what the kernel did not fill in. Types that this release does not know
 * have no fields. -ENOENT leaves no error record.
 *
 * @param info   as the kernel told, or as the caller made it up
 * @param at     where to go on; moved behind the field
 * @param field  filled up to its size field
 * @return 0, or:
 *   -EINVAL         an argument is NULL, or a size field is senseless
 *   -ENOENT         there are no more
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_hw_info_next(const struct iommufd_hw_info *info, size_t *at,
			 struct iommufd_hw_field *field);

/**
 * Get the value of a field by its name.
 *
 * The name is that of the register, a point, and that of the field: "ecap.FLTS",
 * "IDR0.ST_LEVEL", "EFR.PASmax". Upper and lower case are the same. Where a
 * specification has renamed a field both names are known: "ecap.FSTS".
 *
 * @param info   as the kernel told, or as the caller made it up
 * @param name   of the register and the field
 * @param value  receives the value
 * @return 0, or:
 *   -EINVAL         an argument is NULL, or the size field of @p info is senseless
 *   -ENOENT         the type has no such field, or the kernel did not fill it in
 * @threads any
 * @since 0.1
 * @source none
 */
int iommufd_hw_info_get(const struct iommufd_hw_info *info, const char *name, uint64_t *value);

#ifdef __cplusplus
}
#endif
#endif
