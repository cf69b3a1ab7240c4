/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What engines over VFIO containers have in common. An address space is only
 * the record that its holder keeps; each container of a group that is attached
 * repeats it.
 */
#ifndef BACKEND_ENGINE_CONTAINER_H
#define BACKEND_ENGINE_CONTAINER_H

#include "backend/container.h"

/* Entries of struct engine_ops. */
int record_ioas_alloc(struct engine *e, struct engine_ioas *as);
int record_ioas_free(struct engine_ioas *as);
int record_copy(struct engine_ioas *as, struct engine_ioas *src, uint64_t src_iova,
		const struct map_entry *m);
int record_ranges(struct engine_ioas *as, struct range_list *list);
int record_allow(struct engine_ioas *as, const struct iommufd_range *ranges, size_t count);
int record_set_option(struct engine *e, struct engine_ioas *as, enum engine_option o,
		      uint64_t value);
int record_get_option(struct engine *e, struct engine_ioas *as, enum engine_option o,
		      uint64_t *value);

/* Is e->fd a container? 0, -ENOTTY, -EPROTO: of another version of the interface. */
int node_container_check(const struct engine *e);

/* Entries of struct container_ops, and of use to others: c->fd is /dev/vfio/vfio. */
int node_container_open(struct container *c, struct engine_ioas *as, enum transport_call *refused);
void node_container_close(struct container *c);
/* The descriptor by which the engine was found serves the first container. */
bool node_container_is_lent(const struct container *c);

#endif
