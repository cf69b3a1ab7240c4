/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef VFIO_IRQ_STATE_H
#define VFIO_IRQ_STATE_H

#include "backend/devfd.h"

/* Room for the state of every index, once d->info is known; 0 or -ENOMEM. */
int irq_init(struct devfd *d);

/* Disable what is enabled and forget it, at close. */
void irq_exit(struct devfd *d);

#endif
