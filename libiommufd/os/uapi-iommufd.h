/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef LIBIOMMUFD_OS_UAPI_IOMMUFD_H
#define LIBIOMMUFD_OS_UAPI_IOMMUFD_H

/*
 * /dev/iommu: address spaces, page tables, dirty tracking, hardware facts.
 *
 * Each argument begins with its own size. A kernel older than the caller
 * accepts the longer structure as long as the part it does not know is zero,
 * else E2BIG; a field it knows with a value it does not is EOPNOTSUPP; an
 * ioctl it does not know is ENOTTY. Reserved fields must be zero.
 */

#include "uapi-types.h"

#define K_IOMMUFD_TYPE (';')

enum {
	K_IOMMUFD_CMD_BASE = 0x80,
	K_IOMMUFD_CMD_DESTROY = 0x80,
	K_IOMMUFD_CMD_IOAS_ALLOC = 0x81,
	K_IOMMUFD_CMD_IOAS_ALLOW_IOVAS = 0x82,
	K_IOMMUFD_CMD_IOAS_COPY = 0x83,
	K_IOMMUFD_CMD_IOAS_IOVA_RANGES = 0x84,
	K_IOMMUFD_CMD_IOAS_MAP = 0x85,
	K_IOMMUFD_CMD_IOAS_UNMAP = 0x86,
	K_IOMMUFD_CMD_OPTION = 0x87,
	K_IOMMUFD_CMD_VFIO_IOAS = 0x88,
	K_IOMMUFD_CMD_HWPT_ALLOC = 0x89,
	K_IOMMUFD_CMD_GET_HW_INFO = 0x8a,
	K_IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING = 0x8b,
	K_IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP = 0x8c,
	K_IOMMUFD_CMD_HWPT_INVALIDATE = 0x8d,
	K_IOMMUFD_CMD_FAULT_QUEUE_ALLOC = 0x8e,
	K_IOMMUFD_CMD_IOAS_MAP_FILE = 0x8f,
	K_IOMMUFD_CMD_VIOMMU_ALLOC = 0x90,
	K_IOMMUFD_CMD_VDEVICE_ALLOC = 0x91,
	K_IOMMUFD_CMD_IOAS_CHANGE_PROCESS = 0x92,
	K_IOMMUFD_CMD_VEVENTQ_ALLOC = 0x93,
	K_IOMMUFD_CMD_HW_QUEUE_ALLOC = 0x94,
	K_IOMMUFD_CMD_IOAS_NOIOMMU_GET_PA = 0x95,
};

/* ---- any object ---- */

/* EBUSY while another object still uses it. */
struct k_iommu_destroy {
	uint32_t size;
	uint32_t id;
};
#define K_IOMMU_DESTROY _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_DESTROY)

/* ---- IOAS: I/O address space ---- */

struct k_iommu_ioas_alloc {
	uint32_t size;
	uint32_t flags;			/* 0 */
	uint32_t out_ioas_id;
};
#define K_IOMMU_IOAS_ALLOC _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_IOAS_ALLOC)

/* Both ends inclusive: an exclusive end could not name the top of 64 bits. */
struct k_iommu_iova_range {
	k_aligned_u64 start;
	k_aligned_u64 last;
};

/*
 * Windows that attached devices permit; they narrow at attach and widen at
 * detach. Existing mappings and the allow list are not subtracted. When the
 * array is too short: EMSGSIZE, num_iovas holds the need, and the part that
 * fits is filled. An alignment of 1 means nothing is attached yet.
 */
struct k_iommu_ioas_iova_ranges {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas;		/* in: room; out: total */
	uint32_t __reserved;
	k_aligned_u64 allowed_iovas;	/* struct k_iommu_iova_range[] */
	k_aligned_u64 out_iova_alignment; /* bytes; for start and length */
};
#define K_IOMMU_IOAS_IOVA_RANGES _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_IOAS_IOVA_RANGES)

/*
 * Windows an attach must not take away; replaces the earlier list. With a
 * list set, the kernel places mappings only inside it.
 */
struct k_iommu_ioas_allow_iovas {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas;
	uint32_t __reserved;
	k_aligned_u64 allowed_iovas;	/* struct k_iommu_iova_range[] */
};
#define K_IOMMU_IOAS_ALLOW_IOVAS _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_IOAS_ALLOW_IOVAS)

/* For map, map_file and copy. Access is the device's, not the CPU's. */
enum k_iommufd_ioas_map_flags {
	K_IOMMU_IOAS_MAP_FIXED_IOVA = 1 << 0,	/* clear: the kernel chooses */
	K_IOMMU_IOAS_MAP_WRITEABLE = 1 << 1,
	K_IOMMU_IOAS_MAP_READABLE = 1 << 2,
};

/* A taken IOVA is EEXIST, a reserved one EINVAL, no space ENOSPC. */
struct k_iommu_ioas_map {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	uint32_t __reserved;
	k_aligned_u64 user_va;
	k_aligned_u64 length;		/* bytes */
	k_aligned_u64 iova;		/* out unless FIXED_IOVA */
};
#define K_IOMMU_IOAS_MAP _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_IOAS_MAP)

/* A memfd, or a single-range dma-buf that vfio-pci exported. */
struct k_iommu_ioas_map_file {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	int32_t fd;
	k_aligned_u64 start;		/* byte offset in the file */
	k_aligned_u64 length;
	k_aligned_u64 iova;		/* out unless FIXED_IOVA */
};
#define K_IOMMU_IOAS_MAP_FILE _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_IOAS_MAP_FILE)

/* Maps the pages of another IOAS (or the same) again; they stay pinned once. */
struct k_iommu_ioas_copy {
	uint32_t size;
	uint32_t flags;
	uint32_t dst_ioas_id;
	uint32_t src_ioas_id;
	k_aligned_u64 length;
	k_aligned_u64 dst_iova;		/* out unless FIXED_IOVA */
	k_aligned_u64 src_iova;
};
#define K_IOMMU_IOAS_COPY _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_IOAS_COPY)

/*
 * The range must cover whole mappings. Trap: one that sticks out gives ENOENT
 * after the mappings before it are gone, and length is then not updated. An
 * empty range is ENOENT too. iova 0 with length UINT64_MAX removes all, and
 * succeeds when there are none.
 */
struct k_iommu_ioas_unmap {
	uint32_t size;
	uint32_t ioas_id;
	k_aligned_u64 iova;
	k_aligned_u64 length;		/* out: bytes removed */
};
#define K_IOMMU_IOAS_UNMAP _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_IOAS_UNMAP)

/*
 * Moves the pinned-memory charge of every IOAS in the context to the calling
 * process. EINVAL when any mapping was not made from a file.
 */
struct k_iommu_ioas_change_process {
	uint32_t size;
	uint32_t __reserved;
};
#define K_IOMMU_IOAS_CHANGE_PROCESS _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_IOAS_CHANGE_PROCESS)

/* Physical address behind a mapped IOVA, for devices without an IOMMU only. */
struct k_iommu_ioas_noiommu_get_pa {
	uint32_t size;
	uint32_t flags;			/* 0 */
	uint32_t ioas_id;
	uint32_t __reserved;
	k_aligned_u64 iova;
	k_aligned_u64 length;		/* in: limit, not 0; out: contiguous bytes */
	k_aligned_u64 out_phys;
};
#define K_IOMMU_IOAS_NOIOMMU_GET_PA _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_IOAS_NOIOMMU_GET_PA)

/* ---- options ---- */

enum k_iommufd_option {
	/*
	 * 0: charge pinned memory to the user, 1: to the process. For the whole
	 * context (object_id 0); CAP_SYS_RESOURCE; EBUSY once any object exists.
	 */
	K_IOMMU_OPTION_RLIMIT_MODE = 0,
	/* Per IOAS, before any mapping. 0: never combine pages into larger ones. */
	K_IOMMU_OPTION_HUGE_PAGES = 1,
};

enum k_iommufd_option_ops {
	K_IOMMU_OPTION_OP_SET = 0,
	K_IOMMU_OPTION_OP_GET = 1,
};

struct k_iommu_option {
	uint32_t size;
	uint32_t option_id;
	uint16_t op;
	uint16_t __reserved;
	uint32_t object_id;
	k_aligned_u64 val64;
};
#define K_IOMMU_OPTION _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_OPTION)

/* ---- the IOAS that VFIO groups use when the iommufd is their container ---- */

enum k_iommufd_vfio_ioas_op {
	K_IOMMU_VFIO_IOAS_GET = 0,
	K_IOMMU_VFIO_IOAS_SET = 1,
	K_IOMMU_VFIO_IOAS_CLEAR = 2,	/* does not destroy the IOAS */
};

struct k_iommu_vfio_ioas {
	uint32_t size;
	uint32_t ioas_id;		/* SET: in; GET: out */
	uint16_t op;
	uint16_t __reserved;
};
#define K_IOMMU_VFIO_IOAS _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_VFIO_IOAS)

/* ---- HWPT: hardware page table ---- */

enum k_iommufd_hwpt_alloc_flags {
	K_IOMMU_HWPT_ALLOC_NEST_PARENT = 1 << 0,	/* 6.7 */
	/* 6.7. Devices that cannot track are refused at attach. */
	K_IOMMU_HWPT_ALLOC_DIRTY_TRACKING = 1 << 1,
	K_IOMMU_HWPT_FAULT_ID_VALID = 1 << 2,		/* 6.11 */
	/* 6.15. Needed on both the PASID's table and the device's own. */
	K_IOMMU_HWPT_ALLOC_PASID = 1 << 3,
};

enum k_iommu_hwpt_data_type {
	K_IOMMU_HWPT_DATA_NONE = 0,
	K_IOMMU_HWPT_DATA_VTD_S1 = 1,		/* struct k_iommu_hwpt_vtd_s1 */
	K_IOMMU_HWPT_DATA_ARM_SMMUV3 = 2,	/* struct k_iommu_hwpt_arm_smmuv3 */
	K_IOMMU_HWPT_DATA_AMD_GUEST = 3,	/* struct k_iommu_hwpt_amd_guest */
};

/*
 * pt_id an IOAS: a table holding its mappings (data type NONE, no data).
 * pt_id a nesting parent or a vIOMMU: a table the guest owns, described by data.
 */
struct k_iommu_hwpt_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t dev_id;
	uint32_t pt_id;
	uint32_t out_hwpt_id;
	uint32_t __reserved;
	uint32_t data_type;
	uint32_t data_len;
	k_aligned_u64 data_uptr;
	uint32_t fault_id;		/* with FAULT_ID_VALID */
	uint32_t __reserved2;
};
#define K_IOMMU_HWPT_ALLOC _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_HWPT_ALLOC)

/* ---- dirty tracking ---- */

enum k_iommufd_hwpt_set_dirty_tracking_flags {
	K_IOMMU_HWPT_DIRTY_TRACKING_ENABLE = 1,	/* clear: stop */
};

struct k_iommu_hwpt_set_dirty_tracking {
	uint32_t size;
	uint32_t flags;
	uint32_t hwpt_id;
	uint32_t __reserved;
};
#define K_IOMMU_HWPT_SET_DIRTY_TRACKING \
	_IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING)

enum k_iommufd_hwpt_get_dirty_bitmap_flags {
	K_IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR = 1,	/* fit before an unmap */
};

/*
 * Bit n stands for the page at iova + n * page_size; bits are only ever set.
 * Trap: at a hole between mappings the walk stops, and still succeeds with
 * the rest neither read nor cleared. Ask for one mapping at a time.
 */
struct k_iommu_hwpt_get_dirty_bitmap {
	uint32_t size;
	uint32_t hwpt_id;
	uint32_t flags;
	uint32_t __reserved;
	k_aligned_u64 iova;
	k_aligned_u64 length;
	k_aligned_u64 page_size;	/* bytes; trap: rounded down to a power of 2 */
	k_aligned_u64 data;		/* uint64_t[] */
};
#define K_IOMMU_HWPT_GET_DIRTY_BITMAP \
	_IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP)

/* ---- what the IOMMU behind a device is ---- */

enum k_iommu_hw_info_type {
	K_IOMMU_HW_INFO_TYPE_NONE = 0,
	K_IOMMU_HW_INFO_TYPE_DEFAULT = 0,	/* as input: whatever the driver has */
	K_IOMMU_HW_INFO_TYPE_INTEL_VTD = 1,
	K_IOMMU_HW_INFO_TYPE_ARM_SMMUV3 = 2,
	K_IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV = 3,
	K_IOMMU_HW_INFO_TYPE_AMD = 4,
};

enum k_iommufd_hw_capabilities {
	K_IOMMU_HW_CAP_DIRTY_TRACKING = 1 << 0,
	K_IOMMU_HW_CAP_PCI_PASID_EXEC = 1 << 1,	/* only if out_max_pasid_log2 */
	K_IOMMU_HW_CAP_PCI_PASID_PRIV = 1 << 2,	/* only if out_max_pasid_log2 */
	K_IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED = 1 << 3,	/* clear says nothing */
};

enum k_iommufd_hw_info_flags {
	K_IOMMU_HW_INFO_FLAG_INPUT_TYPE = 1 << 0,
};

/*
 * data_len comes back as what the kernel has, which may be more than was
 * asked for and filled; a longer buffer is zeroed at the end.
 */
struct k_iommu_hw_info {
	uint32_t size;
	uint32_t flags;
	uint32_t dev_id;
	uint32_t data_len;
	k_aligned_u64 data_uptr;
	union {
		uint32_t in_data_type;	/* with INPUT_TYPE; 6.17 */
		uint32_t out_data_type;
	};
	uint8_t out_max_pasid_log2;	/* PASID width in bits; 0: no PASID; 6.15 */
	uint8_t __reserved[3];
	k_aligned_u64 out_capabilities;
};
#define K_IOMMU_GET_HW_INFO _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_GET_HW_INFO)

#endif
