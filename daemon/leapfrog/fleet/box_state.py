"""What a box says of itself to its district. No patient data: counts, times, names of machines, and sentences about
the box itself.

The district reads it from strangers, so every text and every list has its bounds. A box of a later version may say
more: what is not known here is left out when it is read, and the signature still covers it (`signed_state.py`).
"""

from datetime import date
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

FORMAT: Literal[1] = 1
LARGEST_COUNT = 10**15  # also of bytes and seconds; JSON's numbers are exact to here
DAYS_TOLD = 14
WEEKS_TOLD = 26

# One line each: nothing that could end a line of a text file or move about on a terminal.
Line = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]  # a name that a program gave
Count = Annotated[int, Field(strict=True, ge=0, le=LARGEST_COUNT)]
Week = Annotated[str, Field(pattern=r"^[0-9]{4}-W[0-5][0-9]$")]  # ISO 8601, such as 2026-W48

_Listed = TypeVar("_Listed")
Few = Annotated[tuple[_Listed, ...], Field(max_length=50)]


class Told(BaseModel):
    """A part of what is told. It cannot be changed, and what a later version adds is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Owed(Told):
    """What is owed to one destination; `oldest_seconds`: for how long the oldest of it has waited, None for nothing."""

    count: Count
    bytes: Count
    oldest_seconds: Count | None = None


class Device(Told):
    """What models run on, such as "edgetpu" or "cpu", and since when; None where nobody knows."""

    what: Line
    since: AwareDatetime | None = None


class Disk(Told):
    """A disk: of the state directory, or of the reports."""

    what: Name
    free_bytes: Count
    total_bytes: Count


class Clock(Told):
    """The box's clock, and whether it is set by others; None where that cannot be known."""

    synchronised: bool | None
    now: AwareDatetime


class Certificate(Told):
    """A TLS certificate of the box, by the key of the settings that names it, such as dicom.tls_certificate."""

    what: Name
    ends_at: AwareDatetime


class Model(Told):
    """A model package in use."""

    name: Name
    version: Name
    demonstration: bool = False


class DayCount(Told):
    """How many exams were received on one day, by the box's clock."""

    day: date
    exams: Count


class WeekCount(Told):
    """What the exams of one week came to, each counted in the week in which it was received, by the box's clock.
    `not_assessed`: exams of which nothing was assessed. `differing`: of the `answered` by a radiologist, those whose
    answer differs from what the box found.
    """

    week: Week
    exams: Count
    urgent: Count
    not_assessed: Count
    answered: Count
    differing: Count


class Attention(Told):
    """Something at the box that a person should act on, in English, and since when; None where nobody knows. It
    `cannot_wait` while images do not come in or reports do not go out, or when some were lost.
    """

    what: Line
    since: AwareDatetime | None = None
    cannot_wait: bool = False


class BundleInUse(Told):
    """The bundle of settings and models of the district that the box runs with."""

    number: Count
    since: AwareDatetime | None = None


class BoxState(Told):
    """The state of one box at the moment `made_at`, by its own clock.

    `box` is the station's name. `sequence` grows with each state, also over restarts, restored backups and a clock that
    is set back: of two of one station key, the one with the larger number is the later. `actions`: how often each was
    done in the last 7 days. `newest_action`: number and hash of the newest line in the log of who did what, "" without
    one: by it the district notices that the past was rewritten on the box.
    """

    format: Literal[1] = FORMAT
    box: Name
    made_at: AwareDatetime
    sequence: Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)]
    version: Name
    uptime_seconds: Count
    owed: Annotated[dict[Word, Owed], Field(max_length=50)] = {}
    instances: Annotated[dict[Word, Count], Field(max_length=20)] = {}
    device: Device
    disks: Few[Disk] = ()
    clock: Clock
    certificates: Few[Certificate] = ()
    models: Few[Model] = ()
    exams_per_day: Annotated[tuple[DayCount, ...], Field(max_length=DAYS_TOLD)] = ()
    weeks: Annotated[tuple[WeekCount, ...], Field(max_length=WEEKS_TOLD)] = ()
    attention: Few[Attention] = ()
    actions: Annotated[dict[Word, Count], Field(max_length=50)] = {}
    newest_action: Annotated[str, StringConstraints(pattern=r"^([0-9]{1,15}:[0-9a-f]{64})?$", max_length=80)] = ""
    bundle: BundleInUse | None = None
