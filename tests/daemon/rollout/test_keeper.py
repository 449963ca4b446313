"""What counts as being well with a bundle, and how long."""

from collections.abc import Callable
from pathlib import Path

import pytest

from leapfrog.bundle_state import BundleState, change_state, read_state
from leapfrog.rollout.keeper import MOST_UNREADABLE, READY_SECONDS, STUCK_SECONDS, BundleKeeper, Condition
from leapfrog.rollout.rehearsal import Rehearsal
from leapfrog.settings import SettingsInUse
from support.bundles import BundlingDistrict

TRIAL_SECONDS = 300.0


class ToldRehearsal(Rehearsal):
    """One of which a test says how it goes."""

    told: str | None = ""

    def why_unwell(self) -> str | None:
        return self.told


class Box:
    """A box with a bundle on trial, its clock and its condition as a test wants them."""

    def __init__(self, folder: Path) -> None:
        settings = BundlingDistrict(folder / "district").box(folder / "state")
        self.state_dir = settings.state_dir
        self.now, self.ready, self.busy, self.restarts = 1000.0, True, False, 0
        self.instances = {"read": 5, "set_aside": 2, "received": 0}
        self.set_aside, self.read_again = {"old"}, list[str]()
        self.rehearsal = ToldRehearsal(settings, [])
        self.keeper = BundleKeeper(
            SettingsInUse(settings),
            Condition(
                is_busy=lambda: self.busy,
                is_ready=lambda: self.ready,
                instances=lambda: self.instances,
                set_aside=lambda: frozenset(self.set_aside),
                read_again=self.read_again.extend,
                ends_in_order=lambda: True,
            ),
            self.rehearsal,
            self._restart,
            lambda: self.now,
        )
        self._start: Callable[[], None] = self.keeper.start

    def _restart(self) -> None:
        self.restarts += 1

    def state(self) -> BundleState:
        return read_state(self.state_dir)

    def after(self, seconds: float) -> BundleState:
        """The state when so much time has gone, seen every 10 s."""
        until = self.now + seconds
        while self.now < until:
            self.now += 10
            self.keeper.turn()
        return self.state()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    box = Box(tmp_path)
    change_state(box.state_dir, lambda state: state.to_try(6).after_step().after_trial())
    change_state(box.state_dir, lambda state: state.to_try(7).after_step().after_start("boot"))
    box.keeper._before = dict(box.instances)  # as `start` notes it, without its thread
    box.keeper._set_aside_before = frozenset(box.set_aside)
    return box


def test_it_stays_when_the_box_was_well_all_the_time(box: Box) -> None:
    assert box.after(TRIAL_SECONDS - 20).trial is not None
    state = box.after(60)
    assert (state.present, state.former, state.trial, state.undone) == (7, 6, None, None)
    assert not box.restarts


def test_a_model_that_comes_and_goes_begins_the_time_anew(box: Box) -> None:
    box.after(TRIAL_SECONDS - 20)
    box.ready = False
    box.after(10)
    box.ready = True
    assert box.after(TRIAL_SECONDS - 20).trial is not None
    assert box.after(60).trial is None


def test_a_box_on_which_no_model_answers_goes_back(box: Box) -> None:
    box.ready = False
    assert box.after(READY_SECONDS).step is None
    state = box.after(2 * TRIAL_SECONDS + 60)
    assert state.step is not None
    assert (state.step.kind, state.step.number) == ("go back", 7)
    assert box.restarts


def test_a_model_that_never_stays_takes_the_box_back_as_well(box: Box) -> None:
    for _ in range(200):
        box.ready = not box.ready
        if box.after(20).step is not None:
            break
    assert box.restarts


def test_images_that_cannot_be_read_take_it_back_and_one_that_can_shows_that_it_works(box: Box) -> None:
    box.instances["set_aside"] += MOST_UNREADABLE
    box.instances["read"] += 1
    assert box.after(20).step is None
    box.instances["read"] -= 1
    step = box.after(20).step
    assert step is not None
    assert "3 images in a row could not be read" in step.reason


def test_the_next_one_waits_until_the_box_was_quiet_for_a_while(box: Box) -> None:
    change_state(box.state_dir, lambda state: state.after_trial().to_try(8))
    box.busy = True
    box.after(600)
    box.busy = False
    box.after(10)
    box.busy = True
    box.after(10)
    assert not box.restarts
    box.busy = False
    box.instances["received"] = 1  # it is read soon
    box.after(60)
    assert not box.restarts
    box.instances |= {"received": 0, "read": 6}
    box.after(60)
    assert box.restarts


def test_images_that_nobody_can_read_keep_no_bundle_out_that_may_mend_that(box: Box) -> None:
    change_state(box.state_dir, lambda state: state.after_trial().to_try(8))
    box.instances["received"] = 40
    box.after(STUCK_SECONDS - 60)
    assert not box.restarts
    box.after(180)
    assert box.restarts


def test_it_stays_only_once_phantoms_were_read_with_it(box: Box) -> None:
    box.rehearsal.told = None
    assert box.after(2 * TRIAL_SECONDS).trial is not None
    box.rehearsal.told = ""
    assert box.after(20).trial is None


def test_a_bundle_with_which_no_phantom_can_be_read_takes_the_box_back(box: Box) -> None:
    box.rehearsal.told = "No phantom can be read."
    step = box.after(20).step
    assert step is not None
    assert (step.kind, step.reason) == ("go back", "No phantom can be read.")


def test_images_that_it_could_not_read_are_read_again_with_the_one_before(box: Box) -> None:
    """Those alone: what could not be read before is as it was."""
    box.set_aside |= {"new-1", "new-2"}
    box.rehearsal.told = "No phantom can be read."
    box.after(10)
    assert not box.read_again
    change_state(box.state_dir, lambda state: state.after_step())  # as the next start does
    box.keeper.turn()
    box.keeper.turn()
    assert box.read_again == ["new-1", "new-2"]  # once
    undone = box.state().undone
    assert undone is not None
    assert (undone.number, undone.unread) == (7, ())
