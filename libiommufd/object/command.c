/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "object/command.h"

#include <errno.h>

#include "os/uapi.h"

int command_check(const struct iommufd_ctx *ctx, const char *function, uint32_t cap,
		  const char *what)
{
	if (engine_has(&ctx->backend.engine, cap))
		return 0;
	return err(-EOPNOTSUPP, function, what,
		   "ask iommufd_ctx_has() first; a newer kernel may have them for cdev+iommufd",
		   "backend %s has no %s on this kernel", ctx->backend.name, what);
}

int command_check_owner(const struct iommufd_ctx *ctx, const char *function, const char *object)
{
	return core_is_owner(&ctx->core) ? 0 :
		err(-EPERM, function, object, "make a context of its own in the child",
		    "%s belongs to the process that forked", object);
}

int command_destroy(struct iommufd_ctx *ctx, uint32_t id)
{
	struct k_iommu_destroy arg = { .size = sizeof(arg), .id = id };

	return core_is_owner(&ctx->core) ? command(ctx, K_IOMMU_DESTROY, &arg) : 0;
}

void command_destroyed(struct iommufd_ctx *ctx, const char *object, int r)
{
	if (r)
		log_warning(&ctx->core.log,
			    "IOMMU_DESTROY: %s stays in the kernel until the context closes (errno %d)",
			    object, -r);
}
