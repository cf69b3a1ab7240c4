/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Driving the edu device through the system-call table. */
#ifndef TEST_EMU_EDU_H
#define TEST_EMU_EDU_H

#include <sys/eventfd.h>

#include "test-emu.h"

enum {
	EDU_LIVENESS = 0x04,
	EDU_FACTORIAL = 0x08,
	EDU_STATUS = 0x20,
	EDU_IRQ_STATUS = 0x24,
	EDU_RAISE = 0x60,
	EDU_ACK = 0x64,
	EDU_VECTOR = 0x68,
	EDU_SOURCE = 0x80,
	EDU_TARGET = 0x88,
	EDU_COUNT = 0x90,
	EDU_COMMAND = 0x98,
	EDU_RUN = 1,
	EDU_TO_MEMORY = 2,
	EDU_IRQ = 4,
	EDU_BUFFER = 0x40000,
};

static inline ssize_t get(struct machine *m, int dev, uint64_t at, void *out, size_t n)
{
	return m->sys->pread(m->sys->data, dev, out, n, at);
}

static inline ssize_t put(struct machine *m, int dev, uint64_t at, const void *in, size_t n)
{
	return m->sys->pwrite(m->sys->data, dev, in, n, at);
}

static inline uint32_t get32(struct machine *m, int dev, uint64_t at)
{
	uint32_t value = 0;

	assert_int_equal(get(m, dev, at, &value, sizeof(value)), sizeof(value));
	return value;
}

static inline void put32(struct machine *m, int dev, uint64_t at, uint32_t value)
{
	assert_int_equal(put(m, dev, at, &value, sizeof(value)), sizeof(value));
}

static inline void put64(struct machine *m, int dev, uint64_t at, uint64_t value)
{
	assert_int_equal(put(m, dev, at, &value, sizeof(value)), sizeof(value));
}

static inline uint16_t command(struct machine *m, int dev)
{
	return (uint16_t)get32(m, dev, CONFIG + 4);
}

static inline void set_command(struct machine *m, int dev, uint16_t value)
{
	assert_int_equal(put(m, dev, CONFIG + 4, &value, sizeof(value)), sizeof(value));
}

/* Bound, and free to master the bus. */
static inline int get_edu(struct machine *m, int n)
{
	int dev = get_device(m, n);

	set_command(m, dev, command(m, dev) | 0x4);
	return dev;
}

static inline void wait_idle(struct machine *m, int dev)
{
	for (int i = 0; get32(m, dev, EDU_COMMAND) & EDU_RUN; i++) {
		assert_true(i < 5000);
		usleep(1000);
	}
}

static inline void start_dma(struct machine *m, int dev, uint64_t iova, uint64_t n, uint32_t flags)
{
	put64(m, dev, EDU_SOURCE, flags & EDU_TO_MEMORY ? EDU_BUFFER : iova);
	put64(m, dev, EDU_TARGET, flags & EDU_TO_MEMORY ? iova : EDU_BUFFER);
	put64(m, dev, EDU_COUNT, n);
	put64(m, dev, EDU_COMMAND, EDU_RUN | flags);
}

/* Memory to the device's buffer, and back. */
static inline void fetch(struct machine *m, int dev, uint64_t iova, uint64_t n)
{
	start_dma(m, dev, iova, n, 0);
	wait_idle(m, dev);
}

static inline void store(struct machine *m, int dev, uint64_t iova, uint64_t n)
{
	start_dma(m, dev, iova, n, EDU_TO_MEMORY);
	wait_idle(m, dev);
}

static inline void fill(uint8_t *at, size_t n, uint8_t seed)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)(i * 7 + seed);
}

static inline bool is_all(const uint8_t *at, size_t n, uint8_t value)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] != value)
			return false;
	return true;
}

static inline void *map_bar(struct machine *m, int dev, unsigned int bar, size_t n)
{
	void *out = NULL;

	assert_int_equal(m->sys->mmap(m->sys->data, n, PROT_READ | PROT_WRITE, dev,
				      (uint64_t)bar << 40, &out), 0);
	return out;
}

static inline void unmap_bar(struct machine *m, void *at, size_t n)
{
	assert_int_equal(m->sys->munmap(m->sys->data, at, n), 0);
}

static inline int new_event(void)
{
	return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

/* What an eventfd was given within @ms; 0 if nothing. */
static inline uint64_t wait_event(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t value = 0;

	if (poll(&p, 1, ms) == 1 && read(fd, &value, sizeof(value)) != (ssize_t)sizeof(value))
		return 0;
	return value;
}

/* SET_IRQS with up to 8 eventfds or flags. */
static inline int set_irqs(struct machine *m, int dev, uint32_t flags, uint32_t index,
			   uint32_t first, uint32_t count, const void *data, size_t size)
{
	uint32_t buf[5 + 8] = { (uint32_t)(5 * sizeof(uint32_t) + size), flags, index, first,
				count };

	if (size)
		memcpy(buf + 5, data, size);
	return request(m, dev, K_VFIO_DEVICE_SET_IRQS, buf);
}

static inline int set_event(struct machine *m, int dev, uint32_t index, uint32_t vector, int32_t fd)
{
	return set_irqs(m, dev, K_VFIO_IRQ_SET_DATA_EVENTFD | K_VFIO_IRQ_SET_ACTION_TRIGGER, index,
			vector, 1, &fd, sizeof(fd));
}

static inline int act(struct machine *m, int dev, uint32_t action, uint32_t index, uint32_t count)
{
	return set_irqs(m, dev, K_VFIO_IRQ_SET_DATA_NONE | action, index, 0, count, NULL, 0);
}

#endif
