/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A table of PASIDs, which asks for memory and nothing else. */
#include "fault.h"

static void use_table(struct run *r, struct iommufd_pasid_table *table)
{
	struct iommufd_pasid_range range = { .size = sizeof(range) };
	struct iommufd_pasid_table_info info = { .size = sizeof(info) };
	uint32_t number, cleared = 0;

	if (!TRY(r, iommufd_pasid_table_set, table, 5, 7) ||
	    !TRY(r, iommufd_pasid_table_set_range, table, 1000, 3000, 100) ||
	    !TRY(r, iommufd_pasid_table_to_physical, table, 1099, &number) ||
	    !TRY(r, iommufd_pasid_table_to_virtual, table, 3099, &number) ||
	    !TRY(r, iommufd_pasid_table_next, table, 6, &range) ||
	    !TRY(r, iommufd_pasid_table_get_info, table, &info))
		return;
	if (range.vpasid != 1000 || range.count != 100 || info.pairs != 101)
		wrong(r, "the table has %u pairs, and %u from %u on", info.pairs, range.count,
		      range.vpasid);
	if (TRY(r, iommufd_pasid_table_clear, table, 5) &&
	    TRY(r, iommufd_pasid_table_clear_range, table, 0, 1 << 16, &cleared) && cleared != 100)
		wrong(r, "%u pairs were cleared", cleared);
}

void play_pasid_table(struct run *r)
{
	struct iommufd_pasid_table *table = NULL;

	if (TRY(r, iommufd_pasid_table_new, 16, 16, &table))
		use_table(r, table);
	iommufd_pasid_table_unref(table);
}
