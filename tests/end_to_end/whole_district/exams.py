"""What the modalities of two clinics send: real films, ultrasound pictures and loops where they are, made-up ones
elsewhere, and an urgent exam that is always made up. Every file is an object of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

from leapfrog.phantoms.exams import chest_exam, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead
from support.instances import image_dataset, save

SHARED_DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
FIRST_PATIENT = 17  # both clinics number their own
COMPRESSED_FILM = "pydicom-data_MIT/RG1_J2KI.dcm"
FILM = "nhsx_nih_dx_MIT/1.3.6.1.4.1.11129.5.5.110503645592756492463169821050252582267888.dcm"
LOOPS = "go-dicom_Apache2_US_multiframe"
LOOP_FRAMES = 8  # of a made-up one
NAMES = ("Achieng^Mary", "Mutua^John", "Wanjiru^Amina", "Otieno^Peter")


@dataclass(frozen=True)
class Dose:
    """How many exams of each kind a clinic sends; `late` films come when the results of the first are sent already."""

    films: int
    ultrasound: int
    loops: int
    urgent: int
    late: int

    def described(self, *, with_real: bool) -> str:
        """In words."""
        source = "real films, ultrasound pictures and loops" if with_real else "made-up images"
        return (
            f"of each of two clinics {self.films} films, {self.ultrasound} ultrasound pictures, {self.loops} loops and"
            f" {self.urgent} urgent films, one an exam, and {self.late} films that come later into exams that were sent"
            f" already: {source}, the urgent and late ones made up"
        )


@dataclass(frozen=True)
class Exam:
    """One image of an exam, as a file that a modality sends."""

    path: Path
    patient_id: str
    patient_name: str
    study_instance_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    urgent: bool = False


def shared_images() -> Path | None:
    """The folder with real images beside the checkout, if it is there."""
    return SHARED_DATA if SHARED_DATA.is_dir() else None


def make_exams(folder: Path, dose: Dose, shared_data: Path | None, seed: int) -> list[Exam]:
    """The exams of one clinic. Patients are numbered from 17, as at every other clinic."""
    folder.mkdir()
    kinds = (
        (_films(shared_data, seed), dose.films),
        (_ultrasound(shared_data, seed), dose.ultrasound),
        (_loops(shared_data, seed), dose.loops),
    )
    others = [image for images, count in kinds for image in islice(images, count)]
    urgent = [chest_exam("opaque", seed=seed + number) for number in range(dose.urgent)]
    return [
        _write(image, folder / f"{number:03}.dcm", number, seed, is_urgent=number >= len(others))
        for number, image in enumerate([*others, *urgent])
    ]


def make_late(folder: Path, exams: list[Exam], dose: Dose, seed: int) -> list[Exam]:
    """Another film for each of the first exams, taken when these have been sent."""
    folder.mkdir()
    made = []
    for number, exam in enumerate(exams[: dose.late]):
        image = chest_exam("clear", seed=seed + 100 + number)
        image.StudyInstanceUID = exam.study_instance_uid
        made.append(_write(image, folder / f"{number:03}.dcm", number, seed, study=exam))
    return made


def _films(shared_data: Path | None, seed: int) -> Iterator[Dataset]:
    if shared_data is None:
        while True:
            yield chest_exam("clear", seed=(seed := seed + 1))
    pictures = sorted((shared_data / "chestxray14" / "images_1024").glob("*.png"))
    yield dcmread(shared_data / "dicom" / COMPRESSED_FILM)
    yield dcmread(shared_data / "dicom" / FILM)
    for picture in islice(cycle(pictures), seed, None):
        yield image_dataset(np.asarray(Image.open(picture).convert("L")), BodyPartExamined="CHEST")


def _ultrasound(shared_data: Path | None, seed: int) -> Iterator[Dataset]:
    if shared_data is None:
        while True:
            yield fetal_head_exam(FetalHead(), seed=(seed := seed + 1), frames=1)
    pictures = sorted((shared_data / "hc18" / "training_set").glob("*_HC.png"))
    for picture in islice(cycle(pictures), seed, None):
        pixels = np.asarray(Image.open(picture).convert("L"))
        yield image_dataset(pixels, SOPClassUID=UltrasoundImageStorage, Modality="US")


def _loops(shared_data: Path | None, seed: int) -> Iterator[Dataset]:
    if shared_data is not None:
        for file in sorted((shared_data / "dicom" / LOOPS).glob("*.dcm"))[seed % 2 :: 2]:
            yield dcmread(file)
    while True:
        yield fetal_head_exam(FetalHead(), seed=(seed := seed + 1), frames=LOOP_FRAMES)


def _write(
    image: Dataset, path: Path, number: int, seed: int, *, is_urgent: bool = False, study: Exam | None = None
) -> Exam:
    image.SOPInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    image.StudyInstanceUID = study.study_instance_uid if study else generate_uid()
    image.PatientID = study.patient_id if study else str(FIRST_PATIENT + number)
    image.PatientName = study.patient_name if study else NAMES[(number + seed) % len(NAMES)]
    image.PatientBirthDate = ""  # as many machines leave it
    meta = getattr(image, "file_meta", None)
    save(image, path, meta.TransferSyntaxUID if meta else ExplicitVRLittleEndian)
    return Exam(
        path,
        str(image.PatientID),
        str(image.PatientName),
        str(image.StudyInstanceUID),
        str(image.SOPInstanceUID),
        str(image.file_meta.TransferSyntaxUID),
        is_urgent,
    )
