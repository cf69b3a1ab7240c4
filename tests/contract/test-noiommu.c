/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Devices without an IOMMU: had only by who asks for them by name, and given
 * physical addresses. Each case runs on both backends that have such devices,
 * where the kernel is emulated on a machine made for it.
 */
#include "edu.h"
#include "shape.h"

#include <libiommufd/emu.h>
#include <sys/mman.h>

static const char *const backends[] = { "cdev+noiommu", "group+noiommu" };

struct setting {
	struct iommufd_ctx *ctx;
	struct iommufd_device *dev;
	struct iommufd_ioas *ioas;
};

static struct iommufd_emu *machine;

/* A context on the machine; false if the kernel has no such backend. */
static bool open_ctx(struct fixture *f, const char *backend, uint64_t flags,
		     struct iommufd_ctx **ctx)
{
	struct iommufd_emu_opts shape = {
		.size = sizeof(shape), .flags = IOMMUFD_EMU_NOIOMMU | flags,
	};
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = backend };
	int rc;

	unsetenv("LIBIOMMUFD_BACKEND");
	if (contract_is_emulated()) {
		assert_int_equal(iommufd_emu_new(&shape, &machine), 0);
		opts.sys = iommufd_emu_get_sys(machine);
	}
	rc = iommufd_ctx_new(&opts, ctx);
	iommufd_emu_unref(machine);
	machine = NULL;
	if (rc && (contract_is_emulated() || (rc != -EOPNOTSUPP && rc != -ENOENT)))
		fail_msg("%s: %s", backend, iommufd_error_last()->message);
	if (!rc)
		hold_ctx(f, *ctx);
	return !rc;
}

/* An open edu that may master the bus, and an IOAS; not attached. */
static bool set_up(struct fixture *f, const char *backend, struct setting *s)
{
	if (!open_ctx(f, backend, 0, &s->ctx))
		return false;
	if (iommufd_device_open(s->ctx, device_name(f, ALONE1), NULL, &s->dev)) {
		assert_int_equal(iommufd_error_last()->code, -EINVAL); /* there is an IOMMU */
		put_ctx(f, s->ctx);
		return false;
	}
	hold_device(f, s->dev);
	assert_ok(iommufd_pci_set_bus_master(s->dev, 1));
	assert_ok(iommufd_ioas_new(s->ctx, NULL, &s->ioas));
	hold_ioas(f, s->ioas);
	return true;
}

static void put(struct fixture *f, struct setting *s)
{
	put_device(f, s->dev);
	put_ioas(f, s->ioas);
	put_ctx(f, s->ctx);
}

/* Runs @check on each backend that the machine has, or skips the case. */
static void on_each(struct fixture *f, void (*check)(struct fixture *f, struct setting *s))
{
	unsigned int ran = 0;

	for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
		struct setting s;

		if (!set_up(f, backends[i], &s))
			continue;
		check(f, &s);
		put(f, &s);
		ran++;
	}
	if (!ran && !contract_is_emulated())
		skip_case(f, "an IOMMU stands behind the devices");
	assert_int_equal(ran, contract_is_emulated() ? ARRAY_SIZE(backends) : ran);
}

static void check_says_so(struct fixture *f, struct setting *s)
{
	(void)f;
	assert_int_equal(iommufd_ctx_has(s->ctx, IOMMUFD_CAP_ISOLATION), 0);
	assert_non_null(strstr(iommufd_ctx_get_backend(s->ctx), "+noiommu"));
	assert_non_null(strstr(iommufd_ctx_get_backend(s->ctx),
			       iommufd_device_get_transport(s->dev)));
}

static void noiommu_says_so(void **state)
{
	on_each(*state, check_says_so);
}

static void check_address_needs_a_device(struct fixture *f, struct setting *s)
{
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t address;

	map_at(s->ioas, data, PAGE, 0x10000);
	assert_error(iommufd_ioas_get_dma_address(s->ioas, 0x10000, &address, NULL), -ENODEV);
	assert_ok(iommufd_device_attach(s->dev, s->ioas));
	assert_ok(iommufd_ioas_get_dma_address(s->ioas, 0x10000, &address, NULL));
	assert_error(iommufd_ioas_get_dma_address(s->ioas, 0x11000, &address, NULL), -ENOENT);
	assert_ok(iommufd_device_detach(s->dev));
	assert_error(iommufd_ioas_get_dma_address(s->ioas, 0x10000, &address, NULL), -ENODEV);
}

static void noiommu_address_needs_a_device(void **state)
{
	on_each(*state, check_address_needs_a_device);
}

/* Every byte of a page has its place in the page; pages follow each other as far as it is told. */
static void check_addresses(struct fixture *f, struct setting *s)
{
	uint8_t *data = get_buffer(f, 8 * PAGE);
	uint64_t address, next, again;
	size_t length = 3;

	map_at(s->ioas, data, 8 * PAGE, 0x10000);
	map_at(s->ioas, data + PAGE, PAGE, 0x80000);
	assert_ok(iommufd_device_attach(s->dev, s->ioas));
	assert_ok(iommufd_ioas_get_dma_address(s->ioas, 0x10123, &address, &length));
	assert_int_equal(length, 3);
	assert_int_equal(address % PAGE, 0x123);
	for (uint64_t iova = 0x10000; iova < 0x18000; iova += length) {
		length = SIZE_MAX;
		assert_ok(iommufd_ioas_get_dma_address(s->ioas, iova, &address, &length));
		assert_true(length >= PAGE && length % PAGE == 0 && length <= 0x18000 - iova);
		for (uint64_t page = PAGE; page < length; page += PAGE) {
			assert_ok(iommufd_ioas_get_dma_address(s->ioas, iova + page, &next, NULL));
			assert_int_equal(next, address + page);
		}
	}
	assert_ok(iommufd_ioas_get_dma_address(s->ioas, 0x11000, &next, NULL));
	assert_ok(iommufd_ioas_get_dma_address(s->ioas, 0x80000, &again, NULL));
	assert_int_equal(next, again); /* the same page, mapped twice */
}

static void noiommu_addresses_are_of_pages(void **state)
{
	on_each(*state, check_addresses);
}

/* Between the device's buffer and a physical address, whatever the IOAS says. */
static void edu_dma(struct iommufd_device *dev, uint64_t address, uint32_t length, bool fetch)
{
	const uint64_t values[][2] = {
		{ fetch ? EDU_DMA_SOURCE : EDU_DMA_TARGET, address },
		{ fetch ? EDU_DMA_TARGET : EDU_DMA_SOURCE, 0x40000 },
		{ EDU_DMA_COUNT, length },
		{ EDU_DMA_COMMAND, fetch ? 1 : 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_ok(iommufd_region_write64(dev, IOMMUFD_REGION_BAR0, values[i][0],
						 values[i][1]));
	edu_end(dev);
}

/* No IOMMU hides that an IOVA is none of the device's addresses. */
static void check_dma(struct fixture *f, struct setting *s)
{
	uint8_t *data = get_buffer(f, 2 * PAGE);
	uint64_t source, target;

	map_at(s->ioas, data, 2 * PAGE, 0x10000);
	assert_ok(iommufd_device_attach(s->dev, s->ioas));
	fill_pattern(data, PAGE, 7);
	assert_ok(iommufd_ioas_get_dma_address(s->ioas, 0x10000, &source, NULL));
	assert_ok(iommufd_ioas_get_dma_address(s->ioas, 0x11000, &target, NULL));
	assert_true(source != 0x10000 && target != 0x11000);
	edu_dma(s->dev, source, 1024, true);
	edu_dma(s->dev, target, 1024, false);
	assert_true(is_pattern(data + PAGE, 1024, 7));
	assert_true(is_all(data + PAGE + 1024, PAGE - 1024, 0));
}

static void noiommu_dma_by_physical_addresses(void **state)
{
	on_each(*state, check_dma);
}

/* The memory of two mappings stays while one is left. */
static void check_overlap(struct fixture *f, struct setting *s)
{
	uint8_t *data = get_buffer(f, 4 * PAGE);
	uint64_t address, after;

	assert_ok(iommufd_device_attach(s->dev, s->ioas));
	map_at(s->ioas, data, 3 * PAGE, 0x10000);
	map_at(s->ioas, data + PAGE, 3 * PAGE, 0x80000);
	assert_ok(iommufd_ioas_get_dma_address(s->ioas, 0x80000, &address, NULL));
	assert_ok(iommufd_ioas_unmap(s->ioas, 0x10000, 3 * PAGE, NULL));
	assert_ok(iommufd_ioas_get_dma_address(s->ioas, 0x80000, &after, NULL));
	assert_int_equal(address, after);
	assert_error(iommufd_ioas_get_dma_address(s->ioas, 0x10000, &after, NULL), -ENOENT);
	fill_pattern(data + PAGE, 512, 3);
	edu_dma(s->dev, address, 512, true);
	edu_dma(s->dev, address + 1024, 512, false);
	assert_true(is_pattern(data + PAGE + 1024, 512, 3));
}

static void noiommu_memory_stays_for_the_last_mapping(void **state)
{
	on_each(*state, check_overlap);
}

static void check_bad_memory(struct fixture *f, struct setting *s)
{
	void *hole = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *data = get_buffer(f, PAGE);
	uint64_t iova = 0x20000;

	assert_true(hole != MAP_FAILED);
	assert_ok(iommufd_device_attach(s->dev, s->ioas));
	map_at(s->ioas, data, PAGE, 0x10000);
	assert_error(iommufd_ioas_map(s->ioas, hole, PAGE, FIXED_RW, &iova, NULL), -EFAULT);
	assert_ok(iommufd_device_detach(s->dev));
	assert_ok(iommufd_ioas_map(s->ioas, hole, PAGE, FIXED_RW, &iova, NULL));
	assert_error(iommufd_device_attach(s->dev, s->ioas), -EFAULT);
	assert_ok(iommufd_ioas_unmap(s->ioas, 0x20000, PAGE, NULL));
	assert_ok(iommufd_device_attach(s->dev, s->ioas));
	munmap(hole, 2 * PAGE);
}

static void noiommu_memory_must_be_there_efault(void **state)
{
	on_each(*state, check_bad_memory);
}

/* -- who may */

enum { OPENED = 1 };

/* What stops a user without privilege: the context, or at the latest the device. */
static int ask_backend(const struct iommufd_ctx_opts *opts, const char *device,
		       const char *backend)
{
	struct iommufd_ctx_opts more = *opts;
	struct iommufd_device *dev = NULL;
	struct iommufd_ctx *ctx;
	int rc;

	unsetenv("LIBIOMMUFD_BACKEND");
	more.backend = backend;
	rc = answer(iommufd_ctx_new(&more, &ctx));
	if (!rc)
		rc = answer(iommufd_device_open(ctx, device, NULL, &dev));
	iommufd_device_unref(dev);
	iommufd_ctx_unref(ctx);
	return rc ? rc : OPENED;
}

static int ask_cdev(const struct iommufd_ctx_opts *opts, const char *device)
{
	return ask_backend(opts, device, "cdev+noiommu");
}

static int ask_group(const struct iommufd_ctx_opts *opts, const char *device)
{
	return ask_backend(opts, device, "group+noiommu");
}

static void noiommu_unprivileged_eperm(void **state)
{
	int rc = ask_in_shape(*state, SHAPE_NO_RAWIO, ask_cdev);

	/* The others are kernels that have no such devices for anyone. */
	assert_true(rc == -EPERM || rc == -EOPNOTSUPP || rc == -ENOENT);
	assert_int_equal(ask_in_shape(*state, SHAPE_NO_RAWIO, ask_group), -EPERM);
}

static void check_unasked(struct fixture *f, struct setting *s)
{
	static const char *const policies[] = {
		"auto", "iommufd", "legacy", "cdev+iommufd", "group+iommufd", "group+type1",
	};
	struct iommufd_device *dev;
	struct iommufd_ctx *ctx;

	(void)s; /* the device is there, for who asks for it */
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		if (!open_ctx(f, policies[i], 0, &ctx))
			continue;
		assert_int_equal(iommufd_ctx_has(ctx, IOMMUFD_CAP_ISOLATION), 1);
		assert_error(iommufd_device_open(ctx, device_name(f, ALONE1), NULL, &dev), -EPERM);
		assert_non_null(strstr(expected_record()->remedy, "noiommu"));
		put_ctx(f, ctx);
	}
}

static void noiommu_is_never_chosen_unasked(void **state)
{
	on_each(*state, check_unasked);
}

static int ask_node(const struct iommufd_ctx_opts *opts, const char *backend)
{
	char path[64];
	int n = 0;

	do
		snprintf(path, sizeof(path), "/dev/vfio/devices/%svfio%d",
			 contract_is_isolated() ? "" : "noiommu-", n);
	while (!contract_is_emulated() && access(path, F_OK) && n++ < 64);
	return ask_backend(opts, path, backend);
}

static int ask_node_isolated(const struct iommufd_ctx_opts *opts, const char *device)
{
	(void)device;
	return ask_node(opts, "cdev+iommufd");
}

static int ask_node_noiommu(const struct iommufd_ctx_opts *opts, const char *device)
{
	(void)device;
	return ask_node(opts, "cdev+noiommu");
}

/* The kernel is asked then what no file tells. */
static void noiommu_is_found_out_where_sysfs_is_hidden(void **state)
{
	struct fixture *f = *state;
	int rc = ask_in_shape(f, SHAPE_NO_SYSFS, ask_node_isolated);

	if (rc == -ENOENT)
		skip_case(f, "the kernel has no character devices");
	assert_int_equal(rc, contract_is_isolated() ? OPENED : -EPERM);
	rc = ask_in_shape(f, SHAPE_NO_SYSFS, ask_node_noiommu);
	if (contract_is_isolated())
		assert_true(rc == -EINVAL || rc == -EOPNOTSUPP);
	else
		assert_int_equal(rc, OPENED);
}

static const struct CMUnitTest cases[] = {
	CASE_OF_POLICY(noiommu_says_so),
	CASE_OF_POLICY(noiommu_address_needs_a_device),
	CASE_OF_POLICY(noiommu_addresses_are_of_pages),
	CASE_OF_POLICY(noiommu_dma_by_physical_addresses),
	CASE_OF_POLICY(noiommu_memory_stays_for_the_last_mapping),
	CASE_OF_POLICY(noiommu_memory_must_be_there_efault),
	CASE_OF_POLICY(noiommu_unprivileged_eperm),
	CASE_OF_POLICY(noiommu_is_never_chosen_unasked),
	CASE_OF_POLICY(noiommu_is_found_out_where_sysfs_is_hidden),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("noiommu", cases, NULL, NULL);
}
