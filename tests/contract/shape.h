/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Kernels and users other than the usual ones: no /dev/iommu, no privilege,
 * little memory to lock. On the emulated kernel a machine is built so; on a
 * real one a child process puts itself into that position, for which it may
 * need to be root.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include "contract.h"

enum shape {
	SHAPE_NO_NODE,       /* /dev/iommu does not exist */
	SHAPE_NO_DRIVER,     /* it exists, with nothing behind it */
	SHAPE_NO_PERMISSION, /* it may not be opened */
	SHAPE_NO_DEVICE_PERMISSION, /* neither character devices nor groups may be opened */
	SHAPE_OWN_GROUPS,    /* a user who may not open /dev/iommu, and owns the groups' nodes */
	SHAPE_UNPRIVILEGED,  /* no CAP_SYS_RESOURCE */
	SHAPE_NO_SYSFS,      /* sysfs is hidden; devices are had by their nodes */
	SHAPE_NO_RAWIO,      /* no IOMMU, and no CAP_SYS_RAWIO */
	SHAPE_LITTLE_MEMORY, /* SHAPE_LOCKABLE bytes may be locked */
	SHAPE_UNSAFE_INTERRUPTS, /* no interrupt remapping, and no parameter that makes light of it */
};

#define SHAPE_LOCKABLE ((size_t)64 << 10)

/*
 * What @ask answers there: it gets the options to open contexts with, and says
 * what the function under test returned. Use answer() for that. Skips the case
 * where this process cannot arrange it.
 */
int ask_in_shape(struct fixture *f, enum shape shape,
		 int (*ask)(const struct iommufd_ctx_opts *opts, const char *device));

/* The backend keeps address spaces in VFIO containers. */
bool has_containers(struct fixture *f);

/*
 * LIBIOMMUFD_BACKEND goes before the caller's wish, so that a program runs on
 * any backend. A case about the wish itself may change it.
 */
int policy_setup(void **state);
int policy_teardown(void **state);
#define CASE_OF_POLICY(f) { #f, f, policy_setup, policy_teardown, (void *)(uintptr_t)#f }

/*
 * Runs the cases; on the emulated kernel on each backend in turn that it has,
 * unless LIBIOMMUFD_BACKEND names one. The number that failed.
 */
int run_on_backends(const char *name, const struct CMUnitTest *cases, size_t count);

/* @rc, or another number if the error record does not fit it. */
int answer(int rc);

#endif
