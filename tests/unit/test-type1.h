/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The type1 engine and its containers with devices had by group, on the emulated
 * kernel: as the objects above drive them, without the objects.
 */
#ifndef TEST_TYPE1_H
#define TEST_TYPE1_H

#include "test-emu-group.h"

#include "backend/group.h"
#include "backend/transport.h"
#include "map/iova-map.h"

#define MSI_WINDOW UINT64_C(0xfee00000)

struct engine_under_test {
	struct machine *m;
	struct iommufd_sys sys; /* the machine's, which a test may change */
	struct core core;
	struct engine e;
	unsigned char alive;
};

/* An address space with its records. */
struct space {
	struct engine_ioas as;
	struct iova_map *map;
};

static inline int probe_fd(struct engine_under_test *t, struct machine *m, int fd)
{
	memset(t, 0, sizeof(*t));
	t->m = m;
	t->sys = *m->sys;
	t->alive = 1;
	t->core = (struct core){ .sys = &t->sys, .page_size = PAGE, .owner = &t->alive };
	t->e = (struct engine){ .ops = &engine_type1, .core = &t->core, .fd = fd };
	return engine_type1.probe(&t->e);
}

static inline void engine_open(struct engine_under_test *t, struct machine *m)
{
	assert_int_equal(probe_fd(t, m, open_container(m)), 0);
}

static inline void engine_close(struct engine_under_test *t)
{
	assert_null(t->e.groups);
	shut(t->m, t->e.fd);
}

static inline void space_open(struct engine_under_test *t, struct space *s)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(t->e.ops->ioas_alloc(&t->e, &s->as), 0);
	assert_int_equal(iova_map_new(&s->map), 0);
	s->as.map = s->map;
}

static inline void space_close(struct space *s)
{
	assert_null(s->as.containers);
	assert_int_equal(engine_type1.ioas_free(&s->as), 0);
	iova_map_free(s->map);
}

static inline struct map_entry entry(void *va, uint64_t length, uint64_t iova)
{
	return (struct map_entry){
		.iova = iova, .length = length, .va = (uintptr_t)va, .kind = MAP_KIND_VA,
		.prot = IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE,
	};
}

static inline int space_map(struct space *s, void *va, uint64_t length, uint64_t iova)
{
	struct map_entry m = entry(va, length, iova);
	uint32_t ticket;
	int r;

	assert_int_equal(iova_map_prepare(s->map, &m, &ticket), 0);
	r = engine_type1.map(&s->as, &m);
	if (r)
		iova_map_abandon(s->map, ticket);
	else
		assert_int_equal(iova_map_commit(s->map, ticket), 0);
	return r;
}

static inline int space_unmap(struct space *s, uint64_t iova, uint64_t last)
{
	int r = engine_type1.unmap(&s->as, iova, last);

	while (!r && iova_map_pop(s->map, iova, last, NULL))
		;
	return r;
}

/* Open a device, and with @s in one step. */
static inline int dev_open(struct engine_under_test *t, struct devfd *d, const char *name, int group,
			   struct space *s)
{
	const struct bind_request q = { .group = group, .as = s ? &s->as : NULL };

	memset(d, 0, sizeof(*d));
	d->core = &t->core;
	d->transport = &transport_group;
	d->fd = -1;
	strcpy(d->name, name);
	return transport_group.bind(d, &t->e, &q);
}

static inline void dev_get(struct engine_under_test *t, struct devfd *d, const char *name, int group,
			   struct space *s)
{
	assert_int_equal(dev_open(t, d, name, group, s), 0);
	set_command(t->m, d->fd, command(t->m, d->fd) | 0x4);
}

static inline int dev_attach(struct devfd *d, struct space *s)
{
	return transport_group.attach(d, &s->as);
}

static inline int dev_detach(struct devfd *d)
{
	return transport_group.detach(d);
}

/* What a page holds, sent through the device and back to another. */
static inline bool moves(struct engine_under_test *t, struct devfd *d, uint64_t from, uint64_t to)
{
	uint64_t before = counts(t->m).dma_faults;

	fetch(t->m, d->fd, from, 64);
	store(t->m, d->fd, to, 64);
	return counts(t->m).dma_faults == before;
}

/* The nth request of this kind fails, once. */
static inline void inject_request(struct machine *m, unsigned long nr, int error, uint64_t nth)
{
	struct iommufd_emu_fault fault = {
		.size = sizeof(fault), .calls = IOMMUFD_EMU_CALL_IOCTL, .error = error, .nth = nth,
		.request = nr,
	};

	assert_int_equal(iommufd_emu_inject(m->emu, &fault), 0);
}

#endif
