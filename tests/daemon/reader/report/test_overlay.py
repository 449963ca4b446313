"""Pictures carry their marks as lines that survive a black-and-white printer."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from leapfrog.reader.report.overlay import Marking, displayed, save_heatmap, save_outlines, save_plain
from support.instances import gradient
from support.readings import CIRCLE, gray_picture, warm_spot


def _gray(path: Path) -> NDArray[np.int16]:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"), dtype=np.int16)


def _colour(path: Path) -> NDArray[np.int16]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


@pytest.mark.parametrize("shape", [(3000, 2000), (700, 1600, 3), (1, 5000), (64, 64)])
def test_a_plain_picture_is_at_most_1600_pixels_long_and_keeps_its_shape(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    save_plain(np.full(shape, 90, np.uint8), tmp_path / "plain.jpg")
    with Image.open(tmp_path / "plain.jpg") as image:
        scale = min(1.0, 1600 / max(shape[:2]))
        assert image.size == (max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale)))


def test_what_is_drawn_on_is_no_larger_than_marks_need(tmp_path: Path) -> None:
    film = np.full((3000, 2000), 90, np.uint8)
    save_heatmap(film, [("Nodule", warm_spot(1, 1))], tmp_path / "heat.jpg")
    save_outlines(film, [Marking((CIRCLE,), "Head")], tmp_path / "outlines.jpg")
    save_plain(film, tmp_path / "plain.jpg")
    for name in ("heat.jpg", "outlines.jpg"):
        with Image.open(tmp_path / name) as image:
            assert image.size == (683, 1024)


def test_shrinking_keeps_the_shape_and_never_enlarges() -> None:
    picture = gradient(300, 200, top=255, kind="u1")
    assert displayed(picture, 150).shape == (150, 100)
    assert displayed(picture, 1024) is picture
    assert displayed(picture, 300) is picture
    assert displayed(np.zeros((2000, 2, 3), np.uint8), 100).shape == (100, 1, 3)


def test_a_heat_map_tints_only_where_it_is_warm(tmp_path: Path) -> None:
    flat = np.full((700, 700), 90, np.uint8)
    save_heatmap(flat, [("", warm_spot(1, 1))], tmp_path / "heat.jpg")
    picture = _colour(tmp_path / "heat.jpg")
    red_over_blue = picture[..., 0] - picture[..., 2]
    assert red_over_blue[130:170, 130:170].mean() > 50
    assert abs(red_over_blue[400:, 400:]).max() <= 4


def test_a_heat_map_is_outlined_in_black_and_white(tmp_path: Path) -> None:
    flat = np.full((700, 700), 90, np.uint8)
    save_heatmap(flat, [("", warm_spot(3, 3))], tmp_path / "heat.jpg")
    middle_row = _gray(tmp_path / "heat.jpg")[350]
    assert middle_row[:350].max() > 220
    assert middle_row[:350].min() < 40


@pytest.mark.parametrize("values", [0.0, np.nan, np.inf])
def test_a_flat_or_unusable_map_draws_nothing(values: float, tmp_path: Path) -> None:
    save_heatmap(gray_picture(700, 700), [("Nodule", np.full((7, 7), values, np.float32))], tmp_path / "heat.jpg")
    save_plain(gray_picture(700, 700), tmp_path / "plain.jpg")
    assert np.abs(_gray(tmp_path / "heat.jpg") - _gray(tmp_path / "plain.jpg")).max() <= 3


def test_names_beside_warm_spots_do_not_cover_one_another(tmp_path: Path) -> None:
    flat = np.full((700, 700), 90, np.uint8)
    same = [(name, warm_spot(6, 6)) for name in ("Pleural effusion", "Infiltration", "Consolidation")]
    save_heatmap(flat, same[:1], tmp_path / "one.jpg")
    save_heatmap(flat, same, tmp_path / "three.jpg")
    chips = [np.count_nonzero(_gray(tmp_path / f"{name}.jpg") < 12) for name in ("one", "three")]
    assert chips[1] > 2.2 * chips[0]


def test_a_contour_lies_where_it_was_given(tmp_path: Path) -> None:
    save_outlines(np.zeros((800, 800, 3), np.uint8), [Marking((CIRCLE,), "")], tmp_path / "contour.jpg")
    rows, columns = np.nonzero(_gray(tmp_path / "contour.jpg") > 100)
    assert (rows.min(), rows.max()) == pytest.approx((80, 720), abs=4)
    assert (columns.min(), columns.max()) == pytest.approx((160, 560 + 80), abs=4)


def test_a_small_picture_is_enlarged_before_it_is_drawn_on(tmp_path: Path) -> None:
    save_outlines(gray_picture(100, 150), [Marking((CIRCLE,), "Head circumference 175.0 mm")], tmp_path / "contour.jpg")
    with Image.open(tmp_path / "contour.jpg") as image:
        assert image.size == (640, 427)


def test_the_label_of_an_area_has_its_square(tmp_path: Path) -> None:
    drawn = []
    for number, label in enumerate(("35.5 mm²", "35.5 mm\ufffe")):  # the other one has no glyph: a box stands for it
        save_outlines(np.zeros((400, 600), np.uint8), [Marking((CIRCLE,), label)], tmp_path / f"{number}.jpg")
        drawn.append(_gray(tmp_path / f"{number}.jpg"))
    assert not np.array_equal(drawn[0], drawn[1])


def _box(left: float, top: float, right: float, bottom: float) -> tuple[tuple[float, float], ...]:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _inside(picture: NDArray[np.int16]) -> NDArray[np.int16]:
    return picture[330:470, 330:470]  # of a box in the middle fifth of 800 pixels


MIDDLE = _box(0.4, 0.4, 0.6, 0.6)


def test_what_is_hatched_shows_without_colour_and_between_its_lines_the_picture(tmp_path: Path) -> None:
    gray = np.full((800, 800), 90, np.uint8)
    for hatched in (False, True):
        save_outlines(gray, [Marking((MIDDLE,), "", hatched=hatched)], tmp_path / f"{hatched}.jpg")
    plain, hatched_inside = (_inside(_gray(tmp_path / f"{hatched}.jpg")) for hatched in (False, True))
    assert np.abs(plain - 90).max() <= 8
    assert (hatched_inside > 170).mean() > 0.05
    assert (np.abs(hatched_inside - 90) <= 12).mean() > 0.5


def test_every_part_of_a_finding_is_drawn(tmp_path: Path) -> None:
    parts = (_box(0.1, 0.1, 0.2, 0.2), _box(0.7, 0.7, 0.8, 0.8))
    save_outlines(np.zeros((800, 800), np.uint8), [Marking(parts, "")], tmp_path / "parts.jpg")
    drawn = _gray(tmp_path / "parts.jpg") > 100
    assert drawn[70:170, 70:170].any()
    assert drawn[550:650, 550:650].any()
    assert not drawn[250:500, 250:500].any()


def test_the_legend_shows_how_each_finding_is_drawn_and_covers_none_of_it(tmp_path: Path) -> None:
    lower_left = _box(0.02, 0.7, 0.4, 0.98)
    markings = [Marking((lower_left,), "Nerve"), Marking((MIDDLE,), "Vessel", hatched=True)]
    save_outlines(np.full((800, 800), 90, np.uint8), markings, tmp_path / "legend.jpg")
    picture = _gray(tmp_path / "legend.jpg")
    assert np.abs(picture[600:770, 40:290] - 90).max() <= 8, "the inside of what is outlined at the lower left"
    legend = picture[720:, 600:]
    assert (legend < 12).mean() > 0.2
    assert (legend > 200).mean() > 0.02


NARROW = np.full((1000, 260), 90, np.uint8)
LONG = "Head circumference 175.0 mm"


def _frame_of_text(picture: NDArray[np.int16]) -> tuple[int, int]:
    """The first and last columns of the black box of a text."""
    columns = np.flatnonzero((picture < 12).sum(axis=0) > 20)
    return int(columns[0]), int(columns[-1])


def test_the_legend_of_a_narrow_picture_lies_in_it(tmp_path: Path) -> None:
    save_outlines(
        NARROW, [Marking((MIDDLE,), LONG), Marking((MIDDLE,), "Vessel", hatched=True)], tmp_path / "narrow.jpg"
    )
    first, last = _frame_of_text(_gray(tmp_path / "narrow.jpg")[700:])
    assert first >= 4
    assert last <= 256


def test_the_names_beside_warm_spots_of_a_narrow_picture_lie_in_it(tmp_path: Path) -> None:
    save_heatmap(NARROW, [("Pleural effusion on the right", warm_spot(3, 3))], tmp_path / "narrow.jpg")
    first, last = _frame_of_text(_gray(tmp_path / "narrow.jpg"))
    assert first >= 4
    assert last <= 256


@pytest.mark.parametrize("draw", ["plain", "heatmap", "outlines"])
def test_a_phantom_says_so_on_every_picture(draw: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    black = np.zeros((700, 700), np.uint8)
    match draw:
        case "plain":
            save_plain(black, path, phantom=True)
        case "heatmap":
            save_heatmap(black, [], path, phantom=True)
        case _:
            save_outlines(black, [Marking((CIRCLE,), "")], path, phantom=True)
    assert np.median(_gray(path)[:20]) > 240


OWNER = "chest-findings 0.3.0"


def test_the_model_that_looked_is_named_in_a_corner_clear_of_the_names_of_findings(tmp_path: Path) -> None:
    flat = np.full((700, 700), 90, np.uint8)
    maps = [("Pleural effusion", warm_spot(6, 6))]
    save_heatmap(flat, maps, tmp_path / "bare.jpg")
    save_heatmap(flat, maps, tmp_path / "owned.jpg", owner=OWNER)
    owned = _gray(tmp_path / "owned.jpg")
    assert np.median(owned[-30:-4, -200:-4]) < 40, "a black box"
    assert owned[-30:-4, -200:-4].max() > 200, "with white letters"
    assert np.median(_gray(tmp_path / "bare.jpg")[-30:-4, -250:-200]) > 60
    boxes = (owned < 12).sum()
    assert boxes > 1.5 * (_gray(tmp_path / "bare.jpg") < 12).sum(), "both boxes are whole"
    save_heatmap(flat, [], tmp_path / "nothing.jpg", owner=OWNER)
    assert _gray(tmp_path / "nothing.jpg").min() > 80, "where nothing is drawn, nobody owns it"


@pytest.mark.parametrize("picture", [np.full((700, 700), 90, np.uint8), NARROW])
def test_the_legend_names_the_model_that_drew(picture: NDArray[np.uint8], tmp_path: Path) -> None:
    for name, owner in (("bare.jpg", ""), ("owned.jpg", "fetal-head 0.3.0")):
        save_outlines(picture, [Marking((MIDDLE,), "Head")], tmp_path / name, owner=owner)
    bare, owned = (_gray(tmp_path / name)[-250:] < 12 for name in ("bare.jpg", "owned.jpg"))
    assert owned.sum() > 1.3 * bare.sum()
    first, last = _frame_of_text(_gray(tmp_path / "owned.jpg")[-250:])
    assert first >= 4 and last <= picture.shape[1] - 4
