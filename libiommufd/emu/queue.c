/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The descriptor of a queue is one end of a pair of real ones, so that poll() sees
 * it: a byte lies in it while the queue has something. A fault queue can always be
 * written to and an event queue never, as a socket and the reading end of a pipe.
 */
#include "emu/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
	enum emu_object_type type;
	enum emu_file_kind file;
	const char *path;	/* as /proc shows it */
} kinds[] = {
	[EMU_QUEUE_FAULTS] = { EMU_OBJECT_FAULT, EMU_FILE_FAULTS, "anon_inode:[iommufd-pgfault]" },
	[EMU_QUEUE_EVENTS] = { EMU_OBJECT_VEVENTQ, EMU_FILE_EVENTS,
			       "anon_inode:[iommufd-viommu-event]" },
};

static int make_ends(enum emu_queue_kind kind, int ends[2])
{
	int r = kind == EMU_QUEUE_FAULTS ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)
					 : pipe2(ends, O_CLOEXEC);

	if (r)
		return -errno;
	/* Beyond the limit on descriptors valgrind says yes, and has closed them. */
	return fcntl(ends[0], F_GETFD) < 0 ? -EMFILE : 0;
}

static int open_file(struct emu_queue *queue, enum emu_queue_kind kind)
{
	struct emu_file *file = calloc(1, sizeof(*file));
	int ends[2], r = file ? make_ends(kind, ends) : -ENOMEM;

	if (r) {
		free(file);
		return r;
	}
	file->kind = kinds[kind].file;
	file->queue = queue;
	snprintf(file->path, sizeof(file->path), "%s", kinds[kind].path);
	r = emu_file_adopt(queue->iommu->emu, file, ends[0]);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		free(file);
		return r;
	}
	queue->file = file;
	queue->peer = ends[1];
	return r;
}

int emu_queue_open(struct emu_queue *queue, struct emu_iommu *iommu, enum emu_queue_kind kind)
{
	int r = emu_object_add(iommu, &queue->object, kinds[kind].type);

	if (r)
		return r;
	queue->iommu = iommu;
	r = open_file(queue, kind);
	if (r < 0) {
		emu_object_remove(iommu, &queue->object);
		return r;
	}
	queue->object.users++;
	iommu->refs++;
	return r;
}

void emu_queue_abort(struct emu_queue *queue, int fd)
{
	emu_file_drop_fd(queue->iommu->emu, queue->file, fd);
	close(fd);
}

void emu_queue_closed(struct emu_queue *queue)
{
	close(queue->peer);
	queue->file = NULL;
	queue->object.users--;
	emu_iommu_put(queue->iommu);
}

/* A descriptor that the program did not close behind our back, or -1. */
static int user_end(const struct emu_queue *queue)
{
	const struct emu_file *file = queue->file;

	for (size_t i = 0; file && i < file->nr_fds; i++)
		if (emu_file_find(queue->iommu->emu, file->fds[i]) == file)
			return file->fds[i];
	return -1;
}

/* The byte is looked for first: a program that took it by itself must not stop the machine. */
void emu_queue_set_ready(struct emu_queue *queue, bool ready)
{
	int fd = user_end(queue), n = 0;
	char byte = 0;

	if (fd < 0 || ready == queue->ready)
		return;
	if (ready)
		queue->ready = write(queue->peer, &byte, 1) == 1;
	else if (ioctl(fd, FIONREAD, &n) || !n || read(fd, &byte, 1) == 1)
		queue->ready = false;
}

ssize_t emu_queue_read(struct emu_file *file, uint64_t user, size_t n)
{
	if (file->kind == EMU_FILE_FAULTS)
		return emu_fault_read((struct emu_fault *)file->queue, user, n);
	return emu_veventq_read((struct emu_veventq *)file->queue, user, n);
}

ssize_t emu_queue_write(struct emu_file *file, uint64_t user, size_t n)
{
	if (file->kind == EMU_FILE_FAULTS)
		return emu_fault_write((struct emu_fault *)file->queue, user, n);
	return -EINVAL;
}
