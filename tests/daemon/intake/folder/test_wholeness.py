"""What a file's end proves, and how long it must rest for the rest."""

import math
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from leapfrog.dicom.part10 import PREAMBLE_BYTES, PREFIX
from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN
from leapfrog.intake.folder import picture_structure
from leapfrog.intake.folder.file_kind import FileKind
from leapfrog.intake.folder.holders import Holders
from leapfrog.intake.folder.wholeness import End, Rests, end_of
from support.picture_files import png, tiff
from support.unfinished_copies import CONTENTS, NOISE, meta, native

RESTS = Rests.after(2.0)


def end(path: Path, content: bytes, name: str) -> End:
    path.write_bytes(content)
    with path.open("rb") as stream:
        return end_of(stream, FileKind.DICOM if name.endswith("dcm") else FileKind.PICTURE)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_whole_file_is_whole_and_no_beginning_of_it_is(tmp_path: Path, name: str) -> None:
    content = CONTENTS[name]()
    assert end(tmp_path / "a", content, name) is End.WHOLE
    for part in (10, 3, 2):
        assert end(tmp_path / "a", content[: len(content) // part], name) is End.UNFINISHED, f"1/{part}"


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("tenths", range(10))
def test_no_file_with_reserved_zeros_is_proven_to_be_whole(tmp_path: Path, name: str, tenths: int) -> None:
    content = CONTENTS[name]()
    there = len(content) * tenths // 10
    assert end(tmp_path / "a", content[:there].ljust(len(content), b"\0"), name) is not End.WHOLE


@pytest.mark.parametrize("name", ["encapsulated.dcm", "deflated.dcm", "picture.png", "picture.jpg"])
def test_where_pixels_are_compressed_zeros_in_the_middle_are_not_proven_either(tmp_path: Path, name: str) -> None:
    content = CONTENTS[name]()
    third = len(content) // 3
    assert end(tmp_path / "a", content[:third] + bytes(third) + content[2 * third :], name) is not End.WHOLE


def test_a_hole_is_not_proven_wherever_it_is(tmp_path: Path) -> None:
    film = native(NOISE)
    with (tmp_path / "a").open("wb") as stream:
        stream.write(film[:65536])
        stream.seek(131072)
        stream.write(film[131072:])
    with (tmp_path / "a").open("rb") as stream:
        assert end_of(stream, FileKind.DICOM) is End.ZEROS


def test_what_ends_in_a_few_zeros_as_many_films_do_is_whole(tmp_path: Path) -> None:
    assert end(tmp_path / "a", native(NOISE + bytes(6)), "a.dcm") is End.WHOLE
    assert end(tmp_path / "a", native(NOISE + bytes(8)), "a.dcm") is End.ZEROS


def test_a_picture_s_own_end_is_proof_though_zeros_are_in_it(tmp_path: Path) -> None:
    assert end(tmp_path / "a", tiff(bytes(5000) + NOISE, big=True), "a.tif") is End.WHOLE
    assert end(tmp_path / "a", png(bytes(20_000)), "a.png") is End.WHOLE


def test_a_dicom_file_that_ends_before_its_data_set_is_not_whole(tmp_path: Path) -> None:
    content = native(NOISE)
    for there in range(PREAMBLE_BYTES + len(PREFIX) + 8, len(meta(EXPLICIT_LITTLE_ENDIAN))):
        assert end(tmp_path / "a", content[:there], "a.dcm") is End.UNFINISHED, there


def jpeg(**options: object) -> bytes:
    written = BytesIO()
    Image.linear_gradient("L").save(written, "JPEG", **options)
    return written.getvalue()


def test_the_end_of_a_small_picture_in_the_head_is_not_that_of_the_picture(tmp_path: Path) -> None:
    small = jpeg(quality=20)
    head = b"Exif\0\0" + small
    content = jpeg(exif=head)
    behind = content.index(small) + len(small)
    assert end(tmp_path / "a", content, "a.jpg") is End.WHOLE
    for there in (behind, behind + 1, behind + 100, len(content) - 2):
        assert end(tmp_path / "a", content[:there], "a.jpg") is End.UNFINISHED


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_a_jpeg_is_whole_with_its_own_end_and_whatever_is_appended(tmp_path: Path, options: dict[str, object]) -> None:
    content = jpeg(**options)
    assert end(tmp_path / "a", content[:-2], "a.jpg") is End.UNFINISHED
    for appended in (b"", b"\0" * 7 + b"x", b"x" * 100_000):
        assert end(tmp_path / "a", content + appended, "a.jpg") is End.WHOLE
    odd = content.replace(b"\xff\xdb", b"??\xff\xff\xff\xdb", 1)  # some letters, and fill bytes before a marker
    assert end(tmp_path / "a", odd, "a.jpg") is End.WHOLE


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7])
def test_a_marker_is_found_wherever_the_file_is_cut_for_reading(
    tmp_path: Path, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_structure, "CHUNK_BYTES", chunk_bytes)
    assert end(tmp_path / "a", jpeg(), "a.jpg") is End.WHOLE


def test_a_tiff_whose_lengths_are_written_in_another_way_is_not_whole_before_its_pixels(tmp_path: Path) -> None:
    content = tiff(bytes(range(1, 201)), directory_last=False)
    for kind in (4, 9, 13):
        odd = content.replace(struct.pack("<HHI", 279, 4, 1), struct.pack("<HHI", 279, kind, 1))
        assert end(tmp_path / "a", odd, "a.tif") is End.WHOLE
        assert end(tmp_path / "a", odd[:-50], "a.tif") is End.UNFINISHED
    without = content.replace(struct.pack("<HHI", 279, 4, 1), struct.pack("<HHI", 40279, 4, 1))
    assert end(tmp_path / "a", without, "a.tif") is End.UNFINISHED  # nothing says where the pixels end


def test_a_bomb_is_not_unpacked_for_ever(tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    head = CONTENTS["deflated.dcm"]()
    content = head[: head.index(b"1.2.840.10008.1.2.1.99") + 22] + bomb
    assert end(tmp_path / "a", content, "a.dcm") is not End.UNFINISHED


@pytest.mark.parametrize(
    ("how", "holders", "seconds"),
    [
        (End.WHOLE, Holders.NOBODY, 2),
        (End.WHOLE, Holders.UNSEEN, 2),
        (End.ZEROS, Holders.NOBODY, 60),
        (End.ZEROS, Holders.UNSEEN, 300),
        (End.UNFINISHED, Holders.NOBODY, 60),
        (End.UNFINISHED, Holders.UNSEEN, 300),
        (End.WHOLE, Holders.SOMEBODY, math.inf),
    ],
)
def test_how_long_a_file_rests(how: End, holders: Holders, seconds: float) -> None:
    assert RESTS.needed(how, holders) == seconds


def test_a_tiff_whose_directory_lies_beyond_all_files_is_not_whole(tmp_path: Path) -> None:
    head = b"II+\0" + struct.pack("<HHQ", 8, 0, 1 << 63)
    assert end(tmp_path / "a", head + bytes(16), "a.tif") is not End.WHOLE
