/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Drivers bound and unbound at run time, and the uevents that tell of it. */
#include "test-emu-edu.h"

#define EDU1 "0000:00:03.0"
#define EDU2 "0000:00:04.0"
#define BUS1_1 "0000:01:01.0"
#define BUS1_2 "0000:01:02.0"
#define BRIDGE "0000:00:1e.0"
#define HOME1 "/sys/devices/pci0000:00/" EDU1

static int exists(struct machine *m, const char *path)
{
	return m->sys->exists(m->sys->data, path);
}

static const char *driver_of(struct machine *m, const char *bdf)
{
	static char path[128], text[128];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", bdf);
	n = m->sys->read_link(m->sys->data, path, text, sizeof(text) - 1);
	if (n < 0)
		return "";
	text[n] = '\0';
	return strrchr(text, '/') + 1;
}

static int listen_to(struct machine *m)
{
	int fd = m->sys->uevents(m->sys->data);

	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	return fd;
}

/* The next message: its first line must be @head; the others are in *text. */
static void expect(struct machine *m, int fd, const char *head, char *text, size_t n)
{
	ssize_t got = m->sys->read(m->sys->data, fd, text, n);

	assert_true(got > 0);
	assert_int_equal(text[got - 1], '\0');
	assert_string_equal(text, head);
	for (ssize_t i = 0; i < got - 1; i++)
		if (!text[i])
			text[i] = '\n';
}

static void expect_head(struct machine *m, int fd, const char *head)
{
	char text[1024];

	expect(m, fd, head, text, sizeof(text));
}

static void expect_silence(struct machine *m, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[16];

	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(m->sys->read(m->sys->data, fd, text, sizeof(text)), -EAGAIN);
}

static void a_driver_brings_its_links_and_nodes(void **state)
{
	struct machine *m = *state;

	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "edu"), 0);
	assert_string_equal(driver_of(m, EDU1), "edu");
	assert_int_equal(exists(m, "/sys/bus/pci/drivers/edu/" EDU1), 0);
	assert_int_equal(exists(m, "/sys/bus/pci/drivers/vfio-pci/" EDU1), -ENOENT);
	assert_int_equal(exists(m, HOME1 "/vfio-dev"), -ENOENT);
	assert_int_equal(exists(m, "/sys/class/vfio-dev/vfio0"), -ENOENT);
	assert_int_equal(exists(m, "/sys/dev/char/511:0"), -ENOENT);
	assert_int_equal(open_cdev(m, ALONE1), -ENOENT);
	assert_int_equal(exists(m, "/sys/class/vfio-dev/vfio1"), 0);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, NULL), 0);
	assert_string_equal(driver_of(m, EDU1), "");
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "vfio-pci"), 0);
	assert_string_equal(driver_of(m, EDU1), "vfio-pci");
	assert_int_equal(exists(m, HOME1 "/vfio-dev/vfio0/dev"), 0);
	shut(m, get_device(m, ALONE1));
}

static void numbers_are_the_lowest_free(void **state)
{
	struct machine *m = *state;
	struct iommufd_emu_device_opts dev = {
		.size = sizeof(dev), .bdf = "0000:05:00.0", .group = 50,
	};

	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, ""), 0);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU2, ""), 0);
	assert_int_equal(iommufd_emu_add_device(m->emu, &dev), 0);
	assert_int_equal(exists(m, "/sys/bus/pci/devices/0000:05:00.0/vfio-dev/vfio0"), 0);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "vfio-pci"), 0);
	assert_int_equal(exists(m, HOME1 "/vfio-dev/vfio1"), 0);
	shut(m, get_device(m, 0));
	shut(m, get_device(m, 1));
}

static void uevents_tell_of_each_step(void **state)
{
	struct machine *m = *state;
	int fd = listen_to(m);
	char text[1024];

	expect_silence(m, fd);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "edu"), 0);
	expect(m, fd, "remove@/devices/pci0000:00/" EDU1 "/vfio-dev/vfio0", text, sizeof(text));
	assert_non_null(strstr(text, "\nACTION=remove\n"));
	assert_non_null(strstr(text, "\nSUBSYSTEM=vfio-dev\n"));
	assert_non_null(strstr(text, "\nDEVNAME=vfio/devices/vfio0\n"));
	assert_non_null(strstr(text, "\nSEQNUM="));
	expect(m, fd, "remove@/devices/virtual/vfio/3", text, sizeof(text));
	assert_non_null(strstr(text, "\nSUBSYSTEM=vfio\n"));
	assert_non_null(strstr(text, "\nDEVNAME=vfio/3\n"));
	expect(m, fd, "unbind@/devices/pci0000:00/" EDU1, text, sizeof(text));
	assert_null(strstr(text, "DRIVER="));
	expect(m, fd, "bind@/devices/pci0000:00/" EDU1, text, sizeof(text));
	assert_non_null(strstr(text, "\nSUBSYSTEM=pci\n"));
	assert_non_null(strstr(text, "\nDRIVER=edu\n"));
	assert_non_null(strstr(text, "\nPCI_SLOT_NAME=" EDU1 "\n"));
	expect_silence(m, fd);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "edu"), 0); /* as it is */
	expect_silence(m, fd);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "vfio-pci"), 0);
	expect_head(m, fd, "unbind@/devices/pci0000:00/" EDU1);
	expect_head(m, fd, "add@/devices/virtual/vfio/3");
	expect_head(m, fd, "add@/devices/pci0000:00/" EDU1 "/vfio-dev/vfio0");
	expect_head(m, fd, "bind@/devices/pci0000:00/" EDU1);
	expect_silence(m, fd);
	shut(m, fd);
}

static void a_new_device_is_told_of(void **state)
{
	struct machine *m = *state;
	struct iommufd_emu_device_opts dev = {
		.size = sizeof(dev), .bdf = "0000:05:00.0", .group = 50, .driver = "",
	};
	int fd = listen_to(m);

	assert_int_equal(iommufd_emu_add_device(m->emu, &dev), 0);
	expect_head(m, fd, "add@/devices/pci0000:05/0000:05:00.0");
	expect_silence(m, fd);
	shut(m, fd);
}

static void listeners_are_on_their_own(void **state)
{
	struct machine *m = *state;
	int a = listen_to(m), b, copy;
	char text[1024];

	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, NULL), 0);
	b = listen_to(m); /* too late for it */
	expect_silence(m, b);
	expect_head(m, a, "remove@/devices/pci0000:00/" EDU1 "/vfio-dev/vfio0");
	copy = m->sys->dup(m->sys->data, a);
	shut(m, a);
	expect_head(m, copy, "remove@/devices/virtual/vfio/3");
	expect_head(m, copy, "unbind@/devices/pci0000:00/" EDU1);
	assert_int_equal(counts(m).fds, 3);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, i % 2 ? "" : "edu"), 0);
	assert_int_equal(m->sys->read(m->sys->data, b, text, sizeof(text)), -ENOBUFS);
	expect_head(m, b, "bind@/devices/pci0000:00/" EDU1); /* what there was room for */
	shut(m, copy);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU2, "edu"), 0);
	shut(m, b);
}

static void a_group_in_use_lets_no_driver_in(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, SIBLING1), fd = listen_to(m);

	assert_int_equal(iommufd_emu_set_driver(m->emu, BUS1_2, "edu"), -EBUSY);
	assert_string_equal(driver_of(m, BUS1_2), "");
	expect_head(m, fd, "remove@/devices/pci0000:00/" BRIDGE "/" BUS1_2 "/vfio-dev/vfio3");
	expect_head(m, fd, "unbind@/devices/pci0000:00/" BRIDGE "/" BUS1_2);
	expect_silence(m, fd);
	assert_int_equal(iommufd_emu_set_driver(m->emu, BRIDGE, "shpchp"), -EBUSY);
	assert_int_equal(iommufd_emu_set_driver(m->emu, BRIDGE, "pcieport"), 0);
	assert_int_equal(iommufd_emu_set_driver(m->emu, BUS1_2, "pci-stub"), 0);
	assert_int_equal(iommufd_emu_set_driver(m->emu, BUS1_2, "vfio-pci"), 0);
	shut(m, dev);
	assert_int_equal(iommufd_emu_set_driver(m->emu, BUS1_2, "edu"), 0);
	assert_string_equal(driver_of(m, BUS1_2), "edu");
	shut(m, fd);
}

static void a_driver_that_does_dma_bars_its_group(void **state)
{
	struct machine *m = *state;
	int dev = open_cdev(m, SIBLING1);

	assert_int_equal(iommufd_emu_set_driver(m->emu, BRIDGE, "shpchp"), 0);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), -EPERM);
	assert_int_equal(iommufd_emu_set_driver(m->emu, BRIDGE, "pcieport"), 0);
	assert_int_equal(bind_device(m, dev, m->iommu, NULL), 0);
	shut(m, dev);
}

static void a_device_in_use_is_asked_for(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1), fd = listen_to(m), event = new_event();

	assert_int_equal(set_event(m, dev, K_VFIO_PCI_REQ_IRQ_INDEX, 0, event), 0);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "edu"), -EBUSY);
	assert_int_equal(wait_event(event, 1000), 1);
	assert_string_equal(driver_of(m, EDU1), "");
	expect_head(m, fd, "remove@/devices/pci0000:00/" EDU1 "/vfio-dev/vfio0");
	expect_silence(m, fd);
	assert_int_equal(open_cdev(m, ALONE1), -ENOENT);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "vfio-pci"), -EBUSY);
	assert_int_equal(wait_event(event, 1000), 1); /* asked again */
	shut(m, dev);
	expect_head(m, fd, "remove@/devices/virtual/vfio/3");
	expect_head(m, fd, "unbind@/devices/pci0000:00/" EDU1);
	expect_silence(m, fd);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "edu"), 0);
	shut(m, fd);
	close(event);
}

static void nonsense_is_refused(void **state)
{
	struct machine *m = *state;
	char text[4];

	assert_int_equal(iommufd_emu_set_driver(NULL, EDU1, "edu"), -EINVAL);
	assert_int_equal(iommufd_emu_set_driver(m->emu, NULL, "edu"), -EINVAL);
	assert_int_equal(iommufd_emu_set_driver(m->emu, "03.0", "edu"), -EINVAL);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "a/b"), -EINVAL);
	assert_int_equal(iommufd_emu_set_driver(m->emu, EDU1, "a-name-of-32-characters-and-more"),
			 -EINVAL);
	assert_int_equal(iommufd_emu_set_driver(m->emu, BRIDGE, "vfio-pci"), -EINVAL);
	assert_int_equal(iommufd_emu_set_driver(m->emu, "0000:00:05.0", "edu"), -ENOENT);
	assert_string_equal(driver_of(m, EDU1), "vfio-pci");
	assert_int_equal(m->sys->read(m->sys->data, m->iommu, text, sizeof(text)), -EINVAL);
	inject(m, IOMMUFD_EMU_CALL_OPEN, EMFILE, 1);
	assert_int_equal(m->sys->uevents(m->sys->data), -EMFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_driver_brings_its_links_and_nodes),
		TEST(numbers_are_the_lowest_free),
		TEST(uevents_tell_of_each_step),
		TEST(a_new_device_is_told_of),
		TEST(listeners_are_on_their_own),
		TEST(a_group_in_use_lets_no_driver_in),
		TEST(a_driver_that_does_dma_bars_its_group),
		TEST(a_device_in_use_is_asked_for),
		TEST(nonsense_is_refused),
	};

	return cmocka_run_group_tests_name("emu-driver", tests, NULL, NULL);
}
