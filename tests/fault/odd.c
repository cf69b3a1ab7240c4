/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "odd.h"

#include <stdlib.h>
#include <sys/mman.h>

static const struct pair pairs[] = {
	{ "cdev+iommufd", 1, 0 },
	{ "group+iommufd", 1, 1 },
	{ "group+type1", 0, 1 },
};

const struct pair *pair;

bool next_pair(void)
{
	const char *only = getenv("LIBIOMMUFD_BACKEND");

	do
		pair = pair ? pair + 1 : pairs;
	while (pair < pairs + sizeof(pairs) / sizeof(*pairs) && only && *only &&
	       strcmp(only, pair->name));
	return pair < pairs + sizeof(pairs) / sizeof(*pairs);
}

static const struct iommufd_sys *real;
int (*bend)(int fd, unsigned long request, void *arg, int rc);
ssize_t (*bend_read)(void *buf, size_t n, uint64_t at, ssize_t rc);

static int bent_ioctl(void *data, int fd, unsigned long request, void *arg)
{
	int rc = real->ioctl(data, fd, request, arg);

	return bend ? bend(fd, request, arg, rc) : rc;
}

static ssize_t bent_pread(void *data, int fd, void *buf, size_t n, uint64_t offset)
{
	ssize_t rc = real->pread(data, fd, buf, n, offset);

	return bend_read ? bend_read(buf, n, offset, rc) : rc;
}

int odd_setup(void **state)
{
	static struct setting s;
	struct iommufd_ctx_opts opts = {
		.size = sizeof(opts), .sys = &s.sys, .backend = pair->name,
	};

	memset(&s, 0, sizeof(s));
	bend = NULL;
	bend_read = NULL;
	*state = &s;
	s.data = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (iommufd_emu_new(NULL, &s.emu))
		return -1;
	real = iommufd_emu_get_sys(s.emu);
	s.sys = *real;
	s.sys.ioctl = bent_ioctl;
	s.sys.pread = bent_pread;
	return iommufd_ctx_new(&opts, &s.ctx) || iommufd_ioas_new(s.ctx, NULL, &s.ioas);
}

int odd_teardown(void **state)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };
	struct setting *s = *state;

	bend = NULL;
	bend_read = NULL;
	iommufd_device_unref(s->dev);
	iommufd_ioas_unref(s->ioas);
	iommufd_ctx_unref(s->ctx);
	munmap(s->data, 8 * PAGE);
	iommufd_emu_get_counts(s->emu, &c);
	iommufd_emu_unref(s->emu);
	return c.fds + c.ioas + c.bound + c.mappings + c.bar_maps + c.groups + c.containers ? -1 : 0;
}

void open_device(struct setting *s)
{
	assert_int_equal(iommufd_device_open(s->ctx, "0000:00:06.0", NULL, &s->dev), 0);
}
