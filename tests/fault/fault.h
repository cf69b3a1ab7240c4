/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Scenarios that use the library as programs do, while calls or allocations
 * fail underneath. Each step must answer 0 or an error that its header
 * documents, leave a complete error record and change nothing when it fails,
 * and the library's view of mappings, spaces and attachments must be the
 * kernel's. When a scenario ends nothing may be left in the kernel.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libiommufd.h>
#include <libiommufd/emu.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE ((size_t)4096)
#define MAP_RW (IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE)
#define FIXED_RW (MAP_RW | IOMMUFD_MAP_FIXED)

struct run;

/* What makes something fail; it acts while a step runs and not between steps. */
struct saboteur {
	void (*arm)(struct run *r);
	void (*disarm)(struct run *r);
};

struct run {
	const char *what;    /* scenario and what is made to fail, for messages */
	const struct saboteur *saboteur;
	uint64_t nth;        /* what is to fail */
	uint64_t left;       /* how far away that is; 0 when it has failed */
	bool persistent;     /* the failure does not go away */
	struct iommufd_emu *emu;
	struct iommufd_ctx_opts opts; /* for contexts on that machine */
	struct iommufd_ctx *ctx, *second;
	struct iommufd_ioas *ioas[3];
	struct iommufd_device *dev[3];
	bool loose;          /* the kernel may have kept what an unref could not destroy */
	int fds_before;
	int wrong;
	char before[16384], after[16384];
};

struct scenario {
	const char *name;
	void (*play)(struct run *r);
};

/* Devices of the default machine. */
#define ALONE "0000:00:03.0"
#define OTHER "0000:00:04.0"
#define SIBLING1 "0000:01:01.0"
#define SIBLING2 "0000:01:02.0"
#define MSIX "0000:00:06.0"

extern const struct scenario scenarios[];
extern const size_t num_scenarios;

/* Memory of the scenarios, aligned to pages. */
#define MEMORY_PAGES 16
extern uint8_t memory[MEMORY_PAGES * 4096];

/*
 * A step. When the failure is a passing one, the call is made again and has to
 * succeed. False if the scenario has to end here.
 */
#define TRY(r, function, ...) ({ \
	bool done_ = false; \
	for (int try_ = 0; try_ < 2 && !done_ && !(try_ && (r)->persistent); try_++) { \
		step_begin(r); \
		done_ = step_end(r, #function, try_, function(__VA_ARGS__)); \
	} \
	done_; })

bool open_dev(struct run *r, int index, const char *name, uint64_t cookie);
void play_group(struct run *r);
void play_irq(struct run *r);
void play_fixed_irq(struct run *r);

void step_begin(struct run *r);
bool step_end(struct run *r, const char *function, int try, int rc);

/* Everything the scenario has is given back; is anything left in the kernel? */
void finish(struct run *r);

/* Say what is wrong, and remember that something is. */
void wrong(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Give a reference back in the middle of a scenario. */
void drop_ioas(struct run *r, int index);
void drop_dev(struct run *r, int index);

/* Plays one scenario on a new machine; returns what went wrong. */
int play(const struct scenario *s, struct run *r);

/* The functions that no step has called, on standard error; their number. */
int report_uncovered(void);

#endif
