"""A box as one line in the list of all: what stands in each column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from markupsafe import Markup

from leapfrog.commands.fleet import sparkline
from leapfrog.commands.fleet.box import CLOCK_TOLERANCE, Heard, in_utc
from leapfrog.commands.fleet.drift import RECENT_WEEKS as RECENT
from leapfrog.commands.fleet.drift import Measure, counted, full_weeks
from leapfrog.commands.fleet.needs import (
    CERTIFICATE_SOON,
    DISK_LOW,
    BoxInNeed,
    free_share,
    is_owed_long,
    is_silent,
    oldest_owed,
    percent,
)
from leapfrog.fleet.box_state import WeekCount
from leapfrog.wording.text import byte_size, clean, span

COLUMNS = (
    "Heard", "To send", "Disk free", "Clock", "Certificate", "Runs on", "Models",
    "Exams a day", "Urgent", "Not assessed", "Differing",
)  # fmt: skip
LONGEST_DEVICE = 16
LONGEST_NAME = 63  # of a box: it stands in a certificate
NONE = "-"
DEVICES = {"edgetpu": "Edge TPU", "cpu": "processor"}
NO_CHART = Markup("")


@dataclass(frozen=True)
class Cell:
    """What stands in a column: words, something small below them, a chart; `wrong` where somebody is needed."""

    words: str
    below: str = ""
    chart: Markup = NO_CHART
    wrong: bool = False


@dataclass(frozen=True)
class Line:
    """One box: its name, what it calls itself where that is another, how urgently it needs somebody ("" not at all;
    "awaited": it was not heard of yet, and need not have been), and a cell for each of COLUMNS.
    """

    name: str
    called: str
    urgency: str
    cells: tuple[Cell, ...]


def line_of(one: BoxInNeed, usual: Mapping[str, str], now: datetime) -> Line:
    """The line of a box; `usual` has the version that most boxes have of each package."""
    box, heard = one.box, one.box.heard
    name = box_name(box.name)
    if heard is None:
        cells = (Cell("never", wrong=True), *(Cell(NONE) for _ in COLUMNS[1:]))
        return Line(name, "", one.urgency or "awaited", cells)
    state = heard.state
    called = "" if state.box == box.name else clean(state.box, LONGEST_NAME)
    drifted = {drift.measure for drift in one.drifted}
    weeks = full_weeks(state.weeks, heard.told_on)
    cells = (
        Cell(ago(heard.arrived_at, now), _made(heard), wrong=is_silent(heard, now)),
        _owed(heard),
        _disk(heard),
        _clock(heard),
        _certificate(heard, now),
        _device(heard),
        _models(heard, usual),
        _exams(heard),
        *(_share(weeks, measure, wrong=measure in drifted) for measure in ("urgent", "not_assessed", "differing")),
    )
    return Line(name, called, one.urgency or "", cells)


def box_name(name: str) -> str:
    """The name of a box, or of a file, as it can be shown."""
    return clean(name, LONGEST_NAME) or "[?]"


def local(moment: datetime) -> str:
    """A moment in the time of this machine, as `2026-11-30 03:05`."""
    return in_utc(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def since(moment: datetime) -> str:
    """The same, and only the day of a moment at midnight: who says that means the day."""
    return local(moment).removesuffix(" 00:00")


def ago(moment: datetime, now: datetime) -> str:
    """`3 hours ago`."""
    return f"{passed} ago" if (passed := span((now - moment).total_seconds())) else "just now"


def _made(heard: Heard) -> str:
    return f"by stick, made {local(heard.made_at)}" if heard.by_stick else ""


def _owed(heard: Heard) -> Cell:
    total = sum(one.count for one in heard.state.owed.values())
    if not total:
        return Cell("nothing")
    oldest = oldest_owed(heard)
    below = f"oldest {span(oldest.total_seconds()) or 'just now'}"
    return Cell(f"{total:,}", below, wrong=is_owed_long(heard))


def _disk(heard: Heard) -> Cell:
    if not heard.state.disks:
        return Cell(NONE)
    disk = min(heard.state.disks, key=free_share)
    return Cell(percent(free_share(disk)), byte_size(disk.free_bytes), wrong=free_share(disk) < DISK_LOW)


def _clock(heard: Heard) -> Cell:
    below = {True: "", False: "not set by network", None: ""}[heard.state.clock.synchronised]
    for off, word in ((heard.ahead, "ahead"), (heard.behind, "behind")):
        if off > CLOCK_TOLERANCE:
            return Cell(f"{span(off.total_seconds())} {word}", below, wrong=True)
    return Cell("not known" if heard.by_stick else "right", below)


def _certificate(heard: Heard, now: datetime) -> Cell:
    if not heard.state.certificates:
        return Cell(NONE)
    first = min(heard.state.certificates, key=lambda one: in_utc(one.ends_at))
    ends = in_utc(first.ends_at)
    return Cell(local(ends)[:10], wrong=ends - now < CERTIFICATE_SOON)


def _device(heard: Heard) -> Cell:
    device = heard.state.device
    what = DEVICES.get(device.what) or clean(device.what, LONGEST_DEVICE) or NONE
    return Cell(what, f"since {local(device.since)[:10]}" if device.since else "")


def _models(heard: Heard, usual: Mapping[str, str]) -> Cell:
    models = heard.state.models
    others = [one for one in models if usual.get(one.name) and one.version != usual[one.name]]
    differ = f"{len(others)} not as the others'" if others else ""
    return Cell(
        f"{len(models)}" if models else "none",
        differ or f"Leapfrog {clean(heard.state.version, 20)}",
        wrong=bool(others),
    )


def _exams(heard: Heard) -> Cell:
    over = heard.exams_on_full_days[-7:]
    if not over:
        return Cell(NONE)
    mean = fmean(over)
    days = sorted(heard.state.exams_per_day, key=lambda one: one.day)
    counts = [one.exams for one in days]
    words = f"exams a day, from {days[0].day}: {', '.join(map(str, counts))}"
    return Cell(f"{mean:,.0f}" if mean >= 10 else f"{mean:.1f}", chart=sparkline.bars(counts, words))


def _share(weeks: Sequence[WeekCount], measure: Measure, *, wrong: bool) -> Cell:
    recent = counted(weeks[-RECENT:], measure)
    if not any(counted((week,), measure).of for week in weeks):
        return Cell(NONE)
    shares = [one.share if (one := counted((week,), measure)).of else None for week in weeks]
    words = "share by week: " + ", ".join(NONE if share is None else f"{share:.0%}" for share in shares)
    said = percent(recent.share) if recent.of else NONE
    below = f"{recent.events:,} of {recent.of:,}" if recent.of else ""
    return Cell(said, below, sparkline.line(shares, RECENT, words), wrong)
