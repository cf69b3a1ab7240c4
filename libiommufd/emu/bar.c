/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * BARs mapped into the process. A mapping is of ordinary memory: the device
 * thread compares the registers in it with what it last saw there, takes a
 * difference for a write, and puts in what the register reads as. Registers
 * that only take commands read as all ones, so writing a value twice shows.
 */
#include "emu/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emu/engine.h"
#include "emu/mapping.h"
#include "os/uapi.h"

/* In the order a program writes them: the last of a sequence starts it. */
static const struct {
	uint16_t at;
	uint16_t size;
} registers[EMU_EDU_REGISTERS] = {
	{ 0x00, 4 }, { 0x04, 4 }, { 0x08, 4 }, { 0x20, 4 }, { 0x24, 4 }, { 0x60, 4 },
	{ 0x64, 4 }, { 0x68, 4 }, { 0x80, 8 }, { 0x88, 8 }, { 0x90, 8 }, { 0x98, 8 },
};

static uint64_t load(const struct emu_bar *bar, size_t i)
{
	const void *at = (const char *)bar->page + registers[i].at;

	return registers[i].size == 8 ? __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE)
				      : __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
}

/* False if the user wrote meanwhile: that comes first, and will be seen next time. */
static bool store(struct emu_bar *bar, size_t i, uint64_t value)
{
	void *at = (char *)bar->page + registers[i].at;
	uint64_t old8 = bar->known[i];
	uint32_t old4 = (uint32_t)old8;

	return registers[i].size == 8
		       ? __atomic_compare_exchange_n((uint64_t *)at, &old8, value, false,
						     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
		       : __atomic_compare_exchange_n((uint32_t *)at, &old4, (uint32_t)value, false,
						     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static uint64_t reads_as(const struct emu_device *dev, size_t i)
{
	uint64_t value = emu_edu_read(dev, registers[i].at, registers[i].size);

	return registers[i].size == 8 ? value : (uint32_t)value;
}

/* Last register first, so that a command is never seen without what came before it. */
static bool look(const struct emu_bar *bar, uint64_t *seen)
{
	bool written = false;

	for (size_t i = EMU_EDU_REGISTERS; i--;) {
		seen[i] = load(bar, i);
		written |= seen[i] != bar->known[i];
	}
	return written;
}

void emu_bar_sync(struct emu_device *dev)
{
	struct emu_bar *bar = &dev->bars[0];
	uint64_t seen[EMU_EDU_REGISTERS];

	/* a second look, for what was written to lower registers during the first */
	if (look(bar, seen) && look(bar, seen)) {
		for (size_t i = 0; i < EMU_EDU_REGISTERS; i++) {
			if (seen[i] == bar->known[i])
				continue;
			bar->known[i] = seen[i];
			if (emu_config_memory(dev))
				emu_edu_write(dev, registers[i].at, registers[i].size, seen[i]);
		}
	}
	for (size_t i = 0; i < EMU_EDU_REGISTERS; i++) {
		uint64_t value = reads_as(dev, i);

		if (value != bar->known[i] && store(bar, i, value))
			bar->known[i] = value;
	}
}

static void release_memory(struct emu_bar *bar)
{
	munmap(bar->page, bar->size);
	close(bar->fd);
	bar->fd = -1;
	bar->page = NULL;
}

static int make_memory(struct emu_device *dev, struct emu_bar *bar)
{
	void *whole;

	bar->fd = emu_own_fd(EMU_OWN_MEMORY, -1);
	if (bar->fd < 0)
		return -ENOMEM;
	whole = ftruncate(bar->fd, bar->size)
			? MAP_FAILED
			: mmap(NULL, bar->size, PROT_READ | PROT_WRITE, MAP_SHARED, bar->fd, 0);
	if (whole == MAP_FAILED) {
		close(bar->fd);
		bar->fd = -1;
		return -ENOMEM;
	}
	bar->page = whole;
	if (bar == &dev->bars[0]) {
		memset(whole, 0xff, bar->size);
		for (size_t i = 0; i < EMU_EDU_REGISTERS; i++) {
			uint64_t value = reads_as(dev, i);

			memcpy((char *)whole + registers[i].at, &value, registers[i].size);
			bar->known[i] = value;
		}
	}
	return 0;
}

static int check_request(const struct emu_file *file, size_t n, uint64_t offset)
{
	uint64_t index = EMU_REGION_INDEX(offset);
	uint64_t start = EMU_REGION_AT(offset);
	uint64_t size;

	if (!file->bound || file->device->port || index >= EMU_NR_BARS || !n || start % EMU_PAGE)
		return -EINVAL;
	size = file->device->bars[index].size;
	return start > size || n > size - start ? -EINVAL : 0;
}

int emu_bar_mmap(struct emu_file *file, size_t n, int prot, uint64_t offset, void **out)
{
	struct emu_device *dev = file->device;
	struct emu_mapping *mapping;
	struct emu_bar *bar;
	uint64_t start = EMU_REGION_AT(offset);
	void *addr;
	int r = check_request(file, n, offset);

	if (r)
		return r;
	bar = &dev->bars[EMU_REGION_INDEX(offset)];
	mapping = emu_mapping_new(file, n);
	if (!mapping)
		return -ENOMEM;
	if (!bar->maps) {
		r = make_memory(dev, bar);
		if (r)
			goto fail;
	}
	addr = mmap(NULL, n, prot, MAP_SHARED, bar->fd, (off_t)start);
	if (addr == MAP_FAILED) {
		r = -errno;
		if (!bar->maps)
			release_memory(bar);
		goto fail;
	}
	mapping->bar = (unsigned int)EMU_REGION_INDEX(offset);
	emu_mapping_add(mapping, addr);
	bar->maps++;
	emu_engine_kick(dev->emu);
	*out = addr;
	return 0;
fail:
	free(mapping);
	return r;
}

void emu_bar_unmapped(struct emu_device *dev, unsigned int index)
{
	struct emu_bar *bar = &dev->bars[index];

	if (index == 0)
		emu_bar_sync(dev); /* the last writes count too */
	if (!--bar->maps)
		release_memory(bar);
}
