/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Several threads on one IOAS, and on objects of their own. */
#include "contract.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 200 };

struct worker {
	pthread_t thread;
	struct fixture *f;
	const char *name; /* of a device */
	struct iommufd_ioas *ioas;
	uint8_t *data;  /* of its own, four pages */
	uint64_t fixed; /* an IOVA of its own */
	atomic_bool *stop;
	uint64_t looked;
	const char *wrong;
};

/* Asserting in a thread would jump into another; what is wrong is noted instead. */
#define CHECK(w, condition) do { \
	if (!(condition)) { \
		(w)->wrong = #condition; \
		return NULL; \
	} \
} while (0)

static void *map_and_unmap(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		size_t length = ((size_t)i % 4 + 1) * PAGE, got = length;
		uint64_t iova = i % 2 ? w->fixed : 0, found, unmapped;
		uint32_t flags = i % 2 ? FIXED_RW : MAP_RW;
		void *va;

		CHECK(w, !iommufd_ioas_map(w->ioas, w->data, length, flags, &iova, NULL));
		CHECK(w, !iommufd_ioas_va_to_iova(w->ioas, w->data, &found, &got));
		CHECK(w, found == iova && got == length);
		CHECK(w, !iommufd_ioas_iova_to_va(w->ioas, iova + length - 1, &va, NULL));
		CHECK(w, va == w->data + length - 1);
		CHECK(w, !iommufd_ioas_unmap(w->ioas, iova, length, &unmapped));
		CHECK(w, unmapped == length);
		CHECK(w, iommufd_ioas_va_to_iova(w->ioas, w->data, &found, NULL) == -ENOENT);
	}
	return NULL;
}

/* Looks up what stays mapped all the time, and what comes and goes; once also when it is late. */
static void *look_up(void *arg)
{
	struct worker *w = arg;
	struct iommufd_mapping m = { .size = sizeof(m) };

	do {
		uint64_t iova = 0, from = 0;
		size_t length = PAGE;
		void *va;

		CHECK(w, !iommufd_ioas_va_to_iova(w->ioas, w->data + 1, &iova, &length));
		CHECK(w, iova == w->fixed + 1 && length == PAGE - 1);
		CHECK(w, !iommufd_ioas_iova_to_va(w->ioas, w->fixed, &va, NULL));
		CHECK(w, va == w->data);
		while (!iommufd_ioas_next_mapping(w->ioas, from, &m)) {
			CHECK(w, m.iova + m.length > m.iova && m.length <= 4 * PAGE);
			from = m.iova + m.length;
		}
	} while (!atomic_load(w->stop));
	return NULL;
}

static void run(struct worker *w, int count, void *(*work)(void *))
{
	for (int i = 0; i < count; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
}

static void finish(struct worker *w, int count)
{
	for (int i = 0; i < count; i++)
		pthread_join(w[i].thread, NULL);
	for (int i = 0; i < count; i++)
		if (w[i].wrong)
			fail_msg("not so in thread %d: %s", i, w[i].wrong);
}

static void map_from_all_sides(struct fixture *f, struct iommufd_ioas *ioas)
{
	struct worker w[THREADS] = { 0 }, reader = { 0 };
	atomic_bool stop = false;

	reader.ioas = ioas;
	reader.data = get_buffer(f, PAGE);
	reader.fixed = 0x40000000;
	reader.stop = &stop;
	map_at(ioas, reader.data, PAGE, reader.fixed);
	for (uint64_t i = 0; i < THREADS; i++) {
		w[i].ioas = ioas;
		w[i].data = get_buffer(f, 4 * PAGE);
		w[i].fixed = 0x50000000 + i * 0x100000;
	}
	run(&reader, 1, look_up);
	run(w, THREADS, map_and_unmap);
	for (int i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
	atomic_store(&stop, true);
	finish(&reader, 1);
	for (int i = 0; i < THREADS; i++)
		if (w[i].wrong)
			fail_msg("not so in thread %d: %s", i, w[i].wrong);
	assert_int_equal(count_mappings(ioas), 1);
}

static void threads_map_one_ioas(void **state)
{
	struct fixture *f = *state;

	map_from_all_sides(f, get_ioas(f));
}

static void threads_map_one_ioas_with_a_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	map_from_all_sides(f, ioas);
}

static void *own_objects(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS / 10; i++) {
		struct iommufd_ctx *ctx;
		struct iommufd_ioas *ioas;
		uint64_t iova = 0;

		CHECK(w, !iommufd_ctx_new(NULL, &ctx));
		CHECK(w, !iommufd_ioas_new(ctx, NULL, &ioas));
		iommufd_ctx_unref(ctx);
		CHECK(w, !iommufd_ioas_map(ioas, w->data, 4 * PAGE, MAP_RW, &iova, NULL));
		iommufd_ioas_unref(ioas);
	}
	return NULL;
}

static void threads_have_contexts_of_their_own(void **state)
{
	struct worker w[THREADS] = { 0 };

	for (int i = 0; i < THREADS; i++)
		w[i].data = get_buffer(*state, 4 * PAGE);
	run(w, THREADS, own_objects);
	finish(w, THREADS);
}

static void *shared_context(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct iommufd_ctx *ctx = iommufd_ctx_ref(w->f->ctx);
		struct iommufd_ioas *ioas;
		struct iommufd_device *dev;

		CHECK(w, !iommufd_ioas_new(ctx, NULL, &ioas));
		CHECK(w, !iommufd_device_find(ctx, 5, &dev));
		iommufd_device_unref(dev);
		iommufd_ioas_unref(iommufd_ioas_ref(ioas));
		iommufd_ctx_unref(ctx);
		iommufd_ioas_unref(ioas);
	}
	return NULL;
}

static void threads_share_a_context(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_opts opts = { .size = sizeof(opts), .cookie = 5 };
	struct worker w[THREADS] = { 0 };
	struct iommufd_device *dev;

	assert_ok(iommufd_device_open(f->ctx, device_name(f, ALONE1), &opts, &dev));
	hold_device(f, dev);
	for (int i = 0; i < THREADS; i++)
		w[i].f = f;
	run(w, THREADS, shared_context);
	finish(w, THREADS);
}

/* All want the same device; one at a time may have it. */
static void *compete(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 10; i++) {
		struct iommufd_device *dev;
		int rc = iommufd_device_open(w->f->ctx, w->name, NULL, &dev);

		CHECK(w, rc == 0 || rc == -EBUSY);
		CHECK(w, !rc == !!dev);
		w->looked += !rc;
		iommufd_device_unref(dev);
	}
	return NULL;
}

static void threads_compete_for_a_device(void **state)
{
	struct fixture *f = *state;
	struct worker w[THREADS] = { 0 };
	uint64_t had = 0;

	for (int i = 0; i < THREADS; i++) {
		w[i].f = f;
		w[i].name = device_name(f, ALONE1);
	}
	run(w, THREADS, compete);
	finish(w, THREADS);
	for (int i = 0; i < THREADS; i++)
		had += w[i].looked;
	assert_true(had > 0);
	get_device(f, ALONE1);
}

static const struct CMUnitTest cases[] = {
	CASE(threads_map_one_ioas),
	CASE(threads_map_one_ioas_with_a_device),
	CASE(threads_have_contexts_of_their_own),
	CASE(threads_share_a_context),
	CASE(threads_compete_for_a_device),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("threads", cases, NULL, NULL);
}
