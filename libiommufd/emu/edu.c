/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The edu device: identification, liveness, factorials, interrupts and DMA. */
#include "emu/device.h"

#include <errno.h>
#include <string.h>

#include "emu/container.h"
#include "emu/engine.h"
#include "emu/type1.h"
#include "os/uapi.h"

enum {
	REG_ID = 0x00,
	REG_LIVENESS = 0x04,
	REG_FACTORIAL = 0x08,
	REG_STATUS = 0x20,
	REG_IRQ_STATUS = 0x24,
	REG_IRQ_RAISE = 0x60,
	REG_IRQ_ACK = 0x64,
	REG_IRQ_VECTOR = 0x68,	/* of this model's MSI-X device: raise the vector written */
	REG_DMA_SOURCE = 0x80,
	REG_DMA_TARGET = 0x88,
	REG_DMA_COUNT = 0x90,
	REG_DMA_COMMAND = 0x98,

	ID = 0x010000ed,
	STATUS_COMPUTING = 0x01,
	STATUS_IRQ = 0x80,
	DMA_RUN = 0x01,
	DMA_TO_MEMORY = 0x02,
	DMA_IRQ = 0x04,
	IRQ_FACTORIAL = 0x001,
	IRQ_DMA = 0x100,
	BUFFER_START = 0x40000,
};

void emu_edu_reset(struct emu_device *dev)
{
	memset(&dev->edu, 0, sizeof(dev->edu));
}

bool emu_edu_busy(const struct emu_device *dev)
{
	return (dev->edu.status & STATUS_COMPUTING) || (dev->edu.command & DMA_RUN);
}

uint64_t emu_edu_read(const struct emu_device *dev, uint64_t at, unsigned int size)
{
	const struct emu_edu *edu = &dev->edu;

	if (size < 4)
		return 0;
	if (at < REG_DMA_SOURCE && size != 4)
		return UINT64_MAX;
	switch (at) {
	case REG_ID:
		return ID;
	case REG_LIVENESS:
		return edu->liveness;
	case REG_FACTORIAL:
		return edu->factorial;
	case REG_STATUS:
		return edu->status;
	case REG_IRQ_STATUS:
		return edu->irq_status;
	case REG_DMA_SOURCE:
		return edu->source;
	case REG_DMA_TARGET:
		return edu->target;
	case REG_DMA_COUNT:
		return edu->count;
	case REG_DMA_COMMAND:
		return edu->command;
	default:
		return UINT64_MAX;
	}
}

static void raise_irq(struct emu_device *dev, uint32_t value)
{
	dev->edu.irq_status |= value;
	if (!dev->edu.irq_status)
		return;
	if (emu_config_messages(dev))
		emu_irq_message(dev, 0);
	else
		emu_irq_line(dev, true);
}

static void ack_irq(struct emu_device *dev, uint32_t value)
{
	dev->edu.irq_status &= ~value;
	if (!dev->edu.irq_status && !emu_config_messages(dev))
		emu_irq_line(dev, false);
}

void emu_edu_write(struct emu_device *dev, uint64_t at, unsigned int size, uint64_t value)
{
	struct emu_edu *edu = &dev->edu;
	bool dma_idle = !(edu->command & DMA_RUN);

	if (size < 4 || (at < REG_DMA_SOURCE && size != 4))
		return;
	switch (at) {
	case REG_LIVENESS:
		edu->liveness = ~(uint32_t)value;
		break;
	case REG_FACTORIAL:
		if (edu->status & STATUS_COMPUTING)
			break;
		edu->factorial = (uint32_t)value;
		edu->status |= STATUS_COMPUTING;
		break;
	case REG_STATUS:
		edu->status = (edu->status & STATUS_COMPUTING) | (value & STATUS_IRQ);
		break;
	case REG_IRQ_RAISE:
		raise_irq(dev, (uint32_t)value);
		break;
	case REG_IRQ_ACK:
		ack_irq(dev, (uint32_t)value);
		break;
	case REG_IRQ_VECTOR:
		if (dev->msix && dev->irq.index == K_VFIO_PCI_MSIX_IRQ_INDEX &&
		    value < EMU_MSIX_VECTORS)
			emu_irq_message(dev, (unsigned int)value);
		break;
	case REG_DMA_SOURCE:
		if (dma_idle)
			edu->source = value;
		break;
	case REG_DMA_TARGET:
		if (dma_idle)
			edu->target = value;
		break;
	case REG_DMA_COUNT:
		if (dma_idle)
			edu->count = value;
		break;
	case REG_DMA_COMMAND:
		if (dma_idle && (value & DMA_RUN))
			edu->command = value;
		break;
	}
	if (emu_edu_busy(dev))
		emu_engine_kick(dev->emu);
}

/* What the IOMMU makes of one access within a page; false if it refuses. */
static bool access_memory(struct emu_device *dev, uint64_t iova, void *buf, size_t n,
			  bool to_memory)
{
	const struct emu_container *container = dev->group->container;
	const struct emu_hwpt *hwpt = dev->group->hwpt;
	uint32_t need = to_memory ? K_IOMMU_IOAS_MAP_WRITEABLE : K_IOMMU_IOAS_MAP_READABLE;
	const struct emu_area *area;
	size_t i;

	if (!emu_config_master(dev))
		return false;
	if (emu_is_noiommu(dev->emu))
		return !(to_memory ? emu_user_write(iova, buf, n) : emu_user_read(buf, iova, n));
	if (container)
		return container->type1 &&
		       emu_type1_access(container->type1, iova, buf, n, to_memory);
	if (!hwpt)
		return false;
	i = emu_ioas_search(hwpt->ioas, iova);
	if (i == hwpt->ioas->nr_areas)
		return false;
	area = hwpt->ioas->areas[i];
	if (iova < area->start || iova + (n - 1) > area->last || !(area->flags & need))
		return false;
	return !emu_area_copy(area, iova, buf, n, to_memory);
}

/* Page by page: what is refused is dropped on the way out, and zero on the way in. */
static void transfer(struct emu_device *dev, uint64_t iova, uint8_t *buf, size_t n, bool to_memory)
{
	while (n) {
		size_t part = EMU_PAGE - iova % EMU_PAGE;

		if (part > n)
			part = n;
		if (access_memory(dev, iova, buf, part, to_memory)) {
			dev->emu->counts.dma_bytes += part;
		} else {
			dev->emu->counts.dma_faults++;
			if (!to_memory)
				memset(buf, 0, part);
		}
		iova += part;
		buf += part;
		n -= part;
	}
}

static void run_dma(struct emu_device *dev)
{
	struct emu_edu *edu = &dev->edu;
	bool to_memory = edu->command & DMA_TO_MEMORY;
	uint64_t at = (to_memory ? edu->source : edu->target) - BUFFER_START;
	uint64_t iova = to_memory ? edu->target : edu->source;
	bool irq = edu->command & DMA_IRQ;

	if (at <= sizeof(edu->buffer) && edu->count <= sizeof(edu->buffer) - at)
		transfer(dev, iova, edu->buffer + at, edu->count, to_memory);
	else
		dev->emu->counts.dma_faults++;
	edu->command &= ~(uint64_t)DMA_RUN;
	if (irq)
		raise_irq(dev, IRQ_DMA);
}

static void run_factorial(struct emu_device *dev)
{
	struct emu_edu *edu = &dev->edu;
	uint32_t n = edu->factorial, product = 1;

	/* 34! and beyond are a multiple of 2^32 */
	for (product = n < 34; n > 1 && product; n--)
		product *= n;
	edu->factorial = product;
	edu->status &= ~(uint32_t)STATUS_COMPUTING;
	if (edu->status & STATUS_IRQ)
		raise_irq(dev, IRQ_FACTORIAL);
}

void emu_edu_run(struct emu_device *dev)
{
	if (dev->edu.status & STATUS_COMPUTING)
		run_factorial(dev);
	if (dev->edu.command & DMA_RUN)
		run_dma(dev);
}
