"""When an Edge TPU counts as too slow."""

from pathlib import Path
from typing import Any

import pytest

from leapfrog.devices.pool import LentDevice
from leapfrog.lanes.host_plan import MANY_FAILURES, SLOW_IMAGES, HostPlan, milliseconds_per_frame
from leapfrog.processes.device_failures import DeviceFailure, FailureKind
from support.readings import head_reading


class OneDevice:
    """A pool that lends its only device."""

    def take(self) -> LentDevice:
        return LentDevice("/sys/bus/usb/devices/2-1", "usb:0")


@pytest.fixture
def plan() -> HostPlan:
    pool: Any = OneDevice()
    host_plan = HostPlan(pool)
    assert host_plan.take()
    return host_plan


def test_hosts_that_fail_one_after_the_other_are_broken_until_one_reads_an_image() -> None:
    plan, failure = HostPlan(None), DeviceFailure(kind=FailureKind.ENDED, detail="It ended.")
    for _ in range(MANY_FAILURES - 1):
        plan.failed(failure)
        assert plan.broken is None
    plan.failed(failure)
    assert plan.broken == failure
    plan.image_read("chest-findings", 5.0)
    assert plan.broken is None


@pytest.mark.parametrize(("frames_read", "took"), [(1, 160.0), (4, 40.0), (16, 10.0), (0, 160.0)])
def test_a_cine_is_judged_by_its_time_per_frame(tmp_path: Path, frames_read: int, took: float) -> None:
    reading = head_reading(tmp_path)

    cine = reading.model_copy(update={"frames_read": frames_read, "milliseconds": {"inferring": 160.0}})
    assert milliseconds_per_frame(cine) == took


def test_a_device_is_given_up_after_several_slow_images_in_a_row(plan: HostPlan) -> None:
    plan.image_read("chest-findings", 5.0)
    for _ in range(SLOW_IMAGES - 1):
        plan.image_read("chest-findings", 300.0)
    assert plan.reason_to_give_up() is None
    plan.image_read("chest-findings", 300.0)
    failure = plan.reason_to_give_up()
    assert failure is not None
    assert failure.kind is FailureKind.SLOW


def test_packages_are_judged_by_their_own_best(plan: HostPlan) -> None:
    plan.image_read("fetal-head", 5.0)
    for _ in range(2 * SLOW_IMAGES):
        plan.image_read("chest-findings", 300.0)
    assert plan.reason_to_give_up() is None
