/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef PROBE_H
#define PROBE_H

#include <libiommufd.h>
#include <libiommufd/emu.h>

#include <stdalign.h>
#include <stdio.h>

#define STRUCT(s) begin_struct(#s, sizeof(struct s), alignof(struct s))
#define FIELD(s, f) field(#f, offsetof(struct s, f), sizeof(((struct s *)0)->f))
#define CONSTANT(c) constant(#c, (long long)(c))

void begin_struct(const char *name, size_t size, size_t alignment);
void end_struct(void);
void field(const char *name, size_t offset, size_t size);
void constant(const char *name, long long value);

/* probe-model.c: what only /dev/iommu has. */
void model_structs(void);
void model_constants(void);

#endif
