/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef LIBIOMMUFD_OS_UAPI_FEATURE_H
#define LIBIOMMUFD_OS_UAPI_FEATURE_H

/*
 * VFIO_DEVICE_FEATURE: one ioctl, many optional services of a device.
 * Migration (version 2), DMA logging, low power, tokens, dma-buf.
 */

#include "uapi-vfio.h"

#define K_VFIO_DEVICE_FEATURE_MASK 0xffff	/* which feature */
#define K_VFIO_DEVICE_FEATURE_GET (1 << 16)
#define K_VFIO_DEVICE_FEATURE_SET (1 << 17)
#define K_VFIO_DEVICE_FEATURE_PROBE (1 << 18)	/* with GET, SET: are these possible? */

/* ENOTTY: the device (or the kernel) has no such feature. */
struct k_vfio_device_feature {
	uint32_t argsz;
	uint32_t flags;
	uint8_t data[];
};
#define K_VFIO_DEVICE_FEATURE _IO(K_VFIO_TYPE, K_VFIO_BASE + 17)

/* SET, uint8_t[16]: the secret shared by a PF and those who open its VFs. */
#define K_VFIO_DEVICE_FEATURE_PCI_VF_TOKEN 0

/* ---- migration ---- */

/* GET: which states there are beyond RUNNING and ERROR. */
#define K_VFIO_DEVICE_FEATURE_MIGRATION 1	/* 5.18 */

#define K_VFIO_MIGRATION_STOP_COPY (1 << 0)	/* STOP, STOP_COPY, RESUMING */
#define K_VFIO_MIGRATION_P2P (1 << 1)		/* RUNNING_P2P */
#define K_VFIO_MIGRATION_PRE_COPY (1 << 2)	/* PRE_COPY; with P2P: PRE_COPY_P2P; 6.2 */

struct k_vfio_device_feature_migration {
	k_aligned_u64 flags;
};

/*
 * GET and SET. The kernel walks through the states between; where that starts
 * a transfer data_fd carries it, and is the caller's to close. After a failed
 * SET any state on the way is possible, so GET it; ERROR is left by a reset.
 */
#define K_VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE 2	/* 5.18 */

enum k_vfio_device_mig_state {
	K_VFIO_DEVICE_STATE_ERROR = 0,
	K_VFIO_DEVICE_STATE_STOP = 1,
	K_VFIO_DEVICE_STATE_RUNNING = 2,
	K_VFIO_DEVICE_STATE_STOP_COPY = 3,
	K_VFIO_DEVICE_STATE_RESUMING = 4,
	K_VFIO_DEVICE_STATE_RUNNING_P2P = 5,
	K_VFIO_DEVICE_STATE_PRE_COPY = 6,
	K_VFIO_DEVICE_STATE_PRE_COPY_P2P = 7,
	K_VFIO_DEVICE_STATE_NR = 8,
};

struct k_vfio_device_feature_mig_state {
	uint32_t device_state;
	int32_t data_fd;		/* -1: none */
};

/* GET: an estimate of what STOP_COPY will transfer; in any state. */
#define K_VFIO_DEVICE_FEATURE_MIG_DATA_SIZE 9	/* 6.2 */

struct k_vfio_device_feature_mig_data_size {
	k_aligned_u64 stop_copy_length;	/* bytes */
};

/* SET, no data: makes k_vfio_precopy_info.flags mean something. */
#define K_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 12

/* New initial data appeared; initial_bytes and dirty_bytes start over. */
#define K_VFIO_PRECOPY_INFO_REINIT (1 << 0)

/*
 * On the data_fd, in the PRE_COPY states; EINVAL in others. Go on to
 * STOP_COPY when initial_bytes is 0. With both 0, read() gives ENOMSG: there
 * is nothing for now.
 */
struct k_vfio_precopy_info {
	uint32_t argsz;
	uint32_t flags;
	k_aligned_u64 initial_bytes;
	k_aligned_u64 dirty_bytes;
};
#define K_VFIO_MIG_GET_PRECOPY_INFO _IO(K_VFIO_TYPE, K_VFIO_BASE + 21)

/* ---- DMA logging: dirty tracking made by the device ---- */

/* SET. Only writes, only in these ranges; one log at a time. */
#define K_VFIO_DEVICE_FEATURE_DMA_LOGGING_START 6	/* 6.1, as the next two */

struct k_vfio_device_feature_dma_logging_control {
	k_aligned_u64 page_size;	/* bytes, a wish; out: what it became */
	uint32_t num_ranges;		/* as many as fill a page are certain */
	uint32_t __reserved;
	k_aligned_u64 ranges;		/* struct k_vfio_device_feature_dma_logging_range[] */
};

struct k_vfio_device_feature_dma_logging_range {
	k_aligned_u64 iova;
	k_aligned_u64 length;
};

/* SET, no data. */
#define K_VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP 7

/*
 * GET. Reads and clears; bits are only ever set, and bit n stands for
 * iova + n * page_size. After any error take all memory for dirty.
 */
#define K_VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT 8

struct k_vfio_device_feature_dma_logging_report {
	k_aligned_u64 iova;
	k_aligned_u64 length;
	k_aligned_u64 page_size;	/* bytes, a power of 2 */
	k_aligned_u64 bitmap;		/* uint64_t[] */
};

/* ---- power ---- */

/* SET, no data. Mapped regions cannot be touched until the exit. */
#define K_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY 3	/* 6.1, as the next two */

/* SET. The eventfd fires when the device woke up, which is then an exit. */
#define K_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP 4

struct k_vfio_device_low_power_entry_with_wakeup {
	int32_t wakeup_eventfd;
	uint32_t reserved;
};

/* SET, no data. */
#define K_VFIO_DEVICE_FEATURE_LOW_POWER_EXIT 5

/* ---- bus master, for buses without a register for it (CDX) ---- */

#define K_VFIO_DEVICE_FEATURE_BUS_MASTER 10	/* SET */

#define K_VFIO_DEVICE_FEATURE_CLEAR_MASTER 0
#define K_VFIO_DEVICE_FEATURE_SET_MASTER 1

struct k_vfio_device_feature_bus_master {
	uint32_t op;
};

/* ---- dma-buf of a region, for peer-to-peer ---- */

/* GET. The fd is the return value. */
#define K_VFIO_DEVICE_FEATURE_DMA_BUF 11	/* 6.19 */

struct k_vfio_region_dma_range {
	uint64_t offset;		/* in the region */
	uint64_t length;
};

struct k_vfio_device_feature_dma_buf {
	uint32_t region_index;
	uint32_t open_flags;		/* O_CLOEXEC, O_RDWR, ... */
	uint32_t flags;			/* 0 */
	uint32_t nr_ranges;
	struct k_vfio_region_dma_range dma_ranges[];
};

#endif
