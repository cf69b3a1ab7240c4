/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_IOAS_H
#define OBJECT_IOAS_H

#include <pthread.h>

#include "map/iova-alloc.h"
#include "map/iova-map.h"
#include "object/ctx.h"

/* What hardware reserves and the kernel would let be mapped; a user of the IOAS owns it. */
struct ioas_windows {
	struct ioas_windows *next;
	struct map_range *ranges;
	size_t count;
};

struct iommufd_ioas {
	struct object obj;
	struct iommufd_ctx *ctx; /* held */
	struct member member;
	struct engine_ioas as;   /* its lists are under the lock too */
	char object[24];         /* "ioas ID", for error records */
	struct iova_map *map;    /* the truth; lookups in it need no lock */

	pthread_mutex_t lock;    /* all that follows, and writing to the map */
	struct iova_alloc *alloc;
	struct range_list ranges;    /* what the attached devices allow */
	struct ioas_windows *windows; /* reserved besides */
	uint64_t flags;              /* IOMMUFD_IOAS_* that hold */
	unsigned int attached;       /* devices */
	struct ioas_hold *holds;     /* what must stay mapped */
	bool stale;                  /* the ranges have changed since they were read */
};

/* A range that must stay mapped, and for whom. */
struct ioas_hold {
	struct ioas_hold *next;
	uint64_t iova, last;
	const char *object; /* for error records */
};

/* What to map where; filled by the public functions, checked by map_request_check(). */
struct map_request {
	const char *function;
	uint16_t kind;             /* MAP_KIND_* */
	uint64_t va;
	int fd;                    /* MAP_KIND_FILE, if the kernel maps it */
	uint64_t offset;           /* MAP_KIND_FILE */
	struct file_view *view;    /* MAP_KIND_FILE, if the library does; the mapping takes a reference */
	uint64_t length;
	uint32_t flags;            /* IOMMUFD_MAP_* */
	uint64_t iova;             /* with IOMMUFD_MAP_FIXED, else chosen */
	struct iommufd_map_opts opts;
};

static inline int ioas_check(const struct iommufd_ioas *ioas, const char *function)
{
	return ioas && object_is(&ioas->obj, OBJECT_IOAS) ? 0 : err_handle(function, "ioas");
}

static inline const char *ioas_call(const struct iommufd_ioas *ioas, enum engine_call call)
{
	return engine_call_name(ioas->as.engine, call);
}

/* Two locks are taken in the order of their addresses; the two may be one. */
static inline void ioas_lock_both(struct iommufd_ioas *a, struct iommufd_ioas *b)
{
	pthread_mutex_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		pthread_mutex_lock(a < b ? &b->lock : &a->lock);
}

static inline void ioas_unlock_both(struct iommufd_ioas *a, struct iommufd_ioas *b)
{
	pthread_mutex_unlock(&a->lock);
	if (a != b)
		pthread_mutex_unlock(&b->lock);
}

/* ioas.c: one that the kernel does not know yet, or NULL and a record; @flags are IOMMUFD_IOAS_*. */
struct iommufd_ioas *ioas_alloc(const char *function, uint64_t flags);
void ioas_free(struct iommufd_ioas *ioas);
/* The kernel has it now: one of the context, with a reference. */
void ioas_enter(struct iommufd_ioas *ioas, struct iommufd_ctx *ctx);

/* ioas-ranges.c: read the allowed ranges again after an attach. Lock held. */
int ioas_refresh_ranges(struct iommufd_ioas *ioas, const char *function);
/* The same, if they have changed: before they are used. */
static inline int ioas_fresh_ranges(struct iommufd_ioas *ioas, const char *function)
{
	return unlikely(ioas->stale) ? ioas_refresh_ranges(ioas, function) : 0;
}

/*
 * ioas-windows.c: read what the device's hardware reserves and keep mappings out of it, from
 * now on until it is released. Writes the error record, of -EADDRINUSE too: something is there
 * already. Lock held.
 */
struct iommufd_device;
int ioas_windows_reserve(struct iommufd_ioas *ioas, struct iommufd_device *dev,
			 const char *function, struct ioas_windows **out);
void ioas_windows_release(struct iommufd_ioas *ioas, struct ioas_windows *w);

/* ioas-place.c. Lock held. */
/* Does the window of the request make sense, are addresses and lengths whole pages? */
int map_request_check(const struct iommufd_ioas *ioas, const struct map_request *req);
/* Where the request goes: the fixed IOVA if it is free and allowed, else a chosen one. */
int ioas_place(struct iommufd_ioas *ioas, const struct map_request *req, uint64_t *iova);
int ioas_fixed_refused(struct iommufd_ioas *ioas, const char *function, uint64_t iova,
		       uint64_t length);

/* ioas-map.c */
/* Take the lock, check the request and map it; *iova is read and written as the caller's. */
int ioas_map_request(struct iommufd_ioas *ioas, struct map_request *req, uint64_t *iova,
		     const struct iommufd_map_opts *opts);
/* Map one piece that has been checked. Lock held. */
int ioas_map_locked(struct iommufd_ioas *ioas, const struct map_request *req, uint64_t *iova);
/*
 * Record and map one piece at a place found free; @from is the IOAS to copy from or NULL.
 * After -EUCLEAN it is recorded all the same. Lock held.
 */
int ioas_map_at(struct iommufd_ioas *ioas, const struct map_request *req, uint64_t iova,
		struct iommufd_ioas *from, uint64_t from_iova);

/* ioas-file.c: check the file, and map it into the process if it takes that. Lock held. */
int ioas_file_prepare(struct iommufd_ioas *ioas, struct map_request *req);

/* ioas-info.c. Lock held. */
/* May only so many mappings be made? */
bool ioas_is_limited(struct iommufd_ioas *ioas);
/* -ENOSPC: no more of them. */
int ioas_budget_refused(struct iommufd_ioas *ioas, enum engine_call call);

/* ioas-unmap.c. Lock held. */
void ioas_hold(struct iommufd_ioas *ioas, struct ioas_hold *hold);
void ioas_let_go(struct iommufd_ioas *ioas, struct ioas_hold *hold);
/* -EBUSY, with a record that names the first, if something in the range must stay. */
int ioas_check_holds(const struct iommufd_ioas *ioas, const char *function, uint64_t iova,
		     uint64_t last);
/* All mappings within iova..last, which cuts none. */
int ioas_unmap_locked(struct iommufd_ioas *ioas, const char *function, uint64_t iova,
		      uint64_t last);
/* The same, and what devices wrote; -EOPNOTSUPP, without a record: not in one. */
int ioas_unmap_dirty_locked(struct iommufd_ioas *ioas, const char *function,
			    const struct dirty_request *q);
/* Undo mappings just made, while the record of the failure stays; @code or -EUCLEAN. */
int ioas_roll_back(struct iommufd_ioas *ioas, const char *function, int code, uint64_t iova,
		   uint64_t last);

#endif
