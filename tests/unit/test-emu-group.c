/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Groups: their files, who may open them, and the devices they give. */
#include "test-emu-group.h"

#include <sys/resource.h>

static bool lists(struct machine *m, const char *dir, const char *name)
{
	char names[1024];
	ssize_t n = m->sys->list_dir(m->sys->data, dir, names, sizeof(names));

	assert_true(n >= 0);
	for (const char *at = names; at < names + n; at += strlen(at) + 1)
		if (!strcmp(at, name))
			return true;
	return false;
}

static const char *text(struct machine *m, const char *path, bool link)
{
	static char buf[256];
	ssize_t n = link ? m->sys->read_link(m->sys->data, path, buf, sizeof(buf) - 1)
			 : m->sys->read_file(m->sys->data, path, buf, sizeof(buf) - 1);

	assert_true(n >= 0);
	buf[n] = '\0';
	return buf;
}

static void files_appear_with_vfio_drivers(void **state)
{
	struct machine *m = *state;

	assert_true(lists(m, "/dev/vfio", "vfio"));
	assert_true(lists(m, "/dev/vfio", "3"));
	assert_true(lists(m, "/dev/vfio", "8"));
	assert_true(lists(m, "/sys/class/vfio", "8"));
	assert_true(lists(m, "/sys/class/misc", "vfio"));
	add_device(m, "0000:05:00.0", "", 50);
	assert_false(lists(m, "/dev/vfio", "50"));
	assert_int_equal(open_group(m, 50), -ENOENT);
	add_device(m, "0000:05:00.1", NULL, 50);
	assert_true(lists(m, "/dev/vfio", "50"));
	assert_string_equal(text(m, "/sys/class/vfio/50", true), "../../devices/virtual/vfio/50");
	assert_string_equal(text(m, "/sys/class/vfio/50/dev", false), "510:6\n");
	assert_string_equal(text(m, "/sys/dev/char/510:6", true), "../../devices/virtual/vfio/50");
	assert_string_equal(text(m, "/sys/dev/char/10:196/dev", false), "10:196\n");
}

static void descriptors_tell_their_numbers(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, TWINS, K_VFIO_TYPE1v2_IOMMU);
	int dev = get_named(m, s.group, TWIN1);
	unsigned int major, minor;
	void *out;
	char byte;

	assert_int_equal(m->sys->char_device(m->sys->data, s.container, &major, &minor), 0);
	assert_int_equal(major, 10);
	assert_int_equal(minor, 196);
	assert_int_equal(m->sys->char_device(m->sys->data, s.group, &major, &minor), 0);
	assert_int_equal(major, 510);
	assert_int_equal(minor, 2);
	assert_int_equal(m->sys->char_device(m->sys->data, dev, &major, &minor), -ENOTTY);
	assert_int_equal(get(m, s.group, 0, &byte, 1), -EINVAL);
	assert_int_equal(put(m, s.container, 0, &byte, 1), -EINVAL);
	assert_int_equal(m->sys->mmap(m->sys->data, PAGE, PROT_READ, s.group, 0, &out), -ENODEV);
	shut(m, dev);
	leave(m, &s);
}

static void a_group_opens_once(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1), copy;

	assert_true(group >= 0);
	assert_int_equal(counts(m).groups, 1);
	assert_int_equal(open_group(m, GROUP1), -EBUSY);
	copy = m->sys->dup(m->sys->data, group);
	shut(m, group);
	assert_int_equal(open_group(m, GROUP1), -EBUSY);
	assert_int_equal(number(m, copy, _IO(';', 120), 0), -ENOTTY);
	shut(m, copy);
	assert_int_equal(counts(m).groups, 0);
	group = open_group(m, GROUP1);
	shut(m, group);
}

static void group_and_device_file_exclude_each_other(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, TWINS), dev = open_cdev(m, SIBLING1);

	assert_int_equal(bind_device(m, dev, m->iommu, NULL), -EBUSY);
	shut(m, group);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), 0);
	/* the neighbour's group file is this one's */
	assert_int_equal(open_group(m, TWINS), -EBUSY);
	group = open_group(m, GROUP1);
	shut(m, dev);
	shut(m, group);
	group = open_group(m, TWINS);
	assert_true(group >= 0);
	shut(m, group);
}

static void status_tells_container_and_viability(void **state)
{
	struct machine *m = *state;
	struct k_vfio_group_status arg = { .argsz = sizeof(arg) - 1 };
	int group = open_group(m, GROUP1), container = open_container(m);

	assert_int_equal(request(m, group, K_VFIO_GROUP_GET_STATUS, &arg), -EINVAL);
	assert_int_equal(request(m, group, K_VFIO_GROUP_GET_STATUS, NULL), -EFAULT);
	assert_int_equal(group_status(m, group), K_VFIO_GROUP_FLAGS_VIABLE);
	assert_int_equal(set_container(m, group, container), 0);
	assert_int_equal(group_status(m, group),
			 K_VFIO_GROUP_FLAGS_VIABLE | K_VFIO_GROUP_FLAGS_CONTAINER_SET);
	assert_int_equal(unset_container(m, group), 0);
	assert_int_equal(group_status(m, group), K_VFIO_GROUP_FLAGS_VIABLE);
	shut(m, group);
	shut(m, container);
}

static void set_container_refuses_in_the_kernels_order(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1), container = open_container(m), other;

	assert_int_equal(request(m, group, K_VFIO_GROUP_SET_CONTAINER, NULL), -EFAULT);
	assert_int_equal(set_container(m, group, -1), -EBADF);
	assert_int_equal(set_container(m, group, 1000), -EBADF);
	assert_int_equal(set_container(m, group, group), -EBADFD);
	assert_int_equal(set_container(m, group, STDOUT_FILENO), -EBADFD);
	assert_int_equal(unset_container(m, group), -EINVAL);
	assert_int_equal(set_container(m, group, container), 0);
	other = open_container(m);
	assert_int_equal(set_container(m, group, other), -EINVAL);
	assert_int_equal(set_container(m, group, m->iommu), -EINVAL);
	assert_int_equal(set_container(m, group, group), -EINVAL);
	assert_int_equal(set_container(m, group, 1000), -EBADF);
	shut(m, other);
	shut(m, group);
	shut(m, container);
}

static void devices_come_by_name(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, TWINS), container = open_container(m), dev, again;
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = pages + PAGE - sizeof(TWIN1);
	static char blank[PAGE + 1];

	memset(blank, ' ', PAGE);
	memcpy(blank, TWIN1, strlen(TWIN1));
	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(get_named(m, group, TWIN1), -EINVAL);
	assert_int_equal(get_named(m, group, NAME1), -ENODEV);
	assert_int_equal(set_container(m, group, container), 0);
	assert_int_equal(get_named(m, group, TWIN1), -EINVAL); /* no IOMMU driver */
	assert_int_equal(set_iommu(m, container, K_VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(get_named(m, group, NAME1), -ENODEV);
	assert_int_equal(get_named(m, group, "0000:00:1e.0"), -ENODEV); /* no VFIO driver */
	assert_int_equal(get_named(m, group, "0000:01:01"), -ENODEV);
	assert_int_equal(get_named(m, group, TWIN1 "0"), -ENODEV);
	assert_int_equal(get_named(m, group, TWIN1 " nonsense"), -EINVAL);
	assert_int_equal(request(m, group, K_VFIO_GROUP_GET_DEVICE_FD, NULL), -EFAULT);
	assert_int_equal(request(m, group, K_VFIO_GROUP_GET_DEVICE_FD, blank), -EINVAL);
	blank[PAGE - 1] = '\0';
	dev = request(m, group, K_VFIO_GROUP_GET_DEVICE_FD, blank);
	assert_true(dev >= 0);
	/* a string that ends with the memory, and one that goes on */
	munmap(pages + PAGE, PAGE);
	memcpy(end, TWIN1, sizeof(TWIN1));
	again = request(m, group, K_VFIO_GROUP_GET_DEVICE_FD, end);
	assert_true(again >= 0);
	end[sizeof(TWIN1) - 1] = ' ';
	assert_int_equal(request(m, group, K_VFIO_GROUP_GET_DEVICE_FD, end), -EFAULT);
	munmap(pages, PAGE);
	assert_int_equal(get32(m, again, CONFIG), 0x11e81234);
	shut(m, dev);
	assert_int_equal(get32(m, again, CONFIG), 0x11e81234);
	shut(m, again);
	shut(m, group);
	shut(m, container);
}

static void a_groups_device_knows_no_attaching(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	struct k_vfio_device_bind_iommufd arg = { .argsz = sizeof(arg), .iommufd = m->iommu };
	struct k_vfio_device_info info = { .argsz = sizeof(info) };
	int dev = get_named(m, s.group, NAME1);

	assert_int_equal(attach(m, dev, m->ioas, NULL), -ENOTTY);
	assert_int_equal(detach(m, dev), -ENOTTY);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_BIND_IOMMUFD, &arg), -EINVAL);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_GET_INFO, &info), 0);
	assert_int_equal(info.num_regions, 9);
	shut(m, dev);
	leave(m, &s);
}

static void a_token_is_part_of_the_name(void **state)
{
	struct machine *m = *state;
	static const uint8_t token[16] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	const struct iommufd_emu_device_opts opts = {
		.size = sizeof(opts), .bdf = "0000:02:00.1", .group = 20, .vf_token = token,
	};
	struct setup s;
	int dev;

	assert_int_equal(iommufd_emu_add_device(m->emu, &opts), 0);
	s = enter(m, 20, K_VFIO_TYPE1v2_IOMMU);
#define UUID(tail) "0000:02:00.1 vf_token=00112233-4455-6677-8899-AAbbccddee" tail
	assert_int_equal(get_named(m, s.group, "0000:02:00.1"), -EACCES);
	assert_int_equal(get_named(m, s.group, UUID("fe")), -EACCES);
	assert_int_equal(get_named(m, s.group, UUID("f")), -EINVAL);
	assert_int_equal(get_named(m, s.group, UUID("fg")), -EINVAL);
	assert_int_equal(get_named(m, s.group, UUID("ff0")), -EINVAL);
	dev = get_named(m, s.group, UUID("ff"));
	assert_true(dev >= 0);
	shut(m, dev);
	dev = get_named(m, s.group, UUID("FF "));
	assert_true(dev >= 0);
	shut(m, dev);
	leave(m, &s);
	s = enter(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	assert_int_equal(get_named(m, s.group, NAME1
			 "  vf_token=00112233-4455-6677-8899-aabbccddeeff"), -EINVAL);
	leave(m, &s);
}

/* A driverless neighbour does no harm, and neither does one that does no DMA. */
static void a_foreign_driver_makes_a_group_unviable(void **state)
{
	struct machine *m = *state;
	int group, container = open_container(m);

	add_device(m, "0000:03:00.0", NULL, 30);
	add_device(m, "0000:03:00.1", "pci-stub", 30);
	add_device(m, "0000:03:00.2", "", 30);
	group = open_group(m, 30);
	assert_int_equal(group_status(m, group), K_VFIO_GROUP_FLAGS_VIABLE);
	assert_int_equal(set_container(m, group, container), 0);
	assert_int_equal(unset_container(m, group), 0);
	add_device(m, "0000:03:00.3", "e1000e", 30);
	assert_int_equal(group_status(m, group), 0);
	assert_int_equal(set_container(m, group, container), -EPERM);
	/* an iommufd sees it only when a device is opened */
	assert_int_equal(set_container(m, group, m->iommu), 0);
	assert_int_equal(group_status(m, group), 3);
	assert_int_equal(get_named(m, group, "0000:03:00.0"), -EPERM);
	assert_int_equal(counts(m).bound, 0);
	shut(m, group);
	shut(m, container);
}

static void devices_hold_the_group_in_its_container(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	int dev = get_named(m, s.group, NAME1), cdev = open_cdev(m, ALONE1);
	void *bar;

	assert_int_equal(unset_container(m, s.group), -EBUSY);
	bar = map_bar(m, dev, 0, PAGE);
	shut(m, s.group);
	shut(m, s.container);
	shut(m, dev);
	assert_int_equal(counts(m).containers, 1);
	assert_int_equal(counts(m).groups, 1);
	assert_int_equal(counts(m).fds, 2);
	assert_int_equal(open_group(m, GROUP1), -EBUSY);
	assert_int_equal(bind_device(m, cdev, m->iommu, NULL), -EBUSY);
	unmap_bar(m, bar, PAGE);
	assert_int_equal(counts(m).containers, 0);
	assert_int_equal(counts(m).groups, 0);
	assert_int_equal(bind_device(m, cdev, m->iommu, NULL), 0);
	shut(m, cdev);
}

static void every_request_can_be_made_to_fail(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	static const uint32_t on_group[] = {
		K_VFIO_GROUP_GET_STATUS, K_VFIO_GROUP_SET_CONTAINER, K_VFIO_GROUP_UNSET_CONTAINER,
		K_VFIO_GROUP_GET_DEVICE_FD,
	};
	static const uint32_t on_container[] = {
		K_VFIO_GET_API_VERSION, K_VFIO_CHECK_EXTENSION, K_VFIO_SET_IOMMU,
		K_VFIO_IOMMU_GET_INFO, K_VFIO_IOMMU_MAP_DMA, K_VFIO_IOMMU_UNMAP_DMA,
		K_VFIO_IOMMU_DIRTY_PAGES,
	};
	struct iommufd_emu_fault fault = { .size = sizeof(fault), .error = EXDEV, .nth = 1 };
	size_t n = sizeof(on_group) / sizeof(*on_group);

	for (size_t i = 0; i < n + sizeof(on_container) / sizeof(*on_container); i++) {
		fault.request = i < n ? on_group[i] : on_container[i - n];
		assert_int_equal(iommufd_emu_inject(m->emu, &fault), 0);
		assert_int_equal(number(m, i < n ? s.group : s.container, fault.request, 0),
				 -EXDEV);
	}
	assert_int_equal(counts(m).injected, 11);
	inject(m, IOMMUFD_EMU_CALL_OPEN, ENFILE, 2);
	shut(m, open_container(m));
	assert_int_equal(open_path(m, "/dev/vfio/vfio"), -ENFILE);
	leave(m, &s);
}

/* Without a descriptor to give there is no device, and nothing is left of it. */
static void descriptors_may_run_out(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	struct rlimit limit, tight;
	int dev;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	tight = limit;
	tight.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	assert_int_equal(get_named(m, s.group, NAME1), -EMFILE);
	assert_int_equal(open_path(m, "/dev/vfio/vfio"), -EMFILE);
	assert_int_equal(open_group(m, GROUP2), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(counts(m).groups, 1);
	assert_int_equal(counts(m).containers, 1);
	assert_int_equal(unset_container(m, s.group), 0);
	assert_int_equal(set_container(m, s.group, m->iommu), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	assert_int_equal(get_named(m, s.group, NAME1), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(counts(m).bound, 0);
	dev = get_named(m, s.group, NAME1);
	assert_true(dev >= 0);
	shut(m, dev);
	leave(m, &s);
}

static void other_processes_files(void **state)
{
	struct machine *m = *state;
	int group = iommufd_emu_open(m->emu, "/dev/vfio/8");
	int container = iommufd_emu_open(m->emu, "/dev/vfio/vfio");

	assert_true(group >= 0 && container >= 0);
	assert_int_equal(iommufd_emu_open(m->emu, "/dev/vfio/8"), -EBUSY);
	assert_int_equal(iommufd_emu_open(m->emu, "/dev/vfio/9"), -ENOENT);
	assert_int_equal(iommufd_emu_open(m->emu, "/dev/vfio"), -EACCES);
	assert_int_equal(set_container(m, group, container), 0);
	assert_int_equal(iommufd_emu_close(m->emu, container), 0);
	assert_int_equal(iommufd_emu_close(m->emu, group), 0);
}

/* Whatever is open when the machine goes, goes in an order that works. */
static void a_machine_may_go_first(void **state)
{
	struct machine m = { 0 };
	struct setup s;
	int dev;

	(void)state;
	assert_int_equal(iommufd_emu_new(NULL, &m.emu), 0);
	m.sys = iommufd_emu_get_sys(m.emu);
	s = enter(&m, GROUP1, K_VFIO_TYPE1v2_IOMMU);
	dev = get_named(&m, s.group, NAME1);
	assert_true(dev >= 0);
	shut(&m, s.group);
	assert_null(iommufd_emu_unref(m.emu));
	close(dev);
	close(s.container);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_appear_with_vfio_drivers),
		TEST(descriptors_tell_their_numbers),
		TEST(a_group_opens_once),
		TEST(group_and_device_file_exclude_each_other),
		TEST(status_tells_container_and_viability),
		TEST(set_container_refuses_in_the_kernels_order),
		TEST(devices_come_by_name),
		TEST(a_groups_device_knows_no_attaching),
		TEST(a_token_is_part_of_the_name),
		TEST(a_foreign_driver_makes_a_group_unviable),
		TEST(devices_hold_the_group_in_its_container),
		TEST(every_request_can_be_made_to_fail),
		TEST(descriptors_may_run_out),
		TEST(other_processes_files),
		TEST(a_machine_may_go_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
