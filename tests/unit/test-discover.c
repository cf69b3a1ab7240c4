/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* discover/: groups and holders of files, as a made-up /sys and /proc show them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "discover/group.h"
#include "discover/holder.h"
#include "discover/place.h"

/* ---- files made up ---- */

/* Path and content; a directory lists its names with blanks between. */
struct file {
	const char *path, *text;
	int error;
};

struct tree {
	const struct file *files;
	const char *big_dir, *big_names; /* one directory more, too large for the table */
};

static const struct file *look(const struct tree *t, const char *path)
{
	for (const struct file *f = t->files; f && f->path; f++)
		if (!strcmp(f->path, path))
			return f;
	return NULL;
}

static ssize_t tree_read(void *data, const char *path, char *buf, size_t n)
{
	const struct file *f = look(data, path);
	size_t len;

	if (!f || f->error)
		return f ? f->error : -ENOENT;
	len = strlen(f->text) < n ? strlen(f->text) : n;
	memcpy(buf, f->text, len);
	return (ssize_t)len;
}

static int tree_exists(void *data, const char *path)
{
	return look(data, path) ? 0 : -ENOENT;
}

static ssize_t tree_list(void *data, const char *path, char *buf, size_t n)
{
	struct tree *t = data;
	const struct file *f = look(t, path);
	const char *names = f ? f->text : NULL;
	size_t len;

	if (f && f->error)
		return f->error;
	if (t->big_dir && !strcmp(path, t->big_dir))
		names = t->big_names;
	if (!names)
		return -ENOENT;
	len = strlen(names);
	if (!len)
		return 0;
	if (len + 1 > n)
		return -ERANGE;
	for (size_t i = 0; i <= len; i++)
		buf[i] = names[i] == ' ' ? '\0' : names[i];
	return (ssize_t)len + 1;
}

static struct core *core_of(struct tree *t)
{
	static struct iommufd_sys sys;
	static struct core core = { .sys = &sys };

	sys = *sys_kernel();
	sys.data = t;
	sys.read_file = tree_read;
	sys.read_link = tree_read;
	sys.list_dir = tree_list;
	sys.exists = tree_exists;
	return &core;
}

/* ---- groups ---- */

#define GROUP "/sys/kernel/iommu_groups/8"
#define MEMBER(name, bus, driver) \
	{ .path = GROUP "/devices/" name "/subsystem", .text = "../../bus/" bus }, \
	{ .path = GROUP "/devices/" name "/driver", .text = "../../bus/" bus "/drivers/" driver }
#define DRIVERLESS(name, bus) \
	{ .path = GROUP "/devices/" name "/subsystem", .text = "../../bus/" bus }
#define FILE_OF(name, file, content) \
	{ .path = GROUP "/devices/" name "/" file, .text = content }

static const struct group_member *member(const struct group_facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->count; i++)
		if (!strcmp(facts->members[i].name, name))
			return &facts->members[i];
	fail_msg("no member %s", name);
	abort(); /* fail_msg() does not return */
}

static void group_tells_who_blocks(void **state)
{
	static const struct file files[] = {
		{ .path = GROUP "/devices", .text = "e h d a b c g f i" },
		DRIVERLESS("a", "pci"), FILE_OF("a", "class", "0x060400\n"),
		MEMBER("b", "pci", "pcieport"), FILE_OF("b", "class", "0x060401\n"),
		MEMBER("c", "pci", "pci-stub"), FILE_OF("c", "class", "0x060100\n"),
		MEMBER("d", "pci", "mlx5_vfio_pci"),
		MEMBER("e", "pci", "out-of-tree"), FILE_OF("e", "vfio-dev", "vfio7"),
		MEMBER("f", "host1x-context-bus", "some"),
		MEMBER("g", "platform", "fsl-pci"),
		MEMBER("h", "pci", "nvme"),
		MEMBER("i", "fsl-mc", "fsl_mc_dprc"),
		{ 0 },
	};
	struct tree t = { .files = files };
	struct group_facts facts;
	char text[128];
	(void)state;

	assert_int_equal(group_facts_read(core_of(&t), 8, &facts), 0);
	assert_int_equal(facts.count, 9);
	assert_false(facts.noiommu);
	for (size_t i = 0; i < 9; i++) { /* sorted */
		const struct group_member *m = &facts.members[i];
		bool blocks = m->name[0] == 'h' || m->name[0] == 'i';

		assert_int_equal(m->name[0], 'a' + i);
		assert_int_equal(m->blocks, blocks);
		assert_int_equal(m->bridge, m->name[0] <= 'b');
		group_member_reason(m, text, sizeof(text));
		assert_true(strlen(text) > 20);
		if (*m->driver && m->name[0] != 'f')
			assert_non_null(strstr(text, m->driver));
	}
	assert_string_equal(group_facts_blocker(&facts)->name, "h");
	assert_string_equal(member(&facts, "h")->driver, "nvme");
	assert_string_equal(member(&facts, "h")->bus, "pci");
	assert_string_equal(member(&facts, "a")->driver, "");
	assert_string_equal(member(&facts, "f")->bus, "host1x-context-"); /* cut to fit */
	assert_true(member(&facts, "d")->vfio && member(&facts, "e")->vfio);
	assert_false(member(&facts, "b")->vfio);
	group_facts_free(&facts);
}

static void group_member_that_went_away_is_none(void **state)
{
	static const struct file files[] = {
		{ .path = GROUP "/devices", .text = "a b" },
		MEMBER("b", "pci", "vfio-pci"),
		{ 0 },
	};
	struct tree t = { .files = files };
	struct group_facts facts;
	(void)state;

	assert_int_equal(group_facts_read(core_of(&t), 8, &facts), 0);
	assert_int_equal(facts.count, 1);
	assert_null(group_facts_blocker(&facts));
	group_facts_free(&facts);
}

static void group_that_cannot_be_read_says_why(void **state)
{
	static const struct file files[] = {
		{ .path = GROUP "/devices", .text = "a" },
		DRIVERLESS("a", "pci"),
		{ .path = GROUP "/devices/a/driver", .error = -EACCES },
		{ 0 },
	};
	struct tree t = { .files = files };
	struct group_facts facts;
	(void)state;

	assert_int_equal(group_facts_read(core_of(&t), 9, &facts), -ENOENT);
	assert_int_equal(group_facts_read(core_of(&t), 8, &facts), -EACCES);
	assert_null(facts.members);
}

static void group_without_iommu_is_known_by_its_name(void **state)
{
	static const struct file files[] = {
		{ .path = GROUP "/devices", .text = "a" },
		{ .path = GROUP "/name", .text = "vfio-noiommu\n" },
		MEMBER("a", "pci", "vfio-pci"),
		{ 0 },
	};
	static const struct file mediated[] = {
		{ .path = GROUP "/devices", .text = "a" },
		{ .path = GROUP "/name", .text = "vfio-noiommu\n" },
		MEMBER("a", "mdev", "mtty"), FILE_OF("a", "mdev_type", "../type"),
		{ 0 },
	};
	static const struct file named[] = {
		{ .path = GROUP "/devices", .text = "" },
		{ .path = GROUP "/name", .text = "vfio-noiommu\n" },
		{ 0 },
	};
	struct tree t = { .files = files };
	struct group_facts facts;
	(void)state;

	assert_int_equal(group_facts_read(core_of(&t), 8, &facts), 0);
	assert_true(facts.noiommu);
	group_facts_free(&facts);
	t.files = mediated;
	assert_int_equal(group_facts_read(core_of(&t), 8, &facts), 0);
	assert_false(facts.noiommu);
	assert_false(facts.members[0].blocks);
	group_facts_free(&facts);
	t.files = named;
	assert_int_equal(group_facts_read(core_of(&t), 8, &facts), 0);
	assert_int_equal(facts.count, 0);
	group_facts_free(&facts);
}

/* As behind a switch without ACS: more names than fit any buffer of one's choice. */
static void group_may_have_any_number_of_members(void **state)
{
	enum { COUNT = 3000, LINE = 96 };
	struct file *files = calloc(COUNT + 1, sizeof(*files));
	char *names = calloc(COUNT, 16), *paths = calloc(COUNT, LINE);
	struct tree t = { .files = files, .big_dir = GROUP "/devices", .big_names = names };
	struct group_facts facts;
	(void)state;

	assert_true(files && names && paths);
	for (int i = 0; i < COUNT; i++) {
		snprintf(paths + i * LINE, LINE, GROUP "/devices/%04x:00:00.0/subsystem", i);
		files[i] = (struct file){ .path = paths + i * LINE, .text = "../bus/pci" };
	}
	for (int i = 0, at = 0; i < COUNT; i++)
		at += snprintf(names + at, 16, "%s%04x:00:00.0", i ? " " : "", COUNT - 1 - i);
	assert_int_equal(group_facts_read(core_of(&t), 8, &facts), 0);
	assert_int_equal(facts.count, COUNT);
	assert_string_equal(facts.members[0].name, "0000:00:00.0");
	assert_string_equal(facts.members[COUNT - 1].name, "0bb7:00:00.0");
	group_facts_free(&facts);
	free(files);
	free(names);
	free(paths);
}

/* ---- holders ---- */

#define NODE "/dev/vfio/8"
#define PROCESS(pid, name) { .path = "/proc/" pid "/comm", .text = name "\n" }, \
	{ .path = "/proc/" pid "/fd", .text = "0 5" }, \
	{ .path = "/proc/" pid "/fd/0", .text = "/dev/null" }
#define HOLDS(pid) { .path = "/proc/" pid "/fd/5", .text = NODE }

static void holder_is_named(void **state)
{
	static const struct file files[] = {
		{ .path = "/proc", .text = "self 1 7 cpuinfo 812 9" },
		PROCESS("1", "init"), PROCESS("7", "almost"), PROCESS("812", "qemu\033[2J"),
		{ .path = "/proc/7/fd/5", .text = NODE "1" }, HOLDS("812"),
		{ .path = "/proc/9/fd", .error = -EACCES },
		{ 0 },
	};
	struct tree t = { .files = files };
	char text[160];
	(void)state;

	assert_int_equal(holder_find(core_of(&t), NODE, text, sizeof(text)), 0);
	assert_string_equal(text, "process 812 (qemu?[2J)");
	assert_int_equal(holder_find(core_of(&t), "/dev/vfio/9", text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "a process that this user may not look into");
}

static void holders_beyond_a_few_are_others(void **state)
{
	static const struct file files[] = {
		{ .path = "/proc", .text = "1 2 3 4 5" },
		PROCESS("1", "a"), PROCESS("2", "b"), PROCESS("3", "c"), PROCESS("4", "d"),
		HOLDS("1"), HOLDS("2"), HOLDS("3"), HOLDS("4"), HOLDS("5"),
		{ .path = "/proc/5/fd", .text = "5" },
		{ 0 },
	};
	struct tree t = { .files = files };
	char text[160], little[12];
	(void)state;

	assert_int_equal(holder_find(core_of(&t), NODE, text, sizeof(text)), 0);
	assert_string_equal(text, "process 1 (a), process 2 (b), process 3 (c) and others");
	assert_int_equal(holder_find(core_of(&t), NODE, little, sizeof(little)), 0);
	assert_string_equal(little, "process 1 (");
}

static void holder_out_of_sight_is_said_so(void **state)
{
	static const struct file files[] = { { .path = "/proc", .text = "1" }, { 0 } };
	struct tree t = { .files = files };
	char text[80];
	(void)state;

	assert_int_equal(holder_find(core_of(&t), NODE, text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "a process that /proc does not show");
	t.files = NULL;
	assert_int_equal(holder_find(core_of(&t), NODE, text, sizeof(text)), -ENOENT);
}

static void holder_may_be_this_process(void **state)
{
	struct core core = { .sys = sys_kernel() };
	char path[] = "/tmp/holder.XXXXXX", text[80], expected[32];
	int fd = mkstemp(path);
	(void)state;

	assert_true(fd >= 0);
	assert_int_equal(holder_find(&core, path, text, sizeof(text)), 0);
	snprintf(expected, sizeof(expected), "this process, %ld (", (long)getpid());
	assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
	close(fd);
	assert_int_equal(holder_find(&core, path, text, sizeof(text)), -ENOENT);
	unlink(path);
}

/* ---- devices without an IOMMU ---- */

#define DEVICE "/sys/devices/some/0-1-2"

/* VFIO gives mediated devices groups of the same name, and isolates them by other means. */
static void only_real_devices_lack_an_iommu(void **state)
{
	static const struct file files[] = {
		{ .path = DEVICE, .text = "" },
		{ .path = DEVICE "/iommu_group", .text = "../../kernel/iommu_groups/8" },
		{ .path = DEVICE "/vfio-dev", .text = "vfio7" },
		{ .path = GROUP "/name", .text = "vfio-noiommu\n" },
		{ .path = DEVICE "/mdev_type", .text = "" },
		{ 0 },
	};
	struct file unmediated[] = { files[0], files[1], files[2], files[3], { 0 } };
	struct tree mediated = { .files = files }, real = { .files = unmediated };
	struct place place;
	(void)state;

	assert_int_equal(place_find(core_of(&mediated), "f", DEVICE, &place), 0);
	assert_true(place.mediated && !place.noiommu && place.group == 8);
	assert_int_equal(place_find(core_of(&real), "f", DEVICE, &place), 0);
	assert_true(!place.mediated && place.noiommu && place.group == 8);
	/* What cannot be read must not be guessed. */
	unmediated[3] = (struct file){ .path = GROUP "/name", .error = -EMFILE };
	assert_int_equal(place_find(core_of(&real), "f", DEVICE, &place), -EMFILE);
	unmediated[3] = (struct file){ .path = "" }; /* as other groups, it has no name */
	assert_int_equal(place_find(core_of(&real), "f", DEVICE, &place), 0);
	assert_false(place.noiommu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(group_tells_who_blocks),
		cmocka_unit_test(group_member_that_went_away_is_none),
		cmocka_unit_test(group_that_cannot_be_read_says_why),
		cmocka_unit_test(group_without_iommu_is_known_by_its_name),
		cmocka_unit_test(group_may_have_any_number_of_members),
		cmocka_unit_test(holder_is_named),
		cmocka_unit_test(holders_beyond_a_few_are_others),
		cmocka_unit_test(holder_out_of_sight_is_said_so),
		cmocka_unit_test(holder_may_be_this_process),
		cmocka_unit_test(only_real_devices_lack_an_iommu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
