/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Virtual and physical PASIDs. A table has no context, so that its failures are not logged. */
#include <libiommufd/pasid_table.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/object.h"
#include "base/opts.h"
#include "map/pasid-table.h"

static const char object_name[] = "pasid table";

struct iommufd_pasid_table {
	struct object obj;
	pthread_mutex_t lock; /* of writers, and who wants to see more than one pair */
	struct pasid_table pairs;
};

static inline bool is_table(const struct iommufd_pasid_table *table)
{
	return likely(table && object_is(&table->obj, OBJECT_PASID_TABLE));
}

static int check(const struct iommufd_pasid_table *table, const char *function)
{
	return is_table(table) ? 0 : err_handle(function, object_name);
}

static int check_width(const char *function, const char *name, uint32_t width)
{
	if (width < 1 || width > PASID_WIDTH_MAX)
		return err(-EINVAL, function, name,
			   width ? "use a width of 1 to 20 bits" :
				   "make no table for a device that has no PASIDs",
			   "PASIDs of %u bits do not exist", width);
	return 0;
}

IOMMUFD_EXPORT int iommufd_pasid_table_new(uint32_t virtual_width, uint32_t physical_width,
					   struct iommufd_pasid_table **out)
{
	struct iommufd_pasid_table *table;
	int r;

	if (!out)
		return err_null(__func__, "out");
	*out = NULL;
	r = check_width(__func__, "virtual_width", virtual_width);
	if (!r)
		r = check_width(__func__, "physical_width", physical_width);
	if (r)
		return r;
	table = calloc(1, sizeof(*table));
	if (!table)
		return err_nomem(__func__, object_name);
	object_init(&table->obj, OBJECT_PASID_TABLE);
	pthread_mutex_init(&table->lock, NULL);
	pasid_table_init(&table->pairs, virtual_width, physical_width);
	*out = table;
	return 0;
}

IOMMUFD_EXPORT struct iommufd_pasid_table *
iommufd_pasid_table_ref(struct iommufd_pasid_table *table)
{
	if (is_table(table))
		object_ref(&table->obj);
	return table;
}

IOMMUFD_EXPORT struct iommufd_pasid_table *
iommufd_pasid_table_unref(struct iommufd_pasid_table *table)
{
	if (!is_table(table) || !object_unref(&table->obj))
		return NULL;
	table->obj.kind = OBJECT_FREED;
	pasid_table_exit(&table->pairs);
	pthread_mutex_destroy(&table->lock);
	free(table);
	return NULL;
}

static int check_numbers(const char *function, const char *what, const struct pasid_side *side,
			 uint32_t first, uint32_t count)
{
	if (!count)
		return err(-EINVAL, function, object_name, "name at least one", "the count is 0");
	if (!pasid_side_has(side, first, count))
		return err(-ERANGE, function, object_name,
			   "keep numbers within the width that the table was made with",
			   "%s PASIDs %u..%llu are not all below %u", what, first,
			   (unsigned long long)first + (count - 1), side->limit);
	return 0;
}

static int set_locked(struct iommufd_pasid_table *table, const char *function,
		      const struct pasid_run *run)
{
	struct pasid_run there;
	int r = pasid_table_add(&table->pairs, run, &there);

	if (r == -ENOMEM)
		return err_nomem(function, object_name);
	if (r)
		return err(r, function, object_name, "clear that first, or choose other numbers",
			   "virtual PASID %u is physical PASID %u already", there.vpasid,
			   there.pasid);
	return 0;
}

static int set(struct iommufd_pasid_table *table, const char *function, uint32_t vpasid,
	       uint32_t pasid, uint32_t count)
{
	struct pasid_run run = { .vpasid = vpasid, .pasid = pasid, .count = count };
	int r = check(table, function);

	if (!r)
		r = check_numbers(function, "virtual", &table->pairs.to_physical, vpasid, count);
	if (!r)
		r = check_numbers(function, "physical", &table->pairs.to_virtual, pasid, count);
	if (r)
		return r;
	if (!pasid)
		return err(-ERANGE, function, object_name, "use physical PASIDs from 1 on",
			   "physical PASID 0 stands for requests without one");
	pthread_mutex_lock(&table->lock);
	r = set_locked(table, function, &run);
	pthread_mutex_unlock(&table->lock);
	return r;
}

IOMMUFD_EXPORT int iommufd_pasid_table_set(struct iommufd_pasid_table *table, uint32_t vpasid,
					   uint32_t pasid)
{
	return set(table, __func__, vpasid, pasid, 1);
}

IOMMUFD_EXPORT int iommufd_pasid_table_set_range(struct iommufd_pasid_table *table,
						 uint32_t vpasid, uint32_t pasid, uint32_t count)
{
	return set(table, __func__, vpasid, pasid, count);
}

static int clear(struct iommufd_pasid_table *table, const char *function, uint32_t vpasid,
		 uint32_t count, uint32_t *cleared)
{
	int r = check(table, function);

	if (!r)
		r = check_numbers(function, "virtual", &table->pairs.to_physical, vpasid, count);
	if (r)
		return r;
	pthread_mutex_lock(&table->lock);
	*cleared = pasid_table_remove(&table->pairs, vpasid, count);
	pthread_mutex_unlock(&table->lock);
	return 0;
}

IOMMUFD_EXPORT int iommufd_pasid_table_clear(struct iommufd_pasid_table *table, uint32_t vpasid)
{
	uint32_t cleared;
	int r = clear(table, __func__, vpasid, 1, &cleared);

	if (!r && !cleared)
		r = err(-ENOENT, __func__, object_name,
			"clear what iommufd_pasid_table_next() shows",
			"virtual PASID %u is in no pair", vpasid);
	return r;
}

IOMMUFD_EXPORT int iommufd_pasid_table_clear_range(struct iommufd_pasid_table *table,
						   uint32_t vpasid, uint32_t count,
						   uint32_t *cleared)
{
	uint32_t pairs;
	int r = clear(table, __func__, vpasid, count, &pairs);

	if (!r && cleared)
		*cleared = pairs;
	return r;
}

static inline int read_side(const struct pasid_side *side, uint32_t number, uint32_t *other)
{
	uint32_t word;

	if (unlikely(number >= side->limit))
		return -ERANGE;
	word = pasid_side_read(side, number);
	if (unlikely(!word))
		return -ENOENT;
	*other = word - 1;
	return 0;
}

IOMMUFD_EXPORT int iommufd_pasid_table_to_physical(struct iommufd_pasid_table *table,
						   uint32_t vpasid, uint32_t *pasid)
{
	if (unlikely(!is_table(table) || !pasid))
		return -EINVAL;
	return read_side(&table->pairs.to_physical, vpasid, pasid);
}

IOMMUFD_EXPORT int iommufd_pasid_table_to_virtual(struct iommufd_pasid_table *table,
						  uint32_t pasid, uint32_t *vpasid)
{
	if (unlikely(!is_table(table) || !vpasid))
		return -EINVAL;
	return read_side(&table->pairs.to_virtual, pasid, vpasid);
}

IOMMUFD_EXPORT int iommufd_pasid_table_next(struct iommufd_pasid_table *table, uint32_t from,
					    struct iommufd_pasid_range *range)
{
	struct iommufd_pasid_range known = { 0 };
	struct pasid_run run;
	bool found;
	int r = check(table, __func__);

	if (r)
		return r;
	if (!range)
		return err_null(__func__, "range");
	pthread_mutex_lock(&table->lock);
	found = pasid_table_next(&table->pairs, from, &run);
	pthread_mutex_unlock(&table->lock);
	if (!found)
		return -ENOENT;
	known.vpasid = run.vpasid;
	known.pasid = run.pasid;
	known.count = run.count;
	return opts_put(__func__, range, &known, sizeof(known));
}

IOMMUFD_EXPORT int iommufd_pasid_table_get_info(struct iommufd_pasid_table *table,
						struct iommufd_pasid_table_info *info)
{
	struct iommufd_pasid_table_info known = { 0 };
	const struct pasid_side *physical, *virtual;
	int r = check(table, __func__);

	if (r)
		return r;
	virtual = &table->pairs.to_physical;
	physical = &table->pairs.to_virtual;
	known.virtual_width = (uint32_t)__builtin_ctz(virtual->limit);
	known.physical_width = (uint32_t)__builtin_ctz(physical->limit);
	pthread_mutex_lock(&table->lock);
	known.pairs = table->pairs.pairs;
	known.bytes = sizeof(*table) +
		      (uint64_t)(virtual->leaves + physical->leaves) * sizeof(struct pasid_leaf);
	pthread_mutex_unlock(&table->lock);
	return opts_put(__func__, info, &known, sizeof(known));
}
