"""What a district is told of what needs attention names no exam, machine, file or folder."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leapfrog.control.own_state.told_problems import told_problems
from leapfrog.exam_number import exam_number
from leapfrog.problem import Problem
from leapfrog.settings import Settings
from leapfrog.wording.text import exams_in_brackets

SETTINGS = Settings.model_validate(
    {
        "station": {"state_dir": "/var/lib/leapfrog", "reports_dir": "/srv/Reports of Dr Banda"},
        "folder": {"paths": ["/media/Mary Banda, films"]},
        "models": {"paths": ["/opt/models"]},
    }
)


def told(what: str, **values: object) -> str:
    found = told_problems([Problem.model_validate({"what": what, **values})], SETTINGS)
    return "".join(one.what for one in found)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("3 files could not be read (exams K7-42F, CN-MP3 and others).", "3 files could not be read."),
        ("Exam K7-42F is marked.", "Exam … is marked."),
        ("The watched folder /media/Mary Banda, films cannot be read: No such file.", "The watched folder … cannot be"
         " read: No such file."),
        ("Files in /media/Mary Banda, films/1.dcm were taken.", "Files in … were taken."),
        ("The reports in /srv/Reports of Dr Banda are not shown.", "The reports in … are not shown."),
        ("The station key /var/lib/leapfrog/station/key.pem is lost.", "The station key … is lost."),
        ("/mnt/x is watched, but is not a folder.", "… is watched, but is not a folder."),
        ('The machine "DR BANDA" at 10.0.0.7 was refused.', "The machine … at 10.0.0.7 was refused."),
        ("The disk of the state directory is nearly full: 2.1 GB are free.", "The disk of the state directory is nearly"
         " full: 2.1 GB are free."),
        ("Its address https://district.example/dicom-web and HTTP/1.1 and CPU/TPU stay.", "Its address"
         " https://district.example/dicom-web and HTTP/1.1 and CPU/TPU stay."),
        ("On 2026-11-28 two-thirds of 10-minute tries failed.", "On 2026-11-28 two-thirds of 10-minute tries failed."),
        ("A line\nand\x1b[2J another.", "A line and [2J another."),
    ],
)  # fmt: skip
def test_a_sentence_is_told_without_names(what: str, expected: str) -> None:
    assert told(what) == expected


def test_what_a_machine_calls_itself_is_left_out() -> None:
    assert told("MBANDA asked whether its images are stored.", names=("MBANDA",)) == (
        "… asked whether its images are stored."
    )


@pytest.mark.parametrize("printer", ["Grace_Banda", "ipp://10.0.0.9:631/printers/Grace"])
def test_what_a_printer_is_called_is_left_out(printer: str) -> None:
    settings = Settings.model_validate({"print": {"printer": printer}})
    problem = Problem(what=f"The printer {printer} cannot be used. Nothing answers at 10.0.0.9:631.", cannot_wait=True)
    (told_of,) = told_problems([problem], settings)
    assert told_of.what == "The printer … cannot be used. Nothing answers at 10.0.0.9:631."
    assert told_of.cannot_wait


def test_what_cannot_wait_is_told_although_much_else_is_wrong() -> None:
    problems = [Problem(what=f"Thing number {number}.") for number in range(60)]
    problems.append(Problem(what="New images are refused.", cannot_wait=True))
    assert told_problems(problems, SETTINGS)[0].what == "New images are refused."


@given(st.lists(st.integers(0, 10**7).map(exam_number), max_size=8), st.sampled_from([" ", ", ", ": ", " ("]))
def test_no_exam_number_is_ever_told(numbers: list[str], between: str) -> None:
    text = told(f"What{exams_in_brackets(numbers)} of{between}{between.join(numbers)}.")
    assert not any(number in text for number in numbers)


def test_what_is_long_is_cut_and_what_is_much_is_bounded() -> None:
    problems = [Problem(what=f"{number} {'x' * 600}") for number in range(200)]
    found = told_problems([*problems, *problems], SETTINGS)
    assert len(found) == 50
    assert all(len(one.what) == 500 for one in found)


def test_the_time_is_told_with_its_offset_and_an_odd_one_not_at_all() -> None:
    times = ("2026-11-30T08:00:00+02:00", "2026-11-30T08:00:00", "", "long ago", "0001-01-01T00:00:00+14:00")
    problems = [Problem(what=f"{number}", since=since) for number, since in enumerate(times)]
    since = [one.since for one in told_problems(problems, SETTINGS)]
    assert since[0] is not None
    assert since[0].isoformat() == since[0].astimezone().isoformat()
    assert since[1] is not None
    assert since[1].tzinfo is not None
    assert since[2:] == [None, None, None]


def test_the_folders_are_those_of_every_section(tmp_path: Path) -> None:
    settings = Settings.model_validate({"district": {"client_key": str(tmp_path / "of Mary Banda")}})
    problem = Problem(what=f"{tmp_path}/of Mary Banda cannot be read.")
    assert [one.what for one in told_problems([problem], settings)] == ["… cannot be read."]
