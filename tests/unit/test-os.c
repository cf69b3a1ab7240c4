/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* os/: the system-call wrappers, and what sysfs is made to say. */
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/sys.h"
#include "os/sysfs.h"

/* ---- a table that answers from a script ---- */

struct script {
	int interruptions; /* answer EINTR this often first */
	size_t most;       /* bytes a transfer moves at most */
	size_t end;        /* where the file ends */
	int answer;        /* of an ioctl */
	const char *files[8][2], *links[8][2], *dirs[8][2];
};

static ssize_t slow_pread(void *data, int fd, void *buf, size_t n, uint64_t offset)
{
	struct script *s = data;
	(void)fd;

	if (s->interruptions && s->interruptions--)
		return -EINTR;
	if (offset >= s->end)
		return 0;
	n = n < s->most ? n : s->most;
	for (size_t i = 0; i < n; i++)
		((unsigned char *)buf)[i] = (unsigned char)(offset + i);
	return (ssize_t)n;
}

static ssize_t slow_pwrite(void *data, int fd, const void *buf, size_t n, uint64_t offset)
{
	struct script *s = data;
	(void)fd;
	(void)buf;

	if (s->interruptions && s->interruptions--)
		return -EINTR;
	if (offset >= s->end)
		return -EFAULT;
	return (ssize_t)(n < s->most ? n : s->most);
}

static int slow_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	struct script *s = data;
	(void)fd;
	(void)request;
	(void)arg;

	if (s->interruptions && s->interruptions--)
		return -EINTR;
	return s->answer;
}

static const char *look(const char *list[8][2], const char *path)
{
	for (int i = 0; i < 8 && list[i][0]; i++)
		if (!strcmp(list[i][0], path))
			return list[i][1];
	return NULL;
}

static ssize_t say(const char *text, char *buf, size_t n)
{
	size_t len;

	if (!text)
		return -ENOENT;
	len = strlen(text);
	memcpy(buf, text, len < n ? len : n);
	return (ssize_t)(len < n ? len : n);
}

static ssize_t script_file(void *data, const char *path, char *buf, size_t n)
{
	return say(look(((struct script *)data)->files, path), buf, n);
}

static ssize_t script_link(void *data, const char *path, char *buf, size_t n)
{
	return say(look(((struct script *)data)->links, path), buf, n);
}

static ssize_t script_dir(void *data, const char *path, char *buf, size_t n)
{
	const char *name = look(((struct script *)data)->dirs, path);

	if (!name)
		return -ENOENT;
	if (strlen(name) + 1 > n)
		return -ERANGE;
	memcpy(buf, name, strlen(name) + 1);
	return (ssize_t)strlen(name) + 1;
}

static int script_exists(void *data, const char *path)
{
	return look(((struct script *)data)->files, path) ? 0 : -ENOENT;
}

static struct iommufd_sys table(struct script *s)
{
	struct iommufd_sys sys = *sys_kernel();

	sys.data = s;
	sys.pread = slow_pread;
	sys.pwrite = slow_pwrite;
	sys.ioctl = slow_ioctl;
	sys.read_file = script_file;
	sys.read_link = script_link;
	sys.list_dir = script_dir;
	sys.exists = script_exists;
	return sys;
}

/* ---- cases ---- */

static void transfers_go_on_until_whole(void **state)
{
	struct script s = { .interruptions = 2, .most = 3, .end = 64, .answer = 5 };
	struct iommufd_sys sys = table(&s);
	unsigned char buf[16];
	(void)state;

	assert_int_equal(sys_pread(&sys, 0, buf, sizeof(buf), 8), 0);
	for (unsigned int i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 8 + i);
	s.interruptions = 1;
	assert_int_equal(sys_pwrite(&sys, 0, buf, sizeof(buf), 0), 0);
	s.interruptions = 3;
	assert_int_equal(sys_ioctl(&sys, 0, 0, NULL), 5);
}

static void transfers_past_the_end_fail(void **state)
{
	struct script s = { .most = 4, .end = 8 };
	struct iommufd_sys sys = table(&s);
	char buf[16];
	(void)state;

	assert_int_equal(sys_pread(&sys, 0, buf, sizeof(buf), 0), -EIO);
	assert_int_equal(sys_pwrite(&sys, 0, buf, sizeof(buf), 0), -EFAULT);
}

static ssize_t boast_pread(void *data, int fd, void *buf, size_t n, uint64_t offset)
{
	(void)fd;
	(void)buf;
	(void)offset;
	return *(ssize_t *)data ? *(ssize_t *)data : (ssize_t)n + 1;
}

static ssize_t boast_pwrite(void *data, int fd, const void *buf, size_t n, uint64_t offset)
{
	(void)buf;
	return boast_pread(data, fd, NULL, n, offset);
}

static ssize_t boast_read(void *data, int fd, void *buf, size_t n)
{
	return boast_pread(data, fd, buf, n, 0);
}

static ssize_t boast_write(void *data, int fd, const void *buf, size_t n)
{
	(void)buf;
	return boast_pread(data, fd, NULL, n, 0);
}

static void what_only_the_library_says_is_not_believed_of_the_kernel(void **state)
{
	struct script s = { .answer = -EUCLEAN };
	struct iommufd_sys sys = table(&s);
	(void)state;

	assert_int_equal(sys_ioctl(&sys, 0, 0, NULL), -EIO);
}

/* Who believes it goes on beyond the buffer. */
static void transfers_of_more_than_was_asked_fail(void **state)
{
	ssize_t results[] = { 0, SSIZE_MAX };
	struct iommufd_sys sys = *sys_kernel();
	char buf[16];
	(void)state;

	sys.pread = boast_pread;
	sys.pwrite = boast_pwrite;
	sys.read = boast_read;
	sys.write = boast_write;
	for (int i = 0; i < 2; i++) {
		sys.data = &results[i];
		assert_int_equal(sys_pread(&sys, 0, buf, sizeof(buf), 0), -EIO);
		assert_int_equal(sys_pwrite(&sys, 0, buf, sizeof(buf), 0), -EIO);
		assert_int_equal(sys_read(&sys, 0, buf, sizeof(buf)), -EIO);
		assert_int_equal(sys_write(&sys, 0, buf, sizeof(buf)), -EIO);
	}
}

static void table_of_another_build_is_refused(void **state)
{
	struct iommufd_sys sys = *sys_kernel();
	(void)state;

	assert_int_equal(sys_check(&sys), 0);
	assert_int_equal(sys_check(NULL), -EINVAL);
	sys.abi++;
	assert_int_equal(sys_check(&sys), -EINVAL);
	sys.abi--;
	sys.size--;
	assert_int_equal(sys_check(&sys), -EINVAL);
}

static void kernel_table_answers_with_errnos(void **state)
{
	const struct iommufd_sys *sys = sys_kernel();
	unsigned int maj, min;
	char buf[64];
	int fd;
	(void)state;

	assert_int_equal(sys_open(sys, "/nowhere/at/all", O_RDONLY), -ENOENT);
	assert_int_equal(sys_dup(sys, -1), -EBADF);
	assert_int_equal(sys->read_file(sys->data, "/nowhere", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(sys->read_link(sys->data, "/dev/null", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(sys->list_dir(sys->data, "/nowhere", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(sys->list_dir(sys->data, "/dev", buf, 1), -ERANGE);
	assert_int_equal(sys->exists(sys->data, "/nowhere"), -ENOENT);
	assert_int_equal(sys->exists(sys->data, "/dev"), 0);
	fd = sys_open(sys, "/dev/null", O_RDWR);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(sys->char_device(sys->data, fd, &maj, &min), 0);
	assert_int_equal(maj, 1);
	assert_int_equal(min, 3);
	sys_close(sys, &fd);
	assert_int_equal(fd, -1);
	sys_close(sys, &fd);
}

static void populate_finds_what_cannot_be_pinned(void **state)
{
	const struct iommufd_sys *sys = sys_kernel();
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;
	(void)state;

	assert_int_equal(sys_populate(sys, page, 4096, 0), 0);
	assert_int_not_equal(sys_populate(sys, page, 4096, 1), 0);
	munmap(page, 4096);
	r = sys_populate(sys, page, 4096, 0);
	assert_true(r == -ENOMEM || r == -EFAULT);
}

static int touch(void *addr, size_t pages, int writable)
{
	return sys_kernel()->touch(NULL, addr, pages * 4096, writable);
}

/* A kernel can be built without what this takes, and a sandbox can forbid it. */
static void needs_touch(void)
{
	static char here[2 * 4096];
	int r = touch(here, 1, 0);

	if (r != -ENOSYS && r != -EPERM)
		return;
	print_message("SKIP touch: process_vm_readv() is not to be had\n");
	skip();
}

static bool is_resident(void *page)
{
	unsigned char resident = 0;

	return !mincore(page, 4096, &resident) && resident & 1;
}

/* As populating does, on any kernel; what is there stays as it was. */
static void touching_finds_what_cannot_be_pinned(void **state)
{
	enum { PAGES = 200, PROTECTED = 150 };
	uint8_t *data = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int file = memfd_create("touch", MFD_CLOEXEC);
	(void)state;

	needs_touch();
	data[4096] = 0xa5;
	assert_int_equal(touch(data, PAGES, 1), 0);
	for (int i = 0; i < PAGES; i++) {
		assert_true(is_resident(data + i * 4096));
		assert_int_equal(data[i * 4096], i == 1 ? 0xa5 : 0);
	}
	mprotect(data + PROTECTED * 4096, 4096, PROT_READ);
	assert_int_equal(touch(data, PAGES, 0), 0);
	assert_int_equal(touch(data, PAGES, 1), -EFAULT);
	assert_int_equal(touch(data, PROTECTED, 1), 0);
	mprotect(data + PROTECTED * 4096, 4096, PROT_NONE);
	assert_int_equal(touch(data, PAGES, 0), -EFAULT);
	munmap(data + PROTECTED * 4096, 4096);
	assert_int_equal(touch(data, PAGES, 0), -EFAULT);
	munmap(data, PAGES * 4096);
	assert_int_equal(touch(data, 1, 0), -EFAULT);

	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, 4096), 0);
	data = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	assert_int_equal(touch(data, 1, 1), 0);
	assert_int_equal(touch(data, 2, 1), -EFAULT); /* where an access is a SIGBUS */
	munmap(data, 2 * 4096);
	close(file);
}

static int refuse_advice(void *data, void *addr, size_t n, int writable)
{
	(void)data;
	(void)addr;
	(void)n;
	(void)writable;
	return -EINVAL;
}

static void older_kernels_touch_what_they_cannot_populate(void **state)
{
	struct iommufd_sys sys = *sys_kernel();
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)state;

	needs_touch();
	sys.populate = refuse_advice;
	assert_false(is_resident(page));
	assert_int_equal(sys_populate(&sys, page, 4096, 1), 0);
	assert_true(is_resident(page));
	munmap(page, 4096);
	assert_int_equal(sys_populate(&sys, page, 4096, 0), -EFAULT);
}

#define DEV "/sys/bus/pci/devices/0000:00:03.0"

static void sysfs_tells_group_driver_and_node(void **state)
{
	struct script s = {
		.links = { { DEV "/iommu_group", "../../../kernel/iommu_groups/17" },
			   { DEV "/driver", "../../../bus/pci/drivers/vfio-pci" },
			   { "/sys/dev/char/511:3", "../../devices/pci0000:00/0000:00:03.0/vfio-dev/vfio3" } },
		.dirs = { { DEV "/vfio-dev", "vfio3" } },
		.files = { { DEV "/vfio-dev/vfio3/dev", "511:3\n" } },
	};
	struct iommufd_sys sys = table(&s);
	char text[SYSFS_PATH_MAX];
	struct cdev number;
	bool noiommu = false;
	(void)state;

	assert_int_equal(sysfs_iommu_group(&sys, DEV), 17);
	assert_int_equal(sysfs_driver(&sys, DEV, text, sizeof(text)), 0);
	assert_string_equal(text, "vfio-pci");
	assert_int_equal(sysfs_vfio_cdev(&sys, DEV, text, sizeof(text), &number, &noiommu), 0);
	assert_false(noiommu);
	assert_string_equal(text, "/dev/vfio/devices/vfio3");
	assert_int_equal(number.major, 511);
	assert_int_equal(number.minor, 3);
	assert_int_equal(sysfs_device_of_cdev(&sys, number, text, sizeof(text), &noiommu), 0);
	assert_string_equal(text, "/sys/devices/pci0000:00/0000:00:03.0");
	assert_int_equal(sysfs_driver(&sys, DEV, text, 3), -ENAMETOOLONG);
}

static void sysfs_without_facts_says_which(void **state)
{
	struct script s = {
		.links = { { DEV "/iommu_group", "../x/not-a-number" },
			   { "/sys/dev/char/1:3", "../../devices/virtual/mem/null" } },
		.dirs = { { DEV "/vfio-dev", "vfio3" } }, /* but no number: CDEV is off */
	};
	struct iommufd_sys sys = table(&s);
	char text[SYSFS_PATH_MAX];
	struct cdev number;
	bool noiommu = false;
	(void)state;

	assert_int_equal(sysfs_iommu_group(&sys, DEV), -ENOENT);
	assert_int_equal(sysfs_driver(&sys, DEV, text, sizeof(text)), -ENOENT);
	assert_int_equal(sysfs_vfio_cdev(&sys, DEV, text, sizeof(text), &number, &noiommu), -ENOENT);
	assert_int_equal(sysfs_vfio_cdev(&sys, "/sys/other", text, sizeof(text), &number, &noiommu), -ENODEV);
	number = (struct cdev){ 1, 3 };
	assert_int_equal(sysfs_device_of_cdev(&sys, number, text, sizeof(text), &noiommu), -ENOTTY);
	number = (struct cdev){ 9, 9 };
	assert_int_equal(sysfs_device_of_cdev(&sys, number, text, sizeof(text), &noiommu), -ENOENT);
}

static void sysfs_tells_a_device_without_iommu(void **state)
{
	struct script s = {
		.links = { { "/sys/dev/char/511:0", "../../devices/pci0000:00/0000:00:03.0/vfio-dev/noiommu-vfio0" } },
		.dirs = { { DEV "/vfio-dev", "noiommu-vfio0" } },
		.files = { { DEV "/vfio-dev/noiommu-vfio0/dev", "511:0\n" } },
	};
	struct iommufd_sys sys = table(&s);
	char text[SYSFS_PATH_MAX];
	struct cdev number;
	bool noiommu = false;
	(void)state;

	assert_int_equal(sysfs_vfio_cdev(&sys, DEV, text, sizeof(text), &number, &noiommu), 0);
	assert_true(noiommu);
	noiommu = false;
	assert_int_equal(sysfs_device_of_cdev(&sys, number, text, sizeof(text), &noiommu), 0);
	assert_true(noiommu);
}

static void sysfs_group_is_known_by_its_node(void **state)
{
	struct script s = {
		.links = { { "/sys/dev/char/243:0", "../../devices/virtual/vfio/17" },
			   { "/sys/dev/char/243:1", "../../devices/virtual/vfio/noiommu-4" },
			   { "/sys/dev/char/10:196", "../../devices/virtual/misc/vfio" },
			   { "/sys/dev/char/9:1", "../../devices/virtual/vfio/x1" },
			   { "/sys/dev/char/9:2", "../../devices/virtual/vfio/1x" } },
	};
	struct iommufd_sys sys = table(&s);
	bool noiommu = true;
	int group = -1;
	(void)state;

	assert_int_equal(sysfs_group_of_cdev(&sys, (struct cdev){ 243, 0 }, &group, &noiommu), 0);
	assert_int_equal(group, 17);
	assert_false(noiommu);
	assert_int_equal(sysfs_group_of_cdev(&sys, (struct cdev){ 243, 1 }, &group, &noiommu), 0);
	assert_int_equal(group, 4);
	assert_true(noiommu);
	assert_int_equal(sysfs_group_of_cdev(&sys, (struct cdev){ 10, 196 }, &group, &noiommu),
			 -ENOTTY);
	assert_int_equal(sysfs_group_of_cdev(&sys, (struct cdev){ 9, 1 }, &group, &noiommu), -ENOTTY);
	assert_int_equal(sysfs_group_of_cdev(&sys, (struct cdev){ 9, 2 }, &group, &noiommu), -ENOTTY);
	assert_int_equal(sysfs_group_of_cdev(&sys, (struct cdev){ 9, 9 }, &group, &noiommu), -ENOENT);
}

static void sysfs_reserved_windows_are_listed(void **state)
{
	struct script s = {
		.files = { { "/sys/kernel/iommu_groups/4/reserved_regions",
			     "0x0000000000001000 0x0000000000001fff direct-relaxable\n"
			     "0x00000000fee00000 0x00000000feefffff msi\n"
			     "garbage\n"
			     "0x000000fd00000000 0x000000ffffffffff reserved\n" } },
	};
	struct iommufd_sys sys = table(&s);
	uint64_t start, last;
	char kind[24];
	(void)state;

	assert_int_equal(sysfs_reserved_window(&sys, 4, 0, &start, &last, kind, sizeof(kind)), 0);
	assert_int_equal(start, 0xfee00000);
	assert_int_equal(last, 0xfeefffff);
	assert_string_equal(kind, "msi");
	assert_int_equal(sysfs_reserved_window(&sys, 4, 1, &start, &last, kind, sizeof(kind)), 0);
	assert_true(start == UINT64_C(0xfd00000000));
	assert_int_equal(sysfs_reserved_window(&sys, 4, 2, &start, &last, kind, sizeof(kind)),
			 -ENOENT);
	assert_int_equal(sysfs_reserved_window(&sys, 5, 0, &start, &last, kind, sizeof(kind)),
			 -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transfers_go_on_until_whole),
		cmocka_unit_test(transfers_past_the_end_fail),
		cmocka_unit_test(transfers_of_more_than_was_asked_fail),
		cmocka_unit_test(what_only_the_library_says_is_not_believed_of_the_kernel),
		cmocka_unit_test(table_of_another_build_is_refused),
		cmocka_unit_test(kernel_table_answers_with_errnos),
		cmocka_unit_test(populate_finds_what_cannot_be_pinned),
		cmocka_unit_test(touching_finds_what_cannot_be_pinned),
		cmocka_unit_test(older_kernels_touch_what_they_cannot_populate),
		cmocka_unit_test(sysfs_tells_group_driver_and_node),
		cmocka_unit_test(sysfs_without_facts_says_which),
		cmocka_unit_test(sysfs_tells_a_device_without_iommu),
		cmocka_unit_test(sysfs_group_is_known_by_its_node),
		cmocka_unit_test(sysfs_reserved_windows_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
