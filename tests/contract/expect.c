/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What a call that must fail has to do: say the documented errno, leave a
 * record that helps, and change nothing.
 */
#include "contract.h"

static struct fixture *watched;
static struct iommufd_error marker, record;
static char before[32768], now[32768];

void expect_watch(struct fixture *f)
{
	watched = f;
}

static void fail_at(const char *file, int line)
{
	_fail(file, line);
}

static void describe_ioas(struct iommufd_ioas *ioas, size_t number, FILE *out)
{
	struct iommufd_mapping m = { .size = sizeof(m) };
	struct iommufd_range range[64];
	size_t count = ARRAY_SIZE(range);
	uint64_t from = 0, align = 0;

	if (iommufd_ioas_get_ranges(ioas, range, &count)) {
		fprintf(out, "ioas %zu: no ranges\n", number);
		count = 0;
	}
	iommufd_ioas_get_alignment(ioas, &align);
	fprintf(out, "ioas %zu: align %#" PRIx64, number, align);
	for (size_t i = 0; i < count && i < ARRAY_SIZE(range); i++)
		fprintf(out, " %#" PRIx64 "-%#" PRIx64, range[i].start, range[i].last);
	fprintf(out, "\n");
	do {
		if (iommufd_ioas_next_mapping(ioas, from, &m))
			return;
		fprintf(out, "ioas %zu: iova %#" PRIx64 " length %#" PRIx64 " va %#" PRIx64, number,
			m.iova, m.length, m.va);
		fprintf(out, " offset %#" PRIx64 " flags %#" PRIx32 " memory %" PRIu32 "\n",
			m.offset, m.flags, m.memory);
		from = m.iova + m.length;
	} while (from);
}

static void describe_device(struct iommufd_device *dev, size_t number, FILE *out)
{
	struct iommufd_ioas *ioas = NULL;
	uint32_t id = 0;

	if (iommufd_device_get_ioas(dev, &ioas) || !ioas) {
		fprintf(out, "device %zu: not attached\n", number);
		return;
	}
	iommufd_ioas_get_id(ioas, &id);
	iommufd_ioas_unref(ioas);
	fprintf(out, "device %zu: attached to %" PRIu32 "\n", number, id);
}

static void describe(char *text, size_t room)
{
	FILE *out = fmemopen(text, room, "w");

	*text = 0;
	if (!out)
		return;
	for (size_t i = 0; watched && i < ARRAY_SIZE(watched->held); i++) {
		struct held *h = &watched->held[i];

		if (h->kind == IOAS)
			describe_ioas(h->object, i, out);
		else if (h->kind == DEVICE)
			describe_device(h->object, i, out);
	}
	fclose(out);
}

void expect_ok(int rc, const char *call, const char *file, int line)
{
	const struct iommufd_error *e = iommufd_error_last();

	if (rc == 0)
		return;
	print_error("%s\n  returned %d (%s)\n", call, rc, strerror(rc < 0 ? -rc : rc));
	if (e->code == rc)
		print_error("  %s on %s: %s; %s\n", e->operation, e->object, e->message, e->remedy);
	fail_at(file, line);
}

/* Another failure goes before, so that an old record cannot pass for a new one. */
void expect_error_begin(const char *call)
{
	describe(before, sizeof(before));
	if (strstr(call, "iommufd_irq_trigger"))
		iommufd_region_unmap(NULL, NULL);
	else
		iommufd_irq_trigger(NULL, 0, 0, 0);
	marker = *iommufd_error_last();
}

const struct iommufd_error *expected_record(void)
{
	return &record;
}

static const char *fault_of_record(const struct iommufd_error *e, int code)
{
	if (!memcmp(e, &marker, sizeof(*e)))
		return "left no error record";
	if (e->code != code)
		return "left a record with another code";
	if (!*e->operation)
		return "left a record without operation";
	if (!*e->object)
		return "left a record without object";
	if (!*e->message)
		return "left a record without message";
	if (!*e->remedy)
		return "left a record without remedy";
	return NULL;
}

void expect_error(int rc, int code, const char *call, const char *file, int line)
{
	const struct iommufd_error *e = iommufd_error_last();
	const char *fault;

	if (rc != code) {
		print_error("%s\n  returned %d (%s), not %d (%s)\n", call, rc,
			    strerror(rc < 0 ? -rc : 0), code, strerror(-code));
		if (rc < 0 && e->code == rc)
			print_error("  %s on %s: %s; %s\n", e->operation, e->object, e->message,
				    e->remedy);
		fail_at(file, line);
	}
	record = *e; /* looking at the state below may overwrite it */
	fault = fault_of_record(e, code);
	if (fault) {
		print_error("%s\n  %s: %d, '%s' on '%s': '%s'; '%s'\n", call, fault, e->code,
			    e->operation, e->object, e->message, e->remedy);
		fail_at(file, line);
	}
	describe(now, sizeof(now));
	if (strcmp(before, now)) {
		print_error("%s\n  failed and changed something\nbefore:\n%safter:\n%s", call,
			    before, now);
		fail_at(file, line);
	}
}
