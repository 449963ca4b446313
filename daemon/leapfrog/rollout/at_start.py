"""The beginning of every start, before anything of a bundle is used: the step that was noted is taken, and a start with
a bundle on trial is counted. So a bundle with which the daemon cannot even start is left all the same.
"""

import logging
from pathlib import Path

from leapfrog.bundle_state import BundleState, boot_id, change_state, read_state, replace_damaged_state
from leapfrog.bundles.staging import remove_others
from leapfrog.control.control_socket import StateLock
from leapfrog.errors import BundleStateDamaged, StateDirectoryHeld, StorageError
from leapfrog.settings import SettingsInUse, settings_in_use, site_settings

DID_NOT_START = "With it the daemon did not run until the end of its trial: it ended or was ended {starts} times."

_log = logging.getLogger(__name__)


def settings_at_start(file: Path | None) -> SettingsInUse:
    """The settings with which the daemon starts now; `file` is the box's own. Raises SettingsError for a mistake in it,
    StorageError when the state directory cannot be used.

    Whatever is wrong with a bundle, the box starts: without it, or with the one before.
    """
    state_dir = site_settings(file).state_dir
    try:
        with StateLock(state_dir):
            _begin(state_dir)
            in_use = settings_in_use(file)
            if in_use.problem and _left_at_once(state_dir, in_use.problem):
                in_use = settings_in_use(file)
            return in_use
    except StateDirectoryHeld:  # the daemon says so itself
        return settings_in_use(file)


def _begin(state_dir: Path) -> None:
    try:
        before = _readable_state(state_dir).present
        begun = change_state(state_dir, lambda state: after_beginning(state, boot_id()))
        remove_others(state_dir, begun)
    except (StorageError, OSError) as problem:
        # The box receives and reads without bundles; if its disk failed, it says so where it matters.
        _log.error("The bundles of the district cannot be looked at: %s", problem)
        return
    if begun.present != before:
        _log.info("The bundle in use is now: %s (before: %s).", begun.present or "none", before or "none")


def _readable_state(state_dir: Path) -> BundleState:
    try:
        return read_state(state_dir)
    except BundleStateDamaged as problem:
        _log.error("%s", problem)
        return replace_damaged_state(state_dir)


def after_beginning(state: BundleState, boot: str) -> BundleState:
    """What `state` is once a start of the boot `boot` has begun."""
    if state.step is None and state.trial is not None and state.trial.failed:
        state = state.to_go_back(DID_NOT_START.format(starts=max(state.trial.starts, state.trial.boots)))
    return state.after_step().after_start(boot)


def _left_at_once(state_dir: Path, problem: str) -> bool:
    """Leave the bundle on trial, whose settings do not go with those of the box. Returns whether there is one."""
    try:
        if read_state(state_dir).trial is None:
            return False
        change_state(state_dir, lambda state: state.to_go_back(problem).after_step())
    except StorageError as failure:
        _log.error("The bundle on trial cannot be left: %s", failure)
        return False
    return True
