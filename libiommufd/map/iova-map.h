/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef MAP_IOVA_MAP_H
#define MAP_IOVA_MAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "map/lookup.h"
#include "map/range.h"

/*
 * The mappings of one I/O address space: ranges that do not overlap, keyed by IOVA.  Mappings of
 * process memory are also published in two lookup tables, VA to IOVA and IOVA to VA.
 *
 * The caller serialises everything on one map, except iova_map_va_to_iova() and its kin, which any
 * thread may call at any time while the map lives.
 */

enum {
	MAP_KIND_VA = 1,
	MAP_KIND_FILE,
	MAP_KIND_DMABUF,
	MAP_KIND_OTHER,		/* memory of another process */
};

struct map_entry {
	uint64_t iova;
	uint64_t length;
	uint64_t va;		/* MAP_KIND_VA: process address, else 0 */
	uint64_t offset;	/* of the other kinds, in the file */
	void *file;		/* the owner's handle, opaque here */
	uint32_t prot;
	uint16_t kind;
	uint16_t owned_iova;	/* the IOVA came from the allocator */
};

struct iova_map;

/* Returns 0 or -ENOMEM. */
int iova_map_new(struct iova_map **out);
void iova_map_free(struct iova_map *m);

/*
 * Add a mapping in two steps, so that the kernel can be asked between them.
 *
 * iova_map_prepare() checks @e, makes its IOVA range taken and gets all memory that is needed; the
 * lookups do not answer for it yet.  Returns 0 and a ticket; -EINVAL (a zero length, an address
 * that is no multiple of MAP_PAGE_SIZE, a range beyond 64 bits); -EEXIST when the range overlaps a
 * mapping or another prepared one; -ENOMEM.  On failure nothing has changed.
 *
 * iova_map_commit() publishes it.  It cannot fail when the caller's lock was held since prepare.
 * When the lock was dropped and other mappings of the same VA were made meanwhile, it may return
 * -ENOMEM, nothing having changed; the ticket is then still good for iova_map_abandon().
 *
 * iova_map_abandon() forgets a prepared mapping.  Tickets may be finished in any order.
 */
int iova_map_prepare(struct iova_map *m, const struct map_entry *e, uint32_t *ticket);
int iova_map_commit(struct iova_map *m, uint32_t ticket);
void iova_map_abandon(struct iova_map *m, uint32_t ticket);

/* Prepare and commit at once; the errors are those of iova_map_prepare(). */
int iova_map_insert(struct iova_map *m, const struct map_entry *e);

/*
 * Reading.  Prepared mappings are seen here like finished ones: their IOVA range is taken.  Each
 * function copies the mapping to *out (may be NULL) and returns whether there is one.
 */

/* The lowest mapping that touches the range. */
bool iova_map_first_overlap(const struct iova_map *m, uint64_t iova, uint64_t length,
			    struct map_entry *out);
/* The lowest mapping whose last byte is >= @from. */
bool iova_map_next(const struct iova_map *m, uint64_t from, struct map_entry *out);
/* The mapping that contains @iova. */
bool iova_map_find(const struct iova_map *m, uint64_t iova, struct map_entry *out);

/* Number of finished mappings, and the bytes they cover (modulo 2^64). */
uint64_t iova_map_count(const struct iova_map *m);
uint64_t iova_map_bytes(const struct iova_map *m);

/*
 * May iova..last be unmapped?  Returns 0 and how many bytes in how many mappings it covers, both 0
 * for an empty range; -EINVAL and *cut when an end of the range lies inside a mapping; -EBUSY and
 * *cut when it touches a mapping that is prepared but not finished; -EINVAL with cut->length 0 when
 * iova > last.  @bytes, @count and @cut may be NULL.
 */
int iova_map_check_whole(const struct iova_map *m, uint64_t iova, uint64_t last, uint64_t *bytes,
			 uint64_t *count, struct map_entry *cut);

/*
 * Remove the lowest finished mapping that lies wholly inside iova..last and hand it to the caller,
 * who frees what hangs on it.  Returns false when there is none left.  Cannot fail, allocates
 * nothing.  Where an older mapping of the same VA is left, the VA lookup answers with that one.
 */
bool iova_map_pop(struct iova_map *m, uint64_t iova, uint64_t last, struct map_entry *out);

/*
 * Give the memory of all mappings within iova..last, which cuts none, another address: of that at
 * IOVA x, va + (x - iova).  In two steps, so that the kernel can be asked between them; the lock is
 * held throughout.  Files are left as they are.  iova_map_move_prepare() gets the memory that is
 * needed, and returns 0 or -ENOMEM; the others cannot fail.
 */
struct iova_map_move {
	uint64_t iova, last, va;
	uint32_t va_leaves, iova_leaves;	/* reserved in the lookups */
};

int iova_map_move_prepare(struct iova_map *m, uint64_t iova, uint64_t last, uint64_t va,
			  struct iova_map_move *move);
void iova_map_move_commit(struct iova_map *m, const struct iova_map_move *move);
void iova_map_move_abandon(struct iova_map *m, const struct iova_map_move *move);

/* What the readers below need of a map, at its very beginning. */
struct iova_map_tables {
	struct lookup *va_to_iova;
	struct lookup *iova_to_va;
};

/*
 * Translate without a lock.  The hit holds the translated address and how many bytes from there on
 * are contiguous, at most @wanted (which must not be 0); 0 bytes mean that nothing is mapped there.
 * A VA mapped at several IOVAs gives the most recently made of those mappings.
 */
static inline __attribute__((always_inline)) struct lookup_hit
iova_map_va_to_iova(const struct iova_map *m, uint64_t va, uint64_t wanted)
{
	return lookup_get(((const struct iova_map_tables *)m)->va_to_iova, va, wanted);
}

static inline __attribute__((always_inline)) struct lookup_hit
iova_map_iova_to_va(const struct iova_map *m, uint64_t iova, uint64_t wanted)
{
	return lookup_get(((const struct iova_map_tables *)m)->iova_to_va, iova, wanted);
}

/* The same with an error code: 0, -ENOENT, or -EINVAL when @wanted is 0.  @run may be NULL. */
static inline int iova_map_to_iova(const struct iova_map *m, uint64_t va, uint64_t wanted,
				   uint64_t *iova, uint64_t *run)
{
	struct lookup_hit hit;

	if (!wanted)
		return -EINVAL;
	hit = iova_map_va_to_iova(m, va, wanted);
	if (!hit.run)
		return -ENOENT;
	*iova = hit.target;
	if (run)
		*run = hit.run;
	return 0;
}

static inline int iova_map_to_va(const struct iova_map *m, uint64_t iova, uint64_t wanted,
				 uint64_t *va, uint64_t *run)
{
	struct lookup_hit hit;

	if (!wanted)
		return -EINVAL;
	hit = iova_map_iova_to_va(m, iova, wanted);
	if (!hit.run)
		return -ENOENT;
	*va = hit.target;
	if (run)
		*run = hit.run;
	return 0;
}

#endif
