/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "emu/uevent.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emu/device.h"

struct emu_listener {
	struct emu_listener *next;
	int peer;		/* the machine's end */
	bool overrun;		/* a message was lost, which the next read tells */
};

/* "ACTION@DEVPATH", then variables, each ended by NUL. */
struct message {
	char text[1024];
	size_t used;
};

int emu_uevents_open(struct iommufd_emu *emu)
{
	struct emu_listener *listener = calloc(1, sizeof(*listener));
	struct emu_file *file = calloc(1, sizeof(*file));
	int r = -ENOMEM, ends[2];

	if (!listener || !file)
		goto fail;
	/* the kernel's own descriptor costs the process none */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends)) {
		r = -errno;
		goto fail;
	}
	listener->peer = ends[1];
	file->kind = EMU_FILE_UEVENTS;
	file->listener = listener;
	r = emu_file_adopt(emu, file, ends[0]);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		goto fail;
	}
	listener->next = emu->listeners;
	emu->listeners = listener;
	return r;
fail:
	free(listener);
	free(file);
	return r;
}

void emu_uevents_close(struct iommufd_emu *emu, struct emu_listener *listener)
{
	struct emu_listener **link = &emu->listeners;

	while (*link != listener)
		link = &(*link)->next;
	*link = listener->next;
	close(listener->peer);
	free(listener);
}

ssize_t emu_uevents_read(struct emu_file *file, void *buf, size_t n)
{
	ssize_t r;

	if (file->listener->overrun) {
		file->listener->overrun = false;
		return -ENOBUFS;
	}
	r = recv(file->fds[0], buf, n, MSG_DONTWAIT);
	return r < 0 ? -errno : r;
}

__attribute__((format(printf, 2, 3)))
static void add(struct message *m, const char *format, ...)
{
	size_t left = sizeof(m->text) - m->used;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(m->text + m->used, left, format, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < left)
		m->used += (size_t)n + 1;
}

static void begin(struct message *m, const char *action, const char *path, const char *subsystem)
{
	m->used = 0;
	add(m, "%s@%s", action, path);
	add(m, "ACTION=%s", action);
	add(m, "DEVPATH=%s", path);
	add(m, "SUBSYSTEM=%s", subsystem);
}

static void deliver(struct iommufd_emu *emu, struct message *m)
{
	add(m, "SEQNUM=%llu", (unsigned long long)++emu->uevents);
	for (struct emu_listener *to = emu->listeners; to; to = to->next)
		if (send(to->peer, m->text, m->used, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			to->overrun = true;
}

void emu_uevent_device(struct emu_device *dev, const char *action)
{
	struct message m;

	begin(&m, action, emu_sysfs_home(dev) + strlen("/sys"), dev->port ? "mdev" : "pci");
	if (*dev->driver)
		add(&m, "DRIVER=%s", dev->driver);
	if (dev->port) {
		deliver(dev->emu, &m);
		return;
	}
	add(&m, "PCI_CLASS=%s", dev->bridge ? "60400" : "FF00");
	add(&m, "PCI_ID=%s", dev->bridge ? "1B36:000E" : "1234:11E8");
	add(&m, "PCI_SLOT_NAME=%s", dev->bdf);
	deliver(dev->emu, &m);
}

void emu_uevent_vfio(struct emu_device *dev, const char *action)
{
	struct message m;
	char path[256], name[32];

	if (!emu_has(dev->emu, EMU_FEATURE_VFIO_DEV))
		return;
	emu_vfio_name(dev, name, sizeof(name));
	snprintf(path, sizeof(path), "%s/vfio-dev/%s", emu_sysfs_home(dev) + strlen("/sys"), name);
	begin(&m, action, path, "vfio-dev");
	if (emu_has(dev->emu, EMU_FEATURE_CDEV)) {
		add(&m, "MAJOR=%u", EMU_CDEV_MAJOR);
		add(&m, "MINOR=%u", dev->cdev);
		add(&m, "DEVNAME=vfio/devices/%s", name);
	}
	deliver(dev->emu, &m);
}

void emu_uevent_group(const struct emu_group *group, const char *action)
{
	struct message m;
	char path[64], name[32];

	emu_group_name(group, name, sizeof(name));
	snprintf(path, sizeof(path), "/devices/virtual/vfio/%s", name);
	begin(&m, action, path, "vfio");
	add(&m, "MAJOR=%u", EMU_GROUP_MAJOR);
	add(&m, "MINOR=%u", group->minor);
	add(&m, "DEVNAME=vfio/%s", name);
	deliver(group->emu, &m);
}
