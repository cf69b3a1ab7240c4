/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Registers of an IOMMU, taken apart. */
#include "object/hwinfo.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/opts.h"

static const struct hw_fields *table_of(uint32_t type)
{
	static const struct hw_fields none;

	switch (type) {
	case IOMMUFD_HW_INFO_INTEL_VTD:
		return &hw_fields_vtd;
	case IOMMUFD_HW_INFO_ARM_SMMUV3:
		return &hw_fields_smmuv3;
	case IOMMUFD_HW_INFO_TEGRA241_CMDQV:
		return &hw_fields_tegra241;
	case IOMMUFD_HW_INFO_AMD:
		return &hw_fields_amd;
	default:
		return &none;
	}
}

/* As much as the caller knows; no older program has less than all of it up to the data. */
static int read_info(const char *function, struct iommufd_hw_info *ours,
		     const struct iommufd_hw_info *theirs)
{
	const size_t least = offsetof(struct iommufd_hw_info, data);
	size_t size;

	if (!theirs)
		return err_null(function, "info");
	if (theirs->size < least)
		return err(-EINVAL, function, "info",
			   "pass what iommufd_device_get_hw_info() filled in",
			   "the size field is %zu", theirs->size);
	size = theirs->size < sizeof(*ours) ? theirs->size : sizeof(*ours);
	memset(ours, 0, sizeof(*ours));
	memcpy(ours, theirs, size);
	if (ours->data_length > size - least)
		ours->data_length = (uint32_t)(size - least);
	return 0;
}

static bool is_there(const struct iommufd_hw_info *info, const struct hw_field *f)
{
	return (uint32_t)f->offset + f->bytes <= info->data_length;
}

/* The kernel's data are in the byte order of this machine. */
static uint64_t value_of(const struct iommufd_hw_info *info, const struct hw_field *f)
{
	const uint8_t *at = info->data + f->offset;
	uint64_t v8;
	uint32_t v4;

	if (f->bytes == sizeof(v8)) {
		memcpy(&v8, at, sizeof(v8));
	} else if (f->bytes == sizeof(v4)) {
		memcpy(&v4, at, sizeof(v4));
		v8 = v4;
	} else {
		v8 = *at;
	}
	return v8 >> f->at & ((UINT64_C(1) << f->bits) - 1);
}

IOMMUFD_EXPORT int iommufd_hw_info_next(const struct iommufd_hw_info *info, size_t *at,
					struct iommufd_hw_field *field)
{
	struct iommufd_hw_field known = { 0 };
	const struct hw_fields *table;
	struct iommufd_hw_info ours;
	const struct hw_field *f;
	int r = read_info(__func__, &ours, info);
	size_t i;

	if (r)
		return r;
	if (!at)
		return err_null(__func__, "at");
	table = table_of(ours.type);
	for (i = *at; i < table->count && !is_there(&ours, &table->fields[i]); i++)
		;
	if (i >= table->count)
		return -ENOENT;
	f = &table->fields[i];
	known.reg = f->reg;
	known.name = f->name;
	known.meaning = f->meaning;
	known.value = value_of(&ours, f);
	known.first_bit = f->first;
	known.bits = f->bits;
	known.flags = f->guest ? IOMMUFD_HW_FIELD_GUEST : 0u;
	r = opts_put(__func__, field, &known, sizeof(known));
	if (!r)
		*at = i + 1;
	return r;
}

static bool is_called(const struct hw_field *f, const char *name)
{
	size_t length = strlen(f->reg);

	if (strncasecmp(name, f->reg, length) || name[length] != '.')
		return false;
	name += length + 1;
	return !strcasecmp(name, f->name) || (f->other && !strcasecmp(name, f->other));
}

IOMMUFD_EXPORT int iommufd_hw_info_get(const struct iommufd_hw_info *info, const char *name,
				       uint64_t *value)
{
	const struct hw_fields *table;
	struct iommufd_hw_info ours;
	int r = read_info(__func__, &ours, info);

	if (r)
		return r;
	if (!name || !value)
		return err_null(__func__, name ? "value" : "name");
	table = table_of(ours.type);
	for (size_t i = 0; i < table->count; i++) {
		if (!is_called(&table->fields[i], name))
			continue;
		if (!is_there(&ours, &table->fields[i]))
			return err(-ENOENT, __func__, name, "do without it on this kernel",
				   "the kernel tells %u bytes, and the field is not among them",
				   ours.data_length);
		*value = value_of(&ours, &table->fields[i]);
		return 0;
	}
	return err(-ENOENT, __func__, name, "ask for a field that iommufd_hw_info_next() shows",
		   "hardware info of type %#x has no such field", ours.type);
}
