"""One delivery as it can go to an archive: its data set, a smaller copy of it, and in which of these it is sent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from leapfrog.errors import CannotBeRenamed, StorageError
from leapfrog.outbox.destinations.dicom.outgoing_dataset import OutgoingDataset, outgoing_dataset
from leapfrog.outbox.forms import Copy, Forms
from leapfrog.state.records import DeliveryRecord


@dataclass(frozen=True)
class Outgoing:
    """What is sent, and in which transfer syntax. `copy` is None if the original goes."""

    dataset: OutgoingDataset
    transfer_syntax_uid: str
    copy: Copy | None = None

    def pieces(self, piece_bytes: int) -> Iterator[bytes]:
        """See `OutgoingDataset.pieces`."""
        return self.dataset.pieces(self.transfer_syntax_uid, piece_bytes)


@dataclass(frozen=True)
class Sendable:
    """A delivery, what it consists of, and the copies of it that may go in its place, the best first."""

    delivery: DeliveryRecord
    dataset: OutgoingDataset
    copies: tuple[tuple[Copy, OutgoingDataset], ...] = ()

    @property
    def sop_class_uid(self) -> str:
        """What kind of object it is."""
        return self.delivery.sop_class_uid or self.dataset.sop_class_uid

    @property
    def syntaxes(self) -> set[str]:
        """The transfer syntaxes that it has, or its copies have."""
        return {self.dataset.transfer_syntax_uid, *(dataset.transfer_syntax_uid for _, dataset in self.copies)}

    def outgoing(self, taken: frozenset[str], *, as_it_came: bool = False) -> Outgoing | None:
        """What goes to an archive that takes these transfer syntaxes; None if nothing can. `as_it_came`: no copy."""
        copies = () if as_it_came else self.copies
        for copy, dataset in (*copies, (None, self.dataset)):
            for syntax in dataset.syntaxes:
                if syntax in taken:
                    return Outgoing(dataset, syntax, copy)
        return None

    def with_copy(self, copy: Copy | None) -> "Sendable":
        """The same, with one more copy, if that can be read."""
        if copy is None:
            return self
        try:
            return replace(self, copies=(*self.copies, (copy, outgoing_dataset(copy.source))))
        except (StorageError, CannotBeRenamed):
            return self


def sendable(delivery: DeliveryRecord, dataset: OutgoingDataset, forms: Forms | None) -> Sendable:
    """`delivery`, with the copy that its destination takes as far as is known."""
    return Sendable(delivery, dataset).with_copy(forms.copy_of(delivery) if forms is not None else None)
