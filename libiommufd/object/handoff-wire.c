/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The message of a hand-off. Both ends run on one machine, so numbers are in its
 * byte order. A message has one form only: what is not used is zero, descriptors
 * are numbered in the order of the items. Nothing that was read is believed.
 */
#include <errno.h>
#include <string.h>

#include "object/handoff.h"

#define VERSION 1
#define RECORD_TOKEN 1u

static const char magic[8] = "iommufd";

struct head {
	char magic[8];
	uint32_t version;
	uint32_t length; /* of all */
	uint32_t count;  /* of records */
	uint32_t fds;
	uint64_t reserved;
};

struct record {
	uint32_t kind;
	int32_t fd;
	uint32_t id;
	int32_t group;
	uint64_t cookie;
	uint32_t flags;
	uint32_t reserved;
	uint8_t token[16];
	char name[64];
};

_Static_assert(sizeof(struct head) == HANDOFF_HEAD_SIZE, "it has no holes");
_Static_assert(sizeof(struct record) == HANDOFF_RECORD_SIZE, "it has no holes");

size_t handoff_encode(const struct handoff_item *items, unsigned int count, void *message)
{
	struct head head = { .version = VERSION, .count = count };
	char *at = (char *)message + sizeof(head);

	for (unsigned int i = 0; i < count; i++, at += sizeof(struct record)) {
		const struct handoff_item *item = &items[i];
		struct record r = {
			.kind = item->kind, .fd = item->fd < 0 ? -1 : (int32_t)head.fds++,
			.id = item->id, .group = item->group, .cookie = item->cookie,
			.flags = item->has_token ? RECORD_TOKEN : 0,
		};

		if (item->has_token)
			memcpy(r.token, item->token, sizeof(r.token));
		memcpy(r.name, item->name, strlen(item->name));
		memcpy(at, &r, sizeof(r));
	}
	memcpy(head.magic, magic, sizeof(magic));
	head.length = (uint32_t)(at - (char *)message);
	memcpy(message, &head, sizeof(head));
	return head.length;
}

static int refuse(const char **why, const char *reason)
{
	*why = reason;
	return -EPROTO;
}

int handoff_length(const void *message, const char **why)
{
	struct head head;

	memcpy(&head, message, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)))
		return refuse(why, "it does not begin as a hand-off does");
	if (head.version != VERSION) {
		*why = "it is of another version";
		return -EPROTONOSUPPORT;
	}
	if (head.reserved)
		return refuse(why, "a reserved field is set");
	if (!head.count || head.count > HANDOFF_ITEMS_MAX)
		return refuse(why, "the number of its items makes no sense");
	if (head.length != sizeof(head) + head.count * sizeof(struct record))
		return refuse(why, "its length does not fit the number of its items");
	return (int)head.length;
}

static bool is_zero(const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	while (n && !at[n - 1])
		n--;
	return !n;
}

/*
 * A name becomes part of a path, and of messages. Firmware gives those of platform
 * devices, and the kernel makes a slash in one an exclamation mark.
 */
static bool is_name(const char name[static 64])
{
	size_t n = strnlen(name, 64);

	for (size_t i = 0; i < n; i++)
		if (name[i] < ' ' || name[i] > '~' || name[i] == '/')
			return false;
	return n && n < 64 && name[0] != '.' && is_zero(name + n, 64 - n);
}

static bool is_device(uint32_t kind)
{
	return kind == IOMMUFD_HANDOFF_CDEV || kind == IOMMUFD_HANDOFF_BOUND ||
	       kind == IOMMUFD_HANDOFF_MEMBER;
}

/* Whether an earlier item is the same device, number, cookie or group. */
static bool is_twice(const struct record *r, const struct handoff_item *items, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (r->kind == IOMMUFD_HANDOFF_GROUP && items[i].kind == r->kind &&
		    items[i].group == r->group)
			return true;
		if (is_device(r->kind) && is_device(items[i].kind) &&
		    (!strcmp(items[i].name, r->name) || (r->id && items[i].id == r->id) ||
		     (r->cookie && items[i].cookie == r->cookie)))
			return true;
	}
	return false;
}

static bool has_group(int32_t number, const struct handoff_item *items, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (items[i].kind == IOMMUFD_HANDOFF_GROUP && items[i].group == number)
			return true;
	return false;
}

static const char *fault_of_device(const struct record *r, const struct handoff_item *items,
				   unsigned int count)
{
	if (!is_name(r->name))
		return "a device's name is none";
	if (r->group < -1)
		return "a group's number is none";
	if ((r->kind == IOMMUFD_HANDOFF_BOUND) != (r->id != 0))
		return "a device's number is missing, or one too many";
	if (r->kind == IOMMUFD_HANDOFF_MEMBER && !has_group(r->group, items, count))
		return "a device's group does not come before it";
	if (r->kind == IOMMUFD_HANDOFF_BOUND && r->flags)
		return "a bound device has a token";
	return NULL;
}

/* What is wrong with record @count, or NULL. */
static const char *fault_of(const struct record *r, const struct handoff_item *items,
			    unsigned int count, unsigned int fds)
{
	const char *fault = NULL;

	if (r->kind < IOMMUFD_HANDOFF_CTX || r->kind > IOMMUFD_HANDOFF_MEMBER)
		return "an item is of an unknown kind";
	if ((r->kind == IOMMUFD_HANDOFF_CTX) != !count)
		return "the context is not its first item, or not its only one";
	if (r->fd != (r->kind == IOMMUFD_HANDOFF_MEMBER ? -1 : (int32_t)fds))
		return "an item has another's descriptor";
	if (r->reserved || r->flags & ~RECORD_TOKEN || (!r->flags && !is_zero(r->token, 16)))
		return "a reserved field is set";
	if (is_device(r->kind))
		fault = fault_of_device(r, items, count);
	else if (!is_zero(r->name, sizeof(r->name)) || r->cookie || r->flags || r->id)
		fault = "what is no device has the facts of one";
	else if (r->kind == IOMMUFD_HANDOFF_GROUP ? r->group < 0 : r->group != -1)
		fault = "a group's number is none";
	if (!fault && is_twice(r, items, count))
		fault = "a device, number, cookie or group is in it twice";
	return fault;
}

int handoff_decode(const void *message, size_t n, unsigned int nr_fds,
		   struct handoff_item items[static HANDOFF_ITEMS_MAX], unsigned int *count,
		   const char **why)
{
	const char *at = (const char *)message + sizeof(struct head);
	struct head head;
	unsigned int fds = 0;
	int length;

	*count = 0;
	if (n < sizeof(head))
		return refuse(why, "it is too short");
	length = handoff_length(message, why);
	if (length < 0)
		return length;
	if ((size_t)length != n)
		return refuse(why, "it is shorter or longer than it says");
	memcpy(&head, message, sizeof(head));
	if (head.fds != nr_fds)
		return refuse(why, "it came with more or fewer descriptors than it says");
	for (unsigned int i = 0; i < head.count; i++, at += sizeof(struct record)) {
		struct record r;

		memcpy(&r, at, sizeof(r));
		*why = fault_of(&r, items, i, fds);
		if (*why)
			return -EPROTO;
		fds += r.fd >= 0;
		items[i] = (struct handoff_item){
			.kind = r.kind, .fd = r.fd, .group = r.group, .id = r.id,
			.cookie = r.cookie, .has_token = r.flags,
		};
		memcpy(items[i].token, r.token, sizeof(r.token));
		memcpy(items[i].name, r.name, sizeof(r.name));
	}
	if (fds != nr_fds)
		return refuse(why, "it came with descriptors that belong to no item");
	*count = head.count;
	return 0;
}
