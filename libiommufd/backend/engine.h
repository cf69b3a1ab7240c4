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

#include "backend/file-view.h"
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
	ENGINE_DMA_ADDRESS,
	ENGINE_UPDATE_VA,
	ENGINE_DIRTY,
	ENGINE_READ_DIRTY,
	ENGINE_CALL_COUNT,
};

struct container;
struct container_ops;
struct engine;
struct vfio_group;

/* A page table that leads to what an address space maps, and that the kernel did not choose. */
struct engine_table {
	struct engine_table *next;
	uint32_t id;
	bool can_track; /* was made to tell what devices write */
	bool tracked;   /* and does */
};

/* An address space as its engine knows it. */
struct engine_ioas {
	struct engine *engine;
	uint32_t id;
	bool coalesce; /* neighbours may share an entry of a container */
	bool dirty;    /* writes of devices are tracked */
	struct engine_table *tables;  /* as made; changed under the context's lock too */
	struct container *containers; /* that repeat it; see container.h */

	/* The holder's: what is mapped, for who must map it again, and what must stay usable. */
	const struct iova_map *map;
	const struct iommufd_range *allow;
	size_t allow_count;
};

/* Allowed ranges, ascending; storage belongs to the holder. */
struct range_list {
	struct iommufd_range *ranges;
	size_t count;
	uint64_t align;
};

enum compat_op { COMPAT_GET, COMPAT_SET, COMPAT_CLEAR };
enum engine_option { OPTION_RLIMIT_MODE, OPTION_HUGE_PAGES };

/* What an address space has room for. */
struct engine_facts {
	uint64_t page_sizes;   /* a bit for each size, in bytes */
	uint64_t entries_left; /* mappings that may still be made; UINT64_MAX: no limit */
};

/* Which pages of iova..iova+length-1 devices wrote: bit 0 is the page at iova. */
struct dirty_request {
	uint64_t iova;
	uint64_t length;
	uint64_t page_size;
	uint64_t *bitmap;  /* bits are added, none is cleared */
	bool keep;         /* leave the kernel's record as it is */
	const struct engine_table *table; /* what its devices wrote; NULL: all devices */
};

struct engine_ops {
	const char *name;
	const char *call_names[ENGINE_CALL_COUNT];

	/*
	 * Fill the capability bits; called once, before anything else. -ENOTTY: fd is
	 * something else; of containers -EPROTO: another version of the interface,
	 * -EPROTONOSUPPORT: type1 in version 1 alone, -ENODEV: no such IOMMU.
	 */
	int (*probe)(struct engine *e);
	void (*close)(struct engine *e); /* e->own; fd is closed by others */

	int (*ioas_alloc)(struct engine *e, struct engine_ioas *as);
	/* Mappings go with it. No device is attached. */
	int (*ioas_free)(struct engine_ioas *as);

	/* Map at m->iova, which is free and allowed, what engine_va() says. */
	int (*map)(struct engine_ioas *as, const struct map_entry *m);
	/*
	 * As map, m->length bytes of @fd from m->offset. Where it is NULL, or the engine's
	 * caps are without IOMMUFD_CAP_MAP_FILE, the caller maps a view of the file instead.
	 */
	int (*map_file)(struct engine_ioas *as, const struct map_entry *m, int fd);
	/*
	 * Remove every mapping within iova..last; none crosses an end. On failure
	 * some may be gone: the caller restores each.
	 */
	int (*unmap)(struct engine_ioas *as, uint64_t iova, uint64_t last);
	/*
	 * After a failed unmap: be mapped again. -ENOENT: it is gone for good;
	 * -EUCLEAN: neither could it be made again everywhere, nor removed where it is.
	 */
	int (*restore)(struct engine_ioas *as, const struct map_entry *m);
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

	int (*facts)(struct engine_ioas *as, struct engine_facts *facts);
	/*
	 * With e->noiommu: the physical address behind @iova, and how much of *length
	 * bytes is contiguous from there, within one mapping. -ENODEV: no device is
	 * attached; -EPERM: it may not be told.
	 */
	int (*dma_address)(struct engine_ioas *as, uint64_t iova, uint64_t *address,
			   uint64_t *length);
	/* The memory of mapping @m is at @va now. */
	int (*update_va)(struct engine_ioas *as, const struct map_entry *m, uint64_t va);
	/*
	 * Sets as->dirty; or of one table, @table->tracked. What was tracked before is
	 * forgotten. On failure nothing may be tracked any more.
	 */
	int (*dirty_set)(struct engine_ioas *as, struct engine_table *table, bool on);
	/* The range cuts no mapping; it may have holes. On failure some bits may have been added. */
	int (*dirty_read)(struct engine_ioas *as, const struct dirty_request *q);
	/*
	 * dirty_read and unmap in one: no write of a device goes unreported. Fails as
	 * unmap does; on -EOPNOTSUPP nothing was done. NULL: it cannot.
	 */
	int (*dirty_unmap)(struct engine_ioas *as, const struct dirty_request *q);

	/*
	 * One command of /dev/iommu about what only it has: page tables, fault queues,
	 * vIOMMUs and the facts of an IOMMU. No lock is needed.
	 */
	int (*command)(struct engine *e, unsigned long request, void *arg);

	/* What groups are put into. */
	const struct container_ops *container;
};

struct engine {
	const struct engine_ops *ops;
	const struct core *core;
	int fd;        /* owned; of type1 and noiommu a container, lent to one at a time */
	bool adopted;  /* who opened it may have mapped in it, and have more of it open */
	bool fd_is_spoilt; /* something stayed in that container: it is not lent again */
	bool noiommu;  /* no IOMMU stands behind the devices */
	uint64_t caps; /* 1 << IOMMUFD_CAP_*, with those of the transport */
	struct vfio_group *groups; /* open ones, under the context's lock */
	uint32_t next_id;          /* for what the kernel does not number */
	void *own;                 /* made by probe */
};

/* What the commands need: a device that the kernel has given a number, and an IOMMU. */
#define ENGINE_COMMAND_CAPS                                                         \
	(UINT64_C(1) << IOMMUFD_CAP_HW_INFO | UINT64_C(1) << IOMMUFD_CAP_HWPT |      \
	 UINT64_C(1) << IOMMUFD_CAP_NESTING | UINT64_C(1) << IOMMUFD_CAP_PASID |     \
	 UINT64_C(1) << IOMMUFD_CAP_FAULT_QUEUE | UINT64_C(1) << IOMMUFD_CAP_VIOMMU | \
	 UINT64_C(1) << IOMMUFD_CAP_VEVENTQ | UINT64_C(1) << IOMMUFD_CAP_HW_QUEUE)

/* Without such a device the kernel tells nothing of its tables either. */
static inline void engine_drop_commands(struct engine *e)
{
	if (e->ops->command)
		e->caps &= ~(ENGINE_COMMAND_CAPS | UINT64_C(1) << IOMMUFD_CAP_DIRTY_TRACKING);
}

extern const struct engine_ops engine_iommufd;
extern const struct engine_ops engine_type1;
extern const struct engine_ops engine_noiommu;

static inline void engine_exit(struct engine *e)
{
	if (e->ops && e->ops->close)
		e->ops->close(e);
	sys_close(e->core->sys, &e->fd);
}

static inline bool engine_has(const struct engine *e, uint32_t cap)
{
	return cap < 64 && (e->caps & (UINT64_C(1) << cap));
}

/* Where in this process the memory of a mapping is; 0 for a file that the kernel maps itself. */
static inline uint64_t engine_va(const struct map_entry *m)
{
	return m->kind == MAP_KIND_VA ? m->va : m->file ? file_view_va(m->file, m->offset) : 0;
}

/* What an engine lacks has the name that it has where it is. */
static inline const char *engine_call_name(const struct engine *e, enum engine_call call)
{
	const char *name = e->ops->call_names[call];

	return name ? name : engine_iommufd.call_names[call];
}

#endif
