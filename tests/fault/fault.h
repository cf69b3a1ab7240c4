/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Scenarios that use the library as programs do, while calls or allocations
 * fail underneath, on every backend. Each step must answer 0 or an error that
 * its header documents, leave a complete error record and change nothing when
 * it fails, and the library's view of mappings, spaces and attachments must be
 * the kernel's: what an IOAS maps is mapped for each device attached to it, and
 * no device ever reaches more. When a scenario ends nothing may be left in the
 * kernel.
 *
 * Environment: LIBIOMMUFD_BACKEND names the one backend to play on.
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

/* How long a failure lasts. */
enum mode {
	ONCE,     /* the one call; what it keeps from being done is done at the next try */
	STEP,     /* also every later call of that step, so that nothing can be undone either */
	FOR_GOOD,
};

/* An engine, and how devices are had. */
struct pair {
	const char *name;    /* as opts.backend takes it */
	bool noiommu;
	bool records;        /* an IOAS is nothing in the kernel: there are containers */
	bool is_without_tables; /* nor is a container: devices reach all memory */
};

struct run {
	const char *what;    /* scenario and what is made to fail, for messages */
	const struct pair *pair;
	const struct saboteur *saboteur;
	uint64_t nth;        /* what is to fail */
	uint64_t left;       /* how far away that is; 0 when it has failed */
	bool failed;
	enum mode mode;
	struct iommufd_emu *emu;
	struct iommufd_ctx_opts opts; /* for contexts on that machine */
	struct iommufd_ctx *ctx, *second;
	struct iommufd_ioas *ioas[3];
	struct iommufd_hwpt *hwpt[2];
	struct iommufd_device *dev[4];
	struct iommufd_pasid *pasid[2]; /* of the first device */
	bool loose;          /* the kernel may have kept what an unref could not destroy */
	bool unclean;        /* -EUCLEAN: mappings of the record may be missing in the kernel */
	uint64_t foreign;    /* IOVA of a page that someone else maps in the containers, or 0 */
	uint32_t homes;      /* IOASes that mock devices came with */
	bool moves;          /* memory gets another address: then some may have either */
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
	for (int try_ = 0; try_ < 2 && !done_ && !gives_up(r, try_); try_++) { \
		step_begin(r); \
		done_ = step_end(r, #function, try_, function(__VA_ARGS__)); \
	} \
	done_; })

/* Under a tool that makes all slow, LIBIOMMUFD_SLOW, only every so many-th failure is tried. */
unsigned int sampling(void);

/* Is what only some backends can do to be had here? */
bool can(struct run *r, uint32_t cap);

/* Common steps of scenarios. */
bool open_dev(struct run *r, int index, const char *name, uint64_t cookie);
bool new_ioas(struct run *r, int index);
bool map_at(struct run *r, int index, size_t page, size_t pages, uint64_t iova);
bool attach(struct run *r, int dev, int ioas);

void play_own(struct run *r);
void play_join(struct run *r);
void play_join_open(struct run *r);
void play_several(struct run *r);
void play_coalesce(struct run *r);
void play_group(struct run *r);
void play_broker(struct run *r);
void play_handoff(struct run *r);
void play_import(struct run *r);
void play_update(struct run *r);
void play_dirty(struct run *r);
void play_hwinfo(struct run *r);
void play_pasid(struct run *r);
void play_pasid_table(struct run *r);
void play_hwpt(struct run *r);
void play_guest(struct run *r);
void play_mock(struct run *r);
void play_irq(struct run *r);
void play_fixed_irq(struct run *r);
void play_reset(struct run *r);
void play_feature(struct run *r);
void play_migration(struct run *r);

void step_begin(struct run *r);
bool step_end(struct run *r, const char *function, int try, int rc);
bool gives_up(const struct run *r, int try);

/* state.c: what is, in words, and whether the kernel sees it so. */
void describe(struct run *r, char *text, size_t room);
void compare_with_kernel(struct run *r, const char *function);

/* Everything the scenario has is given back; is anything left in the kernel? */
void finish(struct run *r);

/* Say what is wrong, and remember that something is. */
void wrong(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Give a reference back in the middle of a scenario. */
#define DROP(r, unref, object) do { \
	uint64_t left_ = (r)->left; \
	(r)->saboteur->arm(r); \
	(object) = unref(object); \
	drop_end(r, left_); \
} while (0)

/* What an unref could not undo is seen by nobody. */
void drop_end(struct run *r, uint64_t left);
void drop_ioas(struct run *r, int index);
void drop_dev(struct run *r, int index);
void drop_hwpt(struct run *r, int index);

/* Plays one scenario on a new machine; returns what went wrong. */
int play(const struct scenario *s, struct run *r);

/*
 * Calls @play_all for each pair and scenario; returns what went wrong. A
 * function that no step has called is wrong, too.
 */
int play_everything(int (*play_all)(const struct pair *pair, const struct scenario *s));

#endif
