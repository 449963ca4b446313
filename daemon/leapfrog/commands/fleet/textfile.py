"""The boxes of a district as Prometheus reads them, in the form of node-exporter's textfile collector.

Labels are bounded: `box` is a box whose key a person of the district put here, and every other label is one of a few
words below. Nothing that a box says becomes a label.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import get_args

from leapfrog.commands.fleet.box import DistrustKind, Heard, in_utc
from leapfrog.commands.fleet.drift import MEASURES, RECENT_WEEKS, counted, full_weeks
from leapfrog.commands.fleet.fleet import Fleet
from leapfrog.commands.fleet.lines import box_name
from leapfrog.commands.fleet.needs import URGENCIES, BoxInNeed, free_share, oldest_owed
from leapfrog.fleet.box_state import BoxState

NAME = "leapfrog_fleet.prom"
DEVICES = ("edgetpu", "cpu", "other")

Labels = tuple[tuple[str, str], ...]
Sample = tuple[Labels, float]


def textfile(fleet: Fleet) -> str:
    """All metrics, each with its help and type."""
    written = []
    for name, help_text, samples in _metrics(fleet):
        written += [f"# HELP leapfrog_fleet_{name} {help_text}", f"# TYPE leapfrog_fleet_{name} gauge"]
        written += [f"leapfrog_fleet_{name}{_labels(labels)} {_number(value)}" for labels, value in samples]
    return "\n".join(written) + "\n"


def _metrics(fleet: Fleet) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    boxes = fleet.boxes
    yield "made_timestamp_seconds", "When the district last looked at its boxes.", [((), fleet.made_at.timestamp())]
    yield "problems", "What hindered the district's look at its boxes.", [((), len(fleet.problems))]
    yield "boxes", "Boxes that the district knows.", [((), len(boxes))]
    strangers = Counter(one.distrust.kind for one in fleet.strangers)
    yield (
        "unknown_files",
        "Files among the states of boxes that are no known box's, by what they are.",
        [((("kind", kind),), strangers[kind]) for kind in get_args(DistrustKind)],
    )
    yield (
        "box_known_timestamp_seconds",
        "Since when the district has the key of a box.",
        _each(boxes, lambda one: one.box.known_since.timestamp()),
    )
    yield (
        "box_trusted",
        "Whether what lies in the place of a box's state is believed, or nothing lies there.",
        _each(boxes, lambda one: one.box.distrust is None and not one.box.key_problem),
    )
    yield (
        "box_present",
        "Whether anything lies in the place of a box's state.",
        _each(boxes, lambda one: not one.box.missing),
    )
    yield (
        "box_needs",
        "What a box needs somebody for, by how soon.",
        [
            ((*_box(one), ("urgency", urgency)), sum(need.urgency == urgency for need in one.needs))
            for one in boxes
            for urgency in URGENCIES
        ],
    )
    yield from _of_states(fleet)
    yield from _of_weeks(fleet)


def _of_states(fleet: Fleet) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    """What boxes said of themselves; a box that was never heard has none of these."""
    for name, help_text, value in (
        ("last_heard_timestamp_seconds", "When the newest state of a box arrived.", lambda h: h.arrived_at.timestamp()),
        ("state_made_timestamp_seconds", "When it was made, by the box's clock.", lambda h: h.made_at.timestamp()),
        ("by_stick", "Whether a stick brought the newest state of a box.", lambda h: h.by_stick),
        ("sequence", "The number of the newest state of a box.", lambda h: h.state.sequence),
        ("uptime_seconds", "For how long the service of a box had run.", lambda h: h.state.uptime_seconds),
        (
            "owed_objects",
            "Objects that a box still has to send, to all destinations.",
            lambda h: sum(one.count for one in h.state.owed.values()),
        ),
        ("owed_bytes", "Their size.", lambda h: sum(one.bytes for one in h.state.owed.values())),
        (
            "owed_oldest_seconds",
            "For how long the oldest of them has waited.",
            lambda h: oldest_owed(h).total_seconds(),
        ),
        (
            "clock_offset_seconds",
            "By how much the clock of a box was ahead (more than 0) or behind, by what came over the link.",
            lambda h: (h.ahead - h.behind).total_seconds(),
        ),
        ("attention", "What a box itself says that a person should act on.", lambda h: len(h.state.attention)),
        (
            "attention_now",
            "How much of that cannot wait: images do not come in, or were lost.",
            lambda h: sum(one.cannot_wait for one in h.state.attention),
        ),
        ("models", "Model packages of a box.", lambda h: len(h.state.models)),
    ):
        yield f"box_{name}", help_text, _heard(fleet.boxes, value)
    yield (
        "box_clock_synchronised",
        "Whether the clock of a box is set over the network; no sample where that is not known.",
        _heard(fleet.boxes, lambda heard: heard.state.clock.synchronised),
    )
    yield (
        "box_disk_free_ratio",
        "How much is free of the fullest disk of a box.",
        _heard(fleet.boxes, lambda heard: min(map(free_share, heard.state.disks), default=None)),
    )
    yield (
        "box_certificate_end_timestamp_seconds",
        "When the first certificate of a box ends.",
        _heard(fleet.boxes, _first_end),
    )
    yield (
        "box_models_differing",
        "Model packages of a box of which most other boxes have another version.",
        _heard(fleet.boxes, lambda heard: _differing(heard, fleet)),
    )
    yield (
        "box_device",
        "What the models of a box run on: 1 for that.",
        [
            ((*_box(one), ("device", device)), _device(one.box.heard.state) == device)
            for one in fleet.boxes
            if one.box.heard
            for device in DEVICES
        ],
    )


def _of_weeks(fleet: Fleet) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    yield (
        "box_exams_per_day",
        "Exams of a box a day, over its last 7 full days.",
        _heard(fleet.boxes, _exams_per_day),
    )
    shares: list[Sample] = []
    for one in fleet.boxes:
        if one.box.heard is None:
            continue
        weeks = full_weeks(one.box.heard.state.weeks, one.box.heard.told_on)[-RECENT_WEEKS:]
        shares += [
            ((*_box(one), ("measure", measure)), found.share)
            for measure in MEASURES
            if (found := counted(weeks, measure)).of
        ]
    yield "box_share_ratio", f"Share of exams, or of answers, in the last {RECENT_WEEKS} full weeks of a box.", shares
    yield (
        "box_drift",
        "Whether that share has changed against the box's own weeks before.",
        [
            ((*_box(one), ("measure", measure)), any(drift.measure == measure for drift in one.drifted))
            for one in fleet.boxes
            if one.box.heard
            for measure in MEASURES
        ],
    )


def _each(boxes: Iterable[BoxInNeed], value: Callable[[BoxInNeed], float]) -> list[Sample]:
    return [(_box(one), value(one)) for one in boxes]


def _heard(boxes: Iterable[BoxInNeed], value: Callable[[Heard], float | None]) -> list[Sample]:
    heard = [(one, one.box.heard) for one in boxes]
    return [(_box(one), said) for one, state in heard if state is not None and (said := value(state)) is not None]


def _box(one: BoxInNeed) -> Labels:
    return (("box", box_name(one.box.name)),)


def _first_end(heard: Heard) -> float | None:
    ends: list[datetime] = [in_utc(one.ends_at) for one in heard.state.certificates]
    return min(ends).timestamp() if ends else None


def _differing(heard: Heard, fleet: Fleet) -> int:
    usual = fleet.usual
    return sum(bool(usual.get(one.name)) and one.version != usual[one.name] for one in heard.state.models)


def _device(state: BoxState) -> str:
    return state.device.what if state.device.what in DEVICES else "other"


def _exams_per_day(heard: Heard) -> float | None:
    over = heard.exams_on_full_days[-7:]
    return sum(over) / len(over) if over else None


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return repr(float(value)) if isinstance(value, float) else str(int(value))
