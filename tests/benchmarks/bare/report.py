"""The bare parts of a report: what must be done for one image, each part by itself, warm, in one process.

Counted, each by the quickest straightforward way to the very result that the box ships:

- reading: the file, parsed by pydicom, decoded by pydicom's decoder of its transfer syntax
- look-up table: stored values to the 8 bits that are displayed
- inference: the displayed picture at the size of the model's input, and the very tensors that the box gives its models,
  run by the engine host's library with as many threads
- pictures: shrunk to the sizes that ship, each from the next larger one, and the JPEGs encoded, as many as the box
  ships and with what it drew, of the same sizes and quality
- PDF: its pictures in gray, encoded as in the box's, unless they are the files that ship; and typst with the
  box's template and data
- page and JSON: by the template from the words, by the json module from the document
- disk: each file of the report written, synced and renamed, the folder synced, a second name for each where staff look,
  and that folder synced

Not counted, so all of it is the box's own doing: looking for areas and checking the picture before a model sees it, the
drawing of lines, labels and warm colour, the wording, digests, the journal, the signature and the code that holds it,
the list of exams, and handing work from process to process. A first report without destinations has no DICOM objects.
The parts run one after the other: a box with a free core may do better than their sum.

Nothing here may be slower than it must be, or the box would look quick beside it: if you know a quicker way to one of
these results, put it here.
"""

import json
import os
import shutil
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
import typst
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin
from pydicom import Dataset, dcmread
from pydicom.pixels.decoders.base import get_decoder

from leapfrog.engine.host import Model, find_runtime
from leapfrog.engine.tensors import TensorSpec, dequantize, quantization_table, quantize
from leapfrog.exam import Device
from leapfrog.language.speaker import Speaker
from leapfrog.packages.catalogue import find_packages, package_directories
from leapfrog.packages.package import ModelPackage
from leapfrog.packages.signature import SignaturePolicy
from leapfrog.processes.messages import ReadJob, ReportJob
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import open_image
from leapfrog.reader.image.pixels import model_input
from leapfrog.reader.image_reader import ImageReader
from leapfrog.reader.report.page import render_page
from leapfrog.reader.report.study_report import render
from leapfrog.settings import EngineSettings
from support.readings import report_job, report_words

_numbers = count()
Gray = NDArray[np.uint8]
Result = TypeVar("Result")
EXAM_NUMBER = "K7-42F"
WORKLIST = "../../index.html"
RECEIVED_AT = "2026-11-03T14:25:10+03:00"


class OtherPicture(Exception):
    """What the bare parts make of an image is not what the box shows."""


class _ModelsInProcess:
    """Runs models as the engine host does, and remembers what each was given."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._models: dict[str, Model] = {}
        self.given: list[tuple[Model, bytearray, tuple[int, int]]] = []

    def device_of(self, _package: ModelPackage) -> Device:
        return "cpu"

    def infer(self, package: ModelPackage, picture: Gray) -> list[NDArray[np.float32]]:
        if package.name not in self._models:
            runtime = find_runtime()
            assert runtime is not None
            self._models[package.name] = Model(runtime, str(package.model_path), self._threads)
        model = self._models[package.name]
        tensor = bytearray(quantize(picture, quantization_table(_spec(model.inputs[0]))).tobytes())
        self.given.append((model, tensor, (picture.shape[0], picture.shape[1])))
        return [
            dequantize(np.frombuffer(output, details["dtype"]).reshape(details["shape"]), _spec(details))
            for output, details in zip(model.invoke(tensor), model.outputs, strict=True)
        ]


def _spec(details: Mapping[str, Any]) -> TensorSpec:
    scale, zero_point = details["quantization"]
    return TensorSpec(tuple(details["shape"]), np.dtype(details["dtype"]).name, float(scale), int(zero_point))


@dataclass(frozen=True)
class _Shipped:
    """A JPEG that the box made: its pixels, and how it is encoded."""

    image: Image.Image
    options: Mapping[str, Any]

    @classmethod
    def of(cls, content: bytes) -> "_Shipped":
        jpeg = JpegImagePlugin.JpegImageFile(BytesIO(content))
        options: dict[str, Any] = {"qtables": jpeg.quantization}
        if jpeg.mode != "L":
            options["subsampling"] = JpegImagePlugin.get_sampling(jpeg)
        return cls(jpeg.copy(), options)

    def encoded(self) -> bytes:
        content = BytesIO()
        self.image.save(content, "JPEG", **self.options)
        return content.getvalue()


class BareReport:
    """The bare parts for the image at `path`. The box's own code is run once on it, to learn what it ships; then each
    part can be timed, over and over.
    """

    def __init__(self, path: Path, directory: Path, threads: int) -> None:
        """Work in `directory`, which is made. Raises OtherPicture when the parts would make something else."""
        self._path = path
        self._directory = directory
        directory.mkdir()
        self._models = _ModelsInProcess(threads)
        self._compiled: dict[str, Any] = {}
        self._job = self._rehearse()
        self._words = report_words(self._job)
        folder = self._job.report_dir
        self._pictures = {name: _Shipped.of((folder / name).read_bytes()) for name in self._job.readings[0].pictures}
        self._document = json.loads((folder / "report-1.json").read_text())
        self._files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
        self._sheet = {
            name: _Shipped.of(jpeg)
            for name, svg in self._compiled["input"].items()
            if b"base64," in svg
            and (jpeg := b64decode(svg.partition(b"base64,")[2].partition(b'"')[0])) not in self._files.values()
        }  # those that are made for it; others go into it as they lie there
        self._times = 0
        self._learn_table()

    def _rehearse(self) -> ReportJob:
        packages = find_packages(package_directories(self._directory, ()), SignaturePolicy())
        report_dir = self._directory / "report"
        report_dir.mkdir()
        job = ReadJob(
            instance_id="00000000000000f1",
            study_key="00000000000000f1",
            attempt=1,
            source_path=self._path,
            source_byte_count=self._path.stat().st_size,
            source="MODALITY",
            received_at=RECEIVED_AT,
            unknown_age="adult",
            assumed_character_set="",
            report_dir=report_dir,
            work_dir=self._directory,
        )
        reader = ImageReader(packages, self._models, EngineSettings().frames_per_cine, 0.0, 60.0)
        reading = reader.read(job, lambda _stage: None).reading
        report = report_job(
            report_dir, reading, exam_number=EXAM_NUMBER, made_at=RECEIVED_AT, worklist_href=WORKLIST, code=""
        )
        compile_really = typst.compile

        def compile_and_remember(files: Any, **options: Any) -> Any:
            self._compiled = {"input": files, **options}
            return compile_really(files, **options)

        with patch("typst.compile", compile_and_remember):
            render(report)
        return report

    def _learn_table(self) -> None:
        """The look-up table, from what the box displays for each stored value."""
        frame = open_image(open_dicom_file(self._path, self._path.stat().st_size)).frame(0)
        stored = self._stored()
        if stored.ndim != 2 or frame.shown.shape != stored.shape:
            raise OtherPicture(f"{self._path.name}: a picture in gray is needed")
        self._table = np.zeros(1 << 16, np.uint8)
        self._table[stored] = frame.shown
        if not np.array_equal(self._displayed(stored), frame.picture()):
            raise OtherPicture(f"{self._path.name}: the box displays more than a look-up table gives")

    # ------------------------------------------------------------ the parts

    def seconds(self) -> dict[str, float]:
        """How long each part takes, once more."""
        self._times += 1
        stored, reading = _timed(self._stored)
        shown, table = _timed(lambda: self._displayed(stored))
        _, inference = _timed(lambda: self._infer(shown))
        _, pictures = _timed(lambda: self._make_pictures(shown))
        _, pdf = _timed(self._make_pdf)
        _, page = _timed(self._make_page)
        target = self._directory / str(self._times)
        for folder in (target, target / "rendered", target / "staff"):
            folder.mkdir()
        _, disk = _timed(lambda: self._put_on_disk(target / "rendered", target / "staff"))
        shutil.rmtree(target)
        return {
            "reading": reading,
            "look-up table": table,
            "inference": inference,
            "pictures": pictures,
            "PDF": pdf,
            "page and JSON": page,
            "disk": disk,
        }

    def _stored(self) -> NDArray[Any]:
        dataset = dcmread(self._path)
        syntax = dataset.file_meta.TransferSyntaxUID
        if syntax.is_encapsulated:
            return get_decoder(syntax).as_array(dataset, raw=True, index=0)[0]
        return np.frombuffer(dataset.PixelData, _dtype(dataset), dataset.Rows * dataset.Columns).reshape(
            dataset.Rows, dataset.Columns
        )

    def _displayed(self, stored: NDArray[Any]) -> Gray:
        return np.take(self._table, stored)

    def _infer(self, shown: Gray) -> None:
        for model, tensor, size in self._models.given:
            model_input(shown, *size)
            model.invoke(tensor)

    def _make_pictures(self, shown: Gray) -> None:
        larger = Image.fromarray(shown)
        for size in sorted({picture.image.size for picture in self._pictures.values()}, reverse=True):
            if size < larger.size:
                larger = larger.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        for picture in self._pictures.values():
            picture.encoded()

    def _make_pdf(self) -> None:
        files = dict(self._compiled["input"])
        for name, picture in self._sheet.items():
            source = self._pictures[name.removesuffix(".svg")].image.convert("L")
            source.thumbnail(picture.image.size, Image.Resampling.BILINEAR, reducing_gap=2.0)
            picture.encoded()
        # typst remembers what it has laid out. So each exam has another number, as on the box.
        inputs = {
            name: text.replace(EXAM_NUMBER, f"K7-{next(_numbers):04d}")
            for name, text in self._compiled["sys_inputs"].items()
        }
        options = {key: value for key, value in self._compiled.items() if key not in ("input", "sys_inputs")}
        typst.compile(files, sys_inputs=inputs, **options)

    def _make_page(self) -> None:
        render_page(self._words, Speaker(), version=1, has_pdf=True, worklist_href=WORKLIST).encode()
        json.dumps(self._document, ensure_ascii=False, indent=1).encode()

    def _put_on_disk(self, rendered: Path, staff: Path) -> None:
        for name, content in self._files.items():
            descriptor = os.open(rendered / f".{name}.part", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
            try:
                os.write(descriptor, content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            (rendered / f".{name}.part").rename(rendered / name)
        _sync(rendered)
        for name in self._files:
            (staff / name).hardlink_to(rendered / name)
        _sync(staff)


def _dtype(dataset: Dataset) -> str:
    return "<u2" if dataset.BitsAllocated == 16 else "u1"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _timed(do: Callable[[], Result]) -> tuple[Result, float]:
    began = time.perf_counter()
    result = do()
    return result, time.perf_counter() - began
