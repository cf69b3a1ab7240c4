/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Interrupts: INTx and MSI of edu, MSI-X of the other device by software trigger. */
#include "edu.h"

#include <fcntl.h>

#define SOON 2000 /* ms an interrupt may take */
#define NEVER 50  /* ms after which none is believed to come */

static struct iommufd_irq_info info_of(struct iommufd_device *dev, uint32_t index)
{
	struct iommufd_irq_info info = { .size = sizeof(info) };

	assert_ok(iommufd_irq_get_info(dev, index, &info));
	return info;
}

static int enable(struct iommufd_device *dev, uint32_t index, int fd)
{
	return iommufd_irq_enable(dev, index, 0, 1, &fd);
}

static void irq_info_of_every_index(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_irq_info intx = info_of(dev, IOMMUFD_IRQ_INTX);

	assert_int_equal(intx.count, 1);
	assert_int_equal(intx.flags & (IOMMUFD_IRQ_EVENTFD | IOMMUFD_IRQ_MASKABLE |
				       IOMMUFD_IRQ_AUTOMASKED),
			 IOMMUFD_IRQ_EVENTFD | IOMMUFD_IRQ_MASKABLE | IOMMUFD_IRQ_AUTOMASKED);
	assert_int_equal(info_of(dev, IOMMUFD_IRQ_MSI).count, 1);
	assert_int_equal(info_of(dev, IOMMUFD_IRQ_MSI).flags, IOMMUFD_IRQ_EVENTFD);
	assert_int_equal(info_of(dev, IOMMUFD_IRQ_MSIX).count, 0);
	assert_int_equal(info_of(dev, IOMMUFD_IRQ_REQ).count, 1);
	assert_true(info_of(get_device(f, MSIX), IOMMUFD_IRQ_MSIX).count >= 4);
}

static void irq_info_bad_argument_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, ALONE1);
	struct iommufd_irq_info info = { .size = sizeof(info) };

	assert_error(iommufd_irq_get_info(dev, 5, &info), -EINVAL);
	assert_error(iommufd_irq_get_info(dev, UINT32_MAX, &info), -EINVAL);
	assert_error(iommufd_irq_get_info(dev, IOMMUFD_IRQ_MSI, NULL), -EINVAL);
	info.size = 0;
	assert_error(iommufd_irq_get_info(dev, IOMMUFD_IRQ_MSI, &info), -EINVAL);
	info.size = offsetof(struct iommufd_irq_info, count);
	info.count = 77;
	assert_ok(iommufd_irq_get_info(dev, IOMMUFD_IRQ_MSI, &info));
	assert_int_equal(info.count, 77);
}

/* -- MSI */

static void irq_msi_signals_the_eventfd(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	assert_ok(enable(dev, IOMMUFD_IRQ_MSI, fd));
	assert_int_equal(wait_event(fd, 0), 0);
	for (uint32_t i = 1; i <= 4; i <<= 1) {
		edu_write(dev, EDU_RAISE, i);
		assert_int_equal(wait_event(fd, SOON), 1);
		assert_int_equal(edu_read(dev, EDU_IRQ_STATUS), i);
		edu_write(dev, EDU_ACK, i);
	}
}

static void irq_msi_disabled_is_silent(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	assert_ok(enable(dev, IOMMUFD_IRQ_MSI, fd));
	assert_ok(iommufd_irq_disable(dev, IOMMUFD_IRQ_MSI));
	edu_write(dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(fd, NEVER), 0);
	edu_write(dev, EDU_ACK, 1);
	assert_ok(iommufd_irq_disable(dev, IOMMUFD_IRQ_MSI));
	assert_ok(enable(dev, IOMMUFD_IRQ_MSI, fd));
	edu_write(dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(fd, SOON), 1);
	edu_write(dev, EDU_ACK, 1);
}

static void irq_enable_again_moves_to_the_new_eventfd(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int before = get_eventfd(f), after = get_eventfd(f);

	assert_ok(enable(dev, IOMMUFD_IRQ_MSI, before));
	assert_ok(enable(dev, IOMMUFD_IRQ_MSI, after));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1));
	assert_int_equal(wait_event(after, SOON), 1);
	assert_int_equal(wait_event(before, 0), 0);
}

static void irq_keeps_no_descriptor_of_a_single_vector(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f), open_before = count_fds();
	int copy;

	assert_ok(enable(dev, IOMMUFD_IRQ_MSI, fd));
	assert_int_equal(count_fds(), open_before);
	copy = hold_fd(f, fcntl(fd, F_DUPFD_CLOEXEC, 0));
	put_fd(f, fd);
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1));
	assert_int_equal(wait_event(copy, SOON), 1);
}

static void irq_trigger_signals_from_software(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	assert_error(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1), -EINVAL);
	assert_ok(enable(dev, IOMMUFD_IRQ_MSI, fd));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1));
	assert_int_equal(wait_event(fd, SOON), 2);
	assert_ok(iommufd_irq_disable(dev, IOMMUFD_IRQ_MSI));
	assert_error(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1), -EINVAL);
}

static void irq_request_index_is_triggered(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	assert_ok(enable(dev, IOMMUFD_IRQ_REQ, fd));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_REQ, 0, 1));
	assert_int_equal(wait_event(fd, SOON), 1);
	assert_ok(iommufd_irq_disable(dev, IOMMUFD_IRQ_REQ));
}

/* -- INTx */

static void irq_intx_masks_itself_until_unmasked(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	assert_ok(enable(dev, IOMMUFD_IRQ_INTX, fd));
	edu_write(dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(fd, SOON), 1);
	edu_write(dev, EDU_ACK, 1);
	edu_write(dev, EDU_RAISE, 2);
	assert_int_equal(wait_event(fd, NEVER), 0);
	assert_ok(iommufd_irq_unmask(dev, IOMMUFD_IRQ_INTX, 0, 1));
	assert_int_equal(wait_event(fd, SOON), 1);
	edu_write(dev, EDU_ACK, 2);
	assert_ok(iommufd_irq_disable(dev, IOMMUFD_IRQ_INTX));
}

static void irq_intx_is_masked_and_unmasked(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	assert_ok(enable(dev, IOMMUFD_IRQ_INTX, fd));
	assert_ok(iommufd_irq_mask(dev, IOMMUFD_IRQ_INTX, 0, 1));
	edu_write(dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(fd, NEVER), 0);
	assert_ok(iommufd_irq_unmask(dev, IOMMUFD_IRQ_INTX, 0, 1));
	assert_int_equal(wait_event(fd, SOON), 1);
	edu_write(dev, EDU_ACK, 1);
}

static void irq_intx_is_unmasked_by_an_eventfd(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f), resample = get_eventfd(f);
	uint64_t one = 1;

	assert_ok(enable(dev, IOMMUFD_IRQ_INTX, fd));
	assert_ok(iommufd_irq_set_resample(dev, IOMMUFD_IRQ_INTX, 0, resample));
	edu_write(dev, EDU_RAISE, 1);
	assert_int_equal(wait_event(fd, SOON), 1);
	edu_write(dev, EDU_ACK, 1);
	edu_write(dev, EDU_RAISE, 2);
	assert_int_equal(wait_event(fd, NEVER), 0);
	assert_int_equal(write(resample, &one, sizeof(one)), sizeof(one));
	assert_int_equal(wait_event(fd, SOON), 1);
	edu_write(dev, EDU_ACK, 2);
	/* another one in its place, then none */
	assert_ok(iommufd_irq_set_resample(dev, IOMMUFD_IRQ_INTX, 0, get_eventfd(f)));
	assert_ok(iommufd_irq_set_resample(dev, IOMMUFD_IRQ_INTX, 0, -1));
	assert_ok(iommufd_irq_set_resample(dev, IOMMUFD_IRQ_INTX, 0, -1));
}

static void irq_resample_bad_argument(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f), closed = closed_fd();

	assert_error(iommufd_irq_set_resample(dev, IOMMUFD_IRQ_INTX, 0, fd), -EINVAL);
	assert_error(iommufd_irq_set_resample(dev, 5, 0, fd), -EINVAL);
	assert_ok(enable(dev, IOMMUFD_IRQ_INTX, fd));
	assert_error(iommufd_irq_set_resample(dev, IOMMUFD_IRQ_INTX, 1, fd), -EINVAL);
	assert_error(iommufd_irq_set_resample(dev, IOMMUFD_IRQ_INTX, 0, closed), -EBADF);
	assert_error(iommufd_irq_set_resample(dev, IOMMUFD_IRQ_INTX, 0,
					      hold_fd(f, open("/dev/null", O_RDWR | O_CLOEXEC))),
		     -EINVAL);
	assert_ok(iommufd_irq_disable(dev, IOMMUFD_IRQ_INTX));
	assert_ok(enable(dev, IOMMUFD_IRQ_MSI, fd));
	assert_error(iommufd_irq_set_resample(dev, IOMMUFD_IRQ_MSI, 0, fd), -EOPNOTSUPP);
}

/* -- refusals */

static void irq_second_kind_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fd = get_eventfd(f);

	assert_ok(enable(dev, IOMMUFD_IRQ_MSI, fd));
	assert_error(enable(dev, IOMMUFD_IRQ_INTX, fd), -EINVAL);
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1));
	assert_int_equal(wait_event(fd, SOON), 1);
	assert_ok(iommufd_irq_disable(dev, IOMMUFD_IRQ_MSI));
	assert_ok(enable(dev, IOMMUFD_IRQ_INTX, fd));
	assert_error(enable(dev, IOMMUFD_IRQ_MSI, fd), -EINVAL);
}

static void irq_enable_bad_descriptor(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	assert_error(enable(dev, IOMMUFD_IRQ_MSI, closed_fd()), -EBADF);
	assert_error(enable(dev, IOMMUFD_IRQ_MSI, hold_fd(f, open("/dev/null",
								  O_RDWR | O_CLOEXEC))), -EINVAL);
	assert_error(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSI, 0, 1), -EINVAL);
}

static void irq_bad_range_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);
	int fds[2] = { get_eventfd(f), get_eventfd(f) };
	const uint32_t msi = IOMMUFD_IRQ_MSI, intx = IOMMUFD_IRQ_INTX;

	assert_error(iommufd_irq_enable(dev, msi, 0, 1, NULL), -EINVAL);
	assert_error(iommufd_irq_enable(dev, msi, 0, 0, fds), -EINVAL);
	assert_error(iommufd_irq_enable(dev, msi, 0, 2, fds), -EINVAL);
	assert_error(iommufd_irq_enable(dev, msi, 1, 1, fds), -EINVAL);
	assert_error(iommufd_irq_enable(dev, msi, UINT32_MAX, 2, fds), -EINVAL);
	assert_error(iommufd_irq_enable(dev, 5, 0, 1, fds), -EINVAL);
	assert_error(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 0, 1, fds), -EINVAL);
	assert_error(iommufd_irq_disable(dev, 5), -EINVAL);
	assert_ok(enable(dev, intx, fds[0]));
	assert_error(iommufd_irq_mask(dev, intx, 0, 0), -EINVAL);
	assert_error(iommufd_irq_mask(dev, intx, 1, 1), -EINVAL);
	assert_error(iommufd_irq_mask(dev, 5, 0, 1), -EINVAL);
	assert_error(iommufd_irq_unmask(dev, intx, 0, 0), -EINVAL);
	assert_error(iommufd_irq_unmask(dev, intx, 0, 2), -EINVAL);
	assert_error(iommufd_irq_unmask(dev, 5, 0, 1), -EINVAL);
	assert_error(iommufd_irq_trigger(dev, intx, 0, 0), -EINVAL);
	assert_error(iommufd_irq_trigger(dev, intx, 0, UINT32_MAX), -EINVAL);
	assert_error(iommufd_irq_trigger(dev, 5, 0, 1), -EINVAL);
}

static void irq_mask_of_what_is_not_enabled_einval(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	assert_error(iommufd_irq_mask(dev, IOMMUFD_IRQ_INTX, 0, 1), -EINVAL);
	assert_error(iommufd_irq_unmask(dev, IOMMUFD_IRQ_INTX, 0, 1), -EINVAL);
}

static void irq_mask_of_msi_eopnotsupp(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_edu(f, ALONE1);

	assert_ok(enable(dev, IOMMUFD_IRQ_MSI, get_eventfd(f)));
	assert_error(iommufd_irq_mask(dev, IOMMUFD_IRQ_MSI, 0, 1), -EOPNOTSUPP);
	assert_error(iommufd_irq_unmask(dev, IOMMUFD_IRQ_MSI, 0, 1), -EOPNOTSUPP);
}

/* -- MSI-X: several vectors */

static void irq_msix_signals_each_its_own(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, MSIX);
	int fds[4];

	for (size_t i = 0; i < 4; i++)
		fds[i] = get_eventfd(f);
	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 0, 4, fds));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSIX, 1, 2));
	assert_int_equal(wait_event(fds[1], SOON), 1);
	assert_int_equal(wait_event(fds[2], SOON), 1);
	assert_int_equal(wait_event(fds[0], 0) + wait_event(fds[3], 0), 0);
}

static void irq_msix_vector_left_unconnected(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, MSIX);
	int fds[3] = { get_eventfd(f), -1, get_eventfd(f) };

	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 0, 3, fds));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSIX, 0, 3));
	assert_int_equal(wait_event(fds[0], SOON), 1);
	assert_int_equal(wait_event(fds[2], SOON), 1);
	/* connect it, and take another away, without touching the rest */
	fds[1] = get_eventfd(f);
	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 1, 1, &fds[1]));
	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 0, 1, (int[]){ -1 }));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSIX, 0, 3));
	assert_int_equal(wait_event(fds[1], SOON), 1);
	assert_int_equal(wait_event(fds[2], SOON), 1);
	assert_int_equal(wait_event(fds[0], NEVER), 0);
}

static void irq_msix_grows_and_keeps_what_was_enabled(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, MSIX);
	uint32_t last = info_of(dev, IOMMUFD_IRQ_MSIX).count - 1;
	int fds[2] = { get_eventfd(f), get_eventfd(f) }, far = get_eventfd(f);

	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 0, 1, fds));
	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 1, 1, fds + 1));
	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, last, 1, &far));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSIX, 0, 2));
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSIX, last, 1));
	assert_int_equal(wait_event(fds[0], SOON), 1);
	assert_int_equal(wait_event(fds[1], SOON), 1);
	assert_int_equal(wait_event(far, SOON), 1);
	assert_error(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, last + 1, 1, &far), -EINVAL);
	assert_error(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, last, 2, fds), -EINVAL);
}

static void irq_msix_bad_descriptor_leaves_the_rest(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, MSIX);
	int fds[4];

	for (size_t i = 0; i < 3; i++)
		fds[i] = get_eventfd(f);
	fds[3] = closed_fd();
	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 0, 2, fds));
	assert_error(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 2, 2, fds + 2), -EBADF);
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSIX, 0, 2));
	assert_int_equal(wait_event(fds[0], SOON), 1);
	assert_int_equal(wait_event(fds[1], SOON), 1);
}

static void irq_msix_failed_call_leaves_what_it_covers(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, MSIX);
	int fds[2] = { get_eventfd(f), get_eventfd(f) };
	int others[2] = { get_eventfd(f), closed_fd() };

	assert_ok(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 0, 2, fds));
	assert_error(iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 0, 2, others), -EBADF);
	assert_ok(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSIX, 0, 2));
	assert_int_equal(wait_event(fds[0], SOON), 1);
	assert_int_equal(wait_event(fds[1], SOON), 1);
	assert_int_equal(wait_event(others[0], 0), 0);
}

static void irq_msix_no_descriptor_left_emfile(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, MSIX);
	int fds[2] = { get_eventfd(f), get_eventfd(f) }, rc;

	expect_error_begin("irq_enable");
	limit_fds(NO_MORE_FDS);
	rc = iommufd_irq_enable(dev, IOMMUFD_IRQ_MSIX, 0, 2, fds);
	limit_fds(LIFT_LIMIT);
	expect_error(rc, -EMFILE, "iommufd_irq_enable() at the limit", __FILE__, __LINE__);
	assert_error(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSIX, 0, 1), -EINVAL);
}

static void irq_is_silent_after_the_device_closed(void **state)
{
	struct fixture *f = *state;
	struct iommufd_device *dev = get_device(f, MSIX);
	int fd = get_eventfd(f);

	assert_ok(enable(dev, IOMMUFD_IRQ_MSIX, fd));
	put_device(f, dev);
	assert_int_equal(wait_event(fd, 0), 0);
	dev = get_device(f, MSIX);
	assert_error(iommufd_irq_trigger(dev, IOMMUFD_IRQ_MSIX, 0, 1), -EINVAL);
}

static const struct CMUnitTest cases[] = {
	CASE(irq_info_of_every_index),
	CASE(irq_info_bad_argument_einval),
	CASE(irq_msi_signals_the_eventfd),
	CASE(irq_msi_disabled_is_silent),
	CASE(irq_enable_again_moves_to_the_new_eventfd),
	CASE(irq_keeps_no_descriptor_of_a_single_vector),
	CASE(irq_trigger_signals_from_software),
	CASE(irq_request_index_is_triggered),
	CASE(irq_intx_masks_itself_until_unmasked),
	CASE(irq_intx_is_masked_and_unmasked),
	CASE(irq_intx_is_unmasked_by_an_eventfd),
	CASE(irq_resample_bad_argument),
	CASE(irq_second_kind_einval),
	CASE(irq_enable_bad_descriptor),
	CASE(irq_bad_range_einval),
	CASE(irq_mask_of_what_is_not_enabled_einval),
	CASE(irq_mask_of_msi_eopnotsupp),
	CASE(irq_msix_signals_each_its_own),
	CASE(irq_msix_vector_left_unconnected),
	CASE(irq_msix_grows_and_keeps_what_was_enabled),
	CASE(irq_msix_bad_descriptor_leaves_the_rest),
	CASE(irq_msix_failed_call_leaves_what_it_covers),
	CASE(irq_msix_no_descriptor_left_emfile),
	CASE(irq_is_silent_after_the_device_closed),
};

int main(int argc, char **argv)
{
	contract_begin(argc, argv);
	return cmocka_run_group_tests_name("irq", cases, NULL, NULL);
}
