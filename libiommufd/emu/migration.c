/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Moving a serial port: its states, the file that its state goes through, and a log of nothing. */
#include "emu/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/uapi.h"

#define MAGIC UINT64_C(0x65737562f0f1f2f3)
#define HEADER offsetof(struct emu_port_image, lines)
#define MOST_RANGES (EMU_PAGE / sizeof(struct k_vfio_device_feature_dma_logging_range))

/* Held by its file, and by the device while it goes on. */
struct emu_transfer {
	unsigned int refs;
	const struct emu_port *port;
	bool resuming;
	bool over;
	size_t filled;
	size_t at;
	struct emu_port_image image;
};

static void put(struct emu_transfer *t)
{
	if (!--t->refs)
		free(t);
}

void emu_port_end_transfer(struct emu_port *port)
{
	struct emu_transfer *t = port->transfer;

	if (!t)
		return;
	port->transfer = NULL;
	t->over = true;
	put(t);
}

void emu_transfer_close(struct emu_file *file)
{
	put(file->transfer);
}

/* The image is filled from the start, as far as it is known. */
static struct emu_transfer *new_transfer(struct emu_port *port, bool resuming)
{
	struct emu_transfer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->refs = 1;
	t->port = port;
	t->resuming = resuming;
	if (!resuming) {
		t->image.magic = MAGIC;
		t->image.version[0] = 1;
		t->image.nr_lines = EMU_PORT_LINES;
		t->filled = HEADER;
	}
	port->transfer = t;
	return t;
}

static bool is_precopy(uint32_t state)
{
	return state == K_VFIO_DEVICE_STATE_PRE_COPY || state == K_VFIO_DEVICE_STATE_PRE_COPY_P2P;
}

/* The next state on the way to another one; ERROR where there is no way. */
static uint32_t next_state(uint32_t now, uint32_t to)
{
	bool copies = to == K_VFIO_DEVICE_STATE_STOP_COPY;

	switch (now) {
	case K_VFIO_DEVICE_STATE_STOP:
		return copies || to == K_VFIO_DEVICE_STATE_RESUMING ? to
								    : K_VFIO_DEVICE_STATE_RUNNING_P2P;
	case K_VFIO_DEVICE_STATE_RUNNING:
		return to == K_VFIO_DEVICE_STATE_PRE_COPY ? to : K_VFIO_DEVICE_STATE_RUNNING_P2P;
	case K_VFIO_DEVICE_STATE_RUNNING_P2P:
		if (to == K_VFIO_DEVICE_STATE_PRE_COPY_P2P)
			return to;
		return to == K_VFIO_DEVICE_STATE_RUNNING || is_precopy(to)
			       ? K_VFIO_DEVICE_STATE_RUNNING
			       : K_VFIO_DEVICE_STATE_STOP;
	case K_VFIO_DEVICE_STATE_PRE_COPY:
		return copies || is_precopy(to) ? K_VFIO_DEVICE_STATE_PRE_COPY_P2P
						: K_VFIO_DEVICE_STATE_RUNNING;
	case K_VFIO_DEVICE_STATE_PRE_COPY_P2P:
		return copies || is_precopy(to) ? to : K_VFIO_DEVICE_STATE_RUNNING_P2P;
	case K_VFIO_DEVICE_STATE_STOP_COPY:
		return is_precopy(to) ? K_VFIO_DEVICE_STATE_ERROR : K_VFIO_DEVICE_STATE_STOP;
	default:
		return K_VFIO_DEVICE_STATE_STOP;
	}
}

static bool is_transfer(uint32_t state)
{
	return is_precopy(state) || state == K_VFIO_DEVICE_STATE_STOP_COPY ||
	       state == K_VFIO_DEVICE_STATE_RESUMING;
}

static int load(struct emu_port *port)
{
	if (port->transfer->filled < sizeof(port->transfer->image))
		return -EINVAL;
	memcpy(port->lines, port->transfer->image.lines, sizeof(port->lines));
	return 0;
}

/* One step. *@out is the transfer that begins with it, if one does. */
static int step(struct emu_port *port, uint32_t to, struct emu_transfer **out)
{
	*out = NULL;
	if (port->state == K_VFIO_DEVICE_STATE_RESUMING) {
		int r = load(port);

		if (r)
			return r;
	}
	if (!is_transfer(to)) {
		emu_port_end_transfer(port);
	} else if (!port->transfer) {
		*out = new_transfer(port, to == K_VFIO_DEVICE_STATE_RESUMING);
		if (!*out)
			return -ENOMEM;
	}
	if (to == K_VFIO_DEVICE_STATE_STOP_COPY) {
		memcpy(port->transfer->image.lines, port->lines, sizeof(port->lines));
		port->transfer->filled = sizeof(port->transfer->image);
	}
	port->state = to;
	return 0;
}

static int walk(struct emu_port *port, uint32_t to, struct emu_transfer **out)
{
	*out = NULL;
	if (!to || to >= K_VFIO_DEVICE_STATE_NR)
		return -EINVAL;
	while (port->state != to) {
		uint32_t next = next_state(port->state, to);
		int r = next == K_VFIO_DEVICE_STATE_ERROR ? -EINVAL : step(port, next, out);

		if (r)
			return r;
	}
	return 0;
}

static int hand_out(struct emu_device *dev, struct emu_transfer *t)
{
	struct emu_file *file = calloc(1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	file->kind = EMU_FILE_MIGRATION;
	file->transfer = t;
	t->refs++;
	strcpy(file->path, "anon_inode:mtty_mig");
	return emu_file_install(dev->emu, file);
}

static int device_state(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	struct k_vfio_device_feature_mig_state arg;
	struct emu_transfer *begun;
	int r = emu_feature_check(flags, size, K_VFIO_DEVICE_FEATURE_GET | K_VFIO_DEVICE_FEATURE_SET,
				  sizeof(arg));

	if (r != 1)
		return r;
	r = emu_user_read(&arg, data, sizeof(arg));
	if (r)
		return r;
	if (flags & K_VFIO_DEVICE_FEATURE_GET) {
		arg.device_state = dev->port->state;
		arg.data_fd = -1;
		return emu_user_write(data, &arg, sizeof(arg));
	}
	r = walk(dev->port, arg.device_state, &begun);
	arg.data_fd = -1;
	if (!r && begun) {
		r = hand_out(dev, begun);
		if (r < 0)
			return r;
		arg.data_fd = r;
		r = 0;
	}
	return emu_user_write(data, &arg, sizeof(arg)) ? -EFAULT : r;
}

static int get_number(uint32_t flags, uint64_t data, size_t size, uint64_t number)
{
	int r = emu_feature_check(flags, size, K_VFIO_DEVICE_FEATURE_GET, sizeof(number));

	return r == 1 ? emu_user_write(data, &number, sizeof(number)) : r;
}

static int migration_flags(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	(void)dev;
	return get_number(flags, data, size, K_VFIO_MIGRATION_STOP_COPY | K_VFIO_MIGRATION_P2P |
						     K_VFIO_MIGRATION_PRE_COPY);
}

static int data_size(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	(void)dev;
	return get_number(flags, data, size, sizeof(struct emu_port_image));
}

/* What is only switched, and here changes nothing. */
static int nothing(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	int r = emu_feature_check(flags, size, K_VFIO_DEVICE_FEATURE_SET, 0);

	(void)dev, (void)data;
	return r == 1 ? 0 : r;
}

/* -- the log: as the kernel checks what it is asked, and with nothing in it */

static int read_range(uint64_t list, uint32_t index,
		      struct k_vfio_device_feature_dma_logging_range *out)
{
	return emu_user_read(out, list + index * sizeof(*out), sizeof(*out));
}

static int check_ranges(const struct k_vfio_device_feature_dma_logging_control *arg)
{
	struct k_vfio_device_feature_dma_logging_range range, other;
	uint64_t end, mask = arg->page_size - 1;

	for (uint32_t i = 0; i < arg->num_ranges; i++) {
		int r = read_range(arg->ranges, i, &range);

		if (r)
			return r;
		if ((range.iova | range.length) & mask)
			return -EINVAL;
		if (__builtin_add_overflow(range.iova, range.length, &end))
			return -EOVERFLOW;
		for (uint32_t j = 0; j < i; j++) {
			r = read_range(arg->ranges, j, &other);
			if (r)
				return r;
			if (other.iova < end && range.iova < other.iova + other.length)
				return -EINVAL;
		}
	}
	return 0;
}

static int start_log(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	struct k_vfio_device_feature_dma_logging_control arg;
	int r = emu_feature_check(flags, size, K_VFIO_DEVICE_FEATURE_SET, sizeof(arg));

	(void)dev;
	if (r != 1)
		return r;
	r = emu_user_read(&arg, data, sizeof(arg));
	if (r)
		return r;
	if (!arg.num_ranges)
		return -EINVAL;
	return arg.num_ranges > MOST_RANGES ? -E2BIG : check_ranges(&arg);
}

static int report_log(struct emu_device *dev, uint32_t flags, uint64_t data, size_t size)
{
	struct k_vfio_device_feature_dma_logging_report arg;
	uint64_t end;
	int r = emu_feature_check(flags, size, K_VFIO_DEVICE_FEATURE_GET, sizeof(arg));

	(void)dev;
	if (r != 1)
		return r;
	r = emu_user_read(&arg, data, sizeof(arg));
	if (r)
		return r;
	if (arg.page_size < EMU_PAGE || arg.page_size & (arg.page_size - 1))
		return -EINVAL;
	return __builtin_add_overflow(arg.iova, arg.length, &end) ? -EOVERFLOW : 0;
}

static const struct emu_feature_row features[] = {
	{ K_VFIO_DEVICE_FEATURE_MIGRATION, EMU_FEATURE_PORTS, migration_flags },
	{ K_VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, EMU_FEATURE_PORTS, device_state },
	{ K_VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, EMU_FEATURE_PORTS, data_size },
	{ K_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, EMU_FEATURE_PRECOPY_V2, nothing },
	{ K_VFIO_DEVICE_FEATURE_DMA_LOGGING_START, EMU_FEATURE_PORTS, start_log },
	{ K_VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP, EMU_FEATURE_PORTS, nothing },
	{ K_VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, EMU_FEATURE_PORTS, report_log },
};

int emu_port_feature(struct emu_device *dev, uint64_t arg)
{
	return emu_feature_serve(dev, arg, features, sizeof(features) / sizeof(*features));
}

/* -- the file */

ssize_t emu_transfer_read(struct emu_file *file, uint64_t user, size_t n)
{
	struct emu_transfer *t = file->transfer;
	int r;

	if (t->resuming)
		return -EBADF;
	if (t->over)
		return -ENODEV;
	if (n > t->filled - t->at)
		n = t->filled - t->at;
	r = n ? emu_user_write(user, (const char *)&t->image + t->at, n) : 0;
	if (r)
		return r;
	t->at += n;
	return (ssize_t)n;
}

static bool is_ours(const struct emu_port_image *image)
{
	return image->magic == MAGIC && image->version[0] == 1 && !image->version[1] &&
	       image->nr_lines == EMU_PORT_LINES && !image->flags;
}

ssize_t emu_transfer_write(struct emu_file *file, uint64_t user, size_t n)
{
	struct emu_transfer *t = file->transfer;
	size_t before = t->filled;
	int r;

	if (!t->resuming)
		return -EBADF;
	if (n > sizeof(t->image) - t->filled)
		return -ENOMEM;
	if (t->over)
		return -ENODEV;
	r = emu_user_read((char *)&t->image + t->filled, user, n);
	if (r)
		return r;
	t->filled += n;
	if (before < HEADER && t->filled >= HEADER && !is_ours(&t->image))
		return -EFAULT;
	return (ssize_t)n;
}

int emu_transfer_ioctl(struct emu_file *file, uint32_t request, uint64_t arg)
{
	const size_t min = emu_endof(struct k_vfio_precopy_info, dirty_bytes);
	struct emu_transfer *t = file->transfer;
	struct k_vfio_precopy_info info;
	int r;

	if (t->resuming || request != K_VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	r = emu_user_read(&info, arg, min);
	if (r)
		return r;
	if (info.argsz < min || !is_precopy(t->port->state))
		return -EINVAL;
	if (t->over)
		return -ENODEV;
	info.flags = 0;
	info.initial_bytes = t->filled - t->at;
	info.dirty_bytes = 0;
	return emu_user_write(arg, &info, min);
}
