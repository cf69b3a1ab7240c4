/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A kernel or device that answers as none should. The emulated kernel is asked,
 * and what it says is bent on the way; on every backend.
 *
 * Environment: LIBIOMMUFD_BACKEND names the one backend to run on.
 */
#ifndef ODD_H
#define ODD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libiommufd.h>
#include <libiommufd/emu.h>

#include "os/sys.h"
#include "os/uapi.h"

#define PAGE 4096u
#define MAP_RW (IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE)
#define FIXED_RW (MAP_RW | IOMMUFD_MAP_FIXED)

struct setting {
	struct iommufd_emu *emu;
	struct iommufd_sys sys;
	struct iommufd_ctx *ctx;
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;
	uint8_t *data; /* eight pages */
};

/* Of a mapping the kernel has one in the IOAS, if it knows that, and one in each container. */
struct pair {
	const char *name;
	unsigned int in_ioas, in_container;
};

/* What the cases run on now. */
extern const struct pair *pair;

/* Ends the case as skipped on this backend; says why. */
#define skip_case(reason) do { \
	print_message("SKIP %s: %s: %s\n", __func__, pair->name, reason); \
	skip(); \
} while (0)

/* Bends an answer of the kernel; @rc is what it returned. */
extern int (*bend)(int fd, unsigned long request, void *arg, int rc);
extern ssize_t (*bend_read)(void *buf, size_t n, uint64_t at, ssize_t rc);

int odd_setup(void **state);
int odd_teardown(void **state);
void open_device(struct setting *s);

/* The failure has this code and says something. */
#define assert_error(call, expected) do { \
	int rc_ = (call); \
	assert_int_equal(rc_, expected); \
	assert_int_equal(iommufd_error_last()->code, expected); \
	assert_true(*iommufd_error_last()->message && *iommufd_error_last()->remedy); \
} while (0)

#define CASE(f) cmocka_unit_test_setup_teardown(f, odd_setup, odd_teardown)

/* Is the next of the backends one to run on? False after the last. */
bool next_pair(void);

#endif
