/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The message of a hand-off: written and read back, and anything else refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "object/handoff.h"

enum { KIND, FD = 4, ID = 8, GROUP = 12, COOKIE = 16, FLAGS = 24, RESERVED = 28, TOKEN = 32, NAME = 48 };

#define NR_FDS 4
#define ITEMS 5
#define LENGTH (HANDOFF_HEAD_SIZE + ITEMS * HANDOFF_RECORD_SIZE)

static const struct handoff_item sample[ITEMS] = {
	{ .kind = IOMMUFD_HANDOFF_CTX, .fd = 10, .group = -1 },
	{ .kind = IOMMUFD_HANDOFF_CDEV, .fd = 11, .group = 3, .cookie = 7, .name = "0000:00:03.0" },
	{ .kind = IOMMUFD_HANDOFF_BOUND, .fd = 12, .group = -1, .id = 2, .name = "0000:00:04.0" },
	{ .kind = IOMMUFD_HANDOFF_GROUP, .fd = 13, .group = 8 },
	{ .kind = IOMMUFD_HANDOFF_MEMBER, .fd = -1, .group = 8, .cookie = 9, .has_token = true,
	  .token = "fifteen letters", .name = "0000:01:01.0" },
};

static char message[HANDOFF_MESSAGE_MAX + 1];
static struct handoff_item read_back[HANDOFF_ITEMS_MAX];
static unsigned int count;
static const char *why;

static int setup(void **state)
{
	(void)state;
	memset(message, 0xa5, sizeof(message));
	assert_int_equal(handoff_encode(sample, ITEMS, message), LENGTH);
	why = NULL;
	return 0;
}

static int decode(size_t n, unsigned int nr_fds)
{
	return handoff_decode(message, n, nr_fds, read_back, &count, &why);
}

static void refused(size_t n, unsigned int nr_fds, int code)
{
	why = NULL;
	assert_int_equal(decode(n, nr_fds), code);
	assert_non_null(why);
	assert_int_equal(count, 0);
}

static char *record(unsigned int index)
{
	return message + HANDOFF_HEAD_SIZE + index * HANDOFF_RECORD_SIZE;
}

static void put32(unsigned int index, int field, uint32_t value)
{
	memcpy(record(index) + field, &value, sizeof(value));
}

/* The message with one field changed is refused. */
static void refuse32(unsigned int index, int field, uint32_t value)
{
	uint32_t before;

	memcpy(&before, record(index) + field, sizeof(before));
	put32(index, field, value);
	refused(LENGTH, NR_FDS, -EPROTO);
	put32(index, field, before);
	assert_int_equal(decode(LENGTH, NR_FDS), 0);
}

static void refuse_name(unsigned int index, const char *name)
{
	char before[64];

	memcpy(before, record(index) + NAME, sizeof(before));
	memset(record(index) + NAME, 0, sizeof(before));
	memcpy(record(index) + NAME, name, strlen(name));
	refused(LENGTH, NR_FDS, -EPROTO);
	memcpy(record(index) + NAME, before, sizeof(before));
	assert_int_equal(decode(LENGTH, NR_FDS), 0);
}

static void what_was_written_is_read(void **state)
{
	(void)state;
	assert_int_equal(decode(LENGTH, NR_FDS), 0);
	assert_int_equal(count, ITEMS);
	for (unsigned int i = 0; i < ITEMS; i++) {
		assert_int_equal(read_back[i].kind, sample[i].kind);
		assert_int_equal(read_back[i].fd, i < NR_FDS ? (int)i : -1);
		assert_int_equal(read_back[i].group, sample[i].group);
		assert_int_equal(read_back[i].id, sample[i].id);
		assert_int_equal(read_back[i].cookie, sample[i].cookie);
		assert_int_equal(read_back[i].has_token, sample[i].has_token);
		assert_memory_equal(read_back[i].token, sample[i].token, 16);
		assert_string_equal(read_back[i].name, sample[i].name);
		assert_null(read_back[i].dev);
		assert_null(read_back[i].adopted);
	}
}

static void the_largest_fits(void **state)
{
	static struct handoff_item items[HANDOFF_ITEMS_MAX];

	(void)state;
	for (int i = 0; i < HANDOFF_ITEMS_MAX; i++)
		items[i] = (struct handoff_item){ .kind = IOMMUFD_HANDOFF_GROUP, .fd = i, .group = i };
	items[0] = sample[0];
	assert_int_equal(handoff_encode(items, HANDOFF_ITEMS_MAX, message), HANDOFF_MESSAGE_MAX);
	assert_int_equal(handoff_length(message, &why), HANDOFF_MESSAGE_MAX);
	assert_int_equal(decode(HANDOFF_MESSAGE_MAX, HANDOFF_ITEMS_MAX), 0);
	assert_int_equal(count, HANDOFF_ITEMS_MAX);
	assert_int_equal(message[HANDOFF_MESSAGE_MAX], (char)0xa5);
}

static void any_other_length_or_number_of_descriptors_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < HANDOFF_MESSAGE_MAX; n++)
		if (n != LENGTH)
			refused(n, NR_FDS, -EPROTO);
	for (unsigned int fds = 0; fds <= PASS_FDS_MAX; fds++)
		if (fds != NR_FDS)
			refused(LENGTH, fds, -EPROTO);
}

static void another_version_is_told_apart(void **state)
{
	uint32_t version = 2;

	(void)state;
	memcpy(message + 8, &version, sizeof(version));
	refused(LENGTH, NR_FDS, -EPROTONOSUPPORT);
	assert_int_equal(handoff_length(message, &why), -EPROTONOSUPPORT);
	message[0]++;
	refused(LENGTH, NR_FDS, -EPROTO);
}

static void counts_that_overflow_are_refused(void **state)
{
	static const uint32_t counts[] = { 0, 4, 6, 254, 0x80000005, 0xffffffff, 0x24924929 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		uint32_t length = HANDOFF_HEAD_SIZE + counts[i] * HANDOFF_RECORD_SIZE;

		memcpy(message + 16, &counts[i], 4);
		refused(LENGTH, NR_FDS, -EPROTO);
		memcpy(message + 12, &length, 4);
		refused(LENGTH, NR_FDS, -EPROTO);
		setup(NULL);
	}
}

static void items_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	refuse32(1, KIND, 0);
	refuse32(1, KIND, IOMMUFD_HANDOFF_MEMBER + 1);
	refuse32(0, KIND, IOMMUFD_HANDOFF_GROUP);  /* no context */
	refuse32(3, KIND, IOMMUFD_HANDOFF_CTX);    /* two */
	refuse32(1, FD, 2);                        /* another's */
	refuse32(1, FD, (uint32_t)-1);             /* none */
	refuse32(2, FD, 1);                        /* twice */
	refuse32(4, FD, 4);                        /* one that did not come */
	refuse32(4, FD, 0);
	refuse32(1, ID, 1);
	refuse32(2, ID, 0);
	refuse32(1, GROUP, (uint32_t)-2);
	refuse32(3, GROUP, (uint32_t)-1);
	refuse32(4, GROUP, 3);                     /* not the group before it */
	refuse32(0, GROUP, 0);
	refuse32(4, COOKIE, 7);                    /* the first device's */
	refuse32(0, COOKIE, 1);
	refuse32(3, ID, 1);
	refuse32(1, FLAGS, 2);
	refuse32(2, FLAGS, 1);                     /* a token for what is bound */
	refuse32(4, FLAGS, 0);                     /* one that is not to be used */
	refuse32(1, RESERVED, 1);
	refuse32(1, TOKEN, 1);
}

static void a_number_of_two_bound_devices_is_refused(void **state)
{
	struct handoff_item items[ITEMS];

	(void)state;
	memcpy(items, sample, sizeof(items));
	items[1].kind = IOMMUFD_HANDOFF_BOUND;
	items[1].id = 3;
	assert_int_equal(handoff_encode(items, ITEMS, message), LENGTH);
	assert_int_equal(decode(LENGTH, NR_FDS), 0);
	refuse32(1, ID, 2); /* the next one's */
}

static void names_that_could_lead_elsewhere_are_refused(void **state)
{
	char longest[65];

	(void)state;
	refuse_name(1, "");
	refuse_name(1, "/dev/vfio/devices/vfio0");
	refuse_name(4, "..");
	refuse_name(4, ".");
	refuse_name(4, "a/b");
	refuse_name(4, "new\nline");
	refuse_name(4, "\xe9");
	refuse_name(4, "\x7f");
	refuse_name(4, "0000:00:03.0"); /* the first device */
	refuse_name(0, "0000:00:05.0");
	refuse_name(3, "0000:00:05.0");
	memset(longest, 'a', 64);
	longest[64] = '\0';
	refuse_name(4, longest); /* without an end */
	record(4)[NAME + 63] = 'x'; /* something after it */
	refused(LENGTH, NR_FDS, -EPROTO);
	longest[63] = '\0';
	memset(record(4) + NAME, 0, 64);
	memcpy(record(4) + NAME, longest, 63);
	assert_int_equal(decode(LENGTH, NR_FDS), 0);
}

/* The third is what a device is called where its broker sees no sysfs. */
static void names_that_devices_have_are_taken(void **state)
{
	static const char *const names[] = {
		"0000:00:03.0", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "cdev 511:0", "fe800000.pcie",
		"soc@0:dma,engine+1", "ACPI0003:00", "pci!bridge",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		memset(record(4) + NAME, 0, 64);
		memcpy(record(4) + NAME, names[i], strlen(names[i]));
		assert_int_equal(decode(LENGTH, NR_FDS), i ? 0 : -EPROTO); /* that is the first's */
	}
}

/* What is taken can be written again, and is then the same: there is one form only. */
static void decode_whatever(uint64_t *accepted)
{
	static char again[HANDOFF_MESSAGE_MAX];

	count = 0;
	if (decode(LENGTH, NR_FDS))
		return;
	(*accepted)++;
	assert_int_equal(handoff_encode(read_back, count, again), LENGTH);
	assert_memory_equal(again, message, LENGTH);
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void random_changes_are_refused_or_harmless(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15, accepted = 0;
	const int rounds = 200000;

	(void)state;
	for (int i = 0; i < rounds; i++) {
		unsigned int changes = 1 + (unsigned int)(next(&seed) % 4);

		setup(NULL);
		while (changes--) {
			size_t at = next(&seed) % LENGTH;

			if (next(&seed) & 1)
				message[at] ^= (char)(1 << next(&seed) % 8);
			else
				message[at] = (char)next(&seed);
		}
		decode_whatever(&accepted);
	}
	/* Some bits may be anything: of a cookie, a token, a number, a name. */
	assert_true(accepted > 100 && accepted < (uint64_t)rounds / 2);
}

static void every_flipped_bit_is_refused_or_harmless(void **state)
{
	uint64_t accepted = 0;

	(void)state;
	for (size_t bit = 0; bit < LENGTH * 8; bit++) {
		message[bit / 8] ^= (char)(1 << bit % 8);
		decode_whatever(&accepted);
		message[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_true(accepted);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

static const struct CMUnitTest cases[] = {
	CASE(what_was_written_is_read),
	CASE(the_largest_fits),
	CASE(any_other_length_or_number_of_descriptors_is_refused),
	CASE(another_version_is_told_apart),
	CASE(counts_that_overflow_are_refused),
	CASE(items_that_make_no_sense_are_refused),
	CASE(a_number_of_two_bound_devices_is_refused),
	CASE(names_that_could_lead_elsewhere_are_refused),
	CASE(names_that_devices_have_are_taken),
	CASE(random_changes_are_refused_or_harmless),
	CASE(every_flipped_bit_is_refused_or_harmless),
};

int main(void)
{
	return cmocka_run_group_tests_name("handoff", cases, NULL, NULL);
}
