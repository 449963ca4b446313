"""How this box is, for Prometheus: a file in the text format that node-exporter reads (its textfile collector).

Names and units follow Prometheus' conventions. Every label has few values, and none is a patient's: exams are counted,
never named.
"""

import logging
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from leapfrog.control.own_state.own_state import OwnState
from leapfrog.errors import StorageError
from leapfrog.fleet.box_state import BoxState, Owed
from leapfrog.parts import log_failure
from leapfrog.worker import Worker

METRICS_NAME = "metrics.prom"  # in the state directory
PART_NAME = ".metrics.prom.part"  # node-exporter reads only what ends in .prom
MODE = 0o644
OF_A_WEEK = {
    "exams": "Exams that came in this week, which begins on Monday.",
    "urgent": "Those of them with an urgent finding.",
    "not_assessed": "Those of them of which nothing was assessed.",
    "answered": "Those of them that a radiologist has answered.",
    "differing": "Those of them whose answer differs from what the box found.",
}
# About 3 kB each time, never fsynced; with what the file system's own journal writes for it, 50 kB (measured on ext4):
# some 15 MB a day, of the terabytes that an SD card takes.
ROUND_SECONDS = 300.0
NEWS_SECONDS = 60.0  # at least, between two

_log = logging.getLogger(__name__)


class _Text:
    """The text, metric after metric. All are gauges: nothing that a box counts only ever grows."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def add(self, name: str, meaning: str, value: float) -> None:
        """A metric with one value."""
        self._begin(name, meaning)
        self._add(name, value, {})

    def add_info(self, name: str, meaning: str, every: Sequence[Mapping[str, str]]) -> None:
        """A metric that is 1 for each of `every` set of labels; nothing without any."""
        if every:
            self._begin(name, meaning)
        for labels in every:
            self._add(name, 1, labels)

    def add_each(self, name: str, meaning: str, label: str, values: Mapping[str, float]) -> None:
        """A metric with a value for each of the values of `label`; nothing without any."""
        if values:
            self._begin(name, meaning)
        for text, value in values.items():
            self._add(name, value, {label: text})

    def _begin(self, name: str, meaning: str) -> None:
        self._lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]

    def _add(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        said = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        self._lines.append(f"{name}{{{said}}} {value:.15g}" if said else f"{name} {value:.15g}")


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def metrics_text(state: BoxState) -> str:
    """The content of the file for `state`."""
    text = _Text()
    _add_box(text, state)
    _add_owed(text, state.owed)
    _add_exams(text, state)
    return str(text)


def _add_box(text: _Text, state: BoxState) -> None:
    text.add_info("leapfrog_build_info", "The version that runs.", [{"version": state.version}])
    text.add("leapfrog_uptime_seconds", "For how long Leapfrog has run.", state.uptime_seconds)
    text.add_info("leapfrog_device_info", "What models run on.", [{"device": state.device.what}])
    if (since := state.device.since) is not None:
        meaning = "Since when models run on that, in seconds since 1970."
        text.add("leapfrog_device_changed_timestamp_seconds", meaning, since.timestamp())
    free = {disk.what: disk.free_bytes for disk in state.disks}
    text.add_each("leapfrog_disk_free_bytes", "Bytes that are free on a disk.", "disk", free)
    size = {disk.what: disk.total_bytes for disk in state.disks}
    text.add_each("leapfrog_disk_size_bytes", "Bytes that a disk has.", "disk", size)
    if (synchronised := state.clock.synchronised) is not None:
        meaning = "1 while something keeps the clock right, such as a time server."
        text.add("leapfrog_clock_synchronised", meaning, synchronised)
    ends = {one.what: one.ends_at.timestamp() for one in state.certificates}
    meaning = "When a TLS certificate ends, in seconds since 1970."
    text.add_each("leapfrog_certificate_expiry_timestamp_seconds", meaning, "certificate", ends)
    models = [
        {"model": one.name, "version": one.version, "demonstration": str(one.demonstration).lower()}
        for one in state.models
    ]
    text.add_info("leapfrog_model_info", "The model packages in use.", models)
    meaning = "How many things need attention, as `leapfrog status` says."
    text.add("leapfrog_attention_problems", meaning, len(state.attention))
    meaning = "How often persons did something at the box in the last 7 days."
    text.add_each("leapfrog_actions_last_week", meaning, "action", state.actions)
    if state.bundle is not None:
        text.add("leapfrog_bundle_number", "The district's bundle that the box runs with.", state.bundle.number)


def _add_owed(text: _Text, owed: Mapping[str, Owed]) -> None:
    counts = {name: one.count for name, one in owed.items()}
    text.add_each("leapfrog_owed_objects", "Objects that are still to be sent there.", "destination", counts)
    sizes = {name: one.bytes for name, one in owed.items()}
    text.add_each("leapfrog_owed_bytes", "Bytes that are still to be sent there.", "destination", sizes)
    ages = {name: one.oldest_seconds or 0 for name, one in owed.items()}
    meaning = "For how long the oldest of them has waited; 0 where nothing waits."
    text.add_each("leapfrog_owed_oldest_age_seconds", meaning, "destination", ages)


def _add_exams(text: _Text, state: BoxState) -> None:
    meaning = "Images and other objects that are kept, by what became of them."
    text.add_each("leapfrog_instances", meaning, "state", state.instances)
    today = [one.exams for one in state.exams_per_day if one.day == state.made_at.date()]
    text.add("leapfrog_exams_today", "Exams that came today.", sum(today))
    year, week, _ = state.made_at.isocalendar()
    now = [one for one in state.weeks if one.week == f"{year:04d}-W{week:02d}"]
    for what, meaning in OF_A_WEEK.items():
        name = "leapfrog_week_exams" if what == "exams" else f"leapfrog_week_{what}_exams"
        text.add(name, meaning, sum(getattr(one, what) for one in now))


class MetricsWriter(Worker):
    """Writes the file about every five minutes, and when something else needs attention."""

    def __init__(self, own_state: OwnState, state_dir: Path) -> None:
        """The file is `metrics.prom` in `state_dir`."""
        super().__init__("metrics")
        self._own_state = own_state
        self._path = state_dir / METRICS_NAME
        self._failed = False
        self._next_at = 0.0

    def turn(self) -> float:
        """Write it once, unless it was written a moment ago. What keeps it from being written is no reason to stop: it
        is said once, in the log. Raises StorageError and sqlite3.Error when the state disk failed.
        """
        if (wait := self._next_at - time.monotonic()) > 0:
            return wait
        self._next_at = time.monotonic() + NEWS_SECONDS
        try:
            write_metrics(self._path, metrics_text(self._own_state.collected()))
        except (StorageError, sqlite3.Error):
            raise
        except OSError as problem:
            if not self._failed:
                _log.warning("%s cannot be written: %s.", self._path, problem.strerror)
            self._failed = True
        except Exception as problem:  # an error of ours over what a box says of itself must not end it
            if not self._failed:
                log_failure("What this box says of itself could not be written for Prometheus", problem)
            self._failed = True
        else:
            self._failed = False
        return ROUND_SECONDS


def write_metrics(path: Path, content: str) -> None:
    """Replace the file whole, so that nobody reads half of it. A power cut may leave an earlier one, or none.
    Raises OSError.
    """
    part = path.with_name(PART_NAME)
    part.write_text(content, encoding="utf-8")
    part.chmod(MODE)
    part.replace(path)
