"""Takes the bundles that came, has the daemon start with them when the box is quiet, and watches whether it is well
with them: else it has the daemon start with the one before.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from leapfrog.bundle_state import BundleState, change_state, read_state
from leapfrog.bundles.offered import offered
from leapfrog.bundles.staging import packages_of, remove_others, stage
from leapfrog.errors import BundleError, EngineError, SettingsError, StorageError
from leapfrog.packages.catalogue import DamagedPackage
from leapfrog.parts import log_failure
from leapfrog.problem import Problem, Problems
from leapfrog.processes.trial import Trials
from leapfrog.rollout.rehearsal import Rehearsal
from leapfrog.settings import SettingsInUse
from leapfrog.worker import UNTIL_WOKEN, Worker

LOOK_SECONDS = 1.0  # between two looks whether the box is quiet, or well
STAGING_SECONDS = 1800.0  # at most, to lay a bundle out and to run its models once, on a slow board
RETRY_SECONDS = 600.0  # after the disk took nothing more
# A box that is not ready with a bundle after so long is not well with it. A start from an SD card may take minutes.
READY_SECONDS = 300.0
STUCK_SECONDS = 1800.0  # images that wait to be read for so long, while none is, are not being read
# So many images that cannot be read, while not one can, are no accident.
MOST_UNREADABLE = 3

RESTART = "The box starts again now, with {what}."
NOT_READY = "With it, not every model answered within {minutes:.0f} minutes."
UNREADABLE = "With it, {count} images in a row could not be read."
LEFT = "Bundle {number} of the district was left by itself, and bundle {present} is in use again. {reason}"
LEFT_NONE = "Bundle {number} of the district was left by itself, and none is in use. {reason}"
NOT_USED = "Bundle {number} of the district is not used here. {reason}"
LEFT_REMEDY = "Tell the district. It can send another bundle, with a higher number; this one is not tried again."
NOT_UNDERSTOOD = "A bundle of the district could not be understood. The log has the details."
NOT_TAKEN_REMEDY = "Tell the district, and get a new copy if it came on a stick."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What the running daemon knows of itself. `is_busy`: a modality is connected, or something urgent moves.
    `is_ready`: it listens and every lane has a model that answered. `instances`: how many there are in each state.
    `set_aside`: the ids of those that could not be read; `read_again` has such read once more. `ends_in_order`: it
    stops because somebody wants it to.
    """

    is_busy: Callable[[], bool]
    is_ready: Callable[[], bool]
    instances: Callable[[], Mapping[str, int]]
    set_aside: Callable[[], frozenset[str]]
    read_again: Callable[[Collection[str]], None]
    ends_in_order: Callable[[], bool]


class BundleKeeper(Worker):
    """One thread, which sleeps until a bundle comes."""

    def __init__(
        self,
        in_use: SettingsInUse,
        condition: Condition,
        rehearsal: Rehearsal,
        restart: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`in_use` is what the daemon started with; a bundle on trial passes the `rehearsal`. `restart` has the daemon
        stop and start again.
        """
        super().__init__("bundles")
        self._in_use = in_use
        self._settings = in_use.settings
        self._state_dir = in_use.settings.state_dir
        self._condition = condition
        self._rehearsal = rehearsal
        self._restart = restart
        self._monotonic = monotonic
        self._trials = Trials()
        self._problems = Problems()
        self._begun_at = monotonic()
        self._quiet_since: float | None = None
        self._counts: Mapping[str, int] = {}
        self._unchanged_since = self._begun_at
        self._well_since: float | None = None
        self._is_looked_through = False  # its packages, in this trial
        self._is_rehearsed = False
        self._before: Mapping[str, int] = {}
        self._set_aside_before: frozenset[str] = frozenset()
        self._shown = BundleState()
        with suppress(StorageError):  # the first turn says so
            self._shown = read_state(self._state_dir)

    # ------------------------------------------------------------ for others; any thread may call it

    def start(self) -> None:
        """Start the thread. Whatever cannot be read from now on counts."""
        self._before = dict(self._condition.instances())
        if self._shown.trial is not None:
            self._set_aside_before = self._condition.set_aside()
        super().start()

    def stop(self) -> None:
        """Stop. What was begun is begun again by the next start."""
        self._trials.stop()
        self._rehearsal.stop()
        super().stop()
        if self._condition.ends_in_order():
            self._take_start_back()

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, for `status` and `doctor`. Staff who read exams can do nothing about any of it."""
        own = self._problems.current()
        in_use = self._in_use.problem
        if in_use:
            own = (*own, Problem(what=in_use, remedy=LEFT_REMEDY, in_worklist=False))
        undone = undone_problem(self._shown)
        return (*own, *((undone,) if undone else ()))

    # ------------------------------------------------------------ the worker

    def turn(self) -> float:
        """Do what is due. Returns the seconds until the next turn."""
        self.beat(STAGING_SECONDS)
        try:
            self._shown = state = read_state(self._state_dir)
            if state.step is not None:
                return self._when_quiet(state)
            if state.undone is not None and state.undone.unread:
                # What one bundle could not read must not wait for a person: the one before may read it.
                self._condition.read_again(state.undone.unread)
                self._shown = change_state(self._state_dir, lambda now: now.after_reading_again())
            if state.trial is not None:
                return self._watch(state)
            pause = self._look_at_offers()
        except StorageError as problem:
            self._problems.add("disk", str(problem), in_worklist=False)
            return RETRY_SECONDS
        self._problems.clear("disk")
        return pause

    def _when_quiet(self, state: BundleState) -> float:
        if state.step is not None and state.step.kind == "go back":
            return self._start_again("the bundle before" if state.former else "the settings and models of its own")
        now = self._monotonic()
        if not self._is_quiet(now):
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        elif now - self._quiet_since >= self._settings.report.quiet_seconds:
            return self._start_again(f"bundle {state.step.number if state.step else ''}")
        return LOOK_SECONDS

    def _is_quiet(self, now: float) -> bool:
        """Whether nobody sends anything, and nothing is being read. What cannot be read at all keeps no bundle out: it
        may be the one that mends that.
        """
        counts = dict(self._condition.instances())
        if counts != self._counts:
            self._counts, self._unchanged_since = counts, now
        stuck = now - self._unchanged_since >= STUCK_SECONDS
        return not self._condition.is_busy() and (not counts.get("received") or stuck)

    def _start_again(self, what: str) -> float:
        _log.info("%s", RESTART.format(what=what))
        self._restart()
        return UNTIL_WOKEN

    # ------------------------------------------------------------ the trial

    def _watch(self, state: BundleState) -> float:
        if reason := self._why_unwell(state):
            _log.warning("Bundle %s is left. %s", state.present, reason)
            unread = sorted(self._condition.set_aside() - self._set_aside_before)
            change_state(self._state_dir, lambda now: now.to_go_back(reason, unread=unread) if not now.step else now)
            return 0.0
        moment = self._monotonic()
        if not self._condition.is_ready():
            self._well_since = None
        elif self._well_since is None:
            self._well_since = moment
        elif moment - self._well_since >= self._trial_seconds and self._is_rehearsed:
            self._shown = change_state(self._state_dir, lambda now: now.after_trial() if now.step is None else now)
            _log.info("The box is well with bundle %s: it stays.", state.present)
            self._tidy()
            return 0.0
        return LOOK_SECONDS

    @property
    def _trial_seconds(self) -> float:
        return self._settings.fleet.bundle_trial_minutes * 60.0

    def _why_unwell(self, state: BundleState) -> str:
        """Why this box cannot go on with the bundle on trial; "" as long as it may."""
        if not self._is_looked_through:
            self._is_looked_through = True
            if damaged := self._damaged_package(state):
                return damaged
        counts = self._condition.instances()
        unreadable = counts.get("set_aside", 0) - self._before.get("set_aside", 0)
        if unreadable >= MOST_UNREADABLE and counts.get("read", 0) <= self._before.get("read", 0):
            return UNREADABLE.format(count=unreadable)
        if not self._is_rehearsed and self._condition.is_ready():
            unwell = self._rehearsal.why_unwell()
            self._is_rehearsed = unwell == ""
            if unwell:
                return unwell
        limit = READY_SECONDS + 2 * self._trial_seconds
        if self._well_since is None and self._monotonic() - self._begun_at > limit:
            return NOT_READY.format(minutes=limit / 60)
        return ""

    def _damaged_package(self, state: BundleState) -> str:
        if state.present is None:
            return ""
        packages = packages_of(state.present, self._settings)
        return next((package.reason for package in packages if isinstance(package, DamagedPackage)), "")

    def _take_start_back(self) -> None:
        """A person stopped the daemon during a trial: that says nothing about the bundle."""
        try:
            change_state(self._state_dir, lambda now: now.after_orderly_end() if now.step is None else now)
        except StorageError as problem:
            _log.warning("%s", problem)

    # ------------------------------------------------------------ what came

    def _look_at_offers(self) -> float:
        for path in offered(self._state_dir):
            try:
                number = stage(path, self._settings, self._in_use.layers[-1], self._trials)
            except (BundleError, SettingsError) as problem:
                _log.warning("%s", problem)
                before, self._shown = self._shown, read_state(self._state_dir)
                if self._shown.undone == before.undone:  # else that says it
                    self._problems.add("offer", str(problem), NOT_TAKEN_REMEDY, in_worklist=False)
                self._forget(path)
                continue
            except StorageError:
                raise
            except EngineError as problem:  # the daemon stops, or the trial could not even be started
                _log.warning("A bundle is not tried now: %s", problem)
                return RETRY_SECONDS
            except Exception as problem:
                # An error of ours over what is in a file must not end the box: it would end it again at each start.
                log_failure("A bundle could not be looked through", problem)
                self._problems.add("offer", NOT_UNDERSTOOD, NOT_TAKEN_REMEDY, in_worklist=False)
                self._forget(path)
                continue
            self._problems.clear("offer")
            _log.info("Bundle %d is laid out: it is tried when the box is quiet.", number)
            for older in offered(self._state_dir):
                self._forget(older)
            return 0.0
        return UNTIL_WOKEN

    def _forget(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as problem:
            raise StorageError(f"{path} cannot be removed: {problem.strerror}.") from problem

    def _tidy(self) -> None:
        try:
            remove_others(self._state_dir, read_state(self._state_dir))
        except OSError as problem:
            raise StorageError(f"{problem.filename} cannot be removed: {problem.strerror}.") from problem


def undone_problem(state: BundleState) -> Problem | None:
    """What a person must know of a bundle that did not stay; None where a person took it back."""
    undone = state.undone
    if undone is None or undone.by_person:
        return None
    if not undone.was_used:
        what = NOT_USED.format(number=undone.number, reason=undone.reason)
    elif state.present is None:
        what = LEFT_NONE.format(number=undone.number, reason=undone.reason)
    else:
        what = LEFT.format(number=undone.number, present=state.present, reason=undone.reason)
    return Problem(what=what, since=undone.at, remedy=LEFT_REMEDY, in_worklist=False)
