/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the files of the interval map share. */
#ifndef MAP_IOVA_MAP_PRIV_H
#define MAP_IOVA_MAP_PRIV_H

#include "map/alias.h"
#include "map/iova-map.h"
#include "map/range-tree.h"

struct mapping {
	struct map_entry e;
	uint32_t prepared : 1;		/* not finished yet */
	uint32_t aliased : 1;		/* its VA range overlaps, or once did, another one's */
	uint32_t va_leaves : 30;	/* reserved in the lookups while prepared */
	union {
		uint32_t iova_leaves;
		uint32_t next_free;
	};
};

#define NO_MAPPING UINT32_MAX

struct iova_map {
	struct iova_map_tables lookups;
	struct range_tree tree;		/* IOVA ranges; the numbers are indices of mappings[] */
	struct mapping *mappings;
	uint32_t room;
	uint32_t free;
	struct alias_set aliases;	/* VA ranges that share pages */
	uint32_t fresh;			/* prepared when the lookups were as they are now */
	uint64_t count, bytes;
};

static inline uint64_t last_iova(const struct map_entry *e)
{
	return e->iova + e->length - 1;
}

static inline uint64_t last_va(const struct map_entry *e)
{
	return e->va + e->length - 1;
}

static inline struct mapping *mapping_at(const struct iova_map *m, struct range_pos pos)
{
	return &m->mappings[range_value(pos)];
}

/* iova-map.c: show a mapping in the lookups, for whose memory was seen to; take its VA out of them. */
void iova_map_publish(struct iova_map *m, uint32_t id);
void iova_map_unpublish_va(struct iova_map *m, uint32_t id);

#endif
