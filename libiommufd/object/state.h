/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What one process writes down of a context for its successor: a blob of records,
 * one for each object in the order in which they were made, then one for each that
 * has links to others. Each type of object has a row in the table of state.c.
 *
 * Numbers are little-endian. A blob has one form only; nothing that is read is believed.
 */
#ifndef OBJECT_STATE_H
#define OBJECT_STATE_H

#include <libiommufd/import.h>

#include "object/ctx.h"

struct state_out {
	uint8_t *to;        /* written as far as there is room, counted to the end */
	size_t room, size;
	int *fds;
	size_t fds_room, nr_fds;
	const char *function;
};

/* One that was made of a record. */
struct state_item {
	const struct state_type *type;
	struct object *object; /* held */
	uint32_t id;
};

struct iommufd_import {
	struct object obj;
	struct iommufd_ctx *ctx;  /* held */
	struct state_item *items; /* in the order of their records */
	size_t count;
};

struct state_in {
	const uint8_t *at, *end; /* of the record that is being read, or of all */
	bool is_short;           /* more was wanted than there is */
	const int *fds;
	size_t nr_fds;
	struct iommufd_import *import; /* what was read before */
	const char *function;
};

struct state_type {
	uint32_t kind;           /* IOMMUFD_IMPORT_* */
	enum object_kind object;
	const char *name;
	bool own_numbers;        /* not the kernel's: another object may have the same */
	/* An error record if it cannot go over; writes nothing if there is nothing to go. */
	int (*write)(struct state_out *out, const struct object *object);
	/* Makes a handle with one reference and tells its number; nothing is changed in the kernel. */
	int (*read)(struct state_in *in, struct object **object, uint32_t *id);
	void (*unref)(struct object *object);
	/* The other objects that it came to after it was made; writes nothing if there are none. May be NULL. */
	void (*write_links)(struct state_out *out, const struct object *object);
	int (*read_links)(struct state_in *in, struct object *object);
};

static inline int import_check(const struct iommufd_import *import, const char *function)
{
	return import && object_is(&import->obj, OBJECT_IMPORT) ? 0 : err_handle(function, "import");
}

extern const struct state_type state_ioas;
extern const struct state_type state_device;
extern const struct state_type state_hwpt;
extern const struct state_type state_fault_queue;
extern const struct state_type state_viommu;
extern const struct state_type state_vdevice;
extern const struct state_type state_veventq;
extern const struct state_type state_hw_queue;
extern const struct state_type state_pasid;

/* The row of an object, or of a kind in a blob; NULL if there is none. */
const struct state_type *state_type_of(const struct object *object);
const struct state_type *state_type_by_kind(uint32_t kind);

void state_put(struct state_out *out, uint64_t value, unsigned int bytes);
static inline void state_put32(struct state_out *out, uint32_t value)
{
	state_put(out, value, sizeof(value));
}
static inline void state_put64(struct state_out *out, uint64_t value)
{
	state_put(out, value, sizeof(value));
}
void state_put_text(struct state_out *out, const char *text, size_t size);
/* Lends a descriptor, or none if it is -1. */
void state_put_fd(struct state_out *out, int fd);

/* Zero, and in->is_short, where the record is at its end. */
uint64_t state_get(struct state_in *in, unsigned int bytes);
static inline uint32_t state_get32(struct state_in *in)
{
	return (uint32_t)state_get(in, sizeof(uint32_t));
}
static inline uint64_t state_get64(struct state_in *in)
{
	return state_get(in, sizeof(uint64_t));
}
void state_get_text(struct state_in *in, char *text, size_t size);
/* A count of things that take @size bytes each: no more than there is room for. */
uint64_t state_get_count(struct state_in *in, size_t size);
/* The caller's descriptor, -1 for none; -EPROTO and a record for one that was not lent. */
int state_get_fd(struct state_in *in, int *fd);
/* A duplicate of it that is the library's; writes the record. */
int state_take_fd(struct state_in *in, int fd);
/* -EPROTO and a record: the kernel has nothing of that number. What it is it does not say. */
int state_check_id(struct state_in *in, const struct state_type *type, uint32_t id);

/* The record has been read, no more and no less; -EPROTO and a record: it has not. */
int state_done(const struct state_in *in);
/* -EPROTO. */
int state_bad(const struct state_in *in, const char *fmt, ...) printf_like(2, 3);
/* What a record before this one had of that number; NULL and a record: nothing. */
struct object *state_find(const struct state_in *in, const struct state_type *type, uint32_t id);

/* state-pasid.c: the one of that device's; NULL, without a record: there is none. */
struct object *state_find_pasid(const struct iommufd_import *import, uint32_t device,
				uint32_t number);

/* The frame: state-blob.c. */
#define STATE_HEAD_SIZE 56
#define STATE_RECORD_SIZE 16

struct state_head {
	uint32_t records;
	uint32_t fds;
	uint32_t group_policy;
	bool noiommu;
};

/* The head is written last, when all is known. */
void state_write_head(struct state_out *out, const struct state_head *head);
/* Leaves what follows the head in in->at to in->end. */
int state_read_head(struct state_in *in, const void *blob, size_t size, struct state_head *head);

size_t state_begin(struct state_out *out, uint32_t kind, bool links);
void state_end(struct state_out *out, size_t begin);
/* The next record of @all, as *one. */
int state_next(struct state_in *all, struct state_in *one, uint32_t *kind, bool *links);

#endif
