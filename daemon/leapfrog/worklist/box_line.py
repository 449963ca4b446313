"""The box in one line, for staff: what it does, what it owes, and what they can do. Commands are for `status`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leapfrog.language.sentence import Sentence, plural, sentence
from leapfrog.problem import Problem
from leapfrog.settings.destinations import DISTRICT
from leapfrog.wording.text import byte_size, clean, each_once, moment

TECHNICIAN_NEEDED = sentence("Something about this box needs a technician. Call them; they can see what it is.")
SINCE = sentence("{what} (since {moment})")
TAKES_NONE = sentence("This box takes NO exams from machines: tell the technician")
TAKES_ALL_READ = sentence("Taking exams; every image has been read")
TAKES = plural("Taking exams; {count} image still to be read", "Taking exams; {count} images still to be read")
NOT_SENDING = sentence("nothing is sent to a district")
ALL_SENT = sentence("everything has been sent to the district")
OWED = plural("{count} file not yet sent to the district", "{count} files not yet sent to the district")
OWED_SILENT = plural(
    "{count} file not yet sent to the district, which has not answered since {moment}",
    "{count} files not yet sent to the district, which has not answered since {moment}",
)
# Where there are others than [district].
ALL_SENT_TO_ALL = sentence("everything has been sent")
OWED_TO_ALL = plural("{count} file not yet sent", "{count} files not yet sent")
OWED_SILENT_ONE = plural(
    "{count} file not yet sent; {destination} has not answered since {moment}",
    "{count} files not yet sent; {destination} has not answered since {moment}",
)
FREE = sentence("{size} of disk free")
LONGEST_SENTENCE = 400  # characters


@dataclass(frozen=True, kw_only=True)
class BoxForStaff:
    """The state of the box, as staff are told it. `unread` counts images that wait to be read, `owed` what waits to be
    sent; `district_silent_since` is local ISO time, "" while every one of the `destinations` answers. `silent` is the
    name of the one that has not answered for longest. `attention` is what is wrong.
    """

    station: str
    listening: bool
    unread: int
    district_configured: bool
    owed: int
    district_silent_since: str
    free_bytes: int
    updated_at: datetime
    attention: tuple[Problem, ...] = field(default=())
    destinations: tuple[str, ...] = (DISTRICT,)
    silent: str = DISTRICT


@dataclass(frozen=True)
class Part:
    """A part of the line, and whether that is as it should be."""

    text: Sentence
    good: bool = True


def box_line(box: BoxForStaff) -> list[Part]:
    """What the box does, what it owes and since when the district does not answer, and its disk."""
    return [_receiving(box), _sending(box), Part(FREE.format(size=byte_size(box.free_bytes)))]


def for_staff(problems: Sequence[Problem]) -> list[Sentence]:
    """What is wrong, in the words of staff, each once, with since when."""
    known = [_since(problem.for_staff, problem.since) for problem in problems if problem.for_staff]
    others = [problem for problem in problems if not problem.for_staff]
    if others:
        known.append(_since(TECHNICIAN_NEEDED, min((one.since for one in others if one.since), default="")))
    return [clean(one, LONGEST_SENTENCE) for one in each_once(known)]


def _since(what: Sentence, since: str) -> Sentence:
    return SINCE.format(what=what, moment=moment(since)) if since else what


def _receiving(box: BoxForStaff) -> Part:
    if not box.listening:
        return Part(TAKES_NONE, good=False)
    if not box.unread:
        return Part(TAKES_ALL_READ)
    return Part(TAKES.format(count=box.unread))


def _sending(box: BoxForStaff) -> Part:
    if not box.district_configured:
        return Part(NOT_SENDING)
    several = box.destinations != (DISTRICT,)
    if not box.owed:
        return Part(ALL_SENT_TO_ALL if several else ALL_SENT)
    if not box.district_silent_since:
        return Part((OWED_TO_ALL if several else OWED).format(count=box.owed))
    if several:
        since = moment(box.district_silent_since)
        return Part(OWED_SILENT_ONE.format(count=box.owed, destination=box.silent, moment=since), good=False)
    return Part(OWED_SILENT.format(count=box.owed, moment=moment(box.district_silent_since)), good=False)
