/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Machines as such: shapes, sysfs, injected faults, threads. */
#include "test-emu-edu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

static const char *link_of(struct machine *m, const char *path)
{
	static char text[256];
	ssize_t n = m->sys->read_link(m->sys->data, path, text, sizeof(text) - 1);

	assert_true(n > 0);
	text[n] = '\0';
	return text;
}

static const char *text_of(struct machine *m, const char *path)
{
	static char text[256];
	ssize_t n = m->sys->read_file(m->sys->data, path, text, sizeof(text) - 1);

	if (n < 0)
		return "";
	text[n] = '\0';
	return text;
}

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

static int exists(struct machine *m, const char *path)
{
	return m->sys->exists(m->sys->data, path);
}

static void sysfs_tells_of_devices_and_groups(void **state)
{
	struct machine *m = *state;
	char small[8];

	assert_string_equal(link_of(m, "/sys/bus/pci/devices/0000:00:03.0"),
			    "../../../devices/pci0000:00/0000:00:03.0");
	assert_string_equal(link_of(m, "/sys/bus/pci/devices/0000:01:01.0"),
			    "../../../devices/pci0000:00/0000:00:1e.0/0000:01:01.0");
	assert_string_equal(link_of(m, "/sys/bus/pci/devices/0000:00:03.0/iommu_group"),
			    "../../../kernel/iommu_groups/3");
	assert_string_equal(link_of(m, "/sys/devices/pci0000:00/0000:00:03.0/driver"),
			    "../../../bus/pci/drivers/vfio-pci");
	assert_string_equal(text_of(m, "/sys/bus/pci/devices/0000:00:03.0/vendor"), "0x1234\n");
	assert_string_equal(text_of(m, "/sys/bus/pci/devices/0000:00:03.0/driver/../vfio-pci/"
				       "0000:00:04.0/device"), "0x11e8\n");
	assert_string_equal(text_of(m, "/sys/bus/pci/devices/0000:00:03.0/class"), "0x00ff00\n");
	assert_string_equal(text_of(m, "/sys/bus/pci/devices/0000:00:03.0/reset_method"), "");
	assert_string_equal(text_of(m, "/sys/bus/pci/devices/0000:00:06.0/reset_method"), "flr\n");
	assert_string_equal(text_of(m, "/sys/bus/pci/devices/0000:01:01.0/vfio-dev/vfio2/dev"),
			    "511:2\n");
	assert_string_equal(link_of(m, "/sys/dev/char/511:0"),
			    "../../devices/pci0000:00/0000:00:03.0/vfio-dev/vfio0");
	assert_string_equal(text_of(m, "/sys/kernel/iommu_groups/8/reserved_regions"),
			    "0x00000000fee00000 0x00000000feefffff msi\n");
	assert_true(lists(m, "/sys/kernel/iommu_groups/8/devices", "0000:01:02.0"));
	assert_true(lists(m, "/sys/kernel/iommu_groups/8/devices", "0000:00:1e.0"));
	assert_true(lists(m, "/sys/bus/pci/devices", "0000:00:04.0"));
	assert_false(lists(m, "/sys/bus/pci/devices", "0000:00:05.0"));
	assert_int_equal(m->sys->list_dir(m->sys->data, "/sys/bus/pci/devices", small, 8), -ERANGE);
	assert_int_equal(m->sys->read_file(m->sys->data, "/sys/bus/pci", small, 8), -EISDIR);
	assert_int_equal(m->sys->read_link(m->sys->data, "/sys/bus/pci", small, 8), -EINVAL);
	assert_int_equal(m->sys->list_dir(m->sys->data, "/sys/nothing", small, 8), -ENOENT);
	assert_int_equal(exists(m, "/dev/vfio/devices/vfio6"), 0);
	assert_int_equal(exists(m, "/dev/vfio/devices/vfio7"), -ENOENT);
	assert_int_equal(exists(m, "/dev/null"), 0); /* not the machine's */
	assert_int_equal(open_path(m, "/sys/bus/pci"), -EACCES);
}

static void descriptors_are_of_character_devices(void **state)
{
	struct machine *m = *state;
	unsigned int major = 0, minor = 0;
	int dev = open_cdev(m, SIBLING1);

	assert_int_equal(m->sys->char_device(m->sys->data, dev, &major, &minor), 0);
	assert_int_equal(major, 511);
	assert_int_equal(minor, SIBLING1);
	assert_int_equal(m->sys->char_device(m->sys->data, m->iommu, &major, &minor), 0);
	assert_int_equal(major, 10);
	shut(m, dev);
}

static struct iommufd_emu *shaped(uint64_t flags)
{
	struct iommufd_emu_opts opts = { .size = sizeof(opts), .flags = flags };
	struct iommufd_emu *emu = NULL;

	assert_int_equal(iommufd_emu_new(&opts, &emu), 0);
	return emu;
}

static void shapes(void **state)
{
	struct machine *m = *state;
	struct machine other = { 0 };
	uint32_t id;

	other.emu = shaped(IOMMUFD_EMU_NO_IOMMU_NODE);
	other.sys = iommufd_emu_get_sys(other.emu);
	assert_int_equal(open_path(&other, "/dev/iommu"), -ENOENT);
	assert_int_equal(exists(&other, "/dev/iommu"), -ENOENT);
	iommufd_emu_unref(other.emu);

	other.emu = shaped(IOMMUFD_EMU_NO_PERMISSION);
	other.sys = iommufd_emu_get_sys(other.emu);
	assert_int_equal(open_path(&other, "/dev/iommu"), -EACCES);
	assert_int_equal(exists(&other, "/dev/iommu"), 0);
	iommufd_emu_unref(other.emu);

	other.emu = shaped(IOMMUFD_EMU_NO_CDEV);
	other.sys = iommufd_emu_get_sys(other.emu);
	assert_int_equal(open_cdev(&other, 0), -ENOENT);
	assert_int_equal(exists(&other, "/sys/bus/pci/devices/0000:00:03.0/vfio-dev/vfio0"), 0);
	assert_int_equal(exists(&other, "/sys/bus/pci/devices/0000:00:03.0/vfio-dev/vfio0/dev"),
			 -ENOENT);
	iommufd_emu_unref(other.emu);

	other.emu = shaped(IOMMUFD_EMU_NO_MSI_ISOLATION);
	other.sys = iommufd_emu_get_sys(other.emu);
	other.iommu = open_path(&other, "/dev/iommu");
	int dev = open_cdev(&other, 0);

	assert_int_equal(bind_device(&other, dev, other.iommu, &id), -EPERM);
	shut(&other, dev);
	shut(&other, other.iommu);
	iommufd_emu_unref(other.emu);

	other.emu = shaped(IOMMUFD_EMU_EMPTY);
	other.sys = iommufd_emu_get_sys(other.emu);
	assert_false(lists(&other, "/sys/bus/pci/devices", "0000:00:03.0"));
	iommufd_emu_unref(other.emu);
	(void)m;
}

static void options_are_checked(void **state)
{
	struct machine *m = *state;
	struct {
		struct iommufd_emu_opts opts;
		uint64_t more;
	} opts = { .opts.size = sizeof(opts) };
	struct iommufd_emu_device_opts dev = { .size = sizeof(dev), .bdf = "0000:00:03.0" };
	struct iommufd_emu_counts c = { .size = 8 };
	struct iommufd_emu *emu = NULL;
	static const char *const bad[] = { "", "0000:00:3.0", "0000:00:03.8", "0000:00:20.0",
					   "0000:00:03.00" };

	assert_int_equal(iommufd_emu_new(NULL, NULL), -EINVAL);
	assert_int_equal(iommufd_emu_new(&opts.opts, &emu), 0);
	iommufd_emu_unref(emu);
	opts.more = 1;
	assert_int_equal(iommufd_emu_new(&opts.opts, &emu), -E2BIG);
	assert_null(emu);
	opts.more = 0;
	opts.opts.flags = 1 << 20;
	assert_int_equal(iommufd_emu_new(&opts.opts, &emu), -EOPNOTSUPP);
	opts.opts.flags = 0;
	opts.opts.address_bits = 65;
	assert_int_equal(iommufd_emu_new(&opts.opts, &emu), -EINVAL);
	assert_int_equal(iommufd_emu_add_device(m->emu, &dev), -EEXIST);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		dev.bdf = bad[i];
		assert_int_equal(iommufd_emu_add_device(m->emu, &dev), -EINVAL);
	}
	assert_int_equal(iommufd_emu_get_counts(m->emu, &c), -EINVAL);
	assert_int_equal(iommufd_emu_get_counts(m->emu, NULL), -EINVAL);
	assert_int_equal(iommufd_emu_inject(NULL, NULL), -EINVAL);
	assert_int_equal(iommufd_emu_inject(m->emu, &(struct iommufd_emu_fault){
		.size = sizeof(struct iommufd_emu_fault), .error = EIO }), -EINVAL);
	assert_null(iommufd_emu_get_sys(NULL));
	assert_null(iommufd_emu_unref(NULL));
}

static void there_is_one_default_machine(void **state)
{
	struct iommufd_emu *a = NULL, *b = NULL;
	const struct iommufd_sys *sys;

	(void)state;
	assert_int_equal(iommufd_emu_get_default(NULL), -EINVAL);
	assert_int_equal(iommufd_emu_get_default(&a), 0);
	assert_int_equal(iommufd_emu_get_default(&b), 0);
	assert_ptr_equal(a, b);
	sys = iommufd_emu_get_sys(a);
	sys->ref(sys->data); /* as a context does */
	iommufd_emu_unref(a);
	iommufd_emu_unref(b);
	assert_int_equal(iommufd_emu_get_default(&a), 0);
	assert_ptr_equal(a, b);
	iommufd_emu_unref(a);
	sys->unref(sys->data);
	assert_int_equal(iommufd_emu_get_default(&a), 0); /* a new one */
	iommufd_emu_unref(a);
}

static void another_process_may_open_and_hand_over(void **state)
{
	struct machine *m = *state;
	int fd = iommufd_emu_open(m->emu, "/dev/iommu"), mine;
	uint32_t id;

	assert_true(fd >= 0);
	mine = m->sys->dup(m->sys->data, fd);
	assert_int_equal(iommufd_emu_close(m->emu, fd), 0);
	assert_int_equal(iommufd_emu_close(m->emu, fd), -EBADF);
	assert_int_equal(new_ioas(m, mine, &id), 0);
	shut(m, mine);
	assert_int_equal(iommufd_emu_open(m->emu, "/dev/null"), -ENOENT);
	assert_int_equal(iommufd_emu_open(m->emu, NULL), -EINVAL);
}

static void another_program_may_make_requests(void **state)
{
	struct k_iommu_ioas_alloc arg = { .size = sizeof(arg) };
	struct machine *m = *state;
	uint64_t calls = counts(m).calls;
	int fd = iommufd_emu_open(m->emu, "/dev/iommu");

	inject(m, IOMMUFD_EMU_CALL_IOCTL, ENOMEM, 1);
	assert_int_equal(iommufd_emu_ioctl(m->emu, fd, K_IOMMU_IOAS_ALLOC, &arg), 0);
	assert_int_equal(arg.out_ioas_id, 1);
	assert_int_equal(counts(m).calls, calls);
	assert_int_equal(counts(m).injected, 0);
	assert_int_equal(counts(m).objects, 2);
	assert_int_equal(iommufd_emu_ioctl(m->emu, fd, K_IOMMU_IOAS_ALLOC, NULL), -EFAULT);
	assert_int_equal(iommufd_emu_ioctl(m->emu, -1, K_IOMMU_IOAS_ALLOC, &arg), -EBADF);
	assert_int_equal(iommufd_emu_ioctl(NULL, fd, K_IOMMU_IOAS_ALLOC, &arg), -EINVAL);
	assert_int_equal(iommufd_emu_close(m->emu, fd), 0);
	assert_int_equal(counts(m).objects, 1);
}

static void any_call_can_be_made_to_fail(void **state)
{
	struct machine *m = *state;
	struct iommufd_emu_fault fault = {
		.size = sizeof(fault),
		.error = EIO,
		.request = K_IOMMU_IOAS_ALLOC,
		.nth = 2,
		.count = 2,
	};
	uint64_t before = counts(m).calls;
	uint32_t id;

	assert_int_equal(iommufd_emu_inject(m->emu, &fault), 0);
	assert_int_equal(exists(m, "/dev/iommu"), 0);
	assert_int_equal(destroy(m, 99), -ENOENT);
	assert_int_equal(new_ioas(m, m->iommu, &id), 0);
	assert_int_equal(new_ioas(m, m->iommu, &id), -EIO);
	assert_int_equal(new_ioas(m, m->iommu, &id), -EIO);
	assert_int_equal(new_ioas(m, m->iommu, &id), 0);
	assert_int_equal(counts(m).ioas, 3);
	assert_int_equal(counts(m).injected, 2);
	assert_int_equal(counts(m).calls - before, 6);

	inject(m, IOMMUFD_EMU_CALL_OPEN, EMFILE, 1);
	assert_int_equal(open_path(m, "/dev/iommu"), -EMFILE);
	inject(m, IOMMUFD_EMU_CALL_DUP, EMFILE, 1);
	assert_int_equal(m->sys->dup(m->sys->data, m->iommu), -EMFILE);
	inject(m, IOMMUFD_EMU_CALL_SYSFS, EACCES, 1);
	assert_int_equal(exists(m, "/dev/iommu"), -EACCES);
	inject(m, IOMMUFD_EMU_CALL_POPULATE, EFAULT, 1);
	assert_int_equal(m->sys->populate(m->sys->data, m->mem, PAGE, 1), -EFAULT);
	assert_int_equal(m->sys->populate(m->sys->data, m->mem, PAGE, 1), 0);
	inject(m, 0, EINTR, 1);
	assert_int_equal(destroy(m, 99), -EINTR);
	inject(m, 0, EINTR, 1);
	assert_int_equal(iommufd_emu_inject(m->emu, NULL), 0);
	assert_int_equal(destroy(m, 99), -ENOENT);
}

/* One of several: its own device and address space, all on one machine. */
static void *work(void *data)
{
	struct machine m = **(struct machine **)data;
	static char no_interrupt[] = "no interrupt", no_data[] = "no data";
	static atomic_int next;
	int dev, event;
	uint8_t *mem =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	m.iommu = open_path(&m, "/dev/iommu");
	new_ioas(&m, m.iommu, &m.ioas);
	dev = open_cdev(&m, atomic_fetch_add(&next, 1) ? MSIX : ALONE2);
	event = new_event();
	for (int i = 0; i < 50; i++) {
		uint64_t v[] = { 0x10000, EDU_BUFFER, 64, EDU_RUN | EDU_IRQ }, length = 2 * PAGE;
		uint16_t command = 6;

		if (i == 0)
			bind_device(&m, dev, m.iommu, NULL);
		m.sys->pwrite(m.sys->data, dev, &command, 2, CONFIG + 4);
		map(&m, mem, 2 * PAGE, 0x10000);
		attach(&m, dev, m.ioas, NULL);
		set_event(&m, dev, K_VFIO_PCI_MSI_IRQ_INDEX, 0, event);
		memset(mem, i + 1, 64);
		for (int k = 0; k < 4; k++)
			m.sys->pwrite(m.sys->data, dev, &v[k], 8, EDU_SOURCE + 8 * (uint64_t)k);
		if (wait_event(event, 5000) != 1)
			return no_interrupt;
		v[0] = EDU_BUFFER;
		v[1] = 0x11000;
		v[3] = EDU_RUN | EDU_IRQ | EDU_TO_MEMORY;
		for (int k = 0; k < 4; k++)
			m.sys->pwrite(m.sys->data, dev, &v[k], 8, EDU_SOURCE + 8 * (uint64_t)k);
		if (wait_event(event, 5000) != 1 || !is_all(mem + PAGE, 64, (uint8_t)(i + 1)))
			return no_data;
		detach(&m, dev);
		unmap(&m, 0x10000, &length);
	}
	m.sys->close(m.sys->data, dev);
	m.sys->close(m.sys->data, m.iommu);
	close(event);
	munmap(mem, 2 * PAGE);
	return NULL;
}

static void threads_share_a_machine(void **state)
{
	struct machine *m = *state;
	pthread_t threads[2];
	void *complaint = NULL;

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &m), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &complaint), 0);
		if (complaint)
			fail_msg("%s", (const char *)complaint);
	}
}

static atomic_bool busy;

static void *keep_busy(void *data)
{
	struct machine *m = data;

	while (atomic_load(&busy))
		exists(m, "/sys/bus/pci/devices/0000:00:03.0");
	return NULL;
}

/* However busy it was at the time. */
static void a_forked_child_gives_back_and_waits_for_nobody(void **state)
{
	struct machine *m = *state;
	int dev = get_device(m, ALONE1), status = 0;
	pthread_t thread;

	atomic_store(&busy, true);
	assert_int_equal(pthread_create(&thread, NULL, keep_busy, m), 0);
	for (int i = 0; i < 50 && !status; i++) {
		pid_t child = fork();

		if (!child) {
			alarm(10);
			m->sys->close(m->sys->data, dev);
			iommufd_emu_unref(m->emu);
			_exit(0);
		}
		assert_true(child > 0);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	atomic_store(&busy, false);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(status, 0);
	shut(m, dev);
}

static void an_idle_machine_costs_nothing(void **state)
{
	struct machine *m = *state;
	struct timespec before, after;
	int dev = get_device(m, ALONE1);

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	usleep(200000);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	assert_true((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec <
		    20000000);
	shut(m, dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sysfs_tells_of_devices_and_groups),
		TEST(descriptors_are_of_character_devices),
		TEST(shapes),
		TEST(options_are_checked),
		TEST(there_is_one_default_machine),
		TEST(another_process_may_open_and_hand_over),
		TEST(another_program_may_make_requests),
		TEST(any_call_can_be_made_to_fail),
		TEST(threads_share_a_machine),
		TEST(a_forked_child_gives_back_and_waits_for_nobody),
		TEST(an_idle_machine_costs_nothing),
	};

	return cmocka_run_group_tests_name("emu-machine", tests, NULL, NULL);
}
