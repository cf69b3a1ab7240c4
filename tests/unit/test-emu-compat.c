/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Groups with an iommufd in a container's place; hot resets by group. */
#include "test-emu-group.h"

static int vfio_ioas(struct machine *m, uint16_t op, uint32_t *id)
{
	struct k_iommu_vfio_ioas arg = { .size = sizeof(arg), .ioas_id = *id, .op = op };
	int r = request(m, m->iommu, K_IOMMU_VFIO_IOAS, &arg);

	*id = arg.ioas_id;
	return r;
}

static int get_compat(struct machine *m)
{
	uint32_t id = 0;
	int r = vfio_ioas(m, K_IOMMU_VFIO_IOAS_GET, &id);

	return r ? r : (int)id;
}

static int set_compat(struct machine *m, uint32_t id)
{
	return vfio_ioas(m, K_IOMMU_VFIO_IOAS_SET, &id);
}

static void an_address_space_stands_for_the_container(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1), id;

	assert_int_equal(get_compat(m), -ENODEV);
	assert_int_equal(set_container(m, group, m->iommu), 0);
	id = get_compat(m);
	assert_true(id > 0 && id != (int)m->ioas);
	assert_int_equal(counts(m).ioas, 2);
	assert_int_equal(unset_container(m, group), 0);
	assert_int_equal(unset_container(m, group), -EINVAL);
	assert_int_equal(get_compat(m), id);
	/* it is the user's now, like any other */
	assert_int_equal(set_container(m, group, m->iommu), 0);
	assert_int_equal(counts(m).ioas, 2);
	assert_int_equal(destroy(m, (uint32_t)id), 0);
	assert_int_equal(get_compat(m), -ENODEV);
	assert_int_equal(get_named(m, group, NAME1), -ENODEV);
	assert_int_equal(counts(m).bound, 0);
	assert_int_equal(set_compat(m, m->ioas), 0);
	assert_int_equal(unset_container(m, group), 0);
	assert_int_equal(set_container(m, group, m->iommu), 0);
	assert_int_equal(get_compat(m), (int)m->ioas);
	assert_int_equal(counts(m).ioas, 1);
	shut(m, group);
}

static void a_device_is_attached_while_open(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1), dev, again;

	assert_int_equal(set_compat(m, m->ioas), 0);
	assert_int_equal(map(m, m->mem, 2 * PAGE, 0x10000), 0);
	assert_int_equal(get_named(m, group, NAME1), -EINVAL);
	assert_int_equal(set_container(m, group, m->iommu), 0);
	assert_int_equal(counts(m).bound, 0);
	dev = get_master(m, group, NAME1);
	assert_int_equal(counts(m).bound, 1);
	assert_int_equal(counts(m).attached, 1);
	assert_int_equal(get_ranges(m).nr, 2);
	assert_int_equal(attach(m, dev, m->ioas, NULL), -ENOTTY);
	assert_int_equal(detach(m, dev), -ENOTTY);
	fill(m->mem, PAGE, 5);
	fetch(m, dev, 0x10000, 4096);
	store(m, dev, 0x11000, 4096);
	assert_memory_equal(m->mem, m->mem + PAGE, PAGE);
	again = get_named(m, group, NAME1);
	assert_true(again >= 0);
	shut(m, dev);
	assert_int_equal(counts(m).attached, 1);
	shut(m, again);
	assert_int_equal(counts(m).attached, 0);
	assert_int_equal(counts(m).bound, 0);
	assert_int_equal(get_ranges(m).nr, 1);
	unmap_all(m);
	shut(m, group);
}

/* What a device gets is what stands for the container when it is opened. */
static void each_device_may_have_its_own(void **state)
{
	struct machine *m = *state;
	int one = open_group(m, GROUP1), two = open_group(m, GROUP2), twins = open_group(m, TWINS);
	int a, b, c;
	uint32_t other;

	assert_int_equal(new_ioas(m, m->iommu, &other), 0);
	assert_int_equal(set_compat(m, m->ioas), 0);
	assert_int_equal(set_container(m, one, m->iommu), 0);
	assert_int_equal(set_container(m, two, m->iommu), 0);
	assert_int_equal(set_container(m, twins, m->iommu), 0);
	a = get_named(m, one, NAME1);
	c = get_named(m, twins, TWIN1);
	assert_int_equal(set_compat(m, other), 0);
	b = get_named(m, two, NAME2);
	assert_true(a >= 0 && b >= 0 && c >= 0);
	assert_int_equal(destroy(m, other), -EBUSY);
	/* but the members of a group share */
	assert_int_equal(get_named(m, twins, TWIN2), -EINVAL);
	assert_int_equal(counts(m).bound, 3);
	assert_int_equal(set_compat(m, m->ioas), 0);
	shut(m, b);
	b = get_named(m, twins, TWIN2);
	assert_true(b >= 0);
	assert_int_equal(destroy(m, other), 0);
	shut(m, a);
	shut(m, b);
	shut(m, c);
	shut(m, one);
	shut(m, two);
	shut(m, twins);
}

static void errors_of_attaching_come_with_the_device(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1);

	assert_int_equal(set_compat(m, m->ioas), 0);
	assert_int_equal(set_container(m, group, m->iommu), 0);
	assert_int_equal(map(m, m->mem, PAGE, 0xfee00000), 0);
	assert_int_equal(get_named(m, group, NAME1), -EADDRINUSE);
	unmap_all(m);
	assert_int_equal(map(m, NULL, PAGE, 0), 0);
	assert_int_equal(get_named(m, group, NAME1), -EFAULT);
	unmap_all(m);
	assert_int_equal(counts(m).bound, 0);
	assert_int_equal(counts(m).groups, 1);
	shut(m, group);
}

/* Unlike a container, an iommufd does not keep the group's file in it. */
static void a_device_outlives_its_group_file(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, TWINS), other = open_path(m, "/dev/iommu"), dev, cdev;
	int container = open_container(m);

	assert_int_equal(set_compat(m, m->ioas), 0);
	assert_int_equal(set_container(m, group, m->iommu), 0);
	dev = get_named(m, group, TWIN1);
	assert_true(dev >= 0);
	assert_int_equal(unset_container(m, group), 0);
	assert_int_equal(group_status(m, group), 0);
	assert_int_equal(set_container(m, group, container), -EPERM);
	assert_int_equal(set_container(m, group, other), 0);
	assert_int_equal(get_named(m, group, TWIN2), -EPERM);
	shut(m, group);
	assert_int_equal(counts(m).groups, 0);
	cdev = open_cdev(m, SIBLING1);
	assert_int_equal(bind_device(m, cdev, m->iommu, NULL), -EINVAL);
	shut(m, cdev);
	cdev = get_device(m, SIBLING2);
	assert_int_equal(open_group(m, TWINS), -EBUSY);
	shut(m, cdev);
	assert_int_equal(get32(m, dev, CONFIG), 0x11e81234);
	shut(m, dev);
	assert_int_equal(counts(m).bound, 0);
	shut(m, other);
	shut(m, container);
}

/* A group that loses its last VFIO driver loses everything, though its file is open. */
static void a_group_without_drivers_is_gone(void **state)
{
	struct machine *m = *state;
	struct k_vfio_group_status status = { .argsz = sizeof(status) };
	struct setup s = enter(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	int again;

	assert_int_equal(dma_map(m, s.container, m->mem, PAGE, 0, DMA_RW), 0);
	/* user space owns the group: this takes the driver away and puts none in its place */
	assert_int_equal(iommufd_emu_set_driver(m->emu, NAME1, ""), 0);
	assert_int_equal(counts(m).mappings, 0);
	assert_int_equal(open_group(m, GROUP1), -ENOENT);
	assert_int_equal(request(m, s.group, K_VFIO_GROUP_GET_STATUS, &status), -ENODEV);
	assert_int_equal(set_container(m, s.group, s.container), -ENODEV);
	assert_int_equal(get_named(m, s.group, NAME1), -ENODEV);
	assert_int_equal(unset_container(m, s.group), -EINVAL);
	assert_int_equal(iommufd_emu_set_driver(m->emu, NAME1, "vfio-pci"), 0);
	again = open_group(m, GROUP1);
	assert_true(again >= 0);
	assert_int_equal(counts(m).groups, 2);
	assert_int_equal(request(m, s.group, K_VFIO_GROUP_GET_STATUS, &status), -ENODEV);
	leave(m, &s);
	assert_int_equal(group_status(m, again), K_VFIO_GROUP_FLAGS_VIABLE);
	shut(m, again);
}

struct reset_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t count;
	struct k_vfio_pci_dependent_device devices[4];
};

static int hot_reset(struct machine *m, int dev, const int *groups, uint32_t n)
{
	uint32_t buf[3 + 4] = { (3 + n) * sizeof(uint32_t), 0, n };

	for (uint32_t i = 0; i < n; i++)
		buf[3 + i] = (uint32_t)groups[i];
	return request(m, dev, K_VFIO_DEVICE_PCI_HOT_RESET, buf);
}

static void check_resets(struct machine *m, int group, int dev)
{
	struct reset_info info = { .argsz = sizeof(info) };
	int other = open_group(m, GROUP1), wrong[] = { 1000, 1000, 1000 };

	assert_int_equal(request(m, dev, K_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), 0);
	assert_int_equal(info.flags, 0);
	assert_int_equal(info.count, 2);
	assert_int_equal(info.devices[0].group_id, TWINS);
	assert_int_equal(info.devices[1].group_id, TWINS);
	assert_int_equal(hot_reset(m, dev, NULL, 0), -EINVAL);
	assert_int_equal(hot_reset(m, dev, wrong, 3), -EINVAL); /* more than devices */
	assert_int_equal(hot_reset(m, dev, wrong, 1), -EBADF);
	assert_int_equal(hot_reset(m, dev, &dev, 1), -EINVAL);
	assert_int_equal(hot_reset(m, dev, &other, 1), -EINVAL);
	put32(m, dev, EDU_LIVENESS, 1);
	assert_int_equal(hot_reset(m, dev, (int[]){ other, group }, 2), 0);
	assert_int_equal(get32(m, dev, EDU_LIVENESS), 0);
	assert_int_equal(hot_reset(m, dev, &group, 1), 0);
	shut(m, other);
}

static void groups_prove_what_a_hot_reset_may_hit(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, TWINS, K_VFIO_TYPE1v2_IOMMU);
	int dev = get_named(m, s.group, TWIN1);

	check_resets(m, s.group, dev);
	/* a neighbour without a VFIO driver cannot be spoken for */
	assert_int_equal(iommufd_emu_set_driver(m->emu, TWIN2, ""), 0);
	assert_int_equal(hot_reset(m, dev, &s.group, 1), -EINVAL);
	assert_int_equal(iommufd_emu_set_driver(m->emu, TWIN2, "vfio-pci"), 0);
	assert_int_equal(hot_reset(m, dev, &s.group, 1), 0);
	shut(m, dev);
	leave(m, &s);
}

static void so_they_do_with_an_iommufd(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, TWINS), dev;

	assert_int_equal(set_compat(m, m->ioas), 0);
	assert_int_equal(set_container(m, group, m->iommu), 0);
	dev = get_named(m, group, TWIN1);
	check_resets(m, group, dev);
	shut(m, dev);
	shut(m, group);
	dev = get_device(m, SIBLING1);
	group = open_group(m, GROUP1);
	assert_int_equal(hot_reset(m, dev, &group, 1), -EINVAL);
	assert_int_equal(hot_reset(m, dev, NULL, 0), 0);
	shut(m, group);
	shut(m, dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_space_stands_for_the_container),
		TEST(a_device_is_attached_while_open),
		TEST(each_device_may_have_its_own),
		TEST(errors_of_attaching_come_with_the_device),
		TEST(a_device_outlives_its_group_file),
		TEST(a_group_without_drivers_is_gone),
		TEST(groups_prove_what_a_hot_reset_may_hit),
		TEST(so_they_do_with_an_iommufd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
