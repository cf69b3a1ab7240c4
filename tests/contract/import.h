/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A context that is left to a successor, which is in the same process but where noted. */
#ifndef IMPORT_H
#define IMPORT_H

#include "contract.h"

struct exported {
	uint8_t blob[16384];
	size_t size;
	int fds[32]; /* lent */
	size_t count;
};

/* Can this backend do that? If not the refusals are shown. */
bool can_export(struct fixture *f);
/* 0 where memory of files can be charged to the successor, else the flag that leaves it. */
uint64_t keep_process(struct fixture *f);
/* A memfd; held. */
int get_memfd(struct fixture *f, size_t size);
void map_file_at(struct iommufd_ioas *ioas, int fd, uint64_t offset, size_t length, uint64_t iova);

/* A device with a cookie; held. */
struct iommufd_device *get_with_cookie(struct fixture *f, enum place place, uint64_t cookie);

void export_ctx(struct iommufd_ctx *ctx, struct exported *e);
int import(const struct exported *e, uint64_t flags, struct iommufd_import **out);
/* Which must succeed; held, as are those below. */
struct iommufd_import *get_import(struct fixture *f, const struct exported *e, uint64_t flags);
/* The fixture's own context is left to a successor. */
struct iommufd_import *succeed(struct fixture *f);
struct iommufd_ctx *ctx_of(struct fixture *f, struct iommufd_import *import);
struct iommufd_ioas *find_ioas(struct fixture *f, struct iommufd_import *import, uint32_t id);
struct iommufd_device *find_cookie(struct fixture *f, struct iommufd_ctx *ctx, uint64_t cookie);
uint32_t ioas_id(struct iommufd_ioas *ioas);

/* Puts the sum right that a blob has of itself: else nothing behind that would be tried. */
void seal_blob(struct exported *e);
/* Whatever it says: nothing of the exporter's is touched, and nothing stays. What the import says. */
int try_import(const struct exported *e, int fds_before);

#endif
