/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef OBJECT_HWPT_H
#define OBJECT_HWPT_H

#include <libiommufd/hwpt.h>

#include "object/device.h"

/*
 * References are given back under the context's lock, so a table that is found
 * under it lives. With that lock held only hwpt_put_locked() gives one back.
 */
struct iommufd_hwpt {
	struct object obj;
	struct iommufd_ctx *ctx;     /* held */
	struct member member;
	struct iommufd_ioas *ioas;   /* held: what it leads to, in the end */
	struct iommufd_hwpt *parent; /* held: of a nested table; NULL of a paging one */
	struct iommufd_viommu *viommu; /* held: that a nested table was made on, or NULL */
	struct iommufd_fault_queue *faults; /* held, or NULL */
	struct engine_table table;   /* of a paging one: in ioas->as.tables */
	bool automatic;              /* made by the library, for the devices that are on it */
	struct iommu_facts facts;    /* then: of the IOMMU that it was made for */
	uint64_t flags;              /* IOMMUFD_HWPT_* */
	uint32_t iommu_type;         /* of a nesting parent: the make of the IOMMU it is for */
	uint32_t id;
	char object[24];             /* "hwpt ID", for error records */
};

static inline int hwpt_check(const struct iommufd_hwpt *hwpt, const char *function)
{
	return hwpt && object_is(&hwpt->obj, OBJECT_HWPT) ? 0 : err_handle(function, "hwpt");
}

/* -EINVAL, with a record, if @parent is no nesting parent, or not of the device's context. */
int hwpt_check_parent(struct iommufd_device *dev, const char *function,
		      const struct iommufd_hwpt *parent);

static inline struct iommufd_hwpt *hwpt_of_table(struct engine_table *table)
{
	return table ? container_of(table, struct iommufd_hwpt, table) : NULL;
}

/* All paging tables of an IOAS. Context or IOAS lock held. */
#define for_each_hwpt(h, ioas) \
	for ((h) = hwpt_of_table((ioas)->as.tables); (h); (h) = hwpt_of_table((h)->table.next))

/* The paging table that a table is, or stands in front of. */
static inline const struct iommufd_hwpt *hwpt_paging(const struct iommufd_hwpt *hwpt)
{
	return hwpt->parent ? hwpt->parent : hwpt;
}

static inline bool hwpt_takes_pasids(const struct iommufd_hwpt *hwpt)
{
	return hwpt && hwpt->flags & IOMMUFD_HWPT_PASID;
}

/* What a table is made on. */
struct hwpt_base {
	struct iommufd_ioas *ioas;   /* that it leads to */
	struct iommufd_hwpt *parent; /* of a nested table; NULL of a paging one */
	struct iommufd_viommu *viommu; /* the same, if it is made on one */
	uint32_t id;                 /* the kernel's number: of the IOAS, the parent, or a vIOMMU on it */
	const char *object;          /* and its name */
};

/*
 * Make a table; handles are checked, the rest is not. No lock is held; writes the
 * error record.
 */
int hwpt_make(struct iommufd_device *dev, const char *function, const struct hwpt_base *base,
	      const struct iommufd_hwpt_opts *given, struct iommufd_hwpt **out);
/*
 * The library's own, with one reference, for a device that can have tables. Context
 * lock held, and that of the IOAS.
 */
int hwpt_make_automatic(struct iommufd_device *dev, const char *function,
			struct iommufd_ioas *ioas, uint64_t flags, struct iommufd_hwpt **out);
/* Give back a reference of such a one, which is not NULL; the same locks. */
void hwpt_put_locked(struct iommufd_hwpt *hwpt);

/* One that the kernel does not know yet, or NULL and a record. */
struct iommufd_hwpt *hwpt_alloc(const char *function, const struct hwpt_base *base, uint64_t flags);
/*
 * The kernel has it now, by hwpt->id and table.id: one of the context, with a reference.
 * Context lock held, and that of the IOAS.
 */
void hwpt_enter(struct iommufd_hwpt *hwpt, struct iommufd_fault_queue *faults);

/* hwpt-invalidate.c: of a nested table or a vIOMMU, number @id. Writes the error record. */
int hwpt_invalidate(struct engine *e, const char *function, uint32_t id, const char *object,
		    uint32_t type, const void *entries, uint32_t entry_size, uint32_t *count);

#endif
