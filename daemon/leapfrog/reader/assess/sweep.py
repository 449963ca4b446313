"""A cine of a head is a sweep: which of its frames are looked at, which of them show a head, and which is reported.

A head is in many frames in a row, in nearly the same place and size. What only looks like one, such as the chambers of
a beating heart, is in single frames.
"""

from bisect import insort_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from leapfrog.exam import Finding
from leapfrog.language.sentence import joined, known, number, sentence
from leapfrog.reader.assess.assessment import Assessment, reported_frame
from leapfrog.reader.image.pixels import chosen_frames

NEXT = 2  # frames: one between two may be unreadable, or its outline be lost
NEEDED = 5  # frames in a row that agree, or all of a cine with fewer
# Dice of the outlines in a frame's mirror images: .92 and more in all but one of 359 pictures of HC18; less in most of
# the frames of a heart cine in which a head is outlined. That cine set the limit.
LEAST_ALIKE = 0.9
FARTHEST = 0.12  # of the head's size, by which it moves from one frame to the next
MOST_DIFFERENT = 0.12  # in size, from one frame to the next
AROUND = 2  # frames before and after one: those of nearly the same plane

OUT_OF_TIME = sentence(
    "In {count} of the {frames} frames that were looked at something was outlined, but this box's time for one image"
    " ran out before all frames beside them were looked at, so it is not taken for a {name}. A still picture takes less"
    " time."
)
ALONE = sentence(
    "In {count} of {frames} frames something was outlined, but not the same in the frames beside them, so it is not"
    " taken for a {name}."
)
FRAME = sentence("Frame {number} of {frames}.")
FRAME_AND_SPREAD = sentence(
    "Frame {number} of {frames}; in the {count} frames around it that agree, the {name} is {lowest} to {highest}"
    " {unit}."
)


@dataclass(frozen=True)
class Place:
    """Where an outline lies, and how large it is, in fractions of the picture."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def of(cls, finding: Finding) -> "Place | None":
        """The place of a finding's outline, if it has one."""
        if finding.contour is None:
            return None
        (left, top), (right, bottom) = np.min(finding.contour[0], axis=0), np.max(finding.contour[0], axis=0)
        return cls((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)

    def agrees(self, other: "Place") -> bool:
        """Whether both may be one head in two frames that follow each other."""
        width, height = (self.width + other.width) / 2, (self.height + other.height) / 2
        moved = max(abs(self.x - other.x) / width, abs(self.y - other.y) / height)
        grown = max(abs(self.width - other.width) / width, abs(self.height - other.height) / height)
        return moved <= FARTHEST and grown <= MOST_DIFFERENT


class Sweep:
    """What was found so far in the frames of a cine that are there, which are counted from 0."""

    def __init__(self, numbers: Sequence[int], said: int, coarse: int) -> None:
        """Nothing was looked at yet. At first, at most `coarse` frames, evenly spaced, are to be. For people, each
        frame has its number in `numbers`, from 0, of as many as the file is `said` to have.
        """
        self._numbers, self._said = numbers, said
        self._frames = len(numbers)
        self._coarse = chosen_frames(self._frames, coarse)
        self._step = max(1, -(-self._frames // max(len(self._coarse), 1)))
        self._unread = set(range(self._frames))
        self._read: dict[int, Assessment | None] = {}
        self._outlined: list[int] = []
        self._places: dict[int, Place] = {}  # of the outlines that the mirror images confirm
        self._around: list[int] = []  # those of them around which frames may be unread, the most promising last

    def add(self, frame: int, assessment: Assessment | None) -> None:
        """What was found in `frame`; None if it cannot be read."""
        self._unread.discard(frame)
        self._read[frame] = assessment
        if assessment is None or not assessment.findings:
            return
        self._outlined.append(frame)
        place = Place.of(assessment.findings[0])
        if place is not None and assessment.alike >= LEAST_ALIKE:
            self._places[frame] = place
            insort_left(self._around, frame, key=self._rank)

    @property
    def is_begun(self) -> bool:
        """Whether the evenly spaced frames were all looked at."""
        return self._unread.isdisjoint(self._coarse)

    @property
    def looked_at(self) -> int:
        """How many frames were read."""
        return sum(assessment is not None for assessment in self._read.values())

    def next(self) -> int | None:
        """The frame to look at next: evenly spaced ones first, then those around what was outlined, whole and large
        outlines first, then all others. As long as nothing was outlined, only one frame in five of the others is looked
        at: a head is in five in a row. None after the last.
        """
        return next((frame for frame in self._wanted() if frame in self._unread), None)

    def _wanted(self) -> Iterator[int]:
        """In the order of `next`, with some that were looked at already."""
        yield from self._coarse
        while self._around:
            frame = self._around[-1]
            yield from (frame + way for far in range(1, self._step + 1) for way in (-far, far))
            self._around.pop()  # `next` comes here only when all of these were looked at: no need to try them again
        every = NEEDED if self.looked_at and not self._outlined else 1
        yield from range(every // 2, self._frames, every)

    def reported(self) -> tuple[int, Assessment]:
        """The frame that is reported for the cine, with what was found in it.

        Of the frames in which a head agrees with those beside it, and was measured or else is whole if it is in any, it
        is the one in whose plane the head is largest: there, its circumference is defined. A plane's size is the median
        of the frames around, since the single largest outline is often a wrong one.
        """
        readable = self.looked_at + len(self._unread)
        agreed = [run for run in self._runs() if len(run) >= min(NEEDED, readable)]
        if not agreed:
            return self._without_head()
        runs = _kept(agreed, self._has_measurement) or _kept(agreed, self._is_whole) or agreed
        sizes = {frame: self._plane_size(frame, run) for run in runs for frame in run}
        plane = max(sizes, key=lambda frame: sizes[frame])
        run = next(run for run in runs if plane in run)
        around = [frame for frame in run if abs(frame - plane) <= AROUND]
        best = min(around, key=lambda frame: abs(self._found(frame).weight - sizes[plane]))
        return best, self._described(best, around)

    def _runs(self) -> list[list[int]]:
        """The frames in which an outline agrees with that of the frame before or after, in rows without a gap."""
        runs: list[list[int]] = []
        for frame in sorted(self._places):
            last = runs[-1][-1] if runs else None
            if last is not None and frame - last <= NEXT and self._places[frame].agrees(self._places[last]):
                runs[-1].append(frame)
            else:
                runs.append([frame])
        return runs

    def _is_whole(self, frame: int) -> bool:
        return self._found(frame).measured

    def _has_measurement(self, frame: int) -> bool:
        """Not where the scale makes a head of an impossible size, whole though it is."""
        return self._found(frame).findings[0].measurement is not None

    def _plane_size(self, frame: int, run: Sequence[int]) -> float:
        return float(np.median([self._found(one).weight for one in run if abs(one - frame) <= AROUND]))

    def _rank(self, frame: int) -> tuple[bool, float]:
        return self._found(frame).measured, self._found(frame).weight

    def _found(self, frame: int) -> Assessment:
        found = self._read[frame]
        assert found is not None
        return found

    def _without_head(self) -> tuple[int, Assessment]:
        read = {frame: found for frame, found in self._read.items() if found is not None}
        frames = [frame for frame in sorted(read) if frame not in self._outlined] or sorted(read)
        best = frames[reported_frame([read[frame] for frame in frames])]
        if not self._outlined:
            return best, read[best]
        name = known(read[self._outlined[0]].findings[0].name).lowered()
        told = OUT_OF_TIME if self._has_unread_beside() else ALONE
        reason = told.format(count=len(self._outlined), frames=len(read), name=name)
        return best, Assessment("not_assessed", reason, read[best].quality)

    def _has_unread_beside(self) -> bool:
        """Whether frames that might have agreed with an outline were not looked at."""
        reach = range(-NEXT, NEXT + 1)
        return any(frame + way in self._unread for frame in self._outlined for way in reach)

    def _described(self, frame: int, around: Sequence[int]) -> Assessment:
        """What was found in the frame, with the frame's number and how far the frames around it differ."""
        found = self._found(frame)
        place = {"number": self._numbers[frame] + 1, "frames": self._said}
        measured = [one for other in around if (one := self._found(other).findings[0].measurement) is not None]
        if measured:
            values = [one.value for one in measured]
            said = FRAME_AND_SPREAD.format(
                **place,
                count=len(values),
                name=known(measured[0].name).lowered(),
                lowest=number(f"{min(values):.1f}"),
                highest=number(f"{max(values):.1f}"),
                unit=measured[0].unit,
            )
        else:
            said = FRAME.format(**place)
        finding = found.findings[0]
        note = joined((finding.note, said))
        return replace(found, findings=(finding.model_copy(update={"note": note}), *found.findings[1:]))


def _kept(runs: Sequence[Sequence[int]], is_kept: Callable[[int], bool]) -> list[list[int]]:
    """What is kept of each run, without those of which nothing is."""
    return [kept for run in runs if (kept := [frame for frame in run if is_kept(frame)])]
