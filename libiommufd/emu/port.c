/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Serial ports, as VFIO shows them: registers, interrupts, and an address space. */
#include "emu/port.h"

#include <errno.h>
#include <string.h>

#include "os/uapi.h"

#define CONFIG_SIZE 0xff

enum { REG_DATA = 0, REG_FIFO = 2 };

static int device_info(struct emu_device *dev, uint64_t arg)
{
	struct k_vfio_device_info info;
	int r = emu_device_info(dev, arg);

	if (r)
		return r;
	r = emu_user_read(&info, arg, emu_endof(struct k_vfio_device_info, flags));
	info.flags = K_VFIO_DEVICE_FLAGS_PCI;
	return r ? r : emu_user_write(arg, &info, emu_endof(struct k_vfio_device_info, flags));
}

static int region_info(struct emu_device *dev, uint64_t arg)
{
	struct k_vfio_region_info info;
	int r = emu_user_read(&info, arg, sizeof(info));

	(void)dev;
	if (r)
		return r;
	if (info.argsz < sizeof(info) || info.index >= K_VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info.offset = (uint64_t)info.index << EMU_REGION_SHIFT;
	info.size = info.index < EMU_PORT_LINES ? EMU_PORT_REGISTERS :
		    info.index == K_VFIO_PCI_CONFIG_REGION_INDEX ? CONFIG_SIZE : 0;
	info.flags = K_VFIO_REGION_INFO_FLAG_READ | K_VFIO_REGION_INFO_FLAG_WRITE;
	return emu_user_write(arg, &info, sizeof(info));
}

static int irq_info(struct emu_device *dev, uint64_t arg)
{
	uint32_t index;
	int r = emu_user_read(&index, arg + offsetof(struct k_vfio_irq_info, index), sizeof(index));

	if (r)
		return r;
	return index > K_VFIO_PCI_MSI_IRQ_INDEX ? -EINVAL : emu_irq_info(dev, arg);
}

static int reset(struct emu_device *dev, uint64_t arg)
{
	(void)arg;
	emu_port_end_transfer(dev->port);
	dev->port->state = K_VFIO_DEVICE_STATE_RUNNING;
	return 0;
}

static const struct {
	uint32_t request;
	int (*serve)(struct emu_device *dev, uint64_t arg);
} rows[] = {
	{ K_VFIO_DEVICE_ATTACH_IOMMUFD_PT, emu_device_attach },
	{ K_VFIO_DEVICE_DETACH_IOMMUFD_PT, emu_device_detach },
	{ K_VFIO_DEVICE_FEATURE, emu_port_feature },
	{ K_VFIO_DEVICE_GET_INFO, device_info },
	{ K_VFIO_DEVICE_GET_IRQ_INFO, irq_info },
	{ K_VFIO_DEVICE_GET_REGION_INFO, region_info },
	{ K_VFIO_DEVICE_RESET, reset },
	{ K_VFIO_DEVICE_SET_IRQS, emu_irq_set },
};

int emu_port_ioctl(struct emu_device *dev, uint32_t request, uint64_t arg)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].request == request)
			return rows[i].serve(dev, arg);
	return -ENOTTY;
}

static void write_register(struct emu_line *line, uint64_t at, uint8_t value)
{
	if (at == REG_FIFO) {
		line->room = value & 1 ? EMU_PORT_FIFO : 1;
		if (value & 6)
			line->head = line->tail = line->count = 0;
	} else if (at != REG_DATA) {
		line->registers[at] = value;
	} else if (line->count < line->room) {
		line->fifo[line->head] = value;
		line->head = (uint8_t)((line->head + 1) % EMU_PORT_FIFO);
		line->count++;
	}
}

static uint8_t read_register(struct emu_line *line, uint64_t at)
{
	uint8_t value;

	if (at != REG_DATA)
		return line->registers[at];
	if (!line->count)
		return 0;
	value = line->fifo[line->tail];
	line->tail = (uint8_t)((line->tail + 1) % EMU_PORT_FIFO);
	line->count--;
	return value;
}

/* Of a register that is wider than a byte the first byte counts. */
static int one_byte(struct emu_device *dev, uint64_t user, uint64_t offset, bool write)
{
	uint64_t index = EMU_REGION_INDEX(offset), at = EMU_REGION_AT(offset);
	struct emu_line *line;
	uint8_t value = 0;
	int r;

	if (index == K_VFIO_PCI_CONFIG_REGION_INDEX)
		return write ? 0 : emu_user_write(user, &dev->config->virt[at % CONFIG_SIZE], 1);
	if (index >= EMU_NR_BARS)
		return -EFAULT;
	line = index < EMU_PORT_LINES && at < EMU_PORT_REGISTERS ? &dev->port->lines[index] : NULL;
	if (!write) {
		value = line ? read_register(line, at) : 0;
		return emu_user_write(user, &value, 1);
	}
	r = emu_user_read(&value, user, 1);
	if (!r && line)
		write_register(line, at, value);
	return r;
}

ssize_t emu_port_rw(struct emu_device *dev, uint64_t user, size_t n, uint64_t offset, bool write)
{
	for (size_t i = 0; i < n; i++)
		if (one_byte(dev, user + i, offset + i, write))
			return -EFAULT;
	return (ssize_t)n;
}

/* It has no page table: an address space is all that it can be attached to. */
int emu_port_connect(struct emu_device *dev, bool pasid, uint32_t pt_id)
{
	struct emu_ioas *ioas = emu_ioas_get(dev->iommu, pt_id);

	if (pasid)
		return -EOPNOTSUPP;
	if (!ioas)
		return -ENOENT;
	emu_port_disconnect(dev);
	dev->port->ioas = ioas;
	ioas->object.users++;
	dev->attached = true;
	dev->emu->counts.attached++;
	return 0;
}

void emu_port_disconnect(struct emu_device *dev)
{
	if (!dev->port->ioas)
		return;
	dev->port->ioas->object.users--;
	dev->port->ioas = NULL;
	dev->attached = false;
	dev->emu->counts.attached--;
}
