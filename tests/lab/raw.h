/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the lab's own checks share: raw ioctls only, so that a failure there is
 * the machine's and not the library's.
 */
#ifndef LAB_RAW_H
#define LAB_RAW_H

#include "os/uapi.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/* The edu devices that the environment names: alone, alone, sibling, sibling. */
struct machine {
	char edu[4][16];
	char msix[16];
	int isolated;	/* an IOMMU is there */
	int stock;	/* a kernel as the distribution ships it */
};

/* Memory that a device is to reach. */
struct buffer {
	uint8_t *data;
	size_t length;	/* bytes */
	uint64_t dma;	/* what the device is told */
};

#define IOVA 0x4000000000u	/* beyond 32 bits, within VT-d's 39 */

/* Prints what is not @good, with errno, and counts it. Returns @good. */
int check(int good, const char *bdf, const char *what);
/* The exit status of a program that has checked all. */
int verdict(const char *name);

/* Reads the environment; ends the program where there is no lab. */
void read_machine(struct machine *m);
/* The path of a function's group in sysfs, or a text that no other group has. */
void group_of(const char *bdf, char group[PATH_MAX]);
/* Two edu devices are alone in their groups, two share one. */
void check_groups(const struct machine *m);

/* Memory space and bus mastering on, BAR 0 mapped; NULL after a failed check. */
volatile uint8_t *start_edu(const char *bdf, int fd, size_t *size);
/* The data goes into the device and comes back beside itself. */
void check_copy(const char *bdf, volatile uint8_t *bar, const struct buffer *b);
/* The device, told to write there, does not get through. */
void check_out_of_reach(const char *bdf, volatile uint8_t *bar, const struct buffer *b);

/* One page, or with @huge 2 MiB of one piece; data is NULL after a failed check. */
struct buffer new_buffer(const char *bdf, int huge);
void free_buffer(struct buffer *b);

#endif
