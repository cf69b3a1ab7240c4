/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The fields of what the kernel tells of an IOMMU: one table for each make. */
#ifndef OBJECT_HWINFO_H
#define OBJECT_HWINFO_H

#include <stdbool.h>

#include <libiommufd/hwinfo.h>

#include "base/macro.h"
#include "os/uapi.h"

struct hw_field {
	const char *reg;
	const char *name;
	const char *other;   /* what another revision of the specification calls it, or NULL */
	const char *meaning;
	uint16_t offset;     /* of the register, or of what the kernel tells of it, in the data */
	uint8_t bytes;       /* its width there: 1, 4 or 8 */
	uint8_t at;          /* lowest bit there */
	uint8_t first;       /* lowest bit in the register itself */
	uint8_t bits;
	bool guest;          /* IOMMUFD_HW_FIELD_GUEST */
};

/* Bits @first and up of a register that the kernel tells whole, as member @m of struct @s. */
#define HW_FIELD(s, m, r, f, b, n, o, g, text) { \
	.reg = (r), .name = (n), .other = (o), .meaning = (text), .offset = offsetof(s, m), \
	.bytes = sizeof(((s *)0)->m), .at = (f), .first = (f), .bits = (b), .guest = (g), \
}

struct hw_fields {
	const struct hw_field *fields;
	size_t count;
};

extern const struct hw_fields hw_fields_vtd;
extern const struct hw_fields hw_fields_smmuv3;
extern const struct hw_fields hw_fields_tegra241;
extern const struct hw_fields hw_fields_amd;

/* hwinfo.c: as iommufd_device_get_hw_info_of(), of a device that is one; no lock, no log. */
struct iommufd_device;
int device_hw_info(struct iommufd_device *dev, uint32_t type, struct iommufd_hw_info *info);

#endif
