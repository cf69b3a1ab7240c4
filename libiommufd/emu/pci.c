/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Configuration space, with the parts that VFIO shows in place of the device's own. */
#include "emu/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/uapi.h"

enum {
	VENDOR_ID = 0x00,
	DEVICE_ID = 0x02,
	COMMAND = 0x04,
	STATUS = 0x06,
	REVISION = 0x08,
	CLASS = 0x0a,
	CACHE_LINE = 0x0c,
	BAR0 = 0x10,
	SUBSYSTEM = 0x2c,
	ROM = 0x30,
	CAPABILITIES = 0x34,
	INTERRUPT_LINE = 0x3c,
	INTERRUPT_PIN = 0x3d,
	MSI = 0x40,
	MSI_SIZE = 0x0e,
	MSIX = 0x50,
	MSIX_SIZE = 0x0c,
	EXPRESS = 0x60,
	EXPRESS_SIZE = 0x3c,
	ERROR_REPORTING = 0x100, /* extended capabilities, read-only here */
	SERIAL_NUMBER = 0x140,

	COMMAND_IO = 0x001,
	COMMAND_MEMORY = 0x002,
	COMMAND_MASTER = 0x004,
	COMMAND_SERR = 0x100,
	COMMAND_INTX_DISABLE = 0x400,
	STATUS_INTERRUPT = 0x08,
	STATUS_CAPABILITIES = 0x10,
	MSI_ENABLE = 0x01,
	MSI_QUEUE_SIZE = 0x70,
	MSI_64BIT = 0x80,
	MSIX_ENABLE = 0x80,
	EXPRESS_DEVCTL = EXPRESS + 0x08,
	EXPRESS_DEVCTL_FLR = 0x80, /* in the high byte */
};

static void set16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void set32(uint8_t *at, uint32_t value)
{
	set16(at, (uint16_t)value);
	set16(at + 2, (uint16_t)(value >> 16));
}

static uint32_t get32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The user writes these bytes, and reads back what was written; the device sees nothing. */
static void virtualize(struct emu_config *config, unsigned int at, unsigned int n)
{
	memset(config->virt_mask + at, 0xff, n);
	memset(config->write_mask + at, 0xff, n);
}

static void add_capability(struct emu_config *config, unsigned int *last, unsigned int at,
			   unsigned int id, unsigned int size)
{
	config->hw[*last] = (uint8_t)at;
	config->hw[at] = (uint8_t)id;
	*last = at + 1;
	/* read-only and the device's, unless said otherwise */
	memset(config->write_mask + at, 0, size);
	memset(config->hw_mask + at, 0, size);
}

static void init_header(const struct emu_device *dev, struct emu_config *config)
{
	uint8_t *hw = config->hw;

	set16(hw + VENDOR_ID, 0x1234);
	set16(hw + DEVICE_ID, 0x11e8);
	set16(hw + COMMAND, COMMAND_IO | COMMAND_MEMORY | COMMAND_SERR);
	hw[STATUS] = STATUS_CAPABILITIES;
	hw[REVISION] = 0x10;
	set16(hw + CLASS, 0x00ff);
	set16(hw + SUBSYSTEM, 0x1af4);
	set16(hw + SUBSYSTEM + 2, 0x1100);
	hw[INTERRUPT_LINE] = 0x0b;
	hw[INTERRUPT_PIN] = 1;
	for (unsigned int i = 0; i < EMU_NR_BARS; i++)
		if (dev->bars[i].size)
			set32(hw + BAR0 + 4 * i, 0xe0000000u + (dev->devfn << 20) + (i << 28));

	set16(config->write_mask + COMMAND, 0xffff);
	set16(config->hw_mask + COMMAND,
	      COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_SERR);
	set16(config->virt_mask + COMMAND, COMMAND_INTX_DISABLE);
	config->write_mask[CACHE_LINE] = config->hw_mask[CACHE_LINE] = 0xff;
	virtualize(config, BAR0, 4 * EMU_NR_BARS);
	virtualize(config, ROM, 4);
	virtualize(config, INTERRUPT_LINE, 1);
}

static void init_capabilities(const struct emu_device *dev, struct emu_config *config)
{
	unsigned int last = CAPABILITIES;
	uint8_t *hw = config->hw;

	/* what no capability claims goes straight to the device, and sticks */
	memset(config->write_mask + 0x40, 0xff, 256 - 0x40);
	memset(config->hw_mask + 0x40, 0xff, 256 - 0x40);

	add_capability(config, &last, MSI, 0x05, MSI_SIZE);
	set16(hw + MSI + 2, MSI_64BIT);
	virtualize(config, MSI + 2, 1);
	virtualize(config, MSI + 4, 10);
	if (!dev->msix)
		return;
	add_capability(config, &last, MSIX, 0x11, MSIX_SIZE);
	set16(hw + MSIX + 2, EMU_MSIX_VECTORS - 1);
	set32(hw + MSIX + 4, 2);	 /* table: BAR 2, offset 0 */
	set32(hw + MSIX + 8, 0x800 | 2); /* pending bits */
	add_capability(config, &last, EXPRESS, 0x10, EXPRESS_SIZE);
	set16(hw + EXPRESS + 2, 0x0092);	      /* version 2, root complex endpoint */
	set32(hw + EXPRESS + 4, 0x10008000);	      /* FLR, role-based errors */
	set16(hw + EXPRESS_DEVCTL, 0x2010);
	virtualize(config, EXPRESS_DEVCTL, 2);
	config->write_mask[EXPRESS_DEVCTL + 1] = 0xfd; /* not phantom functions */
	set16(config->write_mask + EXPRESS + 0x28, 0xffdf);
	set16(config->hw_mask + EXPRESS + 0x28, 0x041f);
	set32(hw + ERROR_REPORTING, SERIAL_NUMBER << 20 | 2 << 16 | 0x0001);
	set32(hw + SERIAL_NUMBER, 1 << 16 | 0x0003);
	set32(hw + SERIAL_NUMBER + 4, 0x11e81234);
}

int emu_config_open(struct emu_device *dev)
{
	struct emu_config *config = calloc(1, sizeof(*config));

	if (!config)
		return -ENOMEM;
	config->size = dev->msix ? sizeof(config->hw) : 256;
	init_header(dev, config);
	init_capabilities(dev, config);
	memcpy(config->virt, config->hw, sizeof(config->virt));
	dev->config = config;
	return 0;
}

static void set_bit(uint8_t *at, uint8_t bit, bool on)
{
	*at = (uint8_t)(on ? *at | bit : *at & ~bit);
}

void emu_config_set_messages(struct emu_device *dev, int index)
{
	uint8_t *hw = dev->config->hw;

	set_bit(hw + MSI + 2, MSI_ENABLE, index == K_VFIO_PCI_MSI_IRQ_INDEX);
	if (dev->msix)
		set_bit(hw + MSIX + 3, MSIX_ENABLE, index == K_VFIO_PCI_MSIX_IRQ_INDEX);
}

bool emu_config_messages(const struct emu_device *dev)
{
	const uint8_t *hw = dev->config->hw;

	return (hw[MSI + 2] & MSI_ENABLE) || (dev->msix && (hw[MSIX + 3] & MSIX_ENABLE));
}

bool emu_config_memory(const struct emu_device *dev)
{
	return dev->config->hw[COMMAND] & COMMAND_MEMORY;
}

bool emu_config_master(const struct emu_device *dev)
{
	return dev->config->hw[COMMAND] & COMMAND_MASTER;
}

/* BARs are sized by writing ones: bits below the size stay zero. */
static void fix_bars(struct emu_device *dev)
{
	uint8_t *virt = dev->config->virt;

	for (unsigned int i = 0; i < EMU_NR_BARS; i++) {
		uint32_t size = dev->bars[i].size;
		uint8_t *at = virt + BAR0 + 4 * i;

		set32(at, size ? get32(at) & ~(size - 1) : 0);
	}
	set32(virt + ROM, 0);
}

/* What follows from a write to [at, at + n). */
static void after_write(struct emu_device *dev, uint64_t at, size_t n)
{
	uint8_t *virt = dev->config->virt;

	if (at < BAR0 + 4 * EMU_NR_BARS || (at < ROM + 4 && at + n > ROM))
		fix_bars(dev);
	if (at < COMMAND + 2 && at + n > COMMAND)
		emu_irq_disable_intx(dev, virt[COMMAND + 1] & (COMMAND_INTX_DISABLE >> 8));
	if (at <= MSI + 2 && at + n > MSI + 2) {
		/* SET_IRQS comes first; one message is all there is */
		if (dev->irq.index != K_VFIO_PCI_MSI_IRQ_INDEX)
			virt[MSI + 2] &= (uint8_t)~MSI_ENABLE;
		virt[MSI + 2] &= (uint8_t)~MSI_QUEUE_SIZE;
		set_bit(dev->config->hw + MSI + 2, MSI_ENABLE, virt[MSI + 2] & MSI_ENABLE);
	}
	if (dev->msix && (virt[EXPRESS_DEVCTL + 1] & EXPRESS_DEVCTL_FLR)) {
		virt[EXPRESS_DEVCTL + 1] &= (uint8_t)~EXPRESS_DEVCTL_FLR;
		emu_device_reset(dev);
	}
}

static void write_bytes(struct emu_device *dev, uint64_t at, const uint8_t *data, size_t n)
{
	struct emu_config *config = dev->config;

	for (size_t i = 0; i < n; i++, at++) {
		uint8_t mask = config->write_mask[at];
		uint8_t to_virt = mask & config->virt_mask[at];
		uint8_t to_hw = (uint8_t)(mask & ~config->virt_mask[at] & config->hw_mask[at]);

		config->virt[at] = (uint8_t)((config->virt[at] & ~to_virt) | (data[i] & to_virt));
		config->hw[at] = (uint8_t)((config->hw[at] & ~to_hw) | (data[i] & to_hw));
	}
}

static void read_bytes(struct emu_device *dev, uint64_t at, uint8_t *data, size_t n)
{
	struct emu_config *config = dev->config;

	config->hw[STATUS] = STATUS_CAPABILITIES | (dev->irq.line ? STATUS_INTERRUPT : 0);
	for (size_t i = 0; i < n; i++, at++)
		data[i] = (uint8_t)((config->hw[at] & ~config->virt_mask[at]) |
				    (config->virt[at] & config->virt_mask[at]));
}

/* In naturally aligned pieces of up to 4 bytes, as on the bus. */
ssize_t emu_config_rw(struct emu_device *dev, uint64_t user, size_t n, uint64_t at, bool write)
{
	size_t done = 0;

	if (at >= dev->config->size || n > dev->config->size - at)
		return -EFAULT;
	while (done < n) {
		size_t size = n - done >= 4 && !(at % 4) ? 4 : n - done >= 2 && !(at % 2) ? 2 : 1;
		uint8_t data[4];
		int r = 0;

		if (write) {
			r = emu_user_read(data, user + done, size);
			if (!r) {
				write_bytes(dev, at, data, size);
				after_write(dev, at, size);
			}
		} else {
			read_bytes(dev, at, data, size);
			r = emu_user_write(user + done, data, size);
		}
		if (r)
			return r;
		done += size;
		at += size;
	}
	return (ssize_t)done;
}
