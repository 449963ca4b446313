"""A part of a stick: the district reads what the box wrote, and nothing else passes."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from leapfrog.errors import ParcelRefused
from leapfrog.stick.parcel import MAGIC, Manifest, ParcelObject, read_parcel, write_parcel

IDENTITY = pyrage.x25519.Identity.generate()
STATION = Ed25519PrivateKey.generate()
CONTENTS = (b"report " * 900, b"", b"\0\1" * 300_000)


def entry_of(number: int, content: bytes) -> ParcelObject:
    return ParcelObject(
        delivery_id=f"{number:016x}", kind="original", sop_class_uid="1.2", sop_instance_uid=f"1.2.{number}",
        byte_count=len(content), sha256=hashlib.sha256(content).hexdigest(), urgent=False,
    )  # fmt: skip


def manifest_of(contents: Sequence[bytes] = CONTENTS) -> Manifest:
    return Manifest(
        export_id="ab" * 16, part=1, station_key=STATION.public_key().public_bytes_raw().hex(),
        district=str(IDENTITY.to_public()), made_at="2026-11-30T00:00:00+00:00", box_state={"state": {}},
        objects=[entry_of(number, content) for number, content in enumerate(contents)],
    )  # fmt: skip


def written(contents: Sequence[bytes] = CONTENTS, manifest: Manifest | None = None) -> bytes:
    file = io.BytesIO()
    write_parcel(file, manifest or manifest_of(contents), STATION.sign, [[content] for content in contents])
    return file.getvalue()


def encrypted(plaintext: bytes) -> bytes:
    return bytes(pyrage.encrypt(plaintext, [IDENTITY.to_public()]))


def plaintext_of(manifest: object, contents: Sequence[bytes] = CONTENTS, key: Ed25519PrivateKey = STATION) -> bytes:
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return MAGIC + len(text).to_bytes(8, "big") + text + key.sign(MAGIC + text) + b"".join(contents)


@dataclass
class Reader:
    wanted: Callable[[ParcelObject], bool] = lambda _: True
    taken: dict[str, bytes] = field(default_factory=dict)

    def accept(self, manifest: Manifest) -> list[str]:
        return [one.delivery_id for one in manifest.objects if self.wanted(one)]

    def take(self, entry: ParcelObject, file: BinaryIO) -> None:
        self.taken[entry.delivery_id] = file.read()

    def read(self, content: bytes) -> Manifest:
        return read_parcel(io.BytesIO(content), IDENTITY, self.accept, self.take)


def test_the_district_reads_what_the_box_wrote() -> None:
    reader = Reader()
    assert reader.read(written()) == manifest_of()
    assert tuple(reader.taken.values()) == CONTENTS


def test_only_what_is_wanted_is_taken() -> None:
    reader = Reader(wanted=lambda one: one.byte_count > 100_000)
    reader.read(written())
    assert list(reader.taken.values()) == [CONTENTS[2]]


def test_nobody_else_can_read_it() -> None:
    content = written()
    assert b"report" not in content and b"1.2." not in content
    with pytest.raises(ParcelRefused, match="another district"):
        read_parcel(io.BytesIO(content), pyrage.x25519.Identity.generate(), Reader().accept, Reader().take)


@pytest.mark.parametrize("kept", [0, 1, 100, 230, 70_000, 400_000, -1])
def test_one_that_is_cut_off_is_refused(kept: int) -> None:
    with pytest.raises(ParcelRefused):
        Reader().read(written()[:kept])


@pytest.mark.parametrize("place", [3, 60, 150, 3000, 200_000, -20])
def test_one_with_another_byte_is_refused(place: int) -> None:
    content = bytearray(written())
    content[place] ^= 1
    reader = Reader()
    with pytest.raises(ParcelRefused):
        reader.read(bytes(content))
    assert set(reader.taken.values()) <= set(CONTENTS)  # what came before is whole


def test_more_than_the_manifest_says_is_refused() -> None:
    with pytest.raises(ParcelRefused, match="more in it"):
        Reader().read(encrypted(plaintext_of(json.loads(manifest_of().model_dump_json()), [*CONTENTS, b"x"])))


def test_less_than_the_manifest_says_is_refused() -> None:
    reader = Reader()
    with pytest.raises(ParcelRefused, match="not whole"):
        reader.read(encrypted(plaintext_of(json.loads(manifest_of().model_dump_json()), [CONTENTS[0], b"", b"\0"])))
    assert list(reader.taken.values()) == [CONTENTS[0], b""]


def test_an_object_that_the_manifest_does_not_name_is_refused() -> None:
    reader = Reader()
    other = [CONTENTS[0], b"", b"\1\1" * 300_000]
    with pytest.raises(ParcelRefused, match="not the one"):
        reader.read(encrypted(plaintext_of(json.loads(manifest_of().model_dump_json()), other)))
    assert list(reader.taken.values()) == [CONTENTS[0], b""]


def test_what_another_key_signed_is_refused() -> None:
    reader = Reader()
    with pytest.raises(ParcelRefused, match="signature"):
        reader.read(
            encrypted(plaintext_of(json.loads(manifest_of().model_dump_json()), key=Ed25519PrivateKey.generate()))
        )
    assert not reader.taken


def changed(**values: object) -> bytes:
    return encrypted(plaintext_of({**json.loads(manifest_of().model_dump_json()), **values}))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100_000,
        encrypted(b""),
        encrypted(b"LFPARCEL2\n" + bytes(100)),
        encrypted(MAGIC + b"\xff" * 8 + bytes(1000)),
        encrypted(plaintext_of(b"{")),
        encrypted(plaintext_of(b"[" * 100_000)),
        encrypted(plaintext_of([])),
        changed(format=2),
        changed(part=0),
        changed(export_id="../../etc"),
        changed(station_key="00" * 31),
        changed(station_key="ff" * 32),
        changed(objects=[{}]),
        changed(objects=[{**entry_of(0, b"").model_dump(), "byte_count": -1}]),
        changed(objects=[entry_of(0, b"").model_dump()] * 2),
    ],
)
def test_what_is_no_part_is_refused(content: bytes) -> None:
    reader = Reader()
    with pytest.raises(ParcelRefused):
        reader.read(content)
    assert not reader.taken


def test_a_beginning_that_never_ends_is_not_read_for_ever() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            buffer[:] = (b"age-encryption.org/v1\n-> X25519 " if not self.given else b"").ljust(len(buffer), b"a")
            self.given += len(buffer)
            return len(buffer)

    endless = Endless()
    with pytest.raises(ParcelRefused):
        read_parcel(endless, IDENTITY, Reader().accept, Reader().take)  # type: ignore[arg-type]
    assert endless.given < 100_000


def test_a_part_may_be_larger_than_memory_has_room_for() -> None:
    """Neither side holds more than pieces of it."""
    size, piece = 48 << 20, bytes(1 << 20)
    digest = hashlib.sha256()
    for _ in range(48):
        digest.update(piece)
    one = entry_of(7, b"").model_copy(update={"byte_count": size, "sha256": digest.hexdigest()})

    def pieces() -> Iterator[bytes]:
        yield from (piece for _ in range(48))

    class Longest:
        longest = 0

        def write(self, content: bytes) -> int:
            self.longest = max(self.longest, len(content))
            return len(content)

    longest = Longest()
    write_parcel(longest, manifest_of().model_copy(update={"objects": [one]}), STATION.sign, [pieces()])
    assert longest.longest < 1 << 20


def test_an_object_that_changes_while_it_is_written_makes_no_part() -> None:
    with pytest.raises(ValueError, match="changed"):
        write_parcel(io.BytesIO(), manifest_of(), STATION.sign, [[b"other"], [b""], [b""]])


def test_whatever_the_box_or_the_stick_fails_with_is_raised_as_it_was() -> None:
    class Full:
        def write(self, content: bytes) -> int:
            raise OSError(28, "No space left on device")

    def broken() -> Iterator[bytes]:
        yield b"a"
        raise KeyError("spool")

    with pytest.raises(OSError, match="No space"):
        write_parcel(Full(), manifest_of(), STATION.sign, [[content] for content in CONTENTS])
    with pytest.raises(KeyError):
        write_parcel(io.BytesIO(), manifest_of(), STATION.sign, [broken(), [b""], [b""]])


@pytest.mark.parametrize("size", [100, 5000, 60_000, 196_000, 300_000])
def test_a_stick_that_fails_at_any_write_makes_no_part(size: int) -> None:
    """Also at the last, of which the library says nothing where it is short."""
    contents = [b"x" * size]
    for number in range(1, _writes(contents) + 1):
        writer = FullLater(number)
        with pytest.raises(OSError, match="No space"):
            write_parcel(writer, manifest_of(contents), STATION.sign, [contents])
        assert writer.writes == number, "nothing is written after that"


class FullLater:
    """Takes all writes until that with this number; 0 for no end."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.writes = 0

    def write(self, content: bytes) -> int:
        self.writes += 1
        if self.writes == self.number:
            raise OSError(28, "No space left on device")
        return len(content)


def _writes(contents: list[bytes]) -> int:
    writer = FullLater(0)
    write_parcel(writer, manifest_of(contents), STATION.sign, [contents])
    return writer.writes


@pytest.mark.parametrize("size", [100, 5000, 60_000, 196_000, 300_000])
def test_what_fails_over_the_last_bytes_is_said_too(size: int) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "the district's disk")

    with pytest.raises(OSError, match="the district's disk"):
        read_parcel(io.BytesIO(written([b"x" * size])), IDENTITY, Reader().accept, fail)


def test_whatever_the_reader_fails_with_is_raised_as_it_was() -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "the district's disk")

    class Pulled(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100_000:
                raise OSError(19, "No such device")
            return super().read(size)

    with pytest.raises(OSError, match="the district's disk"):
        read_parcel(io.BytesIO(written()), IDENTITY, Reader().accept, fail)
    with pytest.raises(OSError, match="No such device"):
        read_parcel(Pulled(written()), IDENTITY, Reader().accept, Reader().take)
