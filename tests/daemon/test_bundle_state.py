"""Which bundle counts: one file, replaced in one step, that a cut of the power leaves as it was or as it will be."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.bundle_state import FAILED_BOOTS, BundleState, change_state, read_state
from leapfrog.errors import StorageError
from leapfrog.rollout.at_start import after_beginning


def started(state: BundleState, *boots: str) -> BundleState:
    for boot in boots:
        state = after_beginning(state, boot)
    return state


def test_a_bundle_is_tried_at_the_next_start_and_kept_after_its_trial() -> None:
    state = BundleState().to_try(7)
    assert (state.present, state.highest) == (None, 7)
    state = started(state, "a")
    assert (state.present, state.former, state.trial is not None) == (7, None, True)
    state = started(state.after_trial().to_try(9), "a")
    assert (state.present, state.former) == (9, 7)


def test_its_number_is_used_up_whatever_becomes_of_it() -> None:
    state = started(BundleState().to_try(7), "a").to_go_back("It was not well.")
    state = started(state, "a")
    assert (state.present, state.highest, state.undone.number if state.undone else None) == (None, 7, 7)
    assert BundleState().refused(8, "No.").highest == 8


def test_two_starts_that_fail_end_the_trial_before_the_third() -> None:
    state = started(BundleState().to_try(7), "a", "a")
    assert state.present == 7
    assert started(state, "a").present is None


def test_the_power_may_be_cut_more_often_than_that_but_not_for_ever() -> None:
    state = started(BundleState().to_try(7), *map(str, range(FAILED_BOOTS)))
    assert state.present == 7
    assert started(state, "one more").present is None


def test_a_trial_that_a_person_cut_short_does_not_count() -> None:
    state = BundleState().to_try(7)
    for _ in range(10):
        state = started(state, "a").after_orderly_end()
    assert state.present == 7


def test_going_back_is_taken_once_however_often_the_box_starts() -> None:
    state = started(BundleState().to_try(6), "a").after_trial()
    state = started(state.to_try(7), "a").to_go_back("No.")
    state = started(state, "a", "a", "b")
    assert (state.present, state.former, state.step) == (6, None, None)


def test_a_person_may_leave_what_only_waits() -> None:
    state = started(BundleState().to_try(6), "a").after_trial().to_try(7).left_by_person()
    assert (state.present, state.step, state.highest) == (6, None, 7)


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_disk_that_fails_leaves_the_state_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    change_state(tmp_path, lambda state: state.to_try(7))
    before = read_state(tmp_path)

    def fails(*_arguments: object, **_named: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path if call == "replace" else os, call, fails)
        with pytest.raises(StorageError, match=r"cannot be (changed|seen)"):
            change_state(tmp_path, lambda state: state.to_try(8))
    assert read_state(tmp_path) == before


def everything_that_can_befall(chance: random.Random) -> Iterator[str]:
    for _ in range(60):
        yield chance.choice(["bundle", "start", "reboot", "well", "unwell", "person", "stop", "refused"])


@pytest.mark.parametrize("seed", range(30))
def test_whatever_befalls_no_number_comes_twice_and_there_is_always_a_way_on(seed: int) -> None:
    chance = random.Random(seed)
    state, boot, number, ever = BundleState(), 0, 0, set[int]()
    for what in everything_that_can_befall(chance):
        before = state
        if what == "bundle":
            number += 1
            state = state.to_try(number)
        elif what in ("start", "reboot"):
            boot += what == "reboot"
            state = after_beginning(state, str(boot))
            if state.present not in (None, before.present, before.former):
                assert state.present not in ever
                ever.add(int(state.present or 0))
        elif what == "well" and state.step is None:
            state = state.after_trial()
        elif what == "unwell" and state.trial is not None and state.step is None:
            state = state.to_go_back("No.")
        elif what == "person":
            state = state.left_by_person()
        elif what == "stop":
            state = state.after_orderly_end()
        elif what == "refused":
            number += 1
            state = state.refused(number, "No.")
        assert state.highest == number
        assert state.present is None or state.present <= number
        assert state.former is None or state.former != state.present
        assert state == BundleState.model_validate_json(state.model_dump_json())
