/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* VFIO_DEVICE_SET_IRQS, and the interrupts that come of it. */
#include "emu/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/engine.h"
#include "os/uapi.h"

/* One request, checked; data has count elements of the kind that flags tell. */
struct request {
	struct emu_device *dev;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	const uint8_t *data;
};

static int32_t fd_at(const struct request *rq, uint32_t i)
{
	int32_t fd;

	memcpy(&fd, rq->data + i * sizeof(fd), sizeof(fd));
	return fd;
}

/* DATA_NONE acts on all, DATA_BOOL on those that are not zero. */
static bool chosen(const struct request *rq, uint32_t i)
{
	return (rq->flags & K_VFIO_IRQ_SET_DATA_NONE) || rq->data[i];
}

void emu_irq_init(struct emu_device *dev)
{
	memset(&dev->irq, 0, sizeof(dev->irq));
	dev->irq.index = EMU_IRQ_NONE;
	for (size_t i = 0; i < EMU_MSIX_VECTORS; i++)
		dev->irq.vectors[i] = -1;
	dev->irq.unmask = -1;
	dev->irq.error = -1;
	dev->irq.request = -1;
}

static void disable(struct emu_device *dev)
{
	for (size_t i = 0; i < EMU_MSIX_VECTORS; i++)
		emu_eventfd_put(dev->emu, &dev->irq.vectors[i]);
	emu_eventfd_put(dev->emu, &dev->irq.unmask);
	emu_config_set_messages(dev, EMU_IRQ_NONE);
	dev->irq.index = EMU_IRQ_NONE;
}

void emu_irq_close(struct emu_device *dev)
{
	disable(dev);
	emu_eventfd_put(dev->emu, &dev->irq.error);
	emu_eventfd_put(dev->emu, &dev->irq.request);
}

/* ---- INTx: a level, masked by the kernel each time it is delivered ---- */

static bool is_intx(const struct emu_device *dev)
{
	return dev->irq.index == K_VFIO_PCI_INTX_IRQ_INDEX;
}

static void signal_intx(struct emu_device *dev)
{
	if (!dev->irq.disabled)
		emu_eventfd_signal(dev->irq.vectors[0]);
}

static void deliver_intx(struct emu_device *dev)
{
	if (!is_intx(dev) || !dev->irq.line || dev->irq.masked || dev->irq.disabled)
		return;
	dev->irq.masked = true;
	signal_intx(dev);
}

void emu_irq_line(struct emu_device *dev, bool up)
{
	dev->irq.line = up;
	deliver_intx(dev);
}

void emu_irq_unmask(struct emu_device *dev)
{
	if (!is_intx(dev) || !dev->irq.masked || dev->irq.disabled)
		return;
	dev->irq.masked = false;
	deliver_intx(dev);
}

void emu_irq_disable_intx(struct emu_device *dev, bool off)
{
	if (off == dev->irq.disabled)
		return;
	dev->irq.disabled = off;
	if (off && is_intx(dev))
		dev->irq.masked = true;
	else
		emu_irq_unmask(dev);
}

static int intx_mask(const struct request *rq)
{
	if (!is_intx(rq->dev) || rq->start || rq->count != 1)
		return -EINVAL;
	if (rq->flags & K_VFIO_IRQ_SET_DATA_EVENTFD)
		return -ENOTTY;
	if (chosen(rq, 0))
		rq->dev->irq.masked = true;
	return 0;
}

static int intx_unmask(const struct request *rq)
{
	struct emu_device *dev = rq->dev;
	int fd;

	if (!is_intx(dev) || rq->start || rq->count != 1)
		return -EINVAL;
	if (!(rq->flags & K_VFIO_IRQ_SET_DATA_EVENTFD)) {
		if (chosen(rq, 0))
			emu_irq_unmask(dev);
		return 0;
	}
	if (fd_at(rq, 0) < 0) {
		emu_eventfd_put(dev->emu, &dev->irq.unmask);
		return 0;
	}
	fd = emu_eventfd_get(dev->emu, fd_at(rq, 0));
	if (fd < 0)
		return fd;
	if (dev->irq.unmask >= 0) {
		emu_eventfd_put(dev->emu, &fd);
		return -EBUSY;
	}
	dev->irq.unmask = fd;
	emu_engine_kick(dev->emu);
	return 0;
}

static int intx_set_eventfd(const struct request *rq)
{
	struct emu_device *dev = rq->dev;
	int fd = -1;

	if (fd_at(rq, 0) >= 0) {
		fd = emu_eventfd_get(dev->emu, fd_at(rq, 0));
		if (fd < 0)
			return fd;
	}
	emu_eventfd_put(dev->emu, &dev->irq.vectors[0]);
	dev->irq.vectors[0] = fd;
	if (!is_intx(dev)) {
		dev->irq.index = K_VFIO_PCI_INTX_IRQ_INDEX;
		dev->irq.masked = dev->irq.disabled;
		deliver_intx(dev);
	}
	return 0;
}

static int intx_trigger(const struct request *rq)
{
	struct emu_device *dev = rq->dev;

	if (is_intx(dev) && !rq->count && (rq->flags & K_VFIO_IRQ_SET_DATA_NONE)) {
		disable(dev);
		return 0;
	}
	if ((!is_intx(dev) && dev->irq.index != EMU_IRQ_NONE) || rq->start || rq->count != 1)
		return -EINVAL;
	if (rq->flags & K_VFIO_IRQ_SET_DATA_EVENTFD)
		return intx_set_eventfd(rq);
	if (!is_intx(dev))
		return -EINVAL;
	if (chosen(rq, 0))
		signal_intx(dev);
	return 0;
}

/* ---- MSI and MSI-X: messages, which need bus mastering ---- */

void emu_irq_message(struct emu_device *dev, unsigned int vector)
{
	if (emu_config_master(dev))
		emu_eventfd_signal(dev->irq.vectors[vector]);
}

static int set_vector(struct emu_device *dev, uint32_t vector, int32_t user_fd)
{
	int fd;

	emu_eventfd_put(dev->emu, &dev->irq.vectors[vector]);
	if (user_fd < 0)
		return 0;
	fd = emu_eventfd_get(dev->emu, user_fd);
	if (fd < 0)
		return fd;
	dev->irq.vectors[vector] = fd;
	return 0;
}

static int set_vectors(const struct request *rq)
{
	for (uint32_t i = 0; i < rq->count; i++) {
		int r = set_vector(rq->dev, rq->start + i, fd_at(rq, i));

		if (r) {
			while (i--) /* the kernel leaves the whole block off, not as it was */
				set_vector(rq->dev, rq->start + i, -1);
			return r;
		}
	}
	return 0;
}

static int msi_set_eventfds(const struct request *rq)
{
	struct emu_device *dev = rq->dev;
	int r;

	if (dev->irq.index == (int)rq->index)
		return set_vectors(rq);
	if (!(rq->start + rq->count))
		return -ERANGE;
	dev->irq.index = (int)rq->index;
	emu_config_set_messages(dev, dev->irq.index);
	r = set_vectors(rq);
	if (r)
		disable(dev);
	return r;
}

static int msi_trigger(const struct request *rq)
{
	struct emu_device *dev = rq->dev;
	bool mine = dev->irq.index == (int)rq->index;

	if (mine && !rq->count && (rq->flags & K_VFIO_IRQ_SET_DATA_NONE)) {
		disable(dev);
		return 0;
	}
	if (!mine && dev->irq.index != EMU_IRQ_NONE)
		return -EINVAL;
	if (rq->flags & K_VFIO_IRQ_SET_DATA_EVENTFD)
		return msi_set_eventfds(rq);
	if (!mine)
		return -EINVAL;
	for (uint32_t i = 0; i < rq->count; i++)
		if (chosen(rq, i))
			emu_eventfd_signal(dev->irq.vectors[rq->start + i]);
	return 0;
}

/* ---- ERR and REQ: messages of the host ---- */

static int host_trigger(const struct request *rq)
{
	struct iommufd_emu *emu = rq->dev->emu;
	int *slot =
		rq->index == K_VFIO_PCI_ERR_IRQ_INDEX ? &rq->dev->irq.error : &rq->dev->irq.request;
	int fd;

	if (rq->flags & K_VFIO_IRQ_SET_DATA_NONE) {
		if (*slot < 0)
			return -EINVAL;
		if (rq->count)
			emu_eventfd_signal(*slot);
		else
			emu_eventfd_put(emu, slot);
		return 0;
	}
	if (!rq->count)
		return -EINVAL;
	if (rq->flags & K_VFIO_IRQ_SET_DATA_BOOL) {
		if (rq->data[0])
			emu_eventfd_signal(*slot);
		return 0;
	}
	fd = fd_at(rq, 0);
	if (fd < -1)
		return -EINVAL;
	if (fd >= 0) {
		fd = emu_eventfd_get(emu, fd);
		if (fd < 0)
			return fd;
	}
	emu_eventfd_put(emu, slot);
	*slot = fd;
	return 0;
}

/* ---- the request ---- */

static const struct {
	uint32_t index;
	uint32_t action;
	int (*serve)(const struct request *rq);
} actions[] = {
	{ K_VFIO_PCI_INTX_IRQ_INDEX, K_VFIO_IRQ_SET_ACTION_MASK, intx_mask },
	{ K_VFIO_PCI_INTX_IRQ_INDEX, K_VFIO_IRQ_SET_ACTION_UNMASK, intx_unmask },
	{ K_VFIO_PCI_INTX_IRQ_INDEX, K_VFIO_IRQ_SET_ACTION_TRIGGER, intx_trigger },
	{ K_VFIO_PCI_MSI_IRQ_INDEX, K_VFIO_IRQ_SET_ACTION_TRIGGER, msi_trigger },
	{ K_VFIO_PCI_MSIX_IRQ_INDEX, K_VFIO_IRQ_SET_ACTION_TRIGGER, msi_trigger },
	{ K_VFIO_PCI_ERR_IRQ_INDEX, K_VFIO_IRQ_SET_ACTION_TRIGGER, host_trigger },
	{ K_VFIO_PCI_REQ_IRQ_INDEX, K_VFIO_IRQ_SET_ACTION_TRIGGER, host_trigger },
};

static int check(const struct emu_device *dev, const struct k_vfio_irq_set *in, size_t *data_size)
{
	const size_t min = emu_endof(struct k_vfio_irq_set, count);
	uint32_t max = emu_irq_count(dev, in->index);

	if (in->argsz < min || in->index >= K_VFIO_PCI_NUM_IRQS ||
	    in->count >= UINT32_MAX - in->start ||
	    (in->flags &
	     ~(uint32_t)(K_VFIO_IRQ_SET_DATA_TYPE_MASK | K_VFIO_IRQ_SET_ACTION_TYPE_MASK)))
		return -EINVAL;
	if (in->start >= max || in->start + in->count > max)
		return -EINVAL;
	switch (in->flags & K_VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case K_VFIO_IRQ_SET_DATA_NONE:
		*data_size = 0;
		return 0;
	case K_VFIO_IRQ_SET_DATA_BOOL:
		*data_size = in->count;
		break;
	case K_VFIO_IRQ_SET_DATA_EVENTFD:
		*data_size = in->count * sizeof(int32_t);
		break;
	default:
		return -EINVAL;
	}
	return in->argsz - min < *data_size ? -EINVAL : 0;
}

int emu_irq_set(struct emu_device *dev, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_irq_set, count);
	uint8_t data[EMU_MSIX_VECTORS * sizeof(int32_t)] = { 0 };
	struct k_vfio_irq_set in;
	size_t data_size = 0;
	int r = emu_user_read(&in, arg, min);

	if (!r)
		r = check(dev, &in, &data_size);
	if (!r)
		r = emu_user_read(data, arg + min, data_size);
	if (r)
		return r;
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		const struct request rq = { dev, in.flags, in.index, in.start, in.count, data };

		if (actions[i].index == in.index &&
		    actions[i].action == (in.flags & K_VFIO_IRQ_SET_ACTION_TYPE_MASK))
			return actions[i].serve(&rq);
	}
	return -ENOTTY;
}
