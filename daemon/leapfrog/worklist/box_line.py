"""The box in one line, for staff: what it does, what it owes, and what they can do. Commands are for `status`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leapfrog.problem import Problem
from leapfrog.wording.text import byte_size, clean, count, each_once, moment

TECHNICIAN_NEEDED = "Something about this box needs a technician. Call them; they can see what it is."
LONGEST_SENTENCE = 400  # characters


@dataclass(frozen=True, kw_only=True)
class BoxState:
    """The state of the box. `unread` counts images that wait to be read, `owed` what waits to be sent;
    `district_silent_since` is local ISO time, "" while the district answers; `attention` is what is wrong.
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


@dataclass(frozen=True)
class Part:
    """A part of the line, and whether that is as it should be."""

    text: str
    good: bool = True


def box_line(box: BoxState) -> list[Part]:
    """What the box does, what it owes and since when the district does not answer, and its disk."""
    return [_receiving(box), _sending(box), Part(f"{byte_size(box.free_bytes)} of disk free")]


def for_staff(problems: Sequence[Problem]) -> list[str]:
    """What is wrong, in the words of staff, each once, with since when."""
    known = [_since(problem.for_staff, problem.since) for problem in problems if problem.for_staff]
    others = [problem for problem in problems if not problem.for_staff]
    if others:
        known.append(_since(TECHNICIAN_NEEDED, min((one.since for one in others if one.since), default="")))
    return [clean(sentence, LONGEST_SENTENCE) for sentence in each_once(known)]


def _since(sentence: str, since: str) -> str:
    return f"{sentence} (since {moment(since)})" if since else sentence


def _receiving(box: BoxState) -> Part:
    if not box.listening:
        return Part("This box takes NO exams from machines: tell the technician", good=False)
    if not box.unread:
        return Part("Taking exams; every image has been read")
    return Part(f"Taking exams; {count(box.unread, 'image')} still to be read")


def _sending(box: BoxState) -> Part:
    if not box.district_configured:
        return Part("nothing is sent to a district")
    if not box.owed:
        return Part("everything has been sent to the district")
    owed = f"{count(box.owed, 'file')} not yet sent to the district"
    if not box.district_silent_since:
        return Part(owed)
    return Part(f"{owed}, which has not answered since {moment(box.district_silent_since)}", good=False)
