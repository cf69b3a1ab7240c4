/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef LIBIOMMUFD_OS_UAPI_NESTING_H
#define LIBIOMMUFD_OS_UAPI_NESTING_H

/*
 * /dev/iommu, continued: what a guest's IOMMU needs. Vendor data, cache
 * invalidation, page faults, virtual IOMMUs, their devices, events and queues.
 */

#include "uapi-iommufd.h"

/* ---- hardware info, one layout per K_IOMMU_HW_INFO_TYPE_* ---- */

enum k_iommu_hw_info_vtd_flags {
	/* No read-only mappings in a nesting parent on this machine. */
	K_IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 = 1 << 0,
};

struct k_iommu_hw_info_vtd {
	uint32_t flags;
	uint32_t __reserved;
	k_aligned_u64 cap_reg;
	k_aligned_u64 ecap_reg;
};

enum k_iommu_hw_info_arm_smmuv3_flags {
	/* Send each TLBI or CFGI, with its SYNC, twice. */
	K_IOMMU_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI = 1 << 0,
};

/*
 * Raw registers. Only these fields may be used, the others may come to mean
 * something else: IDR0 ST_LEVEL, TERM_MODEL, STALL_MODEL, TTENDIAN, CD2L,
 * ASID16, TTF; IDR1 SIDSIZE, SSIDSIZE; IDR3 BBML, RIL; IDR5 VAX, GRAN64K,
 * GRAN16K, GRAN4K, DS.
 */
struct k_iommu_hw_info_arm_smmuv3 {
	uint32_t flags;
	uint32_t __reserved;
	uint32_t idr[6];
	uint32_t iidr;
	uint32_t aidr;
};

/* Fields of the PARAM register; show the guest a single VINTF. */
struct k_iommu_hw_info_tegra241_cmdqv {
	uint32_t flags;
	uint8_t version;
	uint8_t log2vcmdqs;
	uint8_t log2vsids;
	uint8_t __reserved;
};

/* Raw registers; of EFR a guest may see GT, GA, Gio, PPR, EPH, GATS, GLX, PASmax. */
struct k_iommu_hw_info_amd {
	k_aligned_u64 efr;
	k_aligned_u64 efr2;
};

/* ---- guest-owned page tables, one layout per K_IOMMU_HWPT_DATA_* ---- */

enum k_iommu_hwpt_vtd_s1_flags {
	K_IOMMU_VTD_S1_SRE = 1 << 0,	/* supervisor requests */
	K_IOMMU_VTD_S1_EAFE = 1 << 1,	/* extended accessed flag */
	K_IOMMU_VTD_S1_WPE = 1 << 2,	/* write protect */
};

struct k_iommu_hwpt_vtd_s1 {
	k_aligned_u64 flags;
	k_aligned_u64 pgtbl_addr;	/* guest physical */
	uint32_t addr_width;		/* bits */
	uint32_t __reserved;
};

/*
 * The first two words of the guest's stream table entry: V, Cfg, S1Fmt,
 * S1ContextPtr, S1CDMax; EATS, S1DSS, S1CIR, S1COR, S1CSH, S1STALLD. Any
 * other bit is EIO. With Cfg translating, the vDEVICE comes before the attach.
 */
struct k_iommu_hwpt_arm_smmuv3 {
	k_aligned_le64 ste[2];
};

struct k_iommu_hwpt_amd_guest {
	k_aligned_u64 dte[4];		/* guest device table entry */
};

/* ---- cache invalidation ---- */

enum k_iommu_hwpt_invalidate_data_type {
	K_IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 = 0,
	K_IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 = 1,
};

enum k_iommu_hwpt_vtd_s1_invalidate_flags {
	K_IOMMU_VTD_INV_FLAGS_LEAF = 1 << 0,	/* leaf entries only */
};

/* addr 0 with npages UINT64_MAX: everything. Device TLBs follow by themselves. */
struct k_iommu_hwpt_vtd_s1_invalidate {
	k_aligned_u64 addr;		/* on 4 KiB */
	k_aligned_u64 npages;		/* of 4 KiB */
	uint32_t flags;
	uint32_t __reserved;
};

/*
 * One command for the SMMU's queue, given to a vIOMMU: TLBI_NSNH_ALL, NH_VA,
 * NH_VAA, NH_ALL, NH_ASID; ATC_INV; CFGI_CD, CFGI_CD_ALL. Others are EIO.
 */
struct k_iommu_viommu_arm_smmuv3_invalidate {
	k_aligned_le64 cmd[2];
};

/* entry_num 0 asks whether the type is supported and touches nothing. */
struct k_iommu_hwpt_invalidate {
	uint32_t size;
	uint32_t hwpt_id;		/* nested table, or vIOMMU */
	k_aligned_u64 data_uptr;
	uint32_t data_type;
	uint32_t entry_len;		/* bytes per request */
	uint32_t entry_num;		/* out: how many were done, also on error */
	uint32_t __reserved;
};
#define K_IOMMU_HWPT_INVALIDATE _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_HWPT_INVALIDATE)

/* ---- page faults: read requests from the fd, write responses to it ---- */

enum k_iommu_hwpt_pgfault_flags {
	K_IOMMU_PGFAULT_FLAGS_PASID_VALID = 1 << 0,
	K_IOMMU_PGFAULT_FLAGS_LAST_PAGE = 1 << 1,	/* of its group */
};

enum k_iommu_hwpt_pgfault_perm {
	K_IOMMU_PGFAULT_PERM_READ = 1 << 0,
	K_IOMMU_PGFAULT_PERM_WRITE = 1 << 1,
	K_IOMMU_PGFAULT_PERM_EXEC = 1 << 2,
	K_IOMMU_PGFAULT_PERM_PRIV = 1 << 3,
};

/*
 * Read whole records: ESPIPE for any other count, EINVAL when the next group
 * does not fit. A group is answered once, with the cookie of its last page.
 */
struct k_iommu_hwpt_pgfault {
	uint32_t flags;
	uint32_t dev_id;
	uint32_t pasid;
	uint32_t grpid;
	uint32_t perm;
	uint32_t __reserved;
	k_aligned_u64 addr;		/* IOVA */
	uint32_t length;		/* bytes; a hint, 0 if none */
	uint32_t cookie;
};

enum k_iommufd_page_response_code {
	K_IOMMUFD_PAGE_RESP_SUCCESS = 0,	/* the device tries again */
	K_IOMMUFD_PAGE_RESP_INVALID = 1,	/* the device gives up */
};

struct k_iommu_hwpt_page_response {
	uint32_t cookie;
	uint32_t code;
};

struct k_iommu_fault_alloc {
	uint32_t size;
	uint32_t flags;			/* 0 */
	uint32_t out_fault_id;
	uint32_t out_fault_fd;		/* to be closed before the id is destroyed */
};
#define K_IOMMU_FAULT_QUEUE_ALLOC _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_FAULT_QUEUE_ALLOC)

/* ---- vIOMMU: one guest's slice of one physical IOMMU ---- */

enum k_iommu_viommu_type {
	K_IOMMU_VIOMMU_TYPE_DEFAULT = 0,
	K_IOMMU_VIOMMU_TYPE_ARM_SMMUV3 = 1,
	K_IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV = 2,	/* wire HYP_OWN of VINTF_CONFIG to 0 */
};

/* What to mmap from the iommufd for page 0 of the VINTF. */
struct k_iommu_viommu_tegra241_cmdqv {
	k_aligned_u64 out_vintf_mmap_offset;
	k_aligned_u64 out_vintf_mmap_length;
};

struct k_iommu_viommu_alloc {
	uint32_t size;
	uint32_t flags;			/* 0 */
	uint32_t type;
	uint32_t dev_id;		/* any device behind the physical IOMMU */
	uint32_t hwpt_id;		/* nesting parent */
	uint32_t out_viommu_id;
	uint32_t data_len;		/* data: 6.17 */
	uint32_t __reserved;
	k_aligned_u64 data_uptr;
};
#define K_IOMMU_VIOMMU_ALLOC _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_VIOMMU_ALLOC)

/*
 * Destroy it before the device's fd closes: otherwise its id stays taken and
 * cannot be destroyed until the iommufd closes.
 */
struct k_iommu_vdevice_alloc {
	uint32_t size;
	uint32_t viommu_id;
	uint32_t dev_id;
	uint32_t out_vdevice_id;
	k_aligned_u64 virt_id;		/* guest's StreamID, DeviceID or RID */
};
#define K_IOMMU_VDEVICE_ALLOC _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_VDEVICE_ALLOC)

/* ---- vEVENTQ: events of a vIOMMU; read from the fd ---- */

enum k_iommu_veventq_flag {
	K_IOMMU_VEVENTQ_FLAG_LOST_EVENTS = 1 << 0,
};

/*
 * Precedes each event's data. A gap in the sequence (0..INT_MAX, wrapping) is
 * that many lost events; if they were the last, a header with LOST_EVENTS and
 * no data behind it says so.
 */
struct k_iommufd_vevent_header {
	uint32_t flags;
	uint32_t sequence;
};

enum k_iommu_veventq_type {
	K_IOMMU_VEVENTQ_TYPE_DEFAULT = 0,
	K_IOMMU_VEVENTQ_TYPE_ARM_SMMUV3 = 1,
	K_IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV = 2,
};

/* An SMMU event record; its StreamID is the virt_id of the vDEVICE. */
struct k_iommu_vevent_arm_smmuv3 {
	k_aligned_le64 evt[4];
};

struct k_iommu_vevent_tegra241_cmdqv {
	k_aligned_le64 lvcmdq_err_map[2];
};

/* One queue per type and vIOMMU. */
struct k_iommu_veventq_alloc {
	uint32_t size;
	uint32_t flags;			/* 0 */
	uint32_t viommu_id;
	uint32_t type;
	uint32_t veventq_depth;		/* events, beyond which they are lost */
	uint32_t out_veventq_id;
	uint32_t out_veventq_fd;
	uint32_t __reserved;
};
#define K_IOMMU_VEVENTQ_ALLOC _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_VEVENTQ_ALLOC)

/* ---- HW queue: a queue of the guest that hardware reads by itself ---- */

enum k_iommu_hw_queue_type {
	K_IOMMU_HW_QUEUE_TYPE_DEFAULT = 0,
	/* Allocate index 0 upward, destroy from the highest down. */
	K_IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV = 1,
};

struct k_iommu_hw_queue_alloc {
	uint32_t size;
	uint32_t flags;			/* 0 */
	uint32_t viommu_id;
	uint32_t type;
	uint32_t index;			/* per vIOMMU and type */
	uint32_t out_hw_queue_id;
	k_aligned_u64 nesting_parent_iova; /* mapped, and aligned to length */
	k_aligned_u64 length;		/* bytes; power of 2 for CMDQV */
};
#define K_IOMMU_HW_QUEUE_ALLOC _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_HW_QUEUE_ALLOC)

#endif
