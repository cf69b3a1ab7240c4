/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* How /proc shows the machine's open files: that is how holders of a group are found. */
#include "test-emu-group.h"

static const char *link_of(struct machine *m, const char *process, int fd)
{
	static char text[128];
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/fd/%d", process, fd);
	n = m->sys->read_link(m->sys->data, path, text, sizeof(text) - 1);
	if (n < 0)
		return "";
	text[n] = '\0';
	return text;
}

static const char *own_link(struct machine *m, int fd)
{
	return link_of(m, "self", fd);
}

static void links_name_the_machines_files(void **state)
{
	struct machine *m = *state;
	struct setup s = enter(m, TWINS, K_VFIO_TYPE1v2_IOMMU);
	int dev = get_named(m, s.group, TWIN1), cdev = open_cdev(m, ALONE1);
	int copy = m->sys->dup(m->sys->data, s.group);
	int pagemap = m->sys->open(m->sys->data, "/proc/self/pagemap", O_RDONLY);
	char pid[16], small[4];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_string_equal(own_link(m, m->iommu), "/dev/iommu");
	assert_string_equal(own_link(m, s.container), "/dev/vfio/vfio");
	assert_string_equal(own_link(m, s.group), "/dev/vfio/8");
	assert_string_equal(link_of(m, pid, s.group), "/dev/vfio/8");
	assert_string_equal(own_link(m, copy), "/dev/vfio/8");
	assert_string_equal(own_link(m, dev), "anon_inode:[vfio-device]");
	assert_string_equal(own_link(m, cdev), "/dev/vfio/devices/vfio0");
	assert_string_equal(own_link(m, pagemap), "/proc/self/pagemap");
	assert_int_equal(m->sys->read_link(m->sys->data, "/proc/self/fd/9999999999", small, 4),
			 -ENOENT);
	shut(m, pagemap);
	shut(m, copy);
	shut(m, cdev);
	shut(m, dev);
	leave(m, &s);
}

static void the_list_of_descriptors_has_them(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1), found = 0;
	char names[65536], number[16];
	ssize_t n = m->sys->list_dir(m->sys->data, "/proc/self/fd", names, sizeof(names));

	assert_true(n > 0);
	for (const char *at = names; at < names + n; at += strlen(at) + 1)
		found += !strcmp(own_link(m, atoi(at)), "/dev/vfio/3");
	assert_int_equal(found, 1);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	n = m->sys->list_dir(m->sys->data, "/proc", names, sizeof(names));
	assert_true(n > 0);
	found = 0;
	for (const char *at = names; at < names + n; at += strlen(at) + 1)
		found += !strcmp(at, number);
	assert_int_equal(found, 1);
	shut(m, group);
}

static void a_file_whose_node_is_gone_says_so(void **state)
{
	struct machine *m = *state;
	int group = open_group(m, GROUP1), cdev = open_cdev(m, ALONE1);

	assert_int_equal(iommufd_emu_set_driver(m->emu, NAME1, ""), 0);
	assert_string_equal(own_link(m, group), "/dev/vfio/3 (deleted)");
	assert_string_equal(own_link(m, cdev), "/dev/vfio/devices/vfio0 (deleted)");
	shut(m, cdev);
	shut(m, group);
}

static void other_files_are_the_systems(void **state)
{
	struct machine *m = *state;
	int null = m->sys->open(m->sys->data, "/dev/null", O_RDWR);
	int uevents = m->sys->uevents(m->sys->data);

	assert_string_equal(own_link(m, null), "/dev/null");
	assert_non_null(strstr(own_link(m, uevents), "socket:"));
	shut(m, uevents);
	shut(m, null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(links_name_the_machines_files),
		TEST(the_list_of_descriptors_has_them),
		TEST(a_file_whose_node_is_gone_says_so),
		TEST(other_files_are_the_systems),
	};

	return cmocka_run_group_tests_name("emu-proc", tests, NULL, NULL);
}
