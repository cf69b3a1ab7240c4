/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An engine keeps I/O address spaces: the kernel's iommufd objects, or a legacy
 * container. One table of operations each.
 *
 * What holds for every operation:
 * - The caller has checked the request against its own map of the address space
 *   and holds that address space's lock; operations on the engine as a whole are
 *   called with the context's lock held.
 * - Errors are the kernel's, negative, and nothing has changed unless the
 *   operation says otherwise. Operations write no error record: the caller knows
 *   the objects; call_names[] tells it which kernel call refused.
 * - A NULL operation means -EOPNOTSUPP; engine_has() says so beforehand.
 */
#ifndef BACKEND_ENGINE_H
#define BACKEND_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include <libiommufd/ioas.h>

#include "map/iova-map.h"
#include "os/core.h"

enum engine_call {
	ENGINE_IOAS_ALLOC,
	ENGINE_IOAS_FREE,
	ENGINE_MAP,
	ENGINE_MAP_FILE,
	ENGINE_UNMAP,
	ENGINE_COPY,
	ENGINE_RANGES,
	ENGINE_ALLOW,
	ENGINE_OPTION,
	ENGINE_CHANGE_PROCESS,
	ENGINE_COMPAT,
	ENGINE_CALL_COUNT,
};

struct engine;

/* An address space as its engine knows it. */
struct engine_ioas {
	struct engine *engine;
	uint32_t id;
	void *private;
};

/* Allowed ranges, ascending; storage belongs to the holder. */
struct range_list {
	struct iommufd_range *ranges;
	size_t count;
	uint64_t align;
};

enum compat_op { COMPAT_GET, COMPAT_SET, COMPAT_CLEAR };
enum engine_option { OPTION_RLIMIT_MODE, OPTION_HUGE_PAGES };

struct engine_ops {
	const char *name;
	const char *call_names[ENGINE_CALL_COUNT];

	/* Fill the capability bits; called once, before anything else. */
	int (*probe)(struct engine *e);

	int (*ioas_alloc)(struct engine *e, struct engine_ioas *as);
	/* Mappings go with it. No device is attached. */
	int (*ioas_free)(struct engine_ioas *as);

	/* Map at m->iova, which is free and allowed. */
	int (*map)(struct engine_ioas *as, const struct map_entry *m);
	/* As map, m->length bytes of @fd from m->offset. */
	int (*map_file)(struct engine_ioas *as, const struct map_entry *m, int fd);
	/*
	 * Remove every mapping within iova..last; none crosses an end. On failure
	 * some may be gone: the caller finds out which by mapping them again.
	 */
	int (*unmap)(struct engine_ioas *as, uint64_t iova, uint64_t last);
	/* Map at m->iova what @src maps at @src_iova: m->length bytes of one mapping. */
	int (*copy)(struct engine_ioas *as, struct engine_ioas *src, uint64_t src_iova,
		    const struct map_entry *m);
	/* Replace the content of @list; it is left alone on failure. */
	int (*ranges)(struct engine_ioas *as, struct range_list *list);
	int (*allow)(struct engine_ioas *as, const struct iommufd_range *ranges, size_t count);

	/* @as is NULL for an option of the whole engine. */
	int (*set_option)(struct engine *e, struct engine_ioas *as, enum engine_option o,
			  uint64_t value);
	int (*get_option)(struct engine *e, struct engine_ioas *as, enum engine_option o,
			  uint64_t *value);
	int (*change_process)(struct engine *e);
	int (*compat)(struct engine *e, enum compat_op op, uint32_t *id);
};

struct engine {
	const struct engine_ops *ops;
	const struct core *core;
	int fd;        /* owned */
	uint64_t caps; /* 1 << IOMMUFD_CAP_* */
};

extern const struct engine_ops engine_iommufd;

static inline bool engine_has(const struct engine *e, uint32_t cap)
{
	return cap < 64 && (e->caps & (UINT64_C(1) << cap));
}

static inline const char *engine_call_name(const struct engine *e, enum engine_call call)
{
	return e->ops->call_names[call];
}

#endif
