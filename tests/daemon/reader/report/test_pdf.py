"""The report on paper: a page per image, and no letter lost without a sign."""

import shutil
import subprocess
from pathlib import Path

import pytest

from leapfrog.exam import Identity, ImageReading
from leapfrog.reader.report.study_report import render
from leapfrog.reader.report.typesetting import FONTS, SCRIPT_BLOCKS
from support.readings import chest_reading, head_reading, report_job, unassessed_reading

NAMES = {
    "Amharic": "አበበ^በቀለ",
    "Hindi": "राम^कुमार",
    "Bengali": "রহিম^করিম",
    "Burmese": "အောင်^ဆန်း",
    "Khmer": "សុខ^វណ្ណា",
    "Lao": "ສົມ^ພອນ",
    "Thai": "สมชาย^ใจดี",
    "Tamil": "குமார்^ராஜா",
    "Telugu": "రామ^కృష్ణ",
    "Kannada": "ರಾಮ^ಕೃಷ್ಣ",
    "Malayalam": "രാമൻ^നായർ",
    "Sinhala": "නිමල්^පෙරේරා",
    "Gujarati": "રમેશ^પટેલ",
    "Punjabi": "ਗੁਰ^ਸਿੰਘ",
    "Odia": "ରାମ^ଦାସ",
    "Arabic": "محمد^علي",
    "Hebrew": "משה^כהן",
    "Russian": "Иванова^Анна",
    "Vietnamese": "Nguyễn^Thị Hằng",
    "Polish": "Żółć^Łukasz",
}

pytestmark = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")


def _pdf(report_dir: Path, *readings: ImageReading, **values: object) -> Path:
    render(report_job(report_dir, *readings, **values))
    return report_dir / "report-1.pdf"


def _text(pdf: Path) -> str:
    done = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, check=True, timeout=30)
    return done.stdout.decode()


def _fonts(pdf: Path) -> str:
    return subprocess.run(["pdffonts", str(pdf)], capture_output=True, check=True, timeout=30, text=True).stdout


def test_each_image_has_a_page_that_stands_alone(tmp_path: Path) -> None:
    readings = [chest_reading(tmp_path), unassessed_reading(), head_reading(tmp_path)]
    pages = _text(_pdf(tmp_path, *readings)).split("\f")[:-1]
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert "Okello, Grace" in page
        assert "KIT-004211" in page
        assert "This is not a diagnosis" in page
        assert f"Page {number} of 3" in page
    assert "FLAGGED" in pages[0]
    assert "1 of 3 images was not assessed" in pages[0]
    assert "This is a lateral view. Send a frontal film." in pages[1]
    assert "Head circumference 175.0 mm" in pages[2]


def test_findings_have_score_threshold_and_model(tmp_path: Path) -> None:
    lines = [line.split() for line in _text(_pdf(tmp_path, chest_reading(tmp_path))).splitlines()]
    assert ["Pleural", "effusion", "FLAGGED", "0.87", "0.41"] in lines
    assert ["Nodule", "not", "flagged", "0.11", "0.35"] in lines


def test_a_latin_report_embeds_no_font(tmp_path: Path) -> None:
    pdf = _pdf(tmp_path, chest_reading(tmp_path, identity=Identity(patient_name="Müller^Zoë “Žofie…”")))
    assert "Müller, Zoë “Žofie…”" in _text(pdf)
    assert "TrueType" not in _fonts(pdf)


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


def test_numbers_keep_their_order_in_a_right_to_left_text(tmp_path: Path) -> None:
    text = _text(_pdf(tmp_path, unassessed_reading(identity=Identity(study_description="محمد 12.5 mm علي"))))
    assert "12.5 mm" in text


def test_hostile_identities_do_not_flood_the_paper(tmp_path: Path) -> None:
    wide = "W" * 5000 + " {nb}"
    identity = Identity(patient_name=wide, patient_id=wide, study_description=wide, accession_number=wide, sex=wide)
    others = tuple(f"{number} {wide}" for number in range(50))
    pdf = _pdf(tmp_path, chest_reading(tmp_path, identity=identity), other_patient_ids=others)
    assert "Page 2 of 2" in _text(pdf)
    assert "And 45 more." in _text(pdf)


def test_letter_paper_is_letter(tmp_path: Path) -> None:
    pdf = _pdf(tmp_path, chest_reading(tmp_path), page_size="Letter")
    assert b"/MediaBox [0 0 612.00 792.00]" in pdf.read_bytes()


def test_every_script_has_its_font_and_all_are_small() -> None:
    shipped = {path.stem: path.stat().st_size for path in FONTS.glob("*.ttf")}
    assert set(SCRIPT_BLOCKS) <= set(shipped)
    assert sum(shipped.values()) < 2_500_000
    assert {path.name for path in FONTS.glob("*.txt")} == {"OFL.txt", "DejaVu-LICENSE.txt"}
