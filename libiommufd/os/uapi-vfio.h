/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef LIBIOMMUFD_OS_UAPI_VFIO_H
#define LIBIOMMUFD_OS_UAPI_VFIO_H

/*
 * VFIO containers, groups and devices.
 *
 * Each argument begins with argsz, the room the caller gives. Information may
 * end in a chain of capabilities: when the room is short the call succeeds,
 * the CAPS flag is set, cap_offset is 0 and argsz holds the need.
 *
 * Numbers mean something only together with the kind of file descriptor:
 * 112 to 117 on a device and on a container are different requests.
 */

#include "uapi-types.h"

#define K_VFIO_TYPE (';')
#define K_VFIO_BASE 100

/* Link of a capability chain; next is counted from the start of the info. */
struct k_vfio_info_cap_header {
	uint16_t id;
	uint16_t version;
	uint32_t next;			/* 0: last */
};

/* ---- container: /dev/vfio/vfio, or an iommufd ---- */

#define K_VFIO_API_VERSION 0

/* Extensions; the IOMMU ones are also the argument of SET_IOMMU. */
#define K_VFIO_TYPE1_IOMMU 1		/* unmap may remove more than was asked */
#define K_VFIO_TYPE1v2_IOMMU 3
#define K_VFIO_DMA_CC_IOMMU 4		/* DMA is cache coherent, whatever the device does */
#define K_VFIO_NOIOMMU_IOMMU 8		/* no isolation at all; taints the kernel */
#define K_VFIO_UNMAP_ALL 9		/* 5.12 */
#define K_VFIO_UPDATE_VADDR 10		/* 5.12; not with mediated devices */

#define K_VFIO_GET_API_VERSION _IO(K_VFIO_TYPE, K_VFIO_BASE + 0)

/* Argument: an extension. Returns 0 for no; may change as groups come and go. */
#define K_VFIO_CHECK_EXTENSION _IO(K_VFIO_TYPE, K_VFIO_BASE + 1)

/* Argument: the IOMMU type. After a group was added; lost with the last group. */
#define K_VFIO_SET_IOMMU _IO(K_VFIO_TYPE, K_VFIO_BASE + 2)

/* ---- group: /dev/vfio/N ---- */

/* Trap: with an iommufd as container VIABLE may be set and opening still fail. */
#define K_VFIO_GROUP_FLAGS_VIABLE (1 << 0)
#define K_VFIO_GROUP_FLAGS_CONTAINER_SET (1 << 1)

struct k_vfio_group_status {
	uint32_t argsz;
	uint32_t flags;
};
#define K_VFIO_GROUP_GET_STATUS _IO(K_VFIO_TYPE, K_VFIO_BASE + 3)

/* Argument: pointer to the container's or iommufd's fd (int32_t). */
#define K_VFIO_GROUP_SET_CONTAINER _IO(K_VFIO_TYPE, K_VFIO_BASE + 4)

/* EBUSY while a device of the group is open. */
#define K_VFIO_GROUP_UNSET_CONTAINER _IO(K_VFIO_TYPE, K_VFIO_BASE + 5)

/* Argument: the device's name in sysfs ("0000:01:00.0"). Returns the fd. */
#define K_VFIO_GROUP_GET_DEVICE_FD _IO(K_VFIO_TYPE, K_VFIO_BASE + 6)

/* ---- device ---- */

#define K_VFIO_DEVICE_FLAGS_RESET (1 << 0)
#define K_VFIO_DEVICE_FLAGS_PCI (1 << 1)
#define K_VFIO_DEVICE_FLAGS_PLATFORM (1 << 2)
#define K_VFIO_DEVICE_FLAGS_AMBA (1 << 3)
#define K_VFIO_DEVICE_FLAGS_CCW (1 << 4)
#define K_VFIO_DEVICE_FLAGS_AP (1 << 5)
#define K_VFIO_DEVICE_FLAGS_FSL_MC (1 << 6)
#define K_VFIO_DEVICE_FLAGS_CAPS (1 << 7)
#define K_VFIO_DEVICE_FLAGS_CDX (1 << 8)

struct k_vfio_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;		/* highest index + 1; may exceed 9 on PCI */
	uint32_t num_irqs;		/* highest index + 1 */
	uint32_t cap_offset;
	uint32_t pad;
};
#define K_VFIO_DEVICE_GET_INFO _IO(K_VFIO_TYPE, K_VFIO_BASE + 7)

/* What a mediated device type's device_api attribute may say. */
#define K_VFIO_DEVICE_API_PCI_STRING "vfio-pci"
#define K_VFIO_DEVICE_API_PLATFORM_STRING "vfio-platform"
#define K_VFIO_DEVICE_API_AMBA_STRING "vfio-amba"

/* Capability of the device: PCIe atomics the root port completes. */
#define K_VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP 5

#define K_VFIO_PCI_ATOMIC_COMP32 (1 << 0)
#define K_VFIO_PCI_ATOMIC_COMP64 (1 << 1)
#define K_VFIO_PCI_ATOMIC_COMP128 (1 << 2)

struct k_vfio_device_info_cap_pci_atomic_comp {
	struct k_vfio_info_cap_header header;
	uint32_t flags;
	uint32_t reserved;
};

/* ---- regions ---- */

#define K_VFIO_REGION_INFO_FLAG_READ (1 << 0)
#define K_VFIO_REGION_INFO_FLAG_WRITE (1 << 1)
#define K_VFIO_REGION_INFO_FLAG_MMAP (1 << 2)
#define K_VFIO_REGION_INFO_FLAG_CAPS (1 << 3)

struct k_vfio_region_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset;
	k_aligned_u64 size;		/* bytes; 0: not there */
	k_aligned_u64 offset;		/* in the device's fd */
};
#define K_VFIO_DEVICE_GET_REGION_INFO _IO(K_VFIO_TYPE, K_VFIO_BASE + 8)

/* Capability: only these parts can be mapped. */
#define K_VFIO_REGION_INFO_CAP_SPARSE_MMAP 1

struct k_vfio_region_sparse_mmap_area {
	k_aligned_u64 offset;		/* in the region */
	k_aligned_u64 size;
};

struct k_vfio_region_info_cap_sparse_mmap {
	struct k_vfio_info_cap_header header;
	uint32_t nr_areas;
	uint32_t reserved;
	struct k_vfio_region_sparse_mmap_area areas[];
};

/* Capability: what a region beyond the fixed indices is. */
#define K_VFIO_REGION_INFO_CAP_TYPE 2

#define K_VFIO_REGION_TYPE_PCI_VENDOR_TYPE (1u << 31)	/* with the vendor ID below it */
#define K_VFIO_REGION_TYPE_PCI_VENDOR_MASK 0xffff

/* Subtypes under vendor 8086. */
#define K_VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION 1
#define K_VFIO_REGION_SUBTYPE_INTEL_IGD_HOST_CFG 2
#define K_VFIO_REGION_SUBTYPE_INTEL_IGD_LPC_CFG 3

struct k_vfio_region_info_cap_type {
	struct k_vfio_info_cap_header header;
	uint32_t type;
	uint32_t subtype;
};

/* Capability without data: the BAR with the MSI-X table may be mapped whole. */
#define K_VFIO_REGION_INFO_CAP_MSIX_MAPPABLE 3

/* ---- interrupts ---- */

#define K_VFIO_IRQ_INFO_EVENTFD (1 << 0)
#define K_VFIO_IRQ_INFO_MASKABLE (1 << 1)
#define K_VFIO_IRQ_INFO_AUTOMASKED (1 << 2)	/* masked on delivery (INTx) */
#define K_VFIO_IRQ_INFO_NORESIZE (1 << 3)	/* disable all before enabling more */

struct k_vfio_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;			/* vectors; 0: not there */
};
#define K_VFIO_DEVICE_GET_IRQ_INFO _IO(K_VFIO_TYPE, K_VFIO_BASE + 9)

/* One DATA and one ACTION flag. */
#define K_VFIO_IRQ_SET_DATA_NONE (1 << 0)
#define K_VFIO_IRQ_SET_DATA_BOOL (1 << 1)	/* uint8_t[count] */
#define K_VFIO_IRQ_SET_DATA_EVENTFD (1 << 2)	/* int32_t[count]; -1: none */
#define K_VFIO_IRQ_SET_ACTION_MASK (1 << 3)
#define K_VFIO_IRQ_SET_ACTION_UNMASK (1 << 4)
#define K_VFIO_IRQ_SET_ACTION_TRIGGER (1 << 5)

#define K_VFIO_IRQ_SET_DATA_TYPE_MASK \
	(K_VFIO_IRQ_SET_DATA_NONE | K_VFIO_IRQ_SET_DATA_BOOL | K_VFIO_IRQ_SET_DATA_EVENTFD)
#define K_VFIO_IRQ_SET_ACTION_TYPE_MASK \
	(K_VFIO_IRQ_SET_ACTION_MASK | K_VFIO_IRQ_SET_ACTION_UNMASK | \
	 K_VFIO_IRQ_SET_ACTION_TRIGGER)

/*
 * EVENTFD with TRIGGER enables vectors; with MASK or UNMASK the eventfd is an
 * order to the kernel. NONE or BOOL performs the action once, now. NONE with
 * TRIGGER and count 0 disables the whole index.
 */
struct k_vfio_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	uint8_t data[];
};
#define K_VFIO_DEVICE_SET_IRQS _IO(K_VFIO_TYPE, K_VFIO_BASE + 10)

/* ---- PCI: fixed region and interrupt indices ---- */

enum {
	K_VFIO_PCI_BAR0_REGION_INDEX = 0,
	K_VFIO_PCI_BAR1_REGION_INDEX = 1,
	K_VFIO_PCI_BAR2_REGION_INDEX = 2,
	K_VFIO_PCI_BAR3_REGION_INDEX = 3,
	K_VFIO_PCI_BAR4_REGION_INDEX = 4,
	K_VFIO_PCI_BAR5_REGION_INDEX = 5,
	K_VFIO_PCI_ROM_REGION_INDEX = 6,
	K_VFIO_PCI_CONFIG_REGION_INDEX = 7,
	K_VFIO_PCI_VGA_REGION_INDEX = 8,	/* 0xa0000, 0x3b0, 0x3c0 at their addresses */
	K_VFIO_PCI_NUM_REGIONS = 9,		/* from here on: see CAP_TYPE */
};

enum {
	K_VFIO_PCI_INTX_IRQ_INDEX = 0,
	K_VFIO_PCI_MSI_IRQ_INDEX = 1,
	K_VFIO_PCI_MSIX_IRQ_INDEX = 2,
	K_VFIO_PCI_ERR_IRQ_INDEX = 3,
	K_VFIO_PCI_REQ_IRQ_INDEX = 4,		/* the host wants the device back */
	K_VFIO_PCI_NUM_IRQS = 5,
};

/* ---- reset ---- */

#define K_VFIO_DEVICE_RESET _IO(K_VFIO_TYPE, K_VFIO_BASE + 11)

/* devid, when not the object's id in this iommufd. */
#define K_VFIO_PCI_DEVID_OWNED 0	/* not bound, but ours through its group */
#define K_VFIO_PCI_DEVID_NOT_OWNED (-1)	/* stands in the way of a hot reset */

struct k_vfio_pci_dependent_device {
	union {
		uint32_t group_id;
		uint32_t devid;		/* with FLAG_DEV_ID: opened as a cdev */
	};
	uint16_t segment;
	uint8_t bus;
	uint8_t devfn;
};

#define K_VFIO_PCI_HOT_RESET_FLAG_DEV_ID (1 << 0)	/* 6.6, as the next */
#define K_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED (1 << 1)	/* all of them are ours */

/* ENOSPC when the room is short (count holds the need), ENODEV: no hot reset. */
struct k_vfio_pci_hot_reset_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t count;
	struct k_vfio_pci_dependent_device devices[];
};
#define K_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO _IO(K_VFIO_TYPE, K_VFIO_BASE + 12)

/* Proof of ownership: every affected group's fd, or on a cdev count 0. */
struct k_vfio_pci_hot_reset {
	uint32_t argsz;
	uint32_t flags;
	uint32_t count;
	int32_t group_fds[];
};
#define K_VFIO_DEVICE_PCI_HOT_RESET _IO(K_VFIO_TYPE, K_VFIO_BASE + 13)

/* ---- ioeventfd: a register write made by the kernel ---- */

#define K_VFIO_DEVICE_IOEVENTFD_8 (1 << 0)
#define K_VFIO_DEVICE_IOEVENTFD_16 (1 << 1)
#define K_VFIO_DEVICE_IOEVENTFD_32 (1 << 2)
#define K_VFIO_DEVICE_IOEVENTFD_64 (1 << 3)
#define K_VFIO_DEVICE_IOEVENTFD_SIZE_MASK 0xf

struct k_vfio_device_ioeventfd {
	uint32_t argsz;
	uint32_t flags;			/* the width */
	k_aligned_u64 offset;		/* in the device's fd; BARs only */
	k_aligned_u64 data;
	int32_t fd;			/* -1: remove */
	uint32_t reserved;
};
#define K_VFIO_DEVICE_IOEVENTFD _IO(K_VFIO_TYPE, K_VFIO_BASE + 16)

/* ---- cdev: bind to an iommufd, attach to a page table ---- */

#define K_VFIO_DEVICE_BIND_FLAG_TOKEN (1 << 0)	/* 6.17 */

/* Until bound the device answers nothing else. Closing the fd unbinds. */
struct k_vfio_device_bind_iommufd {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;
	k_aligned_u64 token_uuid_ptr;	/* 16 bytes, with FLAG_TOKEN */
};
#define K_VFIO_DEVICE_BIND_IOMMUFD _IO(K_VFIO_TYPE, K_VFIO_BASE + 18)

#define K_VFIO_DEVICE_ATTACH_PASID (1 << 0)	/* 6.15 */

/* Trap: on an attached device this replaces, without a word. */
struct k_vfio_device_attach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pt_id;			/* IOAS or HWPT; out: the HWPT, if one was chosen */
	uint32_t pasid;			/* with ATTACH_PASID */
};
#define K_VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(K_VFIO_TYPE, K_VFIO_BASE + 19)

#define K_VFIO_DEVICE_DETACH_PASID (1 << 0)	/* 6.15 */

/* DMA is blocked afterwards. */
struct k_vfio_device_detach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pasid;			/* with DETACH_PASID */
};
#define K_VFIO_DEVICE_DETACH_IOMMUFD_PT _IO(K_VFIO_TYPE, K_VFIO_BASE + 20)

#endif
