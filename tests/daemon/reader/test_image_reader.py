"""One instance from its bytes to its result, with a real model in this process."""

import errno
import shutil
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit, JPEGLSLossless

from leapfrog.errors import EngineError, PackageError
from leapfrog.exam import (
    Code,
    Finding,
    ImageReading,
    Measurement,
    Outcome,
    PictureHints,
    PictureIdentity,
    Quality,
)
from leapfrog.packages.catalogue import Catalogue, find_packages
from leapfrog.packages.package import ANY_SIGNATURE
from leapfrog.processes.messages import OtherInstance, ReadJob, ReadResult, Stage
from leapfrog.reader.assess.assessment import Assessment, reported_area, reported_frame
from leapfrog.reader.image_reader import ImageReader
from leapfrog.reader.report.overlay import save_plain
from leapfrog.spool_file.digest import digest_of
from support.films import bright_film, head_frame, nerve_frame, write_cine, write_film
from support.instances import items, save
from support.models_here import ModelsHere
from support.spooled import without_record
from support.tiny_checks import write_brightness_check
from support.tiny_models import (
    CLASSIFIER,
    VIEW_TELLER,
    classifier_content,
    write_classifier,
    write_nerve_and_vessel,
    write_package,
    write_segmenter,
)


class Bench:
    """A reader on a bench: packages, folders, and what it announced."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.models = ModelsHere()
        self.stages: list[Stage] = []
        packages = directory / "packages"
        write_classifier(packages)
        write_segmenter(packages)
        write_nerve_and_vessel(packages)
        self.catalogue: Catalogue = find_packages((packages,), ANY_SIGNATURE)
        for name in ("report", "work"):
            (directory / name).mkdir()

    def read(
        self, path: Path, sweep_seconds: float = 60.0, sweep_until_seconds: float = 240.0, **changes: Any
    ) -> ReadResult:
        job = ReadJob(
            instance_id="abc",
            study_key="study",
            attempt=1,
            source_path=path,
            source_byte_count=(path).stat().st_size,
            source="test",
            received_at="2026-11-05T10:00:00+00:00",
            unknown_age="adult",
            assumed_character_set="",
            report_dir=self.directory / "report",
            work_dir=self.directory / "work",
        ).model_copy(update=changes)
        reader = ImageReader(self.catalogue, self.models, 4, sweep_seconds, sweep_until_seconds)
        return reader.read(job, self.stages.append)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_film_is_read_drawn_and_reported_with_its_model(bench: Bench, tmp_path: Path) -> None:
    result = bench.read(write_film(tmp_path / "film.dcm"))
    reading = result.reading
    assert result.state == "read"
    assert reading.outcome == "findings"
    assert [(finding.name, finding.flagged) for finding in reading.findings] == [("Bright", True), ("Dark", False)]
    assert reading.findings[0].region is not None
    assert reading.findings[0].region.right < 0.7
    assert reading.model is not None
    assert (reading.model.name, reading.model.version, reading.model.device) == ("tiny-chest", "1.2.3", "cpu")
    assert reading.identity.patient_name == "Zwiebel^Zoe"
    assert (reading.header.rows, reading.header.columns) == (400, 300)
    assert len(result.dataset_sha256) == 64
    assert set(reading.milliseconds) == {"decoding", "inferring", "rendering", "total"}
    for name in (reading.plain, reading.overlay):
        assert name is not None
        assert "abc-1" in name
        assert Image.open(tmp_path / "report" / name).size[0] > 0
    assert bench.stages[0] == "decoding"
    assert bench.stages[-1] == "rendering"
    assert "inferring" in bench.stages


def test_the_sop_instance_uid_comes_from_the_job_or_else_from_the_file(bench: Bench, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.dcm", SOPInstanceUID="1.2.3.4")
    assert bench.read(film).reading.sop_instance_uid == "1.2.3.4"
    assert bench.read(film, sop_instance_uid="2.25.1").reading.sop_instance_uid == "2.25.1"


def test_a_cine_is_reported_by_the_plane_in_which_the_head_is_largest(bench: Bench, tmp_path: Path) -> None:
    sizes = (56, 60, 64, 68, 71, 73, 74, 73, 71, 68, 64, 60, 56, 52)
    cine = write_cine(tmp_path / "cine.dcm", [head_frame(size, size * 0.8) for size in sizes])
    reading = bench.read(cine).reading
    assert bench.models.count == reading.frames_read == len(sizes)
    assert reading.header.frames == len(sizes)
    assert reading.outcome == "findings"
    measurement = reading.findings[0].measurement
    assert measurement is not None
    assert reading.frame in (6, 7, 8)
    assert measurement.value == pytest.approx(0.5 * 73 * 5.67, rel=0.03)
    assert f"Frame {reading.frame} of 14; in the 5 frames around it that agree" in reading.findings[0].note
    assert reading.overlay is not None


def sweep_through_a_head(directory: Path) -> Path:
    return write_cine(directory / "cine.dcm", [head_frame(70, 56)] * 12)


def test_a_slow_box_still_has_time_for_the_frames_beside_a_head(bench: Bench, tmp_path: Path) -> None:
    bench.models.delays = [0.5] * 4  # of the evenly spaced frames
    reading = bench.read(sweep_through_a_head(tmp_path), sweep_seconds=1.5).reading
    assert reading.outcome == "findings"


@pytest.mark.parametrize(("sweep_seconds", "until", "read"), [(0.0, 60.0, 4), (60.0, 0.0, 1)])
def test_where_time_ran_out_before_the_frames_beside_it_nothing_is_said_about_them(
    bench: Bench, tmp_path: Path, sweep_seconds: float, until: float, read: int
) -> None:
    cine = sweep_through_a_head(tmp_path)
    reading = bench.read(cine, sweep_seconds=sweep_seconds, sweep_until_seconds=until).reading
    assert (reading.outcome, reading.frames_read, reading.findings) == ("not_assessed", read, ())
    assert f"In {read} of the {read} frames that were looked at something was outlined" in reading.reason
    assert "ran out before all frames beside them were looked at" in reading.reason


def test_what_looks_like_a_head_in_single_frames_is_none(bench: Bench, tmp_path: Path) -> None:
    empty = np.full((200, 300), 10, np.uint8)
    frames = [head_frame(70, 56) if index in (2, 7) else empty for index in range(12)]
    reading = bench.read(write_cine(tmp_path / "cine.dcm", frames)).reading
    assert reading.outcome == "not_assessed"
    assert reading.findings == ()
    assert "In 2 of 12 frames something was outlined, but not the same in the frames beside them" in reading.reason


def test_an_empty_cine_is_not_assessed_and_says_what_can_be(bench: Bench, tmp_path: Path) -> None:
    cine = write_cine(tmp_path / "cine.dcm", [np.full((200, 300), 10, np.uint8)] * 3)
    reading = bench.read(cine).reading
    assert reading.outcome == "not_assessed"
    assert "No fetal head was recognised" in reading.reason
    assert reading.findings == ()
    assert reading.plain is not None
    assert reading.model is not None, "it looked"
    assert reading.model.intended_use


def test_a_nerve_is_outlined_and_a_vessel_hatched_each_with_its_area(bench: Bench, tmp_path: Path) -> None:
    scan = write_cine(tmp_path / "scan.dcm", [nerve_frame()], BodyPartExamined="NERVE")
    reading = bench.read(scan).reading
    assert reading.outcome == "findings"
    nerve, vessel = reading.findings
    for found, name, pixels in ((nerve, "Nerve area", 40 * 60), (vessel, "Vessel area", 50 * 60)):
        assert found.contour is not None
        assert found.measurement is not None
        assert (found.measurement.name, found.measurement.unit) == (name, "mm2")
        assert found.measurement.value == pytest.approx(pixels * 0.5**2, rel=0.15)  # cells of 6 mm
    assert (nerve.drawn, vessel.drawn) == ("outline", "hatched")
    assert reading.model is not None
    assert reading.model.aid == "An aid for finding a nerve, no diagnosis. It must not guide a needle."
    assert reading.model.caution == "Of ten nerves it outlines, about three are none."
    assert not reading.urgent
    assert reading.overlay is not None


@pytest.mark.parametrize("vessel", [True, False])
def test_a_picture_without_a_nerve_was_assessed_and_a_vessel_changes_nothing(
    vessel: bool, bench: Bench, tmp_path: Path
) -> None:
    frame = nerve_frame(nerve=False, vessel=vessel)
    frame[0, 0] = 61  # not blank
    reading = bench.read(write_cine(tmp_path / "scan.dcm", [frame], BodyPartExamined="NERVE")).reading
    assert reading.outcome == "nothing_found"
    assert [finding.flagged for finding in reading.findings] == [False, vessel]
    assert reading.findings[0].note == "No nerve was recognised in the picture. It may still be there."
    assert reading.findings[1].note == ""
    assert reading.model is not None
    assert (reading.overlay is not None) is vessel


def test_of_a_loop_the_frame_is_shown_in_which_the_nerve_is_surest(bench: Bench, tmp_path: Path) -> None:
    frames = [nerve_frame(nerve=False), nerve_frame(), nerve_frame(nerve=False), nerve_frame(nerve=False)]
    frames[1][60:100, 60:120] = 250
    reading = bench.read(write_cine(tmp_path / "loop.dcm", frames, BodyPartExamined="NERVE")).reading
    assert (reading.outcome, reading.frame) == ("findings", 2)


# ---------------------------------------------------------------- an ultrasound that does not say what it shows


@pytest.fixture
def checked(tmp_path: Path) -> Bench:
    """A bench whose packages for heads and for nerves have checks: by the mean gray of a picture."""
    for name, lowest, highest in (("tiny-head", 0.3, 1.0), ("tiny-nerve", 0.2, 0.35)):
        (tmp_path / "packages" / name).mkdir(parents=True)
        write_brightness_check(tmp_path / "packages" / name / "quality.npz", (32, 48), lowest, highest)
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("gray", "package", "said"),
    [
        (60, "tiny-head", "It was read as fetus, because it looks like that."),
        (20, "tiny-nerve", "It was read as nerve, because it looks like that."),
        (45, None, "It looks like pictures of fetus and nerve alike. So no model was chosen."),
        (0, None, "It does not look like pictures of fetus or nerve. So no model was chosen."),
    ],
)
def test_the_only_check_that_accepts_a_silent_ultrasound_decides_and_never_two(
    gray: int, package: str | None, said: str, checked: Bench, tmp_path: Path
) -> None:
    frame = np.where(head_frame() > 100, 230, gray).astype(np.uint8)
    for attributes in ({"BodyPartExamined": None}, {"BodyPartExamined": "", "StudyDescription": "Fetal; interscalene"}):
        reading = checked.read(write_cine(tmp_path / "scan.dcm", [frame], **attributes)).reading
        assert said in reading.reason
        used = None if reading.model is None else reading.model.name
        if package is None:
            assert (reading.outcome, used) == ("not_assessed", None)
            assert reading.reason.endswith("Select the exam on the machine with the body part: FETUS or NERVE.")
        else:
            assert used == package


def test_of_a_silent_loop_every_frame_that_is_looked_at_must_be_accepted(checked: Bench, tmp_path: Path) -> None:
    frames = [nerve_frame(60), nerve_frame(60), nerve_frame(20)]
    reading = checked.read(write_cine(tmp_path / "loop.dcm", frames, BodyPartExamined=None)).reading
    assert (reading.outcome, checked.models.count) == ("not_assessed", 0)
    assert "does not look like pictures of fetus or nerve" in reading.reason


def test_a_picture_of_a_folder_without_a_body_part_is_decided_in_the_same_way(checked: Bench, tmp_path: Path) -> None:
    identity = PictureIdentity(study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.3")
    for gray, said in ((60, "It was read as nerve"), (20, 'Set body_part = "FETUS" or "NERVE" for its folder')):
        picture = tmp_path / f"{gray}.png"
        Image.fromarray(nerve_frame(gray)).save(picture)
        hints = PictureHints(modality="US", pixel_spacing_mm=0.5)
        reading = checked.read(picture, picture=identity, hints=hints, sop_instance_uid="2.25.3").reading
        assert said in reading.reason
        told = hints.model_copy(update={"body_part": "NERVE"})
        if gray == 60:
            set_there = checked.read(picture, picture=identity, hints=told, sop_instance_uid="2.25.3").reading
            assert (set_there.outcome, set_there.reason) == ("findings", "")


def test_what_no_model_covers_is_shown_plain_with_the_reason(bench: Bench, tmp_path: Path) -> None:
    result = bench.read(write_film(tmp_path / "hand.dcm", BodyPartExamined="HAND"))
    assert result.state == "read"
    assert result.reading.outcome == "not_assessed"
    assert "HAND" in result.reading.reason
    assert result.reading.plain is not None
    assert bench.models.count == 0


def test_a_package_that_the_engine_does_not_take_is_named_on_the_report(bench: Bench, tmp_path: Path) -> None:
    bench.models.failure = PackageError("The model tiny-chest cannot be run by this box's engine.")
    result = bench.read(write_film(tmp_path / "film.dcm"))
    assert result.state == "read"
    assert result.reading.outcome == "not_assessed"
    assert "cannot be run" in result.reading.reason


def test_an_engine_that_fails_is_not_blamed_on_the_image(bench: Bench, tmp_path: Path) -> None:
    bench.models.failure = EngineError("gone")
    with pytest.raises(EngineError):
        bench.read(write_film(tmp_path / "film.dcm"))


def test_a_truncated_film_is_set_aside_with_whose_it_is(bench: Bench, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.dcm")
    film.write_bytes(film.read_bytes()[:-5000])
    result = bench.read(film)
    assert result.state == "set_aside"
    assert result.reading.outcome == "not_assessed"
    assert "the picture ends early" in result.reading.reason
    assert result.reading.identity.patient_name == "Zwiebel^Zoe"
    assert result.reading.plain is None
    assert len(result.dataset_sha256) == 64


def test_what_is_not_dicom_is_set_aside(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "letter.dcm"
    path.write_bytes(b"Dear Sir or Madam, " * 100)
    result = bench.read(path)
    assert result.state == "set_aside"
    assert result.reading.reason.endswith(".")


def test_a_report_object_is_passed_on_unread(bench: Bench, shared_data: Path) -> None:
    result = bench.read(shared_data / "dicom" / "pydicom_MIT" / "reportsi.dcm")
    assert result.state == "forward_only"
    assert "passed on" in result.reading.reason


def test_a_picture_is_wrapped_once_and_read_with_its_folders_hints(bench: Bench, tmp_path: Path) -> None:
    picture = tmp_path / "upload.png"
    Image.fromarray(head_frame()).save(picture)
    identity = PictureIdentity(
        patient_id="P1", study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.3"
    )
    hints = PictureHints(modality="US", body_part="FETUS", pixel_spacing_mm=0.5)
    result = bench.read(picture, picture=identity, hints=hints, sop_instance_uid="2.25.3")
    assert [(made.name, made.role, made.sop_instance_uid) for made in result.produced] == [
        ("wrapped.dcm", "wrapped", "2.25.3")
    ]
    assert without_record(tmp_path / "work" / "wrapped.dcm").stat().st_size == result.produced[0].byte_count
    assert result.reading.outcome == "findings"
    assert result.reading.findings[0].measurement is not None
    assert result.reading.identity.patient_id == "P1"


def test_a_picture_without_hints_names_the_remedy(bench: Bench, tmp_path: Path) -> None:
    picture = tmp_path / "upload.png"
    Image.fromarray(head_frame()).save(picture)
    identity = PictureIdentity(study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.3")
    reading = bench.read(picture, picture=identity).reading
    assert reading.outcome == "not_assessed"
    assert "[[folder.watch]]" in reading.reason


def test_the_same_film_in_another_transfer_syntax_is_recognised_and_not_assessed_again(
    bench: Bench, tmp_path: Path
) -> None:
    film = write_film(tmp_path / "film.dcm")
    dataset = pydicom.dcmread(film)
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    dataset.save_as(tmp_path / "again.dcm")
    others = (
        OtherInstance(instance_id="gone", path=tmp_path / "gone.dcm", byte_count=9),
        OtherInstance(instance_id="first", path=film, byte_count=film.stat().st_size),
    )
    result = bench.read(tmp_path / "again.dcm", same_uid=others, comparing_seconds=60.0)
    assert (result.state, result.same_as) == ("read", "first")
    assert "inferring" not in bench.stages


def test_another_film_under_the_same_uid_is_read_as_any_other(bench: Bench, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.dcm")
    dataset = pydicom.dcmread(film)
    pixels = dataset.pixel_array.copy()
    pixels[0, 0] += 1
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(tmp_path / "other.dcm")
    others = (OtherInstance(instance_id="first", path=film, byte_count=film.stat().st_size),)
    result = bench.read(tmp_path / "other.dcm", same_uid=others, comparing_seconds=60.0)
    assert (result.state, result.same_as) == ("read", None)
    assert result.reading.outcome == "findings"


def test_a_second_attempt_keeps_the_pictures_of_the_first(bench: Bench, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.dcm")
    first, second = bench.read(film), bench.read(film, attempt=2)
    assert first.reading.plain != second.reading.plain
    assert len(list((tmp_path / "report").glob("plain-*"))) == 2


def test_the_head_in_the_second_of_two_pictures_is_measured_by_that_ones_scale(bench: Bench, tmp_path: Path) -> None:
    empty, head = np.full((200, 300), 10, np.uint8), head_frame()
    regions = [us_region((0, 0, 299, 199), 0.02), us_region((310, 0, 609, 199), 0.05)]
    gap = np.zeros((200, 10), np.uint8)
    for pictures, expected in (([empty, gap, head], 0.5), ([head, gap, empty], 0.2)):
        dual = write_cine(
            tmp_path / "dual.dcm", [np.hstack(pictures)], PixelSpacing=None, SequenceOfUltrasoundRegions=regions
        )
        reading = bench.read(dual).reading
        assert reading.outcome == "findings"
        measurement = reading.findings[0].measurement
        assert measurement is not None
        assert measurement.value == pytest.approx(expected * 394, rel=0.03)
        assert reading.findings[0].contour is not None
        middle = np.mean([x for x, _ in reading.findings[0].contour[0]])
        assert middle == pytest.approx((460 if expected == 0.5 else 150) / 610, abs=0.02)


@pytest.mark.parametrize(
    ("stated", "agrees"), [([0.2, 0.2], True), ([0.5, 0.5], True), ([1.0, 1.0], True), ([0.35, 0.35], False)]
)
def test_a_scale_that_contradicts_all_regions_is_named_and_nothing_measured(
    stated: list[float], agrees: bool, bench: Bench, tmp_path: Path
) -> None:
    regions = [us_region((0, 0, 299, 199), 0.02), us_region((310, 0, 609, 199), 0.05)]
    picture = np.hstack([head_frame(), np.zeros((200, 10), np.uint8), np.full((200, 300), 10, np.uint8)])
    path = write_cine(tmp_path / "a.dcm", [picture], PixelSpacing=stated, SequenceOfUltrasoundRegions=regions)
    reading = bench.read(path).reading
    assert (reading.findings[0].measurement is not None) == agrees
    assert ("two scales that do not agree" in reading.reason) == (not agrees)


def us_region(box: tuple[int, int, int, int], delta: float) -> Dataset:
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = box
    item.RegionSpatialFormat = item.RegionDataType = 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX = item.PhysicalDeltaY = delta
    return item


@pytest.mark.parametrize(
    ("spacing", "reason"),
    [
        ([1.0, 1.0], "exactly 1 mm"),
        ([2.5, 2.5], "scale cannot be right"),
        ([1.5, 1.5], "the head circumference would be 57"),
        ([0.02, 0.02], "the head circumference would be 7.7 mm, which cannot be"),
        (None, "does not say how large its pixels are"),
    ],
    ids=["placeholder", "impossible picture", "impossible head", "impossibly small head", "none"],
)
def test_without_a_scale_that_can_be_right_the_head_is_outlined_and_the_reason_given(
    spacing: list[float] | None, reason: str, bench: Bench, tmp_path: Path
) -> None:
    reading = bench.read(write_cine(tmp_path / "a.dcm", [head_frame()], PixelSpacing=spacing)).reading
    assert reading.outcome == "findings"
    assert reading.findings[0].contour is not None
    assert reading.findings[0].measurement is None
    assert reading.findings[0].note == ""
    assert reason in reading.reason


def test_the_readable_frames_of_a_loop_are_read_and_the_others_named(bench: Bench, tmp_path: Path) -> None:
    frames = [jpeg_of(head_frame(size, size * 0.8)) for size in (60, 62, 64, 66)]
    frames[2] = b"\0" * 200
    path = compressed_cine(tmp_path / "cine.dcm", frames)
    reading = bench.read(path).reading
    assert reading.outcome == "findings"
    assert reading.findings[0].measurement is not None
    assert "Frame 3 cannot be read and was left out." in reading.reason
    assert reading.frame != 3


def test_a_loop_whose_chosen_frames_are_all_damaged_is_read_by_another(bench: Bench, tmp_path: Path) -> None:
    frames = [b"\0" * 200] * 8
    frames[3] = jpeg_of(head_frame())  # not one of the four that are chosen
    reading = bench.read(compressed_cine(tmp_path / "cine.dcm", frames)).reading
    assert reading.frame == 4
    assert reading.outcome == "findings"
    assert "cannot be read and were left out" in reading.reason


def test_a_loop_without_a_readable_frame_is_set_aside(bench: Bench, tmp_path: Path) -> None:
    result = bench.read(compressed_cine(tmp_path / "cine.dcm", [b"\0" * 200] * 8))
    assert result.state == "set_aside"
    assert "could not be decoded" in result.reading.reason


def test_an_unread_loop_is_shown_by_its_middle_readable_frame(bench: Bench, tmp_path: Path) -> None:
    frames = [jpeg_of(head_frame())] * 5
    frames[2] = b"\0" * 200
    reading = bench.read(compressed_cine(tmp_path / "cine.dcm", frames, Modality="OT")).reading
    assert (reading.outcome, reading.frame) == ("not_assessed", 2)
    assert reading.plain is not None
    assert "Frame 3 cannot be read" in reading.reason


def jpeg_of(frame: NDArray[np.uint8]) -> bytes:
    content = BytesIO()
    Image.fromarray(frame).save(content, "JPEG", quality=95)
    return content.getvalue()


def compressed_cine(path: Path, frames: list[bytes], **attributes: Any) -> Path:
    native = pydicom.dcmread(write_cine(path, [head_frame()] * len(frames), **attributes))
    native.PixelData = items(*frames)
    native["PixelData"].VR = "OB"
    native["PixelData"].is_undefined_length = True
    return save(native, path, JPEGBaseline8Bit)


def test_an_overlay_is_drawn_on_the_picture_and_not_shown_to_the_model(bench: Bench, tmp_path: Path) -> None:
    plain = bench.read(write_film(tmp_path / "plain.dcm")).reading
    dataset = pydicom.dcmread(write_film(tmp_path / "marked.dcm"))
    mark = np.zeros((400, 300), np.bool_)
    mark[300:330, 200:220] = True
    for element, vr, value in (
        (0x10, "US", 400),
        (0x11, "US", 300),
        (0x50, "SS", [1, 1]),
        (0x100, "US", 1),
        (0x102, "US", 0),
        (0x3000, "OW", np.packbits(mark.reshape(-1), bitorder="little").tobytes()),
    ):
        dataset.add_new(0x60000000 | element, vr, value)
    dataset.save_as(tmp_path / "marked.dcm")
    marked = bench.read(tmp_path / "marked.dcm", instance_id="marked").reading
    assert [finding.score for finding in marked.findings] == [finding.score for finding in plain.findings]
    for name in (marked.plain, marked.overlay):
        assert name is not None
        with Image.open(tmp_path / "report" / name) as picture:
            shown = np.asarray(picture.convert("L").resize((300, 400)))
        assert shown[305:325, 205:215].min() > 235
        assert shown[305:325, 230:240].max() < 220


def test_the_report_says_that_a_character_set_was_assumed(bench: Bench, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.dcm", PatientName="Mueller^Joerg")
    film.write_bytes(film.read_bytes().replace(b"Mueller^Joerg ", "Müller^Jörg".encode() + b" "))
    reading = bench.read(film).reading
    assert reading.identity.patient_name == "Müller^Jörg"
    assert reading.outcome == "findings"
    assert "UTF-8 was assumed" in reading.reason


def assessed(outcome: Outcome, weight: float, *, measured: bool = False, acceptable: bool = True) -> Assessment:
    return Assessment(outcome, quality=Quality(acceptable=acceptable), weight=weight, measured=measured)


def test_the_reported_frame_has_the_strongest_finding() -> None:
    frames = [assessed("nothing_found", -0.1), assessed("findings", 0.1), assessed("findings", 0.3)]
    assert reported_frame(frames) == 2


def test_a_flagged_frame_comes_before_an_unflagged_and_an_unassessed_one() -> None:
    frames = [assessed("not_assessed", 9, acceptable=False), assessed("nothing_found", -0.01), assessed("findings", 0)]
    assert reported_frame(frames) == 2
    assert reported_frame(frames[:2]) == 1


def test_an_outline_that_was_measured_comes_before_a_larger_one_that_was_not() -> None:
    frames = [assessed("findings", 500), assessed("findings", 200, measured=True)]
    assert reported_frame(frames) == 1


def test_an_assessed_frame_without_a_head_comes_before_one_that_is_unlike() -> None:
    frames = [assessed("not_assessed", 0, acceptable=False), assessed("not_assessed", 0)]
    assert reported_frame(frames) == 1


def test_of_two_pictures_beside_each_other_a_measured_one_comes_first_then_the_larger() -> None:
    value = Measurement(name="Head circumference", value=80.0, unit="mm")
    one = Finding(
        name="Head", code=Code(value="1", scheme="99TEST", meaning="Head"), score=1, threshold=0.5, flagged=True
    )
    in_mm = replace(
        assessed("findings", 80.0, measured=True), findings=(one.model_copy(update={"measurement": value}),)
    )
    in_pixels = replace(assessed("findings", 900.0, measured=True), findings=(one,))
    assert reported_area([in_pixels, in_mm]) is in_mm
    nothing, refused = assessed("nothing_found", 0.3), assessed("not_assessed", 0.9, acceptable=False)
    assert reported_area([refused, nothing]) is nothing
    assert reported_area([nothing, in_pixels]) is in_pixels
    first, second = assessed("not_assessed", 0.0), assessed("not_assessed", 0.0)
    assert reported_area([first, second]) is first


@pytest.mark.parametrize("harm", ["changed", "cut"])
def test_bytes_that_are_not_those_that_were_stored_are_never_read(bench: Bench, harm: str) -> None:
    film = write_film(bench.directory / "film.dcm")
    content = film.read_bytes()
    whole: dict[str, Any] = {"source_byte_count": len(content), "source_digest": digest_of(BytesIO(content))}
    assert bench.read(film, **whole).state == "read"
    film.write_bytes(content[:-2] + b"xx" if harm == "changed" else content[: len(content) // 2])
    count = bench.models.count
    result = bench.read(film, **whole)
    assert (result.state, result.reading.outcome) == ("set_aside", "not_assessed")
    assert "missing or damaged" in result.reading.reason
    assert bench.models.count == count


@pytest.fixture
def adults(tmp_path: Path) -> Bench:
    """A reader whose chest package is for 15 years and over, and does not look for two things."""
    bench = Bench(tmp_path)
    for_adults = CLASSIFIER.replace("words.CHEST", "ages_years = { lowest = 15 }\nwords.CHEST").replace(
        "[applies_to]", 'not_covered = ["Rib fracture", "TB"]\ncaution = "Tests only."\n[applies_to]', 1
    )
    shutil.rmtree(tmp_path / "packages" / "tiny-chest")
    write_package(tmp_path / "packages" / "tiny-chest", for_adults, classifier_content())
    bench.catalogue = find_packages((tmp_path / "packages",), ANY_SIGNATURE)
    return bench


def test_a_child_is_not_read_by_a_model_for_adults(adults: Bench, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.dcm", PatientAge="007Y", PatientBirthDate="", StudyDate="20261103")
    result = adults.read(film)
    assert (result.state, result.reading.outcome, result.reading.model) == ("read", "not_assessed", None)
    assert (
        result.reading.reason
        == "tiny-chest 1.2.3 was made for people of 15 years and over. This patient is 7 years old."
    )
    assert adults.models.count == 0
    assert result.reading.plain is not None, "staff look at it themselves"
    assert result.reading.identity.patient_age == "007Y"


def test_a_patient_of_unknown_age_is_read_as_an_adult_and_marked_or_not_read(adults: Bench, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.dcm", PatientAge="007Y", PatientBirthDate="19000101", StudyDate="20261103")
    film.write_bytes(film.read_bytes().replace(b"007Y", b"7Y  "))
    read = adults.read(film).reading
    assert (read.outcome, read.age_not_given) == ("findings", True)
    assert read.model is not None and read.model.not_covered == ("Rib fracture", "TB")
    assert read.model.caution == "Tests only."
    left = adults.read(film, unknown_age="not_assessed").reading
    assert (left.outcome, left.age_not_given, left.findings) == ("not_assessed", False, ())
    assert "The age of this patient is not given" in left.reason


@pytest.mark.parametrize(("age_years", "outcome"), [(7, "not_assessed"), (40, "findings")])
def test_an_age_that_was_set_here_counts_where_the_image_gives_none(
    adults: Bench, tmp_path: Path, age_years: int, outcome: Outcome
) -> None:
    hints = PictureHints(age_years=age_years)
    silent = write_film(tmp_path / "film.dcm", PatientBirthDate="")
    reading = adults.read(silent, hints=hints, unknown_age="not_assessed").reading
    assert (reading.outcome, reading.age_not_given) == (outcome, False)
    assert reading.identity.age_set_here == age_years
    saying = write_film(tmp_path / "other.dcm", PatientAge="041Y", PatientBirthDate="")
    other = adults.read(saying, hints=hints).reading
    assert (other.outcome, other.identity.age_set_here) == ("findings", None)


def test_an_age_that_was_set_for_a_folder_is_not_written_into_what_is_sent(adults: Bench, tmp_path: Path) -> None:
    """It stands for all patients of a machine, and is nobody's."""
    picture = tmp_path / "upload.png"
    Image.fromarray(bright_film()).save(picture)
    identity = PictureIdentity(study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.3")
    hints = PictureHints(modality="CR", body_part="CHEST", view="PA", age_years=40)
    reading = adults.read(picture, picture=identity, hints=hints, unknown_age="not_assessed").reading
    assert (reading.outcome, reading.identity.age_set_here) == ("findings", 40)
    assert "PatientAge" not in pydicom.dcmread(without_record(tmp_path / "work" / "wrapped.dcm"))


def test_a_film_is_read_by_the_thresholds_of_the_view_that_the_model_sees_whatever_its_header_says(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    shutil.rmtree(tmp_path / "packages" / "tiny-chest")
    write_package(tmp_path / "packages" / "tiny-chest", VIEW_TELLER, classifier_content())
    bench.catalogue = find_packages((tmp_path / "packages",), ANY_SIGNATURE)
    bright = bench.read(write_film(tmp_path / "bright.dcm", ViewPosition="AP")).reading
    dark = bench.read(write_film(tmp_path / "dark.dcm", bright_film() // 3, ViewPosition="PA")).reading
    assert [(reading.view, reading.header.view) for reading in (bright, dark)] == [("PA", "AP"), ("AP", "PA")]
    assert [(reading.findings[0].threshold, reading.urgent) for reading in (bright, dark)] == [
        (0.6, True),
        (0.2, False),
    ]
    stored = ImageReading.model_validate_json(dark.model_dump_json())
    assert stored == dark
    lateral = bench.read(write_film(tmp_path / "lateral.dcm", ViewPosition="LL")).reading
    assert (lateral.outcome, lateral.view) == ("not_assessed", None)


def test_a_multi_valued_age_is_none(adults: Bench, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.dcm", PatientAge=["040Y", "007Y"], PatientBirthDate="")
    assert adults.read(film).reading.age_not_given


def test_a_reading_can_be_written_and_read_again(adults: Bench, tmp_path: Path) -> None:
    reading = adults.read(write_film(tmp_path / "film.dcm")).reading
    assert reading.urgent
    assert ImageReading.model_validate_json(reading.model_dump_json()) == reading


def test_nothing_is_drawn_any_more_when_a_reading_has_ended(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film's picture is made while the model runs; the next job must find an empty desk all the same."""

    def slowly(*arguments: Any, **values: Any) -> None:
        time.sleep(0.2)
        save_plain(*arguments, **values)

    monkeypatch.setattr("leapfrog.reader.reading_pictures.save_plain", slowly)
    film = write_film(tmp_path / "film.dcm")
    bench.models.failure = EngineError("for the test")
    with pytest.raises(EngineError):
        bench.read(film)
    made = list((tmp_path / "report").iterdir())
    time.sleep(0.3)
    assert list((tmp_path / "report").iterdir()) == made


def test_a_disk_that_fails_while_the_model_runs_fails_the_reading(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any, **_values: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("leapfrog.reader.reading_pictures.save_plain", full)
    with pytest.raises(OSError, match="No space left"):
        bench.read(write_film(tmp_path / "film.dcm"))


def test_staff_see_the_frames_of_a_loop_that_were_looked_at_and_which_is_reported(bench: Bench, tmp_path: Path) -> None:
    frames = [np.full((200, 300), 20 * number, np.uint8) for number in range(1, 6)] + [nerve_frame()]
    reading = bench.read(write_cine(tmp_path / "loop.dcm", frames, BodyPartExamined="NERVE")).reading
    assert reading.frame == 6
    assert [one.frame for one in reading.frame_pictures] == [1, 3, 4]
    for one in reading.frame_pictures:
        with Image.open(tmp_path / "report" / one.file) as picture:
            assert abs(int(np.asarray(picture.convert("L"))[100, 150]) - 20 * one.frame) < 4
    film = bench.read(write_film(tmp_path / "film.dcm")).reading
    assert film.frame_pictures == ()


def test_of_a_sweep_only_the_evenly_spaced_frames_are_kept_for_staff(bench: Bench, tmp_path: Path) -> None:
    reading = bench.read(write_cine(tmp_path / "cine.dcm", [head_frame()] * 40)).reading
    assert 1 < len(reading.frame_pictures) <= 16
    assert reading.frame not in [one.frame for one in reading.frame_pictures]
    assert reading.frames_read > len(reading.frame_pictures)
