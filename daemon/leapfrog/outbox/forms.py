"""In which form an object goes to a destination: as it came, or as a copy in another transfer syntax. Of an original,
that is a smaller one; for an archive that takes nothing compressed, an uncompressed one of whatever is. And what is
learnt when a destination refuses a copy: no original is refused for the form in which it was sent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from leapfrog.dicom.part10 import Part10Source
from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN
from leapfrog.errors import CannotBeRenamed, DistrictRefused, StorageError
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.encodings import Encoding, Encodings, EncodingState
from leapfrog.state.sending.outgoing import source_of
from leapfrog.state.sending.taken_syntaxes import TakenSyntaxes
from leapfrog.state.spool import Spool

# Of so many attempts that failed over an original, one sends it as it came: a server may fail over the copy.
AS_IT_CAME_EVERY = 3


SameImage = Callable[[Part10Source, Path], bool]


def never_certain(_ours: Part10Source, _theirs: Path) -> bool:
    """Where nobody can compare two images: they are not known to be the same."""
    return False


@dataclass(frozen=True)
class Copy:
    """A copy in another transfer syntax, as it is sent."""

    encoding: Encoding
    source: Part10Source


class Forms:
    """Chooses the form. For the thread of one destination; `is_coming` for any."""

    def __init__(
        self,
        spool: Spool,
        encodings: Encodings,
        taken: TakenSyntaxes,
        is_coming: Callable[[DeliveryRecord], bool] = lambda _delivery: False,
        on_wanted: Callable[[], None] = lambda: None,
        same_image: SameImage = never_certain,
    ) -> None:
        """`is_coming`: whether an original had better wait a moment for its copy. `on_wanted` is called when a copy is
        to be made that nobody makes ahead. `same_image`: whether what is sent and a file in another transfer syntax are
        the same image; false in doubt.
        """
        self.same_image = same_image
        self._on_wanted = on_wanted
        self._spool = spool
        self._encodings = encodings
        self._taken = taken
        self.is_coming = is_coming

    def copy_of(self, delivery: DeliveryRecord) -> Copy | None:
        """The smaller copy in which it goes; None if it goes as it came. A copy that cannot be read is given up."""
        if delivery.failures % AS_IT_CAME_EVERY == AS_IT_CAME_EVERY - 1:
            return None
        encoding = self._encodings.best_for(delivery, self._taken.by(delivery.destination))
        if encoding is None or encoding.byte_count >= delivery.byte_count:
            return None
        try:
            return Copy(encoding, source_of(self._spool, delivery, encoding))
        except (StorageError, CannotBeRenamed):
            self.spoilt(encoding)
            return None

    def uncompressed(self, delivery: DeliveryRecord) -> Copy | EncodingState:
        """The uncompressed copy of what is compressed, for a peer that takes it in no other way; while there is none,
        whether it will be ("wanted") or cannot be ("as_it_came").
        """
        state = self._encodings.want(delivery, EXPLICIT_LITTLE_ENDIAN)
        if state == "wanted":
            self._on_wanted()
        encoding = self._encodings.best_for(delivery, (EXPLICIT_LITTLE_ENDIAN,))
        if encoding is None:
            return state
        try:
            return Copy(encoding, source_of(self._spool, delivery, encoding))
        except (StorageError, CannotBeRenamed):
            self.spoilt(encoding)
            return "as_it_came"

    def spoilt(self, encoding: Encoding) -> None:
        """Give up a copy that is not what was made: its original goes as it came."""
        self._encodings.goes_as_it_came(encoding.id, "What was made of it is missing or damaged.")
        self._spool.remove(encoding.spool_name)

    def refused(
        self, delivery: DeliveryRecord, copy: Copy, problem: DistrictRefused, *, but_not_the_original: bool
    ) -> None:
        """Learn from a refusal: this destination does not take that transfer syntax, if it says so, or if it takes the
        same original as it came.
        """
        if problem.is_about_encoding or but_not_the_original:
            self._taken.decline(delivery.destination, copy.encoding.transfer_syntax_uid)
