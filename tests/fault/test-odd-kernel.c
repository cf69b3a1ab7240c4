/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A kernel whose unmapping stops halfway, and whose IOVA ranges make no sense. */
#include "odd.h"

#include <sys/mman.h>
#include <unistd.h>

static void attach_device(struct setting *s)
{
	open_device(s);
	assert_int_equal(iommufd_device_attach(s->dev, s->ioas), 0);
}

static uint64_t count_in_library(struct iommufd_ioas *ioas)
{
	struct iommufd_mapping m = { .size = sizeof(m) };
	uint64_t count = 0;

	for (uint64_t from = 0; !iommufd_ioas_next_mapping(ioas, from, &m); count++)
		from = m.iova + m.length;
	return count;
}

static uint64_t count_in_kernel(struct setting *s)
{
	struct iommufd_emu_counts c = { .size = sizeof(c) };

	iommufd_emu_get_counts(s->emu, &c);
	return c.mappings;
}

/* The record has so many, and the kernel everywhere as many. */
static void assert_count(struct setting *s, unsigned int count)
{
	assert_int_equal(count_in_library(s->ioas), count);
	assert_int_equal(count_in_kernel(s),
			 count * (pair->in_ioas + (s->dev ? pair->in_container : 0)));
}

/* -- unmapping that stops halfway */

static int unmap_first_then_refuse(int fd, unsigned long request, void *arg, int rc)
{
	(void)fd;
	(void)arg;
	return (request == K_IOMMU_IOAS_UNMAP || request == K_VFIO_IOMMU_UNMAP_DMA) && !rc ?
		       -EBUSY : rc;
}

static void map_at(struct setting *s, uint64_t iova)
{
	assert_int_equal(iommufd_ioas_map(s->ioas, s->data, PAGE, FIXED_RW, &iova, NULL), 0);
}

static void stop_halfway(struct setting *s)
{
	for (uint64_t iova = 0x10000; iova < 0x14000; iova += PAGE)
		map_at(s, iova);
	bend = unmap_first_then_refuse; /* all are gone, and it says that none is */
	assert_error(iommufd_ioas_unmap(s->ioas, 0x10000, 4 * PAGE, NULL), -EBUSY);
	bend = NULL;
	assert_count(s, 4);
	assert_int_equal(iommufd_ioas_unmap(s->ioas, 0x10000, 4 * PAGE, NULL), 0);
	assert_count(s, 0);
}

static void unmap_that_stops_halfway_is_put_back(void **state)
{
	if (!pair->in_ioas)
		skip_case("nothing is unmapped before a device is attached");
	stop_halfway(*state);
}

static void unmap_under_a_device_that_stops_halfway_is_put_back(void **state)
{
	attach_device(*state);
	stop_halfway(*state);
}

static void unmap_of_a_file_that_stops_halfway_euclean(void **state)
{
	struct setting *s = *state;
	int fd = memfd_create("odd", MFD_CLOEXEC);
	uint64_t iova = 0x20000;

	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(iommufd_ioas_map_file(s->ioas, fd, 0, PAGE, FIXED_RW, &iova, NULL), 0);
	close(fd);
	map_at(s, 0x10000);
	if (!pair->in_ioas)
		skip_case("the library maps the file's memory, which can be put back");
	bend = unmap_first_then_refuse;
	assert_error(iommufd_ioas_unmap(s->ioas, 0x10000, 0x20000, NULL), -EUCLEAN);
	bend = NULL;
	assert_non_null(strstr(iommufd_error_last()->message, "0x20000"));
	assert_count(s, 1);
	assert_int_equal(iommufd_ioas_map(s->ioas, s->data, PAGE, FIXED_RW, &iova, NULL), 0);
}

/* -- IOVA ranges */

/* Those that a container answers with, or NULL. */
static struct k_vfio_iommu_type1_info_cap_iova_range *ranges_of_container(void *arg)
{
	struct k_vfio_iommu_type1_info *info = arg;
	struct k_vfio_info_cap_header *head;

	for (uint32_t at = info->cap_offset; at; at = head->next) {
		head = (void *)((char *)arg + at);
		if (head->id == K_VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			return (void *)head;
	}
	return NULL;
}

static int promise_too_much(int fd, unsigned long request, void *arg, int rc)
{
	struct k_vfio_iommu_type1_info_cap_iova_range *cap;

	(void)fd;
	if (request == K_IOMMU_IOAS_IOVA_RANGES && !rc)
		((struct k_iommu_ioas_iova_ranges *)arg)->num_iovas = 100000;
	cap = request == K_VFIO_IOMMU_GET_INFO && !rc ? ranges_of_container(arg) : NULL;
	if (cap)
		cap->nr_iovas = 100000;
	return rc;
}

static int backwards(int fd, unsigned long request, void *arg, int rc)
{
	const struct k_iommu_ioas_iova_ranges *ranges = arg;
	struct k_vfio_iommu_type1_info_cap_iova_range *cap;

	(void)fd;
	cap = request == K_VFIO_IOMMU_GET_INFO && !rc ? ranges_of_container(arg) : NULL;
	if (cap && cap->nr_iovas) {
		struct k_vfio_iova_range *first = (void *)(cap + 1);

		first->start = first->end;
		first->end = 0;
	}
	if (request == K_IOMMU_IOAS_IOVA_RANGES && !rc) {
		struct k_iommu_iova_range *first = (void *)(uintptr_t)ranges->allowed_iovas;

		first->start = first->last;
		first->last = 0;
	}
	return rc;
}

static int room_is_never_enough(int fd, unsigned long request, void *arg, int rc)
{
	(void)fd;
	(void)arg;
	return request == K_IOMMU_IOAS_IOVA_RANGES ? -EMSGSIZE : rc;
}

/* Attaching needs the ranges; without them it is undone. */
static void refuse_attach(struct setting *s, int (*how)(int, unsigned long, void *, int))
{
	struct iommufd_ioas *ioas = NULL;

	open_device(s);
	bend = how;
	assert_error(iommufd_device_attach(s->dev, s->ioas), -EIO);
	bend = NULL;
	assert_int_equal(iommufd_device_get_ioas(s->dev, &ioas), 0);
	assert_null(ioas);
	assert_int_equal(iommufd_device_attach(s->dev, s->ioas), 0);
}

static void ranges_more_than_there_was_room_for(void **state)
{
	refuse_attach(*state, promise_too_much);
}

static void ranges_that_end_before_they_start(void **state)
{
	refuse_attach(*state, backwards);
}

static void ranges_that_want_no_more_room_and_do_not_fit(void **state)
{
	if (!pair->in_ioas)
		skip_case("containers answer in another way");
	refuse_attach(*state, room_is_never_enough);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		CASE(unmap_that_stops_halfway_is_put_back),
		CASE(unmap_under_a_device_that_stops_halfway_is_put_back),
		CASE(unmap_of_a_file_that_stops_halfway_euclean),
		CASE(ranges_more_than_there_was_room_for),
		CASE(ranges_that_end_before_they_start),
		CASE(ranges_that_want_no_more_room_and_do_not_fit),
	};
	int failed = 0;

	while (next_pair())
		failed += cmocka_run_group_tests_name(pair->name, cases, NULL, NULL);
	return failed;
}
