/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef VFIO_IRQ_STATE_H
#define VFIO_IRQ_STATE_H

#include "backend/devfd.h"

/* Room for the state of every index, once d->info is known; 0 or -ENOMEM. */
int irq_init(struct devfd *d);

/* How many vectors of an index are allocated in the kernel; 0: it is disabled. */
uint32_t irq_enabled(struct devfd *d, uint32_t index);

/*
 * Another process has enabled an index: @count vectors, connected to eventfds that nobody here
 * has. 0, -ENOMEM, or -EINVAL: the index has not so many.
 */
int irq_adopt(struct devfd *d, uint32_t index, uint32_t count);

/* Disable what is enabled and forget it, at close. */
void irq_exit(struct devfd *d);

#endif
