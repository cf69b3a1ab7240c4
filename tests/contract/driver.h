/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Drivers that come and go while a case runs, by an administrator's hand. A
 * DRIVER_CASE has them as they were again when it has ended.
 *
 * Environment: LIBIOMMUFD_TEST_BLOCKER names a device without a driver that is
 * in the siblings' group, and a kernel driver for it that does DMA.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include "contract.h"

#define DRIVER_CASE(f) { #f, f, fixture_setup, driver_teardown, (void *)(uintptr_t)#f }
int driver_teardown(void **state);

struct blocker {
	char name[64], driver[32];
};

/* Skips the case where there is none, or where this user may not bind drivers. */
const struct blocker *get_blocker(struct fixture *f);

/* Binds a driver, "" takes it away; 0 if it is so now. No case has the device open. */
int set_driver(struct fixture *f, const char *name, const char *driver);

/* Begins to unbind a device that is open, which ends when it is closed. */
void take_away(struct fixture *f, const char *name);

#endif
