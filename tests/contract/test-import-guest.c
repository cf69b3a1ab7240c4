/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A guest's IOMMU that a successor has, and the tracking of what its devices write. */
#include "guest.h"
#include "import.h"

#define VIRTUAL_ID 9
#define IOVA MOCK_FIRST

static void release_vdevice(void *object)
{
	iommufd_vdevice_unref(object);
}

static void release_veventq(void *object)
{
	iommufd_veventq_unref(object);
}

/* The last of each kind that came over; 0 is none. */
struct ids {
	uint32_t of[10]; /* by kind */
};

static struct ids ids_of(struct iommufd_import *import)
{
	struct iommufd_import_item item = { .size = sizeof(item) };
	struct ids ids = { { 0 } };

	for (uint32_t i = 0; !iommufd_import_get_item(import, i, &item); i++)
		ids.of[item.kind] = item.id;
	return ids;
}

/* One of everything: returns false where there is none. */
static bool set_up(struct fixture *f, struct guest *g)
{
	struct iommufd_veventq_opts opts = {
		.size = sizeof(opts), .event_size = sizeof(struct k_iommu_viommu_event_selftest),
	};
	struct iommufd_hw_queue *queue;
	struct iommufd_veventq *events;
	uint8_t *memory;

	if (!can_export(f) || !get_guest(f, g))
		return false;
	get_vdevice(f, g->viommu, g->dev, VIRTUAL_ID);
	assert_ok(iommufd_device_attach_hwpt(g->dev, get_on_viommu(f, g)));
	assert_ok(iommufd_veventq_new(g->viommu, K_IOMMU_VEVENTQ_TYPE_SELFTEST, 4, &opts, &events));
	hold_object(f, events, release_veventq);
	memory = get_buffer(f, 2 * PAGE);
	map_at(g->ioas, memory, PAGE, IOVA);
	map_at(g->ioas, memory + PAGE, PAGE, IOVA + PAGE);
	for (uint32_t i = 0; i < 2; i++) {
		assert_ok(iommufd_hw_queue_new(g->viommu, K_IOMMU_HW_QUEUE_TYPE_SELFTEST, i,
					       IOVA + i * PAGE, PAGE, &queue));
		hold_hw_queue(f, queue);
	}
	return true;
}

static struct iommufd_import *leave(struct fixture *f)
{
	struct exported e;

	export_ctx(f->ctx, &e);
	assert_ok(iommufd_ctx_disown(f->ctx));
	return get_import(f, &e, IOMMUFD_IMPORT_KEEP_PROCESS);
}

static void import_has_a_guests_iommu(void **state)
{
	struct k_iommu_viommu_event_selftest data = { 0 };
	struct iommufd_vevent event = { .size = sizeof(event), .data = &data, .room = sizeof(data) };
	struct fixture *f = *state;
	struct iommufd_ctx *mine = f->ctx;
	struct iommufd_import *import;
	struct iommufd_viommu *viommu;
	struct iommufd_vdevice *vdevice;
	struct iommufd_veventq *events;
	struct iommufd_device *dev;
	struct guest g;
	struct ids ids;

	if (!set_up(f, &g))
		return;
	assert_int_equal(mock_event(f, g.dev), 0);
	import = leave(f);
	ids = ids_of(import);
	assert_ok(iommufd_import_find_viommu(import, ids.of[IOMMUFD_IMPORT_VIOMMU], &viommu));
	hold_viommu(f, viommu);
	assert_ok(iommufd_import_find_vdevice(import, ids.of[IOMMUFD_IMPORT_VDEVICE], &vdevice));
	hold_object(f, vdevice, release_vdevice);
	assert_ok(iommufd_import_find_veventq(import, ids.of[IOMMUFD_IMPORT_VEVENTQ], &events));
	hold_object(f, events, release_veventq);
	assert_ok(iommufd_viommu_find_device(viommu, VIRTUAL_ID, &dev));
	hold_device(f, dev);
	assert_non_null(hwpt_of(dev));
	assert_ok(iommufd_veventq_read(events, &event));
	assert_int_equal(event.sequence, 0);
	assert_int_equal(data.virt_id, VIRTUAL_ID);
	f->ctx = ctx_of(f, import);
	assert_int_equal(mock_event(f, dev), 0);
	f->ctx = mine;
	assert_ok(iommufd_veventq_read(events, &event));
	assert_int_equal(event.sequence, 1);
	assert_int_equal(event.lost, 0);
	assert_ok(iommufd_device_detach(dev));
}

static void import_keeps_the_memory_of_hardware_queues(void **state)
{
	struct fixture *f = *state;
	struct iommufd_hw_queue *queue;
	struct iommufd_import *import;
	struct iommufd_ioas *ioas;
	struct guest g;
	struct ids ids;

	if (!set_up(f, &g))
		return;
	import = leave(f);
	ids = ids_of(import);
	assert_ok(iommufd_import_find_hw_queue(import, ids.of[IOMMUFD_IMPORT_HW_QUEUE], &queue));
	hold_hw_queue(f, queue);
	ioas = find_ioas(f, import, ids.of[IOMMUFD_IMPORT_IOAS]);
	put_object(f, import);
	assert_error(iommufd_ioas_unmap(ioas, IOVA, PAGE, NULL), -EBUSY);
	assert_error(iommufd_ioas_unmap(ioas, IOVA + PAGE, PAGE, NULL), -EBUSY);
	put_object(f, queue);
	assert_ok(iommufd_ioas_unmap_all(ioas, NULL));
}

static void import_of_a_vdevice_without_its_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_vdevice *none;
	struct iommufd_import *import;
	struct guest g;

	if (!can_export(f) || !get_guest(f, &g))
		return;
	get_vdevice(f, g.viommu, g.dev, VIRTUAL_ID);
	put_device(f, g.dev);
	import = leave(f);
	assert_int_equal(ids_of(import).of[IOMMUFD_IMPORT_VDEVICE], 0);
	assert_error(iommufd_import_find_vdevice(import, 1, &none), -ENOENT);
	assert_null(none);
}

static void import_goes_on_tracking(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *mine = f->ctx;
	struct iommufd_import *import;
	struct iommufd_device *dev = get_mock(f, 0);
	struct iommufd_ioas *ioas;
	uint8_t *memory = get_buffer(f, 64 * PAGE);
	uint64_t bits = 0;
	struct ids ids;

	if (!dev || !can_export(f))
		return;
	ioas = get_ioas(f);
	map_at(ioas, memory, 64 * PAGE, IOVA);
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 1));
	import = leave(f);
	ids = ids_of(import);
	ioas = find_ioas(f, import, ids.of[IOMMUFD_IMPORT_IOAS]);
	f->ctx = ctx_of(f, import);
	mock_write(f, ids.of[IOMMUFD_IMPORT_HWPT], IOVA, 0x5);
	f->ctx = mine;
	assert_ok(iommufd_ioas_read_dirty(ioas, IOVA, 64 * PAGE, PAGE, 0, &bits));
	assert_int_equal(bits, 0x5);
	assert_ok(iommufd_ioas_set_dirty_tracking(ioas, 0));
}

static void import_has_pasids(void **state)
{
	struct iommufd_import_item item = { .size = sizeof(item) };
	struct fixture *f = *state;
	struct iommufd_ctx *mine = f->ctx;
	struct iommufd_device *dev = get_mock(f, MOCK_PASID), *other;
	struct iommufd_pasid_info was, is;
	struct iommufd_pasid *pasid, *none = (void *)1;
	struct iommufd_import *import;
	struct iommufd_ioas *ioas;

	if (!dev || !can_export(f))
		return;
	other = get_mock(f, MOCK_PASID);
	ioas = get_ioas(f);
	map_at(ioas, get_buffer(f, PAGE), PAGE, IOVA);
	assert_ok(iommufd_device_attach(dev, get_ioas(f)));
	pasid = get_pasid(f, dev, 5);
	assert_ok(iommufd_pasid_attach(pasid, ioas));
	get_pasid(f, other, 5); /* the same number, and another PASID */
	was = pasid_info(pasid);

	import = leave(f);
	assert_error(iommufd_import_find_pasid(import, was.device, 6, &none), -ENOENT);
	assert_null(none);
	assert_error(iommufd_import_find_pasid(import, was.device, 5, NULL), -EINVAL);
	assert_error(iommufd_import_find_pasid(NULL, was.device, 5, &none), -EINVAL);
	assert_ok(iommufd_import_find_pasid(import, was.device, 5, &pasid));
	hold_pasid(f, pasid);
	is = pasid_info(pasid);
	assert_int_equal(is.device, was.device);
	assert_int_equal(is.number, 5);
	assert_int_equal(is.ioas, was.ioas);
	assert_int_equal(is.hwpt, was.hwpt);
	for (uint32_t i = 0; item.kind != IOMMUFD_IMPORT_PASID; i++)
		assert_ok(iommufd_import_get_item(import, i, &item));
	assert_int_equal(item.id, 5);
	assert_int_equal(item.device, was.device);
	assert_ok(iommufd_device_find_id(ctx_of(f, import), was.device, &dev));
	hold_device(f, dev);
	f->ctx = ctx_of(f, import);
	assert_true(mock_pasid_is(f, dev, 5, was.hwpt));
	assert_error(iommufd_pasid_new(dev, &(struct iommufd_pasid_opts){
		.size = sizeof(struct iommufd_pasid_opts), .number = 5 }, &none), -EEXIST);
	assert_ok(iommufd_pasid_detach(pasid));
	assert_true(mock_pasid_is(f, dev, 5, 0));
	f->ctx = mine;
}

static void import_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct iommufd_import *import;
	struct iommufd_viommu *viommu;
	struct iommufd_vdevice *vdevice;
	struct iommufd_veventq *veventq;
	struct iommufd_hw_queue *queue;

	assert_error(iommufd_import_find_viommu(NULL, 1, &viommu), -EINVAL);
	assert_error(iommufd_import_find_vdevice(NULL, 1, &vdevice), -EINVAL);
	assert_error(iommufd_import_find_veventq(NULL, 1, &veventq), -EINVAL);
	assert_error(iommufd_import_find_hw_queue(NULL, 1, &queue), -EINVAL);
	if (!can_export(f))
		return;
	import = leave(f);
	assert_error(iommufd_import_find_viommu(import, 1, &viommu), -ENOENT);
	assert_error(iommufd_import_find_viommu(import, 1, NULL), -EINVAL);
	assert_error(iommufd_import_find_vdevice(import, 1, NULL), -EINVAL);
	assert_error(iommufd_import_find_veventq(import, 1, &veventq), -ENOENT);
	assert_error(iommufd_import_find_veventq(import, 1, NULL), -EINVAL);
	assert_error(iommufd_import_find_hw_queue(import, 1, &queue), -ENOENT);
	assert_error(iommufd_import_find_hw_queue(import, 1, NULL), -EINVAL);
}

static void damage_to_a_guests_iommu_is_refused_or_harmless(void **state)
{
	struct fixture *f = *state;
	struct exported e, bad;
	struct guest g;
	int before, refused = 0;

	if (!set_up(f, &g))
		return;
	export_ctx(f->ctx, &e);
	before = count_fds();
	for (size_t i = 0; i < e.size; i++)
		for (int change = 0; change < 3; change++) {
			bad = e;
			bad.blob[i] = (uint8_t)(!change ? bad.blob[i] + 1 :
						change == 1 ? bad.blob[i] ^ 0x80 : 0xff);
			seal_blob(&bad);
			refused += try_import(&bad, before) != 0;
		}
	assert_true(refused > (int)e.size);
	assert_ok(iommufd_device_detach(g.dev));
}

static const struct CMUnitTest cases[] = {
	CASE(import_has_a_guests_iommu),
	CASE(import_keeps_the_memory_of_hardware_queues),
	CASE(import_of_a_vdevice_without_its_device),
	CASE(import_goes_on_tracking),
	CASE(import_has_pasids),
	CASE(import_bad_argument),
	CASE(damage_to_a_guests_iommu_is_refused_or_harmless),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("import-guest", cases, NULL, NULL);
}
