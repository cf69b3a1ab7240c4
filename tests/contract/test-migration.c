/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Migration, with serial ports that a driver of the kernel's samples makes of
 * nothing: what is written to register 0 comes out of it again, and is their state.
 */
#include "shape.h"

#include <fcntl.h>

enum { PORT_DATA = 0, PORT_FIFO = 2, PORT_SCRATCH = 7, PORT_REGISTERS = 8 };

#define STATE_MAX 4096u
#define HEADER 24u /* what there is before the device stops */

#define STATE(name) IOMMUFD_MIGRATION_STATE_##name

/* One of two, in LIBIOMMUFD_TEST_MDEV; skips the case where the kernel has none. */
static struct iommufd_device *get_port(struct fixture *f, int which)
{
	static const char *const own[] = {
		"/sys/bus/mdev/devices/6d747479-0000-4000-8000-000000000001",
		"/sys/bus/mdev/devices/6d747479-0000-4000-8000-000000000002",
	};
	const char *named = getenv("LIBIOMMUFD_TEST_MDEV");
	char name[2][128];
	struct iommufd_device *dev;
	int rc;

	if (!contract_is_isolated())
		skip_case(f, "without an IOMMU there is nothing that keeps mediated devices apart");
	for (int i = 0; i < 2; i++)
		snprintf(name[i], sizeof(name[i]), "%s", own[i]);
	if (!contract_is_emulated() && (!named || sscanf(named, "%127s %127s", name[0], name[1]) != 2))
		skip_case(f, "LIBIOMMUFD_TEST_MDEV names no two mediated devices");
	rc = iommufd_device_open(f->ctx, name[which], NULL, &dev);
	if (rc == -ENOENT && contract_is_emulated())
		skip_case(f, "a kernel without mediated devices that migrate");
	assert_ok(rc);
	hold_device(f, dev);
	assert_ok(iommufd_device_reset(dev)); /* this driver remembers the state it was closed in */
	return dev;
}

static void write_port(struct iommufd_device *dev, uint64_t reg, uint8_t value)
{
	assert_ok(iommufd_region_write8(dev, 0, reg, value));
}

static uint8_t read_port(struct iommufd_device *dev, uint64_t reg)
{
	uint8_t value;

	assert_ok(iommufd_region_read8(dev, 0, reg, &value));
	return value;
}

/* With room for what is written. */
static struct iommufd_device *get_ready_port(struct fixture *f, int which)
{
	struct iommufd_device *dev = get_port(f, which);

	write_port(dev, PORT_FIFO, 3); /* on, and empty */
	return dev;
}

static uint32_t state_of(struct iommufd_device *dev)
{
	uint32_t state;

	assert_ok(iommufd_migration_get_state(dev, &state));
	return state;
}

/* To a state in which a transfer begins: its descriptor. */
static int begin(struct fixture *f, struct iommufd_device *dev, uint32_t state)
{
	int fd = -7;

	assert_ok(iommufd_migration_set_state(dev, state, &fd));
	assert_int_equal(state_of(dev), state);
	assert_int_equal(fcntl(hold_fd(f, fd), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	return fd;
}

/* To any other. */
static void go_to(struct iommufd_device *dev, uint32_t state)
{
	int fd = -7;

	assert_ok(iommufd_migration_set_state(dev, state, &fd));
	assert_int_equal(fd, -1);
	assert_int_equal(state_of(dev), state);
}

static size_t read_some(struct iommufd_device *dev, int fd, uint8_t *data, size_t room)
{
	size_t got = 99;

	assert_ok(iommufd_migration_read(dev, fd, data, room, &got));
	return got;
}

/* The whole state of a device, which is stopped then. */
static size_t save(struct fixture *f, struct iommufd_device *dev, uint8_t *data)
{
	int fd = begin(f, dev, STATE(STOP_COPY));
	size_t length = read_some(dev, fd, data, STATE_MAX);

	go_to(dev, STATE(STOP));
	return length;
}

static void migration_of_a_device_without_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	uint64_t flags = 7;
	uint32_t s = 7;
	int fd = 7;

	assert_error(iommufd_migration_get_flags(dev, &flags), -EOPNOTSUPP);
	assert_error(iommufd_migration_get_state(dev, &s), -EOPNOTSUPP);
	assert_error(iommufd_migration_get_data_size(dev, &flags), -EOPNOTSUPP);
	assert_error(iommufd_migration_set_state(dev, STATE(STOP), &fd), -EOPNOTSUPP);
	assert_int_equal(fd, -1);
	assert_int_equal(flags, 7);
	assert_int_equal(s, 7);
}

static void migration_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_precopy_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = get_port(f, 0);
	uint64_t flags;
	uint32_t s;
	size_t got;
	int fd;

	assert_error(iommufd_migration_get_flags(NULL, &flags), -EINVAL);
	assert_error(iommufd_migration_get_flags(dev, NULL), -EINVAL);
	assert_error(iommufd_migration_get_state(NULL, &s), -EINVAL);
	assert_error(iommufd_migration_get_state(dev, NULL), -EINVAL);
	assert_error(iommufd_migration_get_data_size(NULL, &flags), -EINVAL);
	assert_error(iommufd_migration_get_data_size(dev, NULL), -EINVAL);
	assert_error(iommufd_migration_set_state(NULL, STATE(STOP), &fd), -EINVAL);
	assert_error(iommufd_migration_set_state(dev, STATE(STOP), NULL), -EINVAL);
	assert_error(iommufd_migration_set_state(dev, STATE(ERROR), &fd), -EINVAL);
	assert_error(iommufd_migration_set_state(dev, 8, &fd), -EINVAL);
	assert_error(iommufd_migration_set_state(dev, UINT32_MAX, &fd), -EINVAL);
	assert_int_equal(state_of(dev), STATE(RUNNING));
	fd = begin(f, dev, STATE(PRE_COPY));
	assert_error(iommufd_migration_get_precopy_info(NULL, fd, &info), -EINVAL);
	assert_error(iommufd_migration_get_precopy_info(dev, fd, NULL), -EINVAL);
	assert_error(iommufd_migration_read(NULL, fd, &s, 4, &got), -EINVAL);
	assert_error(iommufd_migration_read(dev, fd, NULL, 4, &got), -EINVAL);
	assert_error(iommufd_migration_read(dev, fd, &s, 4, NULL), -EINVAL);
	assert_error(iommufd_migration_write(NULL, fd, &s, 4), -EINVAL);
	assert_error(iommufd_migration_write(dev, fd, NULL, 4), -EINVAL);
	info.size = 0;
	assert_error(iommufd_migration_get_precopy_info(dev, fd, &info), -EINVAL);
}

static void migration_of_a_mediated_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = get_port(f, 0);
	struct iommufd_ioas *ioas = get_ioas(f);
	uint64_t flags = 0, bytes = 0;

	assert_ok(iommufd_device_get_info(dev, &info));
	assert_int_equal(info.flags & IOMMUFD_DEVICE_MEDIATED, IOMMUFD_DEVICE_MEDIATED);
	assert_ok(iommufd_migration_get_flags(dev, &flags));
	assert_int_equal(flags, IOMMUFD_MIGRATION_STOP_COPY | IOMMUFD_MIGRATION_P2P |
				IOMMUFD_MIGRATION_PRE_COPY);
	assert_ok(iommufd_migration_get_data_size(dev, &bytes));
	assert_in_range(bytes, HEADER + 1, STATE_MAX);
	assert_int_equal(state_of(dev), STATE(RUNNING));
	assert_ok(iommufd_device_attach(dev, ioas));
	map_at(ioas, get_buffer(f, PAGE), PAGE, 0x10000);
	assert_ok(iommufd_device_replace(dev, get_ioas(f)));
	assert_ok(iommufd_device_detach(dev));
}

/* The case that all others are about: what one has written, the other one reads. */
static void migration_while_it_runs(void **state)
{
	static const char text[] = "moved";
	struct fixture *f = *state;
	struct iommufd_precopy_info info = { .size = sizeof(info) };
	struct iommufd_device *from = get_ready_port(f, 0), *to = get_port(f, 1);
	uint8_t data[STATE_MAX];
	uint64_t bytes;
	size_t length;
	int fd;

	assert_ok(iommufd_migration_get_data_size(from, &bytes));
	write_port(from, PORT_SCRATCH, 0x5a);
	for (size_t i = 0; i < sizeof(text); i++)
		write_port(from, PORT_DATA, (uint8_t)text[i]);
	fd = begin(f, from, STATE(PRE_COPY));
	assert_ok(iommufd_migration_get_precopy_info(from, fd, &info));
	assert_int_equal(info.initial_bytes, HEADER);
	assert_int_equal(info.dirty_bytes, 0);
	assert_int_equal(info.flags, 0);
	length = read_some(from, fd, data, sizeof(data));
	assert_int_equal(length, HEADER);
	assert_int_equal(read_some(from, fd, data + length, 1), 0); /* the end for now */
	assert_ok(iommufd_migration_get_precopy_info(from, fd, &info));
	assert_int_equal(info.initial_bytes, 0);
	go_to(from, STATE(STOP_COPY)); /* the same transfer goes on */
	while (read_some(from, fd, data + length, 7) == 7)
		length += 7;
	length = bytes;
	go_to(from, STATE(STOP));

	fd = begin(f, to, STATE(RESUMING));
	assert_ok(iommufd_migration_write(to, fd, data, 10));
	assert_ok(iommufd_migration_write(to, fd, data + 10, length - 10));
	go_to(to, STATE(RUNNING));
	for (size_t i = 0; i < sizeof(text); i++)
		assert_int_equal(read_port(to, PORT_DATA), text[i]);
	assert_int_equal(read_port(to, PORT_SCRATCH), 0x5a);
}

static void migration_of_a_stopped_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *from = get_ready_port(f, 0), *to = get_port(f, 1);
	uint8_t data[STATE_MAX];
	uint64_t bytes;
	size_t length;
	int fd;

	write_port(from, PORT_DATA, 0x77);
	assert_ok(iommufd_migration_get_data_size(from, &bytes));
	length = save(f, from, data);
	assert_int_equal(length, bytes);
	fd = begin(f, to, STATE(RESUMING));
	assert_ok(iommufd_migration_write(to, fd, data, length));
	go_to(to, STATE(STOP));
	go_to(to, STATE(RUNNING));
	assert_int_equal(read_port(to, PORT_DATA), 0x77);
}

static void migration_state_is_read_to_the_byte(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_ready_port(f, 0);
	int fd = begin(f, dev, STATE(STOP_COPY));
	uint8_t data[STATE_MAX];
	uint64_t bytes;

	assert_ok(iommufd_migration_get_data_size(dev, &bytes));
	for (uint64_t i = 0; i < bytes; i++)
		assert_int_equal(read_some(dev, fd, data, 1), 1);
	assert_int_equal(read_some(dev, fd, data, sizeof(data)), 0);
	assert_int_equal(read_some(dev, fd, data, 0), 0);
}

static void migration_given_up_runs_on(void **state)
{
	static const uint32_t states[] = { STATE(PRE_COPY), STATE(PRE_COPY_P2P), STATE(STOP_COPY) };
	struct fixture *f = *state;
	struct iommufd_device *dev = get_ready_port(f, 0);

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		int fd = begin(f, dev, states[i]);
		uint8_t byte;
		size_t got;

		go_to(dev, STATE(RUNNING));
		assert_error(iommufd_migration_read(dev, fd, &byte, 1, &got), -ENODEV);
	}
	write_port(dev, PORT_DATA, 0x11);
	assert_int_equal(read_port(dev, PORT_DATA), 0x11);
}

static void migration_states_without_data(void **state)
{
	static const uint32_t states[] = {
		STATE(STOP), STATE(RUNNING), STATE(RUNNING_P2P), STATE(STOP), STATE(RUNNING_P2P),
		STATE(RUNNING), STATE(RUNNING),
	};
	struct fixture *f = *state;
	struct iommufd_device *dev = get_port(f, 0);

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		go_to(dev, states[i]);
}

static void migration_no_way_back_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_port(f, 0);
	int fd = begin(f, dev, STATE(STOP_COPY));

	assert_error(iommufd_migration_set_state(dev, STATE(PRE_COPY), &fd), -EINVAL);
	assert_int_equal(fd, -1);
	assert_int_equal(state_of(dev), STATE(STOP_COPY));
}

static void migration_precopy_info_in_another_state(void **state)
{
	struct fixture *f = *state;
	struct iommufd_precopy_info info = { .size = sizeof(info) };
	struct iommufd_device *dev = get_port(f, 0);
	int fd = begin(f, dev, STATE(STOP_COPY));

	assert_error(iommufd_migration_get_precopy_info(dev, fd, &info), -EINVAL);
	go_to(dev, STATE(RUNNING));
	assert_error(iommufd_migration_get_precopy_info(dev, fd, &info), -EINVAL);
	begin(f, dev, STATE(PRE_COPY));
	assert_error(iommufd_migration_get_precopy_info(dev, fd, &info), -ENODEV);
	go_to(dev, STATE(RUNNING));
	fd = begin(f, dev, STATE(RESUMING));
	assert_error(iommufd_migration_get_precopy_info(dev, fd, &info), -EOPNOTSUPP);
	assert_error(iommufd_migration_get_precopy_info(dev, closed_fd(), &info), -EBADF);
}

static void migration_of_half_a_state_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *from = get_ready_port(f, 0), *to = get_port(f, 1);
	uint8_t data[STATE_MAX];
	size_t length = save(f, from, data);
	int fd = begin(f, to, STATE(RESUMING)), none;

	assert_ok(iommufd_migration_write(to, fd, data, length - 1));
	assert_error(iommufd_migration_set_state(to, STATE(RUNNING), &none), -EINVAL);
	assert_int_equal(state_of(to), STATE(RESUMING));
	assert_ok(iommufd_migration_write(to, fd, data + length - 1, 1));
	go_to(to, STATE(RUNNING));
}

static void migration_of_another_kind_is_refused(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *from = get_ready_port(f, 0), *to = get_port(f, 1);
	uint8_t data[STATE_MAX];
	size_t length = save(f, from, data);
	int fd = begin(f, to, STATE(RESUMING));

	data[0] ^= 1;
	assert_error(iommufd_migration_write(to, fd, data, length), -EFAULT);
}

static void migration_of_too_much_enomem(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *from = get_ready_port(f, 0), *to = get_port(f, 1);
	uint8_t data[STATE_MAX];
	size_t length = save(f, from, data);
	int fd = begin(f, to, STATE(RESUMING));

	assert_error(iommufd_migration_write(to, fd, data, length + 1), -ENOMEM);
	assert_ok(iommufd_migration_write(to, fd, data, length)); /* none of it was taken */
	assert_error(iommufd_migration_write(to, fd, data, 1), -ENOMEM);
	go_to(to, STATE(RUNNING));
}

static void migration_the_wrong_way_ebadf(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_port(f, 0);
	int fd = begin(f, dev, STATE(STOP_COPY));
	uint8_t byte = 0;
	size_t got;

	assert_error(iommufd_migration_write(dev, fd, &byte, 1), -EBADF);
	go_to(dev, STATE(STOP));
	fd = begin(f, dev, STATE(RESUMING));
	assert_error(iommufd_migration_read(dev, fd, &byte, 1, &got), -EBADF);
	assert_error(iommufd_migration_read(dev, closed_fd(), &byte, 1, &got), -EBADF);
	assert_error(iommufd_migration_write(dev, closed_fd(), &byte, 1), -EBADF);
}

static void migration_with_bad_memory_efault(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_port(f, 0);
	int fd = begin(f, dev, STATE(STOP_COPY));
	size_t got;

	assert_error(iommufd_migration_read(dev, fd, (void *)16, 8, &got), -EFAULT);
	go_to(dev, STATE(STOP));
	fd = begin(f, dev, STATE(RESUMING));
	assert_error(iommufd_migration_write(dev, fd, (void *)16, 8), -EFAULT);
}

static void migration_ends_with_a_reset(void **state)
{
	static const uint32_t states[] = { STATE(PRE_COPY), STATE(STOP_COPY), STATE(RESUMING) };
	struct fixture *f = *state;
	struct iommufd_device *dev = get_port(f, 0);

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		uint8_t byte = 0;
		size_t got;
		int fd = begin(f, dev, states[i]);

		assert_ok(iommufd_device_reset(dev));
		assert_int_equal(state_of(dev), STATE(RUNNING));
		if (states[i] == STATE(RESUMING))
			assert_error(iommufd_migration_write(dev, fd, &byte, 1), -ENODEV);
		else
			assert_error(iommufd_migration_read(dev, fd, &byte, 1, &got), -ENODEV);
	}
}

static void migration_ends_with_the_device(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_port(f, 0), *other = get_port(f, 1);
	int fd = begin(f, dev, STATE(STOP_COPY));
	uint8_t byte;
	size_t got;

	put_device(f, dev);
	assert_error(iommufd_migration_read(other, fd, &byte, 1, &got), -ENODEV);
}

static void migration_without_descriptors_emfile(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_port(f, 0);
	int fd;

	limit_fds(NO_MORE_FDS);
	assert_error(iommufd_migration_set_state(dev, STATE(STOP_COPY), &fd), -EMFILE);
	limit_fds(LIFT_LIMIT);
	assert_ok(iommufd_device_reset(dev));
	begin(f, dev, STATE(STOP_COPY));
}

/* The device writes to no memory: what is logged is nothing. */
static void dma_log_of_a_mediated_device(void **state)
{
	static const struct iommufd_range ranges[] = { { 0, 0xffff }, { 0x100000, 0x1fffff } };
	struct fixture *f = *state;
	struct iommufd_device *dev = get_port(f, 0);
	uint64_t page_size = PAGE, bits[4] = { 5, 0, 0, 6 };

	assert_int_equal(iommufd_device_has_feature(dev, IOMMUFD_FEATURE_DMA_LOGGING_REPORT,
						    IOMMUFD_FEATURE_GET), 1);
	assert_ok(iommufd_device_start_dma_log(dev, ranges, ARRAY_SIZE(ranges), &page_size));
	assert_in_range(page_size, PAGE, PAGE);
	assert_ok(iommufd_device_read_dma_log(dev, 0x100000, 0x100000, PAGE, bits));
	assert_true(bits[0] == 5 && !bits[1] && !bits[2] && bits[3] == 6);
	assert_ok(iommufd_device_stop_dma_log(dev));
}

static void dma_log_of_ranges_that_will_not_do(void **state)
{
	static const struct iommufd_range overlap[] = { { 0, 0xffff }, { 0xf000, 0x1ffff } };
	static struct iommufd_range many[257];
	struct fixture *f = *state;
	struct iommufd_device *dev = get_port(f, 0);
	uint64_t page_size = PAGE;

	assert_error(iommufd_device_start_dma_log(dev, overlap, 2, &page_size), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct iommufd_range){ i * 2 * PAGE, i * 2 * PAGE + PAGE - 1 };
	assert_error(iommufd_device_start_dma_log(dev, many, 257, &page_size), -E2BIG);
	assert_ok(iommufd_device_start_dma_log(dev, many, 256, &page_size));
}

static const struct CMUnitTest cases[] = {
	CASE(migration_of_a_device_without_eopnotsupp),
	CASE(migration_bad_argument_einval),
	CASE(migration_of_a_mediated_device),
	CASE(migration_while_it_runs),
	CASE(migration_of_a_stopped_device),
	CASE(migration_state_is_read_to_the_byte),
	CASE(migration_given_up_runs_on),
	CASE(migration_states_without_data),
	CASE(migration_no_way_back_einval),
	CASE(migration_precopy_info_in_another_state),
	CASE(migration_of_half_a_state_einval),
	CASE(migration_of_another_kind_is_refused),
	CASE(migration_of_too_much_enomem),
	CASE(migration_the_wrong_way_ebadf),
	CASE(migration_with_bad_memory_efault),
	CASE(migration_ends_with_a_reset),
	CASE(migration_ends_with_the_device),
	CASE(migration_without_descriptors_emfile),
	CASE(dma_log_of_a_mediated_device),
	CASE(dma_log_of_ranges_that_will_not_do),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return run_on_backends("migration", cases, ARRAY_SIZE(cases));
}
