"""To which destinations what is owed, by the rules in the settings."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leapfrog.settings import DestinationSettings
from leapfrog.state.records import DeliveryKind


@dataclass(frozen=True)
class Exam:
    """What rules ask of an exam: the modalities of its images that were read, and whether any of these is urgent."""

    modalities: tuple[str, ...]
    urgent: bool


@dataclass(frozen=True)
class Recipients:
    """All destinations of the settings, in their order."""

    destinations: tuple[DestinationSettings, ...] = ()

    def __iter__(self) -> Iterator[DestinationSettings]:
        return iter(self.destinations)

    def of_any_exam(self, kind: DeliveryKind) -> tuple[str, ...]:
        """The names of those that get objects of that kind of any exam at all."""
        return tuple(one.name for one in self.destinations if kind in one.send)

    def wants(self, kind: DeliveryKind) -> bool:
        """Whether any of them gets objects of that kind."""
        return any(kind in one.send for one in self.destinations)

    def of_all_exams(self, kind: DeliveryKind) -> tuple[str, ...]:
        """The names of those that get objects of that kind of every exam, whatever is in it."""
        return tuple(one.name for one in self.destinations if kind in one.send and not has_rule(one))

    def of_exam(self, kind: DeliveryKind, modalities: Sequence[str], *, urgent: bool) -> tuple[str, ...]:
        """The names of those that get objects of that kind of an exam with images of `modalities`. An image that does
        not tell its modality ("") may be of any.
        """
        return tuple(
            one.name
            for one in self.destinations
            if kind in one.send
            and (urgent or not one.only_urgent)
            and (not one.modalities or any(modality in (*one.modalities, "") for modality in modalities))
        )

    def of_some_exams(self, kind: DeliveryKind) -> tuple[str, ...]:
        """The names of those that get objects of that kind of some exams only."""
        return tuple(one.name for one in self.destinations if kind in one.send and has_rule(one))

    def by_rule(self, kind: DeliveryKind, exam: Exam) -> tuple[str, ...]:
        """Those of `of_some_exams` that get them of `exam`."""
        some = self.of_some_exams(kind)
        return tuple(name for name in self.of_exam(kind, exam.modalities, urgent=exam.urgent) if name in some)


def has_rule(destination: DestinationSettings) -> bool:
    """Whether it gets only some exams, which is known once their images were read."""
    return bool(destination.modalities) or destination.only_urgent


def exam_of(connection: sqlite3.Connection, study_key: str) -> Exam:
    """What rules ask of a study, by its readings, within the caller's transaction."""
    rows = connection.execute(
        "SELECT json_extract(reading, '$.header.modality') AS modality,"
        " max(json_extract(reading, '$.urgent')) AS urgent FROM instances"
        " WHERE study_key = ? AND reading IS NOT NULL AND same_as IS NULL GROUP BY modality",
        (study_key,),
    ).fetchall()
    return Exam(tuple(row["modality"] or "" for row in rows), any(row["urgent"] for row in rows))
