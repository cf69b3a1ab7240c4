/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Eventfds the user gave: kept as duplicates, signalled, waited for. */
#include "emu/device.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emu/engine.h"
#include "os/uapi.h"

static bool is_eventfd(int fd)
{
	static const char kind[] = "anon_inode:[eventfd]";
	char path[32], target[sizeof(kind)];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target));
	if (n < 0)
		return errno == ENOENT || errno == EACCES; /* no /proc: believe the caller */
	return (size_t)n == sizeof(kind) - 1 && !memcmp(target, kind, sizeof(kind) - 1);
}

int emu_eventfd_get(struct iommufd_emu *emu, int fd)
{
	int copy = emu_own_fd(EMU_OWN_DUP, fd);

	if (copy < 0)
		return copy == -EBADF ? -EBADF : -ENOMEM;
	if (!is_eventfd(copy)) {
		close(copy);
		return -EINVAL;
	}
	emu->counts.eventfds++;
	return copy;
}

void emu_eventfd_put(struct iommufd_emu *emu, int *fd)
{
	if (*fd < 0)
		return;
	close(*fd);
	*fd = -1;
	emu->counts.eventfds--;
}

static bool ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) == 1 && (p.revents & events);
}

/* A full counter is left as it is; blocking on it would stop the machine. */
void emu_eventfd_signal(int fd)
{
	const uint64_t one = 1;

	if (fd >= 0 && ready(fd, POLLOUT))
		while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
}

bool emu_eventfd_take(int fd)
{
	uint64_t count;

	return ready(fd, POLLIN) && read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

/* As many as the kernel takes of one device. */
#define MAX_IOEVENTFDS 1000

static size_t count_io(const struct emu_device *dev)
{
	size_t n = 0;

	for (const struct emu_ioeventfd *io = dev->ioeventfds; io; io = io->next)
		n++;
	return n;
}

static struct emu_ioeventfd **find_io(struct emu_device *dev,
				      const struct k_vfio_device_ioeventfd *arg, uint32_t size)
{
	struct emu_ioeventfd **at = &dev->ioeventfds;

	while (*at &&
	       ((*at)->offset != arg->offset || (*at)->data != arg->data || (*at)->size != size))
		at = &(*at)->next;
	return at;
}

static int check_io(const struct emu_device *dev, const struct k_vfio_device_ioeventfd *arg,
		    uint32_t size)
{
	uint64_t index = EMU_REGION_INDEX(arg->offset);
	uint64_t at = EMU_REGION_AT(arg->offset);

	if (index >= EMU_NR_BARS || at + size > dev->bars[index].size)
		return -EINVAL;
	if (dev->msix && index == 2 && at < EMU_MSIX_VECTORS * 16)
		return -EINVAL;
	return 0;
}

int emu_ioeventfd(struct emu_device *dev, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_device_ioeventfd, fd);
	struct k_vfio_device_ioeventfd in = { 0 };
	struct emu_ioeventfd *io, **at;
	int r = emu_user_read(&in, arg, min);

	if (r)
		return r;
	if (in.argsz < min || (in.flags & ~(uint32_t)K_VFIO_DEVICE_IOEVENTFD_SIZE_MASK) ||
	    __builtin_popcount(in.flags) != 1 || in.fd < -1)
		return -EINVAL;
	r = check_io(dev, &in, in.flags);
	if (r)
		return r;
	at = find_io(dev, &in, in.flags);
	io = *at;
	if (io && in.fd >= 0)
		return -EEXIST;
	if (io) {
		*at = io->next;
		emu_eventfd_put(dev->emu, &io->fd);
		free(io);
		return 0;
	}
	if (in.fd < 0)
		return -ENODEV;
	if (count_io(dev) >= MAX_IOEVENTFDS)
		return -ENOSPC;
	r = emu_eventfd_get(dev->emu, in.fd);
	if (r < 0)
		return r;
	io = malloc(sizeof(*io));
	if (!io) {
		emu_eventfd_put(dev->emu, &r);
		return -ENOMEM;
	}
	*io = (struct emu_ioeventfd){ dev->ioeventfds, in.offset, in.data, in.flags, r };
	dev->ioeventfds = io;
	emu_engine_kick(dev->emu);
	return 0;
}

void emu_ioeventfd_poll(struct emu_device *dev)
{
	for (struct emu_ioeventfd *io = dev->ioeventfds; io; io = io->next)
		if (emu_eventfd_take(io->fd) && emu_config_memory(dev))
			emu_bar_write(dev, (unsigned int)EMU_REGION_INDEX(io->offset),
				      EMU_REGION_AT(io->offset),
				      io->size, io->data);
}

void emu_ioeventfd_close(struct emu_device *dev)
{
	while (dev->ioeventfds) {
		struct emu_ioeventfd *io = dev->ioeventfds;

		dev->ioeventfds = io->next;
		emu_eventfd_put(dev->emu, &io->fd);
		free(io);
	}
}
