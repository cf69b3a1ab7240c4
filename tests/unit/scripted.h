/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An iommufd that grants whatever it is asked and says what a test makes it say:
 * for what no kernel does on demand, or ever should. Its descriptors are numbers.
 * It keeps account of the objects it made, and of the order in which they went.
 */
#ifndef SCRIPTED_H
#define SCRIPTED_H

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libiommufd.h>

#include "os/sys.h"
#include "os/uapi.h"

#define PAGE 4096u
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What one read answers: bytes, or an error. */
struct reading {
	const void *bytes;
	ssize_t n;
};

struct scripted {
	struct iommufd_sys sys;
	struct iommufd_ctx *ctx;
	uint32_t iommu_type;     /* of every device */
	uint32_t last_id;        /* of the objects made; descriptors are FIRST_FD above them */
	uint32_t gone[32];       /* ids of objects, and descriptors, in the order they went */
	size_t nr_gone;
	size_t open, alive;      /* descriptors and objects */
	unsigned long refused;   /* the request that fails, with the code */
	int code;
	struct reading readings[8];
	size_t nr_readings, next_reading;
	size_t asked;            /* bytes that the last read had room for */
	int writes;              /* how many there were */
	ssize_t write_result;    /* of the next; 0 is all of it */
	struct k_iommu_hwpt_page_response written;
};

#define FIRST_FD 1000u

int scripted_setup(void **state);
/* Fails if an object or descriptor is left. */
int scripted_teardown(void **state);
/* The next read that has no answer yet answers so. */
void will_read(struct scripted *s, const void *bytes, ssize_t n);
/* A device that only has a number. */
struct iommufd_device *scripted_device(struct scripted *s, uint32_t id, uint64_t cookie);

/* The failure has this code and says something. */
#define assert_error(call, expected) do { \
	int rc_ = (call); \
	assert_int_equal(rc_, expected); \
	assert_int_equal(iommufd_error_last()->code, expected); \
	assert_true(*iommufd_error_last()->message && *iommufd_error_last()->remedy); \
} while (0)

#define CASE(f) cmocka_unit_test_setup_teardown(f, scripted_setup, scripted_teardown)

#endif
