"""What stands near the beginning of a data set is found, whatever follows it."""

from pathlib import Path

import pytest

from leapfrog.dicom.first_values import frame_count_of
from support.raw_peer import data_set, element

META = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
FRAMES = element(0x00280008, b"IS", b"300 ")


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (META + FRAMES, 300),
        (FRAMES, 300),  # without preamble and meta information
        (META + element(0x00280008, b"IS", b"many"), 1),
        (META + element(0x00280008, b"IS", b"0 "), 1),
        (META + data_set("1.2.3"), 1),
        (META + FRAMES[:-2], 1),
        (b"no DICOM", 1),
        (b"", 1),
    ],
)
def test_a_file_is_asked_how_many_frames_it_has(tmp_path: Path, content: bytes, count: int) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    assert frame_count_of(path, len(content)) == count


def test_what_follows_the_content_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(META + FRAMES)
    assert frame_count_of(path, len(META)) == 1
