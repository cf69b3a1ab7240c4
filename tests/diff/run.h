/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* One backend living through one stream, beside its model. */
#ifndef DIFF_RUN_H
#define DIFF_RUN_H

#include "diff.h"
#include "memory.h"
#include "model.h"

/* What an operation came to, beside 0 and an errno: there was nothing to do it to. */
enum { NOTHING_TO_DO = 1, MAX_ERRNO = 134, NUM_OUTCOMES };

enum {
	OP_MAP, OP_MAP_FILE, OP_MAPV, OP_COPY, OP_UNMAP, OP_UNMAP_ALL,
	OP_OPEN, OP_CLOSE, OP_ATTACH, OP_DETACH, OP_REPLACE,
	OP_IOAS_NEW, OP_IOAS_UNREF, OP_IOAS_RECOVER,
	OP_RANGES, OP_PROTECT, OP_HUGE_PAGES,
	OP_VA_TO_IOVA, OP_IOVA_TO_VA, OP_NEXT, OP_WALK,
	OP_BAD_MAP, OP_BAD_UNMAP, OP_BAD_OTHER, OP_DMA,
	NUM_OPS,
};

/* One operation in the trace of a backend. */
struct entry {
	int rc;
	uint64_t values;  /* of all that it gave, but for */
	uint64_t choices; /* IOVAs that the library chose */
	bool varies;      /* a capability that others have, or not, matters here */
	bool parted;      /* one has mattered, to what there is from now on */
};

struct run {
	const struct hardware *hw;
	const struct memory *mem;
	struct profile profile;
	struct model model;
	struct iommufd_ctx *ctx, *foreign_ctx;
	struct iommufd_ioas *ioas[NUM_IOAS], *foreign;
	struct iommufd_device *dev[NUM_DEVICES];
	struct entry now; /* of the operation that runs */
	FILE *out;        /* receives the operations in words; NULL for none */
	bool failed;
	char text[600];   /* the first difference */
};

/* How a backend went: what was counted, and where it ended. */
struct result {
	uint64_t outcomes[NUM_OPS][NUM_OUTCOMES];
	size_t at; /* the operation that runs, or count when it closes everything */
	bool failed;
	char text[600];
};

/* Name and frequency of a kind. */
struct op_kind {
	const char *name;
	unsigned int weight; /* of 1000 */
	void (*run)(struct run *r, uint64_t *g);
};
extern const struct op_kind op_kinds[NUM_OPS];

/* @dma: every so many operations a device moves memory; 0 for never. */
void stream_fill(struct stream *s, uint64_t seed, unsigned int dma);

/* Learn what a backend can do: 0, or why it cannot be used. */
int run_learn(const char *backend, struct hardware *hw);
/* The whole stream; @trace has room for all. False on a difference. */
bool run_stream(const char *backend, const struct hardware *hw, const struct memory *mem,
		const struct stream *s, struct entry *trace, struct result *result, FILE *out);

/* "-EBUSY"; in a static buffer, good for four at a time. */
const char *code_name(int rc);

/* On the emulated kernel? */
bool is_emulated(void);

/* -- for the operations */

/* What is about to be done, in words, if somebody listens. */
void say(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The first difference found. */
void differ(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The answer of a call; false if it is not the expected one. A failure must have left a record. */
bool answered(struct run *r, int rc, int expected);
/* One of two; the trace has the first. */
bool answered_either(struct run *r, int rc, int expected, int other);
/* The same for a call that leaves no record. */
bool answered_quietly(struct run *r, int rc, int expected);
/* The answer gave this too; false if it is not what was expected. */
bool gave(struct run *r, const char *what, uint64_t value, uint64_t expected);
void chose(struct run *r, uint64_t iova);
void nothing_to_do(struct run *r);

/* An IOAS that the test holds, a device that is open; -1 if there is none. */
int some_ioas(const struct run *r, uint64_t *g);
int some_device(const struct run *r, uint64_t *g);
/* A mapping of the IOAS, or NULL. */
const struct mapping *some_mapping(const struct run *r, int i, uint64_t *g);
/* An IOVA where mappings are likely to be, for @length bytes. */
uint64_t some_iova(const struct run *r, int i, uint64_t *g, uint64_t length);
/* Access that devices shall have, and process memory, of a length that is chosen too. */
uint64_t some_memory(const struct run *r, int i, uint64_t *g, uint32_t access, uint64_t *length);
uint32_t some_access(uint64_t *g);
const char *access_name(uint32_t flags);

void op_map(struct run *r, uint64_t *g);
void op_map_file(struct run *r, uint64_t *g);
void op_mapv(struct run *r, uint64_t *g);
void op_copy(struct run *r, uint64_t *g);
void op_unmap(struct run *r, uint64_t *g);
void op_unmap_all(struct run *r, uint64_t *g);
void op_open(struct run *r, uint64_t *g);
void op_close(struct run *r, uint64_t *g);
void op_attach(struct run *r, uint64_t *g);
void op_detach(struct run *r, uint64_t *g);
void op_replace(struct run *r, uint64_t *g);
void op_ioas_new(struct run *r, uint64_t *g);
void op_ioas_unref(struct run *r, uint64_t *g);
void op_ioas_recover(struct run *r, uint64_t *g);
void op_ranges(struct run *r, uint64_t *g);
void op_protect(struct run *r, uint64_t *g);
void op_huge_pages(struct run *r, uint64_t *g);
void op_va_to_iova(struct run *r, uint64_t *g);
void op_iova_to_va(struct run *r, uint64_t *g);
void op_next(struct run *r, uint64_t *g);
void op_walk(struct run *r, uint64_t *g);
void op_bad_map(struct run *r, uint64_t *g);
void op_bad_unmap(struct run *r, uint64_t *g);
void op_bad_other(struct run *r, uint64_t *g);
void op_dma(struct run *r, uint64_t *g);

/* Everything that can be asked of an IOAS, compared with the model. */
bool check_ioas(struct run *r, int i);
/* The whole state. */
bool check_all(struct run *r);
bool check_ranges(struct run *r, int i);

#endif
