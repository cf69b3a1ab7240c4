/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What devices reach: as the library's record says, and as the emulated kernel
 * has it. Neighbours that continue each other are one piece, for an entry of
 * the kernel may hold several mappings.
 */
#ifndef REACH_H
#define REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iommufd_emu;
struct iommufd_ioas;

struct piece {
	uint64_t start, last;
	uint64_t va;   /* of start; 0 of a file that the kernel maps itself */
	uint32_t prot; /* IOMMUFD_MAP_* */
};

struct reach {
	struct piece piece[64];
	size_t count;
	bool tracked; /* the kernel notes what is written */
};

void reach_add(struct reach *reach, const struct piece *p);
bool reach_is(const struct reach *a, const struct reach *b);
/* Has @part nothing that @whole has not? */
bool reach_is_within(const struct reach *part, const struct reach *whole);

/* Without the piece that begins at @start, which must be there by itself. */
bool reach_remove(struct reach *reach, uint64_t start);
/* Only which IOVAs, for what access. */
void reach_forget_memory(struct reach *reach);
void reach_of_record(struct iommufd_ioas *ioas, struct reach *out);

/* reach-kernel.c: false if the device has no address space, or there is no such IOAS. */
bool reach_of_device(struct iommufd_emu *emu, const char *name, struct reach *out);
bool reach_of_pasid(struct iommufd_emu *emu, const char *name, uint32_t pasid, struct reach *out);
bool reach_of_ioas(struct iommufd_emu *emu, uint32_t id, struct reach *out);
/* Devices that are open. */
size_t count_open_devices(struct iommufd_emu *emu);

#endif
