/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Which kernel a machine runs: what that kernel has, asked by name, and how
 * LIBIOMMUFD_EMU spells it.
 */
#ifndef EMU_SHAPE_H
#define EMU_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

struct iommufd_emu;

/* Releases compare as numbers. */
#define EMU_RELEASE(major, minor) ((major) << 8 | (minor))
#define EMU_IOMMUFD_RELEASE EMU_RELEASE(6, 2)

struct emu_kernel {
	const char *name;
	unsigned int release;
	bool cdev;		/* built with CONFIG_VFIO_DEVICE_CDEV */
};

/* What a kernel may lack, or the machine's flags take away. */
enum emu_feature {
	EMU_FEATURE_IOMMUFD,		/* /dev/iommu */
	EMU_FEATURE_CDEV,		/* VFIO devices have character devices */
	EMU_FEATURE_VFIO_DEV,		/* and a class in sysfs, with them or without */
	EMU_FEATURE_UNMAP_ALL,		/* type1: VFIO_DMA_UNMAP_FLAG_ALL */
	EMU_FEATURE_UPDATE_VADDR,	/* type1: VFIO_DMA_MAP_FLAG_VADDR */
	EMU_FEATURE_POPULATE,		/* madvise(MADV_POPULATE_READ) */
	EMU_FEATURE_DMA_OWNER,		/* drivers are kept out of a group that user space owns */
	EMU_FEATURE_GROWN_IOMMUFD,	/* HWPT_ALLOC and GET_HW_INFO as of Linux 6.7 and later */
	EMU_FEATURE_PORTS,		/* mediated serial ports that migrate */
	EMU_FEATURE_DMA_BUF,		/* VFIO_DEVICE_FEATURE_DMA_BUF */
	EMU_FEATURE_LOW_POWER,		/* VFIO_DEVICE_FEATURE_LOW_POWER_* */
	EMU_FEATURE_BADFD,		/* what is no container is EBADFD, not EINVAL */
	EMU_FEATURE_ALIGNED_CAPS,	/* capabilities begin at multiples of 8 */
	EMU_FEATURE_OVERFLOW,		/* type1: ranges that wrap are EOVERFLOW, not EINVAL */
	EMU_FEATURE_NOIOMMU_CDEV,	/* character devices and IOASes where no IOMMU is */
	EMU_FEATURE_PRECOPY_V2,		/* VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 */
	EMU_FEATURE_MOCKS,		/* built with CONFIG_IOMMUFD_TEST */
	EMU_FEATURE_EARLY_REMOVAL,	/* a device's nodes go before its user has closed it */
};

bool emu_has(const struct iommufd_emu *emu, enum emu_feature feature);
/* No IOMMU stands behind any device. */
bool emu_is_noiommu(const struct iommufd_emu *emu);
bool emu_is_privileged(const struct iommufd_emu *emu);

/* NULL is the newest; NULL is returned for a name that is none. */
const struct emu_kernel *emu_kernel_find(const char *name);

/* "KERNEL[,FLAG]...": 0, or -EINVAL. NULL, "", "0" and "1" are the newest kernel. */
int emu_shape_parse(const char *text, const char **kernel, uint64_t *flags);

#endif
