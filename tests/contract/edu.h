/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * QEMU's edu device, and the emulator's. Its DMA engine moves bytes between its
 * own buffer and an IOVA; one transfer takes 100 ms in QEMU. After a read that
 * the IOMMU refused the buffer holds zeros.
 */
#ifndef EDU_H
#define EDU_H

#include "contract.h"

enum {
	EDU_ID = 0x00,
	EDU_LIVENESS = 0x04,
	EDU_STATUS = 0x20,
	EDU_IRQ_STATUS = 0x24,
	EDU_RAISE = 0x60,
	EDU_ACK = 0x64,
	EDU_DMA_SOURCE = 0x80,
	EDU_DMA_TARGET = 0x88,
	EDU_DMA_COUNT = 0x90,
	EDU_DMA_COMMAND = 0x98,
};

#define EDU_BAR_SIZE 0x100000u
#define EDU_MOST 4088u /* bytes a transfer may have: QEMU aborts at the end of the buffer */

/* A device that may master the bus. */
struct iommufd_device *get_edu(struct fixture *f, enum place place);

uint32_t edu_read(struct iommufd_device *dev, uint32_t reg);
void edu_write(struct iommufd_device *dev, uint32_t reg, uint32_t value);
/* In one piece on every kernel. */
uint64_t edu_read64(struct iommufd_device *dev, uint32_t reg);

/*
 * Into the device's buffer, and out of it. These wait; begin and end are the halves.
 * Without an IOMMU they go where the IOAS says the memory is, and nowhere if it does not.
 */
void edu_fetch(struct iommufd_device *dev, uint64_t iova, uint32_t length);
void edu_store(struct iommufd_device *dev, uint64_t iova, uint32_t length);
void edu_begin_store(struct iommufd_device *dev, uint64_t iova, uint32_t length);
void edu_end(struct iommufd_device *dev);

/* Fills the device's buffer with a pattern, through a mapping of its own that is gone after. */
void edu_fill(struct fixture *f, struct iommufd_device *dev, struct iommufd_ioas *ioas,
	      uint8_t seed);

void fill_pattern(uint8_t *data, size_t length, uint8_t seed);
bool is_pattern(const uint8_t *data, size_t length, uint8_t seed);
bool is_all(const uint8_t *data, size_t length, uint8_t value);

/* Waits up to @ms for an eventfd; the value read, 0 if nothing came. */
uint64_t wait_event(int fd, int ms);

#endif
