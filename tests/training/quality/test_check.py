"""Fitting and measuring the quality check; drawings; foreign pictures; the command."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import RLELossless

from leapfrog.phantoms.exams import as_file, chest_exam, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead
from leapfrog_training.errors import DatasetError
from leapfrog_training.quality.boundary import fit_boundary
from leapfrog_training.quality.foreign import foreign_pictures
from leapfrog_training.quality.strangers import (
    DRAWN_FOR_FITTING,
    DRAWN_FOR_MEASURING,
    Drawing,
    Gray,
    detail_of,
    varied,
    without_head,
)


@pytest.mark.parametrize("draw", [*DRAWN_FOR_FITTING, *DRAWN_FOR_MEASURING.values()], ids=lambda draw: draw.__name__)
def test_drawings_are_gray_pictures_that_differ(draw: Drawing) -> None:
    generator = np.random.default_rng(0)
    first, second = draw(generator), draw(generator)
    assert first.dtype == np.uint8
    assert first.ndim == 2
    assert not np.array_equal(first, second)


def test_what_is_measured_is_not_what_was_fitted() -> None:
    assert not set(DRAWN_FOR_FITTING) & set(DRAWN_FOR_MEASURING.values())


def test_a_hidden_head_is_replaced_and_the_rest_is_left_as_it_was() -> None:
    generator = np.random.default_rng(1)
    gray: Gray = generator.integers(60, 90, (120, 160), dtype=np.uint8)
    rows, columns = np.mgrid[:120, :160]
    size = np.hypot((rows - 60) / 30, (columns - 80) / 45)
    head = size < 1
    gray[(size > 0.85) & head] = 250
    hidden = without_head(gray, head, generator)
    far = size > 1.6
    assert np.array_equal(hidden[far], gray[far])
    assert hidden[(size > 0.85) & head].mean() < 150


def test_a_varied_picture_keeps_its_content_and_a_detail_is_small() -> None:
    generator = np.random.default_rng(2)
    gray = np.tile(np.linspace(0, 250, 200).astype(np.uint8), (150, 1))
    for _ in range(10):
        other = varied(gray, generator)
        middle = other[other.shape[0] // 2, 40:-40].astype(float)  # within any border
        assert np.corrcoef(np.arange(len(middle)), middle)[0, 1] > 0.9
        part = detail_of(gray, generator)
        assert 0.2 < part.shape[0] / gray.shape[0] < 0.45


def test_the_boundary_learns_what_no_straight_line_can_tell() -> None:
    generator = np.random.default_rng(3)
    own = generator.normal(0, 0.4, (4000, 6)).astype(np.float32)
    foreign = generator.normal(0, 1, (4000, 6)).astype(np.float32)
    foreign *= 3 / np.linalg.norm(foreign, axis=1, keepdims=True)  # a shell around the own ones
    boundary = fit_boundary(own, foreign, seed=0)

    def log_odds(inputs: np.ndarray) -> np.ndarray:
        hidden = np.maximum(inputs @ boundary.hidden_weights + boundary.hidden_bias, 0)
        return np.asarray(hidden @ boundary.weights + boundary.bias)

    assert (log_odds(own) < 0).mean() > 0.95
    assert (log_odds(foreign) > 0).mean() > 0.95


def test_foreign_pictures_are_the_displayed_body_regions_each_once(tmp_path: Path) -> None:
    film = chest_exam("clear", 1)
    (tmp_path / "film.dcm").write_bytes(as_file(film))
    (tmp_path / "same.dcm").write_bytes(as_file(chest_exam("clear", 1, transfer_syntax=RLELossless)))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "cine.dcm").write_bytes(as_file(fetal_head_exam(FetalHead(), 1, frames=3)))
    (tmp_path / "notes.txt").write_text("not DICOM")
    shapes = {picture.shape for picture in foreign_pictures(tmp_path)}
    assert shapes == {(2048, 2500), (540, 800)}
    assert len(foreign_pictures(tmp_path)) == 2


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        foreign_pictures(tmp_path)
