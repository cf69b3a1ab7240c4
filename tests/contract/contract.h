/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the contract cases share. A case is a sentence about the public
 * interface; it runs unchanged on the emulated kernel (LIBIOMMUFD_EMU=1) and
 * on a real one, and may expect nothing that holds on one of them only.
 *
 * Every case has a context of its own. What it makes through the functions
 * below belongs to the fixture, which releases it when the case ends, however
 * it ends, and then counts open file descriptors.
 *
 * Environment: LIBIOMMUFD_TEST_DEVICES names four edu devices, two alone in
 * their IOMMU groups and two that share one; LIBIOMMUFD_TEST_MSIX_DEVICE one
 * with MSI-X that can be reset; LIBIOMMUFD_TEST_MDEV two mediated ones that
 * migrate. An argument of the program is a pattern of the cases to run.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libiommufd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE ((size_t)4096)
/* The last IOVA that may be mapped: the last page of all is left alone. */
#define LAST_IOVA (UINT64_MAX - PAGE)
#define HUGE_PAGE ((size_t)2 << 20)
#define MAP_RW (IOMMUFD_MAP_READ | IOMMUFD_MAP_WRITE)
#define FIXED_RW (MAP_RW | IOMMUFD_MAP_FIXED)

/* The devices a case can ask for. */
enum place { ALONE1, ALONE2, SIBLING1, SIBLING2, MSIX, NUM_PLACES };

/* Released in this order when the case ends. */
enum kind { NOTHING, OTHER, DEVICE, MOCK_DEVICE, GROUP, IOAS, CONTEXT, BUFFER, FD, NUM_KINDS };

struct held {
	enum kind kind;
	void *object;
	void (*release)(void *object); /* of OTHER and MOCK_DEVICE */
	size_t size; /* of a buffer */
	int fd;
};

struct fixture {
	const char *name;
	struct iommufd_ctx *ctx;
	struct held held[48];
	int fds_before;
};

#define CASE(f) { #f, f, fixture_setup, fixture_teardown, (void *)(uintptr_t)#f }

/* First thing in main(): the emulated machine, and which cases to run. */
void contract_begin(int argc, char **argv);
bool contract_is_emulated(void);
/* An IOMMU stands between devices and memory. */
bool contract_is_isolated(void);
/* A request of another program on a descriptor of the kernel under test; 0 or more, or -errno. */
int raw_ioctl(int fd, unsigned long request, void *arg);
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* The name of a device; skips the case when the machine has none such. */
const char *device_name(struct fixture *f, enum place place);
/* The path of its character device, or NULL where the kernel makes none. */
const char *device_node(struct fixture *f, enum place place);
/* Devices are had by their groups: what is in use elsewhere is -EBUSY then. */
bool has_by_group(struct fixture *f);
/* Opens the character device as someone else would, not bound; held. */
int open_node(struct fixture *f, const char *path);

/* Make something that the fixture holds, or let it hold what the case made. */
struct iommufd_ctx *get_ctx(struct fixture *f, const struct iommufd_ctx_opts *opts);
struct iommufd_ctx *hold_ctx(struct fixture *f, struct iommufd_ctx *ctx);
struct iommufd_device *get_device(struct fixture *f, enum place place);
struct iommufd_device *hold_device(struct fixture *f, struct iommufd_device *dev);
struct iommufd_group *hold_group(struct fixture *f, struct iommufd_group *group);
struct iommufd_ioas *get_ioas(struct fixture *f);
struct iommufd_ioas *hold_ioas(struct fixture *f, struct iommufd_ioas *ioas);
uint8_t *get_buffer(struct fixture *f, size_t size); /* zero, aligned to huge pages if as large */
int get_eventfd(struct fixture *f);
int hold_fd(struct fixture *f, int fd);
int closed_fd(void); /* a number that is no descriptor's, and will not be soon */
/* Any other object, with what gives it back. */
void hold_object(struct fixture *f, void *object, void (*release)(void *object));
/* Release it before the case ends. */
void put_object(struct fixture *f, void *object);
void put_ctx(struct fixture *f, struct iommufd_ctx *ctx);
void put_device(struct fixture *f, struct iommufd_device *dev);
void put_group(struct fixture *f, struct iommufd_group *group);
void put_ioas(struct fixture *f, struct iommufd_ioas *ioas);
void put_buffer(struct fixture *f, uint8_t *data);
void put_fd(struct fixture *f, int fd);

/* Ends the case as skipped, for missing hardware only; says why. */
_Noreturn void skip_case(struct fixture *f, const char *reason);

/* The call must succeed; shows the error record if not. */
#define assert_ok(call) expect_ok((call), #call, __FILE__, __LINE__)

/*
 * The call must fail with @code, leave a complete error record of its own, and
 * leave every mapping, range and attachment of what the fixture holds as it was.
 */
#define assert_error(call, code) do { \
	expect_error_begin(#call); \
	expect_error((call), (code), #call, __FILE__, __LINE__); \
} while (0)

void expect_watch(struct fixture *f); /* whose state expect_error() compares */
void expect_ok(int rc, const char *call, const char *file, int line);
void expect_error_begin(const char *call);
const struct iommufd_error *expected_record(void); /* of the last assert_error() */
void expect_error(int rc, int code, const char *call, const char *file, int line);

/* Open file descriptors of the process, without those the emulated kernel needs itself. */
int count_fds(void);
/* Until lifted with -1, at most as many descriptors can be open as are now. */
void limit_fds(int limit);
#define NO_MORE_FDS 0
#define LIFT_LIMIT (-1)

/* Maps @data at @iova for reading and writing. */
void map_at(struct iommufd_ioas *ioas, void *data, size_t length, uint64_t iova);
/* The number of mappings. */
size_t count_mappings(struct iommufd_ioas *ioas);
/* Pages that the kernel has charged to this process, or pinned where it is emulated. */
uint64_t pinned_pages(void);
/* All ranges of an IOAS, at most @room; the number. */
size_t get_ranges(struct iommufd_ioas *ioas, struct iommufd_range *range, size_t room);
/* An IOVA that no mapping of an IOAS with a device attached may have. */
uint64_t reserved_iova(struct iommufd_ioas *ioas);

#endif
