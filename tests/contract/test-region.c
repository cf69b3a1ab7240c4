/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Device regions: what they are, reading, writing and mapping them. */
#include "edu.h"

#include <sys/mman.h>
#include <sys/utsname.h>

static struct iommufd_region_info info_of(struct iommufd_device *dev, uint32_t index)
{
	struct iommufd_region_info info = { .size = sizeof(info) };

	assert_ok(iommufd_region_get_info(dev, index, &info));
	return info;
}

/* Whether the page at @addr is mapped into the process. */
static bool is_mapped(const void *addr)
{
	return !msync((void *)((uintptr_t)addr & ~(PAGE - 1)), 1, MS_ASYNC);
}

static void region_info_of_a_bar(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_region_info info = info_of(dev, IOMMUFD_REGION_BAR0);

	assert_int_equal(info.length, EDU_BAR_SIZE);
	assert_int_equal(info.flags & (IOMMUFD_REGION_READ | IOMMUFD_REGION_WRITE |
				       IOMMUFD_REGION_MAP),
			 IOMMUFD_REGION_READ | IOMMUFD_REGION_WRITE | IOMMUFD_REGION_MAP);
	assert_int_equal(info.type, 0);
	assert_int_equal(info.num_areas, 1);
	assert_int_equal(info_of(dev, IOMMUFD_REGION_BAR5).length, 0);
}

static void region_info_of_configuration_space(void **state)
{
	struct fixture *f = *state;
	struct iommufd_region_info info = info_of(get_device(f, ALONE1), IOMMUFD_REGION_CONFIG);

	assert_true(info.length == 256 || info.length == 4096);
	assert_int_equal(info.flags & IOMMUFD_REGION_MAP, 0);
	assert_int_equal(info.num_areas, 0);
}

static void region_info_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_region_info info = { .size = sizeof(info) };

	assert_error(iommufd_region_get_info(dev, 9, &info), -EINVAL);
	assert_error(iommufd_region_get_info(dev, UINT32_MAX, &info), -EINVAL);
	assert_error(iommufd_region_get_info(dev, 0, NULL), -EINVAL);
	info.size = 0;
	assert_error(iommufd_region_get_info(dev, 0, &info), -EINVAL);
}

static void region_info_of_an_older_caller(void **state)
{
	struct fixture *f = *state;
	struct iommufd_region_info info;

	memset(&info, 0xee, sizeof(info));
	info.size = offsetof(struct iommufd_region_info, offset);
	assert_ok(iommufd_region_get_info(get_device(f, ALONE1), 0, &info));
	assert_int_equal(info.length, EDU_BAR_SIZE);
	assert_int_equal(info.offset, 0xeeeeeeeeeeeeeeee);
	assert_int_equal(info.num_areas, 0xeeeeeeee);
}

static void region_areas_of_a_plain_bar_is_all_of_it(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_region_area area[4];
	size_t count = 4;

	assert_ok(iommufd_region_get_areas(dev, 0, area, &count));
	assert_int_equal(count, 1);
	assert_int_equal(area[0].offset, 0);
	assert_int_equal(area[0].length, EDU_BAR_SIZE);
	count = 4;
	assert_ok(iommufd_region_get_areas(dev, IOMMUFD_REGION_CONFIG, area, &count));
	assert_int_equal(count, 0);
}

static void region_areas_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_region_area area;
	size_t count = 0;

	assert_error(iommufd_region_get_areas(dev, 0, NULL, &count), -ENOBUFS);
	assert_int_equal(count, 1);
	assert_error(iommufd_region_get_areas(dev, 0, NULL, &count), -EINVAL);
	assert_error(iommufd_region_get_areas(dev, 0, &area, NULL), -EINVAL);
	assert_error(iommufd_region_get_areas(dev, 9, &area, &count), -EINVAL);
}

/* -- registers */

/* VFIO before Linux 6.11 makes two accesses of one to 8 bytes. */
static bool splits_eight_bytes(void)
{
	struct utsname kernel;
	int major = 0, minor = 0;

	if (contract_is_emulated() || uname(&kernel) ||
	    sscanf(kernel.release, "%d.%d", &major, &minor) != 2)
		return false;
	return major < 6 || (major == 6 && minor < 11);
}

static void region_registers_are_read_and_written(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint64_t wide = 0;

	assert_int_equal(edu_read(dev, EDU_ID) & 0xffff, 0xed);
	edu_write(dev, EDU_LIVENESS, 0x12345678);
	assert_int_equal(edu_read(dev, EDU_LIVENESS), ~0x12345678u);
	assert_ok(iommufd_region_write64(dev, 0, EDU_DMA_SOURCE, 0x123456789a));
	assert_ok(iommufd_region_read64(dev, 0, EDU_DMA_SOURCE, &wide));
	if (splits_eight_bytes()) /* and of its registers edu has no upper half */
		assert_int_equal((uint32_t)wide, 0x3456789a);
	else
		assert_int_equal(wide, 0x123456789a);
}

static void region_configuration_in_every_width(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	const uint32_t config = IOMMUFD_REGION_CONFIG;
	uint8_t low, high;
	uint16_t word;
	uint32_t both;
	uint64_t four;

	assert_ok(iommufd_region_read8(dev, config, 0, &low));
	assert_ok(iommufd_region_read8(dev, config, 1, &high));
	assert_ok(iommufd_region_read16(dev, config, 2, &word));
	assert_ok(iommufd_region_read32(dev, config, 0, &both));
	assert_int_equal(low | high << 8, 0x1234);
	assert_int_equal(word, 0x11e8);
	assert_int_equal(both, 0x11e81234);
	assert_ok(iommufd_region_read64(dev, config, 0, &four));
	assert_int_equal((uint32_t)four, 0x11e81234);
	assert_ok(iommufd_region_write8(dev, config, 0x3c, 0x5a)); /* interrupt line: a scratch */
	assert_ok(iommufd_region_read8(dev, config, 0x3c, &low));
	assert_int_equal(low, 0x5a);
	assert_ok(iommufd_region_read16(dev, config, 4, &word));
	assert_ok(iommufd_region_write16(dev, config, 4, word));
}

static void region_block_is_read_and_written(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint8_t block[64], line = 0xa5;
	uint32_t id;

	assert_ok(iommufd_region_read(dev, IOMMUFD_REGION_CONFIG, 0, block, sizeof(block)));
	memcpy(&id, block, 4);
	assert_int_equal(id, 0x11e81234);
	assert_ok(iommufd_region_read(dev, IOMMUFD_REGION_CONFIG, 1, block, 3));
	assert_int_equal(block[2], 0x11);
	assert_ok(iommufd_region_write(dev, IOMMUFD_REGION_CONFIG, 0x3c, &line, 1));
	assert_ok(iommufd_region_read(dev, IOMMUFD_REGION_CONFIG, 0x3c, block, 1));
	assert_int_equal(block[0], 0xa5);
}

static void region_access_outside_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint8_t block[16], u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	assert_error(iommufd_region_read8(dev, 0, EDU_BAR_SIZE, &u8), -EINVAL);
	assert_error(iommufd_region_read16(dev, 0, EDU_BAR_SIZE, &u16), -EINVAL);
	assert_error(iommufd_region_read32(dev, 0, EDU_BAR_SIZE, &u32), -EINVAL);
	assert_error(iommufd_region_read64(dev, 0, UINT64_MAX - 7, &u64), -EINVAL);
	assert_error(iommufd_region_write8(dev, 0, EDU_BAR_SIZE, 0), -EINVAL);
	assert_error(iommufd_region_write16(dev, 0, EDU_BAR_SIZE, 0), -EINVAL);
	assert_error(iommufd_region_write32(dev, 0, EDU_BAR_SIZE, 0), -EINVAL);
	assert_error(iommufd_region_write64(dev, 0, UINT64_MAX - 7, 0), -EINVAL);
	assert_error(iommufd_region_read(dev, 0, EDU_BAR_SIZE - 8, block, 16), -EINVAL);
	assert_error(iommufd_region_write(dev, 0, EDU_BAR_SIZE - 8, block, 16), -EINVAL);
	assert_error(iommufd_region_read(dev, 0, UINT64_MAX - 8, block, 16), -EINVAL);
	assert_error(iommufd_region_write(dev, 0, UINT64_MAX - 8, block, 16), -EINVAL);
	assert_error(iommufd_region_read32(dev, IOMMUFD_REGION_BAR5, 0, &u32), -EINVAL);
	assert_error(iommufd_region_read32(dev, 9, 0, &u32), -EINVAL);
	assert_error(iommufd_region_write32(dev, 9, 0, 0), -EINVAL);
}

static void region_access_unaligned_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	assert_error(iommufd_region_read16(dev, 0, 1, &u16), -EINVAL);
	assert_error(iommufd_region_read32(dev, 0, 2, &u32), -EINVAL);
	assert_error(iommufd_region_read64(dev, 0, 4, &u64), -EINVAL);
	assert_error(iommufd_region_write16(dev, 0, 3, 0), -EINVAL);
	assert_error(iommufd_region_write32(dev, 0, 1, 0), -EINVAL);
	assert_error(iommufd_region_write64(dev, 0, 0x84, 0), -EINVAL);
}

static void region_access_without_memory_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint8_t byte = 0;

	assert_error(iommufd_region_read8(dev, 0, 0, NULL), -EINVAL);
	assert_error(iommufd_region_read16(dev, 0, 0, NULL), -EINVAL);
	assert_error(iommufd_region_read32(dev, 0, 0, NULL), -EINVAL);
	assert_error(iommufd_region_read64(dev, 0, 0, NULL), -EINVAL);
	assert_error(iommufd_region_read(dev, 0, 0, NULL, 4), -EINVAL);
	assert_error(iommufd_region_write(dev, 0, 0, NULL, 4), -EINVAL);
	assert_error(iommufd_region_read(dev, 0, 0, &byte, 0), -EINVAL);
	assert_error(iommufd_region_write(dev, 0, 0, &byte, 0), -EINVAL);
}

static void region_access_with_bad_memory_efault(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint8_t *data = get_buffer(f, PAGE);

	assert_int_equal(mprotect(data, PAGE, PROT_NONE), 0);
	assert_error(iommufd_region_read(dev, IOMMUFD_REGION_CONFIG, 0, data, 4), -EFAULT);
	assert_error(iommufd_region_write(dev, IOMMUFD_REGION_CONFIG, 0x3c, data, 1), -EFAULT);
	assert_int_equal(mprotect(data, PAGE, PROT_READ), 0);
	assert_error(iommufd_region_read(dev, IOMMUFD_REGION_CONFIG, 0, data, 4), -EFAULT);
}

static void region_access_with_memory_decoding_off_eio(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint8_t block[4], u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	assert_ok(iommufd_pci_set_memory(dev, 0));
	assert_error(iommufd_region_read(dev, 0, 0, block, 4), -EIO);
	assert_error(iommufd_region_write(dev, 0, 4, block, 4), -EIO);
	assert_error(iommufd_region_read8(dev, 0, 0, &u8), -EIO);
	assert_error(iommufd_region_read16(dev, 0, 0, &u16), -EIO);
	assert_error(iommufd_region_read32(dev, 0, 0, &u32), -EIO);
	assert_error(iommufd_region_read64(dev, 0, 0x80, &u64), -EIO);
	assert_error(iommufd_region_write8(dev, 0, 4, 0), -EIO);
	assert_error(iommufd_region_write16(dev, 0, 4, 0), -EIO);
	assert_error(iommufd_region_write32(dev, 0, 4, 0), -EIO);
	assert_error(iommufd_region_write64(dev, 0, 0x80, 0), -EIO);
	assert_ok(iommufd_pci_set_memory(dev, 1));
	assert_int_equal(edu_read(dev, EDU_ID) & 0xff, 0xed);
}

/* -- mapping */

static void region_map_reaches_the_registers(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	volatile uint32_t *bar;
	void *mapped;

	assert_ok(iommufd_region_map(dev, 0, 0, PAGE, IOMMUFD_REGION_READ | IOMMUFD_REGION_WRITE,
				     &mapped));
	bar = mapped;
	assert_int_equal(bar[EDU_ID / 4] & 0xff, 0xed);
	bar[EDU_LIVENESS / 4] = 0xabcd1234;
	for (int i = 0; i < 1000 && bar[EDU_LIVENESS / 4] != ~0xabcd1234u; i++)
		usleep(100);
	assert_int_equal(bar[EDU_LIVENESS / 4], ~0xabcd1234u);
	assert_ok(iommufd_region_unmap(dev, mapped));
	assert_false(is_mapped(mapped));
}

static void region_map_of_any_part(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	void *all, *last;

	assert_ok(iommufd_region_map(dev, 0, 0, EDU_BAR_SIZE, IOMMUFD_REGION_READ, &all));
	assert_ok(iommufd_region_map(dev, 0, EDU_BAR_SIZE - PAGE, PAGE, IOMMUFD_REGION_READ,
				     &last));
	assert_ptr_not_equal(all, last);
	assert_true(is_mapped((uint8_t *)all + EDU_BAR_SIZE - 1) && is_mapped(last));
	assert_ok(iommufd_region_unmap(dev, all));
	assert_true(is_mapped(last));
}

static void region_map_goes_with_the_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	void *mapped;

	assert_ok(iommufd_region_map(dev, 0, 0, PAGE, IOMMUFD_REGION_READ, &mapped));
	put_device(f, dev);
	assert_false(is_mapped(mapped));
	get_device(f, ALONE1);
}

/* Must be refused, and hand out nothing. */
#define refuse_map(dev, index, offset, length, access, code) do { \
	void *none_ = (void *)1; \
	assert_error(iommufd_region_map((dev), (index), (offset), (length), (access), &none_), \
		     code); \
	assert_null(none_); \
} while (0)

static void region_map_bad_range_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	const uint32_t access = IOMMUFD_REGION_READ;

	refuse_map(dev, 0, 0, 0, access, -EINVAL);
	refuse_map(dev, 0, 1, PAGE, access, -EINVAL);
	refuse_map(dev, 0, 0, PAGE + 1, access, -EINVAL);
	refuse_map(dev, 0, EDU_BAR_SIZE, PAGE, access, -EINVAL);
	refuse_map(dev, 0, EDU_BAR_SIZE - PAGE, 2 * PAGE, access, -EINVAL);
	refuse_map(dev, 0, UINT64_MAX - PAGE + 1, 2 * PAGE, access, -EINVAL);
	refuse_map(dev, 0, PAGE, SIZE_MAX - PAGE + 1, access, -EINVAL);
	refuse_map(dev, 9, 0, PAGE, access, -EINVAL);
	refuse_map(dev, 0, 0, PAGE, 0, -EINVAL);
	assert_error(iommufd_region_map(dev, 0, 0, PAGE, access, NULL), -EINVAL);
}

static void region_map_of_what_cannot_be_mapped_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);

	refuse_map(dev, IOMMUFD_REGION_CONFIG, 0, PAGE, IOMMUFD_REGION_READ, -EOPNOTSUPP);
	refuse_map(dev, 0, 0, PAGE, IOMMUFD_REGION_READ | 1u << 16, -EOPNOTSUPP);
}

static void region_unmap_of_nothing_enoent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1), *other = get_device(f, ALONE2);
	void *mapped;

	assert_ok(iommufd_region_map(dev, 0, 0, 2 * PAGE, IOMMUFD_REGION_READ, &mapped));
	assert_error(iommufd_region_unmap(dev, NULL), -ENOENT);
	assert_error(iommufd_region_unmap(dev, (uint8_t *)mapped + PAGE), -ENOENT);
	assert_error(iommufd_region_unmap(other, mapped), -ENOENT);
	assert_ok(iommufd_region_unmap(dev, mapped));
	assert_error(iommufd_region_unmap(dev, mapped), -ENOENT);
}

static const struct CMUnitTest cases[] = {
	CASE(region_info_of_a_bar),
	CASE(region_info_of_configuration_space),
	CASE(region_info_bad_argument_einval),
	CASE(region_info_of_an_older_caller),
	CASE(region_areas_of_a_plain_bar_is_all_of_it),
	CASE(region_areas_bad_argument),
	CASE(region_registers_are_read_and_written),
	CASE(region_configuration_in_every_width),
	CASE(region_block_is_read_and_written),
	CASE(region_access_outside_einval),
	CASE(region_access_unaligned_einval),
	CASE(region_access_without_memory_einval),
	CASE(region_access_with_bad_memory_efault),
	CASE(region_access_with_memory_decoding_off_eio),
	CASE(region_map_reaches_the_registers),
	CASE(region_map_of_any_part),
	CASE(region_map_goes_with_the_device),
	CASE(region_map_bad_range_einval),
	CASE(region_map_of_what_cannot_be_mapped_eopnotsupp),
	CASE(region_unmap_of_nothing_enoent),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("region", cases, NULL, NULL);
}
