/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "run.h"

#include "config.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libiommufd/emu.h>

const struct op_kind op_kinds[NUM_OPS] = {
	[OP_MAP] = { "map", 214, op_map },
	[OP_MAP_FILE] = { "map_file", 45, op_map_file },
	[OP_MAPV] = { "mapv", 50, op_mapv },
	[OP_COPY] = { "copy", 80, op_copy },
	[OP_UNMAP] = { "unmap", 200, op_unmap },
	[OP_UNMAP_ALL] = { "unmap_all", 6, op_unmap_all },
	[OP_OPEN] = { "open", 25, op_open },
	[OP_CLOSE] = { "close", 10, op_close },
	[OP_ATTACH] = { "attach", 60, op_attach },
	[OP_DETACH] = { "detach", 35, op_detach },
	[OP_REPLACE] = { "replace", 35, op_replace },
	[OP_IOAS_NEW] = { "ioas_new", 15, op_ioas_new },
	[OP_IOAS_UNREF] = { "ioas_unref", 8, op_ioas_unref },
	[OP_IOAS_RECOVER] = { "get_ioas", 12, op_ioas_recover },
	[OP_RANGES] = { "ranges", 30, op_ranges },
	[OP_PROTECT] = { "allow", 8, op_protect },
	[OP_HUGE_PAGES] = { "huge_pages", 6, op_huge_pages },
	[OP_VA_TO_IOVA] = { "va_to_iova", 45, op_va_to_iova },
	[OP_IOVA_TO_VA] = { "iova_to_va", 40, op_iova_to_va },
	[OP_NEXT] = { "next_mapping", 20, op_next },
	[OP_WALK] = { "walk", 6, op_walk },
	[OP_BAD_MAP] = { "bad map", 20, op_bad_map },
	[OP_BAD_UNMAP] = { "bad unmap", 10, op_bad_unmap },
	[OP_BAD_OTHER] = { "bad call", 20, op_bad_other },
	[OP_DMA] = { "dma", 0, op_dma },
};

/* An IOAS and a device or two come first. */
static uint32_t draw_kind(const struct profile *profile, size_t n, uint64_t *g, unsigned int dma)
{
	unsigned int dice = (unsigned int)below(g, 1000);
	uint32_t kind = 0;

	if (n < 4)
		return n % 2 ? OP_OPEN : OP_IOAS_NEW;
	if (dma && !below(g, dma))
		return OP_DMA;
	while (kind < OP_DMA && dice >= op_kinds[kind].weight)
		dice -= op_kinds[kind++].weight;
	if (kind == OP_DMA || (profile->dense && chance(g, 75) &&
			       (kind == OP_UNMAP || kind == OP_UNMAP_ALL || kind == OP_IOAS_UNREF)))
		return OP_MAP;
	return kind;
}

void stream_fill(struct stream *s, uint64_t seed, unsigned int dma)
{
	uint64_t g = seed;

	s->seed = seed;
	s->profile = (struct profile){
		.wild = chance(&g, 25), .protect = chance(&g, 25), .special = chance(&g, 40),
		.dense = chance(&g, 20),
	};
	for (size_t n = 0; n < s->count; n++) {
		s->ops[n].kind = draw_kind(&s->profile, n, &g, dma);
		s->ops[n].seed = draw(&g);
	}
}

/* -- what operations say and hear */

void say(struct run *r, const char *fmt, ...)
{
	va_list args;

	if (!r->out)
		return;
	va_start(args, fmt);
	vfprintf(r->out, fmt, args);
	va_end(args);
}

void differ(struct run *r, const char *fmt, ...)
{
	va_list args;

	if (r->failed)
		return;
	r->failed = true;
	va_start(args, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, args);
	va_end(args);
}

const char *code_name(int rc)
{
	static char text[4][32];
	static unsigned int turn;
	char *out = text[turn++ % 4];

	snprintf(out, sizeof(text[0]), "%d", rc);
#ifdef HAVE_STRERRORNAME_NP
	if (rc < 0 && strerrorname_np(-rc))
		snprintf(out, sizeof(text[0]), "-%s", strerrorname_np(-rc));
#endif
	return out;
}

bool answered_quietly(struct run *r, int rc, int expected)
{
	r->now.rc = rc;
	if (rc == expected)
		return true;
	differ(r, "answered %s, not %s", code_name(rc), code_name(expected));
	return false;
}

bool answered(struct run *r, int rc, int expected)
{
	const struct iommufd_error *e = iommufd_error_last();

	if (!answered_quietly(r, rc, expected)) {
		if (rc < 0)
			snprintf(r->text + strlen(r->text), sizeof(r->text) - strlen(r->text),
				 ": %s: %s", e->operation, e->message);
		return false;
	}
	if (rc < 0 && (e->code != rc || !*e->operation || !*e->object || !*e->message ||
		       !*e->remedy)) {
		differ(r, "the error record is of %s", code_name(e->code));
		return false;
	}
	return true;
}

bool answered_either(struct run *r, int rc, int expected, int other)
{
	if (rc != other)
		return answered(r, rc, expected);
	if (!answered(r, rc, other))
		return false;
	r->now.rc = expected;
	return true;
}

bool gave(struct run *r, const char *what, uint64_t value, uint64_t expected)
{
	r->now.values = (r->now.values ^ value) * UINT64_C(0x100000001b3);
	if (value == expected)
		return true;
	differ(r, "%s is %#llx, not %#llx", what, (ull)value, (ull)expected);
	return false;
}

void chose(struct run *r, uint64_t iova)
{
	r->now.choices = (r->now.choices ^ iova) * UINT64_C(0x100000001b3);
}

void nothing_to_do(struct run *r)
{
	r->now.rc = NOTHING_TO_DO;
}

/* -- the machine */

bool is_emulated(void)
{
	const char *set = getenv("LIBIOMMUFD_EMU");

	return set && *set && strcmp(set, "0");
}

static int find_names(struct hardware *hw)
{
	const char *list = getenv("LIBIOMMUFD_TEST_DEVICES");

	if (!list)
		list = "0000:00:03.0 0000:00:04.0 0000:01:01.0 0000:01:02.0";
	return sscanf(list, "%63s %63s %63s %63s", hw->name[0], hw->name[1], hw->name[2],
		      hw->name[3]) == NUM_DEVICES ? 0 : -ENODEV;
}

static int learn_device(struct iommufd_ctx *ctx, struct iommufd_ioas *ioas, int d,
			struct hardware *hw)
{
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev;
	int rc = iommufd_device_open(ctx, hw->name[d], NULL, &dev);

	if (rc)
		return rc;
	hw->count[d] = MAX_RANGES;
	rc = iommufd_device_get_info(dev, &info);
	if (!rc)
		rc = iommufd_device_attach(dev, ioas);
	if (!rc)
		rc = iommufd_ioas_get_ranges(ioas, hw->ranges[d], &hw->count[d]);
	if (!rc)
		rc = iommufd_ioas_get_alignment(ioas, &hw->align[d]);
	hw->group[d] = info.group;
	iommufd_device_unref(dev);
	return rc;
}

int run_learn(const char *backend, struct hardware *hw)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = backend };
	struct iommufd_ioas *ioas = NULL;
	struct iommufd_ctx *ctx;
	int rc = iommufd_ctx_new(&opts, &ctx);

	memset(hw, 0, sizeof(*hw));
	if (rc)
		return rc;
	for (uint32_t cap = 0; cap < NUM_CAPS; cap++)
		hw->can[cap] = iommufd_ctx_has(ctx, cap) == 1;
	rc = find_names(hw);
	if (!rc)
		rc = iommufd_ioas_new(ctx, NULL, &ioas);
	for (int d = 0; d < NUM_DEVICES && !rc; d++)
		rc = learn_device(ctx, ioas, d, hw);
	iommufd_ioas_unref(ioas);
	iommufd_ctx_unref(ctx);
	return rc;
}

/* -- a stream */

static bool begin(struct run *r, const char *backend)
{
	struct iommufd_ctx_opts opts = { .size = sizeof(opts), .backend = backend };

	model_begin(&r->model, r->hw, r->mem);
	return answered(r, iommufd_ctx_new(&opts, &r->ctx), 0) &&
	       answered(r, iommufd_ctx_new(&opts, &r->foreign_ctx), 0) &&
	       answered(r, iommufd_ioas_new(r->foreign_ctx, NULL, &r->foreign), 0);
}

/* Whatever order things are let go in. */
static void end(struct run *r, uint64_t g)
{
	bool devices_first = chance(&g, 50), ctx_first = chance(&g, 50);

	if (ctx_first)
		r->ctx = iommufd_ctx_unref(r->ctx);
	for (int d = 0; devices_first && d < NUM_DEVICES; d++)
		r->dev[d] = iommufd_device_unref(r->dev[d]);
	for (int i = 0; i < NUM_IOAS; i++)
		r->ioas[i] = iommufd_ioas_unref(r->ioas[i]);
	for (int d = 0; d < NUM_DEVICES; d++)
		r->dev[d] = iommufd_device_unref(r->dev[d]);
	iommufd_ioas_unref(r->foreign);
	iommufd_ctx_unref(r->foreign_ctx);
	iommufd_ctx_unref(r->ctx);
	model_end(&r->model);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -1;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* Nothing may be left in the emulated kernel. */
static void check_machine(struct run *r)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };
	struct iommufd_emu *emu;

	if (!is_emulated() || iommufd_emu_get_default(&emu))
		return;
	if (iommufd_emu_get_counts(emu, &c) ||
	    c.fds + c.ioas + c.bound + c.attached + c.mappings + c.pinned_pages)
		differ(r, "left in the kernel: %" PRIu64 " fds, %" PRIu64 " ioas, %" PRIu64
		       " bound, %" PRIu64 " attached, %" PRIu64 " mappings, %" PRIu64 " pages",
		       c.fds, c.ioas, c.bound, c.attached, c.mappings, c.pinned_pages);
	iommufd_emu_unref(emu);
}

static void run_op(struct run *r, const struct op *op, size_t n)
{
	uint64_t g = op->seed;

	say(r, "%6zu  ", n);
	r->now = (struct entry){ 0 };
	op_kinds[op->kind].run(r, &g);
	r->now.parted = r->model.parted;
	if (r->now.rc == NOTHING_TO_DO)
		say(r, "%s: nothing to do\n", op_kinds[op->kind].name);
	else
		say(r, ": %s\n", r->now.rc ? code_name(r->now.rc) : "ok");
}

bool run_stream(const char *backend, const struct hardware *hw, const struct memory *mem,
		const struct stream *s, struct entry *trace, struct result *result, FILE *out)
{
	struct run r = { .hw = hw, .mem = mem, .profile = s->profile, .out = out };
	int fds = count_fds();

	result->at = 0;
	if (begin(&r, backend)) {
		for (size_t n = 0; n < s->count && !r.failed; n++) {
			result->at = n;
			run_op(&r, &s->ops[n], n);
			trace[n] = r.now;
			result->outcomes[s->ops[n].kind][r.now.rc > 0 ? MAX_ERRNO : -r.now.rc]++;
		}
		if (!r.failed) {
			result->at = s->count;
			check_all(&r);
		}
	}
	end(&r, s->seed);
	if (!r.failed)
		check_machine(&r);
	if (!r.failed && count_fds() != fds)
		differ(&r, "%d file descriptors before, %d after", fds, count_fds());
	result->failed = r.failed;
	memcpy(result->text, r.text, sizeof(result->text));
	return !r.failed;
}
