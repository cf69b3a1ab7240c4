/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "edu.h"

#include <poll.h>
#include <sys/mman.h>
#include <time.h>

#define BUFFER_AT 0x40000u
enum { RUN = 1, FROM_DEVICE = 2 };

struct iommufd_device *get_edu(struct fixture *f, enum place place)
{
	struct iommufd_device *dev = get_device(f, place);

	assert_ok(iommufd_pci_set_bus_master(dev, 1));
	assert_int_equal(edu_read(dev, EDU_ID) & 0xff, 0xed);
	return dev;
}

uint32_t edu_read(struct iommufd_device *dev, uint32_t reg)
{
	uint32_t value = 0;

	assert_ok(iommufd_region_read32(dev, IOMMUFD_REGION_BAR0, reg, &value));
	return value;
}

void edu_write(struct iommufd_device *dev, uint32_t reg, uint32_t value)
{
	assert_ok(iommufd_region_write32(dev, IOMMUFD_REGION_BAR0, reg, value));
}

/* Before Linux 6.11 a write of 8 bytes is two of 4, and edu takes the first for all of it. */
static void access_whole(struct iommufd_device *dev, uint32_t reg, uint64_t *value, bool write)
{
	volatile uint64_t *at;
	void *bar;

	assert_ok(iommufd_region_map(dev, IOMMUFD_REGION_BAR0, 0, PAGE,
				     IOMMUFD_REGION_READ | IOMMUFD_REGION_WRITE, &bar));
	at = (void *)((char *)bar + reg);
	if (write)
		*at = *value;
	else
		*value = *at;
	assert_ok(iommufd_region_unmap(dev, bar));
}

uint64_t edu_read64(struct iommufd_device *dev, uint32_t reg)
{
	uint64_t value = 0;

	if (contract_is_emulated())
		assert_ok(iommufd_region_read64(dev, IOMMUFD_REGION_BAR0, reg, &value));
	else
		access_whole(dev, reg, &value, false);
	return value;
}

static void write64(struct iommufd_device *dev, uint32_t reg, uint64_t value)
{
	if (value >> 32 && !contract_is_emulated()) {
		access_whole(dev, reg, &value, true);
		return;
	}
	assert_ok(iommufd_region_write64(dev, IOMMUFD_REGION_BAR0, reg, value));
}

static void begin(struct iommufd_device *dev, uint64_t from, uint64_t to, uint32_t length,
		  uint32_t direction)
{
	assert_true(length <= EDU_MOST);
	write64(dev, EDU_DMA_SOURCE, from);
	write64(dev, EDU_DMA_TARGET, to);
	write64(dev, EDU_DMA_COUNT, length);
	write64(dev, EDU_DMA_COMMAND, RUN | direction);
}

void edu_end(struct iommufd_device *dev)
{
	struct timespec pause = { .tv_nsec = 500000 };

	for (int i = 0; i < 4000; i++) {
		if (!(edu_read(dev, EDU_DMA_COMMAND) & RUN))
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("the DMA did not end within 2 s");
}

/*
 * What the device is to be given for an IOVA, and how far it goes on; false if
 * there is nothing. Behind an IOMMU any IOVA will do: the device finds out.
 */
static bool translate(struct iommufd_device *dev, uint64_t iova, uint64_t *address, size_t *length)
{
	struct iommufd_ioas *ioas;
	int rc;

	*address = iova;
	if (contract_is_isolated())
		return true;
	assert_ok(iommufd_device_get_ioas(dev, &ioas));
	rc = ioas ? iommufd_ioas_get_dma_address(ioas, iova, address, length) : -ENODEV;
	iommufd_ioas_unref(ioas);
	assert_true(!rc || rc == -ENOENT || rc == -ENODEV);
	return !rc;
}

void edu_fetch(struct iommufd_device *dev, uint64_t iova, uint32_t length)
{
	for (uint32_t done = 0; done < length;) {
		size_t part = length - done;
		uint64_t address;

		if (!translate(dev, iova + done, &address, &part))
			return;
		begin(dev, address, BUFFER_AT + done, (uint32_t)part, 0);
		edu_end(dev);
		done += (uint32_t)part;
	}
}

void edu_begin_store(struct iommufd_device *dev, uint64_t iova, uint32_t length)
{
	size_t part = length;
	uint64_t address;

	assert_true(translate(dev, iova, &address, &part));
	assert_int_equal(part, length);
	begin(dev, BUFFER_AT, address, length, FROM_DEVICE);
}

void edu_store(struct iommufd_device *dev, uint64_t iova, uint32_t length)
{
	for (uint32_t done = 0; done < length;) {
		size_t part = length - done;
		uint64_t address;

		if (!translate(dev, iova + done, &address, &part))
			return;
		begin(dev, BUFFER_AT + done, address, (uint32_t)part, FROM_DEVICE);
		edu_end(dev);
		done += (uint32_t)part;
	}
}

void edu_fill(struct fixture *f, struct iommufd_device *dev, struct iommufd_ioas *ioas,
	      uint8_t seed)
{
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova = 0;

	fill_pattern(data, PAGE, seed);
	assert_ok(iommufd_ioas_map(ioas, data, PAGE, IOMMUFD_MAP_READ, &iova, NULL));
	edu_fetch(dev, iova, EDU_MOST);
	assert_ok(iommufd_ioas_unmap(ioas, iova, PAGE, NULL));
	put_buffer(f, data);
}

static uint8_t pattern(size_t i, uint8_t seed)
{
	return (uint8_t)(i * 7 + i / 251 + seed) | 1;
}

void fill_pattern(uint8_t *data, size_t length, uint8_t seed)
{
	for (size_t i = 0; i < length; i++)
		data[i] = pattern(i, seed);
}

bool is_pattern(const uint8_t *data, size_t length, uint8_t seed)
{
	for (size_t i = 0; i < length; i++)
		if (((const volatile uint8_t *)data)[i] != pattern(i, seed))
			return false;
	return true;
}

bool is_all(const uint8_t *data, size_t length, uint8_t value)
{
	for (size_t i = 0; i < length; i++)
		if (((const volatile uint8_t *)data)[i] != value)
			return false;
	return true;
}

uint64_t wait_event(int fd, int ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint64_t value = 0;

	if (poll(&wait, 1, ms) != 1 || read(fd, &value, sizeof(value)) != sizeof(value))
		return 0;
	return value;
}
