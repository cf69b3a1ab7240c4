/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mapping: memory, files, many pieces, copies. */
#include "run.h"

#include <string.h>

enum { MAX_PIECES = 6 };

/* Where the library may choose. */
static void draw_window(uint64_t *g, struct want *want, struct iommufd_map_opts *opts)
{
	static const uint64_t aligns[] = { 1, PAGE, 2 * PAGE, 16 * PAGE, MIB, 2 * MIB, GIB };

	*opts = (struct iommufd_map_opts){ .size = sizeof(*opts) };
	if (chance(g, 30))
		opts->align = aligns[below(g, ARRAY_SIZE(aligns))];
	switch (below(g, 4)) {
	case 0: /* narrow, often too narrow */
		opts->min = MIB + below(g, 192) * PAGE + (chance(g, 10) ? below(g, PAGE) : 0);
		opts->last = opts->min + below(g, 64) * PAGE + below(g, PAGE);
		break;
	case 1:
		opts->last = UINT32_MAX;
		break;
	case 2:
		opts->min = GIB * below(g, 64);
		break;
	}
	want->min = opts->min;
	want->last = opts->last;
	want->align = opts->align;
}

/* Half of the requests say where, the others where about. */
static void draw_want(struct run *r, int i, uint64_t *g, uint64_t length, struct want *want,
		      struct iommufd_map_opts *opts, const struct iommufd_map_opts **given)
{
	*want = (struct want){ .length = length };
	*given = NULL;
	if (chance(g, 50)) {
		want->fixed = true;
		want->iova = some_iova(r, i, g, length);
	} else if (chance(g, 50)) {
		draw_window(g, want, opts);
		*given = opts;
	}
}

static const char *where(const struct want *want)
{
	static char text[100];

	if (want->fixed)
		snprintf(text, sizeof(text), "at %#llx", (ull)want->iova);
	else if (want->min || want->last || want->align)
		snprintf(text, sizeof(text), "in %#llx..%#llx align %#llx", (ull)want->min,
			 (ull)(want->last ? want->last : UINT64_MAX), (ull)want->align);
	else
		snprintf(text, sizeof(text), "anywhere");
	return text;
}

/* The library's choice, or the IOVA that was asked for. */
static bool is_placed(struct run *r, int i, const struct want *want, uint64_t iova)
{
	if (!want->fixed)
		chose(r, iova);
	if (model_is_legal(&r->model, i, want, iova))
		return true;
	differ(r, "iova %#llx is not where a mapping of %#llx bytes %s may be", (ull)iova,
	       (ull)want->length, where(want));
	return false;
}

/* Huge pages must be possible where there is nothing in the way. */
static bool is_congruent(struct run *r, int i, const struct want *want, uint64_t memory,
			 uint64_t iova)
{
	if (want->fixed || want->min || want->last || want->align || want->length < 2 * MIB ||
	    r->model.ioas[i].protected || !((iova ^ memory) & (2 * MIB - 1)))
		return true;
	differ(r, "iova %#llx keeps memory %#llx from huge pages", (ull)iova, (ull)memory);
	return false;
}

static struct mapping new_mapping(const struct want *want, uint64_t iova, uint64_t memory,
				  bool file, uint32_t access)
{
	return (struct mapping){
		.iova = iova, .last = iova + (want->length - 1), .memory = memory, .file = file,
		.access = access, .pins_to_write = access & IOMMUFD_MAP_WRITE,
	};
}

/* What comes of a request for this memory, the place being what it is. */
static int judge(const struct run *r, int i, const struct want *want, uint64_t memory, bool file,
		 uint32_t access)
{
	struct mapping map = new_mapping(want, 0, memory, file, access);
	int rc = model_place(&r->model, i, want);

	return rc ? rc : model_pin(&r->model, i, &map);
}

static uint32_t flags_of(const struct want *want, uint32_t access)
{
	return access | (want->fixed ? IOMMUFD_MAP_FIXED : 0u);
}

static void map_one(struct run *r, int i, const struct want *want,
		    const struct iommufd_map_opts *given, uint64_t memory, bool file, uint32_t access)
{
	uint64_t iova = want->iova;
	int expected = judge(r, i, want, memory, file, access), rc;

	if (file)
		rc = iommufd_ioas_map_file(r->ioas[i], r->mem->fd, memory, want->length,
					   flags_of(want, access), &iova, given);
	else
		rc = iommufd_ioas_map(r->ioas[i], (void *)(uintptr_t)memory, want->length,
				      flags_of(want, access), &iova, given);
	if (!answered(r, rc, expected) || rc || !is_placed(r, i, want, iova) ||
	    !is_congruent(r, i, want, memory, iova))
		return;
	model_add(&r->model, i, new_mapping(want, iova, memory, file, access));
}

/* Right behind another one, in IOVA and in memory: lookups go on, containers may join them. */
static void draw_next(const struct run *r, int i, uint64_t *g, struct want *want, uint64_t *va)
{
	const struct mapping *map = some_mapping(r, i, g);
	uint64_t length = (1 + below(g, 4)) * PAGE;

	if (!map || map->file || map->last > UINT64_MAX - MIB)
		return;
	*want = (struct want){ .length = length, .fixed = true, .iova = map->last + 1 };
	*va = map->memory + (map->last - map->iova) + 1;
	if (r->profile.wild && chance(g, 15)) /* and gone wrong there */
		*va = (uintptr_t)r->mem->pool + NORMAL_SIZE + READ_ONLY_SIZE + MIB;
}

void op_map(struct run *r, uint64_t *g)
{
	const struct iommufd_map_opts *given;
	struct iommufd_map_opts opts;
	uint64_t va, length;
	uint32_t access = some_access(g);
	struct want want;
	int i = some_ioas(r, g);

	if (i < 0)
		return nothing_to_do(r);
	va = some_memory(r, i, g, access, &length);
	draw_want(r, i, g, length, &want, &opts, &given);
	if (want.fixed && chance(g, 30))
		draw_next(r, i, g, &want, &va);
	say(r, "map ioas %d: %s, %#llx bytes, %s, %s", i, memory_name(r->mem, va), (ull)want.length,
	    access_name(access), where(&want));
	map_one(r, i, &want, given, va, false, access);
}

void op_map_file(struct run *r, uint64_t *g)
{
	uint64_t pages = chance(g, 5) ? 512 + below(g, 8) : 1 + below(g, 12);
	uint64_t offset = below(g, FILE_SIZE / PAGE - pages + 1) * PAGE;
	const struct iommufd_map_opts *given;
	struct iommufd_map_opts opts;
	uint32_t access = some_access(g);
	struct want want;
	int i = some_ioas(r, g);

	if (i < 0)
		return nothing_to_do(r);
	draw_want(r, i, g, pages * PAGE, &want, &opts, &given);
	say(r, "map_file ioas %d: offset %#llx, %#llx bytes, %s, %s", i, (ull)offset,
	    (ull)want.length, access_name(access), where(&want));
	map_one(r, i, &want, given, offset, true, access);
}

/* -- many pieces */

struct pieces {
	struct iommufd_map_vec vec[MAX_PIECES];
	size_t count;
	bool fixed, joined;
};

/* Often next to each other, in memory and where they go; sometimes one is no good. */
static void draw_pieces(struct run *r, int i, uint64_t *g, uint32_t access, struct pieces *p)
{
	p->fixed = chance(g, 60);
	p->joined = chance(g, 50);
	p->count = 1 + below(g, MAX_PIECES);
	/* Whether several fit in little room depends on what is chosen for the first. */
	if (!p->fixed && r->model.ioas[i].protected)
		p->count = 1;
	for (size_t n = 0; n < p->count; n++) {
		struct iommufd_map_vec *v = &p->vec[n], *before = v - 1;
		uint64_t length, va = some_memory(r, i, g, access, &length);
		uint64_t iova = some_iova(r, i, g, length);

		if (n && chance(g, 60))
			va = (uintptr_t)before->va + before->length;
		if (n && chance(g, 70) && before->iova + before->length > before->iova &&
		    before->iova + before->length <= UINT64_MAX - length)
			iova = before->iova + before->length;
		*v = (struct iommufd_map_vec){ (void *)(uintptr_t)va, length, iova };
		if (!chance(g, 3))
			continue;
		switch (below(g, 3)) {
		case 0:
			v->length = 0;
			break;
		case 1:
			v->length += 1;
			break;
		case 2:
			v->va = NULL;
			break;
		}
	}
}

static bool is_bad(const struct iommufd_map_vec *v)
{
	return !v->va || !v->length || (v->length | (uintptr_t)v->va | v->iova) & (PAGE - 1);
}

/* How many pieces from @n on are one mapping. */
static size_t run_from(const struct pieces *p, size_t n, uint64_t *length)
{
	size_t end = n + 1;

	*length = p->vec[n].length;
	while (p->joined && end < p->count &&
	       (uintptr_t)p->vec[end].va == (uintptr_t)p->vec[n].va + *length &&
	       (!p->fixed || (p->vec[end].iova == p->vec[n].iova + *length &&
			      p->vec[end].iova > p->vec[n].iova)))
		*length += p->vec[end++].length;
	return end - n;
}

/* Piece by piece, each in an IOAS that has those before it; all are taken back at the end. */
static int judge_pieces(struct run *r, int i, const struct pieces *p, uint32_t access,
			size_t *failed)
{
	uint64_t length, bytes;
	size_t n, end, done = 0;
	int rc = 0;

	for (n = 0; n < p->count && !rc; n = end) {
		struct want want = { .fixed = p->fixed, .iova = p->vec[n].iova };

		end = n + run_from(p, n, &length);
		*failed = n;
		for (size_t at = n; at < end && !rc; at++)
			if (is_bad(&p->vec[at])) {
				*failed = at;
				rc = -EINVAL;
			}
		want.length = length;
		if (!rc)
			rc = judge(r, i, &want, (uintptr_t)p->vec[n].va, false, access);
		if (rc)
			break;
		done = end;
		if (p->fixed)
			model_add(&r->model, i, new_mapping(&want, want.iova,
							    (uintptr_t)p->vec[n].va, false,
							    access));
	}
	for (n = 0; p->fixed && n < done; n++)
		if (n + run_from(p, n, &length) <= done) {
			model_unmap(&r->model, i, p->vec[n].iova, p->vec[n].iova + (length - 1),
				    &bytes);
			n += run_from(p, n, &length) - 1;
		}
	return rc;
}

/* What was mapped, as the answer tells it. */
static void take_pieces(struct run *r, int i, const struct pieces *before,
			const struct pieces *after, uint32_t access)
{
	size_t n, end;
	uint64_t length;

	for (n = 0; n < before->count; n = end) {
		uint64_t iova = after->vec[n].iova, at = iova;
		struct want want = { .fixed = before->fixed, .iova = before->vec[n].iova };

		end = n + run_from(before, n, &length);
		want.length = length;
		if (!is_placed(r, i, &want, iova))
			return;
		for (size_t k = n; k < end; at += before->vec[k++].length)
			if (after->vec[k].iova != at) {
				differ(r, "piece %zu is said to be at %#llx, not %#llx", k,
				       (ull)after->vec[k].iova, (ull)at);
				return;
			}
		model_add(&r->model, i, new_mapping(&want, iova, (uintptr_t)before->vec[n].va,
						    false, access));
	}
}

void op_mapv(struct run *r, uint64_t *g)
{
	uint32_t access = some_access(g);
	size_t failed = SIZE_MAX, wrong = SIZE_MAX;
	struct pieces p, after;
	int i = some_ioas(r, g), expected, rc;

	if (i < 0)
		return nothing_to_do(r);
	draw_pieces(r, i, g, access, &p);
	say(r, "mapv ioas %d: %zu pieces%s%s, %s", i, p.count, p.fixed ? " fixed" : "",
	    p.joined ? " coalesce" : "", access_name(access));
	for (size_t n = 0; n < p.count; n++)
		say(r, "; %s, %#zx bytes, at %#llx", memory_name(r->mem, (uintptr_t)p.vec[n].va),
		    p.vec[n].length, (ull)p.vec[n].iova);
	expected = judge_pieces(r, i, &p, access, &wrong);
	after = p;
	rc = iommufd_ioas_mapv(r->ioas[i], after.vec, after.count,
			       access | (p.fixed ? IOMMUFD_MAP_FIXED : 0u) |
			       (p.joined ? IOMMUFD_MAP_COALESCE : 0u), NULL, &failed);
	if (!answered(r, rc, expected))
		return;
	if (rc)
		gave(r, "failed", failed, wrong);
	else
		take_pieces(r, i, &p, &after, access);
}

/* -- copies */

/* Copies share the pinned pages, and so what these were pinned for. */
static void pin_copy(struct run *r, struct mapping *piece, uint32_t access)
{
	bool writes = access & IOMMUFD_MAP_WRITE;

	if (piece->file || memory_usable(r->mem, piece->memory, piece->last - piece->iova + 1, true))
		return; /* it can be pinned either way */
	if (piece->pins_to_write != writes && !model_can(&r->model, IOMMUFD_CAP_COPY))
		piece->pins_to_write = writes;
}

static int judge_copy(struct run *r, int dst, int src, uint64_t from, uint32_t access,
		      const struct want *want)
{
	struct mapping piece;
	uint64_t left;
	int rc = 0;

	for (left = want->length; left; left -= piece.last - piece.iova + 1) {
		if (!model_piece(&r->model, src, from + (want->length - left), left, &piece))
			return -ENOENT;
		if (access & IOMMUFD_MAP_WRITE && !(piece.access & IOMMUFD_MAP_WRITE))
			return -EPERM;
	}
	rc = model_place(&r->model, dst, want);
	for (left = want->length; left && !rc; left -= piece.last - piece.iova + 1) {
		model_piece(&r->model, src, from + (want->length - left), left, &piece);
		pin_copy(r, &piece, access);
		rc = model_pin(&r->model, dst, &piece);
	}
	return rc;
}

static void take_copy(struct run *r, int dst, int src, uint64_t from, uint32_t access,
		      uint64_t length, uint64_t iova)
{
	for (uint64_t done = 0, part; done < length; done += part) {
		struct mapping piece;

		/* In a copy within one IOAS the new mappings are not in the source range. */
		model_piece(&r->model, src, from + done, length - done, &piece);
		part = piece.last - piece.iova + 1;
		piece.iova = iova + done;
		piece.last = piece.iova + (part - 1);
		piece.access = access;
		pin_copy(r, &piece, access);
		model_add(&r->model, dst, piece);
	}
}

/* A range of the source: a mapping, a part of one, several, or one with a hole. */
static uint64_t draw_source(const struct run *r, int src, uint64_t *g, uint64_t *from)
{
	const struct mapping *map = some_mapping(r, src, g);
	uint64_t length, pages, skip;

	if (!map || chance(g, 10)) {
		length = (1 + below(g, 8)) * PAGE;
		*from = some_iova(r, src, g, length);
		return length;
	}
	pages = (map->last - map->iova + 1) / PAGE;
	skip = chance(g, 40) ? below(g, pages) : 0;
	*from = map->iova + skip * PAGE;
	length = chance(g, 50) ? (pages - skip) * PAGE : (1 + below(g, pages - skip)) * PAGE;
	if (chance(g, 25)) /* into the next mapping, if it adjoins */
		length = (pages - skip + 1 + below(g, 4)) * PAGE;
	return *from + (length - 1) < *from ? (pages - skip) * PAGE : length;
}

void op_copy(struct run *r, uint64_t *g)
{
	const struct iommufd_map_opts *given;
	struct iommufd_map_opts opts;
	int dst = some_ioas(r, g), src = some_ioas(r, g), expected, rc;
	uint32_t access = some_access(g);
	uint64_t from, length, iova;
	struct want want;

	if (dst < 0 || src < 0)
		return nothing_to_do(r);
	length = draw_source(r, src, g, &from);
	draw_want(r, dst, g, length, &want, &opts, &given);
	iova = want.iova;
	say(r, "copy ioas %d from ioas %d: %#llx, %#llx bytes, %s, %s", dst, src, (ull)from,
	    (ull)length, access_name(access), where(&want));
	expected = judge_copy(r, dst, src, from, access, &want);
	rc = iommufd_ioas_copy(r->ioas[dst], r->ioas[src], from, length, flags_of(&want, access),
			       &iova, given);
	if (!answered(r, rc, expected) || rc || !is_placed(r, dst, &want, iova))
		return;
	take_copy(r, dst, src, from, access, length, iova);
}
