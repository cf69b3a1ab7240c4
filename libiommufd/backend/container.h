/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What groups of devices are put into: a type1 container, or a kernel IOAS that
 * stands for one. A group cannot go to another while one of its devices is
 * open, so a container can do what an address space cannot: it repeats the
 * mappings of one address space after the other, or of none, and then it is
 * empty and DMA is blocked.
 *
 * An address space may have several. What is mapped in it is mapped in each.
 *
 * Errors are the kernel's, negative; a failure has changed nothing unless said
 * otherwise. The address space's lock is held where one is concerned, the
 * context's lock when containers are made and freed.
 */
#ifndef BACKEND_CONTAINER_H
#define BACKEND_CONTAINER_H

#include "backend/engine.h"

/* Several mappings that are one in the kernel. */
struct merged {
	uint64_t iova;
	uint64_t last;
};

struct container {
	struct engine *engine;
	struct container *next;    /* of the same address space */
	struct engine_ioas *as;    /* whose mappings it repeats, or NULL */
	unsigned int groups;       /* in it */
	unsigned int attached;     /* devices of them, at the address space */
	bool shared;               /* groups entered it for this address space, for good */
	bool is_ioas;              /* it is the address space itself and repeats nothing */
	bool lacks;                /* something that c->as maps could not be made */
	bool soiled;               /* something may be mapped, of no address space */
	struct merged *merged;     /* ascending; room for merged_room */
	size_t merged_count, merged_room;
	struct map_entry failed;   /* by which the last join failed; length 0: none */

	int fd;                    /* type1, noiommu: the container; else -1 */
	uint32_t id;               /* iommufd: the kernel's IOAS */
	bool ready;                /* type1, noiommu: SET_IOMMU was done */
	bool adopted;              /* someone else made it */

	struct kept *kept;         /* noiommu: what is locked, ascending; room for kept_room */
	size_t kept_count, kept_room;
};

/* Why a call of the transport failed: one of several kernel calls. */
enum transport_call {
	TRANSPORT_BIND,
	TRANSPORT_ASK_ISOLATION,
	TRANSPORT_ATTACH,
	TRANSPORT_DETACH,
	TRANSPORT_OPEN_GROUP,
	TRANSPORT_GROUP_STATUS,
	TRANSPORT_OPEN_CONTAINER,
	TRANSPORT_SET_CONTAINER,
	TRANSPORT_SET_IOMMU,
	TRANSPORT_CHOOSE_IOAS,
	TRANSPORT_GET_DEVICE_FD,
	TRANSPORT_RANGES,
	TRANSPORT_CALL_COUNT,
};

struct container_ops {
	const char *call_names[TRANSPORT_CALL_COUNT]; /* those not of the transport */

	/* Make the kernel's part of @c, empty, or let @as be it; *refused tells which call failed. */
	int (*open)(struct container *c, struct engine_ioas *as, enum transport_call *refused);
	void (*close)(struct container *c); /* no group is in it */
	/*
	 * Put a group in, none of whose devices is open; 1 if someone else had done so.
	 * Take it out again; @group_fd is -1 where it stays in, as it was.
	 */
	int (*enter)(struct container *c, int group_fd, enum transport_call *refused);
	void (*leave)(struct container *c, int group_fd);
	/* Around GET_DEVICE_FD; NULL: nothing to do. */
	int (*begin_open)(struct container *c, uint32_t *before);
	void (*end_open)(struct container *c, uint32_t before);

	/*
	 * -EADDRINUSE if others mapped in @c, in which nothing of ours is, where m is.
	 * NULL: there are no others.
	 */
	int (*check_free)(struct container *c, const struct map_entry *m);
	/* Make m's mapping in @c; it is c->as's. -EEXIST: it is there. */
	int (*map)(struct container *c, const struct map_entry *m);
	/* Remove all within iova..last, if anything is there. On failure some may be gone. */
	int (*unmap)(struct container *c, uint64_t iova, uint64_t last);
	/* Replace the content of @list; a device is open. */
	int (*ranges)(struct container *c, struct range_list *list);
	/* Note from now on what devices write, or no more; NULL: engine_ioas.dirty is never set. */
	int (*track)(struct container *c, bool on);
	/* Each mapping counts against a limit: neighbours may become one. */
	bool merges;
};

/*
 * A new empty container. One for groups that join @as (else NULL) may be that
 * address space itself.
 */
int container_new(struct engine *e, struct engine_ioas *as, struct container **out,
		  enum transport_call *refused);
void container_free(struct container *c); /* no group in it, of no address space */

/*
 * What devices reach must never be more than the record of the address space
 * that c->as stands for. So a container that can neither be filled nor emptied
 * stays with an address space, and lacks mappings of it: that is -EUCLEAN below.
 */

/*
 * Repeat @as from now on: -EADDRINUSE when the devices cannot reach what is
 * mapped or protected, else what mapping answers. @c is of no address space.
 */
int container_join(struct container *c, struct engine_ioas *as);
/* Make what is lacking. */
int container_refill(struct container *c);
/* Be empty. On failure it repeats as before. */
int container_quit(struct container *c);
/* Repeat another, with DMA blocked in between; on failure the former. -EUCLEAN: c->as says which. */
int container_move(struct container *c, struct engine_ioas *as);
/* Belong to no address space: what is mapped goes when the last group leaves, or before it joins. */
void container_drop(struct container *c);

/*
 * All of an address space's containers. -EUCLEAN: it failed in one and could not
 * be undone in others (map), or what shared an entry could not be mapped again (unmap).
 */
int containers_map(struct engine_ioas *as, const struct map_entry *m);
int containers_unmap(struct engine_ioas *as, uint64_t iova, uint64_t last);
/* As engine_ops.restore. */
int containers_restore(struct engine_ioas *as, const struct map_entry *m);
/* Narrow @list to what all of them allow. */
int containers_ranges(const struct engine_ioas *as, struct range_list *list);

#endif
