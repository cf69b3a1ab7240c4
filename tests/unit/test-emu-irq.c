/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The emulated VFIO devices: interrupts, resets, features. */
#include "test-emu-edu.h"

#define TRIGGER K_VFIO_IRQ_SET_ACTION_TRIGGER
#define EVENTFD K_VFIO_IRQ_SET_DATA_EVENTFD

static struct k_vfio_irq_info irq_info(struct machine *m, int dev, uint32_t index)
{
	struct k_vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	assert_int_equal(request(m, dev, K_VFIO_DEVICE_GET_IRQ_INFO, &info), 0);
	return info;
}

static void indices_are_described(void **state)
{
	struct machine *m = *state;
	struct k_vfio_irq_info bad = { .argsz = sizeof(bad), .index = 5 };
	int dev = get_device(m, ALONE1), msix = get_device(m, MSIX);

	assert_int_equal(irq_info(m, dev, K_VFIO_PCI_INTX_IRQ_INDEX).flags, 7);
	assert_int_equal(irq_info(m, dev, K_VFIO_PCI_INTX_IRQ_INDEX).count, 1);
	assert_int_equal(irq_info(m, dev, K_VFIO_PCI_MSI_IRQ_INDEX).flags, 9);
	assert_int_equal(irq_info(m, dev, K_VFIO_PCI_MSI_IRQ_INDEX).count, 1);
	assert_int_equal(irq_info(m, dev, K_VFIO_PCI_MSIX_IRQ_INDEX).count, 0);
	assert_int_equal(irq_info(m, dev, K_VFIO_PCI_REQ_IRQ_INDEX).count, 1);
	assert_int_equal(irq_info(m, msix, K_VFIO_PCI_MSIX_IRQ_INDEX).count, 8);
	assert_int_equal(irq_info(m, msix, K_VFIO_PCI_MSIX_IRQ_INDEX).flags, 1);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_GET_IRQ_INFO, &bad), -EINVAL);
	shut(m, dev);
	shut(m, msix);
}

static void malformed_requests_are_refused(void **state)
{
	struct machine *m = *state;
	const uint32_t msi = K_VFIO_PCI_MSI_IRQ_INDEX, intx = K_VFIO_PCI_INTX_IRQ_INDEX;
	int dev = get_device(m, ALONE1), event = new_event(), pipes[2];
	int32_t fds[2] = { event, event };

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(set_irqs(m, dev, EVENTFD | TRIGGER, 5, 0, 1, fds, 4), -EINVAL);
	assert_int_equal(set_irqs(m, dev, EVENTFD | TRIGGER, msi, 0, 2, fds, 8), -EINVAL);
	assert_int_equal(set_irqs(m, dev, EVENTFD | TRIGGER, msi, 1, 1, fds, 4), -EINVAL);
	assert_int_equal(set_irqs(m, dev, EVENTFD | TRIGGER, msi, 0, 1, fds, 2), -EINVAL);
	assert_int_equal(set_irqs(m, dev, EVENTFD | 1 | TRIGGER, msi, 0, 1, fds, 4), -EINVAL);
	assert_int_equal(set_irqs(m, dev, 64 | EVENTFD | TRIGGER, msi, 0, 1, fds, 4), -EINVAL);
	assert_int_equal(set_irqs(m, dev, EVENTFD, msi, 0, 1, fds, 4), -ENOTTY);
	assert_int_equal(set_irqs(m, dev, EVENTFD | K_VFIO_IRQ_SET_ACTION_MASK, msi, 0, 1, fds, 4),
			 -ENOTTY);
	assert_int_equal(set_irqs(m, dev, EVENTFD | TRIGGER, msi, 0, 0, NULL, 0), -ERANGE);
	assert_int_equal(act(m, dev, TRIGGER, msi, 1), -EINVAL); /* not enabled */
	assert_int_equal(act(m, dev, K_VFIO_IRQ_SET_ACTION_UNMASK, intx, 1), -EINVAL);
	assert_int_equal(set_event(m, dev, msi, 0, 1000), -EBADF);
	assert_int_equal(set_event(m, dev, msi, 0, pipes[0]), -EINVAL);
	assert_int_equal(counts(m).eventfds, 0);
	assert_int_equal(set_event(m, dev, msi, 0, event), 0);
	assert_int_equal(set_event(m, dev, intx, 0, event), -EINVAL); /* one kind at a time */
	close(pipes[0]);
	close(pipes[1]);
	close(event);
	shut(m, dev);
}

static void msi_is_raised_by_register_dma_and_factorial(void **state)
{
	struct machine *m = *state;
	const uint32_t msi = K_VFIO_PCI_MSI_IRQ_INDEX;
	int dev = get_edu(m, ALONE1), event = new_event();

	assert_int_equal(set_event(m, dev, msi, 0, event), 0);
	put32(m, dev, EDU_RAISE, 5);
	assert_int_equal(wait_event(event, 2000), 1);
	assert_int_equal(get32(m, dev, EDU_IRQ_STATUS), 5);
	put32(m, dev, EDU_ACK, 4);
	assert_int_equal(get32(m, dev, EDU_IRQ_STATUS), 1);
	put32(m, dev, EDU_ACK, 1);
	start_dma(m, dev, 0x10000, 16, EDU_IRQ);
	assert_int_equal(wait_event(event, 2000), 1);
	assert_int_equal(get32(m, dev, EDU_IRQ_STATUS), 0x100);
	put32(m, dev, EDU_STATUS, 0x80);
	put32(m, dev, EDU_FACTORIAL, 5);
	assert_int_equal(wait_event(event, 2000), 1);
	assert_int_equal(get32(m, dev, EDU_FACTORIAL), 120);
	assert_int_equal(act(m, dev, TRIGGER, msi, 1), 0); /* by hand */
	assert_int_equal(wait_event(event, 2000), 1);
	set_command(m, dev, 0x2); /* a message is a write to memory */
	put32(m, dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(event, 20), 0);
	assert_int_equal(act(m, dev, TRIGGER, msi, 0), 0);
	assert_int_equal(counts(m).eventfds, 0);
	close(event);
	shut(m, dev);
}

/* Configuration space switches messages off in the device, and so the line on. */
static void a_write_to_the_msi_capability_disables_it(void **state)
{
	struct machine *m = *state;
	int dev = get_edu(m, ALONE1), event = new_event();

	assert_int_equal(set_event(m, dev, K_VFIO_PCI_MSI_IRQ_INDEX, 0, event), 0);
	assert_int_equal(get32(m, dev, CONFIG + 0x40) >> 16 & 1, 0); /* not what the user wrote */
	put32(m, dev, CONFIG + 0x40, 0x00010000);
	assert_int_equal(get32(m, dev, CONFIG + 0x40) >> 16 & 1, 1);
	put32(m, dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(event, 2000), 1);
	put32(m, dev, CONFIG + 0x40, 0);
	put32(m, dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(event, 20), 0);
	assert_int_equal(get32(m, dev, CONFIG + 4) >> 16 & 8, 8);
	close(event);
	shut(m, dev);
}

static void intx_is_masked_when_delivered(void **state)
{
	struct machine *m = *state;
	const uint32_t intx = K_VFIO_PCI_INTX_IRQ_INDEX;
	int dev = get_edu(m, ALONE1), event = new_event();

	assert_int_equal(set_event(m, dev, intx, 0, event), 0);
	put32(m, dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(event, 2000), 1);
	assert_int_equal(get32(m, dev, CONFIG + 4) >> 16 & 8,
			 8); /* pending, by the status register */
	put32(m, dev, EDU_RAISE, 2);
	assert_int_equal(wait_event(event, 20), 0);
	assert_int_equal(act(m, dev, K_VFIO_IRQ_SET_ACTION_UNMASK, intx, 1), 0);
	assert_int_equal(wait_event(event, 2000), 1); /* a level: still up */
	put32(m, dev, EDU_ACK, 3);
	assert_int_equal(act(m, dev, K_VFIO_IRQ_SET_ACTION_UNMASK, intx, 1), 0);
	assert_int_equal(wait_event(event, 20), 0);
	assert_int_equal(act(m, dev, K_VFIO_IRQ_SET_ACTION_MASK, intx, 1), 0);
	put32(m, dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(event, 20), 0);
	assert_int_equal(act(m, dev, TRIGGER, intx, 1), 0);
	assert_int_equal(wait_event(event, 2000), 1);
	assert_int_equal(act(m, dev, TRIGGER, intx, 0), 0);
	assert_int_equal(set_event(m, dev, intx, 0, event), 0); /* fires: nobody acknowledged */
	assert_int_equal(wait_event(event, 2000), 1);
	close(event);
	shut(m, dev);
}

static void intx_can_be_disabled_in_the_command_register(void **state)
{
	struct machine *m = *state;
	int dev = get_edu(m, ALONE1), event = new_event();

	assert_int_equal(set_event(m, dev, K_VFIO_PCI_INTX_IRQ_INDEX, 0, event), 0);
	set_command(m, dev, 0x406);
	assert_int_equal(command(m, dev), 0x406);
	put32(m, dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(event, 20), 0);
	set_command(m, dev, 0x6);
	assert_int_equal(wait_event(event, 2000), 1);
	close(event);
	shut(m, dev);
}

static void an_eventfd_unmasks_intx(void **state)
{
	struct machine *m = *state;
	const uint32_t intx = K_VFIO_PCI_INTX_IRQ_INDEX;
	const uint32_t flags = EVENTFD | K_VFIO_IRQ_SET_ACTION_UNMASK;
	int dev = get_edu(m, ALONE1), event = new_event(), unmask = new_event();
	int32_t none = -1;
	uint64_t one = 1;

	assert_int_equal(set_event(m, dev, intx, 0, event), 0);
	assert_int_equal(set_irqs(m, dev, flags, intx, 0, 1, &unmask, 4), 0);
	assert_int_equal(set_irqs(m, dev, flags, intx, 0, 1, &unmask, 4), -EBUSY);
	put32(m, dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(event, 2000), 1);
	assert_int_equal(write(unmask, &one, sizeof(one)), sizeof(one));
	assert_int_equal(wait_event(event, 2000), 1);
	assert_int_equal(wait_event(unmask, 0), 0); /* consumed */
	assert_int_equal(set_irqs(m, dev, flags, intx, 0, 1, &none, 4), 0);
	assert_int_equal(counts(m).eventfds, 1);
	close(unmask);
	close(event);
	shut(m, dev);
}

static void msix_vectors_come_and_go(void **state)
{
	struct machine *m = *state;
	const uint32_t msix = K_VFIO_PCI_MSIX_IRQ_INDEX;
	int dev = get_edu(m, MSIX), event[8];
	int32_t fds[8];

	for (int i = 0; i < 8; i++)
		event[i] = fds[i] = new_event();
	assert_int_equal(set_irqs(m, dev, EVENTFD | TRIGGER, msix, 0, 2, fds, 8), 0);
	assert_int_equal(set_irqs(m, dev, EVENTFD | TRIGGER, msix, 6, 2, fds + 6, 8), 0);
	assert_int_equal(counts(m).eventfds, 4);
	put32(m, dev, EDU_VECTOR, 7);
	assert_int_equal(wait_event(event[7], 2000), 1);
	put32(m, dev, EDU_VECTOR, 3); /* no eventfd there */
	put32(m, dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(event[0], 2000), 1);
	fds[1] = -1;
	assert_int_equal(set_irqs(m, dev, EVENTFD | TRIGGER, msix, 1, 1, fds + 1, 4), 0);
	put32(m, dev, EDU_VECTOR, 1);
	assert_int_equal(wait_event(event[1], 20), 0);
	fds[7] = 1000; /* a bad one takes its whole block down, and no other */
	assert_int_equal(set_irqs(m, dev, EVENTFD | TRIGGER, msix, 6, 2, fds + 6, 8), -EBADF);
	assert_int_equal(counts(m).eventfds, 1);
	assert_int_equal(get32(m, dev, CONFIG + 0x50) >> 31, 1); /* enabled, in its capability */
	assert_int_equal(act(m, dev, TRIGGER, msix, 0), 0);
	assert_int_equal(get32(m, dev, CONFIG + 0x50) >> 31, 0);
	for (int i = 0; i < 8; i++)
		close(event[i]);
	shut(m, dev);
}

static void the_host_has_channels_of_its_own(void **state)
{
	struct machine *m = *state;
	const uint32_t req = K_VFIO_PCI_REQ_IRQ_INDEX;
	int dev = get_device(m, ALONE1), event = new_event();
	uint8_t yes = 1;

	assert_int_equal(act(m, dev, TRIGGER, req, 1), -EINVAL);
	assert_int_equal(set_event(m, dev, req, 0, event), 0);
	assert_int_equal(act(m, dev, TRIGGER, req, 1), 0);
	assert_int_equal(wait_event(event, 2000), 1);
	assert_int_equal(set_irqs(m, dev, K_VFIO_IRQ_SET_DATA_BOOL | TRIGGER, req, 0, 1, &yes, 1),
			 0);
	assert_int_equal(wait_event(event, 2000), 1);
	assert_int_equal(act(m, dev, TRIGGER, req, 0), 0);
	assert_int_equal(act(m, dev, TRIGGER, req, 0), -EINVAL);
	close(event);
	shut(m, dev);
}

static void a_function_resets_if_it_can(void **state)
{
	struct machine *m = *state;
	struct k_vfio_device_info info = { .argsz = sizeof(info) };
	int plain = get_edu(m, ALONE1), dev = get_edu(m, MSIX);

	assert_int_equal(request(m, plain, K_VFIO_DEVICE_RESET, NULL), -EINVAL);
	put32(m, dev, EDU_LIVENESS, 7);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_GET_INFO, &info), 0);
	assert_int_equal(info.flags, K_VFIO_DEVICE_FLAGS_PCI | K_VFIO_DEVICE_FLAGS_RESET);
	assert_int_equal(request(m, dev, K_VFIO_DEVICE_RESET, NULL), 0);
	assert_int_equal(get32(m, dev, EDU_LIVENESS), 0);
	assert_int_equal(command(m, dev), 0x107); /* saved and restored */
	put32(m, dev, EDU_LIVENESS, 7);
	put32(m, dev, CONFIG + 0x68, get32(m, dev, CONFIG + 0x68) | 0x8000); /* FLR by hand */
	assert_int_equal(get32(m, dev, EDU_LIVENESS), 0);
	assert_int_equal(get32(m, dev, CONFIG + 0x68) & 0x8000, 0);
	shut(m, plain);
	shut(m, dev);
}

static int hot_reset(struct machine *m, int dev, uint32_t count)
{
	uint32_t arg[4] = { sizeof(arg), 0, count, 0 };

	return request(m, dev, K_VFIO_DEVICE_PCI_HOT_RESET, arg);
}

static void a_bus_resets_with_all_that_is_on_it(void **state)
{
	struct machine *m = *state;
	union {
		struct k_vfio_pci_hot_reset_info info;
		uint8_t room[12 + 2 * 8];
	} arg = { .info.argsz = 12 };
	int other = open_path(m, "/dev/iommu");
	int root = get_edu(m, ALONE1), a = get_edu(m, SIBLING1), b = open_cdev(m, SIBLING2);
	uint32_t id;

	assert_int_equal(request(m, root, K_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &arg), -ENODEV);
	assert_int_equal(hot_reset(m, root, 0), -ENODEV);
	assert_int_equal(request(m, a, K_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &arg), -ENOSPC);
	assert_int_equal(arg.info.count, 2);
	arg.info.argsz = sizeof(arg);
	assert_int_equal(request(m, a, K_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &arg), 0);
	assert_int_equal(arg.info.flags, 3);
	assert_int_equal(arg.info.devices[1].devid, K_VFIO_PCI_DEVID_OWNED);
	assert_int_equal(arg.info.devices[1].bus, 1);
	assert_int_equal(arg.info.devices[1].devfn, 2 << 3);
	assert_int_equal(bind_device(m, b, m->iommu, &id), 0);
	assert_int_equal(request(m, a, K_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &arg), 0);
	assert_int_equal(arg.info.devices[1].devid, id);
	put32(m, b, EDU_LIVENESS, 7);
	assert_int_equal(hot_reset(m, a, 1), -EINVAL);
	assert_int_equal(hot_reset(m, a, 0), 0);
	assert_int_equal(get32(m, b, EDU_LIVENESS), 0);
	shut(m, a);
	shut(m, b);
	shut(m, root);
	shut(m, other);
}

static int feature(struct machine *m, int dev, uint32_t flags, uint32_t data)
{
	uint32_t arg[4] = { sizeof(arg), flags, data, 0 };

	return request(m, dev, K_VFIO_DEVICE_FEATURE, arg);
}

static void features_are_probed_and_refused(void **state)
{
	struct machine *m = *state;
	const uint32_t set = K_VFIO_DEVICE_FEATURE_SET, probe = K_VFIO_DEVICE_FEATURE_PROBE;
	const uint32_t entry = K_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
		       get_ = K_VFIO_DEVICE_FEATURE_GET;
	const uint32_t wakeup = K_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP;
	int dev = get_device(m, ALONE1), event = new_event();

	assert_int_equal(feature(m, dev, get_ | 0xfff, 0), -ENOTTY);
	assert_int_equal(feature(m, dev, get_ | K_VFIO_DEVICE_FEATURE_MIGRATION, 0), -ENOTTY);
	assert_int_equal(feature(m, dev, get_ | set | entry, 0), -EINVAL);
	assert_int_equal(feature(m, dev, 1 << 20 | entry, 0), -EINVAL);
	assert_int_equal(feature(m, dev, probe | get_ | entry, 0), -EINVAL);
	assert_int_equal(feature(m, dev, probe | set | entry, 0), 0);
	assert_int_equal(feature(m, dev, set | entry, 0), 0);
	assert_int_equal(feature(m, dev, set | entry, 0), -EINVAL);
	assert_int_equal(feature(m, dev, set | K_VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, 0), 0);
	assert_int_equal(feature(m, dev, set | wakeup, 1000), -EBADF);
	assert_int_equal(feature(m, dev, set | wakeup, (uint32_t)event), 0);
	assert_int_equal(wait_event(event, 0), 0);
	command(m, dev); /* wakes it */
	assert_int_equal(wait_event(event, 0), 1);
	close(event);
	shut(m, dev);
}

static int ioeventfd(struct machine *m, int dev, uint64_t at, uint64_t data, int fd)
{
	struct k_vfio_device_ioeventfd arg = {
		.argsz = sizeof(arg),
		.flags = K_VFIO_DEVICE_IOEVENTFD_32,
		.offset = at,
		.data = data,
		.fd = fd,
	};

	return request(m, dev, K_VFIO_DEVICE_IOEVENTFD, &arg);
}

static void an_eventfd_writes_a_register(void **state)
{
	struct machine *m = *state;
	int dev = get_edu(m, ALONE1), event = new_event(), irq = new_event();
	uint64_t one = 1;

	assert_int_equal(ioeventfd(m, dev, CONFIG, 1, event), -EINVAL);
	assert_int_equal(ioeventfd(m, dev, EDU_RAISE, 6, -1), -ENODEV);
	assert_int_equal(ioeventfd(m, dev, EDU_RAISE, 6, event), 0);
	assert_int_equal(ioeventfd(m, dev, EDU_RAISE, 6, event), -EEXIST);
	assert_int_equal(set_event(m, dev, K_VFIO_PCI_MSI_IRQ_INDEX, 0, irq), 0);
	assert_int_equal(write(event, &one, sizeof(one)), sizeof(one));
	assert_int_equal(wait_event(irq, 2000), 1);
	assert_int_equal(get32(m, dev, EDU_IRQ_STATUS), 6);
	assert_int_equal(ioeventfd(m, dev, EDU_RAISE, 6, -1), 0);
	assert_int_equal(counts(m).eventfds, 1);
	close(event);
	close(irq);
	shut(m, dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(indices_are_described),
		TEST(malformed_requests_are_refused),
		TEST(msi_is_raised_by_register_dma_and_factorial),
		TEST(a_write_to_the_msi_capability_disables_it),
		TEST(intx_is_masked_when_delivered),
		TEST(intx_can_be_disabled_in_the_command_register),
		TEST(an_eventfd_unmasks_intx),
		TEST(msix_vectors_come_and_go),
		TEST(the_host_has_channels_of_its_own),
		TEST(a_function_resets_if_it_can),
		TEST(a_bus_resets_with_all_that_is_on_it),
		TEST(features_are_probed_and_refused),
		TEST(an_eventfd_writes_a_register),
	};

	return cmocka_run_group_tests_name("emu-irq", tests, NULL, NULL);
}
