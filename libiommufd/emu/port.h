/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A mediated device: two serial ports that hand back what is written to them. No
 * IOMMU stands behind it, and its state can be moved to another one.
 */
#ifndef EMU_PORT_H
#define EMU_PORT_H

#include "emu/device.h"

enum { EMU_PORT_LINES = 2, EMU_PORT_REGISTERS = 8, EMU_PORT_FIFO = 16 };

/* One of the two, as it is moved. */
struct emu_line {
	uint8_t registers[EMU_PORT_REGISTERS];
	uint8_t fifo[EMU_PORT_FIFO];
	uint8_t head;
	uint8_t tail;
	uint8_t count;
	uint8_t room;		/* of the FIFO, that is in use */
	uint8_t reserved[8];
};

/* What is moved: a header, which is there at once, and the lines. */
struct emu_port_image {
	uint64_t magic;
	uint32_t version[2];
	uint32_t nr_lines;
	uint32_t flags;
	struct emu_line lines[EMU_PORT_LINES];
};

struct emu_transfer;

struct emu_port {
	struct emu_line lines[EMU_PORT_LINES];
	struct emu_ioas *ioas;	/* attached to it, or NULL */
	uint32_t state;
	struct emu_transfer *transfer;	/* while one goes on */
};

/* port.c */
int emu_port_ioctl(struct emu_device *dev, uint32_t request, uint64_t arg);
ssize_t emu_port_rw(struct emu_device *dev, uint64_t user, size_t n, uint64_t offset, bool write);
int emu_port_connect(struct emu_device *dev, bool pasid, uint32_t pt_id);
void emu_port_disconnect(struct emu_device *dev);

/* migration.c */
int emu_port_feature(struct emu_device *dev, uint64_t arg);
/* The transfer that goes on, if any, is over: its file is of no more use. */
void emu_port_end_transfer(struct emu_port *port);
ssize_t emu_transfer_read(struct emu_file *file, uint64_t user, size_t n);
ssize_t emu_transfer_write(struct emu_file *file, uint64_t user, size_t n);
int emu_transfer_ioctl(struct emu_file *file, uint32_t request, uint64_t arg);
void emu_transfer_close(struct emu_file *file);

#endif
