/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What every handle begins with. The kind tells a handle of another type, or
 * one that was freed and not yet reused, from a good one.
 */
#ifndef BASE_OBJECT_H
#define BASE_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum object_kind {
	OBJECT_FREED = 0,
	OBJECT_CTX = 0x1cda7001,
	OBJECT_IOAS = 0x1cda7002,
	OBJECT_DEVICE = 0x1cda7003,
	OBJECT_GROUP = 0x1cda7004,
	OBJECT_PASID_TABLE = 0x1cda7005,
	OBJECT_FAULT_QUEUE = 0x1cda7006,
	OBJECT_VIOMMU = 0x1cda7007,
	OBJECT_VDEVICE = 0x1cda7008,
	OBJECT_VEVENTQ = 0x1cda7009,
	OBJECT_HW_QUEUE = 0x1cda700a,
	OBJECT_HWPT = 0x1cda700b,
	OBJECT_HANDOFF = 0x1cda700c,
	OBJECT_IMPORT = 0x1cda700d,
	OBJECT_PASID = 0x1cda700e,
};

/* In the kind of what was given up by iommufd_ctx_disown(): good for giving back only. */
#define OBJECT_DISOWNED UINT32_C(0x80000000)

struct object {
	uint32_t kind;
	atomic_uint refs;
};

static inline void object_init(struct object *o, enum object_kind kind)
{
	o->kind = kind;
	atomic_init(&o->refs, 1);
}

static inline bool object_is(const struct object *o, enum object_kind kind)
{
	return o && o->kind == (uint32_t)kind;
}

/* The same, or it was one before it was disowned: for who takes and gives back references. */
static inline bool object_was(const struct object *o, enum object_kind kind)
{
	return o && (o->kind & ~OBJECT_DISOWNED) == (uint32_t)kind;
}

static inline void object_ref(struct object *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
}

/* True when the caller gave back the last reference and must free the object. */
static inline bool object_unref(struct object *o)
{
	if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_release) != 1)
		return false;
	atomic_thread_fence(memory_order_acquire);
	return true;
}

/* Takes a reference unless the last one is just being given back. */
static inline bool object_ref_unless_zero(struct object *o)
{
	unsigned int refs = atomic_load_explicit(&o->refs, memory_order_relaxed);

	while (refs)
		if (atomic_compare_exchange_weak_explicit(&o->refs, &refs, refs + 1,
							  memory_order_relaxed,
							  memory_order_relaxed))
			return true;
	return false;
}

#endif
