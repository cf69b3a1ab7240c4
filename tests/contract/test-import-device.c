/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Devices that a successor has, with their page tables, faults and interrupts. */
#include "edu.h"
#include "import.h"
#include "tables.h"

#include <sys/mman.h>

#define IOVA MOCK_FIRST

static void import_has_devices_by_cookie_and_where_they_are(void **state)
{
	struct iommufd_device_info was = { .size = sizeof(was) }, is = { .size = sizeof(is) };
	struct fixture *f = *state;
	struct iommufd_device *dev = get_with_cookie(f, ALONE1, 21);
	struct iommufd_ioas *at = get_ioas(f);
	struct iommufd_import *import;
	struct iommufd_ctx *ctx;
	uint32_t id = ioas_id(at);

	if (!can_export(f))
		return;
	get_with_cookie(f, ALONE2, 22);
	assert_ok(iommufd_device_get_info(dev, &was));
	assert_ok(iommufd_device_attach(dev, at));

	import = succeed(f);
	ctx = ctx_of(f, import);
	dev = find_cookie(f, ctx, 21);
	assert_ok(iommufd_device_get_info(dev, &is));
	assert_int_equal(is.id, was.id);
	assert_string_equal(is.name, was.name);
	assert_int_equal(is.group, was.group);
	at = find_ioas(f, import, id);
	assert_ptr_equal(ioas_of(dev), at);
	assert_error(iommufd_device_attach(dev, at), -EBUSY);
	assert_null(ioas_of(find_cookie(f, ctx, 22)));
	assert_ok(iommufd_device_attach(find_cookie(f, ctx, 22), at));
	assert_ok(iommufd_device_detach(dev));
	assert_null(ioas_of(dev));
	assert_ok(iommufd_device_attach(dev, at));
}

static void device_goes_on_after_the_import(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_ioas *ioas = get_ioas(f);
	int fd = get_memfd(f, 2 * PAGE);
	uint8_t *data = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct iommufd_import *import;
	struct iommufd_device *again;

	assert_ptr_not_equal(data, MAP_FAILED);
	if (!can_export(f)) {
		munmap(data, 2 * PAGE);
		return;
	}
	assert_ok(iommufd_device_get_info(dev, &info));
	map_file_at(ioas, fd, 0, 2 * PAGE, IOVA);
	assert_ok(iommufd_device_attach(dev, ioas));
	fill_pattern(data, PAGE, 3);
	edu_fetch(dev, IOVA, EDU_MOST);
	import = succeed(f);
	put_device(f, dev);
	put_ioas(f, ioas);
	assert_ok(iommufd_device_find_id(ctx_of(f, import), info.id, &again));
	hold_device(f, again);
	edu_store(again, IOVA + PAGE, EDU_MOST);
	assert_true(is_pattern(data + PAGE, EDU_MOST, 3));
	munmap(data, 2 * PAGE);
}

static void import_has_page_tables(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID);
	struct iommufd_hwpt_info info = { .size = sizeof(info) };
	struct iommufd_hwpt *parent, *nested, *found;
	struct iommufd_device_info device = { .size = sizeof(device) };
	struct iommufd_import *import;
	struct iommufd_ctx *mine = f->ctx;
	uint32_t ids[2];

	if (!dev || !can_export(f))
		return;
	parent = get_hwpt(f, dev, get_ioas(f), IOMMUFD_HWPT_NEST_PARENT);
	nested = get_nested(f, dev, parent, 7);
	ids[0] = hwpt_id(parent);
	ids[1] = hwpt_id(nested);
	assert_ok(iommufd_device_get_info(dev, &device));
	assert_ok(iommufd_device_attach_hwpt(dev, nested));

	import = succeed(f);
	assert_ok(iommufd_import_find_hwpt(import, ids[1], &found));
	hold_hwpt(f, found);
	assert_ok(iommufd_hwpt_get_info(found, &info));
	assert_int_equal(info.kind, IOMMUFD_HWPT_NESTED);
	assert_int_equal(hwpt_id(info.parent), ids[0]);
	assert_ok(iommufd_hwpt_get_info(info.parent, &info));
	assert_int_equal(info.kind, IOMMUFD_HWPT_PAGING);
	assert_int_equal(info.flags, IOMMUFD_HWPT_NEST_PARENT);
	assert_ok(iommufd_device_find_id(ctx_of(f, import), device.id, &dev));
	hold_device(f, dev);
	assert_ptr_equal(hwpt_of(dev), found);
	f->ctx = ctx_of(f, import);
	assert_true(mock_iotlb_is(f, ids[1], 0, 7));
	f->ctx = mine;
	assert_ok(iommufd_device_replace(dev, ioas_of(dev)));
	assert_int_equal(hwpt_id(hwpt_of(dev)), ids[0]);
	assert_ok(iommufd_device_detach(dev));
}

static void unref(void *queue)
{
	iommufd_fault_queue_unref(queue);
}

static void import_has_faults_that_wait(void **state)
{
	struct iommufd_fault faults[2];
	struct iommufd_fault_group group = {
		.size = sizeof(group), .faults = faults, .room = ARRAY_SIZE(faults),
	};
	struct iommufd_hwpt_opts opts = { .size = sizeof(opts) };
	struct iommufd_import_item item = { .size = sizeof(item) };
	struct fixture *f = *state;
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_fault_queue *queue;
	struct iommufd_import *import;
	struct iommufd_hwpt *hwpt;
	uint64_t answered;

	if (!dev || !can_export(f))
		return;
	assert_ok(iommufd_fault_queue_new(f->ctx, NULL, &queue));
	hold_object(f, queue, unref);
	opts.fault_queue = queue;
	assert_ok(iommufd_hwpt_new(dev, get_ioas(f), &opts, &hwpt));
	hold_hwpt(f, hwpt);
	assert_ok(iommufd_device_attach_hwpt(dev, hwpt));
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(mock_fault(f, dev, 0, i, i * PAGE), 0);
	assert_ok(iommufd_fault_queue_read(queue, &group));
	answered = group.id;

	import = succeed(f);
	assert_ok(iommufd_import_get_item(import, 1, &item));
	assert_int_equal(item.kind, IOMMUFD_IMPORT_FAULT_QUEUE);
	assert_ok(iommufd_import_find_fault_queue(import, item.id, &queue));
	hold_object(f, queue, unref);
	assert_ok(iommufd_fault_queue_respond(queue, answered, IOMMUFD_FAULT_SUCCESS));
	assert_error(iommufd_fault_queue_respond(queue, answered, IOMMUFD_FAULT_SUCCESS), -EALREADY);
	for (uint32_t i = 2; i <= 3; i++) {
		assert_ok(iommufd_fault_queue_read(queue, &group));
		assert_int_equal(faults[0].address, i * PAGE);
		assert_ok(iommufd_fault_queue_respond(queue, group.id, IOMMUFD_FAULT_SUCCESS));
	}
}

static void interrupts_stay_enabled_until_they_are_connected_anew(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_with_cookie(f, ALONE1, 21);
	int old = get_eventfd(f), new = get_eventfd(f);

	if (!can_export(f))
		return;
	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSI, 0, 1, &old));
	dev = find_cookie(f, ctx_of(f, succeed(f)), 21);
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1));
	assert_int_equal(wait_event(old, 2000), 1);
	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSI, 0, 1, &new));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1));
	assert_int_equal(wait_event(new, 2000), 1);
	assert_int_equal(wait_event(old, 0), 0);
	assert_ok(iommufd_irq_disable(dev, IOMMUFD_IRQ_MSI));
	assert_error(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1), -EINVAL);
}

static const struct CMUnitTest cases[] = {
	CASE(import_has_devices_by_cookie_and_where_they_are),
	CASE(device_goes_on_after_the_import),
	CASE(import_has_page_tables),
	CASE(import_has_faults_that_wait),
	CASE(interrupts_stay_enabled_until_they_are_connected_anew),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("import-device", cases, NULL, NULL);
}
