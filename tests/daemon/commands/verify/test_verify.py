"""`leapfrog verify`: a sheet's code and a report on disk, whole, changed, unknown, foreign."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageFilter
from typer.testing import CliRunner

from leapfrog.cli.command_line import app
from leapfrog.commands.verify.command import verify
from leapfrog.commands.verify.outcome import Outcome
from leapfrog.errors import LeapfrogError, UsageError
from leapfrog.language.speaker import Speaker
from leapfrog.processes.messages import ReportJob
from leapfrog.reader.report.study_report import render
from leapfrog.signed_summary.exam_summary import summary_of
from leapfrog.signed_summary.signing import report_signature, signed_text
from leapfrog.state.station.station_key import station_key
from leapfrog.worklist.publication import publish, put_signature
from support.readings import chest_reading, report_job


class Clinics:
    """Two boxes, Kitgum and Gulu, and a folder with the public key of Kitgum, in which a sheet was made."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.kitgum, self.gulu, self.stations = (directory / name for name in ("kitgum", "gulu", "stations"))
        for folder in (self.kitgum, self.gulu, self.stations):
            folder.mkdir()
        self.key = station_key(self.kitgum)
        (self.stations / "Kitgum.pem").write_text(self.key.public_pem)
        self.pictures = directory / "pictures"
        self.pictures.mkdir()
        reading = chest_reading(self.pictures)
        summary = summary_of([reading], exam_number="K7-42F", report_version=1, received_at="", shared=False)
        self.text = signed_text(summary, self.key.public_key, self.key.sign)
        self.job: ReportJob = report_job(self.pictures, reading, exam_number="K7-42F", code=self.text)

    def asks(self, given: str | Path, patient_id: str | None = None, *, knows_kitgum: bool = True) -> Outcome:
        """What is said in Gulu."""
        return verify(str(given), patient_id, self.stations if knows_kitgum else None, self.gulu)

    def published(self) -> Path:
        """The report.json of the exam, as Kitgum published it."""
        render(self.job)
        folder = self.directory / "2026-11-03/report"
        folder.parent.mkdir()
        publish(self.pictures, folder, 1)
        document = (folder / "report.json").read_bytes()
        put_signature(folder, report_signature(document, self.key.public_key, self.key.sign).decode())
        return folder / "report.json"


@pytest.fixture
def clinics(tmp_path: Path) -> Clinics:
    return Clinics(tmp_path)


def test_a_true_code_says_whose_it_is_what_it_holds_and_what_to_compare(clinics: Clinics) -> None:
    outcome = clinics.asks(clinics.text)
    assert outcome.trusted
    assert outcome.lines[0] == "Signed by Kitgum, and nothing in it was changed."
    assert "Exam K7-42F, version 1 of its report, exam date 2026-11-03" in outcome.lines
    assert "  FLAGGED: PLEURAL EFFUSION, INFILTRATION" in outcome.lines
    assert outcome.lines[-2].startswith(
        "Compare the exam number on the sheet: it must be K7-42F. Compare the station (Kitgum), the version of the"
        " report (1) and the exam date (2026-11-03) as well."
    ), "another box has an exam of the same number"
    assert verify(clinics.text, None, None, clinics.kitgum).lines[0].startswith("Signed by this box")


def test_the_patients_number_is_compared(clinics: Clinics) -> None:
    assert clinics.asks(clinics.text, "kit-004211").patient == "same"
    other = clinics.asks(clinics.text, "KIT-004212")
    assert (other.trusted, other.patient) == (False, "another")
    assert "Not this patient" in other.lines[-1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda text: text.replace("NODULE", "NODULES"), "this is not what Kitgum signed"),
        (lambda text: text[:100], "its end is missing or damaged"),
        (lambda _: "https://example.org", "no code of Leapfrog"),
        (lambda text: text.replace("LEAPFROG", "LEAPFR0G"), "no code of Leapfrog"),
    ],
)
def test_each_code_that_is_not_true_has_its_sentence(
    clinics: Clinics, changed: Callable[[str], str], said: str
) -> None:
    outcome = clinics.asks(changed(clinics.text))
    assert not outcome.trusted and outcome.summary is None
    assert said in outcome.lines[0]


def test_a_station_that_is_not_known_is_no_liar(clinics: Clinics) -> None:
    outcome = clinics.asks(clinics.text, knows_kitgum=False)
    assert not outcome.trusted
    assert f"signed with the key {clinics.key.id}, which is of no station that is known here" in outcome.lines[0]


def _photo(clinics: Clinics, page_size: str, dpi: int) -> Path:
    """A sheet, photographed at an angle in poor light, with 150 pixels an inch."""
    import subprocess

    from leapfrog.reader.report.pdf import render_pdf
    from support.readings import report_words

    sheet = clinics.directory / "sheet.pdf"
    sheet.write_bytes(render_pdf(report_words(clinics.job), Speaker(), clinics.pictures, page_size))  # type: ignore[arg-type]
    subprocess.run(["pdftoppm", "-r", str(dpi), "-mono", "-singlefile", sheet, sheet.with_suffix("")], check=True)
    with Image.open(sheet.with_suffix(".pbm")) as printed:
        paper = printed.convert("L")
    paper = paper.resize((paper.width * 150 // dpi, paper.height * 150 // dpi), Image.Resampling.BILINEAR)
    width, height = paper.size
    corners = (-20, 10, 15, height - 10, width + 5, height + 15, width - 10, -15)
    tilted = paper.transform(paper.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=180)
    dim = tilted.rotate(7, expand=True, fillcolor=90).filter(ImageFilter.GaussianBlur(0.7)).point(_dim)
    dim.save(photo := clinics.directory / "photo.jpg", quality=70)
    return photo


def _dim(value: int) -> int:
    return 40 + value * 6 // 10


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="pdftoppm is not installed")
@pytest.mark.parametrize(("page_size", "dpi"), [("A5", 300), ("80mm", 203)])
def test_a_photo_of_the_printed_sheet_will_do(clinics: Clinics, page_size: str, dpi: int) -> None:
    outcome = clinics.asks(_photo(clinics, page_size, dpi), "KIT-004211")
    assert outcome.trusted, outcome.lines
    assert outcome.patient == "same"


def test_a_photo_without_a_code_or_that_is_none_says_so(clinics: Clinics, tmp_path: Path) -> None:
    Image.new("RGB", (400, 300), "white").save(tmp_path / "white.png")
    assert "No code was found" in clinics.asks(tmp_path / "white.png").lines[0]
    (tmp_path / "notes.jpg").write_text("no picture")
    with pytest.raises(LeapfrogError, match="no JPEG or PNG picture"):
        clinics.asks(tmp_path / "notes.jpg")
    with pytest.raises(UsageError, match="is not a file"):
        clinics.asks(tmp_path / "missing.jpg")


def test_a_published_report_is_whole(clinics: Clinics) -> None:
    outcome = clinics.asks(clinics.published())
    assert outcome.trusted, outcome.lines
    assert outcome.lines[0] == "Signed by Kitgum, and nothing in report.json was changed."
    assert {"report.html", "report.pdf", "plain-1.jpg"} <= outcome.files.keys()
    assert clinics.asks(clinics.directory / "2026-11-03/report/report.json", "KIT-004211").patient == "same"


def test_each_change_of_a_report_on_disk_has_its_sentence(clinics: Clinics) -> None:
    path = clinics.published()
    pdf = path.with_name("report.pdf")
    whole = pdf.read_bytes()
    pdf.unlink()
    pdf.write_bytes(whole + b" ")
    assert "Do not trust report.pdf" in clinics.asks(path).lines[1]
    pdf.unlink()
    assert "report.pdf is missing." in clinics.asks(path).lines
    pdf.write_bytes(whole)
    assert clinics.asks(path).trusted
    document = path.read_bytes()
    path.unlink()
    path.write_bytes(document.replace(b"Okello", b"Othero"))
    assert "not what Kitgum signed" in clinics.asks(path).lines[0]
    path.write_bytes(document)
    path.with_name("report.json.sig").write_text("")
    assert "is damaged" in clinics.asks(path).lines[0]
    path.with_name("report.json.sig").unlink()
    outcome = clinics.asks(path)
    assert not outcome.trusted and "It is not signed" in outcome.lines[0]
    path.write_text("{}")
    with pytest.raises(UsageError, match=r"no report\.json of Leapfrog"):
        clinics.asks(path)


def test_a_report_that_lists_files_elsewhere_reads_none_of_them(clinics: Clinics, tmp_path: Path) -> None:
    path = clinics.published()
    (tmp_path / "secret").write_text("secret")
    (path.parent / "link.html").symlink_to(tmp_path / "secret")
    document = json.loads(path.read_bytes())
    for name in ("../../secret", str(tmp_path / "secret"), "link.html", "..", "a" * 300, "\ud800"):
        document["artefacts"] = [{"name": name, "sha256": "0" * 64, "byte_count": 6}]
        path.unlink()
        path.write_text(json.dumps(document))
        outcome = clinics.asks(path)
        assert outcome.files[name] == "elsewhere", name
        assert "Do not trust it: it lists something that is no file in its folder." in outcome.lines


@pytest.mark.parametrize("name", ["report.htm", "plain-2.jpg", "Report.PDF"])
def test_a_file_that_is_not_listed_and_looks_like_a_part_is_named(clinics: Clinics, name: str) -> None:
    path = clinics.published()
    path.with_name("desktop.ini").write_text("no part of a report")
    assert clinics.asks(path).trusted
    path.with_name(name).write_text("another patient's")
    outcome = clinics.asks(path)
    assert not outcome.trusted and outcome.files[name] == "unlisted"
    assert any(f"Do not trust {name}" in line and "does not list it" in line for line in outcome.lines)


@pytest.mark.timeout(20)
def test_nothing_that_has_no_end_is_read(clinics: Clinics, tmp_path: Path) -> None:
    path = clinics.published()
    pdf, signature = path.with_name("report.pdf"), path.with_name("report.json.sig")
    pdf.unlink()
    os.mkfifo(pdf)
    assert clinics.asks(path).files["report.pdf"] == "elsewhere"
    pdf.unlink()
    with pdf.open("wb") as sparse:
        sparse.truncate(300 * 10**9)
    assert clinics.asks(path).files["report.pdf"] == "elsewhere"
    signature.unlink()
    os.mkfifo(signature)
    assert clinics.asks(path).verdict == "foreign"
    signature.unlink()
    signature.mkdir()
    assert clinics.asks(path).verdict == "foreign"
    os.mkfifo(tmp_path / "fifo.json")
    for given in (tmp_path / "fifo.json", tmp_path, Path("/dev/zero"), tmp_path / "sheet.heic"):
        with pytest.raises(UsageError, match="is not a file"):
            clinics.asks(given)
    os.mkfifo(clinics.stations / "Moyo.pem")
    with pytest.raises(UsageError, match=r"Moyo\.pem is not the public key"):
        clinics.asks(path)


def test_the_text_is_read_from_a_file_and_from_stdin_too(clinics: Clinics, tmp_path: Path) -> None:
    (tmp_path / "message.txt").write_text(f"The code:\n{clinics.text}\n")
    assert clinics.asks(tmp_path / "message.txt").trusted
    settings = tmp_path / "leapfrog.toml"
    settings.write_text(f'[station]\nstate_dir = "{clinics.kitgum}"\n')
    assert CliRunner().invoke(app, ["verify", "-", "--config", str(settings)], input=clinics.text).exit_code == 0
    report = clinics.published()
    (tmp_path / "copy.json").write_bytes(b"\xef\xbb\xbf" + report.read_bytes())
    assert clinics.asks(tmp_path / "copy.json").kind == "report"


def test_the_exit_status_and_the_json_say_the_same(clinics: Clinics, tmp_path: Path) -> None:
    settings = tmp_path / "leapfrog.toml"
    settings.write_text(f'[station]\nstate_dir = "{clinics.kitgum}"\n')
    true = CliRunner().invoke(app, ["verify", clinics.text, "--config", str(settings), "--json"])
    said = json.loads(true.stdout)
    assert true.exit_code == 0
    assert (said["trusted"], said["verdict"], said["station"]) == (True, "genuine", "this box")
    assert said["summary"]["exam_number"] == "K7-42F"
    assert "number" not in said["summary"]
    assert CliRunner().invoke(app, ["verify", clinics.text[:-9], "--config", str(settings)]).exit_code == 1
