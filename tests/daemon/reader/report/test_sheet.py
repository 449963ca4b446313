"""The sheet as people get it: looked at once, and small references of it kept; gray; small enough for a thin line.

To look at the sheets, or to make the references anew after a change that is meant:

    LEAPFROG_SHEETS=FOLDER pytest tests/daemon/reader/report/test_sheet.py -k references -n 0

writes them to FOLDER. Look at each, then copy it to `sheets/`.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from leapfrog.exam import ImageReading
from leapfrog.language.languages import LANGUAGES, LanguageCode
from leapfrog.language.speaker import Speaker
from leapfrog.phantoms.chest import draw_chest
from leapfrog.processes.messages import ReportJob
from leapfrog.reader.report.overlay import save_heatmap, save_plain
from leapfrog.reader.report.pdf import render_pdf
from leapfrog.reader.report.sheet_pictures import draw_code, picture_svg
from leapfrog.settings import PageSize
from support.readings import (
    PATIENT,
    chest_reading,
    finding,
    head_reading,
    nerve_reading,
    report_job,
    report_words,
    unassessed_reading,
    warm_spot,
)

REFERENCES = Path(__file__).with_name("sheets")
REFERENCE_DPI = 50
BLOCK = 8  # pixels: what is compared, so that another release of poppler draws nothing that counts
MOST_DIFFERENT = 40  # gray levels of one block
DIFFERENT_IN_ALL = 2.0  # gray levels, on average
PAPERS: tuple[PageSize, ...] = get_args(PageSize)
CODE = (
    "LEAPFROG 1:EXAM K7-42F V1:DATE 2026-11-03:DEMO:MODEL CHEST-FINDINGS 0.1.0:URGENT FEATURES SEEN IN PNEUMONIA:"
    "FLAGGED PLEURAL EFFUSION/ATELECTASIS/INFILTRATE:NOT FLAGGED PULMONARY EDEMA:PATIENT SP6AL2CG CXJHMOJ3:KEY "
    f"UGR6KRDY:{'A7' * 51}"
)


pytestmark = pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="pdftoppm is not installed")


def _job(folder: Path, *readings: ImageReading, **values: object) -> ReportJob:
    always = {"exam_number": "K7-42F", "made_at": "2026-11-03T14:25:19+03:00", "code": CODE}
    return report_job(folder, *readings, **{**always, **values})


def _chest(folder: Path) -> ReportJob:
    urgent = finding("Pneumonia", 0.9, urgent=True, urgent_threshold=0.7)
    findings = (urgent, finding("Infiltration", 0.63, 0.52), finding("Nodule", 0.11, 0.35))
    maps = [("Pneumonia", warm_spot(5, 1)), ("Infiltration", warm_spot(2, 5))]
    film = (draw_chest("opaque", 1) >> 4).astype(np.uint8)
    reading = chest_reading(folder, findings=findings, age_not_given=True)
    save_plain(film, folder / "plain-1.jpg")
    save_heatmap(film, maps, folder / "overlay-1.jpg")
    return _job(folder, reading)


def _several(folder: Path) -> ReportJob:
    others = (nerve_reading(folder, areas=(12.0, 30.0)), unassessed_reading(), chest_reading(folder))
    return _job(folder, head_reading(folder), *others, other_patient_ids=("KIT-7",))


def _unassessed(folder: Path) -> ReportJob:
    identity = PATIENT.model_copy(update={"patient_name": "राम कुमार^श्रीवास्तव", "study_description": "صدر 12.5 mm"})
    return _job(folder, unassessed_reading(identity=identity), exam_number="", code="")


def _two(folder: Path) -> ReportJob:
    return _job(folder, chest_reading(folder), head_reading(folder))


CASES: dict[str, Callable[[Path], ReportJob]] = {"chest": _chest, "several": _several, "unassessed": _unassessed}


def _pages(pdf: bytes, folder: Path, dpi: int, *options: str) -> list[Image.Image]:
    """The sheet as a gray raster."""
    (folder / "sheet.pdf").write_bytes(pdf)
    command = ["pdftoppm", "-r", str(dpi), "-gray", "-png", *options, str(folder / "sheet.pdf"), str(folder / "sheet")]
    subprocess.run(command, check=True, timeout=60)
    return [Image.open(path).convert("L") for path in sorted(folder.glob("sheet-*.png"))]


def _blocks(page: Image.Image) -> np.ndarray:
    return np.asarray(page.resize((page.width // BLOCK, page.height // BLOCK), Image.Resampling.BOX), dtype=float)


def _looks_as(name: str, pages: list[Image.Image]) -> None:
    if folder := os.environ.get("LEAPFROG_SHEETS"):
        for number, page in enumerate(pages, start=1):
            page.quantize(16).save(Path(folder) / f"{name}-{number}.png", optimize=True)
        return
    assert len(pages) == len(list(REFERENCES.glob(f"{name}-*.png")))
    for number, page in enumerate(pages, start=1):
        with Image.open(REFERENCES / f"{name}-{number}.png") as file:
            reference = file.convert("L")
        assert page.size == reference.size
        different = np.abs(_blocks(page) - _blocks(reference))
        assert different.max() < MOST_DIFFERENT, np.unravel_index(different.argmax(), different.shape)
        assert different.mean() < DIFFERENT_IN_ALL


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("case", CASES)
def test_it_looks_as_the_references_do(case: str, paper: PageSize, tmp_path: Path) -> None:
    job = CASES[case](tmp_path)
    _looks_as(
        f"{case}-{paper}",
        _pages(render_pdf(report_words(job), Speaker(), tmp_path, paper), tmp_path, REFERENCE_DPI),
    )


# English is above.
PAPER_OF: dict[str, PageSize] = {"fr": "A5", "es": "80mm", "pt": "Letter", "sw": "A5", "hi": "80mm", "ar": "A4"}


@pytest.mark.parametrize("code", PAPER_OF)
def test_it_looks_as_the_references_do_in_each_language(code: str, tmp_path: Path) -> None:
    words = report_words(_chest(tmp_path))
    pdf = render_pdf(words, Speaker(code), tmp_path, PAPER_OF[code])
    _looks_as(f"{code}-{PAPER_OF[code]}", _pages(pdf, tmp_path, REFERENCE_DPI))
    told = subprocess.run(["pdftotext", tmp_path / "sheet.pdf", "-"], capture_output=True, check=True, text=True).stdout
    assert not re.search(r"\{\w+\}", told), "a placeholder that nobody filled"
    assert set(PAPER_OF) | {"en"} == set(LANGUAGES)


@pytest.mark.parametrize("paper", PAPERS)
def test_the_picture_with_its_finding_and_all_words_of_it_are_on_the_first_page(
    paper: PageSize, tmp_path: Path
) -> None:
    pdf = render_pdf(report_words(_chest(tmp_path)), Speaker(), tmp_path, paper)
    (tmp_path / "sheet.pdf").write_bytes(pdf)
    first = ["-l", "1", str(tmp_path / "sheet.pdf")]
    listed = subprocess.run(["pdfimages", "-list", *first], capture_output=True, check=True, text=True).stdout
    assert len(listed.splitlines()) >= 2 + 2, "the film, and what was found in it"
    text = " ".join(
        subprocess.run(["pdftotext", *first, "-"], capture_output=True, check=True, text=True).stdout.split()
    )
    for said in ("URGENT, above the urgent threshold", "is neither found nor ruled out", "Okello, Grace"):
        assert said in text


@pytest.mark.parametrize(("paper", "wide_mm"), [("A4", 100), ("A5", 80)])
def test_the_only_further_image_is_as_large_as_its_page_allows(paper: PageSize, wide_mm: int, tmp_path: Path) -> None:
    job = _two(tmp_path)
    pages = _pages(render_pdf(report_words(job), Speaker(), tmp_path, paper), tmp_path, REFERENCE_DPI)
    assert len(pages) == 2
    dark_mm = (np.asarray(pages[1]) < 250).sum(axis=1) / REFERENCE_DPI * 25.4
    assert (dark_mm > wide_mm).sum() / REFERENCE_DPI * 25.4 > wide_mm, "a picture, not a line"


def test_a_strip_of_several_images_has_its_code_near_its_top(tmp_path: Path) -> None:
    pdf = render_pdf(report_words(_several(tmp_path)), Speaker(), tmp_path, "80mm")
    (strip,) = _pages(pdf, tmp_path, 203)
    (code,) = zxingcpp.read_barcodes(strip)
    assert code.position.bottom_left.y < strip.height / 3


def test_an_exam_that_was_not_assessed_says_so_once_above_its_images(tmp_path: Path) -> None:
    job = _job(tmp_path, *[unassessed_reading()] * 5)
    (tmp_path / "sheet.pdf").write_bytes(render_pdf(report_words(job), Speaker(), tmp_path, "A4"))
    first = ["pdftotext", "-l", "1", str(tmp_path / "sheet.pdf"), "-"]
    said = subprocess.run(first, capture_output=True, check=True, text=True).stdout
    assert said.count("assessed") == 1, said


def test_a_strip_is_80_mm_wide_and_one_page_whatever_it_holds(tmp_path: Path) -> None:
    (tmp_path / "sheet.pdf").write_bytes(render_pdf(report_words(_several(tmp_path)), Speaker(), tmp_path, "80mm"))
    told = subprocess.run(["pdfinfo", tmp_path / "sheet.pdf"], capture_output=True, check=True, text=True).stdout
    assert re.search(r"Pages: +1\n", told)
    assert float(re.findall(r"Page size: +([0-9.]+) x", told)[0]) == pytest.approx(80 / 25.4 * 72, abs=0.1)


def test_a_strip_of_many_images_ends_and_has_the_one_with_the_finding(tmp_path: Path) -> None:
    job = _job(tmp_path, *[unassessed_reading()] * 100, head_reading(tmp_path))
    (tmp_path / "sheet.pdf").write_bytes(render_pdf(report_words(job), Speaker(), tmp_path, "80mm"))
    told = subprocess.run(["pdftotext", tmp_path / "sheet.pdf", "-"], capture_output=True, check=True, text=True).stdout
    assert "the 30 of 101 images that matter most" in " ".join(told.split())
    assert "Image 101 of 101" in told
    size = subprocess.run(["pdfinfo", tmp_path / "sheet.pdf"], capture_output=True, check=True, text=True).stdout
    assert float(re.findall(r"Page size: +[0-9.]+ x ([0-9.]+)", size)[0]) < 14_400


def test_a_one_film_exam_for_the_district_needs_at_most_100_kilobytes(tmp_path: Path) -> None:
    job = _chest(tmp_path)
    assert len(render_pdf(report_words(job), Speaker(), tmp_path, "A4", detail="line")) <= 100_000
    assert len(render_pdf(report_words(job), Speaker(), tmp_path, "A4")) > 100_000, (
        "which for paper would be a poor picture"
    )


def test_a_film_full_of_grain_needs_no_more(tmp_path: Path) -> None:
    job = _chest(tmp_path)
    grain = np.random.default_rng(1).normal(0, 18, (2048, 2500))
    film = np.clip((draw_chest("opaque", 1) >> 4) + grain, 0, 255).astype(np.uint8)
    save_plain(film, tmp_path / "plain-1.jpg")
    save_heatmap(film, [("Pneumonia", warm_spot(5, 1))], tmp_path / "overlay-1.jpg")
    assert len(render_pdf(report_words(job), Speaker(), tmp_path, "A4", detail="line")) <= 100_000


@pytest.mark.parametrize(("language", "images"), [("en", 8), ("hi", 2), ("en", 40)])
def test_what_goes_to_the_district_needs_no_more_whatever_it_shows(
    language: LanguageCode, images: int, tmp_path: Path
) -> None:
    """Nothing but noise in every picture, and the text twice where no native reader has reviewed it."""
    flagged = chest_reading(tmp_path)
    Image.effect_noise((1600, 1300), 120).convert("RGB").save(tmp_path / "overlay-1.jpg", quality=88)
    quiet = flagged.model_copy(
        update={"outcome": "nothing_found", "findings": (finding("Nodule", 0.1),), "overlay": None, "heatmaps": ()}
    )
    job = _job(tmp_path, *[quiet] * (images - 1), flagged)
    pdf = render_pdf(report_words(job), Speaker(language), tmp_path, "A4", detail="line")
    assert len(pdf) <= 100_000
    (tmp_path / "sheet.pdf").write_bytes(pdf)
    told = subprocess.run(["pdftotext", tmp_path / "sheet.pdf", "-"], capture_output=True, check=True, text=True).stdout
    first_page = " ".join(told.split("\f")[0].split())
    assert "Pleural effusion" in first_page or language == "hi", "what was found is shown, whatever is left out"
    if images == 40:
        assert "of 40 images that matter most" in first_page


def test_outline_and_hatching_are_seen_without_colour(tmp_path: Path) -> None:
    """In the picture that goes to paper, light and dark stand side by side along each outline, and in what is hatched
    again and again.
    """
    reading = nerve_reading(tmp_path)
    svg = picture_svg(tmp_path / "overlay-3.jpg", "finding", "paper")
    gray = _picture_in(svg)
    for found in reading.findings:
        for polygon in found.contour or ():
            for x, y in polygon:
                left, top = int(x * gray.shape[1]), int(y * gray.shape[0])
                corner = gray[max(0, top - 8) : top + 8, max(0, left - 8) : left + 8]
                assert corner.max() - corner.min() > 100, (found.name, x, y)
    vessel = gray[int(0.72 * gray.shape[0]), int(0.11 * gray.shape[1]) : int(0.18 * gray.shape[1])]
    nerve = gray[int(0.34 * gray.shape[0]), int(0.12 * gray.shape[1]) : int(0.16 * gray.shape[1])]
    assert int(vessel.max()) - int(vessel.min()) > 100, "hatched"
    assert int(nerve.max()) - int(nerve.min()) < 60, "the picture shows through"


def test_where_a_model_looked_is_outlined_without_colour(tmp_path: Path) -> None:
    chest_reading(tmp_path)
    plain, overlay = (
        _picture_in(picture_svg(tmp_path / name, "finding", "paper")) for name in ("plain-1.jpg", "overlay-1.jpg")
    )
    enlarged = Image.fromarray(plain.astype(np.uint8)).resize(overlay.shape[::-1])
    difference = overlay - np.asarray(enlarged).astype(int)
    spot = difference[int(0.64 * overlay.shape[0]) : int(0.80 * overlay.shape[0]), : int(0.42 * overlay.shape[1])]
    assert spot.max() > 100 and spot.min() < -20, "a white line within a black one"


def _picture_in(svg: bytes) -> np.ndarray:
    import base64

    content = base64.b64decode(svg.split(b"base64,")[1].split(b'"')[0])
    with Image.open(BytesIO(content)) as jpeg:
        assert jpeg.mode == "L"
        return np.asarray(jpeg).astype(int)


@pytest.mark.parametrize(("paper", "dpi"), [("A4", 150), ("A5", 150), ("80mm", 203)])
def test_the_code_is_read_from_paper_of_150_dpi(paper: PageSize, dpi: int, tmp_path: Path) -> None:
    assert 25 <= draw_code(CODE).width_mm <= 31
    pdf = render_pdf(report_words(_job(tmp_path, chest_reading(tmp_path))), Speaker(), tmp_path, paper)
    (page, *_) = _pages(pdf, tmp_path, dpi)
    page = page.resize((page.width * 150 // dpi, page.height * 150 // dpi), Image.Resampling.BILINEAR)
    assert [one.text for one in zxingcpp.read_barcodes(page.rotate(5, expand=True, fillcolor=255))] == [CODE]


def test_a_sheet_without_a_code_has_no_hole(tmp_path: Path) -> None:
    pdf = render_pdf(report_words(_job(tmp_path, chest_reading(tmp_path), code="")), Speaker(), tmp_path, "A4")
    (tmp_path / "sheet.pdf").write_bytes(pdf)
    text = subprocess.run(["pdftotext", tmp_path / "sheet.pdf", "-"], capture_output=True, check=True, text=True).stdout
    assert "Signed by this box" not in text
    assert "Okello, Grace" in text
