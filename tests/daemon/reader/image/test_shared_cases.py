"""The cases beside the checkout, made after bug reports of other programs: each is shown as its README calls right."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leapfrog.exam import PictureHints
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.identity import identity_of
from leapfrog.reader.image.image import DecodedImage, open_image
from leapfrog.reader.image.readable_frames import ReadableFrames

# The picture of each file, and how far a pixel may be from the right one: dcm2pnm rounds down, decoders of lossy JPEG
# differ, and a picture without a usable window is stretched to its own range of values.
RIGHT = {
    "ge-private-syntax/input.dcm": ("right-dcmtk.png", 1),
    "ybr422-label-full-data/input.dcm": ("right.png", 3),
    "xa-modality-lut/constructed-rf.dcm": ("right-constructed.png", 1),
    "overlay-bits-in-j2k-and-jls/j2k.dcm": ("right.png", 0),
    "overlay-bits-in-j2k-and-jls/native-is-right.dcm": ("right.png", 0),
    "j2k-signed-stream/constructed.dcm": ("right-constructed.png", 0),
    "group2-twice/constructed.dcm": ("right-constructed.png", 0),
    "jpeg-extended-12-bit/constructed-CR.dcm": ("right-constructed.png", 1),
    "jpeg-component-ids-RGB/input.dcm": ("right-dcmtk.png", 1),
    "no-end-marker/jpeg.dcm": ("right.png", 9),
    "overlay-side-marker/input.dcm": ("right.png", 0),
    "window-of-another-depth/12bit-with-16bit-window.dcm": ("right-like.png", 20),
    "window-of-another-depth/8bit-with-12bit-window.dcm": ("right-like.png", 0),
    "window-in-functional-group/input.dcm": ("right.png", 0),
    "photometric-misspelt/monochrome_2.dcm": ("right-dcmtk-monochrome.png", 1),
}


@pytest.fixture
def cases(shared_data: Path) -> Path:
    return shared_data / "cases"


def opened(path: Path) -> DecodedImage:
    return open_image(open_dicom_file(path))


@pytest.mark.parametrize("name", RIGHT)
def test_each_picture_is_the_right_one(name: str, cases: Path) -> None:
    right, tolerance = RIGHT[name]
    ours = opened(cases / name).frame(0).picture().astype(int)
    theirs = np.asarray(Image.open((cases / name).with_name(right))).astype(int)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance


def test_the_side_marker_is_not_what_a_model_sees(cases: Path) -> None:
    frame = opened(cases / "overlay-side-marker/input.dcm").frame(0)
    assert not np.array_equal(frame.gray(), frame.picture())


def test_what_is_said_beside_a_picture_that_was_not_quite_whole(cases: Path) -> None:
    frame = opened(cases / "no-end-marker/jpeg.dcm").frame(0)
    assert [note.split(",")[0] for note in frame.notes] == ["The picture's end marker is missing"]


@pytest.mark.parametrize(("name", "bad"), [("last-frame-zeros", 8), ("one-frame-cut", 3)])
def test_seven_good_frames_of_eight_are_read(name: str, bad: int, cases: Path) -> None:
    image = opened(cases / f"one-bad-frame/{name}.dcm")
    frames = ReadableFrames(image)
    numbers = [index + 1 for index, _ in frames.spread(8)]
    assert numbers == [number for number in range(1, 9) if number != bad]
    assert frames.note.startswith(f"Frame {bad} cannot be read and was left out.")
    right = np.asarray(Image.open(cases / "one-bad-frame/right-any-good-frame.png")).astype(int)
    nearest = min(np.abs(frame.picture().astype(int) - right).mean() for _, frame in ReadableFrames(image).spread(8))
    assert nearest < 2


def test_a_placeholder_and_an_impossible_scale_are_none_and_say_so(cases: Path) -> None:
    placeholder = opened(cases / "spacing-1-1/input.dcm")
    assert placeholder.spacing_mm is None
    assert "exactly 1 mm" in placeholder.areas[0].scale.reason
    impossible = opened(cases / "impossible-length/input.dcm")
    assert impossible.spacing_mm is None
    assert "cannot be right" in impossible.areas[0].scale.reason


def test_both_pictures_of_a_dual_picture_are_looked_at(cases: Path) -> None:
    image = opened(cases / "dual-picture/input.dcm")
    assert sorted(area.box for area in image.areas) == [(0, 0, 400, 270), (440, 0, 840, 270)]


@pytest.mark.parametrize(
    ("name", "patient", "note"),
    [
        ("joiners-in-names/persian_zwnj.dcm", "علی\u200cرضا^نیک\u200cپور", ""),  # noqa: RUF001
        ("joiners-in-names/malayalam_zwj.dcm", "കൃഷ്ണന്\u200d^രാജന്\u200d", ""),
        ("utf8-undeclared/undeclared.dcm", "Nguyễn^Thị Ánh", "UTF-8 was assumed"),
    ],
)
def test_names_are_read_letter_by_letter(name: str, patient: str, note: str, cases: Path) -> None:
    file = open_dicom_file(cases / name)
    assert identity_of(file.dataset, PictureHints()).patient_name == patient
    assert note in file.note
    assert bool(file.note) == bool(note)
