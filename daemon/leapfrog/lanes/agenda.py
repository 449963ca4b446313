"""Which study's report may be due, and when.

Choosing must cost the same with a hundred open studies and with 20,000. So nobody goes through them: whatever changes a
study notes it here, and the study that is due first is at the head of a heap. The journal says what really is due: a
study that comes up here is looked at there before it is rendered.

Rendering takes a bounded share of the time, however large a study grows. After a render that took `d` seconds

- the same study is not rendered again for `STUDY_PAUSE` times `d`, and no more often than every two seconds;
- no study but one that has no report yet is rendered for `BOX_PAUSE` times `d` while images wait.

One that failed is tried again soon, in case its reader was only killed, and then after pauses that grow up to a limit,
however long it takes to fail.

Neither holds up what is urgent and was not told yet, unless its render failed. What is large is rendered on a lane of
its own, the side lane, so there are two of each of these lists; but while staff do not see something urgent, a large
study is among the others, since the side lane gives way to everybody.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from leapfrog.lanes.due_times import DueTimes

RENDER_INTERVAL_SECONDS = 2.0  # the report of a growing study is rendered no more often than this
RENDER_PAUSE_LIMIT_SECONDS = 300.0  # the longest pause after failures
MOST_DOUBLINGS = 10  # of the pause after failures: by then it is the longest
STUDY_PAUSE = 9.0  # so the renders of one growing study take at most a tenth of the time
BOX_PAUSE = 2.0  # and the renders of all that have a report already at most a third of a lane's
IDLE_PAUSE = 1.0  # when no image waits and no image of the study is unread: half of it
OVERDUE_SECONDS = 30.0  # a closing version that waits longer than this no longer waits for every image to be read


@dataclass
class _Study:
    """What this run knows of one study. The moments are of time.monotonic; a restart loses them, which does no harm."""

    changed_at: float
    lacking: bool  # a reading was committed since its last render began
    new: bool = False  # this run has not rendered it, and an image of it was read in this run
    whole: bool = True  # as far as known, all its images have been read
    large: bool = False  # it is rendered on the side lane
    urgent: bool = False  # something urgent was read since its last render began, and is not shown yet
    untold: bool = False  # its last render shows something urgent to staff that others were not told
    rendering: bool = False
    rendering_urgent: bool = False  # it was `urgent` when its render began
    not_before: float = float("-inf")
    not_before_when_idle: float = float("-inf")
    failures: int = 0
    held_up: bool = False  # its last render came to nothing: it waits for `not_before`, however urgent it is


@dataclass
class _Dues:
    """When which study is due for what, of those that are rendered on the same lanes."""

    new: DueTimes = field(default_factory=DueTimes)  # no report shows what was read of them, or what is urgent in it
    growing: DueTimes = field(default_factory=DueTimes)
    idle: DueTimes = field(default_factory=DueTimes)  # the same studies, for when there is nothing else to do
    closing: DueTimes = field(default_factory=DueTimes)
    box_not_before: float = float("-inf")

    @property
    def all(self) -> tuple[DueTimes, ...]:
        """Every list."""
        return self.new, self.growing, self.idle, self.closing


class Agenda:
    """The studies that may need a report, and when. Any thread may call it; it never touches the disk.

    A study that was claimed is given to nobody else before `finished` or `put_back`. Whatever changes meanwhile is kept
    for afterwards.
    """

    def __init__(self, quiet_seconds: float) -> None:
        """A closing version is due when a study has not changed for `quiet_seconds`."""
        self._quiet_seconds = quiet_seconds
        self._lock = threading.Lock()
        self._studies: dict[str, _Study] = {}
        self._small, self._large = _Dues(), _Dues()

    def take_up(self, studies: Mapping[str, bool]) -> None:
        """Put studies on the agenda that are open in the journal, as at a start: their quiet time starts now. The value
        is whether a report lacks readings.
        """
        now = time.monotonic()
        with self._lock:
            for key, lacking in studies.items():
                study = self._studies.setdefault(key, _Study(now, lacking=lacking))
                study.lacking = study.lacking or lacking
                self._plan(key)

    def changed(self, key: str, *, urgent: bool = False) -> None:
        """Note that a reading of the study was committed: its quiet time starts again. `urgent`: it says something that
        cannot wait.
        """
        now = time.monotonic()
        with self._lock:
            study = self._studies.get(key)
            if study is None:
                study = self._studies[key] = _Study(now, lacking=True, new=True)
            study.changed_at, study.lacking, study.whole = now, True, True
            if urgent:
                study.urgent, study.held_up = True, False
            self._plan(key)

    # ------------------------------------------------------------ claiming

    def claim_growing(self, *, large: bool = False) -> str | None:
        """A study whose report lacks readings and was not rendered a moment ago. It may come before waiting images."""
        with self._lock:
            now, dues = time.monotonic(), self._dues(large=large)
            return self._claim(dues.new, now) or (
                self._claim(dues.growing, now) if now >= dues.box_not_before else None
            )

    def claim_overdue(self, *, large: bool = False) -> str | None:
        """A study that has waited long for its closing version, so that a stream of images does not put it off for
        ever.
        """
        with self._lock:
            now, dues = time.monotonic(), self._dues(large=large)
            return self._claim(dues.closing, now - OVERDUE_SECONDS) if now >= dues.box_not_before else None

    def claim_idle(self, *, large: bool = False) -> str | None:
        """A study whose report lacks readings, perhaps sooner than while images wait."""
        with self._lock:
            return self._claim(self._dues(large=large).idle, time.monotonic())

    def claim_closing(self, *, large: bool = False) -> str | None:
        """A study that has been quiet for long enough."""
        with self._lock:
            return self._claim(self._dues(large=large).closing, time.monotonic())

    def _dues(self, *, large: bool) -> _Dues:
        return self._large if large else self._small

    def _claim(self, due_times: DueTimes, now: float) -> str | None:
        first = due_times.first()
        if first is None or first[1] > now:
            return None
        key = first[0]
        study = self._studies[key]
        study.rendering, study.rendering_urgent = True, study.urgent
        study.lacking, study.urgent = False, False
        self._plan(key)
        return key

    # ------------------------------------------------------------ what became of a claim

    def put_back(self, key: str, *, lacking: bool, whole: bool) -> None:
        """Nothing was rendered, because the journal says otherwise. `lacking`: the report lacks readings. `whole`: no
        image of the study is waiting to be read; one that is brings the study up again when it has been read.
        """
        with self._lock:
            study = self._studies[key]
            study.rendering, study.whole = False, study.whole and (whole or study.lacking)
            study.lacking = study.lacking or lacking
            self._plan(key)

    def is_large(self, key: str, *, lacking: bool) -> None:
        """Nothing was rendered, because the study is one for the side lane. `lacking`: its report lacks readings."""
        with self._lock:
            study = self._studies[key]
            study.large, study.rendering, study.lacking = True, False, study.lacking or lacking
            self._plan(key)

    def nothing_is_large(self) -> None:
        """There is no side lane for now: its studies are among the others."""
        with self._lock:
            for key, study in self._studies.items():
                if study.large:
                    study.large = False
                    self._plan(key)

    def finished(
        self,
        key: str,
        seconds: float,
        *,
        closed: bool = False,
        failed: bool = False,
        again_in: float | None = None,
        untold: bool = False,
    ) -> None:
        """A render ended after `seconds`. `closed`: the study had its last version. `failed`: it is tried again, later
        each time. `again_in`: it came to nothing for no fault of its own, and is tried again after so many seconds.
        `untold`: staff see something urgent that others are to be told at once.
        """
        with self._lock:
            study = self._studies[key]
            if closed and not study.lacking:
                self._forget(key)
                return
            now = time.monotonic()
            study.rendering, study.new = False, False
            study.failures = study.failures + 1 if failed else 0
            pause = _pause_after(study.failures, seconds) if failed else again_in
            came_to_nothing = pause is not None
            study.lacking = study.lacking or came_to_nothing or untold
            study.urgent = study.urgent or (came_to_nothing and study.rendering_urgent)
            study.untold, study.held_up = untold, came_to_nothing
            if pause is not None:
                study.not_before = study.not_before_when_idle = now + pause
            else:
                study.not_before = now + max(RENDER_INTERVAL_SECONDS - seconds, STUDY_PAUSE * seconds)
                study.not_before_when_idle = now + IDLE_PAUSE * seconds
                dues = self._dues(large=study.large)
                dues.box_not_before = max(dues.box_not_before, now + BOX_PAUSE * seconds)
            self._plan(key)

    def forget(self, key: str) -> None:
        """Take the study off the agenda: it is quiet, or was deleted."""
        with self._lock:
            self._forget(key)

    # ------------------------------------------------------------ the moments

    def seconds_until_due(self, most: float, *, large: bool = False) -> float:
        """How long an idle lane may sleep before something here is due, at most `most`."""
        with self._lock:
            now, dues = time.monotonic(), self._dues(large=large)
            moments = [first[1] for times in (dues.new, dues.idle, dues.closing) if (first := times.first())]
            if growing := dues.growing.first():  # an image of it waits, perhaps for long
                moments.append(max(growing[1], dues.box_not_before))
            return min(most, max(0.0, min(moments, default=now + most) - now))

    def _forget(self, key: str) -> None:
        if self._studies.pop(key, None) is not None:
            for due_times in (*self._small.all, *self._large.all):
                due_times.discard(key)

    def _plan(self, key: str) -> None:
        """Set the moments of one study anew."""
        study = self._studies[key]
        large = study.large and not study.urgent
        for due_times in self._dues(large=not large).all:
            due_times.discard(key)
        dues = self._dues(large=large)
        growing = study.lacking and not study.rendering
        pressing = study.urgent or study.untold
        due = study.changed_at if pressing and not study.held_up else max(study.changed_at, study.not_before)
        first = study.new or pressing
        _set(dues.new, key, due if growing and first else None)
        _set(dues.growing, key, due if growing and not first else None)
        idle = max(study.changed_at, study.not_before_when_idle)
        _set(dues.idle, key, idle if growing and study.whole else None)
        quiet = max(study.changed_at + self._quiet_seconds, study.not_before_when_idle)
        _set(dues.closing, key, quiet if study.whole and not study.rendering else None)


def _pause_after(failures: int, seconds: float) -> float:
    """How long nothing is tried after so many failures in a row, of which the last took `seconds`."""
    pause = RENDER_INTERVAL_SECONDS * 2.0 ** min(failures, MOST_DOUBLINGS)
    if failures > 1:
        pause = max(pause, STUDY_PAUSE * seconds)
    return min(pause, RENDER_PAUSE_LIMIT_SECONDS)


def _set(due_times: DueTimes, key: str, due: float | None) -> None:
    if due is None:
        due_times.discard(key)
    else:
        due_times.set(key, due)
