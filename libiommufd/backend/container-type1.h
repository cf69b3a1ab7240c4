/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the type1 engine asks of one of its containers. */
#ifndef BACKEND_CONTAINER_TYPE1_H
#define BACKEND_CONTAINER_TYPE1_H

#include "backend/container.h"
#include "backend/type1-info.h"
#include "os/uapi-type1.h"

static inline int type1_call(const struct container *c, unsigned long request, void *arg)
{
	return sys_ioctl(c->engine->core->sys, c->fd, request, arg);
}

static inline int type1_info_of(const struct container *c, struct type1_info *out)
{
	return type1_info_read(c->engine->core->sys, c->fd, out);
}

extern const struct container_ops container_type1;

#endif
