/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* One stream on all backends, in a process of its own; and making a failing one short. */
#ifndef DIFF_CONTEST_H
#define DIFF_CONTEST_H

#include "run.h"

struct contest {
	size_t count;
	const char *name[MAX_BACKENDS];
	struct hardware hw[MAX_BACKENDS];
};

/* Lies in memory that is shared with the process that runs the streams. */
struct verdict {
	struct result results[MAX_BACKENDS];
	struct stream stream; /* that runs; its operations are not shared */
	size_t backend;       /* that runs, or the one that failed */
	bool failed;
	char text[800];
	uint64_t streams;  /* run */
	uint64_t compared; /* operations, with those of the first backend */
	uint64_t parted;   /* streams in which backends chose different IOVAs; the first: */
	uint64_t parted_seed;
	size_t parted_at;
};

void *shared_memory(size_t size);

/* Is the machine the same for all? If not, false and the difference in @text. */
bool contest_is_fair(struct contest *c, char *text, size_t size);
/* Run all @seeds streams of @length operations, from @seed on, until one fails. */
void contest_run(const struct contest *c, uint64_t seed, uint64_t seeds, size_t length,
		 unsigned int dma, FILE *out, struct verdict *v);
/* Leave out of the stream what does not matter for its failure, @r, within @seconds. */
void contest_shrink(const struct contest *c, struct stream *s, const struct result *r,
		    unsigned int seconds);
/* Run it once more, in words. */
void contest_show(const struct contest *c, const struct stream *s);

#endif
