/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include "emu/engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "emu/device.h"

struct emu_engine {
	struct iommufd_emu *emu;
	pthread_t thread;
	int kick;
	bool stop;
	struct pollfd *fds;
	size_t room;
};

#define POLL_NS 200000		/* between looks at mapped registers */
#define POLL_IDLE_NS 500000	/* when nothing happened for a while */
#define IDLE_ROUNDS 100

/* Adds a descriptor to wait for; without memory it is looked at when something else wakes us. */
static void watch(struct emu_engine *engine, size_t *nr, int fd)
{
	if (fd < 0)
		return;
	if (*nr == engine->room) {
		size_t room = *nr ? *nr * 2 : 8;
		struct pollfd *fds = realloc(engine->fds, room * sizeof(*fds));

		if (!fds)
			return;
		engine->fds = fds;
		engine->room = room;
	}
	engine->fds[(*nr)++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

/* Serves all open devices; true if any has registers mapped. */
static bool serve(struct emu_engine *engine, size_t *nr, uint64_t *progress)
{
	bool mapped = false;

	*nr = 0;
	watch(engine, nr, engine->kick);
	for (struct emu_device *dev = engine->emu->devices; dev; dev = dev->next) {
		if (!dev->opens)
			continue;
		if (dev->bars[0].maps) {
			emu_bar_sync(dev);
			mapped = true;
		}
		if (dev->irq.unmask >= 0 && emu_eventfd_take(dev->irq.unmask))
			emu_irq_unmask(dev);
		emu_ioeventfd_poll(dev);
		while (emu_edu_busy(dev)) {
			emu_edu_run(dev);
			++*progress;
		}
		if (dev->bars[0].maps)
			emu_bar_sync(dev);
		watch(engine, nr, dev->irq.unmask);
		for (struct emu_ioeventfd *io = dev->ioeventfds; io; io = io->next)
			watch(engine, nr, io->fd);
	}
	return mapped;
}

static void *engine_main(void *data)
{
	struct emu_engine *engine = data;
	struct timespec pause = { 0 };
	unsigned int idle = 0;
	uint64_t count;

	pthread_mutex_lock(&engine->emu->lock);
	while (!engine->stop) {
		uint64_t progress = 0;
		size_t nr;
		bool mapped = serve(engine, &nr, &progress);

		idle = progress ? 0 : idle + 1;
		pause.tv_nsec = idle < IDLE_ROUNDS ? POLL_NS : POLL_IDLE_NS;
		pthread_mutex_unlock(&engine->emu->lock);
		if (ppoll(engine->fds, nr, mapped ? &pause : NULL, NULL) > 0 &&
		    engine->fds[0].revents && read(engine->kick, &count, sizeof(count)) > 0)
			idle = 0;
		pthread_mutex_lock(&engine->emu->lock);
	}
	pthread_mutex_unlock(&engine->emu->lock);
	return NULL;
}

static void engine_free(struct emu_engine *engine)
{
	if (engine->kick >= 0)
		close(engine->kick);
	free(engine->fds);
	free(engine);
}

int emu_engine_start(struct iommufd_emu *emu)
{
	struct emu_engine *engine = calloc(1, sizeof(*engine));
	sigset_t all, old;
	size_t nr = 0;
	int r;

	if (!engine)
		return -ENOMEM;
	engine->emu = emu;
	engine->kick = emu_own_fd(EMU_OWN_EVENT, -1);
	if (engine->kick >= 0)
		watch(engine, &nr, engine->kick);
	if (!nr) {
		engine_free(engine);
		return -ENOMEM;
	}
	sigfillset(&all); /* signals are the program's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&engine->thread, NULL, engine_main, engine);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r) {
		engine_free(engine);
		return -ENOMEM;
	}
	emu->engine = engine;
	return 0;
}

void emu_engine_kick(struct iommufd_emu *emu)
{
	if (emu->engine)
		emu_eventfd_signal(emu->engine->kick);
}

void emu_engine_stop(struct iommufd_emu *emu)
{
	if (!emu->engine)
		return;
	emu->engine->stop = true;
	emu_engine_kick(emu);
	emu->stopping = emu->engine;
	emu->engine = NULL;
}

void emu_engine_join(struct emu_engine *engine)
{
	if (!engine)
		return;
	pthread_join(engine->thread, NULL);
	engine_free(engine);
}
