/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "backend/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/ask.h"
#include "base/text.h"

/* A node, the engine that may stand behind it, and how it has devices. */
struct step {
	const char *node;
	const struct engine_ops *engine;
	int (*ask)(struct engine *e, const char *object, bool adopted, struct refusal *why);
	const struct transport_ops *transports[TRANSPORTS_MAX];
	bool noiommu;
};

enum { STEPS_MAX = 2 };

#define IOMMUFD ASK_IOMMUFD, &engine_iommufd, ask_iommufd
#define TYPE1 ASK_CONTAINER, &engine_type1, ask_container
#define NOIOMMU ASK_CONTAINER, &engine_noiommu, ask_container

/* In the order in which the steps are tried. */
static const struct policy {
	const char *name;
	struct step steps[STEPS_MAX];
} policies[] = {
	{ "auto", { { IOMMUFD, { &transport_cdev, &transport_group }, false },
		    { TYPE1, { &transport_group }, false } } },
	{ "iommufd", { { IOMMUFD, { &transport_cdev, &transport_group }, false } } },
	{ "legacy", { { TYPE1, { &transport_group }, false } } },
	{ "noiommu", { { IOMMUFD, { &transport_cdev }, true },
		       { NOIOMMU, { &transport_group }, true } } },
	{ "cdev+iommufd", { { IOMMUFD, { &transport_cdev }, false } } },
	{ "group+iommufd", { { IOMMUFD, { &transport_group }, false } } },
	{ "group+type1", { { TYPE1, { &transport_group }, false } } },
	{ "cdev+noiommu", { { IOMMUFD, { &transport_cdev }, true } } },
	{ "group+noiommu", { { NOIOMMU, { &transport_group }, true } } },
};

struct attempt {
	struct backend *b;
	const struct core *core;
	const char *function;
	const struct policy *policy;
	int adopt;
	char object[32]; /* what is being asked */
	struct refusal refusals[STEPS_MAX];
	unsigned int count;
};

static int find_policy(const char *function, const char *name, const struct policy **out)
{
	const char *wanted = secure_getenv("LIBIOMMUFD_BACKEND");
	bool forced = wanted && *wanted;

	if (forced)
		name = wanted;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		if (!strcmp(name ? name : "auto", policies[i].name)) {
			*out = &policies[i];
			return 0;
		}
	return err(-EINVAL, function, forced ? "LIBIOMMUFD_BACKEND" : "opts.backend",
		   "use \"auto\", \"iommufd\", \"legacy\", \"noiommu\", or a pair as \"cdev+iommufd\", \"group+iommufd\", \"group+type1\", \"cdev+noiommu\", \"group+noiommu\"",
		   "there is no backend \"%.60s\"", name);
}

static int note(struct attempt *a, const char *fmt, ...) printf_like(2, 3);

/* A line for the report. */
static int note(struct attempt *a, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = text_line_args(&a->b->report, fmt, args);
	va_end(args);
	return r ? err_nomem(a->function, "ctx") : 0;
}

/* Keeps the refusal for the record that is written if nothing serves. */
static int note_refused(struct attempt *a, const struct refusal *why)
{
	char name[ERR_NAME_MAX];
	int r = note(a, "%s %s: %s, %s", strcmp(why->call, "open") ? "asked" : "opened",
		     why->object, err_name(why->code, name, sizeof(name)), why->cause);

	a->refusals[a->count++] = *why;
	return r ? r : ASK_REFUSED;
}

/* A container that is an iommufd is used as one, if the policy has that. */
static int note_served(struct attempt *a, const struct step **s)
{
	bool as_iommufd = a->policy->steps[0].engine == &engine_iommufd;

	if ((*s)->engine == &engine_iommufd || (*s)->noiommu ||
	    !ask_is_iommufd(a->core, a->b->engine.fd))
		return 0;
	if (as_iommufd)
		*s = &a->policy->steps[0];
	return note(a, "asked %s: it is an iommufd%s", a->object,
		    as_iommufd ? ", and used as one" : " that plays a container");
}

/* A kernel without character devices says so before the first device is opened. */
static int choose_transports(struct attempt *a, const struct step *s)
{
	struct backend *b = a->b;
	bool cdevs = s->transports[0] == &transport_cdev;
	int r = 0;

	memcpy(b->transports, s->transports, sizeof(b->transports));
	if (cdevs && s->transports[1] && !ask_has_cdevs(a->core)) {
		cdevs = false;
		r = note(a, "looked into /sys/class/vfio-dev: this kernel gives devices no character device; devices are had by group");
	}
	b->engine.caps |= (cdevs ? &transport_cdev : &transport_group)->caps;
	if (!cdevs) /* a group tells no numbers of its devices */
		engine_drop_commands(&b->engine);
	snprintf(b->name, sizeof(b->name), "%s%s+%s",
		 a->core->sys == sys_kernel() ? "" : "emulated ", cdevs ? "cdev" : "group",
		 s->noiommu ? "noiommu" : s->engine->name);
	return r ? r : note(a, "using %s", b->name);
}

static int try_step(struct attempt *a, const struct step *s)
{
	struct engine *e = &a->b->engine;
	struct refusal why;
	int r;

	*e = (struct engine){ .core = a->core, .fd = -1, .adopted = a->adopt >= 0 };
	if (a->adopt < 0)
		snprintf(a->object, sizeof(a->object), "%s", s->node);
	else
		snprintf(a->object, sizeof(a->object), "fd %d", a->adopt);
	r = ask_open(a->core, s->node, a->adopt, &e->fd, &why);
	if (r)
		return r < 0 ? r : note_refused(a, &why);
	r = note(a, "%s %s: ok", a->adopt < 0 ? "opened" : "adopted", a->object);
	if (!r)
		r = note_served(a, &s);
	if (!r) {
		e->ops = s->engine;
		e->noiommu = s->noiommu;
		r = s->ask(e, a->object, a->adopt >= 0, &why);
	}
	if (r == ASK_REFUSED)
		r = note_refused(a, &why);
	if (!r)
		r = choose_transports(a, s);
	if (r)
		engine_exit(e);
	return r;
}

/* How much a refusal tells: of what is not there least, of what is there and forbidden most. */
static int weight(int code)
{
	static const int ascending[] = { -ENOENT, -ENODEV, -ENOTTY, -EOPNOTSUPP, -EPERM, -EACCES };

	for (size_t i = 0; i < ARRAY_SIZE(ascending); i++)
		if (ascending[i] == code)
			return (int)i;
	return -1;
}

/* One record of all that was tried. Of two that tell as much the later has the older interface. */
static int all_refused(const struct attempt *a)
{
	char text[STEPS_MAX * (sizeof(a->refusals->object) + sizeof(a->refusals->cause) + 4)];
	const struct refusal *most = &a->refusals[0];
	int used = 0;

	for (unsigned int i = 0; i < a->count; i++) {
		const struct refusal *why = &a->refusals[i];

		if (weight(why->code) >= weight(most->code))
			most = why;
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%s%s: %s",
				 i ? "; " : "", why->object, why->cause);
	}
	return err(most->code, most->call, most->object, most->remedy, "%s", text);
}

int backend_open(struct backend *b, const struct core *core, const char *function,
		 const char *policy, int adopt)
{
	struct attempt a = { .b = b, .core = core, .function = function, .adopt = adopt };
	int r = find_policy(function, policy, &a.policy);

	*b = (struct backend){ .engine = { .core = core, .fd = -1 } };
	if (r)
		return r;
	r = ASK_REFUSED;
	for (size_t i = 0; i < STEPS_MAX && a.policy->steps[i].node && r == ASK_REFUSED; i++)
		r = try_step(&a, &a.policy->steps[i]);
	if (r == ASK_REFUSED)
		r = all_refused(&a);
	b->noiommu = b->engine.noiommu;
	if (r) {
		free(b->report);
		b->report = NULL;
	}
	return r;
}

void backend_close(struct backend *b)
{
	engine_exit(&b->engine);
	free(b->report);
}
