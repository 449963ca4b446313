"""A spool file says what it is, and nobody who reads its content notices that."""

import hashlib
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from leapfrog.dicom.part10 import content_digest, part10_source
from leapfrog.errors import StorageError, UnreadableImage
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import open_image
from leapfrog.reader.originals.picture_file import read_picture_file
from leapfrog.spool_file.content import open_content
from leapfrog.spool_file.record import FOOTER, MAGIC, content_holds, read_record
from leapfrog.state.arrivals import ArrivalNumbers, instance_of, record_of
from leapfrog.state.records import FolderFile, NewInstance
from leapfrog.state.spool import Spool
from support.instances import gradient, image_dataset, save
from support.journal_rows import new_instance
from support.spooled import put_in_spool

PICTURE = PictureIdentity(study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.3")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 0)


def everything_known() -> NewInstance:
    return new_instance(
        arrival=7,
        received_at="2026-11-28T10:00:00+01:00",
        forward_as="2.25.9",
        picture=PICTURE,
        hints=PictureHints(modality="US", pixel_spacing_mm=0.5),
        folder_file=FolderFile(path="/inbox/é.png", byte_count=1, modified_ns=2, inode=3),
    )


def test_an_instance_can_be_made_again_from_its_file_alone(spool: Spool) -> None:
    new = put_in_spool(spool, b"pixels", everything_known())
    path = spool.path(new.spool_name)
    record = read_record(path)
    assert record is not None
    assert record.record == "arrival"
    assert content_holds(path, record)
    assert new.folder_file is not None
    file = replace(new.folder_file, file_digest=new.file_digest)
    made_again = instance_of(record, new.spool_name, owed_to=("district",))
    assert made_again == replace(new, owed_to=(), maybe_sent=True, folder_file=file)


def test_the_record_of_a_file_that_an_older_leapfrog_wrote_still_tells_what_it_is(spool: Spool) -> None:
    new = put_in_spool(spool, b"pixels", everything_known())
    path = spool.path(new.spool_name)
    record = read_record(path)
    assert record is not None
    values = json.loads(record.model_dump_json())
    del values["digest"]
    text = json.dumps(values | {"sha256": hashlib.sha256(b"pixels").hexdigest()}).encode()
    path.write_bytes(b"pixels" + text + FOOTER.pack(len(text), hashlib.sha256(text).digest(), MAGIC))
    older = read_record(path)
    assert older is not None and older.digest != record.digest
    assert content_holds(path, older)
    path.write_bytes(path.read_bytes().replace(b"pixels", b"pixelz", 1))
    assert not content_holds(path, older)


def test_a_record_holds_only_whole_and_right_behind_its_content(spool: Spool) -> None:
    new = put_in_spool(spool, b"pixels", everything_known())
    path = spool.path(new.spool_name)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        assert read_record(path) is None
    for position in range(len(b"pixels"), len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        assert read_record(path) is None
    for stray in (whole + b"\0", b"x" + whole, bytes(len(whole)), b""):
        path.write_bytes(stray)
        assert read_record(path) is None


def test_content_that_changed_does_not_hold(spool: Spool) -> None:
    new = put_in_spool(spool, b"pixels", new_instance())
    path = spool.path(new.spool_name)
    path.write_bytes(b"pixelz" + path.read_bytes()[6:])
    record = read_record(path)
    assert record is not None
    assert not content_holds(path, record)


def test_a_record_can_be_replaced(spool: Spool) -> None:
    new = put_in_spool(spool, b"pixels", new_instance())
    other = replace(new, forward_as="2.25." + "7" * 30)
    for wanted in (other, new):
        spool.rewrite_record(new.spool_name, record_of(wanted))
        assert read_record(spool.path(new.spool_name)) == record_of(wanted)


def test_the_length_of_a_footer_that_lies_is_refused(spool: Spool) -> None:
    path = spool.path("a.dcm")
    path.write_bytes(b"x" * 100 + FOOTER.pack(0xFFFFFFFF, bytes(32), b"LEAPFRG1"))
    assert read_record(path) is None


def test_numbers_of_arrival_grow_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [2_000_000_000]
    monkeypatch.setattr("time.time_ns", lambda: now[0])
    numbers = ArrivalNumbers(5)
    first = numbers.next()
    now[0] = 0
    assert [first, numbers.next(), numbers.next()] == [2_000_000, 2_000_001, 2_000_002]
    assert ArrivalNumbers(first).next() == first + 1


# ---------------------------------------------------------------- whoever reads the content


def spooled_film(spool: Spool, tmp_path: Path, cut: int = 0) -> tuple[Path, int, Path]:
    """A film in the spool, its content's length, and the same film alone; both lack the last `cut` bytes."""
    film = save(image_dataset(gradient()), tmp_path / "film.dcm")
    content = film.read_bytes()
    content = content[: len(content) - cut]
    film.write_bytes(content)
    new = put_in_spool(spool, content, new_instance())
    return spool.path(new.spool_name), len(content), film


def test_a_film_is_read_digested_and_sent_as_it_was_received(spool: Spool, tmp_path: Path) -> None:
    path, byte_count, film = spooled_film(spool, tmp_path)
    assert content_digest(path, byte_count) == content_digest(film)
    assert open_dicom_file(path, byte_count).damage == ""
    source = part10_source(path, "1.2", "1.2.3", byte_count)
    assert source.head + path.read_bytes()[source.offset :][: source.file_bytes] == film.read_bytes()


def shown(path: Path, byte_count: int | None = None) -> bytes | str:
    """The pixels that staff see, or why there are none."""
    try:
        return open_image(open_dicom_file(path, byte_count)).frame(0).gray().tobytes()
    except UnreadableImage as problem:
        return str(problem)


@pytest.mark.parametrize("cut", [0, 1, 2, 100, 3000, 200_000])
def test_a_film_that_ends_early_is_not_made_longer_by_its_record(spool: Spool, tmp_path: Path, cut: int) -> None:
    film = save(image_dataset(gradient()), tmp_path / "whole.dcm")
    path, byte_count, alone = spooled_film(spool, tmp_path, min(cut, film.stat().st_size - 400))
    assert shown(path, byte_count) == shown(alone)
    assert cut < 3000 or isinstance(shown(path, byte_count), str)


def test_a_file_that_has_become_shorter_is_not_sent(spool: Spool, tmp_path: Path) -> None:
    path, byte_count, _ = spooled_film(spool, tmp_path)
    with path.open("r+b") as stream:
        stream.truncate(byte_count - 1)
    with pytest.raises(StorageError, match="shorter"):
        part10_source(path, "1.2", "1.2.3", byte_count)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_picture_that_ends_early_is_not_made_longer_by_its_record(spool: Spool, tmp_path: Path, kind: str) -> None:
    picture = tmp_path / "picture"
    noise = Image.effect_noise((200, 200), 50)
    noise.save(picture, kind, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
    content = picture.read_bytes()
    new = put_in_spool(spool, content, new_instance())
    assert read_picture_file(spool.path(new.spool_name), new.byte_count).pages[0].shape == (200, 200)
    half = put_in_spool(spool, content[: len(content) // 2], new_instance())
    with pytest.raises(UnreadableImage):
        read_picture_file(spool.path(half.spool_name), half.byte_count)


def test_content_is_read_like_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(range(200)) + b"record")
    with open_content(tmp_path / "file", 200) as stream:
        assert stream.seek(0, io.SEEK_END) == 200
        assert stream.read(1) == b""
        assert stream.seek(-3, io.SEEK_END) == 197
        assert stream.read(10) == bytes((197, 198, 199))
        assert stream.seek(500) == 500
        assert stream.read() == b""
        stream.seek(0)
        copied = io.BytesIO()
        shutil.copyfileobj(stream, copied, 7)
        assert copied.getvalue() == bytes(range(200))
        stream.seek(0)
        assert len(stream.read()) == 200
