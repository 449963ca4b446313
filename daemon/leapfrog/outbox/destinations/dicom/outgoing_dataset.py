"""The data set of an instance, without the head of its file, as it goes to an archive."""

from collections.abc import Iterator
from dataclasses import dataclass

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, actual_encoding
from leapfrog.dicom.implicit import implicit_pieces
from leapfrog.dicom.part10 import Part10Source, find_dataset
from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN
from leapfrog.errors import StorageError
from leapfrog.outbox.destinations.dicomweb.held_content import open_source

LITTLE_ENDIAN = (IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN)
NOT_REWRITTEN = "The data set cannot be rewritten in the only encoding that the archive takes (Implicit VR): {reason}"


@dataclass(frozen=True)
class OutgoingDataset:
    """What `source` consists of from byte `offset` on, in the transfer syntax that it really has."""

    source: Part10Source
    offset: int
    transfer_syntax_uid: str
    sop_class_uid: str

    @property
    def is_odd(self) -> bool:
        """Whether it has an odd number of bytes, such as pixels that a machine did not pad. That is not as DICOM has
        it (PS3.5 Section 7.1.1), nor can messages carry it (PS3.8 Section 9.3.5.1): archives hang up over it.
        """
        return bool((self.source.byte_count - self.offset) % 2)

    @property
    def syntaxes(self) -> tuple[str, ...]:
        """The transfer syntaxes in which it can go out, the best first."""
        if self.is_odd:
            return ()
        if self.transfer_syntax_uid == EXPLICIT_LITTLE_ENDIAN:
            return EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN
        return (self.transfer_syntax_uid,)

    def pieces(self, transfer_syntax_uid: str, piece_bytes: int) -> Iterator[bytes]:
        """The data set in one of `syntaxes`: as it is in the file, unless that is another than it has.

        Raises StorageError before the last piece when the file's content is not what was stored, or when it cannot be
        rewritten.
        """
        if transfer_syntax_uid == self.transfer_syntax_uid:
            return self._as_it_is(piece_bytes)
        return self._implicit(piece_bytes)

    def _as_it_is(self, piece_bytes: int) -> Iterator[bytes]:
        skipped = self.offset
        for piece in self._file(piece_bytes):
            if skipped < len(piece):
                yield piece[skipped:]
            skipped = max(0, skipped - len(piece))

    def _file(self, piece_bytes: int) -> Iterator[bytes]:
        if self.source.head:
            yield self.source.head
        yield from self.source.file_chunks(piece_bytes)

    def _implicit(self, piece_bytes: int) -> Iterator[bytes]:
        for _ in self.source.file_chunks(piece_bytes):
            pass  # its digest is looked at before, since the last piece may come from anywhere
        try:
            with open_source(self.source) as stream:
                yield from implicit_pieces(stream, self.offset, piece_bytes)
        except (DatasetTruncated, DatasetMalformed) as problem:
            raise StorageError(NOT_REWRITTEN.format(reason=problem)) from problem
        except OSError as problem:
            raise StorageError(
                f"The spool file {self.source.path.name} cannot be read: {problem.strerror}."
            ) from problem


def outgoing_dataset(source: Part10Source) -> OutgoingDataset:
    """Find the data set of `source`. Raises StorageError when it cannot be read."""
    try:
        with open_source(source) as stream:
            start = find_dataset(stream)
            syntax = start.transfer_syntax_uid
            if syntax in LITTLE_ENDIAN:  # some machines declare one and write the other
                explicit = actual_encoding(stream, start.offset, syntax).explicit
                syntax = EXPLICIT_LITTLE_ENDIAN if explicit else IMPLICIT_LITTLE_ENDIAN
    except OSError as problem:
        raise StorageError(f"The spool file {source.path.name} cannot be read: {problem.strerror}.") from problem
    return OutgoingDataset(source, start.offset, syntax, start.sop_class_uid)
