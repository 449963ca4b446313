"""To which destinations what is owed, by the rules in the settings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leapfrog.settings import DestinationSettings
from leapfrog.state.records import DeliveryKind


@dataclass(frozen=True)
class Recipients:
    """All destinations of the settings, in their order."""

    destinations: tuple[DestinationSettings, ...] = ()

    def __iter__(self) -> Iterator[DestinationSettings]:
        return iter(self.destinations)

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


def has_rule(destination: DestinationSettings) -> bool:
    """Whether it gets only some exams, which is known once their images were read."""
    return bool(destination.modalities) or destination.only_urgent
