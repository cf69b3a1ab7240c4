/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Calls with one thing wrong. Nothing changes, which the walks see. */
#include "run.h"

#include <string.h>

#define FIXED_RW (MAP_RW | IOMMUFD_MAP_FIXED)
#define UNKNOWN_FLAG (1u << 20)

struct future_opts {
	struct iommufd_map_opts known;
	uint64_t unknown;
};

/* Where a good request would succeed, so that what is wrong is what is refused. */
static uint64_t free_iova(const struct run *r, int i)
{
	uint64_t iova = 3 * GIB;

	while (model_touched(&r->model, i, iova, iova + 8 * PAGE))
		iova += 16 * PAGE;
	return iova;
}

/* One of the ways to ask map, map_file or mapv for what they must not do. */
struct bad_map {
	const char *what;
	int code;
	uint64_t va, length, iova; /* added to what is good; length is the whole */
	uint32_t flags;            /* in place of the good ones, if any */
	size_t opts_size;
	uint64_t align, min, last, unknown;
};

static const struct bad_map bad_maps[] = {
	{ "no length", -EINVAL, .length = 0 },
	{ "half a page", -EINVAL, .length = PAGE / 2 },
	{ "memory not aligned", -EINVAL, .va = 8, .length = PAGE },
	{ "iova not aligned", -EINVAL, .iova = PAGE / 2, .length = PAGE },
	{ "no access", -EINVAL, .length = PAGE, .flags = IOMMUFD_MAP_FIXED },
	{ "unknown flag", -EOPNOTSUPP, .length = PAGE, .flags = FIXED_RW | UNKNOWN_FLAG },
	{ "fixed and options", -EINVAL, .length = PAGE, .opts_size = sizeof(struct iommufd_map_opts) },
	{ "options without size", -EINVAL, .length = PAGE, .flags = MAP_RW, .opts_size = 0,
	  .align = PAGE },
	{ "options of the future", -E2BIG, .length = PAGE, .flags = MAP_RW,
	  .opts_size = sizeof(struct future_opts), .unknown = 1 },
	{ "odd alignment", -EINVAL, .length = PAGE, .flags = MAP_RW,
	  .opts_size = sizeof(struct future_opts), .align = 3 * PAGE },
	{ "window inside out", -EINVAL, .length = PAGE, .flags = MAP_RW,
	  .opts_size = sizeof(struct future_opts), .min = 2 * PAGE, .last = PAGE },
	{ "longer than what is left", -EOVERFLOW, .length = 0 - 2 * PAGE },
};

void op_bad_map(struct run *r, uint64_t *g)
{
	const struct bad_map *bad = &bad_maps[below(g, ARRAY_SIZE(bad_maps))];
	struct future_opts opts = {
		.known = { bad->opts_size, bad->min, bad->last, bad->align },
		.unknown = bad->unknown,
	};
	const struct iommufd_map_opts *given = bad->opts_size || bad->align ? &opts.known : NULL;
	uint32_t flags = bad->flags ? bad->flags : FIXED_RW;
	void *va = r->mem->pool + bad->va;
	struct iommufd_map_vec vec;
	int i = some_ioas(r, g), rc;
	uint64_t iova, before;
	size_t failed = 7;

	if (i < 0)
		return nothing_to_do(r);
	iova = before = free_iova(r, i) + bad->iova;
	vec = (struct iommufd_map_vec){ va, bad->length, iova };
	switch (below(g, 3)) {
	case 0:
		say(r, "map ioas %d: %s", i, bad->what);
		rc = iommufd_ioas_map(r->ioas[i], va, bad->length, flags, &iova, given);
		break;
	case 1:
		say(r, "map_file ioas %d: %s", i, bad->what);
		rc = iommufd_ioas_map_file(r->ioas[i], r->mem->fd, bad->va, bad->length, flags,
					   &iova, given);
		break;
	default:
		say(r, "mapv ioas %d: %s", i, bad->what);
		rc = iommufd_ioas_mapv(r->ioas[i], &vec, 1, flags, given, &failed);
		iova = vec.iova;
		break;
	}
	if (answered(r, rc, bad->code))
		gave(r, "iova", iova, before);
}

void op_bad_unmap(struct run *r, uint64_t *g)
{
	int i = some_ioas(r, g), dst = some_ioas(r, g), code = -EINVAL, rc;
	uint64_t iova, to, unmapped = 7, length = PAGE;
	bool copies = chance(g, 50);
	const struct mapping *map;

	if (i < 0)
		return nothing_to_do(r);
	map = some_mapping(r, i, g);
	iova = map ? map->iova : MIB;
	to = free_iova(r, dst);
	switch (below(g, 4)) {
	case 0:
		length = 0;
		break;
	case 1:
		length = PAGE + 1;
		break;
	case 2:
		iova += 1;
		break;
	default:
		iova = UINT64_MAX - PAGE + 1;
		length = 2 * PAGE;
		code = -EOVERFLOW;
	}
	say(r, "%s ioas %d: %#llx, %#llx bytes", copies ? "copy from" : "unmap", i, (ull)iova,
	    (ull)length);
	if (copies)
		rc = iommufd_ioas_copy(r->ioas[dst], r->ioas[i], iova, length, FIXED_RW, &to, NULL);
	else
		rc = iommufd_ioas_unmap(r->ioas[i], iova, length, &unmapped);
	answered(r, rc, code);
}

/* -- handles and other things that are not there */

static const char *const bad_ioas_calls[] = {
	"map, no ioas", "map, no memory", "map, no iova", "mapv, no pieces", "mapv, count 0",
	"copy from a foreign ioas", "copy to a foreign ioas", "get_ranges, no room",
	"get_alignment, nowhere", "set_huge_pages, 2", "unmap_all, no ioas",
	"next_mapping, nowhere", "map_file, past the end", "map_file, no descriptor",
	"map_file, not open for writing", "map_file, not memory",
};

static int bad_ioas(struct run *r, int i, size_t which, int *code)
{
	struct iommufd_ioas *ioas = r->ioas[i];
	uint64_t iova = free_iova(r, i);
	struct iommufd_map_vec vec = { r->mem->pool, PAGE, iova };
	size_t count = 1;

	*code = -EINVAL;
	switch (which) {
	case 0:
		return iommufd_ioas_map(NULL, vec.va, PAGE, FIXED_RW, &iova, NULL);
	case 1:
		return iommufd_ioas_map(ioas, NULL, PAGE, FIXED_RW, &iova, NULL);
	case 2:
		return iommufd_ioas_map(ioas, vec.va, PAGE, FIXED_RW, NULL, NULL);
	case 3:
		return iommufd_ioas_mapv(ioas, NULL, 1, FIXED_RW, NULL, NULL);
	case 4:
		return iommufd_ioas_mapv(ioas, &vec, 0, FIXED_RW, NULL, NULL);
	case 5:
		return iommufd_ioas_copy(ioas, r->foreign, MIB, PAGE, FIXED_RW, &iova, NULL);
	case 6:
		return iommufd_ioas_copy(r->foreign, ioas, MIB, PAGE, FIXED_RW, &iova, NULL);
	case 7:
		return iommufd_ioas_get_ranges(ioas, NULL, &count);
	case 8:
		return iommufd_ioas_get_alignment(ioas, NULL);
	case 9:
		return iommufd_ioas_set_huge_pages(ioas, 2);
	case 10:
		return iommufd_ioas_unmap_all(NULL, NULL);
	case 11: /* nothing to tell is no less true */
		*code = r->model.ioas[i].count ? -EINVAL : -ENOENT;
		return iommufd_ioas_next_mapping(ioas, 0, NULL);
	case 12:
		return iommufd_ioas_map_file(ioas, r->mem->fd, FILE_SIZE - PAGE, 2 * PAGE, FIXED_RW,
					     &iova, NULL);
	case 13:
		*code = -EBADF;
		return iommufd_ioas_map_file(ioas, -1, 0, PAGE, FIXED_RW, &iova, NULL);
	case 14:
		*code = -EBADF;
		return iommufd_ioas_map_file(ioas, r->mem->fd_read_only, 0, PAGE, FIXED_RW, &iova,
					     NULL);
	}
	*code = -EOPNOTSUPP;
	return iommufd_ioas_map_file(ioas, r->mem->fd_other, 0, PAGE, FIXED_RW, &iova, NULL);
}

static const char *const bad_device_calls[] = {
	"attach to a foreign ioas", "replace to a foreign ioas", "attach, no device",
	"detach, no device", "get_ioas, nowhere", "open, not a name", "open, no such device",
	"open, unknown flag",
};

static int bad_device(struct run *r, int i, int d, size_t which, int *code)
{
	struct iommufd_device_opts opts = { .size = sizeof(opts), .flags = UINT64_C(1) << 40 };
	struct iommufd_device *dev = NULL;

	*code = -EINVAL;
	switch (which) {
	case 0:
		return iommufd_device_attach(r->dev[d], r->foreign);
	case 1:
		return iommufd_device_replace(r->dev[d], r->foreign);
	case 2:
		return iommufd_device_attach(NULL, r->ioas[i]);
	case 3:
		return iommufd_device_detach(NULL);
	case 4:
		return iommufd_device_get_ioas(r->dev[d], NULL);
	case 5:
		return iommufd_device_open(r->ctx, "not a name", NULL, &dev);
	case 6:
		*code = -ENOENT;
		return iommufd_device_open(r->ctx, "0000:7f:1f.7", NULL, &dev);
	}
	*code = -EOPNOTSUPP;
	return iommufd_device_open(r->ctx, r->hw->name[d], &opts, &dev);
}

void op_bad_other(struct run *r, uint64_t *g)
{
	int i = some_ioas(r, g), d = some_device(r, g), code, rc;
	size_t which = below(g, ARRAY_SIZE(bad_ioas_calls));

	if (i < 0)
		return nothing_to_do(r);
	if (d < 0 || chance(g, 60)) {
		say(r, "ioas %d: %s", i, bad_ioas_calls[which]);
		rc = bad_ioas(r, i, which, &code);
	} else {
		which = below(g, ARRAY_SIZE(bad_device_calls));
		say(r, "device %d: %s", d, bad_device_calls[which]);
		rc = bad_device(r, i, d, which, &code);
	}
	answered(r, rc, code);
}
