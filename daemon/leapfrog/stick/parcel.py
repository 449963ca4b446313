"""One part of what a box writes on a stick: objects that are owed, encrypted to the district and signed by the box.

A part is one age file (age-encryption.org/v1) to the district's recipient. Its plaintext:

    LFPARCEL1\\n
    8 bytes      how long the manifest is, big-endian
    manifest     JSON in UTF-8: `Manifest`
    64 bytes     Ed25519 signature of the box's station key over LFPARCEL1\\n and the manifest
    objects      one after the other, each a complete DICOM file with the length and SHA-256 that the manifest has

Both sides work in pieces, whatever the size of a part. Whoever reads one trusts nothing of it: every length is bounded,
and nothing is handed on that is not what the manifest says.
"""

import hashlib
import io
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from leapfrog.errors import ParcelRefused

if TYPE_CHECKING:
    from pyrage.x25519 import Identity

MAGIC = b"LFPARCEL1\n"
LENGTH_BYTES, SIGNATURE_BYTES = 8, 64
LARGEST_MANIFEST_BYTES = 16 << 20
MOST_OBJECTS = 20_000  # in one part
LARGEST_OBJECT_BYTES = 64 << 30
AGE_FIRST_LINE, AGE_LAST_LINE = b"age-encryption.org/v1\n", b"\n---"
LARGEST_AGE_HEADER_BYTES = 16 << 10  # ours has some 250; the library would read on without end
KEPT_IN_MEMORY_BYTES = 4 << 20  # of an object that is being read

Hexadecimal32 = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
RawKey = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
DeliveryId = Annotated[str, Field(pattern="^[0-9a-f]{16,32}$")]


class _Stated(BaseModel):
    """What a manifest says; what a newer box says besides is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class ParcelObject(_Stated):
    """One object of a part: a complete DICOM file of `byte_count` bytes. `delivery_id` is how the box knows it; it is
    random, and says nothing about a patient.
    """

    delivery_id: DeliveryId
    kind: Annotated[str, Field(pattern="^[a-z_]{1,32}$")]
    sop_class_uid: Annotated[str, Field(max_length=64)]
    sop_instance_uid: Annotated[str, Field(max_length=64)]
    byte_count: Annotated[int, Field(ge=0, le=LARGEST_OBJECT_BYTES)]
    sha256: Sha256
    urgent: bool


class Manifest(_Stated):
    """What is in part `part` (1, 2, ...) of an export. `station_key`: the box's public key, raw, in hexadecimal;
    `district`: to whom it is encrypted; `made_at`: ISO time by the box's clock, for people; `box_state`: what the box
    says of itself, signed, if it came along.
    """

    format: Literal[1] = 1
    export_id: Hexadecimal32
    part: Annotated[int, Field(ge=1, le=999_999)]
    station_key: RawKey
    district: Annotated[str, Field(max_length=100)]
    made_at: Annotated[str, Field(max_length=40)]
    box_state: dict[str, JsonValue] | None = None
    objects: Annotated[list[ParcelObject], Field(max_length=MOST_OBJECTS)]


class BytesTaker(Protocol):
    """To what the age file is written."""

    def write(self, content: bytes, /) -> int: ...  # noqa: D102


# ------------------------------------------------------------------------------------------------ on the box


def write_parcel(
    file: BytesTaker, manifest: Manifest, sign: Callable[[bytes], bytes], contents: Iterable[Iterable[bytes]]
) -> None:
    """Write a part to `file`: `contents` has the bytes of each object of `manifest`, in its order, in pieces.

    Raises whatever `contents` and `file` raise, and ValueError when an object is not what the manifest says of it, as
    after its file was damaged: then what was written is no part.
    """
    import pyrage

    recipient = pyrage.x25519.Recipient.from_str(manifest.district)
    source = _Pieces(_plaintext(manifest, sign, contents))
    taker = _Remembering(file)
    failure: BaseException | None = None
    try:
        pyrage.encrypt_io(source, taker, [recipient])
    except pyrage.EncryptError as problem:
        failure = problem
    # The library makes an error of its own out of any other, and says nothing of one in the last bytes, which it writes
    # when all is over for it: what is the matter is what was raised first.
    if (cause := source.problem or taker.problem or failure) is not None:
        raise cause from None


def _plaintext(
    manifest: Manifest, sign: Callable[[bytes], bytes], contents: Iterable[Iterable[bytes]]
) -> Iterator[bytes]:
    text = manifest.model_dump_json().encode()
    yield MAGIC + len(text).to_bytes(LENGTH_BYTES, "big") + text + sign(MAGIC + text)
    for entry, pieces in zip(manifest.objects, contents, strict=True):
        digest, byte_count = hashlib.sha256(), 0
        for piece in pieces:
            digest.update(piece)
            byte_count += len(piece)
            yield piece
        if byte_count != entry.byte_count or digest.hexdigest() != entry.sha256:
            raise ValueError(f"delivery {entry.delivery_id} changed while it was written")


class _Pieces(io.RawIOBase):
    """What an iterator of bytes gives, to read; and what it raised."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")
        self.problem: BaseException | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            while not self._left:
                self._left = memoryview(next(self._pieces))
        except StopIteration:
            return 0
        except BaseException as problem:
            self.problem = problem
            raise
        taken = self._left[: len(buffer)]
        buffer[: len(taken)] = taken
        self._left = self._left[len(taken) :]
        return len(taken)


class _Remembering:
    """Hands on what is written, and remembers what that raised: the library tries again what failed, and then nothing
    must be handed on any more.
    """

    def __init__(self, file: BytesTaker) -> None:
        self._file = file
        self.problem: BaseException | None = None

    def write(self, content: bytes) -> int:
        if self.problem is not None:
            raise self.problem
        try:
            self._file.write(content)
        except BaseException as problem:
            self.problem = problem
            raise
        return len(content)

    def flush(self) -> None:
        """Nothing is kept back."""


# ------------------------------------------------------------------------------------------------ at the district


def read_parcel(
    file: BinaryIO,
    identity: "Identity",
    accept: Callable[[Manifest], Collection[str]],
    take: Callable[[ParcelObject, BinaryIO], None],
    work_folder: Path | None = None,
) -> Manifest:
    """Read a part from `file`, which is encrypted to `identity`, and return its manifest.

    `accept` is called with the manifest once its signature was found to be that of its `station_key`; whether that is
    the key of a known box, and whether the part is for this district, it decides: it raises, or returns the
    `delivery_id`s of what is wanted. Then `take` is called with each of these objects, whose bytes were compared with
    the manifest, and a file to read them from, which is gone afterwards. Large ones are kept in `work_folder` until
    then. What was taken before an error is good.

    Raises ParcelRefused when it is no part, not for `identity`, damaged or not whole; OSError when `file` cannot be
    read; and whatever `accept` and `take` raise.
    """
    import pyrage

    source = _Source(file)
    with _Parser(accept, take, work_folder) as parser:
        taker = _Remembering(parser)
        try:
            pyrage.decrypt_io(source, taker, [identity])
        except (pyrage.DecryptError, OSError) as problem:
            if (first := source.problem or taker.problem) is not None:
                raise first from None
            raise ParcelRefused(_why_not_decrypted(problem, parser)) from problem
        if (unsaid := source.problem or taker.problem) is not None:
            raise unsaid
        return parser.end()


def _why_not_decrypted(problem: Exception, parser: "_Parser") -> str:
    if "No matching keys" in str(problem):
        return (
            "It is encrypted to another district than this one, or to a key that this one had before. Then put the line"
            " that `leapfrog receive --public-key` prints here into the settings of the box, and have it export again."
        )
    if parser.manifest is None:
        return "It is damaged, or not what a box wrote: it cannot be decrypted."
    return "It is damaged, or not whole: it cannot be decrypted to its end. What came before was whole."


class _Source(io.RawIOBase):
    """The age file, whose first lines are looked at before the library reads them: it would look for their end for
    ever.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._head = b""
        self._is_looked_at = False
        self.problem: BaseException | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            if not self._is_looked_at:
                self._look()
            chunk, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
            if not chunk:
                chunk = self._file.read(len(buffer))
        except BaseException as problem:
            self.problem = problem
            raise
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _look(self) -> None:
        while len(self._head) < LARGEST_AGE_HEADER_BYTES:
            chunk = self._file.read(LARGEST_AGE_HEADER_BYTES - len(self._head))
            if not chunk:
                break
            self._head += chunk
        if not self._head.startswith(AGE_FIRST_LINE) or AGE_LAST_LINE not in self._head:
            raise ParcelRefused("It is not what a box wrote: it is no age file.")
        self._is_looked_at = True


class _Parser:
    """Takes the plaintext in pieces, as it is decrypted."""

    def __init__(
        self,
        accept: Callable[[Manifest], Collection[str]],
        take: Callable[[ParcelObject, BinaryIO], None],
        work_folder: Path | None,
    ) -> None:
        self.manifest: Manifest | None = None
        self._accept = accept
        self._take = take
        self._work_folder = work_folder
        self._head = bytearray()
        self._wanted: Collection[str] = ()
        self._coming: list[ParcelObject] = []  # the next one last
        self._object: _Object | None = None

    def __enter__(self) -> "_Parser":
        return self

    def __exit__(self, *_: object) -> None:
        if self._object is not None:
            self._object.close()

    def write(self, content: bytes) -> int:
        left = memoryview(content)
        if self.manifest is None:
            self._head += left
            left = memoryview(self._read_head())
        while left:
            if self._object is None:
                raise ParcelRefused("It is not what a box wrote: there is more in it than its manifest says.")
            left = left[self._object.write(left) :]
            self._next_object()
        return len(content)

    def _read_head(self) -> bytes:
        """Read the manifest once it is all there. Returns what follows it."""
        start = len(MAGIC) + LENGTH_BYTES
        if not MAGIC.startswith(bytes(self._head[: len(MAGIC)])):
            raise ParcelRefused("It is not what a box wrote, or what a newer Leapfrog wrote: update this one.")
        if len(self._head) < start:
            return b""
        byte_count = int.from_bytes(self._head[len(MAGIC) : start], "big")
        if byte_count > LARGEST_MANIFEST_BYTES:
            raise ParcelRefused("It is not what a box wrote: its manifest is too long.")
        end = start + byte_count + SIGNATURE_BYTES
        if len(self._head) < end:
            return b""
        text, signature = bytes(self._head[start : start + byte_count]), bytes(self._head[end - SIGNATURE_BYTES : end])
        rest = bytes(self._head[end:])
        self._head.clear()
        manifest = _signed_manifest(text, signature)
        self._wanted = frozenset(self._accept(manifest))
        self.manifest = manifest
        self._coming = list(reversed(manifest.objects))
        self._next_object()
        return rest

    def _next_object(self) -> None:
        """Hand on the object that is all there, and begin the next; one of no bytes is there at once."""
        while True:
            if self._object is not None:
                if self._object.missing_bytes:
                    return
                with self._object as done:
                    self._object = None
                    done.hand_on(self._take)
            if not self._coming:
                return
            entry = self._coming.pop()
            self._object = _Object(entry, entry.delivery_id in self._wanted, self._work_folder)

    def end(self) -> Manifest:
        """The manifest, after all was read. Raises ParcelRefused when something is missing."""
        if self.manifest is None or self._object is not None:
            raise ParcelRefused("It is not whole: its end is missing.")
        return self.manifest


class _Object:
    """An object that is being read."""

    def __init__(self, entry: ParcelObject, wanted: bool, work_folder: Path | None) -> None:
        self._entry = entry
        self._digest = hashlib.sha256()
        folder = None if work_folder is None else str(work_folder)
        self._file = SpooledTemporaryFile[bytes](KEPT_IN_MEMORY_BYTES, dir=folder) if wanted else None
        self.missing_bytes = entry.byte_count

    def __enter__(self) -> "_Object":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, content: memoryview) -> int:
        taken = content[: self.missing_bytes]
        self._digest.update(taken)
        if self._file is not None:
            self._file.write(taken)
        self.missing_bytes -= len(taken)
        return len(taken)

    def hand_on(self, take: Callable[[ParcelObject, BinaryIO], None]) -> None:
        if self._digest.hexdigest() != self._entry.sha256:
            raise ParcelRefused(f"Object {self._entry.delivery_id} in it is not the one that its manifest names.")
        if self._file is not None:
            self._file.seek(0)
            take(self._entry, self._file)  # type: ignore[arg-type]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _signed_manifest(text: bytes, signature: bytes) -> Manifest:
    """The manifest with this text. Raises ParcelRefused unless its own station signed it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        manifest = Manifest.model_validate_json(text)
    except (ValidationError, RecursionError) as problem:
        raise ParcelRefused(
            "Its manifest cannot be understood: it is not what a box wrote, or what a newer Leapfrog wrote."
        ) from problem
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(manifest.station_key)).verify(signature, MAGIC + text)
    except (InvalidSignature, ValueError) as problem:
        raise ParcelRefused("Its signature is not that of the box that it names.") from problem
    if len({entry.delivery_id for entry in manifest.objects}) < len(manifest.objects):
        raise ParcelRefused("Its manifest names one object twice.")
    return manifest
