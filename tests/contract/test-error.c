/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Handles that are none: every function refuses them. And the error record itself. */
#include "contract.h"

#include <pthread.h>

/* Valid objects to put beside the bad one; set by the case. */
static struct iommufd_ctx *ctx;
static struct iommufd_ioas *ioas;
static struct iommufd_device *dev;
static uint8_t *data;
static int event;

struct call {
	const char *name;
	int (*call)(void *bad);
};

#define CALL(name, expression) \
	static int call_##name(void *bad) { return expression; }

static uint32_t u32;
static uint64_t u64;
static uint16_t u16;
static uint8_t u8;
static int number;
static size_t size;
static void *pointer;
static struct iommufd_device *new_dev;
static struct iommufd_ioas *new_ioas;
static struct iommufd_map_vec vec;
static struct iommufd_mapping mapping = { .size = sizeof(mapping) };
static struct iommufd_device_info device_info = { .size = sizeof(device_info) };
static struct iommufd_region_info region_info = { .size = sizeof(region_info) };
static struct iommufd_irq_info irq_info = { .size = sizeof(irq_info) };

CALL(ctx_get_fd, iommufd_ctx_get_fd(bad))
CALL(ctx_has, iommufd_ctx_has(bad, IOMMUFD_CAP_COPY))
CALL(ctx_set_rlimit_mode, iommufd_ctx_set_rlimit_mode(bad, 0))
CALL(ctx_get_rlimit_mode, iommufd_ctx_get_rlimit_mode(bad, &u32))
CALL(ctx_change_process, iommufd_ctx_change_process(bad))
CALL(ctx_get_compat_ioas, iommufd_ctx_get_compat_ioas(bad, &u32))
CALL(ctx_set_compat_ioas, iommufd_ctx_set_compat_ioas(bad, ioas))
CALL(ctx_clear_compat_ioas, iommufd_ctx_clear_compat_ioas(bad))
CALL(device_open, iommufd_device_open(bad, "0000:00:03.0", NULL, &new_dev))
CALL(device_from_fd, iommufd_device_from_fd(bad, event, NULL, &new_dev))
CALL(device_find, iommufd_device_find(bad, 1, &new_dev))
CALL(ioas_new, iommufd_ioas_new(bad, NULL, &new_ioas))

static const struct call of_ctx[] = {
	{ "iommufd_ctx_get_fd", call_ctx_get_fd },
	{ "iommufd_ctx_has", call_ctx_has },
	{ "iommufd_ctx_set_rlimit_mode", call_ctx_set_rlimit_mode },
	{ "iommufd_ctx_get_rlimit_mode", call_ctx_get_rlimit_mode },
	{ "iommufd_ctx_change_process", call_ctx_change_process },
	{ "iommufd_ctx_get_compat_ioas", call_ctx_get_compat_ioas },
	{ "iommufd_ctx_set_compat_ioas", call_ctx_set_compat_ioas },
	{ "iommufd_ctx_clear_compat_ioas", call_ctx_clear_compat_ioas },
	{ "iommufd_device_open", call_device_open },
	{ "iommufd_device_from_fd", call_device_from_fd },
	{ "iommufd_device_find", call_device_find },
	{ "iommufd_ioas_new", call_ioas_new },
};

CALL(ioas_get_id, iommufd_ioas_get_id(bad, &u32))
CALL(ioas_map, iommufd_ioas_map(bad, data, PAGE, MAP_RW, &u64, NULL))
CALL(ioas_map_file, iommufd_ioas_map_file(bad, event, 0, PAGE, MAP_RW, &u64, NULL))
CALL(ioas_mapv, iommufd_ioas_mapv(bad, &vec, 1, MAP_RW, NULL, NULL))
CALL(ioas_unmap, iommufd_ioas_unmap(bad, 0, PAGE, NULL))
CALL(ioas_unmap_all, iommufd_ioas_unmap_all(bad, NULL))
CALL(ioas_copy_dst, iommufd_ioas_copy(bad, ioas, 0x10000, PAGE, MAP_RW, &u64, NULL))
CALL(ioas_copy_src, iommufd_ioas_copy(ioas, bad, 0x10000, PAGE, MAP_RW, &u64, NULL))
CALL(ioas_get_ranges, iommufd_ioas_get_ranges(bad, NULL, &size))
CALL(ioas_get_alignment, iommufd_ioas_get_alignment(bad, &u64))
CALL(ioas_allow, iommufd_ioas_allow(bad, NULL, 0))
CALL(ioas_set_huge_pages, iommufd_ioas_set_huge_pages(bad, 1))
CALL(ioas_get_huge_pages, iommufd_ioas_get_huge_pages(bad, &number))
CALL(ioas_next_mapping, iommufd_ioas_next_mapping(bad, 0, &mapping))
CALL(ctx_set_compat_ioas_of, iommufd_ctx_set_compat_ioas(ctx, bad))
CALL(device_attach_to, iommufd_device_attach(dev, bad))
CALL(device_replace_by, iommufd_device_replace(dev, bad))

static const struct call of_ioas[] = {
	{ "iommufd_ioas_get_id", call_ioas_get_id },
	{ "iommufd_ioas_map", call_ioas_map },
	{ "iommufd_ioas_map_file", call_ioas_map_file },
	{ "iommufd_ioas_mapv", call_ioas_mapv },
	{ "iommufd_ioas_unmap", call_ioas_unmap },
	{ "iommufd_ioas_unmap_all", call_ioas_unmap_all },
	{ "iommufd_ioas_copy, destination", call_ioas_copy_dst },
	{ "iommufd_ioas_copy, source", call_ioas_copy_src },
	{ "iommufd_ioas_get_ranges", call_ioas_get_ranges },
	{ "iommufd_ioas_get_alignment", call_ioas_get_alignment },
	{ "iommufd_ioas_allow", call_ioas_allow },
	{ "iommufd_ioas_set_huge_pages", call_ioas_set_huge_pages },
	{ "iommufd_ioas_get_huge_pages", call_ioas_get_huge_pages },
	{ "iommufd_ioas_next_mapping", call_ioas_next_mapping },
	{ "iommufd_ctx_set_compat_ioas, IOAS", call_ctx_set_compat_ioas_of },
	{ "iommufd_device_attach, IOAS", call_device_attach_to },
	{ "iommufd_device_replace, IOAS", call_device_replace_by },
};

CALL(device_get_info, iommufd_device_get_info(bad, &device_info))
CALL(device_get_fd, iommufd_device_get_fd(bad))
CALL(device_attach, iommufd_device_attach(bad, ioas))
CALL(device_detach, iommufd_device_detach(bad))
CALL(device_replace, iommufd_device_replace(bad, ioas))
CALL(device_get_ioas, iommufd_device_get_ioas(bad, &new_ioas))
CALL(device_reset, iommufd_device_reset(bad))
CALL(region_get_info, iommufd_region_get_info(bad, 0, &region_info))
CALL(region_get_areas, iommufd_region_get_areas(bad, 0, NULL, &size))
CALL(region_read, iommufd_region_read(bad, 7, 0, &u32, 4))
CALL(region_write, iommufd_region_write(bad, 7, 0x3c, &u8, 1))
CALL(region_read8, iommufd_region_read8(bad, 7, 0, &u8))
CALL(region_read16, iommufd_region_read16(bad, 7, 0, &u16))
CALL(region_read32, iommufd_region_read32(bad, 7, 0, &u32))
CALL(region_read64, iommufd_region_read64(bad, 7, 0, &u64))
CALL(region_write8, iommufd_region_write8(bad, 7, 0x3c, 0))
CALL(region_write16, iommufd_region_write16(bad, 7, 0x3c, 0))
CALL(region_write32, iommufd_region_write32(bad, 7, 0x3c, 0))
CALL(region_write64, iommufd_region_write64(bad, 7, 0x38, 0))
CALL(region_map, iommufd_region_map(bad, 0, 0, PAGE, IOMMUFD_REGION_READ, &pointer))
CALL(region_unmap, iommufd_region_unmap(bad, data))
CALL(irq_get_info, iommufd_irq_get_info(bad, 1, &irq_info))
CALL(irq_enable, iommufd_irq_enable(bad, 1, 0, 1, &event))
CALL(irq_disable, iommufd_irq_disable(bad, 1))
CALL(irq_mask, iommufd_irq_mask(bad, 0, 0, 1))
CALL(irq_unmask, iommufd_irq_unmask(bad, 0, 0, 1))
CALL(irq_set_resample, iommufd_irq_set_resample(bad, 0, 0, event))
CALL(irq_trigger, iommufd_irq_trigger(bad, 1, 0, 1))
CALL(pci_config_read, iommufd_pci_config_read(bad, 0, 4, &u32))
CALL(pci_config_write, iommufd_pci_config_write(bad, 0x3c, 1, 0))
CALL(pci_find_capability, iommufd_pci_find_capability(bad, 5, &u32))
CALL(pci_find_extended_capability, iommufd_pci_find_extended_capability(bad, 1, &u32))
CALL(pci_set_bus_master, iommufd_pci_set_bus_master(bad, 1))
CALL(pci_set_memory, iommufd_pci_set_memory(bad, 1))

static const struct call of_device[] = {
	{ "iommufd_device_get_info", call_device_get_info },
	{ "iommufd_device_get_fd", call_device_get_fd },
	{ "iommufd_device_attach", call_device_attach },
	{ "iommufd_device_detach", call_device_detach },
	{ "iommufd_device_replace", call_device_replace },
	{ "iommufd_device_get_ioas", call_device_get_ioas },
	{ "iommufd_device_reset", call_device_reset },
	{ "iommufd_region_get_info", call_region_get_info },
	{ "iommufd_region_get_areas", call_region_get_areas },
	{ "iommufd_region_read", call_region_read },
	{ "iommufd_region_write", call_region_write },
	{ "iommufd_region_read8", call_region_read8 },
	{ "iommufd_region_read16", call_region_read16 },
	{ "iommufd_region_read32", call_region_read32 },
	{ "iommufd_region_read64", call_region_read64 },
	{ "iommufd_region_write8", call_region_write8 },
	{ "iommufd_region_write16", call_region_write16 },
	{ "iommufd_region_write32", call_region_write32 },
	{ "iommufd_region_write64", call_region_write64 },
	{ "iommufd_region_map", call_region_map },
	{ "iommufd_region_unmap", call_region_unmap },
	{ "iommufd_irq_get_info", call_irq_get_info },
	{ "iommufd_irq_enable", call_irq_enable },
	{ "iommufd_irq_disable", call_irq_disable },
	{ "iommufd_irq_mask", call_irq_mask },
	{ "iommufd_irq_unmask", call_irq_unmask },
	{ "iommufd_irq_set_resample", call_irq_set_resample },
	{ "iommufd_irq_trigger", call_irq_trigger },
	{ "iommufd_pci_config_read", call_pci_config_read },
	{ "iommufd_pci_config_write", call_pci_config_write },
	{ "iommufd_pci_find_capability", call_pci_find_capability },
	{ "iommufd_pci_find_extended_capability", call_pci_find_extended_capability },
	{ "iommufd_pci_set_bus_master", call_pci_set_bus_master },
	{ "iommufd_pci_set_memory", call_pci_set_memory },
};

static void refuse(const struct call *calls, size_t count, void *bad)
{
	for (size_t i = 0; i < count; i++) {
		new_dev = (void *)1;
		new_ioas = (void *)1;
		pointer = (void *)1;
		size = 0;
		expect_error_begin(calls[i].name);
		expect_error(calls[i].call(bad), -EINVAL, calls[i].name, __FILE__, __LINE__);
		assert_true(!new_dev || new_dev == (void *)1);
		assert_true(!new_ioas || new_ioas == (void *)1);
		assert_true(!pointer || pointer == (void *)1);
	}
}

static void prepare(struct fixture *f)
{
	ctx = f->ctx;
	ioas = get_ioas(f);
	dev = get_device(f, ALONE1);
	data = get_buffer(f, PAGE);
	event = get_eventfd(f);
	vec = (struct iommufd_map_vec){ data, PAGE, 0 };
}

static void error_handle_null_einval(void **state)
{
	prepare(*state);
	refuse(of_ctx, ARRAY_SIZE(of_ctx), NULL);
	refuse(of_ioas, ARRAY_SIZE(of_ioas), NULL);
	refuse(of_device, ARRAY_SIZE(of_device), NULL);
	assert_null(iommufd_ctx_get_backend(NULL));
	assert_null(iommufd_ctx_get_report(NULL));
}

static void error_handle_of_another_kind_einval(void **state)
{
	prepare(*state);
	refuse(of_ctx, ARRAY_SIZE(of_ctx), ioas);
	refuse(of_ctx, ARRAY_SIZE(of_ctx), dev);
	refuse(of_ioas, ARRAY_SIZE(of_ioas), ctx);
	refuse(of_ioas, ARRAY_SIZE(of_ioas), dev);
	refuse(of_device, ARRAY_SIZE(of_device), ctx);
	refuse(of_device, ARRAY_SIZE(of_device), ioas);
	assert_null(iommufd_ctx_get_backend((void *)dev));
	assert_null(iommufd_ctx_get_report((void *)ioas));
}

static void error_handle_is_memory_of_the_caller_einval(void **state)
{
	static uint64_t zeros[64], ones[64];

	memset(ones, 0xff, sizeof(ones));
	prepare(*state);
	refuse(of_ctx, ARRAY_SIZE(of_ctx), zeros);
	refuse(of_ioas, ARRAY_SIZE(of_ioas), ones);
	refuse(of_device, ARRAY_SIZE(of_device), zeros);
}

/* -- the record */

static void error_record_names_call_object_and_remedy(void **state)
{
	struct fixture *f = *state;
	const struct iommufd_error *e = expected_record();
	struct iommufd_ioas *space = get_ioas(f);
	uint64_t iova = 0x12345001;
	char name[32];
	uint32_t id;

	assert_ok(iommufd_ioas_get_id(space, &id));
	assert_error(iommufd_ioas_map(space, get_buffer(f, PAGE), PAGE, FIXED_RW, &iova, NULL),
		     -EINVAL);
	snprintf(name, sizeof(name), "ioas %" PRIu32, id);
	assert_string_equal(e->operation, "iommufd_ioas_map");
	assert_string_equal(e->object, name);
	assert_non_null(strstr(e->message, "0x12345001"));
}

static void error_record_names_the_device(void **state)
{
	struct fixture *f = *state;
	const struct iommufd_error *e = expected_record();
	struct iommufd_device *device = get_device(f, ALONE1);
	char name[80];

	snprintf(name, sizeof(name), "device %s", device_name(f, ALONE1));
	assert_error(iommufd_device_detach(device), -EINVAL);
	assert_string_equal(e->object, name);
}

static void error_record_stays_after_success(void **state)
{
	struct fixture *f = *state;
	struct iommufd_error before;

	assert_error(iommufd_device_detach(NULL), -EINVAL);
	before = *iommufd_error_last();
	put_ioas(f, get_ioas(f));
	put_device(f, get_device(f, ALONE1));
	put_ctx(f, get_ctx(f, NULL));
	assert_memory_equal(&before, iommufd_error_last(), sizeof(before));
}

struct seen {
	int first, after;
	const struct iommufd_error *record;
};

static void *fail_in_thread(void *arg)
{
	struct seen *seen = arg;

	seen->record = iommufd_error_last();
	seen->first = seen->record->code;
	iommufd_device_find(NULL, 1, NULL);
	seen->after = seen->record->code;
	return NULL;
}

static void error_record_belongs_to_its_thread(void **state)
{
	struct fixture *f = *state;
	struct iommufd_error before;
	struct seen seen = { 77, 77, NULL };
	struct iommufd_ioas *space = get_ioas(f);
	pthread_t thread;

	assert_error(iommufd_ioas_next_mapping(space, 0, &mapping), -ENOENT);
	before = *iommufd_error_last();
	assert_int_equal(pthread_create(&thread, NULL, fail_in_thread, &seen), 0);
	pthread_join(thread, NULL);
	assert_int_equal(seen.first, 0);
	assert_int_equal(seen.after, -EINVAL);
	assert_ptr_not_equal(seen.record, iommufd_error_last());
	assert_memory_equal(&before, iommufd_error_last(), sizeof(before));
}

static const struct CMUnitTest cases[] = {
	CASE(error_handle_null_einval),
	CASE(error_handle_of_another_kind_einval),
	CASE(error_handle_is_memory_of_the_caller_einval),
	CASE(error_record_names_call_object_and_remedy),
	CASE(error_record_names_the_device),
	CASE(error_record_stays_after_success),
	CASE(error_record_belongs_to_its_thread),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("error", cases, NULL, NULL);
}
