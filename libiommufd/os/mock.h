/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef LIBIOMMUFD_OS_MOCK_H
#define LIBIOMMUFD_OS_MOCK_H

/*
 * The command by which a kernel built with CONFIG_IOMMUFD_TEST makes mock devices
 * and plays their hardware, as of Linux 7.3. It is no stable interface: it has no
 * public header, and other releases may number things otherwise. Names are the
 * kernel's with k_ or K_ before them.
 */

#include "uapi.h"

#define K_IOMMU_TEST_CMD _IO(K_IOMMUFD_TYPE, K_IOMMUFD_CMD_BASE + 32)

enum {
	K_IOMMU_TEST_OP_ADD_RESERVED = 1,
	K_IOMMU_TEST_OP_MOCK_DOMAIN = 2,
	K_IOMMU_TEST_OP_MD_CHECK_MAP = 3,
	K_IOMMU_TEST_OP_MD_CHECK_REFS = 4,
	K_IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE = 10,
	K_IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS = 12,
	K_IOMMU_TEST_OP_DIRTY = 13,
	K_IOMMU_TEST_OP_MD_CHECK_IOTLB = 14,
	K_IOMMU_TEST_OP_TRIGGER_IOPF = 15,
	K_IOMMU_TEST_OP_DEV_CHECK_CACHE = 16,
	K_IOMMU_TEST_OP_TRIGGER_VEVENT = 17,
	K_IOMMU_TEST_OP_PASID_ATTACH = 18,
	K_IOMMU_TEST_OP_PASID_REPLACE = 19,
	K_IOMMU_TEST_OP_PASID_DETACH = 20,
	K_IOMMU_TEST_OP_PASID_CHECK_HWPT = 21,
	K_IOMMU_TEST_OP_DMABUF_GET = 22,
	K_IOMMU_TEST_OP_DMABUF_REVOKE = 23,
};

/* What a mock device can reach, and the pages of its tables. */
#define K_MOCK_APERTURE_START UINT64_C(0x1000000)
#define K_MOCK_APERTURE_LAST UINT64_C(0x7fffffff)
#define K_MOCK_PAGE_SIZE 2048u
#define K_MOCK_HUGE_PAGE_SIZE (1u << 20)	/* of tables made for them; such reach all addresses */
#define K_MOCK_PASID_WIDTH 20

/* Devices have all abilities but PASIDs; these change that. */
enum {
	K_MOCK_FLAGS_DEVICE_NO_DIRTY = 1 << 0,
	K_MOCK_FLAGS_DEVICE_PASID = 1 << 2,
};

enum {
	K_MOCK_NESTED_DOMAIN_IOTLB_NUM = 4,
	K_MOCK_DEV_CACHE_NUM = 4,
};

/* Attaching this PASID fails once told so by a replacement: for the kernel's own tests. */
#define K_IOMMU_TEST_PASID_RESERVED 1024

/* What @id is depends on @op: a page table, or the mock device ("stdev"). */
struct k_iommu_test_cmd {
	uint32_t size;
	uint32_t op;
	uint32_t id;
	uint32_t __reserved;
	union {
		struct {
			k_aligned_u64 start;
			k_aligned_u64 length;
		} add_reserved;
		struct {
			uint32_t out_stdev_id; /* DESTROY detaches it, and removes it */
			uint32_t out_hwpt_id;
			uint32_t out_idev_id;  /* the device as iommufd knows it */
			uint32_t dev_flags;    /* of MOCK_DOMAIN_FLAGS alone */
		} mock_domain_flags;
		struct {
			uint32_t pt_id;
		} mock_domain_replace;
		struct {
			k_aligned_u64 iova;
			k_aligned_u64 length;
			k_aligned_u64 uptr;
		} check_map;
		struct {
			k_aligned_u64 length;
			k_aligned_u64 uptr;
			uint32_t refs;
		} check_refs;
		struct {
			uint32_t flags;
			k_aligned_u64 iova;
			k_aligned_u64 length;
			k_aligned_u64 page_size;
			k_aligned_u64 uptr;    /* bits to set */
			k_aligned_u64 out_nr_dirty;
		} dirty;
		struct {
			uint32_t id;
			uint32_t iotlb;
		} check_iotlb;
		struct {
			uint32_t dev_id;
			uint32_t pasid;
			uint32_t grpid;
			uint32_t perm;
			uint64_t addr;
		} trigger_iopf;
		struct {
			uint32_t id;
			uint32_t cache;
		} check_dev_cache;
		struct {
			uint32_t dev_id;
		} trigger_vevent;
		struct {
			uint32_t pasid;
			uint32_t pt_id;
		} pasid_attach; /* and PASID_REPLACE */
		struct {
			uint32_t pasid;
		} pasid_detach;
		struct {
			uint32_t pasid;
			uint32_t hwpt_id;
		} pasid_check;
		struct {
			uint32_t length;
			uint32_t open_flags;
		} dmabuf_get;
		struct {
			int32_t dmabuf_fd;
			uint32_t revoked;
		} dmabuf_revoke;
	};
	uint32_t last;
};

/* IOMMU_GET_HW_INFO of a mock device. */
#define K_IOMMU_HW_INFO_TYPE_SELFTEST 0xfeedbeef
#define K_IOMMU_HW_INFO_SELFTEST_REGVAL 0xdeadbeef

struct k_iommu_test_hw_info {
	uint32_t flags;
	uint32_t test_reg;
};

/* A nested table, and what its simulated IOTLB entries hold at first. */
#define K_IOMMU_HWPT_DATA_SELFTEST 0xdead
#define K_IOMMU_TEST_IOTLB_DEFAULT 0xbadbeef
#define K_IOMMU_TEST_DEV_CACHE_DEFAULT 0xbaddad

struct k_iommu_hwpt_selftest {
	uint32_t iotlb;
	uint32_t pagetable_type; /* of a paging table: 0, or 1 with huge pages */
};

/* Invalidation by a nested table, and by a vIOMMU. */
#define K_IOMMU_HWPT_INVALIDATE_DATA_SELFTEST 0xdeadbeef
#define K_IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST 0xdeadbeef
#define K_IOMMU_TEST_INVALIDATE_FLAG_ALL (1u << 0)

struct k_iommu_hwpt_invalidate_selftest {
	uint32_t flags;
	uint32_t iotlb_id;
};

struct k_iommu_viommu_invalidate_selftest {
	uint32_t flags;
	uint32_t vdev_id;
	uint32_t cache_id;
};

#define K_IOMMU_VIOMMU_TYPE_SELFTEST 0xdeadbeef

struct k_iommu_viommu_selftest {
	uint32_t in_data;
	uint32_t out_data; /* the same */
	k_aligned_u64 out_mmap_offset; /* of a page that holds it */
	k_aligned_u64 out_mmap_length;
};

#define K_IOMMU_VEVENTQ_TYPE_SELFTEST 0xbeefbeef

struct k_iommu_viommu_event_selftest {
	uint32_t virt_id;
};

#define K_IOMMU_HW_QUEUE_TYPE_SELFTEST 0xdeadbeef
#define K_IOMMU_TEST_HW_QUEUE_MAX 2

#endif
