/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the documentation says, as plainly as it can be written: sorted arrays
 * and loops over them, and nothing of the library.
 */
#ifndef DIFF_MODEL_H
#define DIFF_MODEL_H

#include "diff.h"
#include "memory.h"

enum { NO_IOAS = -1, NUM_CAPS = 32 };

/* A machine under one backend, learnt before the first stream. */
struct hardware {
	bool can[NUM_CAPS], others_differ[NUM_CAPS];
	char name[NUM_DEVICES][64];
	int group[NUM_DEVICES];
	/* What an IOAS with this device alone allows. */
	struct iommufd_range ranges[NUM_DEVICES][MAX_RANGES];
	size_t count[NUM_DEVICES];
	uint64_t align[NUM_DEVICES];
};

struct mapping {
	uint64_t iova, last;
	uint64_t memory; /* VA, or offset in the file */
	uint64_t age;
	bool file;
	bool pins_to_write; /* the pages are shared with a mapping made for writing */
	uint32_t access;    /* IOMMUFD_MAP_READ, IOMMUFD_MAP_WRITE */
};

struct model_ioas {
	bool exists, held; /* held by the test, not only by devices */
	struct mapping *map; /* ascending */
	size_t count, room;
	struct iommufd_range protect[MAX_RANGES];
	size_t protected;
	bool no_huge_pages, coalesces;
	struct mapping gone; /* one that was unmapped last; nothing if last is 0 */
};

struct model_device {
	bool open;
	int ioas;
	uint64_t cookie;
	bool joined; /* opened with it, in its container */
};

struct model {
	const struct hardware *hw;
	const struct memory *mem;
	struct model_ioas ioas[NUM_IOAS];
	struct model_device dev[NUM_DEVICES];
	uint64_t age;
	bool parted; /* a capability that others have, or not, has made a difference */
};

/* Where a mapping shall go. */
struct want {
	uint64_t length;
	bool fixed;
	uint64_t iova;             /* if fixed */
	uint64_t min, last, align; /* if not; as in struct iommufd_map_opts */
};

/* Has this backend the capability? Asked only where it matters. */
bool model_can(struct model *m, uint32_t cap);

void model_begin(struct model *m, const struct hardware *hw, const struct memory *mem);
void model_end(struct model *m);

/* -- IOAS: index @i must exist */

bool model_attached(const struct model *m, int i);
size_t model_ranges(const struct model *m, int i, struct iommufd_range out[MAX_RANGES]);
uint64_t model_align(const struct model *m, int i);

/* The first mapping that ends at or after @iova; NULL if there is none. */
const struct mapping *model_next(const struct model *m, int i, uint64_t iova);
/* A mapping that touches iova..last, or NULL. */
const struct mapping *model_touched(const struct model *m, int i, uint64_t iova, uint64_t last);

/* What a request for a place is answered with, and whether a chosen one is good. */
int model_place(const struct model *m, int i, const struct want *want);
bool model_is_legal(const struct model *m, int i, const struct want *want, uint64_t iova);
/* What making a mapping of this memory is answered with when its place is good: 0 or -EFAULT. */
int model_pin(const struct model *m, int i, const struct mapping *map);
void model_add(struct model *m, int i, struct mapping map);
/* Removes what lies in iova..last, or -EINVAL. */
int model_unmap(struct model *m, int i, uint64_t iova, uint64_t last, uint64_t *bytes);
/* The part of the source at @iova, @left bytes at most; false if nothing is mapped there. */
bool model_piece(const struct model *m, int i, uint64_t iova, uint64_t left, struct mapping *piece);

bool model_va_to_iova(const struct model *m, int i, uint64_t va, uint64_t wanted, uint64_t *iova,
		      uint64_t *run);
bool model_iova_to_va(const struct model *m, int i, uint64_t iova, uint64_t wanted, uint64_t *va,
		      uint64_t *run);

/* The test lets go of it. */
void model_unref(struct model *m, int i);

/* -- devices: index @d must be open */

/*
 * What is answered; model_attach() and the others then do it. Where two things
 * are wrong with the mappings, *other is the second.
 */
int model_may_attach(const struct model *m, int d, int i, int *other);
int model_may_replace(struct model *m, int d, int i, int *other);
/* Where its DMA goes: a group has one page table, whoever of it is attached. */
int model_reach(const struct model *m, int d);
/* The same for a device that is not open, to open it with an IOAS or with NO_IOAS. */
int model_may_open(struct model *m, int d, int i, int *other);
void model_open(struct model *m, int d, int i, uint64_t cookie);
int model_may_detach(struct model *m, int d);
void model_attach(struct model *m, int d, int i);
void model_detach(struct model *m, int d);
void model_replace(struct model *m, int d, int i); /* with its group */

#endif
