/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The differential test: options, backends, and what came of it. See diff.h. */
#include "contest.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STREAM_LENGTH = 1000, SHRINK_SECONDS = 60, SKIPPED = 77 };

static const char *const all_backends[] = { "cdev+iommufd", "group+iommufd", "group+type1" };

struct options {
	uint64_t seed, ops;
	size_t length;
	unsigned int dma, shrink;
	char *backends; /* NULL is all there are */
	bool verbose;
};

static const char usage[] =
	"usage: diff-backends [options]\n"
	"  --seed N         of the first stream; by default another one each time\n"
	"  --ops N          operations per backend (20000)\n"
	"  --length N       operations per stream (1000); each stream starts afresh\n"
	"  --backend LIST   comma-separated, instead of all that are there\n"
	"  --dma N          every so many operations a device moves memory (250); 0 for never\n"
	"  --shrink N       seconds to make a failing stream short (60); 0 to leave it as it is\n"
	"  --verbose        tell every operation\n";

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (end != text && !*end)
		return value;
	fprintf(stderr, "diff-backends: '%s' is no number\n%s", text, usage);
	exit(2);
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' }, { "ops", required_argument, NULL, 'o' },
		{ "length", required_argument, NULL, 'l' }, { "dma", required_argument, NULL, 'd' },
		{ "backend", required_argument, NULL, 'b' },
		{ "shrink", required_argument, NULL, 'k' },
		{ "verbose", no_argument, NULL, 'v' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 's':
			o->seed = number(optarg);
			break;
		case 'o':
			o->ops = number(optarg);
			break;
		case 'l':
			o->length = number(optarg);
			break;
		case 'd':
			o->dma = (unsigned int)number(optarg);
			break;
		case 'k':
			o->shrink = (unsigned int)number(optarg);
			break;
		case 'b':
			o->backends = optarg;
			break;
		case 'v':
			o->verbose = true;
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (optind < argc || !o->length || !o->ops) {
		fputs(usage, stderr);
		exit(2);
	}
}

/* -- backends */

struct answer {
	int rc;
	char message[320];
	struct hardware hw;
};

static void ask(const char *name, struct answer *a)
{
	a->rc = run_learn(name, &a->hw);
	snprintf(a->message, sizeof(a->message), "%s", iommufd_error_last()->message);
	if (a->rc || a->hw.can[IOMMUFD_CAP_ISOLATION])
		return;
	a->rc = -EOPNOTSUPP;
	snprintf(a->message, sizeof(a->message), "without an IOMMU nothing can be compared");
}

/* In a child: the emulated machine shall not live in the parent. */
static int learn(struct contest *c, const char *name)
{
	struct answer *a = shared_memory(sizeof(*a));
	pid_t child;

	a->rc = -EIO;
	fflush(NULL);
	child = fork();
	if (!child) {
		ask(name, a);
		exit(0);
	}
	waitpid(child, NULL, 0);
	if (a->rc) {
		printf("absent: %s (%s: %s)\n", name, strerror(-a->rc), a->message);
		return a->rc;
	}
	c->name[c->count] = name;
	c->hw[c->count++] = a->hw;
	return 0;
}

/* One that was asked for must be there, unless it is of a kind that is not compared. */
static bool find_backends(const struct options *o, struct contest *c)
{
	for (size_t i = 0; !o->backends && i < ARRAY_SIZE(all_backends); i++)
		learn(c, all_backends[i]);
	for (char *name = o->backends ? strtok(o->backends, ",") : NULL; name;
	     name = strtok(NULL, ",")) {
		int rc = c->count < MAX_BACKENDS ? learn(c, name) : -E2BIG;

		if (rc && rc != -EOPNOTSUPP)
			return false;
	}
	return true;
}

/* -- the end */

static void print_counts(const struct contest *c, const struct verdict *v)
{
	printf("%-14s %-14s", "operation", "outcome");
	for (size_t b = 0; b < c->count; b++)
		printf(" %14s", c->name[b]);
	printf("\n");
	for (size_t kind = 0; kind < NUM_OPS; kind++)
		for (size_t code = 0; code < NUM_OUTCOMES; code++) {
			uint64_t sum = 0;

			for (size_t b = 0; b < c->count; b++)
				sum += v->results[b].outcomes[kind][code];
			if (!sum)
				continue;
			printf("%-14s %-14s", op_kinds[kind].name,
			       !code ? "ok" : code == MAX_ERRNO ? "nothing to do" :
							       code_name(-(int)code));
			for (size_t b = 0; b < c->count; b++)
				printf(" %14" PRIu64, v->results[b].outcomes[kind][code]);
			printf("\n");
		}
}

/* Of the stream that failed, those up to there. */
static uint64_t count_ops(const struct verdict *v, const struct options *o)
{
	if (!v->failed)
		return v->streams * o->length;
	return (v->stream.seed - o->seed) * o->length + v->results[v->backend].at + 1;
}

static void explain(const struct contest *c, const struct options *o, const struct verdict *v)
{
	struct contest one = { .count = 1 };
	struct stream s = v->stream;
	size_t at = v->results[v->backend].at;
	bool alone = !strncmp(v->text, "on ", 3);

	printf("DIFFERENCE %s\n", v->text);
	if (s.count > at + 1)
		s.count = at + 1;
	s.ops = calloc(s.count + 1, sizeof(*s.ops));
	if (!s.ops)
		abort();
	stream_fill(&s, s.seed, o->dma);
	printf("to repeat: --seed %" PRIu64 " --length %zu --ops %zu --dma %u --backend %s\n", s.seed,
	       s.count, s.count, o->dma, alone ? c->name[v->backend] : "all of them");
	if (!o->shrink) {
		free(s.ops);
		return;
	}
	if (alone) {
		one.name[0] = c->name[v->backend];
		one.hw[0] = c->hw[v->backend];
		c = &one;
	}
	contest_shrink(c, &s, &v->results[v->backend], o->shrink);
	printf("shrunk to %zu operations:\n", s.count);
	contest_show(c, &s);
	free(s.ops);
}

int main(int argc, char **argv)
{
	struct options o = {
		.seed = (uint64_t)time(NULL) * 1000003, .ops = 20000, .length = STREAM_LENGTH,
		.dma = 250, .shrink = SHRINK_SECONDS, .backends = getenv("LIBIOMMUFD_BACKEND"),
	};
	struct contest c = { .count = 0 };
	struct verdict *v = shared_memory(sizeof(*v));
	char text[300];

	parse(argc, argv, &o);
	unsetenv("LIBIOMMUFD_BACKEND"); /* it would override what is asked for */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getenv("LIBIOMMUFD_SLOW"))
		o.ops = o.ops / 20 + 1;
	if (o.length > o.ops)
		o.length = o.ops;
	if (!find_backends(&o, &c))
		return 1;
	if (!c.count) {
		printf("SKIP: no backend can be used\n");
		return SKIPPED;
	}
	printf("--seed %" PRIu64 ", %zu backends\n", o.seed, c.count);
	if (!contest_is_fair(&c, text, sizeof(text))) {
		printf("DIFFERENCE %s\n", text);
		return 1;
	}
	contest_run(&c, o.seed, (o.ops + o.length - 1) / o.length, o.length, o.dma,
		    o.verbose ? stdout : NULL, v);
	print_counts(&c, v);
	if (v->failed)
		explain(&c, &o, v);
	if (c.count > 1)
		printf("answers compared between backends: %" PRIu64 "; streams in which they chose"
		       " different IOVAs: %" PRIu64 "\n", v->compared, v->parted);
	if (v->parted)
		printf("the first of these: --seed %" PRIu64 ", operation %zu\n", v->parted_seed,
		       v->parted_at);
	printf("%" PRIu64 " operations on each of %zu backends, differences %d\n",
	       count_ops(v, &o), c.count, v->failed);
	return v->failed;
}
