/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The open files of a machine, and the descriptors known of each. */
#include "emu/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emu/container.h"
#include "emu/device.h"
#include "emu/iommu.h"
#include "emu/pagemap.h"
#include "emu/port.h"
#include "emu/queue.h"
#include "emu/tree.h"
#include "emu/uevent.h"

int emu_file_add_fd(struct iommufd_emu *emu, struct emu_file *file, int fd)
{
	for (size_t i = 0; i < file->nr_fds; i++)
		if (file->fds[i] == fd) /* closed behind our back, and reused */
			return 0;
	if (file->nr_fds == file->room) {
		size_t room = file->room ? file->room * 2 : 4;
		int *fds = realloc(file->fds, room * sizeof(*fds));

		if (!fds)
			return -ENOMEM;
		file->fds = fds;
		file->room = room;
	}
	file->fds[file->nr_fds++] = fd;
	emu->counts.fds++;
	return 0;
}

static int open_iommu(struct iommufd_emu *emu, struct emu_file *file)
{
	file->kind = EMU_FILE_IOMMU;
	file->iommu = emu_iommu_new(emu);
	return file->iommu ? 0 : -ENOMEM;
}

/* An iommufd charges as type1 does when it is opened in its place. */
static int open_container(struct iommufd_emu *emu, struct emu_file *file)
{
	if (emu->flags & IOMMUFD_EMU_COMPAT_CONTAINER) {
		int r = open_iommu(emu, file);

		if (!r)
			file->iommu->charge_process = true;
		file->by_container = true;
		return r;
	}
	file->kind = EMU_FILE_CONTAINER;
	file->container = emu_container_new(emu);
	return file->container ? 0 : -ENOMEM;
}

static int file_set_up(struct iommufd_emu *emu, struct emu_file *file, const char *path)
{
	unsigned int major, minor;
	struct emu_node *node;

	snprintf(file->path, sizeof(file->path), "%s", path);
	if (emu_pagemap_is(path))
		return emu_pagemap_open(file);
	node = emu_sysfs_find(emu, path, true);
	if (!node)
		return -ENOENT;
	if (!emu_node_is_device(node, &major, &minor))
		return -EACCES;
	snprintf(file->path, sizeof(file->path), "%s", node->path);
	switch (major) {
	case EMU_CDEV_MAJOR:
		file->kind = EMU_FILE_CDEV;
		file->device = emu_device_by_cdev(emu, minor);
		if (!file->device)
			return -ENODEV;
		return emu_is_noiommu(emu) && !emu_is_privileged(emu) ? -EPERM : 0;
	case EMU_GROUP_MAJOR:
		file->kind = EMU_FILE_GROUP;
		return emu_group_open(file, emu, minor);
	default:
		if (minor == EMU_CONTAINER_MINOR)
			return open_container(emu, file);
		return emu->flags & IOMMUFD_EMU_NO_PERMISSION ? -EACCES : open_iommu(emu, file);
	}
}

int emu_file_adopt(struct iommufd_emu *emu, struct emu_file *file, int fd)
{
	struct stat st;
	int r = fstat(fd, &st) ? -errno : emu_file_add_fd(emu, file, fd);

	if (r)
		return r;
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	file->next = emu->files;
	emu->files = file;
	return fd;
}

/* What the file stands for loses it. */
static void file_close(struct iommufd_emu *emu, struct emu_file *file)
{
	switch (file->kind) {
	case EMU_FILE_IOMMU:
		emu_iommu_put(file->iommu);
		break;
	case EMU_FILE_CDEV:
		if (file->bound)
			emu_device_unbind(file);
		break;
	case EMU_FILE_CONTAINER:
		emu_container_put(file->container);
		break;
	case EMU_FILE_GROUP:
		emu_group_close(file);
		break;
	case EMU_FILE_DEVICE:
		emu_device_close(file->device);
		break;
	case EMU_FILE_UEVENTS:
		emu_uevents_close(emu, file->listener);
		break;
	case EMU_FILE_PAGEMAP:
		emu_pagemap_close(file);
		break;
	case EMU_FILE_FAULTS:
	case EMU_FILE_EVENTS:
		emu_queue_closed(file->queue);
		break;
	case EMU_FILE_MIGRATION:
		emu_transfer_close(file);
		break;
	case EMU_FILE_DMA_BUF:
		break;
	}
	free(file->fds);
	free(file);
}

static int first_fd(struct iommufd_emu *emu, struct emu_file *file)
{
	int fd = memfd_create("iommufd-emu", MFD_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = emu_file_adopt(emu, file, fd);
	if (r < 0)
		close(fd);
	return r;
}

int emu_file_install(struct iommufd_emu *emu, struct emu_file *file)
{
	int fd = first_fd(emu, file);

	if (fd < 0)
		file_close(emu, file);
	return fd;
}

int emu_file_open(struct iommufd_emu *emu, const char *path)
{
	struct emu_file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	r = file_set_up(emu, file, path);
	if (r) {
		file_close(emu, file);
		return r;
	}
	return emu_file_install(emu, file);
}

struct emu_file *emu_file_find(struct iommufd_emu *emu, int fd)
{
	struct stat st;

	if (!emu->files || fstat(fd, &st))
		return NULL;
	for (struct emu_file *file = emu->files; file; file = file->next)
		if (file->ino == st.st_ino && file->dev == st.st_dev)
			return file;
	return NULL;
}

static void file_release(struct iommufd_emu *emu, struct emu_file *file)
{
	for (struct emu_file **at = &emu->files; *at; at = &(*at)->next)
		if (*at == file) {
			*at = file->next;
			break;
		}
	file_close(emu, file);
}

void emu_file_put(struct iommufd_emu *emu, struct emu_file *file)
{
	if (!file->nr_fds && !file->holds)
		file_release(emu, file);
}

bool emu_file_drop_fd(struct iommufd_emu *emu, struct emu_file *file, int fd)
{
	for (size_t i = 0; i < file->nr_fds; i++) {
		if (file->fds[i] != fd)
			continue;
		file->fds[i] = file->fds[--file->nr_fds];
		emu->counts.fds--;
		emu_file_put(emu, file);
		return true;
	}
	return false;
}

/* Devices first: each may be the last to hold its group's file. */
void emu_file_free_all(struct iommufd_emu *emu)
{
	while (emu->files) {
		struct emu_file *file = emu->files;

		while (file->holds && file->next)
			file = file->next;
		file_release(emu, file);
	}
}
