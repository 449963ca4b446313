"""The quality check, fitted on sampled chest films, and those that ship on real images."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog.errors import PackageError
from leapfrog.exam import Quality
from leapfrog.packages.package import SHIPPED_PACKAGES, load_package
from leapfrog.phantoms.chest import ChestModel
from leapfrog.reader.assess.check_in_front.checks import PictureCheck, load_check
from leapfrog.reader.assess.check_in_front.defects import SENTENCES, Defect
from leapfrog.reader.assess.check_in_front.quality import BLANK, INVERTED, STRANGE, TURNED
from leapfrog.reader.assess.shown_picture import field_seen, shown_to_model
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import open_image
from leapfrog.reader.image.pixels import model_input
from leapfrog_training.quality.check import Layout, fit_quality, quality_bytes
from leapfrog_training.quality.strangers import DRAWN_FOR_FITTING, DRAWN_FOR_MEASURING

Gray = NDArray[np.uint8]

REAL_CHESTS = (
    "fo-dicom_MSPL/CR-MONO1-10-chest",
    "nhsx_nih_dx_MIT/1.3.6.1.4.1.11129.5.5.110503645592756492463169821050252582267888.dcm",
    "pydicom-data_MIT/RG1_J2KI.dcm",
    "torchxrayvision_Apache2/1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm",
)
INVERTED_CHEST = "torchxrayvision_Apache2/Fake_MONOHR1.dcm"  # says MONOCHROME1 and is not
NO_CHESTS = (
    "highdicom_MIT/dx_image.dcm",  # a dog from the side
    "pydicom-data_MIT/RG3_J2KI.dcm",  # a leg
    "pydicom-data_MIT/OT-PAL-8-face.dcm",
    "pydicom-data_MIT/US1_J2KI.dcm",
    "pydicom_MIT/CT_small.dcm",
    "pydicom_MIT/MR_small.dcm",
    "fo-dicom_MSPL/TestPattern_RGB.dcm",
    "us_brachial_GPL3/12-08_202108_20210100.dcm",
)


def _films(count: int, seed: int) -> list[Gray]:
    model, generator = ChestModel.load(), np.random.default_rng(seed)
    return [(model.sample("clear", generator) * 255).astype(np.uint8) for _ in range(count)]


def _shown(gray: Gray) -> Gray:
    return model_input(np.ascontiguousarray(gray), 224, 224)


@pytest.fixture(scope="module")
def check_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A check of sampled films."""
    films = _films(90, 1)
    generator = np.random.default_rng(2)
    strangers = [
        *(draw(generator) for draw in DRAWN_FOR_FITTING for _ in range(12)),
        *(255 - film for film in films),
        *(np.rot90(film, number % 3 + 1) for number, film in enumerate(films * 2)),
    ]
    layout = Layout(224, 224, 7, 4, thumbnail_components=20, gradient_components=20, telling=True)
    fitted = fit_quality(films, [str(number) for number in range(len(films))], strangers, layout, seed=3)
    file = tmp_path_factory.mktemp("package") / "quality.npz"
    file.write_bytes(quality_bytes(fitted.check))
    return file


@pytest.fixture(scope="module")
def check(check_file: Path) -> PictureCheck:
    """The same check, loaded."""
    return load_check(check_file, (224, 224))


def test_films_of_the_same_kind_pass(check: PictureCheck) -> None:
    judged = [check.check(_shown(film)) for film in _films(40, 4)]
    assert np.mean([quality.acceptable for quality in judged]) >= 0.9
    assert all(quality.score is not None and quality.limit is not None for quality in judged)
    assert all(quality.detail == "" for quality in judged if quality.acceptable)


@pytest.mark.parametrize("kind", DRAWN_FOR_MEASURING)
def test_strangers_that_it_never_saw_do_not_pass(check: PictureCheck, kind: str) -> None:
    generator = np.random.default_rng(5)
    judged = [check.check(_shown(DRAWN_FOR_MEASURING[kind](generator))) for _ in range(20)]
    assert np.mean([quality.acceptable for quality in judged]) <= 0.05
    assert {quality.detail for quality in judged if not quality.acceptable} <= {STRANGE, INVERTED, *TURNED.values()}


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda film: 255 - film, INVERTED),
        (lambda film: np.rot90(film, 2), TURNED[2]),
        (lambda film: np.rot90(film, 1), TURNED[3]),
        (lambda film: np.rot90(film, 3), TURNED[1]),
    ],
    ids=["inverted", "upside down", "turned to the left", "turned to the right"],
)
def test_a_film_that_is_only_shown_wrongly_is_told_so(check: PictureCheck, change: object, detail: str) -> None:
    assert callable(change)
    judged = [check.check(_shown(change(film))) for film in _films(20, 6)]
    assert not any(quality.acceptable for quality in judged)
    assert np.mean([quality.detail == detail for quality in judged]) >= 0.8


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_picture_is_called_blank(check: PictureCheck, level: int) -> None:
    quality = check.check(np.full((224, 224), level, dtype=np.uint8))
    assert not quality.acceptable
    assert quality.detail == BLANK


def test_another_size_is_a_mistake_of_the_program(check: PictureCheck) -> None:
    with pytest.raises(ValueError, match="224"):
        check.check(np.zeros((128, 192), dtype=np.uint8))


def test_a_missing_damaged_or_foreign_file_is_a_package_error(check_file: Path, tmp_path: Path) -> None:
    with pytest.raises(PackageError):
        load_check(tmp_path / "missing.npz", (224, 224))
    cut = tmp_path / "cut.npz"
    cut.write_bytes(check_file.read_bytes()[:1000])
    with pytest.raises(PackageError):
        load_check(cut, (224, 224))
    np.savez(tmp_path / "other.npz", mean=np.zeros(3))
    with pytest.raises(PackageError):
        load_check(tmp_path / "other.npz", (224, 224))


def _judged(path: Path) -> Quality:
    """What the check of the chest package that ships says of a file's first frame."""
    package = load_package(SHIPPED_PACKAGES / "chest-findings")
    assert package.quality_path is not None
    gray, taken = open_image(open_dicom_file(path)).frame(0).gray(), package.manifest.input
    left, top, right, bottom = field = field_seen(taken, gray)
    shown = gray[top:bottom, left:right]
    return load_check(package.quality_path, (taken.height, taken.width)).check(
        shown_to_model(taken, gray, field=field), shown
    )


@pytest.mark.parametrize("name", REAL_CHESTS)
def test_real_chests_of_other_sources_pass_the_check_that_ships(shared_data: Path, name: str) -> None:
    assert _judged(shared_data / "dicom" / name).acceptable


@pytest.mark.parametrize("name", NO_CHESTS)
def test_what_is_no_chest_does_not_pass_the_check_that_ships(shared_data: Path, name: str) -> None:
    assert not _judged(shared_data / "dicom" / name).acceptable


def test_a_chest_that_claims_the_wrong_photometric_interpretation_is_told_so(shared_data: Path) -> None:
    quality = _judged(shared_data / "dicom" / INVERTED_CHEST)
    assert not quality.acceptable
    assert quality.detail == SENTENCES[Defect.INVERTED]
