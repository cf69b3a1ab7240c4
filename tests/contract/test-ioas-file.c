/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Mapping memfds and other files. */
#include "contract.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

struct future_opts {
	struct iommufd_map_opts known;
	uint64_t unknown;
};

/* A memfd of @size bytes. */
static int get_memfd(struct fixture *f, size_t size)
{
	int fd = hold_fd(f, memfd_create("contract", MFD_CLOEXEC));

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/*
 * Does the library have to map the file into the process? Linux got what it
 * takes to do without in the same release as the other call.
 */
static bool maps_by_address(struct fixture *f)
{
	return !iommufd_ctx_has(f->ctx, IOMMUFD_CAP_CHANGE_PROCESS);
}

static int map_file(struct iommufd_ioas *ioas, int fd, uint64_t offset, size_t length,
		    uint64_t iova)
{
	return iommufd_ioas_map_file(ioas, fd, offset, length, FIXED_RW, &iova, NULL);
}

static void ioas_map_file_is_where_it_was_asked(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct iommufd_mapping m = { .size = sizeof(m) };
	int fd = get_memfd(f, 8 * PAGE);

	assert_ok(map_file(ioas, fd, 2 * PAGE, 4 * PAGE, 0x10000));
	assert_ok(iommufd_ioas_next_mapping(ioas, 0, &m));
	assert_int_equal(m.iova, 0x10000);
	assert_int_equal(m.length, 4 * PAGE);
	assert_int_equal(m.offset, 2 * PAGE);
	assert_int_equal(m.flags, MAP_RW);
	assert_int_equal(m.memory, IOMMUFD_MEMORY_FILE);
}

static void ioas_map_file_chooses_an_iova(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	struct future_opts opts = {
		.known = { .size = sizeof(opts), .min = 0x700000, .last = 0x7fffff },
	};
	int fd = get_memfd(f, 8 * PAGE);
	uint64_t iova = 0;

	assert_ok(iommufd_ioas_map_file(ioas, fd, 0, 8 * PAGE, MAP_RW, &iova, NULL));
	assert_true(iova != 0 && iova % PAGE == 0);
	assert_ok(iommufd_ioas_map_file(ioas, fd, 0, PAGE, MAP_RW, &iova, &opts.known));
	assert_true(iova >= 0x700000 && iova <= 0x7ff000);
	opts.unknown = 1;
	assert_error(iommufd_ioas_map_file(ioas, fd, 0, PAGE, MAP_RW, &iova, &opts.known), -E2BIG);
	opts.unknown = 0;
	assert_error(iommufd_ioas_map_file(ioas, fd, 0, PAGE, FIXED_RW, &iova, &opts.known),
		     -EINVAL);
	opts.known.last = opts.known.min + 1;
	assert_error(iommufd_ioas_map_file(ioas, fd, 0, PAGE, MAP_RW, &iova, &opts.known),
		     -ENOSPC);
}

static void ioas_map_file_does_not_need_the_descriptor(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int fd = get_memfd(f, 2 * PAGE);

	assert_ok(map_file(ioas, fd, 0, 2 * PAGE, 0x10000));
	put_fd(f, fd);
	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_ok(iommufd_ioas_unmap(ioas, 0x10000, 2 * PAGE, NULL));
}

static void ioas_map_file_has_no_address(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	void *va;

	assert_ok(map_file(ioas, get_memfd(f, PAGE), 0, PAGE, 0x10000));
	assert_int_equal(iommufd_ioas_iova_to_va(ioas, 0x10000, &va, NULL), -ENOENT);
}

static void ioas_map_file_overlap_eexist(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int fd = get_memfd(f, 4 * PAGE);

	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x12000);
	assert_error(map_file(ioas, fd, 0, 4 * PAGE, 0x10000), -EEXIST);
	assert_ok(map_file(ioas, fd, 0, 2 * PAGE, 0x10000));
}

static void ioas_map_file_past_the_end_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int fd = get_memfd(f, 4 * PAGE);

	assert_error(map_file(ioas, fd, 0, 5 * PAGE, 0x10000), -EINVAL);
	assert_error(map_file(ioas, fd, 4 * PAGE, PAGE, 0x10000), -EINVAL);
	assert_error(map_file(ioas, fd, 1ull << 40, PAGE, 0x10000), -EINVAL);
	assert_ok(map_file(ioas, fd, 3 * PAGE, PAGE, 0x10000));
}

static void ioas_map_file_wrapping_eoverflow(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int fd = get_memfd(f, 4 * PAGE);

	assert_error(map_file(ioas, fd, UINT64_MAX - PAGE + 1, 2 * PAGE, 0x10000), -EOVERFLOW);
	assert_error(map_file(ioas, fd, 0, 2 * PAGE, UINT64_MAX - PAGE + 1), -EOVERFLOW);
}

static void ioas_map_file_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int fd = get_memfd(f, 4 * PAGE);
	uint64_t iova = 0x10000;

	assert_error(map_file(ioas, fd, 1, PAGE, 0x10000), -EINVAL);
	assert_error(map_file(ioas, fd, 0, PAGE + 1, 0x10000), -EINVAL);
	assert_error(map_file(ioas, fd, 0, PAGE, 0x10001), -EINVAL);
	assert_error(map_file(ioas, fd, 0, 0, 0x10000), -EINVAL);
	assert_error(iommufd_ioas_map_file(ioas, fd, 0, PAGE, MAP_RW, NULL, NULL), -EINVAL);
	assert_error(iommufd_ioas_map_file(ioas, fd, 0, PAGE, IOMMUFD_MAP_FIXED, &iova, NULL),
		     -EINVAL);
	assert_error(iommufd_ioas_map_file(ioas, fd, 0, PAGE, FIXED_RW | 1u << 9, &iova, NULL),
		     -EOPNOTSUPP);
}

static void ioas_map_file_not_open_ebadf(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);

	assert_error(map_file(ioas, closed_fd(), 0, PAGE, 0x10000), -EBADF);
	assert_error(map_file(ioas, -1, 0, PAGE, 0x10000), -EBADF);
}

static void ioas_map_file_open_for_reading_only_ebadf(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint64_t iova = 0x10000;
	char path[64];
	int fd = get_memfd(f, PAGE), reading;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reading = hold_fd(f, open(path, O_RDONLY | O_CLOEXEC));
	assert_error(map_file(ioas, reading, 0, PAGE, 0x10000), -EBADF);
	assert_ok(iommufd_ioas_map_file(ioas, reading, 0, PAGE,
					IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED, &iova, NULL));
}

static void ioas_map_file_open_for_writing_only(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	char path[64];
	int writing;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", get_memfd(f, PAGE));
	writing = hold_fd(f, open(path, O_WRONLY | O_CLOEXEC));
	if (maps_by_address(f))
		assert_error(map_file(ioas, writing, 0, PAGE, 0x10000), -EBADF);
	else
		assert_ok(map_file(ioas, writing, 0, PAGE, 0x10000));
}

static uint64_t address_space_in_use(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file || fscanf(file, "%lu", &pages) != 1)
		fail_msg("no /proc/self/statm");
	fclose(file);
	return pages * PAGE;
}

#define MUCH_SPACE ((size_t)1 << 34)

static int map_with_little_address_space(struct iommufd_ioas *ioas, int fd)
{
	struct rlimit before, little;
	int rc;

	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	little = before;
	little.rlim_cur = address_space_in_use() + MUCH_SPACE / 4;
	assert_int_equal(setrlimit(RLIMIT_AS, &little), 0);
	rc = map_file(ioas, fd, 0, MUCH_SPACE, 1ull << 40);
	setrlimit(RLIMIT_AS, &before);
	return rc;
}

static void ioas_map_file_without_address_space(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int fd = get_memfd(f, MUCH_SPACE);

	if (maps_by_address(f))
		assert_error(map_with_little_address_space(ioas, fd), -ENOMEM);
	else
		assert_ok(map_with_little_address_space(ioas, fd));
}

static void ioas_map_file_sealed_against_writing_eperm(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	uint64_t iova = 0x10000;
	int fd;

	fd = hold_fd(f, memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_error(map_file(ioas, fd, 0, PAGE, 0x10000), -EPERM);
	assert_ok(iommufd_ioas_map_file(ioas, fd, 0, PAGE, IOMMUFD_MAP_READ | IOMMUFD_MAP_FIXED,
					&iova, NULL));
}

static void ioas_map_file_of_another_kind_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);

	assert_error(map_file(ioas, get_eventfd(f), 0, PAGE, 0x10000), -EOPNOTSUPP);
	assert_error(map_file(ioas, hold_fd(f, open("/dev/zero", O_RDWR | O_CLOEXEC)), 0, PAGE,
			      0x10000), -EOPNOTSUPP);
	assert_error(map_file(ioas, hold_fd(f, open("/", O_RDONLY | O_CLOEXEC)), 0, PAGE, 0x10000),
		     -EOPNOTSUPP);
}

static void ioas_map_file_to_reserved_eaddrnotavail(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);
	int fd = get_memfd(f, PAGE);

	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
	assert_error(map_file(ioas, fd, 0, PAGE, reserved_iova(ioas)), -EADDRNOTAVAIL);
}

static void ioas_map_file_lets_the_process_change(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f);

	assert_ok(map_file(ioas, get_memfd(f, PAGE), 0, PAGE, 0x10000));
	if (!iommufd_ctx_has(f->ctx, IOMMUFD_CAP_CHANGE_PROCESS)) {
		assert_error(iommufd_ctx_change_process(f->ctx), -EOPNOTSUPP);
		return;
	}
	assert_ok(iommufd_ctx_change_process(f->ctx));
	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x20000);
	assert_error(iommufd_ctx_change_process(f->ctx), -EINVAL);
}

static void ioas_map_file_can_be_copied(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f), *copy = get_ioas(f);
	struct iommufd_mapping m = { .size = sizeof(m) };
	uint64_t iova = 0x90000;

	assert_ok(map_file(ioas, get_memfd(f, 8 * PAGE), PAGE, 4 * PAGE, 0x10000));
	assert_ok(iommufd_ioas_copy(copy, ioas, 0x11000, 2 * PAGE, FIXED_RW, &iova, NULL));
	assert_ok(iommufd_ioas_next_mapping(copy, 0, &m));
	assert_int_equal(m.iova, 0x90000);
	assert_int_equal(m.offset, 2 * PAGE);
	assert_int_equal(m.memory, IOMMUFD_MEMORY_FILE);
}

/* Huge pages are mapped whole, whatever part of them is for devices. */
static void ioas_map_file_of_part_of_a_huge_page(void **state)
{
	struct fixture *f = *state;
	struct iommufd_ioas *ioas = get_ioas(f), *copy = get_ioas(f);
	int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	uint64_t before, iova = 0x10000;
	void *probe;

	if (fd < 0)
		skip_case(f, "the kernel has no hugetlbfs");
	hold_fd(f, fd);
	assert_int_equal(ftruncate(fd, HUGE_PAGE), 0);
	probe = mmap(NULL, HUGE_PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (probe == MAP_FAILED)
		skip_case(f, "no huge page of 2 MiB is left");
	munmap(probe, HUGE_PAGE);
	before = address_space_in_use();
	for (int i = 0; i < 32; i++) {
		assert_ok(map_file(ioas, fd, 3 * PAGE, 2 * PAGE, 0x10000));
		assert_ok(iommufd_ioas_copy(copy, ioas, 0x11000, PAGE, FIXED_RW, &iova, NULL));
		assert_ok(iommufd_ioas_unmap_all(ioas, NULL));
		assert_ok(iommufd_ioas_unmap_all(copy, NULL));
	}
	assert_true(address_space_in_use() < before + 32 * HUGE_PAGE);
	assert_ok(map_file(ioas, fd, 3 * PAGE, 2 * PAGE, 0x10000));
	assert_ok(iommufd_device_attach(get_device(f, ALONE1), ioas));
}

static const struct CMUnitTest cases[] = {
	CASE(ioas_map_file_is_where_it_was_asked),
	CASE(ioas_map_file_chooses_an_iova),
	CASE(ioas_map_file_does_not_need_the_descriptor),
	CASE(ioas_map_file_has_no_address),
	CASE(ioas_map_file_overlap_eexist),
	CASE(ioas_map_file_past_the_end_einval),
	CASE(ioas_map_file_wrapping_eoverflow),
	CASE(ioas_map_file_bad_argument),
	CASE(ioas_map_file_not_open_ebadf),
	CASE(ioas_map_file_open_for_reading_only_ebadf),
	CASE(ioas_map_file_open_for_writing_only),
	CASE(ioas_map_file_without_address_space),
	CASE(ioas_map_file_sealed_against_writing_eperm),
	CASE(ioas_map_file_of_another_kind_eopnotsupp),
	CASE(ioas_map_file_to_reserved_eaddrnotavail),
	CASE(ioas_map_file_lets_the_process_change),
	CASE(ioas_map_file_can_be_copied),
	CASE(ioas_map_file_of_part_of_a_huge_page),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("ioas-file", cases, NULL, NULL);
}
