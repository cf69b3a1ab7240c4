/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Page faults, and a guest's IOMMU, over mock devices, which ask and tell between steps. */
#include "fault.h"

#include "os/mock.h"

/* Where mock devices reach. */
#define FIRST UINT64_C(0x1000000)
#define NUMBER 9

struct guest {
	struct iommufd_device *dev;
	uint32_t id;
	struct iommufd_fault_queue *faults;
	struct iommufd_viommu *viommu;
	struct iommufd_vdevice *vdevice;
	struct iommufd_veventq *events;
	struct iommufd_hw_queue *queue[2];
};

static int test(struct run *r, uint32_t op, uint32_t id, struct k_iommu_test_cmd *arg)
{
	arg->size = sizeof(*arg);
	arg->op = op;
	arg->id = id;
	return iommufd_emu_ioctl(r->emu, iommufd_ctx_get_fd(r->ctx), K_IOMMU_TEST_CMD, arg);
}

/* Made by someone else, and gone with the context. */
static bool get_mock(struct run *r, struct guest *g)
{
	struct k_iommu_ioas_alloc home = { .size = sizeof(home) };
	struct k_iommu_test_cmd arg = { 0 };
	struct iommufd_device_bound bound = { .size = sizeof(bound), .fd = -1 };
	struct iommufd_device *found = NULL;
	bool done;

	r->loose = true; /* its home is no IOAS of ours */
	if (iommufd_emu_ioctl(r->emu, iommufd_ctx_get_fd(r->ctx), K_IOMMU_IOAS_ALLOC, &home) ||
	    test(r, K_IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS, home.out_ioas_id, &arg))
		return false;
	g->id = bound.id = arg.mock_domain_flags.out_idev_id;
	bound.mock_id = arg.mock_domain_flags.out_stdev_id;
	bound.mock_pt = home.out_ioas_id;
	done = TRY(r, iommufd_device_adopt, r->ctx, &bound, NULL, &g->dev) &&
	       TRY(r, iommufd_device_find_id, r->ctx, g->id, &found);
	iommufd_device_unref(found);
	return done;
}

/* A function that cannot be called again when it failed: what it says then is final. */
#define ONE_STEP(r, function, ...) ({ \
	step_begin(r); \
	step_end(r, #function, 0, function(__VA_ARGS__)); })

static void refuse(struct run *r)
{
	struct iommufd_fault_queue *queue = NULL;
	struct iommufd_viommu *viommu = NULL;

	if (!open_dev(r, 0, ALONE, 0))
		return;
	ONE_STEP(r, iommufd_fault_queue_new, r->ctx, NULL, &queue);
	ONE_STEP(r, iommufd_viommu_new, r->dev[0], NULL, 1, NULL, &viommu);
	if (queue || viommu)
		wrong(r, "made what this backend cannot have");
}

static bool fault(struct run *r, struct guest *g, uint32_t number)
{
	struct k_iommu_test_cmd arg = { .trigger_iopf = {
		.dev_id = g->id, .grpid = number, .perm = 1, .addr = FIRST,
	} };
	struct iommufd_fault faults[2];
	struct iommufd_fault_group group = {
		.size = sizeof(group), .faults = faults, .room = ARRAY_SIZE(faults),
	};

	return !test(r, K_IOMMU_TEST_OP_TRIGGER_IOPF, 0, &arg) &&
	       TRY(r, iommufd_fault_queue_read, g->faults, &group) &&
	       ONE_STEP(r, iommufd_fault_queue_respond, g->faults, group.id,
			IOMMUFD_FAULT_INVALID);
}

/* A nested table whose faults are taken, answered, and not answered. */
static void take_faults(struct run *r, struct guest *g)
{
	struct k_iommu_hwpt_selftest data = { 0 };
	struct iommufd_hwpt_opts opts = {
		.size = sizeof(opts), .data = &data, .data_length = sizeof(data),
		.data_type = K_IOMMU_HWPT_DATA_SELFTEST,
	};
	struct k_iommu_test_cmd arg = { .trigger_iopf = { .perm = 1, .addr = FIRST } };

	if (!TRY(r, iommufd_fault_queue_new, r->ctx, NULL, &g->faults) ||
	    !TRY(r, iommufd_fault_queue_get_fd, g->faults))
		return;
	opts.fault_queue = g->faults;
	if (!TRY(r, iommufd_hwpt_new_on_viommu, g->dev, g->viommu, &opts, &r->hwpt[1]) ||
	    !TRY(r, iommufd_device_attach_hwpt, g->dev, r->hwpt[1]) || !fault(r, g, 1) ||
	    !fault(r, g, 2))
		return;
	arg.trigger_iopf.dev_id = g->id;
	test(r, K_IOMMU_TEST_OP_TRIGGER_IOPF, 0, &arg);
	DROP(r, iommufd_fault_queue_unref, g->faults);
}

static bool take_events(struct run *r, struct guest *g)
{
	struct iommufd_veventq_opts opts = { .size = sizeof(opts), .event_size = 4 };
	struct k_iommu_test_cmd arg = { .trigger_vevent.dev_id = g->id };
	uint32_t data;
	struct iommufd_vevent event = {
		.size = sizeof(event), .data = &data, .room = sizeof(data),
	};

	if (!TRY(r, iommufd_veventq_new, g->viommu, K_IOMMU_VEVENTQ_TYPE_SELFTEST, 2, &opts,
		 &g->events) ||
	    !TRY(r, iommufd_veventq_get_fd, g->events))
		return false;
	take_faults(r, g);
	for (int i = 0; i < 3; i++)
		if (test(r, K_IOMMU_TEST_OP_TRIGGER_VEVENT, 0, &arg))
			return false; /* it is not attached */
	for (int i = 0; i < 3; i++)
		if (!TRY(r, iommufd_veventq_read, g->events, &event))
			return false;
	return true;
}

static bool new_viommu(struct run *r, struct guest *g)
{
	struct iommufd_hwpt_opts parent = {
		.size = sizeof(parent), .flags = IOMMUFD_HWPT_NEST_PARENT,
	};
	struct k_iommu_viommu_selftest data = { .in_data = 1 };
	struct iommufd_viommu_opts opts = {
		.size = sizeof(opts), .data = &data, .data_length = sizeof(data),
	};
	void *page;

	return new_ioas(r, 0) && map_at(r, 0, 0, 2, FIRST) &&
	       TRY(r, iommufd_hwpt_new, g->dev, r->ioas[0], &parent, &r->hwpt[0]) &&
	       TRY(r, iommufd_viommu_new, g->dev, r->hwpt[0], K_IOMMU_VIOMMU_TYPE_SELFTEST, &opts,
		   &g->viommu) &&
	       TRY(r, iommufd_viommu_map, g->viommu, data.out_mmap_offset, data.out_mmap_length,
		   &page) &&
	       TRY(r, iommufd_viommu_unmap, g->viommu, page) &&
	       TRY(r, iommufd_viommu_map, g->viommu, data.out_mmap_offset, data.out_mmap_length,
		   &page);
}

static bool new_vdevice(struct run *r, struct guest *g)
{
	struct k_iommu_viommu_invalidate_selftest entry = { .vdev_id = NUMBER };
	struct iommufd_device *found = NULL, *again = NULL;
	uint32_t count = 1;
	bool done = TRY(r, iommufd_vdevice_new, g->viommu, g->dev, NUMBER, &g->vdevice) &&
		    TRY(r, iommufd_vdevice_get_device, g->vdevice, &found) &&
		    TRY(r, iommufd_viommu_find_device, g->viommu, NUMBER, &again) &&
		    ONE_STEP(r, iommufd_viommu_invalidate, g->viommu,
			     K_IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, &entry, sizeof(entry),
			     &count);

	iommufd_device_unref(found);
	iommufd_device_unref(again);
	return done;
}

static bool new_queues(struct run *r, struct guest *g)
{
	for (uint32_t i = 0; i < 2; i++)
		if (!TRY(r, iommufd_hw_queue_new, g->viommu, K_IOMMU_HW_QUEUE_TYPE_SELFTEST, i,
			 FIRST + i * PAGE, PAGE, &g->queue[i]))
			return false;
	DROP(r, iommufd_hw_queue_unref, g->queue[0]);
	return true;
}

/* The device first: its vDEVICE has to be gone before. */
static void drop_guest(struct run *r, struct guest *g)
{
	DROP(r, iommufd_device_unref, g->dev);
	DROP(r, iommufd_viommu_unref, g->viommu);
	DROP(r, iommufd_hw_queue_unref, g->queue[0]);
	DROP(r, iommufd_hw_queue_unref, g->queue[1]);
	DROP(r, iommufd_veventq_unref, g->events);
	DROP(r, iommufd_vdevice_unref, g->vdevice);
	DROP(r, iommufd_fault_queue_unref, g->faults);
}

void play_guest(struct run *r)
{
	struct guest g = { 0 };

	if (!TRY(r, iommufd_ctx_new, &r->opts, &r->ctx))
		return;
	if (!can(r, IOMMUFD_CAP_VIOMMU)) {
		refuse(r);
		return;
	}
	if (get_mock(r, &g) && new_viommu(r, &g) && new_vdevice(r, &g) && take_events(r, &g))
		new_queues(r, &g);
	drop_guest(r, &g);
}
