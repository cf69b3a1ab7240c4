/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The open files of a machine, and the descriptors known of each. */
#include "emu/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emu/device.h"
#include "emu/iommu.h"
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

static void file_free(struct emu_file *file)
{
	free(file->fds);
	free(file);
}

static int file_set_up(struct iommufd_emu *emu, struct emu_file *file, const char *path)
{
	unsigned int major, minor;
	struct emu_node *node = emu_sysfs_find(emu, path, true);

	if (!node)
		return -ENOENT;
	if (!emu_node_is_device(node, &major, &minor))
		return -EACCES;
	if (major == EMU_CDEV_MAJOR) {
		file->kind = EMU_FILE_CDEV;
		file->device = emu_device_by_cdev(emu, minor);
		return file->device ? 0 : -ENODEV;
	}
	if (emu->flags & IOMMUFD_EMU_NO_PERMISSION)
		return -EACCES;
	file->kind = EMU_FILE_IOMMU;
	file->iommu = emu_iommu_new(emu);
	return file->iommu ? 0 : -ENOMEM;
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

static int file_open_fd(struct iommufd_emu *emu, struct emu_file *file)
{
	int fd = memfd_create("iommufd-emu", MFD_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = emu_file_adopt(emu, file, fd);
	if (r < 0)
		close(fd);
	return r;
}

int emu_file_open(struct iommufd_emu *emu, const char *path)
{
	struct emu_file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	r = file_set_up(emu, file, path);
	if (!r)
		r = file_open_fd(emu, file);
	if (r < 0) {
		emu_iommu_put(file->iommu);
		file_free(file);
	}
	return r;
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
	if (file->kind == EMU_FILE_CDEV && file->bound)
		emu_device_unbind(file);
	if (file->kind == EMU_FILE_UEVENTS)
		emu_uevents_close(emu, file->listener);
	emu_iommu_put(file->iommu);
	for (struct emu_file **at = &emu->files; *at; at = &(*at)->next)
		if (*at == file) {
			*at = file->next;
			break;
		}
	file_free(file);
}

void emu_file_put(struct iommufd_emu *emu, struct emu_file *file)
{
	if (!file->nr_fds && !file->bar_maps)
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

void emu_file_free_all(struct iommufd_emu *emu)
{
	while (emu->files)
		file_release(emu, emu->files);
}
