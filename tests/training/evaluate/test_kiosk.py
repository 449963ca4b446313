"""That a score in an evaluation is one that a kiosk would give: the same pixels, the same engine, the same numbers."""

import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from leapfrog.engine.client import EngineClient
from leapfrog.engine.model_bench import ModelBench
from leapfrog.engine.tensors import dequantize, quantization_table, quantize
from leapfrog.errors import EngineError
from leapfrog.exam import Device, ImageReading, PictureHints, PictureIdentity, stated_view
from leapfrog.packages.catalogue import Catalogue
from leapfrog.packages.package import SHIPPED_PACKAGES, ModelPackage, load_package
from leapfrog.processes.child_process import ChildProcess
from leapfrog.processes.command_lines import engine_host
from leapfrog.processes.messages import ReadJob
from leapfrog.reader.assess.assessment import GrayFrame, assess
from leapfrog.reader.assess.classification import classify
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import open_image
from leapfrog.reader.image.pixels import model_input
from leapfrog.reader.image_reader import ImageReader
from leapfrog_training.datasets.hc18 import open_hc18
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.head.reading import head_answers, kiosk_finding
from leapfrog_training.nerve.data import open_nerves
from leapfrog_training.nerve.reading import findings_in, nerve_answers
from support.instances import image_dataset, save
from support.tiny_models import classifier_content

REAL_DX = "dicom/nhsx_nih_dx_MIT/1.3.6.1.4.1.11129.5.5.110503645592756492463169821050252582267888.dcm"
FILMS = 4
IDENTITY = PictureIdentity(
    study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.3", patient_id="1"
)


def dx(pixels: NDArray[Any], **attributes: Any) -> Dataset:
    """A frontal chest film as a digital X-ray machine sends it."""
    described = {"Modality": "DX", "BodyPartExamined": "CHEST", "ViewPosition": "PA", **attributes}
    return image_dataset(pixels, SOPClassUID=DigitalXRayImageStorageForPresentation, **described)


def forms_of(pixels: NDArray[np.uint8], folder: Path) -> Iterator[Path]:
    """One film as machines may send it; each shows exactly the grays of `pixels`."""
    for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian):
        yield save(dx(pixels), folder / f"{syntax.name}.dcm", syntax)
    for syntax in (RLELossless, JPEGLSLossless):
        compressed = pydicom.dcmread(save(dx(pixels), folder / "plain.dcm"))
        compressed.compress(syntax)
        compressed.save_as(folder / f"{syntax.name}.dcm")
        yield folder / f"{syntax.name}.dcm"
    yield save(dx(255 - pixels, PhotometricInterpretation="MONOCHROME1"), folder / "inverted.dcm")


def shown(path: Path) -> NDArray[np.uint8]:
    return open_image(open_dicom_file(path)).frame(0).gray()


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    """A reader as a lane has it: the shipped packages on a bench with an engine host in a process of its own."""
    ours, theirs = socket.socketpair()
    command = engine_host(sys.executable, "--fd", str(theirs.fileno()), models=[SHIPPED_PACKAGES])
    host = ChildProcess("engine host", command, theirs, may_log=True)
    bench = ModelBench(threads=1)
    bench.attach(EngineClient(ours))
    package = load_package(SHIPPED_PACKAGES / "chest-findings")
    yield ImageReader(Catalogue((package,), ()), bench, frames_per_cine=1, sweep_seconds=1.0, sweep_until_seconds=4.0)
    bench.detach()
    host.end()


def read(reader: ImageReader, path: Path, folder: Path, **changes: Any) -> ImageReading:
    """What staff would be shown of the file at `path`."""
    for name in ("report", "work"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    job = ReadJob(
        instance_id="1",
        study_key="study",
        attempt=1,
        source_path=path,
        source_byte_count=(path).stat().st_size,
        source="test",
        received_at="2026-11-05T10:00:00+00:00",
        unknown_age="adult",
        report_dir=folder / "report",
        work_dir=folder / "work",
    ).model_copy(update=changes)
    return reader.read(job, lambda stage: None).reading


def test_a_real_film_shows_the_model_the_same_pixels_as_dicom_and_as_png(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / REAL_DX
    stored = pydicom.dcmread(path).pixel_array
    Image.fromarray(stored).save(tmp_path / "film.png")
    assert stored.shape == (1024, 1024)
    as_dicom, as_png = (model_input(gray, 224, 224) for gray in (shown(path), read_gray(tmp_path / "film.png")))
    assert np.array_equal(as_dicom, as_png)


def test_every_way_to_send_a_film_gives_the_scores_of_its_png(
    shared_data: Path, tmp_path: Path, reader: ImageReader
) -> None:
    package = load_package(SHIPPED_PACKAGES / "chest-findings")
    real = pydicom.dcmread(shared_data / REAL_DX).pixel_array
    Image.fromarray(real).save(tmp_path / "real.png")
    pngs = [*sorted((shared_data / "chestxray14" / "images_1024").glob("*.png"))[:FILMS], tmp_path / "real.png"]
    with KioskModel(package.model_path) as model:
        for png in pngs:
            gray = read_gray(png)
            outputs = model.run(gray, package.manifest.input.field)
            for dicom in forms_of(gray, tmp_path):
                assert np.array_equal(shown(dicom), gray), (png.name, dicom.name)
                reading = read(reader, dicom, tmp_path)
                evaluated = classify(package.manifest, outputs, stated_view(reading.header.view))
                assert reading.findings == evaluated.findings, (png.name, dicom.name)


def test_a_png_in_a_watched_folder_gives_the_scores_of_the_evaluation(
    shared_data: Path, tmp_path: Path, reader: ImageReader
) -> None:
    package = load_package(SHIPPED_PACKAGES / "chest-findings")
    hints = PictureHints(modality="DX", body_part="CHEST", view="PA")
    with KioskModel(package.model_path) as model:
        for png in sorted((shared_data / "chestxray14" / "images").glob("*.png"))[:FILMS]:
            reported = read(reader, png, tmp_path, picture=IDENTITY, hints=hints)
            outputs = model.run(read_gray(png), package.manifest.input.field)
            assert reported.findings == classify(package.manifest, outputs, "PA").findings


class _RunsHere:
    """Runs the one model, whatever the package."""

    def __init__(self, model: KioskModel) -> None:
        self._model = model

    def device_of(self, _package: ModelPackage) -> Device:
        return "cpu"

    def infer(self, _package: ModelPackage, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        return list(self._model.run(picture))


@pytest.mark.parametrize("size", [(270, 400), (270, 300)], ids=["as wide as the model's input", "padded with black"])
def test_a_head_is_evaluated_as_a_kiosk_reads_it(shared_data: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    package = load_package(SHIPPED_PACKAGES / "fetal-head")
    image = open_hc18(shared_data / "hc18").in_split("test")[3]
    gray = np.ascontiguousarray(read_gray(image.path)[: size[0], -size[1] :])
    Image.fromarray(gray).save(tmp_path / "head.png")
    cropped = type(image)(**{**vars(image), "path": tmp_path / "head.png"})
    with KioskModel(package.model_path) as model:
        (answer,) = head_answers(model, [cropped])

        rows, columns = gray.shape
        frame = GrayFrame(gray, (0, 0, columns, rows), (image.pixel_size_mm, image.pixel_size_mm))
        (reported,) = assess(package, _RunsHere(model), frame).findings
    assert kiosk_finding(package.manifest, answer) == reported


def test_a_nerve_is_evaluated_as_a_kiosk_reads_it(shared_data: Path) -> None:
    package = load_package(SHIPPED_PACKAGES / "nerve")
    pictures = open_nerves([shared_data / "nerves_usgra"]).in_split("test")[:FILMS]
    with KioskModel(package.model_path) as model:
        for answer in nerve_answers(model, pictures):
            gray = read_gray(answer.picture.path)
            frame = GrayFrame(gray, (0, 0, gray.shape[1], gray.shape[0]))
            reported = assess(package, _RunsHere(model), frame).findings
            assert [(one.score, one.contour) for one in findings_in(package.manifest, answer.answer)] == [
                (one.score, one.contour) for one in reported
            ]


def test_the_host_answers_bit_for_bit_as_the_runtime_in_this_process(shared_data: Path) -> None:
    package = load_package(SHIPPED_PACKAGES / "chest-findings")
    path, side = package.model_path, package.manifest.input.height
    here = Interpreter(model_path=str(path), num_threads=1)
    here.allocate_tensors()
    films = sorted((shared_data / "chestxray14" / "images").glob("*.png"))[:FILMS]
    with KioskModel(path) as model:
        for film in films:
            tensor = quantize(model_input(read_gray(film), side, side), quantization_table(model.input))
            here.set_tensor(here.get_input_details()[0]["index"], tensor)
            here.invoke()
            values = [here.get_tensor(detail["index"]) for detail in here.get_output_details()]
            for host, value, spec in zip(model.run(read_gray(film)), values, model.outputs, strict=True):
                assert np.array_equal(host, dequantize(value, spec))


def test_a_model_that_is_shown_the_exposed_field_answers_alike_with_and_without_a_border(tmp_path: Path) -> None:
    (tmp_path / "tiny.tflite").write_bytes(classifier_content())
    film = np.random.default_rng(0).integers(60, 200, (280, 280), dtype=np.uint8)
    bordered = np.pad(film, 60, constant_values=255)
    with KioskModel(tmp_path / "tiny.tflite") as model:
        scores = model.output_of_rank(2)
        alone = model.run(film, "exposed")[scores][0, 0]
        cut, whole = model.run(bordered, "exposed")[scores][0, 0], model.run(bordered)[scores][0, 0]
    assert cut == pytest.approx(alone, abs=0.03)
    assert whole > alone + 0.2


def test_the_host_ends_with_the_block(tmp_path: Path) -> None:
    (tmp_path / "tiny.tflite").write_bytes(classifier_content())
    with KioskModel(tmp_path / "tiny.tflite") as model:
        scores = model.run(np.full((50, 40), 250, np.uint8))[model.output_of_rank(2)]
        assert scores[0, 0] > 0.9 > 0.1 > scores[0, 1]
    with pytest.raises(EngineError):
        model.run(np.zeros((28, 28), np.uint8))


def test_only_what_comes_after_the_warm_up_is_timed(tmp_path: Path) -> None:
    (tmp_path / "tiny.tflite").write_bytes(classifier_content())
    with KioskModel(tmp_path / "tiny.tflite") as model:
        taken = model.milliseconds(runs=5, warm_up=2)
    assert len(taken) == 5
    assert all(value > 0 for value in taken)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "not.tflite").write_bytes(b"nothing of the kind")
    with pytest.raises(EngineError, match="cannot be loaded"):
        KioskModel(tmp_path / "not.tflite")
