/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Interrupts, also of a kernel that cannot add vectors while others are enabled. */
#include "fault.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "os/sys.h"
#include "os/uapi.h"

static void with_eventfds(struct run *r, void (*play_with)(struct run *r, const int *fds))
{
	int fds[4];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	play_with(r, fds);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void interrupts(struct run *r, const int *fds)
{
	struct iommufd_irq_info info = { .size = sizeof(info) };

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !open_dev(r, 0, ALONE, 0) ||
	    !open_dev(r, 1, MSIX, 0) ||
	    !TRY(r, iommufd_region_set_ioeventfd, r->dev[0], 0, 4, 4, 7, fds[3]) ||
	    !TRY(r, iommufd_region_set_ioeventfd, r->dev[0], 0, 4, 4, 7, -1) ||
	    !TRY(r, iommufd_region_set_ioeventfd, r->dev[0], 0, 4, 4, 9, fds[3]) ||
	    !TRY(r, iommufd_irq_get_info, r->dev[1], IOMMUFD_IRQ_MSIX, &info) ||
	    !TRY(r, iommufd_irq_enable, r->dev[0], IOMMUFD_IRQ_INTX, 0, 1, fds) ||
	    !TRY(r, iommufd_irq_mask, r->dev[0], IOMMUFD_IRQ_INTX, 0, 1) ||
	    !TRY(r, iommufd_irq_set_resample, r->dev[0], IOMMUFD_IRQ_INTX, 0, fds[1]) ||
	    !TRY(r, iommufd_irq_unmask, r->dev[0], IOMMUFD_IRQ_INTX, 0, 1) ||
	    !TRY(r, iommufd_irq_disable, r->dev[0], IOMMUFD_IRQ_INTX) ||
	    !TRY(r, iommufd_irq_enable, r->dev[0], IOMMUFD_IRQ_MSI, 0, 1, fds) ||
	    !TRY(r, iommufd_irq_trigger, r->dev[0], IOMMUFD_IRQ_MSI, 0, 1) ||
	    !TRY(r, iommufd_irq_enable, r->dev[1], IOMMUFD_IRQ_MSIX, 0, 2, fds) ||
	    !TRY(r, iommufd_irq_enable, r->dev[1], IOMMUFD_IRQ_MSIX, 3, 1, fds + 2) ||
	    !TRY(r, iommufd_irq_trigger, r->dev[1], IOMMUFD_IRQ_MSIX, 0, 2) ||
	    !TRY(r, iommufd_irq_disable, r->dev[1], IOMMUFD_IRQ_MSIX))
		return;
	TRY(r, iommufd_irq_enable, r->dev[1], IOMMUFD_IRQ_MSIX, 0, 1, fds);
}

void play_irq(struct run *r)
{
	with_eventfds(r, interrupts);
}

/* -- the emulated kernel as one older than Linux 6.5: no index is dynamic */

static const struct iommufd_sys *modern;

static int fixed_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	int rc = modern->ioctl(data, fd, request, arg);

	if (!rc && request == K_VFIO_DEVICE_GET_IRQ_INFO)
		((struct k_vfio_irq_info *)arg)->flags |= K_VFIO_IRQ_INFO_NORESIZE;
	return rc;
}

static bool delivers(struct run *r, uint32_t vector, int fd)
{
	uint64_t count;

	return !iommufd_irq_trigger(r->dev[0], IOMMUFD_IRQ_MSIX, vector, 1) &&
	       read(fd, &count, sizeof(count)) == sizeof(count) && count == 1;
}

/* The index is rebuilt for a vector above those enabled; they work before, after and between. */
static void grow(struct run *r, const int *fds)
{
	int rc = -1;

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx) || !open_dev(r, 0, MSIX, 0) ||
	    !TRY(r, iommufd_irq_enable, r->dev[0], IOMMUFD_IRQ_MSIX, 0, 2, fds))
		return;
	for (int i = 0; i < 2 && rc && !(i && r->mode == FOR_GOOD); i++) {
		step_begin(r);
		rc = iommufd_irq_enable(r->dev[0], IOMMUFD_IRQ_MSIX, 3, 1, fds + 3);
		step_end(r, "iommufd_irq_enable", i, rc);
		if (r->mode == ONCE && (!delivers(r, 0, fds[0]) || !delivers(r, 1, fds[1])))
			wrong(r, "vectors are lost after iommufd_irq_enable() returned %d", rc);
	}
	if (rc)
		return;
	if (!delivers(r, 3, fds[3]))
		wrong(r, "the vector that was added does not signal");
	TRY(r, iommufd_irq_disable, r->dev[0], IOMMUFD_IRQ_MSIX);
}

void play_fixed_irq(struct run *r)
{
	struct iommufd_sys fixed;

	modern = r->opts.sys;
	fixed = *modern;
	fixed.ioctl = fixed_ioctl;
	r->opts.sys = &fixed;
	with_eventfds(r, grow);
	finish(r);
	r->opts.sys = modern;
}
