/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Objects of /dev/iommu that have a descriptor of their own, to read what happened
 * and to wait for it: fault queues and event queues.
 */
#ifndef EMU_QUEUE_H
#define EMU_QUEUE_H

#include "emu/iommu.h"

struct emu_queue {
	struct emu_object object;
	struct emu_iommu *iommu;	/* held by the descriptor */
	struct emu_file *file;		/* NULL once it is closed */
	int peer;			/* the machine's end */
	bool ready;
};

enum emu_queue_kind { EMU_QUEUE_FAULTS, EMU_QUEUE_EVENTS };

/* queue.c: adds the object and opens its file; the descriptor, or -errno. */
int emu_queue_open(struct emu_queue *queue, struct emu_iommu *iommu, enum emu_queue_kind kind);
/* Takes the descriptor back that nobody has learned of. */
void emu_queue_abort(struct emu_queue *queue, int fd);
/* The last descriptor was closed. */
void emu_queue_closed(struct emu_queue *queue);
/* Whether there is something to read. */
void emu_queue_set_ready(struct emu_queue *queue, bool ready);
ssize_t emu_queue_read(struct emu_file *file, uint64_t user, size_t n);
ssize_t emu_queue_write(struct emu_file *file, uint64_t user, size_t n);

/* fault.c */
int emu_cmd_fault_alloc(struct emu_cmd *cmd);
void emu_fault_destroy(struct emu_fault *fault);
ssize_t emu_fault_read(struct emu_fault *fault, uint64_t user, size_t n);
ssize_t emu_fault_write(struct emu_fault *fault, uint64_t user, size_t n);

/* veventq.c */
ssize_t emu_veventq_read(struct emu_veventq *veventq, uint64_t user, size_t n);

#endif
