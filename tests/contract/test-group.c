/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Groups: who is in one, who is in the way, and what a context may do with one. */
#include "driver.h"

#include <sys/wait.h>

static int number_of(struct iommufd_device *dev)
{
	struct iommufd_device_info info = { .size = sizeof(info) };

	assert_ok(iommufd_device_get_info(dev, &info));
	return info.group;
}

static struct iommufd_group *group_of(struct fixture *f, struct iommufd_device *dev)
{
	struct iommufd_group *group;

	assert_ok(iommufd_device_get_group(dev, &group));
	return hold_group(f, group);
}

static struct iommufd_group *open_group(struct fixture *f, int number)
{
	struct iommufd_group *group;

	assert_ok(iommufd_group_open(f->ctx, number, &group));
	return hold_group(f, group);
}

static struct iommufd_group_info info_of(struct iommufd_group *group)
{
	struct iommufd_group_info info = { .size = sizeof(info) };

	assert_ok(iommufd_group_get_info(group, &info));
	return info;
}

static struct iommufd_group_member member_of(struct iommufd_group *group, uint32_t index)
{
	struct iommufd_group_member member = { .size = sizeof(member) };

	assert_ok(iommufd_group_get_member(group, index, &member));
	return member;
}

/* The member of that name, as of now. */
static struct iommufd_group_member find_member(struct iommufd_group *group, const char *name)
{
	uint32_t count = info_of(group).num_members;

	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(member_of(group, i).name, name))
			return member_of(group, i);
	fail_msg("%s is no member", name);
	abort(); /* fail_msg() does not return */
}

/* -- looking */

static void group_of_a_device_alone(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_group *group = group_of(f, dev);
	struct iommufd_group_info info = info_of(group);
	struct iommufd_group_member member;

	assert_int_equal(info.number, number_of(dev));
	assert_int_equal(info.num_members, 1);
	assert_int_equal(info.num_open, 1);
	assert_true(info.flags & IOMMUFD_GROUP_VIABLE);
	assert_int_equal(!!(info.flags & IOMMUFD_GROUP_NOIOMMU),
			 strstr(iommufd_ctx_get_backend(f->ctx), "noiommu") != NULL);
	member = member_of(group, 0);
	assert_int_equal(member.flags, IOMMUFD_GROUP_MEMBER_VFIO | IOMMUFD_GROUP_MEMBER_OPEN);
	assert_string_equal(member.name, device_name(f, ALONE1));
	assert_string_equal(member.bus, "pci");
	assert_string_equal(member.driver, "vfio-pci");
	assert_non_null(strstr(member.reason, "vfio-pci"));
	assert_ok(iommufd_group_check_viable(group));
	assert_error(iommufd_group_get_member(group, 1, &member), -ENOENT);
}

static void group_tells_its_members_and_which_are_open(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_group *group = group_of(f, one);
	struct iommufd_group_info info = info_of(group);

	assert_int_equal(info.num_open, 2);
	assert_true(info.num_members >= 2);
	for (uint32_t i = 1; i < info.num_members; i++)
		assert_true(strcmp(member_of(group, i - 1).name, member_of(group, i).name) < 0);
	assert_true(find_member(group, device_name(f, SIBLING1)).flags & IOMMUFD_GROUP_MEMBER_OPEN);
	put_device(f, two);
	assert_int_equal(info_of(group).num_open, 1);
	assert_int_equal(find_member(group, device_name(f, SIBLING2)).flags,
			 IOMMUFD_GROUP_MEMBER_VFIO);
}

/* A bridge above them is a member too, and in nobody's way. */
static void group_bridge_does_not_block(void **state)
{
	struct fixture *f = *state;
	struct iommufd_group *group = group_of(f, get_device(f, SIBLING1));
	uint32_t count = info_of(group).num_members, bridges = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct iommufd_group_member m = member_of(group, i);

		assert_false(m.flags & IOMMUFD_GROUP_MEMBER_BLOCKS);
		assert_true(strlen(m.reason) > 10);
		if (!(m.flags & IOMMUFD_GROUP_MEMBER_BRIDGE))
			continue;
		bridges++;
		assert_false(m.flags & (IOMMUFD_GROUP_MEMBER_VFIO | IOMMUFD_GROUP_MEMBER_OPEN));
		assert_true(!*m.driver || !strcmp(m.driver, "pcieport"));
	}
	if (!bridges)
		skip_case(f, "no bridge in the siblings' group");
	assert_int_equal(bridges, 1);
}

static void group_is_one_object(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_group *group = group_of(f, one);

	assert_ptr_equal(group_of(f, two), group);
	assert_ptr_equal(open_group(f, number_of(one)), group);
	assert_ptr_not_equal(group_of(f, get_device(f, ALONE1)), group);
}

/* Nothing is opened: someone else can have the devices. */
static void group_can_be_looked_at_while_others_have_it(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_group *group;

	assert_ok(iommufd_group_open(get_ctx(f, NULL), number_of(dev), &group));
	hold_group(f, group);
	assert_int_equal(info_of(group).num_open, 0);
	assert_int_equal(member_of(group, 0).flags, IOMMUFD_GROUP_MEMBER_VFIO);
	assert_ok(iommufd_group_check_viable(group));
}

static void group_info_of_an_older_caller(void **state)
{
	struct fixture *f = *state;
	struct iommufd_group *group = group_of(f, get_device(f, ALONE1));
	struct iommufd_group_info info;
	struct iommufd_group_member member;

	memset(&info, 0xee, sizeof(info));
	info.size = offsetof(struct iommufd_group_info, num_open);
	assert_ok(iommufd_group_get_info(group, &info));
	assert_int_equal(info.num_members, 1);
	assert_int_equal(info.num_open, 0xeeeeeeee);
	memset(&member, 0xee, sizeof(member));
	member.size = offsetof(struct iommufd_group_member, bus);
	assert_ok(iommufd_group_get_member(group, 0, &member));
	assert_string_equal(member.name, device_name(f, ALONE1));
	assert_int_equal((uint8_t)member.bus[0], 0xee);
}

static void group_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_group *group = group_of(f, dev), *none = group;
	struct iommufd_group_info info = { .size = 0 };
	struct iommufd_group_member member = { .size = 0 };

	assert_error(iommufd_device_get_group(NULL, &none), -EINVAL);
	assert_null(none);
	assert_error(iommufd_device_get_group(dev, NULL), -EINVAL);
	none = group;
	assert_error(iommufd_group_open(NULL, 0, &none), -EINVAL);
	assert_null(none);
	assert_error(iommufd_group_open(f->ctx, -1, &none), -EINVAL);
	assert_error(iommufd_group_open(f->ctx, 0, NULL), -EINVAL);
	assert_error(iommufd_group_get_info(group, &info), -EINVAL);
	assert_error(iommufd_group_get_info(group, NULL), -EINVAL);
	assert_error(iommufd_group_get_info(NULL, &info), -EINVAL);
	assert_error(iommufd_group_get_member(group, 0, &member), -EINVAL);
	assert_error(iommufd_group_get_member(group, 0, NULL), -EINVAL);
	assert_error(iommufd_group_get_member((void *)f->ctx, 0, &member), -EINVAL);
	assert_error(iommufd_group_check_viable((void *)dev), -EINVAL);
	assert_null(iommufd_group_ref(NULL));
	assert_null(iommufd_group_unref(NULL));
}

static void group_that_is_not_there_enoent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_group *none = (void *)f;

	assert_error(iommufd_group_open(f->ctx, 4711, &none), -ENOENT);
	assert_null(none);
	assert_non_null(strstr(expected_record()->object, "4711"));
}

static void group_outlives_device_and_context(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev;
	struct iommufd_group *group;
	struct iommufd_ctx *ctx;

	assert_ok(iommufd_ctx_new(NULL, &ctx));
	assert_ok(iommufd_device_open(ctx, device_name(f, ALONE1), NULL, &dev));
	assert_ok(iommufd_device_get_group(dev, &group));
	assert_ptr_equal(iommufd_group_ref(group), group);
	iommufd_ctx_unref(ctx);
	iommufd_device_unref(dev);
	iommufd_group_unref(group);
	assert_int_equal(info_of(group).num_open, 0);
	assert_null(iommufd_group_unref(group));
}

static void group_of_a_forked_child_can_be_given_back(void **state)
{
	struct fixture *f = *state;
	struct iommufd_group *group = group_of(f, get_device(f, SIBLING1));
	int status;
	pid_t child = fork();

	if (!child) {
		iommufd_group_unref(group);
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(info_of(group).num_open, 1);
}

/* -- drivers in the way */

static void group_driver_in_the_way_is_named(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);
	struct iommufd_device *dev = get_device(f, SIBLING1), *none;
	struct iommufd_group *group = group_of(f, dev);
	struct iommufd_group_member m = find_member(group, b->name);

	assert_int_equal(m.flags, 0);
	assert_string_equal(m.driver, "");
	put_device(f, dev);
	assert_int_equal(set_driver(f, b->name, b->driver), 0);
	m = find_member(group, b->name);
	assert_int_equal(m.flags, IOMMUFD_GROUP_MEMBER_BLOCKS);
	assert_string_equal(m.driver, b->driver);
	assert_non_null(strstr(m.reason, b->driver));
	assert_false(info_of(group).flags & IOMMUFD_GROUP_VIABLE);
	assert_error(iommufd_group_check_viable(group), -EPERM);
	assert_non_null(strstr(expected_record()->message, b->name));
	assert_non_null(strstr(expected_record()->message, b->driver));
	assert_non_null(strstr(expected_record()->remedy, "unbind"));
	assert_error(iommufd_device_open(f->ctx, device_name(f, SIBLING1), NULL, &none), -EPERM);
	assert_non_null(strstr(expected_record()->message, b->name));
	assert_int_equal(set_driver(f, b->name, ""), 0);
	assert_ok(iommufd_group_check_viable(group));
	get_device(f, SIBLING1);
}

static void group_driver_that_leaves_dma_alone_is_in_nobodys_way(void **state)
{
	struct fixture *f = *state;
	const struct blocker *b = get_blocker(f);
	struct iommufd_group *group = group_of(f, get_device(f, SIBLING1));

	if (set_driver(f, b->name, "pci-stub"))
		skip_case(f, "no pci-stub");
	assert_int_equal(find_member(group, b->name).flags, 0);
	assert_non_null(strstr(find_member(group, b->name).reason, "pci-stub"));
	assert_ok(iommufd_group_check_viable(group));
	get_device(f, SIBLING2);
}

/* -- policies */

static struct iommufd_ctx *ctx_with(struct fixture *f, uint32_t policy)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .group_policy = policy };

	return get_ctx(f, &opts);
}

static struct iommufd_device *open_in(struct fixture *f, struct iommufd_ctx *ctx, enum place place)
{
	struct iommufd_device *dev;

	assert_ok(iommufd_device_open(ctx, device_name(f, place), NULL, &dev));
	return hold_device(f, dev);
}

static struct iommufd_ioas *ioas_in(struct fixture *f, struct iommufd_ctx *ctx)
{
	struct iommufd_ioas *ioas;

	assert_ok(iommufd_ioas_new(ctx, NULL, &ioas));
	return hold_ioas(f, ioas);
}

static void policy_singleton_takes_devices_alone_only(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *ctx = ctx_with(f, IOMMUFD_GROUP_SINGLETON);
	const char *sibling = device_name(f, SIBLING2);
	struct iommufd_device *none = (void *)f;

	open_in(f, ctx, ALONE1);
	open_in(f, ctx, ALONE2);
	assert_error(iommufd_device_open(ctx, device_name(f, SIBLING1), NULL, &none), -EPERM);
	assert_null(none);
	assert_non_null(strstr(expected_record()->message, sibling));
	assert_null(strstr(expected_record()->message, device_name(f, SIBLING1)));
	assert_non_null(strstr(expected_record()->object, device_name(f, SIBLING1)));
	get_device(f, SIBLING1); /* free to be had under another policy */
}

static void policy_one_ioas_keeps_siblings_where_they_are(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *ctx = ctx_with(f, IOMMUFD_GROUP_ONE_IOAS);
	struct iommufd_device *one = open_in(f, ctx, SIBLING1), *two = open_in(f, ctx, SIBLING2);
	struct iommufd_ioas *ioas = ioas_in(f, ctx), *next = ioas_in(f, ctx);

	assert_ok(iommufd_device_attach(one, ioas));
	assert_ok(iommufd_device_attach(two, ioas));
	assert_error(iommufd_device_replace(one, next), -EBUSY);
	assert_non_null(strstr(expected_record()->message, device_name(f, SIBLING2)));
	assert_ok(iommufd_device_replace(one, ioas)); /* moves nobody */
	assert_ok(iommufd_device_detach(two));
	assert_ok(iommufd_device_replace(one, next));
	assert_error(iommufd_device_attach(two, ioas), -EBUSY);
	assert_ok(iommufd_device_attach(two, next));
}

static void policy_one_ioas_lets_devices_alone_move(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ctx *ctx = ctx_with(f, IOMMUFD_GROUP_ONE_IOAS);
	struct iommufd_device *dev = open_in(f, ctx, ALONE1);

	assert_ok(iommufd_device_attach(dev, ioas_in(f, ctx)));
	assert_ok(iommufd_device_replace(dev, ioas_in(f, ctx)));
}

static void group_second_ioas_is_refused_with_the_sibling_named(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *one = get_device(f, SIBLING1), *two = get_device(f, SIBLING2);
	struct iommufd_ioas *ioas = get_ioas(f), *other = get_ioas(f);

	assert_ok(iommufd_device_attach(one, ioas));
	assert_error(iommufd_device_attach(two, other), -EBUSY);
	assert_non_null(strstr(expected_record()->message, device_name(f, SIBLING1)));
}

static const struct CMUnitTest cases[] = {
	CASE(group_of_a_device_alone),
	CASE(group_tells_its_members_and_which_are_open),
	CASE(group_bridge_does_not_block),
	CASE(group_is_one_object),
	CASE(group_can_be_looked_at_while_others_have_it),
	CASE(group_info_of_an_older_caller),
	CASE(group_bad_argument_einval),
	CASE(group_that_is_not_there_enoent),
	CASE(group_outlives_device_and_context),
	CASE(group_of_a_forked_child_can_be_given_back),
	DRIVER_CASE(group_driver_in_the_way_is_named),
	DRIVER_CASE(group_driver_that_leaves_dma_alone_is_in_nobodys_way),
	CASE(policy_singleton_takes_devices_alone_only),
	CASE(policy_one_ioas_keeps_siblings_where_they_are),
	CASE(policy_one_ioas_lets_devices_alone_move),
	CASE(group_second_ioas_is_refused_with_the_sibling_named),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("group", cases, NULL, NULL);
}
