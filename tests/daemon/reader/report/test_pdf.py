"""The report on paper: the exam on the first page, and no letter lost without a sign."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typst
from PIL import Image

from leapfrog.exam import Identity, ImageReading
from leapfrog.lanes.reader_setup import READER_MEMORY_BYTES
from leapfrog.language.speaker import Speaker
from leapfrog.reader.report.characters import FONTS, undrawable
from leapfrog.reader.report.pdf import FONT_LIST, MOST_IMAGES, render_pdf
from leapfrog.reader.report.study_report import render
from support.names import NAMES
from support.readings import (
    CHEST_MODEL,
    chest_reading,
    finding,
    head_reading,
    report_job,
    report_words,
    unassessed_reading,
)

TESTS = Path(__file__).parents[3]

LANE_ENVIRONMENT = {"RAYON_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}  # as child_process.py gives it
# What would end or change a typst document that had it as source text.
TYPST_SYNTAX = '#import "x.typ" #panic() $x^2$ *b* _i_ `r` <label> @ref // c /* d */ \\ ~ -- = H + n - l [ ] { }'

pytestmark = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")


def _pdf(report_dir: Path, *readings: ImageReading, **values: object) -> Path:
    render(report_job(report_dir, *readings, **values))
    return report_dir / "report-1.pdf"


def _text(pdf: Path) -> str:
    done = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, check=True, timeout=30)
    return done.stdout.decode()


def _told(program: str, *arguments: str | Path) -> str:
    """What one of poppler's programs says. Poppler 22 complains on stderr about each tagged PDF."""
    done = subprocess.run([program, *arguments], capture_output=True, check=True, timeout=30, text=True)
    return done.stdout


def _pages(pdf: Path) -> int:
    return int(re.findall(r"Pages: +(\d+)", _told("pdfinfo", pdf))[0])


def _left_edge(pdf: Path, wanted: str) -> float:
    """Where a word begins on the paper, in points. Poppler gives the letters of a right-to-left word as they stand."""
    words = re.findall(r'<word xMin="([0-9.]+)"[^>]*>(.*?)</word>', _told("pdftotext", "-bbox", pdf, "-"))
    [left] = [left for left, word in words if sorted(filter(str.isalnum, word)) == sorted(filter(str.isalnum, wanted))]
    return float(left)


def _fresh_interpreter(program: str) -> None:
    """Run `program` as a lane would: few threads and malloc arenas."""
    imports = (
        "from pathlib import Path\n"
        "from leapfrog.language.speaker import Speaker\n"
        "from leapfrog.reader.report.pdf import render_pdf\n"
        "from support.readings import CHEST_MODEL, chest_reading, finding, report_job, report_words\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", imports + program],
        env=os.environ | LANE_ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
        capture_output=True,
        check=False,
        timeout=120,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_first_page_is_the_exam_and_every_page_says_whose_it_is(tmp_path: Path) -> None:
    readings = [unassessed_reading(), head_reading(tmp_path), chest_reading(tmp_path)]
    values = {"exam_number": "K7-42F", "made_at": "2026-11-29T12:00:00+00:00"}
    pages = [" ".join(page.split()) for page in _text(_pdf(tmp_path, *readings, **values)).split("\f")[:-1]]
    assert len(pages) == 2
    for number, page in enumerate(pages, start=1):
        for said in (
            "Okello, Grace",
            "KIT-004211",
            "Exam K7-42F",
            "Kitgum (LEAPFROG)",
            "Read by fetal-head 0.2.0, chest-findings 0.1.0 · Made 2026-11-29 12:00",
            "neither found nor ruled out",
            "This is not a diagnosis",
            f"Page {number} of 2",
        ):
            assert said in page, (said, page)
    assert "2 findings need a look: Pleural effusion, Infiltration" in pages[0]
    assert "Image 3 of 3: CR CHEST PA" in pages[0], "the image with the finding, though it came last"
    assert "1 of 3 images was not assessed" in pages[0]
    assert "This is a lateral view. Send a frontal film." in pages[1]
    assert "Head circumference 175.0 mm" in pages[1]


def test_findings_have_score_threshold_and_model(tmp_path: Path) -> None:
    lines = [line.split() for line in _text(_pdf(tmp_path, chest_reading(tmp_path))).splitlines()]
    assert ["Pleural", "effusion", "FLAGGED,", "above", "the", "threshold", "0.87", "0.41"] in lines
    assert ["Nodule", "not", "flagged,", "not", "ruled", "out", "0.11", "0.35"] in lines


def test_an_urgent_finding_is_called_so_with_its_threshold_and_a_flagged_one_is_not(tmp_path: Path) -> None:
    findings = (finding("Edema", 0.9, urgent=True, urgent_threshold=0.7), finding("Nodule"))
    text = _text(_pdf(tmp_path, chest_reading(tmp_path, findings=findings)))
    lines = [line.split() for line in text.splitlines()]
    assert ["Edema", "URGENT,", "above", "the", "urgent", "threshold", "0.90", "0.50", "0.70"] in lines
    assert ["Nodule", "FLAGGED,", "above", "the", "threshold", "0.80", "0.50"] in lines


def test_a_report_brings_its_own_fonts(tmp_path: Path) -> None:
    pdf = _pdf(tmp_path, chest_reading(tmp_path, identity=Identity(patient_name="Müller^Zoë “Žofie…”")))
    assert "Müller, Zoë “Žofie…”" in _text(pdf)
    fonts = [line.split() for line in _told("pdffonts", pdf).splitlines()[2:]]
    assert {font[0].partition("+")[2] for font in fonts} == {"NotoSans-Regular", "NotoSans-Bold"}
    assert all(font[-5:-2] == ["yes", "yes", "yes"] for font in fonts)  # embedded, a subset, with its letters named


def test_the_document_says_its_title_and_language_and_describes_its_pictures(tmp_path: Path) -> None:
    pdf = _pdf(tmp_path, head_reading(tmp_path))
    about = _told("pdfinfo", pdf)
    assert re.search(r"Title: +Leapfrog report", about)
    assert re.search(r"Tagged: +yes", about)
    assert "Okello" not in about
    assert re.search(rb"/Lang ?\(en\)", pdf.read_bytes())
    assert re.search(rb"/Alt ?\(Outline: Fetal head \(Head circumference 175.0 mm\)\)", pdf.read_bytes())


def test_the_same_content_gives_the_same_bytes_in_another_process_too(tmp_path: Path) -> None:
    job = report_job(tmp_path, chest_reading(tmp_path), head_reading(tmp_path))
    pdf = render_pdf(report_words(job), Speaker(), tmp_path, "A4")
    (tmp_path / "job.json").write_text(job.model_dump_json())
    _fresh_interpreter(
        "from leapfrog.processes.messages import ReportJob\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "job = ReportJob.model_validate_json((folder / 'job.json').read_text())\n"
        "(folder / 'again.pdf').write_bytes(render_pdf(report_words(job), Speaker(), folder, 'A4'))\n"
    )
    assert (tmp_path / "again.pdf").read_bytes() == pdf
    assert b"CreationDate" not in pdf


def test_pictures_are_gray_with_no_more_pixels_than_their_place_shows(tmp_path: Path) -> None:
    readings = [head_reading(tmp_path), *[chest_reading(tmp_path)] * 2]
    Image.linear_gradient("L").resize((1600, 1200)).convert("RGB").save(tmp_path / "overlay-1.jpg")
    for detail, longest in (("paper", 1100), ("line", 880)):
        pdf = render_pdf(report_words(report_job(tmp_path, *readings)), Speaker(), tmp_path, "A4", detail=detail)  # type: ignore[arg-type]
        (tmp_path / "sheet.pdf").write_bytes(pdf)
        listed = [line.split() for line in _told("pdfimages", "-list", tmp_path / "sheet.pdf").splitlines()[2:]]
        assert {one[6] for one in listed} == {"1"} and {one[8] for one in listed} == {"jpeg"}
        assert max(int(one[3]) for one in listed) == longest


def test_wide_pictures_stand_one_under_the_other_where_that_makes_them_larger(tmp_path: Path) -> None:
    widths = {}
    for name, reading in (("tall", chest_reading(tmp_path)), ("wide", head_reading(tmp_path))):
        listed = _told("pdfimages", "-list", _pdf(tmp_path, reading)).splitlines()[2].split()
        widths[name] = int(listed[3]) / int(listed[12])  # pixels, and pixels per inch
    assert widths["tall"] < 0.57 * 186 / 25.4 < widths["wide"]


@pytest.mark.parametrize("language", NAMES)
def test_a_name_loses_no_letter(language: str, tmp_path: Path) -> None:
    name = NAMES[language]
    text = _text(_pdf(tmp_path, unassessed_reading(identity=Identity(patient_name=name))))
    letters = set(name) - {"^"}
    missing = {letter for letter in letters if letter not in text}
    # A combined glyph may be named after its parts in another order, but what is drawn has no empty boxes.
    assert len(missing) <= len(letters) // 4, missing
    assert "[?]" not in text


def test_what_no_font_can_draw_is_shown_as_missing(tmp_path: Path) -> None:
    identity = Identity(patient_name="Yamada^Tarou=山田^太郎", patient_id="≥ 5 😀")
    text = _text(_pdf(tmp_path, unassessed_reading(identity=identity)))
    assert "Yamada, Tarou ([?], [?])" in text
    assert "≥ 5 [?]" in text


@pytest.mark.parametrize("words", ["محمد 12.5 mm علي", "משה 12.5 mm כהן"])
def test_numbers_keep_their_order_in_a_right_to_left_text(words: str, tmp_path: Path) -> None:
    pdf = _pdf(tmp_path, unassessed_reading(identity=Identity(study_description=words)))
    assert "12.5 mm" in _text(pdf)
    first, number, unit, last = (_left_edge(pdf, word) for word in words.split())
    assert last < number < unit < first


def test_a_right_to_left_value_that_ends_in_numbers_is_drawn_from_the_right(tmp_path: Path) -> None:
    pdf = _pdf(tmp_path, unassessed_reading(identity=Identity(patient_id="محمد 45", study_description="صدر 12.5 mm")))
    assert _left_edge(pdf, "45") < _left_edge(pdf, "محمد")
    assert _left_edge(pdf, "12.5") < _left_edge(pdf, "mm") < _left_edge(pdf, "صدر")


def test_names_in_an_english_sentence_keep_their_places(tmp_path: Path) -> None:
    names = ("محمد", "Smith", "حسن")
    pdf = _pdf(tmp_path, *[unassessed_reading(identity=Identity(patient_name=name)) for name in names])
    listed = _told("pdftotext", "-l", "1", "-bbox", pdf, "-")
    words = re.findall(r'<word xMin="([0-9.]+)"[^>]*>(.*?)</word>', listed)
    rightmost = [max(float(left) for left, word in words if set(name) <= set(word)) for name in sorted(names)]
    assert rightmost == sorted(rightmost), "one after the other, as the sentence lists them"


def test_typst_syntax_in_a_value_is_text_like_any_other(tmp_path: Path) -> None:
    identity = Identity(patient_name="x", patient_id=TYPST_SYNTAX, accession_number=TYPST_SYNTAX)
    readings = [
        chest_reading(tmp_path, identity=identity, findings=(finding(TYPST_SYNTAX),)),
        unassessed_reading(identity=identity, reason=TYPST_SYNTAX),
    ]
    pdf = _pdf(tmp_path, *readings, other_patient_ids=(TYPST_SYNTAX, '</svg>&amp;"}]'))
    text = " ".join(_told("pdftotext", pdf, "-").split())
    assert text.count(TYPST_SYNTAX) == 6  # conflict, headline of study and image, caption, identity, reason
    assert text.count('</svg>&amp;"}]') == 1


def test_many_findings_go_on_on_another_page_that_says_whose_it_is(tmp_path: Path) -> None:
    many = tuple(finding(f"Finding {number}") for number in range(80))
    pages = _text(_pdf(tmp_path, chest_reading(tmp_path, findings=many), head_reading(tmp_path))).split("\f")[:-1]
    assert len(pages) >= 3
    for page in pages:
        assert "Okello, Grace" in page
        assert "KIT-004211" in page
    assert ["Score" in page for page in pages[:2]] == [True, True]  # each part of the table has its heads


def test_hostile_identities_do_not_flood_the_paper(tmp_path: Path) -> None:
    wide = "W" * 5000 + " {nb}"
    identity = Identity(patient_name=wide, patient_id=wide, study_description=wide, accession_number=wide, sex=wide)
    others = tuple(f"{number} {wide}" for number in range(50))
    pdf = _pdf(tmp_path, chest_reading(tmp_path, identity=identity), other_patient_ids=others)
    assert _pages(pdf) <= 2
    assert "for even more patients" in " ".join(_text(pdf).split())


def test_letter_paper_is_letter(tmp_path: Path) -> None:
    pdf = _pdf(tmp_path, chest_reading(tmp_path), page_size="Letter")
    assert re.search(r"Page size: +612 x 792 pts", _told("pdfinfo", pdf))


def test_a_reader_keeps_nothing_of_the_reports_that_it_made(tmp_path: Path) -> None:
    for number in range(8):
        Image.effect_noise((1024, 1024), 90).save(tmp_path / f"{number}.jpg")
    _fresh_interpreter(
        f"folder = Path({str(tmp_path)!r})\n"
        "reading = chest_reading(folder, overlay=None, heatmaps=())\n"
        "sizes = []\n"
        "for number in range(8):\n"
        "    film = reading.model_copy(update={'plain': f'{number}.jpg'})\n"
        "    render_pdf(report_words(report_job(folder, film)), Speaker(), folder, 'A4')\n"
        "    status = Path('/proc/self/status').read_text().split()\n"
        "    sizes.append(int(status[status.index('RssAnon:') + 1]) // 1024)\n"
        "assert sizes[-1] - sizes[0] < 12, sizes\n"
    )


@pytest.mark.slow
def test_a_study_of_300_images_leaves_a_reader_memory_for_images(tmp_path: Path) -> None:
    Image.new("RGB", (1024, 1024)).save(tmp_path / "black.jpg")
    for number in range(300):
        (tmp_path / f"{number}.jpg").write_bytes((tmp_path / "black.jpg").read_bytes() + str(number).encode())
    _fresh_interpreter(
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({READER_MEMORY_BYTES}, {READER_MEMORY_BYTES}))\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "reading = chest_reading(folder, findings=(finding('Nodule'),) * 14, overlay=None)\n"
        "readings = [reading.model_copy(update={'plain': f'{number}.jpg'}) for number in range(300)]\n"
        "sizes = []\n"
        "for version in (1, 2, 3):\n"
        "    render_pdf(report_words(report_job(folder, *readings, version=version)), Speaker(), folder, 'A4')\n"
        "    sizes.append(int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize())\n"
        f"assert sizes[0] < {READER_MEMORY_BYTES // 2}, sizes\n"
        "assert sizes[2] < 1.2 * sizes[0], sizes\n"
    )


def test_a_study_of_more_images_than_anybody_prints_has_those_that_matter_and_says_so(tmp_path: Path) -> None:
    pdf = _pdf(tmp_path, *[unassessed_reading()] * (MOST_IMAGES + 2))
    assert _pages(pdf) < MOST_IMAGES / 9
    first, *_ = _text(pdf).split("\f")
    assert f"the {MOST_IMAGES} of {MOST_IMAGES + 2} images that matter most" in " ".join(first.split())


def test_a_picture_that_vanishes_while_the_pdf_is_made_is_a_disk_error(tmp_path: Path) -> None:
    job = report_job(tmp_path, head_reading(tmp_path))
    (tmp_path / "plain-2.jpg").unlink()
    with pytest.raises(FileNotFoundError):
        render_pdf(report_words(job), Speaker(), tmp_path, "A4")


def test_a_damaged_picture_file_costs_only_the_picture(tmp_path: Path) -> None:
    reading = head_reading(tmp_path)
    (tmp_path / "plain-2.jpg").write_bytes((tmp_path / "plain-2.jpg").read_bytes()[:700])
    assert "Head circumference 175.0 mm" in _text(_pdf(tmp_path, reading))


def test_every_font_is_used_and_all_are_small() -> None:
    families = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS]).families()
    named = re.findall(r'"((?:Noto|DejaVu) Sans[^"]*)"', FONT_LIST.read_text())
    assert sorted(named) == sorted(families)
    assert sum(path.stat().st_size for path in FONTS.glob("*.ttf")) < 2_500_000
    assert {path.name for path in FONTS.glob("*.txt")} == {"OFL.txt", "DejaVu-LICENSE.txt"}


def test_what_the_fonts_can_draw_is_read_from_them() -> None:
    drawable = "".join(NAMES.values()) + "aZ09 ≥µ·°²…“”\u200d"
    assert undrawable().search(drawable) is None
    assert undrawable().sub("[?]", "a山田b😀\uffffc") == "a[?]b[?]c"


def test_each_page_says_first_that_the_age_is_not_given_and_what_was_not_looked_for(tmp_path: Path) -> None:
    said = {"not_covered": ("Pneumothorax", "Lung mass"), "caution": "One hospital."}
    model = CHEST_MODEL.model_copy(update=said)
    quiet = chest_reading(
        tmp_path,
        findings=(finding("Nodule", 0.1),),
        outcome="nothing_found",
        model=model,
        age_not_given=True,
        view="AP",
    )
    for page in _text(_pdf(tmp_path, quiet, quiet)).split("\f")[:2]:
        said_of_it = " ".join(page.split())
        for first in ("Age not given: this reading holds for adults only", "Caution: one hospital."):
            assert said_of_it.index(first) < said_of_it.index("Nothing flagged")
        for sentence in (
            "Not covered, so neither found nor ruled out: pneumothorax, lung mass, and everything else",
            "Sent as PA (from behind), but the picture looks like AP",
        ):
            assert sentence in said_of_it


def test_a_model_that_does_not_tell_where_is_printed_with_the_film_alone(tmp_path: Path) -> None:
    flagged = (finding("Pneumonia", 0.9, shows_where=False), finding("Nodule", 0.1, shows_where=False))
    page = " ".join(_text(_pdf(tmp_path, chest_reading(tmp_path, findings=flagged, overlay=None, heatmaps=()))).split())
    assert page.count("The model does not tell where in the picture it sees this.") == 1
    assert not any(word in page.lower() for word in ("heat", "colour", "where the model looked"))
