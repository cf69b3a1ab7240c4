/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "contest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What takes longer hangs. */
static unsigned int seconds_for(const struct stream *s)
{
	return 60 + (unsigned int)(s->count / 100);
}

void *shared_memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

static bool have_same_ranges(const struct hardware *a, const struct hardware *b, int d)
{
	return a->count[d] == b->count[d] && a->align[d] == b->align[d] &&
	       a->group[d] == b->group[d] &&
	       !memcmp(a->ranges[d], b->ranges[d], a->count[d] * sizeof(a->ranges[d][0]));
}

static void compare_capabilities(struct contest *c)
{
	for (size_t a = 0; a < c->count; a++)
		for (size_t b = 0; b < c->count; b++)
			for (size_t cap = 0; cap < NUM_CAPS; cap++)
				if (c->hw[a].can[cap] != c->hw[b].can[cap])
					c->hw[a].others_differ[cap] = true;
}

bool contest_is_fair(struct contest *c, char *text, size_t size)
{
	compare_capabilities(c);
	for (size_t b = 1; b < c->count; b++)
		for (int d = 0; d < NUM_DEVICES; d++) {
			const struct hardware *hw = &c->hw[b];

			if (have_same_ranges(&c->hw[0], hw, d))
				continue;
			snprintf(text, size, "%s and %s do not tell the same of %s: "
				 "%zu and %zu ranges, up to %#llx and %#llx, groups %d and %d",
				 c->name[0], c->name[b], hw->name[d], c->hw[0].count[d],
				 hw->count[d],
				 (ull)c->hw[0].ranges[d][c->hw[0].count[d] - 1].last,
				 (ull)hw->ranges[d][hw->count[d] - 1].last, c->hw[0].group[d],
				 hw->group[d]);
			return false;
		}
	return true;
}

/*
 * Each backend did what the model says. Where that leaves a choice, they may part
 * ways: then, or once a capability made a difference, the rest is not comparable.
 */
static void compare_traces(const struct contest *c, const struct stream *s, struct entry **traces,
			   struct verdict *v)
{
	for (size_t b = 1; b < c->count; b++)
		for (size_t n = 0; n < s->count; n++) {
			const struct entry *x = &traces[0][n], *y = &traces[b][n];

			if (x->choices != y->choices && (x->parted || y->parted))
				break;
			if (x->choices != y->choices) {
				if (!v->parted++) {
					v->parted_seed = s->seed;
					v->parted_at = n;
				}
				break;
			}
			v->compared++;
			if (x->rc == y->rc && x->values == y->values)
				continue;
			if (x->varies && y->varies)
				continue;
			if (x->parted || y->parted)
				break;
			v->failed = true;
			v->backend = b;
			v->results[b].at = n;
			snprintf(v->text, sizeof(v->text), "operation %zu (%s) gives %d on %s and %d on %s%s",
				 n, op_kinds[s->ops[n].kind].name, x->rc, c->name[0], y->rc,
				 c->name[b], x->rc == y->rc ? " with other values" : "");
			return;
		}
}

static void run_all(const struct contest *c, const struct memory *mem, const struct stream *s,
		    FILE *out, struct verdict *v)
{
	struct entry *traces[MAX_BACKENDS] = { NULL };

	v->stream = *s;
	for (size_t b = 0; b < c->count && !v->failed; b++) {
		struct result *result = &v->results[b];

		if (out)
			fprintf(out, "on %s:\n", c->name[b]);
		traces[b] = calloc(s->count ? s->count : 1, sizeof(*traces[b]));
		if (!traces[b])
			abort();
		v->backend = b;
		if (run_stream(c->name[b], &c->hw[b], mem, s, traces[b], result, out))
			continue;
		v->failed = true;
		snprintf(v->text, sizeof(v->text), "on %s, operation %zu: %s", c->name[b],
			 result->at, result->text);
	}
	if (!v->failed)
		compare_traces(c, s, traces, v);
	for (size_t b = 0; b < c->count; b++)
		free(traces[b]);
	v->streams++;
}

/* What a process leaves when it ends by a signal is in the verdict, but for that. */
static void wait_for(pid_t child, const struct contest *c, struct verdict *v)
{
	int status;

	if (child < 0)
		abort();
	while (waitpid(child, &status, 0) < 0)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	v->failed = true;
	snprintf(v->text, sizeof(v->text), "on %s, operation %zu: the process ended %s %d (%s)",
		 c->name[v->backend], v->results[v->backend].at,
		 WIFSIGNALED(status) ? "by signal" : "with status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "a tool's");
}

static pid_t begin_child(struct memory *mem)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child && memory_make(mem)) {
		fprintf(stderr, "diff-backends: no memory to map\n");
		exit(99);
	}
	return child;
}

void contest_run(const struct contest *c, uint64_t seed, uint64_t seeds, size_t length,
		 unsigned int dma, FILE *out, struct verdict *v)
{
	struct stream s = { .count = length };
	struct memory mem;
	pid_t child = begin_child(&mem);

	if (child) {
		wait_for(child, c, v);
		return;
	}
	s.ops = calloc(length, sizeof(*s.ops));
	if (!s.ops)
		abort();
	for (; seeds && !v->failed; seeds--, seed++) {
		stream_fill(&s, seed, dma);
		alarm(seconds_for(&s));
		run_all(c, &mem, &s, out, v);
	}
	free(s.ops);
	exit(0);
}

/* -- a stream by itself */

static void run_once(const struct contest *c, const struct stream *s, FILE *out, struct verdict *v)
{
	struct memory mem;
	pid_t child;

	memset(v, 0, sizeof(*v));
	child = begin_child(&mem);
	if (child) {
		wait_for(child, c, v);
		return;
	}
	alarm(seconds_for(s));
	run_all(c, &mem, s, out, v);
	exit(0);
}

void contest_show(const struct contest *c, const struct stream *s)
{
	struct verdict *v = shared_memory(sizeof(*v));

	run_once(c, s, stdout, v);
	printf("\n%s\n", v->failed ? v->text : "it does not fail again");
	munmap(v, sizeof(*v));
}

static void without(const struct stream *s, size_t from, size_t count, struct stream *out)
{
	*out = *s;
	out->ops = calloc(s->count, sizeof(*out->ops));
	if (!out->ops)
		abort();
	memcpy(out->ops, s->ops, from * sizeof(*s->ops));
	memcpy(out->ops + from, s->ops + from + count,
	       (s->count - from - count) * sizeof(*s->ops));
	out->count -= count;
}

/* The same fault, most likely: the words agree, whatever the numbers. */
static bool is_same(const struct verdict *v, const struct result *r)
{
	const char *now = v->results[v->backend].text;
	size_t words = strcspn(r->text, "0123456789:");

	return v->failed && !strncmp(now, r->text, words);
}

/* Leave out ever smaller pieces as long as it still fails so. */
void contest_shrink(const struct contest *c, struct stream *s, const struct result *r,
		    unsigned int seconds)
{
	struct verdict *v = shared_memory(sizeof(*v));
	time_t end = time(NULL) + seconds;
	size_t piece = s->count;
	bool smaller = true;

	while (piece > 1 || smaller) {
		piece = piece > 1 ? piece / 2 : 1;
		smaller = false;
		for (size_t from = s->count; from && time(NULL) < end;) {
			struct stream shorter;
			size_t count = piece < from ? piece : from;

			from -= count;
			without(s, from, count, &shorter);
			run_once(c, &shorter, NULL, v);
			if (!is_same(v, r)) {
				free(shorter.ops);
				continue;
			}
			free(s->ops);
			*s = shorter;
			smaller = true;
		}
		if (time(NULL) >= end)
			break;
	}
	munmap(v, sizeof(*v));
}
