/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What is in the interval map. */
#include <string.h>

#include "map/iova-map-priv.h"

bool iova_map_next(const struct iova_map *m, uint64_t from, struct map_entry *out)
{
	struct range_pos pos;

	if (!range_tree_find(&m->tree, from, &pos))
		return false;
	if (out)
		*out = mapping_at(m, pos)->e;
	return true;
}

bool iova_map_first_overlap(const struct iova_map *m, uint64_t iova, uint64_t length,
			    struct map_entry *out)
{
	struct range_pos pos;

	if (!length || !range_tree_find(&m->tree, iova, &pos))
		return false;
	if (range_start(pos) > iova && range_start(pos) - iova >= length)
		return false;
	if (out)
		*out = mapping_at(m, pos)->e;
	return true;
}

bool iova_map_find(const struct iova_map *m, uint64_t iova, struct map_entry *out)
{
	return iova_map_first_overlap(m, iova, 1, out);
}

uint64_t iova_map_count(const struct iova_map *m)
{
	return m->count;
}

uint64_t iova_map_bytes(const struct iova_map *m)
{
	return m->bytes;
}

int iova_map_check_whole(const struct iova_map *m, uint64_t iova, uint64_t last, uint64_t *bytes,
			 uint64_t *count, struct map_entry *cut)
{
	uint64_t all = 0, number = 0;
	struct range_pos pos;
	int rc = 0;
	bool more;

	if (cut)
		memset(cut, 0, sizeof(*cut));
	if (iova > last)
		return -EINVAL;
	for (more = range_tree_find(&m->tree, iova, &pos); more && range_start(pos) <= last;
	     more = range_tree_next(&pos)) {
		const struct mapping *mapping = mapping_at(m, pos);

		if (range_start(pos) < iova || range_last(pos) > last)
			rc = -EINVAL;
		else if (mapping->prepared)
			rc = -EBUSY;
		if (rc) {
			if (cut)
				*cut = mapping->e;
			return rc;
		}
		all += mapping->e.length;
		number++;
	}
	if (bytes)
		*bytes = all;
	if (count)
		*count = number;
	return 0;
}
