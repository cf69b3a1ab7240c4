/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The life of a small virtual machine: memory, devices, page tables of the guest's own,
 * PASIDs, page faults, a move to another host while devices write, and in the middle of
 * it a live update, with the monitor killed and another in its place.
 *
 * usage: vmm [DEVICE DEVICE]
 *
 * Devices that are named are QEMU's "edu" (PCI 1234:11e8), bound to vfio-pci. They are
 * asked what they can, and what they cannot is skipped. Without names they are mock
 * devices, which can all that iommufd knows: the emulated kernel makes them, so that
 * LIBIOMMUFD_EMU=1 ./vmm shows everything, and so does a kernel with CONFIG_IOMMUFD_TEST.
 * Where there are none, they are the first of $LIBIOMMUFD_TEST_DEVICES.
 *
 * There is no processor and no guest here, only what a monitor does about devices:
 *
 *     vmm-build.c     memory, devices, attaching them
 *     vmm-fault.c     PASIDs and page faults
 *     vmm-migrate.c   which pages are dirty
 *     vmm-update.c    from one process to another
 *     vmm-hardware.c  plays the devices; the only one that knows of mock devices
 */
#include "vmm.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void say(const char *step, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("%-9s ", step);
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
}

int check(int rc, const char *doing)
{
	const struct iommufd_error *e = iommufd_error_last();

	if (rc < 0)
		fprintf(stderr, "vmm: cannot %s: %s (%s on %s: %s)\n     what helps: %s\n", doing,
			e->message, e->operation, e->object, strerror(-rc), e->remedy);
	return rc < 0 ? -1 : 0;
}

int fail(const char *what)
{
	fprintf(stderr, "vmm: %s\n", what);
	return -1;
}

static int let_guest_work(struct vm *vm)
{
	if (guest_works(vm, 6))
		return -1;
	say("guest", "its devices have copied memory by DMA %" PRIu32 " times, each copy equal",
	    vm->works);
	return 0;
}

/* What waits already is answered first; then the guest starts its processes once more. */
static int finish(struct vm *vm)
{
	return serve_faults(vm) || start_processes(vm) || serve_faults(vm) ||
	       let_guest_work(vm) || go_on_with_migration(vm, 20) || finish_migration(vm) ? -1 : 0;
}

enum { DONE = 0, LEFT = 1 };

/* DONE, or LEFT if all was sent to the successor in the middle of everything, or -1. */
static int begin(struct vm *vm, char **names, int socket)
{
	if (check(iommufd_ctx_new(NULL, &vm->ctx), "open a context"))
		return -1;
	say("context", "backend %s", iommufd_ctx_get_backend(vm->ctx));
	if (make_memory(vm) || open_devices(vm, names) || map_memory(vm) || attach_devices(vm) ||
	    give_pasids(vm) || let_guest_work(vm) || start_processes(vm) || serve_faults(vm) ||
	    begin_migration(vm) || go_on_with_migration(vm, 2) || start_processes(vm))
		return -1;
	if (!can_update(vm))
		return finish(vm) ? -1 : DONE;
	return leave(vm, socket) ? -1 : LEFT;
}

static int go_on(int socket)
{
	struct vm vm = { .ram_fd = -1, .copy_fd = -1 };
	int rc = take_over(&vm, socket) || finish(&vm) ? -1 : 0;

	close_all(&vm);
	close(socket);
	return rc;
}

/* The emulated kernel lives in this process, which therefore is its own successor. */
static int live_twice(char **names, int sockets[2])
{
	struct vm vm = { .ram_fd = -1, .copy_fd = -1 };
	int rc = begin(&vm, names, sockets[0]);

	if (rc == LEFT && !(rc = check(iommufd_ctx_disown(vm.ctx), "leave the context"))) {
		say("update", "the emulated kernel is in the process: it is its own successor");
		rc = go_on(sockets[1]);
	}
	close_all(&vm); /* without effect on what was left */
	close(sockets[0]);
	return rc;
}

/*
 * The first process is killed once it has sent everything: for a while nobody but the
 * socket has the descriptors. Then this program is executed anew to take them.
 */
static int live_and_be_killed(char **names, int sockets[2])
{
	pid_t first = fork();
	char socket[16];
	int status;

	if (!first) {
		struct vm vm = { .ram_fd = -1, .copy_fd = -1 };
		int rc = begin(&vm, names, sockets[0]);

		if (rc == LEFT)
			raise(SIGKILL);
		close_all(&vm);
		_exit(rc ? 1 : 0);
	}
	close(sockets[0]);
	if (first < 0 || waitpid(first, &status, 0) != first)
		return fail("there is no first process");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		return WIFEXITED(status) ? WEXITSTATUS(status) : fail("the first process crashed");
	say("update", "process %d was killed", first);
	snprintf(socket, sizeof(socket), "%d", sockets[1]);
	execl("/proc/self/exe", "vmm", "--successor", socket, (char *)NULL);
	return fail("the program cannot be executed anew");
}

int main(int argc, char **argv)
{
	const char *emulated = getenv("LIBIOMMUFD_EMU");
	char **names = argc > 1 ? argv + 1 : NULL;
	int sockets[2];

	if (argc == 3 && !strcmp(argv[1], "--successor"))
		return go_on(atoi(argv[2])) ? 1 : 0;
	if (argc != 1 && argc != 1 + DEVICES) {
		fprintf(stderr, "usage: vmm [DEVICE DEVICE]\n");
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets))
		return 1;
	if (emulated && *emulated && strcmp(emulated, "0"))
		return live_twice(names, sockets) ? 1 : 0;
	return live_and_be_killed(names, sockets) ? 1 : 0;
}
