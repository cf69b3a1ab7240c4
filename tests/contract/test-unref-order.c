/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* References may be given back in any order; nothing stays open, nothing is lost early. */
#include "edu.h"

#include <sys/wait.h>

enum { CTX, SPACE, COPY, DEVICE1, OBJECTS };

struct setting {
	struct iommufd_ctx *ctx;
	struct iommufd_ioas *ioas, *copy;
	struct iommufd_device *dev;
};

/* A context with all that can hang on it: mappings, a copy, an attached device in use. */
static struct setting build(struct fixture *f, uint8_t *data, int event)
{
	struct setting s;
	uint64_t iova = 0x20000;
	void *bar;

	assert_ok(iommufd_ctx_new(NULL, &s.ctx));
	assert_ok(iommufd_device_open(s.ctx, device_name(f, ALONE1), NULL, &s.dev));
	assert_ok(iommufd_ioas_new(s.ctx, NULL, &s.ioas));
	assert_ok(iommufd_ioas_new(s.ctx, NULL, &s.copy));
	map_at(s.ioas, data, 2 * PAGE, 0x10000);
	assert_ok(iommufd_device_attach(s.dev, s.ioas));
	assert_ok(iommufd_ioas_copy(s.copy, s.ioas, 0x10000, PAGE, FIXED_RW, &iova, NULL));
	assert_ok(iommufd_region_map(s.dev, 0, 0, PAGE, IOMMUFD_REGION_READ, &bar));
	assert_ok(iommufd_irq_enable(s.dev, IOMMUFD_IRQ_MSI, 0, 1, &event));
	return s;
}

/* What is still referenced still works. */
static void use(const struct setting *s)
{
	if (s->ctx)
		assert_non_null(iommufd_ctx_get_backend(s->ctx));
	if (s->ioas)
		assert_int_equal(count_mappings(s->ioas), 1);
	if (s->copy)
		assert_int_equal(count_mappings(s->copy), 1);
	if (s->dev) {
		struct iommufd_ioas *ioas;

		assert_int_equal(edu_read(s->dev, EDU_ID) & 0xff, 0xed);
		assert_ok(iommufd_device_get_ioas(s->dev, &ioas));
		assert_int_equal(count_mappings(ioas), 1);
		iommufd_ioas_unref(ioas);
	}
}

static void drop(struct setting *s, int object)
{
	if (object == CTX)
		s->ctx = iommufd_ctx_unref(s->ctx);
	else if (object == SPACE)
		s->ioas = iommufd_ioas_unref(s->ioas);
	else if (object == COPY)
		s->copy = iommufd_ioas_unref(s->copy);
	else
		s->dev = iommufd_device_unref(s->dev);
	use(s);
}

static void unref_in_every_order(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = get_buffer(f, 2 * PAGE);
	int event = get_eventfd(f), before = count_fds();
	int runs = 0;

	for (int code = 0; code < 4 * 4 * 4 * 4; code++) {
		int order[OBJECTS] = { code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 };
		struct setting s;

		if ((1 << order[0] | 1 << order[1] | 1 << order[2] | 1 << order[3]) != 15)
			continue;
		s = build(f, data, event);
		for (int i = 0; i < OBJECTS; i++)
			drop(&s, order[i]);
		assert_int_equal(count_fds(), before);
		runs++;
	}
	assert_int_equal(runs, 24);
	get_device(f, ALONE1);
}

static void unref_of_siblings_in_either_order(void **state)
{
	struct fixture *f = *state;
	const char *names[] = { device_name(f, SIBLING1), device_name(f, SIBLING2) };
	int before = count_fds();

	for (int i = 0; i < 4; i++) {
		struct iommufd_device *one, *two;
		struct iommufd_ioas *ioas;

		assert_ok(iommufd_device_open(f->ctx, names[0], NULL, &one));
		assert_ok(iommufd_device_open(f->ctx, names[1], NULL, &two));
		assert_ok(iommufd_ioas_new(f->ctx, NULL, &ioas));
		assert_ok(iommufd_device_attach(one, ioas));
		assert_ok(iommufd_device_attach(two, ioas));
		if (i & 1)
			ioas = iommufd_ioas_unref(ioas);
		iommufd_device_unref(i & 2 ? one : two);
		iommufd_device_unref(i & 2 ? two : one);
		iommufd_ioas_unref(ioas);
		assert_int_equal(count_fds(), before);
	}
}

static void unref_counts(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int before = count_fds();
	struct iommufd_device *dev = get_device(f, ALONE1);

	for (int i = 0; i < 100; i++) {
		iommufd_ctx_ref(f->ctx);
		iommufd_ioas_ref(ioas);
		iommufd_device_ref(dev);
	}
	for (int i = 0; i < 100; i++) {
		iommufd_ctx_unref(f->ctx);
		iommufd_ioas_unref(ioas);
		iommufd_device_unref(dev);
	}
	assert_ok(iommufd_device_attach(dev, ioas));
	assert_true(count_fds() > before);
	put_device(f, dev);
	assert_int_equal(count_fds(), before);
}

static void unref_in_a_child_leaves_the_parent_alone(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	struct iommufd_ioas *ioas = get_ioas(f);
	int status;
	pid_t child;

	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_ok(iommufd_device_attach(dev, ioas));
	child = fork();
	if (!child) {
		iommufd_ctx_unref(f->ctx);
		iommufd_ioas_unref(ioas);
		iommufd_device_unref(dev);
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(edu_read(dev, EDU_ID) & 0xff, 0xed);
	assert_ok(iommufd_ioas_unmap(ioas, 0x10000, PAGE, NULL));
	assert_ok(iommufd_device_detach(dev));
}

static const struct CMUnitTest cases[] = {
	CASE(unref_in_every_order),
	CASE(unref_of_siblings_in_either_order),
	CASE(unref_counts),
	CASE(unref_in_a_child_leaves_the_parent_alone),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("unref-order", cases, NULL, NULL);
}
